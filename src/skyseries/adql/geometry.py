"""The angle between two positions, and tests of regions, put together from plain functions.

The tree keeps DISTANCE and CONTAINS as they are, so that a planner finds the cones in a
condition (see `ranges.cones`); they are taken apart only where values are calculated.
"""

from __future__ import annotations

from skyseries.adql.expressions import Compare, Constant, Convert, Expr, Operation
from skyseries.adql.types import Type

__all__ = ["distance", "expanded", "region_test"]

_HALF_DEGREE = 0.008726646259971648
_TWICE_DEGREE = 114.59155902616465


def distance(ra1: Expr, dec1: Expr, ra2: Expr, dec2: Expr) -> Operation:
    """Return the angle between two positions in degrees, as one operation."""
    return Operation("DISTANCE", (ra1, dec1, ra2, dec2), Type.DOUBLE, "", None, "deg")


def region_test(operation: Operation, *, inside: bool) -> Expr | None:
    """Return CONTAINS or INTERSECTS as a comparison of a distance; None for another operation.

    Parameters
    ----------
    operation : Operation
    inside : bool
        Whether the comparison is true inside of the region, or outside.
    """
    arguments = operation.arguments
    operator = "<=" if inside else ">"
    if operation.name == "CONTAINS":
        return Compare(operator, distance(*arguments[:4]), arguments[4])
    if operation.name == "INTERSECTS":
        ra1, dec1, radius1, ra2, dec2, radius2 = arguments
        return Compare(operator, distance(ra1, dec1, ra2, dec2), _sum(radius1, radius2))
    return None


def expanded(operation: Operation) -> Expr | None:
    """Return an operation of this module in plain functions; None for another one."""
    if operation.name == "DISTANCE":
        return _separation(*operation.arguments)
    test = region_test(operation, inside=True)
    return None if test is None else Convert(test, Type.INTEGER)


def _separation(ra1: Expr, dec1: Expr, ra2: Expr, dec2: Expr) -> Expr:
    """Return the angle in degrees, right from 0 to 180 (see `spatial.sphere.separation_arcsec`).

    The sine and the cosine of half the angle are roots of sums of squares, so nothing cancels.
    """
    turn = _difference(ra1, ra2)
    turns = _call("FLOOR", "floor", _sum(_product(turn, _number(1 / 360)), _number(0.5)))
    a = _product(_number(_HALF_DEGREE), _difference(turn, _product(_number(360.0), turns)))
    total = _sum(dec1, dec2)
    s = _product(_number(_HALF_DEGREE), total)
    d = _product(_number(_HALF_DEGREE), _difference(dec1, dec2))
    to_pole = _difference(_number(180.0), _call("ABS", "abs", total))
    cos_s = _sin(_product(_number(_HALF_DEGREE), to_pole))  # exactly 0 at a pole
    sine = _norm(_product(_sin(a), cos_s), _product(_cos(a), _sin(d)))
    cosine = _norm(_product(_sin(a), _sin(s)), _product(_cos(a), _cos(d)))
    angle = Operation("ATAN2", (sine, cosine), Type.DOUBLE, "atan2({0}, {1})", "atan2")
    return Operation(
        "*", (_number(_TWICE_DEGREE), angle), Type.DOUBLE, "({0} * {1})", "multiply", "deg"
    )


def _number(value: float) -> Expr:
    return Constant(value, Type.DOUBLE)


def _sum(left: Expr, right: Expr) -> Expr:
    return Operation("+", (left, right), Type.DOUBLE, "({0} + {1})", "add")


def _difference(left: Expr, right: Expr) -> Expr:
    return Operation("-", (left, right), Type.DOUBLE, "({0} - {1})", "subtract")


def _product(left: Expr, right: Expr) -> Expr:
    return Operation("*", (left, right), Type.DOUBLE, "({0} * {1})", "multiply")


def _call(name: str, compute: str, argument: Expr) -> Expr:
    return Operation(name, (argument,), Type.DOUBLE, f"{compute}({{0}})", compute)


def _sin(argument: Expr) -> Expr:
    return _call("SIN", "sin", argument)


def _cos(argument: Expr) -> Expr:
    return _call("COS", "cos", argument)


def _norm(x: Expr, y: Expr) -> Expr:
    return _call("SQRT", "sqrt", _sum(_product(x, x), _product(y, y)))
