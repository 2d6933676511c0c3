"""The structure function of each segment: pairs of epochs in bins of their lag, and a power law.

The variance of the differences at a lag is V(lag) = A^2 (lag / 100 d)^(2 gamma), plus that of the
errors. As in Schmidt et al. 2010 (ApJ 714, 1194, equations 3 to 5) A and gamma maximise the
likelihood of normal differences; pairs of nearly the same lag are taken together, so that the
fit costs the same for any number of pairs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["LAG", "N_STRUCTURE", "segment_structure"]

N_STRUCTURE = 4

LAG = 100.0
"""The amplitude is that at this lag, days."""

_N_BINS = 32
_RATIO = math.sqrt(0.5)
_REORDER = {"reassoc", "contract", "nsz"}
_MOST_STEPS = 200
_PRECISION = 1e-9
_STEEPEST = 8.0
_NO_VARIANCE = 1e-9


@kernel
def segment_structure(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill amplitude and index of the structure function of each segment, in two ways.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    out : (4, n) array
        Amplitude at 100 d and index from the mean square differences; the same from the mean
        absolute ones. An amplitude of 0 where the errors explain all differences, its index NaN;
        both NaN where the index would be beyond -4 or 4.
    """
    bins = np.empty((5, _N_BINS))
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo < 2 or not t[hi - 1] > t[lo]:
            continue
        _fill_bins(t[lo:hi], y[lo:hi], e[lo:hi], bins)
        n, scale = _means(bins)
        if n >= 2 and scale > 0 and np.isfinite(scale):
            out[0, s], out[1, s] = _power_law(bins[0], bins[1], bins[2], bins[4], n)
            out[2, s], out[3, s] = _power_law(bins[0], bins[1], bins[3], bins[4], n)
            out[0, s] *= scale
            out[2, s] *= scale


@kernel(fastmath=_REORDER)
def _fill_bins(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bins: NDArray[np.float64],
) -> None:
    """Sum up pairs in bins of lag: number, lag, square and absolute difference, error variance.

    Each bin ends at the longest lag times a power of sqrt(1/2); the last one has all shorter lags.
    """
    bins[:] = 0.0
    edges = np.empty(_N_BINS)
    edges[0] = t[t.size - 1] - t[0]
    for k in range(1, _N_BINS):
        edges[k] = _RATIO * edges[k - 1]
    for i in range(t.size - 1):
        j, k = i + 1, _N_BINS - 1
        while j < t.size and t[j] == t[i]:
            j += 1
        while j < t.size:
            while k > 0 and t[j] - t[i] > edges[k]:
                k -= 1
            end = j + 1
            while end < t.size and t[end] - t[i] <= edges[k]:
                end += 1
            lags = squares = absolutes = noise = 0.0
            for m in range(j, end):
                difference = abs(y[m] - y[i])
                lags += t[m] - t[i]
                squares += difference * difference
                absolutes += difference
                noise += e[m] * e[m]
            bins[0, k] += end - j
            bins[1, k] += lags
            bins[2, k] += squares
            bins[3, k] += absolutes
            bins[4, k] += noise + (end - j) * e[i] * e[i]
            j = end


@kernel
def _means(bins: NDArray[np.float64]) -> tuple[int, float]:
    """Turn the sums of the bins that have pairs into means, and return how many and the scale.

    Rows: number, ln(lag / 100 d), variance from the squares, variance from the absolute values,
    error variance; variances in units of the scale squared.
    """
    n, pairs, squares = 0, 0.0, 0.0
    for k in range(_N_BINS):
        pairs += bins[0, k]
        squares += bins[2, k]
    scale = math.sqrt(squares / pairs)
    for k in range(_N_BINS):
        count = bins[0, k]
        if count > 0:
            bins[0, n] = count
            bins[1, n] = math.log(bins[1, k] / count / LAG)
            bins[2, n] = bins[2, k] / count / (scale * scale)
            absolute = bins[3, k] / count / scale
            bins[3, n] = 0.5 * math.pi * absolute * absolute
            bins[4, n] = bins[4, k] / count / (scale * scale)
            n += 1
    return n, scale


@kernel
def _power_law(
    weight: NDArray[np.float64],
    x: NDArray[np.float64],
    total: NDArray[np.float64],
    noise: NDArray[np.float64],
    n: int,
) -> tuple[float, float]:
    """Return A and gamma of the greatest likelihood, by Newton's method with halved steps."""
    centre = weights = excess = 0.0
    for k in range(n):
        weights += weight[k]
        centre += weight[k] * x[k]
        excess += weight[k] * (total[k] - noise[k])
    centre /= weights
    level, slope = math.log(max(excess / weights, 0.05)), 0.3
    best, da, db = _newton_step(weight, x, total, noise, n, centre, level, slope)
    for _ in range(_MOST_STEPS):
        size = max(abs(da), abs(db))
        if not np.isfinite(size):
            return np.nan, np.nan
        factor, old_level, old_slope = 1.0 / max(1.0, size), level, slope
        for _ in range(14):
            level = old_level + factor * da
            slope = min(max(old_slope + factor * db, -_STEEPEST), _STEEPEST)
            trial, a, b = _newton_step(weight, x, total, noise, n, centre, level, slope)
            if trial <= best + 1e-12 * abs(best):
                break
            factor *= 0.5
        best, da, db = trial, a, b
        if math.exp(level) < _NO_VARIANCE:
            return 0.0, np.nan
        if max(abs(level - old_level), abs(slope - old_slope)) < _PRECISION:
            break
    if abs(slope) >= _STEEPEST:
        return np.nan, np.nan
    return math.exp(0.5 * (level - slope * centre)), 0.5 * slope


@kernel
def _newton_step(
    weight: NDArray[np.float64],
    x: NDArray[np.float64],
    total: NDArray[np.float64],
    noise: NDArray[np.float64],
    n: int,
    centre: float,
    level: float,
    slope: float,
) -> tuple[float, float, float]:
    """Return -2 ln L of ln V = level + slope (x - centre), and the step to its minimum.

    With the matrix of second derivatives or, where that is not positive, its expectation.
    """
    deviance = g0 = g1 = h00 = h01 = h11 = f00 = f01 = f11 = 0.0
    for k in range(n):
        d = x[k] - centre
        own = math.exp(level + slope * d)
        v = own + noise[k]
        share, ratio = own / v, total[k] / v
        deviance += weight[k] * (math.log(v) + ratio)
        g = weight[k] * share * (ratio - 1.0)
        f = weight[k] * share * share
        h = f * ratio - g * (1.0 - share)
        g0 += g
        g1 += g * d
        f00 += f
        f01 += f * d
        f11 += f * d * d
        h00 += h
        h01 += h * d
        h11 += h * d * d
    determinant = h00 * h11 - h01 * h01
    if not (h00 > 0 and determinant > 1e-6 * h00 * h11):
        h00, h01, h11 = f00, f01, f11
        determinant = h00 * h11 - h01 * h01
    db = (h00 * g1 - h01 * g0) / determinant
    if abs(slope) >= _STEEPEST and slope * db > 0:
        return deviance, g0 / f00, 0.0  # along the limit of the slope
    return deviance, (h11 * g0 - h01 * g1) / determinant, db
