"""Arrow IPC streams: columns as they are, light curves nested."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from skyseries.formats.streams.base import Document, Encoder, Ending, slices
from skyseries.formats.streams.drain import Drain

__all__ = ["Arrow"]


class Arrow(Encoder):
    """Columns as they are; the metadata of the schema have what is told beside the rows.

    An overflow is told by the metadata ``QUERY_STATUS`` of a last batch without rows. After an
    error a message is cut off, for many readers do not miss the mark of the end.
    """

    name = "arrow"
    media_type = "application/vnd.apache.arrow.stream"
    suffix = ".arrows"

    def __init__(self, schema: pa.Schema, document: Document | None = None) -> None:
        super().__init__(schema, document)
        self._drain = Drain()
        told = self.document.told()
        if self.document.description:
            told["description"] = self.document.description
        self._schema = schema.with_metadata({**(schema.metadata or {}), **told} or None)
        self._writer = pa.ipc.new_stream(self._drain, self._schema)

    def head(self) -> bytes:
        """Return what comes before the rows."""
        return b"".join(self._drain.taken())

    def rows(self, table: pa.Table) -> Iterator[bytes]:
        """Yield the rows in pieces."""
        for batch in slices(table):
            self._writer.write_batch(batch.replace_schema_metadata(self._schema.metadata))
            yield from self._drain.taken()

    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows."""
        if ending.status == "ERROR":
            yield _CUT_OFF
            return
        if ending.status != "OK":
            nothing = pa.RecordBatch.from_pylist([], self._schema)
            self._writer.write_batch(nothing, {"QUERY_STATUS": ending.status})
        self._writer.close()
        yield from self._drain.taken()


_CUT_OFF = b"\xff\xff\xff\xff\x00\x01\x00\x00"
"""The beginning of a message of 256 bytes."""
