"""Comparisons: which types meet, and constants brought to the type of the other side.

- Integers of any width compare exactly, also signed with unsigned, and with numbers in double
  precision: a number with a point beside an integer is replaced by the whole numbers that it
  separates.
- A number with a point beside a ``real`` column is rounded to single precision, so that
  ``mag = 20.1`` finds what is printed as 20.1.
- Texts equal integers that they are the digits of, as ids that a client has sent back; in ``<`` and
  the like text never compares with a number. A constant text is equal to unsigned integers only: to
  clients of TAP, which has no such type, these are texts.
"""

from __future__ import annotations

import math
from decimal import Decimal

from skyseries.adql.constants import convert, fits_real, parse_timestamp, whole
from skyseries.adql.expressions import (
    Compare,
    Constant,
    ConstantValue,
    Expr,
    Not,
    OneOf,
    Or,
    Truth,
)
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.types import Type
from skyseries.adql.units import check_one_unit, words_for
from skyseries.adql.wholes import among_doubles, beside_integers, is_whole_text, whole_of_text

__all__ = ["compare", "one_of"]

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}


def compare(operator: str, left: Expr, right: Expr, position: Position) -> Expr:
    """Return a comparison of two values with fitting types.

    Raises
    ------
    QueryError
        If the types do not go together.
    """
    if isinstance(left, Constant) and not isinstance(right, Constant):
        left, right, operator = right, left, _FLIPPED[operator]
    for side in (left, right):
        if not (side.type.is_scalar or side.type is Type.NULL):
            raise error_at(f"a {side.type.value} cannot be compared", position)
    if left.type is Type.NULL and not isinstance(left, Constant):  # a column without any value
        left = convert(left, right.type)
    if right.type is Type.NULL and not isinstance(right, Constant):
        right = convert(right, left.type)
    if Type.NULL in (left.type, right.type):
        return Compare(operator, left, right)
    if left.type.is_number and right.type.is_number:
        check_one_unit((left, right), position)
        return _numbers(operator, left, right)
    if Type.BOOLEAN in (left.type, right.type):
        return _booleans(operator, left, right, position)
    if left.type is Type.TIMESTAMP and isinstance(right, Constant) and right.type is Type.TEXT:
        right = Constant(parse_timestamp(str(right.value), position), Type.TIMESTAMP)
    if left.type is right.type:
        return Compare(operator, left, right)
    if left.type is Type.UBIGINT and operator in ("=", "<>") and is_whole_text(right):
        return _numbers(operator, left, Constant(int(str(right.value)), Type.OTHER))
    if _is_id_as_text(operator, left, right):
        sides = (whole_of_text(s) if s.type is Type.TEXT else s for s in (left, right))
        return Compare(operator, *sides)
    raise _mismatch(operator, left, right, position)


def _is_id_as_text(operator: str, left: Expr, right: Expr) -> bool:
    """Return whether texts are compared with integers, neither of them constant, for equality."""
    if operator not in ("=", "<>") or any(isinstance(s, Constant) for s in (left, right)):
        return False
    return (left.type is Type.TEXT and right.type.is_integer) or (
        left.type.is_integer and right.type is Type.TEXT
    )


def one_of(argument: Expr, values: list[Expr], position: Position) -> Expr:
    """Return ``argument IN (values)``; constants are kept together, however many they are."""
    if isinstance(argument, Constant) and argument.value is None:
        return Compare("=", argument, argument)
    together: list[ConstantValue] = []
    apart: list[Expr] = []
    for value in values:
        test = compare("=", argument, value, position)
        if (
            isinstance(test, Compare)
            and test.left == argument
            and isinstance(test.right, Constant)
            and test.right.value is not None
        ):
            together.append(test.right.value)
        elif not (isinstance(test, OneOf) and not test.values):
            apart.append(test)
    if together or not apart:
        apart.insert(0, OneOf(argument, tuple(dict.fromkeys(together))))
    return apart[0] if len(apart) == 1 else Or(tuple(apart))


