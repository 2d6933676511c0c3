"""The photometric errors of LSST: Ivezić et al. 2019, ApJ 873, 111 (arXiv:0805.2366), eqs. 4-6."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyseries.photometry import mag_to_njy

__all__ = ["DEPTH", "Depth", "five_sigma_depth", "flux_error", "magnitude_error", "observe"]

SYSTEMATIC_MAG = 0.005
"""Error that no exposure time removes (eq. 4 there)."""


class Depth(NamedTuple):
    """Table 2 of the paper, bands ugrizy."""

    cm: NDArray[np.float64]
    """Throughput of the system, mag."""
    sky: NDArray[np.float64]
    """Dark sky at the zenith, mag per square arcsec."""
    seeing: NDArray[np.float64]
    """Effective full width at half maximum at the zenith, arcsec."""
    extinction: NDArray[np.float64]
    """mag per airmass."""
    gamma: NDArray[np.float64]
    """Shape of the error curve."""


DEPTH = Depth(
    cm=np.array([23.09, 24.42, 24.44, 24.32, 24.16, 23.73]),
    sky=np.array([22.99, 22.26, 21.20, 20.48, 19.60, 18.61]),
    seeing=np.array([0.92, 0.87, 0.83, 0.80, 0.78, 0.76]),
    extinction=np.array([0.491, 0.213, 0.126, 0.096, 0.069, 0.170]),
    gamma=np.array([0.038, 0.039, 0.039, 0.039, 0.039, 0.039]),
)


def five_sigma_depth(
    band: NDArray[np.integer],
    *,
    sky: ArrayLike,
    seeing: ArrayLike,
    airmass: ArrayLike,
    exposure: float = 30.0,
) -> NDArray[np.float64]:
    """Return the depth of a visit for point sources (eq. 6 of the paper).

    Parameters
    ----------
    band : ndarray of int
        Index into ``UGRIZY``.
    sky : array_like
        mag per square arcsec.
    seeing : array_like
        Effective full width at half maximum, arcsec.
    airmass : array_like
    exposure : float
        Seconds.

    Returns
    -------
    ndarray of float64
        AB mag.
    """
    return np.asarray(
        DEPTH.cm[band]
        + 0.50 * (np.asarray(sky, np.float64) - 21.0)
        + 2.5 * np.log10(0.7 / np.asarray(seeing, np.float64))
        + 1.25 * np.log10(exposure / 30.0)
        - DEPTH.extinction[band] * (np.asarray(airmass, np.float64) - 1.0)
    )


def magnitude_error(
    mag: ArrayLike, m5: ArrayLike, band: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return the error of a magnitude: sqrt(sigma_sys² + (0.04 - gamma) x + gamma x²).

    Parameters
    ----------
    mag, m5 : array_like
        Magnitude and five-sigma depth; x = 10^(0.4 (mag - m5)) (eqs. 4 and 5 of the paper).
    band : ndarray of int
        Index into ``UGRIZY``.
    """
    x = 10.0 ** (0.4 * (np.asarray(mag, np.float64) - np.asarray(m5, np.float64)))
    gamma = DEPTH.gamma[band]
    return np.asarray(np.sqrt(SYSTEMATIC_MAG**2 + (0.04 - gamma) * x + gamma * x * x))


def flux_error(flux: ArrayLike, m5: ArrayLike, band: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the error of a flux, nJy, which stays finite at zero flux.

    Parameters
    ----------
    flux : array_like
        True flux, nJy.
    m5 : array_like
        Five-sigma depth, AB mag.
    band : ndarray of int
        Index into ``UGRIZY``.

    Notes
    -----
    Eq. 5 of the paper times the flux f, with x = f5 / f and f5 the flux at the depth (the paper
    takes the error of a magnitude for the relative error of the flux, a fifth at the depth):
    sigma² = (0.04 - gamma) f f5 + gamma f5² + (0.005 f)².
    """
    f = np.maximum(np.asarray(flux, np.float64), 0.0)
    f5 = mag_to_njy(np.asarray(m5, np.float64))[0]
    gamma = DEPTH.gamma[band]
    return np.asarray(
        np.sqrt((0.04 - gamma) * f * f5 + gamma * f5 * f5 + (SYSTEMATIC_MAG * f) ** 2)
    )


def observe(
    flux: ArrayLike, m5: ArrayLike, band: NDArray[np.integer], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure fluxes: Gaussian noise is added, so that faint ones may come out negative.

    Returns
    -------
    flux, flux_err : ndarray of float64
        nJy.
    """
    error = flux_error(flux, m5, band)
    return np.asarray(flux, np.float64) + error * rng.standard_normal(error.shape), error
