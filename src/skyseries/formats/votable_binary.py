"""Decode the rows of BINARY and BINARY2 streams (VOTable 1.5, sections 5.3 and 5.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skyseries.errors import InputError
from skyseries.formats.votable_fields import VOTableField
from skyseries.lazy import pc

__all__ = ["BinaryRows"]

_NUMPY_TYPES = {
    "boolean": "u1", "bit": "u1", "unsignedByte": "u1", "short": ">i2", "int": ">i4",
    "long": ">i8", "char": "u1", "unicodeChar": ">u2", "float": ">f4", "double": ">f8",
}  # fmt: skip
_TRUE = np.frombuffer(b"Tt1", np.uint8)
_FALSE = np.frombuffer(b"Ff0", np.uint8)


class BinaryRows:
    """Collects bytes and gives back whole rows as record batches.

    Parameters
    ----------
    fields : sequence of VOTableField
    path : str
    has_flags : bool
        Each row begins with one bit a column that says whether the cell is null (BINARY2).
    """

    def __init__(self, fields: Sequence[VOTableField], path: str, *, has_flags: bool) -> None:
        self._fields = fields
        self._path = path
        self._flag_bytes = (len(fields) + 7) // 8 if has_flags else 0
        self._rest = b""
        for item in fields:
            item.value_type(path)
        self._sizes = [np.dtype(_NUMPY_TYPES[item.datatype]).itemsize for item in fields]
        self._widths = [
            None if item.count is None else _bytes_of(item, item.count, size)
            for item, size in zip(fields, self._sizes, strict=True)
        ]

    def feed(self, data: bytes) -> Iterator[pa.RecordBatch]:
        """Yield the rows that are complete."""
        buffer = self._rest + data
        starts, ends, used = self._locate(buffer)
        self._rest = buffer[used:]
        if len(starts):
            raw = np.frombuffer(buffer, np.uint8)
            yield self._batch(raw, starts, ends)

    def close(self) -> None:
        """Raise InputError if a row is cut off."""
        if self._rest:
            raise InputError(f"{self._path} is truncated: its last row is not complete")

    def _locate(self, buffer: bytes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
        """Return where each cell of each whole row begins and ends, and the bytes used.

        The first column of the result is that of the null flags.
        """
        if None not in self._widths:
            widths = np.array([self._flag_bytes, *self._widths], np.int64)
            row_bytes = int(widths.sum())
            rows = len(buffer) // row_bytes if row_bytes else 0
            ends = np.cumsum(widths)[None, :] + np.arange(rows)[:, None] * row_bytes
            return ends - widths, ends, rows * row_bytes
        starts: list[list[int]] = []
        ends_list: list[list[int]] = []
        position = 0
        while row := self._locate_row(buffer, position):
            starts.append(row[0])
            ends_list.append(row[1])
            position = row[1][-1]
        return np.array(starts, np.int64), np.array(ends_list, np.int64), position

    def _locate_row(self, buffer: bytes, position: int) -> tuple[list[int], list[int]] | None:
        end = position + self._flag_bytes
        starts, ends = [position], [end]
        for item, size, width in zip(self._fields, self._sizes, self._widths, strict=True):
            if width is None:
                if end + 4 > len(buffer):
                    return None
                count = int.from_bytes(buffer[end : end + 4], "big", signed=True)
                if count < 0:
                    raise InputError(f"{self._path}: column {item.name!r} has a negative length")
                end += 4
                width = _bytes_of(item, count, size)
            starts.append(end)
            end += width
            ends.append(end)
        return (starts, ends) if end <= len(buffer) and end > position else None

    def _batch(
        self, raw: npt.NDArray[np.uint8], starts: npt.NDArray[Any], ends: npt.NDArray[Any]
    ) -> pa.RecordBatch:
        nulls = None
        if self._flag_bytes:
            flags = raw[starts[:, :1] + np.arange(self._flag_bytes)]
            nulls = np.unpackbits(flags, axis=1).astype(bool)
        arrays = []
        for index, item in enumerate(self._fields):
            first, last = starts[:, index + 1], ends[:, index + 1]
            mask = np.zeros(len(first), bool) if nulls is None else nulls[:, index]
            arrays.append(_decode(raw, first, last, item, mask))
        return pa.RecordBatch.from_arrays(arrays, [item.name for item in self._fields])


def _bytes_of(item: VOTableField, count: int, size: int) -> int:
    return (count + 7) // 8 if item.datatype == "bit" else count * size


def _decode(
    raw: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    item: VOTableField,
    mask: npt.NDArray[np.bool_],
) -> pa.Array:
    lengths = ends - starts
    cells = raw[_ranges(starts, lengths)]
    if item.is_text:
        return _decode_text(cells, lengths, item, mask)
    if item.datatype == "bit":
        return _decode_bits(cells, lengths, item, mask)
    values = cells.view(_NUMPY_TYPES[item.datatype])
    array = _to_arrow(values.astype(values.dtype.newbyteorder("=")), item)
    if not item.is_list:
        return _with_nulls(array, mask)
    counts = lengths // values.dtype.itemsize
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), array, mask=pa.array(mask))


def _ranges(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the indices of all bytes of all cells, one cell after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _to_arrow(values: npt.NDArray[Any], item: VOTableField) -> pa.Array:
    if item.datatype == "boolean":
        true = np.isin(values, _TRUE)
        return pa.array(true, mask=~(true | np.isin(values, _FALSE)))
    return pa.array(values)


def _decode_bits(
    cells: npt.NDArray[np.uint8],
    lengths: npt.NDArray[np.int64],
    item: VOTableField,
    mask: npt.NDArray[np.bool_],
) -> pa.Array:
    if item.count is None:
        raise InputError(f"column {item.name!r}: bit arrays of variable length are not read")
    if not item.is_list:  # writers do not agree which of the eight bits it is
        return _with_nulls(pa.array(cells != 0), mask)
    bits = np.unpackbits(cells.reshape(len(lengths), -1), axis=1)[:, : item.count].astype(bool)
    offsets = np.arange(len(bits) + 1, dtype=np.int32) * item.count
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(bits.reshape(-1)), mask=pa.array(mask)
    )


def _decode_text(
    cells: npt.NDArray[np.uint8],
    lengths: npt.NDArray[np.int64],
    item: VOTableField,
    mask: npt.NDArray[np.bool_],
) -> pa.Array:
    encoding = "utf-8" if item.datatype == "char" else "utf-16-be"
    data, edges = cells.tobytes(), np.concatenate([[0], np.cumsum(lengths)])
    plain = encoding == "utf-8" and b"\0" not in data
    if plain:
        offsets = pa.array(edges.astype(np.int32)).buffers()[1]
        text = pa.Array.from_buffers(
            pa.binary(), len(lengths), [None, offsets, pa.py_buffer(data)]
        ).cast(pa.string())
    else:
        texts = (data[edges[i] : edges[i + 1]].decode(encoding) for i in range(len(lengths)))
        text = pa.array([cell.split("\0")[0] for cell in texts], pa.string())
    return _with_nulls(text, mask)


def _with_nulls(array: pa.Array, mask: npt.NDArray[np.bool_]) -> pa.Array:
    return pc.if_else(pa.array(mask), pa.scalar(None, array.type), array) if mask.any() else array
