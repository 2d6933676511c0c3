"""Taking out of expressions what functions on arrays calculate: geometry, above all."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from skyseries.adql.expressions import Column, Compare, Constant, Expr, Operation, Path
from skyseries.adql.types import Type

__all__ = ["by_kernel", "has_kernels", "is_point", "kernel_path", "split_kernels"]


def kernel_path(index: int) -> Path:
    """Return the path of the column that stands for an operation of `split_kernels`."""
    return (f"#kernel{index}",)


def has_kernels(expression: Expr) -> bool:
    """Return whether a function on arrays must calculate a part of an expression."""
    return by_kernel(expression) or any(map(has_kernels, expression.children))


def by_kernel(expression: Expr) -> bool:
    """Return whether a function on arrays calculates an expression, given its arguments."""
    if isinstance(expression, Operation):
        return expression.kernel is not None
    return isinstance(expression, Constant) and expression.type.is_geometry


def split_kernels(expressions: Sequence[Expr]) -> tuple[list[Expr], tuple[Expr, ...]]:
    """Take what functions on arrays calculate out of expressions.

    Returns
    -------
    steps : list of Expr
        Operations with a kernel, and constant geometries, to be calculated in this order: the
        arguments of one come before it and appear in it as columns.
    rest : tuple of Expr
        The expressions with columns `kernel_path` (i) in their places.
    """
    steps: dict[Expr, Column] = {}
    rest = tuple(_without_kernels(expression, steps) for expression in expressions)
    return list(steps), rest


def _without_kernels(expression: Expr, steps: dict[Expr, Column]) -> Expr:
    if isinstance(expression, Compare):
        expression = _as_circle(expression) or expression
    own = by_kernel(expression)
    replaced = tuple(
        _handed_over(child, steps) if own else _without_kernels(child, steps)
        for child in expression.children
    )
    if replaced != expression.children:
        expression = expression.with_children(replaced)
    if not own:
        return expression
    if expression not in steps:
        path = kernel_path(len(steps))
        steps[expression] = Column(path, expression.type, expression.unit, expression.level)
    return steps[expression]


def _handed_over(argument: Expr, steps: dict[Expr, Column]) -> Expr:
    """Return an argument of a function: a constant and a point of coordinates as they are."""
    if isinstance(argument, Constant):
        return argument
    if is_point(argument):
        coordinates = tuple(_without_kernels(child, steps) for child in argument.children)
        return argument.with_children(coordinates)
    return _without_kernels(argument, steps)


def is_point(expression: Expr) -> bool:
    """Return whether an expression makes points of coordinates."""
    return isinstance(expression, Operation) and expression.kernel == "shapes.point"


def _as_circle(comparison: Compare) -> Expr | None:
    """Return a comparison of a distance from a fixed position with a constant as CONTAINS.

    Exactly the same rows fulfil it (see `kernels.shapes.largest_arcsec`), and it is quicker: most
    positions are outside by their declination alone. None for another comparison.
    """
    distance, limit = comparison.left, comparison.right
    if not (isinstance(distance, Operation) and distance.kernel == "shapes.distance"):
        return None
    one, other = distance.arguments
    centre, moving = (one, other) if isinstance(one, Constant) else (other, one)
    radius = limit.value if isinstance(limit, Constant) else None
    fixed = isinstance(centre, Constant) and centre.value is not None
    if not fixed or not isinstance(radius, int | float | Decimal):
        return None
    degrees = float(radius)
    if comparison.operator in ("<", ">="):
        degrees = float(np.nextafter(degrees, -np.inf))
    if comparison.operator in ("=", "<>") or not degrees >= 0.0:
        return None
    circle = Constant((*centre.value, degrees), Type.CIRCLE)  # type: ignore[attr-defined]
    inside = Operation("CONTAINS", (moving, circle), Type.INTEGER, "", kernel="relations.contains")
    return Compare("=", inside, Constant(int("<" in comparison.operator), Type.INTEGER))
