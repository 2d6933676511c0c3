"""A cross-match whose partners stand in a light-curve-like column of each left row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from skyseries.arrow import is_nested
from skyseries.catalog.plan.match import Match
from skyseries.catalog.plan.node import Area, Hints, Node, Pieces, Source
from skyseries.catalog.plan.pairs import Pairs
from skyseries.catalog.plan.rows import Index, Rows
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.steps import ComputedRows
from skyseries.errors import SchemaError
from skyseries.nested import Nested
from skyseries.schema import as_type

__all__ = ["NestedMatch"]


@dataclass(frozen=True)
class NestedMatch(Node):
    """Left rows with all their partners in one column of lists.

    Parameters
    ----------
    match : Match
        With ``how="left"`` rows without a partner are kept, with empty lists.
    name : str
        The new column; its fields are those of the right side, and the distance.
    """

    match: Match
    name: str

    def __post_init__(self) -> None:
        lists = [field.name for field in self.match.right.schema if is_nested(field.type)]
        if lists:
            raise SchemaError(
                f"column {lists[0]!r} holds lists itself and cannot stand in {self.name!r}; "
                "leave it out with select([...])"
            )

    @cached_property
    def schema(self) -> pa.Schema:
        left = self.match.left_names.schema(self.match.left.schema)
        return left.append(pa.field(self.name, self._type()))

    def _type(self) -> pa.StructType:
        inner = [*self.match.right_names.schema(self.match.right.schema), *self.match.extras]
        return pa.struct([f.with_type(pa.list_(f.type)).with_nullable(True) for f in inner])

    @property
    def position(self) -> tuple[str, str] | None:
        return self.match.position

    @property
    def children(self) -> tuple[Node, ...]:
        return self.match.children

    @property
    def filters(self) -> bool:
        return self.match.filters

    @property
    def gives(self) -> tuple[int, int | None]:
        return int(self.match.how == "left"), 1

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return self.match.left_names.inherits(path)

    def child_hints(self, child: int, hints: Hints) -> Hints:
        return self.match.child_hints(child, hints)

    def describe(self) -> str:
        return f"partners as {self.name}, of a {self.match.describe()}"

    def pieces(self, hints: Hints) -> list[Pieces]:
        return self.match.pieces(hints)

    def narrow(self, area: Area) -> Node:
        narrowed = self.match.narrow(area)
        assert isinstance(narrowed, Match)  # noqa: S101 - a match stays one
        return replace(self, match=narrowed)

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        inner: list[str] = []
        for path in paths:
            column, _, field = path.partition(".")
            if column != self.name:
                inner.append(path)
            else:
                inner += [field] if field else [f.name for f in self._type()]
        return self.match.demand(list(dict.fromkeys(inner)))

    def rows(self, area: Area, hints: Hints) -> Rows:
        left, right, pairs = self.match.find(area, hints)
        if self.match.how == "inner":
            kept = np.unique(pairs.left)
            left = left.take(kept)
            pairs = pairs._replace(left=np.searchsorted(kept, pairs.left))
        rows = self.match.left_names.wrap(left)
        lists = _Lists(self, right, pairs, len(left))
        names = [self.name, *(f"{self.name}.{field.name}" for field in self._type())]
        return ComputedRows(rows, names, lists.compute)


@dataclass(frozen=True)
class _Lists:
    """The partners of left rows, as lists."""

    node: NestedMatch
    right: Rows
    pairs: Pairs
    n: int

    def compute(self, rows: Rows, wanted: list[str], index: Index) -> pa.Table:
        """Return the column, or fields of it, for all left rows or some."""
        name, type_ = self.node.name, self.node._type()
        fields = [field.name for field in type_]
        if name not in wanted:
            fields = [path.split(".", 1)[1] for path in wanted]
        nested = Nested.from_flat(self.pairs.left, self._flat(fields), self.n).to_arrow()
        if index is not None:
            nested = nested.take(pa.array(index))
        lists = {f"{name}.{field}": nested.field(field) for field in fields}
        if name in wanted:
            lists[name] = pa.StructArray.from_arrays(
                [as_type(nested.field(field.name), field.type) for field in type_],
                fields=list(type_),
            )
        return pa.table({path: lists[path] for path in wanted})

    def _flat(self, fields: list[str]) -> pa.Table:
        match = self.node.match
        values = [self.pairs.distance, self.pairs.probability]
        extras = {field.name: v for field, v in zip(match.extras, values, strict=False)}
        sources = {name: match.right_names.source(name) for name in fields if name not in extras}
        old = {name: source for name, source in sources.items() if source is not None}
        table = self.right.fetch(list(old.values()), self.pairs.right) if old else pa.table({})
        columns = {name: table.column(source) for name, source in old.items()}
        columns |= {name: pa.array(v) for name, v in extras.items() if name in fields}
        return pa.table({name: columns[name] for name in fields})
