"""Whether the period of a light curve is to be believed, against all that has none.

A Fourier series at the frequency is compared with constant bands in white noise and in that of a
damped random walk, and with a polynomial in time; and what it explains must not all come from one
stretch of time, or from one or two cycles.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import equalize
from skyseries.timeseries.kernels.peaks import false_alarm_probability
from skyseries.timeseries.kernels.reductions import total_of
from skyseries.timeseries.kernels.sorting import order_of
from skyseries.timeseries.kernels.walks import (
    WHITE,
    Walk,
    best_walk,
    fill_equations,
    fill_residuals,
    solve_equations,
)

__all__ = [
    "BELIEVED",
    "FEW",
    "NOISE",
    "N_NUMBERS",
    "RED",
    "TREND",
    "UNKNOWN",
    "judge_period",
    "judge_periods",
]

UNKNOWN, BELIEVED, NOISE, TREND, FEW, RED = -1, 0, 1, 2, 3, 4
"""What is said of a period; UNKNOWN: there is none."""

N_NUMBERS = 6

SURE = 1e-3
"""False-alarm probability below which noise is excluded."""
LEAST_CYCLES = 2.0
LEAST_EFFECTIVE = 2.5
"""Cycles that must carry what the period explains, by the inverse sum of their squared shares."""
LEAST_LEFT = 0.25
"""Share of what is explained that must be left without the best tenth of the light curve."""

_SMOOTH_BELOW = 20.0
"""Cycles below which harmonics take gaps in phase for freedom: only a smooth shape is fitted."""
_SMOOTH, _SHARP = 3, 8
_NARROW, _WIDTH = 24, 14.0
"""Harmonics of a row of narrow dips that a search of dips found, and where they fade."""
_EPOCHS_PER_HARMONIC = 6
_LEAST_FREEDOM = 4
_FIRST_FLOOR = 0.25
"""Noise of the first fit, in units of the scatter."""
_TINY = 1e-10
_ROUNDS = 3
_DEGREES = 3
_MOST_EPOCHS = 2048
"""Epochs that are compared with a random walk; of more, so many in runs spread evenly."""
_RUNS = 8
_BEYOND_DOUBT = 1e-15
"""False-alarm probability that is not worth a better fit of what can only lower it."""


@kernel
def judge_periods(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    n_bands: int,
    frequency: NDArray[np.float64],
    high: float,
    floor: float,
    code: NDArray[np.int64],
    numbers: NDArray[np.float64],
) -> None:
    """Fill the judgement of the period of each light curve.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times (d), values, errors above zero.
    offsets : (n x n_bands + 1,) array
        Segments of each light curve and band.
    frequency : (n,) array
        1/d; NaN: none.
    high : float
        Highest frequency that was searched, 1/d.
    floor : float
        Added in quadrature to the errors.
    code : (n,) array
        Filled, see `judge_period`.
    numbers : (6, n) array
        Filled, see `judge_period`.
    """
    found = np.empty(N_NUMBERS)
    for i in range(frequency.size):
        bounds = offsets[i * n_bands : (i + 1) * n_bands + 1]
        code[i] = judge_period(t, y, e, bounds, frequency[i], high, floor, False, found)
        for k in range(N_NUMBERS):
            numbers[k, i] = found[k]


@kernel
def judge_period(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    frequency: float,
    high: float,
    floor: float,
    is_narrow: bool,
    numbers: NDArray[np.float64],
) -> int:
    """Judge the period of one light curve.

    Parameters
    ----------
    t, y, e : (m,) arrays
    bounds : (n_bands + 1,) array
        Where each band of the light curve begins.
    frequency, high, floor : float
        See `judge_periods`.
    is_narrow : bool
        Whether what repeats was found as narrow dips.
    numbers : (6,) array
        Filled with the false-alarm probability of the series in white noise; the same against
        red noise (a damped random walk, or a polynomial); the cycles that the light curve spans;
        those that carry what the series explains; the share of it that is left without the best
        tenth of the light curve; 2 ln of the likelihood of a polynomial over that of the series,
        both penalized. NaN where there is nothing to say.

    Returns
    -------
    int
        NOISE, if white noise explains the light curve; else TREND, if a polynomial does as well as
        the period, or explains what the period does not; else FEW, if too few cycles carry it; else
        RED, if a random walk explains the light curve; else BELIEVED. UNKNOWN where there is no
        frequency.
    """
    numbers[:] = np.nan
    n = 0
    for b in range(bounds.size - 1):
        size = bounds[b + 1] - bounds[b]
        n += size if size > 1 else 0
    if not frequency > 0 or n == 0:
        return UNKNOWN
    time, x, own = np.empty(n), np.empty(n), np.empty(n)
    band = np.empty(n, np.int64)
    n_bands = _merge(t, y, e, bounds, floor, time, x, own, band)
    cycles = frequency * time[n - 1]
    numbers[2] = cycles
    freedom = n - n_bands
    if freedom < _LEAST_FREEDOM or not (_standardise(x, own, band, n_bands) and cycles > 0):
        return FEW if cycles < LEAST_CYCLES else NOISE
    n_terms = _SMOOTH if cycles < _SMOOTH_BELOW else _SHARP
    n_terms = min(_NARROW if is_narrow else n_terms, max(freedom // _EPOCHS_PER_HARMONIC, 1))
    design = np.empty((n, 2 * n_terms))
    _fill_series(time, frequency, design)
    r, rest, plain = np.empty(n), np.empty(n), np.empty(n)
    for j in range(n):
        r[j] = own[j] + _FIRST_FLOOR * _FIRST_FLOOR
    _fit(time, x, r, band, n_bands, design, freedom, rest)
    _add_excess(own, rest, r)
    prior, misfit, penalty = _fit(time, x, r, band, n_bands, design, freedom, rest)
    square = _fill_plain(x, r, band, n_bands, plain)
    white = freedom * math.log(square / misfit) - penalty
    numbers[0] = numbers[1] = _chance(white, time, r, n_bands, high)
    _spread(time, plain, rest, r, frequency, numbers)
    trend = _trend(time, x, r, band, n_bands, freedom, square)
    numbers[5] = trend - white
    if not numbers[0] < SURE:
        is_trend = trend > white and _chance(trend, time, r, n_bands, high) < SURE
        return TREND if is_trend else NOISE
    red = _red_chance(time, x, plain, rest, r, band, n_bands, design, prior, penalty, high)
    numbers[1] = max(numbers[1], red, _chance(-numbers[5], time, r, n_bands, high))
    if numbers[5] >= 0.0:
        return TREND
    if cycles < LEAST_CYCLES or numbers[3] < LEAST_EFFECTIVE or numbers[4] < LEAST_LEFT:
        return FEW
    return BELIEVED if numbers[1] < SURE else RED


@kernel
def _merge(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    floor: float,
    time: NDArray[np.float64],
    x: NDArray[np.float64],
    own: NDArray[np.float64],
    band: NDArray[np.int64],
) -> int:
    """Fill the epochs of all bands in the order of time, of one scatter; return how many bands.

    Bands of a single epoch are left out: their means take it up.
    """
    lo, hi = bounds[0], bounds[bounds.size - 1]
    scaled, errors = np.empty(hi - lo), np.empty(hi - lo)
    equalize(y, e, bounds, floor, scaled, errors)
    name = np.full(hi - lo, -1)
    n_bands = 0
    for b in range(bounds.size - 1):
        if bounds[b + 1] - bounds[b] > 1:
            name[bounds[b] - lo : bounds[b + 1] - lo] = n_bands
            n_bands += 1
    j = 0
    for k in order_of(t[lo:hi], scaled):
        if name[k] >= 0:
            time[j] = t[lo + k]
            x[j], own[j], band[j] = scaled[k], errors[k] * errors[k], name[k]
            j += 1
    first = time[0]
    for j in range(time.size):
        time[j] -= first
    return n_bands


@kernel
def _standardise(
    x: NDArray[np.float64], own: NDArray[np.float64], band: NDArray[np.int64], n_bands: int
) -> bool:
    """Give all bands the mean 0 and the values the scatter 1; return whether there is any."""
    total, count = np.zeros(n_bands), np.zeros(n_bands)
    for j in range(x.size):
        total[band[j]] += x[j]
        count[band[j]] += 1.0
    square = 0.0
    for j in range(x.size):
        x[j] -= total[band[j]] / count[band[j]]
        square += x[j] * x[j] / x.size
    if not (square > 0.0 and square < np.inf):
        return False
    for j in range(x.size):
        x[j] /= math.sqrt(square)
        own[j] /= square
    return True


@kernel
def _fill_series(time: NDArray[np.float64], frequency: float, design: NDArray[np.float64]) -> None:
    for j in range(time.size):
        cycles = frequency * time[j]
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        c, s = np.cos(angle), np.sin(angle)
        design[j, 0], design[j, 1] = c, s
        for k in range(2, design.shape[1], 2):
            design[j, k] = design[j, k - 2] * c - design[j, k - 1] * s
            design[j, k + 1] = design[j, k - 1] * c + design[j, k - 2] * s


@kernel
def _fit(
    time: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    band: NDArray[np.int64],
    n_bands: int,
    design: NDArray[np.float64],
    freedom: int,
    rest: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float, float]:
    """Fit the series in white noise; return the variances of its priors, misfit and penalty."""
    size = n_bands + design.shape[1]
    gram, work = np.empty((size, size)), np.empty((size, size))
    right, coefficient = np.empty(size), np.empty(size)
    square = fill_equations(time, x, r, band, design, (0.0, WHITE, 0.0), gram, right)
    weight = 0.0
    for j in range(r.size):
        weight += 1.0 / r[j]
    profile = _profile(design.shape[1])
    prior = np.empty(profile.size)
    for k in range(prior.size):
        prior[k] = 0.5 * square / weight * profile[k]
    misfit, penalty = 0.5 * square, 0.0
    for _ in range(_ROUNDS):
        misfit, penalty = solve_equations(
            gram, right, square, prior, misfit / freedom, 2, coefficient, work
        )
        scale = max(square - misfit, square / x.size) / weight
        for k in range(prior.size):
            prior[k] = scale * profile[k]
    fill_residuals(x, band, design, coefficient, rest)
    return prior, misfit, penalty


@kernel
def _profile(size: int) -> NDArray[np.float64]:
    """Return the prior variances of the amplitudes of harmonics, up to a factor: they sum to 1."""
    profile = np.empty(size)
    steepness = 5.0 if size <= 2 * _SMOOTH else 2.75
    total = 0.0
    for k in range(size):
        order = k // 2 + 1.0
        is_narrow = size > 2 * _SHARP
        profile[k] = np.exp(-((order / _WIDTH) ** 2)) if is_narrow else order**-steepness
        total += 0.5 * profile[k]
    for k in range(size):
        profile[k] /= total
    return profile


@kernel
def _add_excess(
    own: NDArray[np.float64], rest: NDArray[np.float64], r: NDArray[np.float64]
) -> None:
    """Fill the variances of errors that are as large as the residuals ask for."""
    excess = weight = 0.0
    for j in range(r.size):
        excess += (rest[j] * rest[j] - own[j]) / r[j]
        weight += 1.0 / r[j]
    for j in range(r.size):
        r[j] = own[j] + max(excess / weight, _TINY)


@kernel
def _fill_plain(
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    band: NDArray[np.int64],
    n_bands: int,
    plain: NDArray[np.float64],
) -> float:
    """Fill the values less the mean of each band; return their weighted square."""
    total, weight = np.zeros(n_bands), np.zeros(n_bands)
    for j in range(x.size):
        total[band[j]] += x[j] / r[j]
        weight[band[j]] += 1.0 / r[j]
    square = 0.0
    for j in range(x.size):
        plain[j] = x[j] - total[band[j]] / weight[band[j]]
        square += plain[j] * plain[j] / r[j]
    return square


@kernel
def _chance(
    gain: float, time: NDArray[np.float64], r: NDArray[np.float64], n_bands: int, high: float
) -> float:
    """Return the false-alarm probability of a gain in 2 ln L, as that of one sinusoid."""
    weights = np.empty(r.size)
    for j in range(r.size):
        weights[j] = 1.0 / r[j]
    total = total_of(weights)
    for j in range(r.size):
        weights[j] /= total
    power = -math.expm1(-max(gain, 0.0) / (time.size - n_bands))
    return false_alarm_probability(power, time, weights, time.size, n_bands, high)


@kernel
def _spread(
    time: NDArray[np.float64],
    plain: NDArray[np.float64],
    rest: NDArray[np.float64],
    r: NDArray[np.float64],
    frequency: float,
    numbers: NDArray[np.float64],
) -> None:
    """Fill how many cycles carry what is explained, and what is left without the best tenth.

    The tenth is of the epochs or of the time, whichever carries more.
    """
    n = time.size
    gain = np.empty(n + 1)
    gain[0] = 0.0
    squares = cycle = best = 0.0
    at = -1.0
    first = 0
    many, long = max(n // 10, 1), 0.1 * time[n - 1]
    for j in range(n):
        part = (plain[j] * plain[j] - rest[j] * rest[j]) / r[j]
        gain[j + 1] = gain[j] + part
        if np.floor(frequency * time[j]) != at:
            squares += cycle * cycle
            cycle, at = 0.0, np.floor(frequency * time[j])
        cycle += part
        while time[j] - time[first] > long:
            first += 1
        best = max(best, gain[j + 1] - gain[first], gain[j + 1] - gain[max(j + 1 - many, 0)])
    squares += cycle * cycle
    total = gain[n]
    numbers[3] = total * total / squares if total > 0.0 else 0.0
    numbers[4] = 1.0 - best / total if total > 0.0 else 0.0


@kernel
def _trend(
    time: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    band: NDArray[np.int64],
    n_bands: int,
    freedom: int,
    square: float,
) -> float:
    """Return the gain in 2 ln L of a polynomial over constant bands, penalized."""
    n, middle = time.size, 0.5 * time[time.size - 1]
    design = np.empty((n, _DEGREES))
    for j in range(n):
        z = time[j] / middle - 1.0
        design[j, 0] = z
        design[j, 1] = 1.5 * z * z - 0.5
        design[j, 2] = 2.5 * z * z * z - 1.5 * z
    size = n_bands + _DEGREES
    gram, work = np.empty((size, size)), np.empty((size, size))
    right, coefficient = np.empty(size), np.empty(size)
    total = fill_equations(time, x, r, band, design, (0.0, WHITE, 0.0), gram, right)
    free = np.full(_DEGREES, np.inf)
    misfit, _ = solve_equations(gram, right, total, free, 0.0, 0, coefficient, work)
    # one parameter more than the sinusoid, whose two are not penalized either
    return freedom * math.log(square / misfit) - math.log(n)


@kernel
def _red_chance(
    time: NDArray[np.float64],
    x: NDArray[np.float64],
    plain: NDArray[np.float64],
    rest: NDArray[np.float64],
    r: NDArray[np.float64],
    band: NDArray[np.int64],
    n_bands: int,
    design: NDArray[np.float64],
    prior: NDArray[np.float64],
    penalty: float,
    high: float,
) -> float:
    """Return the false-alarm probability of the series in the noise of a random walk."""
    if time.size > _MOST_EPOCHS:
        keep = _runs(time.size)
        time, x, plain = _taken(time, keep), _taken(x, keep), _taken(plain, keep)
        rest, r, band = _taken(rest, keep), _taken(r, keep), _taken(band, keep)
        kept = np.empty((keep.size, design.shape[1]))
        for j in range(keep.size):
            for k in range(design.shape[1]):
                kept[j, k] = design[keep[j], k]
        design = kept
    freedom = time.size - n_bands
    walk = best_walk(time, plain, r, freedom, (0.0, WHITE, 0.0))
    none = np.empty((time.size, 0))
    alone, _ = _refined(time, x, r, band, n_bands, none, prior[:0], freedom, plain, walk)
    walk = best_walk(time, rest, r, freedom, (0.0, WHITE, 0.0))
    chance = _chance(alone - walk[2] - penalty, time, r, n_bands, high)
    if walk[1] == WHITE or chance < _BEYOND_DOUBT:
        return chance
    worth, penalty = _refined(time, x, r, band, n_bands, design, prior, freedom, rest, walk)
    return _chance(alone - worth - penalty, time, r, n_bands, high)


@kernel
def _refined(
    time: NDArray[np.float64],
    x: NDArray[np.float64],
    r: NDArray[np.float64],
    band: NDArray[np.int64],
    n_bands: int,
    design: NDArray[np.float64],
    prior: NDArray[np.float64],
    freedom: int,
    rest: NDArray[np.float64],
    walk: Walk,
) -> tuple[float, float]:
    """Fit a linear model in the noise of a walk, and the walk to what the model leaves.

    Returns -2 ln L and the penalty of the model.
    """
    if walk[1] == WHITE:
        return walk[2], 0.0
    size = n_bands + prior.size
    gram, work = np.empty((size, size)), np.empty((size, size))
    right, coefficient = np.empty(size), np.empty(size)
    square = fill_equations(time, x, r, band, design, walk, gram, right)
    misfit, penalty = square, 0.0
    for _ in range(2):
        misfit, penalty = solve_equations(
            gram, right, square, prior, misfit / freedom, 2, coefficient, work
        )
    fill_residuals(x, band, design, coefficient, rest)
    again = best_walk(time, rest, r, freedom, walk)
    return min(walk[2], again[2]), penalty


@kernel
def _taken(a: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    taken = np.empty(places.size, a.dtype)
    for j in range(places.size):
        taken[j] = a[places[j]]
    return taken


@kernel
def _runs(n: int) -> NDArray[np.int64]:
    """Return which epochs stand for all: runs of neighbours, spread evenly."""
    length = _MOST_EPOCHS // _RUNS
    keep = np.empty(_RUNS * length, np.int64)
    for run in range(_RUNS):
        first = run * (n - length) // (_RUNS - 1)
        for j in range(length):
            keep[run * length + j] = first + j
    return keep
