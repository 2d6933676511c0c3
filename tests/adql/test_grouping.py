"""GROUP BY in pieces against pandas and against the whole."""

from __future__ import annotations

import pickle
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import GroupBy, Scope, resolve_value
from skyseries.errors import InputError, QueryError
from tests.examples import examples

_rng = np.random.default_rng(1)
N = 600
TABLE = pa.table(
    {
        "band": pa.array(_rng.choice(["g", "r", None], N)),
        "visit": pa.array(_rng.integers(0, 4, N).astype("i4")),
        "mag": np.where(_rng.random(N) < 0.1, np.nan, _rng.normal(20, 1, N)),
        "large": _rng.normal(1e6, 1, N),
        "single": pa.array(_rng.normal(0, 1, N).astype("f4")),
        "id": pa.array(_rng.integers(0, 2**63, N).astype("u8") + 2**63),
        "count": pa.array(_rng.integers(0, 9, N), mask=_rng.random(N) < 0.1),
    }
)
SCOPE = Scope.from_schema(TABLE.schema)
VALUES = {
    "n": "COUNT(*)", "n_mag": "COUNT(mag)", "sum": "SUM(mag)", "total": "SUM(count)",
    "mean": "AVG(large)", "low": "MIN(mag)", "high": "MAX(mag)", "std": "STDDEV(large)",
    "var": "VARIANCE(single)", "med": "MEDIAN(mag)", "distinct": "COUNT(DISTINCT count)",
    "first": "MIN(id)", "span": "MAX(mag) - MIN(mag)", "mean_count": "AVG(count)",
    "distinct_sum": "SUM(DISTINCT count)", "name": "MAX(band)",
}  # fmt: skip


def group(keys, values):
    names = list(values)
    found = GroupBy(
        [resolve_value(key, SCOPE) for key in keys],
        keys,
        [resolve_value(values[name], SCOPE, grouped=True) for name in names],
        names,
    )
    return pickle.loads(pickle.dumps(found))  # noqa: S301


@cache
def by_pandas(*keys):
    keys = list(keys)
    frame = TABLE.to_pandas()
    frame["single"] = frame["single"].astype("f8")
    frame["id"] = frame["id"].astype("uint64")
    whole = frame.assign(all=0)
    groups = whole.groupby(keys or ["all"], dropna=False)
    found = pd.DataFrame(
        {
            "n": groups.size(), "n_mag": groups["mag"].count(), "sum": groups["mag"].sum(),
            "total": groups["count"].sum(), "mean": groups["large"].mean(),
            "low": groups["mag"].min(), "high": groups["mag"].max(),
            "std": groups["large"].std(), "var": groups["single"].var(),
            "med": groups["mag"].median(), "distinct": groups["count"].nunique(),
            "first": groups["id"].min(), "span": groups["mag"].max() - groups["mag"].min(),
            "mean_count": groups["count"].mean(),
            "distinct_sum": groups["count"].agg(lambda x: x.dropna().unique().sum()),
            "name": groups["band"].agg(lambda x: x.dropna().max() if x.notna().any() else None),
        }
    )  # fmt: skip
    return found.reset_index(drop=not keys)


