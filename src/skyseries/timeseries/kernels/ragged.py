"""Split light curves by band without copying an object's row, and order their epochs in time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.sorting import INSERTION_LIMIT, order_of

__all__ = ["copy_usable", "count_usable", "merge_by_time", "order_by_time", "scatter_by_band"]


@kernel
def count_usable(
    offsets: NDArray[np.int64],
    time: NDArray[np.float64],
    value: NDArray[Any],
    error: NDArray[Any],
    code: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Mark the epochs that cannot be used with code -1, and count the others by band.

    Parameters
    ----------
    offsets : (n + 1,) array
        Where each light curve begins.
    time, value, error : (m,) arrays
        An epoch is usable if all three are finite and the error is above zero.
    code : (m,) array
        Position of the epoch's band, -1: leave it out. Changed in place.
    counts : (n, n_bands) array
        Filled with the number of usable epochs.
    """
    for i in range(offsets.size - 1):
        for j in range(offsets[i], offsets[i + 1]):
            c = code[j]
            if c < 0:
                continue
            usable = np.isfinite(time[j]) and np.isfinite(value[j])
            if usable and error[j] > 0 and np.isfinite(error[j]):
                counts[i, c] += 1
            else:
                code[j] = -1


@kernel
def copy_usable(
    offsets: NDArray[np.int64],
    time: NDArray[np.float64],
    value: NDArray[Any],
    error: NDArray[Any],
    code: NDArray[np.int32],
    segment_offsets: NDArray[np.int64],
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
) -> None:
    """Copy the usable epochs of light curves of one band, and fill where each segment begins.

    The same as `count_usable` and `scatter_by_band`, in one pass and mostly without branches.
    """
    k = 0
    segment_offsets[0] = 0
    for i in range(offsets.size - 1):
        lo, hi = offsets[i], offsets[i + 1]
        # slices from 0 on: no index can be negative, which keeps the loops vectorised
        a, b, c, d = time[lo:hi], value[lo:hi], error[lo:hi], code[lo:hi]
        if _n_usable(a, b, c, d) == hi - lo:
            _copy(a, t[k:])
            _copy(b, y[k:])
            _copy(c, e[k:])
            k += hi - lo
        else:
            for j in range(hi - lo):
                if _is_usable(a[j], b[j], c[j], d[j]):
                    t[k], y[k], e[k] = a[j], b[j], c[j]
                    k += 1
        segment_offsets[i + 1] = k


@kernel
def _copy(a: NDArray[Any], out: NDArray[np.float64]) -> None:
    for j in range(a.size):
        out[j] = a[j]


@kernel
def _is_usable(time: float, value: float, error: float, code: int) -> bool:
    is_finite = (abs(time) < np.inf) & (abs(value) < np.inf)
    return bool(is_finite & (error > 0) & (error < np.inf) & (code >= 0))


@kernel
def _n_usable(
    time: NDArray[np.float64], value: NDArray[Any], error: NDArray[Any], code: NDArray[np.int32]
) -> int:
    n = 0
    for j in range(time.size):
        n += int(_is_usable(time[j], value[j], error[j], code[j]))
    return n


@kernel
def scatter_by_band(
    offsets: NDArray[np.int64],
    time: NDArray[np.float64],
    value: NDArray[Any],
    error: NDArray[Any],
    code: NDArray[np.int32],
    n_bands: int,
    segment_offsets: NDArray[np.int64],
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
) -> None:
    """Copy the usable epochs to their segment, in the order in which they stand."""
    place = np.empty(n_bands, np.int64)
    for i in range(offsets.size - 1):
        for b in range(n_bands):
            place[b] = segment_offsets[i * n_bands + b]
        for j in range(offsets[i], offsets[i + 1]):
            c = code[j]
            if c >= 0:
                k = place[c]
                t[k] = time[j]
                y[k] = value[j]
                e[k] = error[j]
                place[c] = k + 1


@kernel
def order_by_time(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
) -> None:
    """Sort each segment in place by time; equal times by value, so that row order is no matter."""
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        if _n_steps_up(t[lo:hi]) >= hi - lo - 1:
            continue
        if hi - lo <= INSERTION_LIMIT:
            _insertion_sort(t, y, e, lo, hi)
        elif not _is_ordered(t, y, lo, hi):
            _general_sort(t[lo:hi], y[lo:hi], e[lo:hi])


@kernel
def merge_by_time(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    code: NDArray[np.int64],
    offsets: NDArray[np.int64],
) -> None:
    """Sort each segment in place by time, equal times by value; `code` goes with them."""
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        if not _is_ordered(t, y, lo, hi):
            order = order_of(t[lo:hi], y[lo:hi])
            old = t[lo:hi].copy(), y[lo:hi].copy(), e[lo:hi].copy()
            old_code = code[lo:hi].copy()
            for j in range(order.size):
                k = order[j]
                t[lo + j], y[lo + j], e[lo + j] = old[0][k], old[1][k], old[2][k]
                code[lo + j] = old_code[k]


@kernel
def _general_sort(t: NDArray[np.float64], y: NDArray[np.float64], e: NDArray[np.float64]) -> None:
    order = order_of(t, y)
    t0, y0, e0 = t.copy(), y.copy(), e.copy()
    for j in range(order.size):
        k = order[j]
        t[j], y[j], e[j] = t0[k], y0[k], e0[k]


@kernel
def _n_steps_up(t: NDArray[np.float64]) -> int:
    n = 0
    for j in range(t.size - 1):
        n += int(t[j] < t[j + 1])
    return n


@kernel
def _is_ordered(t: NDArray[np.float64], y: NDArray[np.float64], lo: int, hi: int) -> bool:
    for j in range(lo + 1, hi):
        if t[j] < t[j - 1] or (t[j] == t[j - 1] and y[j] < y[j - 1]):
            return False
    return True


@kernel
def _insertion_sort(
    t: NDArray[np.float64], y: NDArray[np.float64], e: NDArray[np.float64], lo: int, hi: int
) -> None:
    for j in range(lo + 1, hi):
        tj, yj, ej = t[j], y[j], e[j]
        k = j - 1
        while k >= lo and (t[k] > tj or (t[k] == tj and y[k] > yj)):
            t[k + 1], y[k + 1], e[k + 1] = t[k], y[k], e[k]
            k -= 1
        t[k + 1], y[k + 1], e[k + 1] = tj, yj, ej
