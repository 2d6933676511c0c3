"""What functions on arrays calculate, in the expressions of a statement: it is made a column.

These are geometry, what is calculated of light curves, and fields of structures.
"""

from __future__ import annotations

from collections.abc import Iterator

from skyseries import adql
from skyseries.adql.expressions import (
    Aggregate,
    Column,
    Constant,
    Convert,
    CurveValue,
    Expr,
    Subquery,
)
from skyseries.adql.rewriting import free_columns, level_expressions
from skyseries.adql.split import by_kernel
from skyseries.adql.types import Type
from skyseries.query.derived import may_move

__all__ = ["array_parts", "constant_work", "ids_of", "is_array_work"]


def is_array_work(expression: Expr) -> bool:
    """Return whether an expression, as a whole, is calculated from arrays."""
    if isinstance(expression, Aggregate):
        return expression.over is not None
    if isinstance(expression, CurveValue):
        return True
    if isinstance(expression, Column):
        return len(expression.path) > 2
    return by_kernel(expression)


def constant_work(expression: Expr) -> Expr | None:
    """Return the constant that array work on constants makes; None: this is something else."""
    if not (is_array_work(expression) and expression.type.is_scalar and may_move(expression)):
        return None
    if any(adql.columns(expression)):
        return None
    value = adql.Values([expression])({}, 1)[0][0].as_py()
    if value is None or value != value:
        return Convert(Constant(None, Type.NULL), expression.type)
    return Constant(value, expression.type)


def array_parts(expression: Expr) -> Iterator[Expr]:
    """Yield the largest parts of an expression that are array work, in its queries too."""
    if is_array_work(expression):
        yield expression
        return
    for child in expression.children:
        yield from array_parts(child)
    if isinstance(expression, Subquery):
        for inner in level_expressions(expression.query):
            yield from array_parts(inner)


def ids_of(expression: Expr) -> frozenset[str]:
    """Return the ids of the tables whose columns an expression needs."""
    return frozenset(column.path[0] for column in free_columns(expression))
