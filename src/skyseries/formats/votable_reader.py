"""Read VOTable as a stream: TABLEDATA, BINARY and BINARY2.

The XML goes through expat block by block, so that a table larger than memory can be read and
64-bit ids stay exact. Of several tables in a file the only one that has rows is read, or the one
that was chosen. An empty cell of TABLEDATA is null.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrow import list_lengths
from skyseries.errors import InputError
from skyseries.formats.cast import cast_cells, conform, select_fields
from skyseries.formats.inputs import InputFile
from skyseries.formats.nulls import NullValues, mask_sentinels
from skyseries.formats.opening import open_plain, reading
from skyseries.formats.tables import choose_table
from skyseries.formats.text import parse_text
from skyseries.formats.votable_binary import BinaryRows
from skyseries.formats.votable_fields import VOTableField
from skyseries.formats.votable_parser import Parser
from skyseries.lazy import pc

__all__ = ["read_votable_schema", "scan_votable"]

_BLOCK_BYTES = 2**20
_TEXT_ROWS = 16_384
"""Rows of TABLEDATA that are held as Python text before they become Arrow."""
_TABLE_TAG = re.compile(rb"<(?:[\w.-]+:)?TABLE[\s>]")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
"""How XML of two bytes a character begins."""


def _blocks(file: InputFile) -> Iterator[bytes]:
    with open_plain(file.path) as stream:
        first = stream.read(_BLOCK_BYTES)
        if not first:
            raise InputError(f"{file.path} is empty (0 bytes)")
        if not first.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
            raise InputError(f"{file.path} is not a VOTable: it begins with {first[:40]!r}")
        yield first
        while block := stream.read(_BLOCK_BYTES):
            yield block
        yield b""


def read_votable_schema(file: InputFile) -> pa.Schema:
    """Return the columns of the table of a VOTable.

    Raises
    ------
    InputError
        If several tables have rows and none was chosen.
    """
    with reading(file.path, "VOTable"):
        parser = Parser(file.path, file.table)
        is_alone = not file.table and _has_one_table(file)
        for block in _blocks(file):
            parser.feed(block)
            if is_alone and parser.tables and parser.tables[0].has_data:
                return _schema(parser.fields_of(0), file)
        return _schema(parser.fields_of(_choose(parser, file)), file)


def _has_one_table(file: InputFile) -> bool:
    """Whether the tag of a table occurs once; a look at the bytes is faster than reading XML."""
    tags, end = 0, b""
    for block in _blocks(file):
        if not end and block.startswith(_WIDE):
            return False
        tags += len(_TABLE_TAG.findall(end[-64:] + block)) - len(_TABLE_TAG.findall(end[-64:]))
        end = block
    return tags == 1


def _choose(parser: Parser, file: InputFile) -> int:
    found = [table.found() for table in parser.tables if table.fields]
    if not found:
        raise InputError(f"{file.path} has no TABLE with FIELD elements")
    return choose_table(found, file.table, file.path).number


def _schema(fields: Sequence[VOTableField], file: InputFile) -> pa.Schema:
    return pa.schema([item.arrow_field(file.path) for item in fields])


def scan_votable(
    file: InputFile, target: pa.Schema, *, batch_rows: int, null_values: NullValues = ()
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the table of a VOTable."""
    row = 0
    with reading(file.path, "VOTable"):
        for batch in _raw_batches(file, target, min(batch_rows, _TEXT_ROWS)):
            yield conform(batch, target, file.path, first_row=row, null_values=null_values)
            row += batch.num_rows


def _raw_batches(file: InputFile, target: pa.Schema, text_rows: int) -> Iterator[pa.RecordBatch]:
    parser = Parser(file.path, file.table)
    binary: BinaryRows | None = None
    fields: list[VOTableField] = []
    done = 0
    for block in _blocks(file):
        parser.feed(block)
        if not fields and (parser.rows or parser.base64) and parser.table is not None:
            fields = parser.fields_of(parser.table.number)
            select_fields(_schema(fields, file), target.names, file.path)
        if parser.base64:
            if binary is None:
                flags = parser.serialization == "BINARY2"
                binary = BinaryRows(fields, file.path, has_flags=flags)
            data = _take_base64(parser, last=parser.finished or not block)
            for batch in binary.feed(data):
                yield _finished(batch, fields, file.path)
        while len(parser.rows) >= text_rows or (parser.rows and not block):
            rows, parser.rows = parser.rows[:text_rows], parser.rows[text_rows:]
            yield _finished(_from_text(rows, fields, file.path, done), fields, file.path)
            done += len(rows)
    if binary is not None:
        binary.close()
    if parser.is_ambiguous or not fields:
        chosen = _schema(parser.fields_of(_choose(parser, file)), file)
        select_fields(chosen, target.names, file.path)
    if parser.overflow:
        warnings.warn(
            f"{file.path} is incomplete: the service that wrote it says OVERFLOW", stacklevel=2
        )


