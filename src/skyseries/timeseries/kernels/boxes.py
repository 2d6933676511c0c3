"""Box least squares (Kovacs, Zucker & Mazeh 2002, A&A 391, 369), in one band or several.

Model: a mean for each band, and a box that begins at the same phase in all of them. The epochs of
each band are put into bins of phase once for each frequency; every box of every duration is then a
difference of cumulative sums: O(n_epochs + n_bands x n_bins x n_durations).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.phases import add_to_bins, start_phases, weighted_pairs

__all__ = ["MAX_BINS", "best_box", "box_power", "n_bins_of"]

MAX_BINS = 20_000
"""So fine may the phases be cut; durations shorter than this allows are as long as one bin."""

_LONGEST = 0.5 + 1e-9
"""A box is no longer than this share of a period: beyond, it is the time beside that is one."""

_TINY = 1e-13
"""A box with less than this share of the weights, in it or beside it, tells nothing."""


@kernel
def n_bins_of(durations: NDArray[np.float64], in_time: bool, oversample: int, f: float) -> int:
    """Return the number of bins: `oversample` of them in the shortest duration."""
    shortest = np.inf
    for d in range(durations.size):
        shortest = min(shortest, durations[d])
    share = shortest * f if in_time else shortest
    return int(min(max(math.ceil(oversample / share - 1e-9), 2 * oversample), MAX_BINS))


@kernel
def _width_of(duration: float, in_time: bool, f: float, n_bins: int) -> int:
    share = duration * f if in_time else duration
    return int(min(max(math.floor(share * n_bins + 0.5), 1), n_bins - 1))


@kernel
def box_power(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    durations: NDArray[np.float64],
    in_time: bool,
    oversample: int,
    sign: int,
    is_shared: bool,
    f0: float,
    df: float,
    power: NDArray[np.float64],
) -> None:
    """Fill the largest 1 - chi2(box) / chi2(means) of any box at f0 + k df.

    Parameters
    ----------
    times, weights, values, start, n_bands
        One light curve as `harmonics.prepare` leaves it.
    durations : (n_durations,) array
        Of the box: shares of the period, or in the unit of the times if `in_time`. Those longer
        than half the period of a frequency are left out there; the power is 0 if all are.
    oversample : int
        Bins in the shortest duration.
    sign : int
        -1: values in the box are lower; 1: higher; 0: either.
    is_shared : bool
        One depth for all bands, else one for each.
    f0, df : float
    power : (m,) array
    """
    n = start[n_bands]
    phase, turn = start_phases(times[:n], f0, df)
    pairs = weighted_pairs(weights[:n], values[:n])
    size = 0
    for k in (0, power.size - 1):
        f = f0 + k * df
        size = max(size, 2 * n_bins_of(durations, in_time, oversample, f))
    bins = np.empty((size, 2))
    sums = np.empty((2, n_bands, size + 1))
    gain = np.empty((3, size))
    for k in range(power.size):
        f = f0 + k * df
        n_bins = n_bins_of(durations, in_time, oversample, f)
        _bin_epochs(phase, turn, pairs, start, n_bands, n_bins, bins, sums)
        gain[2, :n_bins] = 0.0
        for d in range(durations.size):
            if in_time and durations[d] * f > _LONGEST:
                continue
            width = _width_of(durations[d], in_time, f, n_bins)
            _gain(sums, n_bands, n_bins, width, sign, is_shared, gain)
            _raise_to(gain[2, :n_bins], gain[0, :n_bins])
        power[k] = min(_largest(gain[2, :n_bins]), 1.0)


@kernel
def best_box(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    durations: NDArray[np.float64],
    in_time: bool,
    oversample: int,
    sign: int,
    is_shared: bool,
    f: float,
) -> tuple[float, float]:
    """Return where the best box begins and how long it is, both in cycles, at one frequency."""
    n = start[n_bands]
    phase, turn = start_phases(times[:n], f, 0.0)
    pairs = weighted_pairs(weights[:n], values[:n])
    n_bins = n_bins_of(durations, in_time, oversample, f)
    bins = np.empty((n_bins, 2))
    sums = np.empty((2, n_bands, 2 * n_bins + 1))
    gain = np.empty((2, n_bins))
    _bin_epochs(phase, turn, pairs, start, n_bands, n_bins, bins, sums)
    best, begin, length = -1.0, 0, 1
    for d in range(durations.size):
        if in_time and durations[d] * f > _LONGEST:
            continue
        width = _width_of(durations[d], in_time, f, n_bins)
        _gain(sums, n_bands, n_bins, width, sign, is_shared, gain)
        for j in range(n_bins):
            if gain[0, j] > best:
                best, begin, length = gain[0, j], j, width
    return begin / n_bins, length / n_bins


@kernel
def _bin_epochs(
    phase: NDArray[np.int64],
    turn: NDArray[np.int64],
    pairs: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_bins: int,
    bins: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Fill cumulative sums of weights and weighted values over two cycles; turn the phases on."""
    for b in range(n_bands):
        lo, hi = start[b], start[b + 1]
        add_to_bins(phase[lo:hi], turn[lo:hi], pairs[lo:hi], n_bins, bins)
        w, wy = sums[0, b], sums[1, b]
        total = total_y = 0.0
        w[0] = wy[0] = 0.0
        for j in range(n_bins):
            total += bins[j, 0]
            total_y += bins[j, 1]
            w[j + 1] = total
            wy[j + 1] = total_y
        for row in (w, wy):
            first, second = row[1 : n_bins + 1], row[n_bins + 1 : 2 * n_bins + 1]
            for j in range(n_bins):
                second[j] = row[n_bins] + first[j]


