"""Containers of times that know that they are times: MJD, and lengths of time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from astropy import units as u
from astropy.time import Time, TimeDelta

from tests.meaning.containers import Container, Gone, Values, filled, under

__all__ = ["DATES", "INTERVALS", "LENGTHS", "MOMENTS", "YEARS"]

_UNIX = 40587.0
_MS = 86_400_000


def _stamps(v: Values, gone: Gone, unit: str | None) -> Any:
    ms = np.rint((np.where(np.isnan(v), _UNIX, v) - _UNIX) * _MS).astype("i8")
    found = ms.astype("M8[ms]")
    return found if gone is None else np.where(gone, np.datetime64("NaT"), found)


def _datetimes(v: Values, gone: Gone, unit: str | None) -> list[dt.datetime | None]:
    return [None if np.isnat(x) else x.astype(object) for x in _stamps(v, gone, unit)]


def _time(v: Values, gone: Gone, unit: str | None) -> Any:
    found = Time(filled(v, gone, under(v)), format="mjd", scale="tdb")
    if gone is not None:
        found[gone] = np.ma.masked
    return found


def _jd(v: Values, gone: Gone, unit: str | None) -> Any:
    return Time(2400000.5, filled(v, gone, np.nan), format="jd", scale="tdb")


def _delta(v: Values, gone: Gone, unit: str | None) -> Any:
    found = TimeDelta(filled(v, gone, under(v)), format="jd")
    if gone is not None:
        found[gone] = np.ma.masked
    return found


def _zoned(v: Values, gone: Gone, unit: str | None) -> Any:
    stamps = pd.Series(_stamps(v, gone, unit)).dt.tz_localize("UTC")
    return stamps.dt.tz_convert("America/Santiago")


DATES = (
    Container("Time", _time, "d"),
    Container("Time of JD", _jd, "d"),
    Container("list of Time", lambda v, g, unit: list(_time(v, None, unit)), "d", misses=False),
    Container("datetime64", _stamps, "d"),
    Container("datetimes", _datetimes, "d"),
    Container("ISO text", lambda v, g, unit: _stamps(v, g, unit).astype(str), "d"),
    Container("Series of dates", lambda v, g, unit: pd.Series(_stamps(v, g, unit)), "d"),
    Container("Series with a zone", _zoned, "d"),
    Container("polars dates", lambda v, g, unit: pl.Series(_datetimes(v, g, unit)), "d"),
    Container("Arrow timestamps", lambda v, g, unit: pa.array(_datetimes(v, g, unit)), "d"),
)
"""Rows of moments, which are days of MJD."""

INTERVALS = (
    Container("TimeDelta", _delta, "d"),
    Container(
        "timedelta64", lambda v, g, unit: np.rint(v * _MS).astype("m8[ms]"), "d", misses=False
    ),
)
"""Rows of lengths of time, which are days."""

MOMENTS = (
    Container("Time", lambda v, g, unit: Time(v, format="mjd", scale="tdb"), "m", misses=False),
    Container("datetime", lambda v, g, unit: _datetimes(v[None], None, unit)[0], "m", misses=False),
    Container("datetime64", lambda v, g, unit: _stamps(v[None], None, unit)[0], "m", misses=False),
)
"""Single moments."""

LENGTHS = (
    Container("TimeDelta", lambda v, g, unit: TimeDelta(v * u.d), "l", misses=False),
    Container("timedelta", lambda v, g, unit: dt.timedelta(days=float(v)), "l", misses=False),
    Container(
        "timedelta64", lambda v, g, unit: np.rint(v * _MS).astype("m8[ms]"), "l", misses=False
    ),
    Container("pd.Timedelta", lambda v, g, unit: pd.Timedelta(days=float(v)), "l", misses=False),
)
"""Single lengths of time."""

YEARS = (
    Container(
        "Time of a year", lambda v, g, unit: Time(v, format="jyear", scale="tdb"), "y", misses=False
    ),
)
"""Single epochs: Julian years."""
