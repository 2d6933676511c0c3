"""Angles on the sphere: separation of two positions, and where a star moves to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyseries.jit import kernel

__all__ = ["ARCSEC", "apply_proper_motion", "haversine", "separation", "separation_arcsec"]

ARCSEC = math.pi / 648_000.0
"""One arcsecond in radians."""

_DEGREE = math.pi / 180.0
_MILLIARCSEC = ARCSEC / 1000.0


def separation_arcsec(
    ra1: ArrayLike, dec1: ArrayLike, ra2: ArrayLike, dec2: ArrayLike
) -> NDArray[np.float64]:
    """Return the angle between positions, accurate from zero to 180 degrees.

    Parameters
    ----------
    ra1, dec1, ra2, dec2 : array_like
        Degrees; broadcast against each other. Any finite right ascension is allowed.

    Returns
    -------
    ndarray of float64
        Arcseconds; NaN where a coordinate is NaN.

    Notes
    -----
    With s = (dec1 + dec2)/2, d = (dec1 - dec2)/2 and a = (ra1 - ra2)/2, half the angle has

    - sin² = sin²a cos²s + cos²a sin²d  (the haversine formula, Sinnott 1984, Sky & Telescope
      68, 158, with cos dec1 cos dec2 = cos²s - sin²d put in),
    - cos² = sin²a sin²s + cos²a cos²d  (its complement: the two add up to 1).

    Both are sums of terms that are not negative, so nothing cancels, for close positions as for
    opposite ones.
    """
    ra1, dec1 = np.asarray(ra1, np.float64), np.asarray(dec1, np.float64)
    ra2, dec2 = np.asarray(ra2, np.float64), np.asarray(dec2, np.float64)
    turn = _turned(ra1) - _turned(ra2)
    a = 0.5 * _DEGREE * (turn - 360.0 * np.rint(turn / 360.0))
    s = 0.5 * _DEGREE * (dec1 + dec2)
    cos_s = np.sin(0.5 * _DEGREE * (180.0 - np.abs(dec1 + dec2)))  # exactly 0 at a pole
    d = 0.5 * _DEGREE * (dec1 - dec2)
    half_sine = np.hypot(np.sin(a) * cos_s, np.cos(a) * np.sin(d))
    half_cosine = np.hypot(np.sin(a) * np.sin(s), np.cos(a) * np.cos(d))
    return np.asarray(2.0 / ARCSEC * np.arctan2(half_sine, half_cosine))


def _turned(ra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return right ascensions without full turns beyond the first: differences stay accurate."""
    far = np.abs(ra) > 360.0
    return np.fmod(ra, 360.0, out=ra.copy(), where=far & np.isfinite(ra)) if far.any() else ra


@kernel
def haversine(delta_ra: float, dec1: float, dec2: float) -> float:
    """Return sin² of half the angle between two positions (for use inside kernels).

    Parameters
    ----------
    delta_ra : float
        Difference of right ascension, degrees, from -180 to 180.
    dec1, dec2 : float
        Degrees.
    """
    half = 0.5 * _DEGREE
    sine = math.sin(half * delta_ra)
    cross = sine * math.sin(half * (180.0 - abs(dec1 + dec2)))
    along = math.sin(half * (dec1 - dec2))
    return cross * cross + (1.0 - sine * sine) * along * along


@kernel
def separation(delta_ra: float, dec1: float, dec2: float) -> float:
    """Return the angle in degrees, as `separation_arcsec` (for use inside kernels).

    Parameters
    ----------
    delta_ra : float
        Difference of right ascension, degrees, from -180 to 180.
    dec1, dec2 : float
        Degrees.
    """
    half = 0.5 * _DEGREE
    sin_a, cos_a = math.sin(half * delta_ra), math.cos(half * delta_ra)
    s, d = half * (dec1 + dec2), half * (dec1 - dec2)
    cos_s = math.sin(half * (180.0 - abs(dec1 + dec2)))
    half_sine = math.hypot(sin_a * cos_s, cos_a * math.sin(d))
    half_cosine = math.hypot(sin_a * math.sin(s), cos_a * math.cos(d))
    return 2.0 / _DEGREE * math.atan2(half_sine, half_cosine)


def apply_proper_motion(
    ra: ArrayLike,
    dec: ArrayLike,
    pmra: ArrayLike,
    pmdec: ArrayLike,
    epoch_from: ArrayLike,
    epoch_to: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Move stars from one epoch to another along great circles.

    Parameters
    ----------
    ra, dec : array_like
        Degrees, at `epoch_from`.
    pmra, pmdec : array_like
        Proper motion, mas/yr; `pmra` includes the factor cos(dec). Where it is NaN the position
        that comes out is NaN: put 0 where an unknown motion shall count as none.
    epoch_from, epoch_to : array_like
        Julian years, for instance 1991.25 and 2016.0.

    Returns
    -------
    ra, dec : ndarray of float64
        Degrees; ra from 0 to 360 (not included).

    Notes
    -----
    The unit vector r and the local directions p (east) and q (north) give
    r + (p pmra + q pmdec) Δt, normalised: The Hipparcos and Tycho Catalogues (ESA SP-1200,
    vol. 1, 1997), section 1.5.5, without parallax and radial motion. It holds at the poles too.
    """
    alpha = np.asarray(ra, np.float64) * _DEGREE
    delta = np.asarray(dec, np.float64) * _DEGREE
    years = np.asarray(epoch_to, np.float64) - np.asarray(epoch_from, np.float64)
    east = np.asarray(pmra, np.float64) * (_MILLIARCSEC * years)
    north = np.asarray(pmdec, np.float64) * (_MILLIARCSEC * years)
    radial = np.cos(delta) - north * np.sin(
        delta
    )  # in the plane of the equator, away from the axis
    x = radial * np.cos(alpha) - east * np.sin(alpha)
    y = radial * np.sin(alpha) + east * np.cos(alpha)
    z = np.sin(delta) + north * np.cos(delta)
    moved_ra = np.mod(np.arctan2(y, x) / _DEGREE, 360.0)
    moved_dec = np.arctan2(z, np.hypot(x, y)) / _DEGREE
    # np.mod of a tiny negative angle rounds up to 360 itself
    return np.asarray(np.where(moved_ra >= 360.0, 0.0, moved_ra)), np.asarray(moved_dec)
