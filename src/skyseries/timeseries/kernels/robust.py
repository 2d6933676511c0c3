"""Scales of the values that few outliers do not change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.quantiles import quantile
from skyseries.timeseries.kernels.sorting import sort_row

__all__ = [
    "QN_FACTOR",
    "segment_biweight_scale",
    "segment_otsu",
    "segment_qn_scale",
    "segment_tails",
]

QN_FACTOR = 2.2191444659850757
"""1 / (sqrt(2) Phi^-1(5 / 8)): the standard deviation of normal values."""

_REORDER = {"reassoc", "contract", "nsz", "arcp"}


@kernel
def segment_biweight_scale(
    y: NDArray[np.float64],
    offsets: NDArray[np.int64],
    median: NDArray[np.float64],
    deviation: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill the biweight scale with the tuning constant 9 (Beers et al. 1990, equation 9).

    Parameters
    ----------
    y : (m,) array
    offsets : (n + 1,) array
    median, deviation : (n,) arrays
        Median and median absolute deviation of each segment.
    out : (1, n) array
        NaN where the median absolute deviation is zero.
    """
    for k in range(offsets.size - 1):
        out[0, k] = np.nan
        if deviation[k] > 0:
            s = _biweight(y[offsets[k] : offsets[k + 1]], median[k], 1.0 / (9.0 * deviation[k]))
            out[0, k] = s


@kernel(fastmath=_REORDER)
def _biweight(y: NDArray[np.float64], median: float, scale: float) -> float:
    above = below = 0.0
    for j in range(y.size):
        d = y[j] - median
        u = (d * scale) * (d * scale)
        v = 1.0 - min(u, 1.0)
        above += d * d * (v * v) * (v * v)
        below += v * (1.0 - 5.0 * u)
    result: float = np.sqrt(y.size * above) / abs(below)
    return result


@kernel
def segment_qn_scale(
    s: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill the scale Q_n of Rousseeuw and Croux, without a factor for small samples.

    2.2191 times the k-th smallest of the differences of all pairs, k = h (h - 1) / 2 with
    h = floor(n / 2) + 1 (Rousseeuw & Croux 1993, J. Am. Stat. Assoc. 88, 1273, equation 3.3).

    Parameters
    ----------
    s : (m,) array
        Values, ascending within each segment.
    offsets : (n + 1,) array
    out : (1, n) array
        NaN below two epochs.
    """
    for k in range(offsets.size - 1):
        lo, hi = offsets[k], offsets[k + 1]
        out[0, k] = np.nan
        if hi - lo >= 2:
            half = (hi - lo) // 2 + 1
            out[0, k] = QN_FACTOR * _nth_difference(s[lo:hi], half * (half - 1) // 2)


@kernel
def _nth_difference(s: NDArray[np.float64], k: int) -> float:
    """Return the k-th smallest difference (from 1 on) by halving the interval it lies in."""
    low, high = -1.0, float(s[s.size - 1] - s[0])
    n_low, n_high = 0, s.size * (s.size - 1) // 2
    while n_high - n_low > s.size:
        middle = 0.5 * low + 0.5 * high
        if middle <= low or middle >= high:
            return high  # the differences that remain are equal
        n_middle = _n_differences(s, middle)
        if n_middle >= k:
            high, n_high = middle, n_middle
        else:
            low, n_low = middle, n_middle
    left = _differences_between(s, low, high, n_high - n_low)
    sort_row(left)
    result: float = left[k - n_low - 1]
    return result


@kernel
def _n_differences(s: NDArray[np.float64], limit: float) -> int:
    """Return how many pairs differ by `limit` at most."""
    total = j = 0
    for i in range(s.size):
        while j < s.size and s[j] - s[i] <= limit:
            j += 1
        total += j - 1 - i
    return total


@kernel
def _differences_between(
    s: NDArray[np.float64], low: float, high: float, count: int
) -> NDArray[np.float64]:
    found = np.empty(count)
    k = first = 0
    for i in range(s.size):
        first = max(first, i + 1)
        while first < s.size and s[first] - s[i] <= low:
            first += 1
        j = first
        while j < s.size and s[j] - s[i] <= high:
            found[k] = s[j] - s[i]
            k += 1
            j += 1
    return found


@kernel
def segment_tails(
    s: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill what the medians of the lowest and of the highest values give.

    Parameters
    ----------
    s : (m,) array
        Values, ascending within each segment.
    offsets : (n + 1,) array
    out : (2, n) array
        Half of the distance of the medians of the ceil(0.05 n) highest and lowest; their sum less
        two medians of all, for the values up to the quantile 0.03 and from 0.97 on. NaN for no
        epochs.
    """
    for k in range(offsets.size - 1):
        out[:, k] = np.nan
        if offsets[k + 1] > offsets[k]:
            _tails_of(s[offsets[k] : offsets[k + 1]], out, k)


@kernel
def _tails_of(s: NDArray[np.float64], out: NDArray[np.float64], k: int) -> None:
    n = s.size
    tail = (n + 19) // 20
    out[0, k] = 0.5 * (quantile(s[n - tail :], 0.5) - quantile(s[:tail], 0.5))
    low_limit, high_limit, median = quantile(s, 0.03), quantile(s, 0.97), quantile(s, 0.5)
    low, high = 1, n - 1
    while low < n and s[low] <= low_limit:
        low += 1
    while high > 0 and s[high - 1] >= high_limit:
        high -= 1
    out[1, k] = (quantile(s[:low], 0.5) - median) + (quantile(s[high:], 0.5) - median)


@kernel
def segment_otsu(
    s: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill the split of the values in two classes that makes the variance between them largest.

    Parameters
    ----------
    s : (m,) array
        Values, ascending within each segment.
    offsets : (n + 1,) array
    out : (4, n) array
        Difference of the means, standard deviations (n - 1) of the lower and the upper one,
        fraction of the epochs in the lower one (Otsu 1979, IEEE Trans. SMC 9, 62); NaN for
        constant values.
    """
    for k in range(offsets.size - 1):
        lo, hi = offsets[k], offsets[k + 1]
        out[:, k] = np.nan
        if hi - lo >= 2 and s[hi - 1] > s[lo]:
            _otsu(s[lo:hi], out, k)


@kernel
def _otsu(s: NDArray[np.float64], out: NDArray[np.float64], k: int) -> None:
    n = s.size
    mean, _ = _moments(s, s[0])
    left = best = 0.0
    n_low = 1
    for i in range(1, n):
        left += s[i - 1] - s[0] - mean
        between = left * left / (i * float(n - i))  # times n; the sum on the right is -left
        if between > best and s[i] > s[i - 1]:
            best, n_low = between, i
    low, low_scale = _moments(s[:n_low], s[0])
    high, high_scale = _moments(s[n_low:], s[0])
    out[0, k] = high - low
    out[1, k] = low_scale
    out[2, k] = high_scale
    out[3, k] = n_low / n


@kernel(fastmath=_REORDER)
def _moments(s: NDArray[np.float64], origin: float) -> tuple[float, float]:
    total = squares = 0.0
    for j in range(s.size):
        total += s[j] - origin
    mean = total / s.size
    for j in range(s.size):
        squares += (s[j] - origin - mean) * (s[j] - origin - mean)
    return mean, np.sqrt(squares / max(s.size - 1, 1))
