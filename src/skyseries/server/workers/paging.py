"""A page of a result that was kept as an Arrow stream, as JSON."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pyarrow as pa

from skyseries.errors import InputError
from skyseries.formats.streams import COMPLETE, ENCODERS

__all__ = ["page_of"]


def page_of(path: str, first: int, most: int) -> tuple[Iterator[bytes], int]:
    """Return a page in pieces, and how many rows it has.

    Parameters
    ----------
    path : str
        A file that the Arrow encoder has written.
    first : int
        The number of its first row, from 0 on.
    most : int
        Rows of the page at most.

    Raises
    ------
    InputError
        If the file is no such stream.
    """
    try:
        with pa.memory_map(path) as file, pa.ipc.open_stream(file) as reader:
            batches = list(_slices(reader, first, most))
            table = pa.Table.from_batches(batches, reader.schema)
    except pa.ArrowInvalid as error:
        raise InputError("the result was not kept as an Arrow stream: it has no pages") from error
    encoder = ENCODERS["json"](table.schema)
    pieces = itertools.chain([encoder.head()], encoder.rows(table), encoder.tail(COMPLETE))
    return pieces, table.num_rows


def _slices(reader: pa.RecordBatchReader, first: int, most: int) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        if first < batch.num_rows and most > 0:
            found = batch.slice(first, most)
            most -= found.num_rows
            yield found
        first = max(0, first - batch.num_rows)
        if most <= 0:
            return
