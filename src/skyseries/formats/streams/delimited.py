"""CSV (RFC 4180) and TSV: a line of names, then a line for each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrow import is_any_list, is_number
from skyseries.formats.streams.base import Ending
from skyseries.formats.streams.cells import (
    JSON_TEXT,
    Cells,
    Escapes,
    Words,
    cells_of,
    joined_rows,
    texts,
)
from skyseries.formats.streams.flattened import FlatEncoder

__all__ = ["CSV", "TSV"]


class _Delimited(FlatEncoder):
    """Lines of cells. Lists are JSON text, a null is an empty cell; an overflow is not told."""

    delimiter: ClassVar[bytes]
    escapes: ClassVar[Escapes]

    def head(self) -> bytes:
        """Return what comes before the rows."""
        names = [self._escaped(name) for name in self.flat.names]
        return self.delimiter.join(names) + b"\n"

    def rows(self, table: pa.Table) -> Iterator[bytes]:
        """Yield the rows in pieces."""
        words = replace(JSON_TEXT, escapes=self.escapes)
        for batch in self.batches(table, 2.0):
            columns = [
                (_cells(column, words), self.delimiter if i else b"", b"")
                for i, column in enumerate(batch.columns)
            ]
            yield joined_rows(columns, b"\n")[0].tobytes()

    def _escaped(self, text: str) -> bytes:
        return self.escapes(texts(pa.array([text]))).data.tobytes()


def _cells(column: pa.Array, words: Words) -> Cells:
    if not pt.is_nested(column.type):
        return cells_of(column, words)
    if is_any_list(column.type) and is_number(column.type.value_type):
        quote = words.escapes.quote.tobytes()
        return cells_of(column, replace(JSON_TEXT, opening=quote + b"[", closing=b"]" + quote))
    return words.escapes(cells_of(column, JSON_TEXT))


class CSV(_Delimited):
    """Text stands in quotes, so that an empty one is no null.

    After an error the last line is a quote that is never closed.
    """

    name = "csv"
    media_type = "text/csv;header=present"
    aliases = ("text/csv",)
    suffix = ".csv"
    delimiter = b","
    escapes = Escapes({ord('"'): b'""'}, b'"')

    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows."""
        if ending.status == "ERROR":
            yield b'"ERROR: ' + ending.text.replace('"', "'").encode()


class TSV(_Delimited):
    r"""Tabs, ends of lines and backslashes in text are ``\t``, ``\n``, ``\r`` and ``\\``.

    An empty text is as empty as a null. After an error the last line has a cell too many.
    """

    name = "tsv"
    media_type = "text/tab-separated-values"
    aliases = ("text/tab-separated-values;header=present",)
    suffix = ".tsv"
    delimiter = b"\t"
    escapes = Escapes({ord("\t"): b"\\t", ord("\n"): b"\\n", ord("\r"): b"\\r", 92: b"\\\\"})

    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows."""
        if ending.status == "ERROR":
            yield b"ERROR" + b"\t" * len(self.flat) + self._escaped(ending.text)
