"""The spectral window of a row of times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["window_power"]


@kernel
def window_power(
    times: NDArray[np.float64], frequency: NDArray[np.float64], power: NDArray[np.float64]
) -> None:
    """Fill |sum exp(2 pi i f t)|^2 / n^2."""
    for k in range(frequency.size):
        c = s = 0.0
        for i in range(times.size):
            cycles = frequency[k] * times[i]
            angle = 2.0 * np.pi * (cycles - np.floor(cycles))
            c += np.cos(angle)
            s += np.sin(angle)
        power[k] = (c * c + s * s) / (times.size * times.size)
