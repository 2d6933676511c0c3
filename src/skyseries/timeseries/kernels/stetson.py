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
    longest = 0
    for s in range(offsets.size - 1):
        longest = max(longest, offsets[s + 1] - offsets[s])
    weights = np.empty(longest)
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[0, s] = np.nan
        if hi - lo >= 2:
            out[0, s] = _stetson_j(y[lo:hi], e[lo:hi], weights[: hi - lo])


@kernel
def _stetson_j(y: NDArray[np.float64], e: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """Return J; `w` is filled with the weights."""
    n = y.size
    bias = n / (n - 1.0)
    for j in range(n):
        w[j] = 1.0 / (e[j] * e[j])
    mean, error = _reweighted(y, w, 0.0, 0.0)
    for _ in range(_MAX_ITERATIONS):
        before = mean
        mean, error = _reweighted(y, w, mean, 0.25 * bias)
        if abs(mean - before) <= _TOLERANCE * error:
            break
    total = 0.0
    for j in range(n):
        d = (y[j] - y[0] - mean) / e[j]
        p = bias * d * d - 1.0
        total += np.copysign(np.sqrt(abs(p)), p)
    return total / n


@kernel(fastmath=_REORDER)
def _reweighted(
    y: NDArray[np.float64], w: NDArray[np.float64], mean: float, damping: float
) -> tuple[float, float]:
    """Return the mean with damped weights, counted from the first value, and its error."""
    origin = y[0]
    weights = weighted = 0.0
    for j in range(y.size):
        d = y[j] - origin
        v = w[j] / (1.0 + damping * ((d - mean) * (d - mean) * w[j]))
        weights += v
        weighted += v * d
    return weighted / weights, 1.0 / np.sqrt(weights)
