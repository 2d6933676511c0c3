"""The model of a trend and up to three frequencies with harmonics: fit, and joint refinement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.orthogonal import (
    dot,
    orthogonalize,
    solve_triangle,
    subtract,
)

__all__ = [
    "N_FREQUENCIES",
    "N_HARMONICS",
    "N_TREND",
    "N_UNKNOWNS",
    "fit_model",
    "refine_model",
]

N_FREQUENCIES = 3
N_HARMONICS = 4
N_TREND = 2
N_UNKNOWNS = N_TREND + 2 * N_FREQUENCIES * N_HARMONICS

_MAX_FITS = 60
_LONGEST = 0.1
"""A frequency moves by at most this fraction of 1 / span in one step."""
_CONVERGED = 1e-10
_POSITIVE = 1e-3
"""The curvature is taken for that of a minimum if it is above this fraction of Gauss-Newton's."""


@kernel
def fit_model(
    times: NDArray[np.float64],
    root: NDArray[np.float64],
    values: NDArray[np.float64],
    frequency: NDArray[np.float64],
    n_frequencies: int,
    design: NDArray[np.float64],
    base: NDArray[np.float64],
    triangle: NDArray[np.float64],
    solution: NDArray[np.float64],
    left: NDArray[np.float64],
) -> float:
    """Fit the linear unknowns at given frequencies, and return the sum of squares left.

    Parameters
    ----------
    times : (n,) array
        Days, from 0 to the span.
    root, values : (n,) arrays
        Roots of the weights; values times these.
    frequency : (3,) array
        1/d; the first `n_frequencies` are used.
    design, base : (26, n) arrays
        Filled with the columns (times `root`), and with an orthonormal base of them.
    triangle : (26, 26) array
        Filled with what leads from the base to the columns.
    solution : (26,) array
        Filled with the mean, the trend over the whole span, and sine and cosine of each harmonic
        of each frequency.
    left : (4, n) array
        Filled with what trend, one, two and three frequencies leave of the values.
    """
    fill_design(times, root, frequency, n_frequencies, design)
    size = N_TREND + 2 * N_HARMONICS * n_frequencies
    for p in range(size):
        for j in range(times.size):
            base[p, j] = design[p, j]
    orthogonalize(base, size, triangle)
    done = 0
    for i in range(n_frequencies + 1):
        for j in range(times.size):
            left[i, j] = values[j] if i == 0 else left[i - 1, j]
        for p in range(done, N_TREND + 2 * N_HARMONICS * i):
            solution[p] = dot(base[p], left[i])
            subtract(left[i], solution[p], base[p])
        done = N_TREND + 2 * N_HARMONICS * i
    solve_triangle(triangle, solution, size)
    return dot(left[n_frequencies], left[n_frequencies])


@kernel
def fill_design(
    times: NDArray[np.float64],
    root: NDArray[np.float64],
    frequency: NDArray[np.float64],
    n_frequencies: int,
    design: NDArray[np.float64],
) -> None:
    """Fill the columns of the model, each times the roots of the weights."""
    span = times[times.size - 1]
    for j in range(times.size):
        design[0, j] = root[j]
        design[1, j] = root[j] * (times[j] / span - 0.5)
        for i in range(n_frequencies):
            cycles = frequency[i] * times[j]
            angle = 2.0 * np.pi * (cycles - np.floor(cycles))
            c, s = np.cos(angle), np.sin(angle)
            re, im = root[j] * c, root[j] * s
            p = N_TREND + 2 * N_HARMONICS * i
            for h in range(N_HARMONICS):
                design[p + 2 * h, j] = im
                design[p + 2 * h + 1, j] = re
                re, im = re * c - im * s, im * c + re * s


@kernel
def refine_model(
    times: NDArray[np.float64],
    root: NDArray[np.float64],
    values: NDArray[np.float64],
    frequency: NDArray[np.float64],
    n_frequencies: int,
    low: float,
    high: float,
    design: NDArray[np.float64],
    base: NDArray[np.float64],
    triangle: NDArray[np.float64],
    solution: NDArray[np.float64],
    left: NDArray[np.float64],
) -> float:
    """Move the frequencies to the nearest minimum of the sum of squares, and return that.

    Newton's method on the frequencies, the linear unknowns following them (variable projection);
    a step that does not lessen the sum is shortened, so the result is never worse than the
    start. The other arguments are as for `fit_model`, and are left filled for the result;
    the frequencies stay between `low` and `high`.
    """
    span = times[times.size - 1]
    step, best = np.zeros(N_FREQUENCIES), frequency.copy()
    chi2 = np.inf
    factor = longest = 0.0
    is_last = False
    for trial in range(_MAX_FITS):
        found = fit_model(
            times, root, values, frequency, n_frequencies, design, base, triangle, solution, left
        )
        if is_last:
            break
        if found < chi2:
            chi2 = found
            _newton_step(times, n_frequencies, design, base, triangle, solution, left, step)
            longest = 0.0
            for i in range(n_frequencies):
                best[i] = frequency[i]
                longest = max(longest, abs(step[i]))
            factor = min(1.0, _LONGEST / longest)
        else:
            factor *= 0.25
        # the model is fitted once more where the sum is least, to leave all of it filled
        is_last = not factor * longest > _CONVERGED or trial == _MAX_FITS - 2
        for i in range(n_frequencies):
            move = 0.0 if is_last else factor * step[i] / span
            frequency[i] = min(max(best[i] + move, low), high)
    return chi2