def _numbers(operator: str, left: Expr, right: Expr) -> Expr:
    if isinstance(right, Constant):
        return _with_number(operator, left, right)
    if left.type.is_integer and right.type.is_integer:
        return Compare(operator, left, right)
    if left.type is right.type:
        return Compare(operator, left, right)
    if left.type in _LARGE:
        return Compare(operator, left, beside_integers(operator, right))
    if right.type in _LARGE:
        return Compare(operator, beside_integers(_FLIPPED[operator], left), right)
    return Compare(operator, convert(left, Type.DOUBLE), convert(right, Type.DOUBLE))


_LARGE = (Type.BIGINT, Type.UBIGINT)
"""The integers that double precision does not hold all of."""


def _with_number(operator: str, left: Expr, right: Constant) -> Expr:
    if left.type.is_integer:
        return _integer_with_number(operator, left, right)
    if left.type is Type.REAL and fits_real(right):
        return Compare(operator, left, convert(right, Type.REAL))
    if isinstance(right.value, int):
        return _floating_with_integer(operator, convert(left, Type.DOUBLE), right.value)
    return Compare(operator, convert(left, Type.DOUBLE), convert(right, Type.DOUBLE))


def _integer_with_number(operator: str, left: Expr, right: Constant) -> Expr:
    number: int = whole(right) or 0
    if isinstance(right.value, Decimal | float) and whole(right) is None:
        if operator in ("=", "<>"):
            never = OneOf(left, ())
            return never if operator == "=" else Not(never)
        below = operator in ("<", "<=")
        operator = "<=" if below else ">="
        number = math.floor(right.value) if below else math.ceil(right.value)
    bounded = min(max(number, -(2**64)), 2**65)  # beyond all 64-bit integers on either side
    return Compare(operator, left, _integer_constant(bounded, left.type))


def _floating_with_integer(operator: str, left: Expr, value: int) -> Expr:
    found = among_doubles(operator, value)
    if found is None:
        never = OneOf(left, ())
        return never if operator == "=" else Not(never)
    return Compare(found[0], left, found[1])


def _integer_constant(value: int, beside: Type) -> Constant:
    """Return an integer of any size; in the type of its neighbour where it fits."""
    fitting = convert(Constant(value, Type.OTHER), beside)
    return fitting if isinstance(fitting, Constant) else Constant(value, Type.BIGINT)


def _booleans(operator: str, left: Expr, right: Expr, position: Position) -> Expr:
    if isinstance(left, Constant) and not isinstance(right, Constant):
        left, right = right, left
    if isinstance(right, Constant) and left.type is Type.BOOLEAN and operator in ("=", "<>"):
        value = right.value if isinstance(right.value, bool) else whole(right)
        if value in (0, 1):
            return Truth(left) if bool(value) == (operator == "=") else Not(Truth(left))
    if left.type is right.type:
        return Compare(operator, left, right)
    if left.type.is_number or right.type.is_number:  # 1 is true, 0 false
        left, right = (
            convert(side, Type.INTEGER) if side.type is Type.BOOLEAN else side
            for side in (left, right)
        )
        return _numbers(operator, left, right)
    raise _mismatch(operator, left, right, position)


def _mismatch(operator: str, left: Expr, right: Expr, position: Position) -> Exception:
    message = f"a {left.type.value} cannot be compared with a {right.type.value}"
    number = left if left.type.is_number else right
    text = right if left.type.is_number else left
    if text.type is Type.TEXT and number.type.is_number:
        message += _way_out(operator, number, text)
    if Type.BOOLEAN in (left.type, right.type):
        message += "; write = 1 for true, = 0 for false"
    return error_at(message, position)


def _way_out(operator: str, number: Expr, text: Expr) -> str:
    """Return what to write where a number meets a text; never what compares numbers as text."""
    if isinstance(text, Constant):
        try:
            float(str(text.value))
        except ValueError:
            return (
                f"; {words_for(number, 'the other side')} holds numbers, and {text.value!r} is none"
            )
        return f"; write {str(text.value).strip()} without quotes"
    name = words_for(text, "x")
    cast = f"CAST({name} AS DOUBLE PRECISION)"
    if isinstance(number, Constant) and operator in ("=", "<>"):
        return f"; write '{number.value}' in quotes for the text, or {cast} for the number in it"
    return f"; {name} holds texts: write {cast}, which is NULL where a text is no number"
