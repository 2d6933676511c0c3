"""Feature tables: one row for each light curve of a nested column."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from skyseries.arrays import true_or_false
from skyseries.executors import report_progress
from skyseries.jit import expect
from skyseries.photometry import UGRIZY
from skyseries.schema import ColumnMeta, LightCurveFields, with_column_meta
from skyseries.schema.times import zero_point
from skyseries.timeseries.bands import Bands, band_list, band_word, bands_there, tell_absent
from skyseries.timeseries.barycentre import at_barycentre, site_of
from skyseries.timeseries.epochs import Epochs, iter_epochs, nested_column, value_type_of
from skyseries.timeseries.features.builtin import select
from skyseries.timeseries.features.published import PublishedTable, published_table
from skyseries.timeseries.features.registry import UNITS, Compute, Feature, parts_of
from skyseries.timeseries.measured import Measured, field_units, measured_field, with_units
from skyseries.timeseries.periods.limits import DEFAULT_PERIODS, period_limits
from skyseries.timeseries.segments import split_by_band
from skyseries.units import plain_unit

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation

__all__ = ["compute_features", "feature_schema", "feature_table", "occasions_of", "unit_of"]

_BLOCK = 65536
"""Epochs that are taken at a time: their arrays stay in the cache of the processor."""


@dataclass(frozen=True)
class _Column:
    """One column of a feature table."""

    name: str
    feature: Feature
    measured: Measured
    place: int | None = None
    """Position of the band, or of the pair of bands; None: all bands together."""
    where: str = ""
    """The band or bands, for the description."""
    type: pa.DataType | None = None
    """None: that of the measured field, or of the feature's unit."""

    def is_missing(self, available: Collection[str]) -> bool:
        """Whether the light curves, which have these fields, lack what it is computed from."""
        read = (self.measured.value, self.measured.error)
        lacks_error = self.feature.needs_error and self.measured.error is None
        return lacks_error or any(name is not None and name not in available for name in read)


_Key = tuple[bool, Compute]
"""Whether all bands are taken together, and what computes."""


@dataclass(frozen=True)
class _Results:
    """What was computed of all light curves of a chunk."""

    count: NDArray[np.int64]
    """(rows, bands) usable epochs."""
    rows: dict[_Key, NDArray[np.float64]]
    """(k, rows x places) numbers of each computation; nothing where there are no light curves."""


