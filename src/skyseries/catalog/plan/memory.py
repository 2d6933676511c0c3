"""A table in memory as a node: positions of one's own, matched against catalogs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats, Ints
from skyseries.arrow import floats
from skyseries.catalog.plan.node import (
    SKY_CELLS,
    UNPLACED,
    Area,
    Hints,
    Input,
    Node,
    Pieces,
)
from skyseries.catalog.plan.rows import Rows, TableRows
from skyseries.catalog.plan.scan import Scan, widened
from skyseries.config import tuning
from skyseries.errors import InputError
from skyseries.hats.dataset import Dataset
from skyseries.hats.sizes import take
from skyseries.schema import honest
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.spatial.order import argsort

__all__ = ["Memory"]


@dataclass(frozen=True, eq=False)
class Memory(Input):
    """The rows of a table, along the sky; made by `Memory.of`.

    Rows without a position are kept; they match nothing.
    """

    name: str
    data: pa.Table = field(repr=False)
    columns: tuple[str, str] | None
    ra: Floats = field(repr=False)
    dec: Floats = field(repr=False)
    hpx: Ints = field(repr=False)

    @classmethod
    def of(cls, table: pa.Table, ra: str, dec: str, name: str = "table") -> Memory:
        """Return a table as a node.

        Parameters
        ----------
        table : pyarrow.Table
        ra, dec : str
            Its columns of the positions, degrees.

        Raises
        ------
        InputError
            If a declination is beyond ±90 degrees.
        """
        alpha, delta = (floats(table.column(column)) for column in (ra, dec))
        beyond = np.flatnonzero(np.abs(delta) > 90)
        if len(beyond):
            raise InputError(
                f"the declination {dec!r} of row {beyond[0]} of {name} is {delta[beyond[0]]}, "
                "beyond ±90 degrees; are ra and dec swapped, or in radians?"
            )
        hpx = radec_to_hpx(alpha, delta)
        order = argsort(hpx)
        sorted_table = honest(take(table, order).combine_chunks())
        return cls(name, sorted_table, (ra, dec), alpha[order], delta[order], hpx[order])

    @classmethod
    def unplaced(cls, table: pa.Table, name: str) -> Memory:
        """Return a table without positions as a node: a search finds none of its rows."""
        nowhere, cells = np.full(table.num_rows, np.nan), np.full(table.num_rows, UNPLACED)
        return cls(name, honest(table.combine_chunks()), None, nowhere, nowhere, cells)

    @property
    def schema(self) -> pa.Schema:
        return self.data.schema

    @property
    def position(self) -> tuple[str, str] | None:
        return self.columns

    def row_limits(self, said: Callable[[Dataset], int | None]) -> tuple[int, int | None]:
        return len(self.hpx), len(self.hpx)

    def describe(self) -> str:
        return f"{self.data.num_rows:,} rows in memory ({self.name})"

    def cuts(self) -> Ints:
        return np.array([0, SKY_CELLS])

    def cells(self) -> None:
        return None

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        return iter(())

    def pieces(self, hints: Hints) -> list[Pieces]:
        if not len(self.hpx):
            return [Pieces.none()]
        first = np.unique(self.hpx[:: tuning().table_piece_rows])
        begins = np.searchsorted(self.hpx, first)
        ends = np.append(begins[1:], len(self.hpx))
        return [Pieces(first, self.hpx[ends - 1] + 1, (ends - begins).astype(float))]

    def rows(self, area: Area, hints: Hints) -> Rows:
        index = self._index(area)
        table = self.data if len(index) == len(self.hpx) else take(self.data, index)
        return TableRows(table, self.ra[index], self.dec[index], self.hpx[index])

    def narrow(self, area: Area) -> Node:
        index = self._index(area)
        if len(index) == len(self.hpx):
            return self
        kept = take(self.data, index)
        return replace(self, data=kept, ra=self.ra[index], dec=self.dec[index], hpx=self.hpx[index])

    def _index(self, area: Area) -> Ints:
        wide = widened(area)
        starts, stops = (np.searchsorted(self.hpx, bound) for bound in (wide.start, wide.stop))
        parts = [np.arange(a, b) for a, b in zip(starts, stops, strict=True) if b > a]
        return np.concatenate([np.empty(0, np.int64), *parts])
