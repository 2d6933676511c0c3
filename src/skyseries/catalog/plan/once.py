"""Columns that take long, such as periods: computed once for each row, however often fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skyseries.catalog.plan.node import Node, RowStep
from skyseries.catalog.plan.rows import Index, Rows, gather, pick
from skyseries.catalog.plan.steps import Wrapped

__all__ = ["Once", "computes_once"]


@dataclass(frozen=True)
class Once(RowStep):
    """Keep columns of the rows of a unit as soon as they are fetched, until the unit is done.

    A condition fetches them for all rows, and what follows takes them over for those that are left.
    """

    columns: tuple[str, ...]

    def apply(self, rows: Rows) -> Rows:
        return _Kept(rows, self.columns)

    def describe(self) -> str:
        return f"once: {', '.join(self.columns)}"


def computes_once(node: Node) -> bool:
    """Return whether a part of a plan computes columns once: it had better run once, too."""
    return isinstance(node, Once) or any(map(computes_once, node.children))


class _Kept(Wrapped):
    """Rows that keep some columns, all of them of the same rows."""

    def __init__(self, rows: Rows, names: Sequence[str]) -> None:
        super().__init__(rows)
        self._names = list(names)
        self._kept: pa.Table | None = None
        self._place = np.full(len(rows), -1)
        """Of each row among those that are kept."""

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        mine = [path for path in paths if path in self._names]
        if not mine:
            return self._rows.fetch(paths, index)
        others = [path for path in paths if path not in self._names]
        kept = self._fetched(np.arange(len(self)) if index is None else index)
        other = self._rows.fetch(others, index) if others else kept
        columns = [pick(kept if path in mine else other, path) for path in paths]
        return pa.table(columns, list(paths))

    def _fetched(self, index: np.ndarray) -> pa.Table:
        new = np.unique(index[self._place[index] < 0])
        if new.size or self._kept is None:
            table = self._rows.fetch(self._names, new)
            before = 0 if self._kept is None else self._kept.num_rows
            self._place[new] = before + np.arange(new.size)
            self._kept = table if self._kept is None else pa.concat_tables([self._kept, table])
        return gather(self._kept, self._place[index])
