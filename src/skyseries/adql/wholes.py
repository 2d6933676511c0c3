"""What integers of any width are compared with: numbers and texts as whole numbers, exactly.

Each side of a comparison is written without the other, so that DuckDB makes a hash join of an
equality. Whole numbers have 128 bits there: all of 64 bits fit, signed and unsigned.
"""

from __future__ import annotations

import re
from typing import TypeGuard

from skyseries.adql.expressions import Constant, Expr, Operation
from skyseries.adql.types import Type

__all__ = ["among_doubles", "beside_integers", "is_whole_text", "whole_of_text"]

_BEYOND = "36893488147419103232"  # 2**65, larger than all integers of 64 bits
_CUT = f"CAST(greatest(least({{rounded}}, {_BEYOND}e0), -{_BEYOND}e0) AS HUGEINT)"
_ROUNDED = {"<": "ceil({0})", ">=": "ceil({0})", "<=": "floor({0})", ">": "floor({0})"}
_DIGITS = "^ *([+-]?0*[0-9]{{1,38}}) *$"  # braces doubled for str.format


def whole_of_text(text: Expr) -> Expr:
    """Return the whole number that a text is: digits, a sign before them, blanks around; or NULL.

    Unlike in CAST, ``1.5`` is not rounded and ``1e3`` not read.
    """
    sql = f"TRY_CAST(regexp_extract({{0}}, '{_DIGITS}', 1) AS HUGEINT)"
    return Operation("WHOLE", (text,), Type.WHOLE, sql)


def is_whole_text(text: Expr) -> TypeGuard[Constant]:
    """Return whether an expression is a constant text that `whole_of_text` is a number of."""
    if not (isinstance(text, Constant) and text.type is Type.TEXT):
        return False
    return re.fullmatch(_DIGITS.format(), str(text.value), re.ASCII) is not None


def beside_integers(operator: str, number: Expr) -> Expr:
    """Return the whole number that integers have this relation to where they have it to a number.

    That is the next one above or below; for ``=`` and ``<>`` the number itself, or where it is not
    whole one that no integer of 64 bits equals. Of NaN it is NULL.

    Parameters
    ----------
    operator : str
        What stands between the integer and the number.
    number : Expr
        ``real`` or ``double``.
    """
    value = _CUT.format(rounded=_ROUNDED.get(operator, "{0}"))
    if operator in ("=", "<>"):
        value = f"CASE WHEN {{0}} = floor({{0}}) THEN {value} ELSE {_BEYOND}::HUGEINT END"
    sql = f"CASE WHEN NOT isnan({{0}}) THEN {value} END"
    return Operation("WHOLE", (number,), Type.WHOLE, sql)


def among_doubles(operator: str, value: int) -> tuple[str, Constant] | None:
    """Return the comparison with a number in double precision that is as one with an integer.

    None: the integer lies between two such numbers, and ``=`` is never true, ``<>`` always.
    """
    near = float(value)
    if near == value:
        return operator, Constant(near, Type.DOUBLE)
    if operator in ("=", "<>"):
        return None
    if near < value:
        operator = "<=" if operator in ("<", "<=") else ">"
    else:
        operator = "<" if operator in ("<", "<=") else ">="
    return operator, Constant(near, Type.DOUBLE)
