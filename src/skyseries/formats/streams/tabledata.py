"""VOTable with TABLEDATA: rows that can be read by eye."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from skyseries.formats.streams.arrays import innermost
from skyseries.formats.streams.cells import (
    JSON_TEXT,
    Cells,
    Escapes,
    Words,
    cells_of,
    joined_lists,
    joined_rows,
)
from skyseries.formats.streams.votable import VOTable
from skyseries.formats.votable_types import Form

__all__ = ["TableData"]

_XML = {ord("&"): b"&amp;", ord("<"): b"&lt;", ord(">"): b"&gt;", ord("\r"): b"&#13;"}
_CONTROLS = [byte for byte in range(32) if byte not in b"\t\n\r"]
_UNICODE = Escapes(_XML | dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}".encode()), xml=True)
_ASCII = Escapes(
    _XML
    | dict.fromkeys(_CONTROLS, b"?")
    | {byte: b"" if byte < 0xC0 else b"?" for byte in range(128, 256)}
)
_NUMBERS = Words(b"NaN", b"+Inf", b"-Inf", b"T", b"F", b"", _ASCII, b"", b" ", b"")


class TableData(VOTable):
    """An empty cell is a null, an empty text or an empty array: the format has no other mark.

    Characters that XML cannot hold are U+FFFD, in ASCII ``?``.
    """

    name = "votable/td"
    media_type = "application/x-votable+xml;serialization=tabledata"
    aliases = ("text/xml;serialization=tabledata",)
    opening = b"<TABLEDATA>\n"
    closing = b"</TABLEDATA>"

    def rows(self, table: pa.Table) -> Iterator[bytes]:
        """Yield the rows in pieces."""
        for batch in self.batches(table, 4.0):
            columns = [
                (_cells(column, form), b"</TD><TD>" if i else b"<TR><TD>", b"")
                for i, (column, form) in enumerate(zip(batch.columns, self.forms, strict=True))
            ]
            yield joined_rows(columns, b"</TD></TR>\n")[0].tobytes()


def _cells(column: pa.Array, form: Form) -> Cells:
    if form.is_text:
        escapes = _UNICODE if form.datatype == "unicodeChar" else _ASCII
        if pt.is_nested(column.type):
            return escapes(cells_of(column, JSON_TEXT))
        return cells_of(column, replace(_NUMBERS, escapes=escapes))
    if not pt.is_nested(column.type):
        return cells_of(column, _NUMBERS)
    values, offsets = innermost(column)
    words = replace(_NUMBERS, null=_null_of(form))
    cells = cells_of(values, words)
    lists = joined_lists(_bounds(column, values) if offsets is None else offsets, cells, words)
    is_full = offsets is None and words.null  # an array of fixed size has all its values
    return lists if is_full else lists.with_valid(column)


def _bounds(column: pa.Array, values: pa.Array) -> NDArray[np.int64]:
    """Return where the values of each cell begin, as many in each."""
    return np.arange(len(column) + 1, dtype=np.int64) * (len(values) // len(column))


def _null_of(form: Form) -> bytes:
    """Return what stands for a null inside of an array; empty if there can be none."""
    if form.null is not None:
        return str(form.null).encode()
    return {"boolean": b"?", "float": b"NaN", "double": b"NaN"}.get(form.datatype, b"")
