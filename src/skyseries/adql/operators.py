"""Arithmetic and the other operators of values, with the types of their results."""

from __future__ import annotations

from skyseries.adql.constants import convert
from skyseries.adql.dialect import Dialect
from skyseries.adql.expressions import Constant, Convert, Expr, Operation
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.types import Type, common_type
from skyseries.adql.units import check_one_unit, scaled, unit_of_operator
from skyseries.units import conversion_factor

__all__ = ["arithmetic", "coalesce", "concatenate", "in_unit", "negate", "same_type"]

_COMPUTE = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_CHECKED = {"+": "add_checked", "-": "subtract_checked", "*": "multiply_checked"}


def arithmetic(
    operator: str, left: Expr, right: Expr, position: Position, dialect: Dialect
) -> Expr:
    """Return ``+ - * /`` of two numbers.

    Raises
    ------
    QueryError
        If one is no number, or in the Python dialect for int / int.
    """
    for side in (left, right):
        if not (side.type.is_number or side.type is Type.NULL):
            advice = "; texts are joined with ||" if side.type is Type.TEXT else ""
            raise error_at(f"{operator} takes numbers, not a {side.type.value}{advice}", position)
    if operator != "*":
        check_one_unit((left, right), position)
    unit = unit_of_operator(operator, left, right)
    if left.type.is_integer and right.type.is_integer:
        if operator == "/" and dialect.kind:
            raise error_at(
                "both sides of / are whole numbers, and ADQL would cut the result to a whole"
                " number: write 1.0 * a / b",
                position,
            )
        return _integers(operator, left, right, unit)
    single = left.type is Type.REAL and right.type is Type.REAL
    kind = Type.REAL if single else Type.DOUBLE
    return Operation(
        operator,
        (convert(left, kind), convert(right, kind)),
        kind,
        f"({{0}} {operator} {{1}})",
        _COMPUTE[operator],
        unit,
    )


def negate(operand: Expr) -> Expr:
    """Return the number with the other sign; an integer as a signed one of 64 bits."""
    if operand.type is Type.UBIGINT:
        sql, kind = "CAST(-({0}::HUGEINT) AS BIGINT)", Type.BIGINT
        return Operation("-", (operand,), kind, sql, None, operand.unit)
    if operand.type.is_integer:
        sql = "(0::BIGINT - {0})"  # DuckDB's minus gives HUGEINT for the smallest integer
        argument = convert(operand, Type.BIGINT)
        return Operation("-", (argument,), Type.BIGINT, sql, "negate_checked", operand.unit)
    return Operation("-", (operand,), operand.type, "(-{0})", "negate", operand.unit)


def concatenate(left: Expr, right: Expr, position: Position) -> Expr:
    """Return two texts one after the other.

    Raises
    ------
    QueryError
        If one is no text.
    """
    for side in (left, right):
        if side.type not in (Type.TEXT, Type.NULL):
            raise error_at(
                f"|| joins texts, not a {side.type.value}: write CAST(x AS VARCHAR)", position
            )
    arguments = (convert(left, Type.TEXT), convert(right, Type.TEXT))
    return Operation("||", arguments, Type.TEXT, "({0} || {1})")


def coalesce(arguments: list[Expr], position: Position) -> Expr:
    """Return the first value that is not missing.

    Raises
    ------
    QueryError
        If the types do not go together.
    """
    if not arguments:
        raise error_at("COALESCE needs at least one value", position)
    converted = same_type(arguments, "COALESCE", position)
    kind = converted[0].type
    parts = [f"{{{index}}}" for index in range(len(converted))]
    if kind.is_floating:  # NaN is passed over too; the last one is taken as it is
        parts[:-1] = [f"CASE WHEN isnan({p}) THEN NULL ELSE {p} END" for p in parts[:-1]]
    units = {a.unit for a in arguments if not isinstance(a, Constant)}
    unit = units.pop() if len(units) == 1 else None
    return Operation(
        "COALESCE", tuple(converted), kind, f"coalesce({', '.join(parts)})", None, unit
    )


def same_type(arguments: list[Expr], word: str, position: Position) -> list[Expr]:
    """Return values that one result is chosen from in a type that holds them all.

    Raises
    ------
    QueryError
        If there is none, or their units differ.
    """
    kind = common_type([a.type for a in arguments])
    if kind is Type.UBIGINT and any(_is_below_zero(a) for a in arguments):
        kind = Type.BIGINT
    if kind is None or not (kind.is_scalar or kind is Type.NULL):
        names = ", ".join(dict.fromkeys(a.type.value for a in arguments))
        raise error_at(f"{word} cannot choose between these types: {names}", position)
    check_one_unit(arguments, position)
    return [convert(a, kind) for a in arguments]


def in_unit(arguments: list[Expr], position: Position) -> Expr:
    """Return a value in another unit: multiplied by a constant.

    Raises
    ------
    QueryError
        If the unit of the value is not known, or cannot be converted.
    """
    if len(arguments) != 2:
        raise error_at("IN_UNIT takes a value and a unit: IN_UNIT(pmra, 'arcsec/yr')", position)
    value, unit = arguments
    if not isinstance(unit, Constant) or unit.type is not Type.TEXT:
        raise error_at("the unit in IN_UNIT is a constant text, such as 'mJy'", position)
    if not value.type.is_number:
        raise error_at(f"IN_UNIT takes a number, not a {value.type.value}", position)
    if isinstance(value, Constant) or not value.unit:
        raise error_at("the unit of the value in IN_UNIT is not known", position)
    try:
        factor = conversion_factor(value.unit, str(unit.value))
    except ValueError as error:
        raise error_at(f"IN_UNIT: {error}", position) from None
    return scaled(value, factor, str(unit.value))


def _integers(operator: str, left: Expr, right: Expr, unit: str | None) -> Expr:
    unsigned = Type.UBIGINT in (left.type, right.type)
    if unsigned:
        kind = Type.BIGINT if operator == "-" else Type.UBIGINT
        if not (_unsigned(left) and _unsigned(right)):
            kind = Type.BIGINT
        first, second = "{0}::HUGEINT", "{1}::HUGEINT"
    else:
        kind, first, second = Type.BIGINT, "{0}", "{1}"
        left, right = convert(left, kind), convert(right, kind)
    if operator == "/":
        sql = f"({first} // nullif({second}, 0))"  # // cuts towards zero, and 0 is an error
    else:
        sql = f"({first} {operator} {second})"
    if unsigned:
        sql = f"CAST({sql} AS {'BIGINT' if kind is Type.BIGINT else 'UBIGINT'})"
    compute = None if unsigned else _CHECKED.get(operator)
    return Operation(operator, (left, right), kind, sql, compute, unit)


def _is_below_zero(expression: Expr) -> bool:
    """Return whether a value is a constant below zero."""
    value = expression.value if isinstance(expression, Constant) else None
    return isinstance(value, int) and value < 0


def _unsigned(expression: Expr) -> bool:
    """Return whether a value is never below zero by its type, or because it is constant."""
    if isinstance(expression, Constant):
        return isinstance(expression.value, int) and expression.value >= 0
    if isinstance(expression, Convert):
        return _unsigned(expression.argument)
    return expression.type is Type.UBIGINT
