"""Flatten nested columns for the formats that have none; pass over the rows more than once."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pt

from skyseries.errors import InputError
from skyseries.lazy import pc
from skyseries.schema import ColumnMeta, column_meta, with_column_meta

__all__ = [
    "Source",
    "Table",
    "fixed_values",
    "flatten_batch",
    "flatten_schema",
    "plain_array",
    "plain_type",
    "text_bytes",
    "to_text",
]

Table: TypeAlias = pa.Table | pa.RecordBatchReader | Iterable[pa.RecordBatch]


class Source:
    """Record batches that can be passed over more than once.

    A table is used as it is; a stream is kept in a temporary Arrow file when it is first asked
    to be repeatable, so that memory stays bounded.
    """

    def __init__(self, data: Table, schema: pa.Schema | None, folder: Path) -> None:
        self._folder = folder
        self._spool: Path | None = None
        self._table: pa.Table | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        if isinstance(data, pa.Table):
            self._table, self.schema = data, data.schema
        elif isinstance(data, pa.RecordBatchReader):
            self._batches, self.schema = iter(data), data.schema
        else:
            self._batches, self.schema = _with_schema(iter(data), schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches; again and again after `make_repeatable`."""
        if self._table is not None:
            yield from self._table.to_batches()
        elif self._spool is not None:
            with pa.OSFile(str(self._spool)) as handle, pa.ipc.open_stream(handle) as reader:
                yield from reader
        else:
            yield from self._batches

    def make_repeatable(self) -> None:
        """Write a stream to a temporary file beside the output."""
        if self._table is not None or self._spool is not None:
            return
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".rows-", delete=False) as file:
            spool = Path(file.name)
        try:
            with (
                pa.OSFile(str(spool), "wb") as handle,
                pa.ipc.new_stream(handle, self.schema) as writer,
            ):
                for batch in self._batches:
                    writer.write_batch(batch)
        except BaseException:
            spool.unlink(missing_ok=True)
            raise
        self._spool = spool

    def close(self) -> None:
        """Remove the temporary file."""
        if self._spool is not None:
            self._spool.unlink(missing_ok=True)
            self._spool = None


def _with_schema(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema | None
) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
    first = next(batches, None)
    if first is None:
        if schema is None:
            raise InputError("no record batches and no schema: give schema= for an empty table")
        return iter(()), schema

    def all_batches() -> Iterator[pa.RecordBatch]:
        yield first
        yield from batches

    return all_batches(), first.schema if schema is None else schema


def flatten_schema(schema: pa.Schema) -> pa.Schema:
    """Replace each struct column by its fields, named ``column.field``, and types by plain ones."""
    fields = []
    for field in schema:
        if pt.is_struct(field.type):
            inner = [
                with_column_meta(
                    child.with_name(f"{field.name}.{child.name}").with_nullable(True),
                    column_meta(child),
                )
                for child in field.type
            ]
            fields += list(flatten_schema(pa.schema(inner)))
        else:
            plain = field.with_type(plain_type(field.type))
            unit = field.type.unit if pt.is_duration(field.type) else ""
            fields.append(with_column_meta(plain, ColumnMeta(unit=unit)))
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"two columns would be named {twice!r}; rename one")
    return pa.schema(fields)


def plain_type(type: pa.DataType) -> pa.DataType:
    """Return the simplest type that holds the same: no dictionaries, views or extensions."""
    if isinstance(type, pa.BaseExtensionType):
        return pa.string() if isinstance(type, pa.UuidType) else plain_type(type.storage_type)
    if pt.is_dictionary(type) or pt.is_run_end_encoded(type):
        return plain_type(type.value_type)
    if pt.is_duration(type):
        return pa.int64()
    if pt.is_large_string(type) or pt.is_string_view(type):
        return pa.string()
    if pt.is_large_binary(type) or pt.is_binary_view(type):
        return pa.binary()
    if pt.is_fixed_size_list(type):
        return pa.list_(_plain_item(type), type.list_size)
    return pa.list_(_plain_item(type)) if any(test(type) for test in _LISTS) else type


