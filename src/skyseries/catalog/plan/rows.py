"""The rows of one unit of work: columns are read when they are fetched, for the rows that remain.

A node of a plan turns the rows of its child into its own without reading anything that it does
not need: a filter fetches the columns of its condition and keeps row numbers, a cross-match
fetches positions. Only `fetch` of what is wanted at the end reads the rest, and only for row
groups that still have rows. This is how columns and conditions reach the Parquet reader without
an optimiser.

A *path* is the name of a column, or ``column.field`` for one field of a light curve, which is
fetched as a column of lists.
"""

from __future__ import annotations

import abc
import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats, Ints
from skyseries.arrow import from_numpy
from skyseries.hats.sizes import take_column
from skyseries.lazy import pc

__all__ = ["Index", "Joined", "Rows", "TableRows", "Taken", "gather", "pick"]

Index = Ints | None
"""Row numbers; None: all rows."""


class Rows(abc.ABC):
    """Rows whose columns are read when they are fetched."""

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        """Return columns, named by their paths, of all rows or of some in the order asked for."""

    @abc.abstractmethod
    def positions(self) -> tuple[Floats, Floats]:
        """Return ra and dec in degrees, shape (n,) each."""

    @abc.abstractmethod
    def hpx(self) -> Ints:
        """Return the order-29 cell of each row, which is where it is filed."""

    def take(self, index: Ints) -> Rows:
        """Return some of the rows."""
        return Taken(self, index)


class Taken(Rows):
    """Some rows of others, by number."""

    def __init__(self, rows: Rows, index: Ints) -> None:
        self._rows, self._index = rows, index

    def __len__(self) -> int:
        return len(self._index)

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        return self._rows.fetch(paths, self._index if index is None else self._index[index])

    def positions(self) -> tuple[Floats, Floats]:
        ra, dec = self._rows.positions()
        return ra[self._index], dec[self._index]

    def hpx(self) -> Ints:
        return self._rows.hpx()[self._index]

    def take(self, index: Ints) -> Rows:
        return Taken(self._rows, self._index[index])


class TableRows(Rows):
    """Rows of a table in memory.

    Parameters
    ----------
    table : pyarrow.Table
    ra, dec : ndarray of float64
        Degrees.
    hpx : ndarray of int64
    """

    def __init__(self, table: pa.Table, ra: Floats, dec: Floats, hpx: Ints) -> None:
        self._table, self._ra, self._dec, self._hpx = table, ra, dec, hpx

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        return gather(pa.table([pick(self._table, path) for path in paths], list(paths)), index)

    def positions(self) -> tuple[Floats, Floats]:
        return self._ra, self._dec

    def hpx(self) -> Ints:
        return self._hpx


class Joined(Rows):
    """Rows of several sources, one after the other; each has the same columns."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in parts], dtype=np.int64)

    @staticmethod
    def of(parts: Sequence[Rows]) -> Rows:
        """Return the parts as one; a single part as it is."""
        return parts[0] if len(parts) == 1 else Joined(parts)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        if index is None:
            return _concat([part.fetch(paths) for part in self._parts])
        part = np.searchsorted(self._ends, index, side="right")
        starts = self._ends - np.array([len(p) for p in self._parts], np.int64)
        order = np.argsort(part, kind="stable")
        cuts = np.searchsorted(part[order], np.arange(len(self._parts) + 1))
        found = []
        for number, (a, b) in enumerate(itertools.pairwise(cuts.tolist())):
            if b > a:
                found.append(self._parts[number].fetch(paths, index[order[a:b]] - starts[number]))
        if not found:
            return self._parts[0].fetch(paths, index)
        table = _concat(found)
        if np.array_equal(order, np.arange(len(order))):
            return table
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return gather(table, back)

    def positions(self) -> tuple[Floats, Floats]:
        pairs = [part.positions() for part in self._parts]
        return np.concatenate([ra for ra, _ in pairs]), np.concatenate([dec for _, dec in pairs])

    def hpx(self) -> Ints:
        return np.concatenate([part.hpx() for part in self._parts])


def pick(table: pa.Table, path: str) -> pa.ChunkedArray:
    """Return a column of a table, or a field of one of its light curves."""
    place = table.schema.get_field_index(path)  # column_names would make a list of all
    if place >= 0:
        return table.column(place)
    column, _, field = path.partition(".")
    return pc.struct_field(table.column(column), field)


def gather(table: pa.Table, index: Index) -> pa.Table:
    """Return rows of a table by number; consecutive ones without a copy."""
    if index is None:
        return table
    n = len(index)
    if n == 0:
        return table.slice(0, 0)
    first = int(index[0])
    if int(index[-1]) - first == n - 1 and (n < 3 or bool((np.diff(index) == 1).all())):
        return table.slice(first, n)
    chosen = from_numpy(index)
    columns = [take_column(column, chosen) for column in table.columns]
    return pa.table(columns, schema=table.schema)


def _concat(tables: Sequence[pa.Table]) -> pa.Table:
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables)
