"""Write a FITS binary table as a stream of rows (FITS Standard 4.0, section 7.3).

A first pass over the rows finds the widths of text, and a stored integer that is free to stand
for null; the second writes. Unsigned integers go through TZERO and stay exact.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from skyseries.errors import InputError
from skyseries.formats.flat import Source, flatten_batch, flatten_schema, text_bytes, to_text
from skyseries.schema import column_meta

__all__ = ["write_fits"]

_BLOCK = 2880
_CODES = {
    pa.bool_(): "L", pa.uint8(): "B", pa.int8(): "B", pa.int16(): "I", pa.uint16(): "I",
    pa.int32(): "J", pa.uint32(): "J", pa.int64(): "K", pa.uint64(): "K",
    pa.float16(): "E", pa.float32(): "E", pa.float64(): "D",
}  # fmt: skip
_STORED = {
    "L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8",
}  # fmt: skip
_ZEROS = {
    pa.int8(): -128, pa.uint16(): 2**15, pa.uint32(): 2**31, pa.uint64(): 2**63,
}  # fmt: skip
_WIDER = {
    pa.int8(): pa.int16(), pa.uint8(): pa.int16(), pa.int16(): pa.int32(),
    pa.uint16(): pa.int32(), pa.int32(): pa.int64(), pa.uint32(): pa.int64(),
}  # fmt: skip


@dataclass
class _Column:
    """How a column is written; the first pass fills in the rest."""

    field: pa.Field
    type: pa.DataType
    is_list: bool = False
    width: int = 1
    low: int | None = None
    high: int | None = None
    has_null: bool = False
    null: int | None = None
    """The value of `type` that stands for null."""
    longest: int = 0

    @property
    def is_text(self) -> bool:
        return bool(pt.is_string(self.type))

    @property
    def form(self) -> str:
        if self.is_text:
            return f"{self.width}A"
        code = _CODES[self.type]
        return f"1Q{code}({self.longest})" if self.is_list else f"1{code}"

    @property
    def numpy_type(self) -> Any:
        if self.is_text:
            return f"S{self.width}"
        return np.dtype((">i8", (2,))) if self.is_list else _STORED[_CODES[self.type]]


def write_fits(source: Source, path: Path) -> None:
    """Write the rows of a source as the first extension of a FITS file."""
    source.make_repeatable()
    flat = flatten_schema(source.schema)
    columns = [_plan(field) for field in flat]
    rows = 0
    for batch in source.batches():
        rows += batch.num_rows
        for column, array in zip(columns, flatten_batch(batch, flat).columns, strict=True):
            _survey(column, _stored(array, column))
    columns = [_choose_null(column, source, flat, i) for i, column in enumerate(columns)]
    with path.open("w+b") as out, tempfile.TemporaryFile(dir=path.parent) as heap:
        start = _write_headers(out, columns, rows, 0)
        for batch in source.batches():
            _write_rows(out, heap, flatten_batch(batch, flat), columns)
        heap_bytes = heap.tell()
        heap.seek(0)
        while block := heap.read(2**20):
            out.write(block)
        out.write(b"\0" * (-(out.tell() - start) % _BLOCK))
        out.seek(0)
        _write_headers(out, columns, rows, heap_bytes)


def _plan(field: pa.Field) -> _Column:
    kind = field.type
    if pt.is_list(kind) and kind.value_type in _CODES:
        return _Column(field, kind.value_type, is_list=True)
    return _Column(field, kind if kind in _CODES else pa.string())


def _stored(array: pa.Array, column: _Column) -> pa.Array:
    if column.is_text and not pt.is_string(array.type):
        return to_text(array, column.field.name)
    return array


def _survey(column: _Column, array: pa.Array) -> None:
    """Take in what the header must say of these cells."""
    if column.is_list:
        longest = pc.max(pc.list_value_length(array)).as_py() or 0
        column.longest = max(column.longest, longest)
        values = array.flatten()
        if values.null_count and not pt.is_floating(column.type):
            raise InputError(
                f"column {column.field.name!r} has nulls inside its lists, which FITS cannot keep"
            )
    elif column.is_text:
        column.width = max(column.width, pc.max(pc.binary_length(array)).as_py() or 0)
    elif pt.is_integer(column.type) and array.null_count < len(array):
        limits = pc.min_max(array).as_py()
        low, high = limits["min"], limits["max"]
        column.low = low if column.low is None else min(column.low, low)
        column.high = high if column.high is None else max(column.high, high)
    column.has_null = column.has_null or array.null_count > 0


def _choose_null(column: _Column, source: Source, flat: pa.Schema, index: int) -> _Column:
    """Find an integer that no cell has; a wider type where all are taken."""
    if column.is_list or not pt.is_integer(column.type) or not column.has_null:
        return column
    bits, signed = column.type.bit_width, pt.is_signed_integer(column.type)
    smallest = -(2 ** (bits - 1)) if signed else 0
    largest = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    if column.low is None or column.low > smallest:
        return replace(column, null=smallest)
    if column.high is None or column.high < largest:
        return replace(column, null=largest)
    if wider := _WIDER.get(column.type):
        return _choose_null(replace(column, type=wider), source, flat, index)
    return replace(column, null=_free_value(column, source, flat, index))


def _free_value(column: _Column, source: Source, flat: pa.Schema, index: int) -> int:
    """Find a free 64-bit integer: among one more candidates than there are rows one is free."""
    rows = sum(batch.num_rows for batch in source.batches())
    largest = column.high or 0
    taken = np.zeros(rows + 1, bool)
    for batch in source.batches():
        values = flatten_batch(batch, flat).column(index).drop_null().to_pylist()
        taken[[largest - value for value in values if largest - value <= rows]] = True
    return largest - int(np.flatnonzero(~taken)[0])


def _write_headers(out: BinaryIO, columns: list[_Column], rows: int, heap_bytes: int) -> int:
    """Write both headers; return where the data begins."""
    from astropy.io import fits

    primary = fits.Header()
    primary["SIMPLE"] = True
    primary["BITPIX"] = 8
    primary["NAXIS"] = 0
    primary["EXTEND"] = True
    header = fits.Header()
    header["XTENSION"] = ("BINTABLE", "binary table")
    header["BITPIX"] = 8
    header["NAXIS"] = 2
    header["NAXIS1"] = sum(np.dtype(column.numpy_type).itemsize for column in columns)
    header["NAXIS2"] = rows
    header["PCOUNT"] = heap_bytes
    header["GCOUNT"] = 1
    header["TFIELDS"] = len(columns)
    for index, column in enumerate(columns, 1):
        _add_column(header, index, column)
    out.write(primary.tostring().encode("ascii"))
    out.write(header.tostring().encode("ascii"))
    return out.tell()


def _add_column(header: Any, index: int, column: _Column) -> None:
    meta = column_meta(column.field)
    name = column.field.name
    if not name.isascii() or not name.isprintable():
        raise InputError(f"FITS has only ASCII names of columns: rename {name!r}")
    header[f"TTYPE{index}"] = name
    header[f"TFORM{index}"] = column.form
    zero = None if column.is_text else _ZEROS.get(column.type)
    if zero is not None:
        header[f"TSCAL{index}"] = 1
        header[f"TZERO{index}"] = zero
    if column.null is not None:
        header[f"TNULL{index}"] = column.null - (zero or 0)
    for key, text in (("TUNIT", meta.unit), ("TUCD", meta.ucd), ("TCOMM", meta.description)):
        if text:
            printable = " ".join(text.split()).encode("ascii", "replace").decode()
            header[f"{key}{index}"] = printable


def _write_rows(
    out: BinaryIO, heap: BinaryIO, batch: pa.RecordBatch, columns: list[_Column]
) -> None:
    names = [str(index) for index in range(len(columns))]
    kinds = [column.numpy_type for column in columns]
    records = np.zeros(batch.num_rows, np.dtype({"names": names, "formats": kinds}))
    for name, column, array in zip(names, columns, batch.columns, strict=True):
        if column.is_list:
            records[name] = _write_heap(heap, array, column)
        elif column.is_text:
            records[name] = _text_cells(_stored(array, column), column.width)
        else:
            records[name] = _stored_values(array, column)
    out.write(records.tobytes())


def _text_cells(text: pa.Array, width: int) -> npt.NDArray[Any]:
    """Return the bytes of each cell: null begins with a zero byte, empty text is a blank."""
    data, lengths = text_bytes(text)
    cells = np.zeros((len(text), width), np.uint8)
    cells[np.arange(width) < lengths[:, None]] = data
    cells[(lengths == 0) & np.asarray(text.is_valid()), 0] = ord(" ")
    return cells.view(f"S{width}")[:, 0]


def _write_heap(heap: BinaryIO, array: pa.Array, column: _Column) -> npt.NDArray[np.int64]:
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    counts = counts.astype(np.int64)
    data = np.ascontiguousarray(_stored_values(array.flatten(), column))
    sizes = counts * data.dtype.itemsize
    starts = heap.tell() + np.cumsum(sizes) - sizes
    heap.write(data.tobytes())
    return np.column_stack([counts, starts])


def _stored_values(values: pa.Array, column: _Column) -> npt.NDArray[Any]:
    """Return the integers, floats or letters that stand in the file."""
    stored = np.dtype(_STORED[_CODES[column.type]])
    if pt.is_boolean(column.type):
        cells = np.where(np.asarray(pc.fill_null(values, False)), ord("T"), ord("F"))
        return np.where(np.asarray(values.is_null()), 0, cells).astype(np.uint8)
    if pt.is_floating(column.type):
        plain = values.cast(pa.float32() if stored.itemsize == 4 else pa.float64())
        filled = pc.fill_null(plain, pa.scalar(float("nan"), plain.type))
        return filled.to_numpy(zero_copy_only=False).astype(stored)  # type: ignore[no-any-return]
    wide = values.cast(column.type)
    fill = pa.scalar(column.null or 0, column.type)
    native = pc.fill_null(wide, fill).to_numpy(zero_copy_only=False)
    if column.type in _ZEROS:
        unsigned = native.view(f"u{native.dtype.itemsize}")
        native = unsigned ^ unsigned.dtype.type(1 << (8 * native.dtype.itemsize - 1))
        native = native.view("u1" if stored.itemsize == 1 else f"i{native.dtype.itemsize}")
    return native.astype(stored)  # type: ignore[no-any-return]
