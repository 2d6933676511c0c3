"""The period among the peaks, its alternatives, and the word that is said of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.belief import BELIEVED, N_NUMBERS, TREND, UNKNOWN, judge_period
from skyseries.timeseries.kernels.calendar import (
    DAILY,
    MONTHLY,
    YEARLY,
    calendar_of,
    cycle_of,
    is_at_limit,
)
from skyseries.timeseries.kernels.evidence import NARROW, Bench, make_bench
from skyseries.timeseries.kernels.harmonics import deviation
from skyseries.timeseries.kernels.orbits import find_orbit
from skyseries.timeseries.kernels.ranking import SLOWEST_ORBIT, rank_peaks
from skyseries.timeseries.kernels.reductions import negative, total_of
from skyseries.timeseries.kernels.search import Peaks, Search
from skyseries.timeseries.kernels.sorting import order_of

__all__ = [
    "DAILY",
    "DOUBLE",
    "FLAGS",
    "HALF",
    "LIMIT",
    "MONTHLY",
    "REACH",
    "YEARLY",
    "Choice",
    "choose",
]

LIMIT, HALF, DOUBLE = 5, 9, 10

FLAGS = (
    "ok", "noise", "trend", "few", "red", "limit", "daily", "monthly", "yearly", "half", "double"
)  # fmt: skip
"""The words by their codes."""

REACH = 2.3
"""Log of the evidence within which an alternative is as good: ten to one."""


_WEAK = 0.07
"""Root mean square of a signal, mag or share of the flux, below which months and years make it."""


class Choice(NamedTuple):
    """What is chosen of the peaks of n light curves; NaN where there is nothing."""

    frequency: NDArray[np.float64]
    """(n, n_peaks) the period and its alternatives, the best first, 1/d."""
    evidence: NDArray[np.float64]
    """(n, n_peaks) log of the evidence times the prior of each, over that of constant bands."""
    power: NDArray[np.float64]
    """(n,) of the peak that the period was found by."""
    shape: NDArray[np.int64]
    """(n,) see `evidence.PROFILES`; where peaks are not ranked it stays as it was."""
    code: NDArray[np.int64]
    """(n,) place in `FLAGS`; below 0: no period."""
    numbers: NDArray[np.float64]
    """(N_NUMBERS, n) see `belief.judge_period`."""


@kernel
def choose(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    n_bands: int,
    search: Search,
    peaks: Peaks,
    choice: Choice,
) -> None:
    """Fill the choice among the peaks of each light curve.

    Parameters
    ----------
    t, y, e, offsets, n_bands, search
        As for `search.search_periods`.
    peaks : Peaks
    choice : Choice
    """
    numbers = np.empty(N_NUMBERS)
    for i in range(choice.code.size):
        bounds = offsets[i * n_bands : (i + 1) * n_bands + 1]
        choice.code[i] = UNKNOWN
        found = peaks.frequency[i]
        found = found[: _count(found)]
        if found.size == 0:
            continue
        low, high = peaks.limits[i, 0], peaks.limits[i, 1]
        bench = make_bench(t, y, e, bounds, search.floor, search.fraction)
        word = 0
        if search.is_ranked and bench.n_bands > 0:
            scatter = _relative_scatter(y, bounds, search.direction)
            word = _choose_one(bench, search.direction, scatter, i, found, low, high, peaks, choice)
        else:
            kept = min(found.size, choice.frequency.shape[1])
            for k in range(kept):
                choice.frequency[i, k] = found[k]
            choice.power[i] = peaks.power[i, 0]
            if is_at_limit(found[0], low, high, bench.span):
                word = LIMIT
        best = choice.frequency[i, 0]
        is_narrow = not search.is_ranked and choice.shape[i] == NARROW
        said = judge_period(t, y, e, bounds, best, high, search.floor, is_narrow, numbers)
        for k in range(N_NUMBERS):
            choice.numbers[k, i] = numbers[k]
        is_calendar = said > TREND and DAILY <= word <= YEARLY
        choice.code[i] = word if said == BELIEVED or is_calendar else said


@kernel
def _choose_one(
    bench: Bench,
    direction: float,
    scatter: float,
    i: int,
    found: NDArray[np.float64],
    low: float,
    high: float,
    peaks: Peaks,
    choice: Choice,
) -> int:
    """Fill the choice of one light curve, and return what the calendar or the halves say of it."""
    slow = peaks.slow[i]
    everything = np.empty(found.size + _count(slow))
    for k in range(everything.size):
        everything[k] = found[k] if k < found.size else slow[k - found.size]
    score, share = np.empty(everything.size), np.empty(everything.size)
    shape = np.empty(everything.size, np.int64)
    rank_peaks(bench, direction, everything, score, shape, share)
    first = 0
    width = 1.0 / bench.span
    while first < everything.size - 1 and not (
        low - 0.01 * width <= everything[first] <= high + 0.01 * width
    ):
        first += 1
    everything[first] = min(max(everything[first], low), high)
    frequency, best_score, doubt = everything[first], score[first], -np.inf
    place, word = shape[first], 0
    is_part, is_doubtful = False, False
    if frequency > 1.0 / SLOWEST_ORBIT:
        amplitude = scatter * np.sqrt(2.0 * share[first])
        orbit = find_orbit(bench, direction, frequency, share[first], amplitude, low)
        frequency, place, doubt = orbit.frequency, orbit.shape, orbit.doubt
        is_part, is_doubtful = orbit.is_part, orbit.is_doubtful
        best_score += doubt if is_part else 0.0
    choice.shape[i] = place
    choice.power[i] = peaks.power[i, _nearest(peaks.frequency[i], everything[first])]
    row, worth = choice.frequency[i], choice.evidence[i]
    row[0], worth[0] = frequency, best_score
    kept = 1
    is_near = not is_part and (is_doubtful or doubt > -REACH)
    if is_near and kept < row.size and frequency / 2 >= low:
        kept = _add(row, worth, kept, frequency / 2, best_score + doubt, width)
    for k in range(everything.size):
        if kept < row.size and low <= everything[k] <= high:
            kept = _add(row, worth, kept, everything[k], score[k], width)
    order = order_of(negative(worth[1:kept]), row[1:kept])
    before = row[1:kept].copy(), worth[1:kept].copy()
    for k in range(kept - 1):
        row[k + 1], worth[k + 1] = before[0][order[k]], before[1][order[k]]
    if is_at_limit(frequency, low, high, bench.span):
        return LIMIT
    for k in range(everything.size):
        if k != first and word == 0 and score[k] > score[first] - REACH:
            word = calendar_of(everything[first], everything[k], bench.span)
            if word == 0 and k < first:
                word = LIMIT
    if word == 0:
        is_weak = scatter * np.sqrt(share[first]) < _WEAK
        word = cycle_of(everything[first], is_weak, bench.span)
    if word == 0 and is_part and doubt < REACH:
        word = DOUBLE
    if word == 0 and is_doubtful:
        word = HALF
    return word


@kernel
def _relative_scatter(y: NDArray[np.float64], bounds: NDArray[np.int64], direction: float) -> float:
    """Return the scatter about the means of the bands, in magnitudes or as a share of the flux."""
    square, count = 0.0, 0
    for b in range(bounds.size - 1):
        own = y[bounds[b] : bounds[b + 1]]
        if own.size > 1:
            scale = total_of(own) / own.size if direction < 0 else 1.0
            square += own.size * (deviation(own) / max(abs(scale), 1e-300)) ** 2
            count += own.size
    return float(np.sqrt(square / max(count, 1)))


@kernel
def _add(
    row: NDArray[np.float64],
    worth: NDArray[np.float64],
    kept: int,
    frequency: float,
    score: float,
    width: float,
) -> int:
    """Add a frequency that is not there yet; return how many there are then."""
    for k in range(kept):
        if abs(row[k] - frequency) < 0.5 * width:
            return kept
    row[kept], worth[kept] = frequency, score
    return kept + 1


@kernel
def _count(frequency: NDArray[np.float64]) -> int:
    """Return how many there are before the first NaN."""
    count = 0
    while count < frequency.size and not np.isnan(frequency[count]):
        count += 1
    return count


@kernel
def _nearest(frequency: NDArray[np.float64], wanted: float) -> int:
    best = 0
    for k in range(frequency.size):
        if abs(frequency[k] - wanted) < abs(frequency[best] - wanted):
            best = k
    return best
