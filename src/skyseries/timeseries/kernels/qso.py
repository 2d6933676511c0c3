"""How well each segment is described by the damped random walk of a typical quasar, in O(n)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["segment_qso"]


@kernel
def segment_qso(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    scale: NDArray[np.float64],
    tau: NDArray[np.float64],
    variance: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill chi2_QSO/nu and chi2_False/nu of each segment (Butler & Bloom 2011, AJ 141, 93).

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    scale : (n,) array
        Factor that makes magnitudes of differences of the values; NaN: undefined.
    tau, variance : (n,) arrays
        Damping time (days) and variance (mag^2) of the walk.
    out : (2, n) array
        chi2 about the best mean for the covariance of walk and errors, over n - 1; and what is
        expected of it if the same scatter is not correlated: trace(C^-1) var(y) / (n - 1).
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo >= 2 and np.isfinite(scale[s]):
            out[0, s], out[1, s] = _chi2_of(
                t[lo:hi], y[lo:hi], e[lo:hi], scale[s], tau[s], variance[s]
            )


@kernel
def _chi2_of(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    scale: float,
    tau: float,
    variance: float,
) -> tuple[float, float]:
    # p: variance of the prediction; my, m1: prediction of the value and of a constant 1;
    # dp: derivative of p by a variance added to all errors, of which trace(C^-1) is made
    p, my, m1, dp = variance, 0.0, 0.0, 0.0
    yy = y1 = ones = trace = total = squares = 0.0
    for j in range(t.size):
        if j > 0:
            decay = math.exp((t[j - 1] - t[j]) / tau)
            p = variance + decay * decay * (p - variance)
            dp *= decay * decay
            my *= decay
            m1 *= decay
        x, r = scale * (y[j] - y[0]), scale * scale * e[j] * e[j]
        s = p + r
        gain = p / s
        dy, d1 = x - my, 1.0 - m1
        yy += dy * dy / s
        y1 += dy * d1 / s
        ones += d1 * d1 / s
        trace += (dp + 1.0) / s
        total += x
        squares += x * x
        my += gain * dy
        m1 += gain * d1
        p = r * gain
        rest = r / s
        dp = dp * rest * rest + gain * gain
    n = t.size
    mean = total / n
    return (yy - y1 * y1 / ones) / (n - 1), trace * (squares / n - mean * mean) / (n - 1)
