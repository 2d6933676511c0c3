"""From a nested Arrow column to flat arrays: the epochs of many light curves end to end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrays import warn_coarse
from skyseries.arrow import is_list, is_number, list_lengths, plain_array, to_numpy
from skyseries.errors import InputError, SchemaError
from skyseries.lazy import pc
from skyseries.photometry import mag_to_njy
from skyseries.schema import LightCurveFields
from skyseries.timeseries.bands import Bands, band_codes
from skyseries.timeseries.measured import Measured, factors_of

__all__ = ["Epochs", "is_flagged", "iter_epochs", "nested_column", "value_type_of"]


@dataclass(frozen=True)
class Epochs:
    """The epochs of `size` light curves end to end."""

    offsets: NDArray[np.int64]
    """(size + 1,) where each light curve begins."""
    time: NDArray[np.float64]
    """(m,) days."""
    value: NDArray[Any]
    """(m,) float32 or float64; NaN where null."""
    error: NDArray[Any]
    """(m,) of the same type; ones where the light curve has no errors."""
    code: NDArray[np.int32]
    """(m,) position of the band in `bands`; -1: flagged, or of no band in the list."""
    bands: tuple[str | int | None, ...]
    """The bands in order; (None,) for data without bands."""

    @property
    def size(self) -> int:
        """How many light curves there are."""
        return self.offsets.size - 1

    def blocks(self, n_epochs: int) -> Iterator[Epochs]:
        """Yield runs of light curves with about so many epochs together, at least one each."""
        start = 0
        while start < self.size:
            limit = self.offsets[start] + n_epochs
            stop = int(np.searchsorted(self.offsets, limit, side="right")) - 1
            stop = min(max(stop, start + 1), self.size)
            lo, hi = self.offsets[start], self.offsets[stop]
            yield Epochs(
                self.offsets[start : stop + 1] - lo, self.time[lo:hi], self.value[lo:hi],
                self.error[lo:hi], self.code[lo:hi], self.bands,
            )  # fmt: skip
            start = stop


def iter_epochs(
    column: pa.StructArray | pa.ChunkedArray,
    fields: LightCurveFields,
    measured: Measured,
    bands: Bands | None,
    units: Mapping[str, str] = MappingProxyType({}),
    *,
    all_bands: bool = False,
) -> Iterator[Epochs]:
    """Yield the epochs of each chunk of a nested column.

    Parameters
    ----------
    column : struct array of lists
        Null structs and null lists have no epochs.
    fields : LightCurveFields
    measured : Measured
        What is taken as the value and its error.
    bands : tuple of str or int, optional
        The bands in order. None: ugrizy where bands are text.
    units : mapping from str to str, optional
        What the fields say of themselves: times become days, values and errors of one unit.
    all_bands : bool
        Take the bands that each chunk has, instead of a list given before.

    Raises
    ------
    SchemaError
        If a field is missing or of a wrong type.
    InputError
        If the lists of a row differ in length, no list of bands is given and the data have
        other bands than ugrizy, or a unit cannot be converted.

    Warns
    -----
    UserWarning
        If times are float32, and rounded to more than 9 s.
    """
    fields.check([field.name for field in column.type])
    factors = factors_of(fields, measured, units)
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    for chunk in chunks:
        yield _read_chunk(chunk, fields, measured, bands, factors, all_bands)


def nested_column(column: Any) -> pa.StructArray | pa.ChunkedArray:
    """Return light curves of any library as Arrow knows them: structs of lists.

    Raises
    ------
    SchemaError
        If they are none.
    """
    if not isinstance(column, pa.Array | pa.ChunkedArray):
        make = pa.chunked_array if hasattr(column, "__arrow_c_stream__") else pa.array
        try:
            column = make(column)
        except (TypeError, ValueError, pa.ArrowException) as error:
            text = f"a light-curve column is a struct of lists: {error}"
            if "LightCurve" in str(error):
                text = (
                    "a light-curve column is a struct of lists: to_nested makes it of LightCurves"
                )
            raise SchemaError(text) from None
    if not pa.types.is_struct(column.type):
        column = plain_array(column)  # lists of structs, as nested-pandas and LSDB have them
    if not pa.types.is_struct(column.type):
        raise SchemaError(f"a light-curve column is a struct of lists, not {column.type}")
    return column


def value_type_of(column_type: pa.DataType, fields: LightCurveFields, name: str) -> pa.DataType:
    """Return float32 if the named field holds float32, else float64."""
    fields.check([field.name for field in column_type])
    item = column_type.field(name).type
    is_single = is_list(item) and pa.types.is_float32(item.value_type)
    return pa.float32() if is_single else pa.float64()


def _read_chunk(
    chunk: pa.StructArray,
    fields: LightCurveFields,
    measured: Measured,
    bands: Bands | None,
    factors: Mapping[str, float],
    all_bands: bool,
) -> Epochs:
    children = dict(zip([f.name for f in chunk.type], chunk.flatten(), strict=True))
    offsets, time_values = _flatten(children[fields.time], fields.time)
    given = _numbers(time_values, fields.time)
    if given.dtype == np.float32:
        warn_coarse(given * np.float32(factors.get(fields.time, 1.0)), fields.time)
    time = _scaled(given.astype(np.float64, copy=False), factors.get(fields.time))

    def read(name: str) -> pa.Array:
        own, values = _flatten(children[name], name)
        if not np.array_equal(own, offsets):
            row = int(np.flatnonzero(np.diff(own) != np.diff(offsets))[0])
            raise InputError(
                f"light curve {row} has {np.diff(offsets)[row]} times but {np.diff(own)[row]} "
                f"values of {name!r}; all lists of a light curve must be of one length"
            )
        return values

    def numbers(name: str) -> NDArray[Any]:
        return _scaled(_numbers(read(name), name), factors.get(name))

    value = numbers(measured.value)
    error = numbers(measured.error) if measured.error else None
    if measured.from_magnitude:
        value, error = mag_to_njy(value, error)
    value, error = _same_type(value, error)
    code: NDArray[np.int32] = np.zeros(time.size, np.int32)
    names: tuple[str | int | None, ...] = (None,)
    if fields.band is not None:
        code, names = band_codes(fields.band, read(fields.band), bands, all_bands)
    if fields.flag is not None:
        code[is_flagged(read(fields.flag), fields.flag)] = -1
    return Epochs(offsets, time, value, error, code, names)


def _flatten(array: pa.Array, name: str) -> tuple[NDArray[np.int64], pa.Array]:
    """Return offsets from 0 on and the values, with null lists as empty ones."""
    if not is_list(array.type):
        raise SchemaError(f"field {name!r} of a light curve must be a list, not {array.type}")
    lengths = list_lengths(array)
    offsets = np.zeros(len(array) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets, array.flatten()


def _numbers(values: pa.Array, name: str) -> NDArray[Any]:
    """Return float32 or float64 with NaN for nulls."""
    if not (pa.types.is_float32(values.type) or pa.types.is_float64(values.type)):
        is_number = pa.types.is_integer(values.type) or pa.types.is_decimal(values.type)
        if not (is_number or pa.types.is_floating(values.type) or pa.types.is_null(values.type)):
            raise SchemaError(f"field {name!r} of a light curve must hold numbers: {values.type}")
        values = values.cast(pa.float64(), safe=False)
    return to_numpy(values)


def _scaled(values: NDArray[Any], factor: float | None) -> NDArray[Any]:
    return values if factor is None else values * values.dtype.type(factor)


def _same_type(
    value: NDArray[Any], error: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    if error is None:
        return value, np.ones(value.size, value.dtype)
    common = np.result_type(value, error)
    return value.astype(common, copy=False), error.astype(common, copy=False)


def is_flagged(values: pa.Array, name: str) -> NDArray[np.bool_]:
    """Return where a flag is true, or a number that is not zero; null and NaN are not.

    Raises
    ------
    SchemaError
        If the field holds anything else.
    """
    if not pa.types.is_boolean(values.type):
        if not is_number(values.type):
            raise SchemaError(f"flag field {name!r} must be boolean or a number: {values.type}")
        is_there = pc.equal(values, values) if pa.types.is_floating(values.type) else True
        values = pc.and_(pc.not_equal(values, pa.scalar(0, values.type)), is_there)
    return to_numpy(pc.fill_null(values, False))
