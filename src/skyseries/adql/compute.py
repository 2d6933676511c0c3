"""The simple part of the language in `pyarrow.compute`: the same values as DuckDB's, sooner.

DuckDB needs about a millisecond to begin and 10 ns a row to hand a mask over; comparisons and
arithmetic of numbers need 1-3 ns a row here. `supported` says what can be done; everything else
is DuckDB's.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.adql.expressions import (
    And,
    Column,
    Compare,
    Constant,
    Convert,
    Expr,
    IsNull,
    Not,
    OneOf,
    Operation,
    Or,
    Path,
    Truth,
)
from skyseries.adql.sql import NEGATED, may_be_nan
from skyseries.adql.types import Type, arrow_type
from skyseries.lazy import pc

__all__ = ["supported", "truth", "value"]

_COMPARE = {
    "=": pc.equal, "<>": pc.not_equal, "<": pc.less, "<=": pc.less_equal,
    ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip
_MANY = 8
"""From so many values on, numbers with a point in IN are DuckDB's (0.0 and -0.0 hash apart)."""

_SIZES = {Type.SMALLINT: 15, Type.INTEGER: 31, Type.BIGINT: 63}


def supported(expression: Expr) -> bool:
    """Return whether an expression can be evaluated here."""
    match expression:
        case Column():
            return expression.type.is_scalar and expression.type is not Type.BINARY
        case Constant():
            return expression.type.is_number or expression.type is Type.BOOLEAN
        case Convert():
            return _converts(expression) and supported(expression.argument)
        case Operation():
            return expression.compute is not None and all(map(supported, expression.arguments))
        case Compare():
            return _compares(expression)
        case OneOf():
            kind = expression.argument.type
            few = not kind.is_floating or len(expression.values) < _MANY
            known = kind.is_number or kind is Type.TEXT
            return known and few and supported(expression.argument)
        case And() | Or() | Not() | IsNull() | Truth():
            return all(map(supported, expression.children))
        case _:
            return False


def value(
    expression: Expr, columns: Mapping[Path, Any], known: dict[int, Any] | None = None
) -> Any:
    """Return the values: an Arrow array, or a scalar if no column is involved.

    Parameters
    ----------
    expression : Expr
    columns : mapping of path to array
    known : dict, optional
        Values of parts by their `id`, where one part stands in several places.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a whole number does not fit in 64 bits.
    """
    match expression:
        case Column():
            return columns[expression.path]
        case Constant():
            number = expression.value
            number = float(number) if isinstance(number, Decimal) else number
            return pa.scalar(number, arrow_type(expression.type))
        case Convert():
            # an int64 beyond 2^53 is rounded, as everywhere
            return pc.cast(
                value(expression.argument, columns, known),
                arrow_type(expression.target),
                safe=False,
            )
        case Operation():
            return _operation(expression, columns, {} if known is None else known)
        case _:
            true, false = truth(expression, columns), truth(expression, columns, negated=True)
            true, false = pc.fill_null(true, False), pc.fill_null(false, False)
            return pc.if_else(pc.or_(true, false), true, None)


def truth(expression: Expr, columns: Mapping[Path, Any], *, negated: bool = False) -> Any:
    """Return where a condition, or its opposite, is true; elsewhere false or null."""
    match expression:
        case And() | Or():
            together = pc.and_ if isinstance(expression, And) is not negated else pc.or_kleene
            parts = (truth(a, columns, negated=negated) for a in expression.arguments)
            return reduce(together, parts)
        case Not():
            return truth(expression.argument, columns, negated=not negated)
        case Compare():
            return _compare(expression, columns, negated)
        case IsNull():
            missing = pc.is_null(value(expression.argument, columns), nan_is_null=True)
            return pc.invert(missing) if negated else missing
        case OneOf():
            return _one_of(expression, columns, negated)
        case _:
            known = value(expression.children[0], columns)
            return pc.invert(known) if negated else known


def _operation(expression: Operation, columns: Mapping[Path, Any], known: dict[int, Any]) -> Any:
    if id(expression) not in known:
        arguments = [value(argument, columns, known) for argument in expression.arguments]
        known[id(expression)] = pc.call_function(str(expression.compute), arguments)
    return known[id(expression)]


def _converts(expression: Convert) -> bool:
    source = expression.argument.type
    if expression.target is Type.DOUBLE:
        return source.is_number
    return expression.target is Type.BIGINT and source in (Type.SMALLINT, Type.INTEGER)


def _compares(expression: Compare) -> bool:
    left, right = expression.left, expression.right
    if not ((supported(left) and supported(right)) or _text_test(expression)):
        return False
    if Type.UBIGINT not in (left.type, right.type):
        return not isinstance(right, Constant) or _fits(right, left.type)
    return _fits(right, left.type) if isinstance(right, Constant) else left.type is right.type


def _text_test(expression: Compare) -> bool:
    constant = isinstance(expression.right, Constant) and expression.right.type is Type.TEXT
    return constant and isinstance(expression.left, Column)


def _fits(constant: Constant, kind: Type) -> bool:
    """Return whether an integer constant can be written in the type of its neighbour."""
    number = constant.value
    if not kind.is_integer or not isinstance(number, int):
        return True
    return 0 <= number < 2**64 if kind is Type.UBIGINT else -(2**63) <= number < 2**63


def _compare(expression: Compare, columns: Mapping[Path, Any], negated: bool) -> Any:
    operator = NEGATED[expression.operator] if negated else expression.operator
    left = value(expression.left, columns)
    if isinstance(expression.right, Constant):
        left, right = _beside(left, expression.right)
    else:
        right = value(expression.right, columns)
    result = _COMPARE[operator](left, right)
    if operator == "<>":  # NaN differs from everything, and is missing
        for side, values in ((expression.left, left), (expression.right, right)):
            if may_be_nan(side):
                result = pc.and_(result, pc.invert(pc.is_nan(values)))
    return result


def _beside(left: Any, right: Constant) -> tuple[Any, Any]:
    """Return an array and a scalar of one type, the array's if it can hold the constant."""
    number = right.value
    if isinstance(number, Decimal):
        number = float(number)
    try:
        return left, pa.scalar(number, left.type)
    except (pa.ArrowInvalid, OverflowError):
        return left.cast(pa.int64()), pa.scalar(number, pa.int64())


def _one_of(expression: OneOf, columns: Mapping[Path, Any], negated: bool) -> Any:
    values = value(expression.argument, columns)
    if expression.argument.type.is_floating:
        numbers = [pa.scalar(number, values.type) for number in map(_number, expression.values)]
        tests = [pc.equal(values, number) for number in numbers]
        found = reduce(pc.or_, tests, _nothing(values))
    else:
        found = pc.is_in(values, value_set=_value_set(expression.values, values.type))
    if not negated:
        return found
    return pc.and_not(pc.invert(found), pc.is_null(values, nan_is_null=True))


def _value_set(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    if pa.types.is_integer(kind):
        limits = np.iinfo(kind.to_pandas_dtype())
        values = tuple(v for v in values if limits.min <= v <= limits.max)
    return pa.array(values, kind)


def _nothing(values: Any) -> Any:
    return pc.and_(pc.is_null(values), False)


def _number(number: Any) -> float:
    return float(number)
