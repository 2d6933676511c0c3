"""Conditional entropy of the values, given the phase (Graham et al. 2013, MNRAS 434, 2629)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.phases import bin_of, start_phases

__all__ = ["entropy_power"]


@kernel
def entropy_power(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_phases: int,
    n_levels: int,
    f0: float,
    df: float,
    power: NDArray[np.float64],
) -> None:
    """Fill 1 - H(value | phase) / H(value) at f0 + k df.

    H(value | phase) = sum of p_ij ln(p_j / p_ij) over `n_phases` bins of phase and
    `n_levels` equal bins from the lowest to the highest value; of several bands, each with levels
    of its own, the mean weighted by the number of epochs. Errors are not used. 0 for values in one
    level.
    """
    n = start[n_bands]
    phase, turn = start_phases(times[:n], f0, df)
    logs = np.zeros(n + 1)
    for m in range(2, n + 1):
        logs[m] = m * math.log(m)
    level, total = _levels(values, start, n_bands, n_levels, logs)
    cells = np.empty(n_phases * n_levels, np.int64)
    for k in range(power.size):
        entropy = 0.0
        for b in range(n_bands):
            lo, hi = start[b], start[b + 1]
            _count(phase[lo:hi], turn[lo:hi], level[lo:hi], n_phases, n_levels, cells)
            for j in range(n_phases):
                count = 0
                for m in range(j * n_levels, (j + 1) * n_levels):
                    count += cells[m]
                    entropy -= logs[cells[m]]
                entropy += logs[count]
        power[k] = 1.0 - entropy / total if total > 0 else 0.0


@kernel
def _count(
    phase: NDArray[np.int64],
    turn: NDArray[np.int64],
    level: NDArray[np.int64],
    n_phases: int,
    n_levels: int,
    cells: NDArray[np.int64],
) -> None:
    """Count the epochs in each bin of phase and value, and turn the phases on."""
    cells[:] = 0
    for i in range(phase.size):
        p = phase[i]
        phase[i] = p + turn[i]
        cells[np.uint64(bin_of(p, n_phases) * n_levels + level[i])] += 1


@kernel
def _levels(
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_levels: int,
    logs: NDArray[np.float64],
) -> tuple[NDArray[np.int64], float]:
    """Return the level of each value, and the entropy of the levels times the number of epochs."""
    level = np.zeros(start[n_bands], np.int64)
    total = 0.0
    for b in range(n_bands):
        low, high = np.inf, -np.inf
        for i in range(start[b], start[b + 1]):
            low = min(low, values[i])
            high = max(high, values[i])
        counts = np.zeros(n_levels, np.int64)
        for i in range(start[b], start[b + 1]):
            if high > low:
                level[i] = min(int((values[i] - low) / (high - low) * n_levels), n_levels - 1)
            counts[level[i]] += 1
        total += logs[start[b + 1] - start[b]]
        for j in range(n_levels):
            total -= logs[counts[j]]
    return level, total