@kernel
def _gain(
    sums: NDArray[np.float64],
    n_bands: int,
    n_bins: int,
    width: int,
    sign: int,
    is_shared: bool,
    gain: NDArray[np.float64],
) -> None:
    """Fill gain[0] with what the box that begins at each bin takes away from chi2."""
    gain[:2, :n_bins] = 0.0
    for b in range(n_bands):
        total = sums[0, b, n_bins]
        # slices from 0 on: an index that could be negative would keep the loops from being vectors
        w, w_end = sums[0, b, :n_bins], sums[0, b, width : width + n_bins]
        wy, wy_end = sums[1, b, :n_bins], sums[1, b, width : width + n_bins]
        if is_shared:
            _add_shared(w, w_end, wy, wy_end, total, gain[0], gain[1])
        else:
            _add_own(w, w_end, wy, wy_end, total, sign, gain[0])
    if is_shared:
        for j in range(n_bins):
            s, r = gain[0, j], gain[1, j]
            wanted = sign == 0 or s * sign > 0
            gain[0, j] = s * s / r if wanted and r > _TINY else 0.0


@kernel
def _add_own(
    w: NDArray[np.float64],
    w_end: NDArray[np.float64],
    wy: NDArray[np.float64],
    wy_end: NDArray[np.float64],
    total: float,
    sign: int,
    gain: NDArray[np.float64],
) -> None:
    low = -np.inf if sign <= 0 else 0.0
    high = np.inf if sign >= 0 else 0.0
    least = _TINY * total * total
    for j in range(w.size):
        r = w_end[j] - w[j]
        s = wy_end[j] - wy[j]
        rest = r * (total - r)
        g = s * s * total / rest
        gain[j] += g if rest > least and s > low and s < high else 0.0


@kernel
def _add_shared(
    w: NDArray[np.float64],
    w_end: NDArray[np.float64],
    wy: NDArray[np.float64],
    wy_end: NDArray[np.float64],
    total: float,
    step: NDArray[np.float64],
    rest: NDArray[np.float64],
) -> None:
    share = 1.0 / total
    for j in range(w.size):
        r = w_end[j] - w[j]
        step[j] += wy_end[j] - wy[j]
        rest[j] += r * (total - r) * share


@kernel
def _raise_to(top: NDArray[np.float64], row: NDArray[np.float64]) -> None:
    for j in range(top.size):
        top[j] = max(top[j], row[j])


@kernel
def _largest(row: NDArray[np.float64]) -> float:
    best = 0.0
    for j in range(row.size):
        best = max(best, row[j])
    return best
