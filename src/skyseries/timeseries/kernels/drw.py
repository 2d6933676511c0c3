"""The damped random walk: its likelihood in O(n) by the Kalman filter, and the fit to each segment.

Covariance: v exp(-abs(t_i - t_j) / tau) + e_i^2 delta_ij, with a mean that is profiled out
(generalized least squares). The filter runs for 16 pairs of (tau, v) at a time: they are the lanes
of the vector unit, since the chain from one epoch to the next is what takes the time for one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.reductions import lowest

__all__ = ["ERROR_FLOOR", "LONGEST", "SHORTEST", "drw_likelihoods", "segment_drw"]

ERROR_FLOOR = 1e-5
"""Errors below this part of the scatter count as that: the covariance stays positive."""

LONGEST = 10.0
"""Longest tau that is tried, in spans of the light curve."""

SHORTEST = 1e-5
"""Shortest tau that is tried, in spans; or the shortest interval, whichever is longer."""

_LARGEST = 1e15
"""Errors above this many times the scatter count as that: no product overflows."""

_SIDE = 4
_LANES = _SIDE * _SIDE
_N_WORK = 8 * _LANES
_LOW, _HIGH = math.log(1e-6), math.log(1e4)
_COARSE, _FINE = 0.8, 0.0125
_MOST_MOVES = 40

_REORDER = {"reassoc", "contract", "nsz", "arcp"}


@kernel(fastmath=_REORDER)
def drw_likelihoods(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    r: NDArray[np.float64],
    tau: NDArray[np.float64],
    v: NDArray[np.float64],
    work: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill -2 ln L, without the constant n ln(2 pi), for 16 damped random walks.

    Parameters
    ----------
    t, y, r : (n,) arrays
        Times in ascending order, values, variances of the errors.
    tau : (4,) array
        Damping times: of lanes 0 to 3, 4 to 7, ...
    v : (16,) array
        Variances of the walk far from any epoch.
    work : (128,) array
    out : (16,) array
    """
    for k in range(_LANES):
        work[k] = v[k]  # variance of the prediction
        for part in range(1, 6):  # prediction of y, of a constant 1, and three sums
            work[part * _LANES + k] = 0.0
        work[6 * _LANES + k] = 1.0  # determinant since the last logarithm
        work[7 * _LANES + k] = 1.0  # decay from the last epoch
        out[k] = 0.0
    for j in range(t.size):
        if j > 0:
            for a in range(_SIDE):
                decay = math.exp((t[j - 1] - t[j]) / tau[a])
                for k in range(_SIDE):
                    work[7 * _LANES + a * _SIDE + k] = decay
        _step(y[j], r[j], v, work)
        if j % 8 == 7 or j == t.size - 1:
            for k in range(_LANES):
                out[k] += math.log(work[6 * _LANES + k])
                work[6 * _LANES + k] = 1.0
    for k in range(_LANES):
        b = work[4 * _LANES + k]
        out[k] += work[5 * _LANES + k] - b * b / work[3 * _LANES + k]


@kernel(fastmath=_REORDER)
def _step(y: float, r: float, v: NDArray[np.float64], work: NDArray[np.float64]) -> None:
    """Go on to the next epoch in all lanes."""
    for k in range(_LANES):
        d = work[7 * _LANES + k]
        p = v[k] + d * d * (work[k] - v[k])
        my, m1 = d * work[_LANES + k], d * work[2 * _LANES + k]
        s = p + r
        g = 1.0 / s
        dy, d1 = y - my, 1.0 - m1
        gain = p * g
        work[k] = r * gain
        work[_LANES + k] = my + gain * dy
        work[2 * _LANES + k] = m1 + gain * d1
        work[3 * _LANES + k] += d1 * d1 * g
        work[4 * _LANES + k] += d1 * dy * g
        work[5 * _LANES + k] += dy * dy * g
        work[6 * _LANES + k] *= s


