"""Columns and conditions: chosen, made, renamed, filtered, in any order, as a slow twin has it."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import skyseries as sky
from skyseries.catalog import division
from skyseries.errors import ExecutionError, InputError, QueryError, SchemaError
from skyseries.spatial.sphere import separation_arcsec
from tests.pipelines.survey import SPECIAL_POSITIONS, same, small_parts, write_parts


@pytest.fixture
def _small_units(monkeypatch):
    """Many units even for small catalogs."""
    monkeypatch.setattr(division, "LARGEST", 30)
    monkeypatch.setattr(division, "SMALLEST", 10)


def rows_of(catalog):
    return catalog.to_arrow().to_pylist()


def epochs(curve):
    """Return a light curve as one dictionary for each epoch; none for null."""
    if curve is None:
        return []
    values = zip(*curve.values(), strict=True)
    return [dict(zip(curve, epoch, strict=True)) for epoch in values]


def curve_of(found, names):
    return {name: [epoch[name] for epoch in found] for name in names}


# -- random plans against a slow twin -----------------------------------------------------------


class Twin:
    """Rows as dictionaries, and the same verbs done one row at a time."""

    def __init__(self, rows):
        self.rows = [dict(row) for row in rows]
        self.places = [(row["ra"], row["dec"]) for row in rows]
        self.curve = "lightcurve"
        self.mag = "mag"

    @property
    def names(self):
        return list(self.rows[0])

    @property
    def fields(self):
        return list(self.rows[0][self.curve]) if self.curve else []

    def keep(self, which):
        chosen = [i for i, row in enumerate(self.rows) if which(i, row)]
        self.rows = [self.rows[i] for i in chosen]
        self.places = [self.places[i] for i in chosen]

    def change(self, function):
        for row in self.rows:
            names = list(row[self.curve])
            found = function(epochs(row[self.curve]), row)
            row[self.curve] = curve_of(found, list(found[0]) if found else names)


def object_conditions(twin):
    if "id" in twin.names:
        yield "MOD(id, 3) = 1", lambda row: row["id"] % 3 == 1
    if twin.mag:
        name = twin.mag
        yield f"{name} < 20", lambda row: row[name] is not None and row[name] < 20
        yield f"NOT {name} < 20", lambda row: row[name] is not None and not row[name] < 20
        yield f"{name} IS NULL OR {name} > 20.5", lambda row: row[name] is None or row[name] > 20.5
    if "mjd" in twin.fields:
        lc = twin.curve
        yield f"COUNT({lc}.mjd) > 3", lambda row: len(row[lc]["mjd"]) > 3
        yield (
            f"MAX({lc}.mjd) - MIN({lc}.mjd) < 50",
            lambda row: bool(row[lc]["mjd"]) and max(row[lc]["mjd"]) - min(row[lc]["mjd"]) < 50,
        )


def epoch_conditions(twin):
    lc = twin.curve
    if "band" in twin.fields:
        yield f"{lc}.band IN ('r', 'g')", lambda e, row, mine: e["band"] in "rg"
    if "flux" in twin.fields:
        yield f"{lc}.flux > 1000", lambda e, row, mine: e["flux"] > 1000
        yield (
            f"{lc}.flux >= AVG({lc}.flux)",
            lambda e, row, mine: e["flux"] >= sum(o["flux"] for o in mine) / len(mine),
        )
        if twin.mag:
            name = twin.mag
            yield (
                f"{lc}.flux > 50 * {name}",
                lambda e, row, mine: row[name] is not None and e["flux"] > 50 * row[name],
            )


def query(draw, catalog, twin):
    """Use up to two conditions of objects and of epochs, joined by AND in any order."""
    of_rows = [*object_conditions(twin)]
    of_epochs = [*epoch_conditions(twin)] if twin.curve else []
    if not of_rows + of_epochs:
        return catalog
    chosen = draw(
        st.lists(st.sampled_from(range(len(of_rows) + len(of_epochs))), min_size=1, max_size=3)
    )
    every = of_rows + of_epochs
    rows = [every[i][1] for i in chosen if i < len(of_rows)]
    inside = [every[i][1] for i in chosen if i >= len(of_rows)]
    twin.keep(lambda i, row: all(condition(row) for condition in rows))
    if inside:
        twin.change(lambda mine, row: [e for e in mine if all(c(e, row, mine) for c in inside)])
    return catalog.query(" AND ".join(f"({every[i][0]})" for i in chosen))


def assign(draw, catalog, twin):
    wanted, made = {}, {}
    if twin.mag and draw(st.booleans()):
        name = draw(st.sampled_from([twin.mag, "double_mag"]))
        old = twin.mag
        wanted[name] = f"{old} * 2 + 1"
        made[name] = lambda row: None if row[old] is None else row[old] * 2 + 1
    if "mjd" in twin.fields and draw(st.booleans()):
        lc = twin.curve
        wanted["last"] = f"MAX({lc}.mjd)"
        made["last"] = lambda row: max(row[lc]["mjd"], default=None)
    values = [{name: value(row) for name, value in made.items()} for row in twin.rows]
    if {"flux", "flux_err"} <= set(twin.fields) and draw(st.booleans()):
        lc, name = twin.curve, draw(st.sampled_from(["snr", "flux"]))
        wanted[f"{lc}.{name}"] = f"1.0 * {lc}.flux / {lc}.flux_err"
        twin.change(lambda mine, row: [e | {name: e["flux"] / e["flux_err"]} for e in mine])
        for row in twin.rows:
            row[lc].setdefault(name, [])
    for row, new in zip(twin.rows, values, strict=True):
        row.update(new)
    return catalog.assign(wanted) if wanted else catalog


def rename(draw, catalog, twin):
    names = {}
    for name in draw(st.lists(st.sampled_from(twin.names), max_size=2, unique=True)):
        names[name] = f"{name}_{len(twin.names)}"
    if len(names) == 2 and draw(st.booleans()):  # exchange two names
        names = dict(zip(names, reversed(names), strict=True))
        if twin.curve in names:
            return catalog
    twin.rows = [{names.get(k, k): v for k, v in row.items()} for row in twin.rows]
    twin.curve = names.get(twin.curve, twin.curve)
    twin.mag = names.get(twin.mag, twin.mag)
    if set(names) & set(names.values()):  # what is called "id" is another column now
        twin.mag = None
        catalog = catalog.rename(names)
        swapped = {name: f"was_{name}" for name in names}
        twin.rows = [{swapped.get(k, k): v for k, v in row.items()} for row in twin.rows]
        names = swapped
    return catalog.rename(names)


def sort(draw, catalog, twin):
    if not {"mjd", "flux"} <= set(twin.fields):
        return catalog
    by = draw(st.sampled_from([["flux DESC"], ["mjd"], ["mjd DESC", "flux"]]))

    def key(epoch):
        return [-epoch[k.split()[0]] if k.endswith("DESC") else epoch[k] for k in by]

    twin.change(lambda mine, row: sorted(mine, key=key))
    return catalog.sort_lightcurves(by, column=twin.curve)


def cut(draw, catalog, twin):
    if not twin.curve:
        return catalog
    start, stop = draw(st.none() | st.integers(-6, 6)), draw(st.none() | st.integers(-6, 6))
    step = draw(st.integers(1, 3))
    twin.change(lambda mine, row: mine[start:stop:step])
    return catalog.slice_lightcurves(start, stop, step, column=twin.curve)


def cone(draw, catalog, twin):
    ra, dec = draw(st.sampled_from(SPECIAL_POSITIONS))
    radius = draw(st.sampled_from([1.0, 200_000.0, 400_000.0]))
    near = [separation_arcsec(a, d, ra, dec) <= radius for a, d in twin.places]
    twin.keep(lambda i, row: near[i])
    return catalog.cone_search(ra, dec, radius)


def select(draw, catalog, twin):
    kept = draw(st.lists(st.sampled_from(twin.names), min_size=1, unique=True))
    paths = list(kept)
    if twin.curve in kept and draw(st.booleans()):
        some = draw(st.lists(st.sampled_from(twin.fields), min_size=1, unique=True))
        at = paths.index(twin.curve)
        paths[at : at + 1] = [f"{twin.curve}.{name}" for name in some]
        for row in twin.rows:
            row[twin.curve] = {name: row[twin.curve][name] for name in some}
    twin.rows = [{name: row[name] for name in kept} for row in twin.rows]
    twin.mag = twin.mag if twin.mag in kept else None
    twin.curve = twin.curve if twin.curve in kept else None
    return catalog.select(paths)


STEPS = (query, query, assign, rename, sort, cut, cone, select)


@pytest.mark.parametrize(("engine", "examples"), [("serial", 20), ("threads", 5), ("processes", 3)])
def test_random_plans(survey, engine, examples):
    @settings(max_examples=examples)
    @given(data=st.data())
    def check(data):
        catalog, twin = sky.open_catalog(survey.path), Twin(survey.rows)
        for step in data.draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=6)):
            if not twin.rows:
                break
            catalog = step(data.draw, catalog, twin)
        found = rows_of(catalog)
        assert same(found, twin.rows)
        assert len(catalog) == len(twin.rows)
        assert same([r for t in catalog.iter_tables() for r in t.to_pylist()], found)

    with sky.executor(engine, workers=2):
        check()


# -- every type and odd names -------------------------------------------------------------------

N = 70


def odd_table() -> pa.Table:
    rng = np.random.default_rng(1)
    curves = [
        None if i % 7 == 0 else
        {
            "mjd": [float(j) for j in range(i % 5)],
            "flux": [float(np.float32(v)) for v in rng.normal(i, 1, i % 5)],
            "band": ["gr"[j % 2] for j in range(i % 5)],
        }
        for i in range(N)
    ]  # fmt: skip
    large = pa.struct(
        [("mjd", pa.large_list(pa.float64())), ("flux", pa.large_list(pa.float32())),
         ("band", pa.large_list(pa.string()))]
    )  # fmt: skip
    start = dt.datetime(2020, 1, 1)
    times = [start + dt.timedelta(i) for i in range(N)]
    return pa.table(
        {
            "id": pa.array([2**64 - 1 - i if i % 2 else i for i in range(N)], pa.uint64()),
            "ra": rng.uniform(0, 360, N), "dec": rng.uniform(-90, 90, N),
            "edge": pa.array([-(2**63) + i if i % 2 else 2**63 - 1 - i for i in range(N)]),
            "good": pa.array([None if i % 3 == 0 else i % 2 == 0 for i in range(N)]),
            "day": pa.array([t.date() for t in times]),
            "at": pa.array(times, pa.timestamp("us")),
            "utc": pa.array(times, pa.timestamp("us", tz="UTC")),
            "price": pa.array([decimal.Decimal(i) / 4 for i in range(N)], pa.decimal128(10, 2)),
            "raw": pa.array([bytes([i]) for i in range(N)]),
            "kind": pa.array(["abc"[i % 3] for i in range(N)]).dictionary_encode(),
            "pair": pa.array([[i, i + 1] for i in range(N)]),
            "pos": pa.array([{"x": i, "y": i * 2.0} for i in range(N)]),
            "Mag": rng.normal(0, 1, N), "MAG": rng.normal(10, 1, N),
            "select": np.arange(N), "a b": np.arange(N) * 1.5, "x.y": np.arange(N),
            'say "x"': np.arange(N) % 4,
            "hole": np.where(np.arange(N) % 4 == 0, np.nan, np.arange(N)),
            "lc": pa.array(curves, large),
        }
    )  # fmt: skip


@pytest.fixture(scope="module", params=["disk", "memory"])
def odd(request, tmp_path_factory):
    """Return a catalog with columns of every type and odd names, on disk and in memory."""
    table = odd_table()
    if request.param == "memory":
        return sky.from_table(table)
    folder = tmp_path_factory.mktemp("odd")
    with small_parts():
        sky.import_catalog(
            write_parts(folder / "o", table), folder / "c", id="id", max_rows=20, progress=False,
            executor="serial",
        )  # fmt: skip
    return sky.open_catalog(folder / "c")


def true(value):
    return value is not None and bool(value)


CONDITIONS = [
    ("id = 18446744073709551614", lambda r: r["id"] == 2**64 - 2),
    ("id > 9223372036854775807", lambda r: r["id"] > 2**63 - 1),
    ("id IN (0, 18446744073709551612)", lambda r: r["id"] in (0, 2**64 - 4)),
    ("edge = -9223372036854775807", lambda r: r["edge"] == -(2**63) + 1),
    ("edge > 9223372036854775800", lambda r: r["edge"] > 2**63 - 8),
    ("edge < -9223372036854775800", lambda r: r["edge"] < -(2**63) + 8),
    ("good", lambda r: true(r["good"])),
    ("NOT good", lambda r: r["good"] is False),
    ("good IS NULL", lambda r: r["good"] is None),
    ("day = '2020-01-05'", lambda r: r["day"] == dt.date(2020, 1, 5)),
    ("at > '2020-02-01'", lambda r: r["at"] > dt.datetime(2020, 2, 1)),
    ("at <= '2020-01-03T00:00:00'", lambda r: r["at"] <= dt.datetime(2020, 1, 3)),
    ("price > 10.25", lambda r: r["price"] > decimal.Decimal("10.25")),
    ("kind = 'a'", lambda r: r["kind"] == "a"),
    ("kind IN ('a', 'c') AND kind <> 'c'", lambda r: r["kind"] == "a"),
    ("pos.x > 50", lambda r: r["pos"]["x"] > 50),
    ("Mag > 0", lambda r: r["Mag"] > 0),
    ('"MAG" > 10', lambda r: r["MAG"] > 10),
    ('"select" > 50', lambda r: r["select"] > 50),
    ('"a b" BETWEEN 30 AND 60', lambda r: 30 <= r["a b"] <= 60),
    ('"x.y" > 40', lambda r: r["x.y"] > 40),
    ('"say ""x""" = 3', lambda r: r['say "x"'] == 3),
    ("hole > 50", lambda r: r["hole"] > 50),
    ("NOT hole > 50", lambda r: r["hole"] <= 50),
    ("hole <> 3", lambda r: r["hole"] == r["hole"] and r["hole"] != 3),
    ("hole IS NULL", lambda r: r["hole"] != r["hole"]),
    ("lc IS NULL", lambda r: r["lc"] is None),
    ("COUNT(lc.mjd) = 0", lambda r: not epochs(r["lc"])),
    ("COUNT(lc.mjd) > 3 OR good", lambda r: len(epochs(r["lc"])) > 3 or true(r["good"])),
    ("MAX(lc.flux) IS NULL", lambda r: not epochs(r["lc"])),
    (
        "AVG(lc.flux - AVG(lc.flux)) < 1",
        lambda r: bool(epochs(r["lc"])),
    ),
    (
        'MAX(lc.flux - "x.y") > 1',
        lambda r: any(e["flux"] - r["x.y"] > 1 for e in epochs(r["lc"])),
    ),
    ("1 = 2", lambda r: False),
    ("1 = 1", lambda r: True),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "wanted"), CONDITIONS, ids=[c for c, _ in CONDITIONS])
