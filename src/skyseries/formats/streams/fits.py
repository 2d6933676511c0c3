"""FITS binary tables: the header tells the number of rows, so all are kept until the end."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from skyseries.formats.fits_plan import check_names
from skyseries.formats.fits_writer import fits_pieces
from skyseries.formats.streams.base import Document, Ending
from skyseries.formats.streams.flattened import FlatEncoder
from skyseries.store.scratch import make_scratch, remove_scratch

__all__ = ["FITS"]


class FITS(FlatEncoder):
    """Rows wait in a scratch file; what is told beside them is HISTORY.

    An overflow is told by the keyword ``QSTATUS``. After an error there is no file at all.
    """

    name = "fits"
    media_type = "application/fits"
    suffix = ".fits"

    def __init__(self, schema: pa.Schema, document: Document | None = None) -> None:
        super().__init__(schema, document)
        check_names(self.flat.names)
        self._folder = make_scratch("fits")
        self._path = self._folder / "rows.arrows"
        self._file = pa.OSFile(str(self._path), "wb")
        self._writer = pa.ipc.new_stream(self._file, self.flat)

    def head(self) -> bytes:
        """Return what comes before the rows."""
        return b""

    def rows(self, table: pa.Table) -> Iterator[bytes]:
        """Yield the rows in pieces."""
        for batch in self.batches(table, 1.0):
            self._writer.write_batch(batch)
        yield from ()

    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows."""
        self._end_rows()
        if ending.status != "ERROR":
            told = [f"{info.name} = {info.value}" for info in self.document.infos]
            if self.document.description:
                told.insert(0, self.document.description)
            yield from fits_pieces(self.flat, self._batches, self._folder, told, ending.status)

    def close(self) -> None:
        """Remove the scratch file."""
        self._end_rows()
        remove_scratch(self._folder)

    def _end_rows(self) -> None:
        if not self._file.closed:
            self._writer.close()
            self._file.close()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with pa.OSFile(str(self._path)) as file, pa.ipc.open_stream(file) as reader:
            yield from reader
