"""Weighted fits of two or three unknowns in each segment: a straight line, a sinusoid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["segment_intercepts", "segment_sinusoids"]

_DEPENDENT = 1e-10
"""Sine and cosine cannot be told apart, or from a constant, below this determinant."""


@kernel
def segment_intercepts(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill the value at time zero of the weighted straight line of each segment.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    out : (1, n) array
        NaN where all times are equal.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[0, s] = np.nan
        if hi - lo < 2 or not t[hi - 1] > t[lo]:
            continue
        weights = wt = wy = 0.0
        for j in range(lo, hi):
            w = (e[lo] / e[j]) * (e[lo] / e[j])
            weights += w
            wt += w * (t[j] - t[lo])
            wy += w * (y[j] - y[lo])
        wt /= weights
        wy /= weights
        tt = ty = 0.0
        for j in range(lo, hi):
            w = (e[lo] / e[j]) * (e[lo] / e[j])
            x = t[j] - t[lo] - wt
            tt += w * x * x
            ty += w * x * (y[j] - y[lo] - wy)
        out[0, s] = y[lo] + wy - ty / tt * (t[lo] + wt)


@kernel
def segment_sinusoids(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    n_bands: int,
    frequency: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill amplitude and phase of the sinusoid of a given frequency in each band.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n x n_bands + 1,) array
        Segments of each light curve and band.
    frequency : (n,) array
        Of each light curve, 1/d.
    out : (2, n x n_bands) array
        A and phi of y = m + A sin(2 pi f (t - t0) + phi), t0 being the first epoch of the light
        curve in any band; NaN where the epochs do not determine them.
    """
    for i in range(frequency.size):
        first = np.inf
        for s in range(i * n_bands, (i + 1) * n_bands):
            if offsets[s + 1] > offsets[s]:
                first = min(first, t[offsets[s]])
        for s in range(i * n_bands, (i + 1) * n_bands):
            lo, hi = offsets[s], offsets[s + 1]
            out[0, s] = out[1, s] = np.nan
            if hi - lo >= 3 and np.isfinite(frequency[i]):
                a, b = _sinusoid(t[lo:hi], y[lo:hi], e[lo:hi], first, frequency[i])
                out[0, s] = math.sqrt(a * a + b * b)
                out[1, s] = math.atan2(b, a)


@kernel
def _sinusoid(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    first: float,
    frequency: float,
) -> tuple[float, float]:
    """Return the coefficients of sine and cosine beside a floating mean."""
    n = t.size
    s, c, w = np.empty(n), np.empty(n), np.empty(n)
    weights = ws = wc = wy = 0.0
    for j in range(n):
        cycles = frequency * (t[j] - first)
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        s[j], c[j] = math.sin(angle), math.cos(angle)
        w[j] = (e[0] / e[j]) * (e[0] / e[j])
        weights += w[j]
        ws += w[j] * s[j]
        wc += w[j] * c[j]
        wy += w[j] * (y[j] - y[0])
    ws, wc, wy = ws / weights, wc / weights, wy / weights
    ss = sc = cc = ys = yc = 0.0
    for j in range(n):
        ds, dc, dy = s[j] - ws, c[j] - wc, y[j] - y[0] - wy
        ss += w[j] * ds * ds
        sc += w[j] * ds * dc
        cc += w[j] * dc * dc
        ys += w[j] * dy * ds
        yc += w[j] * dy * dc
    determinant = ss * cc - sc * sc
    if not determinant > _DEPENDENT * weights * weights:
        return np.nan, np.nan
    return (ys * cc - yc * sc) / determinant, (yc * ss - ys * sc) / determinant