def compute_features(
    column: pa.StructArray | pa.ChunkedArray,
    fields: LightCurveFields,
    features: Sequence[str | Feature] | PublishedTable | str | None = None,
    space: str | None = None,
    bands: Sequence[str | int] | None = None,
    *,
    min_period: float = DEFAULT_PERIODS[0],
    max_period: float = DEFAULT_PERIODS[1],
    barycentric: bool = False,
    ra: ArrayLike | None = None,
    dec: ArrayLike | None = None,
    location: EarthLocation | tuple[Any, Any, Any] | None = None,
    units: Mapping[str, str] | None = None,
) -> pa.Table:
    """Compute features of every light curve of a nested column.

    Flagged epochs (flag true or not zero), values or times that are not finite, errors that are
    not above zero and epochs of no band in the list are left out and counted in ``nExcluded``.
    A feature is NULL where the light curve has too few epochs in the band, or where it is not
    defined (a division by zero).

    Times are taken as days, magnitudes as mag, and fluxes as `fields.flux_unit`; fields that say
    another unit are converted. Where `fields` says none, fluxes are in the unit that their field
    says.

    Parameters
    ----------
    column : (n,) struct array of equally long lists
        Of Arrow or another library; sliced and chunked arrays are fine; null structs and null
        lists have no epochs.
    fields : LightCurveFields
        Which field is the time, the band, ...
    features : str or sequence of str or Feature, optional
        Names of features and presets (`docs/features.md`). None: the default preset. The presets
        of published columns (``dp1``) stand alone; their columns are of fluxes, and NULL where
        the light curves lack the field (``scienceFlux``) or the errors.
    space : {None, "flux"}
        None: magnitudes stay magnitudes. "flux": magnitudes are converted to nJy, and the
        columns are named after the flux.
    bands : sequence of str or int, optional
        The bands, in the order of the columns. None: ugrizy, for text bands only. The columns
        never depend on which bands the data hold.
    min_period, max_period : float
        Limits of the periods that features search for, days, or with a unit.
    barycentric : bool
        Bring the times to the solar-system barycentre, in TDB, where the observatory is their
        reference position (`barycentric_times`).
    ra, dec : (n,) array_like, optional
        Positions of the objects, degrees (or with a unit), ICRS; or a SkyCoord as `ra`. Needed
        for `barycentric`.
    location : EarthLocation or tuple, optional
        The observatory, as for `barycentric_times`, by default Rubin's. Where it is given, nights
        are cut at its local noon; else at noon in Greenwich, as Rubin's ``day_obs``.
    units : mapping from str to str, optional
        The units of fields, where the column itself does not say them.

    Returns
    -------
    pyarrow.Table
        n rows, with the schema that `feature_schema` gives.

    Raises
    ------
    InputError
        For an unknown feature, lists of unequal length, a unit that cannot be converted, or, where
        no bands are given, data with a band outside ugrizy or bands that are not text. With
        `barycentric` also where format, scale or reference position of the times are not known.
    SchemaError
        If a field is missing or of a wrong type.

    Warns
    -----
    UserWarning
        If times are float32, and rounded to more than 9 s; if bands are given that the light
        curves lack.
    """
    column = nested_column(column)
    table = feature_table(
        column, fields, features, space, bands, min_period=min_period, max_period=max_period,
        barycentric=barycentric, ra=ra, dec=dec, location=location, units=units,
    )  # fmt: skip
    if bands is not None and fields.band is not None:
        tell_absent(bands, bands_there(column, fields.band))
    return table


def feature_table(
    column: pa.StructArray | pa.ChunkedArray,
    fields: LightCurveFields,
    features: Sequence[str | Feature] | PublishedTable | str | None = None,
    space: str | None = None,
    bands: Sequence[str | int] | None = None,
    *,
    min_period: float | None = None,
    max_period: float | None = None,
    barycentric: bool = False,
    ra: ArrayLike | None = None,
    dec: ArrayLike | None = None,
    location: EarthLocation | tuple[Any, Any, Any] | None = None,
    units: Mapping[str, str] | None = None,
) -> pa.Table:
    """Return what `compute_features` does, for a part of the light curves: it may lack bands."""
    units = {**field_units(column.type), **(units or {})}
    fields, names = with_units(fields, units), band_list(bands)
    value_type = value_type_of(column.type, fields, measured_field(fields, space).value)
    available = {field.name for field in column.type}
    is_moved = true_or_false(barycentric, "barycentric")
    columns = _columns(fields, features, space, names, available, units)
    schema = _schema(columns, value_type, _n_bands(fields, names))
    settings = {
        "period_limits": period_limits(min_period, max_period),
        "zero": None if fields.time_format is None else zero_point(fields.time_format),
        "longitude": 0.0 if location is None else math.degrees(site_of(location)[2]),
    }
    made: dict[str, pa.ChunkedArray | pa.Array] = {}
    for measured in {c.measured: None for c in columns}:
        mine = [c for c in columns if c.measured == measured and not c.is_missing(available)]
        part = pa.schema([schema.field(c.name) for c in mine])
        chunks = iter_epochs(column, fields, measured, names, units) if mine else iter(())
        if is_moved:
            chunks = at_barycentre(chunks, fields, ra, dec, location)
        batches = [
            _table(mine, part, _compute(mine, epochs, measured, settings)) for epochs in chunks
        ]
        table = pa.concat_tables(batches) if batches else part.empty_table()
        made |= zip(table.column_names, table.columns, strict=True)
    arrays = [
        made[field.name] if field.name in made else pa.nulls(len(column), field.type)
        for field in schema
    ]
    if not arrays:  # the rows are there all the same
        return pa.table({"none": pa.nulls(len(column))}).select([])
    return pa.Table.from_arrays(arrays, schema=schema)


