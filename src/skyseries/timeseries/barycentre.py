"""Times at the solar-system barycentre: an observatory moves 500 light seconds to and fro a year.

Light from a source in the direction n reaches the barycentre ``r . n / c`` after an observatory
at r (the Roemer delay). r is the Earth's centre by the ephemeris that astropy has built in, from
a table of one row a day with cubic Hermite interpolation (0.3 microseconds), and the rotating
Earth. Clocks go in TDB.

Left out: the Shapiro delay of the Sun (120 microseconds at its limb, below 20 from 30
degrees on); the curvature of the wave front (1.2 ms at 1 pc, 12 microseconds at 100 pc); the
proper motion since the epoch of the position (2.4 ms per arcsec); UT1 - UTC and polar motion (2
microseconds). The ephemeris itself is good to about 45 microseconds (1900-2100).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays import check_choice, clock_of, days, number, positions
from skyseries.errors import InputError
from skyseries.schema import LightCurveFields
from skyseries.schema.times import TIME_FORMATS, settled_times, zero_point
from skyseries.timeseries.epochs import Epochs
from skyseries.timeseries.kernels.barycentre import COLUMNS, barycentre

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation

__all__ = ["RUBIN", "at_barycentre", "barycentric_times", "is_barycentric", "site_of"]

RUBIN = (-70.749417, -30.244639, 2663.0)
"""Longitude and latitude of the Rubin Observatory, degrees, and its height, m."""

_SCALES = ("utc", "tai", "tt", "tdb")
"""Those that the kernel knows, in its order."""
_JD_OF_MJD = 2400000.5
_BLOCK = 1024
"""Days of a block of the table; 50 ms each, once."""
_VALID = (15020, 88070)
"""MJD of 1900 and 2100: beyond, the ephemeris is a guess."""
_UTC_BEGINS = 41317
_EARTH_CENTRE = np.zeros(3)


def barycentric_times(
    t: Any,
    ra: Any,
    dec: Any = None,
    *,
    time_format: str | None = None,
    time_scale: str | None = None,
    location: EarthLocation | tuple[Any, Any, Any] | None = None,
) -> NDArray[np.float64]:
    """Return when light that an observatory has seen would have reached the barycentre.

    Parameters
    ----------
    t : (m,) array of any library, or sequence
        When it was seen: days, Time, or dates.
    ra, dec : float or (m,) array_like
        Where it came from, degrees or with a unit, ICRS; or a SkyCoord as `ra`.
    time_format : str, optional
        ``mjd``, ``jd``, ``jd-2450000``, ... of the times, and of what comes back. None: that of a
        Time, else ``mjd``.
    time_scale : {"utc", "tai", "tt", "tdb"}, optional
        Needed where `t` is no Time, which has its own.
    location : astropy.coordinates.EarthLocation or tuple, optional
        The observatory, or its longitude and latitude in degrees and height in m (or with
        units); by default that of a Time, else the Rubin Observatory.

    Returns
    -------
    t : (m,) array
        Days in the same format, TDB. NaN where an input is missing or not finite.

    Raises
    ------
    InputError
        If format or scale are unknown, contradict a Time, or say that the times are at the Sun or
        the barycentre already; for a declination beyond 90 degrees; if all times are beyond the
        years 1900-2100 (UTC: 1972).

    Warns
    -----
    UserWarning
        If times are of a type that rounds them to more than 9 s.
    """
    clock = clock_of(t)
    time_format, time_scale = _words(t, clock, time_format, time_scale)
    given = days(t, "t", warn=True)
    zero = zero_point(time_format)
    seen = np.ravel(given) + (zero if clock is None else 0.0)
    lon, lat = positions(ra, dec)
    single = lon.size == lat.size == 1
    offsets = np.array([0, seen.size]) if single else np.arange(seen.size + 1)
    try:
        lon, lat = (np.broadcast_to(x.ravel(), (offsets.size - 1,)) for x in (lon, lat))
    except ValueError:
        raise InputError(
            f"ra and dec are numbers or as many as times ({seen.size}), not {lon.size}, {lat.size}"
        ) from None
    if location is None:
        location = getattr(t, "location", None)
    site = site_of(RUBIN if location is None else location)
    there = np.ravel(given)[np.isfinite(seen)]
    made = _moved(seen, offsets, lon, lat, time_scale, site)
    if there.size and np.isnan(made).all() and np.isfinite(lon).any() and np.isfinite(lat).any():
        raise InputError(
            f"{there[0]} is no time of the years 1900 to 2100 (UTC: from 1972 on) as "
            f"{time_format.upper() if clock is None else 'MJD'}; say what it is with time_format="
        )
    return (made - zero).reshape(given.shape)


def _words(
    t: Any, clock: str | None, time_format: str | None, time_scale: str | None
) -> tuple[str, str]:
    """Return format and scale, as they are said, or as a Time has them."""
    own = getattr(t, "format", None) if clock else None
    own = own if own in TIME_FORMATS else None
    told, scale, place = settled_times(time_format or own or "mjd", time_scale, None)
    assert told is not None  # noqa: S101 - one is given
    if place is not None:
        raise InputError(
            f"times in {str(time_format).upper()} are at the {place} already, and would be "
            "corrected twice"
        )
    if own is not None and told != own:
        raise InputError(f"t is a Time in {own.upper()}, but time_format is {time_format!r}")
    if clock and scale not in (None, clock):
        raise InputError(f"t is a Time in {clock.upper()}, but time_scale is {time_scale!r}")
    scale = scale or clock or None
    if scale is None:
        raise InputError(f"give time_scale=, one of {', '.join(_SCALES)}: the times do not say it")
    check_choice(scale, "time_scale", _SCALES)
    return told, scale


def is_barycentric(fields: LightCurveFields) -> bool:
    """Return whether the times of light curves are at the barycentre already.

    Raises
    ------
    InputError
        If it is not known where they are, or they cannot be brought there.
    """
    place = fields.refposition
    if place == "barycenter":
        return True
    if place == "heliocenter":
        raise InputError(
            f"the times {fields.time!r} are heliocentric: the way of the light to the Sun is in "
            "them already, and barycentric=True would correct for it twice; leave it out, or say "
            "with set_lightcurve(refposition=...) where they were taken if that is not true"
        )
    if place is None:
        raise InputError(
            f"the reference position of the times {fields.time!r} is not known: if they are those "
            "of an observatory, set_lightcurve(refposition='topocenter'); others are 'geocenter', "
            "'heliocenter', 'barycenter'"
        )
    for name in ("time_scale", "time_format"):
        if getattr(fields, name) is None:
            raise InputError(
                f"the {name} of {fields.time!r} is not known; barycentric=True needs it: "
                f"set_lightcurve({name}=...)"
            )
    check_choice(fields.time_scale or "", "time_scale", _SCALES)
    return False


def at_barycentre(
    chunks: Iterable[Epochs],
    fields: LightCurveFields,
    ra: Any,
    dec: Any,
    location: EarthLocation | tuple[Any, Any, Any] | None = None,
) -> Iterator[Epochs]:
    """Yield epochs with times at the barycentre; those that are there already as they are.

    Parameters
    ----------
    chunks : iterable of Epochs
    fields : LightCurveFields
        Format, scale and reference position of the times.
    ra, dec : (n,) array_like
        Of the light curves, degrees or with a unit. Where they are not finite, times become NaN.
    location : EarthLocation or tuple, optional
        As for `barycentric_times`.
    """
    if is_barycentric(fields):
        yield from chunks
        return
    if ra is None or (dec is None and not hasattr(ra, "icrs")):
        raise InputError("barycentric=True needs the positions of the objects: ra= and dec=")
    lon, lat = positions(ra, dec)
    is_topocentric = fields.refposition == "topocenter"
    site = site_of(RUBIN if location is None else location) if is_topocentric else _EARTH_CENTRE
    zero = zero_point(fields.time_format or "mjd")
    done = 0
    for epochs in chunks:
        here = slice(done, done + epochs.size)
        done += epochs.size
        if len(lon[here]) != epochs.size or len(lat[here]) != epochs.size:
            raise InputError(
                f"there are {min(len(lon), len(lat))} positions for more light curves than that"
            )
        moved = _moved(
            epochs.time + zero, epochs.offsets, lon[here], lat[here], fields.time_scale or "", site
        )
        yield replace(epochs, time=moved - zero)


def _moved(
    mjd: NDArray[np.float64],
    offsets: NDArray[np.int64],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    time_scale: str,
    site: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return MJD at the barycentre, TDB; `mjd` is an array of ours, and changed."""
    low = _UTC_BEGINS if time_scale == "utc" else _VALID[0]
    with np.errstate(invalid="ignore"):
        mjd[~((mjd >= low) & (mjd <= _VALID[1]))] = np.nan
    out = np.full(mjd.size, np.nan)
    if mjd.size and not np.isnan(mjd).all():
        first, table = _table(float(np.nanmin(mjd)), float(np.nanmax(mjd)))
        lon, lat = np.radians(ra), np.radians(dec)
        direction = np.stack(
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1
        )
        scale = _SCALES.index(time_scale)
        barycentre(mjd, offsets.astype(np.int64), direction, table, first, scale, site, out)
    return out


