"""VOTable with BINARY2 data: the exact values, nulls as bits."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from skyseries.arrow import to_numpy
from skyseries.formats.flat import to_text
from skyseries.formats.streams import bigendian as kernels
from skyseries.formats.streams.arrays import filled, innermost
from skyseries.formats.streams.base import Document, Ending
from skyseries.formats.streams.cells import JSON_TEXT, Cells, Escapes, cells_of, frozen, texts
from skyseries.formats.streams.votable import VOTable
from skyseries.formats.votable_types import Form

__all__ = ["Binary2"]

WIDTHS = {
    "boolean": 1, "unsignedByte": 1, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8,
}  # fmt: skip
_ASCII = Escapes({byte: b"" if byte < 0xC0 else b"?" for byte in range(128, 256)})
_LETTERS = 65

Cursor = NDArray[np.uint64]
Put = Callable[[Cursor, NDArray[np.uint8]], None]
Size = int | NDArray[np.int64]


class Binary2(VOTable):
    """Text that is said to be ASCII, but is not, has ``?`` where a letter is none."""

    name = "votable"
    media_type = "application/x-votable+xml"
    aliases = (
        "votable/b2", "application/x-votable+xml;serialization=binary2", "text/xml",
        "application/xml",
    )  # fmt: skip
    opening = b'<BINARY2><STREAM encoding="base64">\n'
    closing = b"</STREAM></BINARY2>"

    def __init__(self, schema: pa.Schema, document: Document | None = None) -> None:
        super().__init__(schema, document)
        self._rest = np.empty(0, np.uint8)
        """Bytes that are no whole line yet."""

    def rows(self, table: pa.Table) -> Iterator[bytes]:
        """Yield the rows in pieces."""
        for batch in self.batches(table, 4 / 3):
            data = _encoded(batch, self.forms, self._rest)
            lines = len(data) // kernels.LINE
            cut = lines * kernels.LINE
            self._rest = data[cut:].copy()
            if lines:
                out = np.empty(lines * _LETTERS, np.uint8)
                kernels.base64_lines(frozen(data[:cut]), out)
                yield out.tobytes()

    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows."""
        yield binascii.b2a_base64(self._rest.tobytes())
        yield from super().tail(ending)


def _encoded(
    batch: pa.RecordBatch, forms: list[Form], before: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return rows behind some bytes: in each the bits of nulls, then the cells."""
    rows, flags = batch.num_rows, -(-batch.num_columns // 8)
    parts = [_part(column, form) for column, form in zip(batch.columns, forms, strict=True)]
    lengths = np.full(rows, flags + sum(size for size, _ in parts if isinstance(size, int)))
    for size, _ in parts:
        if not isinstance(size, int):
            lengths += size
    ends = np.cumsum(lengths) + len(before)
    out = np.zeros(int(ends[-1]), np.uint8)
    out[: len(before)] = before
    cursor = (ends - lengths).view(np.uint64)
    for place, column in enumerate(batch.columns):
        if column.null_count:
            valid = frozen(to_numpy(column.is_valid()))
            kernels.put_nulls(valid, place // 8, 128 >> place % 8, cursor, out)
    cursor += np.uint64(flags)
    for _, put in parts:
        put(cursor, out)
    return out


def _part(column: pa.Array, form: Form) -> tuple[Size, Put]:
    """Return how many bytes the cells of a column have, and what writes them."""
    if form.is_text:
        return _text_part(column, form)
    width = WIDTHS[form.datatype]
    values, offsets = innermost(column)
    numbers = frozen(filled(values, form).view(np.uint8))
    if offsets is None:
        each = len(values) // len(column)
        return each * width, lambda cursor, out: kernels.put_values(
            numbers, each, width, cursor, out
        )
    bounds, valid = frozen(offsets), _valid(column)
    counts = np.diff(offsets)
    lengths = 4 + width * (np.where(valid, counts, 0) if valid.size else counts)
    return lengths, lambda cursor, out: kernels.put_arrays(
        bounds, numbers, valid, width, cursor, out
    )


def _text_part(column: pa.Array, form: Form) -> tuple[Size, Put]:
    cells = _text(column)
    if form.datatype == "unicodeChar":
        units = np.empty(len(column), np.int64)
        kernels.utf16_units(cells.data, cells.starts, cells.lengths, cells.valid, units)
        return 4 + 2 * units, lambda cursor, out: kernels.put_utf16(
            cells.data, cells.starts, frozen(units), cursor, out
        )
    if bool((cells.data > 127).any()):
        cells = _ASCII(cells)
    lengths = np.where(cells.valid, cells.lengths, 0) if cells.valid.size else cells.lengths
    return 4 + lengths, lambda cursor, out: kernels.put_chars(
        cells.data, cells.starts, cells.lengths, cells.valid, cursor, out
    )


def _text(column: pa.Array) -> Cells:
    if pt.is_string(column.type):
        return texts(column)
    if pt.is_nested(column.type) or pt.is_integer(column.type):
        return cells_of(column, JSON_TEXT)
    return texts(to_text(column, ""))


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    there = to_numpy(column.is_valid()) if column.null_count else np.empty(0, np.bool_)
    return np.asarray(frozen(there))
