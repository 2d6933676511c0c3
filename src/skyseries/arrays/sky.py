"""Positions on the sky: degrees, angles with units, SkyCoord."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from skyseries.arrays.numbers import number, numbers
from skyseries.arraytypes import Floats
from skyseries.errors import InputError

__all__ = ["is_coordinate", "position", "positions"]


def is_coordinate(value: Any) -> bool:
    """Return whether this is a SkyCoord, or something that can be brought to ICRS as one."""
    return hasattr(value, "transform_to") and hasattr(value, "represent_as")


def positions(ra: Any, dec: Any = None, what: str = "ra") -> tuple[Floats, Floats]:
    """Return right ascensions and declinations, degrees, ICRS.

    Parameters
    ----------
    ra : array of any library, or SkyCoord
        In degrees, or in an angle that says its unit.
    dec : array, optional
        Not given with a SkyCoord.

    Raises
    ------
    InputError
        If a declination is missing or beyond ±90 degrees, or a unit is none of an angle.
    """
    if is_coordinate(ra):
        if dec is not None:
            raise InputError(f"{what} is a SkyCoord, which has a declination of its own: leave dec")
        icrs = ra.icrs
        return positions(np.atleast_1d(icrs.ra), np.atleast_1d(icrs.dec), what)
    if dec is None:
        raise InputError(f"a declination is needed beside {what}={ra!r:.60}, or a SkyCoord")
    lon, lat = numbers(_row(ra), "deg", "ra"), numbers(_row(dec), "deg", "dec")
    beyond = np.flatnonzero(np.abs(lat) > 90)
    if beyond.size:
        raise InputError(
            f"the declination {float(lat.flat[beyond[0]])!r} is beyond ±90 degrees; are ra and dec "
            "swapped, or in another unit?"
        )
    return lon, lat


def _row(values: Any) -> Any:
    """Return one number as a row of one, and rows as they are."""
    single = getattr(values, "ndim", None) == 0 or not isinstance(values, Iterable)
    return np.atleast_1d(values) if single else values


def position(ra: Any, dec: Any = None, what: str = "ra") -> tuple[float, float]:
    """Return one position, degrees, ICRS; as `positions`, of numbers or one SkyCoord.

    Raises
    ------
    InputError
        If it is not one finite position.
    """
    if is_coordinate(ra):
        if dec is not None:
            raise InputError(f"{what} is a SkyCoord, which has a declination of its own: leave dec")
        if ra.size != 1:
            raise InputError(f"one position is needed, not a SkyCoord of {ra.size}")
        icrs = ra.icrs.reshape(())
        return position(icrs.ra, icrs.dec, what)
    if dec is None:
        raise InputError(f"a declination is needed beside {what}={ra!r:.60}, or a SkyCoord")
    lon, lat = number(ra, "deg", "ra"), number(dec, "deg", "dec")
    if not (np.isfinite(lon) and -90 <= lat <= 90):
        raise InputError(
            f"ra = {lon!r}, dec = {lat!r} is no position: ra must be finite, dec within ±90 degrees"
        )
    return lon, lat
