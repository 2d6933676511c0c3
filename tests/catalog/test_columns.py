"""Columns and conditions of every type, under odd names; what is wrong is told at once."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import ExecutionError, InputError, QueryError, SchemaError
from tests.pipelines.survey import same, small_parts, write_parts


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


def test_fields_of_structs_that_a_function_makes(catalog):
    pair = pa.struct([("a", pa.float64()), ("b", pa.int64())])
    made = catalog.map_rows(_both, ["dec", "id"], schema={"fit": pair}).query("fit.a > 0")
    found = made.assign(twice="fit.b * 2").select(["id", "twice", "dec"]).to_arrow().to_pylist()
    assert found
    assert all(row["twice"] == 2 * (row["id"] % 7) and row["dec"] > 0 for row in found)
    replaced = catalog.assign(lightcurve="lightcurve").query("lightcurve.flux > 1000")
    assert same(rows_of(replaced), rows_of(catalog.query("lightcurve.flux > 1000")))


def _both(dec, id):
    return {"fit": {"a": dec, "b": id % 7}}
