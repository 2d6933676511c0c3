"""Geometries in the typed tree: made of points, and constants where nothing in them varies.

A pair of coordinates becomes a point, and what is put together from constants a constant, so that
planner and evaluation meet one form only: CONTAINS(POINT(ra, dec), constant).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from skyseries.adql.expressions import Aggregate, Column, Constant, Expr, Operation, Subquery
from skyseries.adql.stcs import parse_stcs
from skyseries.adql.types import Type
from skyseries.errors import InputError

__all__ = [
    "figure",
    "folded_number",
    "literal_shape",
    "made_shape",
    "point",
    "text_shape",
]

_MOC = re.compile(r"\s*\d+\s*/[\s,\d/-]*")


def point(ra: Expr, dec: Expr) -> Expr:
    """Return a position, degrees.

    Raises
    ------
    InputError
        If it is constant, and none.
    """
    return made_shape(Operation("POINT", (ra, dec), Type.POINT, "", None, None, "shapes.point"))


def made_shape(operation: Operation) -> Expr:
    """Return an operation that makes a geometry; a constant, if all in it are constants.

    Raises
    ------
    InputError
        If it is a constant that cannot be.
    """
    arguments = operation.arguments
    if not all(isinstance(argument, Constant) for argument in arguments):
        return operation
    values = [argument.value for argument in arguments]  # type: ignore[attr-defined]
    if None in values and operation.kernel != "sky.propagated":
        return Constant(None, operation.type)
    numbers = _calculated(operation)
    if operation.kernel in _CHECKED:
        _check(operation, numbers, values)
    if np.isnan(numbers).any():
        return Constant(None, operation.type)
    return Constant(tuple(numbers.tolist()), operation.type)


_CHECKED = ("shapes.point", "shapes.circle", "shapes.box", "shapes.polygon")


def _calculated(operation: Operation) -> np.ndarray:
    from skyseries.adql.evaluate import kernel_of
    from skyseries.adql.kernels.operands import Operand

    operands = [Operand(a.type, a.value) for a in operation.arguments]  # type: ignore[attr-defined]
    return np.asarray(kernel_of(operation)(*operands))


def _check(operation: Operation, numbers: np.ndarray, values: list[object]) -> None:
    """Raise InputError if a constant is no geometry."""
    from skyseries.adql.kernels.shapes import region_of
    from skyseries.spatial.regions.base import check_position

    if operation.type is Type.POINT:
        check_position(values[0], values[1], "a point")
    elif operation.type is Type.CIRCLE:
        region_of(Type.CIRCLE, (*values[0], values[1]))  # type: ignore[misc]
    elif np.isnan(numbers).any():
        raise InputError("width and height of a box are above 0 and below 180 degrees")
    else:
        region_of(operation.type, tuple(numbers.tolist()))


def literal_shape(name: str, text: str) -> Expr:
    """Return what REGION or MOC says in a text.

    Raises
    ------
    InputError
        If it cannot be understood.
    """
    if name == "MOC":
        return _moc(text)
    shape, numbers = parse_stcs(text)
    if shape == "POSITION":
        return point(*map(_double, numbers))
    return _of_numbers(shape, numbers)


def text_shape(text: str, kind: Type) -> Expr:
    """Return a geometry from the text that VOTable has for it (DALI): ``'12.3 45.6 1.0'``.

    Raises
    ------
    InputError
        If it is none.
    """
    if kind is Type.MOC:
        return _moc(text)
    try:
        numbers = tuple(float(word) for word in text.split())
    except ValueError:
        numbers = ()
    right = {Type.POINT: len(numbers) == 2, Type.CIRCLE: len(numbers) == 3}
    if not right.get(kind, len(numbers) >= 6 and len(numbers) % 2 == 0):
        raise InputError(f"{text!r} is no {kind.value}: write its numbers, degrees, with blanks")
    if kind is Type.POINT:
        return point(*map(_double, numbers))
    return _of_numbers(kind.name, numbers)


def _of_numbers(name: str, numbers: Sequence[float]) -> Expr:
    if name == "POLYGON":
        points = zip(numbers[::2], numbers[1::2], strict=True)
        return figure(name, [point(_double(ra), _double(dec)) for ra, dec in points])
    return figure(name, [point(*map(_double, numbers[:2])), *map(_double, numbers[2:])])


def figure(name: str, parts: Sequence[Expr]) -> Expr:
    """Return a CIRCLE, BOX or POLYGON of points and sizes.

    Raises
    ------
    InputError
        If it is a constant that cannot be.
    """
    kind = Type.CIRCLE if name == "CIRCLE" else Type.POLYGON
    kernel = f"shapes.{name.lower()}"
    return made_shape(Operation(name, tuple(parts), kind, "", None, None, kernel))


def _moc(text: str) -> Constant:
    from skyseries.adql.kernels.shapes import region_of

    if not _MOC.fullmatch(text):
        raise InputError(f"a coverage map is written as '3/1-4 5/77', not {text[:40]!r}")
    region_of(Type.MOC, text)
    return Constant(text, Type.MOC)


def _double(number: float) -> Constant:
    return Constant(number, Type.DOUBLE)


def folded_number(expression: Expr) -> Expr:
    """Return a calculation of numbers without columns, such as ``5 / 3600.0``, as a constant."""
    if isinstance(expression, Constant) or not expression.type.is_number:
        return expression
    if not _is_fixed(expression):
        return expression
    from skyseries.adql.evaluate import Values

    (found,) = Values([expression])({}, 1)
    return Constant(found[0].as_py(), expression.type)


def _is_fixed(expression: Expr) -> bool:
    if isinstance(expression, Column | Aggregate | Subquery):
        return False
    if isinstance(expression, Operation) and "random()" in expression.sql:
        return False
    return all(map(_is_fixed, expression.children))
