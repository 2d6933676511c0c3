"""How each segment was observed: intervals between epochs, nights, seasons."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_INTERVALS", "N_NIGHTS", "SEASON", "segment_intervals", "segment_nights"]

N_INTERVALS = 8
N_NIGHTS = 3

SEASON = 60.0
"""A longer interval without epochs, in days, ends a season."""

_MJD_OF_JD = -2400000.5
_LEAST_JD = 1e6


@kernel
def segment_nights(
    t: NDArray[np.float64],
    offsets: NDArray[np.int64],
    zero: float,
    noon: float,
    out: NDArray[np.float64],
) -> None:
    """Fill nights that have epochs, epochs per night and seasons of each segment.

    Parameters
    ----------
    t : (m,) array
        Days, in ascending order within each segment.
    offsets : (n + 1,) array
    zero : float
        The MJD of time 0. NaN: not known, the times are JD where they are as large as that, else
        MJD.
    noon : float
        Added to the MJD to have days that begin at noon.
    out : (3, n) array
        NaN for no epochs.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi > lo:
            first = zero
            if np.isnan(zero):
                first = _MJD_OF_JD if t[lo] > _LEAST_JD else 0.0
            out[0, s], out[2, s] = _nights_and_seasons(t[lo:hi], first + noon)
            out[1, s] = (hi - lo) / out[0, s]


@kernel
def segment_intervals(
    t: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill what is known of the intervals between successive epochs of each segment.

    Parameters
    ----------
    t : (m,) array
        Days, in ascending order within each segment.
    offsets : (n + 1,) array
    out : (8, n) array
        Mean of the intervals, their standard deviation (n - 1), median, longest; shares below an
        hour, 1, 10 and 100 d. NaN where undefined.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo >= 2:
            gaps = np.empty(hi - lo - 1)
            for j in range(gaps.size):
                gaps[j] = t[lo + j + 1] - t[lo + j]
            _intervals(gaps, out, s)


@kernel
def _nights_and_seasons(t: NDArray[np.float64], noon: float) -> tuple[float, float]:
    nights = seasons = 1.0
    for j in range(1, t.size):
        if math.floor(t[j] + noon) > math.floor(t[j - 1] + noon):
            nights += 1.0
        if t[j] - t[j - 1] > SEASON:
            seasons += 1.0
    return nights, seasons


@kernel
def _intervals(gaps: NDArray[np.float64], out: NDArray[np.float64], s: int) -> None:
    n = gaps.size
    hour = day = ten = hundred = 0
    mean = square = longest = 0.0
    for j in range(n):
        mean += gaps[j] / n
        longest = max(longest, gaps[j])
        hour += gaps[j] < 1.0 / 24.0
        day += gaps[j] < 1.0
        ten += gaps[j] < 10.0
        hundred += gaps[j] < 100.0
    for j in range(n):
        square += (gaps[j] - mean) * (gaps[j] - mean)
    out[0, s] = mean
    out[1, s] = math.sqrt(square / (n - 1))
    middle = _smallest(gaps, n // 2)
    out[2, s] = middle
    if n % 2 == 0:
        out[2, s] = 0.5 * (gaps[: n // 2].max() + middle)
    out[3, s] = longest
    out[4, s] = hour / n
    out[5, s] = day / n
    out[6, s] = ten / n
    out[7, s] = hundred / n


@kernel
def _smallest(a: NDArray[np.float64], k: int) -> float:
    """Return the value that comes k-th in ascending order; those before it are not greater.

    Hoare's selection (1961, Communications of the ACM 4, 321), in place.
    """
    left, right = 0, a.size - 1
    while left < right:
        pivot, i, j = a[(left + right) // 2], left, right
        while i <= j:
            while a[i] < pivot:
                i += 1
            while a[j] > pivot:
                j -= 1
            if i <= j:
                a[i], a[j] = a[j], a[i]
                i += 1
                j -= 1
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            break
    return float(a[k])
