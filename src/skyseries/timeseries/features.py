"""Feature tables: one row for each light curve of a nested column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.photometry import UGRIZY
from skyseries.schema import ColumnMeta, LightCurveFields, with_column_meta
from skyseries.timeseries.epochs import Epochs, iter_epochs, value_type_of
from skyseries.timeseries.measured import Measured, measured_field
from skyseries.timeseries.registry import Compute, Feature, select
from skyseries.timeseries.segments import split_by_band

__all__ = ["compute_features", "feature_schema"]


@dataclass(frozen=True)
class _Column:
    """One column of a feature table."""

    name: str
    feature: Feature
    band: int | None = None
    """Position of the band; None: all bands together, or data without bands."""
    label: str | int | None = None
    """The band itself."""


def compute_features(
    column: pa.StructArray | pa.ChunkedArray,
    fields: LightCurveFields,
    features: Sequence[str] | str | None = None,
    space: str | None = None,
    bands: Sequence[str | int] | None = None,
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
    features : str or sequence of str, optional
        Names of features and presets (`docs/features.md`). None: the default preset.
    space : {None, "flux"}
        None: magnitudes stay magnitudes. "flux": magnitudes are converted to nJy, and the
        columns are named after the flux.
    bands : sequence of str or int, optional
        The bands, in the order of the columns. None: ugrizy, for text bands only. The columns
        never depend on which bands the data hold.

    Returns
    -------
    pyarrow.Table
        n rows, with the schema that `feature_schema` gives.

    Raises
    ------
    InputError
        For an unknown feature, lists of unequal length, or, where no bands are given, data with
        a band outside ugrizy or bands that are not text.
    SchemaError
        If a field is missing or of a wrong type.
    """
    measured = measured_field(fields, space)
    columns = _columns(fields, measured, features, bands)
    value_type = value_type_of(column.type, fields, measured.value)
    schema = _schema(columns, measured, value_type)
    batches = [
        _table(columns, schema, epochs) for epochs in iter_epochs(column, fields, measured, bands)
    ]
    return pa.concat_tables(batches) if batches else schema.empty_table()


def feature_schema(
    fields: LightCurveFields,
    features: Sequence[str] | str | None = None,
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
    return _schema(columns, measured, pa.float32() if is_single else pa.float64())


def _columns(
    fields: LightCurveFields,
    measured: Measured,
    features: Sequence[str] | str | None,
    bands: Sequence[str | int] | None,
) -> list[_Column]:
    chosen = select(features, has_error=measured.error is not None)
    columns = [_Column(f.name, f) for f in chosen if f.scope == "all"]
    per_band = [f for f in chosen if f.scope == "band"]
    if fields.band is None:
        return columns + [_Column(f"{measured.name}{f.name}", f) for f in per_band]
    for position, band in enumerate(UGRIZY if bands is None else bands):
        prefix = f"band{band}" if isinstance(band, int) else band
        for feature in per_band:
            name = f"{prefix}_{measured.name}{feature.name}"
            columns.append(_Column(name, feature, position, band))
    return columns


def _schema(columns: list[_Column], measured: Measured, value_type: pa.DataType) -> pa.Schema:
    return pa.schema([_arrow_field(column, measured, value_type) for column in columns])


def _arrow_field(column: _Column, measured: Measured, value_type: pa.DataType) -> pa.Field:
    feature = column.feature
    type_ = {"count": pa.int32(), "time": pa.float64()}.get(feature.unit, value_type)
    unit = {
        "time": "d",
        "value": measured.unit,
        "value/time": f"{measured.unit}/d" if measured.unit else "",
    }.get(feature.unit, "")
    where = "" if feature.scope == "all" else f" of {measured.name}"
    if column.band is not None:
        where += f" in band {column.label}"
    meta = ColumnMeta(unit=unit, description=f"{feature.description}{where}")
    return with_column_meta(pa.field(column.name, type_), meta)


def _table(columns: list[_Column], schema: pa.Schema, epochs: Epochs) -> pa.Table:
    segments = split_by_band(epochs)
    n_bands = len(epochs.bands)
    scopes = {"band": segments, "all": segments.whole(n_bands)}
    done: dict[tuple[Compute, str], NDArray[np.float64]] = {}
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        feature = column.feature
        key = (feature.compute, feature.scope)
        if key not in done:
            done[key] = feature.compute(scopes[feature.scope])
        step = slice(column.band or 0, None, n_bands if feature.scope == "band" else 1)
        count = scopes[feature.scope].count[step]
        arrays.append(_arrow_array(done[key][feature.output][step], count, feature, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _arrow_array(
    numbers: NDArray[np.float64], count: NDArray[np.int64], feature: Feature, type_: pa.DataType
) -> pa.Array:
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, then NULL
        typed = numbers.astype(type_.to_pandas_dtype()) if feature.unit != "count" else numbers
    null = ~np.isfinite(typed) | (count < feature.min_epochs)
    if feature.unit == "count":
        return pa.array(numbers.astype(np.int64), type_, mask=null)
    return pa.array(typed, type_, mask=null)
