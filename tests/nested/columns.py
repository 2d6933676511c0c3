"""Nested columns of every layout for tests, and the same as Python lists."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

Row = dict[str, list[Any]]

TYPES: dict[str, pa.DataType] = {
    "t": pa.float64(),
    "x": pa.int32(),
    "b": pa.dictionary(pa.int8(), pa.string()),
    "f": pa.bool_(),
    "when": pa.timestamp("us"),
}

_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "t": st.sampled_from([None, math.nan, -1.5, 0.0, -0.0, 2.0, 3.25, math.inf, -math.inf]),
    "x": st.none() | st.integers(-3, 3) | st.sampled_from([2**31 - 1, -(2**31)]),
    "b": st.sampled_from([None, "g", "r", "zz", "é", ""]),
    "f": st.sampled_from([None, True, False]),
    "when": st.none() | st.integers(0, 5).map(lambda d: dt.datetime(2024, 1, 1 + d)),
}


@st.composite
def _rows(draw: st.DrawFn) -> list[Row | None]:
    rows: list[Row | None] = []
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["null", "no lists", "some lists", "full", "full", "full"]))
        if kind == "null":
            rows.append(None)
        elif kind == "no lists":
            rows.append(dict.fromkeys(TYPES))  # type: ignore[arg-type]
        elif kind == "some lists":
            rows.append({k: draw(st.sampled_from([None, []])) for k in TYPES})
        else:
            n = draw(st.integers(0, 6))
            rows.append({k: [draw(_VALUES[k]) for _ in range(n)] for k in TYPES})
    return rows


@st.composite
def columns(draw: st.DrawFn) -> pa.ChunkedArray:
    """Return a column of one to three chunks, sliced, of lists or large lists."""
    large = draw(st.booleans())
    chunks = []
    for _ in range(draw(st.integers(1, 3))):
        chunk = build(draw(_rows()), large=large)
        if draw(st.booleans()):
            begin = draw(st.integers(0, len(chunk)))
            chunk = chunk.slice(begin, draw(st.integers(0, len(chunk) - begin)))
        chunks.append(chunk)
    return pa.chunked_array(chunks)


def build(rows: list[Row | None], *, large: bool = False) -> pa.StructArray:
    """Return rows as an array; what hides under a null row is not empty."""
    junk = {k: [None, None] for k in TYPES}
    arrays = []
    for name, type_ in TYPES.items():
        lists = [(junk if row is None else row)[name] for row in rows]
        lengths = [0 if x is None else len(x) for x in lists]
        flat = [v for x in lists if x is not None for v in x]
        if pa.types.is_dictionary(type_):
            values = pa.array(flat, type_.value_type).dictionary_encode().cast(type_)
        else:
            values = pa.array(flat, type_)
        make, integer = (pa.LargeListArray, np.int64) if large else (pa.ListArray, np.int32)
        offsets = pa.array(np.cumsum([0, *lengths]).astype(integer))
        mask = pa.array([x is None for x in lists], pa.bool_())
        arrays.append(make.from_arrays(offsets, values, mask=mask))
    null = pa.array([row is None for row in rows], pa.bool_())
    return pa.StructArray.from_arrays(arrays, list(TYPES), mask=null)


def rows_of(column: pa.ChunkedArray) -> list[Row | None]:
    """Return the rows as Python objects."""
    rows: list[Row | None] = column.to_pylist()
    return rows


def filled(rows: list[Row | None]) -> list[Row]:
    """Return the rows with nothing null but values."""
    return [{k: [] if row is None or row[k] is None else row[k] for k in TYPES} for row in rows]


def flat_of(rows: list[Row]) -> Row:
    """Return the values of all rows end to end."""
    return {k: [v for row in rows for v in row[k]] for k in TYPES}


def spread(rows: list[Row | None], change: Callable[[Row], Row]) -> list[Row | None]:
    """Return the rows with the lists changed; null rows and null lists stay."""
    out: list[Row | None] = []
    for row in rows:
        if row is None:
            out.append(None)
        else:
            new = change({k: [] if v is None else v for k, v in row.items()})
            out.append({k: None if row[k] is None else new[k] for k in row})  # type: ignore[misc]
    return out


def same(one: Any, two: Any, rtol: float = 0.0) -> bool:
    """Whether two trees of values are equal, NaN being equal to NaN."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[k], two[k], rtol) for k in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(same(a, b, rtol) for a, b in zip(one, two, strict=True))
    if isinstance(one, float) and isinstance(two, float):
        if math.isnan(one) or math.isnan(two):
            return math.isnan(one) and math.isnan(two)
        return math.isclose(one, two, rel_tol=rtol, abs_tol=rtol)
    return bool(one == two) and (one is None) == (two is None)
