"""Light curves and numbers as users give them, brought to days, one unit and plain arrays."""

from __future__ import annotations

import datetime as dt
import math
import numbers as kinds
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays import (
    clock_of,
    day_number,
    days,
    days_long,
    labels,
    measured,
    number,
    numbers,
    position,
)
from skyseries.arrays.containers import is_single, opened
from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.schema import LightCurveFields
from skyseries.schema.times import zero_point
from skyseries.timeseries.intake import Parts, parts_of
from skyseries.timeseries.measured import measured_field
from skyseries.units import converts, plain_unit

__all__ = [
    "Given",
    "errors_of",
    "flags_of",
    "given_epochs",
    "id_of",
    "lengths_of",
    "moment",
    "moments",
    "one_frequency",
    "place_of",
    "row_of_frequencies",
    "times_of",
    "whole_number",
]


class Given(NamedTuple):
    """The epochs of one light curve, each array of the same length."""

    time: Floats
    """Days."""
    value: Floats
    error: Floats
    """In the unit of the values; ones where there are none."""
    band: NDArray[Any] | None
    """Text or int64; anything where `has_band` is false."""
    has_band: NDArray[np.bool_] | None
    unit: str
    """Of the values; empty: not known."""
    clock: str | None
    """As `skyseries.arrays.clock_of`."""
    has_error: bool
    is_magnitude: bool | None
    """None: not known."""


def given_epochs(t: Any, y: Any = None, dy: Any = None, band: Any = None) -> Given:
    """Return one light curve as plain arrays; NaN where masked or missing.

    Parameters
    ----------
    t, y, dy, band
        As for `periodogram`: `y` may be None where `t` holds all, as for `as_lightcurve`.

    Raises
    ------
    InputError
        For what are no times, numbers or bands, units that cannot be converted, or rows that
        differ in length.
    """
    if y is None:
        others = {"error": dy, "bands": band, "flag": None, "id": None, "ra": None, "dec": None}
        return _of_parts(parts_of(t, None, others, None, {}))
    time = days(t, "t", warn=True)
    value, unit = measured(y, "y")
    error = np.ones(value.shape) if dy is None else errors_of(dy, unit, value.shape, "dy")
    names, there = (None, None) if band is None else labels(band, "band", value.size)
    shapes = {a.shape for a in (time, value, error, names) if a is not None}
    if len(shapes) != 1 or time.ndim != 1:
        raise InputError(f"t, y, dy and band must be rows of one length, not of shapes {shapes}")
    is_magnitude = converts(unit, "mag") if unit else None
    return Given(time, value, error, names, there, unit, clock_of(t), dy is not None, is_magnitude)


def _of_parts(parts: Parts) -> Given:
    """Return the epochs of an object that holds all; times are NaN where they are flagged."""
    found = given_epochs(parts.time, parts.value, parts.error, parts.bands)
    time, fields, clock = found.time, parts.fields, found.clock
    if parts.flag is not None:
        time = np.where(flags_of(parts.flag), np.nan, time)
    if clock is None and fields.time_format == "mjd":
        clock = fields.time_scale or ""
    unit = measured_field(fields).unit or found.unit
    return found._replace(time=time, unit=unit, clock=clock, is_magnitude=fields.is_magnitude)


def errors_of(
    errors: Any, unit: str, shape: tuple[int, ...], what: str, *, keep_single: bool = False
) -> NDArray[Any]:
    """Return errors in the unit of the values; one of them is that of all.

    Raises
    ------
    InputError
        Also if the one is not above zero.
    """
    if not is_single(errors) or isinstance(errors, str | bytes):
        return numbers(errors, unit, what, keep_single=keep_single)
    error = number(errors, unit, what)
    if not (math.isfinite(error) and error > 0):
        raise InputError(f"{what} must be above zero, not {error}")
    return np.full(shape, error)


def flags_of(flags: Any, what: str = "flag") -> NDArray[np.bool_]:
    """Return flags, true or not zero, as booleans; what is missing is not flagged."""
    array = flags if isinstance(flags, np.ndarray) and flags.dtype == np.bool_ else None
    if array is not None and not hasattr(flags, "mask"):
        return array
    plain = opened(flags, what)
    if plain.values.dtype.kind == "O":
        gone = np.zeros(plain.values.shape, bool) if plain.missing is None else plain.missing
        plain = plain._replace(values=np.array(np.where(gone, False, plain.values).tolist()))
    if plain.values.dtype.kind not in "biuf" and plain.values.size:
        raise InputError(f"{what} must be true and false, or numbers, not {plain.values.dtype}")
    found: NDArray[np.bool_] = (plain.values != 0) & (plain.values == plain.values)
    return found if plain.missing is None else found & ~plain.missing


def id_of(value: Any) -> int | str | None:
    """Return the id of a star as it is; InputError unless it is a whole number or text."""
    if isinstance(value, np.integer | np.str_):
        return value.item()
    if isinstance(value, int | str | None) and not isinstance(value, bool):
        return value
    raise InputError(f"an id is a whole number or text, not {value!r:.60}")


