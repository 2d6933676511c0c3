"""A 64-bit digest of each row of a table: equal rows have equal digests.

Sums of digests tell whether two sets of rows that lie in different files, in different orders,
are the same: that a margin or an index agrees with its catalog is checked without a join. Of
different rows, two have the same digest with a chance of 5e-20.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrow import is_list, to_numpy
from skyseries.jit import kernel
from skyseries.lazy import pc

__all__ = ["digest", "mixed", "row_digests", "surplus"]

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

_NULL = np.uint64(0xA0761D6478BD642F)
_SEED = np.uint64(0x9E3779B97F4A7C15)


def row_digests(table: pa.Table) -> U64:
    """Return the digest of each row, over all columns in their order."""
    out = np.full(table.num_rows, _SEED)
    for column in table.columns:
        _mix_into(out, digest(column))
    return out


def digest(array: Any) -> U64:
    """Return the digest of each value: of numbers, text, lists, structs, maps and extensions.

    Parameters
    ----------
    array : pyarrow.Array or pyarrow.ChunkedArray
        The same values in another width (int32 for int64, float for double, string for
        large_string) have the same digests.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    type_ = array.type
    if (plain := _plain(array)) is not array:
        out = digest(plain)
    elif pa.types.is_struct(type_):
        out = np.full(len(array), _SEED)
        for child in array.flatten():
            _mix_into(out, digest(child))
    elif is_list(type_):
        out = _of_lists(array, digest(array.values))
    elif _is_bytes(type_):
        out = _of_bytes(array)
    else:
        out = _of_numbers(array)
    if array.null_count:
        out[to_numpy(array.is_null())] = _NULL
    return out


def _plain(array: Any) -> Any:
    """Return the same values in a type without dictionary, view, extension or map."""
    type_ = array.type
    if isinstance(type_, pa.BaseExtensionType):
        return array.storage
    if pa.types.is_dictionary(type_):
        return array.dictionary_decode()
    if pa.types.is_fixed_size_list(type_):
        return array.cast(pa.list_(type_.value_type))
    if pa.types.is_string_view(type_):
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(type_) or pa.types.is_fixed_size_binary(type_):
        return array.cast(pa.large_binary())
    if pa.types.is_map(type_):
        pairs = pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
        return pa.ListArray.from_arrays(array.offsets, pairs)
    return array


def surplus(a: U64, b: U64) -> NDArray[np.int64]:
    """Return the places in `a` of values that it has more often than `b`."""
    order = np.argsort(a, kind="stable")
    ordered, others = a[order], np.sort(b)
    rank = np.arange(len(a)) - np.searchsorted(ordered, ordered)
    there = np.searchsorted(others, ordered, "right") - np.searchsorted(others, ordered)
    return np.sort(order[rank >= there])


def _is_bytes(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type_) or pa.types.is_large_string(type_)
        or pa.types.is_binary(type_) or pa.types.is_large_binary(type_)
        or pa.types.is_string_view(type_) or pa.types.is_binary_view(type_)
        or pa.types.is_fixed_size_binary(type_)
    )  # fmt: skip


def _of_numbers(array: Any) -> U64:
    type_ = array.type
    if pa.types.is_null(type_):
        return np.full(len(array), _NULL)
    if pa.types.is_boolean(type_):
        array = array.cast(pa.uint8())
    elif pa.types.is_temporal(type_):
        array = array.cast(pa.int32() if type_.bit_width == 32 else pa.int64())
    if pa.types.is_floating(array.type):
        values = to_numpy(pc.fill_null(array.cast(pa.float64()), 0.0))
        values = np.where(np.isnan(values), np.nan, values) + 0.0  # one NaN, one zero
        bits = values.view(np.uint64)
    elif pa.types.is_integer(array.type):
        wide = pa.uint64() if pa.types.is_unsigned_integer(array.type) else pa.int64()
        values = to_numpy(pc.fill_null(array, 0).cast(wide))
        bits = np.ascontiguousarray(values).view(np.uint64)
    else:  # decimals and the like
        return _of_bytes(array.cast(pa.large_string()))
    out = np.full(len(bits), _SEED)
    _mix_into(out, bits)
    return out


def _of_bytes(array: Any) -> U64:
    wide = array.cast(pa.large_binary())
    _, offsets, data = wide.buffers()
    ends = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    out = np.empty(len(wide), np.uint64)
    _hash_bytes(ends, raw, out)
    return out


def _of_lists(array: Any, values: U64) -> U64:
    ends = np.asarray(to_numpy(array.offsets), np.int64)
    out = np.empty(len(array), np.uint64)
    _hash_lists(ends, values, out)
    return out


@kernel(inline=True)
def mixed(x: np.uint64) -> np.uint64:
    """Spread the bits of a word over all of it (xor, shift and multiply)."""
    x ^= x >> np.uint64(32)
    x *= np.uint64(0xD6E8FEB86659FD93)
    x ^= x >> np.uint64(32)
    x *= np.uint64(0xD6E8FEB86659FD93)
    return x ^ (x >> np.uint64(32))


@kernel
def _mix_into(out: U64, values: U64) -> None:
    """Make each digest one of what it was and of one more value."""
    for i in range(out.size):
        out[i] = mixed(out[i] * np.uint64(3) + mixed(values[i]))


@kernel
def _hash_bytes(ends: I64, raw: NDArray[np.uint8], out: U64) -> None:
    for i in range(out.size):
        h = np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(ends[i + 1] - ends[i])
        for j in range(ends[i], ends[i + 1]):
            h = (h ^ np.uint64(raw[j])) * np.uint64(0x9FB21C651E98DF25)
            h ^= h >> np.uint64(29)
        out[i] = mixed(h)


@kernel
def _hash_lists(ends: I64, values: U64, out: U64) -> None:
    for i in range(out.size):
        h = np.uint64(0xC2B2AE3D27D4EB4F) ^ np.uint64(ends[i + 1] - ends[i])
        for j in range(ends[i], ends[i + 1]):
            h = mixed(h * np.uint64(3) + values[j])
        out[i] = h
