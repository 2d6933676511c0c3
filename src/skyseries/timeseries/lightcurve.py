"""One light curve as arrays."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrays import days_long, labels, measured
from skyseries.errors import InputError, MissingDependencyError, SchemaError
from skyseries.nested import Nested
from skyseries.photometry import band_order
from skyseries.schema import ColumnMeta, LightCurveFields, column_meta, with_column_meta
from skyseries.timeseries.bands import asked_bands, one_band
from skyseries.timeseries.cleaning import clean, cleaning_of
from skyseries.timeseries.features.compute import feature_table
from skyseries.timeseries.given import errors_of, flags_of, id_of, moment, place_of, times_of
from skyseries.timeseries.intake import parts_of_row
from skyseries.timeseries.measured import field_units, measured_field, with_units
from skyseries.timeseries.nesting import to_nested
from skyseries.timeseries.periods.limits import DEFAULT_PERIODS
from skyseries.timeseries.periods.periodogram import Periodogram, periodogram
from skyseries.timeseries.periods.periods import compute_periods
from skyseries.units import factor_to

if TYPE_CHECKING:
    import pandas as pd

    from skyseries.timeseries.features.published import PublishedTable
    from skyseries.timeseries.features.registry import Feature

__all__ = ["FoldedLightCurve", "LightCurve"]


@dataclass(frozen=True, eq=False)
class LightCurve:
    """The epochs of one object.

    Arrays of any library are taken, and lists: what is masked or null is NaN in numbers and None in
    bands, and what says a unit is converted.

    Parameters
    ----------
    time : (n,) array
        Days, in the format and scale that `fields` says. Time and dates come to them; where
        `fields` says none, they become MJD, and `fields` says that.
    value : (n,) array
        Flux or magnitude (`fields.is_magnitude`); NaN where there is none. Float32 stays so. A
        flux is in `fields.flux_unit`, which is that of the array if there was none.
    fields : LightCurveFields
        What the arrays are, and the survey's own names for them.
    error : (n,) array, optional
        In the unit of the values; a single number is that of all epochs.
    bands : (n,) array, optional
        The band of each epoch, text or whole numbers, None where unknown; a single one is that of
        all epochs.
    flag : (n,) array of bool, optional
        True (or not zero): the survey says that the epoch is bad.
    id : int or str, optional
    ra, dec : float, optional
        Degrees, ICRS; or a SkyCoord as `ra`.

    Raises
    ------
    InputError
        For arrays of unequal length, what are no times, numbers, bands or flags, and units that
        cannot be converted.

    Warns
    -----
    UserWarning
        If times are of a type that rounds them to more than 9 s, such as a float32 Julian day.
    """

    time: NDArray[np.float64]
    value: NDArray[Any]
    fields: LightCurveFields
    error: NDArray[Any] | None = None
    bands: NDArray[Any] | None = None
    flag: NDArray[np.bool_] | None = None
    id: int | str | None = None
    ra: float | None = None
    dec: float | None = None
    cleaned: Mapping[str, int] = field(default_factory=dict, init=False)
    """What `clean` has done: how many epochs were flagged, clipped, ..., and are gone."""

    def __post_init__(self) -> None:
        time, fields = times_of(self.time, with_units(self.fields, {}), "time")
        value, said = measured(self.value, "value", keep_single=True)
        fields = with_units(fields, {fields.flux or "": "" if fields.is_magnitude else said})
        unit = measured_field(fields).unit
        factor = factor_to(said, unit, "value")
        made: dict[str, Any] = {
            "time": time, "fields": fields,
            "value": value if factor == 1.0 else value * value.dtype.type(factor),
        }  # fmt: skip
        if self.error is not None:
            made["error"] = errors_of(self.error, unit, value.shape, "error", keep_single=True)
        if self.bands is not None:
            names, there = labels(self.bands, "bands", time.size)
            made["bands"] = names = names.astype(object)
            names[~there] = None
        if self.flag is not None:
            made["flag"] = flags_of(self.flag)
        for name, array in made.items():
            if name != "fields" and (array.shape != time.shape or time.ndim != 1):
                raise InputError(
                    f"{name} has shape {array.shape}, but the times have {time.shape}"
                    if time.ndim == 1
                    else f"the times must be a row, not of shape {time.shape}"
                )
        ra, dec = place_of(self.ra, self.dec)
        self._set(**made, id=id_of(self.id), ra=ra, dec=dec)

    def _set(self, **parts: Any) -> None:
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    @classmethod
    def from_struct(
        cls,
        row: pa.StructScalar | Mapping[str, Any] | None,
        fields: LightCurveFields,
        *,
        id: int | str | None = None,
        ra: float | None = None,
        dec: float | None = None,
        units: Mapping[str, str] | None = None,
    ) -> LightCurve:
        """Make a light curve from one row of a nested column.

        Parameters
        ----------
        row : pyarrow.StructScalar, mapping or None
            Lists or arrays of equal length by field name; null: no epochs.
        fields : LightCurveFields
        id, ra, dec
            As for the class.
        units : mapping from str to str, optional
            The units of fields, where the row itself does not say them. Other units than days,
            mag and `fields.flux_unit` are converted to those.

        Raises
        ------
        SchemaError
            If a field is missing.
        InputError
            As for the class.
        """
        lists = _lists_of(row, fields)
        said = field_units(row.type) if isinstance(row, pa.StructScalar) else {}
        said |= units or {}
        parts = parts_of_row(lists, fields, said)._replace(id=id, ra=ra, dec=dec)
        return cls(**parts._asdict())

    def __len__(self) -> int:
        return self.time.size

    def __repr__(self) -> str:
        name = type(self).__name__ if self.id is None else f"{type(self).__name__} of {self.id}"
        if not len(self):
            return f"<{name}: no epochs>"
        names = [str(band) for band in self._present()]
        bands = f" in {('' if all(len(n) == 1 for n in names) else ', ').join(names)}"
        bands = bands if names else ""
        finite = self.time[np.isfinite(self.time)]
        span = np.ptp(finite) if finite.size else 0.0
        told = [f"{n} {why}" for why, n in self.cleaned.items() if n]
        cleaned = f"; cleaned: {', '.join(told)}" if told else ""
        return f"<{name}: {len(self)} epochs{bands} over {span:.5g} d{cleaned}>"

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(n,) whether the epoch is not flagged, finite, and has an error above zero (if any)."""
        good: NDArray[np.bool_] = np.isfinite(self.time) & np.isfinite(self.value)
        if self.error is not None:
            good &= np.isfinite(self.error) & (self.error > 0)
        if self.flag is not None:
            good &= ~self.flag
        if self.bands is not None:
            good &= np.array([b is not None for b in self.bands], bool)
        return good

    def band(self, band: str | int) -> LightCurve:
        """Return the epochs of one band; none if the band is not there."""
        if self.bands is None:
            raise InputError(f"this light curve has no bands, so none is {band!r}")
        chosen = self._where(self.bands == one_band(band))
        chosen._set(cleaned={})
        return chosen

    def fold(self, period: Any, epoch: Any = None) -> FoldedLightCurve:
        """Return the epochs in the order of their phase; those without a time come last.

        Parameters
        ----------
        period : float, Quantity or time interval
            Days, or with a unit.
        epoch : float, Time or date, optional
            Time of phase 0, as the times are (a Time comes to their format and scale); None: the
            first time.

        Raises
        ------
        InputError
            For a period that is no length of time above zero, or a date where the format of the
            times is not known.
        """
        period = days_long(period, "period")
        if not (np.isfinite(period) and period > 0):
            raise InputError(f"the period must be a finite number above zero, not {period}")
        finite = self.time[np.isfinite(self.time)]
        first = float(finite.min()) if finite.size else 0.0
        zero = first if epoch is None else moment(epoch, self.fields, "epoch")
        with np.errstate(invalid="ignore"):
            phase = np.mod((self.time - zero) / period, 1.0)
        phase[phase == 1.0] = 0.0  # the remainder of a tiny negative number rounds to the divisor
        order = np.argsort(phase, kind="stable")
        ordered = self._where(order)
        own = {f.name: getattr(ordered, f.name) for f in dataclass_fields(LightCurve) if f.init}
        folded = FoldedLightCurve(**own, phase=phase[order], period=period, epoch=zero)
        folded._set(cleaned=self.cleaned)
        return folded

    def clean(
        self,
        *,
        flags: bool | None = None,
        trend: int | None = None,
        knots: Any = None,
        period: Any = None,
        clip: float | None = None,
        nightly: bool = False,
        location: Any = None,
    ) -> LightCurve:
        """Make the light curve ready for a search, as `Catalog.clean_lightcurves` does of many.

        Parameters
        ----------
        flags : bool
            True: leave out flagged epochs.
        trend, knots, clip, nightly, location
            As for `Catalog.clean_lightcurves`, in the order that it says.
        period : float or "search", optional
            As there; days, or with a unit.

        Returns
        -------
        LightCurve
            Its `cleaned` and its repr tell how many epochs are gone, and why.
        """
        if not isinstance(flags, bool | np.bool_ | None):
            raise InputError(f"a LightCurve has one flag: flags is True or False, not {flags!r}")
        if flags and self.flag is None:
            raise SchemaError(
                "this light curve has no flag: as_lightcurve(..., flag=) gives it one"
            )
        if isinstance(period, str) and period != "search":
            raise InputError(f"period is a length of time or 'search', not {period!r}")
        column, fields = to_nested([self])
        cleaning = cleaning_of(
            fields, flags=flags, trend=trend, knots=knots, period=period, clip=clip,
            nightly=nightly, location=location,
        )  # fmt: skip
        nested, counts = clean(Nested.from_arrow(column), fields, cleaning)
        if nightly:
            fields = replace(fields, flag=None)
        found = LightCurve.from_struct(
            nested.to_arrow()[0], fields, id=self.id, ra=self.ra, dec=self.dec
        )
        words = {name: name.removeprefix("epochs_").replace("_", " ") for name in counts}
        found._set(cleaned={words[name]: int(n[0]) for name, n in counts.items()})
        return found

    def features(
        self,
        features: Sequence[str | Feature] | PublishedTable | str | None = None,
        space: str | None = None,
        bands: Sequence[str | int] | None = None,
        *,
        min_period: Any = DEFAULT_PERIODS[0],
        max_period: Any = DEFAULT_PERIODS[1],
        barycentric: bool = False,
        location: Any = None,
    ) -> dict[str, Any]:
        """Compute features, as `skyseries.timeseries.compute_features` does of many.

        Parameters
        ----------
        features, space, min_period, max_period, barycentric, location
            As for `compute_features`; the position is that of the light curve.
        bands : sequence of str or int, optional
            None: those that the light curve has.

        Returns
        -------
        dict
            By name of the column: a number, a list of numbers, or None where it is NULL.
        """
        bands = asked_bands(bands, self._present() or None)
        column, fields = to_nested([self])
        table = feature_table(
            column, fields, features, space, bands, min_period=min_period, max_period=max_period,
            barycentric=barycentric, location=location, **self._place_of_one(),
        )  # fmt: skip
        return {name: table[name][0].as_py() for name in table.column_names}

    def periods(
        self, *, bands: Sequence[str | int] | None = None, **options: Any
    ) -> dict[str, Any]:
        """Search for the period, as `skyseries.timeseries.compute_periods` does of many.

        Parameters
        ----------
        bands : sequence of str or int, optional
            Bands that get columns; None: those that the light curve has.
        **options
            As for `compute_periods`; the position is that of the light curve.

        Returns
        -------
        dict
            By name of the column; None where it is NULL.
        """
        column, fields = to_nested([self])
        bands = asked_bands(bands, self._present() or None)
        options = {**self._place_of_one(), "bands": bands, **options}
        found: dict[str, Any] = compute_periods(column, fields, **options).to_pylist()[0]
        return found

    def periodogram(self, **options: Any) -> Periodogram:
        """Compute the periodogram of the usable epochs.

        Parameters
        ----------
        **options
            As for `skyseries.timeseries.periodogram`; here `error_floor` is None by default (a
            quarter of the scatter of each band), as for `compute_periods`.
        """
        return periodogram(self, **{"error_floor": None, **options})

    def plot(self, period: Any = None, ax: Any = None) -> Any:
        """Draw the usable epochs against time, or folded; returns the matplotlib Axes."""
        if period is not None:
            return self.fold(period).plot(ax=ax)
        return self._draw(None, ax, {"x": self._time_label()})

    def to_arrow(self) -> pa.Table:
        """Return the epochs as a table under the survey's own field names.

        The metadata of its fields have units, and the format and scale of the times.
        """
        measured, named = measured_field(self.fields), self.named_fields
        columns: list[tuple[str | None, Any, str]] = [
            (named.time, self.time, "d"),
            (named.band, None if self.bands is None else self.bands.tolist(), ""),
            (named.value, self.value, measured.unit),
            (named.error, self.error, measured.unit),
            (named.flag, self.flag, ""),
        ]
        arrays, schema = [], []
        for name, data, unit in columns:
            if name is None or data is None:
                continue
            arrays.append(pa.array(data))
            field = pa.field(name, arrays[-1].type)
            schema.append(with_column_meta(field, ColumnMeta(unit=unit)))
        words = {"time_format": self.fields.time_format, "time_scale": self.fields.time_scale}
        known = {key: word for key, word in words.items() if word is not None}
        schema[0] = schema[0].with_metadata({**schema[0].metadata, **known})
        return pa.Table.from_arrays(arrays, schema=pa.schema(schema))

    def to_pandas(self) -> pd.DataFrame:
        """Return the epochs as a pandas DataFrame under the survey's own field names.

        The units of its columns are in ``attrs["units"]``.
        """
        table = self.to_arrow()
        try:
            frame: pd.DataFrame = table.to_pandas()
        except ImportError as error:
            raise MissingDependencyError("pandas", "pandas") from error
        frame.attrs["units"] = {f.name: u for f in table.schema if (u := column_meta(f).unit)}
        return frame

    @property
    def named_fields(self) -> LightCurveFields:
        """The fields that `to_arrow` gives: of the arrays that there are, each with a name."""
        value = "mag" if self.fields.is_magnitude else "flux"
        error = self.fields.error or f"{self.fields.value}_err"
        names: dict[str, str | None] = dict.fromkeys(("mag", "mag_err", "flux", "flux_err"))
        names |= {value: self.fields.value, f"{value}_err": error}
        names |= {"band": self.fields.band or "band", "flag": self.fields.flag or "flag"}
        arrays = {f"{value}_err": self.error, "band": self.bands, "flag": self.flag}
        names |= {role: None for role, array in arrays.items() if array is None}
        return replace(self.fields, **names)  # type: ignore[arg-type]  # the time stays

    def _place_of_one(self) -> dict[str, Any]:
        known = self.ra is not None and self.dec is not None
        return {"ra": [self.ra], "dec": [self.dec]} if known else {}

    def _present(self) -> list[Any]:
        found = [] if self.bands is None else self.bands.tolist()
        return band_order(b for b in found if b is not None)

    def _where(self, rows: NDArray[Any]) -> LightCurve:
        chosen = copy.copy(self)
        for name in ("time", "value", "error", "bands", "flag"):
            if (array := getattr(self, name)) is not None:
                chosen._set(**{name: array[rows]})
        return chosen

    def _time_label(self) -> str:
        known = self.fields.time_format
        words = (
            known.upper() if known else self.fields.time,
            (self.fields.time_scale or "").upper(),
        )
        return " ".join(word for word in words if word) + " [d]"

    def _value_label(self) -> str:
        name, unit = self.fields.value, measured_field(self.fields).unit
        name = "magnitude" if name.lower() == unit else name
        return f"{name} [{unit}]" if unit else name

    def _draw(self, phase: NDArray[Any] | None, ax: Any, labels: dict[str, str]) -> Any:
        from skyseries.plot.lightcurve import plot_lightcurve

        good = self.usable
        labels["y"] = self._value_label()
        if self.id is not None:
            labels["title"] = str(self.id)
        return plot_lightcurve(
            self.time[good],
            self.value[good],
            None if self.error is None else self.error[good],
            None if self.bands is None else self.bands[good],
            is_magnitude=self.fields.is_magnitude,
            labels=labels,
            ax=ax,
            phase=None if phase is None else phase[good],
        )


