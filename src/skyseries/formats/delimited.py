"""Read CSV and ECSV as a stream of record batches.

The fast path lets Arrow parse straight into the target types. When a cell does not convert (a
plus sign before an integer, "null" among numbers, or a real fault) reading goes on from the same
row with all cells as text, converted by `text.parse_text`, which understands more and can name
the line of a fault.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.types as pt

from skyseries.arrow import is_number
from skyseries.errors import InputError
from skyseries.formats.cast import cast_cells, conform, select_fields
from skyseries.formats.inputs import InputFile
from skyseries.formats.layout import Layout, open_text
from skyseries.formats.mixins import Mixins
from skyseries.formats.nulls import NullValues, sentinels_of, words_of
from skyseries.formats.opening import reading
from skyseries.formats.text import Evidence, parse_text

__all__ = ["SAMPLE_ROWS", "TYPE_HINT", "BadRow", "read_delimited_schema", "scan_delimited"]

SAMPLE_ROWS = 10_000
"""Types are inferred from this many rows at the start."""
_SAMPLE_BYTES_OPEN = 64 * 2**20
"""A column that is empty, whole numbers or true and false in the sample is looked at this far."""
TYPE_HINT = (
    "the type is that of the rows before it: mend the cell, name what stands for a missing value "
    "among the null values, or write the table with its types, as ECSV or Parquet"
)
_BLOCK_BYTES = 4 * 2**20
"""Measured: 1, 4 and 16 MiB read equally fast; a longer row than this cannot be read."""


@dataclass(frozen=True)
class BadRow:
    """A row of a CSV file that was skipped, as it has a wrong number of fields."""

    path: str
    text: str
    fields: int
    expected: int


class _Body:
    """The rows of a file behind its header, as Arrow reads it; counts quotes on the way."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.quotes = 0
        self.bytes = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self.quotes += block.count(b'"')
        self.bytes += len(block)
        return block

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def read_delimited_schema(file: InputFile, null_values: NullValues = ()) -> pa.Schema:
    """Return the columns of a CSV file by inference, of an ECSV file by its header."""
    with reading(file.path), open_text(file.path, file.format) as (layout, stream):
        if layout.schema is not None:
            return layout.mixins.logical(layout.schema)
        body = _Body(stream)
        words = {name: words_of(sentinels_of(null_values, name)) for name in layout.names}
        return pa.schema(list(_infer_fields(_text_batches(body, layout), body, layout, words)))


def _infer_fields(
    batches: Iterator[pa.RecordBatch], body: _Body, layout: Layout, words: dict[str, frozenset[str]]
) -> Iterator[pa.Field]:
    evidence = {name: Evidence(words[name]) for name in layout.names}
    rows = 0
    for batch in batches:
        sample = batch.slice(0, max(0, SAMPLE_ROWS - rows))
        rest = batch.slice(sample.num_rows)
        for name, column in zip(layout.names, sample.columns, strict=True):
            evidence[name].add(column.cast(pa.string(), safe=False))
        still_open = [name for name in layout.names if evidence[name].is_open]
        for name in still_open:
            evidence[name].add(rest.column(name).cast(pa.string(), safe=False))
        rows += batch.num_rows
        if rows >= SAMPLE_ROWS and (not still_open or body.bytes > _SAMPLE_BYTES_OPEN):
            break
    for name in layout.names:
        yield pa.field(name, evidence[name].type)


