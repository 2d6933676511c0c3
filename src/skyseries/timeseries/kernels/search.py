"""The period search over many light curves in one call, without Python between them.

A search takes the highest peaks of the periodogram of one sinusoid, and then ranks them by how
well several harmonics fit: the true period is nearly always among the first ten peaks, but an alias
by a day often stands above it, because a sinusoid takes the shape of a light curve for noise. For
the ranking all bands are scaled to the same scatter (`harmonics.equalize`), since they share the
shape, not the amplitude.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import equalize, exact_power, nested_powers, prepare
from skyseries.timeseries.kernels.lombscargle import grid_power
from skyseries.timeseries.kernels.peaks import (
    false_alarm_probability,
    highest_peaks,
    refine_peak,
)

__all__ = [
    "CANDIDATES",
    "MAX_FREQUENCIES",
    "Search",
    "fill_power",
    "grid_of",
    "rank",
    "search_periods",
    "terms_of",
]

MAX_FREQUENCIES = 50_000_000
"""A finer grid than this is refused: a wrong time in the data, or wrong limits."""

CANDIDATES = 10
"""How many peaks are ranked, or as many as are wanted, if these are more."""

_EPOCHS_PER_HARMONIC = 6
"""Degrees of freedom that each harmonic of the ranking asks for."""

_TINY = 1e-12

_RANK_STEP = 0.1
"""Reach of the refinement by several harmonics, in units of 1 / time span."""


class Search(NamedTuple):
    """What is searched for, and how."""

    low: float
    """Lowest and highest frequency, 1/d."""
    high: float
    oversampling: float
    """The step of the grid is 1 / (oversampling x time span)."""
    n_terms: int
    """Harmonics of the periodogram."""
    rank_terms: int
    """Harmonics by which peaks are ranked; not above `n_terms`: no ranking."""
    floor: float
    """See `harmonics.prepare`."""
    fraction: float
    spare: int
    """How many more epochs than bands a light curve must have; else NaN."""


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
def grid_of(span: float, search: Search) -> tuple[int, float]:
    """Return number and step of the frequencies; 0 where there is no span, or too many."""
    width = search.high - search.low
    if not span > 0 or width * span * search.oversampling >= MAX_FREQUENCIES:
        return 0, np.nan
    df = 1.0 / (search.oversampling * span)
    return int(width / df) + 1, df


@kernel
def search_periods(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    n_bands: int,
    search: Search,
    omit: NDArray[np.bool_],
    frequency: NDArray[np.float64],
    best: NDArray[np.float64],
) -> None:
    """Fill the best frequencies of each light curve.

    Parameters
    ----------
    t, y, e : (m,) arrays
    offsets : (n x n_bands + 1,) array
        Segments of each light curve and band.
    search : Search
    omit : (n,) array
        Light curves that are left out.
    frequency : (n, n_peaks) array
        Filled with the frequencies, the best first; NaN where there are no more.
    best : (2, n) array
        Filled with the power of the first, and the false-alarm probability of the highest peak.
    """
    frequency[:] = np.nan
    best[:] = np.nan
    for i in range(frequency.shape[0]):
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
        n_frequencies, df = grid_of(times[:n].max(), search)
        if n_frequencies == 0:
            continue
        power = np.empty(n_frequencies, np.float32)
        fill_power(times, weights, values, start, kept, search.n_terms, search.low, df, power)
        best[0, i], best[1, i] = _best_peaks(
            times, weights, values, start, kept, t, y, e, bounds, search, df, power, frequency[i]
        )


@kernel
def terms_of(n_epochs: int, n_bands: int, search: Search) -> int:
    """Return the number of harmonics by which peaks are ranked, 0: not at all."""
    terms = min(search.rank_terms, (n_epochs - n_bands) // _EPOCHS_PER_HARMONIC)
    return terms if terms > search.n_terms else 0


@kernel
def _best_peaks(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    search: Search,
    df: float,
    power: NDArray[np.float32],
    frequency: NDArray[np.float64],
) -> tuple[float, float]:
    """Fill the best frequencies of one light curve from its periodogram.

    Returns the power of the first, and the false-alarm probability of the highest peak.
    """
    n = start[n_bands]
    terms = terms_of(n, n_bands, search)
    wanted = max(frequency.size, CANDIDATES) if terms else frequency.size
    peaks = highest_peaks(power, int(np.ceil(search.oversampling)), wanted)
    found, tops = np.empty(peaks.size), np.empty(peaks.size)
    for p in range(peaks.size):
        f, top = refine_peak(
            times, weights, values, start, n_bands, search.n_terms,
            search.low + peaks[p] * df, 0.5 * df, search.low, search.high,
        )  # fmt: skip
        _insert(found, tops, tops, p, f, top, top)
    chance = np.nan
    if search.n_terms == 1:
        chance = false_alarm_probability(tops[0], times, weights, n, n_bands, search.high)
    if terms:
        rank(t, y, e, bounds, search, terms, found, tops)
    kept = min(found.size, frequency.size)
    frequency[:kept] = found[:kept]
    return tops[0], chance


@kernel
def rank(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    search: Search,
    terms: int,
    found: NDArray[np.float64],
    tops: NDArray[np.float64],
) -> None:
    """Order the peaks by fits with up to `terms` harmonics.

    What counts is the Bayesian information criterion of the number of harmonics that suits a peak
    best: with a fixed number, half the frequency of a sinusoid would fit as well as the frequency
    itself. A peak moves to the frequency of the fit if that has more harmonics than the
    periodogram: for a sinusoid these would only add noise.
    """
    lo, hi = bounds[0], bounds[bounds.size - 1]
    scaled, errors = np.empty(hi - lo), np.empty(hi - lo)
    equalize(y, e, bounds, search.floor, scaled, errors)
    times, weights, values = np.empty(hi - lo), np.empty(hi - lo), np.empty(hi - lo)
    start = np.empty_like(bounds)
    n_bands, _ = prepare(
        t[lo:hi], scaled, errors, bounds - lo, 0.0, search.fraction,
        times, weights, values, start,
    )  # fmt: skip
    n = start[n_bands]
    step = _RANK_STEP / times[:n].max()
    score, frequency, power = np.empty(found.size), found.copy(), tops.copy()
    powers = np.empty(terms)
    for p in range(found.size):
        f, _ = refine_peak(
            times, weights, values, start, n_bands, terms, frequency[p], step,
            search.low, search.high,
        )  # fmt: skip
        nested_powers(times, weights, values, start, n_bands, f, powers)
        gain, best = -np.inf, 0
        for k in range(search.n_terms - 1, terms):
            worth = -n * np.log(max(1.0 - powers[k], _TINY)) - 2.0 * (k + 1) * np.log(n)
            if worth > gain:
                gain, best = worth, k + 1
        _insert(found, tops, score, p, f if best > search.n_terms else frequency[p], power[p], gain)


@kernel
def _insert(
    found: NDArray[np.float64],
    tops: NDArray[np.float64],
    score: NDArray[np.float64],
    p: int,
    frequency: float,
    top: float,
    by: float,
) -> None:
    """Insert into the first `p` entries, which stand in descending order of `score`."""
    q = p
    while q > 0 and score[q - 1] < by:
        found[q], tops[q], score[q] = found[q - 1], tops[q - 1], score[q - 1]
        q -= 1
    found[q], tops[q], score[q] = frequency, top, by
