"""The steps of a statement: each has columns, and gives its rows as tables that follow each other.

The lowest are plans of catalogs, which run on the engine that holds; those above them work on what
these give.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from skyseries import adql
from skyseries.catalog import run
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.pairs import Rename, Renamed
from skyseries.catalog.run.groups import PlainGroupBy, group_parts
from skyseries.catalog.run.inputs import lifted
from skyseries.catalog.run.sorting import top
from skyseries.config import settings
from skyseries.lazy import pc
from skyseries.query.spilling import finished_groups, parts_in_memory

__all__ = ["Distinct", "First", "Groups", "Named", "Ordered", "Scan", "Slice", "Step", "Top"]

_FEW_ROWS = 10_000
"""So many are looked for one part of the sky after the other, and the search ends with the last."""


_OF_MEMORY = 8
"""Groups of rows may take this part of it; what is more waits in files."""


class Step(abc.ABC):
    """One step."""

    @property
    @abc.abstractmethod
    def schema(self) -> pa.Schema:
        """The columns of the rows."""

    @abc.abstractmethod
    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows."""

    @abc.abstractmethod
    def describe(self) -> str:
        """Return one line that says what the step does."""

    @property
    def plan(self) -> Node | None:
        """The plan of a catalog that has the same columns and rows; None if there is none."""
        return None

    @property
    def below(self) -> tuple[Step, ...]:
        """The steps that this one takes rows from."""
        return ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The plans of catalogs that are run for it."""
        return tuple(node for step in self.below for node in step.nodes)


@dataclass(frozen=True)
class _OfNode(Step):
    """A step whose rows are those of a plan."""

    node: Node = field(repr=False)

    @property
    def schema(self) -> pa.Schema:
        return self.node.schema

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self.node,)


@dataclass(frozen=True)
class Scan(_OfNode):
    """All rows of a plan, in the order of the sky."""

    @property
    def plan(self) -> Node | None:
        return self.node

    def tables(self) -> Iterator[pa.Table]:
        return run.in_order(self.node)

    def describe(self) -> str:
        return "all rows"


@dataclass(frozen=True)
class First(_OfNode):
    """The first rows of a plan in the order of the sky; no more is read than they take."""

    count: int

    @property
    def is_quick(self) -> bool:
        """Whether they are looked for in one part of the sky after the other."""
        return self.count <= _FEW_ROWS

    def tables(self) -> Iterator[pa.Table]:
        if self.is_quick:
            yield run.first(self.node, self.count)
            return
        yield from _sliced(run.in_order(self.node), 0, self.count)

    def describe(self) -> str:
        return f"the first {self.count:,} rows"


@dataclass(frozen=True)
class _Sorting(_OfNode):
    """A plan with columns that its rows are sorted by."""

    order: tuple[tuple[str, bool], ...]
    """The columns, and whether they ascend."""

    @property
    def _keys(self) -> tuple[list[adql.Expr], list[bool]]:
        columns = adql.Scope.from_schema(self.node.schema).sources[0].columns
        return [columns[(name,)] for name, _ in self.order], [up for _, up in self.order]

    def _order(self) -> str:
        return ", ".join(name if up else f"{name} DESC" for name, up in self.order)


@dataclass(frozen=True)
class Top(_Sorting):
    """The first n rows of a plan in an order."""

    count: int

    def tables(self) -> Iterator[pa.Table]:
        yield top(self.node, *self._keys, self.count)

    def describe(self) -> str:
        return f"the first {self.count:,} rows by {self._order()}"


@dataclass(frozen=True)
class Ordered(_Sorting):
    """All rows of a plan in an order; what does not fit into memory waits in files."""

    def tables(self) -> Iterator[pa.Table]:
        from skyseries.catalog.run.fullsort import iter_sorted

        return iter_sorted(self.node, *self._keys)

    def describe(self) -> str:
        return f"all rows by {self._order()}"


@dataclass(frozen=True)
class Groups(_OfNode):
    """A row for each group of a plan's rows; what does not fit into memory waits in files.

    Parameters
    ----------
    keys : tuple of Expr
        Over the columns of the plan.
    values : tuple of Expr
        Over the keys and aggregates; they are the columns.
    names : tuple of str
        Of the columns.
    having : str, optional
        The column that is true for the groups that are kept.
    order : tuple of (str, bool)
        Columns that the groups are sorted by, and whether they ascend.
    text : str
    """

    keys: tuple[adql.Expr, ...]
    values: tuple[adql.Expr, ...]
    names: tuple[str, ...]
    having: str | None = None
    order: tuple[tuple[str, bool], ...] = ()
    text: str = ""

    @cached_property
    def schema(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field(name, value.arrow_type)
                for name, value in zip(self.names, self.values, strict=True)
            ]
        )

    def tables(self) -> Iterator[pa.Table]:
        node, expressions = lifted(self.node, [*self.keys, *self.values])
        count = len(self.keys)
        by = PlainGroupBy(
            expressions[:count],
            [f"#group{i}" for i in range(count)],
            expressions[count:],
            list(self.names),
        )
        parts = group_parts(node, by, settings().memory // _OF_MEMORY)
        yield from finished_groups(by, parts, self._kept, self.order)

    def _kept(self, table: pa.Table) -> pa.Table:
        """Return the columns of the groups that are kept."""
        table = table.select(range(len(self.keys), table.num_columns))
        if self.having is None:
            return table
        return table.filter(pc.fill_null(table.column(self.having), False))

    def describe(self) -> str:
        return self.text


@dataclass(frozen=True)
class _Above(Step):
    """A step that takes its rows from another one."""

    step: Step

    @property
    def schema(self) -> pa.Schema:
        return self.step.schema

    @property
    def below(self) -> tuple[Step, ...]:
        return (self.step,)


@dataclass(frozen=True)
class Distinct(_Above):
    """Each different row once; NaN is no value, as NULL is."""

    order: tuple[tuple[str, bool], ...] = ()

    def tables(self) -> Iterator[pa.Table]:
        columns = adql.Scope.from_schema(self.schema).sources[0].columns
        keys = [columns[(name,)] for name in self.schema.names]
        by = adql.GroupBy(keys, self.schema.names, (), ())
        made = (by.partial(table) for table in self.step.tables())
        parts = parts_in_memory(made, by, settings().memory // _OF_MEMORY)
        yield from finished_groups(by, parts, lambda table: table, self.order)

    def describe(self) -> str:
        return "each different row once"


@dataclass(frozen=True)
class Slice(_Above):
    """Some rows left out at the beginning, and at the end."""

    offset: int
    count: int | None

    def tables(self) -> Iterator[pa.Table]:
        return _sliced(self.step.tables(), self.offset, self.count)

    def describe(self) -> str:
        skipped = f"without the first {self.offset:,} rows" if self.offset else ""
        kept = "" if self.count is None else f"at most {self.count:,} rows"
        return ", ".join(filter(None, (skipped, kept)))


@dataclass(frozen=True)
class Named(_Above):
    """The columns of the result, under their names.

    Parameters
    ----------
    columns : tuple of str
        Of the step below.
    wanted : pyarrow.Schema
    """

    columns: tuple[str, ...]
    wanted: pa.Schema

    @property
    def schema(self) -> pa.Schema:
        return self.wanted

    @property
    def plan(self) -> Node | None:
        node = self.step.plan
        if node is None or self.columns == tuple(self.wanted.names):
            return node
        pairs = tuple(zip(self.columns, self.wanted.names, strict=True))
        return Rename(node, Renamed(pairs))

    def tables(self) -> Iterator[pa.Table]:
        for table in self.step.tables():
            arrays = [
                _as(table.column(name), one.type)
                for name, one in zip(self.columns, self.wanted, strict=True)
            ]
            yield pa.table(arrays, schema=self.wanted)

    def describe(self) -> str:
        return f"select {', '.join(self.wanted.names)}"


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


def _sliced(tables: Iterator[pa.Table], offset: int, count: int | None) -> Iterator[pa.Table]:
    left = count
    for table in tables:
        skipped = min(offset, table.num_rows)
        offset -= skipped
        table = table.slice(skipped, left)
        if left is not None:
            left -= table.num_rows
        if table.num_rows:
            yield table
        if left == 0:
            return
