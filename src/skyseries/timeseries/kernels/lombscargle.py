"""The periodogram on a regular grid of frequencies by direct sums in float32.

Three things make it fast. The sums are computed at steps of 0.6 / T only, T being the time span,
and interpolated between (`gridding`), since a grid of 5 frequencies per 1 / T knows no more. Sums
of cos^2 and of cos sin are those of cos and sin at twice the frequency: the grid is walked from its
upper end, where these are computed first, and further down they are there already. And the
innermost loop holds its sums in vector registers (`vectors`).

The angle at frequency f + k df is that at f (kept in float64, one for each epoch) plus k df t
(a table of `LANES` steps for each epoch): cos and sin follow by the addition theorem with four
multiplications and no recurrence along the frequencies, so no rounding builds up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.gridding import (
    BANDWIDTH,
    REACH,
    TAPS,
    fill_taps,
    interpolate,
    interpolate_by_stride,
    interpolate_by_two,
    spread,
)
from skyseries.timeseries.kernels.harmonics import exact_power
from skyseries.timeseries.kernels.reductions import highest, lowest
from skyseries.timeseries.kernels.vectors import LANES, WIDTH, add_epochs, add_weights

__all__ = ["grid_power"]

_BLOCKS = 64
_CHUNK = _BLOCKS * LANES
_TILE = 64
_MOST_PHASES = 16
_ROUNDING = 1e-9

_FEW = 32
"""Below so many epochs nothing is left to interpolation: their power is easily ill-conditioned."""

_GROUP = 64 * _TILE
"""Epochs after which float32 sums are carried to float64."""

_TABLE = 8192
"""Epochs up to which one table (4 MB) serves all chunks; else each tile makes its own anew."""

_WELL_CONDITIONED = np.float32(0.02)
"""Below this determinant (at most 1/4) float32 would leave errors above 1e-5 in the power."""

_ZERO = np.float32(0)
_HALF = np.float32(0.5)
_ONE = np.float32(1)
_TWO = np.float32(2)


class _Epochs(NamedTuple):
    """What the sums need of a light curve."""

    times: NDArray[np.float64]
    """(n,) days from the middle of the span."""
    start: NDArray[np.int64]
    step: float
    """Between the frequencies of the sums, 1/d."""
    table: NDArray[np.float32]
    """(n or tile, 2, LANES) cos and sin of the steps."""
    turn: NDArray[np.float64]
    """(5, n) cos and sin of the angle, of its turn from block to block, and the weight."""
    base: NDArray[np.float32]
    """See `vectors.add_epochs`."""
    sums: NDArray[np.float32]
    """(blocks, 4, LANES)"""
    long: NDArray[np.float64]
    """The same for light curves of more than a group, else empty."""


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
        One light curve as `harmonics.prepare` leaves it; times from anywhere on.
    f0, df : float
        First frequency and step, 1/d.
    power : (m,) array
        Within 1e-5 of `harmonics.exact_power`.
    """
    n = start[n_bands]
    phases, stride = _ratio(df * (highest(times[:n]) - lowest(times[:n])))
    phases = phases if n >= _FEW else 1
    epochs = _prepare(times[:n], weights, values, start, df * phases / stride)
    band_weight = np.zeros(n_bands)
    for b in range(n_bands):
        for j in range(start[b], start[b + 1]):
            band_weight[b] += weights[j]
    # sums of the weights at all frequencies, of which `first` is the lowest, in units of step
    # from f0; those of the grid itself come while it is walked
    offset = f0 / epochs.step
    first = int(np.floor(offset)) - REACH
    per_chunk = (_CHUNK - TAPS - 2) // stride * phases
    top = (power.size - 1) * stride // phases + REACH + 2
    last = int(np.floor(offset + 2.0 * (power.size - 1) * stride / phases)) + REACH + 2
    all_bands = np.empty((2, last - first + _CHUNK), np.float32)
    _sum_weights(epochs, f0, max(top, first), last, first, all_bands)
    for lo in range((power.size - 1) // per_chunk * per_chunk, -1, -per_chunk):
        part = power[lo : lo + per_chunk]
        _fill_chunk(epochs, band_weight, f0, lo, phases, stride, first, all_bands, part)
    for k in range(power.size):
        if power[k] < 0:
            power[k] = exact_power(times, weights, values, start, n_bands, 1, f0 + k * df)


@kernel
def _ratio(share: float) -> tuple[int, int]:
    """Return frequencies per step of the sums, and steps per frequency; one of them is 1."""
    phases = min(max(int(BANDWIDTH / share + _ROUNDING), 1), _MOST_PHASES)
    stride = max(int(np.ceil(share / BANDWIDTH - _ROUNDING)), 1)
    return phases, stride


@kernel
def _prepare(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    step: float,
) -> _Epochs:
    n = times.size
    turn, base = np.empty((5, n)), np.empty((3, n), np.float32)
    centred, middle = np.empty(n), 0.5 * (lowest(times) + highest(times))
    for i in range(n):
        centred[i] = times[i] - middle
        base[2, i] = values[i]
        turn[4, i] = weights[i] / spread(step * centred[i])
        angle = _angle(step * LANES * centred[i])
        turn[2, i], turn[3, i] = np.cos(angle), np.sin(angle)
    table = np.empty((n if n <= _TABLE else _TILE, 2, LANES), np.float32)
    if n <= _TABLE:
        _fill_table(centred, step, table)
    sums = np.empty((_BLOCKS, 4, LANES), np.float32)
    long = np.zeros((_BLOCKS if n > _GROUP else 0, 4, LANES))
    return _Epochs(centred, start, step, table, turn, base, sums, long)


@kernel
def _angle(cycles: float) -> float:
    return float(2.0 * np.pi * (cycles - np.floor(cycles)))


@kernel
def _fill_table(times: NDArray[np.float64], df: float, table: NDArray[np.float32]) -> None:
    """Fill cos and sin of the small steps, the k-th k df t from the first frequency of a block."""
    for i in range(times.size):
        angle = _angle(times[i] * df)
        dc, ds = np.cos(angle), np.sin(angle)
        c, s = 1.0, 0.0
        for k in range(LANES):
            table[i, 0, k] = c
            table[i, 1, k] = s
            c, s = c * dc - s * ds, s * dc + c * ds


@kernel
def _set_angles(epochs: _Epochs, frequency: float) -> None:
    """Set the angles at a frequency; they carry the weight: then no sum needs it."""
    turn = epochs.turn
    for i in range(epochs.times.size):
        angle = _angle(epochs.times[i] * frequency)
        turn[0, i] = turn[4, i] * np.cos(angle)
        turn[1, i] = turn[4, i] * np.sin(angle)


@kernel
def _add(epochs: _Epochs, lo: int, hi: int, n_blocks: int, with_values: bool) -> None:
    """Add epochs `lo` to `hi` to the sums."""
    sums, long, size = epochs.sums, epochs.long, epochs.times.size
    for begin in range(lo, hi, _TILE):
        end = min(begin + _TILE, hi)
        row = begin
        if size > _TABLE:
            row = 0
            _fill_table(epochs.times[begin:end], epochs.step, epochs.table)
        _add_tile(
            begin, end, n_blocks, epochs.table, row, epochs.turn, epochs.base, sums, with_values
        )
        if (end - lo) % _GROUP == 0 or end == hi > lo + _GROUP:
            _carry(sums, long, end == hi)


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
    with_values: bool,
) -> None:
    """Add a tile of epochs to C, S, Yc, Ys of each block, turning the epochs on."""
    for block in range(n_blocks):
        for i in range(lo, hi):
            c, s = turn[0, i], turn[1, i]
            base[0, i] = c
            base[1, i] = s
            turn[0, i] = c * turn[2, i] - s * turn[3, i]
            turn[1, i] = s * turn[2, i] + c * turn[3, i]
        if with_values:
            for lane in range(0, LANES, WIDTH):
                add_epochs(lo, hi, table, row, base, sums[block], lane)
        else:
            for lane in range(0, LANES, WIDTH):
                add_weights(lo, hi, table, row, base, sums[block], lane)


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


