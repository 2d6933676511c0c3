"""How many bytes rows take, measured; and how much a leaf holds at most.

A schema of numbers has rows of one size, and nothing is measured. Of texts, lists and what is
nested in them, the size of each row follows from the offsets of the arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.arrow import is_list, to_numpy
from skyseries.lazy import pc

__all__ = ["Limits", "Sizes", "divided", "row_sizes", "take", "take_column"]

Sizes = float | NDArray[np.float64]
"""Bytes of each row, or one number if all have the same size."""

_MOST_BYTES = 2**31 - 1
"""What the offsets of a text or list array can count."""


@dataclass(frozen=True)
class Limits:
    """What a leaf holds at most."""

    max_rows: int = 1_000_000
    max_bytes: int = 256_000_000
    """Bytes of the columns in memory."""
    max_epochs: int = 5_000_000
    max_order: int = 12
    """The finest order of a partition."""


def row_sizes(table: pa.Table | pa.RecordBatch) -> Any:
    """Return the bytes that each row takes in memory, but for the bits that say what is null."""
    total: Any = 0.0
    for column in table.columns:
        if not isinstance(column, pa.ChunkedArray):
            total = total + _sizes(column)
            continue
        parts = [_sizes(chunk) for chunk in column.chunks]
        if all(isinstance(part, float) for part in parts):
            total = total + (parts[0] if parts else 0.0)
        else:
            total = total + np.concatenate(parts)
    return total


def _sizes(array: pa.Array) -> Any:
    """Return the bytes of each value of an array."""
    type_ = array.type
    if isinstance(type_, pa.BaseExtensionType):
        return _sizes(array.storage)
    if pa.types.is_null(type_):
        return 1.0
    if pa.types.is_dictionary(type_):
        of_words = _sizes(array.dictionary)
        if isinstance(of_words, float) or not len(of_words):
            return np.full(len(array), of_words if isinstance(of_words, float) else 0.0)
        return of_words[to_numpy(pc.fill_null(array.indices, 0))]
    if pa.types.is_struct(type_):
        return sum((_sizes(child) for child in array.flatten()), 0.0)
    if pa.types.is_fixed_size_list(type_):
        inner = _sizes(array.flatten() if not array.null_count else array.values)
        return _of_fixed_lists(array, inner)
    if pa.types.is_map(type_):
        return _of_lists(array, _sizes(array.keys) + _sizes(array.items))
    if is_list(type_):
        return _of_lists(array, _sizes(array.values))
    try:
        return max(type_.bit_width / 8, 1.0)
    except ValueError:  # text, of any kind, has no fixed width
        lengths = pc.fill_null(pc.binary_length(_plain_binary(array)), 0)
        return to_numpy(lengths) + 4.0


def _plain_binary(array: pa.Array) -> pa.Array:
    is_view = pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type)
    return array.cast(pa.large_binary()) if is_view else array


def _of_fixed_lists(array: pa.Array, inner: Sizes) -> Any:
    width = array.type.list_size
    if isinstance(inner, float):
        return inner * width
    if len(inner) != len(array) * width:  # of a slice, all values are there
        inner = inner[array.offset * width : (array.offset + len(array)) * width]
    return inner.reshape(len(array), width).sum(axis=1)


def _of_lists(array: pa.Array, inner: Sizes) -> Any:
    offsets = array.offsets.to_numpy()
    if isinstance(inner, float):
        return np.diff(offsets) * inner + 4.0
    before = np.concatenate([[0.0], np.cumsum(inner)])
    return np.diff(before[offsets]) + 4.0


def divided(batch: pa.RecordBatch, most_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield a batch in parts of about so many bytes at most."""
    parts = max(-(-batch.nbytes // most_bytes), 1)
    rows = max(-(-batch.num_rows // parts), 1)
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def take(table: pa.Table, order: Any) -> pa.Table:
    """Return rows by their numbers, however long the texts and lists of the table are."""
    columns = [take_column(column, order) for column in table.columns]
    return pa.Table.from_arrays(columns, schema=table.schema)


def take_column(column: pa.ChunkedArray, order: Any) -> Any:
    """Return values by their numbers.

    Arrow puts all chunks of a column into one array first, whose offsets may not suffice.
    """
    if column.num_chunks == 1:  # an array is gathered from much faster than chunks
        return column.chunk(0).take(pa.array(order))
    if not len(order):
        return column.slice(0, 0)
    if column.nbytes > _MOST_BYTES:
        return _take_by_parts(column, np.asarray(order))
    return column.combine_chunks().take(pa.array(order))


def _take_by_parts(column: pa.ChunkedArray, order: Ints) -> pa.ChunkedArray:
    """Take as many rows at once as one array can hold, from one chunk after the other."""
    sizes = np.concatenate([np.broadcast_to(_sizes(c), len(c)) for c in column.chunks])
    share = np.cumsum(sizes[order]) // (_MOST_BYTES // 4)
    ends = np.cumsum([len(chunk) for chunk in column.chunks])
    parts = []
    for rows in np.split(order, np.flatnonzero(np.diff(share)) + 1):
        chunk = np.searchsorted(ends, rows, side="right")
        found = [
            column.chunk(c).take(pa.array(rows[chunk == c] - (ends[c - 1] if c else 0)))
            for c in np.unique(chunk).tolist()
        ]
        back = np.empty(len(rows), np.int64)
        back[np.argsort(chunk, kind="stable")] = np.arange(len(rows))
        parts.append(pa.concat_arrays(found).take(pa.array(back)))
    return pa.chunked_array(parts, column.type)
