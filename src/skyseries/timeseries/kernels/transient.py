"""Features of transients: moving averages, detections, the maximum and the slopes about it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = [
    "N_TRANSIENT",
    "SIGNIFICANT",
    "WINDOW",
    "segment_transient",
]

N_TRANSIENT = 13

SIGNIFICANT = 5.0
"""A detection is further than this many errors from zero."""

WINDOW = 28.0
"""Days before and after the maximum over which the slopes are taken."""

_MAGNITUDE = 2.5 / math.log(10.0)


@kernel
def segment_transient(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    is_magnitude: bool,
    out: NDArray[np.float64],
) -> None:
    """Fill the features of each segment as a transient.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    is_magnitude : bool
        Then brighter is smaller, and the ratio of flux and error is 2.5 / ln(10) / e.
    out : (13, n) array
        Exponential moving averages of 2, 8 and 28 days at the last epoch; number of positive and of
        negative detections, the share of the positive ones; time of the first and of the last
        detection; epochs without detection before the first and after the last (all of them, if
        there is none); time of the maximum; slopes before and after it. NaN where undefined.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        if lo == hi:
            out[:, s] = np.nan
            continue
        _averages(t[lo:hi], y[lo:hi], out, s)
        _detections(t[lo:hi], y[lo:hi], e[lo:hi], is_magnitude, out, s)
        top = _brightest(y[lo:hi], is_magnitude)
        out[10, s] = t[lo + top]
        out[11, s] = _slope(t[lo:hi], y[lo:hi], e[lo:hi], top, -WINDOW, 0.0)
        out[12, s] = _slope(t[lo:hi], y[lo:hi], e[lo:hi], top, 0.0, WINDOW)


@kernel
def _averages(
    t: NDArray[np.float64], y: NDArray[np.float64], out: NDArray[np.float64], s: int
) -> None:
    a2 = a8 = a28 = 0.0
    for j in range(1, t.size):
        dt, d = t[j] - t[j - 1], y[j] - y[0]
        w8 = math.exp(-0.125 * dt)
        w2 = (w8 * w8) * (w8 * w8)
        w28 = math.exp(dt / -28.0)
        a2 = d + w2 * (a2 - d)
        a8 = d + w8 * (a8 - d)
        a28 = d + w28 * (a28 - d)
    out[0, s] = y[0] + a2
    out[1, s] = y[0] + a8
    out[2, s] = y[0] + a28


@kernel
def _detections(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    is_magnitude: bool,
    out: NDArray[np.float64],
    s: int,
) -> None:
    positive = negative = 0
    first, last = -1, -1
    for j in range(t.size):
        ratio = (_MAGNITUDE if is_magnitude else y[j]) / e[j]
        if ratio > SIGNIFICANT:
            positive += 1
        elif ratio < -SIGNIFICANT:
            negative += 1
        else:
            continue
        if first < 0:
            first = j
        last = j
    out[3, s] = positive
    out[4, s] = negative
    out[5, s] = positive / (positive + negative)
    out[6, s] = t[first] if first >= 0 else np.nan
    out[7, s] = t[last] if first >= 0 else np.nan
    out[8, s] = first if first >= 0 else t.size
    out[9, s] = t.size - 1 - last if first >= 0 else t.size


@kernel
def _brightest(y: NDArray[np.float64], is_magnitude: bool) -> int:
    best = 0
    for j in range(1, y.size):
        if (y[j] < y[best]) if is_magnitude else (y[j] > y[best]):
            best = j
    return best


@kernel
def _slope(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    top: int,
    low: float,
    high: float,
) -> float:
    """Return the slope of the weighted straight line from `low` to `high` days from the maximum."""
    weights = wt = wy = tt = ty = 0.0
    first, last = top, top
    while first > 0 and t[first - 1] - t[top] >= low:
        first -= 1
    while last + 1 < t.size and t[last + 1] - t[top] <= high:
        last += 1
    if not t[last] > t[first]:
        return np.nan
    for j in range(first, last + 1):
        w = (e[top] / e[j]) * (e[top] / e[j])
        weights += w
        wt += w * (t[j] - t[top])
        wy += w * (y[j] - y[top])
    for j in range(first, last + 1):
        w = (e[top] / e[j]) * (e[top] / e[j])
        x = t[j] - t[top] - wt / weights
        tt += w * x * x
        ty += w * x * (y[j] - y[top] - wy / weights)
    return ty / tt
