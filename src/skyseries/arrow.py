"""Arrow types as all of Skyseries knows them, and NumPy arrays of Arrow values and back.

Other libraries hand over text as views (polars) or dictionaries (pandas' and polars'
categories), and light curves as lists of structs (nested-pandas): many kernels of Arrow know
none of these. They are brought to their plain forms once, where a table comes in.

NumPy arrays are made by their buffers: pyarrow's own conversions import pandas where it is
installed, which takes a third of a second of a fresh process.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.lazy import pc

__all__ = [
    "floats",
    "from_numpy",
    "is_any_list",
    "is_list",
    "is_nested",
    "is_number",
    "is_text",
    "list_lengths",
    "plain_array",
    "plain_type",
    "to_numpy",
]


def is_number(type_: pa.DataType) -> bool:
    """Tell whether this is a type of integers or floating-point numbers."""
    return bool(pt.is_integer(type_) or pt.is_floating(type_))


def is_list(type_: pa.DataType) -> bool:
    """Tell whether this is the type of lists of any lengths."""
    return bool(pt.is_list(type_) or pt.is_large_list(type_))


def is_any_list(type_: pa.DataType) -> bool:
    """Tell whether this is the type of lists, of any lengths or all of the same."""
    return bool(is_list(type_) or pt.is_fixed_size_list(type_))


def is_text(type_: pa.DataType) -> bool:
    """Tell whether this is a type of text."""
    return bool(pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_))


def is_nested(type_: pa.DataType) -> bool:
    """Tell whether this is the type of a light-curve column: a struct of lists."""
    return bool(
        pt.is_struct(type_) and type_.num_fields and all(is_list(child.type) for child in type_)
    )


def plain_type(type_: pa.DataType) -> pa.DataType:
    """Return the type without dictionaries and views, with lists of structs as structs of lists."""
    if pt.is_dictionary(type_):
        return plain_type(type_.value_type)
    if pt.is_string_view(type_):
        return pa.large_string()
    if pt.is_binary_view(type_):
        return pa.large_binary()
    if pt.is_struct(type_):
        return pa.struct([field.with_type(plain_type(field.type)) for field in type_])
    if pt.is_fixed_size_list(type_):
        inner = type_.value_field.with_type(plain_type(type_.value_type))
        return pa.list_(inner, type_.list_size)
    if _is_list_or_view(type_):
        if pt.is_struct(type_.value_type):
            return pa.struct([f.with_type(pa.list_(plain_type(f.type))) for f in type_.value_type])
        make = pa.large_list if pt.is_large_list(type_) else pa.list_
        return make(type_.value_field.with_type(plain_type(type_.value_type)))
    return type_


def plain_array(array: Any) -> Any:
    """Return an array or chunked array of the plain type; as it is where it has it."""
    target = plain_type(array.type)
    if target == array.type:
        return array
    if isinstance(array, pa.ChunkedArray):
        return pa.chunked_array([_plain(chunk) for chunk in array.chunks], target)
    return _plain(array)


def to_numpy(values: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    """Return values as NumPy has them; numbers of one chunk without null are not copied.

    Null among numbers becomes NaN, as pyarrow makes it.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
    if isinstance(values, pa.ChunkedArray) or values.null_count:
        return np.asarray(values.to_numpy(zero_copy_only=False))
    if pt.is_boolean(values.type):
        return _unpacked(values)
    if not is_number(values.type):
        return np.asarray(values.to_numpy(zero_copy_only=False))
    dtype = np.dtype(_NAMES.get(str(values.type), str(values.type)))
    data = values.buffers()[1]
    if data is None:
        return np.empty(0, dtype)
    return np.frombuffer(data, dtype, len(values), values.offset * dtype.itemsize)


def floats(values: pa.ChunkedArray | pa.Array) -> Floats:
    """Return numbers as float64, null as NaN; those that are so already are not copied."""
    return to_numpy(values.cast(pa.float64(), safe=False))


def list_lengths(lists: pa.Array) -> NDArray[np.integer]:
    """Return how many values each list has; null has none."""
    lengths = pc.list_value_length(lists)
    return to_numpy(lengths.fill_null(0) if lengths.null_count else lengths)


def from_numpy(values: NDArray[Any]) -> pa.Array:
    """Return numbers as Arrow has them, without a copy; NaN stays NaN."""
    values = np.ascontiguousarray(values)
    type_ = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(type_, len(values), [None, pa.py_buffer(values)])


_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}


def _unpacked(values: pa.Array) -> NDArray[np.bool_]:
    data = values.buffers()[1]
    if data is None:
        return np.empty(0, np.bool_)
    first, stop = values.offset, values.offset + len(values)
    bits = np.frombuffer(data, np.uint8)[first // 8 : -(-stop // 8)]
    unpacked = np.unpackbits(bits, count=stop - first // 8 * 8, bitorder="little")
    return unpacked[first % 8 :].view(np.bool_)


def _is_list_or_view(type_: pa.DataType) -> bool:
    views = pt.is_list_view(type_) or pt.is_large_list_view(type_)
    return bool(is_list(type_) or views)


def _plain(array: pa.Array) -> pa.Array:
    kind, target = array.type, plain_type(array.type)
    if kind == target:
        return array
    if pt.is_dictionary(kind):
        return _plain(array.dictionary).take(array.indices)
    if pt.is_list_view(kind) or pt.is_large_list_view(kind):
        return _plain(array.cast(pa.large_list(kind.value_field)))
    if pt.is_struct(kind):
        parts = [_plain(child) for child in array.flatten()]
        return pa.StructArray.from_arrays(parts, fields=list(target), mask=array.is_null())
    if pt.is_fixed_size_list(kind):
        lists = _plain(array.cast(pa.list_(kind.value_field)))
        return lists.cast(target)
    if _is_list_or_view(kind) and pt.is_struct(kind.value_type):
        return _struct_of_lists(array, target)
    if _is_list_or_view(kind):
        build = pa.LargeListArray if pt.is_large_list(kind) else pa.ListArray
        offsets, values = _parts(array)
        mask = array.is_null() if array.null_count else None
        return build.from_arrays(offsets, _plain(values), type=target, mask=mask)
    return array.cast(target)


def _parts(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return offsets from 0 on without nulls, and the values between them."""
    offsets = array.offsets
    first, last = offsets[0].as_py(), offsets[len(array)].as_py()
    if array.null_count or first:
        bounds = np.zeros(len(array) + 1, np.int64)
        np.cumsum(list_lengths(array), out=bounds[1:])
        return pa.array(bounds, offsets.type), array.flatten()
    return offsets, array.values.slice(first, last - first)


def _struct_of_lists(array: pa.Array, target: pa.StructType) -> pa.StructArray:
    offsets, values = _parts(array)
    small = offsets.cast(pa.int32())
    lists = [
        pa.ListArray.from_arrays(small, _plain(child), type=field.type)
        for child, field in zip(values.flatten(), target, strict=True)
    ]
    mask = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays(lists, fields=list(target), mask=mask)
