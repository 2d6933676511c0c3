"""Bytes of rows, measured against Python's own view of them; rows taken of long columns."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest

from skyseries.hats import sizes
from skyseries.hats.build.runs import Runs, write_run
from skyseries.hats.sizes import divided, row_sizes, take

WIDTH = {pa.float64(): 8, pa.float32(): 4, pa.int16(): 2, pa.bool_(): 1, pa.timestamp("us"): 8}
TEXT = ["", "a", None, "long " * 40, "ä"]
LISTS = [[1.0, 2.0], [], None, [3.0], [4.0] * 9]

COLUMNS = {
    "float": pa.array([1.0, None, 3.0, 4.0, 5.0]),
    "narrow": pa.array([1, 2, 3, None, 5], pa.int16()),
    "bool": pa.array([True, False, None, True, False]),
    "text": pa.array(TEXT),
    "large text": pa.array(TEXT, pa.large_string()),
    "view": pa.array(TEXT, pa.string_view()),
    "coded": pa.array(TEXT).dictionary_encode(),
    "binary": pa.array([None if t is None else t.encode() for t in TEXT]),
    "lists": pa.array(LISTS),
    "large lists": pa.array(LISTS, pa.large_list(pa.float32())),
    "fixed": pa.array([[1.0, 2.0]] * 4 + [None], pa.list_(pa.float64(), 2)),
    "texts": pa.array([TEXT, [], None, ["x"], TEXT[:2]]),
    "fixed texts": pa.array([["a", "bb"]] * 4 + [["c" * 30, ""]], pa.list_(pa.string(), 2)),
    "curves": pa.array([{"t": n, "b": ["g"] * len(n or [])} for n in LISTS]),
    "rows": pa.array([[{"t": x, "b": "gg"} for x in n or []] for n in LISTS]),
    "map": pa.array(
        [[("k", 1), ("key", 2)], [], None, [("k", 3)], []], pa.map_(pa.string(), pa.int64())
    ),
}


def slow(value, type_) -> float:
    """Return the bytes of one value, looked at by itself."""
    if type_ in WIDTH:
        return WIDTH[type_]
    if pa.types.is_int64(type_):
        return 8
    if pa.types.is_dictionary(type_):
        return slow(value, type_.value_type)
    if pa.types.is_struct(type_):
        value = value or {}
        return sum(slow(value.get(child.name), child.type) for child in type_)
    if pa.types.is_map(type_):
        pairs = value or []
        return 4 + sum(slow(k, type_.key_type) + slow(v, type_.item_type) for k, v in pairs)
    if pa.types.is_fixed_size_list(type_):
        each = value or [None] * type_.list_size
        return sum(slow(one, type_.value_type) for one in each)
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return 4 + sum(slow(one, type_.value_type) for one in value or [])
    size = 0 if value is None else len(value.encode() if isinstance(value, str) else value)
    return 4 + size


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("part", [slice(0, 5), slice(1, 4)])
def test_sizes_of_rows(column, part):
    array = COLUMNS[column][part]
    found = np.broadcast_to(row_sizes(pa.table({"c": array})), len(array))
    expected = [slow(value, array.type) for value in array.to_pylist()]
    if column == "coded":
        expected = [0 if e == 4 and v is None else e for e, v in zip(expected, array.to_pylist())]  # noqa: B905
        found = np.where(np.array(array.is_null()), 0, found)
    assert found.tolist() == expected


def test_sizes_of_chunks_and_of_several_columns():
    table = pa.table({name: COLUMNS[name] for name in ("float", "text", "lists")})
    whole = np.asarray(row_sizes(table))
    twice = row_sizes(pa.concat_tables([table.slice(0, 2), table.slice(2)]))
    assert twice.tolist() == whole.tolist()
    assert isinstance(row_sizes(table.select(["float"])), float)


@pytest.mark.parametrize("column", ["text", "lists", "curves", "map", "rows"])
def test_rows_of_columns_longer_than_an_array_can_be(monkeypatch, column):
    array = COLUMNS[column]
    table = pa.table({"c": pa.chunked_array([array, array.slice(1, 3), array])})
    order = np.random.default_rng(0).integers(0, table.num_rows, 50)
    expected = table.take(pa.array(order)).to_pylist()
    monkeypatch.setattr(sizes, "_MOST_BYTES", 64)
    found = take(table, order)
    assert found["c"].num_chunks > 1
    assert found.to_pylist() == expected
    assert found.schema == table.schema
    assert take(table, np.empty(0, np.int64)).num_rows == 0


def test_batches_are_divided_by_their_bytes():
    batch = pa.record_batch({"c": ["x" * 1000] * 50})
    parts = list(divided(batch, 10_000))
    assert len(parts) > 4
    assert all(part.nbytes <= 12_000 for part in parts)
    assert pa.Table.from_batches(parts) == pa.Table.from_batches([batch])


@pytest.mark.parametrize("alike", [True, False])
def test_what_ranges_of_runs_weigh(tmp_path, alike):
    rng = np.random.default_rng(1)
    keys, nbytes, epochs = [], [], []
    runs = []
    for number in range(3):
        n = 400 + number
        key = np.sort(rng.integers(0, 1000, n))
        size = np.full(n, 50.0) if alike else rng.integers(1, 90_000, n).astype(float)
        count = rng.integers(0, 9, n).astype(float)
        table = pa.table({"key": key, "text": ["x" * 500] * n})
        runs.append(write_run(tmp_path / f"{number}.arrow", table, "key", (size, count)))
        keys, nbytes, epochs = [*keys, key], [*nbytes, size], [*epochs, count]
    key, size, count = (np.concatenate(part) for part in (keys, nbytes, epochs))
    bounds = np.array([0, 10, 11, 500, 500, 990, 1000])
    expected = [
        [inside.sum(), size[inside].sum(), count[inside].sum()]
        for inside in ((key >= a) & (key < b) for a, b in itertools.pairwise(bounds))
    ]
    whole = Runs(runs, "key")
    assert whole.loads(bounds).tolist() == expected
    assert whole.within(0, 1000).loads(bounds).tolist() == expected
    assert whole.take(10, 500).column_names == ["key", "text"]