def feature_schema(
    fields: LightCurveFields,
    features: Sequence[str | Feature] | PublishedTable | str | None = None,
    space: str | None = None,
    bands: Sequence[str | int] | None = None,
    value_type: pa.DataType | None = None,
    units: Mapping[str, str] | None = None,
) -> pa.Schema:
    """Return the schema of the table that `compute_features` makes, without any data.

    Parameters
    ----------
    fields, features, space, bands
        As for `compute_features`; with ``bands=None`` the bands are ugrizy.
    value_type : pyarrow.DataType, optional
        Type of the elements of the measured field; features are float32 where it is float32,
        else float64. None: float64. Times are always float64, counts int32.
    units : mapping from str to str, optional
        What the fields say of themselves, if `fields` has no unit of the flux.

    Returns
    -------
    pyarrow.Schema
        Each field has metadata ``unit`` and ``description``.
    """
    units = units or {}
    fields, names = with_units(fields, units), band_list(bands)
    columns = _columns(fields, features, space, names, units=units)
    is_single = value_type is not None and pa.types.is_float32(value_type)
    type_ = pa.float32() if is_single else pa.float64()
    return _schema(columns, type_, _n_bands(fields, names))


def _n_bands(fields: LightCurveFields, bands: Bands | None) -> int:
    if fields.band is None:
        return 1
    return len(UGRIZY if bands is None else bands)


def _columns(
    fields: LightCurveFields,
    features: Sequence[str | Feature] | PublishedTable | str | None,
    space: str | None,
    bands: Bands | None,
    available: Collection[str] = (),
    units: Mapping[str, str] = MappingProxyType({}),
) -> list[_Column]:
    places = _places(fields, bands)
    published = published_table(features)
    if published is not None:
        return list(_published_columns(published, fields, places["band"], available, units))
    measured = measured_field(fields, space)
    assert not isinstance(features, PublishedTable)  # noqa: S101 - for the type checker
    chosen = select(features, has_error=measured.error is not None)
    columns = [_Column(f.name, f, measured) for f in chosen if f.scope == "all"]
    for scope in ("band", "pair"):
        for place, (prefix, where) in enumerate(places[scope]):
            columns += [
                _Column(f"{prefix}{measured.name}{f.name}", f, measured, place, where)
                for f in chosen
                if f.scope == scope
            ]
    return columns


def _published_columns(
    table: PublishedTable,
    fields: LightCurveFields,
    places: Sequence[tuple[str, str]],
    available: Collection[str],
    units: Mapping[str, str],
) -> Iterator[_Column]:
    known = {f.name: f for f in select([c.feature for c in table.columns], has_error=True)}
    whole = [c for c in table.columns if known[c.feature].scope == "all"]
    of_band = [c for c in table.columns if known[c.feature].scope == "band"]
    for place, (prefix, where) in [(None, ("", "")), *enumerate(places)]:
        for column in whole if place is None else of_band:
            feature = known[column.feature]
            if column.min_epochs is not None:
                feature = replace(feature, min_epochs=column.min_epochs)
            measured = _source(column.sources, fields, available, units)
            # data without bands have columns without them
            name = column.name if prefix else column.name.removeprefix("{band}").lstrip("_")
            type_ = pa.type_for_alias(column.type)
            yield _Column(
                name.format(band=prefix.removesuffix("_")), feature, measured, place, where, type_
            )


def _source(
    sources: Sequence[str],
    fields: LightCurveFields,
    available: Collection[str],
    units: Mapping[str, str],
) -> Measured:
    """Return the flux of the light curve, or the first of the fields that there is."""
    if not sources:
        return measured_field(fields, "flux")
    name = next((name for name in sources if name in available), sources[0])
    unit = fields.flux_unit or plain_unit(units.get(name, ""))
    return Measured(name, name, f"{name}Err", unit, False)


