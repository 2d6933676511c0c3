"""What a user's function is called with: values of rows, light curves as slices of flat arrays."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrow import is_nested, is_text
from skyseries.catalog.plan.epochs import nested_of
from skyseries.catalog.plan.names import fields_of, split_path
from skyseries.catalog.plan.rows import Index, Rows
from skyseries.errors import InputError, SchemaError
from skyseries.lazy import pc
from skyseries.nested import Nested

__all__ = ["Argument", "Bands", "flat_values", "values_of"]

_SHORT_TEXT = 32
"""Texts longer than this would make an array of fixed width too large."""


class Argument(NamedTuple):
    """One argument of the function."""

    path: str | None
    """A column, a field of a light curve, or nothing: None for every row."""
    number: bool = False
    """Numbers are wanted whatever is stored: float32 or float64, NaN for null."""


class Bands(NamedTuple):
    """Which epochs the function sees."""

    field: str
    """Of the light curve."""
    wanted: tuple[str | int, ...]

    def filter(self, nested: Nested) -> Nested:
        """Keep the epochs in these bands."""
        values = nested.values(self.field)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        try:
            wanted = pa.array(list(self.wanted), values.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise InputError(
                f"bands {list(self.wanted)} cannot be looked for in {self.field!r}, which holds "
                f"{values.type}"
            ) from error
        return nested.filter(pc.is_in(values, value_set=wanted))


def values_of(
    rows: Rows,
    schema: pa.Schema,
    arguments: Sequence[Argument],
    index: Index = None,
    bands: Bands | None = None,
) -> list[Iterable[Any]]:
    """Return for each argument its values, row by row.

    Light curves and lists are views of one flat read-only array of the unit. `bands` holds for
    the light curves of which there is such a field.
    """
    paths = [argument.path for argument in arguments if argument.path is not None]
    curves = _curves(rows, schema, paths, index, bands)
    plain = [path for path in dict.fromkeys(paths) if split_path(path, schema)[0] not in curves]
    table = rows.fetch(plain, index) if plain else pa.table({})
    made: list[Iterable[Any]] = []
    for path, number in arguments:
        if path is None:
            made.append(itertools.repeat(None))
            continue
        column, field = split_path(path, schema)
        if column not in curves:
            made.append(_plain(table.column(path).combine_chunks()))
        elif field is not None:
            made.append(_views(curves[column], flat_values(curves[column].values(field), number)))
        else:
            made.append(_dictionaries(curves[column], fields_of(schema, column)))
    return made


def _curves(
    rows: Rows, schema: pa.Schema, paths: Sequence[str], index: Index, bands: Bands | None
) -> dict[str, Nested]:
    """Return the light curves that are asked for, each with the fields that are."""
    wanted: dict[str, list[str]] = {}
    for path in paths:
        column, field = split_path(path, schema)
        if is_nested(schema.field(column).type):
            known = fields_of(schema, column)
            wanted.setdefault(column, []).extend(known if field is None else [field])
    found = {}
    for column, names in wanted.items():
        filtered = bands is not None and bands.field in fields_of(schema, column)
        if bands is not None and filtered:
            names.append(bands.field)
        nested = nested_of(rows, column, list(dict.fromkeys(names)), index)
        found[column] = bands.filter(nested) if bands is not None and filtered else nested
    return found


def _views(nested: Nested, flat: NDArray[Any]) -> Iterable[Any]:
    return map(flat.__getitem__, _slices(nested.offsets))


def _slices(offsets: NDArray[np.int64]) -> Iterable[slice]:
    bounds = offsets.tolist()
    return map(slice, bounds[:-1], bounds[1:])


def _dictionaries(nested: Nested, names: Sequence[str]) -> Iterable[Any]:
    views = [_views(nested, flat_values(nested.values(name))) for name in names]
    return (dict(zip(names, row, strict=True)) for row in zip(*views, strict=True))


def _plain(column: pa.Array) -> Iterable[Any]:
    """Return the values of a column as Python has them; lists as arrays."""
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        return list(column.to_pylist())
    nested = Nested.from_arrow(pa.StructArray.from_arrays([column], ["values"]))
    views = _views(nested, flat_values(nested.values("values")))
    if not column.null_count:
        return views
    there = column.is_valid().to_pylist()
    return (view if valid else None for view, valid in zip(views, there, strict=True))


def flat_values(values: pa.Array, number: bool = False) -> NDArray[Any]:
    """Return an Arrow array as a read-only NumPy one, without a copy where that is possible.

    Nulls: NaN in floating-point numbers, NaT in times, masked in integers and booleans, empty
    text. Text is of fixed width, or objects where it is long; `number` makes everything float.
    """
    type_ = values.type
    if pa.types.is_dictionary(type_) or is_text(type_):
        if number:
            raise SchemaError(f"numbers are needed where the light curves hold {type_}")
        array = _text(values)
    elif number and not (pa.types.is_float32(type_) or pa.types.is_float64(type_)):
        array = _as(values.cast(pa.float64(), safe=False))
    elif pa.types.is_decimal(type_):
        array = _as(values.cast(pa.float64()))
    elif values.null_count and (pa.types.is_integer(type_) or pa.types.is_boolean(type_)):
        nulls = _as(values.is_null())
        array = np.ma.MaskedArray(
            _as(values.fill_null(False if pa.types.is_boolean(type_) else 0)), nulls
        )
    else:
        array = _as(values)
    array.flags.writeable = False
    return array


def _as(values: pa.Array) -> NDArray[Any]:
    return values.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _text(values: pa.Array) -> NDArray[Any]:
    """Return text; of bands few differ, and most surveys write all with as many letters."""
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.large_string())
    if not pa.types.is_dictionary(values.type):
        same = _same_width(values)
        if same is not None:
            return same
        values = values.dictionary_encode()
    known = values.dictionary.to_pylist()
    if not all(isinstance(word, str | None) for word in known):
        return flat_values(values.dictionary_decode())
    words = [*(word or "" for word in known), ""]
    long = max(map(len, words)) > _SHORT_TEXT
    codes = _as(values.indices.cast(pa.int64()).fill_null(len(known)))
    different = np.array(words, object) if long else np.array(words, str)
    return np.asarray(different[codes])


def _same_width(values: pa.Array) -> NDArray[Any] | None:
    """Return text whose values all have as many letters of ASCII, without looking at each."""
    n = len(values)
    if values.null_count or not n:
        return None
    large = pa.types.is_large_string(values.type)
    _, offset_buffer, data = values.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64 if large else np.int32)
    offsets = offsets[values.offset : values.offset + n + 1]
    width = int(offsets[1] - offsets[0])
    if not 0 < width <= _SHORT_TEXT or not bool((np.diff(offsets) == width).all()):
        return None
    letters = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    if bool((letters > 127).any()) or not letters.all():
        return None
    return np.frombuffer(letters.astype(np.uint32), f"U{width}")
