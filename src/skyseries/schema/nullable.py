"""Columns that may be null, whatever was declared of them.

A file can declare a column, or a field inside of one, to be without null ("required"). Beside
rows that have no partner, and for whatever else a step may leave open, there are nulls in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

__all__ = ["as_nullable", "as_type", "common_fields"]


def as_nullable(field: pa.Field) -> pa.Field:
    """Return the field, and all that is inside of it, as one that may be null."""
    return field.with_type(_loose(field.type)).with_nullable(True)


def common_fields(first: Sequence[pa.Field], *others: Sequence[pa.Field]) -> list[pa.Field]:
    """Return the fields of the first, nullable where those of any other in their place are."""
    return [
        field if all(_as_strict(field, there) for there in same) else as_nullable(field)
        for field, *same in zip(first, *others, strict=True)
    ]


def _as_strict(field: pa.Field, other: pa.Field) -> bool:
    return bool((field.nullable or not other.nullable) and field.type.equals(other.type))


def _loose(type_: pa.DataType) -> pa.DataType:
    if not type_.num_fields or isinstance(type_, pa.BaseExtensionType):
        return type_
    if pa.types.is_struct(type_):
        return pa.struct([as_nullable(field) for field in type_])
    if pa.types.is_map(type_):
        return pa.map_(type_.key_field, as_nullable(type_.item_field), type_.keys_sorted)
    if pa.types.is_fixed_size_list(type_):
        return pa.list_(as_nullable(type_.value_field), type_.list_size)
    for is_kind, kind in _LISTS:
        if is_kind(type_):
            return kind(as_nullable(type_.value_field))
    return type_


_LISTS = (
    (pa.types.is_list, pa.list_),
    (pa.types.is_large_list, pa.large_list),
    (pa.types.is_list_view, pa.list_view),
    (pa.types.is_large_list_view, pa.large_list_view),
)


def as_type(column: pa.ChunkedArray | pa.Array, type_: pa.DataType) -> pa.ChunkedArray | pa.Array:
    """Return a column in a type that its values fit in.

    pyarrow's cast breaks lists of type null, even to their own type: what is inside of a struct
    is cast field by field, and what has its type already is left as it is.
    """
    if column.type.equals(type_):
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([as_type(chunk, type_) for chunk in column.chunks], type_)
    if pa.types.is_struct(column.type) and pa.types.is_struct(type_):
        inner = [as_type(column.field(field.name), field.type) for field in type_]
        mask = column.is_null() if column.null_count else None
        return pa.StructArray.from_arrays(inner, fields=list(type_), mask=mask)
    return column.cast(type_)