def _take_base64(parser: Parser, *, last: bool) -> bytes:
    """Decode what has come so far, up to a multiple of four characters."""
    text = "".join("".join(parser.base64).split())
    cut = len(text) if last else len(text) // 4 * 4
    parser.base64 = [text[cut:]] if cut < len(text) else []
    try:
        return base64.b64decode(text[:cut], validate=True)
    except binascii.Error as error:
        raise InputError(f"the base64 text in {parser.path} is broken: {error}") from error


def _finished(batch: pa.RecordBatch, fields: Sequence[VOTableField], path: str) -> pa.RecordBatch:
    """Replace what VALUES calls null, inside arrays too, and give arrays their dimensions."""
    if all(item.null is None and not item.inner_sizes for item in fields):
        return batch
    columns = []
    for item, column in zip(fields, batch.columns, strict=True):
        column = column if item.null is None else mask_sentinels(column, (item.null,))
        columns.append(_shaped(column, item, path) if item.inner_sizes else column)
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _shaped(lists: pa.Array, item: VOTableField, path: str) -> pa.Array:
    values, each = lists.flatten(), math.prod(item.inner_sizes)
    lengths = list_lengths(lists)
    if not each or (lengths % each).any():
        raise InputError(
            f"{path}: column {item.name!r} has arrays that are not {item.arraysize} values"
        )
    for size in item.inner_sizes:
        values = pa.ListArray.from_arrays(
            pa.array(np.arange(0, len(values) + 1, size, dtype=np.int32)), values
        )
    offsets = np.concatenate([[0], np.cumsum(lengths // each)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=lists.is_null())


def _from_text(
    rows: list[list[str]], fields: list[VOTableField], path: str, first: int
) -> pa.RecordBatch:
    arrays = []
    for item, cells in zip(fields, zip(*rows, strict=True), strict=True):
        text = pa.array([cell or None for cell in cells], pa.string())
        column = item.arrow_field(path)
        value = item.value_type(path)

        def convert(part: pa.Array, item: VOTableField = item, value: Any = value) -> pa.Array:
            return _parse_cells(part, item, value)

        def place(index: int) -> str:
            return f"row {first + index + 1}"

        arrays.append(cast_cells(text, convert, column, path, place))
    return pa.RecordBatch.from_arrays(arrays, [item.name for item in fields])


def _parse_cells(text: pa.Array, item: VOTableField, value_type: pa.DataType) -> pa.Array:
    if not item.is_list:
        return _parse_values(text, item, value_type)
    lengths, parts = [0], []
    for cell in text.to_pylist():
        # A bit array has no blanks between its digits.
        values = [] if cell is None else list(cell) if item.datatype == "bit" else cell.split()
        parts += [value for value in values if not value.isspace()]
        lengths.append(len(parts))
    values = _parse_values(pa.array(parts, pa.string()), item, value_type)
    offsets = pa.array(np.array(lengths, np.int32))
    return pa.ListArray.from_arrays(offsets, values, mask=text.is_null())


def _parse_values(text: pa.Array, item: VOTableField, type: pa.DataType) -> pa.Array:
    words = set() if item.null is None else {item.null}
    if pt.is_boolean(type):
        words.add("?")
    elif pt.is_integer(type) and pc.any(pc.match_substring_regex(text, "^\\s*[+-]?0[xX]")).as_py():
        cells = [None if cell is None else _from_hexadecimal(cell) for cell in text.to_pylist()]
        text = pa.array(cells, pa.string())
    return parse_text(text, type, words)


def _from_hexadecimal(cell: str) -> str:
    return str(int(cell, 16)) if "x" in cell.lower() else cell
