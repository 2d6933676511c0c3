from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.formats.nulls import mask_sentinels, sentinels_of
from tests.formats.strategies import INT64


@pytest.mark.parametrize(
    ("kind", "values", "sentinels", "expected"),
    [
        (pa.int64(), [-99, -98, None], [-99], [None, -98, None]),
        (pa.int64(), [-99, 1], [-99.0, "NA"], [None, 1]),
        (pa.int64(), [-99, 1], ["-99"], [None, 1]),
        (pa.int64(), [0, 1], [0.5], [0, 1]),
        (pa.uint8(), [255, 157], [-1, 300, -99], [255, 157]),
        (pa.float64(), [-99.0, -99.9, 1.0], [-99, -99.9], [None, None, 1.0]),
        (pa.string(), ["-99", "NA", ""], [-99, "NA"], [None, None, ""]),
        (pa.bool_(), [True, False], [1, 0], [True, False]),
        (pa.int64(), [2**60, 2**60 + 1], [2**60], [None, 2**60 + 1]),
    ],
)
def test_flat(kind: pa.DataType, values: list[Any], sentinels: list[Any], expected: Any) -> None:
    assert mask_sentinels(pa.array(values, kind), sentinels).to_pylist() == expected


def test_float32_is_compared_as_float32() -> None:
    array = pa.array([-99.9, 1.0], pa.float32())
    assert mask_sentinels(array, [-99.9]).to_pylist() == [None, 1.0]


def test_nan_is_met_only_by_nan() -> None:
    array = pa.array([float("nan"), 1.0])
    assert mask_sentinels(array, [-99]).null_count == 0
    assert mask_sentinels(array, [float("nan")]).to_pylist() == [None, 1.0]


def test_inside_light_curves() -> None:
    kind = pa.struct([("mag", pa.list_(pa.float64())), ("band", pa.list_(pa.string()))])
    rows = [
        {"mag": [1.0, -99.0], "band": ["g", "r"]},
        None,
        {"mag": [], "band": None},
        {"mag": None, "band": ["-99"]},
    ]
    masked = mask_sentinels(pa.array(rows, kind), [-99])
    assert masked.to_pylist() == [
        {"mag": [1.0, None], "band": ["g", "r"]},
        None,
        {"mag": [], "band": None},
        {"mag": None, "band": [None]},
    ]


@given(
    st.lists(st.none() | st.lists(st.none() | st.integers(-3, 3), max_size=4), max_size=8),
    st.integers(0, 8),
)
def test_lists_against_a_loop(rows: list[Any], start: int) -> None:
    array = pa.array(rows, pa.list_(pa.int16())).slice(start)
    expected = [
        None if row is None else [None if value == -1 else value for value in row]
        for row in rows[start:]
    ]
    masked = mask_sentinels(array, [-1])
    masked.validate(full=True)
    assert masked.to_pylist() == expected


@given(st.lists(INT64, max_size=5), INT64)
def test_integers_exactly(values: list[int], sentinel: int) -> None:
    array = pa.array([*values, sentinel], pa.int64())
    expected = [None if value == sentinel else value for value in [*values, sentinel]]
    assert mask_sentinels(array, [sentinel]).to_pylist() == expected


def test_per_column() -> None:
    assert sentinels_of({"mag": [-99]}, "mag") == (-99,)
    assert sentinels_of({"mag": [-99]}, "id") == ()
    assert sentinels_of([-99], "id") == (-99,)
