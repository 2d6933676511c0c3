"""Read VOTable as a stream: TABLEDATA, BINARY and BINARY2.

The XML goes through expat block by block, so that a table larger than memory can be read and
64-bit ids stay exact. The first table with columns is read. An empty cell of TABLEDATA is null.
"""

from __future__ import annotations

import base64
import binascii
import warnings
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from skyseries.errors import InputError
from skyseries.formats.cast import cast_cells, conform, select_fields
from skyseries.formats.inputs import InputFile
from skyseries.formats.nulls import NullValues
from skyseries.formats.opening import open_plain, reading
from skyseries.formats.text import parse_text
from skyseries.formats.votable_binary import BinaryRows
from skyseries.formats.votable_fields import VOTableField, local_name

__all__ = ["read_votable_schema", "scan_votable"]

_BLOCK_BYTES = 2**20
_TEXT_ROWS = 16_384
"""Rows of TABLEDATA that are held as Python text before they become Arrow."""


class _Parser:
    """Turns blocks of XML into columns and rows; `cells` and `binary` hold what is ready."""

    def __init__(self, file: InputFile) -> None:
        self.path = file.path
        self.fields: list[VOTableField] = []
        self.has_data = False
        self.finished = False
        self.overflow = False
        self.serialization = ""
        self.rows: list[list[str]] = []
        self.base64: list[str] = []
        self._row: list[str] = []
        self._cell: list[str] | None = None
        self._inside: list[str] = []
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters

    def feed(self, block: bytes) -> None:
        """Take in a block; an empty one is the end of the file."""
        try:
            self._expat.Parse(block, not block)
        except expat.ExpatError as error:
            raise InputError(f"the VOTable {self.path} is truncated or broken: {error}") from error

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local_name(tag)
        self._inside.append(name)
        if name == "INFO":
            self._info(attributes)
        if self.finished:
            return
        match name:
            case "TD":
                self._cell = []
            case "TR":
                self._row = []
            case "FIELD" if not self.has_data:
                self.fields.append(VOTableField.from_attributes(attributes))
            case "VALUES" if "FIELD" in self._inside and self.fields:
                self.fields[-1].null = attributes.get("null")
            case "DATA":
                self.has_data = True
            case "TABLEDATA" | "BINARY" | "BINARY2" | "FITS":
                self._begin(name)
            case "STREAM":
                self._stream(attributes)

    def _info(self, attributes: dict[str, str]) -> None:
        if attributes.get("name", "").upper() == "QUERY_STATUS":
            status = attributes.get("value", "").upper()
            self.overflow = self.overflow or status == "OVERFLOW"
            if status == "ERROR":
                raise InputError(f"{self.path} is the answer to a query that failed")

    def _begin(self, serialization: str) -> None:
        if serialization == "FITS":
            raise InputError(f"{self.path}: a FITS stream inside a VOTable is not read")
        self.serialization = serialization

    def _stream(self, attributes: dict[str, str]) -> None:
        if "href" in attributes or attributes.get("encoding", "base64") != "base64":
            raise InputError(f"{self.path}: only base64 inside the VOTable is read, not a link")

    def _end(self, tag: str) -> None:
        name = self._inside.pop()
        if name == "TABLE" and self.fields:
            self.finished = True
        if self.finished:
            return
        if name == "TD" and self._cell is not None:
            self._row.append("".join(self._cell))
            self._cell = None
        elif name == "TR":
            if len(self._row) != len(self.fields):
                raise InputError(
                    f"{self.path}, line {self._expat.CurrentLineNumber}: a row has "
                    f"{len(self._row)} cells instead of {len(self.fields)}"
                )
            self.rows.append(self._row)

    def _characters(self, data: str) -> None:
        if self.finished:
            return
        if self._cell is not None:
            self._cell.append(data)
        elif self._inside[-1] == "STREAM":
            self.base64.append(data)
        elif self._inside[-2:] == ["FIELD", "DESCRIPTION"]:
            self.fields[-1].description.append(data)

    def schema(self) -> pa.Schema:
        if not self.fields:
            raise InputError(f"{self.path} has no TABLE with FIELD elements")
        return pa.schema([item.arrow_field(self.path) for item in self.fields])


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
    """Return the columns of the first table of a VOTable; its data is not read."""
    with reading(file.path, "VOTable"):
        parser = _Parser(file)
        for block in _blocks(file):
            parser.feed(block)
            if parser.has_data or parser.finished:
                break
        return parser.schema()