def test_conditions_on_every_type(odd, condition, wanted):
    rows = rows_of(odd)
    found = odd.query(condition)
    assert same(rows_of(found), [row for row in rows if wanted(row)])
    assert len(found) == sum(wanted(row) for row in rows)


EPOCHS = [
    ("lc.flux > 10", lambda e, r, mine: e["flux"] > 10),
    ("lc.band = 'g' OR lc.mjd = 1", lambda e, r, mine: e["band"] == "g" or e["mjd"] == 1),
    ('lc.flux > "x.y"', lambda e, r, mine: e["flux"] > r["x.y"]),
    ("lc.flux > pos.x", lambda e, r, mine: e["flux"] > r["pos"]["x"]),
    ("lc.flux > hole", lambda e, r, mine: e["flux"] > r["hole"]),
    ("lc.flux = MAX(lc.flux)", lambda e, r, mine: e["flux"] == max(o["flux"] for o in mine)),
    ("lc.mjd = 0 AND good", lambda e, r, mine: e["mjd"] == 0),
    ("lc.mjd = 0 OR good", lambda e, r, mine: e["mjd"] == 0 or true(r["good"])),
]


@pytest.mark.parametrize(("condition", "wanted"), EPOCHS, ids=[c for c, _ in EPOCHS])
def test_epochs_are_filtered_and_null_light_curves_stay_null(odd, condition, wanted):
    rows = [r for r in rows_of(odd) if "AND good" not in condition or true(r["good"])]
    for row in rows:
        mine = epochs(row["lc"])
        if row["lc"] is not None:
            row["lc"] = curve_of([e for e in mine if wanted(e, row, mine)], list(row["lc"]))
    assert same(rows_of(odd.query(condition)), rows)


