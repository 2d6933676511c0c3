"""Fluxes in nJy and AB magnitudes, with their errors.

The AB system is defined by m = -2.5 log10(f / (erg s^-1 cm^-2 Hz^-1)) - 48.60 (Oke & Gunn 1983,
ApJ 266, 713), which is m = -2.5 log10(f / nJy) + 31.4 to better than 1e-12 mag.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["AB_ZERO_POINT_NJY", "mag_to_njy", "njy_to_mag"]

AB_ZERO_POINT_NJY = 31.4
"""AB magnitude of a source of 1 nJy."""

_MAG_PER_LOG = 2.5 / np.log(10.0)


def njy_to_mag(
    flux: ArrayLike, flux_err: ArrayLike | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Convert fluxes to AB magnitudes.

    Parameters
    ----------
    flux : array_like
        nJy. A flux that is not above zero has no magnitude: NaN.
    flux_err : array_like, optional
        nJy. The error of the magnitude is to first order, 1.0857 flux_err / flux.

    Returns
    -------
    mag, mag_err : ndarray
        `mag_err` is None if no errors were given. float32 in gives float32 out.
    """
    f = _floating(flux)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        positive = np.where(f > 0, f, np.nan).astype(f.dtype, copy=False)
        mag = (AB_ZERO_POINT_NJY - 2.5 * np.log10(positive)).astype(f.dtype, copy=False)
        if flux_err is None:
            return mag, None
        error = _floating(flux_err)
        return mag, (_MAG_PER_LOG * (error / positive)).astype(error.dtype, copy=False)


def mag_to_njy(
    mag: ArrayLike, mag_err: ArrayLike | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Convert AB magnitudes to fluxes.

    Parameters
    ----------
    mag : array_like
        AB magnitudes.
    mag_err : array_like, optional
        Errors, mag; the error of the flux is to first order, flux x mag_err / 1.0857.

    Returns
    -------
    flux, flux_err : ndarray
        nJy; `flux_err` is None if no errors were given. float32 in gives float32 out.
    """
    m = _floating(mag)
    with np.errstate(invalid="ignore", over="ignore"):
        flux = (10.0 ** (0.4 * (AB_ZERO_POINT_NJY - m))).astype(m.dtype, copy=False)
        if mag_err is None:
            return flux, None
        error = _floating(mag_err)
        return flux, (flux * (error / _MAG_PER_LOG)).astype(error.dtype, copy=False)


def _floating(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
