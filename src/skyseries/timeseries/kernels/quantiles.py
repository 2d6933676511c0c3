"""Order statistics of each segment, read off its sorted values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_QUANTILES", "segment_quantiles"]

N_QUANTILES = 18


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
    out : (18, n) array
        Minimum, maximum, half of the range, percentiles 5, 25, 50, 75, 95, median absolute
        deviation, inter-quartile range, largest |x - median| / median, fraction of the epochs
        within a tenth of the range from the median, (P95 - P5) / median, and the five
        inter-percentile ratios of the middle 20, 35, 50, 65, 80 per cent to the middle 90;
        NaN where undefined.
    """
    for k in range(offsets.size - 1):
        if offsets[k + 1] == offsets[k]:
            out[:, k] = np.nan
            continue
        _quantiles_of(s[offsets[k] : offsets[k + 1]], out, k)


@kernel
def _quantile(s: NDArray[np.float64], q: float) -> float:
    # linear interpolation: definition 7 of Hyndman & Fan (1996), the default of NumPy
    position = q * (s.size - 1)
    below = int(position)
    result: float = s[below]
    if below + 1 < s.size:
        result += (position - below) * (s[below + 1] - s[below])
    return result


@kernel
def _median_deviation(s: NDArray[np.float64], median: float) -> float:
    """Return the median of |s - median| by walking outwards from the middle."""
    n = s.size
    right = np.searchsorted(s, median)
    left = right - 1
    last = before = 0.0
    for _ in range(n // 2 + 1):
        before = last
        if right >= n or (left >= 0 and median - s[left] <= s[right] - median):
            last = median - s[left]
            left -= 1
        else:
            last = s[right] - median
            right += 1
    return last if n % 2 == 1 else 0.5 * (before + last)


@kernel
def _quantiles_of(s: NDArray[np.float64], out: NDArray[np.float64], k: int) -> None:
    n = s.size
    low, high = s[0], s[n - 1]
    p05, p95 = _quantile(s, 0.05), _quantile(s, 0.95)
    p25, p75 = _quantile(s, 0.25), _quantile(s, 0.75)
    median = _quantile(s, 0.5)
    near = 0
    for j in range(n):
        if abs(s[j] - median) <= 0.1 * (high - low):
            near += 1
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
    out[10, k] = max(high - median, median - low) / median
    out[11, k] = near / n
    out[12, k] = (p95 - p05) / median
    wide = p95 - p05
    out[13, k] = (_quantile(s, 0.6) - _quantile(s, 0.4)) / wide
    out[14, k] = (_quantile(s, 0.675) - _quantile(s, 0.325)) / wide
    out[15, k] = (p75 - p25) / wide
    out[16, k] = (_quantile(s, 0.825) - _quantile(s, 0.175)) / wide
    out[17, k] = (_quantile(s, 0.9) - _quantile(s, 0.1)) / wide