VALUES = [
    ("id", lambda r: r["id"]),
    ("-edge", lambda r: -r["edge"]),
    ("1", lambda r: 1),
    ("'é'", lambda r: "é"),
    ("NULL", lambda r: None),
    ("kind", lambda r: r["kind"]),
    ("UPPER(kind) || '-1'", lambda r: r["kind"].upper() + "-1"),
    ("day", lambda r: r["day"]),
    ("good", lambda r: r["good"]),
    ("pos", lambda r: r["pos"]),
    ("pos.y / 2", lambda r: r["pos"]["y"] / 2),
    ("pair", lambda r: r["pair"]),
    ('"x.y" * 2', lambda r: r["x.y"] * 2),
    ("COALESCE(hole, -1)", lambda r: -1.0 if r["hole"] != r["hole"] else r["hole"]),
    ("COUNT(lc.mjd)", lambda r: len(epochs(r["lc"]))),
    ("COUNT(DISTINCT lc.band)", lambda r: len({e["band"] for e in epochs(r["lc"])})),
    ("FIRST(lc.band)", lambda r: next((e["band"] for e in epochs(r["lc"])), None)),
    ("MAX(lc.mjd) + MAG", lambda r: max(r["lc"]["mjd"]) + r["MAG"] if epochs(r["lc"]) else None),
    ("lc", lambda r: r["lc"]),
]


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_values_of_every_type(odd, text, value):
    text = text.replace("MAG", '"MAG"')
    made = odd.assign(new=text)
    table = made.to_arrow()
    assert table.schema.equals(made.schema)
    assert table.column_names[-1] == "new"
    assert same(table["new"].to_pylist(), [value(row) for row in rows_of(odd)])
    assert same(table.drop_columns("new").to_pylist(), rows_of(odd))


