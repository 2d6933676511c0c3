"""Feature tables: one row for each light curve of a nested column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from skyseries.photometry import UGRIZY
from skyseries.schema import ColumnMeta, LightCurveFields, with_column_meta
from skyseries.timeseries.barycentre import at_barycentre
from skyseries.timeseries.epochs import Epochs, iter_epochs, value_type_of
from skyseries.timeseries.measured import Measured, measured_field
from skyseries.timeseries.periodogram import DEFAULT_PERIODS, frequency_limits
from skyseries.timeseries.registry import UNITS, Feature, parts_of, select
from skyseries.timeseries.segments import Segments, split_by_band

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation

__all__ = ["compute_features", "feature_schema", "unit_of"]


@dataclass(frozen=True)
class _Column:
    """One column of a feature table."""

    name: str
    feature: Feature
    place: int | None = None
    """Position of the band, or of the pair of bands; None: all bands together."""
    where: str = ""
    """The band or bands, for the description."""


def compute_features(
    column: pa.StructArray | pa.ChunkedArray,
    fields: LightCurveFields,
    features: Sequence[str | Feature] | str | None = None,
    space: str | None = None,
    bands: Sequence[str | int] | None = None,
    *,
    min_period: float = DEFAULT_PERIODS[0],
    max_period: float = DEFAULT_PERIODS[1],
    barycentric: bool = False,
    ra: ArrayLike | None = None,
    dec: ArrayLike | None = None,
    location: EarthLocation | tuple[float, float, float] | None = None,
) -> pa.Table:
    """Compute features of every light curve of a nested column.

    Flagged epochs (flag true or not zero), values or times that are not finite, errors that are
    not above zero and epochs of no band in the list are left out and counted in ``nExcluded``.
    A feature is NULL where the light curve has too few epochs in the band, or where it is not
    defined (a division by zero).

    Parameters
    ----------
    column : (n,) struct array of equally long lists
        Sliced and chunked arrays are fine; null structs and null lists have no epochs.
    fields : LightCurveFields
        Which field is the time, the band, ...
    features : str or sequence of str or Feature, optional
        Names of features and presets (`docs/features.md`). None: the default preset.
    space : {None, "flux"}
        None: magnitudes stay magnitudes. "flux": magnitudes are converted to nJy, and the
        columns are named after the flux.
    bands : sequence of str or int, optional
        The bands, in the order of the columns. None: ugrizy, for text bands only. The columns
        never depend on which bands the data hold.
    min_period, max_period : float
        Limits of the periods that features search for, days.
    barycentric : bool
        Bring the times to the solar-system barycentre, in TDB, where the observatory is their
        reference position (`barycentric_times`).
    ra, dec : (n,) array_like, optional
        Positions of the objects, degrees, ICRS; needed for `barycentric`.
    location : EarthLocation or tuple, optional
        The observatory; by default Rubin's.

    Returns
    -------
    pyarrow.Table
        n rows, with the schema that `feature_schema` gives.

    Raises
    ------
    InputError
        For an unknown feature, lists of unequal length, or, where no bands are given, data with
        a band outside ugrizy or bands that are not text. With `barycentric` also where format,
        scale or reference position of the times are not known.
    SchemaError
        If a field is missing or of a wrong type.
    """
    frequency_limits(min_period, max_period)
    measured = measured_field(fields, space)
    columns = _columns(fields, measured, features, bands)
    value_type = value_type_of(column.type, fields, measured.value)
    schema = _schema(columns, measured, value_type, _n_bands(fields, bands))
    chunks = iter_epochs(column, fields, measured, bands)
    if barycentric:
        chunks = at_barycentre(chunks, fields, ra, dec, location)
    batches = [
        _table(columns, schema, _segments(epochs, measured, (min_period, max_period)))
        for epochs in chunks
    ]
    return pa.concat_tables(batches) if batches else schema.empty_table()


def feature_schema(
    fields: LightCurveFields,
    features: Sequence[str | Feature] | str | None = None,
    space: str | None = None,
    bands: Sequence[str | int] | None = None,
    value_type: pa.DataType | None = None,
) -> pa.Schema:
    """Return the schema of the table that `compute_features` makes, without any data.

    Parameters
    ----------
    fields, features, space, bands
        As for `compute_features`; with ``bands=None`` the bands are ugrizy.
    value_type : pyarrow.DataType, optional
        Type of the elements of the measured field; features are float32 where it is float32,
        else float64. None: float64. Times are always float64, counts int32.

    Returns
    -------
    pyarrow.Schema
        Each field has metadata ``unit`` and ``description``.
    """
    measured = measured_field(fields, space)
    columns = _columns(fields, measured, features, bands)
    is_single = value_type is not None and pa.types.is_float32(value_type)
    type_ = pa.float32() if is_single else pa.float64()
    return _schema(columns, measured, type_, _n_bands(fields, bands))


def _n_bands(fields: LightCurveFields, bands: Sequence[str | int] | None) -> int:
    if fields.band is None:
        return 1
    return len(UGRIZY if bands is None else bands)


def _columns(
    fields: LightCurveFields,
    measured: Measured,
    features: Sequence[str | Feature] | str | None,
    bands: Sequence[str | int] | None,
) -> list[_Column]:
    chosen = select(features, has_error=measured.error is not None)
    columns = [_Column(f.name, f) for f in chosen if f.scope == "all"]
    places = _places(fields, bands)
    for scope in ("band", "pair"):
        for place, (prefix, where) in enumerate(places[scope]):
            columns += [
                _Column(f"{prefix}{measured.name}{f.name}", f, place, where)
                for f in chosen
                if f.scope == scope
            ]
    return columns


def _places(
    fields: LightCurveFields, bands: Sequence[str | int] | None
) -> dict[str, list[tuple[str, str]]]:
    """Return the prefix of the columns' names, and what the bands are called, for each scope."""
    if fields.band is None:
        return {"band": [("", "")], "pair": []}
    labels = list(UGRIZY if bands is None else bands)
    names = [f"band{band}" if isinstance(band, int) else band for band in labels]
    single = [(f"{n}_", f" in band {b}") for n, b in zip(names, labels, strict=True)]
    glue = "" if all(len(name) == 1 for name in names) else "_"
    pairs = [
        (f"{names[k]}{glue}{names[k + 1]}_", f" of bands {labels[k]} and {labels[k + 1]}")
        for k in range(len(labels) - 1)
    ]
    return {"band": single, "pair": pairs}


