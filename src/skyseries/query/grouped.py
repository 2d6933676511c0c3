"""SELECT with groups as two: one that aggregates, and one that calculates with what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

import pyarrow as pa

from skyseries.adql.aggregates import aggregate
from skyseries.adql.expressions import Aggregate, Column, Expr, Subquery
from skyseries.adql.lexer import Position
from skyseries.adql.relations import Output, Query, QueryUse, Select, Sort
from skyseries.adql.rewriting import changed
from skyseries.adql.states import final_sql, partial_sql
from skyseries.query.arraywork import array_parts

__all__ = [
    "grouped_text",
    "is_of_rows",
    "is_plain_group",
    "without_calculation",
    "without_groups",
]


def is_plain_group(select: Select) -> bool:
    """Return whether a SELECT gives nothing but keys and aggregates of all its groups."""
    plain = all(
        output.value in select.keys or is_of_rows(output.value) for output in select.outputs
    )
    return plain and select.having is None and not select.distinct and select.top is None


def without_groups(
    select: Select, sorts: Sequence[Sort], id_: str
) -> tuple[Select, tuple[Sort, ...]]:
    """Return a SELECT, and its order, over the rows of another one that only makes the groups.

    Parameters
    ----------
    select : Select
    sorts : sequence of Sort
    id_ : str
        For the use of the inner one.
    """
    found: dict[Expr, Column] = {}

    def column(value: Expr) -> Column:
        path = (id_, f"g{len(found)}")
        return found.setdefault(value, Column(path, value.type, value.unit, arrow=value.arrow_type))

    def inside(part: Expr) -> Expr | None:
        return column(part) if part in select.keys else None

    def one(part: Expr) -> Expr | None:
        if part in select.keys or is_of_rows(part):
            return column(part)
        if not isinstance(part, Subquery):
            return None
        argument = None if part.argument is None else changed(part.argument, one)
        return changed(replace(part, argument=argument), inside)

    outputs = tuple(replace(o, value=changed(o.value, one)) for o in select.outputs)
    order = tuple(replace(s, value=changed(s.value, one)) for s in sorts)
    having = None if select.having is None else changed(select.having, one)
    if not found:
        column(aggregate("COUNT", None, False, Position(1, 1), over=None))
    inner = replace(
        select,
        having=None,
        distinct=False,
        top=None,
        outputs=tuple(
            Output(pa.field(column.path[1], value.arrow_type), value)
            for value, column in found.items()
        ),
    )
    use = QueryUse(id_, Query(inner, (), 0))
    outer = replace(
        select, source=use, where=having, grouped=False, keys=(), having=None, outputs=outputs
    )
    return outer, order


def without_calculation(part: Expr) -> Expr | None:
    """Return array work on the aggregates of a query as array work on queries that aggregate.

    So that it is done where the query stands, of which a row outside may be a part. None: there
    is no such work, or the query may have no row.

    Parameters
    ----------
    part : Expr
    """
    if not isinstance(part, Subquery) or part.form != "scalar" or not any(array_parts(part)):
        return None
    query, select = part.query, part.query.body
    if not isinstance(select, Select) or not _is_one_row(select) or query.offset:
        return None
    (output,) = select.outputs

    def one(inner: Expr) -> Expr | None:
        if is_of_rows(inner):
            column = replace(output, column=pa.field("value", inner.arrow_type), value=inner)
            body = replace(select, outputs=(column,))
            return Subquery("scalar", Query(body, (), 0))
        if isinstance(inner, Subquery):
            argument = inner.argument and changed(inner.argument, one)
            return replace(inner, argument=argument)
        return None

    return None if is_of_rows(output.value) else changed(output.value, one)


def _is_one_row(select: Select) -> bool:
    """Return whether a SELECT aggregates all of its rows to one, which is always there."""
    return select.grouped and not select.keys and select.having is None and select.top is None


def is_of_rows(value: Expr) -> TypeGuard[Aggregate]:
    """Return whether a value is an aggregate of rows, not of the epochs of an object.

    Parameters
    ----------
    value : Expr
    """
    return isinstance(value, Aggregate) and value.over is None


def grouped_text(select: Select, arguments: Sequence[str], rows: str) -> str:
    """Return the text of a plain group.

    Parameters
    ----------
    select : Select
    arguments : sequence of str
        The column of the argument of each aggregate in turn; keys are ``k0``, ``k1``, ...
    rows : str
        A query that gives keys and arguments.
    """
    keys = [f"k{i}" for i in range(len(select.keys))]
    aggregates = [o.value for o in select.outputs if isinstance(o.value, Aggregate)]
    states = [
        partial_sql(one, i, name or None)
        for i, (one, name) in enumerate(zip(aggregates, arguments, strict=True))
    ]
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    groups = f"SELECT {', '.join([*keys, *states])} FROM ({rows}){by}"  # noqa: S608
    number = iter(range(len(aggregates)))
    texts = []
    for i, output in enumerate(select.outputs):
        value = output.value
        text = (
            final_sql(value, next(number)) if is_of_rows(value) else f"k{select.keys.index(value)}"
        )
        texts.append(f"{text} AS r{i}")
    return f"SELECT {', '.join(texts)} FROM ({groups})"  # noqa: S608 - no user text