FIELDS = [
    ("lc.flux * 2", lambda e, r, mine: e["flux"] * 2),
    ("1", lambda e, r, mine: 1),
    ('"x.y"', lambda e, r, mine: r["x.y"]),
    ("id", lambda e, r, mine: r["id"]),
    ("pos.x", lambda e, r, mine: r["pos"]["x"]),
    ("good", lambda e, r, mine: r["good"]),
    ("kind", lambda e, r, mine: r["kind"]),
    ("NULL", lambda e, r, mine: None),
    ("UPPER(lc.band)", lambda e, r, mine: e["band"].upper()),
    ("lc.mjd - MIN(lc.mjd)", lambda e, r, mine: e["mjd"] - min(o["mjd"] for o in mine)),
    ("COUNT(lc.mjd)", lambda e, r, mine: len(mine)),
]


@pytest.mark.parametrize(("text", "value"), FIELDS, ids=[text for text, _ in FIELDS])
@pytest.mark.parametrize("name", ["new", "flux"])
def test_fields_of_light_curves(odd, text, value, name):
    rows = rows_of(odd)
    for row in rows:
        if row["lc"] is not None:
            mine = epochs(row["lc"])
            row["lc"] = row["lc"] | {name: [value(e, row, mine) for e in mine]}
    made = odd.assign({f"lc.{name}": text})
    table = made.to_arrow()
    assert table.schema.equals(made.schema)
    assert same(table.to_pylist(), rows)
    alone = made.select([f"lc.{name}"]).to_arrow()["lc"].to_pylist()
    assert same(alone, [row["lc"] and {name: row["lc"][name]} for row in rows])


