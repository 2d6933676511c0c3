"""Names of columns and of fields of light curves: whether they are there, and the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import pyarrow as pa

from skyseries.errors import SchemaError

__all__ = [
    "check_columns",
    "check_new",
    "fields_of",
    "is_nested",
    "nearest_names",
    "nested_columns",
    "split_path",
]


def is_nested(type_: pa.DataType) -> bool:
    """Tell whether this is the type of a light-curve column: a struct of lists."""
    return bool(
        pa.types.is_struct(type_)
        and type_.num_fields
        and all(pa.types.is_list(c.type) or pa.types.is_large_list(c.type) for c in type_)
    )


def nested_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that are structs of lists."""
    return [f.name for f in schema if is_nested(f.type)]


def fields_of(schema: pa.Schema, column: str) -> list[str]:
    """Return the names of the fields of a light-curve column."""
    return [field.name for field in schema.field(column).type]


def split_path(path: str, schema: pa.Schema) -> tuple[str, str | None]:
    """Return a column and, for a path into a light curve, the field."""
    if path in schema.names:
        return path, None
    column, _, field = path.partition(".")
    return column, field or None


def nearest_names(name: str, there: Sequence[str], n: int = 1) -> list[str]:
    """Return the names that are most alike; small and capital letters do not matter."""
    lower = {other.lower(): other for other in there}
    return [lower[near] for near in difflib.get_close_matches(name.lower(), lower, n, cutoff=0.5)]


def check_columns(paths: Sequence[str], schema: pa.Schema) -> None:
    """Raise SchemaError if a column, or a field of a light curve, is not there."""
    for path in paths:
        column, field = split_path(path, schema)
        if column not in schema.names:
            raise SchemaError(_missing("column", path, schema.names))
        if field is not None:
            if not is_nested(schema.field(column).type):
                raise SchemaError(f"column {column!r} has no fields: there is no {path!r}")
            if field not in fields_of(schema, column):
                raise SchemaError(_missing(f"field of {column}:", field, fields_of(schema, column)))


def check_new(names: Sequence[str], schema: pa.Schema) -> None:
    """Raise SchemaError if a new column has the name of one that is there."""
    if both := [name for name in names if name in schema.names]:
        raise SchemaError(
            f"the catalog has a column {both[0]!r} already; leave it out with select([...])"
        )


def _missing(what: str, name: str, there: Sequence[str]) -> str:
    near = nearest_names(name, there)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no {what} {name!r}{hint} (there are: {', '.join(there)})"
