"""The periodogram on a regular grid of frequencies by direct sums in float32.

The angle at frequency f + k df is that at f (kept in float64, one for each epoch) plus k df t
(a table of `_LANES` steps for each epoch): cos and sin follow by the addition theorem with four
multiplications and no recurrence along the frequencies, so no rounding builds up. The frequencies
of a block are the lanes of the vector unit, the epochs are outside, four in a pass, so that each
load of an accumulator serves four of them. Work goes over tiles of epochs whose table stays in
the nearest cache, and over chunks of blocks, at whose start the angles are computed afresh.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import exact_power

__all__ = ["grid_power"]

_LANES = 64
_TILE = 32
_BLOCKS = 64
_PASS = 4

_WELL_CONDITIONED = np.float32(0.02)
"""Below this determinant (at most 1/4) float32 would leave errors above 1e-5 in the power."""

_ZERO = np.float32(0)
_ONE = np.float32(1)
_TWO = np.float32(2)


@kernel
def grid_power(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    f0: float,
    df: float,
    power: NDArray[np.float32],
) -> None:
    """Fill the power of the one-harmonic model at f0 + k df.

    Parameters
    ----------
    times, weights, values, start, n_bands
        One light curve as `harmonics.prepare` leaves it.
    f0, df : float
        First frequency and step, 1/d.
    power : (m,) array
        Within 1e-5 of `harmonics.exact_power`.
    """
    sums = np.empty((_BLOCKS, 6, _LANES), np.float32)
    means = np.empty((_BLOCKS, 3, _LANES), np.float32)
    table = np.zeros((_TILE, 2, _LANES), np.float32)  # zeros: rows that only pad are finite
    turn = np.zeros((4, _TILE))
    w = np.empty(_TILE, np.float32)
    wy = np.empty(_TILE, np.float32)
    for k0 in range(0, power.size, _BLOCKS * _LANES):
        n_blocks = min(_BLOCKS, (power.size - k0 + _LANES - 1) // _LANES)
        sums[:] = _ZERO
        means[:] = _ZERO
        for b in range(n_bands):
            sums[:, 2:4] = _ZERO
            band_weight = 0.0
            for lo in range(start[b], start[b + 1], _TILE):
                n = min(_TILE, start[b + 1] - lo)
                for i in range(n):
                    w[i] = weights[lo + i]
                    wy[i] = weights[lo + i] * values[lo + i]
                    band_weight += weights[lo + i]
                _start_tile(times[lo : lo + n], f0 + k0 * df, df, table, turn)
                padded = (n + _PASS - 1) // _PASS * _PASS
                w[n:padded] = _ZERO
                wy[n:padded] = _ZERO
                _add_tile(padded, n_blocks, table, turn, w, wy, sums)
            _add_means(n_blocks, np.float32(1.0 / band_weight), sums, means)
        _finish(n_blocks, sums, means, power[k0:])
    for k in range(power.size):
        if power[k] < 0:
            power[k] = exact_power(times, weights, values, start, n_bands, 1, f0 + k * df)


@kernel
def _start_tile(
    times: NDArray[np.float64],
    f0: float,
    df: float,
    table: NDArray[np.float32],
    turn: NDArray[np.float64],
) -> None:
    """Fill the table of small steps, and the angles at f0 with their turn from block to block."""
    for i in range(times.size):
        cycles = times[i] * f0
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        turn[0, i] = np.cos(angle)
        turn[1, i] = np.sin(angle)
        cycles = times[i] * df * _LANES
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        turn[2, i] = np.cos(angle)
        turn[3, i] = np.sin(angle)
        cycles = times[i] * df
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        dc, ds = np.cos(angle), np.sin(angle)
        c, s = 1.0, 0.0
        for k in range(_LANES):
            table[i, 0, k] = c
            table[i, 1, k] = s
            c, s = c * dc - s * ds, s * dc + c * ds


@kernel(fastmath=True)
def _add_tile(
    n: int,
    n_blocks: int,
    table: NDArray[np.float32],
    turn: NDArray[np.float64],
    w: NDArray[np.float32],
    wy: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> None:
    """Add the epochs of a tile to Yc, Ys, C, S, CC, CS of each block; `n` is a multiple of 4."""
    bc = np.empty(_TILE, np.float32)
    bs = np.empty(_TILE, np.float32)
    for block in range(n_blocks):
        for i in range(n):
            c, s = turn[0, i], turn[1, i]
            bc[i] = c
            bs[i] = s
            turn[0, i] = c * turn[2, i] - s * turn[3, i]
            turn[1, i] = s * turn[2, i] + c * turn[3, i]
        for i in range(0, n, _PASS):
            c0, c1, c2, c3 = bc[i], bc[i + 1], bc[i + 2], bc[i + 3]
            s0, s1, s2, s3 = bs[i], bs[i + 1], bs[i + 2], bs[i + 3]
            w0, w1, w2, w3 = w[i], w[i + 1], w[i + 2], w[i + 3]
            y0, y1, y2, y3 = wy[i], wy[i + 1], wy[i + 2], wy[i + 3]
            for k in range(_LANES):
                a, b = table[i, 0, k], table[i, 1, k]
                p0, q0 = c0 * a - s0 * b, s0 * a + c0 * b
                a, b = table[i + 1, 0, k], table[i + 1, 1, k]
                p1, q1 = c1 * a - s1 * b, s1 * a + c1 * b
                a, b = table[i + 2, 0, k], table[i + 2, 1, k]
                p2, q2 = c2 * a - s2 * b, s2 * a + c2 * b
                a, b = table[i + 3, 0, k], table[i + 3, 1, k]
                p3, q3 = c3 * a - s3 * b, s3 * a + c3 * b
                sums[block, 0, k] += y0 * p0 + y1 * p1 + y2 * p2 + y3 * p3
                sums[block, 1, k] += y0 * q0 + y1 * q1 + y2 * q2 + y3 * q3
                v0, v1, v2, v3 = w0 * p0, w1 * p1, w2 * p2, w3 * p3
                sums[block, 2, k] += v0 + v1 + v2 + v3
                sums[block, 3, k] += w0 * q0 + w1 * q1 + w2 * q2 + w3 * q3
                sums[block, 4, k] += v0 * p0 + v1 * p1 + v2 * p2 + v3 * p3
                sums[block, 5, k] += v0 * q0 + v1 * q1 + v2 * q2 + v3 * q3


@kernel(fastmath=True)
def _add_means(
    n_blocks: int,
    inverse_weight: np.float32,
    sums: NDArray[np.float32],
    means: NDArray[np.float32],
) -> None:
    """Add what the floating mean of one band takes from the normal equations."""
    for block in range(n_blocks):
        for k in range(_LANES):
            c, s = sums[block, 2, k], sums[block, 3, k]
            means[block, 0, k] += inverse_weight * c * c
            means[block, 1, k] += inverse_weight * c * s
            means[block, 2, k] += inverse_weight * s * s


@kernel(fastmath=True)
def _finish(
    n_blocks: int,
    sums: NDArray[np.float32],
    means: NDArray[np.float32],
    power: NDArray[np.float32],
) -> None:
    """Solve the normal equations; -1 where float32 is not enough."""
    for block in range(n_blocks):
        for k in range(min(_LANES, power.size - block * _LANES)):
            yc, ys = sums[block, 0, k], sums[block, 1, k]
            cc = sums[block, 4, k] - means[block, 0, k]
            cs = sums[block, 5, k] - means[block, 1, k]
            ss = _ONE - sums[block, 4, k] - means[block, 2, k]
            determinant = cc * ss - cs * cs
            value = (yc * yc * ss - _TWO * yc * ys * cs + ys * ys * cc) / determinant
            value = min(max(value, _ZERO), _ONE)
            if determinant < _WELL_CONDITIONED:
                value = -_ONE
            power[block * _LANES + k] = value