def test_a_unit_of_an_expression_is_known(survey, catalog):
    made = catalog.assign(
        {"colour": "mag - 2", "lightcurve.twice": "lightcurve.flux + lightcurve.flux"}
    )
    assert made.schema.field("colour").metadata == {b"unit": b"mag"}
    inner = made.schema.field("lightcurve").type.field("twice")
    assert inner.metadata == {b"unit": b"nJy"}


# -- select, drop, rename -----------------------------------------------------------------------


def test_select_by_name_field_and_expression(survey, catalog):
    chosen = catalog.select(
        ["mag + 1 AS m", "lightcurve.flux", "id", "lightcurve.mjd", 'id - 1 as "my id"',
         "lightcurve.flux * 2 AS lightcurve.double"]
    )  # fmt: skip
    assert chosen.columns == ["m", "lightcurve", "id", "my id"]
    expected = [
        {
            "m": None if row["mag"] is None else row["mag"] + 1,
            "lightcurve": {
                "flux": row["lightcurve"]["flux"],
                "mjd": row["lightcurve"]["mjd"],
                "double": [2 * f for f in row["lightcurve"]["flux"]],
            },
            "id": row["id"],
            "my id": row["id"] - 1,
        }
        for row in survey.rows
    ]
    assert same(rows_of(chosen), expected)


