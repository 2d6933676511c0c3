"""A catalog on disk as a node: which leaves and row groups a part of the sky takes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.cache import kept
from skyseries.catalog.plan.border import edge_rows_of
from skyseries.catalog.plan.ids import as_ids, cells_of_ids
from skyseries.catalog.plan.leafrows import LeafRows
from skyseries.catalog.plan.node import Area, Hints, Input, Node, Pieces, first_node
from skyseries.catalog.plan.pruning import (
    groups_inside,
    groups_that_may_match,
    pieces_of,
    those_that_may_match,
)
from skyseries.catalog.plan.rows import Joined, Rows, TableRows
from skyseries.errors import CatalogError
from skyseries.hats.collection import Collection
from skyseries.hats.dataset import Dataset, open_dataset
from skyseries.hats.idindex import IdIndex, open_index
from skyseries.hats.partitions import Partitions
from skyseries.hats.statistics import recorded_rows
from skyseries.spatial import regions
from skyseries.spatial.coverage import expand
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.store.files import Location

__all__ = ["Scan", "first_scan", "scan_of", "widened"]

_NO_CELLS = np.empty(0, np.int64)


@dataclass(frozen=True)
class Scan(Input):
    """The rows of a catalog.

    Parameters
    ----------
    dataset : Dataset
    margins : tuple of Location
        Its margins: the rows near each partition, so that they need not be looked for in the
        neighbours. They are opened when they are needed.
    indexes : tuple of (str, Location)
        Columns of ids, and the index of each.
    """

    dataset: Dataset
    margins: tuple[Location, ...] = ()
    indexes: tuple[tuple[str, Location], ...] = ()

    @property
    def schema(self) -> pa.Schema:
        return self.dataset.schema

    @property
    def position(self) -> tuple[str, str] | None:
        names = (self.dataset.ra, self.dataset.dec)
        return names if set(names) <= set(self.schema.names) else None

    def row_limits(self, said: Callable[[Dataset], int | None]) -> tuple[int, int | None]:
        known = said(self.dataset)
        return known or 0, known

    def describe(self) -> str:
        return f"scan {self.dataset.name}"

    def cuts(self) -> Ints:
        return self.dataset.partitions.edges

    def cells(self) -> Partitions:
        return self.dataset.partitions

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        yield self, list(dict.fromkeys(paths))

    def index_of(self, column: str, *, cells: bool = False) -> IdIndex | None:
        """Return the index of a column of ids; None if there is none, or it may lack rows.

        Parameters
        ----------
        column : str
        cells : bool
            Whether it must hold the cell under which each row is filed.
        """
        location = dict(self.indexes).get(column)
        if location is None:
            return None
        try:
            index = open_index(location, column)
        except CatalogError:
            return None  # a broken index costs time, not rows
        dataset = self.dataset
        filed = dataset.healpix_column is not None and dataset.healpix_order == HPX_ORDER
        if index.rows != recorded_rows(dataset) or (cells and not (filed and index.has_cells)):
            return None
        return index

    def wanted(self, hints: Hints) -> Hints:
        """Return the hints, with the cells of the ids that they ask for by ``=`` or IN."""
        for bounds, (column, _) in itertools.product(hints.conditions, self.indexes):
            ids = _exact_ids(bounds.values((column,)), self.schema.field(column).type)
            index = None if ids is None else self.index_of(column)
            if ids is not None and index is not None:
                hints = hints.also(region=_cells(index, ids))
        return hints

    def pieces(self, hints: Hints) -> list[Pieces]:
        return [pieces_of(self.dataset, self.wanted(hints))]

    def rows(self, area: Area, hints: Hints) -> Rows:
        hints = self.wanted(hints)
        partitions = self.dataset.partitions
        home = _overlapping(partitions, area.start, area.stop)
        if not area.halo_arcsec:
            home = those_that_may_match(partitions, home, hints)
            return self._join([self._partition(i, area, hints) for i in home])
        wide = widened(area)
        near = _overlapping(partitions, wide.start, wide.stop)
        near = those_that_may_match(partitions, near, hints)
        margin = self._margin(int(home[0]), area) if len(near) > 1 and len(home) == 1 else None
        # what is read of the home partitions is given whole: there may be more than asked for,
        # and to tell which rows are in the ranges would cost reading their cells
        if margin is None:
            own = set(home.tolist())
            return self._join(
                [
                    self._partition(i, wide, hints, True)
                    if i in own
                    else self._neighbour(int(i), wide, hints, area.halo_arcsec)
                    for i in near
                ]
            )
        cell = partitions[int(home[0])]
        parts = [self._partition(home[0], wide, hints, True)]
        i = int(margin.partitions.find(np.array([cell.range()[0]]))[0])
        if i >= 0 and margin.partitions[i] == cell:  # where there is no file there are no rows
            elsewhere = Hints(conditions=hints.conditions)  # its rows are not in this cell
            parts.append(Scan(margin)._partition(i, wide, elsewhere, True))
        return self._join(parts)

    def _margin(self, i: int, area: Area) -> Dataset | None:
        """Return the narrowest margin that, with partition i, has all rows in the halo."""
        start, stop = self.dataset.partitions[i].range()
        if not (area.start[0] >= start and area.stop[-1] <= stop):
            return None
        margins = [
            _open_margin(root, root.join("partition_info.csv").stamp()) for root in self.margins
        ]
        wide = [m for m in margins if m.kind == "margin" and m.margin_arcsec >= area.halo_arcsec]
        return min(wide, key=lambda margin: margin.margin_arcsec, default=None)

    def _partition(self, i: Any, area: Area, hints: Hints, all_read: bool = False) -> Rows:
        """Return the rows of a partition that are in the ranges, or all of those row groups."""
        cell = self.dataset.partitions[int(i)]
        start, stop = cell.range()
        whole = not all_read and _covers(area, start, stop)
        return self._join(
            [
                _restricted(self.dataset, leaf, None if whole else area, hints, all_read)
                for leaf in self.dataset.leaves(cell)
            ]
        )

    def _neighbour(self, i: int, wide: Area, hints: Hints, halo_arcsec: float) -> Rows:
        """Return the rows of a partition that are in the ranges around another one."""
        cell = self.dataset.partitions[i]
        parts: list[Rows] = []
        for leaf in self.dataset.leaves(cell):
            edges = edge_rows_of(self.dataset, cell, leaf, halo_arcsec)
            if edges is None:
                parts.append(_restricted(self.dataset, leaf, wide, hints, False))
            else:
                parts.append(edges.take(np.flatnonzero(wide.holds(edges.hpx()))))
        return self._join(parts)

    def _join(self, parts: Sequence[Rows]) -> Rows:
        kept = [part for part in parts if len(part)]
        if kept:
            return Joined.of(kept)
        return TableRows(self.schema.empty_table(), np.empty(0), np.empty(0), _NO_CELLS)


def scan_of(dataset: Dataset, root: Location, collection: Collection) -> Scan:
    """Return a catalog with the margins and indexes that its collection lists."""
    margins = tuple(root.join(path) for path in collection.margins)
    there = (pair for pair in collection.indexes if pair[0] in dataset.schema.names)
    indexes = tuple((column, root.join(path)) for column, path in there)
    return Scan(dataset, margins, indexes)


@kept
def _open_margin(root: Location, stamp: tuple[int, ...]) -> Dataset:
    return open_dataset(root)


@kept
def _cells(index: IdIndex, ids: tuple[Any, ...]) -> regions.Moc:
    return cells_of_ids(index, ids)


def _exact_ids(values: Sequence[Any] | None, type_: pa.DataType) -> tuple[Any, ...] | None:
    """Return ids as their column has them; None if it is not limited to some.

    A floating-point number that stands for more than one whole number does not limit it.
    """
    if values is None:
        return None
    if float in set(map(type, values)):
        if any(isinstance(v, float) and abs(v) >= 1 << 53 for v in values):
            return None
        whole = (int(v) if isinstance(v, float) and v.is_integer() else v for v in values)
        values = [v for v in whole if not isinstance(v, float)]
    return as_ids(values, type_)


def first_scan(node: Node) -> Scan | None:
    """Return the catalog that gives the positions of a plan's rows; None for a table."""
    start = first_node(node)
    return start if isinstance(start, Scan) else None


