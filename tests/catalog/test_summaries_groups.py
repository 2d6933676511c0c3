"""Groups and aggregates against NumPy over the same rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.catalog.run import moments
from skyseries.errors import InputError, QueryError, SchemaError
from tests.catalog.rows import numbers, random_table


@pytest.fixture(autouse=True)
def small_units(tune):
    """Make units so small that each summary has many."""
    tune(unit_rows=150, table_piece_rows=40)


@pytest.fixture
def cat():
    return sky.from_table(random_table(1500, 1))


@pytest.fixture
def frame(cat):
    """Return the rows along the sky, null as None, NaN as NaN."""
    return pd.DataFrame(cat.to_arrow().to_pylist(), dtype=object)


def test_aggregate_of_all_rows(cat, frame):
    row = cat.aggregate(
        n="COUNT(*)", there="COUNT(mag)", mean="AVG(mag)", std="STDDEV(mag)", low="MIN(mag)",
        high="MAX(mag)", total="SUM(mag)", median="MEDIAN(mag)", spread="MAX(k) - MIN(k)",
        ids="MAX(id)", kinds="COUNT(DISTINCT kind)",
    ).to_pylist()[0]  # fmt: skip
    mag = numbers(frame, "mag")
    assert row["n"] == len(frame)
    assert row["there"] == len(mag)
    assert row["mean"] == pytest.approx(mag.mean(), rel=1e-13)
    assert row["std"] == pytest.approx(mag.std(ddof=1), rel=1e-12)
    assert (row["low"], row["high"]) == (mag.min(), mag.max())
    assert row["total"] == pytest.approx(mag.sum(), rel=1e-13)
    assert row["median"] == np.median(mag)
    assert row["spread"] == numbers(frame, "k").max() - numbers(frame, "k").min()
    assert row["ids"] == max(frame["id"])
    assert row["kinds"] == len(set(frame["kind"]) - {None})


@pytest.mark.parametrize(
    "condition", ["mag < 20", "mag < 17.2", "mag < -5", "k >= 0", "kind = 'b'"]
)
def test_aggregate_under_conditions(cat, frame, condition):
    pick = {
        "mag < 20": lambda r: r["mag"] is not None and r["mag"] < 20,
        "mag < 17.2": lambda r: r["mag"] is not None and r["mag"] < 17.2,
        "mag < -5": lambda r: False,
        "k >= 0": lambda r: r["k"] is not None,
        "kind = 'b'": lambda r: r["kind"] == "b",
    }[condition]
    kept = [r for r in frame.to_dict("records") if pick(r)]
    f = np.array([np.nan if r["f"] is None else r["f"] for r in kept], float)
    f = f[~np.isnan(f)]
    found = cat.query(condition).query("dec > -91").aggregate(
        n="COUNT(*)", m="AVG(f)", s="SUM(f)", lo="MIN(f)", hi="MAX(k)", sd="STDDEV(f)"
    )  # fmt: skip
    row = found.to_pylist()[0]
    assert row["n"] == len(kept)
    k = [r["k"] for r in kept if r["k"] is not None]
    if not len(f):
        assert [row[name] for name in ("m", "s", "lo", "hi", "sd")] == [None] * 5
        return
    assert row["m"] == pytest.approx(f.mean(), rel=1e-12)
    assert row["s"] == pytest.approx(f.sum(), rel=1e-12)
    assert row["lo"] == f.min()
    assert row["hi"] == max(k)
    assert row["sd"] == pytest.approx(f.std(ddof=1), rel=1e-9)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_moments_of_masked_chunks(kind):
    rng = np.random.default_rng(4)
    for trial in range(30):
        sizes = rng.integers(0, 40, rng.integers(0, 5))
        values = np.round(rng.normal(0, 9, sizes.sum())).astype(kind)
        values[rng.random(len(values)) < 0.1] = np.nan
        null = rng.random(len(values)) < (0.2 if trial % 2 else 0)
        whole = pa.array(values, mask=null, from_pandas=False)
        ends = np.cumsum(sizes)
        chunks = [whole.slice(end - size, size) for end, size in zip(ends, sizes, strict=True)]
        if len(chunks) > 1:
            chunks[1] = pa.concat_arrays([chunks[1]])  # at the beginning of a buffer of its own
        column = pa.chunked_array(chunks, whole.type)
        keep = rng.random(len(values) + 3) < 0.6
        mask = pa.array(keep).slice(3)
        for given, kept in ((mask, keep[3:]), (None, np.ones(len(values), bool))):
            left = values[kept & ~null & ~np.isnan(values)].astype(float)
            assert moments.sums(column, given) == (len(left), left.sum())
            wanted = (left.min(), left.max()) if len(left) else (None, None)
            assert moments.extremes(column, given) == wanted


def test_sums_of_plain_columns(cat, frame):
    """The quick way, which is taken where there are counts, sums and extremes only."""
    left = frame[frame["k"].map(lambda k: k is not None and k < 3)]
    row = cat.query("k < 3").aggregate(n="COUNT(*)", c="COUNT(f)", m="AVG(f)", s="SUM(mag)",
                                       lo="MIN(f)", hi="MAX(mag)").to_pylist()[0]  # fmt: skip
    f, mag = numbers(left, "f"), numbers(left, "mag")
    assert (row["n"], row["c"]) == (len(left), len(f))
    assert row["m"] == pytest.approx(f.mean(), rel=1e-12)
    assert row["s"] == pytest.approx(mag.sum(), rel=1e-12)
    assert (row["lo"], row["hi"]) == (f.min(), mag.max())
    whole = cat.query("mag > 0").aggregate(s="SUM(CAST(mag AS INTEGER))")["s"][0].as_py()
    assert whole == sum(int(np.rint(v)) for v in numbers(frame, "mag"))


def test_groups_in_the_order_of_their_keys_null_last(cat, frame):
    found = cat.group_by("kind", "k").aggregate(n="COUNT(*)", m="AVG(mag)")
    wanted = {}
    for row in frame.to_dict("records"):
        wanted.setdefault((row["kind"], row["k"]), []).append(row["mag"])
    order = sorted(
        wanted,
        key=lambda key: tuple(
            (v is None, v or 0) if i else (v is None, v or "") for i, v in enumerate(key)
        ),
    )
    assert list(zip(*(found[c].to_pylist() for c in ("kind", "k")), strict=True)) == order
    assert found["n"].to_pylist() == [len(wanted[key]) for key in order]
    for key, mean in zip(order, found["m"].to_pylist(), strict=True):
        values = [v for v in wanted[key] if v is not None and v == v]
        assert mean == (pytest.approx(np.mean(values), rel=1e-13) if values else None)


def test_group_by_an_expression(cat, frame):
    found = cat.group_by("FLOOR(mag) AS bin").aggregate(n="COUNT(*)")
    bins, counts = np.unique(np.floor(numbers(frame, "mag")), return_counts=True)
    there = [
        (b, n)
        for b, n in zip(found["bin"].to_pylist(), found["n"].to_pylist(), strict=True)
        if b == b and b is not None
    ]
    assert there == list(zip(bins, counts, strict=True))
    assert sum(found["n"].to_pylist()) == len(frame)


def test_units_and_types_of_results(cat):
    found = cat.group_by("kind").aggregate(m="AVG(mag)", n="COUNT(mag)", lo="MIN(mag)")
    assert found.schema.field("m").metadata == {b"unit": b"mag"}
    assert found.schema.field("lo").metadata == {b"unit": b"mag"}
    assert not found.schema.field("n").metadata
    assert cat.quantiles("mag").schema.field("mag").metadata == {
        b"unit": b"mag",
        b"ucd": b"phot.mag",
    }


def test_value_counts_and_unique(cat, frame):
    found = cat.value_counts("kind").to_pylist()
    wanted = pd.Series(frame["kind"].fillna("-")).value_counts()
    assert {row["kind"] or "-": row["count"] for row in found} == wanted.to_dict()
    assert [row["count"] for row in found] == sorted(wanted, reverse=True)
    assert cat.unique("kind").to_pylist() == ["a", "b", "c", "d", None]


def test_groups_over_epochs(catalog, survey):
    found = catalog.group_by("lightcurve.band").aggregate(
        n="COUNT(*)", f="AVG(lightcurve.flux)", bright="MIN(mag)"
    )
    epochs = [
        (band, flux, row["mag"])
        for row in survey.rows
        for band, flux in zip(row["lightcurve"]["band"], row["lightcurve"]["flux"], strict=True)
    ]
    assert found.column_names == ["lightcurve.band", "n", "f", "bright"]
    for row in found.to_pylist():
        mine = [(flux, mag) for band, flux, mag in epochs if band == row["lightcurve.band"]]
        assert row["n"] == len(mine)
        assert row["f"] == pytest.approx(np.mean([flux for flux, _ in mine]), rel=1e-12)
        assert row["bright"] == min(mag for _, mag in mine if mag is not None)
    assert len(found) == len({band for band, *_ in epochs})
    assert found.schema.field("f").metadata == {b"unit": b"nJy"}
    whole = catalog.aggregate(n="COUNT(*)", t="MAX(lightcurve.mjd)", epochs="lightcurve")
    assert whole.to_pylist() == [
        {"n": len(epochs), "t": max(t for row in survey.rows for t in row["lightcurve"]["mjd"])}
    ]


def test_aggregates_of_aggregates_of_light_curves(catalog, survey):
    sizes = [len(row["lightcurve"]["mjd"]) for row in survey.rows]
    found = catalog.aggregate(m="AVG(COUNT(lightcurve.mjd))", most="MAX(COUNT(lightcurve.mjd))")
    assert found.to_pylist() == [{"m": pytest.approx(np.mean(sizes)), "most": max(sizes)}]
    counts = catalog.group_by("COUNT(lightcurve.mjd) AS size").aggregate(n="COUNT(*)")
    assert counts["size"].to_pylist() == sorted(set(sizes))
    assert counts["n"].to_pylist() == [sizes.count(size) for size in sorted(set(sizes))]


def test_groups_that_cannot_be(cat, catalog):
    with pytest.raises(QueryError, match="mag"):
        cat.group_by("kind").aggregate(x="mag")
    with pytest.raises(SchemaError, match="kind"):
        cat.group_by("kind").aggregate(kind="COUNT(*)")
    with pytest.raises(InputError, match="at least one"):
        cat.aggregate()
    with pytest.raises(QueryError, match=r"epochs='lightcurve'"):
        catalog.aggregate(x="lightcurve.mjd + 1")
    with pytest.raises(InputError, match="column"):
        cat.group_by()