def test_select_computes_from_the_columns_as_they_were(survey, catalog):
    found = catalog.select(["mag + 1 AS mag", "mag AS before"])
    assert same(
        [(r["mag"], r["before"]) for r in rows_of(found)],
        [(None if r["mag"] is None else r["mag"] + 1, r["mag"]) for r in survey.rows],
    )


def test_a_column_whose_name_looks_like_an_expression(catalog):
    named = catalog.rename({"mag": "dec AS x"})
    assert named.select(["dec AS x"]).to_arrow()["dec AS x"].null_count == 1
    assert "x" in named.select(["dec + 0 AS x"]).columns


def test_drop(survey, catalog):
    assert catalog.drop("mag").columns == [n for n in catalog.columns if n != "mag"]
    found = catalog.drop(["lightcurve.flux_err", "lightcurve.band", "ra"])
    kept = [
        {
            k: {f: v[f] for f in ("mjd", "flux")} if k == "lightcurve" else v
            for k, v in row.items()
            if k != "ra"
        }
        for row in survey.rows
    ]
    assert same(rows_of(found), kept)
    fields = [f"lightcurve.{name}" for name in survey.rows[0]["lightcurve"]]
    assert catalog.drop(fields).columns == catalog.drop("lightcurve").columns
    with pytest.raises(InputError, match="no column would be left"):
        catalog[["id"]].drop("id")


def test_rename_moves_roles_and_positions(survey, catalog):
    found = catalog.rename({"lightcurve": "lc", "ra": "alpha", "dec": "delta", "id": "number"})
    assert found.lightcurve_fields() == catalog.lightcurve_fields()
    near = found.cone_search(0, 0, 200_000).sort_lightcurves("flux").query("COUNT(lc.mjd) > 0")
    assert (
        len(near) == len(catalog.cone_search(0, 0, 200_000).query("COUNT(lightcurve.mjd) > 0")) > 0
    )
    key = survey.rows[40]["id"]
    assert found.id_search(key).to_arrow()["number"].to_pylist() == [key]
    exchanged = catalog.rename({"ra": "dec", "dec": "ra"})
    assert rows_of(exchanged.query("ra > 80"))[0]["ra"] > 80
    assert len(exchanged.query("ra > 80")) == sum(row["dec"] > 80 for row in survey.rows)


def test_conditions_after_columns_were_replaced_or_renamed_prune_nothing_wrong(survey, catalog):
    def number(condition):
        return sum(condition(row) for row in survey.rows)

    highest = max(row["dec"] for row in survey.rows)
    assert len(catalog.assign(dec="dec + 1000").query("dec > 1000")) == number(
        lambda r: r["dec"] > 0
    )
    assert len(catalog.rename({"dec": "ra", "ra": "dec"}).query("dec > 200")) == number(
        lambda r: r["ra"] > 200
    )
    assert highest < 200
    assert len(catalog.assign(id="id - id").query("id = 0")) == len(survey.rows)
    curves = catalog.assign({"lightcurve.flux": "-lightcurve.flux"})
    assert len(curves.query("MAX(lightcurve.flux) < 0")) == number(
        lambda r: bool(r["lightcurve"]["flux"])
    )


# -- what is wrong ------------------------------------------------------------------------------

