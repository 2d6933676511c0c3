"""Columns as cells of text, and rows of them: what CSV, TSV, JSON and TABLEDATA have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from skyseries.arrow import to_numpy
from skyseries.formats.flat import to_text
from skyseries.formats.streams import cellkernels as kernels
from skyseries.formats.streams.numbertext import WIDTH, float_text, integer_text
from skyseries.lazy import pc

__all__ = [
    "JSON_TEXT",
    "Cells",
    "Escapes",
    "Words",
    "cells_of",
    "frozen",
    "joined_lists",
    "joined_rows",
    "list_parts",
    "texts",
    "word",
]

Bytes = NDArray[np.uint8]
_ALL_VALID = np.empty(0, np.bool_)
_NO_BYTES = np.empty(0, np.uint8)


def word(text: bytes) -> Bytes:
    """Return a text as an array that kernels may be given."""
    return frozen(np.array(list(text), np.uint8))


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to, as memory of Arrow's: kernels have one form then."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Cells:
    """Texts: where each lies in a block of bytes, and whether it is null."""

    data: Bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    valid: NDArray[np.bool_] = field(default_factory=lambda: _ALL_VALID)
    """Empty where there is no null."""

    def __post_init__(self) -> None:
        for name in ("data", "starts", "lengths", "valid"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def with_valid(self, array: pa.Array) -> Cells:
        """Return the cells with the nulls of an array."""
        return Cells(self.data, self.starts, self.lengths, _valid(array))


class Escapes:
    """What stands for bytes that a text cannot hold as they are; a quote stands around it."""

    def __init__(self, texts: Mapping[int, bytes], quote: bytes = b"", *, xml: bool = False):
        sizes = np.ones(256, np.uint8)
        slots = np.zeros((256, 8), np.uint8)
        slots[:, 0] = np.arange(256)
        for byte, text in texts.items():
            sizes[byte] = len(text)
            slots[byte, : len(text)] = list(text)
        self.sizes, self.texts = frozen(sizes), frozen(slots.reshape(-1))
        self.quote = word(quote)
        self.is_xml = xml

    def __call__(self, cells: Cells) -> Cells:
        """Return the cells as they are written."""
        lengths = np.empty(len(cells.starts), np.int64)
        kernels.escaped_lengths(cells.data, cells.starts, cells.lengths, self.sizes, lengths)
        lengths += 2 * self.quote.size
        ends = np.cumsum(lengths)
        out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
        kernels.escape(
            cells.data, cells.starts, cells.lengths, self.sizes, self.texts, self.quote,
            self.is_xml, out,
        )  # fmt: skip
        return Cells(out, ends - lengths, lengths, cells.valid)


@dataclass(frozen=True)
class Words:
    """How values are written in a format."""

    nan: bytes
    infinity: bytes
    negative_infinity: bytes
    true: bytes
    false: bytes
    null: bytes
    """Within lists; a format says itself what a cell is that is null."""
    escapes: Escapes
    opening: bytes = b"["
    between: bytes = b", "
    closing: bytes = b"]"
    colon: bytes = b": "
    quoted_longs: bool = False
    """Whether integers of 64 bits are in quotes."""

    @cached_property
    def of_lists(self) -> tuple[Bytes, Bytes, Bytes, Bytes]:
        """The bytes of lists."""
        opening, between, closing = map(word, (self.opening, self.between, self.closing))
        return opening, between, closing, word(self.null)


_JSON_ESCAPES = {
    **{byte: b"\\u%04x" % byte for byte in range(32)},
    ord("\n"): b"\\n", ord("\r"): b"\\r", ord("\t"): b"\\t", ord('"'): b'\\"', ord("\\"): b"\\\\",
}  # fmt: skip
JSON_TEXT = Words(
    b"NaN", b"Infinity", b"-Infinity", b"true", b"false", b"null", Escapes(_JSON_ESCAPES, b'"')
)
"""Of lists in text, as Python reads JSON."""


def cells_of(array: pa.Array, words: Words) -> Cells:
    """Return the text of a column whose type is plain (`skyseries.formats.flat.plain_type`)."""
    kind = array.type
    if pt.is_struct(kind):
        return _objects(array, words)
    if pt.is_map(kind):
        return _maps(array, words)
    if pt.is_list(kind) or pt.is_fixed_size_list(kind):
        return _lists(array, words)
    if pt.is_floating(kind):
        return _floats(array, words).with_valid(array)
    if pt.is_integer(kind):
        return _integers(array, words).with_valid(array)
    if pt.is_boolean(kind):
        return _booleans(array, words).with_valid(array)
    text = array if pt.is_string(kind) else to_text(array, "")
    return words.escapes(texts(text))


def joined_rows(columns: Sequence[tuple[Cells, bytes, bytes]], end: bytes) -> tuple[Bytes, Cells]:
    """Return rows, one after the other, and where each of them lies.

    Parameters
    ----------
    columns : sequence of (Cells, bytes, bytes)
        For each column its cells, what stands before each of them, and what a null is.
    end : bytes
        What stands behind each row.
    """
    rows = len(columns[0][0].starts)
    total = np.zeros(rows, np.int64)
    for cells, before, null in columns:
        lengths = cells.lengths
        if cells.valid.size:
            lengths = np.where(cells.valid, lengths, len(null))
        total += lengths
        total += len(before)
    total += len(end)
    ends = np.cumsum(total)
    cursor = ends - total
    starts = cursor.copy()
    out = np.empty(int(ends[-1]) if rows else 0, np.uint8)
    for cells, before, null in (*columns, (_nothing(rows), end, b"")):
        kernels.put_cells(
            cells.data, cells.starts, cells.lengths, cells.valid, word(null), word(before),
            cursor, out,
        )  # fmt: skip
    return out, Cells(out, starts, total)


def _valid(array: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(to_numpy(array.is_valid()), np.bool_) if array.null_count else _ALL_VALID


def _slots(count: int) -> NDArray[np.int64]:
    return np.arange(0, count * WIDTH, WIDTH, dtype=np.int64)


def _floats(array: pa.Array, words: Words) -> Cells:
    if pt.is_float16(array.type):
        array = array.cast(pa.float32())
    values = _numbers(array)
    mantissa, bias = (52, 1075) if values.itemsize == 8 else (23, 150)
    slots = np.empty((len(values), WIDTH), np.uint8)
    lengths = np.empty(len(values), np.int64)
    bits = values.view(f"u{values.itemsize}")
    float_text(frozen(values), frozen(bits), mantissa, bias, slots.reshape(-1), lengths)
    odd = np.flatnonzero(lengths == 0)
    for text, where in (
        (words.nan, np.isnan(values[odd])),
        (words.infinity, values[odd] == np.inf),
        (words.negative_infinity, values[odd] == -np.inf),
    ):
        slots[odd[where], : len(text)] = list(text)
        lengths[odd[where]] = len(text)
    return Cells(slots.reshape(-1), _slots(len(values)), lengths)


def _integers(array: pa.Array, words: Words) -> Cells:
    wide = array.cast(pa.uint64() if pt.is_uint64(array.type) else pa.int64())
    values = _numbers(wide)
    slots = np.empty(len(values) * WIDTH, np.uint8)
    lengths = np.empty(len(values), np.int64)
    integer_text(frozen(values.view(np.uint64)), not pt.is_uint64(wide.type), slots, lengths)
    cells = Cells(slots, _slots(len(values)), lengths)
    is_long = words.quoted_longs and array.type.bit_width == 64
    return _QUOTED(cells) if is_long else cells


_QUOTED = Escapes({}, b'"')


def _booleans(array: pa.Array, words: Words) -> Cells:
    values = _numbers(array).astype(np.int64)
    sizes = np.array([len(words.false), len(words.true)], np.int64)
    starts = np.array([0, len(words.false)], np.int64)
    return Cells(word(words.false + words.true), starts[values], sizes[values])


def _numbers(array: pa.Array) -> NDArray[Any]:
    """Return the values; whatever stands in memory where one is null."""
    if array.null_count:
        fill: Any = False if pt.is_boolean(array.type) else 0
        array = pc.fill_null(array, pa.scalar(fill, array.type))
    return np.ascontiguousarray(to_numpy(array))


def texts(array: pa.Array) -> Cells:
    """Return the cells of a column of text."""
    if not len(array):
        return _nothing(0)
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    first, stop = int(bounds[0]), int(bounds[-1])
    there = _NO_BYTES if data is None else np.frombuffer(data, np.uint8)[first:stop]
    starts = bounds[:-1].astype(np.int64) - first
    return Cells(there, starts, np.diff(bounds).astype(np.int64), _valid(array))


def _nothing(count: int) -> Cells:
    """Return empty texts."""
    return Cells(_NO_BYTES, np.zeros(count, np.int64), np.zeros(count, np.int64))


def _lists(array: pa.Array, words: Words) -> Cells:
    offsets, values = list_parts(array)
    return joined_lists(offsets, cells_of(values, words), words).with_valid(array)


def joined_lists(offsets: NDArray[np.int64], cells: Cells, words: Words) -> Cells:
    """Return the texts of lists of cells."""
    lengths = np.empty(len(offsets) - 1, np.int64)
    of_lists = words.of_lists
    fixed = frozen(np.array([each.size for each in of_lists], np.int64))
    bounds = frozen(offsets)
    kernels.joined_lengths(bounds, cells.lengths, cells.valid, fixed, lengths)
    ends = np.cumsum(lengths)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    kernels.put_joined(bounds, cells.data, cells.starts, cells.lengths, cells.valid, of_lists, out)
    return Cells(out, ends - lengths, lengths)


def list_parts(array: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the offsets of lists, from 0 on, and the values between them."""
    if pt.is_fixed_size_list(array.type):
        size = array.type.list_size
        values = array.values.slice(array.offset * size, len(array) * size)
        return np.arange(len(array) + 1, dtype=np.int64) * size, values
    if not len(array):
        return np.zeros(1, np.int64), array.values.slice(0, 0)
    bounds = to_numpy(array.offsets).astype(np.int64)
    first, stop = int(bounds[0]), int(bounds[-1])
    return bounds - first, array.values.slice(first, stop - first)


def _objects(array: pa.Array, words: Words) -> Cells:
    columns: list[tuple[Cells, bytes, bytes]] = []
    for child, values in zip(array.type, array.flatten(), strict=True):
        key = pa.array([child.name])
        name = words.escapes(texts(key)).data.tobytes()
        before = (words.between if columns else b"{") + name + words.colon
        columns.append((cells_of(values, words), before, words.null))
    if not columns:
        columns = [(_nothing(len(array)), b"{", b"")]
    _, cells = joined_rows(columns, b"}")
    return cells.with_valid(array)


def _maps(array: pa.Array, words: Words) -> Cells:
    """Return maps as lists of pairs."""
    bounds = to_numpy(array.offsets).astype(np.int64) if len(array) else np.zeros(1, np.int64)
    first, count = int(bounds[0]), int(bounds[-1] - bounds[0])
    keys, values = (cells_of(part.slice(first, count), words) for part in (array.keys, array.items))
    pair = (keys, words.opening, words.null), (values, words.between, words.null)
    _, pairs = joined_rows(pair, words.closing)
    return joined_lists(bounds - first, pairs, words).with_valid(array)
