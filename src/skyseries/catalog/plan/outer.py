"""The right rows of a cross-match that have no partner, in the columns of the whole result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from skyseries.catalog.plan.match import Match
from skyseries.catalog.plan.node import Area, Hints, Node, Pieces, RowStep, Source
from skyseries.catalog.plan.pairs import Renamed
from skyseries.catalog.plan.rows import Index, Rows
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.steps import Wrapped
from skyseries.hats.leaf import HPX_COLUMN

__all__ = ["RightOnly", "Unpaired"]


@dataclass(frozen=True)
class Unpaired(Node):
    """The right rows that are in no pair of a match, in their own columns."""

    match: Match

    @property
    def schema(self) -> pa.Schema:
        return self.match.right.schema

    @property
    def position(self) -> tuple[str, str] | None:
        return self.match.right.position

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.match.right, self.match.left)

    @property
    def filters(self) -> bool:
        return True

    @property
    def gives(self) -> tuple[int, int | None]:
        return 0, 1

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return (Source(0, path),)

    def describe(self) -> str:
        return f"in no pair of the {self.match.describe()}"

    def child_hints(self, child: int, hints: Hints) -> Hints:
        return Hints()

    def pieces(self, hints: Hints) -> list[Pieces]:
        return [
            *self.match.right.pieces(Hints(hints.regions)),
            *self.match.left.pieces(Hints()),
        ]

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        return self.match.reads([], list(paths))

    def narrow(self, area: Area) -> Node:
        match, reach = self.match, self.match.reach_arcsec
        left = match.left.narrow(area.around(reach))
        right = match.right.narrow(area.around(2 * reach))
        return replace(self, match=replace(match, left=left, right=right))

    def rows(self, area: Area, hints: Hints) -> Rows:
        return self.match.unpaired(area)


@dataclass(frozen=True)
class RightOnly(RowStep):
    """Rows of the right side under their names in the result; all other columns are null.

    The column of cells says where such a row is filed: at the right position.
    """

    names: Renamed
    columns: pa.Schema
    place: tuple[str, str] | None
    """The columns of the left position."""

    @cached_property
    def schema(self) -> pa.Schema:
        return self.columns

    @property
    def position(self) -> tuple[str, str] | None:
        return self.place

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        known = self.names.inherits(path)
        return () if known is None and path != HPX_COLUMN else known

    def hints(self, hints: Hints) -> Hints:
        return Hints(hints.regions)

    def needs(self, paths: Sequence[str]) -> list[str]:
        return self.names.old(paths)

    def apply(self, rows: Rows) -> Rows:
        return _RightRows(rows, self)

    def describe(self) -> str:
        return "rows without a partner on the left"


class _RightRows(Wrapped):
    def __init__(self, rows: Rows, step: RightOnly) -> None:
        super().__init__(rows)
        self._step = step

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        n = len(self._rows) if index is None else len(index)
        sources = {p: old for p in paths if (old := self._step.names.source(p)) is not None}
        table = self._rows.fetch(list(sources.values()), index) if sources else None
        columns = []
        for path in paths:
            if table is not None and path in sources:
                columns.append(table.column(sources[path]))
            elif path == HPX_COLUMN:
                hpx = self._rows.hpx()
                columns.append(pa.array(hpx if index is None else hpx[index]))
            else:
                columns.append(pa.nulls(n, self._type(path)))
        return pa.table(columns, list(paths))

    def _type(self, path: str) -> pa.DataType:
        if path in self._step.columns.names:
            return self._step.columns.field(path).type
        column, _, field = path.partition(".")
        return self._step.columns.field(column).type.field(field).type
