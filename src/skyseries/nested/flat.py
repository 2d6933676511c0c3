"""Flat Arrow arrays: values at given positions, and from callers' arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrow import to_numpy
from skyseries.errors import InputError, SchemaError
from skyseries.nested import kernels

__all__ = ["arrow_take", "as_flat", "as_mask", "joined", "kept", "read_only", "take"]


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to: one compiled version of a kernel serves all."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def as_flat(values: Any, size: int, what: str) -> pa.Array:
    """Return an Arrow array of one value per epoch.

    Raises
    ------
    SchemaError
        If the values cannot be an Arrow array.
    InputError
        If there are not `size` of them.
    """
    if isinstance(values, pa.ChunkedArray):
        values = joined(values.chunks, values.type)
    elif not isinstance(values, pa.Array):
        try:
            values = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise SchemaError(f"{what} cannot be an Arrow array: {error}") from error
    if len(values) != size:
        raise InputError(f"{what}: {len(values)} given for {size} epochs; one for each is needed")
    return values


def as_mask(mask: Any, size: int) -> NDArray[np.bool_]:
    """Return a condition per epoch as an array, null being false."""
    flat = as_flat(mask, size, "the mask")
    if pa.types.is_null(flat.type):
        return read_only(np.zeros(size, np.bool_))
    if not pa.types.is_boolean(flat.type):
        raise SchemaError(f"a mask must be boolean, not {flat.type}")
    if flat.null_count:
        flat = flat.fill_null(False)
    return read_only(to_numpy(flat))


def joined(arrays: list[pa.Array], type_: pa.DataType) -> pa.Array:
    """Return the arrays end to end; dictionaries are unified."""
    if len(arrays) == 1:
        return arrays[0]
    try:
        return pa.concat_arrays(arrays) if arrays else pa.nulls(0, type_)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"epochs of type {type_} cannot be put together in one array ({error}); work on fewer "
            "rows at once, or use a larger type (large_string, a wider dictionary index)"
        ) from error


def kept(
    mask: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions where the mask is true, and the offsets of what is kept."""
    index = np.empty(np.count_nonzero(mask) + 1, np.int64)
    new_offsets = np.empty_like(offsets)
    kernels.kept_index(mask, offsets, new_offsets, index)
    return read_only(index[:-1]), read_only(new_offsets)


def take(values: pa.Array, index: NDArray[np.int64]) -> pa.Array:
    """Return ``values[index]``; every index, of a read-only array, must be within the values.

    Numbers and times are copied by a loop, faster than by Arrow's `take`.
    """
    type_ = values.type
    if not index.size:
        return values.slice(0, 0)
    if pa.types.is_dictionary(type_):
        keys = take(values.indices, index)
        return pa.DictionaryArray.from_arrays(
            keys, values.dictionary, ordered=type_.ordered, safe=False
        )
    if _is_plain(type_):
        return _take_plain(values, index)
    return arrow_take(values, pa.array(index))


def arrow_take(values: pa.Array, index: pa.Array) -> pa.Array:
    """Return ``values[index]``, null where the index is; of views too, which Arrow cannot take."""
    type_ = values.type
    if pa.types.is_string_view(type_):
        return values.cast(pa.large_string()).take(index).cast(type_)
    if pa.types.is_binary_view(type_):
        return values.cast(pa.large_binary()).take(index).cast(type_)
    return values.take(index)


def _is_plain(type_: pa.DataType) -> bool:
    """Whether a value is 1, 2, 4 or 8 whole bytes."""
    if isinstance(type_, pa.BaseExtensionType) or pa.types.is_boolean(type_):
        return False
    return bool(pa.types.is_primitive(type_)) and type_.bit_width in (8, 16, 32, 64)


def _take_plain(values: pa.Array, index: NDArray[np.int64]) -> pa.Array:
    unsigned = np.dtype(f"u{values.type.bit_width // 8}")
    out = pa.py_buffer(_gather(_buffer(values, unsigned), index))
    return pa.Array.from_buffers(values.type, index.size, [_validity(values, index), out])


def _buffer(values: pa.Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    data = values.buffers()[1]
    return np.frombuffer(data, dtype, values.offset + len(values))[values.offset :]


def _validity(values: pa.Array, index: NDArray[np.int64]) -> pa.Buffer | None:
    if not values.null_count:
        return None
    valid = to_numpy(values.is_valid()).view(np.uint8)
    return pa.py_buffer(np.packbits(_gather(valid, index), bitorder="little"))


def _gather(values: NDArray[Any], index: NDArray[np.int64]) -> NDArray[Any]:
    out = np.empty(index.size, values.dtype)
    kernels.gather(read_only(values), index, out)
    return out
