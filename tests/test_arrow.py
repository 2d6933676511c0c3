"""Arrow types and values as NumPy has them, against Arrow's own conversions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.arrow import floats, from_numpy, is_any_list, is_list, list_lengths, to_numpy


@given(st.lists(st.booleans(), max_size=40), st.data())
def test_booleans_anywhere_in_their_bits(values: list[bool], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(first, len(values)))
    column = pa.array(values, pa.bool_()).slice(first, stop - first)
    found = to_numpy(column)
    assert found.dtype == np.bool_
    assert found.tolist() == values[first:stop]


@pytest.mark.parametrize("type_", ["int8", "uint16", "int64", "uint64", "float", "double"])
def test_numbers_of_one_chunk_are_not_copied(type_: str) -> None:
    column = pa.chunked_array([pa.array(range(9), type_)]).slice(2, 5)
    found = to_numpy(column)
    assert found.tolist() == [2, 3, 4, 5, 6]
    start = column.chunk(0).buffers()[1].address + 2 * found.itemsize
    assert found.__array_interface__["data"][0] == start


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None, 1, 2**53 + 1]),
        pa.array([1.5, None], pa.float32()),
        pa.chunked_array([[1, 2], [None], []], pa.int16()),
        pa.chunked_array([], pa.float64()),
        pa.nulls(3),
        pa.array([True, None]),
    ],
)
def test_null_is_nan_among_floats(column: Any) -> None:
    found = floats(column)
    wanted = [math.nan if v is None else float(v) for v in column.to_pylist()]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, wanted)


def test_numbers_go_to_arrow_and_back() -> None:
    values = np.array([1.0, math.nan, -math.inf])
    np.testing.assert_array_equal(to_numpy(from_numpy(values)), values)
    assert from_numpy(values[::2]).to_pylist() == [1.0, -math.inf]


@pytest.mark.parametrize("type_", [pa.list_(pa.int8()), pa.large_list(pa.int8())])
def test_lengths_of_lists(type_: pa.DataType) -> None:
    lists = pa.array([[1], None, [], [1, 2, 3]], type_)
    assert list_lengths(lists[1:]).tolist() == [0, 0, 3]
    assert is_list(type_)


def test_lists_of_one_length_are_lists_of_any_kind() -> None:
    pair = pa.list_(pa.int8(), 2)
    assert is_any_list(pair)
    assert not is_list(pair)
