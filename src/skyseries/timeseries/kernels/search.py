"""The period search over many light curves in one call, without Python between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import exact_power, prepare
from skyseries.timeseries.kernels.lombscargle import grid_power
from skyseries.timeseries.kernels.peaks import (
    false_alarm_probability,
    highest_peaks,
    refine_peak,
)

__all__ = ["MAX_FREQUENCIES", "fill_power", "search_periods"]

MAX_FREQUENCIES = 50_000_000
"""A finer grid than this is refused: a wrong time in the data, or wrong limits."""


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
def search_periods(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    n_bands: int,
    limits: tuple[float, float],
    oversampling: float,
    n_terms: int,
    floor: float,
    fraction: float,
    spare: int,
    frequency: NDArray[np.float64],
    best: NDArray[np.float64],
) -> None:
    """Fill the highest peaks of each light curve.

    Parameters
    ----------
    t, y, e : (m,) arrays
    offsets : (n x n_bands + 1,) array
        Segments of each light curve and band.
    limits : (float, float)
        Lowest and highest frequency, 1/d.
    oversampling : float
        The step of the grid is 1 / (oversampling x time span).
    n_terms : int
    floor, fraction : float
        See `harmonics.prepare`.
    spare : int
        Degrees of freedom that must be left; else NaN.
    frequency : (n, n_peaks) array
        Filled with the frequencies, the best first; NaN where there are no more.
    best : (2, n) array
        Filled with power and false-alarm probability of the first.
    """
    frequency[:] = np.nan
    best[:] = np.nan
    for i in range(frequency.shape[0]):
        bounds = offsets[i * n_bands : (i + 1) * n_bands + 1]
        size = bounds[n_bands] - bounds[0]
        times, weights, values = np.empty(size), np.empty(size), np.empty(size)
        start = np.empty(n_bands + 1, np.int64)
        kept, chi2 = prepare(t, y, e, bounds, floor, fraction, times, weights, values, start)
        n = start[kept]
        if n - kept - 2 * n_terms < spare or not chi2 > 0 or not np.isfinite(chi2):
            continue
        span = times[:n].max()
        if not span > 0 or (limits[1] - limits[0]) * span * oversampling >= MAX_FREQUENCIES:
            continue
        df = 1.0 / (oversampling * span)
        power = np.empty(int((limits[1] - limits[0]) / df) + 1, np.float32)
        fill_power(times, weights, values, start, kept, n_terms, limits[0], df, power)
        peaks = highest_peaks(power, int(np.ceil(oversampling)), frequency.shape[1])
        best[0, i] = _refine_peaks(
            times, weights, values, start, kept, n_terms, peaks, df, limits, frequency[i]
        )
        if n_terms == 1:
            best[1, i] = false_alarm_probability(best[0, i], times, weights, n, kept, limits[1])


@kernel
def _refine_peaks(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_terms: int,
    peaks: NDArray[np.int64],
    df: float,
    limits: tuple[float, float],
    frequency: NDArray[np.float64],
) -> float:
    """Fill the refined frequencies, the highest peak first, and return its power."""
    low, high = limits
    tops = np.empty(peaks.size)
    for p in range(peaks.size):
        f = low + peaks[p] * df
        f, top = refine_peak(
            times, weights, values, start, n_bands, n_terms, f, 0.5 * df, low, high
        )
        q = p
        while q > 0 and tops[q - 1] < top:
            tops[q], frequency[q] = tops[q - 1], frequency[q - 1]
            q -= 1
        tops[q], frequency[q] = top, f
    return float(tops[0])
