"""Bring record batches to the target schema; a cell that does not fit is an error."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa

from skyseries.errors import InputError, SchemaError
from skyseries.formats.nulls import NullValues, mask_sentinels, sentinels_of

__all__ = ["cast_cells", "check_columns", "conform", "select_fields"]

Convert = Callable[[pa.Array], pa.Array]
_NOT_CONVERTED = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, ValueError)


def conform(
    batch: pa.RecordBatch,
    target: pa.Schema,
    path: str,
    *,
    first_row: int = 0,
    null_values: NullValues = (),
) -> pa.RecordBatch:
    """Return the batch in the target's columns, order and types.

    Nothing is copied where the types agree and there are no sentinels.

    Raises
    ------
    InputError
        If a cell cannot be cast without loss: names file, row (from 1), column and value.
    """
    arrays = []
    for field in target:
        array = batch.column(field.name)
        array = mask_sentinels(array, sentinels_of(null_values, field.name))
        if array.type != field.type:
            array = _cast_column(array, field, path, first_row)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=target)


def _cast_column(array: pa.Array, field: pa.Field, path: str, first_row: int) -> pa.Array:
    return cast_cells(
        array,
        lambda part: part.cast(field.type),
        field,
        path,
        lambda index: f"row {first_row + index + 1}",
    )


def cast_cells(
    array: pa.Array,
    convert: Convert,
    field: pa.Field,
    path: str,
    place: Callable[[int], str],
    hint: str = "",
) -> pa.Array:
    """Convert a column; on failure find the first cell that does not convert and name it.

    Parameters
    ----------
    array : pyarrow.Array
    convert : callable
    field : pyarrow.Field
    path : str
    place : callable
        Names the place in the file of the cell with an index.
    hint : str
        What can be done about it, for the message.
    """
    try:
        return convert(array)
    except _NOT_CONVERTED as error:
        index = _first_failure(array, convert)
        if index is None:
            raise InputError(f"{path}: column {field.name!r}: {error}") from error
        value = array[index].as_py()
        shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        raise InputError(
            f"{path}, {place(index)}, column {field.name!r}: "
            f"{shown!r} does not fit the type {field.type}{hint and '; ' + hint}"
        ) from error


def _first_failure(array: pa.Array, convert: Convert) -> int | None:
    """Return the index of the first cell that fails, by bisection."""

    def fails(start: int, stop: int) -> bool:
        try:
            convert(array.slice(start, stop - start))
        except _NOT_CONVERTED:
            return True
        return False

    low, high = 0, len(array)
    if high == 0:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if fails(low, middle):
            high = middle
        else:
            low = middle
    return low if fails(low, high) else None


def check_columns(path: str, available: Sequence[str], wanted: Iterable[str]) -> None:
    """Check that the wanted columns are there, once each.

    Raises
    ------
    SchemaError
        Names the column, and the names that are most like it.
    """
    for name in wanted:
        count = available.count(name)
        if count > 1:
            raise SchemaError(f"{path} has {count} columns named {name!r}; rename all but one")
        if count == 0:
            raise SchemaError(f"{path} has no column {name!r}; {_suggest(name, available)}")


def _suggest(name: str, available: Sequence[str]) -> str:
    folded = {other.casefold(): other for other in available}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)
    near = near or [other for other in folded if name.casefold() in other.split("_")][:3]
    if near:
        return "did you mean " + " or ".join(repr(folded[match]) for match in near) + "?"
    shown = ", ".join(available[:20])
    return f"it has: {shown}{', ...' if len(available) > 20 else ''}"


def select_fields(schema: pa.Schema, columns: Sequence[str] | None, path: str) -> pa.Schema:
    """Return the schema with these columns only, in this order; all if columns is None."""
    wanted = schema.names if columns is None else list(columns)
    if not wanted:
        raise SchemaError(f"{path}: no columns to read; name at least one")
    check_columns(path, schema.names, wanted)
    if len(set(wanted)) < len(wanted):
        raise SchemaError(f"a column is asked for twice: {', '.join(wanted)}")
    return pa.schema([schema.field(name) for name in wanted])
