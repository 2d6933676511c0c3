"""Join: the rows of another side that have the same key, wherever they are filed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.asof import AsOf
from skyseries.catalog.plan.node import Area, Hints, Node, Pieces, Source
from skyseries.catalog.plan.pairs import PairRows, Pairs, Renamed
from skyseries.catalog.plan.partners import Partners, table_rows
from skyseries.catalog.plan.rows import Rows
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.stage import Stage
from skyseries.hats.keys import KeyTable, plain

__all__ = ["Join", "loaded"]


@dataclass(frozen=True, eq=False)
class Join(Node):
    """The rows of the left side, each with those of the right side that have its key.

    The order is that of the left side; several right rows come in their own order. Null is the
    key of nothing.

    Parameters
    ----------
    left : Node
    partners : Partners
    key : str
        Left column.
    how : {"inner", "left", "anti"}
        Rows without a partner are left out, kept with nulls, or all that is kept.
    left_names, right_names : Renamed
    asof : AsOf, optional
        Of the rows with the key only the one that is next in time.
    """

    left: Node
    partners: Partners
    key: str
    how: Literal["inner", "left", "anti"]
    left_names: Renamed
    right_names: Renamed
    asof: AsOf | None = None

    @cached_property
    def schema(self) -> pa.Schema:
        left = self.left_names.schema(self.left.schema)
        if self.how == "anti":
            return left
        right = self.right_names.schema(self.partners.schema, nullable=self.how == "left")
        return pa.schema([*left, *right], left.metadata)

    @property
    def position(self) -> tuple[str, str] | None:
        names = self.left.position
        return None if names is None else self.left_names.new(names)

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left,) if self.partners.node is None else (self.left, self.partners.node)

    @property
    def filters(self) -> bool:
        return True

    @property
    def gives(self) -> tuple[int, int | None]:
        one = self.how == "anti" or self.asof is not None
        return int(self.how == "left"), 1 if one else None

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        found = self.left_names.inherits(path)
        if found is None and self.partners.node is not None:
            found = self.right_names.inherits(path, side=1)
        return found

    def stages(self) -> tuple[Stage[Any], ...]:
        return self.partners.stages()

    def describe(self) -> str:
        what = "join" if self.asof is None else f"as-of join ({self.asof.describe()})"
        return f"{what} on {self.key} ({self.how}): {self.partners.describe()}"

    def hints(self, hints: Hints) -> Hints:
        """Return what the left side may leave out."""
        return self.left_names.hints(hints)

    def _right_hints(self, hints: Hints) -> Hints:
        """Return what the right side may leave out: with the row that is lost goes its pair."""
        if self.how != "inner" or self.asof is not None:
            return Hints()
        return Hints((), self.right_names.hints(hints).conditions)

    def child_hints(self, child: int, hints: Hints) -> Hints:
        return self.hints(hints) if child == 0 else Hints()

    def pieces(self, hints: Hints) -> list[Pieces]:
        return self.left.pieces(self.hints(hints))

    def narrow(self, area: Area) -> Node:
        return replace(self, left=self.left.narrow(area), partners=self.partners.for_tasks())

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        left = [*self.left_names.old(paths), self.key]
        right = self.right_names.old(paths)
        if self.asof is not None:
            left.append(self.asof.left)
            right.append(self.asof.right)
        yield from self.left.demand(list(dict.fromkeys(left)))
        yield from self.partners.demand(right)

    def rows(self, area: Area, hints: Hints) -> Rows:
        left = self.left.rows(area, self.hints(hints))
        if not len(left):
            none = np.empty(0, np.int64)
            return self._paired(left, table_rows(self.partners.schema.empty_table()), none, none)
        keys = plain(left.fetch([self.key]).column(0))
        right, table = self.partners.near(keys, left.hpx(), self._right_hints(hints))
        if self.asof is None:
            return self._paired(left, right, *table.match(keys))
        return self._paired(left, right, *self._next_in_time(left, keys, right, table))

    def _next_in_time(
        self, left: Rows, keys: pa.Array, right: Rows, table: KeyTable
    ) -> tuple[Ints, Ints]:
        assert self.asof is not None  # noqa: S101 - the caller has looked
        times = (
            rows.fetch([name]).column(0)
            for rows, name in ((left, self.asof.left), (right, self.asof.right))
        )
        found = self.asof.partners(table.codes_of(keys), table.codes(), *times)
        chosen = np.flatnonzero(found >= 0)
        return chosen, found[chosen]

    def _paired(self, left: Rows, right: Rows, first: Ints, second: Ints) -> Rows:
        if self.how == "anti":
            alone = np.ones(len(left), np.bool_)
            alone[first] = False
            return self.left_names.wrap(left.take(np.flatnonzero(alone)))
        pairs = Pairs(first, second, np.zeros(len(first)))
        if self.how == "left":
            pairs = pairs.with_lonely(len(left))
        sides = (left, pairs.left, self.left_names), (right, pairs.right, self.right_names)
        return PairRows(*sides, {})


def loaded(left: Pieces, right: Pieces) -> Pieces:
    """Return the left pieces with the weight of the right ones in the same part of the sky."""
    if not len(left) or not len(right):
        return left
    before = np.concatenate([[0.0], np.cumsum(right.weight)])
    edges = np.append(right.start, right.stop[-1]).astype(float)
    start = np.interp(left.start.astype(float), edges, before)
    bounds = np.append(start[1:], before[-1])
    bounds[:-1] = np.maximum(bounds[:-1], start[:-1])
    more = bounds - start
    more[0] += start[0]
    return replace(left, weight=left.weight + more)
