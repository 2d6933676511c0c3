"""How columns are declared in VOTables and TAP_SCHEMA: datatype, arraysize, xtype.

The schema alone decides, so that rows can be sent before all of them are known. Text may be of any
letters, so it is ``unicodeChar``; where a column says itself that it is ASCII (`declared`), it is
``char``. Unsigned integers of 64 bits have no type in VOTable, and are text of digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt

from skyseries.formats.flat import plain_type
from skyseries.formats.times import time_meta
from skyseries.schema import column_meta
from skyseries.schema.columns import declared

__all__ = ["DATATYPES", "Form", "form_of"]

DATATYPES = {
    pa.bool_(): "boolean", pa.uint8(): "unsignedByte", pa.int8(): "short", pa.int16(): "short",
    pa.uint16(): "int", pa.int32(): "int", pa.uint32(): "long", pa.int64(): "long",
    pa.float16(): "float", pa.float32(): "float", pa.float64(): "double",
}  # fmt: skip
_WIDER = {pa.uint8(): "short", pa.int16(): "int"}
"""Types that have no integer to spare."""
_LEAST = {"short": -(2**15), "int": -(2**31), "long": -(2**63)}


@dataclass(frozen=True)
class Form:
    """How a column without parts is declared."""

    datatype: str
    arraysize: str = ""
    xtype: str = ""
    null: int | None = None
    """The integer that stands for null in arrays, which have no other mark of it."""

    @property
    def is_text(self) -> bool:
        """Whether a cell is text."""
        return self.datatype in ("char", "unicodeChar")


def form_of(field: pa.Field) -> Form:
    """Return how a column is declared.

    Arrays of integers reserve the least integer for null, which is one of a larger type where that
    is cheap: only of 32 and 64 bits with a sign it is a number that could be meant. They reserve
    none if the schema says that there is no null in them, by its types or `declared`.
    """
    kind = plain_type(field.type)
    if pt.is_timestamp(kind):
        return Form("char", "*", "timestamp")
    xtype = column_meta(field).xtype
    if pt.is_string(kind) and time_meta(field).format == "isot":
        xtype = "timestamp"
    value, size, may_miss = _array_of(kind)
    if value in DATATYPES:
        datatype = DATATYPES[value]
        may_miss = may_miss and declared(field) != datatype
        if not size or not may_miss or not pt.is_integer(value):
            return Form(datatype, size, xtype)
        datatype = _WIDER.get(value, datatype)
        return Form(datatype, size, xtype, _LEAST[datatype])
    if pt.is_uint64(kind) and declared(field) == "long":
        return Form("long", "", xtype)
    is_ascii = declared(field) == "char" or not _holds_text(kind)
    return Form("char" if is_ascii else "unicodeChar", "*", xtype)


def _array_of(kind: pa.DataType) -> tuple[pa.DataType, str, bool]:
    """Return the innermost type, the size of the array, and whether a value of it may be null.

    What is innermost comes first in VOTable: its index is the fastest. Lists of arrays are one
    list of all values, as those of polygons, for readers are not of one mind about ``2x*``: is
    what stands before the values their number, or that of the arrays?
    """
    sizes: list[str] = []
    is_list, may_miss = bool(pt.is_list(kind)), False
    if is_list:
        kind, may_miss = kind.value_type, kind.value_field.nullable
    while pt.is_fixed_size_list(kind) and kind.list_size:
        sizes.append(str(kind.list_size))
        kind, may_miss = kind.value_type, may_miss or kind.value_field.nullable
    return kind, "*" if is_list else "x".join(reversed(sizes)), may_miss


def _holds_text(kind: pa.DataType) -> bool:
    """Return whether there is text in a column, at any depth."""
    if pt.is_nested(kind):
        return any(_holds_text(kind.field(i).type) for i in range(kind.num_fields))
    return bool(pt.is_string(kind))
