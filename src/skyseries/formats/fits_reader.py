"""Read FITS binary tables in slices of rows.

astropy reads the header; the rows are read by NumPy records, so that memory stays bounded also
for compressed and remote files, and integers stay exact. Of several tables in a file the only
one that has rows is read, or the one that was chosen.
Floats have no null in FITS: NaN stays NaN. Text that begins with a zero byte is null; blanks at
the end of text are padding and are left out.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skyseries.errors import InputError
from skyseries.formats.cast import conform, select_fields
from skyseries.formats.fits_columns import NUMPY_TYPES, FitsColumn, FitsLayout, parse_columns
from skyseries.formats.inputs import InputFile
from skyseries.formats.nulls import NullValues
from skyseries.formats.opening import compression_of, open_plain, open_raw, reading
from skyseries.formats.tables import FoundTable, choose_table
from skyseries.formats.times import MJD_ZERO
from skyseries.lazy import pc

__all__ = ["read_fits_schema", "scan_fits"]

_SLICE_BYTES = 64 * 2**20
"""Bytes of rows that are held at once, for tables with very wide rows."""


def read_fits_schema(file: InputFile) -> pa.Schema:
    """Return the columns of the table of a FITS file."""
    with reading(file.path, "FITS file"), open_plain(file.path) as stream:
        return _read_layout(stream, file).schema()


def _read_layout(stream: BinaryIO, file: InputFile, *, check_all: bool = True) -> FitsLayout:
    """Return where the table is.

    Parameters
    ----------
    stream : file
    file : InputFile
    check_all : bool
        Look behind the first table that has rows, too: a second one makes it unclear which is
        meant. This costs a pass over a compressed file.
    """
    from astropy.io import fits

    if not stream.read(9).startswith(b"SIMPLE  ="):
        stream.seek(0)
        head = stream.read(40)
        what = "is empty (0 bytes)" if not head else f"is not FITS: it begins with {head!r}"
        raise InputError(f"{file.path} {what}")
    stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy warns of truncation; it is an error below
        with fits.open(
            stream, memmap=False, lazy_load_hdus=True, disable_image_compression=True
        ) as hdus:
            found: dict[int, FoundTable] = {}
            for number, hdu in enumerate(hdus):
                if table := _found_table(number, hdu):
                    found[number] = table
                    if table.rows and not check_all and not file.table:
                        break
            if not found:
                raise InputError(f"{file.path} has no table, only images")
            chosen = choose_table(list(found.values()), file.table, file.path)
            return _layout(hdus[chosen.number], hdus[0].header, file)


def _found_table(number: int, hdu: Any) -> FoundTable | None:
    header = hdu.header
    if header.get("XTENSION", "").strip() not in ("BINTABLE", "TABLE") or header.get("ZIMAGE"):
        return None
    name = str(header.get("EXTNAME", "")).strip()
    names = (name, f"{name},{header.get('EXTVER', 1)}")
    return FoundTable(number, names, int(header["TFIELDS"]), int(header["NAXIS2"]))


def _layout(hdu: Any, primary: Any, file: InputFile) -> FitsLayout:
    header = hdu.header
    if header["XTENSION"].strip() == "TABLE":
        raise InputError(
            f"{file.path} is a FITS ASCII table, which is not read; write it as a binary table"
        )
    if header.get("ZTABLE"):
        raise InputError(f"{file.path} is tile-compressed, which is not read; use funpack before")
    start = int(hdu.fileinfo()["datLoc"])
    row_bytes, rows = int(header["NAXIS1"]), int(header["NAXIS2"])
    table_bytes = row_bytes * rows
    heap = start + int(header.get("THEAP", table_bytes))
    end = start + table_bytes + int(header.get("PCOUNT", 0))
    layout = FitsLayout(
        parse_columns(header, primary, file.path), start, row_bytes, rows, heap, end
    )
    _check_size(file, layout)
    return layout


def _check_size(file: InputFile, layout: FitsLayout) -> None:
    with open_raw(file.path) as raw:
        if compression_of(raw) is None and (size := raw.seek(0, 2)) < layout.end:
            raise InputError(
                f"{file.path} is truncated: it has {size} bytes, and its table of {layout.rows} "
                f"rows ends at byte {layout.end}"
            )


def scan_fits(
    file: InputFile, target: pa.Schema, *, batch_rows: int, null_values: NullValues = ()
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the table of a FITS file."""
    with reading(file.path, "FITS file"):
        with open_raw(file.path) as raw:
            is_compressed = compression_of(raw) is not None
        with open_plain(file.path) as stream:
            layout = _read_layout(stream, file, check_all=not is_compressed)
        select_fields(layout.schema(), target.names, file.path)
        wanted = [column for column in layout.columns if column.name in target.names]
        record = np.dtype(
            {
                "names": [column.name for column in wanted],
                "formats": [column.numpy_type() for column in wanted],
                "offsets": [column.offset for column in wanted],
                "itemsize": layout.row_bytes,
            }
        )
        step = max(1, min(batch_rows, _SLICE_BYTES // max(1, layout.row_bytes)))
        with open_plain(file.path) as stream, open_plain(file.path) as heap:
            stream.seek(layout.data_start)
            for first in range(0, layout.rows, step):
                count = min(step, layout.rows - first)
                records = np.frombuffer(_read(stream, count * layout.row_bytes, file), record)
                arrays = [_decode(records[c.name], c, layout, heap, file) for c in wanted]
                batch = pa.RecordBatch.from_arrays(arrays, [column.name for column in wanted])
                yield conform(batch, target, file.path, first_row=first, null_values=null_values)


def _read(stream: BinaryIO, size: int, file: InputFile) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise InputError(f"{file.path} is truncated: {size - len(data)} bytes are missing")
    return data


def _decode(
    cells: npt.NDArray[Any], column: FitsColumn, layout: FitsLayout, heap: BinaryIO, file: InputFile
) -> pa.Array:
    if column.descriptor:
        return _decode_variable(cells, column, layout, heap, file)
    if column.code == "X":
        bits = np.unpackbits(np.atleast_2d(cells.reshape(len(cells), -1)), axis=1)
        cells = bits[:, : column.repeat] * np.uint8(ord("T")) + (1 - bits[:, : column.repeat])
        cells = cells if column.is_list else cells[:, 0]
    if not column.is_list:
        return _decode_values(cells, column, file)
    if column.is_two_part_date:
        zero = column.date_zero - MJD_ZERO
        return pa.array((cells[:, 0] + zero) + cells[:, 1])
    count = cells.shape[1]
    values = _decode_values(cells.reshape(-1), column, file)
    for size in (*reversed(column.dims[1:]), count // math.prod(column.dims[1:])):
        offsets = np.arange(len(values) // size + 1 if size else len(cells) + 1, dtype=np.int32)
        values = pa.ListArray.from_arrays(pa.array(offsets * np.int32(size)), values)
    return values


def _decode_variable(
    cells: npt.NDArray[Any], column: FitsColumn, layout: FitsLayout, heap: BinaryIO, file: InputFile
) -> pa.Array:
    counts, starts = cells[:, 0].astype(np.int64), cells[:, 1].astype(np.int64)
    kind = np.dtype(NUMPY_TYPES[column.code])
    stops = starts + counts * kind.itemsize
    if (counts < 0).any() or (starts < 0).any() or stops.max(initial=0) > layout.end:
        raise InputError(f"{file.path}: column {column.name!r} points outside the file's heap")
    parts = []
    for start, stop in _runs(starts, stops):
        heap.seek(layout.heap_start + start)
        parts.append(_read(heap, stop - start, file))
    raw = np.frombuffer(b"".join(parts), kind)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    if column.code == "A":
        data = pa.py_buffer(raw.tobytes())
        text = pa.Array.from_buffers(pa.binary(), len(counts), [None, offsets.buffers()[1], data])
        return _to_text(text)
    return pa.ListArray.from_arrays(offsets, _decode_values(raw, column, file))


def _runs(starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the pieces of the heap to read; cells that follow each other are one piece."""
    filled = stops > starts
    starts, stops = starts[filled], stops[filled]
    breaks = np.flatnonzero(starts[1:] != stops[:-1]) + 1
    edges = [0, *breaks.tolist(), len(starts)]
    for first, last in itertools.pairwise(edges):
        if last > first:
            yield int(starts[first]), int(stops[last - 1])


def _decode_values(values: npt.NDArray[Any], column: FitsColumn, file: InputFile) -> pa.Array:
    if column.code == "A":
        width = values.dtype.itemsize
        if width == 0:
            return pa.nulls(len(values), pa.string())
        return _to_text(pa.array(np.ascontiguousarray(values)))
    if column.code in "LX":
        known = (values == ord("T")) | (values == ord("F")) | (column.code == "X")
        return pa.array(values == ord("T"), mask=~known)
    native = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("="))
    mask = None if column.null is None else native == column.null
    return pa.array(_apply_zero(native, column, file), mask=mask)


def _apply_zero(values: npt.NDArray[Any], column: FitsColumn, file: InputFile) -> npt.NDArray[Any]:
    """Apply TSCAL and TZERO; where they only flip the sign bit, in integers and exactly."""
    if column.flips_sign:
        unsigned = values.view(f"u{values.dtype.itemsize}")
        flipped = unsigned ^ unsigned.dtype.type(1 << (8 * unsigned.dtype.itemsize - 1))
        return flipped.view("i1") if column.code == "B" else flipped  # type: ignore[no-any-return]
    if column.is_shifted:
        zero = int(column.zero)
        shifted = values.astype(np.int64) + zero
        if ((shifted < values) != (zero < 0)).any():
            raise InputError(
                f"{file.path}: column {column.name!r} with TZERO {zero} is beyond 64 bits"
            )
        return shifted
    if column.is_scaled:
        return values.astype(np.float64) * column.scale + column.zero
    return values


def _to_text(raw: pa.Array) -> pa.Array:
    """Return the text up to the first zero byte, without blanks at the end."""
    raw = raw.cast(pa.binary())
    if pc.any(pc.match_substring(raw, b"\0")).as_py():
        cells = [None if cell is None else cell.split(b"\0")[0] for cell in raw.to_pylist()]
        raw = pa.array(cells, pa.binary())
    empty = pc.equal(pc.binary_length(raw), 0)
    try:
        text = raw.cast(pa.string())
    except pa.ArrowInvalid:  # FITS knows ASCII only; some writers put Latin-1
        cells = [None if cell is None else cell.decode("latin-1") for cell in raw.to_pylist()]
        text = pa.array(cells, pa.string())
    text = pc.ascii_rtrim(text, " ")
    return pc.if_else(empty, pa.scalar(None, pa.string()), text)
