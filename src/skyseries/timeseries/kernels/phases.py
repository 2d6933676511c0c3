"""Phases on a regular grid of frequencies, as 64-bit fractions of a cycle that wrap around.

A phase is an integer from -2^63 to 2^63, for 0 to 1; one addition per epoch turns it to the next
frequency, and what overflows is whole cycles. Nothing is rounded on the way: after 5e7 steps it is
right to 1e-8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["bin_of", "start_phases", "turn_by"]

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
def turn_by(phase: NDArray[np.int64], turn: NDArray[np.int64]) -> None:
    """Turn all phases to the next frequency."""
    for i in range(phase.size):
        phase[i] += turn[i]
