"""Parabolas fitted to each segment; straight lines are among the trends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_PARABOLA", "segment_parabola"]

N_PARABOLA = 4

_REORDER = {"reassoc", "contract", "nsz", "arcp"}


@kernel
def segment_parabola(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill the parabola x = x0 + g (t - t0)^2 fitted with weights e^-2.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    out : (4, n) array
        Curvature g, its standard error, value x0 at the extremum, reduced chi2 (n - 3 degrees of
        freedom). NaN with fewer than three different times, and the last below four epochs.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo >= 3 and _has_three_times(t[lo:hi]):
            _parabola_of(t[lo:hi], y[lo:hi], e[lo:hi], out, s)


@kernel
def _has_three_times(t: NDArray[np.float64]) -> bool:
    changes = 0
    for j in range(1, t.size):
        changes += int(t[j] > t[j - 1])
    return changes >= 2


@kernel(fastmath=_REORDER)
def _parabola_of(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    out: NDArray[np.float64],
    s: int,
) -> None:
    """Project on polynomials that are orthogonal under the weights: nothing cancels."""
    n = t.size
    unit = 0.5 * (t[n - 1] - t[0])
    weights = m1 = m2 = m3 = 0.0
    wy = 0.0
    for j in range(n):
        w = 1.0 / (e[j] * e[j])
        weights += w
        m1 += w * ((t[j] - t[0]) / unit)
        wy += w * (y[j] - y[0])
    centre, mean = m1 / weights, wy / weights
    for j in range(n):
        w = 1.0 / (e[j] * e[j])
        x = (t[j] - t[0]) / unit - centre
        m2 += w * x * x
        m3 += w * x * x * x
    b, c = m3 / m2, m2 / weights  # p2 = x^2 - b x - c
    p11 = p22 = y1 = y2 = 0.0
    for j in range(n):
        w = 1.0 / (e[j] * e[j])
        x = (t[j] - t[0]) / unit - centre
        p2 = x * x - b * x - c
        z = y[j] - y[0] - mean
        p11 += w * x * x
        p22 += w * p2 * p2
        y1 += w * x * z
        y2 += w * p2 * z
    slope, curvature = y1 / p11, y2 / p22
    chi2 = 0.0
    for j in range(n):
        x = (t[j] - t[0]) / unit - centre
        r = (y[j] - y[0] - mean - slope * x - curvature * (x * x - b * x - c)) / e[j]
        chi2 += r * r
    tilt = slope - curvature * b
    out[0, s] = curvature / (unit * unit)
    out[1, s] = 1.0 / (np.sqrt(p22) * (unit * unit))
    out[2, s] = y[0] + mean - curvature * c - tilt * tilt / (4.0 * curvature)
    if n > 3:
        out[3, s] = chi2 / (n - 3)
