"""Columns that may be null, whatever was declared of them.

A file can declare a column, or a field inside of one, to be without null ("required"). Beside
rows that have no partner, and for whatever else a step may leave open, there are nulls in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from skyseries.arrow import is_list

__all__ = ["as_nullable", "common_fields", "common_type"]


def as_nullable(field: pa.Field) -> pa.Field:
    """Return the field, and all that is inside of it, as one that may be null."""
    return field.with_type(_loose(field.type)).with_nullable(True)


def common_fields(first: Sequence[pa.Field], *others: Sequence[pa.Field]) -> list[pa.Field]:
    """Return the fields of the first, nullable where those of any other in their place are.

    A column without any value (of type null) takes the type of one that has some, and numbers and
    texts the type that holds them all.
    """
    found = []
    for field, *same in zip(first, *others, strict=True):
        for other in same:
            wider = common_type(field.type, other.type)
            field = field if wider is None else field.with_type(wider)
        found.append(field if all(_as_strict(field, f) for f in same) else as_nullable(field))
    return found


def common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type that holds the values of both as they are; None if there is none.

    Texts are one kind, and so are whole numbers with a sign, those without, and decimal numbers.

    Examples
    --------
    >>> common_type(pa.int32(), pa.int64()), common_type(pa.int64(), pa.float64())
    (DataType(int64), None)
    """
    if pa.types.is_null(one) or pa.types.is_null(other):
        return other if pa.types.is_null(one) else one
    if as_nullable(pa.field("", one)).type.equals(as_nullable(pa.field("", other)).type):
        return one
    for is_kind in _WIDENED:
        if is_kind(one) and is_kind(other):
            return one if one.bit_width >= other.bit_width else other
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return _common_struct(one, other)
    if is_list(one) and is_list(other):
        inner = common_type(one.value_type, other.value_type)
        make = pa.list_ if pa.types.is_list(one) and pa.types.is_list(other) else pa.large_list
        return None if inner is None else make(one.value_field.with_type(inner))
    texts = (pa.string(), pa.large_string())
    return pa.large_string() if one in texts and other in texts else None


def _common_struct(one: pa.StructType, other: pa.StructType) -> pa.StructType | None:
    if [field.name for field in one] != [field.name for field in other]:
        return None
    types = [common_type(a.type, b.type) for a, b in zip(one, other, strict=True)]
    if any(type_ is None for type_ in types):
        return None
    return pa.struct([f.with_type(t) for f, t in zip(one, types, strict=True)])


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


_WIDENED = (
    pa.types.is_signed_integer,
    pa.types.is_unsigned_integer,
    pa.types.is_floating,
)
_LISTS = (
    (pa.types.is_list, pa.list_),
    (pa.types.is_large_list, pa.large_list),
    (pa.types.is_list_view, pa.list_view),
    (pa.types.is_large_list_view, pa.large_list_view),
)
