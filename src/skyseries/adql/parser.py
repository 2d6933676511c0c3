"""Tokens to a tree: value expressions and search conditions of ADQL 2.1, by precedence climbing.

From loose to tight: OR; AND; NOT; one comparison, BETWEEN, IN, LIKE or IS NULL; ``||``; ``+ -``;
``* /``; sign. `Parser` is the part that statements share: it stops at the first token that
cannot go on the expression. What stands between operators is read by `primaries`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from skyseries.adql import tree
from skyseries.adql.dialect import PYTHON, Dialect
from skyseries.adql.lexer import Kind, Position, Token, error_at
from skyseries.adql.primaries import PrimaryParser
from skyseries.adql.tree import Node, is_condition
from skyseries.adql.words import ADVICE, CLAUSES, GEOMETRIES

__all__ = ["Parser", "parse_condition", "parse_expression", "parse_value"]

_MAX_CHAIN = 100
_MAX_HEIGHT = 150

_OR, _AND, _NOT, _PREDICATE, _CONCATENATION, _SUM, _PRODUCT, _SIGN = range(1, 9)
_POWERS = {"||": _CONCATENATION, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}
_COMPARISONS = {
    "=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}  # fmt: skip
_PREFIXES = {"NOT", "-", "+"}
_PREDICATES = {"BETWEEN", "IN", "LIKE", "ILIKE", "IS", "NOT"}

Tree = TypeVar("Tree", bound=tree.Placed)


def parse_value(text: str, dialect: Dialect = PYTHON, names: Collection[str] = ()) -> Node:
    """Read an expression that has a value, such as ``g_mag - r_mag``.

    Parameters
    ----------
    text : str
    dialect : Dialect
    names : collection of str
        Known columns: in the Python dialect a reserved word among them is that column.

    Raises
    ------
    QueryError
        With line and column.
    """
    node = parse_expression(text, dialect, names)
    if is_condition(node):
        raise error_at("this is a condition; a value is needed here", node.position)
    return node


def parse_condition(text: str, dialect: Dialect = PYTHON, names: Collection[str] = ()) -> Node:
    """Read a condition, such as ``g_mag < 20 AND band IN ('g', 'r')``.

    Parameters
    ----------
    text, dialect, names
        As for `parse_value`.

    Raises
    ------
    QueryError
        With line and column.
    """
    parser = Parser(text, dialect, names)
    return parser.finish(parser.condition())


def parse_expression(text: str, dialect: Dialect = PYTHON, names: Collection[str] = ()) -> Node:
    """Read either: a value, or a condition (which is a value that is true or false).

    Parameters
    ----------
    text, dialect, names
        As for `parse_value`.
    """
    parser = Parser(text, dialect, names)
    return parser.finish(parser.expression())


class Parser(PrimaryParser):
    """Reads expressions.

    Parameters
    ----------
    text, dialect, names
        As for `parse_value`.
    """

    def __init__(self, text: str, dialect: Dialect = PYTHON, names: Collection[str] = ()) -> None:
        super().__init__(text, dialect, names)

    def finish(self, node: Tree) -> Tree:
        """Return the node of a whole text, or raise QueryError: more follows, or it is too deep."""
        self.expect_end()
        # each level takes a word at least
        if len(self.tokens) > _MAX_HEIGHT and tree.height(node) > _MAX_HEIGHT:
            raise self.error(f"the text is nested too deeply (at most {_MAX_HEIGHT} levels)")
        return node

    def expect_end(self) -> None:
        """Raise QueryError unless the whole text is read."""
        token = self.token
        if token.kind is Kind.END:
            return
        if token.key in ADVICE:
            raise self.error(f"{token} is no operator here: {ADVICE[token.key]}")
        if token.key == ")":
            raise self.error("this ) closes nothing")
        if token.text.upper() in ("SELECT", "LIMIT") or token.key in CLAUSES:
            raise self.error(f"{token.text.upper()} has no place in an expression")
        raise self.error(f"an operator is missing before {token}")

    def condition(self) -> Node:
        """Read a search condition."""
        node = self.expression()
        self._check_condition(node, "a condition is needed here, such as ra > 10")
        return node

    def value(self) -> Node:
        """Read a value expression."""
        node = self._climb(_CONCATENATION)
        self.check_value(node)
        return node

    def expression(self) -> Node:
        """Read a value or a condition."""
        return self._climb(_OR)

    def _climb(self, power: int) -> Node:
        self.deeper()
        node = self._prefix() if self.token.key in _PREFIXES else self.primary()
        for _ in range(_MAX_CHAIN):
            longer = self._infix(node, power)
            if longer is None:
                self.deeper(-1)
                return node
            node = longer
        raise self.error(
            f"more than {_MAX_CHAIN} operators in a row: put parentheses around groups of them"
        )

    def _infix(self, left: Node, power: int) -> Node | None:
        """Read an operator, if it binds at least as tightly as `power`, and its right side."""
        token = self.token
        key = token.key
        if key in _POWERS:
            return self._binary(left, power)
        if token.kind is Kind.SYMBOL:
            return self._infix_symbol(left, token, power)
        if key == "OR" and power <= _OR:
            return self._connect(left, "OR", _OR)
        if key == "AND" and power <= _AND:
            return self._connect(left, "AND", _AND)
        if key in _PREDICATES and power <= _PREDICATE:
            return self._predicate(left)
        return None

    def _binary(self, left: Node, power: int) -> Node | None:
        binding = _POWERS[self.token.key]
        if binding < power:
            return None
        token = self.advance()
        self._check_operand(left, token)
        right = self._climb(binding + 1)
        self._check_operand(right, token)
        return tree.Binary(token.key, left, right, position=token.position)

    def _infix_symbol(self, left: Node, token: Token, power: int) -> Node | None:
        if token.key in _COMPARISONS and power <= _PREDICATE:
            return self._comparison(left)
        if token.key in ADVICE:
            raise self.error(f"{token.key} is no operator here: {ADVICE[token.key]}")
        return None

    def _connect(self, left: Node, word: str, power: int) -> Node:
        position = self.token.position
        self._check_condition(left, f"{word} joins conditions")
        operands = [left]
        while self.accept(word):
            right = self._climb(power + 1)
            self._check_condition(right, f"{word} joins conditions")
            operands.append(right)
        return (tree.And if word == "AND" else tree.Or)(tuple(operands), position=position)

    def _comparison(self, left: Node) -> Node:
        token = self.advance()
        if token.key == "==" and not self.dialect.kind:
            raise self.error("ADQL compares with a single =", token.position)
        if is_condition(left):
            raise self.error(
                "comparisons cannot be chained: write a < b AND b < c, and for a truth value"
                " the condition itself",
                token.position,
            )
        operator = _COMPARISONS[token.key]
        if self.at("ALL", "ANY", "SOME") and self.peek().key == "(":
            quantifier = "ALL" if self.advance().key == "ALL" else "ANY"
            query = self.subquery()
            return tree.Quantified(operator, left, quantifier, query, position=token.position)
        return tree.Comparison(operator, left, self.value(), position=token.position)

    def _predicate(self, left: Node) -> Node:
        position = self.token.position
        self.check_value(left)
        if self.accept("IS"):
            return self._is_null(left, position)
        negated = self.accept("NOT")
        if self.accept("BETWEEN"):
            low = self.value()
            self.expect("AND", "between the limits of BETWEEN")
            return tree.Between(left, low, self.value(), negated, position=position)
        if self.accept("IN"):
            return self._in(left, negated, position)
        if self.at("LIKE", "ILIKE"):
            insensitive = self.advance().key == "ILIKE"
            pattern = self.value()
            if self.at("ESCAPE"):
                raise self.error("ADQL has no ESCAPE after LIKE")
            return tree.Like(left, pattern, insensitive, negated, position=position)
        raise self.error("after NOT here comes BETWEEN, IN, LIKE or ILIKE")

    def _is_null(self, left: Node, position: Position) -> Node:
        negated = self.accept("NOT")
        if not self.at("NULL"):
            raise self.error(f"after IS comes NULL or NOT NULL, not {self.token}")
        self.advance()
        if not self.dialect.kind and not isinstance(left, tree.ColumnRef):
            raise self.error("ADQL asks IS NULL of columns only, not of expressions", position)
        return tree.IsNull(left, negated, position=position)

    def _in(self, left: Node, negated: bool, position: Position) -> Node:
        if self.at("(") and self.holds_query():
            return tree.InQuery(left, self.subquery(), negated, position=position)
        self.expect("(", "after IN")
        values = self.list_of(self.value)
        self.expect(")", "after the values of IN")
        return tree.In(left, values, negated, position=position)

    def _prefix(self) -> Node:
        token = self.token
        if token.key == "NOT":
            self.advance()
            if self.at("NOT") and not self.dialect.kind:
                raise self.error("ADQL allows one NOT only: use parentheses")
            operand = self._climb(_NOT)
            self._check_condition(operand, "NOT stands before a condition")
            return tree.Not(operand, position=token.position)
        self.advance()
        if self.at("-", "+") and not self.dialect.kind:
            raise self.error("ADQL allows one sign only: use parentheses")
        operand = self._climb(_SIGN)
        self._check_operand(operand, token)
        return tree.Unary(token.key, operand, position=token.position)

    def _check_operand(self, node: Node, operator: Token) -> None:
        self.check_value(node)
        if isinstance(node, tree.Call) and node.name.upper() in GEOMETRIES:
            raise self.error(f"a {node.name.upper()} has no {operator.key}", node.position)

    def _check_condition(self, node: Node, message: str) -> None:
        if is_condition(node):
            return
        if self.dialect.kind and _may_be_boolean(node):
            return
        if isinstance(node, tree.Call) and node.name.upper() in ("CONTAINS", "INTERSECTS"):
            raise self.error(f"write {node.name}(...) = 1", node.position)
        said = "this is a value"
        if isinstance(node, tree.ColumnRef):
            said += f": a boolean column is compared, as in {node.parts[-1].text} = 1"
        raise self.error(f"{message}; {said}", node.position)


def _may_be_boolean(node: Node) -> bool:
    if isinstance(node, tree.Literal):
        return isinstance(node.value, bool)
    return isinstance(node, tree.ColumnRef | tree.Call | tree.Cast)
