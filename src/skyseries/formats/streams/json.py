"""JSON: an object that tells what the columns are, and has the rows as arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from skyseries.formats.streams.base import Document, Ending
from skyseries.formats.streams.cells import JSON_TEXT, cells_of, joined_rows
from skyseries.formats.streams.flattened import FlatEncoder
from skyseries.formats.votable_types import form_of
from skyseries.schema import column_meta

__all__ = ["JSON"]

_WORDS = replace(
    JSON_TEXT,
    nan=b'"NaN"',
    infinity=b'"Infinity"',
    negative_infinity=b'"-Infinity"',
    between=b",",
    colon=b":",
    quoted_longs=True,
)


class JSON(FlatEncoder):
    """An object with the members ``infos``, ``columns``, ``data`` and ``query_status``.

    Integers of 64 bits are text, for many readers take numbers for floats. NaN and infinities,
    which JSON does not have, are the texts ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``. The
    types of ``columns`` are those of a VOTable. After an error the object is not closed.
    """

    name = "json"
    media_type = "application/json"
    suffix = ".json"

    def __init__(self, schema: pa.Schema, document: Document | None = None) -> None:
        super().__init__(schema, document)
        self._is_first = True

    def head(self) -> bytes:
        """Return what comes before the rows."""
        infos = [
            {"name": info.name, "value": info.value} | ({"text": info.text} if info.text else {})
            for info in self.document.infos
        ]
        told: dict[str, Any] = {"infos": infos, "columns": list(map(_column, self.flat))}
        if self.document.description:
            told = {"description": self.document.description, **told}
        return json.dumps(told, ensure_ascii=False).removesuffix("}").encode() + b', "data": ['

    def rows(self, table: pa.Table) -> Iterator[bytes]:
        """Yield the rows in pieces."""
        for batch in self.batches(table, 2.0):
            columns = [
                (cells_of(column, _WORDS), b"," if i else b",\n[", b"null")
                for i, column in enumerate(batch.columns)
            ]
            piece = joined_rows(columns, b"]")[0]
            yield piece[self._is_first :].tobytes()
            self._is_first = False

    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows."""
        if ending.status != "ERROR":
            yield b'\n], "query_status": ' + json.dumps(ending.status).encode() + b"}\n"


def _column(field: pa.Field) -> dict[str, str]:
    form, meta = form_of(field), column_meta(field)
    told = {
        "name": field.name, "datatype": form.datatype, "arraysize": form.arraysize,
        "xtype": form.xtype, "unit": meta.unit, "ucd": meta.ucd, "utype": meta.utype,
        "description": meta.description,
    }  # fmt: skip
    return {key: text for key, text in told.items() if text}