@kernel
def _newton_step(
    times: NDArray[np.float64],
    n_frequencies: int,
    design: NDArray[np.float64],
    base: NDArray[np.float64],
    triangle: NDArray[np.float64],
    solution: NDArray[np.float64],
    left: NDArray[np.float64],
    step: NDArray[np.float64],
) -> None:
    """Fill the step of each frequency, in units of 1 / span.

    With D the derivatives of the model by the frequencies, Q R the columns of the linear
    unknowns and r what is left, the second derivatives of half the sum of squares, with the
    linear unknowns eliminated, are D'D - S - (D'Q - U)(D'Q - U)', where S = r . d2m/df2 and
    U R = r . d2m/df da (Golub & Pereyra 2003, Inverse Problems 19, R1, section 3).
    """
    k, size = n_frequencies, N_TREND + 2 * N_HARMONICS * n_frequencies
    n = times.size
    slope, bend = np.zeros((k, n)), np.zeros(k)
    mixed, along = np.zeros((k, size)), np.empty((k, size))
    residual = left[n_frequencies]
    _derivatives(times, k, design, solution, residual, slope, bend, mixed)
    gradient = np.empty(k)
    for i in range(k):
        gradient[i] = dot(slope[i], residual)
        for p in range(size):
            for q in range(p):
                mixed[i, p] -= triangle[q, p] * mixed[i, q]
            mixed[i, p] = mixed[i, p] / triangle[p, p] if triangle[p, p] > 0 else 0.0
            along[i, p] = dot(slope[i], base[p])
            subtract(slope[i], along[i, p], base[p])
    gauss, newton = np.empty((k, k)), np.empty((k, k))
    for i in range(k):
        for m in range(k):
            gauss[i, m] = dot(slope[i], slope[m])
            newton[i, m] = gauss[i, m] + dot(along[i], mixed[m]) + dot(mixed[i], along[m])
            newton[i, m] -= dot(mixed[i], mixed[m])
        newton[i, i] -= bend[i]
    floor = np.empty(k)
    for i in range(k):
        floor[i] = _POSITIVE * gauss[i, i]
    if not _solve_positive(newton, gradient, floor, step):
        for i in range(k):
            floor[i] = 0.0
        if not _solve_positive(gauss, gradient, floor, step):
            for i in range(k):
                step[i] = 0.0


@kernel
def _derivatives(
    times: NDArray[np.float64],
    n_frequencies: int,
    design: NDArray[np.float64],
    solution: NDArray[np.float64],
    residual: NDArray[np.float64],
    slope: NDArray[np.float64],
    bend: NDArray[np.float64],
    mixed: NDArray[np.float64],
) -> None:
    """Fill the derivatives by frequencies in units of 1 / span, and r times the second ones."""
    span = times[times.size - 1]
    for i in range(n_frequencies):
        for h in range(N_HARMONICS):
            p = N_TREND + 2 * (N_HARMONICS * i + h)
            a, b = solution[p], solution[p + 1]
            for j in range(times.size):
                turn = 2.0 * np.pi * (h + 1) * times[j] / span
                sine, cosine = design[p, j], design[p + 1, j]
                slope[i, j] += turn * (a * cosine - b * sine)
                bend[i] -= residual[j] * turn * turn * (a * sine + b * cosine)
                mixed[i, p] += residual[j] * turn * cosine
                mixed[i, p + 1] -= residual[j] * turn * sine


@kernel
def _solve_positive(
    matrix: NDArray[np.float64],
    right: NDArray[np.float64],
    floor: NDArray[np.float64],
    out: NDArray[np.float64],
) -> bool:
    """Solve by Cholesky in place of the matrix; False if a pivot is not above its floor."""
    for p in range(right.size):
        out[p] = right[p]
        for q in range(p):
            for r in range(q):
                matrix[p, q] -= matrix[p, r] * matrix[q, r]
            matrix[p, q] /= matrix[q, q]
            matrix[p, p] -= matrix[p, q] * matrix[p, q]
            out[p] -= matrix[p, q] * out[q]
        if not matrix[p, p] > floor[p]:
            return False
        matrix[p, p] = np.sqrt(matrix[p, p])
        out[p] /= matrix[p, p]
    for p in range(right.size - 1, -1, -1):
        for q in range(p + 1, right.size):
            out[p] -= matrix[q, p] * out[q]
        out[p] /= matrix[p, p]
    return True