def widened(area: Area) -> Area:
    """Return the area with its halo as ranges of cells (some more than the halo, never less)."""
    if not area.halo_arcsec or not len(area.start):
        return area._replace(halo_arcsec=0.0)
    placed = area.stop > 0
    start, stop = np.maximum(area.start[placed], 0), area.stop[placed]
    wide = Area(*expand((start, stop), area.halo_arcsec))
    if area.start[0] < 0:  # rows without a position are not near anything, but in the area
        wide = Area(np.insert(wide.start, 0, area.start[0]), np.insert(wide.stop, 0, 0))
    return wide


def _restricted(
    dataset: Dataset, leaf: Location, area: Area | None, hints: Hints, all_read: bool
) -> Rows:
    """Return the rows of a leaf, or those of them that are filed in some ranges."""
    footer = dataset.footer(leaf)
    groups = groups_that_may_match(dataset, footer, area, hints)
    rows = LeafRows(dataset, leaf, groups, [footer.row_group(g).num_rows for g in groups])
    inside = area is None or all_read or groups_inside(dataset, footer, groups, area)
    if area is None or inside or not len(rows):
        return rows
    keep = area.holds(rows.hpx())
    return rows if keep.all() else rows.take(np.flatnonzero(keep))


def _overlapping(partitions: Partitions, start: Ints, stop: Ints) -> NDArray[np.int64]:
    """Return which partitions overlap any of the (ascending) ranges."""
    first, last = partitions.ranges()
    # the first range that ends behind the beginning of the partition
    i = np.searchsorted(stop, first, side="right")
    there = i < len(start)
    there[there] = start[i[there]] < last[there]
    return np.flatnonzero(there)


def _covers(area: Area, start: int, stop: int) -> bool:
    i = int(np.searchsorted(area.start, start, side="right")) - 1
    if i < 0 or area.stop[i] < stop:
        # ranges that touch each other cover together
        return i >= 0 and _chain(area, i, stop)
    return True


def _chain(area: Area, i: int, stop: int) -> bool:
    while i + 1 < len(area.start) and area.stop[i] == area.start[i + 1]:
        i += 1
        if area.stop[i] >= stop:
            return True
    return False
