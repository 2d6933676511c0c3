"""What every node of a plan can do.

A plan is a tree of frozen nodes. Work is divided along the sky: a *unit* is a range of order-29
HEALPix cells, and `Node.rows` gives the rows of a unit (and, for the other side of a match, those
near it). The answer of a node for a range does not depend on how the rest of the sky is divided,
so units run anywhere in any order, and all of them together are the whole result.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats, Ints
from skyseries.catalog.plan.rows import Rows
from skyseries.hats.dataset import Dataset
from skyseries.hats.partitions import Partitions
from skyseries.schema import as_schema
from skyseries.spatial.healpix import HPX_ORDER, cells_in_range

if TYPE_CHECKING:
    from skyseries.adql import Bounds, Expr
    from skyseries.catalog.plan.scan import Scan
    from skyseries.catalog.plan.stage import Stage
    from skyseries.spatial.regions import Region

__all__ = [
    "SKY",
    "SKY_CELLS",
    "UNPLACED",
    "Area",
    "Hints",
    "Input",
    "Node",
    "Pieces",
    "RowStep",
    "Source",
    "Unit",
    "column_of",
    "first_node",
    "steps_of",
]

SKY_CELLS = 12 << 2 * HPX_ORDER


class Area(NamedTuple):
    """A part of the sky: ranges of order-29 cells, and how far around them to look."""

    start: Ints
    """First cells; ascending."""
    stop: Ints
    """One past the last cells; the ranges do not overlap."""
    halo_arcsec: float = 0.0
    """Rows this near to the ranges are wanted too. With a halo there may be more than asked for;
    without one, exactly the rows filed in the ranges."""

    @classmethod
    def of(cls, start: int, stop: int, halo_arcsec: float = 0.0) -> Area:
        """Return one range."""
        return cls(np.array([start]), np.array([stop]), halo_arcsec)

    def holds(self, hpx: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Tell which cells are in the ranges (the halo left out)."""
        if not len(self.start):
            return np.zeros(len(hpx), np.bool_)
        i = np.searchsorted(self.start, hpx, side="right") - 1
        return (i >= 0) & (hpx < self.stop[np.maximum(i, 0)])

    def around(self, more_arcsec: float) -> Area:
        """Return the same ranges with a wider halo."""
        return self._replace(halo_arcsec=self.halo_arcsec + more_arcsec)


UNPLACED = -1
"""Where rows without a position are filed."""

SKY = Area.of(UNPLACED, SKY_CELLS)


@dataclass(frozen=True)
class Hints:
    """What may be left out, because the node that asks will drop it anyway."""

    regions: tuple[Region, ...] = ()
    """Rows outside of any of them may be left out."""
    conditions: tuple[Bounds, ...] = ()
    """Each must hold; on columns of the catalog."""

    def also(self, *, region: Region | None = None, conditions: Sequence[Bounds] = ()) -> Hints:
        """Return more hints."""
        regions = self.regions if region is None else (*self.regions, region)
        return Hints(regions, (*self.conditions, *conditions))

    def without(self, columns: Sequence[str]) -> Hints:
        """Return the hints that hold before these columns were made."""
        made = set(columns)
        kept = tuple(c for c in self.conditions if not made & {path[0] for path in c.paths})
        return replace(self, conditions=kept)


@dataclass(frozen=True)
class Pieces:
    """Into what a scan can be cut without reading anything twice: row groups, or partitions."""

    start: Ints
    stop: Ints
    weight: Floats
    """Values to decode: rows, or epochs where there are light curves."""

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def none(cls) -> Pieces:
        """Return no pieces."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


class Unit(NamedTuple):
    """What one task computes: the rows filed in a range of cells."""

    start: int
    stop: int
    weight: float
    """Values to decode: rows, or epochs where there are light curves."""

    @property
    def area(self) -> Area:
        """The unit as a part of the sky."""
        return Area.of(self.start, self.stop)

    def __str__(self) -> str:
        if self.start < 0 and self.stop >= SKY_CELLS:
            return ""  # a task of all there is needs no name
        order, npix = cells_in_range(max(self.start, 0), self.stop)[0]
        return f"the part of the sky from Norder={order}/Npix={npix}"


class Source(NamedTuple):
    """What a column of a node, or a field of its light curves, was taken over from."""

    side: int
    """Which of the node's children."""
    path: str
    """Its column, or field of a light curve."""
    whole: bool = True
    """False: light curves that may have other epochs or fields than there (in whichever order)."""


