"""Three frequencies and their harmonics in one band: search, joint refinement, and model.

Model: y = m + c t + sum over i = 1..3, j = 1..4 of a_ij sin(2 pi j f_i t) + b_ij cos(2 pi j f_i t)
(Debosscher et al. 2007, A&A 475, 1159, section 4; Richards et al. 2011, ApJ 733, 10, section 2.2;
LDM-151 section 6.21). The frequencies are found one after the other by the generalized
Lomb-Scargle periodogram of what is left; after each, all that are found are refined together. At
the end each frequency gives way to one of its aliases where the whole model is better with that:
what was not yet subtracted may have raised the wrong peak.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import exact_power
from skyseries.timeseries.kernels.jointmodel import (
    N_FREQUENCIES,
    N_HARMONICS,
    N_TREND,
    N_UNKNOWNS,
    refine_model,
)
from skyseries.timeseries.kernels.lombscargle import grid_power
from skyseries.timeseries.kernels.orthogonal import dot
from skyseries.timeseries.kernels.peaks import refine_peak
from skyseries.timeseries.kernels.search import MAX_FREQUENCIES

__all__ = ["MIN_EPOCHS", "N_PERIODIC", "OVERSAMPLING", "segment_frequencies"]

N_PERIODIC = 32

MIN_EPOCHS = N_UNKNOWNS + N_FREQUENCIES + 3
"""Three more than the unknowns of the model."""

OVERSAMPLING = 5.0

ALIASES = (1.0, 1.0027379, 2.0, 2.0054758, 0.0027379)
"""Differences between a frequency and its aliases, 1/d: solar and sidereal days, the year."""

_NEARBY = 5
"""Steps of the grid by which an alias may be off to either side."""

_NOTHING_LEFT = 1e-24
"""A share of the variance as small as this is rounding."""


@kernel
def segment_frequencies(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    limits: tuple[float, float],
    out: NDArray[np.float64],
) -> None:
    """Fill the 32 numbers of lcPeriodic of each segment.

    Parameters
    ----------
    t, y, e : (m,) arrays
        Times in ascending order within each segment, values, errors above zero.
    offsets : (n + 1,) array
    limits : (float, float)
        Lowest and highest frequency, 1/d.
    out : (32, n) array
        Trend c (value/d); three frequencies (1/d); 12 amplitudes, those of the harmonics of the
        first frequency first; 12 phases relative to that of the first harmonic of the first
        frequency; significance of the first frequency; that of the second and of the third
        relative to it; variance before over after the first is subtracted. NaN where undefined:
        below 32 epochs, at one time, values without variation or (for the second and third) a
        model that leaves nothing.
    """
    for s in range(offsets.size - 1):
        out[:, s] = np.nan
        lo, hi = offsets[s], offsets[s + 1]
        if hi - lo >= MIN_EPOCHS:
            _frequencies_of(t[lo:hi], y[lo:hi], e[lo:hi], limits, out[:, s])


@kernel
def _frequencies_of(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    limits: tuple[float, float],
    out: NDArray[np.float64],
) -> None:
    n = t.size
    span = t[n - 1] - t[0]
    low, high = limits
    if not span > 0 or (high - low) * span * OVERSAMPLING >= MAX_FREQUENCIES:
        return
    times, weights, root, values = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    scale = _weigh(t, y, e, times, weights, root, values)
    if not (scale > 0 and np.isfinite(scale)):
        return
    frequency = np.empty(N_FREQUENCIES)
    design, base = np.empty((N_UNKNOWNS, n)), np.empty((N_UNKNOWNS, n))
    triangle, solution = np.zeros((N_UNKNOWNS, N_UNKNOWNS)), np.empty(N_UNKNOWNS)
    left = np.empty((N_FREQUENCIES + 1, n))
    nyquist = _mean_nyquist(times)
    power = np.empty(int((high - low) * span * OVERSAMPLING) + 1, np.float32)
    start = np.array([0, n])
    rest = np.empty(n)
    found, chi2 = 0, 1.0
    kept = np.empty(N_FREQUENCIES)
    for stage in range(1 + 2 * N_FREQUENCIES):  # the trend, each frequency, the aliases of each
        if not chi2 > _NOTHING_LEFT:
            break
        alias = stage - 1 - N_FREQUENCIES
        is_settled = alias < 0
        if alias >= 0:
            for k in range(N_FREQUENCIES):
                kept[k] = frequency[k]
            _without_others(alias, weights, root, design, solution, left[N_FREQUENCIES], rest)
            frequency[alias] = _best_alias(times, weights, rest, start, kept[alias], low, high)
            if frequency[alias] == kept[alias]:
                continue
        elif stage > 0:
            _unweigh(left[found], root, rest)
            frequency[found] = _strongest(times, weights, rest, start, limits, span, nyquist, power)
            found = stage
        while True:
            total = refine_model(
                times, root, values, frequency, found, low, high,
                design, base, triangle, solution, left,
            )  # fmt: skip
            if is_settled or total < chi2:
                break
            is_settled = True  # no better: back to what was
            for k in range(N_FREQUENCIES):
                frequency[k] = kept[k]
        chi2 = total
    if found > 0:
        _fill_model(scale, span, frequency, found, solution, out)
        _fill_significance(times, weights, root, frequency, found, high, left, rest, start, out)


@kernel
def _weigh(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    root: NDArray[np.float64],
    values: NDArray[np.float64],
) -> float:
    """Fill times from 0 on, weights of sum 1, their roots, values of mean square 1 x root.

    Return by what the values were divided.
    """
    total = shift = 0.0
    for j in range(t.size):
        times[j] = t[j] - t[0]
        weights[j] = (e[0] / e[j]) * (e[0] / e[j])
        total += weights[j]
        shift += weights[j] * (y[j] - y[0])
    squares = 0.0
    for j in range(t.size):
        weights[j] /= total
        root[j] = np.sqrt(weights[j])
        values[j] = (y[j] - y[0]) - shift / total
        squares += weights[j] * values[j] * values[j]
    scale = np.sqrt(squares)
    for j in range(t.size):
        values[j] *= root[j] / scale
    return float(scale)


@kernel
def _unweigh(
    left: NDArray[np.float64], root: NDArray[np.float64], rest: NDArray[np.float64]
) -> None:
    """Fill what is left without its weights, with a weighted mean square of 1."""
    scale = 1.0 / np.sqrt(dot(left, left))
    for j in range(left.size):
        rest[j] = left[j] / root[j] * scale


@kernel
def _mean_nyquist(times: NDArray[np.float64]) -> float:
    """Return half of the mean of 1 / dt over successive epochs (not at one time)."""
    total, count = 0.0, 0
    for j in range(1, times.size):
        if times[j] > times[j - 1]:
            total += 1.0 / (times[j] - times[j - 1])
            count += 1
    return 0.5 * total / count


@kernel
def _strongest(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    rest: NDArray[np.float64],
    start: NDArray[np.int64],
    limits: tuple[float, float],
    span: float,
    nyquist: float,
    power: NDArray[np.float32],
) -> float:
    """Return the frequency of the highest peak, after the penalty, of the periodogram.

    Compared is (n - 1) / 2 P, the power with the variances scaled to a reduced chi2 of 1, less
    ln(f / nyquist) where f is above nyquist.
    """
    low, high = limits
    df = 1.0 / (OVERSAMPLING * span)
    grid_power(times, weights, rest, start, 1, low, df, power)
    factor = 0.5 * (times.size - 1)
    place, highest = 0, -np.inf
    for k in range(power.size):
        score = factor * power[k]
        if score > highest:
            score -= max(0.0, math.log((low + k * df) / nyquist))
            if score > highest:
                place, highest = k, score
    f = low + place * df
    refined, _ = refine_peak(times, weights, rest, start, 1, 1, f, 0.5 * df, low, high)
    return float(refined)


@kernel
def _without_others(
    i: int,
    weights: NDArray[np.float64],
    root: NDArray[np.float64],
    design: NDArray[np.float64],
    solution: NDArray[np.float64],
    left: NDArray[np.float64],
    rest: NDArray[np.float64],
) -> None:
    """Fill the values less trend and all frequencies but one, with mean 0 and mean square 1."""
    first = N_TREND + 2 * N_HARMONICS * i
    mean = square = 0.0
    for j in range(rest.size):
        total = left[j]
        for p in range(first, first + 2 * N_HARMONICS):
            total += solution[p] * design[p, j]
        rest[j] = total / root[j]
        mean += weights[j] * rest[j]
    for j in range(rest.size):
        rest[j] -= mean
        square += weights[j] * rest[j] * rest[j]
    scale = 1.0 / np.sqrt(square)
    for j in range(rest.size):
        rest[j] *= scale


@kernel
def _best_alias(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    rest: NDArray[np.float64],
    start: NDArray[np.int64],
    frequency: float,
    low: float,
    high: float,
) -> float:
    """Return the frequency at or near an alias with the highest power, or that given."""
    df = 1.0 / (OVERSAMPLING * times[times.size - 1])
    best = frequency
    top = exact_power(times, weights, rest, start, 1, 1, best)
    for shift in ALIASES:
        for side in range(2):
            alias = abs(frequency + (shift if side == 0 else -shift))
            for k in range(-_NEARBY, _NEARBY + 1):
                f = alias + k * df
                if low <= f <= high and abs(f - frequency) > _NEARBY * df:
                    power = exact_power(times, weights, rest, start, 1, 1, f)
                    if power > top:
                        best, top = f, power
    return best


@kernel
def _fill_model(
    scale: float,
    span: float,
    frequency: NDArray[np.float64],
    found: int,
    solution: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill trend, frequencies, amplitudes and phases."""
    out[0] = scale * solution[1] / span
    first = math.atan2(solution[N_TREND + 1], solution[N_TREND])
    amplitudes = 1 + N_FREQUENCIES
    phases = amplitudes + N_FREQUENCIES * N_HARMONICS
    for i in range(found):
        out[1 + i] = frequency[i]
        for j in range(N_HARMONICS):
            k = i * N_HARMONICS + j
            a, b = solution[N_TREND + 2 * k], solution[N_TREND + 2 * k + 1]
            out[amplitudes + k] = scale * math.sqrt(a * a + b * b)
            phase = math.atan2(b, a) - (j + 1) * frequency[i] / frequency[0] * first
            out[phases + k] = phase - 2.0 * np.pi * np.ceil(phase / (2.0 * np.pi) - 0.5)
    out[phases] = 0.0


