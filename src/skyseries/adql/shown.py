"""A typed expression as text for people: what a plan says of its conditions."""

from __future__ import annotations

from skyseries.adql.expressions import (
    Aggregate,
    And,
    Choice,
    Column,
    Compare,
    Constant,
    Convert,
    Expr,
    IsNull,
    Matches,
    Not,
    OneOf,
    Operation,
    Or,
    Subquery,
    Truth,
    written,
)

__all__ = ["shown"]

_FEW = 3


def shown(expression: Expr) -> str:
    """Return how an expression could be written.

    Parameters
    ----------
    expression : Expr
    """
    match expression:
        case Column():
            return written(expression.path)
        case Constant():
            return _constant(expression)
        case And() | Or():
            word = " AND " if isinstance(expression, And) else " OR "
            return f"({word.join(map(shown, expression.arguments))})"
        case Not():
            return f"NOT {shown(expression.argument)}"
        case Compare():
            return f"{shown(expression.left)} {expression.operator} {shown(expression.right)}"
        case IsNull():
            return f"{shown(expression.argument)} IS NULL"
        case Truth() | Convert():
            return shown(expression.argument)
        case Operation(name="WHOLE"):
            return shown(expression.arguments[0])
        case OneOf():
            values = [repr(value) for value in expression.values[:_FEW]]
            more = [f"... {len(expression.values):,}"] if len(expression.values) > _FEW else []
            return f"{shown(expression.argument)} IN ({', '.join([*values, *more])})"
        case Matches():
            return f"{shown(expression.argument)} LIKE {shown(expression.pattern)}"
        case Subquery():
            return "(SELECT ...)"
        case Choice():
            return "CASE ... END"
        case Aggregate():
            inner = "*" if expression.argument is None else shown(expression.argument)
            return f"{expression.name}({inner})"
        case Operation():
            return _operation(expression)
        case _:
            return "..."


def _constant(constant: Constant) -> str:
    if constant.value is None:
        return "NULL"
    if constant.type.is_geometry:
        return f"{constant.type.name}{constant.value}"
    number = isinstance(constant.value, int | float) or constant.type.is_number
    return str(constant.value) if number else repr(str(constant.value))


def _operation(operation: Operation) -> str:
    parts = list(map(shown, operation.arguments))
    if operation.name.isidentifier() or len(parts) != 2:
        return f"{operation.name}({', '.join(parts)})"
    return f"({parts[0]} {operation.name} {parts[1]})"
