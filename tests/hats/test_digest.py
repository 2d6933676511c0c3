"""Digests: equal rows have equal ones, whatever the storage; other rows have others."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.hats.check.row_hash import digest, row_digests, surplus

ROW = st.fixed_dictionaries(
    {
        "id": st.none() | st.integers(-(2**63), 2**63 - 1),
        "x": st.none() | st.floats(allow_nan=True).map(lambda v: v + 0.0),
        "name": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
        "good": st.none() | st.booleans(),
        "lc": st.fixed_dictionaries(
            {
                "t": st.none() | st.lists(st.floats(-5, 5), max_size=3),
                "band": st.lists(st.none() | st.sampled_from("ugr"), max_size=3),
            }
        ),
    }
)
SCHEMA = pa.schema(
    [("id", pa.int64()), ("x", pa.float64()), ("name", pa.string()), ("good", pa.bool_()),
     ("lc", pa.struct([("t", pa.list_(pa.float64())), ("band", pa.list_(pa.string()))]))]
)  # fmt: skip
WIDE = pa.schema(
    [("id", pa.int64()), ("x", pa.float64()), ("name", pa.large_string()), ("good", pa.bool_()),
     ("lc", pa.struct([("t", pa.large_list(pa.float64())),
                       ("band", pa.large_list(pa.large_string()))]))]
)  # fmt: skip


def plain(value):
    """Return a value whose text is the same for equal values: one zero, one NaN."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return abs(value) if isinstance(value, float) and not value else value


@given(st.lists(ROW, min_size=1, max_size=12))
def test_rows_have_equal_digests_if_they_are_equal(rows):
    table = pa.Table.from_pylist(rows, SCHEMA)
    found = row_digests(table)
    by_key = {}
    for row, value in zip(rows, found.tolist(), strict=True):
        by_key.setdefault(repr(plain(row)), set()).add(value)
    assert all(len(values) == 1 for values in by_key.values())
    assert len({v for values in by_key.values() for v in values}) == len(by_key)


@given(st.lists(ROW, max_size=12), st.randoms())
def test_neither_order_nor_chunks_nor_widths_count(rows, random):
    table = pa.Table.from_pylist(rows, SCHEMA)
    found = row_digests(table)
    order = list(range(len(rows)))
    random.shuffle(order)
    np.testing.assert_array_equal(
        row_digests(table.take(pa.array(order, pa.int64()))), found[order]
    )
    half = len(rows) // 2
    parts = pa.concat_tables([table.slice(0, half), table.slice(half)])
    np.testing.assert_array_equal(row_digests(parts), found)
    np.testing.assert_array_equal(row_digests(table.slice(half)), found[half:])
    np.testing.assert_array_equal(row_digests(pa.Table.from_pylist(rows, WIDE)), found)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (pa.array([1, None, 3], pa.int8()), pa.array([1, None, 3], pa.int64())),
        (pa.array([1, 2], pa.uint8()), pa.array([1, 2], pa.uint64())),
        (pa.array([1.5, None], pa.float32()), pa.array([1.5, None], pa.float64())),
        (pa.array(["a", "b", "a"]).dictionary_encode(), pa.array(["a", "b", "a"])),
        (pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)), pa.array([[1, 2], [3, 4]])),
        (pa.chunked_array([[1], [2]]), pa.array([1, 2])),
        (pa.array([0.0, float("nan")]), pa.array([-0.0, -float("nan")])),
    ],
)
def test_the_same_values(a, b):
    np.testing.assert_array_equal(digest(a), digest(b))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([None, 0, 1], pa.int64()),
        pa.array([None, 0.0, float("nan")]),
        pa.array([None, "", "0", "\0"]),
        pa.array([None, [], [None], [0], [0, 0]], pa.list_(pa.int64())),
        pa.array([None, {"a": None}, {"a": 0}], pa.struct([("a", pa.int64())])),
        pa.array([None, 0, 1], pa.timestamp("us")),
        pa.array([None, 0, 1], pa.date32()),
        pa.array([None, True, False]),
    ],
)
def test_different_values(array):
    assert len(set(digest(array).tolist())) == len(array)


def test_empty_arrays():
    for type_ in (pa.int64(), pa.string(), pa.list_(pa.int8()), pa.null()):
        assert digest(pa.array([], type_)).shape == (0,)
    assert row_digests(SCHEMA.empty_table()).shape == (0,)


def test_columns_are_told_apart():
    a = pa.table({"a": [1], "b": [2]})
    assert row_digests(a) != row_digests(a.select(["b", "a"]))


@given(*[st.lists(st.integers(0, 5), max_size=20)] * 2)
def test_surplus(a, b):
    places = surplus(np.array(a, np.uint64), np.array(b, np.uint64))
    assert Counter(a[i] for i in places.tolist()) == Counter(a) - Counter(b)
    assert places.tolist() == sorted(set(places.tolist()))


@pytest.mark.parametrize(
    ("type_", "plain_type", "values"),
    [
        (pa.string_view(), pa.string(), ["a", None, "longer than twelve letters"]),
        (pa.binary_view(), pa.binary(), [b"a", None, b"\xff"]),
        (pa.binary(2), pa.binary(), [b"ab", None, b"\xff\xff"]),
        (pa.map_(pa.string(), pa.int64()),
         pa.list_(pa.struct([("key", pa.string()), ("value", pa.int64())])),
         [[("k", 1), ("l", None)], None, []]),
        (pa.list_(pa.float64(), 2), pa.list_(pa.float64()), [[1.0, 2.0], None, [3.0, 4.0]]),
        (pa.json_(), pa.string(), ['{"a": 1}', None, "2"]),
    ],
)  # fmt: skip
def test_types_of_other_writers_have_the_digests_of_plain_ones(type_, plain_type, values):
    pairs = [
        [dict(zip(("key", "value"), pair, strict=True)) for pair in v]
        if pa.types.is_map(type_) and v
        else v
        for v in values
    ]
    found, other = digest(pa.array(values * 2, type_)), digest(pa.array(pairs * 2, plain_type))
    assert found.tolist() == other.tolist()
    assert len(set(found.tolist())) == len(values)
    assert digest(pa.array(values * 2, type_).slice(1, 3)).tolist() == found[1:4].tolist()


def test_tensors_have_digests():
    tensor = pa.fixed_shape_tensor(pa.float64(), (2, 2))
    storage = pa.array([[1.0, 2, 3, 4], [1, 2, 3, 5]], pa.list_(pa.float64(), 4))
    found = digest(pa.ExtensionArray.from_storage(tensor, storage))
    assert found.tolist() == digest(storage).tolist()