@kernel
def _fill_significance(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    root: NDArray[np.float64],
    frequency: NDArray[np.float64],
    found: int,
    f_max: float,
    left: NDArray[np.float64],
    rest: NDArray[np.float64],
    start: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill the significances and the variance ratio from what each step of the model leaves."""
    n = times.size
    mean = square = 0.0
    for j in range(n):
        mean += weights[j] * times[j]
        square += weights[j] * times[j] * times[j]
    bandwidth = f_max * math.sqrt(4.0 * math.pi * max(square - mean * mean, 0.0))
    first = 1 + N_FREQUENCIES * (1 + 2 * N_HARMONICS)
    for i in range(found):
        _unweigh(left[i], root, rest)
        power = exact_power(times, weights, rest, start, 1, 1, frequency[i])
        freedom = n - N_TREND - i * (1 + 2 * N_HARMONICS)
        significance = -_log_false_alarm(power, bandwidth, freedom) / math.log(10.0)
        out[first + i] = significance if i == 0 else significance / out[first]
    out[first + N_FREQUENCIES] = dot(left[0], left[0]) / dot(left[1], left[1])


@kernel
def _log_false_alarm(power: float, bandwidth: float, freedom: int) -> float:
    """Return the logarithm of `peaks.false_alarm_probability`, also where that is below 1e-308."""
    if power <= 0.0:
        return 0.0
    log_gamma = math.lgamma(0.5 * freedom) - math.lgamma(0.5 * (freedom - 1))
    log_rest = math.log1p(-power)
    log_single = 0.5 * (freedom - 2) * log_rest
    log_tau = log_gamma + math.log(bandwidth) + 0.5 * (freedom - 3) * log_rest
    log_tau += 0.5 * math.log(power)
    if log_tau < -20.0:  # exp(-tau) is 1
        larger = max(log_single, log_tau)
        smaller = min(log_single, log_tau)
        return larger + math.log1p(math.exp(smaller - larger))
    tau, single = math.exp(log_tau), math.exp(log_single)
    if tau > 0.5:  # close to 1
        return math.log1p(-(1.0 - single) * math.exp(-tau))
    return math.log(-math.expm1(-tau) + single * math.exp(-tau))
