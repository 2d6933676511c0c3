"""From the tree as written to the typed tree: names, types, units, levels.

What ADQL leaves open, and how it is decided here:

- Integers are calculated in 64 bits; a result that does not fit is an error when it is met.
  int / int cuts towards zero in ADQL; the Python dialect refuses it. Division of an integer by
  zero gives NULL, of a number with a point ±inf or NaN.
- ``real`` with ``real`` stays ``real``; with anything else it is calculated in double precision.
- NaN is a missing value, as NULL is: no comparison is true for it, nor for NOT of one;
  ``IS NULL`` is; COALESCE and aggregates pass it over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pyarrow as pa

from skyseries.adql import tree
from skyseries.adql.aggregates import AGGREGATES, KIND_AGGREGATES, aggregate
from skyseries.adql.calls import call
from skyseries.adql.comparisons import compare, one_of
from skyseries.adql.constants import constant, convert, negated, parse_timestamp
from skyseries.adql.dialect import PYTHON, Dialect
from skyseries.adql.expressions import (
    Aggregate,
    And,
    Choice,
    Column,
    Constant,
    Convert,
    Expr,
    IsNull,
    Matches,
    Not,
    Or,
    Subquery,
    Truth,
)
from skyseries.adql.geometry import text_shape
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.operators import (
    arithmetic,
    coalesce,
    concatenate,
    in_unit,
    negate,
    same_type,
)
from skyseries.adql.parser import parse_condition, parse_expression
from skyseries.adql.scope import Scope
from skyseries.adql.types import Type, from_arrow
from skyseries.errors import InputError

if TYPE_CHECKING:
    from skyseries.adql.relations import Query

__all__ = ["Resolver", "resolve_condition", "resolve_value"]

_CAST_TYPES = {
    "BOOLEAN": Type.BOOLEAN,
    "SMALLINT": Type.SMALLINT,
    "INTEGER": Type.INTEGER,
    "BIGINT": Type.BIGINT,
    "REAL": Type.REAL,
    "DOUBLE PRECISION": Type.DOUBLE,
    "CHAR": Type.TEXT,
    "VARCHAR": Type.TEXT,
    "TIMESTAMP": Type.TIMESTAMP,
    "POINT": Type.POINT,
    "CIRCLE": Type.CIRCLE,
    "POLYGON": Type.POLYGON,
}


def resolve_condition(
    text: str, scope: Scope, dialect: Dialect = PYTHON, *, grouped: bool = False
) -> Expr:
    """Read a condition and look up its names.

    Parameters
    ----------
    text : str
        Such as ``g_mag < 20 AND COUNT(lc.mjd) > 30``.
    scope : Scope
        The columns and functions.
    dialect : Dialect
        `PYTHON` or `STRICT`.
    grouped : bool
        Whether aggregates over rows are allowed (HAVING).

    Returns
    -------
    Expr
        Its type is boolean.

    Raises
    ------
    QueryError
        With line and column.
    """
    node = parse_condition(text, dialect, scope.names)
    return Resolver(scope, dialect, grouped=grouped).condition(node)


def resolve_value(
    text: str, scope: Scope, dialect: Dialect = PYTHON, *, grouped: bool = False
) -> Expr:
    """Read a value and look up its names.

    Parameters
    ----------
    text : str
        Such as ``g_mag - r_mag``; in the Python dialect also a condition, whose value is true,
        false or NULL.
    scope, dialect, grouped
        As for `resolve_condition`.

    Raises
    ------
    QueryError
        With line and column.
    """
    node = parse_expression(text, dialect, scope.names)
    return Resolver(scope, dialect, grouped=grouped).result(node)


class Resolver:
    """Looks up one expression.

    Parameters
    ----------
    scope, dialect, grouped
        As for `resolve_condition`.
    refused : str, optional
        What is said of an aggregate over rows where there may be none.
    subquery : callable, optional
        Resolves a query inside of the expression.
    """

    def __init__(
        self,
        scope: Scope,
        dialect: Dialect = PYTHON,
        *,
        grouped: bool = False,
        refused: str | None = None,
        subquery: Callable[[tree.Query], Query] | None = None,
    ) -> None:
        self.scope = scope
        self.dialect = dialect
        self._grouped = grouped
        self._refused = refused
        self._subquery = subquery

    def condition(self, node: tree.Node) -> Expr:
        """Return the condition that a node means.

        Raises
        ------
        QueryError
            If it is none.
        """
        expression = self._condition(node)
        return self._checked(expression, node.position)

    def result(self, node: tree.Node) -> Expr:
        """Return what a column can be made of: a value, or in the Python dialect a condition.

        Raises
        ------
        QueryError
            If it is neither.
        """
        if not tree.is_condition(node):
            return self.value(node)
        if not self.dialect.kind:
            raise error_at("this is a condition; a value is needed here", node.position)
        return self.condition(node)

    def output(self, node: tree.Node) -> Expr:
        """Return what a column of a result is made of: one value for each row.

        Of a field of a light curve that is all its epochs, a list.

        Raises
        ------
        QueryError
            If it is calculated for each epoch.
        """
        found = self.result(node)
        if isinstance(found, Column) and found.nested is not None and found.arrow is not None:
            return replace(found, kind=Type.LIST, nested=None, arrow=pa.list_(found.arrow))
        return self._of_rows(found, node.position)

    def test(self, node: tree.Node) -> Expr:
        """Return a condition on rows.

        Raises
        ------
        QueryError
            If it is none, or one on each epoch.
        """
        return self._of_rows(self.condition(node), node.position)

    def key(self, node: tree.Node) -> Expr:
        """Return what rows are grouped by: one value for each row, which can be compared.

        Raises
        ------
        QueryError
            If it is none.
        """
        found = self._of_rows(self.value(node), node.position)
        if not found.type.is_scalar:
            _fail(f"{node} is a {found.type.value}; rows are grouped by values", node.position)
        return found

    def _of_rows(self, expression: Expr, position: Position) -> Expr:
        if expression.level is not None:
            _fail(
                f"this has a value for each epoch of {_curve(expression.level)}: ask the table of "
                "its epochs, or aggregate it, as in AVG(...)",
                position,
            )
        return expression

    def value(self, node: tree.Node) -> Expr:
        """Return the value that a node means.

        Raises
        ------
        QueryError
            If it is none.
        """
        match node:
            case tree.Literal():
                expression: Expr = constant(node.value, node.position)
            case tree.ColumnRef():
                expression = self.scope.column(node)
            case tree.Unary():
                expression = self._sign(node)
            case tree.Binary():
                expression = self._binary(node)
            case tree.Call():
                expression = self._call(node)
            case tree.Cast():
                expression = self._cast(node)
            case tree.Case():
                expression = self._case(node)
            case tree.Scalar():
                expression = Subquery("scalar", self._one_column(node.query))
            case tree.Star():
                _fail("an asterisk stands only in COUNT(*)", node.position)
            case _:
                _fail("this is a condition; a value is needed here", node.position)
        return self._checked(expression, node.position)

    def _checked(self, expression: Expr, position: Position) -> Expr:
        """Return the expression if its parts do not belong to different light curves."""
        levels = sorted({c.level for c in expression.children if c.level is not None})
        if len(levels) > 1:
            one, two = (_curve(level) for level in levels[:2])
            _fail(
                f"{one} and {two} have different epochs and cannot be combined in one"
                " expression; aggregate one of them first, as in AVG(...)",
                position,
            )
        return expression

    def _condition(self, node: tree.Node) -> Expr:
        match node:
            case tree.And():
                return And(tuple(self.condition(operand) for operand in node.operands))
            case tree.Or():
                return Or(tuple(self.condition(operand) for operand in node.operands))
            case tree.Not():
                return Not(self.condition(node.operand))
            case tree.Comparison():
                return self._comparison(node)
            case tree.Between():
                return self._between(node)
            case tree.In():
                values = [self._side(value) for value in node.values]
                found = one_of(self.value(node.operand), values, node.position)
                return Not(found) if node.negated else found
            case tree.Like():
                return self._like(node)
            case tree.Exists():
                return Subquery("exists", self._resolved(node.query))
            case tree.InQuery():
                inside = self._compared_query("in", "=", node.operand, node.query, node.position)
                return Not(inside) if node.negated else inside
            case tree.Quantified():
                form = node.quantifier.lower()
                return self._compared_query(
                    form, node.operator, node.left, node.query, node.position
                )
            case tree.IsNull():
                missing = IsNull(self.value(node.operand))
                return Not(missing) if node.negated else missing
            case _:
                return self._truth(node)

    def _resolved(self, query: tree.Query) -> Query:
        if self._subquery is None:
            _fail("a query has no place here", query.position)
        return self._subquery(query)

    def _one_column(self, query: tree.Query) -> Query:
        found = self._resolved(query)
        if len(found.schema) != 1:
            _fail(
                f"this query stands for one value, and has {len(found.schema)} columns",
                query.position,
            )
        return found

    def _compared_query(
        self, form: str, operator: str, left: tree.Node, query: tree.Query, position: Position
    ) -> Expr:
        argument, rows = self.value(left), self._one_column(query)
        field = rows.schema.field(0)
        column = Column((field.name,), from_arrow(field.type), arrow=field.type)
        compare(operator, argument, column, position)  # says so if the types do not go together
        return Subquery(form, rows, argument, operator)

    def _case(self, node: tree.Case) -> Expr:
        tests = [self._when(node.operand, when) for when in node.whens]
        values = [self.value(when.value) for when in node.whens]
        last = Constant(None, Type.NULL) if node.otherwise is None else self.value(node.otherwise)
        *values, last = same_type([*values, last], "CASE", node.position)
        parts = (part for pair in zip(tests, values, strict=True) for part in pair)
        return Choice((*parts, last), last.type)

    def _when(self, operand: tree.Node | None, when: tree.When) -> Expr:
        if operand is None:
            return self.condition(when.test)
        return compare("=", self.value(operand), self._side(when.test), when.position)

    def _nullif(self, arguments: list[Expr], position: Position) -> Expr:
        if len(arguments) != 2:
            _fail(f"NULLIF takes two values, not {len(arguments)}", position)
        first, second = arguments
        nothing, value = same_type([Constant(None, Type.NULL), first], "NULLIF", position)
        return Choice((compare("=", first, second, position), nothing, value), value.type)

    def _truth(self, node: tree.Node) -> Expr:
        value = self.value(node)
        if value.type is not Type.BOOLEAN:
            _fail(
                f"a condition is needed here; this is a value of type {value.type.value}",
                node.position,
            )
        return Truth(value)

    def _comparison(self, node: tree.Comparison) -> Expr:
        left, right = self.value(node.left), self._side(node.right)
        word = any(isinstance(side, Constant) and side.value is None for side in (left, right))
        if self.dialect.kind and word:
            _fail("nothing equals NULL: write IS NULL or IS NOT NULL", node.position)
        return compare(node.operator, left, right, node.position)

    def _side(self, node: tree.Node) -> Expr:
        """Return what is compared; of a name that is no column it is said how texts are written."""
        if isinstance(node, tree.ColumnRef):
            return self._checked(self.scope.column(node, compared=True), node.position)
        return self.value(node)

    def _between(self, node: tree.Between) -> Expr:
        operand = self.value(node.operand)
        low = compare(">=", operand, self._side(node.low), node.position)
        high = compare("<=", operand, self._side(node.high), node.position)
        between = And((low, high))
        return Not(between) if node.negated else between

    def _like(self, node: tree.Like) -> Expr:
        operand, pattern = self.value(node.operand), self._side(node.pattern)
        for side in (operand, pattern):
            if side.type not in (Type.TEXT, Type.NULL):
                word = "ILIKE" if node.insensitive else "LIKE"
                _fail(f"{word} compares texts, not a {side.type.value}", node.position)
        matches = Matches(operand, pattern, node.insensitive)
        return Not(matches) if node.negated else matches

    def _sign(self, node: tree.Unary) -> Expr:
        operand = self.value(node.operand)
        if not (operand.type.is_number or operand.type is Type.NULL):
            _fail(f"a sign before a {operand.type.value}; it takes a number", node.position)
        if node.operator == "+" or operand.type is Type.NULL:
            return operand
        if isinstance(operand, Constant):
            return negated(operand, node.position)
        return negate(operand)

    def _binary(self, node: tree.Binary) -> Expr:
        left, right = self.value(node.left), self.value(node.right)
        if node.operator == "||":
            return concatenate(left, right, node.position)
        return arithmetic(node.operator, left, right, node.position, self.dialect)

    def _cast(self, node: tree.Cast) -> Expr:
        operand = self.value(node.operand)
        target = _CAST_TYPES[node.target]
        if target.is_geometry:
            return _as_geometry(operand, target, node.position)
        if isinstance(operand, Constant) and operand.type is Type.TEXT and target is Type.TIMESTAMP:
            return Constant(parse_timestamp(str(operand.value), node.position), target)
        if target is Type.TIMESTAMP and operand.type not in (Type.TEXT, Type.TIMESTAMP, Type.NULL):
            _fail(f"CAST makes a timestamp of a text, not of a {operand.type.value}", node.position)
        simple = operand.type.is_scalar or operand.type is Type.NULL
        binary = Type.BINARY in (operand.type, target)
        if not simple or binary or (operand.type is Type.TIMESTAMP and target.is_number):
            _fail(f"a {operand.type.value} cannot be made a {target.value}", node.position)
        length = node.length or (1 if node.target == "CHAR" and not self.dialect.kind else None)
        if node.attempt:
            return Convert(operand, target, length, attempt=True)
        return convert(operand, target, length)

    def _call(self, node: tree.Call) -> Expr:
        name = node.name.upper()
        known = KIND_AGGREGATES if self.dialect.kind else AGGREGATES
        if name in known and name not in self.scope.functions:
            return self._aggregate(node, name)
        if node.distinct:
            _fail(f"DISTINCT has no meaning in {node.name}", node.position)
        self._check_curves(node, name)
        arguments = [self.value(argument) for argument in node.arguments]
        if name == "COALESCE":
            return coalesce(arguments, node.position)
        if name == "NULLIF" and self.dialect.kind and name not in self.scope.functions:
            return self._nullif(arguments, node.position)
        if name == "IN_UNIT":
            return in_unit(arguments, node.position)
        return call(node.name, arguments, self.scope.functions, known, node.position)

    def _check_curves(self, node: tree.Call, name: str) -> None:
        """Refuse a function of light curves where there are none, as in a table of epochs."""
        function = self.scope.functions.get(name)
        if function is not None and function.make is not None and not self.scope.has_curves:
            _fail(
                f"{function.name} takes a light curve as a whole, and no table here has one: ask"
                f" that of the objects, as in {function.usage()}",
                node.position,
            )

    def _aggregate(self, node: tree.Call, name: str) -> Expr:
        if not node.arguments:
            _fail(f"{name} takes a value", node.position)
        star = isinstance(node.arguments[0], tree.Star)
        argument = None if star else self.value(node.arguments[0])
        over = None if argument is None else argument.level
        if over is None and not self._grouped:
            _fail(
                self._refused
                or f"{name} aggregates the epochs of a light curve here, and needs a field of one,"
                f" as in {name}(lc.mjd); rows are aggregated by group_by().aggregate()",
                node.position,
            )
        if over is None and argument is not None and _groups(argument):
            _fail(f"{name} cannot aggregate another aggregate over rows", node.position)
        rest = [self.value(parameter) for parameter in node.arguments[1:]]
        return aggregate(name, argument, node.distinct, node.position, over=over, parameters=rest)


def _as_geometry(operand: Expr, target: Type, position: Position) -> Expr:
    if operand.type is target:
        return operand
    if not isinstance(operand, Constant) or not isinstance(operand.value, str):
        name = target.name
        _fail(
            f"a {operand.type.value} cannot be made a {target.value}: write {name}(...)", position
        )
    try:
        return text_shape(operand.value, target)
    except InputError as error:
        raise error_at(str(error), position) from None


def _groups(expression: Expr) -> bool:
    """Return whether there is an aggregate over rows in an expression."""
    if isinstance(expression, Aggregate) and expression.over is None:
        return True
    return any(_groups(child) for child in expression.children)


def _curve(level: str) -> str:
    """Return the light curve whose epochs are meant, without the id of its table."""
    return level.partition(".")[2] if level.startswith("#") else level


def _fail(message: str, position: Position) -> NoReturn:
    raise error_at(message, position)
