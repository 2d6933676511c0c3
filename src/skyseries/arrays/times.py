"""Times: days as numbers, astropy's Time and TimeDelta, dates of NumPy, pandas, Arrow and text."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays.containers import Plain, is_missing, opened
from skyseries.arrays.numbers import as_floats, number
from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.units import factor_to
from skyseries.warn import warn_user

__all__ = [
    "MJD_OF_UNIX",
    "clock_of",
    "coarseness",
    "day_number",
    "days",
    "days_long",
    "is_time",
    "warn_coarse",
]


MJD_OF_UNIX = 40587.0
"""MJD of 1970-01-01, where the dates of NumPy and Arrow begin."""

_PER_DAY = {
    "D": 1, "h": 24, "m": 1440, "s": 86400, "ms": 86400 * 10**3, "us": 86400 * 10**6,
    "ns": 86400 * 10**9, "ps": 86400 * 10**12, "fs": 86400 * 10**15, "as": 86400 * 10**18,
}  # fmt: skip
_OFFSET = re.compile(r"(.*T[\d:.]+)([+-])(\d\d):?(\d\d)?")
"""Text of a moment that is ahead of UTC, or behind it."""
TOO_COARSE = 1e-4
"""Days: 9 s, a hundredth of the shortest period that is searched for by default."""


def is_time(values: Any) -> bool:
    """Return whether this is a Time of astropy, or an array of one."""
    return hasattr(values, "mjd") and hasattr(values, "jd1") and hasattr(values, "scale")


def clock_of(values: Any) -> str | None:
    """Return what moments are told by: the scale of a Time, "" for dates; None for mere numbers."""
    if type(values) is np.ndarray and values.dtype == np.float64:
        return None
    if isinstance(values, list | tuple):
        values = next((one for one in values if not is_missing(one)), None)
        if isinstance(values, str | bytes | dt.date | np.datetime64):
            return ""
    if is_time(values):
        return str(values.scale)
    if values is None or hasattr(values, "jd1") or np.ndim(values) == 0:
        return "" if isinstance(values, str | dt.date | np.datetime64) else None
    plain = opened(values, "t")
    kind = plain.values.dtype.kind
    if kind == "O" and _has_dates(plain):
        kind = _dates(plain, "t").dtype.kind
    return "" if kind in "MUS" else None


def days(values: Any, what: str = "t", *, warn: bool = False) -> Floats:
    """Return times as days.

    Parameters
    ----------
    values : array of any library, Time, TimeDelta, dates
        Numbers are days, or in a unit of time that they say. Times of astropy and dates become
        MJD (in their own scale; dates as they are written, with a zone in UTC), TimeDelta and
        time intervals days.
    what : str
        Its name in errors.
    warn : bool
        As `warn_coarse`.

    Returns
    -------
    t : array of float64
        NaN where missing.

    Raises
    ------
    InputError
        For anything that is no time.
    """
    if type(values) is np.ndarray and values.dtype == np.float64:
        return values
    if is_time(values):
        return _masked(values.mjd)
    if hasattr(values, "jd1") and hasattr(values, "to_value"):  # TimeDelta
        return _masked(values.jd)
    if isinstance(values, list | tuple) and any(map(is_time, values)):
        scale = clock_of(values)  # that of the first
        told = (getattr(one, scale) if scale and is_time(one) else one for one in values)
        return np.array([np.nan if is_missing(one) else _one(one, what) for one in told])
    plain = opened(values, what)
    kind = plain.values.dtype.kind
    if kind == "O" and _has_dates(plain):
        plain = plain._replace(values=_dates(plain, what))
        kind = plain.values.dtype.kind
    if kind == "M":
        return _filled(_since(plain.values, np.datetime64(0, "s")) + MJD_OF_UNIX, plain)
    if kind == "m":
        return _filled(_since(plain.values, np.timedelta64(0, "s")), plain)
    if kind in "US":
        return _filled(_of_text(plain, what) + MJD_OF_UNIX, plain)
    factor = factor_to(plain.unit, "d", what)
    if warn:
        _warn_coarse(plain.values, factor, what)
    found = as_floats(plain, what)
    return found if factor == 1.0 else found * factor


def day_number(value: Any, what: str) -> float:
    """Return one time or length of time in days; as `days`.

    Raises
    ------
    InputError
        If it is not one time.
    """
    if is_time(value) or hasattr(value, "jd1"):
        return _one(value, what)
    if isinstance(value, np.datetime64 | np.timedelta64 | dt.date | dt.timedelta):
        return float(days([value], what)[0])
    return number(value, "d", what)


def days_long(value: Any, what: str) -> float:
    """Return one length of time, such as a period, in days; as `day_number`, but no moment.

    Raises
    ------
    InputError
        If it is not one length of time.
    """
    if is_time(value) or isinstance(value, np.datetime64 | dt.date):
        raise InputError(f"{what} must be a length of time (in d, or with a unit), not {value!r}")
    return day_number(value, what)


def coarseness(t: NDArray[Any]) -> float:
    """Return the days between neighbouring numbers of an array's type, at its largest value."""
    if t.dtype.kind != "f" or not t.size:
        return 0.0
    finite = np.abs(t[np.isfinite(t)])
    return float(np.spacing(finite.max())) if finite.size else 0.0


