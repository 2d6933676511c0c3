"""The highest peaks on a grid of any length, in memory that does not grow with it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.timeseries.curve import Curve
from skyseries.timeseries.kernels.harmonics import prepare
from skyseries.timeseries.kernels.limits import limits_of
from skyseries.timeseries.kernels.peaks import highest_peaks
from skyseries.timeseries.kernels.search import (
    Peaks,
    Search,
    candidates_of,
    grid_of,
    slow_limits,
)
from skyseries.timeseries.periods.methods import Method
from skyseries.timeseries.periods.methods.registry import Options
from skyseries.timeseries.segments import Segments

__all__ = ["CHUNK", "reach_of", "refined_peaks", "search_streaming", "stream_peaks"]

CHUNK = 1 << 20
"""Frequencies that are held at a time: a multiple of the blocks of the fast Lomb-Scargle sums."""


def reach_of(oversampling: float) -> int:
    """Return how many steps a peak must not be topped within: 1 / time span."""
    return max(1, math.ceil(oversampling - 1e-6))


def stream_peaks(
    method: Method,
    curve: Curve,
    options: Options,
    f0: float,
    df: float,
    size: int,
    reach: int,
    n_peaks: int,
    chunk: int = CHUNK,
) -> list[tuple[int, float]]:
    """Return place and power of the highest peaks of a grid, the highest first.

    Each power is computed once. The last `2 reach` of a chunk are kept before the next, so that
    every peak is judged with all its neighbours.
    """
    margin = 2 * reach
    power = np.empty(margin + chunk)
    held = 0
    best: list[tuple[int, float]] = []
    for begin in range(0, size, chunk):
        count = min(chunk, size - begin)
        method.fill(curve, options, f0 + begin * df, df, power[held : held + count])
        window = power[: held + count]
        first = begin - held
        low = first + reach if begin else 0
        high = size if begin + count == size else begin + count - reach
        # in each margin one false peak at most
        found = highest_peaks(window, reach, n_peaks + 2)
        best += [(int(first + k), float(window[k])) for k in found if low <= first + k < high]
        best.sort(key=lambda pair: (-pair[1], pair[0]))
        del best[n_peaks:]
        keep = min(margin, window.size)
        power[:keep] = window[window.size - keep :].copy()
        held = keep
    return best


def refined_peaks(
    method: Method,
    curve: Curve,
    options: Options,
    frequency: Floats,
    step: float,
    limits: tuple[float, float],
) -> list[tuple[float, float]]:
    """Return refined frequency and power of some peaks, the highest first."""
    found = [method.peak(curve, options, float(f), step, *limits) for f in frequency]
    return sorted(found, key=lambda pair: -pair[1])


def search_streaming(
    method: Method,
    options: Options,
    segments: Segments,
    rows: NDArray[np.int64],
    search: Search,
    n_peaks: int,
    peaks: Peaks,
) -> None:
    """Fill the highest peaks of some light curves, for any method.

    The same as `kernels.search.search_periods` does for Lomb-Scargle: see there for the other
    arguments.

    Parameters
    ----------
    rows : array
        Which light curves.
    """
    n_bands = len(segments.bands)
    for i in rows:
        bounds = segments.offsets[i * n_bands : (i + 1) * n_bands + 1]
        curve = _prepare(segments, bounds, (search.floor, search.fraction))
        if curve.n_epochs - curve.n_bands < search.spare or not 0 < curve.chi2 < math.inf:
            continue
        low, high = limits_of(
            curve.times, curve.start, curve.n_bands, search.low, search.high, search.oversampling
        )
        wanted = candidates_of(curve.n_epochs, n_peaks, search)
        found = _highest(method, curve, options, low, high, search, wanted)
        if found is None:
            continue
        peaks.limits[i] = low, high
        kept = len(found)
        peaks.frequency[i, :kept], peaks.power[i, :kept] = found.T
        if method.false_alarm is not None:
            peaks.chance[i] = method.false_alarm(curve, options, found[0, 1], low, high)
        first, last = slow_limits(curve.span, low)
        if search.is_ranked and last > first:
            slow = _highest(method, curve, options, first, last, search, peaks.slow.shape[1])
            if slow is not None:
                peaks.slow[i, : len(slow)] = slow[:, 0]


def _highest(
    method: Method,
    curve: Curve,
    options: Options,
    low: float,
    high: float,
    search: Search,
    n_peaks: int,
) -> Floats | None:
    """Return frequency and power of the highest peaks, refined; None without a grid."""
    size, df = grid_of(curve.span, low, high, search.oversampling)
    if size == 0:
        return None
    reach = reach_of(search.oversampling)
    places = stream_peaks(method, curve, options, low, df, size, reach, n_peaks)
    f = low + df * np.array([k for k, _ in places], np.float64)
    return np.array(refined_peaks(method, curve, options, f, df, (low, high)))


def _prepare(segments: Segments, bounds: NDArray[np.int64], floor: tuple[float, float]) -> Curve:
    size = int(bounds[-1] - bounds[0])
    times, weights, values = np.empty(size), np.empty(size), np.empty(size)
    start = np.empty(bounds.size, np.int64)
    epochs = segments.time, segments.value, segments.error
    n_bands, chi2 = prepare(*epochs, bounds, *floor, times, weights, values, start)
    return Curve(times, weights, values, start, n_bands, chi2)
