"""Join of sources: the rows of a source catalog as the light curves of their objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.join import loaded
from skyseries.catalog.plan.node import Area, Hints, Node, Pieces, Source
from skyseries.catalog.plan.partners import Partners
from skyseries.catalog.plan.rows import Index, Rows
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.stage import Stage
from skyseries.catalog.plan.steps import Wrapped
from skyseries.hats.keys import plain
from skyseries.nested import Nested
from skyseries.schema import as_type
from skyseries.spatial.order import group_order

__all__ = ["JoinCurves", "can_sort"]


@dataclass(frozen=True, eq=False)
class JoinCurves(Node):
    """Objects with a column of light curves: the sources that have their key.

    Every object stays; without sources its light curve is empty.

    Parameters
    ----------
    child : Node
    partners : Partners
    key : str
        Column of the objects.
    name : str
        The new column.
    fields : tuple of str
        Columns of the sources that become its fields.
    time : str or None
        Column of the sources that each light curve is sorted by; None: as the sources lie.
    """

    child: Node
    partners: Partners
    key: str
    name: str
    fields: tuple[str, ...]
    time: str | None

    @cached_property
    def schema(self) -> pa.Schema:
        return self.child.schema.append(pa.field(self.name, self._type(self.fields)))

    def _type(self, fields: Sequence[str]) -> pa.StructType:
        before = self.partners.schema
        inner = [before.field(name) for name in fields]
        return pa.struct([f.with_type(pa.list_(f.type)).with_nullable(True) for f in inner])

    @property
    def position(self) -> tuple[str, str] | None:
        return self.child.position

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,) if self.partners.node is None else (self.child, self.partners.node)

    @property
    def filters(self) -> bool:
        return self.child.filters

    @property
    def gives(self) -> tuple[int, int | None]:
        return 1, 1

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return None if self._is_mine(path) else (Source(0, path),)

    def stages(self) -> tuple[Stage[Any], ...]:
        return self.partners.stages()

    def describe(self) -> str:
        ordered = f", sorted by {self.time}" if self.time else ""
        return f"light curves {self.name} on {self.key}: {self.partners.describe()}{ordered}"

    def hints(self, hints: Hints) -> Hints:
        """Return what the objects may leave out."""
        return hints.without([self.name])

    def child_hints(self, child: int, hints: Hints) -> Hints:
        return self.hints(hints) if child == 0 else Hints()

    def pieces(self, hints: Hints) -> list[Pieces]:
        first, *rest = self.child.pieces(self.hints(hints))
        if self.partners.node is not None:
            first = loaded(first, self.partners.node.pieces(Hints())[0])
        return [first, *rest]

    def narrow(self, area: Area) -> Node:
        return replace(self, child=self.child.narrow(area), partners=self.partners.for_tasks())

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        mine = self._fields_of(paths)
        others = [path for path in paths if not self._is_mine(path)]
        yield from self.child.demand(list(dict.fromkeys([*others, self.key] if mine else others)))
        if mine:
            yield from self.partners.demand([*mine, *([self.time] if self.time else [])])

    def _is_mine(self, path: str) -> bool:
        return path == self.name or path.startswith(f"{self.name}.")

    def _fields_of(self, paths: Sequence[str]) -> list[str]:
        """Return the fields that are needed for some paths."""
        if self.name in paths:
            return list(self.fields)
        wanted = [path.split(".", 1)[1] for path in paths if self._is_mine(path)]
        return [name for name in self.fields if name in wanted]

    def rows(self, area: Area, hints: Hints) -> Rows:
        return _CurveRows(self.child.rows(area, self.hints(hints)), self)


class _CurveRows(Wrapped):
    """Rows with light curves, which are looked for when they are fetched."""

    def __init__(self, rows: Rows, node: JoinCurves) -> None:
        super().__init__(rows)
        self._node = node
        self._found: tuple[Rows, Ints, Ints] | None = None

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        node = self._node
        rest = [path for path in paths if not node._is_mine(path)]
        if len(rest) == len(paths):
            return self._rows.fetch(paths, index)
        fields = node._fields_of(paths)
        curves = self._curves(fields, index)
        other = self._rows.fetch(rest, index) if rest else pa.table({})
        columns = []
        for path in paths:
            if not node._is_mine(path):
                columns.append(other.column(path))
            elif path == node.name:
                columns.append(pa.chunked_array([curves]))
            else:
                columns.append(
                    pa.chunked_array([curves.field(fields.index(path.split(".", 1)[1]))])
                )
        return pa.table(columns, list(paths))

    def _curves(self, fields: list[str], index: Index) -> pa.StructArray:
        right, offsets, sources = self._partners()
        n = len(self) if index is None else len(index)
        if index is None:
            parents = np.repeat(np.arange(n), np.diff(offsets))
        else:
            counts = np.diff(offsets)[index]
            parents = np.repeat(np.arange(n), counts)
            before = np.cumsum(counts) - counts
            sources = sources[np.arange(len(parents)) + np.repeat(offsets[index] - before, counts)]
        flat = right.fetch(fields, sources)
        nested = Nested.from_flat(parents, flat, n).to_arrow()
        return as_type(nested, self._node._type(fields))

    def _partners(self) -> tuple[Rows, Ints, Ints]:
        """Return the sources, and which of them each row has, in order of time."""
        if self._found is None:
            node = self._node
            keys = plain(self._rows.fetch([node.key]).column(0))
            right, table = node.partners.near(keys, self._rows.hpx(), Hints())
            row, source = table.match(keys)
            if node.time is not None and len(row):
                time = right.fetch([node.time], source).column(0)
                source = source[_in_time(row, len(self), time)]
            offsets = np.searchsorted(row, np.arange(len(self) + 1))
            self._found = right, offsets, source
        return self._found


def can_sort(type_: pa.DataType) -> bool:
    """Return whether light curves can be sorted by a column of a type."""
    kinds = (
        pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_timestamp,
        pa.types.is_date, pa.types.is_duration, pa.types.is_null,
    )  # fmt: skip
    return any(is_kind(type_) for is_kind in kinds)


def _in_time(row: Ints, n: int, time: pa.ChunkedArray) -> Ints:
    """Return the order of times within each row; those without a time last, equal ones as is."""
    if pa.types.is_date32(time.type):
        time = time.cast(pa.int32())
    inexact = (pa.types.is_floating, pa.types.is_decimal, pa.types.is_uint64)
    if any(is_kind(time.type) for is_kind in inexact):
        values = time.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy()
        return group_order(row, n, values)[0]
    known = time.cast(pa.int64()).fill_null(0).to_numpy()
    return np.lexsort((known, time.is_null().to_numpy(), row))