def site_of(location: Any) -> NDArray[np.float64]:
    """Return distance from the axis and from the equator's plane, km, and longitude, rad.

    Raises
    ------
    InputError
        If `location` is neither one EarthLocation nor longitude, latitude and height.
    """
    from astropy import units
    from astropy.coordinates import EarthLocation

    if not isinstance(location, EarthLocation):
        if isinstance(location, str) or not hasattr(location, "__len__") or len(location) != 3:
            raise InputError(
                "location is an EarthLocation, or longitude and latitude in degrees and height in "
                f"m, not {location!r}"
            )
        lon, lat, height = (
            number(value, unit, f"the {name} of the location")
            for value, unit, name in zip(
                location, ("deg", "deg", "m"), ("longitude", "latitude", "height"), strict=True
            )
        )
        if not (np.isfinite([lon, height]).all() and -90 <= lat <= 90):
            raise InputError(f"there is no place at longitude, latitude, height {location!r}")
        location = EarthLocation.from_geodetic(lon * units.deg, lat * units.deg, height * units.m)
    if location.size != 1:
        raise InputError(f"one location is needed, not {location.size}")
    x, y, z = (float(v.to_value(units.km)) for v in location.reshape(()).geocentric)
    return np.array([np.hypot(x, y), z, np.arctan2(y, x)])


