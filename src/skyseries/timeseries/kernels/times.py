"""Means and steps of the times of each segment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_TIMES", "segment_times"]

N_TIMES = 4


@kernel
def segment_times(
    t: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill mean, standard deviation, longest and shortest step of the times.

    Parameters
    ----------
    t : (m,) array
        Times in ascending order within each segment.
    offsets : (n + 1,) array
    out : (4, n) array
        NaN where undefined: the mean of none, the others below two epochs.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi == lo:
            continue
        total = squares = 0.0
        longest, shortest = -np.inf, np.inf
        for j in range(lo, hi):
            total += t[j] - t[lo]
        mean = total / (hi - lo)
        for j in range(lo, hi):
            squares += (t[j] - t[lo] - mean) ** 2
        for j in range(lo + 1, hi):
            longest = max(longest, t[j] - t[j - 1])
            shortest = min(shortest, t[j] - t[j - 1])
        out[0, s] = t[lo] + mean
        if hi - lo >= 2:
            out[1, s] = np.sqrt(squares / (hi - lo - 1))
            out[2, s] = longest
            out[3, s] = shortest
