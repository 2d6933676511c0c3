"""From a nested Arrow column to flat arrays: the epochs of many light curves end to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skyseries.errors import InputError, SchemaError
from skyseries.photometry import UGRIZY, mag_to_njy
from skyseries.schema import LightCurveFields
from skyseries.timeseries.measured import Measured

__all__ = ["Epochs", "iter_epochs", "value_type_of"]


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
    bands: Sequence[str | int] | None,
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
    bands : sequence of str or int, optional
        The bands in order. None: ugrizy where bands are text.
    all_bands : bool
        Take the bands that each chunk has, instead of a list given before.

    Raises
    ------
    SchemaError
        If a field is missing or of a wrong type.
    InputError
        If the lists of a row differ in length, or no list of bands is given and the data have
        other bands than ugrizy.
    """
    if not pa.types.is_struct(column.type):
        raise SchemaError(f"a light-curve column is a struct of lists, not {column.type}")
    fields.check([field.name for field in column.type])
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    for chunk in chunks:
        yield _read_chunk(chunk, fields, measured, bands, all_bands)


def value_type_of(column_type: pa.DataType, fields: LightCurveFields, name: str) -> pa.DataType:
    """Return float32 if the named field holds float32, else float64."""
    if not pa.types.is_struct(column_type):
        raise SchemaError(f"a light-curve column is a struct of lists, not {column_type}")
    fields.check([field.name for field in column_type])
    item = column_type.field(name).type
    is_single = _is_list(item) and pa.types.is_float32(item.value_type)
    return pa.float32() if is_single else pa.float64()


def _read_chunk(
    chunk: pa.StructArray,
    fields: LightCurveFields,
    measured: Measured,
    bands: Sequence[str | int] | None,
    all_bands: bool,
) -> Epochs:
    children = dict(zip([f.name for f in chunk.type], chunk.flatten(), strict=True))
    offsets, time_values = _flatten(children[fields.time], fields.time)
    time = _numbers(time_values, fields.time).astype(np.float64, copy=False)

    def read(name: str) -> pa.Array:
        own, values = _flatten(children[name], name)
        if not np.array_equal(own, offsets):
            row = int(np.flatnonzero(np.diff(own) != np.diff(offsets))[0])
            raise InputError(
                f"light curve {row} has {np.diff(offsets)[row]} times but {np.diff(own)[row]} "
                f"values of {name!r}; all lists of a light curve must be of one length"
            )
        return values

    value = _numbers(read(measured.value), measured.value)
    error = _numbers(read(measured.error), measured.error) if measured.error else None
    if measured.from_magnitude:
        value, error = mag_to_njy(value, error)
    value, error = _same_type(value, error)
    code, names = _codes(fields, read, bands, all_bands, time.size)
    if fields.flag is not None:
        code[_is_flagged(read(fields.flag), fields.flag)] = -1
    return Epochs(offsets, time, value, error, code, names)


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_))


def _flatten(array: pa.Array, name: str) -> tuple[NDArray[np.int64], pa.Array]:
    """Return offsets from 0 on and the values, with null lists as empty ones."""
    if not _is_list(array.type):
        raise SchemaError(f"field {name!r} of a light curve must be a list, not {array.type}")
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
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
    return values.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _same_type(
    value: NDArray[Any], error: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    if error is None:
        return value, np.ones(value.size, value.dtype)
    common = np.result_type(value, error)
    return value.astype(common, copy=False), error.astype(common, copy=False)


def _is_flagged(values: pa.Array, name: str) -> NDArray[np.bool_]:
    if not pa.types.is_boolean(values.type):
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            raise SchemaError(f"flag field {name!r} must be boolean or a number: {values.type}")
        values = pc.not_equal(values, pa.scalar(0, values.type))
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _codes(
    fields: LightCurveFields,
    read: Any,
    bands: Sequence[str | int] | None,
    all_bands: bool,
    size: int,
) -> tuple[NDArray[np.int32], tuple[str | int | None, ...]]:
    if fields.band is None:
        return np.zeros(size, np.int32), (None,)
    values = read(fields.band)
    keys, positions = _keys(values)
    is_text = _is_text(keys.type)
    if all_bands:
        names = tuple(sorted({k for k in pc.unique(keys).to_pylist() if k is not None}))
    else:
        names = _band_list(bands, is_text, fields.band)
    codes = _index(keys, names, fields.band)
    if bands is None and not all_bands:
        _refuse_unknown(keys, codes)
    if positions is None:
        codes = codes.copy()  # Arrow's memory is read-only
    else:
        found = np.append(codes, np.int32(-1))  # a null index takes the last place
        if positions.null_count:
            positions = pc.fill_null(positions.cast(pa.int64()), len(keys))
        codes = np.take(found, positions.to_numpy(zero_copy_only=False))
    return codes.astype(np.int32, copy=False), names or (None,)


def _keys(values: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Return the distinct bands and where each epoch points, or the bands themselves."""
    if pa.types.is_dictionary(values.type):
        return values.dictionary, values.indices
    if _is_text(values.type) and len(values):
        encoded = pc.dictionary_encode(values)
        return encoded.dictionary, encoded.indices
    return values, None


def _is_text(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_string_view(type_)
    )


def _band_list(
    bands: Sequence[str | int] | None, is_text: bool, name: str
) -> tuple[str | int, ...]:
    if bands is not None:
        return tuple(bands)
    if is_text:
        return UGRIZY
    raise InputError(f"bands in {name!r} are not text: say which there are, for instance bands=[1]")


def _index(keys: pa.Array, names: tuple[str | int, ...], field: str) -> NDArray[np.int32]:
    try:
        value_set = pa.array(list(names), keys.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise InputError(
            f"bands {list(names)} cannot be looked for in {field!r}, which holds {keys.type}"
        ) from error
    found = pc.fill_null(pc.index_in(keys, value_set=value_set), -1)
    return found.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _refuse_unknown(keys: pa.Array, codes: NDArray[np.int32]) -> None:
    unknown = [k for k in keys.take(pa.array(np.flatnonzero(codes < 0))).to_pylist() if k]
    if unknown:
        raise InputError(
            f"the light curves have epochs in band {unknown[0]!r}, which is not one of ugrizy; "
            f"give the bands, for instance bands={sorted(set(unknown))}"
        )
