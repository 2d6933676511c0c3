"""Conditions that two positions are near each other, however they are written.

``DISTANCE(a, b) < r``, ``CONTAINS(a, CIRCLE(b, r)) = 1``, ``INTERSECTS`` of points and circles,
Rubin's ``scisql_angSep`` and ``scisql_s2PtInCircle``: all say that two positions are at most a
radius from each other.
"""

from __future__ import annotations

import math
import operator as operators
from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from skyseries.adql.constants import convert
from skyseries.adql.expressions import (
    Aggregate,
    Compare,
    Constant,
    Convert,
    Expr,
    Not,
    OneOf,
    Operation,
    Subquery,
)
from skyseries.adql.geometry import folded_number
from skyseries.adql.split import is_point
from skyseries.adql.sql import NEGATED
from skyseries.adql.types import Type
from skyseries.adql.units import scaled
from skyseries.adql.walk import columns

__all__ = ["COMPARE", "FLIPPED", "Nearness", "nearness"]

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operators.eq, "<>": operators.ne, "<": operators.lt, "<=": operators.le,
    ">": operators.gt, ">=": operators.ge,
}  # fmt: skip
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_Word: TypeAlias = Literal["left", "right"]
_Sides: TypeAlias = dict[_Word, frozenset[str]]
_TESTS = frozenset(["relations.contains", "relations.intersects", "rubin.within"])


@dataclass(frozen=True)
class Nearness:
    """A condition that two positions, each of another side, are near each other.

    It is true for no pair that is farther apart than the radius, but for the rounding of both;
    of those that are nearer it need not be true.
    """

    left: tuple[Expr, Expr]
    """Right ascension and declination, degrees, over columns of the left side only."""
    right: tuple[Expr, Expr]
    radius: Expr
    """Degrees."""
    radius_of: _Word | None
    """The side whose columns are in the radius; None: it is a `Constant`."""


class _Near(NamedTuple):
    """Two points, or circles in the places of their centres, and how far apart they may be."""

    one: Expr
    other: Expr
    radius: Expr


def nearness(condition: Expr, left: Collection[str], right: Collection[str]) -> Nearness | None:
    """Return what a condition says of the distance of two sides; None if it says nothing.

    Parameters
    ----------
    condition : Expr
        One conjunct of a statement's condition (`relations`).
    left, right : collection of str
        The ids of the tables of both sides: the first parts of the paths of their columns.
    """
    near = _near(condition, False)
    if near is None or any(map(_is_unsteady, near)):
        return None
    sides: _Sides = {"left": frozenset(left), "right": frozenset(right)}
    first, second, of = (_side(part, sides) for part in near)
    radius = folded_number(near.radius)
    constant = isinstance(radius, Constant)
    if {first, second} != {"left", "right"} or (of is None and not constant):
        return None
    one, other = _position(near.one), _position(near.other)
    if first == "right":
        one, other = other, one
    return Nearness(one, other, radius, of)


def _side(expression: Expr, sides: _Sides) -> _Word | None:
    """Return the side that all columns of an expression are of."""
    ids = {path[0] for path in columns(expression)}
    return next((side for side, known in sides.items() if ids and ids <= known), None)


def _is_unsteady(expression: Expr) -> bool:
    """Return whether a value depends on more than its row: it is to be computed only once."""
    if isinstance(expression, Aggregate | Subquery):
        return True
    if isinstance(expression, Operation) and "random()" in expression.sql:
        return True
    return any(map(_is_unsteady, expression.children))


def _near(condition: Expr, negated: bool) -> _Near | None:
    match condition:
        case Not():
            return _near(condition.argument, not negated)
        case Compare():
            operator = NEGATED[condition.operator] if negated else condition.operator
            left, right = condition.left, condition.right
            return _compared(left, operator, right) or _compared(right, FLIPPED[operator], left)
        case OneOf(argument=Operation() as test) if test.kernel in _TESTS:
            values = condition.values
            return _of_test(test) if (0 in values) is negated is (1 not in values) else None
        case _:
            return None


def _compared(value: Expr, operator: str, limit: Expr) -> _Near | None:
    if isinstance(value, Operation) and value.kernel in _TESTS:
        number = _number(folded_number(limit))
        if number is None:
            return None
        true, false = (COMPARE[operator](flag, number) for flag in (1.0, 0.0))
        return _of_test(value) if true and not false else None
    found = _distance(value) if operator in ("<", "<=", "=") else None
    if found is None:
        return None
    (one, other), factor = found
    radius = convert(limit, Type.DOUBLE)
    return _Near(one, other, radius if factor == 1.0 else scaled(radius, 1.0 / factor, "deg"))


def _distance(value: Expr) -> tuple[tuple[Expr, ...], float] | None:
    """Return the ends of a distance, and the number above 0 that it is multiplied by."""
    match value:
        case Convert(target=Type.DOUBLE):
            return _distance(value.argument)
        case Operation(kernel="shapes.distance"):
            return value.arguments, 1.0
        case Operation(name="*" | "/" | "IN_UNIT", arguments=(inner, factor)):
            number = _number(folded_number(factor))
            if number is None and value.name != "/":
                inner, number = factor, _number(folded_number(inner))
            found = _distance(inner)
            if found is None or number is None or not 0.0 < number < math.inf:
                return None
            ends, before = found
            return ends, before / number if value.name == "/" else before * number
        case _:
            return None


def _number(expression: Expr) -> float | None:
    value = expression.value if isinstance(expression, Constant) else None
    return float(value) if isinstance(value, int | float | Decimal) else None


def _of_test(test: Operation) -> _Near | None:
    """Return how near a shape must be to another one to lie in it, or to touch it."""
    one, other = test.arguments
    if one.type is Type.CIRCLE and other.type is Type.POINT:
        one, other = other, one
    if one.type not in (Type.POINT, Type.CIRCLE) or other.type is not Type.CIRCLE:
        return None
    radius = _radius(other)
    if one.type is Type.CIRCLE and test.name == "INTERSECTS":
        both = (_radius(one), radius)
        radius = Operation("+", both, Type.DOUBLE, "({0} + {1})", "add", "deg")
    return _Near(_centre(one), _centre(other), radius)


def _is_circle(shape: Expr) -> bool:
    return isinstance(shape, Operation) and shape.kernel == "shapes.circle"


def _centre(shape: Expr) -> Expr:
    return shape.children[0] if _is_circle(shape) else shape


def _radius(circle: Expr) -> Expr:
    return circle.children[1] if _is_circle(circle) else _measure("RADIUS", "radius", circle)


def _position(shape: Expr) -> tuple[Expr, Expr]:
    """Return the coordinates of a point, or of the centre of a circle."""
    if is_point(shape):
        ra, dec = shape.children
        return ra, dec
    return _measure("COORD1", "longitude", shape), _measure("COORD2", "latitude", shape)


def _measure(name: str, kernel: str, shape: Expr) -> Operation:
    return Operation(name, (shape,), Type.DOUBLE, "", None, "deg", f"shapes.{kernel}")
