"""Light curves made ready for a search: bad epochs left out, trends taken off, nights averaged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrays import days_long, number, true_or_false
from skyseries.arrow import floats, to_numpy
from skyseries.errors import InputError
from skyseries.nested import Nested
from skyseries.nested.flat import read_only, take
from skyseries.schema import LightCurveFields
from skyseries.schema.times import zero_point
from skyseries.timeseries.barycentre import site_of
from skyseries.timeseries.epochs import Epochs, is_flagged, iter_epochs
from skyseries.timeseries.flagging import FlagRule, flag_rules
from skyseries.timeseries.given import whole_number
from skyseries.timeseries.kernels.detrending import fit_trends
from skyseries.timeseries.kernels.nightly import bin_nights
from skyseries.timeseries.kernels.outliers import clip_outliers
from skyseries.timeseries.measured import (
    Measured,
    factors_of,
    field_units,
    measured_field,
    with_units,
)

__all__ = ["SEARCH", "Cleaning", "clean", "cleaning_of"]

SEARCH = "search"
"""The period that a search finds."""

Counts = dict[str, NDArray[np.int64]]
"""How many epochs of each light curve went, by why."""

_MAX_ORDER = 20
_LEAST_JD, _MJD_OF_JD = 1e6, -2400000.5


@dataclass(frozen=True)
class Cleaning:
    """What is done to light curves, in this order."""

    flags: tuple[FlagRule, ...] = ()
    order: int | None = None
    """Of the polynomial that is taken off."""
    knots: float | None = None
    """Days between the knots of the spline that is taken off instead."""
    period: float | str | None = None
    """Of the sinusoid beside the trend: days, `SEARCH`, or a column of the objects."""
    clip: float | None = None
    nightly: bool = False
    longitude: float = 0.0
    """Degrees east, where nights are cut at noon."""

    @property
    def detrends(self) -> bool:
        """Whether a trend is taken off."""
        return self.order is not None or self.knots is not None

    @property
    def period_column(self) -> str | None:
        """The column of the objects that holds their periods."""
        return self.period if isinstance(self.period, str) and self.period != SEARCH else None

    def reads(self, fields: LightCurveFields) -> list[str]:
        """Return the fields of the light curves that are looked at."""
        more = fields.names() if self.detrends or self.clip or self.nightly else ()
        return list(dict.fromkeys([*(rule.field for rule in self.flags), *more]))

    def counted(self) -> list[str]:
        """Return the names of the counts."""
        found = ["epochs_flagged"] if self.flags else []
        found += ["epochs_not_detrended"] if self.detrends else []
        found += ["epochs_clipped"] if self.clip is not None else []
        return found + (["epochs_unusable", "epochs_averaged"] if self.nightly else [])

    def kept_type(self, type_: pa.StructType, fields: LightCurveFields) -> pa.StructType:
        """Return the type of light curves of a type after this."""
        kept = list(type_)
        if self.nightly:
            measured = measured_field(fields)
            names = (fields.time, measured.value, measured.error, fields.band)
            kept = [field for field in type_ if field.name in names]
            kept = [
                _floating(f, f.name == fields.time) if f.name != fields.band else f for f in kept
            ]
        elif self.detrends:
            kept = [_floating(f) if f.name in (fields.mag, fields.flux) else f for f in kept]
        return pa.struct(kept)

    def __str__(self) -> str:
        words = [f"without {rule}" for rule in self.flags]
        wave = "" if self.period is None else f" beside a sinusoid (period {self.period})"
        words += [] if self.order is None else [f"less a polynomial of order {self.order}{wave}"]
        words += [] if self.knots is None else [f"less a spline of {self.knots:g} d{wave}"]
        words += [] if self.clip is None else [f"clipped at {self.clip:g} sigma"]
        words += ["nightly means"] if self.nightly else []
        return ", ".join(words)


def cleaning_of(
    fields: LightCurveFields,
    *,
    flags: Any = None,
    trend: Any = None,
    knots: Any = None,
    period: Any = None,
    clip: Any = None,
    nightly: bool = False,
    location: Any = None,
) -> Cleaning:
    """Return what a caller asks for; InputError where it cannot be meant."""
    nightly = true_or_false(nightly, "nightly")
    if trend is not None and knots is not None:
        raise InputError("a trend is a polynomial (trend=) or a spline (knots=), not both")
    if period is not None and trend is None and knots is None:
        raise InputError("a period stands beside a trend: give trend= or knots= too")
    if location is not None and not nightly:
        raise InputError("the location is where nights end: give nightly=True too")
    order = None if trend is None else whole_number(trend, "trend")
    if order is not None and order > _MAX_ORDER:
        raise InputError(
            f"trend is the order of a polynomial, {_MAX_ORDER} at most, not {order}; a spline "
            "(knots=, days) follows more"
        )
    made = Cleaning(
        flag_rules(flags, fields), order,
        None if knots is None else _above_zero(days_long(knots, "knots"), "knots"),
        period if isinstance(period, str | None) else _above_zero(
            days_long(period, "period"), "period"
        ),
        None if clip is None else _above_zero(number(clip, "", "clip"), "clip"),
        nightly,
        0.0 if location is None else math.degrees(site_of(location)[2]),
    )  # fmt: skip
    if made == Cleaning():
        raise InputError("nothing to clean: give flags=, trend= or knots=, clip= or nightly=True")
    return made


def clean(
    nested: Nested,
    fields: LightCurveFields,
    cleaning: Cleaning,
    period: NDArray[np.float64] | None = None,
    units: Mapping[str, str] | None = None,
) -> tuple[Nested, Counts]:
    """Return light curves as they are after each step, and how many epochs went.

    Parameters
    ----------
    nested : Nested
        Of n light curves; not all fields need be there, only what `Cleaning.reads`.
    fields : LightCurveFields
    cleaning : Cleaning
    period : (n,) array, optional
        Of each light curve, days; NaN: not known. Needed where they are a column.
    units : mapping from str to str, optional
        The units of fields, where the column itself does not say them.
    """
    units = {**field_units(nested.type), **(units or {})}
    fields = with_units(fields, units)
    counts: Counts = {}
    type_ = cleaning.kept_type(nested.type, fields)
    if cleaning.flags:
        bad = np.zeros(nested.n_epochs, np.bool_)
        for rule in cleaning.flags:
            bad |= rule.bad(nested.values(rule.field))
        nested = _without(nested, bad, counts, "epochs_flagged")
    if cleaning.detrends:
        nested, left = _detrended(nested, fields, cleaning, period, units)
        counts["epochs_not_detrended"] = _per_curve(nested, left)
    if cleaning.clip is not None:
        gone = ~_kept(nested, fields, cleaning.clip, units)
        nested = _without(nested, gone, counts, "epochs_clipped")
    if cleaning.nightly:
        nested = _nightly(nested, fields, cleaning, type_, units, counts)
    return nested, counts


def _floating(field: pa.Field, is_time: bool = False) -> pa.Field:
    """Return a field of lists whose values can be any number."""
    item = field.type.value_field
    if pa.types.is_float64(item.type) or (pa.types.is_float32(item.type) and not is_time):
        return field
    large = pa.types.is_large_list(field.type)
    item = item.with_type(pa.float64())
    return field.with_type(pa.large_list(item) if large else pa.list_(item))


def _above_zero(value: float, name: str) -> float:
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} must be a finite number above zero, not {value}")
    return value


def _per_curve(nested: Nested, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    total = np.zeros(marked.size + 1, np.int64)
    np.cumsum(marked, out=total[1:])
    return total[nested.offsets[1:]] - total[nested.offsets[:-1]]


def _without(nested: Nested, gone: NDArray[np.bool_], counts: Counts, name: str) -> Nested:
    counts[name] = _per_curve(nested, gone)
    return nested.filter(~gone)


def _epochs(
    nested: Nested, fields: LightCurveFields, measured: Measured, units: Mapping[str, str]
) -> tuple[Epochs, NDArray[np.bool_]]:
    """Return the epochs, each with its band, and which of them can be used."""
    chunks = iter_epochs(
        nested.to_arrow(), replace(fields, flag=None), measured, None, units, all_bands=True
    )
    epochs = next(chunks)
    usable = np.isfinite(epochs.time) & np.isfinite(epochs.value) & (epochs.code >= 0)
    usable &= np.isfinite(epochs.error) & (epochs.error > 0)
    if fields.flag is not None:
        usable &= ~is_flagged(nested.values(fields.flag), fields.flag)
    arrays = (epochs.value.astype(np.float64), epochs.error.astype(np.float64))
    value, error, time = map(read_only, (*arrays, epochs.time))
    made = replace(epochs, time=time, value=value, error=error, code=read_only(epochs.code))
    return made, read_only(usable)


def _kept(
    nested: Nested, fields: LightCurveFields, limit: float, units: Mapping[str, str]
) -> NDArray[np.bool_]:
    measured = measured_field(fields)
    epochs, usable = _epochs(nested, fields, measured, units)
    bright = read_only(-epochs.value if measured.is_magnitude else epochs.value)
    error = epochs.error if measured.error else read_only(np.zeros(epochs.time.size))
    code = read_only(np.where(usable, epochs.code, np.int32(-1)))
    keep = np.ones(usable.size, np.bool_)
    clip_outliers(epochs.offsets, epochs.time, bright, error, code, len(epochs.bands), limit, keep)
    return keep


def _detrended(
    nested: Nested,
    fields: LightCurveFields,
    cleaning: Cleaning,
    period: NDArray[np.float64] | None,
    units: Mapping[str, str],
) -> tuple[Nested, NDArray[np.bool_]]:
    """Return the light curves without trends, and the epochs that were left as they are."""
    if cleaning.period == SEARCH:
        alone = replace(cleaning, period=None)
        period = _found_periods(_detrended(nested, fields, alone, None, units)[0], fields, units)
    elif isinstance(cleaning.period, float):
        period = np.full(nested.size, cleaning.period)
    elif period is None:
        period = np.full(nested.size, np.nan)
    period = np.where(np.isfinite(period) & (period > 0), period, np.nan)
    order = -1 if cleaning.order is None else cleaning.order
    knots = np.inf if cleaning.knots is None else cleaning.knots
    left = np.zeros(nested.n_epochs, np.bool_)
    for space in (None, "flux") if fields.mag and fields.flux else (None,):
        measured = measured_field(fields, space)
        epochs, usable = _epochs(nested, fields, measured, units)
        trend, fitted = np.zeros(usable.size), np.zeros(usable.size, np.bool_)
        fit_trends(
            epochs.offsets, epochs.time, epochs.value, epochs.error, epochs.code, usable,
            len(epochs.bands), order, knots, read_only(period), trend, fitted,
        )  # fmt: skip
        factor = factors_of(fields, measured, units).get(measured.value, 1.0)
        nested = _with_less(nested, measured.value, trend / factor)
        left |= ~fitted
    return nested, left


def _found_periods(
    nested: Nested, fields: LightCurveFields, units: Mapping[str, str]
) -> NDArray[np.float64]:
    from skyseries.timeseries.periods.periods import compute_periods

    found = compute_periods(nested.to_arrow(), fields, n_peaks=1, units=units)["period"]
    return floats(found)


def _with_less(nested: Nested, name: str, less: NDArray[np.float64]) -> Nested:
    values = nested.values(name)
    kind = values.type if pa.types.is_float32(values.type) else pa.float64()
    plain = values.cast(pa.float64(), safe=False)
    known = to_numpy(plain.is_valid())
    made = to_numpy(plain) - less
    return nested.with_field(name, pa.array(made, mask=~known).cast(kind))


def _nightly(
    nested: Nested,
    fields: LightCurveFields,
    cleaning: Cleaning,
    type_: pa.StructType,
    units: Mapping[str, str],
    counts: Counts,
) -> Nested:
    measured = measured_field(fields)
    epochs, usable = _epochs(nested, fields, measured, units)
    code = read_only(np.where(usable, epochs.code, np.int32(-1)))
    offsets, source = np.empty_like(epochs.offsets), np.empty(code.size, np.int64)
    means = np.empty((3, code.size))
    noon = read_only(_noons(epochs, fields) + (cleaning.longitude / 360.0 - 0.5))
    bin_nights(
        epochs.offsets, epochs.time, epochs.value, epochs.error, code, len(epochs.bands), noon,
        offsets, source, means,
    )  # fmt: skip
    counts["epochs_unusable"] = _per_curve(nested, ~usable)
    counts["epochs_averaged"] = nested.lengths() - counts["epochs_unusable"] - np.diff(offsets)
    n = int(offsets[-1])
    factors = factors_of(fields, measured, units)
    names = (fields.time, measured.value, measured.error)
    made = {
        name: pa.array(row[:n] / factors.get(name, 1.0))
        for name, row in zip(names, means, strict=True)
        if name is not None
    }
    before = {old.name: old for old in nested.fields}
    parts = []
    for field in type_:
        old = before[field.name]
        values = made.get(field.name)
        values = take(old.values, read_only(source[:n])) if values is None else values
        parts.append(replace(old, field=field, values=values.cast(field.type.value_type)))
    return replace(nested, offsets=read_only(offsets), fields=tuple(parts))


def _noons(epochs: Epochs, fields: LightCurveFields) -> NDArray[np.float64]:
    """Return the MJD of time 0 of each light curve; where it is not known, large times are JD."""
    if fields.time_format is not None:
        return np.full(epochs.size, zero_point(fields.time_format))
    zero = np.zeros(epochs.size)
    there = np.flatnonzero(np.diff(epochs.offsets))
    is_jd = epochs.time[epochs.offsets[there]] > _LEAST_JD
    zero[there[is_jd]] = _MJD_OF_JD
    return zero
