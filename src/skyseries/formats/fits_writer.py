"""Write a FITS binary table as a stream of rows (FITS Standard 4.0, section 7.3).

`fits_plan` passes over the rows first; here they are written. Unsigned integers go through TZERO
and stay exact.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrow import list_lengths, to_numpy
from skyseries.formats.ascii import ascii_text
from skyseries.formats.fits_plan import (
    STORED,
    ZEROS,
    Batches,
    OutColumn,
    heap_size,
    plan_columns,
    stored_text,
    table_header,
)
from skyseries.formats.flat import fixed_values, text_bytes
from skyseries.lazy import pc

__all__ = ["fits_pieces"]

_BLOCK = 2880


def fits_pieces(
    flat: pa.Schema, batches: Batches, folder: Path, told: Sequence[str], status: str
) -> Iterator[bytes]:
    """Yield a FITS file whose first extension is a table.

    Parameters
    ----------
    flat : pyarrow.Schema
        Without structs.
    batches : callable
        Returns the rows as record batches, whenever it is called.
    folder : Path
        For what is written behind the rows.
    told : sequence of str
        Written as HISTORY.
    status : str
        Written as ``QSTATUS``, if it is not OK.
    """
    columns, rows = plan_columns(batches, flat)
    header = table_header(columns, rows)
    header["PCOUNT"] = heap_size(columns)
    if status != "OK":
        header["QSTATUS"] = (status, "there are more rows than these")
    for text in told:
        header["HISTORY"] = ascii_text(text)
    yield _headers(header)
    with tempfile.TemporaryFile(dir=folder) as heap:
        for batch in batches():
            yield _row_bytes(heap, batch, columns)
        heap.seek(0)
        while block := heap.read(2**20):
            yield block
    yield b"\0" * (-(header["NAXIS1"] * rows + header["PCOUNT"]) % _BLOCK)


def _headers(table: Any) -> bytes:
    """Return both headers."""
    from astropy.io import fits

    primary = fits.Header()
    primary["SIMPLE"] = True
    primary["BITPIX"] = 8
    primary["NAXIS"] = 0
    primary["EXTEND"] = True
    return bytes((primary.tostring() + table.tostring()).encode("ascii"))


def _row_bytes(heap: BinaryIO, batch: pa.RecordBatch, columns: list[OutColumn]) -> bytes:
    names = [str(index) for index in range(len(columns))]
    kinds = [column.numpy_type for column in columns]
    records = np.zeros(batch.num_rows, np.dtype({"names": names, "formats": kinds}))
    for name, column, array in zip(names, columns, batch.columns, strict=True):
        if column.is_variable:
            records[name] = _write_heap(heap, array, column)
        elif column.is_text:
            records[name] = _text_cells(stored_text(array, column), column.width)
        else:
            stored = _stored_values(fixed_values(array), column)
            records[name] = stored.reshape(len(array), *column.dims)
    return records.tobytes()


def _text_cells(text: pa.Array, width: int) -> npt.NDArray[Any]:
    """Return the bytes of each cell: null begins with a zero byte, empty text is a blank."""
    data, lengths = text_bytes(text)
    cells = np.zeros((len(text), width), np.uint8)
    cells[np.arange(width) < lengths[:, None]] = data
    cells[(lengths == 0) & np.asarray(text.is_valid()), 0] = ord(" ")
    return cells.view(f"S{width}")[:, 0]


def _write_heap(heap: BinaryIO, array: pa.Array, column: OutColumn) -> npt.NDArray[np.int64]:
    counts = list_lengths(array)
    counts = counts.astype(np.int64)
    data = np.ascontiguousarray(_stored_values(array.flatten(), column))
    sizes = counts * data.dtype.itemsize
    starts = heap.tell() + np.cumsum(sizes) - sizes
    heap.write(data.tobytes())
    return np.column_stack([counts, starts])


def _stored_values(values: pa.Array, column: OutColumn) -> npt.NDArray[Any]:
    """Return the integers, floats or letters that stand in the file."""
    stored = np.dtype(STORED[column.code])
    if pt.is_boolean(column.type):
        cells = np.where(np.asarray(pc.fill_null(values, False)), ord("T"), ord("F"))
        return np.where(np.asarray(values.is_null()), 0, cells).astype(np.uint8)
    if pt.is_floating(column.type):
        plain = values.cast(pa.float32() if stored.itemsize == 4 else pa.float64())
        filled = pc.fill_null(plain, pa.scalar(float("nan"), plain.type))
        return to_numpy(filled).astype(stored)
    wide = values.cast(column.type)
    fill = pa.scalar(column.null or 0, column.type)
    native = to_numpy(pc.fill_null(wide, fill))
    if column.type in ZEROS:
        unsigned = native.view(f"u{native.dtype.itemsize}")
        native = unsigned ^ unsigned.dtype.type(1 << (8 * native.dtype.itemsize - 1))
        native = native.view("u1" if stored.itemsize == 1 else f"i{native.dtype.itemsize}")
    return native.astype(stored)
