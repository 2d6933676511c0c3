"""What depends on the sequence of the values: cumulative sums, runs, differences over times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["segment_autocorrelation_k", "segment_cusum", "segment_runs"]

_REORDER = {"reassoc", "contract", "nsz", "arcp"}

_RUN_LENGTH = 3
_LAST_EPOCHS = 30
_MAX_LAGS = 100


@kernel(fastmath=_REORDER)
def _mean_and_squares(y: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean, counted from the first value, and the sum of squares about it."""
    total = squares = 0.0
    for j in range(y.size):
        total += y[j] - y[0]
    mean = total / y.size
    for j in range(y.size):
        squares += (y[j] - y[0] - mean) * (y[j] - y[0] - mean)
    return mean, squares


@kernel
def segment_cusum(
    y: NDArray[np.float64],
    offsets: NDArray[np.int64],
    mean: NDArray[np.float64],
    sigma: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill the range of the cumulative sums of the values about their mean, over n Sigma.

    Parameters
    ----------
    y : (m,) array
        Values in the order of time (Kim et al. 2014, A&A 566, A43, section 2.2).
    offsets : (n + 1,) array
    mean, sigma : (n,) arrays
        Mean and standard deviation of each segment.
    out : (1, n) array
        NaN below two epochs and for constant values.
    """
    for s in range(offsets.size - 1):
        n = offsets[s + 1] - offsets[s]
        out[0, s] = np.nan
        if n >= 2 and sigma[s] > 0:
            out[0, s] = _range_of_sums(y[offsets[s] : offsets[s + 1]], mean[s]) / (n * sigma[s])


@kernel
def _range_of_sums(y: NDArray[np.float64], mean: float) -> float:
    """Sum from both ends at once, as each addition waits for the one before; they end at zero."""
    n = y.size
    half = n // 2
    left = right = 0.0
    low, high = 0.0, 0.0
    for j in range(half):
        left += y[j] - mean
        right -= y[n - 1 - j] - mean
        low = min(low, min(left, right))
        high = max(high, max(left, right))
    if n % 2 == 1:
        left += y[half] - mean
    return max(high, left) - min(low, left)


@kernel
def segment_runs(
    y: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill the runs beyond two standard deviations, and the trend of the signs of differences.

    Parameters
    ----------
    y : (m,) array
        Values in the order of time.
    offsets : (n + 1,) array
    out : (2, n) array
        Fraction of the n - 2 triples of successive epochs that are all above or all below the
        mean by more than two standard deviations; rises minus falls over the last 30 epochs, over
        30. NaN below three and two epochs.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[:, s] = np.nan
        if hi - lo >= _RUN_LENGTH:
            mean, squares = _mean_and_squares(y[lo:hi])
            out[0, s] = _consecutive(y[lo:hi], mean, 2.0 * np.sqrt(squares / (hi - lo - 1)))
        if hi - lo >= 2:
            balance = 0
            for j in range(max(lo + 1, hi - _LAST_EPOCHS + 1), hi):
                balance += int(y[j] > y[j - 1]) - int(y[j] < y[j - 1])
            out[1, s] = balance / _LAST_EPOCHS


@kernel
def _consecutive(y: NDArray[np.float64], mean: float, limit: float) -> float:
    above = below = runs = 0
    for j in range(y.size):
        d = y[j] - y[0] - mean
        above = above + 1 if d > limit else 0
        below = below + 1 if d < -limit else 0
        runs += int(above >= _RUN_LENGTH or below >= _RUN_LENGTH)
    return runs / (y.size - 2)


@kernel
def segment_autocorrelation_k(
    y: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill Stetson's K of the autocorrelation function at lags 0 to 100.

    The lag is counted in epochs; r(k) = sum((x[j] - m) (x[j+k] - m)) / sum((x - m)^2), and
    K = sum(abs(d)) / sqrt(N sum(d^2)) with the deviations d of the N values r from their mean.

    Parameters
    ----------
    y : (m,) array
        Values in the order of time.
    offsets : (n + 1,) array
    out : (1, n) array
        NaN below two epochs and for constant values.
    """
    r = np.empty(_MAX_LAGS + 1)
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        out[0, s] = np.nan
        if hi - lo < 2:
            continue
        mean, squares = _mean_and_squares(y[lo:hi])
        n = min(hi - lo, _MAX_LAGS + 1)
        for lag in range(n):
            r[lag] = _lagged(y[lo:hi], y[lo] + mean, lag) / squares
        centre = 0.0
        for lag in range(n):
            centre += r[lag] / n
        absolute = spread = 0.0
        for lag in range(n):
            absolute += abs(r[lag] - centre)
            spread += (r[lag] - centre) ** 2
        out[0, s] = absolute / np.sqrt(n * spread)


@kernel(fastmath=_REORDER)
def _lagged(y: NDArray[np.float64], mean: float, lag: int) -> float:
    total = 0.0
    later = y[lag:]
    for j in range(later.size):
        total += (y[j] - mean) * (later[j] - mean)
    return total
