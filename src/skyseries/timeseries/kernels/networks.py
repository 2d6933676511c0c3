"""Sorting of many segments at once: eight segments side by side, through a sorting network.

A network compares the same pairs of places whatever the values are, so that eight segments of
about the same length are sorted together, one in each lane of the vector registers, and no
branch is mispredicted. Segments are therefore taken in the order of their lengths.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.sorting import sort_row
from skyseries.timeseries.kernels.vectors import EIGHT, exchange

__all__ = ["NETWORK_LIMIT", "sort_segments"]

NETWORK_LIMIT = 2048
"""Longer segments are sorted one by one, by merging."""


@kernel
def sort_segments(y: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a copy of the values in which each segment is in ascending order.

    Parameters
    ----------
    y : (m,) array
        Finite values.
    offsets : (n + 1,) array
        Where each segment begins.
    """
    out = np.empty_like(y)
    order, longest = _by_length(offsets)
    rows = np.empty(longest * EIGHT)
    for first in range(0, order.size, EIGHT):
        last = min(first + EIGHT, order.size)
        n = 0
        for k in range(first, last):
            n = max(n, offsets[order[k] + 1] - offsets[order[k]])
        columns = rows[: n * EIGHT]
        for k in range(first, first + EIGHT):
            lo = hi = 0
            if k < last:
                lo, hi = offsets[order[k]], offsets[order[k] + 1]
            _fill_lane(y[lo:hi], columns[k - first :: EIGHT])
        _sort_lanes(columns, n)
        for k in range(first, last):
            lo, hi = offsets[order[k]], offsets[order[k] + 1]
            _empty_lane(columns[k - first :: EIGHT], out[lo:hi])
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        if hi - lo > NETWORK_LIMIT:
            for j in range(lo, hi):
                out[j] = y[j]
            sort_row(out[lo:hi])
    return out


@kernel
def _by_length(offsets: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the segments within the limit, shortest first, and the length of the longest."""
    places = np.zeros(NETWORK_LIMIT + 2, np.int64)
    longest = 0
    for s in range(offsets.size - 1):
        n = offsets[s + 1] - offsets[s]
        if n <= NETWORK_LIMIT:
            places[n + 1] += 1
            longest = max(longest, n)
    for n in range(1, places.size):
        places[n] += places[n - 1]
    order = np.empty(places[NETWORK_LIMIT + 1], np.int64)
    for s in range(offsets.size - 1):
        n = offsets[s + 1] - offsets[s]
        if n <= NETWORK_LIMIT:
            order[places[n]] = s
            places[n] += 1
    return order, longest


@kernel
def _fill_lane(segment: NDArray[np.float64], column: NDArray[np.float64]) -> None:
    for j in range(segment.size):
        column[j] = segment[j]
    for j in range(segment.size, column.size):
        column[j] = np.inf


@kernel
def _empty_lane(column: NDArray[np.float64], segment: NDArray[np.float64]) -> None:
    for j in range(segment.size):
        segment[j] = column[j]


@kernel
def _sort_lanes(rows: NDArray[np.float64], n: int) -> None:
    """Sort each of eight interleaved columns of n values in place.

    Batcher's merge exchange for any n (Knuth, The Art of Computer Programming 3, algorithm
    5.2.2M).
    """
    top = 1
    while 2 * top < n:
        top *= 2
    p = top
    while p > 0 and n > 1:
        q, r, d = top, 0, p
        while True:
            for start in range(r, n - d, 2 * p):
                for i in range(start, min(start + p, n - d)):
                    exchange(rows, i * EIGHT, (i + d) * EIGHT)
            if q == p:
                break
            d = q - p
            q //= 2
            r = p
        p //= 2
