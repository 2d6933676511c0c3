"""What depends on the order of the epochs: slopes, straight lines, von Neumann's ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_SPANS", "N_TRENDS", "segment_spans", "segment_trends"]

N_TRENDS = 5
N_SPANS = 3

_REORDER = {"reassoc", "contract", "nsz", "arcp"}


@kernel
def segment_spans(
    t: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill first time, last time and their difference; `t` need not be sorted; `out` is (3, n)."""
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        if lo == hi:
            out[:, s] = np.nan
            continue
        first = last = t[lo]
        for j in range(lo + 1, hi):
            first = min(first, t[j])
            last = max(last, t[j])
        out[0, s] = first
        out[1, s] = last
        out[2, s] = last - first


@kernel
def segment_trends(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill the trends of each segment.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    out : (5, n) array
        Largest slope between neighbours (with its sign), largest absolute slope, von Neumann's
        ratio, slope of the weighted straight line, its error; NaN where undefined. Neighbours at
        the same time have no slope and are passed over.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo >= 2:
            _slopes_of(t[lo:hi], y[lo:hi], out, s)
            out[2, s] = _von_neumann(y[lo:hi])
            out[3, s], out[4, s] = _straight_line(t[lo:hi], y[lo:hi], e[lo:hi])


@kernel
def _slopes_of(
    t: NDArray[np.float64], y: NDArray[np.float64], out: NDArray[np.float64], s: int
) -> None:
    steepest, largest = -np.inf, -np.inf
    for j in range(1, t.size):
        dt = t[j] - t[j - 1]
        if dt > 0:
            slope = (y[j] - y[j - 1]) / dt
            steepest = max(steepest, slope)
            largest = max(largest, abs(slope))
    if largest >= 0:
        out[0, s] = steepest
        out[1, s] = largest


@kernel(fastmath=_REORDER)
def _von_neumann(y: NDArray[np.float64]) -> float:
    origin = y[0]
    total = differences = squares = 0.0
    for j in range(1, y.size):
        total += y[j] - origin
        differences += (y[j] - y[j - 1]) * (y[j] - y[j - 1])
    mean = total / y.size
    for j in range(y.size):
        squares += (y[j] - origin - mean) * (y[j] - origin - mean)
    # the factor n - 1 of the mean square difference and of the variance is the same
    return differences / squares


@kernel(fastmath=_REORDER)
def _straight_line(
    t: NDArray[np.float64], y: NDArray[np.float64], e: NDArray[np.float64]
) -> tuple[float, float]:
    weights = wt = wy = tt = ty = 0.0
    for j in range(t.size):
        w = 1.0 / (e[j] * e[j])
        weights += w
        wt += w * (t[j] - t[0])
        wy += w * (y[j] - y[0])
    mean_t, mean_y = wt / weights, wy / weights
    for j in range(t.size):
        w = 1.0 / (e[j] * e[j])
        x = t[j] - t[0] - mean_t
        tt += w * x * x
        ty += w * x * (y[j] - y[0] - mean_y)
    if t[t.size - 1] == t[0]:
        return np.nan, np.nan
    return ty / tt, 1.0 / np.sqrt(tt)
