"""Names of columns and of fields of light curves: whether they are there, and the nearest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from skyseries.arrow import is_nested
from skyseries.errors import InputError, SchemaError
from skyseries.schema.roles import did_you_mean

__all__ = [
    "check_columns",
    "check_new",
    "fields_of",
    "names_list",
    "names_pair",
    "nested_columns",
    "split_path",
    "texts_by_name",
]


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


def names_list(names: Any, what: str = "columns") -> tuple[str, ...]:
    """Return names that are given as one text or as several.

    Raises
    ------
    InputError
        If they are anything else.
    """
    if isinstance(names, str):
        return (names,)
    several = tuple(names) if isinstance(names, Iterable) and not isinstance(names, bytes) else ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in several):
        raise InputError(f"{what} must be given as text, not {names!r:.60}")
    return tuple(map(str, several))


def names_pair(names: Any, what: str) -> tuple[str, str]:
    """Return two names.

    Raises
    ------
    InputError
        Unless there are two.
    """
    pair = () if isinstance(names, str) else names_list(names, what)
    if len(pair) != 2:
        raise InputError(f"{what} must be a pair of texts, not {names!r:.60}")
    return pair[0], pair[1]


def texts_by_name(columns: Any, more: Mapping[str, Any], example: str) -> dict[str, str]:
    """Return expressions by the names that their values get.

    Raises
    ------
    InputError
        If they are no mapping, or there is none; an example says how to write them.
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise InputError(f"give each expression a name, as {example}, not {columns!r:.60}")
    wanted = {**(columns or {}), **more}
    if not wanted:
        raise InputError(f"at least one name and expression is needed, as {example}")
    names_list(wanted, "names")
    return wanted


def check_columns(paths: Sequence[str], schema: pa.Schema) -> None:
    """Raise SchemaError if a column, or a field of a light curve, is not there."""
    for path in names_list(paths):
        column, field = split_path(path, schema)
        if column not in schema.names:
            raise SchemaError(_missing("column", path, schema.names))
        if field is not None:
            if not is_nested(schema.field(column).type):
                raise SchemaError(f"column {column!r} has no fields: there is no {path!r}")
            if field not in fields_of(schema, column):
                raise SchemaError(_missing(f"field of {column}:", field, fields_of(schema, column)))


def check_new(names: Sequence[str], schema: pa.Schema, other_names: str = "") -> None:
    """Raise SchemaError if a new column has the name of one that is there, or of a field.

    Parameters
    ----------
    names : sequence of str
        Of the new columns.
    schema : pyarrow.Schema
    other_names : str
        The parameters, if any, that give the new columns other names.
    """
    if both := [name for name in names_list(names, "names") if name in schema.names]:
        other = f"give the new columns other names with {other_names}, or " if other_names else ""
        raise SchemaError(
            f"the catalog has a column {both[0]!r} already; {other}rename or drop that one before"
        )
    curves = nested_columns(schema)
    if inside := [name for name in names if name.partition(".")[0] in curves]:
        raise SchemaError(f"{inside[0]!r} would look like a field of a light curve")


def _missing(what: str, name: str, there: Sequence[str]) -> str:
    hint = did_you_mean(name, there)
    return f"there is no {what} {name!r}{hint} (there are: {', '.join(there)})"