def assert_same(found, wanted):
    frame = found.to_pandas()
    frame["first"] = frame["first"].astype("uint64")
    pd.testing.assert_frame_equal(frame, wanted[list(frame)], check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize("keys", [[], ["band"], ["visit", "band"]])
def test_the_whole_agrees_with_pandas(keys):
    groups = group(keys, VALUES)
    assert_same(groups.finish(groups.partial(TABLE)), by_pandas(*keys))


@pytest.mark.parametrize("keys", [[], ["band"], ["visit", "band"]])
@examples(0.2)
@given(cuts=st.lists(st.integers(0, N), max_size=4), first=st.integers(0, 4))
def test_any_pieces_in_any_tree_give_the_whole(keys, cuts, first):
    groups = group(keys, VALUES)
    edges = [0, *sorted(cuts), N]
    parts = [groups.partial(TABLE.slice(low, high - low)) for low, high in pairwise(edges)]
    tree = groups.merge([groups.merge(parts[:first]), *parts[first:]])
    assert_same(groups.finish(tree), by_pandas(*keys))


def test_no_rows():
    keyed, whole = group(["band"], VALUES), group([], VALUES)
    assert keyed.finish(keyed.merge([])).num_rows == 0
    (row,) = whole.finish(whole.merge([])).to_pylist()
    assert row["n"] == row["n_mag"] == row["distinct"] == 0
    assert all(
        value is None for name, value in row.items() if name not in ("n", "n_mag", "distinct")
    )
    assert whole.finish(whole.merge([])).schema == whole.finish(whole.partial(TABLE)).schema


def test_expressions_of_keys_and_aggregates():
    groups = group(["FLOOR(mag)"], {"x": "FLOOR(mag) + COUNT(*)", "k": "FLOOR(mag)"})
    found = groups.finish(groups.partial(TABLE)).to_pylist()
    for row in found:
        if row["k"] is not None and row["k"] == row["k"]:
            inside = [m for m in TABLE["mag"].to_pylist() if m // 1 == row["k"]]
            assert row["x"] == row["k"] + len(inside)
    keys = [row["k"] for row in found if row["k"] is not None]
    assert keys == sorted(keys)


def test_keys_alone_are_the_distinct_ones():
    groups = group(["band"], {})
    found = groups.finish(groups.merge([groups.partial(TABLE), groups.partial(TABLE)]))
    assert found.column("band").to_pylist() == ["g", "r", None]


def test_types_of_results():
    groups = group(["visit"], VALUES)
    schema = groups.finish(groups.partial(TABLE)).schema
    assert schema.field("visit").type == pa.int32()
    assert schema.field("first").type == pa.uint64()
    assert schema.field("total").type == pa.int64()
    assert schema.field("mean").type == pa.float64()


@pytest.mark.parametrize(
    "key",
    [
        pa.array(["a", "b", None, "a"]).dictionary_encode(),
        pa.array([1, 2, None, 1], pa.timestamp("us", "UTC")),
        pa.array([1, 2, None, 1], pa.date32()),
        pa.array([1, 2, None, 1], pa.uint8()),
        pa.array([True, False, None, True]),
        pa.array(["a", "b", None, "a"], pa.large_string()),
        pa.array(np.array([1, 2, 3, 1], np.float16)),
    ],
    ids=lambda array: str(array.type),
)
def test_keys_of_any_type_come_back_in_it(key):
    table = pa.table({"key": key, "x": [1.0, 2.0, 3.0, 4.0]})
    scope = Scope.from_schema(table.schema)
    groups = GroupBy(
        [resolve_value("key", scope)],
        ["key"],
        [
            resolve_value("SUM(x)", scope, grouped=True),
            resolve_value("MAX(key)", scope, grouped=True),
        ],
        ["sum", "max"],
    )
    found = groups.finish(groups.merge([groups.partial(table), groups.merge([])]))
    assert found.schema.field("key").type == key.type
    wanted = {}
    for k, x in zip(key.to_pylist(), table["x"].to_pylist(), strict=True):
        wanted[k] = wanted.get(k, 0) + x
    assert dict(zip(found["key"].to_pylist(), found["sum"].to_pylist(), strict=True)) == wanted


@pytest.mark.parametrize(
    ("value", "words"),
    [("mag", "differs between the rows"), ("AVG(mag) + large", "differs between the rows")],
)
def test_a_value_must_be_one_per_group(value, words):
    with pytest.raises(QueryError, match=words):
        group(["band"], {"x": value})


def test_what_cannot_be_grouped():
    with pytest.raises(QueryError, match="needs an order"):
        group(["band"], {"x": "FIRST(mag)"})
    with pytest.raises(QueryError, match="another aggregate"):
        group(["band"], {"x": "AVG(AVG(mag))"})
    with pytest.raises(InputError, match="one name"):
        GroupBy([], ["a"], [], [])
    overflow = group([], {"x": "SUM(id)"})
    with pytest.raises(QueryError, match="cannot be calculated"):
        overflow.partial(TABLE)
