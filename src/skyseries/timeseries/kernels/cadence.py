"""How each segment was observed: intervals between epochs, nights, seasons."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.sorting import sort_row

__all__ = ["N_CADENCE", "SEASON", "segment_cadence"]

N_CADENCE = 11

SEASON = 60.0
"""A longer interval without epochs, in days, ends a season."""


@kernel
def segment_cadence(
    t: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill what is known of the intervals between successive epochs of each segment.

    Parameters
    ----------
    t : (m,) array
        Days, in ascending order within each segment.
    offsets : (n + 1,) array
    out : (11, n) array
        Mean of the intervals, their standard deviation (n - 1), median, longest; shares below an
        hour, 1, 10 and 100 d; nights (days of MJD that have epochs), epochs per night, seasons.
        NaN where undefined.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if lo == hi:
            continue
        out[8, s], out[10, s] = _nights_and_seasons(t[lo:hi])
        out[9, s] = (hi - lo) / out[8, s]
        if hi - lo >= 2:
            gaps = np.empty(hi - lo - 1)
            for j in range(gaps.size):
                gaps[j] = t[lo + j + 1] - t[lo + j]
            _intervals(gaps, out, s)


@kernel
def _nights_and_seasons(t: NDArray[np.float64]) -> tuple[float, float]:
    nights = seasons = 1.0
    for j in range(1, t.size):
        if math.floor(t[j]) > math.floor(t[j - 1]):
            nights += 1.0
        if t[j] - t[j - 1] > SEASON:
            seasons += 1.0
    return nights, seasons


@kernel
def _intervals(gaps: NDArray[np.float64], out: NDArray[np.float64], s: int) -> None:
    n = gaps.size
    sort_row(gaps)
    hour = day = ten = hundred = 0
    mean = square = 0.0
    for j in range(n):
        mean += gaps[j] / n
        hour += gaps[j] < 1.0 / 24.0
        day += gaps[j] < 1.0
        ten += gaps[j] < 10.0
        hundred += gaps[j] < 100.0
    for j in range(n):
        square += (gaps[j] - mean) * (gaps[j] - mean)
    out[0, s] = mean
    out[1, s] = math.sqrt(square / (n - 1))
    out[2, s] = 0.5 * (gaps[(n - 1) // 2] + gaps[n // 2])
    out[3, s] = gaps[n - 1]
    out[4, s] = hour / n
    out[5, s] = day / n
    out[6, s] = ten / n
    out[7, s] = hundred / n
