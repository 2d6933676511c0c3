"""How far the scatter of each segment exceeds its errors."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["segment_chi2_probability", "segment_peak_to_peak", "segment_roms"]

_REORDER = {"reassoc", "contract", "nsz", "arcp"}

_MAX_TERMS = 100_000
_PRECISION = 1e-15
_TINY = 1e-300


@kernel
def segment_chi2_probability(
    chi2: NDArray[np.float64], count: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill the probability that the errors alone give a larger chi2.

    The upper incomplete gamma function Q((n - 1) / 2, chi2 / 2), by its series below and its
    continued fraction above the mean (Abramowitz & Stegun 6.5.29 and 6.5.31).

    Parameters
    ----------
    chi2, count : (n,) arrays
        Chi2 about the weighted mean, epochs.
    out : (1, n) array
        NaN below two epochs.
    """
    for s in range(count.size):
        out[0, s] = np.nan
        if count[s] >= 2 and chi2[s] < np.inf:
            out[0, s] = _upper_gamma(0.5 * (count[s] - 1), 0.5 * chi2[s])


@kernel
def _upper_gamma(a: float, x: float) -> float:
    """Return the regularized upper incomplete gamma function Q(a, x)."""
    if x <= 0.0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        for k in range(1, _MAX_TERMS):
            term *= x / (a + k)
            total += term
            if term < total * _PRECISION:
                break
        return 1.0 - front * total
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    fraction = d
    for k in range(1, _MAX_TERMS):
        factor = -k * (k - a)
        b += 2.0
        d = 1.0 / (factor * d + b)
        c = b + factor / c
        fraction *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return front * fraction


@kernel
def segment_roms(
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    median: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill the robust median statistic, sum(abs(x - median) / e) / (n - 1).

    Parameters
    ----------
    y, e : (m,) arrays
    offsets : (n + 1,) array
    median : (n,) array
    out : (1, n) array
        NaN below two epochs.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[0, s] = np.nan
        if hi - lo >= 2:
            out[0, s] = _absolute_pulls(y[lo:hi], e[lo:hi], median[s]) / (hi - lo - 1)


@kernel(fastmath=_REORDER)
def _absolute_pulls(y: NDArray[np.float64], e: NDArray[np.float64], median: float) -> float:
    total = 0.0
    for j in range(y.size):
        total += abs(y[j] - median) / e[j]
    return total


@kernel
def segment_peak_to_peak(
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill (a - b) / (a + b) with a the largest of y - e and b the smallest of y + e.

    Parameters
    ----------
    y, e : (m,) arrays
    offsets : (n + 1,) array
    out : (1, n) array
        NaN below two epochs, and where a value is negative.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[0, s] = np.nan
        least, a, b = np.inf, -np.inf, np.inf
        for j in range(lo, hi):
            least = min(least, y[j])
            a = max(a, y[j] - e[j])
            b = min(b, y[j] + e[j])
        if hi - lo >= 2 and least >= 0.0:
            out[0, s] = (a - b) / (a + b)
