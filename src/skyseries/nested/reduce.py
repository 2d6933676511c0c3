"""One value per light curve from one value per epoch, with SQL's rules for nulls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.arrow import is_number, to_numpy
from skyseries.errors import InputError, SchemaError
from skyseries.nested import kernels
from skyseries.nested.flat import arrow_take, kept, read_only, take
from skyseries.nested.keys import null_mask, order_codes

__all__ = ["REDUCTIONS", "reduce_segments"]


def reduce_segments(values: pa.Array, offsets: Ints, function: str) -> pa.Array:
    """Return one value for each segment (see `Nested.reduce`)."""
    if function not in REDUCTIONS:
        raise InputError(
            f"there is no reduction {function!r}; there are: {', '.join(sorted(REDUCTIONS))}"
        )
    is_null = null_mask(values)
    if is_null.size:
        index, offsets = kept(read_only(~is_null), offsets)
        values = take(values, index)
    return REDUCTIONS[function](values, offsets)


def _with_nulls(values: NDArray[Any], is_null: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=is_null if is_null.any() else None)


def _floats(values: pa.Array, function: str) -> NDArray[np.float64]:
    type_ = values.type
    if pa.types.is_dictionary(type_):
        return _floats(values.dictionary_decode(), function)
    has_numbers = (
        is_number(type_)
        or pa.types.is_decimal(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_null(type_)
    )
    if not has_numbers:
        raise SchemaError(f"{function} needs numbers, not {type_}")
    if not pa.types.is_float64(type_):
        if pa.types.is_boolean(type_):
            values = values.cast(pa.int8())
        values = values.cast(pa.float64(), safe=False)
    return read_only(to_numpy(values))


def _count(values: pa.Array, offsets: Ints) -> pa.Array:
    return pa.array(np.diff(offsets))


def _sum(values: pa.Array, offsets: Ints) -> pa.Array:
    is_empty = np.diff(offsets) == 0
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type):
        return _with_nulls(_integer_sum(values, offsets), is_empty)
    out = np.empty(offsets.size - 1)
    kernels.segment_sum(_floats(values, "sum"), offsets, out)
    return _with_nulls(out, is_empty)


def _integer_sum(values: pa.Array, offsets: Ints) -> NDArray[np.int64]:
    try:
        integers = to_numpy(values.cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise InputError(
            f"sum: values of type {values.type} do not fit 64 signed bits ({error}); "
            "cast them to double"
        ) from error
    out = np.empty(offsets.size - 1, np.int64)
    row = kernels.segment_sum_exact(read_only(integers), offsets, out)
    if row >= 0:
        raise InputError(
            f"sum: the total of light curve {row} does not fit 64 bits; cast the values to double"
        )
    return out


def _avg(values: pa.Array, offsets: Ints) -> pa.Array:
    counts = np.diff(offsets)
    out = np.empty(counts.size)
    kernels.segment_sum(_floats(values, "avg"), offsets, out)
    return _with_nulls(out / np.maximum(counts, 1), counts == 0)


def _stddev(values: pa.Array, offsets: Ints) -> pa.Array:
    out = np.empty(offsets.size - 1)
    kernels.segment_deviation(_floats(values, "stddev"), offsets, out)
    return _with_nulls(out, np.diff(offsets) < 2)


def _median(values: pa.Array, offsets: Ints) -> pa.Array:
    floats = _floats(values, "median")
    order = np.arange(floats.size)
    kernels.order_segments(order_codes(values), read_only(np.empty(0, np.bool_)), offsets, order)
    counts = np.diff(offsets)
    out = np.full(counts.size, np.nan)
    there = np.flatnonzero(counts)
    below = floats[order[offsets[there] + (counts[there] - 1) // 2]]
    above = floats[order[offsets[there] + counts[there] // 2]]
    with np.errstate(invalid="ignore", over="ignore"):
        total = below + above
        middle = np.where(np.isfinite(total), 0.5 * total, 0.5 * below + 0.5 * above)
    out[there] = middle
    return _with_nulls(out, counts == 0)


def _least(values: pa.Array, offsets: Ints) -> pa.Array:
    return _extreme(values, order_codes(values), offsets)


def _greatest(values: pa.Array, offsets: Ints) -> pa.Array:
    return _extreme(values, read_only(~order_codes(values)), offsets)


def _extreme(values: pa.Array, codes: NDArray[np.int64], offsets: Ints) -> pa.Array:
    index = np.empty(offsets.size - 1, np.int64)
    kernels.least_index(codes, offsets, index)
    return _pick(values, index, offsets)


def _first(values: pa.Array, offsets: Ints) -> pa.Array:
    return _pick(values, offsets[:-1], offsets)


def _last(values: pa.Array, offsets: Ints) -> pa.Array:
    return _pick(values, offsets[1:] - 1, offsets)


def _pick(values: pa.Array, index: NDArray[np.int64], offsets: Ints) -> pa.Array:
    return arrow_take(values, pa.array(index, mask=np.diff(offsets) == 0))


def _any(values: pa.Array, offsets: Ints) -> pa.Array:
    return _greatest(_booleans(values, "any"), offsets)


def _all(values: pa.Array, offsets: Ints) -> pa.Array:
    return _least(_booleans(values, "all"), offsets)


def _booleans(values: pa.Array, function: str) -> pa.Array:
    if pa.types.is_null(values.type):
        return values.cast(pa.bool_())
    if not pa.types.is_boolean(values.type):
        raise SchemaError(f"{function} needs booleans, not {values.type}")
    return values


REDUCTIONS: dict[str, Callable[[pa.Array, Ints], pa.Array]] = {
    "count": _count,
    "sum": _sum,
    "min": _least,
    "max": _greatest,
    "avg": _avg,
    "median": _median,
    "stddev": _stddev,
    "first": _first,
    "last": _last,
    "any": _any,
    "all": _all,
}
"""What `Nested.reduce` can do; the functions get values without nulls."""
