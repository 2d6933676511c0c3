"""String length: how far one goes from epoch to epoch in the order of the phase."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.phases import bin_of, start_phases

__all__ = ["string_power"]

_CYCLE = 1.0 / 18446744073709551616.0  # 2^-64

_FINER = 4
"""Bins for each epoch in sorting: most have one at most, and little is left to be moved."""


@kernel
def string_power(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    is_geometric: bool,
    is_weighted: bool,
    f0: float,
    df: float,
    power: NDArray[np.float64],
) -> None:
    """Fill the power at f0 + k df.

    Lafler & Kinman (1965, ApJS 11, 216): 1 - theta / 2, theta the mean square step between
    neighbours in phase (the last and the first are neighbours) over the variance; each step
    weighs 1 / (e_i^2 + e_j^2) if `is_weighted`. Steps and variances of several bands, which
    have strings of their own, are added.
    `is_geometric`: Dworetsky (1983, MNRAS 203, 917), minus the mean length of a step in the plane
    of the phase and the values, the latter scaled to -1/4 .. 1/4 in each band.
    """
    n = start[n_bands]
    phase, turn = start_phases(times[:n], f0, df)
    scaled, variance, noise = _scale(weights, values, start, n_bands, is_geometric, is_weighted)
    order = np.empty(n, np.int64)
    first = np.empty(_FINER * n + 1, np.int64)
    for k in range(power.size):
        total = weight = 0.0
        for b in range(n_bands):
            lo, hi = start[b], start[b + 1]
            row = order[: hi - lo]
            _order_by_phase(phase[lo:hi], row, first[: _FINER * (hi - lo) + 1])
            if is_geometric:
                total += _length(phase[lo:hi], row, scaled[lo:hi])
            else:
                squares, weights_of_steps = _squares(row, scaled[lo:hi], noise[lo:hi])
                total += squares
                weight += weights_of_steps
        power[k] = -total / n if is_geometric else 1.0 - 0.5 * total / (weight * variance)
        for i in range(n):
            phase[i] += turn[i]


@kernel
def _squares(
    order: NDArray[np.int64], values: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the weighted squares of the steps, and the weights, all around the cycle."""
    total = weight = 0.0
    before = np.uint64(order[order.size - 1])
    for p in range(order.size):
        i = np.uint64(order[p])  # unsigned: no check for an index from the end
        step = values[i] - values[before]
        w = 1.0 / (noise[i] + noise[before])
        total += w * step * step
        weight += w
        before = i
    return total, weight


@kernel
def _length(
    phase: NDArray[np.int64], order: NDArray[np.int64], values: NDArray[np.float64]
) -> float:
    """Return the length of the string, all around the cycle."""
    total = 0.0
    before = np.uint64(order[order.size - 1])
    for p in range(order.size):
        i = np.uint64(order[p])
        step = values[i] - values[before]
        along = phase[i] * _CYCLE - phase[before] * _CYCLE
        if p == 0:
            along += 1.0
        total += math.sqrt(step * step + along * along)
        before = i
    return total


@kernel
def _scale(
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    is_geometric: bool,
    is_weighted: bool,
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return the values, their variance about the means, and the variance of each error."""
    n = start[n_bands]
    if is_geometric:
        return _quarters(values, start, n_bands), 1.0, weights
    if is_weighted:
        noise = np.empty(n)
        for i in range(n):
            noise[i] = 1.0 / weights[i]
        return values, 1.0, noise
    squares = 0.0
    for b in range(n_bands):
        lo, hi = start[b], start[b + 1]
        mean = 0.0
        for i in range(lo, hi):
            mean += values[i] / (hi - lo)
        for i in range(lo, hi):
            squares += (values[i] - mean) ** 2
    return values, squares / n, np.full(n, 0.5)


@kernel
def _quarters(
    values: NDArray[np.float64], start: NDArray[np.int64], n_bands: int
) -> NDArray[np.float64]:
    scaled = np.zeros(start[n_bands])
    for b in range(n_bands):
        lo, hi = start[b], start[b + 1]
        low, high = np.inf, -np.inf
        for i in range(lo, hi):
            low = min(low, values[i])
            high = max(high, values[i])
        for i in range(lo, hi):
            if high > low:
                scaled[i] = 0.5 * ((values[i] - low) / (high - low) - 0.5)
    return scaled


@kernel
def _order_by_phase(
    phase: NDArray[np.int64], order: NDArray[np.int64], first: NDArray[np.int64]
) -> None:
    """Fill the order of ascending phase: dealt into fine bins, then by insertion."""
    n_bins = first.size - 1
    first[:] = 0
    for i in range(phase.size):
        first[np.uint64(bin_of(phase[i], n_bins) + 1)] += 1
    total = 0
    for j in range(n_bins):
        total += first[j]
        first[j] = total
    for i in range(phase.size):
        c = np.uint64(bin_of(phase[i], n_bins))
        order[np.uint64(first[c])] = i
        first[c] += 1
    for p in range(1, order.size):
        i = order[p]
        q = p - 1
        while q >= 0 and phase[np.uint64(order[q])] > phase[np.uint64(i)]:
            order[q + 1] = order[q]
            q -= 1
        order[q + 1] = i
