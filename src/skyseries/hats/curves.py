"""Light curves in the columns of a catalog: one type, lists of equal lengths, in order of time."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from skyseries import nested
from skyseries.arrow import is_nested
from skyseries.errors import InputError
from skyseries.schema import LightCurveFields, as_type

__all__ = ["in_time_order", "known_curves", "plain_curves"]


def plain_curves(field: pa.Field) -> pa.Field:
    """Return a column with lists in place of the lists of fixed size that some writers use."""
    if not pa.types.is_struct(field.type):
        return field
    lists = [
        child.with_type(pa.list_(child.type.value_field))
        if pa.types.is_fixed_size_list(child.type)
        else child
        for child in field.type
    ]
    plain = pa.struct(lists)
    return field.with_type(plain) if is_nested(plain) and plain != field.type else field


def known_curves(schema: pa.Schema) -> dict[str, LightCurveFields]:
    """Return the columns of light curves whose fields are recognised by their names."""
    found = {
        field.name: LightCurveFields.guess([child.name for child in field.type])
        for field in schema
        if is_nested(field.type)
    }
    return {name: fields for name, fields in found.items() if fields is not None}


def in_time_order(table: pa.Table, lightcurves: Mapping[str, LightCurveFields]) -> pa.Table:
    """Return light curves in the order of time, as a catalog has them, where time is known.

    Raises
    ------
    InputError
        If the lists of a light curve differ in length.
    """
    for place, field in enumerate(table.schema):
        if not is_nested(field.type):
            continue
        try:
            before = nested.Nested.from_arrow(table.column(place))
        except InputError as error:
            raise InputError(f"column {field.name!r}: {error}") from None
        roles = lightcurves.get(field.name)
        after = before if roles is None else before.sort(roles.time)
        if after is not before:
            table = table.set_column(place, field, as_type(after.to_arrow(), field.type))
    return table
