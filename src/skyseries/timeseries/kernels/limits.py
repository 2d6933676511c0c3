"""Which periods a light curve can tell: limits of the search from its span and its cadence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.reductions import highest, lowest
from skyseries.timeseries.kernels.sorting import middle_of, sort_row

__all__ = ["SHORTEST", "limits_of"]

SHORTEST = 0.04
"""Days: the shortest period that is looked for in sparse data; the fastest delta Scuti stars."""

_MOST = 1e6
"""Frequencies up to which dense data are searched for shorter ones."""

_EVEN = 0.002
"""Gaps that are multiples of the usual one to this part of it are those of even sampling."""
_NEARLY_ALL = 0.95

_SAME = 1e-6
"""Days: gaps below are none."""


@kernel
def limits_of(
    times: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    low: float,
    high: float,
    oversampling: float,
) -> tuple[float, float]:
    """Return lowest and highest frequency of a search, 1/d; the wrong way round: there is none.

    The longest period is the time span. The shortest is twice the usual gap between the epochs of
    the best observed band where they are evenly spaced (Nyquist); else 0.04 d, or twice the usual
    gap if that is less, as long as the grid does not grow beyond a million frequencies.

    Parameters
    ----------
    times, start, n_bands
        As `harmonics.prepare` fills them.
    low, high : float
        Those that were asked for; NaN: from the data.
    oversampling : float
    """
    n = start[n_bands]
    span = highest(times[:n]) - lowest(times[:n])
    if np.isnan(high):
        shortest = _shortest(times, start, n_bands, span, oversampling)
        high = 1.0 / shortest
        if low >= high:
            high = 2.0 * low
    if np.isnan(low):
        low = 1.0 / span if span > 0 else high
    return low, high


@kernel
def _shortest(
    times: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    span: float,
    oversampling: float,
) -> float:
    best = 0
    for b in range(1, n_bands):
        if start[b + 1] - start[b] > start[best + 1] - start[best]:
            best = b
    own = times[start[best] : start[best + 1]].copy()
    sort_row(own)
    size = 0
    for j in range(1, own.size):
        gap = own[j] - own[j - 1]
        if gap > _SAME:
            own[size] = gap
            size += 1
    gaps = own[:size]
    if gaps.size < 2:
        return SHORTEST
    usual = middle_of(gaps)
    even = 0
    for gap in gaps:
        ratio = gap / usual
        even += abs(ratio - np.round(ratio)) < _EVEN and ratio > 0.5
    if even >= _NEARLY_ALL * gaps.size:
        return 2.0 * usual
    return min(SHORTEST, max(2.0 * usual, oversampling * span / _MOST))