def warn_coarse(values: Any, what: str = "t") -> None:
    """Warn if times are rounded because their type has too few digits for them (float32 JD)."""
    if isinstance(values, list | tuple) or is_time(values):
        return
    plain = opened(values, what)
    if plain.values.dtype.kind == "f":
        _warn_coarse(plain.values, factor_to(plain.unit, "d", what), what)


def _warn_coarse(array: NDArray[Any], factor: float, what: str) -> None:
    if array.dtype.kind != "f" or array.dtype.itemsize >= 8:
        return
    step = coarseness(array) * factor
    if step > TOO_COARSE:
        warn_user(
            f"the times {what} are {array.dtype}, and so rounded to {step:.3g} d: what was rounded "
            "cannot be had back; take them from a float64 column"
        )


def _one(value: Any, what: str) -> float:
    try:
        return float(value.mjd if is_time(value) else value.jd)
    except (AttributeError, TypeError, ValueError):
        raise InputError(f"{what} must be one time, not {value!r:.60}") from None


def _masked(found: Any) -> Floats:
    return np.asarray(np.ma.filled(getattr(found, "filled", lambda _: found)(np.nan), np.nan))


def _filled(found: Floats, plain: Plain) -> Floats:
    return found if plain.missing is None else np.where(plain.missing, np.nan, found)


def _since(values: NDArray[Any], zero: Any) -> Floats:
    """Return days since a moment, exactly rounded; NaN for NaT."""
    gone = np.isnat(values)
    step = np.datetime_data(values.dtype)[0]
    if step in ("Y", "M"):
        values, step = values.astype(f"{values.dtype.kind}8[D]"), "D"
    ticks = (values - zero.astype(values.dtype)).astype(np.int64)
    if step == "W":
        return np.where(gone, np.nan, ticks * 7.0)
    per_day = _PER_DAY[step]
    whole, rest = np.divmod(ticks, per_day)
    return np.where(gone, np.nan, whole + rest / per_day)


def _has_dates(plain: Plain) -> bool:
    kinds = (dt.date, dt.timedelta, np.datetime64, np.timedelta64, str, bytes)
    first = next((v for v in plain.values.ravel() if not is_missing(v)), None)
    return isinstance(first, kinds)


def _dates(plain: Plain, what: str) -> NDArray[Any]:
    values = [None if is_missing(v) else _without_zone(v) for v in plain.values.ravel()]
    first = next(v for v in values if v is not None)
    if isinstance(first, str):
        return np.array(["NaT" if v is None else str(v) for v in values]).reshape(
            plain.values.shape
        )
    kind = "m8[ns]" if isinstance(first, dt.timedelta | np.timedelta64) else "M8[ns]"
    try:
        return np.array(values, kind).reshape(plain.values.shape)
    except (ValueError, TypeError) as error:
        raise InputError(f"{what} is no row of times: {error}") from None


def _without_zone(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


def _in_utc(array: NDArray[Any]) -> tuple[NDArray[Any], Floats]:
    """Return ISO text without the offsets from UTC at its end, and those in days."""
    marks = np.char.count(array, "+") + (np.char.count(array, "-") > 2)
    if not marks.any():
        return array, np.zeros(())
    found = [_OFFSET.fullmatch(text) for text in array.ravel()]
    plain = [
        text if one is None else one[1] for text, one in zip(array.ravel(), found, strict=True)
    ]
    ahead = [0.0 if one is None else _days_ahead(*one.groups()[1:]) for one in found]
    return np.array(plain).reshape(array.shape), np.array(ahead).reshape(array.shape)


def _days_ahead(sign: str, hours: str, minutes: str | None) -> float:
    return float(f"{sign}1") * (int(hours) + int(minutes or 0) / 60) / 24


def _of_text(plain: Plain, what: str) -> Floats:
    array = plain.values
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    array = np.char.strip(array)
    array = np.where((array == "") | (np.char.lower(array) == "nan"), "NaT", array)
    array = np.char.replace(np.char.rstrip(array, "Zz"), " ", "T")
    array, ahead = _in_utc(array)
    try:
        moments = _since(array.astype("M8[ns]"), np.datetime64(0, "s"))
    except ValueError:
        shown = next(iter(plain.values.ravel().tolist()), "")
        raise InputError(
            f"{what} must be days, or dates such as 2026-01-31T04:05:06; not {shown!r}"
        ) from None
    return np.subtract(moments, ahead)
