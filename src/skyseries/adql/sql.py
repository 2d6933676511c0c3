"""The typed tree as text for DuckDB.

Columns appear under names that we generate, because DuckDB ignores the case even of names in
double quotes. What a user wrote arrives as escaped constants only.

A condition is written so that it is true exactly where it is true in ADQL; elsewhere it is false
or NULL. Negations are carried down to the comparisons (NOT a < b is a >= b; both are unknown for
missing values), so that one cheap test keeps NaN out: DuckDB holds NaN for the largest number
and equal to itself, and only ``>``, ``>=``, ``=`` and ``<>`` let it pass on some side.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

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
    Path,
    Truth,
)
from skyseries.adql.types import Type, duckdb_type
from skyseries.errors import InputError

__all__ = ["NEGATED", "Writer", "constant_sql", "may_be_nan"]

NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
"""The comparison that is true where another is false."""

_INFINITY = {Type.DOUBLE: "'Infinity'::DOUBLE", Type.REAL: "'Infinity'::FLOAT"}


class Writer:
    """Writes the expressions of one SELECT.

    A value that an operation needs more than once is calculated once, in a SELECT inside of it:
    else the text would double with every level.

    Parameters
    ----------
    names : mapping of path to str
        The column of the table behind each path.
    """

    def __init__(self, names: Mapping[Path, str]) -> None:
        self._names = names
        self._layers: list[list[str]] = []
        self._hoisted: dict[Expr, tuple[str, int]] = {}

    def source(self, table: str) -> str:
        """Return what follows FROM, once all expressions are written."""
        text = table
        for layer in self._layers:
            text = f"(SELECT *, {', '.join(layer)} FROM {text})"  # noqa: S608 - no user text
        return text

    def value(self, expression: Expr) -> str:
        """Return the text of a value; a condition is true, false or NULL."""
        return self._value(expression)[0]

    def truth(self, expression: Expr, *, negated: bool = False) -> str:
        """Return the text of a condition, or of its opposite: true, or else false or NULL."""
        return self._truth(expression, negated)[0]

    def _value(self, expression: Expr) -> tuple[str, int]:
        """Return a text and the number of layers that lie below it."""
        match expression:
            case Column():
                return self._names[expression.path], 0
            case Constant():
                return constant_sql(expression.value, expression.type), 0
            case Convert():
                text, layer = self._operand(expression.argument, repeated=True)
                return _convert(expression, text), layer
            case Operation():
                return self._operation(expression)
            case Choice():
                return self._choice(expression)
            case Aggregate():
                raise InputError(
                    f"{expression.name} aggregates: calculate it first (see split_aggregates)"
                )
            case _:
                true, layer = self._truth(expression, False)
                false, other = self._truth(expression, True)
                text = f"CASE WHEN {true} THEN TRUE WHEN {false} THEN FALSE END"
                return f"({text})", max(layer, other)

    def _operation(self, expression: Operation) -> tuple[str, int]:
        if expression.kernel is not None:
            raise InputError(
                f"{expression.name} is a kernel: calculate it first (see split_kernels)"
            )
        texts, layer = [], 0
        for index, argument in enumerate(expression.arguments):
            twice = expression.arguments.count(argument) > 1
            repeated = twice or expression.sql.count(f"{{{index}}}") > 1
            text, below = self._operand(argument, repeated=repeated)
            texts.append(text)
            layer = max(layer, below)
        return f"({expression.sql.format(*texts)})", layer

    def _choice(self, expression: Choice) -> tuple[str, int]:
        *pairs, last = expression.arguments
        texts, layers = ["CASE"], [0]
        for test, value in zip(pairs[::2], pairs[1::2], strict=True):
            (when, one), (then, two) = self._truth(test, False), self._value(value)
            texts.append(f"WHEN {when} THEN {then}")
            layers += [one, two]
        otherwise, layer = self._value(last)
        return f"({' '.join(texts)} ELSE {otherwise} END)", max(*layers, layer)

    def _operand(self, expression: Expr, *, repeated: bool) -> tuple[str, int]:
        if not repeated or isinstance(expression, Column | Constant):
            return self._value(expression)
        if expression not in self._hoisted or _is_random(expression):
            text, layer = self._value(expression)
            name = f"h{sum(map(len, self._layers))}"
            if layer == len(self._layers):
                self._layers.append([])
            self._layers[layer].append(f"{text} AS {name}")
            self._hoisted[expression] = (name, layer + 1)
        return self._hoisted[expression]

    def _truth(self, expression: Expr, negated: bool) -> tuple[str, int]:
        match expression:
            case And() | Or():
                word = "AND" if isinstance(expression, And) is not negated else "OR"
                parts = [self._truth(argument, negated) for argument in expression.arguments]
                text = f" {word} ".join(part for part, _ in parts)
                return f"({text})", max(layer for _, layer in parts)
            case Not():
                return self._truth(expression.argument, not negated)
            case Compare():
                return self._compare(expression, negated)
            case IsNull():
                text, layer = self._operand(expression.argument, repeated=True)
                return _is_null(expression.argument, text, negated), layer
            case OneOf():
                return self._one_of(expression, negated)
            case Matches():
                left, one = self._value(expression.argument)
                right, two = self._value(expression.pattern)
                word = "ILIKE" if expression.insensitive else "LIKE"
                word = f"NOT {word}" if negated else word
                return f"({left} {word} {right})", max(one, two)
            case Truth():
                text, layer = self._value(expression.argument)
                return (f"(NOT {text})" if negated else text), layer
            case _:
                raise InputError(f"not a condition: {expression}")

    def _compare(self, expression: Compare, negated: bool) -> tuple[str, int]:
        operator = NEGATED[expression.operator] if negated else expression.operator
        guards = [
            side
            for side in _guarded(operator, expression.left, expression.right)
            if may_be_nan(side)
        ]
        left, one = self._operand(expression.left, repeated=expression.left in guards)
        right, two = self._operand(expression.right, repeated=expression.right in guards)
        text = f"{left} {operator} {right}"
        for side in guards:
            guarded = left if side is expression.left else right
            text += f" AND {guarded} <= {_INFINITY[side.type]}"
        return f"({text})", max(one, two)

    def _one_of(self, expression: OneOf, negated: bool) -> tuple[str, int]:
        argument = expression.argument
        guard = negated and may_be_nan(argument)
        text, layer = self._operand(argument, repeated=guard)
        if not expression.values:
            return (_is_null(argument, text, True) if negated else "FALSE"), layer
        values = ", ".join(constant_sql(value, argument.type) for value in expression.values)
        test = f"{text} {'NOT IN' if negated else 'IN'} ({values})"
        if guard:
            test += f" AND {text} <= {_INFINITY[argument.type]}"
        return f"({test})", layer


def constant_sql(value: object, kind: Type) -> str:
    """Return a constant as text."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int) and not kind.is_floating:
        return _integer_sql(value, kind)
    if isinstance(value, int | float | Decimal):
        number = float(value)
        if number in (float("inf"), float("-inf")):
            return f"'{'-' if number < 0 else ''}Infinity'::{duckdb_type(kind)}"
        # without an exponent DuckDB reads a DECIMAL, which rounds otherwise
        text = repr(number) if "e" in repr(number) else f"{number!r}e0"
        return f"({text})" if kind is Type.DOUBLE else f"({text})::{duckdb_type(kind)}"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    escaped = str(value).replace("'", "''")
    return f"'{escaped}'"


