"""Power from the Fourier sums of a light curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import exact_power

__all__ = ["power_from_transforms"]

_WELL_CONDITIONED = 1e-5
"""Below this determinant (at most 1/4) the errors of the transforms would show."""


@kernel
def power_from_transforms(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    f0: float,
    df: float,
    by_value: NDArray[np.complex128],
    twice: NDArray[np.complex128],
    squares: NDArray[np.float64],
    power: NDArray[np.float32],
) -> None:
    """Fill the power of the one-harmonic model at f0 + k df.

    Parameters
    ----------
    times, weights, values, start, n_bands
        One light curve as `harmonics.prepare` leaves it.
    f0, df : float
    by_value : (m,) array
        Sums of w y exp(2 pi i f t).
    twice : (m,) array
        Sums of w exp(4 pi i f t).
    squares : (3, m) array
        C^2 / W, C S / W, S^2 / W summed over the bands.
    power : (m,) array
        Filled.
    """
    for k in range(power.size):
        yc, ys = by_value[k].real, by_value[k].imag
        cc = 0.5 * (1.0 + twice[k].real) - squares[0, k]
        cs = 0.5 * twice[k].imag - squares[1, k]
        ss = 0.5 * (1.0 - twice[k].real) - squares[2, k]
        determinant = cc * ss - cs * cs
        if determinant < _WELL_CONDITIONED:
            f = f0 + k * df
            power[k] = exact_power(times, weights, values, start, n_bands, 1, f)
            continue
        value = (yc * yc * ss - 2.0 * yc * ys * cs + ys * ys * cc) / determinant
        power[k] = min(max(value, 0.0), 1.0)
