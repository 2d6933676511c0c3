"""The types of values in expressions, and where they meet Arrow's and DuckDB's.

Integers keep their width in columns; arithmetic is done in 64 bits (see `resolver`). A 64-bit
unsigned integer is a type of its own, so that ids stay exact.
"""

from __future__ import annotations

from enum import Enum

import pyarrow as pa
from pyarrow import types as arrow_types

from skyseries.arrow import is_any_list, is_text

__all__ = ["Type", "arrow_type", "common_type", "duckdb_type", "from_arrow", "from_xtype", "xtype"]


class Type(Enum):
    """The type of a value; `value` is its name in messages."""

    BOOLEAN = "boolean"
    SMALLINT = "smallint"
    INTEGER = "integer"
    BIGINT = "bigint"
    UBIGINT = "unsigned bigint"
    WHOLE = "whole number"
    """An integer of up to 128 bits: of comparisons only, never a column."""
    REAL = "real"
    DOUBLE = "double"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    BINARY = "binary"
    NESTED = "light curve"
    """A nested column as a whole."""
    LIST = "list"
    POINT = "point"
    CIRCLE = "circle"
    POLYGON = "polygon"
    """Of BOX as well: its sides are great circles."""
    MOC = "coverage map"
    NULL = "null"
    """The type of the word NULL alone, and of a column without any value."""
    OTHER = "value of another kind"
    """A column that can be handed on, not calculated with."""

    @property
    def is_integer(self) -> bool:
        """Whether values are whole numbers."""
        return self in _INTEGERS

    @property
    def is_floating(self) -> bool:
        """Whether a value may be NaN."""
        return self in (Type.REAL, Type.DOUBLE)

    @property
    def is_number(self) -> bool:
        """Whether one can calculate with it."""
        return self in _NUMBERS

    @property
    def is_geometry(self) -> bool:
        """Whether it is a point or region."""
        return self in _GEOMETRIES

    @property
    def is_scalar(self) -> bool:
        """Whether it can be compared."""
        return self.is_number or self in _COMPARABLE


_INTEGERS = frozenset([Type.SMALLINT, Type.INTEGER, Type.BIGINT, Type.UBIGINT, Type.WHOLE])
_NUMBERS = _INTEGERS | {Type.REAL, Type.DOUBLE}
_COMPARABLE = frozenset([Type.NULL, Type.BOOLEAN, Type.TEXT, Type.TIMESTAMP, Type.BINARY])
_GEOMETRIES = frozenset([Type.POINT, Type.CIRCLE, Type.POLYGON, Type.MOC])

_ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.SMALLINT: pa.int16(),
    Type.INTEGER: pa.int32(),
    Type.BIGINT: pa.int64(),
    Type.UBIGINT: pa.uint64(),
    Type.WHOLE: pa.decimal128(38, 0),
    Type.REAL: pa.float32(),
    Type.DOUBLE: pa.float64(),
    Type.TEXT: pa.string(),
    Type.TIMESTAMP: pa.timestamp("us"),
    Type.BINARY: pa.binary(),
    Type.NULL: pa.null(),
    Type.LIST: pa.list_(pa.int64()),  # the only one that is calculated: a histogram
    Type.POINT: pa.list_(pa.float64(), 2),
    Type.CIRCLE: pa.list_(pa.float64(), 3),
    Type.POLYGON: pa.list_(pa.float64()),
    Type.MOC: pa.string(),
}

_DUCKDB = {
    Type.BOOLEAN: "BOOLEAN",
    Type.SMALLINT: "SMALLINT",
    Type.INTEGER: "INTEGER",
    Type.BIGINT: "BIGINT",
    Type.UBIGINT: "UBIGINT",
    Type.WHOLE: "HUGEINT",
    Type.REAL: "FLOAT",
    Type.DOUBLE: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.BINARY: "BLOB",
}


def from_arrow(kind: pa.DataType) -> Type:
    """Return the type of the values of an Arrow column.

    Small integers become the next larger signed type, half floats ``real``, decimals
    ``double``, dates ``timestamp``; an encoding as dictionary does not matter.
    """
    if arrow_types.is_dictionary(kind):
        kind = kind.value_type
    for test, result in _FROM_ARROW:
        if test(kind):
            return result
    return Type.OTHER


_FROM_ARROW = (
    (arrow_types.is_null, Type.NULL),
    (arrow_types.is_boolean, Type.BOOLEAN),
    (lambda t: t in (pa.int8(), pa.uint8(), pa.int16()), Type.SMALLINT),
    (lambda t: t in (pa.uint16(), pa.int32()), Type.INTEGER),
    (lambda t: t in (pa.uint32(), pa.int64()), Type.BIGINT),
    (lambda t: t == pa.uint64(), Type.UBIGINT),
    (lambda t: t in (pa.float16(), pa.float32()), Type.REAL),
    (lambda t: t == pa.float64() or arrow_types.is_decimal(t), Type.DOUBLE),
    (is_text, Type.TEXT),
    (lambda t: arrow_types.is_timestamp(t) or arrow_types.is_date(t), Type.TIMESTAMP),
    (
        lambda t: (
            arrow_types.is_binary(t)
            or arrow_types.is_large_binary(t)
            or arrow_types.is_fixed_size_binary(t)
        ),
        Type.BINARY,
    ),
    (is_any_list, Type.LIST),
)


def arrow_type(kind: Type) -> pa.DataType:
    """Return the Arrow type that evaluation gives for a computed value."""
    return _ARROW[kind]


def xtype(kind: Type) -> str:
    """Return the extended type of a column in VOTable (DALI 1.2, section 3.3), or nothing."""
    return _XTYPES.get(kind, "")


_XTYPES = {
    Type.TIMESTAMP: "timestamp", Type.POINT: "point", Type.CIRCLE: "circle",
    Type.POLYGON: "polygon", Type.MOC: "moc",
}  # fmt: skip


def from_xtype(name: str, kind: pa.DataType) -> Type | None:
    """Return the geometry that a column of numbers says it holds; None if it holds none."""
    found = _GEOMETRY_OF.get(name)
    listed = is_any_list(kind) and arrow_types.is_floating(kind.value_type)
    return found if listed else None


_GEOMETRY_OF = {"point": Type.POINT, "circle": Type.CIRCLE, "polygon": Type.POLYGON}


def duckdb_type(kind: Type) -> str:
    """Return DuckDB's name of a type."""
    return _DUCKDB[kind]


def common_type(kinds: list[Type]) -> Type | None:
    """Return the type that can hold values of all these types, None if there is none.

    NULL goes with every type. Unsigned and signed 64-bit integers together give ``unsigned
    bigint``, for ids; a negative value is an error when it is met.
    """
    known = {kind for kind in kinds if kind is not Type.NULL}
    if not known:
        return Type.NULL
    if len(known) == 1:
        return known.pop()
    if not all(kind.is_number for kind in known):
        return None
    if Type.DOUBLE in known:
        return Type.DOUBLE
    if Type.REAL in known:
        wide = known & {Type.INTEGER, Type.BIGINT, Type.UBIGINT}
        return Type.DOUBLE if wide else Type.REAL
    return max(known, key=_INTEGER_ORDER.index)


_INTEGER_ORDER = [Type.SMALLINT, Type.INTEGER, Type.BIGINT, Type.UBIGINT]
