"""The rows of a leaf near its border, kept in memory: a margin made on the fly.

Where a catalog has no margin, or one too narrow, the rows near a unit are looked for in the
neighbouring partitions. All units around a leaf want the same few of its rows, so these are read
once per process and kept.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pyarrow as pa

from skyseries.arraytypes import Floats, Ints
from skyseries.cache import kept
from skyseries.catalog.plan.leafrows import LeafRows
from skyseries.catalog.plan.rows import Index, Rows, gather
from skyseries.hats.dataset import Dataset
from skyseries.hats.margin import edge_rows
from skyseries.hats.partitions import Cell
from skyseries.spatial.healpix import HPX_ORDER, margin_order
from skyseries.store.files import Location

__all__ = ["EdgeRows", "edge_rows_of"]

_MOST = 0.2
"""Part of a leaf's rows above which it is not worth keeping them."""


class EdgeRows(Rows):
    """Some rows of a leaf; columns are kept once they were fetched."""

    def __init__(self, dataset: Dataset, leaf: Location, index: Ints, hpx: Ints) -> None:
        self._dataset, self._leaf, self._index, self._hpx = dataset, leaf, index, hpx
        self._known: dict[str, pa.ChunkedArray] = {}
        self._place: tuple[Floats, Floats] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._index)

    @property
    def nbytes(self) -> int:
        """What is kept of the rows by now."""
        with self._lock:
            columns = sum(column.nbytes for column in self._known.values())
            place = 0 if self._place is None else sum(part.nbytes for part in self._place)
        return int(self._index.nbytes + self._hpx.nbytes + columns + place)

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        with self._lock:
            missing = [path for path in paths if path not in self._known]
            if missing:
                table = _whole_leaf(self._dataset, self._leaf).fetch(missing, self._index)
                self._known |= zip(missing, table.combine_chunks().columns, strict=True)
            table = pa.table([self._known[path] for path in paths], list(paths))
        return gather(table, index)

    def positions(self) -> tuple[Floats, Floats]:
        with self._lock:
            if self._place is None:
                leaf = _whole_leaf(self._dataset, self._leaf)
                self._place = leaf.take(self._index).positions()
            return self._place

    def hpx(self) -> Ints:
        return self._hpx


def edge_rows_of(
    dataset: Dataset, cell: Cell, leaf: Location, halo_arcsec: float
) -> EdgeRows | None:
    """Return rows of a leaf among which are all within a distance of another partition.

    None where these would be much of the leaf.
    """
    order = margin_order(halo_arcsec)
    if order <= cell.order:
        return None
    return _edges(_Source(dataset), cell, leaf, leaf.stamp(), order)


class _Source:
    """A dataset as a key of the cache: by its folder."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __hash__(self) -> int:
        return hash(self.dataset.root)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source) and self.dataset.root == other.dataset.root


@kept
def _edges(
    source: _Source, cell: Cell, leaf: Location, stamp: tuple[int, ...], order: int
) -> EdgeRows | None:
    rows = _whole_leaf(source.dataset, leaf)
    hpx = rows.hpx()
    index = edge_rows(hpx, 2 * (HPX_ORDER - order), order - cell.order)
    if len(index) > _MOST * len(hpx):
        return None
    return EdgeRows(source.dataset, leaf, index, hpx[index])


def _whole_leaf(dataset: Dataset, leaf: Location) -> LeafRows:
    footer = dataset.footer(leaf)
    lengths = [footer.row_group(g).num_rows for g in range(footer.num_row_groups)]
    return LeafRows(dataset, leaf, range(len(lengths)), lengths)
