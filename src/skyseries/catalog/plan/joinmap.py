"""Values of a map of the sky, one for each HEALPix cell, beside the rows that are in the cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.names import check_columns, check_new
from skyseries.catalog.plan.node import Area, Hints, Node, RowStep, Unit, first_node
from skyseries.catalog.plan.pairs import fetch_or_null
from skyseries.catalog.plan.rows import Index, Rows
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.stage import Runner, Stage
from skyseries.catalog.plan.steps import ComputedRows, Select
from skyseries.errors import InputError
from skyseries.hats.keys import KeyTable
from skyseries.schema import as_nullable
from skyseries.spatial.coverage import normalise
from skyseries.spatial.healpix import HPX_ORDER

__all__ = ["MapValues"]

_FEWEST_CELLS = 16
"""The order is not told from fewer: of few cells all may be the first of four by chance."""
_FINEST = 25


@dataclass(frozen=True, eq=False)
class MapValues(RowStep):
    """Add columns of a map.

    Parameters
    ----------
    child : Node
    map : Node
        A row for each cell.
    cell : str
        Its column of the cells.
    cell_order : int
        The order in which they are numbered.
    columns : tuple of str
    order : int or Stage
        The order of the cells.
    """

    map: Node
    cell: str
    cell_order: int
    columns: tuple[str, ...]
    order: int | Stage[int] = field(repr=False)

    @classmethod
    def of(
        cls, child: Node, map_node: Node, columns: Sequence[str] | None, order: int | None
    ) -> MapValues:
        """Return the node.

        Raises
        ------
        InputError
            If the map has no column of cells, or the order cannot be.
        """
        scan = first_node(map_node)
        cell = scan.dataset.healpix_column if isinstance(scan, Scan) else None
        if not isinstance(scan, Scan) or cell is None or cell not in map_node.schema.names:
            raise InputError("a map needs a column of HEALPix cells (_healpix_29)")
        if order is not None and not 0 <= order <= HPX_ORDER:
            raise InputError(f"the order of a map is from 0 to {HPX_ORDER}, not {order}")
        numbered = scan.dataset.healpix_order
        kept = [n for n in map_node.schema.names if n != cell] if columns is None else list(columns)
        check_columns(kept, map_node.schema)
        check_new(kept, child.schema)
        known: int | Stage[int]
        if order is not None:
            known = order
        elif numbered < HPX_ORDER:
            known = numbered
        else:
            said = f"the order of the map {scan.dataset.name}, from its column {cell}"
            known = Stage(said, partial(_order_of, map_node, cell), Select(map_node, (cell,)))
        return cls(child, map_node, cell, numbered, tuple(kept), known)

    @cached_property
    def schema(self) -> pa.Schema:
        new = [as_nullable(self.map.schema.field(name)) for name in self.columns]
        return pa.schema([*self.child.schema, *new], self.child.schema.metadata)

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child, self.map)

    @property
    def filters(self) -> bool:
        return self.child.filters

    def makes(self) -> tuple[str, ...]:
        return self.columns

    def stages(self) -> tuple[Stage[Any], ...]:
        return () if isinstance(self.order, int) else (self.order,)

    def hints(self, hints: Hints) -> Hints:
        return hints.without(self.columns)

    def child_hints(self, child: int, hints: Hints) -> Hints:
        return self.hints(hints) if child == 0 else Hints()

    def needs(self, paths: Sequence[str]) -> list[str]:
        return [path for path in paths if path.split(".", 1)[0] not in self.columns]

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        yield from self.child.demand(self.needs(paths))
        if mine := [name for name in self.columns if name in paths]:
            yield from self.map.demand([self.cell, *mine])

    def apply(self, rows: Rows) -> Rows:
        return ComputedRows(rows, self.columns, self._compute)

    def describe(self) -> str:
        at = f" of order {self.order}" if isinstance(self.order, int) else ""
        return f"values of a map{at}: {', '.join(self.columns)}"

    def _compute(self, rows: Rows, wanted: list[str], index: Index) -> pa.Table:
        order = self.order if isinstance(self.order, int) else self.order.value
        hpx = rows.hpx() if index is None else rows.hpx()[index]
        there = self.map.rows(self._partitions_with(hpx), Hints())
        numbers = there.fetch([self.cell]).column(0).cast(pa.int64()).to_numpy()
        cells = numbers >> 2 * (self.cell_order - min(order, self.cell_order))
        table = KeyTable(pa.array(cells))
        if table.repeats:
            raise InputError(
                f"the map has several rows for one cell of order {order}; is this its order?"
            )
        asked = np.where(hpx >= 0, hpx >> 2 * (HPX_ORDER - order), -1)
        row, place = table.match(pa.array(asked))
        found = np.full(len(hpx), -1, np.int64)
        found[row] = place
        return fetch_or_null(there, wanted, found)

    def _partitions_with(self, hpx: Ints) -> Area:
        """Return whole partitions of the map: those that rows are in."""
        partitions = self.map.cells()
        assert partitions is not None  # noqa: S101 - a map is a catalog on disk
        which = np.unique(partitions.find(np.unique(hpx[hpx >= 0])))
        start, stop = partitions.ranges()
        which = which[which >= 0]
        return Area(*normalise(start[which], stop[which]))


def _order_of(node: Node, cell: str, folder: Path, run: Runner) -> int:
    """Return the order of which all numbers are first cells."""
    bits, cells = 0, 0
    for _, (some, count) in run(node, partial(_bits, cell=cell), stage="cells of the map"):
        bits, cells = bits | some, cells + count
    order = HPX_ORDER - ((bits & -bits).bit_length() - 1) // 2 if bits else 0
    if cells < _FEWEST_CELLS or order > _FINEST:
        raise InputError("the order of the map cannot be told from its cells: give order=")
    return order


def _bits(node: Node, unit: Unit, *, cell: str) -> tuple[int, int]:
    """Return which bits are set in any of the cells of a unit, and how many cells there are."""
    column = node.rows(unit.area, Hints()).fetch([cell]).column(0)
    cells = column.cast(pa.int64()).to_numpy()
    return int(np.bitwise_or.reduce(cells, initial=0)), len(cells)