def _table(low: float, high: float) -> tuple[int, NDArray[np.float64]]:
    blocks = range(int(low - 3) // _BLOCK, int(high + 4) // _BLOCK + 1)
    table = np.concatenate([_block(number) for number in blocks])
    return blocks[0] * _BLOCK, table


@lru_cache(128)
def _block(number: int) -> NDArray[np.float64]:
    """Return some days of the table; see the kernel for its columns."""
    import erfa
    from astropy import units
    from astropy.coordinates import get_body_barycentric_posvel
    from astropy.time import Time

    day = np.arange(number * _BLOCK, (number + 1) * _BLOCK, dtype=np.float64)
    found = get_body_barycentric_posvel(
        "earth", Time(day, format="mjd", scale="tdb"), ephemeris="builtin"
    )
    table = np.empty((_BLOCK, COLUMNS))
    for column, vector, unit in ((0, found[0], units.km), (3, found[1], units.km / units.d)):
        table[:, column : column + 3] = vector.xyz.to_value(unit).T
    table[:, 6:15] = erfa.pmat06(_JD_OF_MJD, day).reshape(-1, 9)
    table[:, 15] = erfa.dtdb(_JD_OF_MJD, day, 0.0, 0.0, 0.0, 0.0)
    table[:, 16] = erfa.gmst06(_JD_OF_MJD, day, _JD_OF_MJD, day)
    table[:, 17] = _tai_minus_utc(day)
    table.flags.writeable = False
    return table


def _tai_minus_utc(day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return seconds at 0h of each day; before 1972, when there were no leap seconds, the first."""
    import erfa

    known = erfa.leap_seconds.get()
    known = known[known["year"] >= 1972]
    jd1, jd2 = erfa.cal2jd(known["year"], known["month"], 1)
    begin = (jd1 - _JD_OF_MJD) + jd2
    place = np.searchsorted(begin, day, side="right") - 1
    return np.asarray(known["tai_utc"], np.float64)[np.maximum(place, 0)]
