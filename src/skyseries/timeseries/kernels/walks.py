"""A damped random walk of any scale, and linear models fitted in its noise.

The covariance is s^2 (v exp(-abs(t_i - t_j) / tau) + r_i delta_ij): s is profiled out, so errors
that are all too small or too large by one factor are of no consequence. Linear models are whitened
by the Kalman filter and come with ridge priors (generalized least squares); the mean of each band
is a free parameter of every model.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.drw import LONGEST, SHORTEST, drw_likelihoods

__all__ = ["WHITE", "Walk", "best_walk", "fill_equations", "fill_residuals", "solve_equations"]

Walk = tuple[float, float, float]
"""ln tau, ln v, and -2 ln L (without constants) of a walk."""

WHITE = -np.inf
"""The ln v of white noise."""

_LANES, _SIDE = 16, 4
_N_WORK = 8 * _LANES
_COLUMNS = 12
"""Values of tau of the coarse grid."""
_TO_NOISE = 2.5
"""Step of ln v of the coarse grid, from exp(-2) of the mean r on."""
_FIRST, _LAST = 1.2, 0.35
"""First step of ln v around the best of the grid, and the last one."""
_FLAT = 0.1
"""A gain of -2 ln L below this ends the walk downhill."""
_MOST_MOVES = 12
_RIDGE = 1e-10


@kernel
def best_walk(
    t: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    freedom: int,
    start: Walk,
) -> Walk:
    """Return the walk of the highest likelihood; white noise, if none is better.

    Parameters
    ----------
    t, x, r : (n,) arrays
        Times in ascending order, values, variances of the errors up to a factor.
    freedom : int
        Degrees of freedom that are left.
    start : tuple
        A walk to go on from; white noise: a grid is tried first.
    """
    shortest, mean, span = np.inf, 0.0, t[t.size - 1] - t[0]
    for j in range(t.size):
        mean += r[j] / t.size
        if j > 0 and t[j] > t[j - 1]:
            shortest = min(shortest, t[j] - t[j - 1])
    low, high = math.log(max(shortest, SHORTEST * span)), math.log(LONGEST * span)
    tau, v = np.empty(_SIDE), np.empty(_LANES)
    work, out = np.empty(_N_WORK), np.empty(_LANES)
    stride, step = (high - low) / (_COLUMNS - 1), _FIRST
    white = _white_noise(x, r, freedom)
    u, w, best = start
    if w == WHITE:
        best = np.inf
        for block in range(_COLUMNS // _SIDE):
            for k in range(_LANES):
                ln_tau = low + stride * (block * _SIDE + k // _SIDE)
                tau[k // _SIDE] = math.exp(ln_tau)
                # a walk that takes longer than the light curve needs more variance
                rise = max(0.0, ln_tau - math.log(span) + 1.0)
                v[k] = mean * math.exp(rise + _TO_NOISE * (k % _SIDE) - 2.0)
            k = _lowest(t, x, r, tau, v, freedom, work, out)
            if out[k] < best:
                u, w, best = math.log(tau[k // _SIDE]), math.log(v[k]), out[k]
    else:
        step *= 0.5
        best = np.inf
    for _ in range(_MOST_MOVES):
        for k in range(_LANES):
            ln_tau = u + 0.5 * step * stride * (k // _SIDE - 1.5)
            tau[k // _SIDE] = math.exp(min(max(ln_tau, low), high))
            v[k] = math.exp(w + step * (k % _SIDE - 1.5))
        k = _lowest(t, x, r, tau, v, freedom, work, out)
        is_inside = 0 < k // _SIDE < _SIDE - 1 and 0 < k % _SIDE < _SIDE - 1
        if is_inside or best - out[k] < _FLAT:
            step *= 0.5
        if out[k] < best:
            u, w, best = math.log(tau[k // _SIDE]), math.log(v[k]), out[k]
        if step < _LAST:
            break
    return (u, w, best) if best < white else (u, WHITE, white)


@kernel
def _lowest(
    t: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    tau: NDArray[np.float64],
    v: NDArray[np.float64],
    freedom: int,
    work: NDArray[np.float64],
    out: NDArray[np.float64],
) -> int:
    """Fill -2 ln L of 16 walks at the best scale of each, and return which is the lowest."""
    drw_likelihoods(t, x, r, tau, v, work, out)
    best = 0
    for k in range(_LANES):
        b = work[4 * _LANES + k]
        square = work[5 * _LANES + k] - b * b / work[3 * _LANES + k]
        out[k] += freedom * math.log(square / freedom) - square
        if out[k] < out[best]:
            best = k
    return best


@kernel
def _white_noise(x: NDArray[np.float64], r: NDArray[np.float64], freedom: int) -> float:
    """Return -2 ln L of white noise at its best scale."""
    total = shift = square = log_det = 0.0
    for j in range(x.size):
        total += 1.0 / r[j]
        shift += x[j] / r[j]
    for j in range(x.size):
        square += (x[j] - shift / total) ** 2 / r[j]
        log_det += math.log(r[j])
    return freedom * math.log(square / freedom) + log_det


@kernel
def fill_equations(
    t: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    band: NDArray[np.int64],
    design: NDArray[np.float64],
    walk: Walk,
    gram: NDArray[np.float64],
    right: NDArray[np.float64],
) -> float:
    """Fill the normal equations of the bands' means and of a linear model in the noise of a walk.

    Parameters
    ----------
    t, x, r : (n,) arrays
        As for `best_walk`.
    band : (n,) array
        Number of the band of each epoch.
    design : (n, k) array
        What each parameter adds to each epoch.
    walk : tuple
    gram : (n_bands + k, n_bands + k) array
        Its lower triangle is filled; the bands are first.
    right : (n_bands + k,) array

    Returns
    -------
    float
        The weighted square of the whitened values.
    """
    size = right.size
    n_bands = size - design.shape[1]
    gram[:] = 0.0
    right[:] = 0.0
    mean, new = np.zeros(size), np.empty(size)
    tau, v = math.exp(walk[0]), math.exp(walk[1])
    p, predicted, square = v, 0.0, 0.0
    for j in range(t.size):
        decay = math.exp((t[j - 1] - t[j]) / tau) if j > 0 else 1.0
        p = v + decay * decay * (p - v)
        weight = 1.0 / (p + r[j])
        gain = p * weight
        p *= r[j] * weight
        for k in range(n_bands):
            new[k] = 0.0
        new[band[j]] = 1.0
        for k in range(n_bands, size):
            new[k] = design[j, k - n_bands]
        for k in range(size):
            mean[k] *= decay
            new[k] -= mean[k]
            mean[k] += gain * new[k]
        predicted *= decay
        y = x[j] - predicted
        predicted += gain * y
        square += weight * y * y
        for k in range(size):
            part = weight * new[k]
            right[k] += part * y
            row = gram[k]
            for q in range(k + 1):
                row[q] += part * new[q]
    return square


@kernel
def solve_equations(
    gram: NDArray[np.float64],
    right: NDArray[np.float64],
    square: float,
    prior: NDArray[np.float64],
    noise: float,
    spared: int,
    coefficient: NDArray[np.float64],
    work: NDArray[np.float64],
) -> tuple[float, float]:
    """Solve the normal equations with normal priors.

    Parameters
    ----------
    gram, right, square
        As `fill_equations` fills and returns them.
    prior : (k,) array
        Variances of the parameters; infinite: free. Those of the bands are free.
    noise : float
        Scale s^2 of the noise.
    spared : int
        Parameters of the model, from the first, whose freedom is not penalized.
    coefficient : (n_bands + k,) array
        Filled.
    work : (n_bands + k, n_bands + k) array
        Overwritten.

    Returns
    -------
    misfit : float
        The weighted square of what is left.
    penalty : float
        What the free choice of the parameters is expected to gain in 2 ln L, by their priors:
        the logarithm of the prior's volume over the posterior's, and the square of the parameters
        in units of the priors.
    """
    size = right.size
    n_bands = size - prior.size
    penalty = 0.0
    for p in range(size):
        for q in range(p):
            entry = gram[p, q]
            for k in range(q):
                entry -= work[p, k] * work[q, k]
            work[p, q] = entry / work[q, q]
        added = noise / prior[p - n_bands] if p >= n_bands else 0.0
        pivot, z = gram[p, p] * (1.0 + _RIDGE) + added, right[p]
        for k in range(p):
            pivot -= work[p, k] * work[p, k]
            z -= work[p, k] * coefficient[k]
        pivot = max(pivot, added + _RIDGE * gram[p, p])
        work[p, p] = math.sqrt(pivot)
        coefficient[p] = z / work[p, p]
        if p >= n_bands + spared and added > 0.0:
            penalty += math.log(pivot / added)
    for p in range(size - 1, -1, -1):
        z = coefficient[p]
        for k in range(p + 1, size):
            z -= work[k, p] * coefficient[k]
        coefficient[p] = z / work[p, p]
    misfit = square
    for p in range(size):
        if p >= n_bands:
            penalty += coefficient[p] ** 2 / prior[p - n_bands]
        misfit -= 2.0 * coefficient[p] * right[p]
        for q in range(p + 1):
            misfit += (1.0 if p == q else 2.0) * coefficient[p] * coefficient[q] * gram[p, q]
    return max(misfit, 1e-12 * square), penalty


@kernel
def fill_residuals(
    x: NDArray[np.float64],
    band: NDArray[np.int64],
    design: NDArray[np.float64],
    coefficient: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill what the bands' means and the linear model leave of the values."""
    n_terms = design.shape[1]
    n_bands = coefficient.size - n_terms
    for j in range(x.size):
        model = coefficient[band[j]]
        for k in range(n_terms):
            model += coefficient[n_bands + k] * design[j, k]
        out[j] = x[j] - model
