"""From Arrow's nested arrays to flat values with offsets, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Bools
from skyseries.arrow import is_list, to_numpy
from skyseries.errors import InputError, SchemaError
from skyseries.nested.flat import joined, read_only

__all__ = ["ListField", "Parts", "field_of", "list_of", "read_column", "write_column"]

_INT32_MAX = 2**31 - 1


@dataclass(frozen=True, eq=False)
class ListField:
    """One field of a nested column."""

    field: pa.Field
    """Name, list type, nullability and metadata, as in the struct."""
    values: pa.Array
    """The values of all light curves end to end."""
    missing: Bools | None = None
    """Rows that have no list in this field (their light curve may be there); None: no row."""

    @property
    def name(self) -> str:
        """Name of the field."""
        return str(self.field.name)

    @property
    def is_large(self) -> bool:
        """Whether the lists have 64-bit offsets."""
        return bool(pa.types.is_large_list(self.field.type))

    def with_values(self, values: pa.Array) -> ListField:
        """Return the same field with other values; its type follows theirs."""
        item = self.field.type.value_field
        has_nulls = values.null_count > 0
        if values.type == item.type and (item.nullable or not has_nulls):
            return replace(self, values=values)
        item = item.with_type(values.type).with_nullable(item.nullable or has_nulls)
        type_ = list_of(item, large=self.is_large)
        return replace(self, values=values, field=self.field.with_type(type_))


@dataclass(frozen=True, eq=False)
class Parts:
    """A nested column taken apart."""

    offsets: NDArray[np.int64]
    fields: tuple[ListField, ...]
    null: Bools | None


def list_of(item: pa.Field, *, large: bool) -> pa.DataType:
    """Return the type of lists of an item."""
    return pa.large_list(item) if large else pa.list_(item)


def field_of(name: str, type_: pa.DataType, *, large: bool, item: str = "item") -> pa.Field:
    """Return a nullable struct field of lists."""
    return pa.field(name, list_of(pa.field(item, type_), large=large))


def read_column(column: pa.Array | pa.ChunkedArray) -> Parts:
    """Take a nested column apart; see `Nested.from_arrow`."""
    type_ = column.type
    if is_list(type_) and pa.types.is_struct(type_.value_type):
        read, fields = _read_lists, _transposed(type_)
    elif pa.types.is_struct(type_):
        read, fields = _read_struct, list(type_)
        for field in fields:
            if not is_list(field.type):
                raise SchemaError(
                    f"field {field.name!r} of a light curve must be a list, not {field.type}"
                )
    else:
        raise SchemaError(f"a light-curve column is a struct of lists, not {type_}")
    if not fields:
        raise SchemaError("a light-curve column needs at least one field")
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        raise SchemaError(f"a light-curve column has several fields of one name: {names}")
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = []
    row = 0
    for chunk in chunks:
        parts.append(read(chunk, fields, row))
        row += len(chunk)
    return parts[0] if len(parts) == 1 else _joined_parts(parts, fields)


def _read_struct(chunk: pa.StructArray, fields: list[pa.Field], first_row: int) -> Parts:
    null = _mask(chunk)
    offsets: NDArray[np.int64] | None = None
    out = []
    for field, child in zip(fields, chunk.flatten(), strict=True):
        own, values, missing = _split(child)
        if offsets is None:
            offsets = own
        elif not np.array_equal(own, offsets):
            _refuse_lengths(offsets, own, fields[0].name, field.name, first_row)
        if missing is not None and null is not None:
            missing = missing & ~null
        if missing is not None and not missing.any():
            missing = None
        out.append(ListField(field, values, missing))
    assert offsets is not None  # noqa: S101 - there is at least one field
    return Parts(read_only(offsets), tuple(out), null)


def _read_lists(chunk: Any, fields: list[pa.Field], first_row: int) -> Parts:
    offsets, values, null = _split(chunk)
    out = [ListField(field, child) for field, child in zip(fields, values.flatten(), strict=True)]
    return Parts(read_only(offsets), tuple(out), null)


def _transposed(type_: pa.DataType) -> list[pa.Field]:
    """Return the fields of a struct of lists for a list of structs."""
    large = pa.types.is_large_list(type_)
    may_be_null = type_.value_field.nullable
    return [
        pa.field(
            f.name,
            list_of(pa.field("item", f.type, f.nullable or may_be_null), large=large),
            metadata=f.metadata,
        )
        for f in type_.value_type
    ]


def _mask(array: pa.Array) -> Bools | None:
    return read_only(to_numpy(array.is_null())) if array.null_count else None


def _split(array: pa.Array) -> tuple[NDArray[np.int64], pa.Array, Bools | None]:
    """Return offsets from 0 on, the values, and which lists are null (they have no values)."""
    missing = _mask(array)
    if len(array) == 0:
        return np.zeros(1, np.int64), array.values.slice(0, 0), None
    raw = to_numpy(array.offsets).astype(np.int64, copy=False)
    if missing is not None:
        lengths = np.diff(raw)
        if lengths[missing].any():  # a null list may have values behind it: they do not count
            lengths[missing] = 0
            offsets = np.zeros(raw.size, np.int64)
            np.cumsum(lengths, out=offsets[1:])
            return offsets, array.flatten(), missing
    return raw - raw[0], array.values.slice(raw[0], raw[-1] - raw[0]), missing


def _refuse_lengths(
    expected: NDArray[np.int64], own: NDArray[np.int64], first: str, name: str, first_row: int
) -> None:
    row = int(np.flatnonzero(np.diff(own) != np.diff(expected))[0])
    raise InputError(
        f"light curve {first_row + row} has {np.diff(expected)[row]} values of {first!r} but "
        f"{np.diff(own)[row]} of {name!r}; all lists of a light curve must be of one length"
    )


def _joined_parts(parts: list[Parts], fields: list[pa.Field]) -> Parts:
    sizes = [part.offsets.size - 1 for part in parts]
    lengths = [np.diff(part.offsets) for part in parts]
    offsets = np.zeros(sum(sizes) + 1, np.int64)
    if lengths:
        np.cumsum(np.concatenate(lengths), out=offsets[1:])
    out = []
    for k, field in enumerate(fields):
        values = joined([part.fields[k].values for part in parts], field.type.value_type)
        missing = _joined_masks([part.fields[k].missing for part in parts], sizes)
        out.append(ListField(field, values, missing))
    null = _joined_masks([part.null for part in parts], sizes)
    return Parts(read_only(offsets), tuple(out), null)


def _joined_masks(masks: list[Bools | None], sizes: list[int]) -> Bools | None:
    if all(mask is None for mask in masks):
        return None
    return read_only(
        np.concatenate(
            [np.zeros(n, np.bool_) if m is None else m for m, n in zip(masks, sizes, strict=True)]
        )
    )


def write_column(parts: Parts) -> pa.StructArray:
    """Put a nested column together; see `Nested.to_arrow`."""
    arrays, fields = [], []
    for f in parts.fields:
        field = f.field
        if parts.offsets[-1] > _INT32_MAX and not f.is_large:
            field = field.with_type(list_of(field.type.value_field, large=True))
        large = pa.types.is_large_list(field.type)
        array_type = pa.LargeListArray if large else pa.ListArray
        offsets = pa.array(parts.offsets, pa.int64() if large else pa.int32())
        mask = None if f.missing is None else pa.array(f.missing)
        arrays.append(array_type.from_arrays(offsets, f.values, type=field.type, mask=mask))
        fields.append(field)
    null = None if parts.null is None else pa.array(parts.null)
    return pa.StructArray.from_arrays(arrays, fields=fields, mask=null)