WRONG = [
    (lambda c: c.select("magg"), SchemaError, "did you mean 'mag'"),
    (lambda c: c.select("lightcurve.mjdd"), SchemaError, "did you mean 'mjd'"),
    (lambda c: c.select("mag.x"), SchemaError, "has no fields"),
    (lambda c: c.select(["id", "id"]), SchemaError, "more than once"),
    (lambda c: c.select(["id", "mag AS id"]), SchemaError, "more than once"),
    (lambda c: c.select(["mag AS m", "ra AS m"]), SchemaError, "more than once"),
    (lambda c: c.select(["lightcurve", "lightcurve.mjd"]), SchemaError, "as a whole and by its"),
    (lambda c: c.select("magg + 1 AS m"), QueryError, "did you mean mag"),
    (lambda c: c.drop("magg"), SchemaError, "did you mean 'mag'"),
    (lambda c: c.rename({"magg": "m"}), SchemaError, "did you mean 'mag'"),
    (lambda c: c.rename({"mag": "id"}), SchemaError, "two columns 'id'"),
    (lambda c: c.rename({"lightcurve.mjd": "t"}), InputError, "is a field of a light curve"),
    (lambda c: c.rename({"mag": "lightcurve.mag"}), SchemaError, "look like a field"),
    (lambda c: c.rename({"mag": "lc.x", "lightcurve": "lc"}), SchemaError, "look like a field"),
    (lambda c: c.query("magg > 1"), QueryError, "did you mean mag"),
    (lambda c: c.query("lightcurve.mag > 1"), QueryError, "no column lightcurve.mag"),
    (lambda c: c.query("mag"), QueryError, "a condition is needed"),
    (lambda c: c.query(""), QueryError, "line 1"),
    (lambda c: c.query("mag > 'a'"), QueryError, "line 1"),
    (lambda c: c.query("mag % 2 = 0"), QueryError, "line 1"),
    (lambda c: c.assign(), InputError, "at least one"),
    (lambda c: c.assign(x="lightcurve.flux"), QueryError, "name it 'lightcurve.x'"),
    (lambda c: c.assign({"lightcurv.x": "1"}), SchemaError, "did you mean 'lightcurve'"),
    (lambda c: c.assign({"mag.x": "1"}), SchemaError, "no light-curve column 'mag'"),
    (lambda c: c.assign(x="y", y="1"), QueryError, "no column y"),
    (lambda c: c.sort_lightcurves("mjd UP"), InputError, "ASC or DESC"),
    (lambda c: c.sort_lightcurves([]), InputError, "at least one"),
    (lambda c: c.slice_lightcurves(1.5), InputError, "whole numbers"),
    (lambda c: c.slice_lightcurves(step=0), InputError, "1 or more"),
    (lambda c: c.assign(ra="ra + 1").cone_search(0, 0, 1), InputError, "were replaced"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_mistakes_are_told_before_anything_is_read(catalog, number):
    verb, error, text = WRONG[number]
    with pytest.raises(error, match=text):
        verb(catalog)


def test_two_light_curves_are_not_mixed(catalog):
    both = catalog.assign(other="lightcurve")
    with pytest.raises(QueryError, match="assign it as a column first"):
        both.query("lightcurve.flux > AVG(other.flux)")
    with pytest.raises(QueryError):
        both.query("lightcurve.flux > other.flux")
    with pytest.raises(QueryError, match="of other, not of lightcurve"):
        both.assign({"lightcurve.x": "other.flux"})
    with pytest.raises(SchemaError, match="several light-curve columns"):
        both.sort_lightcurves("mjd")
    means = both.assign(mean="AVG(other.flux)").query("lightcurve.flux > mean")
    one = catalog.query("lightcurve.flux > AVG(lightcurve.flux)")
    assert same(
        means.to_arrow()["lightcurve"].to_pylist(), one.to_arrow()["lightcurve"].to_pylist()
    )
    sums = both.query("COUNT(lightcurve.mjd) + COUNT(other.mjd) > 10")
    assert len(sums) == len(catalog.query("COUNT(lightcurve.mjd) > 5"))


def test_a_value_that_cannot_be_calculated_is_an_error(catalog):
    with pytest.raises((QueryError, ExecutionError), match="64 bits"):
        catalog.assign(x="id * 9007199254740993").to_arrow()
