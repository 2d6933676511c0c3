"""Sums of cosines and sines of multiples of one frequency, and least squares made of them.

All harmonics of one frequency follow from its first by a recurrence, and the products of two
harmonics are harmonics again: cos j cos k = (cos(j - k) + cos(j + k)) / 2. So one pass over the
epochs with 2 K orders gives the normal equations of the K harmonics, and of those of each multiple
of the frequency as far as the orders reach: what f/2, f and 2 f explain comes from one set of sums.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["fill_normal", "fill_sums"]

_TILE = 128
"""Epochs that are taken together: their angles stay in the nearest cache."""


@kernel
def fill_sums(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    frequency: float,
    sums: NDArray[np.float64],
) -> None:
    """Fill the sums at one frequency.

    Parameters
    ----------
    times, weights, values, start, n_bands
        As `harmonics.prepare` fills them.
    frequency : float
        1/d.
    sums : (n_bands, 4, 1 + n_orders) array
        Filled, for each band and from order 0 on, with the sums of w cos, w sin, w y cos, w y sin.
    """
    n_orders = sums.shape[2] - 1
    wc, ws = np.empty(_TILE), np.empty(_TILE)
    pc, ps = np.empty(_TILE), np.empty(_TILE)
    c, s, y = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    sums[:n_bands] = 0.0
    for b in range(n_bands):
        for lo in range(start[b], start[b + 1], _TILE):
            n = min(_TILE, start[b + 1] - lo)
            for j in range(n):
                cycles = frequency * times[lo + j]
                angle = 2.0 * np.pi * (cycles - np.floor(cycles))
                c[j], s[j] = np.cos(angle), np.sin(angle)
                y[j] = values[lo + j]
                wc[j], ws[j] = weights[lo + j], 0.0
                # one step back, for the recurrence of Chebyshev
                pc[j], ps[j] = wc[j] * c[j], -wc[j] * s[j]
                c[j] += c[j]
            for m in range(n_orders + 1):
                _add_order(n, wc, ws, y, sums[b, :, m])
                _next_order(n, c, wc, pc)
                _next_order(n, c, ws, ps)
                wc, pc, ws, ps = pc, wc, ps, ws


@kernel(fastmath={"reassoc", "contract"})
def _add_order(
    n: int,
    wc: NDArray[np.float64],
    ws: NDArray[np.float64],
    y: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    a = b = p = q = 0.0
    for j in range(n):
        a += wc[j]
        b += ws[j]
        p += wc[j] * y[j]
        q += ws[j] * y[j]
    out[0] += a
    out[1] += b
    out[2] += p
    out[3] += q


@kernel
def _next_order(
    n: int, twice: NDArray[np.float64], now: NDArray[np.float64], before: NDArray[np.float64]
) -> None:
    """Put the next order in the place of the one before."""
    for j in range(n):
        before[j] = twice[j] * now[j] - before[j]


@kernel
def fill_normal(
    sums: NDArray[np.float64],
    n_bands: int,
    multiple: int,
    n_terms: int,
    gram: NDArray[np.float64],
    right: NDArray[np.float64],
) -> None:
    """Fill the normal equations of the harmonics of a multiple of the frequency of the sums.

    The mean of each band is eliminated. Unknowns 2 k - 2 and 2 k - 1 are those of cos and sin of
    harmonic k of ``multiple * frequency``.

    Parameters
    ----------
    sums : (n_bands, 4, 1 + n_orders) array
        `n_orders` is 2 multiple n_terms or more.
    gram : (2 n_terms, 2 n_terms) array
        Its lower triangle is filled.
    right : (2 n_terms,) array
    """
    for p in range(2 * n_terms):
        right[p] = 0.0
        for q in range(p + 1):
            gram[p, q] = 0.0
    for b in range(n_bands):
        c, s, total = sums[b, 0], sums[b, 1], sums[b, 0, 0]
        for k in range(n_terms):
            row = (k + 1) * multiple
            ck, sk = c[row] / total, s[row] / total
            right[2 * k] += sums[b, 2, row] - ck * sums[b, 2, 0]
            right[2 * k + 1] += sums[b, 3, row] - sk * sums[b, 2, 0]
            for j in range(k + 1):
                column = (j + 1) * multiple
                plus, minus = row + column, row - column
                p, q = 2 * k, 2 * j
                gram[p, q] += 0.5 * (c[minus] + c[plus]) - ck * c[column]
                gram[p + 1, q + 1] += 0.5 * (c[minus] - c[plus]) - sk * s[column]
                # sin k cos j, and cos k sin j
                gram[p + 1, q] += 0.5 * (s[plus] + s[minus]) - sk * c[column]
                gram[p, q + 1] += 0.5 * (s[plus] - s[minus]) - ck * s[column]
