"""Random plans give the rows that a slow twin gives, one row at a time, on every engine."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.config import tuned
from skyseries.spatial.sphere import separation_arcsec
from tests.catalog.nodes.twin import hashes
from tests.catalog.nodes.world import Row
from tests.examples import examples
from tests.pipelines.survey import (
    SPECIAL_POSITIONS,
    primary,
    read_rows,
    same,
    small_parts,
    write_parts,
)

MANY = 250
"""Rows above which a plan is joined no more: each joins with several."""


@pytest.fixture(scope="module")
def visits(survey, tmp_path_factory):
    """Return rows that name objects, nobody or nothing, filed elsewhere, and catalogs of them.

    The first catalog has no index of these names, the second has one.
    """
    rng = np.random.default_rng(8)
    n, ids = 120, survey.objects["id"].to_numpy()
    named = rng.choice(ids[::2], n)
    named[::12] = 3
    table = pa.table(
        {
            "visit": np.arange(n) + (1 << 61), "ra": rng.uniform(0, 360, n),
            "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
            "key": pa.array(named, mask=np.arange(n) % 10 == 1),
            "t": pa.array(rng.permutation(n) / 8, mask=np.arange(n) % 17 == 1),
            "v": rng.normal(size=n),
        }
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("visits")
    catalogs = []
    for id in ("visit", "key"):
        with_names = table if id == "visit" else table.filter(pa.compute.is_valid(table["key"]))
        with small_parts():
            sky.import_catalog(
                write_parts(folder / f"of_{id}", with_names), folder / id, id=id, max_rows=60,
                margin_arcsec=None, on_repeated_id="keep", executor="serial", progress=False,
            )  # fmt: skip
        catalogs.append(sky.open_catalog(folder / id))
    rows = read_rows(primary(folder / "visit"))
    return [{k: v for k, v in row.items() if k != "_healpix_29"} for row in rows], catalogs


@pytest.fixture
def _small_units(tune):
    """Many units even for small catalogs."""
    tune(unit_rows=150, least_unit_rows=50)


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


class Twin:
    """Rows as dictionaries, and the same verbs done one row at a time."""

    def __init__(self, rows):
        self.rows = [dict(row) for row in rows]
        self.places = [(row["ra"], row["dec"]) for row in rows]
        self.cells = [row["_healpix_29"] for row in rows]
        self.id = "id"
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
        self.take(chosen, [self.rows[i] for i in chosen])

    def take(self, chosen, rows):
        """Put other values to some of the rows, which may be there more than once."""
        self.rows = rows
        self.places = [self.places[i] for i in chosen]
        self.cells = [self.cells[i] for i in chosen]

    def free(self, word):
        """Return a name that no column has."""
        return next(name for i in itertools.count() if (name := f"{word}_{i}") not in self.names)

    def change(self, function):
        for row in self.rows:
            names = list(row[self.curve])
            found = function(epochs(row[self.curve]), row)
            row[self.curve] = curve_of(found, list(found[0]) if found else names)


def object_conditions(twin):
    if twin.id:
        id = twin.id
        yield f"MOD({id}, 3) = 1", lambda row: row[id] % 3 == 1
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
    twin.id = names.get(twin.id, twin.id)
    if set(names) & set(names.values()):  # what is called "id" is another column now
        twin.mag = None
        catalog = catalog.rename(names)
        swapped = {name: f"was_{name}" for name in names}
        twin.rows = [{swapped.get(k, k): v for k, v in row.items()} for row in twin.rows]
        twin.id = swapped.get(twin.id, twin.id)
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
    twin.id = twin.id if twin.id in kept else None
    twin.curve = twin.curve if twin.curve in kept else None
    return catalog.select(paths)


def join(draw, catalog, twin):
    if not twin.id or len(twin.rows) > MANY:
        return catalog
    rows, catalogs = twin.visits
    how, size = draw(st.sampled_from(["inner", "left", "anti"])), draw(st.sampled_from([0, 10**9]))
    suffix = f"_{len(twin.names)}"
    with tuned(small_side_bytes=size):
        found = catalog.join(
            draw(st.sampled_from(catalogs)), left_on=twin.id, right_on="key", how=how,
            suffixes=("", suffix),
        )  # fmt: skip
    mine = [[r for r in rows if r["key"] == row[twin.id]] for row in twin.rows]
    if how == "anti":
        twin.keep(lambda i, row: not mine[i])
        return found
    if how == "left":
        mine = [some or [dict.fromkeys(rows[0])] for some in mine]
    taken = set(twin.names)
    chosen, joined = [], []
    for i, some in enumerate(mine):
        for other in some:
            chosen.append(i)
            named = {f"{k}{suffix}" if k in taken else k: v for k, v in other.items()}
            joined.append(twin.rows[i] | named)
    twin.take(chosen, joined)
    return found


def join_lightcurves(draw, catalog, twin):
    if not twin.id or len(twin.rows) > MANY:
        return catalog
    rows, catalogs = twin.visits
    name = twin.free("visits")
    with tuned(small_side_bytes=draw(st.sampled_from([0, 10**9]))):
        found = catalog.join_lightcurves(
            draw(st.sampled_from(catalogs)), left_on=twin.id, right_on="key", name=name,
            columns=["v", "t"], time="t", orphans="ignore",
        )  # fmt: skip
    for row in twin.rows:
        mine = [r for r in rows if r["key"] == row[twin.id]]
        mine.sort(key=lambda r: (r["t"] is None, r["t"] or 0))
        row[name] = curve_of(mine, ["v", "t"])
    return found


def quarters(value):
    return None if value is None else int(value * 4)


def last_of(times):
    return len(times), float(times.max()) if len(times) else None


def map_rows(draw, catalog, twin):
    if not twin.mag:
        return catalog
    name = twin.free("quarters")
    for row in twin.rows:
        row[name] = quarters(row[twin.mag])
    return catalog.map_rows(quarters, twin.mag, schema={name: pa.int64()})


def map_lightcurves(draw, catalog, twin):
    if "mjd" not in twin.fields:
        return catalog
    names = twin.free("n"), twin.free("last")
    for row in twin.rows:
        times = row[twin.curve]["mjd"]
        row |= zip(names, (len(times), max(times, default=None)), strict=True)
    types = dict(zip(names, (pa.int64(), pa.float64()), strict=True))
    return catalog.map_lightcurves(last_of, ["mjd"], schema=types, column=twin.curve)


def sample(draw, catalog, twin):
    fraction, seed = draw(st.sampled_from([0.0, 0.4, 0.8])), draw(st.integers(0, 3))
    values = hashes([Row(cell, 0.0, 0.0, {}) for cell in twin.cells], seed)
    twin.keep(lambda i, row: values[i] < fraction * 2**64)
    return catalog.sample(fraction=fraction, seed=seed)


def drop_duplicates(draw, catalog, twin):
    names = [name for name in (twin.id, twin.mag) if name]
    if not names:
        return catalog
    some = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    keep = draw(st.sampled_from(["first", "last"]))
    places: dict = {}
    for i, row in enumerate(twin.rows):
        places.setdefault(tuple(row[name] for name in some), []).append(i)
    kept = {found[0 if keep == "first" else -1] for found in places.values()}
    twin.keep(lambda i, row: i in kept)
    return catalog.drop_duplicates(some, keep=keep)


def id_search(draw, catalog, twin):
    if not twin.id:
        return catalog
    there = [row[twin.id] for row in twin.rows]
    ids = draw(st.lists(st.sampled_from(there) | st.integers(0, 9), min_size=1, max_size=20))
    twin.keep(lambda i, row: row[twin.id] in ids)
    return catalog.id_search(ids, twin.id)


STEPS = (
    query, query, assign, rename, sort, cut, cone, select, join, join_lightcurves, map_rows,
    map_lightcurves, sample, drop_duplicates, id_search,
)  # fmt: skip


@pytest.mark.usefixtures("_small_units")
@pytest.mark.parametrize(
    ("engine", "share"), [("serial", 0.4), ("threads", 0.1), ("processes", 0.06)]
)
def test_random_plans(survey, visits, engine, share, engines):
    @examples(share)
    @given(data=st.data())
    def check(data):
        catalog, twin = sky.open_catalog(survey.path), Twin(survey.rows)
        twin.visits = visits
        for step in data.draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=6)):
            if not twin.rows:
                break
            catalog = step(data.draw, catalog, twin)
        found = rows_of(catalog)
        assert same(found, twin.rows)
        assert len(catalog) == len(twin.rows)
        assert same([r for t in catalog.iter_tables() for r in t.to_pylist()], found)

    with sky.executor(engines(engine)):
        check()
