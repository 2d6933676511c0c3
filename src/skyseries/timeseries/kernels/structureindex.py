"""Structure functions of three orders against each other, on a regular grid of times."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["GRID", "segment_structure_indices"]

GRID = 100
"""Points of the regular grid, from the first to the last epoch."""

_REORDER = {"reassoc", "contract", "nsz"}


@kernel
def segment_structure_indices(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill the slopes of ln S_2 and ln S_3 against ln S_1, and of ln S_3 against ln S_2.

    S_p(lag) is the mean of abs(x(t + lag) - x(t))^p over a light curve that is interpolated
    linearly to 100 equidistant times; the slopes are those of least squares over the 99 lags.

    Parameters
    ----------
    t, y : (m,) arrays
        Times in ascending order within each segment, values.
    offsets : (n + 1,) array
    out : (3, n) array
        NaN for constant values, or where all times are equal.
    """
    x, logs = np.empty(GRID), np.empty((3, GRID))
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo < 2 or not t[hi - 1] > t[lo]:
            continue
        scale = _interpolate(t[lo:hi], y[lo:hi], x)
        if not (scale > 0 and np.isfinite(scale)):
            continue
        n = 0
        for lag in range(1, GRID):
            s1, s2, s3 = _sums(x, lag, 1.0 / scale)
            if s3 > 0:
                count = GRID - lag
                logs[0, n] = math.log(s1 / count)
                logs[1, n] = math.log(s2 / count)
                logs[2, n] = math.log(s3 / count)
                n += 1
        out[0, s] = _slope(logs[0], logs[1], n)
        out[1, s] = _slope(logs[0], logs[2], n)
        out[2, s] = _slope(logs[1], logs[2], n)


@kernel
def _interpolate(t: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]) -> float:
    """Fill differences from the first value at equidistant times, and return their range."""
    step = (t[t.size - 1] - t[0]) / (GRID - 1)
    j, low, high = 0, 0.0, 0.0
    for k in range(GRID):
        time = min(k * step, t[t.size - 1] - t[0])
        while j + 2 < t.size and t[j + 1] - t[0] <= time:
            j += 1
        width = t[j + 1] - t[j]
        part = min((time - (t[j] - t[0])) / width, 1.0) if width > 0 else 1.0
        x[k] = (y[j] - y[0]) + part * (y[j + 1] - y[j])
        low, high = min(low, x[k]), max(high, x[k])
    return high - low


@kernel(fastmath=_REORDER)
def _sums(x: NDArray[np.float64], lag: int, inverse: float) -> tuple[float, float, float]:
    s1 = s2 = s3 = 0.0
    for k in range(GRID - lag):
        a = abs(x[k + lag] - x[k]) * inverse
        s1 += a
        s2 += a * a
        s3 += a * a * a
    return s1, s2, s3


@kernel
def _slope(x: NDArray[np.float64], y: NDArray[np.float64], n: int) -> float:
    mean_x = mean_y = xx = xy = 0.0
    for k in range(n):
        mean_x += x[k] / n
        mean_y += y[k] / n
    for k in range(n):
        xx += (x[k] - mean_x) * (x[k] - mean_x)
        xy += (x[k] - mean_x) * (y[k] - mean_y)
    return xy / xx
