"""The highest peaks of a periodogram, their exact places, and their false-alarm probability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import exact_power

__all__ = ["false_alarm_probability", "highest_peaks", "refine_peak"]

_ROUNDS = 3


@kernel
def highest_peaks(power: NDArray[Any], reach: int, n_peaks: int) -> NDArray[np.int64]:
    """Return the places of the highest peaks, the highest first.

    Parameters
    ----------
    power : (m,) array
    reach : int
        A peak is nowhere topped within so many steps; two peaks are further apart than that.
    n_peaks : int
        At most so many.
    """
    best = np.empty(n_peaks, np.int64)
    found = 0
    for k in range(power.size):
        if k > 0 and power[k - 1] >= power[k]:
            continue
        if k + 1 < power.size and power[k + 1] > power[k]:
            continue
        if found == n_peaks and power[k] <= power[best[found - 1]]:
            continue
        if not _is_top(power, k, reach):
            continue
        place = found if found < n_peaks else n_peaks - 1
        while place > 0 and power[best[place - 1]] < power[k]:
            best[place] = best[place - 1]
            place -= 1
        best[place] = k
        found = min(found + 1, n_peaks)
    return best[:found]


@kernel
def _is_top(power: NDArray[Any], k: int, reach: int) -> bool:
    for j in range(max(0, k - reach), min(power.size, k + reach + 1)):
        # of two equal ones the first is the peak
        if power[j] > power[k] or (power[j] == power[k] and j < k):
            return False
    return True


@kernel
def refine_peak(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_terms: int,
    frequency: float,
    step: float,
    low: float,
    high: float,
) -> tuple[float, float]:
    """Return the frequency of the maximum near a peak of the grid, and the power there.

    Parabolas through three points, of a step that shrinks by eight each time; never outside
    `low` to `high`, and never a point lower than the one given.
    """
    best = frequency
    top = exact_power(times, weights, values, start, n_bands, n_terms, best)
    for _ in range(_ROUNDS):
        left = exact_power(times, weights, values, start, n_bands, n_terms, best - step)
        right = exact_power(times, weights, values, start, n_bands, n_terms, best + step)
        bend = left - 2.0 * top + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        trial = min(max(best + step * min(max(shift, -1.0), 1.0), low), high)
        trial_power = exact_power(times, weights, values, start, n_bands, n_terms, trial)
        if trial_power > top:
            best, top = trial, trial_power
        step *= 0.125
    return best, top


@kernel
def false_alarm_probability(
    power: float,
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    n_epochs: int,
    n_bands: int,
    f_max: float,
) -> float:
    """Return the chance that noise alone gives a peak as high between 0 and `f_max`.

    Baluev 2008 (MNRAS 385, 1279): equation 5 with table 1 for the standard normalisation, with
    n - n_bands degrees of freedom without the sinusoid and two fewer with it. An upper limit,
    close to the truth where it is small and the window has no strong aliases. NaN below one degree
    of freedom.
    """
    without = n_epochs - n_bands
    with_ = without - 2
    if with_ < 1:
        return np.nan
    if power >= 1.0:
        return 0.0
    if power <= 0.0:
        return 1.0
    mean = square = 0.0
    for j in range(n_epochs):
        mean += weights[j] * times[j]
        square += weights[j] * times[j] * times[j]
    bandwidth = f_max * math.sqrt(4.0 * math.pi * max(square - mean * mean, 0.0))
    log_gamma = math.lgamma(0.5 * without) - math.lgamma(0.5 * (without - 1))
    factor = math.sqrt(2.0 / without) * math.exp(log_gamma)
    log_rest = math.log1p(-power)
    tau = factor * bandwidth * math.exp(0.5 * (with_ - 1) * log_rest)
    tau *= math.sqrt(0.5 * without * power)
    single = math.exp(0.5 * with_ * log_rest)
    # 1 - (1 - single) exp(-tau), without loss where both are small
    return -math.expm1(-tau) + single * math.exp(-tau)
