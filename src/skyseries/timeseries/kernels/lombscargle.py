"""The periodogram on a regular grid of frequencies by direct sums in float32.

The angle at frequency f + k df is that at f (kept in float64, one for each epoch) plus k df t
(a table of `LANES` steps for each epoch): cos and sin follow by the addition theorem with four
multiplications and no recurrence along the frequencies, so no rounding builds up. The frequencies
of a block are the lanes of the vector unit, the epochs are the loop (`lanes.add_epochs`). Work goes
over tiles of epochs whose table stays in the nearest caches, and over chunks of blocks, at whose
start the angles are computed afresh.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import exact_power
from skyseries.timeseries.kernels.lanes import LANES, WIDTH, add_epochs

__all__ = ["grid_power"]

_BLOCKS = 64
_TILE = 64
_GROUP = 64 * _TILE
"""Epochs after which float32 sums are carried to float64."""

_TABLE = 1024
"""Epochs up to which one table (0.5 MB) serves all chunks; else each tile makes its own anew."""

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
    n = start[n_bands]
    fits = n <= _TABLE
    table = np.empty((n if fits else _TILE, 2, LANES), np.float32)
    turn = np.empty((4, n))
    base = np.empty((4, n), np.float32)
    _start(times[:n], weights, values, df, turn, base)
    if fits:
        _fill_table(times[:n], df, table)
    sums = np.empty((_BLOCKS, 6, LANES), np.float32)
    means = np.empty((_BLOCKS, 3, LANES), np.float32)
    long = np.zeros((_BLOCKS if n > _GROUP else 0, 6, LANES))
    for k0 in range(0, power.size, _BLOCKS * LANES):
        n_blocks = min(_BLOCKS, (power.size - k0 + LANES - 1) // LANES)
        _set_angles(times[:n], f0 + k0 * df, turn, base)
        sums[:] = _ZERO
        means[:] = _ZERO
        for b in range(n_bands):
            sums[:, 2:4] = _ZERO
            band_weight = 0.0
            for lo in range(start[b], start[b + 1], _TILE):
                hi = min(lo + _TILE, start[b + 1])
                for j in range(lo, hi):
                    band_weight += weights[j]
                if not fits:
                    _fill_table(times[lo:hi], df, table)
                _add_tile(lo, hi, n_blocks, table, lo if fits else 0, turn, base, sums)
                if (hi - start[b]) % _GROUP == 0 or hi == start[b + 1] > start[b] + _GROUP:
                    _carry(sums, long, hi == start[b + 1])
            _add_means(n_blocks, np.float32(1.0 / band_weight), sums, means)
        _finish(n_blocks, sums, means, power[k0:])
    for k in range(power.size):
        if power[k] < 0:
            power[k] = exact_power(times, weights, values, start, n_bands, 1, f0 + k * df)


@kernel
def _start(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    df: float,
    turn: NDArray[np.float64],
    base: NDArray[np.float32],
) -> None:
    """Fill what does not depend on the frequency: roots of the weights, turns between blocks."""
    for i in range(times.size):
        root = np.sqrt(weights[i])
        base[2, i] = root
        base[3, i] = root * values[i]
        cycles = times[i] * df * LANES
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        turn[2, i] = np.cos(angle)
        turn[3, i] = np.sin(angle)


@kernel
def _set_angles(
    times: NDArray[np.float64], f0: float, turn: NDArray[np.float64], base: NDArray[np.float32]
) -> None:
    """Set the angles at f0, which carry the root of the weight: then no sum needs a weight."""
    for i in range(times.size):
        cycles = times[i] * f0
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        turn[0, i] = base[2, i] * np.cos(angle)
        turn[1, i] = base[2, i] * np.sin(angle)


@kernel
def _fill_table(times: NDArray[np.float64], df: float, table: NDArray[np.float32]) -> None:
    """Fill cos and sin of the small steps, the k-th k df t from the first frequency of a block."""
    for i in range(times.size):
        cycles = times[i] * df
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        dc, ds = np.cos(angle), np.sin(angle)
        c, s = 1.0, 0.0
        for k in range(LANES):
            table[i, 0, k] = c
            table[i, 1, k] = s
            c, s = c * dc - s * ds, s * dc + c * ds


@kernel(fastmath=True)
def _add_tile(
    lo: int,
    hi: int,
    n_blocks: int,
    table: NDArray[np.float32],
    row: int,
    turn: NDArray[np.float64],
    base: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> None:
    """Add epochs of one band to Yc, Ys, C, S, CC, CS of each block, and turn them on."""
    for block in range(n_blocks):
        for i in range(lo, hi):
            c, s = turn[0, i], turn[1, i]
            base[0, i] = c
            base[1, i] = s
            turn[0, i] = c * turn[2, i] - s * turn[3, i]
            turn[1, i] = s * turn[2, i] + c * turn[3, i]
        for lane in range(0, LANES, WIDTH):
            add_epochs(lo, hi, table, row, base, sums[block], lane)


@kernel
def _carry(sums: NDArray[np.float32], long: NDArray[np.float64], is_last: bool) -> None:
    """Move the sums of a group of epochs to float64; after the last of a band, back."""
    for block in range(long.shape[0]):
        for row in range(long.shape[1]):
            for k in range(LANES):
                long[block, row, k] += sums[block, row, k]
                sums[block, row, k] = long[block, row, k] if is_last else 0.0
                if is_last:
                    long[block, row, k] = 0.0


@kernel(fastmath=True)
def _add_means(
    n_blocks: int,
    inverse_weight: np.float32,
    sums: NDArray[np.float32],
    means: NDArray[np.float32],
) -> None:
    """Add what the floating mean of one band takes from the normal equations."""
    for block in range(n_blocks):
        for k in range(LANES):
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
        for k in range(min(LANES, power.size - block * LANES)):
            yc, ys = sums[block, 0, k], sums[block, 1, k]
            cc = sums[block, 4, k] - means[block, 0, k]
            cs = sums[block, 5, k] - means[block, 1, k]
            ss = _ONE - sums[block, 4, k] - means[block, 2, k]
            determinant = cc * ss - cs * cs
            value = (yc * yc * ss - _TWO * yc * ys * cs + ys * ys * cc) / determinant
            value = min(max(value, _ZERO), _ONE)
            if determinant < _WELL_CONDITIONED:
                value = -_ONE
            power[block * LANES + k] = value
