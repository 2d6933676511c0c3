"""Means, moments and chi2 of each segment, in two passes over its epochs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["N_MOMENTS", "segment_moments"]

N_MOMENTS = 15

# sums may be reordered so that they are vectorised; NaN must keep its meaning
_REORDER = {"reassoc", "contract", "nsz", "arcp"}


@kernel
def segment_moments(
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill the moments of each segment.

    Parameters
    ----------
    y, e : (m,) arrays
        Values and their errors; finite, errors above zero.
    offsets : (n + 1,) array
    out : (15, n) array
        Mean, weighted mean, its error, mean error, standard deviation (n - 1), skewness G1,
        excess kurtosis G2, chi2 about the weighted mean, reduced chi2, Stetson K, fraction beyond
        one standard deviation of the weighted mean, excess variance, standard deviation / mean,
        fraction beyond two standard deviations of the weighted mean, beyond one of the mean; NaN
        where undefined.
    """
    for s in range(offsets.size - 1):
        n = offsets[s + 1] - offsets[s]
        if n == 0:
            out[:, s] = np.nan
            continue
        _moments_of(y[offsets[s] : offsets[s + 1]], e[offsets[s] : offsets[s + 1]], out, s)


@kernel(fastmath=_REORDER)
def _first_sums(
    y: NDArray[np.float64], e: NDArray[np.float64]
) -> tuple[float, float, float, float, float]:
    origin = y[0]  # a constant light curve then has a scatter of exactly zero
    total = weights = weighted = errors = variances = 0.0
    for j in range(y.size):
        d = y[j] - origin
        w = 1.0 / (e[j] * e[j])
        total += d
        weights += w
        weighted += w * d
        errors += e[j]
        variances += e[j] * e[j]
    return total, weights, weighted, errors, variances


@kernel(fastmath=_REORDER)
def _central_sums(
    y: NDArray[np.float64], e: NDArray[np.float64], mean: float, wmean: float
) -> tuple[float, float, float, float, float]:
    origin = y[0]
    m2 = m3 = m4 = chi2 = absolute = 0.0
    for j in range(y.size):
        d = y[j] - origin
        x = d - mean
        x2 = x * x
        m2 += x2
        m3 += x2 * x
        m4 += x2 * x2
        z = (d - wmean) / e[j]
        chi2 += z * z
        absolute += abs(z)
    return m2, m3, m4, chi2, absolute


@kernel
def _moments_of(
    y: NDArray[np.float64], e: NDArray[np.float64], out: NDArray[np.float64], s: int
) -> None:
    n = float(y.size)
    total, weights, weighted, errors, variances = _first_sums(y, e)
    mean = total / n
    wmean = weighted / weights
    m2, m3, m4, chi2, absolute = _central_sums(y, e, mean, wmean)
    sigma = np.sqrt(m2 / (n - 1))
    beyond = _beyond(y, mean, wmean, sigma)
    out[0, s] = y[0] + mean
    out[1, s] = y[0] + wmean
    out[2, s] = 1.0 / np.sqrt(weights)
    out[3, s] = errors / n
    out[4, s] = sigma
    out[5, s] = np.sqrt(n * (n - 1)) / (n - 2) * (m3 / n) / (m2 / n) ** 1.5
    kurtosis = (n + 1) * (n * m4 / (m2 * m2) - 3.0) + 6.0
    out[6, s] = (n - 1) / ((n - 2) * (n - 3)) * kurtosis
    out[7, s] = chi2
    out[8, s] = chi2 / (n - 1)
    out[9, s] = absolute / np.sqrt(n * chi2)
    out[10, s] = beyond[0] / n
    out[11, s] = (m2 / (n - 1) - variances / n) / ((y[0] + mean) * (y[0] + mean))
    out[12, s] = sigma / (y[0] + mean)
    out[13, s] = beyond[1] / n
    out[14, s] = beyond[2] / n


@kernel
def _beyond(
    y: NDArray[np.float64], mean: float, wmean: float, sigma: float
) -> tuple[int, int, int]:
    origin = y[0]
    one_w = two_w = one = 0
    for j in range(y.size):
        d = y[j] - origin
        from_w = abs(d - wmean)
        one_w += int(from_w > sigma)
        two_w += int(from_w > 2.0 * sigma)
        one += int(abs(d - mean) > sigma)
    return one_w, two_w, one