@dataclass(frozen=True, eq=False, repr=False)
class FoldedLightCurve(LightCurve):
    """A light curve in the order of its phase.

    Parameters
    ----------
    phase : (n,) array
        From 0 up to (not with) 1.
    period : float
        Days.
    epoch : float
        Time of phase 0.
    """

    phase: NDArray[np.float64] = None  # type: ignore[assignment]
    period: float = np.nan
    epoch: float = np.nan

    def plot(self, period: Any = None, ax: Any = None) -> Any:
        """Draw two cycles of the usable epochs; returns the matplotlib Axes."""
        if period is not None and days_long(period, "period") != self.period:
            return self.fold(period, self.epoch).plot(ax=ax)
        return self._draw(self.phase, ax, {"x": f"phase (period {self.period:.8g} d)"})

    def _where(self, rows: NDArray[Any]) -> LightCurve:
        chosen = super()._where(rows)
        chosen._set(phase=self.phase[rows])
        return chosen


def _lists_of(
    row: pa.StructScalar | Mapping[str, Any] | None, fields: LightCurveFields
) -> dict[str, Any]:
    """Return the list of each field that has a role; a null one has no epochs."""
    if row is None or (isinstance(row, pa.StructScalar) and not row.is_valid):
        return dict.fromkeys(fields.names(), pa.array([], pa.float64()))
    fields.check(row.keys())
    lists: dict[str, Any] = {}
    for name in fields.names():
        item = row[name]
        if isinstance(item, pa.Scalar):
            item = item.values
        lists[name] = pa.array([], pa.float64()) if item is None else item
    return lists