def _plain_item(type: pa.DataType) -> pa.Field:
    """Return the values of lists, which may say that none of them is null."""
    return pa.field("item", plain_type(type.value_type), type.value_field.nullable)


_LISTS = (pt.is_list, pt.is_large_list, pt.is_list_view, pt.is_large_list_view)


def flatten_batch(batch: pa.RecordBatch, flat: pa.Schema) -> pa.RecordBatch:
    """Return the batch in the flat schema."""
    arrays: list[pa.Array] = []

    def add(array: pa.Array) -> None:
        if pt.is_struct(array.type):
            for child in array.flatten():
                add(child)
        else:
            arrays.append(array)

    for column in batch.columns:
        add(column)
    plain = [plain_array(array, field.type) for array, field in zip(arrays, flat, strict=True)]
    return pa.RecordBatch.from_arrays(plain, schema=flat)


def plain_array(array: pa.Array, type: pa.DataType) -> pa.Array:
    """Return the cells in the type that `plain_type` gives."""
    if array.type == type:
        return array
    if isinstance(array.type, pa.UuidType):
        return pa.array([None if cell is None else str(cell) for cell in array.to_pylist()], type)
    if isinstance(array.type, pa.BaseExtensionType):
        return plain_array(array.storage, type)
    if pt.is_list_view(array.type) or pt.is_large_list_view(array.type):
        return pa.array(array.to_pylist(), type)  # Arrow's cast is wrong behind a null
    if pt.is_run_end_encoded(array.type):
        return plain_array(pc.run_end_decode(array), type)
    return array.cast(type)


def fixed_values(array: pa.Array) -> pa.Array:
    """Return the innermost values of lists of fixed length; null where the list is null."""
    if not pt.is_fixed_size_list(array.type):
        return array
    size = array.type.list_size
    values = array.values.slice(array.offset * size, len(array) * size)
    if array.null_count:
        is_null = np.repeat(np.asarray(array.is_null()), size)
        numbers = np.where(is_null, -1, np.arange(len(values)))
        values = values.take(pa.array(numbers, mask=is_null))
    return fixed_values(values)


def _to_json(array: pa.Array, name: str) -> pa.Array:
    """Return lists as JSON text; null stays null."""

    def other(value: object) -> str:
        if isinstance(value, bytes):
            raise _holds_bytes(name)
        return str(value)

    cells = array.to_pylist()
    return pa.array(
        [None if c is None else json.dumps(c, default=other) for c in cells], pa.string()
    )


def _holds_bytes(name: str) -> InputError:
    return InputError(f"column {name!r} holds bytes, which this format cannot keep")


def text_bytes(text: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the bytes of all cells one after the other, and the length of each; null is empty."""
    filled = pc.fill_null(text.cast(pa.large_binary()), b"")
    _, raw_offsets, raw = filled.buffers()
    offsets = np.frombuffer(raw_offsets, np.int64)[filled.offset : filled.offset + len(filled) + 1]
    if raw is None or not len(filled):
        return np.empty(0, np.uint8), np.zeros(len(filled), np.int64)
    return np.frombuffer(raw, np.uint8)[offsets[0] : offsets[-1]], np.diff(offsets)


def to_text(array: pa.Array, name: str) -> pa.Array:
    """Return a column as text: times in ISO 8601, nested values as JSON.

    Raises
    ------
    InputError
        For bytes, which are not text.
    """
    kind = array.type
    if pt.is_nested(kind):
        return _to_json(array, name)
    if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind):
        raise _holds_bytes(name)
    if pt.is_timestamp(kind):
        text = array.cast(pa.timestamp(kind.unit)).cast(pa.string())
        return pc.replace_substring(text, " ", "T", max_replacements=1)
    try:
        return array.cast(pa.string())
    except pa.ArrowNotImplementedError:
        return pa.array([None if c is None else str(c) for c in array.to_pylist()], pa.string())