def may_be_nan(expression: Expr) -> bool:
    """Return whether a value can be NaN."""
    if not expression.type.is_floating or isinstance(expression, Constant):
        return False
    return not (isinstance(expression, Convert) and expression.argument.type.is_integer)


def _integer_sql(value: int, kind: Type) -> str:
    limits = {
        Type.SMALLINT: (-(2**15), 2**15),
        Type.INTEGER: (-(2**31), 2**31),
        Type.BIGINT: (-(2**63), 2**63),
        Type.UBIGINT: (0, 2**64),
    }
    low, high = limits.get(kind, (0, 0))
    return f"({value})::{duckdb_type(kind) if low <= value < high else 'HUGEINT'}"


def _guarded(operator: str, left: Expr, right: Expr) -> tuple[Expr, ...]:
    """Return the sides whose NaN DuckDB would let pass."""
    if operator in ("<", "<="):
        return (right,)
    if operator in (">", ">="):
        return (left,)
    if operator == "=":
        return (left,) if may_be_nan(left) and may_be_nan(right) else ()
    return (left, right)


def _is_random(expression: Expr) -> bool:
    random = isinstance(expression, Operation) and "random()" in expression.sql
    return random or any(map(_is_random, expression.children))


def _is_null(argument: Expr, text: str, negated: bool) -> str:
    if may_be_nan(argument):
        infinity = _INFINITY[argument.type]
        return f"({text} <= {infinity})" if negated else f"({text} IS NULL OR isnan({text}))"
    return f"({text} IS {'NOT ' if negated else ''}NULL)"


def _convert(expression: Convert, text: str) -> str:
    source, target = expression.argument.type, expression.target
    if target.is_integer and source.is_floating:
        text = f"CASE WHEN isnan({text}) THEN NULL ELSE {text} END"
    converted = f"CAST({text} AS {duckdb_type(target)})"
    if expression.attempt:
        converted = f"TRY_{converted}"
    elif source is Type.TEXT and target is not Type.TEXT:  # what is no number is NULL
        converted = f"TRY_{converted}"
        if target.is_integer:  # but a number that does not fit is an error, as elsewhere
            number = f"TRY_CAST({text} AS DOUBLE) <= {_INFINITY[Type.DOUBLE]}"
            converted = f"CASE WHEN {number} THEN {converted[4:]} END"
    if target is Type.TEXT and source is Type.TIMESTAMP:
        converted = f"replace({converted}, ' ', 'T')"
    if expression.length is not None:
        converted = f"substr({converted}, 1, {expression.length})"
    return converted