def scan_delimited(
    file: InputFile,
    target: pa.Schema,
    *,
    null_values: NullValues = (),
    skip: Callable[[BadRow], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV or ECSV file in the target's columns and types.

    Parameters
    ----------
    file : InputFile
    target : pyarrow.Schema
    null_values : sequence or mapping
    skip : callable, optional
        Gets each row that has a wrong number of fields; such a row is an error without it.

    Raises
    ------
    InputError
        A broken row, a cell that does not convert (with its line), or a damaged file.
    """
    mixins, schema = Mixins(), None
    if file.format == "ecsv":
        with reading(file.path), open_text(file.path, file.format) as (layout, _):
            mixins, schema = layout.mixins, layout.schema
    if not mixins:
        yield from _scan(file, target, null_values, skip)
        return
    select_fields(mixins.logical(schema), target.names, file.path)
    for batch in _scan(file, mixins.physical(target, schema), null_values, skip):
        yield conform(mixins.combine(batch, target), target, file.path)


def _scan(
    file: InputFile,
    target: pa.Schema,
    null_values: NullValues,
    skip: Callable[[BadRow], None] | None,
) -> Iterator[pa.RecordBatch]:
    done = 0
    try:
        for batch in _scan_fast(file, target, null_values):
            yield batch
            done += batch.num_rows
    except _NeedsCare:
        pass
    else:
        return
    yield from _scan_careful(file, target, null_values, skip, done)


class _NeedsCare(Exception):
    """The fast path met something that it cannot judge."""


def _scan_fast(
    file: InputFile, target: pa.Schema, null_values: NullValues
) -> Iterator[pa.RecordBatch]:
    with reading(file.path), open_text(file.path, file.format) as (layout, stream):
        select_fields(
            pa.schema([(name, pa.null()) for name in layout.names]), target.names, file.path
        )
        if not all(_arrow_parses(field.type) for field in target):
            raise _NeedsCare
        body = _Body(stream)
        types = {field.name: field.type for field in target}
        try:
            for batch in _open(body, layout, types):
                yield conform(batch, target, file.path, null_values=null_values)
        except pa.ArrowInvalid as error:
            raise _NeedsCare from error
        if body.quotes % 2:
            raise _NeedsCare


def _arrow_parses(type: pa.DataType) -> bool:
    plain = is_number(type) or pt.is_boolean(type) or pt.is_null(type)
    return bool(plain or pt.is_string(type) or pt.is_large_string(type)) and type != pa.float16()


def _text_batches(
    body: _Body, layout: Layout, skip: Callable[[Any], str] | None = lambda row: "skip"
) -> Iterator[pa.RecordBatch]:
    return _open(body, layout, dict.fromkeys(layout.names, pa.binary()), skip)


def _open(
    body: _Body,
    layout: Layout,
    types: dict[str, pa.DataType],
    skip: Callable[[Any], str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield batches as Arrow parses them; nothing for a file without rows."""
    parse = pc.ParseOptions(
        delimiter=layout.delimiter,
        newlines_in_values=True,
        # A null in a file of one column is a blank line.
        ignore_empty_lines=len(layout.names) > 1,
        invalid_row_handler=skip,
    )
    convert = pc.ConvertOptions(
        column_types=types,
        include_columns=list(types),
        null_values=[""],
        strings_can_be_null=True,
        # ECSV writes a missing value as "" always, CSV leaves it out and quotes empty text.
        quoted_strings_can_be_null=layout.is_ecsv,
    )
    read = pc.ReadOptions(column_names=list(layout.names), block_size=_BLOCK_BYTES)
    try:
        reader = pc.open_csv(body, read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        raise
    with reader:
        yield from (batch for batch in reader if batch.num_rows)


def _scan_careful(
    file: InputFile,
    target: pa.Schema,
    null_values: NullValues,
    skip: Callable[[BadRow], None] | None,
    done: int,
) -> Iterator[pa.RecordBatch]:
    def handle(row: Any) -> str:
        if skip is None:
            return "error"
        skip(BadRow(file.path, row.text, row.actual_columns, row.expected_columns))
        return "skip"

    first = 0
    with reading(file.path), open_text(file.path, file.format) as (layout, stream):
        body = _Body(stream)
        try:
            for batch in _text_batches(body, layout, handle):
                start = max(0, done - first)
                if start < batch.num_rows:
                    rows = batch.slice(start)
                    yield _parse_batch(
                        file, rows, target, null_values, first + start, layout.is_ecsv
                    )
                first += batch.num_rows
        except pa.ArrowInvalid as error:
            _raise_broken_row(file, error)
        if body.quotes % 2:
            _check_quotes(file)


def _parse_batch(
    file: InputFile,
    batch: pa.RecordBatch,
    target: pa.Schema,
    null_values: NullValues,
    first: int,
    is_ecsv: bool,
) -> pa.RecordBatch:
    arrays = []
    for field in target:
        words = words_of(sentinels_of(null_values, field.name))

        def convert(part: pa.Array, field: pa.Field = field, words: Any = words) -> pa.Array:
            return parse_text(part, field.type, words)

        def place(index: int) -> str:
            return f"line {_line_of_row(file, first + index)}"

        cells = batch.column(field.name)
        hint = "" if is_ecsv else TYPE_HINT
        arrays.append(cast_cells(cells, convert, field, file.path, place, hint))
    parsed = pa.RecordBatch.from_arrays(arrays, schema=target)
    return conform(parsed, target, file.path, null_values=null_values)


def _records(file: InputFile) -> Iterator[tuple[int, str, list[str], int]]:
    """Yield line number, text, cells and the expected count of each row, slowly."""
    with open_text(file.path, file.format) as (layout, stream):
        lines: list[str] = []

        def remember() -> Iterator[str]:
            for raw in stream:
                lines.append(raw.decode("utf-8", "replace"))
                yield lines[-1]

        reader = csv.reader(remember(), delimiter=layout.delimiter, strict=True)
        number = layout.header_lines + 1
        expected = len(layout.names)
        for cells in reader:
            if cells or expected == 1:
                yield number, "".join(lines).rstrip("\r\n"), cells or [""], expected
            number = layout.header_lines + reader.line_num + 1
            lines.clear()


def _line_of_row(file: InputFile, row: int) -> int | str:
    """Return the line on which a row of good width begins."""
    try:
        widths = (number for number, _, cells, expected in _records(file) if len(cells) == expected)
        return next(number for index, number in enumerate(widths) if index == row)
    except (csv.Error, StopIteration):
        return f"of row {row + 1}"


def _raise_broken_row(file: InputFile, error: pa.ArrowInvalid) -> None:
    number = 0
    try:
        for number, text, cells, expected in _records(file):
            if len(cells) != expected:
                raise InputError(
                    f"{file.path}, line {number} has {len(cells)} fields instead of {expected}: "
                    f"{text[:200]!r}; mend this line or take it out"
                ) from error
    except csv.Error as fault:
        raise InputError(f"{file.path}, behind line {number}: {fault}") from error
    raise InputError(f"{file.path}: {error}") from error


def _check_quotes(file: InputFile) -> None:
    """Raise if a quote is never closed: the rows behind it would be one cell.

    Called where the number of quotes is odd, which is legal inside an unquoted cell.
    """
    number = 0
    try:
        for number, _, _, _ in _records(file):  # noqa: B007 - the last one is needed
            pass
    except csv.Error as fault:
        raise InputError(
            f"{file.path}: a quote behind line {number} is not closed as CSV asks ({fault}); "
            "mend the quotes in this file"
        ) from fault