def _schema(
    columns: list[_Column], measured: Measured, value_type: pa.DataType, n_bands: int
) -> pa.Schema:
    return pa.schema([_arrow_field(column, measured, value_type, n_bands) for column in columns])


def _arrow_field(
    column: _Column, measured: Measured, value_type: pa.DataType, n_bands: int
) -> pa.Field:
    feature = column.feature
    type_ = {"count": pa.int32(), "time": pa.float64()}.get(feature.unit, value_type)
    if feature.parts:
        type_ = pa.list_(value_type, n_bands * len(feature.parts))
    where = "" if feature.scope == "all" else f" of {measured.name}"
    unit = "" if feature.parts else unit_of(feature, measured.unit)
    meta = ColumnMeta(unit=unit, description=f"{feature.description}{where}{column.where}")
    return with_column_meta(pa.field(column.name, type_), meta)


def unit_of(feature: Feature, value_unit: str) -> str:
    """Return the unit of a feature, as VOUnit writes it; empty where that of the values is."""
    if feature.unit in ("mag", "rad"):
        return feature.unit
    value, time = UNITS[feature.unit]
    if value and not value_unit:
        return ""
    powers = [(value_unit, value), ("d", time)]
    above = [f"{name}**{p}" if p > 1 else name for name, p in powers if p > 0]
    below = [f"{name}**{-p}" if p < -1 else name for name, p in powers if p < 0]
    return "/".join([".".join(above) or "1", *below]) if below else ".".join(above)


def _segments(epochs: Epochs, measured: Measured, period_limits: tuple[float, float]) -> Segments:
    return split_by_band(epochs, is_magnitude=measured.is_magnitude, period_limits=period_limits)


def _table(columns: list[_Column], schema: pa.Schema, segments: Segments) -> pa.Table:
    arrays = [
        _list_array(column.feature, segments, field.type)
        if column.feature.parts
        else _number_array(column, segments, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _numbers(feature: Feature, segments: Segments) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the (rows, places) numbers of a feature, and where they are undefined."""
    n_bands = len(segments.bands)
    given = segments.whole if feature.scope == "all" else segments
    assert feature.compute is not None  # noqa: S101 - it has no parts
    n_places = {"all": 1, "band": n_bands, "pair": n_bands - 1}[feature.scope]
    count = given.count.reshape(-1, 1 if feature.scope == "all" else n_bands)
    if feature.scope == "pair":
        count = np.minimum(count[:, :-1], count[:, 1:])
    numbers = given.once(feature.compute)[feature.output].reshape(-1, n_places)
    return numbers, ~np.isfinite(numbers) | (count < feature.min_epochs)


def _number_array(column: _Column, segments: Segments, type_: pa.DataType) -> pa.Array:
    numbers, null = _numbers(column.feature, segments)
    place = column.place or 0
    return _arrow_array(numbers[:, place], null[:, place], type_)


def _list_array(feature: Feature, segments: Segments, type_: pa.DataType) -> pa.Array:
    found = [_numbers(part, segments) for part in parts_of(feature)]
    numbers = np.stack([numbers for numbers, _ in found], axis=2)
    null = np.stack([null for _, null in found], axis=2)
    flat = _arrow_array(numbers.ravel(), null.ravel(), type_.value_type)
    return pa.FixedSizeListArray.from_arrays(flat, type=type_)


def _arrow_array(
    numbers: NDArray[np.float64], null: NDArray[np.bool_], type_: pa.DataType
) -> pa.Array:
    if pa.types.is_integer(type_):
        return pa.array(np.where(null, 0, numbers).astype(np.int64), type_, mask=null)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, then NULL
        typed = numbers.astype(type_.to_pandas_dtype())
    return pa.array(typed, type_, mask=null | ~np.isfinite(typed))
