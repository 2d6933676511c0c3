"""Multiharmonic analysis of variance (Schwarzenberg-Czerny 1996, ApJ 460, L107), in several bands.

In each band a Fourier series of its own is fitted (Mondrik, Long & Marshall 2015, ApJ 811, L34).
The orthogonal polynomials of the paper span the same functions; here the normal equations are
solved, whose elements all follow from the first 2K sums of w cos and w sin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["aov_power", "band_is_long"]

_RESEED = 256
"""Rotations after which the angles are computed afresh."""

_PIVOT = 1e-10
"""A direction whose share of the weights is below this cannot be told from the others."""

_LEAST = 1e-12
"""The residuals are taken to be at least this share: the ratio stays finite."""


@kernel
def band_is_long(size: int, n_terms: int) -> bool:
    """Return whether a band has more epochs than unknowns, and so takes part."""
    return size >= 2 * n_terms + 2


@kernel
def aov_power(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_terms: int,
    f0: float,
    df: float,
    power: NDArray[np.float64],
) -> None:
    """Fill Theta at f0 + k df: the variance of the models over that of the residuals.

    Sums of squares and degrees of freedom are added over the bands with 2K + 2 epochs or more;
    0 where there is none. The other arguments are as `harmonics.prepare` fills them.
    """
    free_model, free_rest, chi2 = 0, 0, 0.0
    for b in range(n_bands):
        size = start[b + 1] - start[b]
        if band_is_long(size, n_terms):
            free_model += 2 * n_terms
            free_rest += size - 2 * n_terms - 1
            for i in range(start[b], start[b + 1]):
                chi2 += weights[i] * values[i] * values[i]
    power[:] = 0.0
    if free_model == 0 or not chi2 > 0:
        return
    for b in range(n_bands):
        lo, hi = start[b], start[b + 1]
        if band_is_long(hi - lo, n_terms):
            _add_band(times[lo:hi], weights[lo:hi], values[lo:hi], n_terms, f0, df, power)
    for k in range(power.size):
        share = min(power[k] / chi2, 1.0)
        power[k] = share / free_model * free_rest / max(1.0 - share, _LEAST)


@kernel
def _add_band(
    times: NDArray[np.float64],
    w: NDArray[np.float64],
    values: NDArray[np.float64],
    n_terms: int,
    f0: float,
    df: float,
    power: NDArray[np.float64],
) -> None:
    """Add what the series of one band takes away from chi2."""
    n = times.size
    angles = np.empty((4, n))
    turned = np.empty((2, n))
    sums = np.zeros((4, 2 * n_terms + 1))
    gram = np.zeros((2 * n_terms, 2 * n_terms))
    right = np.zeros(2 * n_terms)
    wy = np.empty(n)
    for i in range(n):
        wy[i] = w[i] * values[i]
        sums[0, 0] += w[i]
    for k in range(power.size):
        if k % _RESEED == 0:
            _seed(times, f0 + k * df, df, angles)
        for i in range(n):
            turned[0, i] = angles[0, i]
            turned[1, i] = angles[1, i]
        for h in range(1, 2 * n_terms + 1):
            if h > 1:
                _rotate(turned[0], turned[1], angles[0], angles[1])
            sums[0, h], sums[1, h] = _project(turned[0], turned[1], w)
            if h <= n_terms:
                sums[2, h], sums[3, h] = _project(turned[0], turned[1], wy)
        power[k] += _explained(sums, n_terms, gram, right)
        _rotate(angles[0], angles[1], angles[2], angles[3])


@kernel
def _seed(times: NDArray[np.float64], f: float, df: float, angles: NDArray[np.float64]) -> None:
    for p in range(2):
        rate = f if p == 0 else df
        for i in range(times.size):
            cycles = rate * times[i]
            angle = 2.0 * np.pi * (cycles - np.floor(cycles))
            angles[2 * p, i] = np.cos(angle)
            angles[2 * p + 1, i] = np.sin(angle)


@kernel
def _rotate(
    c: NDArray[np.float64],
    s: NDArray[np.float64],
    dc: NDArray[np.float64],
    ds: NDArray[np.float64],
) -> None:
    for i in range(c.size):
        a, b = c[i], s[i]
        c[i] = a * dc[i] - b * ds[i]
        s[i] = b * dc[i] + a * ds[i]


@kernel(fastmath=True)
def _project(
    c: NDArray[np.float64], s: NDArray[np.float64], w: NDArray[np.float64]
) -> tuple[float, float]:
    along = across = 0.0
    for i in range(c.size):
        along += w[i] * c[i]
        across += w[i] * s[i]
    return along, across


@kernel
def _explained(
    sums: NDArray[np.float64],
    n_terms: int,
    gram: NDArray[np.float64],
    right: NDArray[np.float64],
) -> float:
    """Return right . gram^-1 . right by Cholesky, the mean eliminated, for cos and sin of 1..K."""
    c, s = sums[0], sums[1]
    weight = c[0]
    for p in range(2 * n_terms):
        i = p // 2 + 1
        right[p] = sums[2 + p % 2, i]
        for q in range(p + 1):
            j = q // 2 + 1
            # sums of w cos(i x) cos(j x) and so on, by the addition theorems; j <= i
            if p % 2 == q % 2:
                both = c[i - j] - c[i + j] if p % 2 else c[i - j] + c[i + j]
            else:
                both = s[i + j] + s[i - j] if p % 2 else s[i + j] - s[i - j]
            gram[p, q] = 0.5 * both - sums[p % 2, i] * sums[q % 2, j] / weight
    total = 0.0
    for p in range(2 * n_terms):
        for q in range(p):
            for r in range(q):
                gram[p, q] -= gram[p, r] * gram[q, r]
            gram[p, q] = gram[p, q] / gram[q, q] if gram[q, q] > 0 else 0.0
            gram[p, p] -= gram[p, q] * gram[p, q]
            right[p] -= gram[p, q] * right[q]
        if gram[p, p] > _PIVOT * weight:
            gram[p, p] = np.sqrt(gram[p, p])
            right[p] /= gram[p, p]
            total += right[p] * right[p]
        else:
            gram[p, p] = 0.0
            right[p] = 0.0
    return total
