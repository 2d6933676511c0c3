"""Queries in FROM: conditions brought into them, and columns left out that nobody asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from skyseries import adql
from skyseries.adql.expressions import Aggregate, Column, Expr, Operation, Path
from skyseries.adql.relations import (
    Combination,
    Join,
    Query,
    QueryUse,
    Relation,
    Rows,
    Select,
    TableUse,
)
from skyseries.adql.rewriting import (
    changed,
    changed_rows,
    expressions,
    free_columns,
    has_subqueries,
)

__all__ = ["at_most", "is_alone", "may_move", "merged", "only_columns", "with_conditions"]


_SORTED_AT_ONCE = 100_000
"""So many rows in an order are found without sorting all of them."""


def at_most(query: Query, count: int) -> Query:
    """Return a query of which only so many rows are wanted; it may give more."""
    body = query.body
    if not isinstance(body, Select) or (query.order_by and count > _SORTED_AT_ONCE):
        return query
    top = count if body.top is None else min(body.top, count)
    return replace(query, body=replace(body, top=top))


def with_conditions(query: Query, conditions: Sequence[Expr], id_: str) -> tuple[Query, list[Expr]]:
    """Return a query whose rows fulfil conditions, and those that cannot be brought into it.

    Parameters
    ----------
    query : Query
    conditions : sequence of Expr
        Over its columns only.
    id_ : str
        Of the use of the query.
    """
    rest = []
    for condition in conditions:
        body = None if query.offset else _with(query.body, condition, id_)
        if body is None:
            rest.append(condition)
        else:
            query = replace(query, body=body)
    return query, rest


def _with(rows: Rows, condition: Expr, id_: str) -> Rows | None:
    if isinstance(rows, Query):
        body = None if rows.offset else _with(rows.body, condition, id_)
        return None if body is None else replace(rows, body=body)
    if isinstance(rows, Combination):
        return _with_both(rows, condition, id_)
    values: dict[Path, Expr] = {(id_, o.column.name): o.value for o in rows.outputs}
    used = [values[path] for path in adql.columns(condition)]
    if rows.top is not None or not all(may_move(value) for value in used):
        return None
    if rows.grouped and not all(value in rows.keys for value in used):
        return None
    moved = changed(condition, lambda e: values[e.path] if isinstance(e, Column) else None)
    both = adql.conjunction([*([] if rows.where is None else [rows.where]), moved])
    return replace(rows, where=both)


def _with_both(rows: Combination, condition: Expr, id_: str) -> Combination | None:
    sides: list[Rows] = []
    for side in (rows.left, rows.right):
        if [f.type for f in side.schema] != [f.type for f in rows.schema]:
            return None
        names = dict(zip(rows.schema.names, side.schema.names, strict=True))
        renamed = _renamed(condition, {(id_, old): (id_, new) for old, new in names.items()})
        made = _with(side, renamed, id_)
        if made is None:
            return None
        sides.append(made)
    return replace(rows, left=sides[0], right=sides[1])


def _renamed(condition: Expr, paths: dict[Path, Path]) -> Expr:
    def one(part: Expr) -> Expr | None:
        return replace(part, path=paths[part.path]) if isinstance(part, Column) else None

    return changed(condition, one)


def may_move(value: Expr) -> bool:
    """Return whether a value is the same wherever it is calculated.

    Parameters
    ----------
    value : Expr
    """
    if has_subqueries(value) or (isinstance(value, Aggregate) and value.over is None):
        return False
    if isinstance(value, Operation) and "random" in f"{value.sql} {value.kernel}":
        return False
    return all(map(may_move, value.children))


def only_columns(query: Query, names: Collection[str]) -> Query:
    """Return a query without the columns that are not asked for, as far as they do not matter.

    At least one is kept.
    """
    body = query.body
    if not isinstance(body, Select) or body.distinct:
        return query
    kept = tuple(o for o in body.outputs if o.column.name in names) or body.outputs[:1]
    return query if kept == body.outputs else replace(query, body=replace(body, outputs=kept))


def is_alone(query: Query) -> bool:
    """Return whether a query asks one table, and nothing from outside of it."""
    body = query.body
    if not (isinstance(body, Select) and isinstance(body.source, TableUse)):
        return False
    return all(
        not has_subqueries(one) and {c.path[0] for c in free_columns(one)} <= {body.source.id}
        for one in expressions(query)
    )


def merged(query: Query, once: Callable[[QueryUse], bool]) -> Query:
    """Return a query with plain queries in its FROM replaced by the tables that these ask.

    Parameters
    ----------
    query : Query
    once : callable
        Returns whether a query in FROM stands in the statement only once.
    """
    select = query.body
    if not isinstance(select, Select):
        return query
    values: dict[Path, Expr] = {}
    conditions = [] if select.where is None else [select.where]
    source = _without_plain(select.source, once, values, conditions)
    if not values:
        return query

    def one(part: Expr) -> Expr | None:
        return _behind(part, values)

    where = adql.conjunction(conditions) if conditions else None
    body = replace(select, source=source, where=where)
    made = changed_rows(replace(query, body=body), one)
    assert isinstance(made, Query)  # noqa: S101 - of a query comes one
    return merged(made, once)


def _behind(part: Expr, values: Mapping[Path, Expr]) -> Expr | None:
    """Return what stands behind a column of a query, a field of it, or an aggregate of its epochs.

    None: it is of no such query.
    """
    if isinstance(part, Column):
        base = values.get(part.path[:2])
        if len(part.path) == 2 or not isinstance(base, Column):
            return base
        nested = None if part.nested is None else ".".join(base.path)
        return replace(part, path=(*base.path, *part.path[2:]), nested=nested)
    if isinstance(part, Aggregate) and part.over is not None:
        id_, _, name = part.over.partition(".")
        base = values.get((id_, name))
        if isinstance(base, Column):
            inner = part.argument
            argument = None if inner is None else changed(inner, lambda e: _behind(e, values))
            return replace(part, over=".".join(base.path), argument=argument)
    return None


def _without_plain(
    relation: Relation,
    once: Callable[[QueryUse], bool],
    values: dict[Path, Expr],
    conditions: list[Expr],
) -> Relation:
    if isinstance(relation, Join):
        left, right = relation.left, relation.right
        if relation.kind in ("INNER", "CROSS", "LEFT"):
            left = _without_plain(left, once, values, conditions)
        if relation.kind in ("INNER", "CROSS", "RIGHT"):
            right = _without_plain(right, once, values, conditions)
        return replace(relation, left=left, right=right)
    if not isinstance(relation, QueryUse) or not once(relation):
        return relation
    body = relation.query.body
    if not isinstance(body, Select) or relation.query.offset or not _is_plain(body):
        return relation
    values |= {(relation.id, o.column.name): o.value for o in body.outputs}
    conditions += [] if body.where is None else [body.where]
    return body.source


def _is_plain(select: Select) -> bool:
    grouped = select.grouped or select.distinct or select.top is not None
    return not grouped and all(may_move(output.value) for output in select.outputs)
