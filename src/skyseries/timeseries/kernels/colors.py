"""Colours: the brightness of each segment in four senses, and its ratio between bands."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_COLORS", "pair_colors", "segment_brightness", "spread_of_colors"]

N_COLORS = 5


@kernel
def segment_brightness(
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    ranked: NDArray[np.float64],
    offsets: NDArray[np.int64],
    is_magnitude: bool,
    out: NDArray[np.float64],
) -> None:
    """Fill weighted mean, median, brightest and faintest value and the range of each segment.

    Parameters
    ----------
    y, e, ranked : (m,) arrays
        Values, their errors, and the values in ascending order within each segment.
    offsets : (n + 1,) array
    is_magnitude : bool
        Whether brighter is smaller.
    out : (5, n) array
        NaN for a segment without epochs.
    """
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        if lo == hi:
            out[:, s] = np.nan
            continue
        weights = weighted = 0.0
        for j in range(lo, hi):
            w = 1.0 / (e[j] * e[j])
            weights += w
            weighted += w * (y[j] - y[lo])
        low, high = ranked[lo], ranked[hi - 1]
        middle = lo + hi - 1
        out[0, s] = y[lo] + weighted / weights
        out[1, s] = 0.5 * ranked[middle // 2] + 0.5 * ranked[(middle + 1) // 2]
        out[2, s] = low if is_magnitude else high
        out[3, s] = high if is_magnitude else low
        out[4, s] = high - low


@kernel
def pair_colors(
    brightness: NDArray[np.float64], n_bands: int, is_magnitude: bool, out: NDArray[np.float64]
) -> None:
    """Fill the colours of neighbouring bands, and the ratio of their ranges.

    Parameters
    ----------
    brightness : (5, n x n_bands) array
        As `segment_brightness` leaves it.
    n_bands : int
    is_magnitude : bool
    out : (5, n, n_bands - 1) array
        NaN where a flux is not above zero.
    """
    for i in range(out.shape[1]):
        for b in range(n_bands - 1):
            s = i * n_bands + b
            for row in range(4):
                first, second = brightness[row, s], brightness[row, s + 1]
                if is_magnitude:
                    out[row, i, b] = first - second
                elif first > 0 and second > 0:
                    out[row, i, b] = -2.5 * (math.log10(first) - math.log10(second))
                else:
                    out[row, i, b] = np.nan
            out[4, i, b] = brightness[4, s] / brightness[4, s + 1]


@kernel
def spread_of_colors(
    brightness: NDArray[np.float64], n_bands: int, is_magnitude: bool, out: NDArray[np.float64]
) -> None:
    """Fill the scatter between the bands of the mean magnitudes of each light curve.

    Parameters
    ----------
    brightness : (5, n x n_bands) array
        As `segment_brightness` leaves it.
    n_bands : int
    is_magnitude : bool
    out : (n,) array
        Standard deviation (with the number of bands as divisor) over the bands that have epochs
        and, for fluxes, a mean above zero; NaN with fewer than two of these.
    """
    for i in range(out.size):
        n, mean, square = 0, 0.0, 0.0
        for b in range(n_bands):
            value = brightness[0, i * n_bands + b]
            if not is_magnitude:
                value = -2.5 * math.log10(value) if value > 0 else np.nan
            if np.isfinite(value):
                n += 1
                step = value - mean
                mean += step / n
                square += step * (value - mean)
        out[i] = math.sqrt(square / n) if n >= 2 else np.nan
