"""Parquet, with a VOTable in its metadata (VOParquet 1.0): light curves stay nested."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from skyseries.formats.streams.base import PIECE, Document, Encoder, Ending, slices
from skyseries.formats.streams.drain import Drain
from skyseries.formats.streams.votable import described
from skyseries.formats.votable_fields import is_xml_name

__all__ = ["Parquet"]

_GROUP = 16 * PIECE
"""Bytes in memory that make a row group."""


class Parquet(Encoder):
    """Columns as they are; the VOTable tells of all that are not nested.

    The footer, which comes last, says what is in the file: without it, after an error, nothing
    can be read. An overflow is told in the VOTable, and as ``QUERY_STATUS`` in the metadata.
    """

    name = "parquet"
    media_type = "application/vnd.apache.parquet"
    aliases = ("application/parquet", "application/x-parquet")
    suffix = ".parquet"

    def __init__(self, schema: pa.Schema, document: Document | None = None) -> None:
        super().__init__(schema, document)
        import pyarrow.parquet as pq

        self._drain = Drain()
        self._writer: Any = pq.ParquetWriter(self._drain, schema, compression="zstd")
        self._held: list[pa.RecordBatch] = []

    def head(self) -> bytes:
        """Return what comes before the rows."""
        return b"".join(self._drain.taken())

    def rows(self, table: pa.Table) -> Iterator[bytes]:
        """Yield the rows in pieces."""
        for batch in slices(table, PIECE / _GROUP):
            self._held.append(batch)
            if sum(each.nbytes for each in self._held) >= _GROUP:
                yield from self._group()

    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows."""
        if ending.status == "ERROR":
            return
        yield from self._group()
        told = self.document.told()
        if ending.status != "OK":
            told["QUERY_STATUS"] = ending.status
        self._writer.add_key_value_metadata(
            told
            | {
                "IVOA.VOTable-Parquet.version": "1.0",
                "IVOA.VOTable-Parquet.content": described(
                    _plain(self.schema), self.document, ending
                ),
            }
        )
        self._writer.close()
        yield from self._drain.taken()

    def _group(self) -> Iterator[bytes]:
        """Write what is held as one row group."""
        if self._held:
            table = pa.Table.from_batches(self._held)
            self._held = []
            self._writer.write_table(table, row_group_size=table.num_rows)
            yield from self._drain.taken()


def _plain(schema: pa.Schema) -> pa.Schema:
    """Return the columns that a VOTable can tell of."""
    return pa.schema(
        [field for field in schema if not pt.is_nested(field.type) and is_xml_name(field.name)]
    )
