"""Stetson's variability index J with his robust mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["segment_stetson_j"]

_MAX_ITERATIONS = 20
_TOLERANCE = 1e-6
"""The mean has converged when a step is below this fraction of its own error."""

_REORDER = {"reassoc", "contract", "nsz", "arcp"}


@kernel
def segment_stetson_j(
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill Stetson's J of each segment, every epoch a pair with itself.

    J = mean of sgn(P) sqrt(|P|) with P = d^2 - 1 and d = sqrt(n / (n - 1)) (y - m) / e, where m
    is the mean with weights e^-2 / (1 + (|d| / 2)^2), iterated from the weighted mean (Stetson
    1996, PASP 108, 851, section 2).

    Parameters
    ----------
    y, e : (m,) arrays
    offsets : (n + 1,) array
    out : (1, n) array
        NaN below two epochs.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        if hi - lo < 2:
            out[0, s] = np.nan
            continue
        bias = np.sqrt((hi - lo) / (hi - lo - 1.0))
        mean = _robust_mean(y[lo:hi], e[lo:hi], bias)
        total = 0.0
        for j in range(lo, hi):
            d = bias * (y[j] - y[lo] - mean) / e[j]
            p = d * d - 1.0
            total += np.sqrt(p) if p > 0 else -np.sqrt(-p)
        out[0, s] = total / (hi - lo)


@kernel(fastmath=_REORDER)
def _reweighted(
    y: NDArray[np.float64], e: NDArray[np.float64], bias: float, mean: float, damping: float
) -> tuple[float, float]:
    origin = y[0]
    weights = weighted = 0.0
    for j in range(y.size):
        d = y[j] - origin
        z = 0.5 * bias * (d - mean) / e[j]
        w = 1.0 / (e[j] * e[j] * (1.0 + damping * z * z))
        weights += w
        weighted += w * d
    return weighted / weights, 1.0 / np.sqrt(weights)


@kernel
def _robust_mean(y: NDArray[np.float64], e: NDArray[np.float64], bias: float) -> float:
    """Return the robust mean, counted from the first value."""
    mean, error = _reweighted(y, e, bias, 0.0, 0.0)
    for _ in range(_MAX_ITERATIONS):
        before = mean
        mean, error = _reweighted(y, e, bias, mean, 1.0)
        if abs(mean - before) <= _TOLERANCE * error:
            break
    return mean
