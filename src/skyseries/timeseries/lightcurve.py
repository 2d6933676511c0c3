"""One light curve as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.photometry import band_order
from skyseries.schema import ColumnMeta, LightCurveFields, with_column_meta
from skyseries.timeseries.measured import measured_field
from skyseries.timeseries.periodogram import Periodogram, periodogram

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FoldedLightCurve", "LightCurve"]


@dataclass(frozen=True, eq=False)
class LightCurve:
    """The epochs of one object.

    Parameters
    ----------
    time : (n,) array
        Days, in the format and scale that `fields` says.
    value : (n,) array
        Flux or magnitude (`fields.is_magnitude`); NaN where there is none.
    fields : LightCurveFields
        What the arrays are, and the survey's own names for them.
    error : (n,) array, optional
    bands : (n,) array, optional
        The band of each epoch, text or numbers, None where unknown.
    flag : (n,) array of bool, optional
        True: the survey says that the epoch is bad.
    id : int or str, optional
    ra, dec : float, optional
        Degrees.
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

    def __post_init__(self) -> None:
        for name in ("value", "error", "bands", "flag"):
            array = getattr(self, name)
            if array is not None and array.shape != self.time.shape:
                raise InputError(
                    f"{name} has shape {array.shape}, but the times have {self.time.shape}"
                )

    @classmethod
    def from_struct(
        cls,
        row: pa.StructScalar | Mapping[str, Any] | None,
        fields: LightCurveFields,
        *,
        id: int | str | None = None,
        ra: float | None = None,
        dec: float | None = None,
    ) -> LightCurve:
        """Make a light curve from one row of a nested column.

        Parameters
        ----------
        row : pyarrow.StructScalar, mapping or None
            Lists or arrays of equal length by field name; null: no epochs.
        fields : LightCurveFields
        id, ra, dec
            As for the class.
        """
        lists = _lists_of(row, fields)
        value = _floats(lists[fields.value])
        error = None if fields.error is None else _floats(lists[fields.error])
        flag = None
        if fields.flag is not None:
            given = lists[fields.flag]
            given = given if pa.types.is_boolean(given.type) else _is_not_zero(given)
            flag = pc.fill_null(given, False).to_numpy(zero_copy_only=False).astype(bool)
        bands = None
        if fields.band is not None:
            given = lists[fields.band]
            if pa.types.is_dictionary(given.type):
                given = given.dictionary_decode()
            bands = np.array(given.to_pylist(), object)
        time = _floats(lists[fields.time]).astype(np.float64)
        return cls(time, value, fields, error, bands, flag, id, ra, dec)

    def __len__(self) -> int:
        return self.time.size

    def __repr__(self) -> str:
        name = type(self).__name__ if self.id is None else f"{type(self).__name__} of {self.id}"
        if not len(self):
            return f"<{name}: no epochs>"
        bands = "" if self.bands is None else f" in {''.join(map(str, self._present()))}"
        finite = self.time[np.isfinite(self.time)]
        span = np.ptp(finite) if finite.size else 0.0
        return f"<{name}: {len(self)} epochs{bands} over {span:.5g} d>"

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
        return self._where(self.bands == band)

    def fold(self, period: float, epoch: float | None = None) -> FoldedLightCurve:
        """Return the epochs in the order of their phase; those without a time come last.

        Parameters
        ----------
        period : float
            Days.
        epoch : float, optional
            Time of phase 0; None: the first time.
        """
        if not (np.isfinite(period) and period > 0):
            raise InputError(f"the period must be a finite number above zero, not {period}")
        finite = self.time[np.isfinite(self.time)]
        zero = (float(finite.min()) if finite.size else 0.0) if epoch is None else float(epoch)
        with np.errstate(invalid="ignore"):
            phase = np.mod((self.time - zero) / period, 1.0)
        phase[phase == 1.0] = 0.0  # the remainder of a tiny negative number rounds to the divisor
        order = np.argsort(phase, kind="stable")
        ordered = self._where(order)
        own = {f.name: getattr(ordered, f.name) for f in dataclass_fields(LightCurve)}
        return FoldedLightCurve(**own, phase=phase[order], period=float(period), epoch=zero)

    def periodogram(self, **options: Any) -> Periodogram:
        """Compute the periodogram of the usable epochs.

        Parameters
        ----------
        **options
            As for `skyseries.timeseries.periodogram`; here `error_floor` is None by default (a
            quarter of the scatter of each band), as for `compute_periods`.
        """
        good = self._where(self.usable)
        options.setdefault("error_floor", None)
        if options.get("method") == "bls" and good.fields.is_magnitude:
            options = {"dips": "up", **options}
        return periodogram(good.time, good.value, good.error, good.bands, **options)

    def plot(self, period: float | None = None, ax: Any = None) -> Any:
        """Draw the usable epochs against time, or folded; returns the matplotlib Axes."""
        if period is not None:
            return self.fold(period).plot(ax=ax)
        return self._draw(None, ax, {"x": self._time_label()})

    def to_arrow(self) -> pa.Table:
        """Return the epochs as a table under the survey's own field names, with units."""
        measured = measured_field(self.fields)
        columns: list[tuple[str | None, Any, str]] = [
            (self.fields.time, self.time, "d"),
            (self.fields.band, None if self.bands is None else self.bands.tolist(), ""),
            (measured.value, self.value, measured.unit),
            (measured.error, self.error, measured.unit),
            (self.fields.flag, self.flag, ""),
        ]
        arrays, schema = [], []
        for name, data, unit in columns:
            if name is None or data is None:
                continue
            arrays.append(pa.array(data))
            field = pa.field(name, arrays[-1].type)
            schema.append(with_column_meta(field, ColumnMeta(unit=unit)))
        return pa.Table.from_arrays(arrays, schema=pa.schema(schema))

    def to_pandas(self) -> pd.DataFrame:
        """Return the epochs as a pandas DataFrame under the survey's own field names."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def _present(self) -> list[Any]:
        found = [] if self.bands is None else self.bands.tolist()
        return band_order(b for b in found if b is not None)

    def _where(self, rows: NDArray[Any]) -> LightCurve:
        parts: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[rows]
            for name in ("time", "value", "error", "bands", "flag")
        }
        return replace(self, **parts)

    def _time_label(self) -> str:
        words = (self.fields.time_format or self.fields.time, self.fields.time_scale)
        return " ".join(word.upper() for word in words if word) + " [d]"

    def _draw(self, phase: NDArray[Any] | None, ax: Any, labels: dict[str, str]) -> Any:
        from skyseries.plot.lightcurve import plot_lightcurve

        good, unit = self.usable, measured_field(self.fields).unit
        labels["y"] = f"{self.fields.value} [{unit}]" if unit else self.fields.value
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

    def plot(self, period: float | None = None, ax: Any = None) -> Any:
        """Draw two cycles of the usable epochs; returns the matplotlib Axes."""
        if period is not None and period != self.period:
            return self.fold(period, self.epoch).plot(ax=ax)
        return self._draw(self.phase, ax, {"x": f"phase (period {self.period:.8g} d)"})

    def _where(self, rows: NDArray[Any]) -> LightCurve:
        return replace(super()._where(rows), phase=self.phase[rows])  # type: ignore[call-arg]


def _lists_of(
    row: pa.StructScalar | Mapping[str, Any] | None, fields: LightCurveFields
) -> dict[str, pa.Array]:
    if row is None or (isinstance(row, pa.StructScalar) and not row.is_valid):
        return dict.fromkeys(fields.names(), pa.array([], pa.float64()))
    fields.check(row.keys())
    lists: dict[str, pa.Array] = {}
    for name in fields.names():
        item = row[name]
        if isinstance(item, pa.Scalar):
            item = item.values
        array = pa.array([], pa.float64()) if item is None else item
        lists[name] = array if isinstance(array, pa.Array) else pa.array(array, from_pandas=True)
    return lists


def _floats(array: pa.Array) -> NDArray[Any]:
    is_float = pa.types.is_float32(array.type) or pa.types.is_float64(array.type)
    array = array if is_float else array.cast(pa.float64(), safe=False)
    return array.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _is_not_zero(array: pa.Array) -> pa.Array:
    if pa.types.is_null(array.type):
        return array.cast(pa.bool_())
    return pc.not_equal(array, pa.scalar(0, array.type))
