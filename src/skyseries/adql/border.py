"""Arrow columns as the evaluators take them: the few types that `types.Type` stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import pyarrow as pa
from pyarrow import types as arrow_types

from skyseries.adql.expressions import Path
from skyseries.errors import SchemaError

__all__ = ["Columns", "normal", "raw_column", "row_count", "take_columns"]

Columns: TypeAlias = pa.Table | pa.RecordBatch | Mapping[Path, Any]
"""A table whose columns have their own names (nested fields ``lc.mjd``), or arrays by path."""


def take_columns(columns: Columns, paths: Iterable[Path]) -> dict[Path, pa.Array]:
    """Return the columns that are asked for, in types that can be calculated with.

    Raises
    ------
    SchemaError
        If one is not there.
    """
    return {path: normal(_column(columns, path)) for path in paths}


def raw_column(columns: Columns, path: Path) -> Any:
    """Return a column as it is.

    Raises
    ------
    SchemaError
        If it is not there.
    """
    column = _column(columns, path)
    return column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column)


def row_count(columns: Columns) -> int:
    """Return the number of rows.

    Raises
    ------
    SchemaError
        If there is no column that would say it.
    """
    if isinstance(columns, Mapping):
        for array in columns.values():
            return len(array)
        raise SchemaError("the number of rows is not known: give at least one column")
    return int(columns.num_rows)


def _column(columns: Columns, path: Path) -> Any:
    if isinstance(columns, Mapping):
        if path in columns:
            return columns[path]
        raise SchemaError(f"the column {'.'.join(path)} is not among those that were given")
    names = columns.schema.names
    joined = ".".join(path)
    if joined in names:
        return columns.column(names.index(joined))
    if path[0] not in names:
        raise SchemaError(f"the table has no column {joined}")
    column = columns.column(names.index(path[0]))
    if arrow_types.is_struct(column.type) and column.type.get_field_index(path[-1]) >= 0:
        from pyarrow import compute

        return compute.struct_field(column, path[-1])
    raise SchemaError(f"the table has no column {joined}")


def normal(array: Any) -> Any:
    """Return an array in a type that can be calculated with (see `types.from_arrow`)."""
    if not isinstance(array, pa.Array | pa.ChunkedArray):
        array = pa.array(array)
    kind = array.type
    if arrow_types.is_dictionary(kind):
        array = array.cast(kind.value_type)
        kind = array.type
    if arrow_types.is_float16(kind):
        return array.cast(pa.float32())
    if arrow_types.is_uint32(kind):  # whose sums, differences and signs do not fit in 32 bits
        return array.cast(pa.int64())
    if arrow_types.is_decimal(kind):
        return array.cast(pa.float64())
    if arrow_types.is_date(kind):
        return array.cast(pa.timestamp("ms" if arrow_types.is_date64(kind) else "s"))
    if arrow_types.is_timestamp(kind) and kind.tz is not None:
        return array.cast(pa.timestamp(kind.unit))
    return array.cast(pa.binary()) if arrow_types.is_fixed_size_binary(kind) else array