class Node(abc.ABC):
    """One node of a plan; frozen and picklable."""

    @property
    @abc.abstractmethod
    def schema(self) -> pa.Schema:
        """Columns of the result."""

    @property
    @abc.abstractmethod
    def position(self) -> tuple[str, str] | None:
        """The columns of the result that say where its rows are; None if they are left out."""

    @abc.abstractmethod
    def rows(self, area: Area, hints: Hints) -> Rows:
        """Return the rows of a part of the sky, along the sky."""

    @abc.abstractmethod
    def pieces(self, hints: Hints) -> list[Pieces]:
        """Return the pieces of each catalog that is read; first those that give the rows."""

    @abc.abstractmethod
    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        """Yield which columns of which catalogs are read for columns of the result."""

    @property
    @abc.abstractmethod
    def children(self) -> tuple[Node, ...]:
        """The nodes that this one takes rows from; the first gives the positions."""

    @property
    def filters(self) -> bool:
        """Whether there may be other rows than those of the first catalog."""
        return any(child.filters for child in self.children)

    @property
    def occasions(self) -> tuple[str, ...]:
        """What the plan is known to call, for `skyseries.jit.expect`."""
        return tuple(name for child in self.children for name in child.occasions)

    @property
    def refiles(self) -> bool:
        """Whether rows may be filed elsewhere than those of the first child."""
        return False

    @property
    def gives(self) -> tuple[int, int | None]:
        """The least and the most rows for each row of the first child; None: any number."""
        return 0, None

    @abc.abstractmethod
    def inherits(self, path: str) -> tuple[Source, ...] | None:
        """Return what a column, or a field of a light curve, was taken over from, row by row.

        A row without a partner on the source's side has null. With several sources each row has
        the value of one of them; with none, null. None: the values are made here, or read.
        """

    def makes(self) -> Collection[str]:
        """Return the columns that are made here, or made anew, of rows of the first child."""
        return ()

    def conditions(self) -> tuple[Expr, ...] | None:
        """Return the conditions of the child's rows that are kept, if that is all that is done.

        None: something else is done, too.
        """
        return None

    @property
    def said(self) -> str:
        """JSON of the verb and its parameters, for the provenance of what is written."""
        return ""

    def stages(self) -> tuple[Stage[Any], ...]:
        """Return what must be computed before the rows of any unit can be."""
        return ()

    def row_limits(self, said: Callable[[Dataset], int | None]) -> tuple[int, int | None]:
        """Return the least and the most rows that there can be; None: not known.

        Parameters
        ----------
        said : callable
            How many rows a catalog on disk says that it has; None: it does not.
        """
        (least, most), (fewest, many) = self.gives, self.children[0].row_limits(said)
        return least * fewest, None if most is None or many is None else most * many

    @abc.abstractmethod
    def describe(self) -> str:
        """Return one line that says what the node does."""

    def child_hints(self, child: int, hints: Hints) -> Hints:
        """Return what a child may leave out, if this node's rows may lack what `hints` says."""
        return hints

    def cuts(self) -> Ints:
        """Return where partitions of the first catalog begin and end."""
        return self.children[0].cuts()

    def cells(self) -> Partitions | None:
        """Return the cells that rows are filed under; None for a table in memory."""
        return self.children[0].cells()

    def narrow(self, area: Area) -> Node:
        """Return the node with no more data in it than a part of the sky takes."""
        return self

    def table(self, rows: Rows) -> pa.Table:
        """Return the rows in the columns and types of the result."""
        schema = self.schema
        return as_schema(rows.fetch(schema.names), schema)

    def read(self, unit: Unit) -> pa.Table:
        """Return the result for a unit."""
        return self.table(self.rows(unit.area, Hints()))


class Input(Node):
    """A node that takes its rows from no other: a catalog on disk, or a table."""

    @property
    def children(self) -> tuple[Node, ...]:
        return ()

    @property
    def filters(self) -> bool:
        return False

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return None


@dataclass(frozen=True)
class RowStep(Node):
    """A node that looks at the rows of one other, each by itself."""

    child: Node

    @property
    def gives(self) -> tuple[int, int | None]:
        return 1, 1

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return None if column_of(path, self.schema) in self.makes() else (Source(0, path),)

    @property
    def schema(self) -> pa.Schema:
        return self.child.schema

    @property
    def position(self) -> tuple[str, str] | None:
        return self.child.position

    def rows(self, area: Area, hints: Hints) -> Rows:
        return self.apply(self.child.rows(area, self.hints(hints)))

    def apply(self, rows: Rows) -> Rows:
        """Return the rows that this step gives."""
        return rows

    def hints(self, hints: Hints) -> Hints:
        """Return what the child may leave out, if this node's rows may lack what `hints` says."""
        return hints

    def child_hints(self, child: int, hints: Hints) -> Hints:
        return self.hints(hints)

    def pieces(self, hints: Hints) -> list[Pieces]:
        return self.child.pieces(self.hints(hints))

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        return self.child.demand(self.needs(paths))

    def needs(self, paths: Sequence[str]) -> list[str]:
        """Return the columns of the child that are fetched for columns of the result."""
        return list(paths)

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    def narrow(self, area: Area) -> Node:
        return replace(self, child=self.child.narrow(area))


def first_node(node: Node) -> Node:
    """Return what gives the positions of a plan's rows: a catalog on disk, or a table."""
    while node.children:
        node = node.children[0]
    return node


def column_of(path: str, schema: pa.Schema) -> str:
    """Return the column that a path is, or goes into; a dot may be part of its name."""
    return path if path in schema.names else path.partition(".")[0]


def steps_of(node: Node, depth: int = 0) -> list[str]:
    """Return the nodes of a plan, a line each; what a node takes rows from stands below it."""
    lines = [f"{'  ' * depth}{node.describe()}"]
    for child in node.children:
        lines += steps_of(child, depth + 1)
    return lines
