"""Autocorrelation of each segment: by epochs, by slots of lag, as an irregular AR(1) process."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["SLOT", "segment_autocorrelation", "segment_iar"]

SLOT = 1.0
"""Width of the slots of lag, days."""

_MOST_SLOTS = 4096
_FIRST_SLOTS = 16
_GRID = 12
_GOLDEN = 0.5 * (3.0 - math.sqrt(5.0))


@kernel
def segment_autocorrelation(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill the lags at which the autocorrelation falls below 1/e.

    Parameters
    ----------
    t, y : (m,) arrays
        Times in ascending order within each segment, values.
    offsets : (n + 1,) array
    out : (2, n) array
        Lag in epochs, lag in days (of slots of one day; a slot without pairs is passed over);
        NaN where it never falls below, or the values are constant.
    """
    products, pairs = np.empty(_MOST_SLOTS), np.empty(_MOST_SLOTS)
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo < 2:
            continue
        d = np.empty(hi - lo)
        square = _deviations(y[lo:hi], d)
        if square > 0:
            out[0, s] = _epochs_until(d, square)
            out[1, s] = _slots_until(t[lo:hi], d, square, products, pairs) * SLOT


@kernel
def _deviations(y: NDArray[np.float64], d: NDArray[np.float64]) -> float:
    """Fill the deviations from the mean, and return the sum of their squares."""
    mean = square = 0.0
    for j in range(y.size):
        mean += y[j] - y[0]
    mean /= y.size
    for j in range(y.size):
        d[j] = y[j] - y[0] - mean
        square += d[j] * d[j]
    return square


@kernel(fastmath={"reassoc", "contract"})
def _lagged_product(d: NDArray[np.float64], lag: int) -> float:
    result = 0.0
    for j in range(d.size - lag):
        result += d[j] * d[j + lag]
    return result


@kernel
def _epochs_until(d: NDArray[np.float64], square: float) -> float:
    for lag in range(1, d.size):
        if _lagged_product(d, lag) < math.exp(-1.0) * square:
            return float(lag)
    return np.nan


@kernel
def _slots_until(
    t: NDArray[np.float64],
    d: NDArray[np.float64],
    square: float,
    products: NDArray[np.float64],
    pairs: NDArray[np.float64],
) -> float:
    span = t[t.size - 1] - t[0]
    n_slots = int(min(math.floor(span / SLOT + 0.5) + 1.0, float(_MOST_SLOTS)))
    done, limit = 1, _FIRST_SLOTS
    while done < n_slots:  # the answer is most often among the first: they have few pairs
        limit = min(limit, n_slots)
        products[:limit] = 0.0
        pairs[:limit] = 0.0
        for i in range(t.size):
            for j in range(i + 1, t.size):
                lag = (t[j] - t[i]) / SLOT + 0.5
                if lag >= limit:
                    break
                slot = int(lag)
                products[slot] += d[i] * d[j]
                pairs[slot] += 1.0
        for slot in range(done, limit):
            if products[slot] * t.size < math.exp(-1.0) * square * pairs[slot]:
                return float(slot)
        done, limit = limit, 8 * limit
    return np.nan


@kernel
def segment_iar(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill phi of the irregular autoregressive process (Eyheramendy et al. 2018, MNRAS 481, 4311).

    y_j = phi^(t_j - t_j-1) y_j-1 + sqrt(1 - phi^(2 (t_j - t_j-1))) sigma noise about the mean, of
    the greatest likelihood; values at one time are replaced by their mean.

    Parameters
    ----------
    t, y : (m,) arrays
        Times in ascending order within each segment, values.
    offsets : (n + 1,) array
    out : (1, n) array
        NaN with fewer than three different times or for constant values.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[0, s] = np.nan
        if hi - lo < 3:
            continue
        times, means, d = np.empty(hi - lo), np.empty(hi - lo), np.empty(hi - lo)
        n = _distinct_times(t[lo:hi], y[lo:hi], times, means)
        square = _deviations(means[:n], d)
        if n >= 3 and square > 0 and np.isfinite(square):
            out[0, s] = _phi(times[:n], d[:n], math.sqrt(square / n))


@kernel
def _distinct_times(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    times: NDArray[np.float64],
    means: NDArray[np.float64],
) -> int:
    """Fill the different times, from the first on, and the mean of the values at each."""
    n, same = 0, 0
    for j in range(t.size):
        if n > 0 and t[j] - t[0] == times[n - 1]:
            same += 1
            means[n - 1] += (y[j] - y[0] - means[n - 1]) / same
        else:
            times[n], means[n], same = t[j] - t[0], y[j] - y[0], 1
            n += 1
    return n


@kernel
def _phi(t: NDArray[np.float64], d: NDArray[np.float64], scale: float) -> float:
    """Return exp(-1 d / tau) for the best tau from a grid in ln tau and golden sections."""
    span = t[t.size - 1]
    shortest = span
    for j in range(1, t.size):
        shortest = min(shortest, t[j] - t[j - 1])
    low, high = math.log(max(0.1 * shortest, 1e-6 * span)), math.log(10.0 * span)
    step, best, lowest = (high - low) / (_GRID - 1), 0, np.inf
    for k in range(_GRID):
        f = _iar_deviance(t, d, scale, low + k * step)
        if f < lowest:
            best, lowest = k, f
    left, right = low + max(best - 1, 0) * step, low + min(best + 1, _GRID - 1) * step
    a, b = left + _GOLDEN * (right - left), right - _GOLDEN * (right - left)
    fa, fb = _iar_deviance(t, d, scale, a), _iar_deviance(t, d, scale, b)
    while right - left > 1e-4:
        if fa < fb:
            right, b, fb = b, a, fa
            a = left + _GOLDEN * (right - left)
            fa = _iar_deviance(t, d, scale, a)
        else:
            left, a, fa = a, b, fb
            b = right - _GOLDEN * (right - left)
            fb = _iar_deviance(t, d, scale, b)
    return math.exp(-math.exp(-0.5 * (left + right)))


@kernel
def _iar_deviance(
    t: NDArray[np.float64], d: NDArray[np.float64], scale: float, ln_tau: float
) -> float:
    """Return -2 ln L with the best sigma, less a constant."""
    tau, product, logarithm = math.exp(ln_tau), 1.0, 0.0
    last = d[0] / scale
    chi2 = last * last
    for j in range(1, t.size):
        decay = math.exp((t[j - 1] - t[j]) / tau)
        free = max(1.0 - decay * decay, 1e-12)
        x = d[j] / scale
        chi2 += (x - decay * last) * (x - decay * last) / free
        last = x
        product *= free
        if product < 1e-200:
            logarithm += math.log(product)
            product = 1.0
    return t.size * math.log(chi2 / t.size) + logarithm + math.log(product)
