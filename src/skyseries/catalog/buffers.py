"""NumPy arrays of Arrow numbers and back, by their buffers.

pyarrow's own conversions import pandas where it is installed, which takes a third of a second of
a fresh process.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["from_numpy", "to_numpy"]


def to_numpy(column: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    """Return numbers as NumPy has them; those of one chunk without null are not copied.

    Null becomes NaN, as `ChunkedArray.to_numpy` makes it.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(column, pa.ChunkedArray) or column.null_count or not _is_plain(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    dtype = np.dtype(_NAMES.get(str(column.type), str(column.type)))
    data = column.buffers()[1]
    if data is None:
        return np.empty(0, dtype)
    return np.frombuffer(data, dtype, len(column), column.offset * dtype.itemsize)


def from_numpy(values: NDArray[Any]) -> pa.Array:
    """Return numbers as Arrow has them, without a copy; NaN stays NaN."""
    values = np.ascontiguousarray(values)
    type_ = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(type_, len(values), [None, pa.py_buffer(values)])


_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}


def _is_plain(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))