def _places(fields: LightCurveFields, bands: Bands | None) -> dict[str, list[tuple[str, str]]]:
    """Return the prefix of the columns' names, and what the bands are called, for each scope."""
    if fields.band is None:
        return {"band": [("", "")], "pair": []}
    labels = list(UGRIZY if bands is None else bands)
    names = [band_word(band) for band in labels]
    single = [(f"{n}_", f" in band {b}") for n, b in zip(names, labels, strict=True)]
    glue = "" if all(len(name) == 1 for name in names) else "_"
    pairs = [
        (f"{names[k]}{glue}{names[k + 1]}_", f" of bands {labels[k]} and {labels[k + 1]}")
        for k in range(len(labels) - 1)
    ]
    return {"band": single, "pair": pairs}


def _schema(columns: list[_Column], value_type: pa.DataType, n_bands: int) -> pa.Schema:
    return pa.schema([_arrow_field(column, value_type, n_bands) for column in columns])


def _arrow_field(column: _Column, value_type: pa.DataType, n_bands: int) -> pa.Field:
    feature, measured = column.feature, column.measured
    type_ = {"count": pa.int32(), "time": pa.float64()}.get(feature.unit, value_type)
    type_ = column.type or type_
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


def _compute(
    columns: list[_Column],
    epochs: Epochs,
    measured: Measured,
    settings: Mapping[str, Any],
) -> _Results:
    """Compute what the columns need, one block of light curves after the other.

    The settings are those of `split_by_band`.
    """
    own = {c.feature.name: c.feature for c in columns}.values()
    expect(*occasions_of(own))
    needed = {_key(f): f for feature in own for f in parts_of(feature) or (feature,)}
    found: dict[_Key, list[NDArray[np.float64]]] = {key: [] for key in needed}
    counts = [np.empty((0, len(epochs.bands)), np.int64)]
    done = 0
    for block in epochs.blocks(_BLOCK):
        report_progress(done / epochs.size)
        done += block.size
        segments = split_by_band(block, is_magnitude=measured.is_magnitude, **settings)
        counts.append(segments.count.reshape(-1, len(epochs.bands)))
        for key in needed:
            given = segments.whole if key[0] else segments
            found[key].append(given.once(key[1]))
    return _Results(
        np.concatenate(counts),
        {key: np.concatenate(rows, axis=1) for key, rows in found.items() if rows},
    )


def occasions_of(features: Iterable[Feature]) -> tuple[str, ...]:
    """Return what computing features is to `skyseries.jit.expect`."""
    return "features", *(f"features.{feature.name}" for feature in features)


def _key(feature: Feature) -> _Key:
    assert feature.compute is not None  # noqa: S101 - it has no parts
    return feature.scope == "all", feature.compute


def _table(columns: list[_Column], schema: pa.Schema, results: _Results) -> pa.Table:
    arrays = [
        _list_array(column.feature, results, field.type)
        if column.feature.parts
        else _number_array(column, results, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _numbers(feature: Feature, results: _Results) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the (rows, places) numbers of a feature, and where they are undefined."""
    count = results.count
    if feature.scope == "all":
        count = count.sum(axis=1, keepdims=True)
    elif feature.scope == "pair":
        count = np.minimum(count[:, :-1], count[:, 1:])
    if not count.size:
        return np.empty(count.shape), np.ones(count.shape, np.bool_)
    numbers = results.rows[_key(feature)][feature.output].reshape(count.shape)
    return numbers, ~np.isfinite(numbers) | (count < feature.min_epochs)


def _number_array(column: _Column, results: _Results, type_: pa.DataType) -> pa.Array:
    numbers, null = _numbers(column.feature, results)
    place = column.place or 0
    return _arrow_array(numbers[:, place], null[:, place], type_)


def _list_array(feature: Feature, results: _Results, type_: pa.DataType) -> pa.Array:
    found = [_numbers(part, results) for part in parts_of(feature)]
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
    null = null | ~np.isfinite(typed)
    bits = None
    if n_null := int(np.count_nonzero(null)):
        typed[null] = 0
        bits = pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(type_, typed.size, [bits, pa.py_buffer(typed)], n_null)
