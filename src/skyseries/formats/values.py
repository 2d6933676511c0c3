"""Columns with one value in all rows of a file: from the names of its folders, or its own name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from skyseries.errors import InputError
from skyseries.formats.cast import cast_cells
from skyseries.formats.inputs import FILE_NAME, InputFile
from skyseries.formats.nulls import NullValues, mask_sentinels, sentinels_of
from skyseries.lazy import pc

__all__ = ["add_values", "fields_with_values"]


def fields_with_values(schema: pa.Schema, file: InputFile) -> pa.Schema:
    """Return the columns of a file, and behind them those that are only outside of it."""
    outside = [
        pa.field(name, _type_of(value)) for name, value in file.values if name not in schema.names
    ]
    return pa.schema([*schema, *outside]) if outside else schema


def _type_of(value: int | str | None) -> pa.DataType:
    if value is None:
        return pa.null()
    if isinstance(value, str):
        return pa.string()
    return pa.int32() if -(2**31) <= value < 2**31 else pa.int64()


def add_values(
    file: InputFile,
    own: pa.Schema,
    target: pa.Schema,
    null_values: NullValues,
    scan: Callable[[pa.Schema], Iterator[pa.RecordBatch]],
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file with the columns that stand outside of it.

    Parameters
    ----------
    file : InputFile
    own : pyarrow.Schema
        The columns inside the file.
    target : pyarrow.Schema
        The columns that are asked for.
    null_values : sequence or mapping
    scan : callable
        Yields the rows of the file itself for a schema.

    Raises
    ------
    InputError
        If a column is inside the file too and differs, or a value does not fit its type.
    """
    inside = [field for field in target if field.name in own.names]
    outside = {
        field.name: _cell(file, field, null_values)
        for field in target
        if field.name in dict(file.values)
    }
    for batch in scan(pa.schema(inside or [own.field(0)])):
        columns = {name: batch.column(name) for name in batch.schema.names}
        for name, cell in outside.items():
            if name in own.names:
                _check_same(file, name, columns[name], cell)
            else:
                columns[name] = pa.repeat(cell, batch.num_rows)
        yield pa.RecordBatch.from_arrays([columns[name] for name in target.names], schema=target)


def _cell(file: InputFile, field: pa.Field, null_values: NullValues) -> pa.Scalar:
    value = dict(file.values)[field.name]
    place = "its file name" if field.name == FILE_NAME else "the name of its folder"
    array = cast_cells(
        pa.array([value]), lambda part: part.cast(field.type), field, file.path, lambda _: place
    )
    return mask_sentinels(array, sentinels_of(null_values, field.name))[0]


def _check_same(file: InputFile, name: str, column: pa.Array, cell: pa.Scalar) -> None:
    same = pc.equal(column, cell) if cell.is_valid else column.is_null()
    same = pc.fill_null(same, False)
    if not pc.all(same).as_py():
        other = column[pc.index(same, False).as_py()].as_py()
        raise InputError(
            f"{file.path}: column {name!r} is {other!r} inside the file, but {cell.as_py()!r} by "
            "the name of its folder; rename the folder or the column"
        )
