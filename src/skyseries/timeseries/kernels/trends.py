"""What depends on the order of the epochs: slopes, straight lines, von Neumann's ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_SPANS", "N_TRENDS", "segment_spans", "segment_trends"]

N_TRENDS = 11
N_SPANS = 3

_REORDER = {"reassoc", "contract", "nsz", "arcp"}
_NO_NAN = {"nnan", "reassoc", "contract", "nsz", "arcp"}


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
    out : (11, n) array
        Largest slope between neighbours (with its sign), largest absolute slope, von Neumann's
        ratio, slope of the weighted straight line, its error; von Neumann's ratio with slopes
        (times the mean step) in place of differences; value of the weighted line at the first
        epoch, its reduced chi2; slope of the line with equal weights, its error from the
        residuals, their standard deviation. NaN where undefined. Neighbours at the same time
        have no slope and are passed over.
    """
    longest = 0
    for s in range(offsets.size - 1):
        longest = max(longest, offsets[s + 1] - offsets[s])
    weights = np.empty(longest)
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo >= 2:
            _slopes_of(t[lo:hi], y[lo:hi], out, s)
            _lines_of(t[lo:hi], y[lo:hi], e[lo:hi], weights[: hi - lo], out, s)


@kernel(fastmath=_NO_NAN)
def _slope_sums(
    t: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    steepest, largest = -np.inf, 0.0
    slopes = differences = 0.0
    for j in range(t.size - 1):
        dt, dy = t[j + 1] - t[j], y[j + 1] - y[j]
        slope = dy / (dt if dt > 0 else np.inf)
        signed = slope if dt > 0 else -np.inf
        if signed > steepest:
            steepest = signed
        if abs(slope) > largest:
            largest = abs(slope)
        slopes += slope * slope
        differences += dy * dy
    return steepest, largest, slopes, differences


@kernel
def _slopes_of(
    t: NDArray[np.float64], y: NDArray[np.float64], out: NDArray[np.float64], s: int
) -> None:
    steepest, largest, slopes, differences = _slope_sums(t, y)
    squares = _squares(y)
    # the factor n - 1 of the mean square difference and of the variance is the same
    out[2, s] = differences / squares
    span = t[t.size - 1] - t[0]
    if span > 0:
        out[0, s] = steepest
        out[1, s] = largest
        step = span / (t.size - 1)
        out[5, s] = slopes * step * step / squares


@kernel(fastmath=_REORDER)
def _squares(y: NDArray[np.float64]) -> float:
    """Return the sum of squares about the mean."""
    origin = y[0]
    total = squares = 0.0
    for j in range(y.size):
        total += y[j] - origin
    mean = total / y.size
    for j in range(y.size):
        squares += (y[j] - origin - mean) * (y[j] - origin - mean)
    return squares


@kernel(fastmath=_REORDER)
def _lines_of(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    w: NDArray[np.float64],
    out: NDArray[np.float64],
    s: int,
) -> None:
    """Fit both lines; `w` is filled with the weights."""
    n = t.size
    t0, y0 = t[0], y[0]
    if t[n - 1] == t0:
        return
    weights = wt = wy = st = sy = 0.0
    for j in range(n):
        w[j] = 1.0 / (e[j] * e[j])
        weights += w[j]
        wt += w[j] * (t[j] - t0)
        wy += w[j] * (y[j] - y0)
        st += t[j] - t0
        sy += y[j] - y0
    wt, wy, st, sy = wt / weights, wy / weights, st / n, sy / n
    wtt = wty = stt = sty = 0.0
    for j in range(n):
        x, z = t[j] - t0 - wt, y[j] - y0 - wy
        wtt += w[j] * x * x
        wty += w[j] * x * z
        x, z = t[j] - t0 - st, y[j] - y0 - sy
        stt += x * x
        sty += x * z
    slope, plain = wty / wtt, sty / stt
    chi2 = noise = 0.0
    for j in range(n):
        r = y[j] - y0 - wy - slope * (t[j] - t0 - wt)
        chi2 += w[j] * r * r
        r = y[j] - y0 - sy - plain * (t[j] - t0 - st)
        noise += r * r
    out[3, s] = slope
    out[4, s] = 1.0 / np.sqrt(wtt)
    out[6, s] = y0 + wy - slope * wt
    out[8, s] = plain
    if n > 2:
        out[7, s] = chi2 / (n - 2)
        out[9, s] = np.sqrt(noise / ((n - 2) * stt))
        out[10, s] = np.sqrt(noise / (n - 2))
