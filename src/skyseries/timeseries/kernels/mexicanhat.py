"""Variance of each segment on a time scale, by a Mexican hat filter that allows for gaps.

Arevalo et al. 2012 (MNRAS 426, 1793): the light curve is convolved with two Gaussians of width
sigma / sqrt(1 + epsilon) and sigma sqrt(1 + epsilon), each divided by the same convolution of a
constant 1, and the two are subtracted. Here epsilon goes to zero: the difference over epsilon is
then the derivative by ln sigma, which takes one exponential for each pair.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["REACH", "WIDTH", "segment_hat_variance"]

WIDTH = 0.225
"""sigma of the filter that is most sensitive to variations of period 1: 1 / (sqrt(2) pi)."""

REACH = 6.0
"""Epochs further than this many sigma are not seen."""

_POWER = 16.0 / (3.0 * math.sqrt(2.0 * math.pi))
"""From the variance of the derivative to frequency times power at the centre of the filter."""


@kernel
def segment_hat_variance(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    period: float,
    out: NDArray[np.float64],
) -> None:
    """Fill frequency times power density at frequency 1 / `period`, the errors' part subtracted.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    period : float
        Days.
    out : (n,) array
        May be below zero where the errors explain all; NaN where no two different times are near
        each other.
    """
    sigma = WIDTH * period
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        total, seen, first = 0.0, 0, lo
        for i in range(lo, hi):
            while t[i] - t[first] > REACH * sigma:
                first += 1
            last = i
            while last + 1 < hi and t[last + 1] - t[i] <= REACH * sigma:
                last += 1
            if t[last] > t[first]:
                total += _filtered(t, y, e, i, first, last, sigma)
                seen += 1
        out[s] = _POWER * total / seen if seen > 0 else np.nan


@kernel
def _filtered(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    i: int,
    first: int,
    last: int,
    sigma: float,
) -> float:
    """Return the square of the filtered light curve at epoch i, less what the errors make of it."""
    g0 = g1 = gy = gay = 0.0
    e0 = e1 = e2 = 0.0
    for j in range(first, last + 1):
        z = (t[j] - t[i]) / sigma
        a = z * z
        g = math.exp(-0.5 * a)
        d = y[j] - y[i]
        g0 += g
        g1 += g * a
        gy += g * d
        gay += g * a * d
        noise = g * g * e[j] * e[j]
        e0 += noise
        e1 += noise * a
        e2 += noise * a * a
    mean_a = g1 / g0
    value = (gay - mean_a * gy) / g0
    return value * value - (e2 - 2.0 * mean_a * e1 + mean_a * mean_a * e0) / (g0 * g0)
