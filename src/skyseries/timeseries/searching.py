"""The period search over segments: each light curve by the way that suits its size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.timeseries.kernels.search import Search, grid_of, search_periods
from skyseries.timeseries.methods import Method, find_method
from skyseries.timeseries.nufft import is_faster
from skyseries.timeseries.segments import Segments
from skyseries.timeseries.streaming import CHUNK, search_streaming

__all__ = ["search_segments"]

Floats = NDArray[np.float64]

_WORTH_A_LOOK = 500
"""Epochs below which transforms are never faster than direct sums."""


def search_segments(
    segments: Segments,
    search: Search,
    n_peaks: int,
    method: Method | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Floats, Floats]:
    """Return the best frequencies of each light curve, their power and false-alarm probability.

    Parameters
    ----------
    segments : Segments
        By band.
    search : Search
    n_peaks : int
    method : Method, optional
        None: Lomb-Scargle.
    options : mapping, optional
        Of the method; None: as in `search`.

    Returns
    -------
    frequency : (n, n_peaks) array
        The best first; NaN where there are no more.
    best : (2, n) array
        Power of the first, false-alarm probability of the highest peak.
    """
    method = find_method("lombscargle") if method is None else method
    options = {"nterms": search.n_terms} if options is None else options
    n_bands = len(segments.bands)
    n = segments.size // n_bands
    frequency, best = np.full((n, n_peaks), np.nan), np.full((2, n), np.nan)
    streamed = np.ones(n, bool)
    if method.name == "lombscargle":
        streamed = _long_ones(segments, search)
        search_periods(
            segments.time, segments.value, segments.error, segments.offsets, n_bands,
            search, streamed, frequency, best,
        )  # fmt: skip
    rows = np.flatnonzero(streamed)
    search_streaming(method, options, segments, rows, search, frequency, best)
    return frequency, best


def _long_ones(segments: Segments, search: Search) -> NDArray[np.bool_]:
    """Tell which light curves have a grid of several chunks, or are better done by transforms."""
    whole, n_bands = segments.whole, len(segments.bands)
    result = np.zeros(whole.size, bool)
    filled = np.flatnonzero(whole.count > 0)
    if filled.size == 0:
        return result
    begin = whole.offsets[filled]
    span = np.maximum.reduceat(whole.time, begin) - np.minimum.reduceat(whole.time, begin)
    size = (search.high - search.low) * search.oversampling * span
    result[filled] = size > CHUNK
    for k in np.flatnonzero(whole.count[filled] > _WORTH_A_LOOK):
        n_frequencies, _ = grid_of(span[k], search)
        n_epochs = int(whole.count[filled[k]])
        is_long = search.n_terms == 1 and is_faster(n_epochs, n_bands, n_frequencies)
        result[filled[k]] |= n_frequencies > 0 and is_long
    return result
