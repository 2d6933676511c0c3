"""Units of expressions: as they follow from those of the columns, compared, and converted.

A number that is written has no unit: it takes that of its neighbour in a sum, and scales in a
product. So ``3 * ra_error`` is in the unit of ra_error. ``3600 * distance`` is meant to be in
another unit, which nobody says: it is in none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from skyseries.adql.constants import convert
from skyseries.adql.expressions import Column, Constant, Convert, Expr, Operation, written
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.types import Type
from skyseries.errors import InputError
from skyseries.units import conversion_factor, factor_to, plain_unit, same_unit, unit_product

__all__ = [
    "check_one_unit",
    "in_needed_unit",
    "scaled",
    "unit_of_operator",
    "unit_of_power",
    "words_for",
]

_SCALES = (0.1, 10.0)
"""Factors beyond these are no part of a radius or an error: they are meant to change the unit."""

_ARITHMETIC = ("+", "-", "*", "/")


def unit_of_operator(operator: str, left: Expr, right: Expr) -> str | None:
    """Return the unit of a sum, difference, product or quotient; None if it does not follow."""
    if operator in ("+", "-"):
        if isinstance(left, Constant) or isinstance(right, Constant):
            return right.unit if isinstance(left, Constant) else left.unit
        return left.unit if _alike(left, right) else None
    one, other = ("" if isinstance(side, Constant) else side.unit for side in (left, right))
    if one is None or other is None:
        return None
    if (one or other) and _far_constant(left, right) is not None:
        return None
    if not other:
        return one
    if operator == "*":
        return unit_product(one, other) if one else other
    return "" if same_unit(one, other) else unit_product(one, other, -1.0)


def unit_of_power(base: Expr, exponent: Expr) -> str | None:
    """Return the unit of a power; None if it does not follow."""
    if not base.unit:
        return base.unit
    if not isinstance(exponent, Constant) or not exponent.type.is_number:
        return None
    return unit_product("", base.unit, float(exponent.value))  # type: ignore[arg-type]


def check_one_unit(values: Sequence[Expr], position: Position) -> None:
    """Raise QueryError if values that meet say units that differ by a factor."""
    known = [value for value in values if value.unit and not isinstance(value, Constant)]
    for one, other in pairwise(known):
        first, second = plain_unit(one.unit), plain_unit(other.unit)
        try:
            factor = conversion_factor(first, second)
        except ValueError:
            continue
        if factor != 1.0:
            names = words_for(one, "one value"), words_for(other, "the other")
            raise error_at(
                f"{names[0]} is in {first} and {names[1]} in {second}: bring them to one unit, "
                f"as by IN_UNIT({words_for(other, 'x')}, '{first}')",
                position,
            )


def in_needed_unit(value: Expr, unit: str, what: str, *, strict: bool = True) -> Expr:
    """Return a value in the unit that is needed: as it is, or multiplied.

    Parameters
    ----------
    value : Expr
    unit : str
    what : str
        Its name in errors.
    strict : bool
        Refuse a value whose unit does not follow from those of its columns.

    Raises
    ------
    InputError
        If its unit cannot be converted, or is in doubt.
    """
    said = value.unit
    if said is None:
        _check_not_rescaled(value, unit, what)
        others = {u for u in _units_in(value) if not same_unit(u, unit)}
        if strict and others:
            raise InputError(
                f"the unit of {what} does not follow from those in it ({', '.join(sorted(others))})"
                f"; {unit} is needed: write IN_UNIT(column, '{unit}') for the columns in it"
            )
        return value
    factor = factor_to(said, unit, what)
    if factor == 1.0:
        return value
    return scaled(value, factor, unit)


def scaled(value: Expr, factor: float, unit: str) -> Operation:
    """Return a value in another unit, multiplied by a constant."""
    arguments = (convert(value, Type.DOUBLE), Constant(factor, Type.DOUBLE))
    return Operation("IN_UNIT", arguments, Type.DOUBLE, "({0} * {1})", "multiply", unit)


def words_for(value: Expr, otherwise: str) -> str:
    """Return the name of a column, and of what is computed other words."""
    while isinstance(value, Convert):
        value = value.argument
    return written(value.path) if isinstance(value, Column) else otherwise


def _alike(one: Expr, other: Expr) -> bool:
    if one.unit is None or other.unit is None:
        return one.unit == other.unit
    return same_unit(one.unit, other.unit)


def _units_in(value: Expr) -> Iterator[str]:
    """Yield the units of the columns in an expression, as they are after IN_UNIT."""
    if value.unit and (isinstance(value, Column) or _is_in_unit(value)):
        yield value.unit
    elif not _is_in_unit(value):
        for child in value.children:
            yield from _units_in(child)


def _is_in_unit(value: Expr) -> bool:
    return isinstance(value, Operation) and value.name == "IN_UNIT"


def _check_not_rescaled(value: Expr, unit: str, what: str) -> None:
    """Raise InputError if a value is a column of another unit, times what changes the unit."""
    if isinstance(value, Convert):
        _check_not_rescaled(value.argument, unit, what)
    if not isinstance(value, Operation) or value.name not in _ARITHMETIC:
        return
    number = _far_constant(*value.children) if value.name in ("*", "/") else None
    for child in value.children:
        if number is not None and child.unit and not same_unit(child.unit, unit):
            raise InputError(
                f"{what} is in {child.unit} by the unit of its columns, and is multiplied or "
                f"divided by {number:g}: to change the unit write IN_UNIT(column, '{unit}')"
            )
        _check_not_rescaled(child, unit, what)


def _far_constant(*sides: Expr) -> float | None:
    """Return a constant far from 1 that is a side of a product or quotient, or in one."""
    for side in sides:
        if isinstance(side, Operation) and all(map(_is_constant, side.children)):
            found = _far_constant(*side.children)
        elif isinstance(side, Constant) and not isinstance(side.value, bool | str) and side.value:
            number = float(side.value)  # type: ignore[arg-type]
            found = None if _SCALES[0] <= abs(number) <= _SCALES[1] else number
        else:
            continue
        if found is not None:
            return found
    return None


def _is_constant(value: Expr) -> bool:
    return isinstance(value, Constant)