def place_of(ra: Any, dec: Any) -> tuple[float | None, float | None]:
    """Return a position in degrees, as far as it is given.

    Raises
    ------
    InputError
        If a part of it is no angle, or the declination beyond 90 degrees.
    """
    if hasattr(ra, "icrs"):
        return position(ra, dec)
    lon = None if ra is None else number(ra, "deg", "ra")
    lat = None if dec is None else number(dec, "deg", "dec")
    if lat is not None and abs(lat) > 90.0:
        position(0.0 if lon is None else lon, lat)  # says what is wrong
    return lon, lat


def times_of(t: Any, fields: LightCurveFields, what: str) -> tuple[Floats, LightCurveFields]:
    """Return times as the days that `fields` says, and what is known of them then.

    Times of astropy come to the scale of `fields`, and both they and dates to its format; where
    it says none, they are MJD in their own scale.
    """
    clock = clock_of(t)
    if clock is None:
        return days(t, what, warn=True), fields
    scale, known = fields.time_scale, fields.time_format
    found = days(_in_scale(t, clock, scale, what), what)
    if known is None or (clock and not scale):
        fields = fields.override(time_format=known or "mjd", time_scale=scale or clock or None)
    return found - zero_point(known or "mjd"), fields


def moment(value: Any, fields: LightCurveFields, what: str) -> float:
    """Return one moment, number or date, as `times_of` does for rows of them.

    Raises
    ------
    InputError
        If it is not one, or a date where the format of the times is not known.
    """
    clock = None if isinstance(value, str) else clock_of(value)
    if clock is None:
        found = day_number(value, what)
    elif fields.time_format is None:
        raise InputError(
            f"{what} is a date, {value!s:.40}, but the format of the times is not known: give a "
            "number, or time_format= with the fields of the light curve"
        )
    else:
        found = day_number(_in_scale(value, clock, fields.time_scale, what), what)
        found -= zero_point(fields.time_format)
    if not math.isfinite(found):
        raise InputError(f"{what} must be a finite time, not {found}")
    return found


def moments(t: Any, clock: str | None, what: str) -> Floats:
    """Return times as days, told by the clock of others that were given before.

    Raises
    ------
    InputError
        If they are dates where the others were mere numbers.
    """
    own = clock_of(t)
    if own is not None and clock is None:
        raise InputError(
            f"{what} has dates, but the times before were numbers, whose zero is not known: give "
            "numbers"
        )
    return np.atleast_1d(days(_in_scale(t, own, clock, what), what, warn=True))


def _in_scale(t: Any, clock: str | None, scale: str | None, what: str) -> Any:
    if not clock or not scale or clock == scale:
        return t
    if isinstance(t, list | tuple):
        t = type(t[0])(list(t))
    try:
        return getattr(t, scale)
    except Exception as error:  # astropy's own, for instance without tables of UT1
        raise InputError(
            f"{what} is in {clock.upper()} and cannot be brought to {scale.upper()}: {error}"
        ) from error


def lengths_of(values: Any, what: str) -> Floats | None:
    """Return lengths of time in days where they say that they are such; None for mere numbers."""
    if isinstance(values, kinds.Real | str | bytes | None):
        return None
    if isinstance(values, dt.timedelta | np.timedelta64):
        return np.array([days_long(values, what)])
    if not hasattr(values, "jd1"):
        plain = opened(values, what)
        first = plain.values.flat[0] if plain.values.size else None
        is_interval = plain.values.dtype.kind == "m" or isinstance(first, dt.timedelta)
        if not plain_unit(plain.unit) and not is_interval:
            return None
    return np.atleast_1d(days(values, what))


def row_of_frequencies(frequency: Any) -> Floats:
    """Return frequencies in 1/d.

    Raises
    ------
    InputError
        Unless they are finite and above zero, one or more.
    """
    f = np.atleast_1d(numbers(frequency, "1/d", "frequency"))
    if f.ndim != 1 or f.size == 0 or not np.all(np.isfinite(f)) or not np.all(f > 0):
        raise InputError("frequency must be a row of finite numbers above zero")
    return f


def one_frequency(frequency: Any) -> float:
    """Return a frequency in 1/d.

    Raises
    ------
    InputError
        Unless it is finite and above zero.
    """
    f = number(frequency, "1/d", "frequency")
    if not (math.isfinite(f) and f > 0):
        raise InputError(f"frequency must be a finite number above zero, not {f}")
    return f


def whole_number(value: Any, what: str, least: int = 1) -> int:
    """Return a whole number.

    Raises
    ------
    InputError
        If it is none, or below the least.
    """
    is_real = isinstance(value, kinds.Real) and not isinstance(value, bool | np.bool_)
    if not (is_real and value >= least and float(value).is_integer()):
        raise InputError(f"{what} must be a whole number, {least} or more, not {value!r}")
    return int(value)
