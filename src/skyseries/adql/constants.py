"""Constants in the type that their neighbour asks for, without losing a digit unseen."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from skyseries.adql.expressions import Constant, Convert, Expr
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.types import Type

__all__ = ["constant", "convert", "fits_real", "negated", "parse_timestamp", "whole"]

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?Z?"
)
_SMALLEST_REAL = float(np.finfo(np.float32).tiny)
_LARGEST_REAL = float(np.finfo(np.float32).max)


def constant(value: int | Decimal | str | bool | None, position: Position) -> Constant:
    """Return a written constant with its type.

    Raises
    ------
    QueryError
        If a number is too large for double precision.
    """
    if value is None:
        return Constant(None, Type.NULL)
    if isinstance(value, bool):
        return Constant(value, Type.BOOLEAN)
    if isinstance(value, int):
        return Constant(value, Type.BIGINT if -(2**63) <= value < 2**63 else Type.UBIGINT)
    if isinstance(value, str):
        return Constant(value, Type.TEXT)
    if math.isinf(float(value)):
        raise error_at(f"{value} is too large for a number in double precision", position)
    return Constant(value, Type.DOUBLE)


def negated(expression: Constant, position: Position) -> Constant:
    """Return the constant with the other sign."""
    value = expression.value
    if not isinstance(value, int | float | Decimal):
        raise error_at(f"no number: {value!r}", position)
    if isinstance(value, int) and value > 2**63:
        raise error_at(f"-{value} does not fit in 64 bits", position)
    if isinstance(value, int):
        return constant(-value, position)
    # the sign of Decimal('0.0') is lost by minus
    negative = value.copy_negate() if isinstance(value, Decimal) else -value
    return Constant(negative, expression.kind)


def whole(expression: Expr) -> int | None:
    """Return the value of a constant that is a whole number, in whatever way it is written."""
    if not isinstance(expression, Constant) or isinstance(expression.value, bool):
        return None
    value = expression.value
    if isinstance(value, int):
        return value
    if isinstance(value, float | Decimal) and -(10**39) < value < 10**39 and value == int(value):
        return int(value)
    return None


def fits_real(expression: Constant) -> bool:
    """Return whether a number may be rounded to single precision beside a real column.

    A number with a point may (``mag = 20.1`` finds 20.1); a whole number only if it stays exact.
    """
    value = expression.value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    number = float(value)
    if isinstance(value, int):
        return abs(value) <= 2**24
    return number == 0 or _SMALLEST_REAL <= abs(number) < _LARGEST_REAL


def convert(expression: Expr, target: Type, length: int | None = None) -> Expr:
    """Return the expression in another type; a number that is constant stays one."""
    if expression.type is target and length is None:
        return expression
    value = expression.value if isinstance(expression, Constant) else None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if target is Type.DOUBLE:
            return Constant(float(value), target)
        if target is Type.REAL and fits_real(Constant(value, Type.DOUBLE)):
            return Constant(float(np.float32(float(value))), target)
        if isinstance(value, int) and _fits_integer(value, target):
            return Constant(value, target)
    return Convert(expression, target, length)


def _fits_integer(value: int, target: Type) -> bool:
    if target is Type.UBIGINT:
        return 0 <= value < 2**64
    bits = {Type.SMALLINT: 15, Type.INTEGER: 31, Type.BIGINT: 63}.get(target)
    return bits is not None and -(2**bits) <= value < 2**bits


def parse_timestamp(text: str, position: Position) -> datetime:
    """Return the time of a text such as ``2025-06-01T12:30:00``; its zone is not told.

    Raises
    ------
    QueryError
        If it is no such text, or no day of the calendar.
    """
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is not None:
        numbers = [int(part or 0) for part in match.groups()[:6]]
        micro = int((match[7] or "0").ljust(6, "0"))
        try:
            return datetime(*numbers, micro, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc,arg-type]
        except ValueError:
            pass
    raise error_at(f"not a time: {text!r}; write for instance '2025-06-01T12:30:00'", position)
