"""Power of the harmonic model at one frequency, in float64: the reference of all the others.

Model: y = sum over k = 1..K of (a_k cos(2 pi k f t) + b_k sin(2 pi k f t)) + c_band, the same a, b
for all bands and a mean of its own for each (the "(1, 0)" model of VanderPlas & Ivezic 2015, ApJ
812, 18, for K = 1; with one band the generalized periodogram of Zechmeister & Kurster 2009, A&A
496, 577). The means are eliminated analytically, 2K unknowns remain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["deviation", "equalize", "exact_power", "exact_powers", "nested_powers", "prepare"]

_PIVOT = 1e-10
"""A direction whose share of the weights is below this cannot be told from a constant."""

_HEAVIEST = 1e8
"""An epoch that outweighs all others together by this is what the model goes through: more weight
would change the power by less than 1e-8, but hide the others in rounding."""

_SHRINK = 15.0
"""Epochs that the mean scatter of all bands weighs when that of one band is estimated."""


@kernel
def prepare(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    floor: float,
    fraction: float,
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
) -> tuple[int, float]:
    """Weigh, centre and scale one light curve.

    Parameters
    ----------
    t, y, e : arrays
        Epochs of many light curves.
    offsets : (n_bands + 1,) array
        Where each band of this light curve begins.
    floor, fraction : float
        The variances are e^2 + floor^2 + (fraction x standard deviation of the band)^2.
    times, weights, values : arrays
        Filled with the epochs of bands that have two or more (a single one is taken up by its
        band's mean), times from the first one on; weights, none more than `_HEAVIEST` allows, sum
        to 1; values have a weighted mean of 0 in each band and a weighted mean square of 1.
    start : (n_bands + 1,) array
        Filled with the beginnings of the bands that are left; the rest repeats the end.

    Returns
    -------
    n_bands : int
        Bands that are left.
    chi2 : float
        Chi square about the weighted means; 0 where nothing varies.
    """
    n, kept = 0, 0
    first = np.inf
    light = 0.0  # weight of all but the heaviest epoch of each band
    for b in range(offsets.size - 1):
        lo, hi = offsets[b], offsets[b + 1]
        if hi - lo < 2:
            continue
        extra = floor * floor + (fraction * deviation(y[lo:hi])) ** 2
        start[kept] = n
        kept += 1
        heaviest = 0.0
        for j in range(lo, hi):
            w = 1.0 / (e[j] * e[j] + extra)
            times[n + j - lo] = t[j]
            weights[n + j - lo] = w
            values[n + j - lo] = y[j] - y[lo]
            light += min(w, heaviest)
            heaviest = max(w, heaviest)
            first = min(first, t[j])
        n += hi - lo
    start[kept:] = n
    most = _HEAVIEST * light if light > 0 else np.inf
    for b in range(kept):
        total = shift = 0.0
        for j in range(start[b], start[b + 1]):
            weights[j] = min(weights[j], most)
            total += weights[j]
            shift += weights[j] * values[j]
        for j in range(start[b], start[b + 1]):
            values[j] -= shift / total
    total = chi2 = 0.0
    for j in range(n):
        total += weights[j]
        chi2 += weights[j] * values[j] * values[j]
    scale = np.sqrt(total / chi2) if chi2 > 0 else 0.0
    for j in range(n):
        times[j] -= first
        weights[j] /= total
        values[j] *= scale
    return kept, chi2


@kernel
def equalize(
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    floor: float,
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
) -> None:
    """Scale each band of one light curve to the same scatter, so that bands share one shape.

    The scatter of a band is the variance of its values less the mean square of their errors,
    drawn towards the mean of all bands by the weight of `_SHRINK` epochs. Nothing is scaled where
    no band has any.

    Parameters
    ----------
    y, e : arrays
        Epochs of many light curves.
    offsets : (n_bands + 1,) array
        Where each band of this light curve begins.
    floor : float
        Added in quadrature to the errors, before they are scaled.
    values, errors : arrays
        Filled with the epochs from ``offsets[0]`` to ``offsets[-1]``, scaled.
    """
    n_bands = offsets.size - 1
    variance = np.zeros(n_bands)
    total, count = 0.0, 0
    for b in range(n_bands):
        lo, hi = offsets[b], offsets[b + 1]
        if hi - lo < 2:
            continue
        noise = 0.0
        for j in range(lo, hi):
            noise += e[j] * e[j]
        n = hi - lo
        variance[b] = max(deviation(y[lo:hi]) ** 2 - noise / n, 0.0)
        total += n * variance[b]
        count += n
    for b in range(n_bands):
        lo, hi = offsets[b], offsets[b + 1]
        n = hi - lo
        scale = 1.0
        if total > 0.0 and n >= 2:
            scale = np.sqrt((n + _SHRINK) / (n * variance[b] + _SHRINK * total / count))
        for j in range(lo, hi):
            values[j - offsets[0]] = scale * (y[j] - y[lo])
            errors[j - offsets[0]] = scale * np.sqrt(e[j] * e[j] + floor * floor)


@kernel
def deviation(y: NDArray[np.float64]) -> float:
    """Return the standard deviation of two values or more, over n - 1."""
    total = squares = 0.0
    for j in range(y.size):
        total += y[j] - y[0]
    mean = total / y.size
    for j in range(y.size):
        squares += (y[j] - y[0] - mean) ** 2
    return float(np.sqrt(squares / (y.size - 1)))


@kernel
def exact_power(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_terms: int,
    frequency: float,
) -> float:
    """Return 1 - chi2(model) / chi2(means) at one frequency (1/d), from 0 to 1.

    The other arguments are as `prepare` fills them.
    """
    power = np.empty(n_terms)
    nested_powers(times, weights, values, start, n_bands, frequency, power)
    return float(power[n_terms - 1])


@kernel
def nested_powers(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    frequency: float,
    power: NDArray[np.float64],
) -> None:
    """Fill the power at one frequency of the models with 1, 2, ... harmonics.

    Each is part of the next: their powers are what the elimination of the largest passes by.
    """
    size = 2 * power.size
    gram = np.zeros((size, size))
    right = np.zeros(size)
    band_sum = np.empty(size)
    x = np.empty(size)
    for b in range(n_bands):
        band_sum[:] = 0.0
        band_weight = 0.0
        for j in range(start[b], start[b + 1]):
            cycles = frequency * times[j]
            angle = 2.0 * np.pi * (cycles - np.floor(cycles))
            w = weights[j]
            band_weight += w
            c, s = np.cos(angle), np.sin(angle)
            x[0], x[1] = c, s
            for k in range(2, size, 2):
                x[k] = x[k - 2] * c - x[k - 1] * s
                x[k + 1] = x[k - 1] * c + x[k - 2] * s
            for p in range(size):
                wx = w * x[p]
                band_sum[p] += wx
                right[p] += wx * values[j]
                for q in range(p + 1):
                    gram[p, q] += wx * x[q]
        for p in range(size):
            for q in range(p + 1):
                gram[p, q] -= band_sum[p] * band_sum[q] / band_weight
    _explained(gram, right, power)


@kernel
def _explained(
    gram: NDArray[np.float64], right: NDArray[np.float64], power: NDArray[np.float64]
) -> None:
    """Fill right . gram^-1 . right of the first 2, 4, ... unknowns by Cholesky.

    Directions without weight are left out.
    """
    total = 0.0
    for p in range(right.size):
        for q in range(p):
            for r in range(q):
                gram[p, q] -= gram[p, r] * gram[q, r]
            gram[p, q] = gram[p, q] / gram[q, q] if gram[q, q] > 0 else 0.0
            gram[p, p] -= gram[p, q] * gram[p, q]
            right[p] -= gram[p, q] * right[q]
        if gram[p, p] > _PIVOT:
            gram[p, p] = np.sqrt(gram[p, p])
            right[p] /= gram[p, p]
            total += right[p] * right[p]
        else:
            gram[p, p] = 0.0
            right[p] = 0.0
        power[p // 2] = min(1.0, total)


@kernel
def exact_powers(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_terms: int,
    frequency: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return `exact_power` at each of some frequencies."""
    out = np.empty(frequency.size)
    for k in range(frequency.size):
        out[k] = exact_power(times, weights, values, start, n_bands, n_terms, frequency[k])
    return out
