"""Taking expressions apart: their columns, the conditions that AND joins, their aggregates."""

from __future__ import annotations

from collections.abc import Iterable

from skyseries.adql.expressions import Aggregate, And, Column, Expr, Not, Or, Path
from skyseries.errors import InputError

__all__ = [
    "aggregate_name",
    "columns",
    "conjunction",
    "conjuncts",
    "has_aggregates",
    "split_aggregates",
]


def columns(expression: Expr) -> frozenset[Path]:
    """Return the columns that an expression needs; a generated one of `split_aggregates` too."""
    found: set[Path] = set()
    stack = [expression]
    while stack:
        current = stack.pop()
        if isinstance(current, Column):
            found.add(current.path)
        stack.extend(current.children)
    return frozenset(found)


def conjuncts(condition: Expr) -> list[Expr]:
    """Split a condition at its outermost ANDs; all together are true where it is.

    NOT (a OR b) counts as NOT a AND NOT b, and BETWEEN as two comparisons.
    """
    if isinstance(condition, And):
        return [part for argument in condition.arguments for part in conjuncts(argument)]
    if isinstance(condition, Not):
        inner = condition.argument
        if isinstance(inner, Not):
            return conjuncts(inner.argument)
        if isinstance(inner, Or):
            return [part for argument in inner.arguments for part in conjuncts(Not(argument))]
    return [condition]


def conjunction(conditions: Iterable[Expr]) -> Expr:
    """Join conditions with AND.

    Raises
    ------
    InputError
        If there is none.
    """
    parts = tuple(conditions)
    if not parts:
        raise InputError("no conditions to join")
    return parts[0] if len(parts) == 1 else And(parts)


def has_aggregates(expression: Expr) -> bool:
    """Return whether an aggregate is part of an expression, of epochs or of rows."""
    if isinstance(expression, Aggregate):
        return True
    return any(has_aggregates(child) for child in expression.children)


def aggregate_name(index: int) -> str:
    """Return the name of the column that stands for an aggregate of `split_aggregates`."""
    return f"#aggregate{index}"


def split_aggregates(expression: Expr) -> tuple[list[Aggregate], Expr]:
    """Take the aggregates over epochs out of an expression.

    Returns
    -------
    inner : list of Aggregate
        To be calculated in this order: an aggregate inside another comes before it and appears
        in it as a column.
    outer : Expr
        The expression with columns `aggregate_name` (i) in their places, which hold a value per
        object.
    """
    inner: dict[Aggregate, Column] = {}
    return_value = _without_aggregates(expression, inner)
    return list(inner), return_value


def _without_aggregates(expression: Expr, inner: dict[Aggregate, Column]) -> Expr:
    children = expression.children
    replaced = tuple(_without_aggregates(child, inner) for child in children)
    if replaced != children:
        expression = expression.with_children(replaced)
    if not isinstance(expression, Aggregate) or expression.over is None:
        return expression
    if expression not in inner:
        path = (aggregate_name(len(inner)),)
        inner[expression] = Column(path, expression.type, expression.unit)
    return inner[expression]
