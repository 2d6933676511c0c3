"""Keys of rows: whole numbers of any width, or text, compared exactly.

Null equals nothing, not even null. Numbers of 64 bits, signed or not, are never taken for floating
points on the way.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.arrow import is_text, plain_type, to_numpy
from skyseries.errors import SchemaError
from skyseries.lazy import pc
from skyseries.spatial.order import argsort

__all__ = ["KeyTable", "aligned", "check_keys", "plain"]


_TOP_BIT = np.uint64(1 << 63)
_FEW = 10_000


def check_keys(left: pa.Field, right: pa.Field) -> None:
    """Raise SchemaError unless the values of two columns can equal each other as ids do."""
    kinds = [_kind(field.type) for field in (left, right)]
    for field, kind in zip((left, right), kinds, strict=True):
        if kind is None:
            raise SchemaError(
                f"column {field.name!r} is {field.type}; rows are joined by whole numbers or text"
            )
    if kinds[0] != kinds[1]:
        raise SchemaError(
            f"column {left.name!r} is {left.type} and {right.name!r} is {right.type}: no value of "
            "the one equals one of the other; assign(CAST(...)) makes them alike"
        )


def plain(keys: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return keys as one array, without dictionary codes."""
    if pa.types.is_dictionary(keys.type):
        keys = keys.cast(keys.type.value_type)
    if isinstance(keys, pa.ChunkedArray):
        keys = keys.combine_chunks()
        if isinstance(keys, pa.ChunkedArray):
            keys = pa.concat_arrays(keys.chunks) if keys.num_chunks else pa.nulls(0, keys.type)
    return keys


def aligned(keys: pa.Array, type_: pa.DataType) -> pa.Array:
    """Return keys in another type; null where it does not have the value."""
    if keys.type == type_:
        return keys
    if _kind(type_) == "text":
        return keys.cast(type_)
    before, after = (np.iinfo(t.to_pandas_dtype()) for t in (keys.type, type_))
    values = _numbers(keys)
    there = ~_nulls(keys)
    if before.min < after.min:
        there &= values >= after.min
    if before.max > after.max:
        there &= values <= after.max
    return pa.array(np.where(there, values, 0).astype(type_.to_pandas_dtype()), mask=~there)


class KeyTable:
    """The keys of rows, to be looked up many at a time.

    Parameters
    ----------
    keys : Array or ChunkedArray
        The key of each row.
    """

    def __init__(self, keys: pa.Array | pa.ChunkedArray) -> None:
        keys = plain(keys)
        self.type = keys.type
        self._words = pc.unique(keys) if _kind(keys.type) == "text" else None
        values, there = self._values(keys)
        rows = np.flatnonzero(there)
        self._rows = rows[argsort(values[rows])]
        self._sorted = values[self._rows]
        self._size = len(keys)
        first = np.concatenate([[True], self._sorted[1:] != self._sorted[:-1]])[: len(rows)]
        self._starts = np.flatnonzero(first)
        self.repeats = len(self._starts) < len(rows)

    def __len__(self) -> int:
        return self._size

    def codes(self) -> Ints:
        """Return a number of the key of each row; -1 for null."""
        found = np.full(self._size, -1, np.int64)
        found[self._rows] = np.repeat(self._starts, self._counts())
        return found

    def codes_of(self, keys: pa.Array | pa.ChunkedArray) -> Ints:
        """Return the numbers of other keys; -1 where no row has the key."""
        values, there = self._values(aligned(plain(keys), self.type))
        first = _places(self._sorted, values)
        return np.where(there & self._same(first, values), first, -1)

    def match(self, keys: pa.Array | pa.ChunkedArray) -> tuple[Ints, Ints]:
        """Pair other keys with the rows that have them.

        Returns
        -------
        asked, rows : ndarray of int64
            Numbers of the keys asked for, ascending, and of the rows; those of one key in the
            order in which they stand.
        """
        first = self.codes_of(keys)
        asked = np.flatnonzero(first >= 0)
        first = first[asked]
        if not self.repeats:
            return asked, self._rows[first]
        counts = np.repeat(self._counts(), self._counts())[first]
        before = np.cumsum(counts) - counts
        place = np.arange(int(counts.sum())) + np.repeat(first - before, counts)
        return np.repeat(asked, counts), self._rows[place]

    def _counts(self) -> Ints:
        """Return how many rows have each of the different keys."""
        return np.diff(self._starts, append=len(self._sorted))

    def _values(self, keys: pa.Array) -> tuple[Ints, NDArray[np.bool_]]:
        """Return keys as numbers that can be sorted, and which of them can equal anything."""
        there = ~_nulls(keys)
        if self._words is None:
            values = _numbers(keys)
            if values.dtype == np.uint64:  # the same order as signed numbers
                return (values ^ _TOP_BIT).view(np.int64), there
            return values.astype(np.int64, copy=False), there
        codes = pc.index_in(keys, self._words).fill_null(-1).to_numpy().astype(np.int64)
        return codes, there & (codes >= 0)

    def _same(self, place: Ints, values: Ints) -> NDArray[np.bool_]:
        if not len(self._sorted):
            return np.zeros(len(values), np.bool_)
        found = self._sorted[np.minimum(place, len(self._sorted) - 1)] == values
        return np.asarray(found)


def _kind(type_: pa.DataType) -> str | None:
    type_ = plain_type(type_)
    if is_text(type_):
        return "text"
    return "number" if pa.types.is_integer(type_) else None


def _nulls(keys: pa.Array) -> NDArray[np.bool_]:
    return to_numpy(keys.is_null()) if keys.null_count else np.zeros(len(keys), np.bool_)


def _places(ordered: Ints, values: Ints) -> Ints:
    """Return how many of the ordered values are less than each of some."""
    if len(values) < _FEW or bool((values[1:] >= values[:-1]).all()):
        return np.searchsorted(ordered, values, side="left")
    order = argsort(values)  # a search in order stays in the cache
    found = np.empty(len(values), np.int64)
    found[order] = np.searchsorted(ordered, values[order], side="left")
    return found


def _numbers(keys: pa.Array) -> NDArray[np.integer]:
    return np.asarray((keys.fill_null(0) if keys.null_count else keys).to_numpy())
