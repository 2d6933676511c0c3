"""The typed tree of a statement: which tables, which conditions, which columns come out.

Every use of a table or of a query in FROM has an id that is unique in the whole statement
(``#0``, ``#1``, ...). A column in an expression is ``(id, name)`` or ``(id, name, field)``, so that
a column of an outer query is one whose id the inner query does not use.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import pyarrow as pa

from skyseries.adql import tree
from skyseries.adql.expressions import Expr, Path, written
from skyseries.adql.lexer import error_at
from skyseries.adql.scope import Source, columns_of
from skyseries.adql.tree import Name

__all__ = [
    "Combination",
    "Join",
    "Output",
    "Query",
    "QueryUse",
    "Relation",
    "Rows",
    "Select",
    "Sort",
    "Table",
    "TableUse",
    "Tables",
    "uses",
]


@dataclass(frozen=True)
class Table:
    """A table that statements can name.

    Parameters
    ----------
    name : tuple of str
        ``("dp1", "Object")``, or one part.
    columns : pyarrow.Schema or callable
        With unit, UCD and description in the metadata of the fields; or what returns it, called
        when a statement names the table.
    description : str
    """

    name: Path
    columns: pa.Schema | Callable[[], pa.Schema] = field(repr=False, compare=False)
    description: str = field(default="", compare=False)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self.columns if isinstance(self.columns, pa.Schema) else self.columns()

    @cached_property
    def source(self) -> Source:
        """The columns, to be looked up."""
        return Source(columns_of(self.schema), (self.name,))

    def __str__(self) -> str:
        return written(self.name)


class Tables:
    """All tables that a statement can name; nothing else can be reached.

    Parameters
    ----------
    tables : iterable of Table
    """

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = tuple(tables)
        self._by_last: dict[str, list[Table]] = {}
        for table in self._tables:
            self._by_last.setdefault(table.name[-1].lower(), []).append(table)

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables)

    @property
    def columns(self) -> set[str]:
        """The names of columns, of the tables whose columns are known without looking."""
        known = (t.columns for t in self._tables if isinstance(t.columns, pa.Schema))
        return {name for schema in known for name in schema.names}

    def find(self, parts: tuple[Name, ...]) -> Table:
        """Return the table of a name; the schema can be left out where one table has the name.

        One that is called so as a whole is meant before one in a schema.

        Raises
        ------
        QueryError
            If there is none, or more than one.
        """
        found = [
            table for table in self._by_last.get(parts[-1].text.lower(), ()) if _fits(table, parts)
        ]
        wanted = tuple(part.text for part in parts)
        whole = [table for table in found if len(table.name) == len(wanted)]
        exact = [table for table in found if table.name[-len(wanted) :] == wanted]
        for some in (whole, exact, found):
            if len(some) == 1:
                return some[0]
        said = ".".join(wanted)
        if found:
            several = " or ".join(map(str, found))
            raise error_at(f"{said} can be {several}: write the schema too", parts[0].position)
        known = {str(table).lower(): str(table) for table in self._tables}
        short = {table.name[-1].lower(): str(table) for table in self._tables}
        near = difflib.get_close_matches(said.lower(), [*known, *short], n=3, cutoff=0.6)
        names = list(dict.fromkeys((short | known)[name] for name in near))
        some_ = ", ".join(list(known.values())[:8]) + (", ..." if len(known) > 8 else "")
        advice = f"did you mean {' or '.join(names)}?" if names else f"there are {some_ or 'none'}"
        raise error_at(f"no table {said}; {advice}", parts[0].position)


def _fits(table: Table, parts: tuple[Name, ...]) -> bool:
    name = table.name[-len(parts) :]
    return len(name) == len(parts) and all(
        part.text == known if part.delimited else part.text.lower() == known.lower()
        for part, known in zip(parts, name, strict=True)
    )


@dataclass(frozen=True)
class TableUse:
    """A table in FROM."""

    id: str
    table: Table


@dataclass(frozen=True)
class QueryUse:
    """A query in FROM: a derived table, or one of WITH."""

    id: str
    query: Query
    shared: str = ""
    """Of a query of WITH: what is the same for all its uses, and for no other query."""


@dataclass(frozen=True)
class Join:
    """Two relations side by side."""

    kind: str
    """INNER, LEFT, RIGHT, FULL or CROSS."""
    left: Relation
    right: Relation
    on: Expr | None


@dataclass(frozen=True)
class Output:
    """A column of a result: its name, type and metadata, and how it is calculated."""

    column: pa.Field
    value: Expr
    written: tree.Node | None = field(default=None, compare=False)
    """None: a column of an asterisk."""


@dataclass(frozen=True)
class Sort:
    """A term of ORDER BY."""

    value: Expr
    descending: bool
    written: tree.Node | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Select:
    """One SELECT."""

    source: Relation
    where: Expr | None
    written: tree.Select = field(compare=False, repr=False)
    grouped: bool
    """Whether rows are aggregated, by keys or all together."""
    keys: tuple[Expr, ...]
    having: Expr | None
    outputs: tuple[Output, ...]
    distinct: bool
    top: int | None

    @property
    def schema(self) -> pa.Schema:
        """The columns of the result."""
        return pa.schema([output.column for output in self.outputs])


@dataclass(frozen=True)
class Combination:
    """UNION, INTERSECT or EXCEPT."""

    operator: str
    every: bool
    left: Rows
    right: Rows
    schema: pa.Schema


@dataclass(frozen=True)
class Query:
    """Rows in an order, some left out at the beginning."""

    body: Rows
    order_by: tuple[Sort, ...]
    """Of a `Select`: over its source (and its groups); of others: columns ``("", name)``."""
    offset: int

    @property
    def schema(self) -> pa.Schema:
        """The columns of the result."""
        return self.body.schema


Relation: TypeAlias = TableUse | QueryUse | Join
Rows: TypeAlias = Select | Combination | Query


def uses(relation: Relation) -> Iterator[TableUse | QueryUse]:
    """Yield the tables and queries of FROM, from left to right."""
    if isinstance(relation, Join):
        yield from uses(relation.left)
        yield from uses(relation.right)
    else:
        yield relation
