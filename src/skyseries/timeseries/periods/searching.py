"""The period search over segments: each light curve by the way that suits its size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.timeseries.kernels.belief import N_NUMBERS
from skyseries.timeseries.kernels.brightness import to_magnitudes
from skyseries.timeseries.kernels.choice import Choice, choose
from skyseries.timeseries.kernels.evidence import PROFILES, PULSE, SINE
from skyseries.timeseries.kernels.limits import SHORTEST
from skyseries.timeseries.kernels.ranking import SLOWEST_ORBIT
from skyseries.timeseries.kernels.search import (
    MOST_CANDIDATES,
    N_SLOW,
    Peaks,
    Search,
    search_periods,
)
from skyseries.timeseries.kernels.solution import SOLUTION, solve_periods
from skyseries.timeseries.periods.methods import Method, find_method
from skyseries.timeseries.periods.nufft import is_faster
from skyseries.timeseries.periods.streaming import CHUNK, search_streaming
from skyseries.timeseries.segments import Segments

__all__ = ["choose_periods", "in_magnitudes", "search_segments", "solve_segments"]


_FIT_PROFILES = PROFILES.copy()
"""A fit of all epochs takes more harmonics of a pulse than the ranking, which would be slower."""
_FIT_PROFILES[PULSE, :12] = np.arange(1.0, 13.0) ** -2.5

_WORTH_A_LOOK = 500
"""Epochs below which transforms are never faster than direct sums."""


def in_magnitudes(
    segments: Segments, search: Search, *, has_errors: bool
) -> tuple[Segments, Search]:
    """Return fluxes on the scale of magnitudes, and the search that suits it.

    The error floor is in the errors then.
    """
    value, error = np.empty_like(segments.value), np.empty_like(segments.error)
    to_magnitudes(
        segments.value, segments.error, segments.offsets, len(segments.bands), search.floor,
        has_errors, value, error,
    )  # fmt: skip
    made = Segments(
        segments.time, value, error, segments.offsets, segments.excluded, segments.bands,
        is_magnitude=True,
    )  # fmt: skip
    return made, search._replace(floor=0.0, direction=1.0)


def choose_periods(
    segments: Segments, search: Search, peaks: Peaks, n_peaks: int, shape: int = SINE
) -> Choice:
    """Return the period of each light curve, its alternatives, and what is said of it.

    Parameters
    ----------
    segments : Segments
        By band.
    search : Search
    peaks : Peaks
        Of `search_segments`.
    n_peaks : int
    shape : int
        What a method that is not ranked looks for, see `kernels.evidence.PROFILES`.
    """
    n = peaks.chance.size
    choice = Choice(
        np.full((n, n_peaks), np.nan), np.full((n, n_peaks), np.nan), np.full(n, np.nan),
        np.full(n, shape, np.int64), np.empty(n, np.int64), np.full((N_NUMBERS, n), np.nan),
    )  # fmt: skip
    choose(
        segments.time, segments.value, segments.error, segments.offsets, len(segments.bands),
        search, peaks, choice,
    )  # fmt: skip
    return choice


def solve_segments(segments: Segments, search: Search, choice: Choice) -> Floats:
    """Return what one fit of all epochs tells of each period, see `kernels.solution`.

    Parameters
    ----------
    segments : Segments
        By band.
    search : Search
    choice : Choice
    """
    n_bands = len(segments.bands)
    out = np.full((len(SOLUTION) + n_bands, choice.code.size), np.nan)
    frequency = np.ascontiguousarray(choice.frequency[:, 0])
    is_fast = frequency > 1.0 / SLOWEST_ORBIT
    # what is not ranked may be any shape, and a smooth one fits all of them somehow
    is_plain = (choice.shape == SINE) | (not search.is_ranked)
    kind = np.where(is_plain, np.where(is_fast, PULSE, SINE), choice.shape)
    solve_periods(
        segments.time, segments.value, segments.error, segments.offsets, n_bands, search.floor,
        0.0, frequency, kind, _FIT_PROFILES, search.direction > 0, out,
    )  # fmt: skip
    return out


def search_segments(
    segments: Segments,
    search: Search,
    n_peaks: int,
    method: Method | None = None,
    options: Mapping[str, Any] | None = None,
) -> Peaks:
    """Return the highest peaks of the periodogram of each light curve.

    Parameters
    ----------
    segments : Segments
        By band.
    search : Search
    n_peaks : int
        How many are wanted in the end.
    method : Method, optional
        None: Lomb-Scargle.
    options : mapping, optional
        Of the method; None: as in `search`.
    """
    method = find_method("lombscargle") if method is None else method
    options = {"nterms": search.n_terms} if options is None else options
    n_bands = len(segments.bands)
    n = segments.size // n_bands
    shape = (n, max(MOST_CANDIDATES, n_peaks) if search.is_ranked else n_peaks)
    peaks = Peaks(
        np.full(shape, np.nan), np.full(shape, np.nan), np.full((n, N_SLOW), np.nan),
        np.full(n, np.nan), np.full((n, 2), np.nan),
    )  # fmt: skip
    streamed = np.ones(n, bool)
    if method.name == "lombscargle":
        streamed = _long_ones(segments, search)
        search_periods(
            segments.time, segments.value, segments.error, segments.offsets, n_bands, search,
            n_peaks, streamed, peaks,
        )  # fmt: skip
    search_streaming(method, options, segments, np.flatnonzero(streamed), search, n_peaks, peaks)
    return peaks


def _long_ones(segments: Segments, search: Search) -> NDArray[np.bool_]:
    """Tell which light curves have a grid of several chunks, or are better done by transforms."""
    whole, n_bands = segments.whole, len(segments.bands)
    result = np.zeros(whole.size, bool)
    filled = np.flatnonzero(whole.count > 0)
    if filled.size == 0:
        return result
    begin = whole.offsets[filled]
    span = np.maximum.reduceat(whole.time, begin) - np.minimum.reduceat(whole.time, begin)
    highest = 1.0 / SHORTEST if np.isnan(search.high) else search.high
    lowest = 0.0 if np.isnan(search.low) else search.low
    size = (highest - lowest) * search.oversampling * span
    # light curves of thousands of epochs are searched beyond that by default
    result[filled] = (size > CHUNK) | (np.isnan(search.high) & (whole.count[filled] > _DENSE))
    if search.n_terms == 1:
        for k in np.flatnonzero(whole.count[filled] > _WORTH_A_LOOK):
            result[filled[k]] |= is_faster(int(whole.count[filled[k]]), n_bands, int(size[k]))
    return result


_DENSE = 5000