def scan_votable(
    file: InputFile, target: pa.Schema, *, batch_rows: int, null_values: NullValues = ()
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the first table of a VOTable."""
    row = 0
    with reading(file.path, "VOTable"):
        for batch in _raw_batches(file, target, min(batch_rows, _TEXT_ROWS)):
            yield conform(batch, target, file.path, first_row=row, null_values=null_values)
            row += batch.num_rows


def _raw_batches(file: InputFile, target: pa.Schema, text_rows: int) -> Iterator[pa.RecordBatch]:
    parser = _Parser(file)
    binary: BinaryRows | None = None
    checked = False
    done = 0
    for block in _blocks(file):
        parser.feed(block)
        if not checked and (parser.has_data or parser.finished or not block):
            select_fields(parser.schema(), target.names, file.path)
            checked = True
        if parser.base64:
            if binary is None:
                flags = parser.serialization == "BINARY2"
                binary = BinaryRows(parser.fields, file.path, has_flags=flags)
            yield from binary.feed(_take_base64(parser, last=parser.finished or not block))
        while len(parser.rows) >= text_rows or (parser.rows and not block):
            rows, parser.rows = parser.rows[:text_rows], parser.rows[text_rows:]
            yield _from_text(rows, parser.fields, file.path, done)
            done += len(rows)
    if binary is not None:
        binary.close()
    if parser.overflow:
        warnings.warn(
            f"{file.path} is incomplete: the service that wrote it says OVERFLOW", stacklevel=2
        )


def _take_base64(parser: _Parser, *, last: bool) -> bytes:
    """Decode what has come so far, up to a multiple of four characters."""
    text = "".join("".join(parser.base64).split())
    cut = len(text) if last else len(text) // 4 * 4
    parser.base64 = [text[cut:]] if cut < len(text) else []
    try:
        return base64.b64decode(text[:cut], validate=True)
    except binascii.Error as error:
        raise InputError(f"the base64 text in {parser.path} is broken: {error}") from error


def _from_text(
    rows: list[list[str]], fields: list[VOTableField], path: str, first: int
) -> pa.RecordBatch:
    arrays = []
    for item, cells in zip(fields, zip(*rows, strict=True), strict=True):
        text = pa.array([cell or None for cell in cells], pa.string())
        column = item.arrow_field(path)

        def convert(part: pa.Array, item: VOTableField = item, type: Any = column.type) -> pa.Array:
            return _parse_cells(part, item, type)

        def place(index: int) -> str:
            return f"row {first + index + 1}"

        arrays.append(cast_cells(text, convert, column, path, place))
    return pa.RecordBatch.from_arrays(arrays, [item.name for item in fields])


def _parse_cells(text: pa.Array, item: VOTableField, type: pa.DataType) -> pa.Array:
    words = () if item.null is None else (item.null,)
    if not item.is_list:
        return parse_text(text, type, words)
    lengths, parts = [0], []
    for cell in text.to_pylist():
        # A bit array has no blanks between its digits.
        values = [] if cell is None else list(cell) if item.datatype == "bit" else cell.split()
        parts += [value for value in values if not value.isspace()]
        lengths.append(len(parts))
    values = parse_text(pa.array(parts, pa.string()), type.value_type, words)
    offsets = pa.array(np.array(lengths, np.int32))
    return pa.ListArray.from_arrays(offsets, values, mask=text.is_null())
