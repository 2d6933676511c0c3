"""Summaries against pandas and NumPy over the same rows, on every engine alike."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.catalog.run.expressions import sort_keys
from skyseries.catalog.run.fullsort import iter_sorted
from skyseries.errors import InputError, QueryError, SchemaError
from tests.catalog.rows import numbers, random_table

ENGINES = ("serial", "threads", "processes")


@pytest.fixture(autouse=True)
def small_units(tune):
    """Make units so small that each summary has many."""
    tune(unit_rows=150, table_piece_rows=40)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return random_table(1500, 1)


@pytest.fixture
def cat(table):
    return sky.from_table(table)


@pytest.fixture
def frame(cat):
    """Return the rows along the sky, null as None, NaN as NaN."""
    return pd.DataFrame(cat.to_arrow().to_pylist(), dtype=object)


# ---- order


def obvious_sort(frame, keys):
    """Return row numbers sorted by (column, ascending), NaN then null last, stable."""
    order = list(range(len(frame)))
    for name, up in reversed(keys):
        values = frame[name].tolist()
        there = [i for i in order if values[i] is not None and values[i] == values[i]]
        nan = [i for i in order if values[i] is not None and values[i] != values[i]]
        null = [i for i in order if values[i] is None]
        if up:
            there.sort(key=lambda i: values[i])
        else:
            there.sort(key=lambda i: values[i], reverse=True)  # stable in both directions
        order = [*there, *nan, *null]
    return order


SORTS = [
    ("mag", [("mag", True)]),
    ("mag DESC", [("mag", False)]),
    ("k", [("k", True)]),
    (["kind DESC", "mag"], [("kind", False), ("mag", True)]),
    (["k", "kind", "f desc"], [("k", True), ("kind", True), ("f", False)]),
]


@pytest.mark.parametrize(("by", "keys"), SORTS)
@pytest.mark.parametrize("n", [None, 0, 1, 7, 300, 10_000])
def test_sort(cat, frame, by, keys, n):
    found = cat.sort_values(by, n)
    assert found.schema == cat.schema
    wanted = [frame["id"].iloc[i] for i in obvious_sort(frame, keys)[:n]]
    assert found["id"].to_pylist() == wanted


@pytest.mark.parametrize(("by", "keys"), SORTS)
def test_sort_with_little_memory(cat, frame, by, keys, tmp_path):
    directions = True
    tables = list(iter_sorted(cat._node, *sort_keys(by, directions, cat._scope()), memory=20_000))
    assert len(tables) > 3
    ids = pa.concat_tables(tables)["id"].to_pylist()
    assert ids == [frame["id"].iloc[i] for i in obvious_sort(frame, keys)]


def test_sort_keeps_light_curves(catalog, survey):
    rows = [row for row in survey.rows if row["mag"] is not None]
    wanted = sorted(rows, key=lambda row: row["mag"])[:9]
    assert catalog.sort_values("mag", 9).to_pylist() == wanted
    most = catalog.sort_values("COUNT(lightcurve.mjd)", 4, ascending=False)
    assert most.schema == catalog.schema
    order = sorted(range(len(survey.rows)), key=lambda i: -len(survey.rows[i]["lightcurve"]["mjd"]))
    assert most.to_pylist() == [survey.rows[i] for i in order[:4]]
    everything = catalog.sort_values("COUNT(lightcurve.mjd) DESC")
    assert everything.to_pylist() == [survey.rows[i] for i in order]


def test_sort_of_what_remains(cat, frame):
    found = cat.query("k = 2").sort_values("mag DESC", 5)
    left = frame[frame["k"] == 2].reset_index(drop=True)
    assert found["id"].to_pylist() == [
        left["id"].iloc[i] for i in obvious_sort(left, [("mag", False)])[:5]
    ]
    assert cat.query("k > 99").sort_values("mag", 5).num_rows == 0
    assert cat.query("k > 99").sort_values("mag").num_rows == 0


def test_sort_that_cannot_be(cat, catalog):
    with pytest.raises(InputError, match="-1"):
        cat.sort_values("mag", -1)
    with pytest.raises(QueryError, match="epoch"):
        catalog.sort_values("lightcurve.mjd")
    with pytest.raises(InputError, match="direction"):
        cat.sort_values("mag DESC", ascending=False)
    with pytest.raises(InputError, match="2 values"):
        cat.sort_values("mag", ascending=[True, False])


# ---- quantiles and histograms


@pytest.mark.parametrize("few", [10**6, 30])
@pytest.mark.parametrize("column", ["mag", "f", "k", "u", "mag - 20", "wide"])
def test_quantiles(cat, frame, few, column, tune):
    tune(sorted_values=few)
    values = numbers(frame, "mag") - 20 if column == "mag - 20" else numbers(frame, column)
    q = [0, 0.01, 0.25, 1 / 3, 0.5, 0.999, 1]
    found = cat.quantiles(column, q)
    assert found["q"].to_pylist() == q
    assert np.array_equal(found[column].to_numpy(), np.quantile(values, q))


def test_quantiles_of_several(cat, frame):
    found = cat.query("k < 3").quantiles(["mag", "f - mag AS d"], 0.5)
    left = frame[frame["k"].map(lambda k: k is not None and k < 3)]
    assert found["mag"].to_pylist() == [np.median(numbers(left, "mag"))]
    assert found.column_names == ["q", "mag", "d"]
    assert cat.query("k > 99").quantiles("mag", [0, 1])["mag"].to_pylist() == [None, None]
    with pytest.raises(InputError, match=r"1\.5"):
        cat.quantiles("mag", 1.5)
    with pytest.raises(QueryError, match="text"):
        cat.quantiles("kind")


BINS = [(10, None), (7, (17.0, 21.0)), ([15.0, 18, 18.5, 22], None), (1, None)]


@pytest.mark.parametrize(("bins", "limits"), BINS)
@pytest.mark.parametrize("column", ["mag", "f", "k"])
def test_histogram(cat, frame, column, bins, limits):
    counts, edges = cat.histogram(column, bins, limits)
    wanted, wanted_edges = np.histogram(numbers(frame, column), bins, limits)
    assert np.array_equal(edges, wanted_edges)
    assert np.array_equal(counts, wanted)
    assert counts.dtype == np.int64


def test_histogram_where_there_is_little(cat):
    counts, edges = cat.histogram("mag", 4, condition="k > 99")
    assert (counts.tolist(), edges.tolist()) == ([0] * 4, [0, 0.25, 0.5, 0.75, 1])
    one = cat.aggregate(id="MIN(id)")["id"][0].as_py()
    counts, edges = cat.histogram("k", 3, condition=f"id = {one}")
    assert counts.sum() == 1
    with pytest.raises(InputError, match="bins=0"):
        cat.histogram("mag", 0)
    with pytest.raises(InputError, match="auto"):
        cat.histogram("mag", "auto")


def test_histogram2d(cat, frame):
    both = frame[frame["mag"].map(lambda v: v is not None and v == v) & frame["k"].notna()]
    x, y = both["mag"].to_numpy(float), both["k"].to_numpy(float)
    for bins, limits in [(5, None), ((4, [0, 1, 2.5, 9]), None), (6, ((18, 20), None))]:
        counts, *edges = cat.histogram2d("mag", "k", bins, limits)
        edges_ = [
            np.histogram(numbers(frame, name), b, r)[1]
            for name, b, r in zip(
                ("mag", "k"),
                bins if isinstance(bins, tuple) else (bins, bins),
                limits or (None, None),
                strict=True,
            )
        ]
        wanted = np.histogram2d(x, y, edges_)[0]
        assert np.array_equal(counts, wanted)
        assert all(np.array_equal(a, b) for a, b in zip(edges, edges_, strict=True))


@pytest.mark.parametrize("order", [0, 3, 13, 29])
def test_sky_histogram(cat, frame, order):
    import astropy.units as u
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import lonlat_to_healpix

    placed = frame[frame["ra"].notna() & frame["ra"].map(lambda v: v == v)]
    ra, dec = placed["ra"].to_numpy(float), placed["dec"].to_numpy(float)
    npix = lonlat_to_healpix(Longitude(ra, u.deg), Latitude(dec, u.deg), order).astype(np.int64)
    wanted, counts = np.unique(npix, return_counts=True)
    cells, found = cat.sky_histogram(order, dense=False)
    assert np.array_equal(cells, wanted)
    assert np.array_equal(found, counts)
    if order <= 3:
        assert np.array_equal(cat.sky_histogram(order), np.bincount(npix, minlength=12 * 4**order))
        weights = np.nan_to_num(np.array([np.nan if v is None else v for v in placed["f"]], float))
        sums = cat.sky_histogram(order, weights="f")
        assert sums == pytest.approx(np.bincount(npix, weights, 12 * 4**order), rel=1e-12)
        few = cat.sky_histogram(order, condition="k = 1")
        assert few.sum() == (placed["k"] == 1).sum()


def test_sky_histogram_orders(cat):
    with pytest.raises(InputError, match="dense=False"):
        cat.sky_histogram(14)
    with pytest.raises(InputError, match="30"):
        cat.sky_histogram(30, dense=False)


# ---- description


def test_describe(cat, frame, tune):
    found = {row["column"]: row for row in cat.describe().to_pylist()}
    assert list(found) == list(cat.columns)
    mag, values = found["mag"], numbers(frame, "mag")
    assert (mag["count"], mag["nulls"]) == (len(values), len(frame) - len(values))
    assert (mag["type"], mag["unit"], mag["distinct"]) == ("double", "mag", None)
    assert mag["mean"] == pytest.approx(values.mean())
    assert mag["std"] == pytest.approx(values.std(ddof=1))
    assert [mag["q25"], mag["median"], mag["q75"]] == list(np.quantile(values, [0.25, 0.5, 0.75]))
    assert (float(mag["min"]), float(mag["max"])) == (values.min(), values.max())
    assert found["id"]["max"] == str(max(frame["id"]))  # beyond 2**53
    assert (found["kind"]["distinct"], found["kind"]["min"], found["kind"]["max"]) == (4, "a", "d")
    tune(distinct_texts=3)
    assert cat.describe(["kind"])["distinct"].to_pylist() == [None]


def test_describe_leaves_light_curves_out(catalog, survey):
    found = catalog.describe()
    assert "lightcurve" not in found["column"].to_pylist()
    assert set(found["count"].to_pylist()) == {len(survey.rows), len(survey.rows) - 1}
    empty = catalog.query("mag > 99").describe()
    assert set(empty["count"].to_pylist()) == {0}
    with pytest.raises(SchemaError, match="lightcurve"):
        catalog.describe(["lightcurve"])


# ---- other types

ODD = {
    "half": pa.array(np.arange(200, dtype=np.float16)[::-1] / 4),
    "decimal": pa.array([decimal.Decimal(i % 90) / 4 for i in range(200)], pa.decimal128(22, 2)),
    "flag": pa.array([[True, False, None][i % 3] for i in range(200)]),
    "day": pa.array(np.arange(200, dtype=np.int32) % 31).cast(pa.date32()),
    "coded": pa.array(["xyz"[i % 3] * (i % 4) for i in range(200)]).dictionary_encode(),
    "raw": pa.array([b"a", b"b", None, b""] * 50),
    "byte": pa.array(np.arange(200) % 251, pa.uint8()),
}


@pytest.mark.parametrize("name", ODD)
def test_types_that_others_forget(name):
    rng = np.random.default_rng(3)
    positions = {"ra": rng.uniform(0, 360, 200), "dec": rng.uniform(-90, 90, 200)}
    cat = sky.from_table({"id": np.arange(200), **positions, "x": ODD[name]})
    values = cat.to_arrow()["x"].to_pylist()
    nulls = [i for i in range(200) if values[i] is None]
    there = [i for i in range(200) if values[i] is not None]
    order = [*sorted(there, key=lambda i: values[i]), *nulls]
    wanted = [values[i] for i in order]
    ids_ = cat.to_arrow()["id"].to_pylist()
    assert cat.sort_values("x")["id"].to_pylist() == [ids_[i] for i in order]
    assert cat.sort_values("x", 7)["id"].to_pylist() == [ids_[i] for i in order[:7]]
    keys, up = sort_keys("x", True, cat._scope())
    external = pa.concat_tables(iter_sorted(cat._node, keys, up, memory=4000))
    assert external["x"].to_pylist() == wanted
    found = cat.group_by("x").aggregate(n="COUNT(*)")
    assert len(found) == len(set(values)) == len(cat.drop_duplicates("x"))
    assert found["n"].to_pylist() == [values.count(v) for v in dict.fromkeys(wanted)]
    assert len(cat.sample(1, stratify="x")) == len(set(values))
    if name in ("half", "decimal", "byte"):
        floats = np.array([float(v) for v in values])
        assert cat.quantiles("x", 0.3)["x"].to_pylist() == [np.quantile(floats, 0.3)]
        assert np.array_equal(cat.histogram("x", 5)[0], np.histogram(floats, 5)[0])
        assert cat.aggregate(m="AVG(x)")["m"][0].as_py() == pytest.approx(floats.mean())


# ---- engines


def all_summaries(catalog):
    """Return the result of every summary."""
    mag = catalog.group_by("FLOOR(mag) AS b").aggregate(
        n="COUNT(*)", m="AVG(mag)", s="SUM(mag)", d="STDDEV(mag)"
    )
    return [
        mag,
        catalog.query("mag < 20.5").aggregate(m="AVG(mag)", s="STDDEV(mag)", t="SUM(ra)"),
        catalog.group_by("lightcurve.band").aggregate(f="AVG(lightcurve.flux)"),
        catalog.sort_values(["FLOOR(mag)", "ra DESC"], 20),
        catalog.sort_values("FLOOR(mag)").select(["id"]),
        catalog.quantiles(["mag", "ra"]),
        [a.tolist() for a in catalog.histogram("mag")],
        catalog.sky_histogram(2, weights="mag").tolist(),
        catalog.sample(20, seed=3).to_arrow(),
        catalog.sample(fraction=0.3, seed=4).select(["id"]).to_arrow(),
        catalog.sample(3, stratify="FLOOR(mag)").select(["id"]).to_arrow(),
        catalog.concat(catalog.query("mag > 20")).drop_duplicates("id").select("id").to_arrow(),
        catalog.describe(),
        [t["mag"].tolist() for t in catalog.iter_batches(40, ["mag", "id"], shuffle=True)],
    ]


def test_every_engine_gives_the_same_to_the_last_bit(catalog, tune, engines):
    tune(unit_rows=250)
    results = []
    for name in ENGINES:
        with sky.executor(engines(name)):
            results.append(all_summaries(catalog))
    for result in results[1:]:
        for one, other in zip(results[0], result, strict=True):
            if isinstance(one, pa.Table):
                one, other = one.to_pylist(), other.to_pylist()
            assert repr(one) == repr(other)  # NaN is like NaN


def test_over_one_row_and_none():
    table = random_table(40, 2)
    for rows in (table.slice(5, 1), table.slice(0, 0)):
        cat = sky.from_table(rows)
        n = rows.num_rows
        assert cat.aggregate(n="COUNT(*)").to_pylist() == [{"n": n}]
        assert cat.group_by("kind").aggregate(n="COUNT(*)").num_rows == n
        assert cat.sort_values("mag").num_rows == cat.sort_values("mag", 3).num_rows == n
        assert cat.describe()["nulls"].to_pylist()[0] == 0
        assert cat.sky_histogram(0).sum() == n
        assert cat.histogram2d("mag", "f")[0].shape == (10, 10)
        assert cat.sample(0).to_arrow().num_rows == 0
        assert cat.sample(n).to_arrow().num_rows == n
        assert cat.drop_duplicates("id").to_arrow().num_rows == n
        assert len(list(cat.iter_batches())) == n
