"""Sentinel values (-99, -9999, "NA") that stand for a missing value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrow import is_text, list_lengths
from skyseries.lazy import pc

__all__ = ["NullValues", "lists_like", "mask_sentinels", "sentinels_of", "words_of"]

NullValues = Sequence[object] | Mapping[str, Sequence[object]]
"""Sentinels for all columns, or for each column that has some."""


def sentinels_of(null_values: NullValues, column: str) -> tuple[object, ...]:
    """Return the sentinels of one column."""
    if isinstance(null_values, Mapping):
        return tuple(null_values.get(column, ()))
    return tuple(null_values)


def words_of(sentinels: Sequence[object]) -> frozenset[str]:
    """Return the sentinels as they stand in a text file."""
    return frozenset(str(value) for value in sentinels)


def mask_sentinels(array: pa.Array, sentinels: Sequence[object]) -> pa.Array:
    """Replace sentinel values by null, inside lists and structs too.

    Integers are compared exactly; floats after the sentinel is rounded to the column's type
    (-99.9 is met in a float32 column); text with the sentinel's text. A NaN sentinel meets NaN.
    """
    if not sentinels or len(array) == 0:
        return array
    kind = array.type
    if pt.is_struct(kind):
        fields = [mask_sentinels(child, sentinels) for child in array.flatten()]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=array.is_null())
    if pt.is_fixed_size_list(kind):
        array = array.cast(pa.list_(kind.value_field))
    if pt.is_list(array.type) or pt.is_large_list(kind):
        return lists_like(array, mask_sentinels(array.flatten(), sentinels))
    if pt.is_dictionary(kind):
        return mask_sentinels(array.cast(kind.value_type), sentinels)
    values = [cell for value in sentinels if (cell := _as_cell(value, kind)) is not None]
    if not values:
        return array
    found = pc.is_in(array, value_set=pa.array(values, kind))
    return pc.if_else(found, pa.scalar(None, kind), array)


def lists_like(array: pa.Array, values: pa.Array) -> pa.Array:
    """Return lists as long as those of an array, of other values of the same type."""
    lengths = list_lengths(array)
    large = pt.is_large_list(array.type)
    offsets = np.zeros(len(lengths) + 1, np.int64 if large else np.int32)
    np.cumsum(lengths, out=offsets[1:])
    build = pa.LargeListArray if large else pa.ListArray
    return build.from_arrays(
        pa.array(offsets),
        values,
        type=array.type,
        mask=array.is_null() if array.null_count else None,
    )


def _as_cell(value: object, type: pa.DataType) -> Any:
    """Return the sentinel as a value of the column's type; None if it cannot occur there."""
    if is_text(type):
        return str(value)
    number = _as_number(value)
    if number is None:
        return None
    if pt.is_integer(type):
        if isinstance(number, float):
            number = int(number) if math.isfinite(number) and number.is_integer() else None
        signed, bits = pt.is_signed_integer(type), type.bit_width
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return number if number is not None and low <= number <= high else None
    if pt.is_floating(type):
        return pa.scalar(float(number), pa.float64()).cast(type).as_py()
    return None


def _as_number(value: object) -> int | float | None:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            return float(value)
        except ValueError:
            return None
    if hasattr(value, "item"):
        value = value.item()
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
