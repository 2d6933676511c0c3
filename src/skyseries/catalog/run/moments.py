"""Sums and extremes of the numbers that a mask keeps, in one pass and without a copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["extremes", "sums"]

Bits = NDArray[np.uint8]
Numbers = NDArray[Any]


def sums(column: pa.ChunkedArray, keep: pa.BooleanArray | None) -> tuple[int, float]:
    """Return how many numbers there are, and their sum.

    Parameters
    ----------
    column : ChunkedArray of float32 or float64
        Null and NaN are skipped.
    keep : BooleanArray without nulls, of the same length
        None: all.

    Notes
    -----
    The compiler reorders the additions to as many side by side as the processor has room for:
    the sum is the same to the last bit on processors of one kind.
    """
    count, total = 0, 0.0
    for chunk in _chunks(column, keep):
        there, part = _sums(*chunk)
        count, total = count + there, total + part
    return count, total


def extremes(
    column: pa.ChunkedArray, keep: pa.BooleanArray | None
) -> tuple[float | None, float | None]:
    """Return the least and the greatest number; None of none. Parameters as for `sums`."""
    low, high = np.inf, -np.inf
    found = 0
    for chunk in _chunks(column, keep):
        there, low_, high_ = _extremes(*chunk)
        low, high, found = min(low, low_), max(high, high_), found + there
    return (float(low), float(high)) if found else (None, None)


def _chunks(
    column: pa.ChunkedArray, keep: pa.BooleanArray | None
) -> Iterator[tuple[Numbers, Bits]]:
    """Yield numbers, and a bitmap of those to take."""
    start = 0
    for chunk in column.chunks:
        n = len(chunk)
        if not n:
            continue
        dtype = np.dtype(np.float32 if pa.types.is_float32(chunk.type) else np.float64)
        # with nulls, to_numpy would copy
        values = np.frombuffer(chunk.buffers()[1], dtype, n, chunk.offset * dtype.itemsize)
        if keep is None:
            bits = np.full(n // 8 + 1, 255, np.uint8)
        else:
            bits = _bitmap(keep.buffers()[1], keep.offset + start, n)
        if chunk.null_count:
            valid = _bitmap(chunk.buffers()[0], chunk.offset, n)
            size = (n + 7) // 8
            bits = bits[:size] & valid[:size]
        start += n
        yield values, bits


def _bitmap(buffer: pa.Buffer, first: int, n: int) -> Bits:
    """Return bits from one on, at the beginning of a byte."""
    part = np.frombuffer(buffer, np.uint8)[first // 8 : (first + n + 7) // 8]
    if first % 8 == 0:
        return part
    return np.packbits(np.unpackbits(part, bitorder="little")[first % 8 :], bitorder="little")


@kernel(fastmath={"reassoc", "nsz"})
def _sums(values: Numbers, bits: Bits) -> tuple[int, float]:
    count, total = 0, 0.0
    for i in range(len(values)):
        v = np.float64(values[i])
        taken = ((bits[i >> 3] >> (i & 7)) & 1 != 0) & (v == v)
        total += v if taken else 0.0
        count += int(taken)
    return count, total


@kernel
def _extremes(values: Numbers, bits: Bits) -> tuple[int, float, float]:
    count, low, high = 0, np.inf, -np.inf
    for i in range(len(values)):
        v = np.float64(values[i])
        taken = ((bits[i >> 3] >> (i & 7)) & 1 != 0) & (v == v)
        low = v if taken and v < low else low
        high = v if taken and v > high else high
        count += int(taken)
    return count, low, high
