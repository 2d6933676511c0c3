"""The highest peaks of the periodograms of many light curves in one call, without Python between.

Beside the frequencies that are asked for, those below them are always looked at: what is slow has
aliases by a day among the others, and must be known to be told from them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import exact_power, prepare
from skyseries.timeseries.kernels.limits import limits_of
from skyseries.timeseries.kernels.lombscargle import grid_power
from skyseries.timeseries.kernels.peaks import (
    false_alarm_probability,
    highest_peaks,
    refine_peak,
)
from skyseries.timeseries.kernels.reductions import highest

__all__ = [
    "MAX_FREQUENCIES",
    "MOST_CANDIDATES",
    "N_SLOW",
    "Peaks",
    "Search",
    "candidates_of",
    "fill_power",
    "grid_of",
    "search_periods",
    "slow_limits",
]

MAX_FREQUENCIES = 50_000_000
"""A finer grid than this is refused: a wrong time in the data, or wrong limits."""

_CANDIDATES, MOST_CANDIDATES = 10, 60
"""How many peaks of long light curves are ranked, and of short ones."""

_EPOCHS_RANKED = 6000
"""Epochs times peaks: the shorter a light curve, the deeper the true peak may hide."""

N_SLOW = 3
"""Peaks below the searched frequencies."""

_SLOWEST = 0.5
"""Lowest frequency that is looked at, in 1 / time span."""
_SLOW = 1.0
"""1/d: beyond this nothing is looked at that was not asked for."""


class Search(NamedTuple):
    """What is searched for, and how."""

    low: float
    """Lowest and highest frequency, 1/d; NaN: from the data, see `limits.limits_of`."""
    high: float
    oversampling: float
    """The step of the grid is 1 / (oversampling x time span)."""
    n_terms: int
    """Harmonics of the periodogram."""
    is_ranked: bool
    """Whether the peaks are ranked by evidence."""
    floor: float
    """See `harmonics.prepare`."""
    fraction: float
    spare: int
    """How many more epochs than bands a light curve must have; else NaN."""
    direction: float = 0.0
    """1: faint is up (magnitudes); -1: faint is down; 0: not known."""


class Peaks(NamedTuple):
    """The highest peaks of n light curves, refined, the highest first; NaN where there are none."""

    frequency: NDArray[np.float64]
    """(n, n_candidates) 1/d."""
    power: NDArray[np.float64]
    """(n, n_candidates)"""
    slow: NDArray[np.float64]
    """(n, N_SLOW) frequencies below those that are searched."""
    chance: NDArray[np.float64]
    """(n,) false-alarm probability of the highest."""
    limits: NDArray[np.float64]
    """(n, 2) lowest and highest frequency."""


@kernel
def fill_power(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_terms: int,
    f0: float,
    df: float,
    power: NDArray[np.float32],
) -> None:
    """Fill the power at f0 + k df, by the fast sums where there is one harmonic."""
    if n_terms == 1:
        grid_power(times, weights, values, start, n_bands, f0, df, power)
        return
    for k in range(power.size):
        f = f0 + k * df
        power[k] = exact_power(times, weights, values, start, n_bands, n_terms, f)


@kernel
def grid_of(span: float, low: float, high: float, oversampling: float) -> tuple[int, float]:
    """Return number and step of the frequencies; 0 where there is no span, or too many."""
    width = high - low
    if not span > 0 or not width >= 0 or width * span * oversampling >= MAX_FREQUENCIES:
        return 0, np.nan
    df = 1.0 / (oversampling * span)
    return int(width / df) + 1, df


@kernel
def candidates_of(n_epochs: int, n_peaks: int, search: Search) -> int:
    """Return how many peaks are kept of a light curve."""
    if not search.is_ranked:
        return n_peaks
    wanted = min(max(_CANDIDATES, _EPOCHS_RANKED // max(n_epochs, 1)), MOST_CANDIDATES)
    return max(wanted, n_peaks)


@kernel
def slow_limits(span: float, low: float) -> tuple[float, float]:
    """Return the range below the searched one that is looked at; nothing if it is empty."""
    return _SLOWEST / span, min(low, _SLOW)


@kernel
def search_periods(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    n_bands: int,
    search: Search,
    n_peaks: int,
    omit: NDArray[np.bool_],
    peaks: Peaks,
) -> None:
    """Fill the highest peaks of each light curve.

    Parameters
    ----------
    t, y, e : (m,) arrays
    offsets : (n x n_bands + 1,) array
        Segments of each light curve and band.
    search : Search
    n_peaks : int
        How many are wanted in the end.
    omit : (n,) array
        Light curves that are left out.
    peaks : Peaks
        NaN before; filled.
    """
    for i in range(omit.size):
        bounds = offsets[i * n_bands : (i + 1) * n_bands + 1]
        size = bounds[n_bands] - bounds[0]
        if omit[i] or size == 0:
            continue
        times, weights, values = np.empty(size), np.empty(size), np.empty(size)
        start = np.empty(n_bands + 1, np.int64)
        kept, chi2 = prepare(
            t, y, e, bounds, search.floor, search.fraction, times, weights, values, start
        )
        n = start[kept]
        if n - kept < search.spare or not chi2 > 0 or not np.isfinite(chi2):
            continue
        low, high = limits_of(times, start, kept, search.low, search.high, search.oversampling)
        span = highest(times[:n])
        if grid_of(span, low, high, search.oversampling)[0] == 0:
            continue
        peaks.limits[i, 0], peaks.limits[i, 1] = low, high
        wanted = candidates_of(n, n_peaks, search)
        found, power = peaks.frequency[i, :wanted], peaks.power[i, :wanted]
        _fill_peaks(times, weights, values, start, kept, search, low, high, found, power)
        if search.n_terms == 1:
            peaks.chance[i] = false_alarm_probability(power[0], times, weights, n, kept, high)
        first, last = slow_limits(span, low)
        if search.is_ranked and last > first:
            slow = peaks.slow[i]
            _fill_peaks(
                times, weights, values, start, kept, search, first, last, slow, np.empty(slow.size)
            )


@kernel
def _fill_peaks(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    search: Search,
    low: float,
    high: float,
    found: NDArray[np.float64],
    tops: NDArray[np.float64],
) -> None:
    """Fill the highest peaks between two frequencies, refined, the highest first."""
    span = highest(times[: start[n_bands]])
    size, df = grid_of(span, low, high, search.oversampling)
    power = np.empty(size, np.float32)
    fill_power(times, weights, values, start, n_bands, search.n_terms, low, df, power)
    places = highest_peaks(power, int(np.ceil(search.oversampling)), found.size)
    for p in range(places.size):
        f, top = refine_peak(
            times, weights, values, start, n_bands, search.n_terms, low + places[p] * df, 0.5 * df,
            low, high,
        )  # fmt: skip
        q = p
        while q > 0 and tops[q - 1] < top:
            found[q], tops[q] = found[q - 1], tops[q - 1]
            q -= 1
        found[q], tops[q] = f, top
