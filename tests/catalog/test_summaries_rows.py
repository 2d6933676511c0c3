"""Samples, unions, duplicates and batches against the slow obvious way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries import adql
from skyseries.catalog.plan.node import RowStep
from skyseries.catalog.plan.places import Places, hashes, ordinals
from skyseries.catalog.run.duplicates import duplicate_places
from skyseries.catalog.run.expressions import per_object
from skyseries.catalog.run.run import prepare, run_units
from skyseries.errors import InputError, QueryError, SchemaError
from tests.catalog.rows import random_table


@pytest.fixture(autouse=True)
def small_units(tune):
    """Make units so small that the rows are in many."""
    tune(unit_rows=150, table_piece_rows=40)


@pytest.fixture
def cat():
    return sky.from_table(random_table(1500, 1))


def ids(catalog) -> list:
    return catalog.select(["id"]).to_arrow()["id"].to_pylist()


def chi_square_p(observed, expected) -> float:
    from scipy.stats import chi2

    statistic = float(((observed - expected) ** 2 / expected).sum())
    return float(chi2.sf(statistic, len(observed) - 1))


# ---- places


def test_ordinals_count_the_rows_of_a_cell():
    rng = np.random.default_rng(0)
    for hpx in (rng.integers(-1, 40, 200), np.sort(rng.integers(-1, 40, 200)), np.arange(9), []):
        seen: dict[int, int] = {}
        wanted = []
        for cell in (hpx := np.asarray(hpx, np.int64)).tolist():
            wanted.append(seen.get(cell, 0))
            seen[cell] = wanted[-1] + 1
        assert ordinals(hpx).tolist() == wanted


def test_places_are_found():
    rng = np.random.default_rng(1)
    hpx = np.sort(rng.integers(-1, 60, 300))
    ordinal = ordinals(hpx)
    chosen = rng.random(300) < 0.2
    places = Places.of(hpx[chosen][::-1], ordinal[chosen][::-1])
    assert np.array_equal(places.has(hpx), chosen)
    shuffled = np.concatenate([np.flatnonzero(hpx >= 30), np.flatnonzero(hpx < 30)])
    assert np.array_equal(places.has(hpx[shuffled]), chosen[shuffled])
    assert not places.has(np.arange(1000, 1010)).any()


def test_hashes_are_uniform_and_differ():
    hpx = np.repeat(np.arange(0, 4 * 25_000, 4), 2)
    for seed in (0, 1, -5, 2**70):
        found = hashes(hpx, seed)
        assert len(np.unique(found)) == len(hpx)
        counts = np.bincount((found >> np.uint64(58)).astype(int), minlength=64)
        assert chi_square_p(counts, len(hpx) / 64) > 0.01
    assert abs(np.corrcoef(hashes(hpx, 0) * 1.0, hashes(hpx, 1) * 1.0)[0, 1]) < 0.02


# ---- samples


@pytest.mark.parametrize("n", [0, 1, 100, 1500])
def test_sample_has_exactly_n_rows(cat, n):
    everything = ids(cat)
    found = ids(cat.sample(n, seed=7))
    assert len(found) == n == len(set(found))
    assert found == [id for id in everything if id in set(found)]  # along the sky
    assert found == ids(cat.sample(n, seed=7))
    assert set(found) <= set(ids(cat.sample(min(2 * n, 1500), seed=7)))
    if 0 < n < 1500:
        assert found != ids(cat.sample(n, seed=8))


def test_sample_does_not_depend_on_how_work_is_divided(cat, tune):
    found = ids(cat.sample(100)), ids(cat.sample(fraction=0.2))
    tune(unit_rows=10**6, table_piece_rows=10**6)
    assert (ids(cat.sample(100)), ids(cat.sample(fraction=0.2))) == found


def test_sample_is_uniform(cat, tune):
    """Each row is equally often in samples; those of one cell and of no position too."""
    tune(unit_rows=500)
    times = dict.fromkeys(ids(cat), 0)
    for seed in range(60):
        for id in ids(cat.sample(300, seed=seed)):
            times[id] += 1
    counts = np.array(list(times.values()))
    # a row is in k of 60 samples: binomial(60, 1/5), its variance 60/5 * 4/5
    statistic = ((counts - 12) ** 2).sum() / 9.6
    from scipy.stats import chi2

    assert min(chi2.sf(statistic, 1499), chi2.cdf(statistic, 1499)) > 0.01


def test_sample_of_a_fraction(cat):
    everything = ids(cat)
    found = ids(cat.sample(fraction=0.2, seed=1))
    assert abs(len(found) - 300) < 4 * np.sqrt(1500 * 0.2 * 0.8)
    assert set(found) < set(ids(cat.sample(fraction=0.5, seed=1)))
    assert ids(cat.sample(fraction=0.0)) == []
    assert ids(cat.sample(fraction=1.0)) == everything
    assert ids(cat.sample(fraction=0.2, seed=1).query("k = 2")) == [
        row["id"]
        for row in cat.sample(fraction=0.2, seed=1).to_arrow().to_pylist()
        if row["k"] == 2
    ]


def test_sample_by_strata(cat):
    frame = pd.DataFrame(cat.to_arrow().to_pylist(), dtype=object)
    frame["kind"] = frame["kind"].fillna("-")
    sizes = frame["kind"].value_counts()
    found = cat.sample(50, stratify="kind").value_counts("kind")
    assert sorted(found["count"].to_pylist()) == [50] * len(sizes)
    all_ = cat.sample(10**6, stratify="kind")
    assert len(ids(all_)) == 1500  # strata have no more
    tenth = cat.sample(fraction=0.1, stratify="kind").value_counts("kind").to_pylist()
    assert {r["kind"] or "-": r["count"] for r in tenth} == {
        k: round(0.1 * n) for k, n in sizes.items()
    }
    bins = cat.sample(1, stratify=["FLOOR(mag)", "k"]).to_arrow()
    pairs = [
        (m if m is None or m != m else np.floor(m), k)
        for m, k in zip(bins["mag"].to_pylist(), bins["k"].to_pylist(), strict=True)
    ]
    pairs = [(None if m is None or m != m else m, k) for m, k in pairs]
    wanted = {
        (None if m is None or m != m else np.floor(m), None if k is None else k)
        for m, k in zip(*(cat.to_arrow()[c].to_pylist() for c in ("mag", "k")), strict=True)
    }
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == wanted


def test_sample_of_light_curves_reads_what_it_takes(catalog, survey):
    found = catalog.sample(5).to_arrow().to_pylist()
    assert len(found) == 5
    assert all(row in survey.rows for row in found)
    assert "sample 5 rows" in str(catalog.sample(5).explain())


def test_sample_that_cannot_be(cat):
    for options in ({}, {"n": 1, "fraction": 0.1}, {"fraction": 1.5}, {"n": -1}):
        with pytest.raises(InputError):
            cat.sample(**options)
    with pytest.raises(InputError, match=r"1,500 rows to take 1,501"):
        cat.sample(1501)


# ---- concat


def test_concat_is_along_the_sky(cat):
    other = sky.from_table(random_table(700, 2))
    both = cat.concat(other.select(list(reversed(cat.columns))))
    assert both.schema == cat.schema
    rows = [(part, row) for part, c in enumerate((cat, other)) for row in c.to_arrow().to_pylist()]
    hpx = np.concatenate([c._node.hpx for c in (cat, other)])
    wanted = [rows[i][1] for i in np.argsort(hpx, kind="stable")]
    assert repr(both.to_arrow().to_pylist()) == repr(wanted)
    assert len(both) == 2200
    assert both.aggregate(n="COUNT(k)").to_pylist()[0]["n"] == sum(
        row["k"] is not None for row in wanted
    )
    assert ids(both.query("mag < 19")) == [row["id"] for row in wanted if (row["mag"] or 99) < 19]


def test_concat_of_catalogs_on_disk_under_other_verbs(catalog, survey):
    both = catalog.concat(catalog.query("mag > 20"), catalog.cone_search(0, 90, 50 * 3600))
    assert both.lightcurve_columns == ["lightcurve"]
    counts = pd.Series(ids(both)).value_counts()
    bright = {row["id"] for row in survey.rows if row["mag"] is not None and row["mag"] > 20}
    near = {row["id"] for row in survey.rows if row["dec"] >= 40 + 1e-9}
    assert {id: 1 + (id in bright) + (id in near) for id in counts.index} == counts.to_dict()
    assert len(both.cone_search(0, -90, 30 * 3600)) == sum(
        1 + (row["id"] in bright) for row in survey.rows if row["dec"] < -60
    )
    assert (
        both.id_search([survey.rows[0]["id"]]).to_arrow().num_rows == counts[survey.rows[0]["id"]]
    )


def test_concat_in_a_crossmatch(catalog, tune):
    """On the right side too, where rows around each part of the sky are asked for."""
    tune(unit_rows=400)
    parts = [catalog.query(f"MOD(id, 3) = {i}") for i in range(3)]
    whole = parts[0].concat(*parts[1:])
    radius = 5 * 3600.0

    def pairs(right):
        found = catalog.crossmatch(right, radius_arcsec=radius, n_neighbors=3, suffixes=("", "_r"))
        table = found.select(["id", "id_r", "_dist_arcsec"]).to_arrow()
        return sorted(map(tuple, (row.values() for row in table.to_pylist())))

    assert pairs(whole) == pairs(catalog)
    assert pairs(whole.drop_duplicates("id")) == pairs(catalog)


def test_concat_of_different_columns(cat, catalog):
    with pytest.raises(SchemaError, match="lacks kind"):
        cat.concat(cat.drop("kind"))
    with pytest.raises(SchemaError, match="has extra besides"):
        cat.concat(cat.assign(extra="1"))
    with pytest.raises(SchemaError, match="'k' is"):
        cat.concat(cat.assign(k="1.5 * k"))
    other = random_table(5, 3)
    field = pa.field("mag", pa.float64(), metadata={"unit": "nJy"})
    other = other.set_column(other.column_names.index("mag"), field, other["mag"])
    with pytest.raises(SchemaError, match="nJy"):
        cat.concat(sky.from_table(other))
    with pytest.raises(InputError, match="Table"):
        cat.concat(other)
    assert cat.concat() is cat


# ---- duplicates


SUBSETS = ["id", "kind", "mag", ["kind", "k"], ["ra", "dec"], "FLOOR(mag) AS b", "wide", "u"]


@pytest.mark.parametrize("subset", SUBSETS, ids=str)
@pytest.mark.parametrize(("keep", "spilled"), [("first", False), ("last", False), ("last", True)])
def test_drop_duplicates(cat, subset, keep, spilled, tmp_path):
    twice = cat.concat(cat.sample(fraction=0.3))
    table = twice.to_arrow()
    keys = [subset] if isinstance(subset, str) else subset
    if keys == ["FLOOR(mag) AS b"]:
        values = [[None if v is None or v != v else np.floor(v) for v in table["mag"].to_pylist()]]
    else:
        values = [[None if v != v else v for v in table[key].to_pylist()] for key in keys]
    seen: dict = {}
    for i, key in enumerate(zip(*values, strict=True)):
        if keep == "last" or key not in seen:
            seen[key] = i
    wanted = sorted(seen.values())
    if spilled:
        texts = [key.split(" AS ")[0] for key in keys]
        expressions = [per_object(text, twice._scope()) for text in texts]
        places = duplicate_places(
            twice._node, expressions, keep, tmp_path, run_units, memory=100_000
        )
        dropped = twice.drop_duplicates(subset, keep)._node
        prepare(dropped)
        again = dropped.places.value
        assert np.array_equal(places.hpx, again.hpx)
        assert np.array_equal(places.ordinal, again.ordinal)
        return
    found = twice.drop_duplicates(subset, keep).to_arrow()
    assert repr(found.to_pylist()) == repr(table.take(wanted).to_pylist())


def test_duplicates_by_the_id_of_the_catalog(catalog, survey):
    twice = catalog.concat(catalog)
    assert len(twice) == 2 * len(survey.rows)
    single = twice.drop_duplicates()
    assert "before: duplicates by id\n" in str(single.explain())
    assert single.to_arrow().to_pylist() == survey.rows
    assert "drop 150 duplicates by id" in str(single.explain())
    assert "before: duplicates by id (done)" in str(single.explain())
    assert single.query("mag > 20").cone_search(0, 90, 60 * 3600).to_arrow().to_pylist() == [
        row for row in survey.rows if (row["mag"] or 0) > 20 and row["dec"] > 30
    ]
    with pytest.raises(InputError, match="middle"):
        catalog.drop_duplicates(keep="middle")
    with pytest.raises(QueryError, match="epoch"):
        catalog.drop_duplicates("lightcurve.mjd")


@dataclass(frozen=True)
class Forward(RowStep):
    """Leaves out at once whatever a hint allows, row by row, as a scan does by row group."""

    def describe(self):
        return "forward"

    def rows(self, area, hints):
        rows = self.child.rows(area, hints)
        for bounds in hints.conditions:
            table = rows.fetch([".".join(path) for path in bounds.paths])
            known = {
                path: adql.Statistics(column, column, None)
                for path in bounds.paths
                if (column := table.column(".".join(path)).combine_chunks()) is not None
            }
            rows = rows.take(np.flatnonzero(bounds.may_match(known, len(rows))))
        return rows


def test_places_count_rows_that_later_conditions_drop():
    table = pa.table({"id": [1, 1, 2], "ra": [5.0, 5, 5], "dec": [1.0, 1, 1], "v": [1, 2, 3]})
    cat = sky.from_table(table)
    eager = cat._with(Forward(cat._node))
    assert eager.query("v > 1").to_arrow()["v"].to_pylist() == [2, 3]
    assert ids(eager.drop_duplicates("id").query("v > 1")) == [2]
    for seed in range(20):
        sample = cat.sample(fraction=0.5, seed=seed)
        wanted = [row["id"] for row in sample.to_arrow().to_pylist() if row["v"] > 1]
        assert ids(eager.sample(fraction=0.5, seed=seed).query("v > 1")) == wanted


# ---- batches


def joined(found):
    """Return batches as rows of the catalog."""
    rows = []
    for batch in found:
        offsets = batch["lightcurve.offsets"]
        fields = [
            name.split(".")[1]
            for name in batch
            if name.startswith("lightcurve.") and name != "lightcurve.offsets"
        ]
        for i, id in enumerate(batch["id"].tolist()):
            curve = {
                f: batch[f"lightcurve.{f}"][offsets[i] : offsets[i + 1]].tolist() for f in fields
            }
            rows.append({"id": id, "lightcurve": curve})
    return rows


@pytest.mark.parametrize("size", [1, 7, 40, 150, 1000])
def test_batches_along_the_sky(catalog, survey, size):
    wanted = [{"id": row["id"], "lightcurve": row["lightcurve"]} for row in survey.rows]
    found = list(catalog.iter_batches(size, ["id", "lightcurve"]))
    assert [len(batch["id"]) for batch in found[:-1]] == [size] * (len(found) - 1)
    assert repr(joined(found)) == repr(wanted)
    arrow = list(catalog.iter_batches(size, format="arrow"))
    assert all(isinstance(batch, pa.RecordBatch) for batch in arrow)
    assert pa.Table.from_batches(arrow).to_pylist() == survey.rows


def test_shuffled_batches(catalog, survey, tune):
    tune(shuffled_unit_rows=100)
    wanted = [row["id"] for row in survey.rows]
    found = joined(
        catalog.iter_batches(50, ["id", "lightcurve.flux"], shuffle=True, seed=5, epochs=3)
    )
    epochs = [found[i : i + 150] for i in (0, 150, 300)]
    orders = [[row["id"] for row in epoch] for epoch in epochs]
    assert all(sorted(order) == sorted(wanted) and order != wanted for order in orders)
    assert orders[0] != orders[1] != orders[2]
    flux = {row["id"]: row["lightcurve"]["flux"] for row in survey.rows}
    assert all(row["lightcurve"]["flux"] == flux[row["id"]] for row in found)
    again = joined(catalog.iter_batches(30, ["id", "lightcurve.flux"], shuffle=True, seed=5))
    assert again == epochs[0]
    other = joined(catalog.iter_batches(30, ["id", "lightcurve.flux"], shuffle=True, seed=6))
    assert other != epochs[0]


def test_batches_of_nulls(cat):
    mag = np.concatenate([batch["mag"] for batch in cat.iter_batches(100, ["mag", "kind"])])
    wanted = [np.nan if v is None else v for v in cat.to_arrow()["mag"].to_pylist()]
    assert np.array_equal(mag, wanted, equal_nan=True)
    kinds = next(iter(cat.iter_batches(100, ["kind"])))["kind"]
    assert kinds.tolist() == [v or "" for v in cat.to_arrow()["kind"].to_pylist()[:100]]
    with pytest.raises(SchemaError, match="k is null"):
        list(cat.iter_batches(100, ["k"]))
    for options in ({"size": 0}, {"epochs": -1}, {"format": "csv"}):
        with pytest.raises(InputError):
            cat.iter_batches(**options)


# ---- over other verbs


def test_summaries_of_a_crossmatch(catalog, tune):
    tune(unit_rows=400)
    pairs = catalog.crossmatch(
        catalog, radius_arcsec=20 * 3600, n_neighbors=4, suffixes=("", "_r")
    ).select(["id", "mag", "id_r", "_dist_arcsec"])
    table = pairs.to_arrow()
    distance = table["_dist_arcsec"].to_numpy()
    row = pairs.query("_dist_arcsec > 0").aggregate(n="COUNT(*)", far="MAX(_dist_arcsec)")
    assert row.to_pylist() == [{"n": int((distance > 0).sum()), "far": distance.max()}]
    far = pairs.sort_values("_dist_arcsec DESC", 11)
    order = np.argsort(-distance, kind="stable")[:11]
    assert far.equals(table.take(order))
    assert pairs.quantiles("_dist_arcsec", 0.9)["_dist_arcsec"][0].as_py() == np.quantile(
        distance, 0.9
    )
    once = pairs.drop_duplicates("id")
    assert ids(once) == list(dict.fromkeys(table["id"].to_pylist()))
    sample = pairs.sample(30, seed=2).to_arrow()
    assert sample.num_rows == 30  # rows of one cell are told apart by their numbers
    rows = list(map(repr, table.to_pylist()))
    assert set(map(repr, sample.to_pylist())) <= set(rows)
    assert len(set(map(repr, sample.to_pylist()))) == 30
