"""String length: how far one goes from epoch to epoch in the order of the phase."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.phases import bin_of, start_phases

__all__ = ["string_power"]

_CYCLE = 1.0 / 18446744073709551616.0  # 2^-64


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
    first = np.empty(n + 1, np.int64)
    for k in range(power.size):
        total = weight = 0.0
        for b in range(n_bands):
            lo, hi = start[b], start[b + 1]
            _order_by_phase(phase[lo:hi], order[lo:hi], first)
            before = lo + order[hi - 1]
            for p in range(lo, hi):
                i = lo + order[p]
                step = scaled[i] - scaled[before]
                if is_geometric:
                    along = abs(phase[i] * _CYCLE - phase[before] * _CYCLE)
                    if p == lo:
                        along = 1.0 - along
                    total += math.sqrt(step * step + along * along)
                else:
                    w = 1.0 / (noise[i] + noise[before])
                    total += w * step * step
                    weight += w
                before = i
        power[k] = -total / n if is_geometric else 1.0 - 0.5 * total / (weight * variance)
        for i in range(n):
            phase[i] += turn[i]


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
        return values, 1.0, 1.0 / weights[:n]
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
    """Fill the order of ascending phase: dealt into as many bins as epochs, then by insertion."""
    n = phase.size
    first[: n + 1] = 0
    for i in range(n):
        first[bin_of(phase[i], n) + 1] += 1
    for j in range(n):
        first[j + 1] += first[j]
    for i in range(n):
        c = bin_of(phase[i], n)
        order[first[c]] = i
        first[c] += 1
    for p in range(1, n):
        i = order[p]
        q = p - 1
        while q >= 0 and phase[order[q]] > phase[i]:
            order[q + 1] = order[q]
            q -= 1
        order[q + 1] = i
