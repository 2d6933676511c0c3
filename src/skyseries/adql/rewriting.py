"""Walking and changing typed statements: all expressions, those of the queries in them too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from skyseries.adql.expressions import Column, Expr, Subquery
from skyseries.adql.relations import (
    Combination,
    Join,
    Query,
    QueryUse,
    Relation,
    Rows,
    Select,
    TableUse,
    uses,
)

__all__ = [
    "Change",
    "changed",
    "changed_relation",
    "changed_rows",
    "expressions",
    "free_columns",
    "has_subqueries",
    "level_expressions",
    "outer_conditions",
    "own_expressions",
    "subqueries",
    "table_uses",
]

Change = Callable[[Expr], Expr | None]
"""What stands in the place of an expression; None: the same, with its children changed."""


def expressions(rows: Rows) -> Iterator[Expr]:
    """Yield the expressions of a query, of those in its FROM and in its expressions too."""
    for mine in own_expressions(rows):
        yield mine
        for inner in subqueries(mine):
            yield from expressions(inner.query)
    for below in _below(rows):
        yield from expressions(below)


def table_uses(rows: Rows) -> Iterator[TableUse]:
    """Yield the tables in FROM of a query, of those in its FROM and in its expressions too."""
    if isinstance(rows, Select):
        yield from (use for use in uses(rows.source) if isinstance(use, TableUse))
    for mine in own_expressions(rows):
        for inner in subqueries(mine):
            yield from table_uses(inner.query)
    for below in _below(rows):
        yield from table_uses(below)


def own_expressions(rows: Rows) -> Iterator[Expr]:
    """Yield the expressions of a query itself, and the conditions of its joins."""
    if isinstance(rows, Query):
        yield from (sort.value for sort in rows.order_by)
    elif isinstance(rows, Select):
        yield from (output.value for output in rows.outputs)
        yield from rows.keys
        yield from (value for value in (rows.where, rows.having) if value is not None)
        yield from _conditions(rows.source)


def _conditions(relation: Relation) -> Iterator[Expr]:
    if isinstance(relation, Join):
        if relation.on is not None:
            yield relation.on
        yield from _conditions(relation.left)
        yield from _conditions(relation.right)


def outer_conditions(rows: Rows) -> Iterator[Expr]:
    """Yield the conditions of outer joins as `level_expressions` does."""
    if isinstance(rows, Select):
        yield from _outer(rows.source)
    for below in _below(rows, shared=False):
        yield from outer_conditions(below)


def _outer(relation: Relation) -> Iterator[Expr]:
    if isinstance(relation, Join):
        if relation.on is not None and relation.kind in ("LEFT", "RIGHT", "FULL"):
            yield relation.on
        yield from _outer(relation.left)
        yield from _outer(relation.right)


def _below(rows: Rows, *, shared: bool = True) -> Iterator[Rows]:
    """Yield the queries below one; those of WITH if they are asked for."""
    if isinstance(rows, Query):
        yield rows.body
    elif isinstance(rows, Combination):
        yield rows.left
        yield rows.right
    else:
        queries = (use for use in uses(rows.source) if isinstance(use, QueryUse))
        yield from (use.query for use in queries if shared or not use.shared)


def subqueries(expression: Expr) -> Iterator[Subquery]:
    """Yield the queries in an expression, but not those inside of them."""
    if isinstance(expression, Subquery):
        yield expression
    for child in expression.children:
        yield from subqueries(child)


def has_subqueries(expression: Expr) -> bool:
    """Return whether a query is part of an expression."""
    return next(subqueries(expression), None) is not None


def free_columns(expression: Expr) -> Iterator[Column]:
    """Yield the columns of an expression that are not of the queries in it themselves."""
    if isinstance(expression, Column):
        yield expression
    for child in expression.children:
        yield from free_columns(child)
    if isinstance(expression, Subquery):
        own = {"", *_ids(expression.query)}
        for inner in level_expressions(expression.query):
            yield from (column for column in free_columns(inner) if column.path[0] not in own)


def level_expressions(rows: Rows) -> Iterator[Expr]:
    """Yield the expressions of a query and of those in its FROM, not of those in expressions.

    Nor of queries of WITH, to which nothing outside matters.
    """
    yield from own_expressions(rows)
    for below in _below(rows, shared=False):
        yield from level_expressions(below)


def _ids(rows: Rows) -> Iterator[str]:
    """Yield the ids of what is in FROM of a query, at any depth."""
    if isinstance(rows, Select):
        yield from (use.id for use in uses(rows.source))
    for below in _below(rows, shared=False):
        yield from _ids(below)


def changed(expression: Expr, change: Change) -> Expr:
    """Return an expression in which some parts are others, inside of its queries too."""
    other = change(expression)
    if other is not None:
        return other
    children = expression.children
    made = tuple(changed(child, change) for child in children)
    if made != children:
        expression = expression.with_children(made)
    if isinstance(expression, Subquery):
        query = changed_rows(expression.query, change)
        assert isinstance(query, Query)  # noqa: S101 - of a query comes one
        expression = replace(expression, query=query)
    return expression


def changed_rows(rows: Rows, change: Change) -> Rows:
    """Return a query in which some parts of expressions are others."""
    if isinstance(rows, Query):
        order_by = tuple(replace(s, value=changed(s.value, change)) for s in rows.order_by)
        return replace(rows, body=changed_rows(rows.body, change), order_by=order_by)
    if isinstance(rows, Combination):
        left, right = (changed_rows(side, change) for side in (rows.left, rows.right))
        return replace(rows, left=left, right=right)
    return replace(
        rows,
        source=changed_relation(rows.source, change),
        where=None if rows.where is None else changed(rows.where, change),
        keys=tuple(changed(key, change) for key in rows.keys),
        having=None if rows.having is None else changed(rows.having, change),
        outputs=tuple(replace(o, value=changed(o.value, change)) for o in rows.outputs),
    )


def changed_relation(relation: Relation, change: Change) -> Relation:
    """Return FROM in which some parts of conditions, and of queries, are others."""
    if isinstance(relation, Join):
        on = None if relation.on is None else changed(relation.on, change)
        left, right = (changed_relation(s, change) for s in (relation.left, relation.right))
        return replace(relation, left=left, right=right, on=on)
    if not isinstance(relation, QueryUse) or relation.shared:
        return relation
    query = changed_rows(relation.query, change)
    assert isinstance(query, Query)  # noqa: S101 - of a query comes one
    return replace(relation, query=query)
