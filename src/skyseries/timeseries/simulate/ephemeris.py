"""Where the Sun and the Moon are, well enough to tell night, season and moonlight."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["OBSERVATORY_LATITUDE", "Place", "altitude", "moon", "sun"]

OBSERVATORY_LATITUDE = -30.2446
"""Of the Rubin Observatory, degrees."""
_OBSERVATORY_LONGITUDE = -70.7494
_J2000_MJD = 51544.5


class Place(NamedTuple):
    """Equatorial coordinates, degrees."""

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]


def sun(mjd: NDArray[np.float64]) -> Place:
    """Return the position of the Sun to about 0.01 degrees.

    Notes
    -----
    The low-precision formulae of The Astronomical Almanac, page C5.
    """
    days = mjd - _J2000_MJD
    anomaly = np.radians(357.528 + 0.9856003 * days)
    longitude = 280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly)
    return _equatorial(longitude, np.zeros_like(days))


def moon(mjd: NDArray[np.float64]) -> tuple[Place, NDArray[np.float64]]:
    """Return the position of the Moon to about a degree, and its illuminated fraction.

    Notes
    -----
    The largest terms of The Astronomical Almanac, page D22; the fraction is
    (1 - cos elongation) / 2.
    """
    days = mjd - _J2000_MJD
    anomaly = np.radians(134.963 + 13.064993 * days)
    elongation = np.radians(297.850 + 12.190749 * days)
    longitude = (
        218.316
        + 13.176396 * days
        + 6.289 * np.sin(anomaly)
        + 1.274 * np.sin(2 * elongation - anomaly)
        + 0.658 * np.sin(2 * elongation)
    )
    latitude = 5.128 * np.sin(np.radians(93.272 + 13.229350 * days))
    illuminated = 0.5 * (1.0 - np.cos(elongation + np.radians(6.289) * np.sin(anomaly)))
    return _equatorial(longitude, latitude), illuminated


def altitude(
    ra: float | NDArray[np.float64], dec: float | NDArray[np.float64], mjd: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the altitude above the horizon of the Rubin Observatory, degrees (no refraction)."""
    sidereal = 280.46062 + 360.98564737 * (mjd - _J2000_MJD) + _OBSERVATORY_LONGITUDE
    hour_angle = np.radians(sidereal - ra)
    latitude, declination = np.radians(OBSERVATORY_LATITUDE), np.radians(dec)
    sine = np.sin(latitude) * np.sin(declination)
    sine = sine + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def _equatorial(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Place:
    lon, lat, obliquity = np.radians(longitude), np.radians(latitude), np.radians(23.439)
    x = np.cos(lat) * np.cos(lon)
    y = np.cos(obliquity) * np.cos(lat) * np.sin(lon) - np.sin(obliquity) * np.sin(lat)
    z = np.sin(obliquity) * np.cos(lat) * np.sin(lon) + np.cos(obliquity) * np.sin(lat)
    return Place(np.mod(np.degrees(np.arctan2(y, x)), 360.0), np.degrees(np.arcsin(z)))