@kernel
def segment_drw(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill the fitted damped random walk of each segment.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    out : (3, n) array
        Standard deviation far from any epoch, damping time, logarithm of the likelihood ratio to
        white noise of any variance; NaN where undefined.
    """
    work, found = np.empty(_N_WORK), np.empty(3)
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo < 3:
            continue
        x, r = np.empty(hi - lo), np.empty(hi - lo)
        scale = _standardise(y[lo:hi], e[lo:hi], x, r)
        span = t[hi - 1] - t[lo]
        if not (span > 0 and scale > 0 and np.isfinite(scale)):
            continue
        times = (t[lo:hi] - t[lo]) / span
        _fit(times, x, r, work, found)
        out[0, s] = found[1] * scale
        out[1, s] = found[0] * span
        out[2, s] = found[2]


@kernel
def _standardise(
    y: NDArray[np.float64], e: NDArray[np.float64], x: NDArray[np.float64], r: NDArray[np.float64]
) -> float:
    """Fill values of mean 0 and variance 1, and the variances of the errors; return the scale."""
    mean = square = 0.0
    for j in range(y.size):
        mean += y[j] - y[0]
    mean /= y.size
    for j in range(y.size):
        x[j] = y[j] - y[0] - mean
        square += x[j] * x[j]
    scale = math.sqrt(square / y.size)
    for j in range(y.size):
        x[j] /= scale
        r[j] = min(max(e[j] / scale, ERROR_FLOOR), _LARGEST) ** 2
    return scale


@kernel
def _fit(
    t: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    work: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:
    """Fill tau, sigma and the logarithm of the likelihood ratio of one segment."""
    shortest = 1.0
    for j in range(1, t.size):
        if t[j] > t[j - 1]:
            shortest = min(shortest, t[j] - t[j - 1])
    low, high = math.log(max(shortest, SHORTEST)), math.log(LONGEST)
    white = _white_noise(t, x, r, work)
    u, w, best = _coarse(t, x, r, low, high, work)
    step = _COARSE
    for _ in range(_MOST_MOVES):
        u, w, best, is_inside = _move(t, x, r, u, w, step, low, high, work)
        if is_inside:
            if step <= _FINE:
                break
            step = 0.25 * step
    if w <= _LOW + 0.5 or not best < white:
        # no variance beyond the errors, or none that is correlated more than white noise is
        found[0] = math.exp(low) if w > _LOW + 0.5 else np.nan
        found[1] = math.exp(0.5 * w) if w > _LOW + 0.5 else 0.0
        found[2] = 0.0
        return
    found[0], found[1], found[2] = math.exp(u), math.exp(0.5 * w), 0.5 * (white - best)


@kernel
def _coarse(
    t: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    low: float,
    high: float,
    work: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return the best ln tau and ln v of a coarse grid, and -2 ln L there."""
    tau, v, out = np.empty(_SIDE), np.empty(_LANES), np.empty(_LANES)
    u, w, best = low, 0.0, np.inf
    for block in range(3):
        for k in range(_LANES):
            ln_tau = low + (high - low) * (block * _SIDE + k // _SIDE) / (3 * _SIDE - 1)
            tau[k // _SIDE] = math.exp(ln_tau)
            # a walk that takes longer than the light curve needs more variance to scatter as much
            v[k] = math.exp(max(0.0, ln_tau + 1.0) + 1.3 * (k % _SIDE - 2))
        drw_likelihoods(t, x, r, tau, v, work, out)
        for k in range(_LANES):
            if out[k] < best:
                best, u, w = out[k], math.log(tau[k // _SIDE]), math.log(v[k])
    return u, w, best


@kernel
def _move(
    t: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    u: float,
    w: float,
    step: float,
    low: float,
    high: float,
    work: NDArray[np.float64],
) -> tuple[float, float, float, bool]:
    """Return the minimum within 4 x 4 points around (u, w), and whether it is not at their edge."""
    tau, v, f = np.empty(_SIDE), np.empty(_LANES), np.empty(_LANES)
    first_u = min(max(u - 1.5 * step, low), high - 3.0 * step)
    first_w = min(max(w - 1.5 * step, _LOW), _HIGH - 3.0 * step)
    for k in range(_LANES):
        tau[k // _SIDE] = math.exp(first_u + k // _SIDE * step)
        v[k] = math.exp(first_w + k % _SIDE * step)
    drw_likelihoods(t, x, r, tau, v, work, f)
    best = 0
    for k in range(1, _LANES):
        if f[k] < f[best]:
            best = k
    a, b = best // _SIDE, best % _SIDE
    edge_u = (a == 0 and first_u > low) or (a == 3 and first_u < high - 3.01 * step)
    edge_w = (b == 0 and first_w > _LOW) or (b == 3 and first_w < _HIGH - 3.01 * step)
    new_u, new_w = first_u + a * step, first_w + b * step
    if edge_u or edge_w:
        return new_u, new_w, f[best], False
    du, dw, lowest = _vertex(f)
    if lowest < f[best] and abs(du) <= 1.5 and abs(dw) <= 1.5:
        return first_u + (1.5 + du) * step, first_w + (1.5 + dw) * step, lowest, True
    return new_u, new_w, f[best], True


@kernel
def _vertex(f: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return where the paraboloid fitted to 4 x 4 points is lowest, from their middle, and there.

    By the orthogonal polynomials of the positions -3/2, -1/2, 1/2, 3/2; infinite if it has none.
    """
    mean = gu = gw = huu = hww = huw = 0.0
    for k in range(_LANES):
        u, w = k // _SIDE - 1.5, k % _SIDE - 1.5
        mean += f[k] / 16.0
        gu += f[k] * u / 20.0
        gw += f[k] * w / 20.0
        huw += f[k] * u * w / 25.0
        huu += f[k] * (u * u - 1.25) / 8.0
        hww += f[k] * (w * w - 1.25) / 8.0
    determinant = huu * hww - huw * huw
    if not (huu > 0 and determinant > 0):
        return np.inf, np.inf, np.inf
    du = (huw * gw - hww * gu) / determinant
    dw = (huw * gu - huu * gw) / determinant
    return du, dw, mean - 0.625 * (huu + hww) + 0.5 * (gu * du + gw * dw)


@kernel
def _white_noise(
    t: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    work: NDArray[np.float64],
) -> float:
    """Return the least -2 ln L of noise that is not correlated from one time to the next."""
    tau, v, f = np.full(_SIDE, 1e-12), np.empty(_LANES), np.empty(_LANES)
    step, first = (_HIGH - _LOW) / (_LANES - 1), _LOW
    best = 0
    for _ in range(3):
        for k in range(_LANES):
            v[k] = math.exp(first + k * step)
        drw_likelihoods(t, x, r, tau, v, work, f)
        best = 0
        for k in range(1, _LANES):
            if f[k] < f[best]:
                best = k
        first = max(first + (best - 1) * step, _LOW)
        step *= 2.0 / (_LANES - 1)
    best = min(max(best, 1), _LANES - 2)
    slope, bend = 0.5 * (f[best + 1] - f[best - 1]), f[best + 1] - 2.0 * f[best] + f[best - 1]
    inside = bend > 0 and abs(slope) < bend
    return float(f[best] - 0.5 * slope * slope / bend) if inside else lowest(f)
