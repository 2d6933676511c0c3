"""Arrow columns in other types that their values fit in."""

from __future__ import annotations

import pyarrow as pa

from skyseries.errors import SchemaError
from skyseries.schema.nullable import as_nullable

__all__ = ["as_schema", "as_type", "honest"]


def as_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns and types of a schema, and what it says of them.

    Raises
    ------
    SchemaError
        If the schema declares a column to have no nulls, and it has some.
    """
    if table.schema.equals(schema, check_metadata=True):
        return table
    columns = []
    for field in schema:
        column = table.column(field.name)
        if column.null_count and not field.nullable:
            raise SchemaError(
                f"column {field.name!r} is declared to have no nulls, but {column.null_count:,} "
                f"of {len(column):,} values are null"
            )
        columns.append(as_type(column, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def honest(table: pa.Table) -> pa.Table:
    """Return a table with those columns as nullable that say otherwise, but have nulls."""
    fields = [
        as_nullable(field) if column.null_count or field.type.num_fields else field
        for field, column in zip(table.schema, table.columns, strict=True)
    ]
    return as_schema(table, pa.schema(fields, table.schema.metadata))


def as_type(column: pa.ChunkedArray | pa.Array, type_: pa.DataType) -> pa.ChunkedArray | pa.Array:
    """Return a column in a type that its values fit in.

    pyarrow's cast breaks lists of type null, even to their own type: what is inside of a struct
    is cast field by field, and what has its type already is left as it is.
    """
    if column.type.equals(type_):
        return column
    if pa.types.is_null(column.type):
        nothing = pa.nulls(len(column), type_)
        return pa.chunked_array([nothing]) if isinstance(column, pa.ChunkedArray) else nothing
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([as_type(chunk, type_) for chunk in column.chunks], type_)
    if pa.types.is_struct(column.type) and pa.types.is_struct(type_):
        inner = [as_type(column.field(field.name), field.type) for field in type_]
        mask = column.is_null() if column.null_count else None
        return pa.StructArray.from_arrays(inner, fields=list(type_), mask=mask)
    return column.cast(type_)
