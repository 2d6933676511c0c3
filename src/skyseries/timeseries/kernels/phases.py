"""Phases on a regular grid of frequencies, as 64-bit fractions of a cycle that wrap around.

A phase is an integer from -2^63 to 2^63, for 0 to 1; one addition per epoch turns it to the next
frequency, and what overflows is whole cycles. Nothing is rounded on the way: after 5e7 steps it is
right to 1e-8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["add_to_bins", "bin_of", "start_phases", "weighted_pairs"]

_FULL = 18446744073709551616.0  # 2^64


@kernel
def start_phases(
    times: NDArray[np.float64], f0: float, df: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the phases at f0, and what each grows by from one frequency to the next."""
    phase = np.empty(times.size, np.int64)
    turn = np.empty(times.size, np.int64)
    for i in range(times.size):
        cycles = f0 * times[i]
        part = cycles - np.floor(cycles)
        phase[i] = np.int64((part - 0.5) * _FULL) if part < 1.0 else np.int64(-0.5 * _FULL)
        cycles = df * times[i]
        part = cycles - np.floor(cycles + 0.5)
        turn[i] = np.int64(part * _FULL) if part < 0.5 else np.int64(-0.5 * _FULL)
    return phase, turn


@kernel(inline=True)
def bin_of(phase: int, n_bins: int) -> int:
    """Return the bin of a phase, from 0 to n_bins - 1; `n_bins` is below 2^31."""
    return (((phase >> 32) + 2147483648) * n_bins) >> 32


@kernel
def weighted_pairs(
    weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n, 2) weights and weighted values side by side: one load, one store for both."""
    pairs = np.empty((weights.size, 2))
    for i in range(weights.size):
        pairs[i, 0] = weights[i]
        pairs[i, 1] = weights[i] * values[i]
    return pairs


@kernel
def add_to_bins(
    phase: NDArray[np.int64],
    turn: NDArray[np.int64],
    pairs: NDArray[np.float64],
    n_bins: int,
    sums: NDArray[np.float64],
) -> None:
    """Set (n_bins, 2) sums of the pairs in each bin of phase, and turn the phases on."""
    sums[:n_bins] = 0.0
    for i in range(phase.size):
        p = phase[i]
        phase[i] = p + turn[i]
        c = np.uint64(bin_of(p, n_bins))  # unsigned: no check for an index from the end
        sums[c, 0] += pairs[i, 0]
        sums[c, 1] += pairs[i, 1]
