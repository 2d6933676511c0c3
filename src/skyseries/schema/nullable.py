"""Columns that may be null, whatever was declared of them.

A file can declare a column, or a field inside of one, to be without null ("required"). Beside
rows that have no partner, and for whatever else a step may leave open, there are nulls in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

__all__ = ["as_nullable", "common_fields"]


def as_nullable(field: pa.Field) -> pa.Field:
    """Return the field, and all that is inside of it, as one that may be null."""
    return field.with_type(_loose(field.type)).with_nullable(True)


def common_fields(first: Sequence[pa.Field], *others: Sequence[pa.Field]) -> list[pa.Field]:
    """Return the fields of the first, nullable where those of any other in their place are.

    A column without any value (of type null) takes the type of one that has some.
    """
    found = []
    for field, *same in zip(first, *others, strict=True):
        known = [f.type for f in (field, *same) if not pa.types.is_null(f.type)]
        field = field.with_type(known[0]) if known else field
        found.append(field if all(_as_strict(field, f) for f in same) else as_nullable(field))
    return found


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
