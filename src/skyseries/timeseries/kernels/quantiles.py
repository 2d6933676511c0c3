"""Order statistics of each segment, read off its sorted values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_QUANTILES", "quantile", "segment_quantiles"]

N_QUANTILES = 22


@kernel
def segment_quantiles(
    s: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill the order statistics of each segment.

    Parameters
    ----------
    s : (m,) array
        Values, ascending within each segment.
    offsets : (n + 1,) array
    out : (22, n) array
        Minimum, maximum, half of the range, percentiles 5, 25, 50, 75, 95, median absolute
        deviation, inter-quartile range, largest |x - median| / median, fraction of the epochs
        within a tenth of the range from the median, (P95 - P5) / median, the five
        inter-percentile ratios of the middle 20, 35, 50, 65, 80 per cent to the middle 90,
        largest |x - median|, fraction of the epochs nearer to the median than a tenth of half
        of the range, range, inter-decile range; NaN where undefined.
    """
    for k in range(offsets.size - 1):
        if offsets[k + 1] == offsets[k]:
            out[:, k] = np.nan
            continue
        _quantiles_of(s[offsets[k] : offsets[k + 1]], out, k)


@kernel
def quantile(s: NDArray[np.float64], q: float) -> float:
    """Return the quantile of values in ascending order."""
    # linear interpolation: definition 7 of Hyndman & Fan (1996), the default of NumPy
    position = q * (s.size - 1)
    below = int(position)
    result: float = s[below]
    if below + 1 < s.size:
        result += (position - below) * (s[below + 1] - s[below])
    return result


@kernel
def _median_deviation(s: NDArray[np.float64], median: float) -> float:
    """Return the median of |s - median|, of two runs that ascend away from the middle."""
    n = s.size
    k, n_left = n // 2, n // 2
    low, high = max(0, k + 1 - (n - n_left)), min(k + 1, n_left)
    while low < high:  # how many of the k + 1 smallest are on the left
        left = (low + high) // 2
        if median - s[n_left - 1 - left] < s[n_left + k - left] - median:
            low = left + 1
        else:
            high = left
    right = k + 1 - low
    on_left = median - s[n_left - low] if low > 0 else -np.inf
    on_right = s[n_left + right - 1] - median if right > 0 else -np.inf
    largest: float = max(on_left, on_right)
    if n % 2 == 1:
        return largest
    if on_left >= on_right:
        on_left = median - s[n_left - low + 1] if low > 1 else -np.inf
    else:
        on_right = s[n_left + right - 2] - median if right > 1 else -np.inf
    return 0.5 * (largest + max(on_left, on_right))


@kernel
def _n_near(s: NDArray[np.float64], median: float, within: float, nearer: float) -> tuple[int, int]:
    n_within = n_nearer = 0
    for j in range(s.size):
        d = abs(s[j] - median)
        n_within += int(d <= within)
        n_nearer += int(d < nearer)
    return n_within, n_nearer


@kernel
def _quantiles_of(s: NDArray[np.float64], out: NDArray[np.float64], k: int) -> None:
    n = s.size
    low, high = s[0], s[n - 1]
    p05, p95 = quantile(s, 0.05), quantile(s, 0.95)
    p25, p75 = quantile(s, 0.25), quantile(s, 0.75)
    p10, p90 = quantile(s, 0.1), quantile(s, 0.9)
    median = quantile(s, 0.5)
    farthest = max(high - median, median - low)
    tenth = 0.1 * (high - low)
    within, nearer = _n_near(s, median, tenth, 0.1 * (0.5 * (high - low)))
    out[0, k] = low
    out[1, k] = high
    out[2, k] = 0.5 * (high - low)
    out[3, k] = p05
    out[4, k] = p25
    out[5, k] = median
    out[6, k] = p75
    out[7, k] = p95
    out[8, k] = _median_deviation(s, median)
    out[9, k] = p75 - p25
    out[10, k] = farthest / median
    out[11, k] = within / n
    out[12, k] = (p95 - p05) / median
    wide = p95 - p05
    out[13, k] = (quantile(s, 0.6) - quantile(s, 0.4)) / wide
    out[14, k] = (quantile(s, 0.675) - quantile(s, 0.325)) / wide
    out[15, k] = (p75 - p25) / wide
    out[16, k] = (quantile(s, 0.825) - quantile(s, 0.175)) / wide
    out[17, k] = (p90 - p10) / wide
    out[18, k] = farthest
    out[19, k] = nearer / n
    out[20, k] = high - low
    out[21, k] = p90 - p10
