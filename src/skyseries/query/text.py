"""DuckDB's text of the parts of a statement over several tables.

Every column of a table or query in FROM has a name that no other one in the statement has, so that
queries in conditions can take columns from outside. The columns of a query are ``r0``, ``r1``, ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pyarrow as pa

from skyseries.adql.comparisons import compare
from skyseries.adql.expressions import (
    And,
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
    Subquery,
    Truth,
    written,
)
from skyseries.adql.lexer import Position
from skyseries.adql.relations import Query
from skyseries.adql.sql import NEGATED, Writer, may_be_nan
from skyseries.adql.types import Type, duckdb_type, from_arrow
from skyseries.errors import QueryError
from skyseries.query.arraywork import is_array_work

__all__ = ["StatementWriter", "cast_to", "in_order", "known", "narrowed", "result_names"]

_CONDITIONS = (And, Or, Not, Compare, IsNull, OneOf, Matches, Truth)


class StatementWriter(Writer):
    """Writes the expressions of one SELECT, queries in them too.

    Parameters
    ----------
    names : mapping of path to str
    query : callable
        Returns the text of a query.
    hoists : bool
        Whether values that are needed more than once are calculated in a SELECT below.
    """

    def __init__(
        self, names: Mapping[Path, str], query: Callable[[Query], str], *, hoists: bool = True
    ) -> None:
        super().__init__(names)
        self._query, self._hoists = query, hoists

    def result(self, expression: Expr) -> str:
        """Return the text of a value in the type that it is declared to have."""
        text = self.value(expression)
        kind = expression.type
        if isinstance(expression, Column) or kind is Type.NULL or not kind.is_scalar:
            return text
        return f"CAST({text} AS {duckdb_type(kind)})"

    def _operand(self, expression: Expr, *, repeated: bool) -> tuple[str, int]:
        return super()._operand(expression, repeated=repeated and self._hoists)

    def _value(self, expression: Expr) -> tuple[str, int]:
        if isinstance(expression, Column) and expression.path not in self._names:
            raise QueryError(
                f"{written(expression.path)} is of a query outside, from which it cannot be taken "
                "here: write the condition with it in WHERE, or in a query in FROM"
            )
        if isinstance(expression, Subquery) and expression.form == "scalar":
            return f"(SELECT r0 FROM ({self._query(expression.query)}))", 0  # noqa: S608
        return super()._value(expression)

    def _operation(self, expression: Operation) -> tuple[str, int]:
        if is_array_work(expression):
            raise QueryError(
                f"{expression.name} takes something from a query outside of the one that it is "
                "in, where that has groups or stands in FROM: calculate it in WHERE, or in a "
                "query in FROM of the outer one"
            )
        return super()._operation(expression)

    def _truth(self, expression: Expr, negated: bool) -> tuple[str, int]:
        if not isinstance(expression, Subquery):
            return super()._truth(expression, negated)
        word = "NOT " if negated else ""
        if expression.form == "exists":
            return f"({word}EXISTS (SELECT 1 FROM ({self._query(expression.query)})))", 0  # noqa: S608
        return self._compared(expression, negated)

    def _compared(self, expression: Subquery, negated: bool) -> tuple[str, int]:
        """Return IN, ANY or ALL; NaN is taken for NULL, with which nothing compares."""
        left, operator, right = _sides(expression)
        text, layer = self._operand(left, repeated=may_be_nan(left))
        inner = Writer({("", ""): "r0"})
        value = known(inner.value(right), right)
        source = inner.source(f"({self._query(expression.query)})")
        rows = f"(SELECT {value} FROM {source})"  # noqa: S608 - no user text
        form = expression.form
        if form == "in":
            test = f"{known(text, left)} {'NOT ' if negated else ''}IN {rows}"
        else:
            if negated:
                operator, form = NEGATED[operator], "any" if form == "all" else "all"
            test = f"{known(text, left)} {operator} {form.upper()} {rows}"
        return f"({test})", layer


def _sides(expression: Subquery) -> tuple[Expr, str, Expr]:
    """Return what is compared, brought to types that go together; the rows are ``("", "")``."""
    field = expression.query.schema.field(0)
    rows = Column(("", ""), from_arrow(field.type), arrow=field.type)
    argument = expression.argument
    assert argument is not None  # noqa: S101 - only EXISTS has none
    if isinstance(argument, Constant) and argument.type.is_number:  # of which nothing is known
        argument = Convert(argument, argument.type)
    test = compare(expression.operator, argument, rows, Position(1, 1))
    if not isinstance(test, Compare):
        raise TypeError(f"a comparison with rows became {test!r}")
    if _has(test.left, rows):  # turned round
        flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
        return test.right, flipped.get(test.operator, test.operator), test.left
    return test.left, test.operator, test.right


def _has(expression: Expr, column: Column) -> bool:
    return expression == column or any(_has(child, column) for child in expression.children)


def known(text: str, expression: Expr) -> str:
    """Return the text of a value with NULL in the place of NaN."""
    return f"CASE WHEN isnan({text}) THEN NULL ELSE {text} END" if may_be_nan(expression) else text


def result_names(count: int) -> list[str]:
    """Return the names of the columns of a query."""
    return [f"r{i}" for i in range(count)]


def cast_to(schema: pa.Schema, have: pa.Schema, *, known_only: bool, widened: bool = False) -> str:
    """Return the columns of a query in the types of another schema, as a part of SELECT.

    Parameters
    ----------
    schema, have : pyarrow.Schema
    known_only : bool
        NULL stands for NaN, so that both count as one value.
    widened : bool
        Whole numbers get 128 bits: they are compared, and may not fit into the type.
    """
    texts = []
    for i, (want, given) in enumerate(zip(schema, have, strict=True)):
        kind, before, text = from_arrow(want.type), from_arrow(given.type), f"r{i}"
        if widened and kind.is_integer:
            text = f"CAST({text} AS HUGEINT)"
        elif kind is not before and kind is not Type.NULL:
            text = f"CAST({text} AS {duckdb_type(kind)})"
        column = Column((text,), kind)
        texts.append(f"{known(text, column) if known_only else text} AS r{i}")
    return ", ".join(texts)


def narrowed(schema: pa.Schema) -> str:
    """Return the columns of what `cast_to` has widened in their types, as a part of SELECT."""
    kinds = [from_arrow(field.type) for field in schema]
    return ", ".join(
        f"CAST(r{i} AS {duckdb_type(kind)}) AS r{i}" if kind.is_integer else f"r{i}"
        for i, kind in enumerate(kinds)
    )


def in_order(terms: Iterable[tuple[str, Expr, bool]]) -> str:
    """Return what follows ORDER BY: NaN after all numbers, NULL after that, in both directions.

    Parameters
    ----------
    terms : iterable of (str, Expr, bool)
        Columns, what they hold, and whether they descend.
    """
    parts: list[str] = []
    for name, value, descends in terms:
        if may_be_nan(value):
            parts += [f"{name} IS NULL", f"isnan({name})"]
        parts.append(f"{name}{' DESC' if descends else ''} NULLS LAST")
    return ", ".join(parts)
