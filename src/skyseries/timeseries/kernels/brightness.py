"""Fluxes on the scale of magnitudes, on which the shapes of stars are known.

A pulsation that is a sinusoid in magnitudes has sharp maxima as a flux, and a Mira is a row of
spikes: evidence and shapes of fluxes would mistake contact binaries for pulsators, and giants for
their daily aliases. The scale is asinh (Lupton, Gunn & Szalay 1999, AJ 118, 1406): magnitudes where
the flux is far above its error, linear where it is not, so that no epoch is lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.reductions import total_of, variance
from skyseries.timeseries.kernels.sorting import middle_of

__all__ = ["to_magnitudes"]

_POGSON = 2.5 / np.log(10.0)
_BELOW = 3.0
"""Errors below zero at which a flux is negative, not faint."""
_FEW = 0.02
"""Part of the epochs that may be so by mistake."""


@kernel
def to_magnitudes(
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    n_bands: int,
    floor: float,
    has_errors: bool,
    magnitude: NDArray[np.float64],
    error: NDArray[np.float64],
) -> None:
    """Fill magnitudes and their errors; of difference fluxes a linear scale, faint up as well.

    Parameters
    ----------
    y, e : (m,) arrays
        Fluxes, and their errors (ones without).
    offsets : (n x n_bands + 1,) array
    n_bands : int
    floor : float
        Added to the errors in quadrature.
    has_errors : bool
    magnitude, error : (m,) arrays
        Filled, up to a constant for each light curve and band.
    """
    for i in range((offsets.size - 1) // n_bands):
        bounds = offsets[i * n_bands : (i + 1) * n_bands + 1]
        begin, end = bounds[0], bounds[n_bands]
        is_difference = _is_difference(y[begin:end], e[begin:end], has_errors)
        for b in range(n_bands):
            first, last = bounds[b], bounds[b + 1]
            if first == last:
                continue
            own = y[first:last]
            soft = 2.0 * (middle_of(e[first:last]) if has_errors else variance(own) ** 0.5)
            scale = max(abs(total_of(own) / own.size), 1e-300)
            for j in range(first, last):
                if is_difference or not soft > 0:
                    magnitude[j], slope = -_POGSON * y[j] / scale, 1.0 / scale
                else:
                    magnitude[j] = -_POGSON * np.arcsinh(y[j] / soft)
                    slope = 1.0 / np.hypot(y[j], soft)
                error[j] = _POGSON * slope * np.hypot(e[j], floor) if has_errors else 1.0


@kernel
def _is_difference(y: NDArray[np.float64], e: NDArray[np.float64], has_errors: bool) -> bool:
    """Return whether fluxes are truly negative at times: those above a reference image."""
    negative = 0
    for j in range(y.size):
        negative += y[j] < (-_BELOW * e[j] if has_errors else 0.0)
    return negative > max(1.0, _FEW * y.size)
