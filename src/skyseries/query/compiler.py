"""From a typed statement over several tables to what is done for it in a database.

A query that asks one table alone is planned as such and runs on the engine; only its rows are
loaded. Of the tables of a join the plans of catalogs read what their conditions leave over. What
functions on arrays calculate is made a column: of the plan of a table where it depends on that
alone, else in a stage between two tables of the database (`block`).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from skyseries.adql.expressions import Path, Subquery
from skyseries.adql.relations import (
    Combination,
    Query,
    QueryUse,
    Rows,
    Select,
    TableUse,
    uses,
)
from skyseries.adql.rewriting import (
    changed_rows,
    expressions,
    free_columns,
    own_expressions,
    subqueries,
)
from skyseries.query.arraywork import constant_work
from skyseries.query.bindings import Bindings
from skyseries.query.block import select_text
from skyseries.query.derived import is_alone, merged, only_columns
from skyseries.query.froms import Leaf
from skyseries.query.neighbours import with_neighbours
from skyseries.query.operations import Load, Make, Operation, Statement
from skyseries.query.steps import Step
from skyseries.query.text import cast_to, in_order, narrowed, result_names

__all__ = ["Compiler", "all_uses", "compiled"]

Alone = Callable[[Query, Bindings], Step]


def compiled(query: Query, bindings: Bindings, alone: Alone) -> Step:
    """Return the step that gives the rows of a statement over several tables.

    Parameters
    ----------
    query : Query
    bindings : Bindings
    alone : callable
        Returns the step of a query for which `is_alone` holds.
    """
    compiler = Compiler(query, bindings, alone)
    query = compiler.prepared(query)
    if is_alone(query):
        return alone(query, bindings)
    sql = compiler.rows(query, {})
    return Statement(tuple(compiler.operations), sql, query.schema, "in a database of its own")


class Compiler:
    """Writes the text of one statement, and keeps what has to be done before it."""

    def __init__(self, query: Query, bindings: Bindings, alone: Alone) -> None:
        self.bindings, self._alone = bindings, alone
        self.operations: list[Operation] = []
        self.homes: dict[str, str] = {}
        """The table of the database that each column of a table of FROM is in."""
        self.leaves: dict[str, Leaf] = {}
        """All tables in FROM so far, by their ids."""
        self._numbers = itertools.count()
        self._texts: dict[tuple[int, tuple[str, ...]], tuple[Rows, str]] = {}
        self._shared: dict[str, str] = {}
        found = list(all_uses(query))
        self._times = Counter(use.shared for use in found if isinstance(use, QueryUse))
        shared = {use.id: use.shared for use in found if isinstance(use, QueryUse) and use.shared}
        self._asked: dict[str, set[str]] = {}
        for one in expressions(query):
            for column in free_columns(one):
                if column.path[0] in shared:
                    self._asked.setdefault(shared[column.path[0]], set()).add(column.path[1])

    def new(self, letter: str) -> str:
        """Return a name that nothing else in the statement has."""
        return f"{letter}{next(self._numbers)}"

    def rows(self, rows: Rows, outer: Mapping[Path, str]) -> str:
        """Return the text of a query, whose columns are ``r0``, ``r1``, ...

        Parameters
        ----------
        rows : Query, Select or Combination
        outer : mapping of path to str
            The columns of the queries that it stands in.
        """
        query = rows if isinstance(rows, Query) else Query(rows, (), 0)
        paths = sorted({c.path for c in free_columns(Subquery("exists", query))})
        key = id(rows), tuple(outer.get(path, "") for path in paths)
        known = self._texts.get(key)
        if known is None:
            known = self._texts[key] = rows, self._rows(query, outer)
        return known[1]

    def prepared(self, query: Query) -> Query:
        """Return a query with as few and as plain things in FROM as may be; constants are made."""
        query = merged(query, self.once)
        made = changed_rows(query, constant_work)
        assert isinstance(made, Query)  # noqa: S101 - of a query comes one
        return with_neighbours(made, self.bindings, self.new)

    def select(self, select: Select) -> str:
        """Return the text of a SELECT that takes nothing from outside."""
        return select_text(self, select, (), 0, {})

    def once(self, use: QueryUse) -> bool:
        """Return whether a query in FROM stands in the statement only once."""
        return not use.shared or self._times[use.shared] == 1

    def shared(self, use: QueryUse) -> str | None:
        """Return the table of a query of WITH that is used more than once."""
        if self.once(use):
            return None
        if use.shared not in self._shared:
            names = self._asked.get(use.shared, set())
            query = only_columns(use.query, names)
            if is_alone(query):
                name = self._loaded(query)
            else:
                text, name = self.rows(query, {}), self.new("q")
                self.operations.append(Make(name, text))
            self._shared[use.shared] = name
        return self._shared[use.shared]

    def columns_of(self, use: QueryUse) -> list[str]:
        """Return the columns of the table of `shared`."""
        return list(only_columns(use.query, self._asked.get(use.shared, set())).schema.names)

    def _rows(self, query: Query, outer: Mapping[Path, str]) -> str:
        query = self.prepared(query)
        if is_alone(query):
            return f"SELECT * FROM {self._loaded(query)}"  # noqa: S608 - no user text
        if isinstance(query.body, Select):
            return select_text(self, query.body, query.order_by, query.offset, outer)
        if isinstance(query.body, Combination):
            text = self._combined(query.body, outer)
        else:
            text = self.rows(query.body, outer)
        if query.order_by:
            names = query.schema.names
            terms = [
                (f"r{names.index(sort.value.path[1])}", sort.value, sort.descending)  # type: ignore[attr-defined]
                for sort in query.order_by
            ]
            text = f"SELECT * FROM ({text}) ORDER BY {in_order(terms)}"  # noqa: S608
        return f"SELECT * FROM ({text}) OFFSET {query.offset}" if query.offset else text  # noqa: S608

    def _loaded(self, query: Query) -> str:
        step = self._alone(query, self.bindings)
        name = self.new("t")
        self.operations.append(Load(name, step, tuple(result_names(len(step.schema)))))
        return name

    def _combined(self, rows: Combination, outer: Mapping[Path, str]) -> str:
        every = rows.operator == "UNION" and rows.every
        widened = rows.operator != "UNION" and rows.left.schema.types != rows.right.schema.types
        left, right = (
            f"SELECT {cast_to(rows.schema, side.schema, known_only=not every, widened=widened)} "  # noqa: S608
            f"FROM ({self.rows(side, outer)})"
            for side in (rows.left, rows.right)
        )
        word = f"{rows.operator} ALL" if rows.every else rows.operator
        text = f"(({left}) {word} ({right}))"
        return f"(SELECT {narrowed(rows.schema)} FROM {text})" if widened else text  # noqa: S608


def all_uses(rows: Rows, seen: set[str] | None = None) -> Iterator[TableUse | QueryUse]:
    """Yield all tables and queries in FROM of a statement; a query of WITH is entered once."""
    seen = set() if seen is None else seen
    below: list[Rows] = [inner.query for one in own_expressions(rows) for inner in subqueries(one)]
    if isinstance(rows, Select):
        for use in uses(rows.source):
            yield use
            if isinstance(use, QueryUse) and use.shared not in seen:
                seen |= {use.shared} - {""}
                below.append(use.query)
    elif isinstance(rows, Query):
        below.append(rows.body)
    else:
        below += [rows.left, rows.right]
    for inner_rows in below:
        yield from all_uses(inner_rows, seen)
