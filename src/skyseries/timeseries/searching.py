"""The period search over segments, each light curve by the cheaper of two ways to its sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.timeseries.kernels.harmonics import prepare
from skyseries.timeseries.kernels.search import Search, grid_of, rank_peaks, search_periods
from skyseries.timeseries.nufft import is_faster, nufft_power
from skyseries.timeseries.segments import Segments

__all__ = ["search_segments"]

Floats = NDArray[np.float64]


def search_segments(segments: Segments, search: Search, n_peaks: int) -> tuple[Floats, Floats]:
    """Return the best frequencies of each light curve, their power and false-alarm probability.

    Parameters
    ----------
    segments : Segments
        By band.
    search : Search
    n_peaks : int

    Returns
    -------
    frequency : (n, n_peaks) array
        The best first; NaN where there are no more.
    best : (2, n) array
        Power of the first, false-alarm probability of the highest peak.
    """
    n_bands = len(segments.bands)
    n = segments.size // n_bands
    frequency, best = np.empty((n, n_peaks)), np.empty((2, n))
    long = _long_ones(segments, search)
    search_periods(
        segments.time, segments.value, segments.error, segments.offsets, n_bands,
        search, long, frequency, best,
    )  # fmt: skip
    for i in np.flatnonzero(long):
        bounds = segments.offsets[i * n_bands : (i + 1) * n_bands + 1]
        best[:, i] = _by_transforms(segments, bounds, search, frequency[i])
    return frequency, best


def _long_ones(segments: Segments, search: Search) -> NDArray[np.bool_]:
    """Tell for which light curves transforms are faster than direct sums."""
    whole, n_bands = segments.whole, len(segments.bands)
    result = np.zeros(whole.size, bool)
    if search.n_terms > 1:
        return result
    # no light curve is worth a look if it is not even with the most frequencies
    for i in np.flatnonzero(whole.count > 500):
        time = whole.time[whole.offsets[i] : whole.offsets[i + 1]]
        size, _ = grid_of(float(np.ptp(time)), search)
        result[i] = size > 0 and is_faster(time.size, n_bands, size)
    return result


def _by_transforms(
    segments: Segments, bounds: NDArray[np.int64], search: Search, frequency: Floats
) -> tuple[float, float]:
    t, y, e = segments.time, segments.value, segments.error
    n = int(bounds[-1] - bounds[0])
    times, weights, values = np.empty(n), np.empty(n), np.empty(n)
    start = np.empty(bounds.size, np.int64)
    kept, chi2 = prepare(
        t, y, e, bounds, search.floor, search.fraction, times, weights, values, start
    )
    if not chi2 > 0 or not np.isfinite(chi2):
        return np.nan, np.nan
    size, df = grid_of(float(times[: start[kept]].max()), search)
    power = np.empty(size, np.float32)
    nufft_power(times, weights, values, start, kept, search.low, df, power)
    return rank_peaks(
        times, weights, values, start, kept, t, y, e, bounds, search, df, power, frequency
    )
