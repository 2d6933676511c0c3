"""Write VOTable 1.4 with BINARY2 data, by vectors of bytes rather than cell by cell."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrow import list_lengths, to_numpy
from skyseries.errors import InputError
from skyseries.formats.flat import (
    Source,
    fixed_values,
    flatten_batch,
    flatten_schema,
    text_bytes,
    to_text,
)
from skyseries.formats.votable_fields import check_names, datatype_of, field_xml
from skyseries.lazy import pc

__all__ = ["write_votable"]

_ROWS = 16_384
"""Rows that are encoded together: a few MB of bytes."""
_NUMPY_TYPES = {
    "boolean": "u1", "unsignedByte": "u1", "short": ">i2", "int": ">i4", "long": ">i8",
    "float": ">f4", "double": ">f8", "char": "u1", "unicodeChar": ">u2",
}  # fmt: skip
_LINE = 48
"""Bytes of a line of base64 (64 characters)."""
_LARGEST_LONG = 2**63 - 1

Bytes = npt.NDArray[np.uint8]
Lengths = npt.NDArray[np.int64]


def write_votable(source: Source, path: Path) -> None:
    """Write the rows of a source as a VOTable."""
    flat = flatten_schema(source.schema)
    check_names(flat.names)
    types = _types(source, flat)
    with path.open("wb") as out:
        out.write(_head(flat, types))
        _write_base64(out, _rows(source, flat, types))
        out.write(b"</STREAM></BINARY2></DATA></TABLE></RESOURCE></VOTABLE>\n")


def _types(source: Source, flat: pa.Schema) -> list[tuple[str, str]]:
    """Return datatype and arraysize of each column, by a look at its values where they decide."""
    types = [datatype_of(field.type) for field in flat]
    longs = {i for i, field in enumerate(flat) if pt.is_uint64(field.type)}
    texts = {i for i, (datatype, _) in enumerate(types) if datatype == "char"} - longs
    if not longs and not texts:
        return types
    source.make_repeatable()
    limit = pa.scalar(_LARGEST_LONG, pa.uint64())
    for batch in source.batches():
        columns = flatten_batch(batch, flat).columns
        longs -= {i for i in longs if pc.any(pc.greater(columns[i], limit)).as_py()}
        plain = {i for i in texts if _is_ascii(_text(columns[i], flat.field(i).name))}
        types = [
            ("unicodeChar", "*") if i in texts - plain else kind for i, kind in enumerate(types)
        ]
        texts = plain
    return [("long", "") if i in longs else kind for i, kind in enumerate(types)]


def _text(column: pa.Array, name: str) -> pa.Array:
    return column if pt.is_string(column.type) else to_text(column, name)


def _is_ascii(text: pa.Array) -> bool:
    return bool(pc.all(pc.string_is_ascii(text)).as_py() in (True, None))


def _head(flat: pa.Schema, types: list[tuple[str, str]]) -> bytes:
    fields = "\n".join(field_xml(field, *form) for field, form in zip(flat, types, strict=True))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        f'<RESOURCE type="results"><TABLE>\n{fields}\n'
        '<DATA><BINARY2><STREAM encoding="base64">\n'
    ).encode()


def _write_base64(out: BinaryIO, parts: Iterator[bytes]) -> None:
    rest = b""
    for part in parts:
        data = rest + part
        cut = len(data) // _LINE * _LINE
        rest = data[cut:]
        if cut:
            lines = np.frombuffer(base64.b64encode(data[:cut]), np.uint8).reshape(-1, 64)
            breaks = np.full((len(lines), 1), ord("\n"), np.uint8)
            out.write(np.hstack([lines, breaks]).tobytes())
    out.write(base64.b64encode(rest) + b"\n")


def _rows(source: Source, flat: pa.Schema, types: list[tuple[str, str]]) -> Iterator[bytes]:
    for batch in source.batches():
        columns = flatten_batch(batch, flat)
        for start in range(0, columns.num_rows, _ROWS):
            yield _encode(columns.slice(start, _ROWS), types)


def _encode(batch: pa.RecordBatch, types: list[tuple[str, str]]) -> bytes:
    """Return the rows: null flags, then each cell, arrays and text behind their length."""
    rows = batch.num_rows
    nulls = np.column_stack([np.asarray(column.is_null()) for column in batch.columns])
    flags = np.packbits(nulls, axis=1)
    cells: list[tuple[Bytes, Lengths]] = [
        (flags.reshape(-1), np.full(rows, flags.shape[1], np.int64))
    ]
    for field, column, (datatype, _) in zip(batch.schema, batch.columns, types, strict=True):
        cells += _encode_column(column, datatype, field.name)
    lengths = np.column_stack([length for _, length in cells])
    ends = np.cumsum(lengths.reshape(-1)).reshape(lengths.shape)
    starts = ends - lengths
    out = np.empty(int(ends[-1, -1]) if rows else 0, np.uint8)
    for index, (data, length) in enumerate(cells):
        before = np.cumsum(length) - length
        out[np.repeat(starts[:, index] - before, length) + np.arange(len(data))] = data
    return out.tobytes()


def _encode_column(column: pa.Array, datatype: str, name: str) -> list[tuple[Bytes, Lengths]]:
    """Return the parts of each cell: the count if it has one, and the bytes."""
    rows = len(column)
    if datatype in ("char", "unicodeChar"):
        data, lengths = _text_cells(_text(column, name), datatype)
        return [_counts(lengths // _width(datatype)), (data, lengths)]
    values, counts = _values_of(column)
    if not pt.is_floating(values.type) and _has_null_inside(column):
        raise InputError(f"column {name!r} has nulls inside its lists, which VOTable cannot keep")
    data = _number_bytes(values, datatype)
    if counts is not None:
        return [_counts(counts), (data, counts * _width(datatype))]
    return [(data, np.full(rows, len(data) // rows if rows else 0, np.int64))]


def _values_of(column: pa.Array) -> tuple[pa.Array, Lengths | None]:
    """Return the values of all cells, and how many each has where that varies."""
    if not pt.is_list(column.type):
        return fixed_values(column), None
    lengths = list_lengths(column)
    values = column.flatten()
    inner = fixed_values(values)
    each = len(inner) // len(values) if len(values) else 1
    return inner, lengths.astype(np.int64) * each


def _has_null_inside(column: pa.Array) -> bool:
    """Whether an array that is not null has a null in it."""
    if not pt.is_nested(column.type):
        return False
    return bool(_values_of(column.drop_null())[0].null_count)


def _text_cells(text: pa.Array, datatype: str) -> tuple[Bytes, Lengths]:
    if datatype == "char":
        return text_bytes(text)
    cells = [(cell or "").encode("utf-16-be") for cell in text.to_pylist()]
    return np.frombuffer(b"".join(cells), np.uint8), np.array(list(map(len, cells)), np.int64)


def _width(datatype: str) -> int:
    return np.dtype(_NUMPY_TYPES[datatype]).itemsize


def _counts(counts: Lengths) -> tuple[Bytes, Lengths]:
    return counts.astype(">i4").view(np.uint8), np.full(len(counts), 4, np.int64)


def _number_bytes(values: pa.Array, datatype: str) -> Bytes:
    """Return the numbers as big-endian bytes: 0 or NaN where one is null."""
    if datatype == "boolean":
        cells: Any = np.where(np.asarray(pc.fill_null(values, False)), b"T", b"F").view(np.uint8)
        missing = np.asarray(values.is_null())
        return np.where(missing, np.uint8(ord("?")), cells)
    fill: Any = float("nan") if pt.is_floating(values.type) else 0
    if pt.is_float16(values.type):
        values = values.cast(pa.float32())
    native = to_numpy(pc.fill_null(values, pa.scalar(fill, values.type)))
    return np.ascontiguousarray(native.astype(_NUMPY_TYPES[datatype])).view(np.uint8)