@kernel
def _sum_weights(
    epochs: _Epochs,
    f0: float,
    lo: int,
    hi: int,
    first: int,
    all_bands: NDArray[np.float32],
) -> None:
    """Fill the sums of the weights of all bands from step `lo` to `hi`."""
    sums = epochs.sums
    for k0 in range(lo, hi, _CHUNK):
        n_blocks = (min(_CHUNK, hi - k0) + LANES - 1) // LANES
        _set_angles(epochs, f0 + k0 * epochs.step)
        sums[:] = _ZERO
        _add(epochs, 0, epochs.times.size, n_blocks, False)
        for block in range(n_blocks):
            at = k0 - first + block * LANES
            for row in range(2):
                for k in range(LANES):
                    all_bands[row, at + k] = sums[block, row, k]


@kernel
def _fill_chunk(
    epochs: _Epochs,
    band_weight: NDArray[np.float64],
    f0: float,
    lo: int,
    phases: int,
    stride: int,
    first: int,
    all_bands: NDArray[np.float32],
    power: NDArray[np.float32],
) -> None:
    """Fill the power from frequency `lo` on; -1 where float32 is not enough.

    The sums of the weights at these frequencies are kept in `all_bands`.
    """
    n_fine = (power.size + phases - 1) // phases
    k0 = lo * stride // phases - REACH + 1
    size = (n_fine - 1) * stride + TAPS + 1
    n_blocks = (size + LANES - 1) // LANES
    _set_angles(epochs, f0 + k0 * epochs.step)
    sums = epochs.sums
    sums[:] = _ZERO
    taps = np.empty((phases, TAPS), np.float32)
    for p in range(phases):
        fill_taps(p / phases, taps[p])
    means = np.zeros((phases, 3, n_fine), np.float32)
    coarse = np.empty((2, n_blocks * LANES), np.float32)
    fine = np.empty((4, n_fine), np.float32)
    skip = min(max(first - k0, 0), size)
    at = max(k0 + skip - first, 0)
    total = all_bands[:, at : at + size - skip]
    total[:] = _ZERO
    for b in range(band_weight.size):
        sums[:, :2] = _ZERO
        _add(epochs, epochs.start[b], epochs.start[b + 1], n_blocks, True)
        _collect(sums, 0, coarse)
        _increase(total, coarse[:, skip:size])
        inverse = np.float32(1.0 / band_weight[b])
        for p in range(phases):
            _between(coarse, stride, taps[p], fine)
            _add_product(fine[0], fine[0], inverse, means[p, 0])
            _add_product(fine[0], fine[1], inverse, means[p, 1])
            _add_product(fine[1], fine[1], inverse, means[p, 2])
    _collect(sums, 2, coarse)
    place = f0 / epochs.step + 2.0 * lo * stride / phases - first
    twice = _every_second(all_bands, int(np.floor(place)) + 1 - REACH, n_fine)
    for p in range(phases):
        _between(coarse, stride, taps[p], fine)
        _between_twice(all_bands, twice, place, 2.0 * p / phases, stride, fine)
        m = means[p]
        _solve(fine[0], fine[1], fine[2], fine[3], m[0], m[1], m[2])
        for q in range((power.size - p + phases - 1) // phases):
            power[q * phases + p] = fine[0, q]


@kernel
def _between(
    coarse: NDArray[np.float32],
    stride: int,
    taps: NDArray[np.float32],
    fine: NDArray[np.float32],
) -> None:
    """Interpolate two sums into the first two rows of `fine`."""
    for row in range(2):
        if stride == 1:
            interpolate(coarse[row], taps, fine[row])
        else:
            interpolate_by_stride(coarse[row], stride, taps, fine[row])


@kernel
def _every_second(values: NDArray[np.float32], begin: int, n_fine: int) -> NDArray[np.float32]:
    """Return the values of two sums from `begin` on, the even and the odd ones apart.

    A loop over them with a step of two would be scalar.
    """
    size = min(n_fine + TAPS, (values.shape[1] - begin) // 2)
    out = np.empty((2, 2, n_fine + TAPS), np.float32)
    for row in range(2):
        for parity in range(2):
            for q in range(size):
                out[row, parity, q] = values[row, begin + parity + 2 * q]
    return out


@kernel
def _between_twice(
    all_bands: NDArray[np.float32],
    twice: NDArray[np.float32],
    place: float,
    shift: float,
    stride: int,
    fine: NDArray[np.float32],
) -> None:
    """Interpolate the sums at twice the frequency into the last two rows of `fine`."""
    whole = int(np.floor(place + shift))
    taps = np.empty(TAPS, np.float32)
    fill_taps(place + shift - whole, taps)
    moved = whole - int(np.floor(place))
    for row in range(2):
        if stride == 1:
            a = twice[row, moved % 2, moved // 2 :]
            b = twice[row, 1 - moved % 2, (moved + 1) // 2 :]
            interpolate_by_two(a, b, taps, fine[2 + row])
        else:
            values = all_bands[row, whole + 1 - REACH :]
            interpolate_by_stride(values, 2 * stride, taps, fine[2 + row])


@kernel
def _collect(sums: NDArray[np.float32], row: int, out: NDArray[np.float32]) -> None:
    """Copy two of the sums of all blocks."""
    for block in range(out.shape[1] // LANES):
        for k in range(2):
            for lane in range(LANES):
                out[k, block * LANES + lane] = sums[block, row + k, lane]


@kernel
def _increase(total: NDArray[np.float32], by: NDArray[np.float32]) -> None:
    for row in range(total.shape[0]):
        for k in range(total.shape[1]):
            total[row, k] += by[row, k]


@kernel(fastmath=True)
def _add_product(
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    factor: np.float32,
    total: NDArray[np.float32],
) -> None:
    for k in range(a.size):
        total[k] += factor * a[k] * b[k]


@kernel(fastmath=True)
def _solve(
    yc: NDArray[np.float32],
    ys: NDArray[np.float32],
    c2: NDArray[np.float32],
    s2: NDArray[np.float32],
    cc_means: NDArray[np.float32],
    cs_means: NDArray[np.float32],
    ss_means: NDArray[np.float32],
) -> None:
    """Solve the normal equations; the power, or -1 where float32 is not enough, is put into `yc`.

    One array is written and six others are read: with more, LLVM would not vectorise.
    """
    for k in range(yc.size):
        cc = _HALF + _HALF * c2[k] - cc_means[k]
        cs = _HALF * s2[k] - cs_means[k]
        ss = _HALF - _HALF * c2[k] - ss_means[k]
        determinant = cc * ss - cs * cs
        value = (yc[k] * yc[k] * ss - _TWO * yc[k] * ys[k] * cs + ys[k] * ys[k] * cc) / determinant
        value = min(max(value, _ZERO), _ONE)
        yc[k] = value if determinant >= _WELL_CONDITIONED else -_ONE
