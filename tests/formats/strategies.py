"""Hypothesis strategies: tables with ids to 64 bits, floats with NaN, text, nulls, lists."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"])
# FITS drops blanks at the end of text, so none of the texts ends with one.
TEXT = st.text(PRINTABLE | st.sampled_from('\n\r",\t'), max_size=8).map(lambda text: text.rstrip())

CELLS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.uint8(): st.integers(0, 255),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.uint16(): st.integers(0, 2**16 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.uint32(): st.integers(0, 2**32 - 1),
    pa.int64(): INT64 | st.integers(2**53 - 2, 2**53 + 2),
    pa.uint64(): UINT64,
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.string(): TEXT,
}


@st.composite
def tables(draw: st.DrawFn, *, nulls: bool = True, lists: bool = False) -> pa.Table:
    """Draw a table of up to 12 rows with a column of a few types each."""
    types = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=5))
    rows = draw(st.integers(0, 12))
    columns: dict[str, pa.Array] = {}
    for index, kind in enumerate(types):
        cell = CELLS[kind]
        if lists and not pa.types.is_string(kind) and draw(st.booleans()):
            kind, cell = pa.list_(kind), st.lists(cell, max_size=4)
        cell = st.none() | cell if nulls else cell
        values = draw(st.lists(cell, min_size=rows, max_size=rows))
        columns[f"c{index}"] = pa.array(values, kind)
    return pa.table(columns)


def same(one: Any, other: Any) -> bool:
    """Compare cells, NaN equal to NaN and nothing else equal to anything of another kind."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def assert_same(actual: pa.Table, expected: pa.Table) -> None:
    assert actual.column_names == expected.column_names
    for name in expected.column_names:
        left, right = actual[name].to_pylist(), expected[name].to_pylist()
        assert len(left) == len(right)
        wrong = [(a, b) for a, b in zip(left, right, strict=True) if not same(a, b)]
        assert not wrong, (name, expected[name].type, wrong[:3])
