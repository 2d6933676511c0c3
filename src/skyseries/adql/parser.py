"""Tokens to a tree: value expressions and search conditions of ADQL 2.1, by precedence climbing.

From loose to tight: OR; AND; NOT; one comparison, BETWEEN, IN, LIKE or IS NULL; ``||``; ``+ -``;
``* /``; sign. `Parser` is the part that statements share: it stops at the first token that
cannot go on the expression.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from skyseries.adql import tree
from skyseries.adql.dialect import PYTHON, Dialect
from skyseries.adql.lexer import Kind, Position, Token, error_at, tokenize
from skyseries.adql.tree import Node, is_condition
from skyseries.adql.words import OPERATOR_WORDS
from skyseries.errors import QueryError

__all__ = ["Parser", "parse_condition", "parse_expression", "parse_value"]

_MAX_DEPTH = 100
_MAX_CHAIN = 100
_MAX_HEIGHT = 150
_MAX_UINT64 = 2**64 - 1

_OR, _AND, _NOT, _PREDICATE, _CONCATENATION, _SUM, _PRODUCT, _SIGN = range(1, 9)
_POWERS = {"||": _CONCATENATION, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}
_COMPARISONS = {
    "=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}  # fmt: skip
_ADVICE = {
    "&": "use AND, OR and NOT between conditions",
    "&&": "use AND, OR and NOT between conditions",
    "|": "use AND, OR and NOT between conditions",
    "~": "use AND, OR and NOT between conditions",
    "!": "use NOT before a condition",
    "%": "use MOD(a, b) for the remainder",
    "**": "use POWER(a, b)",
    "^": "use POWER(a, b)",
    "<<": "there are no shifts of bits",
    ">>": "there are no shifts of bits",
}
_CAST_TARGETS = {"SMALLINT", "INTEGER", "BIGINT", "REAL", "TIMESTAMP"} | {
    "POINT", "CIRCLE", "POLYGON",
}  # fmt: skip
_KIND_CAST_TARGETS = {"INT": "INTEGER", "FLOAT": "DOUBLE PRECISION", "BOOLEAN": "BOOLEAN"}


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


class Parser:
    """Reads tokens one after the other.

    Parameters
    ----------
    text, dialect, names
        As for `parse_value`.
    """

    def __init__(self, text: str, dialect: Dialect = PYTHON, names: Collection[str] = ()) -> None:
        self.dialect = dialect
        self.tokens = tokenize(text, dialect)
        self._names = {name.upper() for name in names}
        self._index = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        """The token that is read next."""
        return self.tokens[self._index]

    def advance(self) -> Token:
        """Return the next token and go on."""
        token = self.tokens[self._index]
        if token.kind is not Kind.END:
            self._index += 1
        return token

    def at(self, *texts: str) -> bool:
        """Return whether the next token is one of these symbols or reserved words."""
        token = self.token
        return token.kind in (Kind.SYMBOL, Kind.WORD) and token.value in texts

    def accept(self, text: str) -> bool:
        """Go past the next token if it is this symbol or word."""
        if self.at(text):
            self._index += 1
            return True
        return False

    def expect(self, text: str, after: str) -> Token:
        """Go past a symbol or word that must stand here."""
        if not self.at(text):
            raise self.error(f"{text} is missing {after}, before {self.token}")
        return self.advance()

    def finish(self, node: Node) -> Node:
        """Return the node of a whole text, or raise QueryError: more follows, or it is too deep."""
        self.expect_end()
        if tree.height(node) > _MAX_HEIGHT:
            raise self.error(f"the expression is nested too deeply (at most {_MAX_HEIGHT} levels)")
        return node

    def expect_end(self) -> None:
        """Raise QueryError unless the whole text is read."""
        token = self.token
        if token.kind is Kind.END:
            return
        if token.value in _ADVICE:
            raise self.error(f"{token} is no operator here: {_ADVICE[token.value]}")
        if token.value == ")":
            raise self.error("this ) closes nothing")
        if token.value in ("SELECT", "FROM", "WHERE", "ORDER", "GROUP", "LIMIT", "JOIN"):
            raise self.error(f"{token.value} has no place in an expression")
        raise self.error(f"an operator is missing before {token}")

    def error(self, message: str, position: Position | None = None) -> QueryError:
        """Return (not raise) the error at the next token, or at a place."""
        return error_at(message, position or self.token.position)

    def condition(self) -> Node:
        """Read a search condition."""
        node = self.expression()
        self._check_condition(node, "a condition is needed here, such as ra > 10")
        return node

    def value(self) -> Node:
        """Read a value expression."""
        node = self._climb(_CONCATENATION)
        self._check_value(node)
        return node

    def expression(self) -> Node:
        """Read a value or a condition."""
        return self._climb(_OR)

    def _climb(self, power: int) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self.error(f"nested too deeply (at most {_MAX_DEPTH} levels)")
        node = self._prefix()
        for _ in range(_MAX_CHAIN):
            longer = self._infix(node, power)
            if longer is None:
                self._depth -= 1
                return node
            node = longer
        raise self.error(
            f"more than {_MAX_CHAIN} operators in a row: put parentheses around groups of them"
        )

    def _infix(self, left: Node, power: int) -> Node | None:
        """Read an operator, if it binds at least as tightly as `power`, and its right side."""
        token = self.token
        if token.kind is Kind.SYMBOL:
            return self._infix_symbol(left, token, power)
        if token.kind is not Kind.WORD:
            return None
        if token.value == "OR" and power <= _OR:
            return self._connect(left, "OR", _OR)
        if token.value == "AND" and power <= _AND:
            return self._connect(left, "AND", _AND)
        if token.value in ("BETWEEN", "IN", "LIKE", "ILIKE", "IS", "NOT") and power <= _PREDICATE:
            return self._predicate(left)
        return None

    def _infix_symbol(self, left: Node, token: Token, power: int) -> Node | None:
        symbol = token.value
        if symbol in _POWERS:
            binding = _POWERS[symbol]
            if binding < power:
                return None
            self._check_value(left)
            self.advance()
            right = self._climb(binding + 1)
            self._check_value(right)
            return tree.Binary(symbol, left, right, position=token.position)
        if symbol in _COMPARISONS and power <= _PREDICATE:
            return self._comparison(left)
        if symbol in _ADVICE:
            raise self.error(f"{symbol} is no operator here: {_ADVICE[symbol]}")
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
        if token.value == "==" and not self.dialect.kind:
            raise self.error("ADQL compares with a single =", token.position)
        if is_condition(left):
            raise self.error(
                "comparisons cannot be chained: write a < b AND b < c, and for a truth value"
                " the condition itself",
                token.position,
            )
        right = self._climb(_CONCATENATION)
        self._check_value(right)
        return tree.Comparison(_COMPARISONS[token.value], left, right, position=token.position)

    def _predicate(self, left: Node) -> Node:
        position = self.token.position
        self._check_value(left)
        if self.accept("IS"):
            return self._is_null(left, position)
        negated = self.accept("NOT")
        if self.accept("BETWEEN"):
            low = self.value()
            self.expect("AND", "between the limits of BETWEEN")
            return tree.Between(left, low, self.value(), negated, position=position)
        if self.accept("IN"):
            return tree.In(left, self._in_values(), negated, position=position)
        if self.at("LIKE", "ILIKE"):
            insensitive = self.advance().value == "ILIKE"
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

    def _in_values(self) -> tuple[Node, ...]:
        self.expect("(", "after IN")
        if self._at_query():
            self.subquery()
        values = [self.value()]
        while self.accept(","):
            values.append(self.value())
        self.expect(")", "after the values of IN")
        return tuple(values)

    def subquery(self) -> Node:
        """Read a query in parentheses; statements over catalogs replace this."""
        name = self.token.text
        raise self.error(
            "a query inside of an expression has no place here; a column of this name is written "
            f'"{name}"'
        )

    def _prefix(self) -> Node:
        token = self.token
        if token.kind is Kind.WORD and token.value == "NOT":
            self.advance()
            if self.at("NOT") and not self.dialect.kind:
                raise self.error("ADQL allows one NOT only: use parentheses")
            operand = self._climb(_NOT)
            self._check_condition(operand, "NOT stands before a condition")
            return tree.Not(operand, position=token.position)
        if token.kind is Kind.SYMBOL and token.value in ("-", "+"):
            self.advance()
            operand = self._climb(_SIGN)
            self._check_value(operand)
            if isinstance(operand, tree.Unary) and not self.dialect.kind:
                raise self.error("ADQL allows one sign only", operand.position)
            return tree.Unary(token.value, operand, position=token.position)
        return self._primary()

    def _primary(self) -> Node:
        token = self.token
        if token.kind in (Kind.NAME, Kind.QUOTED):
            return self._name()
        if token.kind is Kind.INTEGER:
            return self._integer()
        if token.kind is Kind.DECIMAL:
            self.advance()
            return tree.Literal(Decimal(token.value), position=token.position)
        if token.kind is Kind.STRING:
            return self._string()
        if token.kind is Kind.WORD:
            return self._word()
        if self.accept("("):
            return self._parentheses()
        if token.value in _ADVICE:
            raise self.error(f"{token.value} is no operator here: {_ADVICE[token.value]}")
        raise self.error(f"a value is missing before {token}")

    def _at_query(self) -> bool:
        return self.at("SELECT", "EXISTS", "WITH") and not self._is_column(self.token)

    def _parentheses(self) -> Node:
        if self._at_query():
            return self.subquery()
        node = self.expression()
        if self.at(","):
            raise self.error("a list stands only after IN and after a function's name")
        self.expect(")", "to close a parenthesis")
        return node

    def _integer(self) -> Node:
        token = self.advance()
        if len(token.value) > 20 or int(token.value) > _MAX_UINT64:
            raise self.error(
                f"{token.text} does not fit in 64 bits: write it with a decimal point",
                token.position,
            )
        return tree.Literal(int(token.value), position=token.position)

    def _string(self) -> Node:
        token = self.advance()
        if self.token.kind is Kind.STRING:
            raise self.error("two texts side by side: join them with ||")
        return tree.Literal(token.value, position=token.position)

    def _word(self) -> Node:
        token = self.token
        call = self.tokens[self._index + 1].value == "("
        if token.value == "NULL":
            self.advance()
            return tree.Literal(None, position=token.position)
        if self._at_query():
            return self.subquery()
        if token.value == "CASE" and not self._is_column(token):
            raise self.error("ADQL has no CASE")
        if call and token.value not in OPERATOR_WORDS:
            return self._cast() if token.value == "CAST" else self._call()
        if self._is_column(token):
            return self._name()
        if token.value in ("TRUE", "FALSE") and self.dialect.kind:
            self.advance()
            return tree.Literal(token.value == "TRUE", position=token.position)
        if token.value in OPERATOR_WORDS:
            raise self.error(f"a value is missing before {token.value}")
        raise self.error(
            f"{token.text} is a reserved word of ADQL; if it is a column, write it in double"
            f' quotes: "{token.text}"'
        )

    def _is_column(self, token: Token) -> bool:
        known = self.dialect.kind and token.text.upper() in self._names
        return known and token.value not in OPERATOR_WORDS

    def _name(self) -> Node:
        """Read a dotted name or the call of a function."""
        first = self.token
        if first.kind is Kind.NAME and self.tokens[self._index + 1].value == "(":
            return self._call()
        parts = [self._name_part()]
        while self.accept("."):
            parts.append(self._name_part(dotted=True))
        if self.at("("):
            raise self.error("a function has a plain name, without dots and quotes", first.position)
        return tree.ColumnRef(tuple(parts), position=first.position)

    def _name_part(self, *, dotted: bool = False) -> tree.Name:
        token = self.token
        word = token.kind is Kind.WORD and (self.dialect.kind or not dotted)
        if not word and token.kind not in (Kind.NAME, Kind.QUOTED):
            if token.kind is Kind.WORD:
                raise self.error(f'{token.text} is a reserved word of ADQL: write "{token.text}"')
            raise self.error(f"a name is missing before {token}")
        self.advance()
        delimited = token.kind is Kind.QUOTED
        return tree.Name(
            token.value if delimited else token.text, delimited, position=token.position
        )

    def _call(self) -> Node:
        name = self.advance()
        self.advance()
        if self.accept("*"):
            self.expect(")", "after *")
            return tree.Call(
                name.text, (tree.Star(position=name.position),), False, position=name.position
            )
        distinct = self.accept("DISTINCT")
        if not distinct and self.at("ALL"):
            self.advance()
        arguments: list[Node] = []
        if distinct or not self.at(")"):
            arguments.append(self.value())
            while self.accept(","):
                arguments.append(self.value())
        self.expect(")", f"after the arguments of {name.text}")
        return tree.Call(name.text, tuple(arguments), distinct, position=name.position)

    def _cast(self) -> Node:
        position = self.advance().position
        self.advance()
        operand = self.value()
        self.expect("AS", "in CAST(value AS type)")
        target, length = self._cast_target()
        self.expect(")", "after the type of CAST")
        return tree.Cast(operand, target, length, position=position)

    def _cast_target(self) -> tuple[str, int | None]:
        token = self.advance()
        name = token.text.upper()
        if name in ("CHAR", "VARCHAR"):
            if not self.accept("("):
                return name, None
            length = self.advance()
            if length.kind is not Kind.INTEGER or int(length.value) < 1:
                raise self.error(
                    f"the length in {name}(n) is a whole number from 1 on", length.position
                )
            self.expect(")", "after the length")
            return name, int(length.value)
        if name == "DOUBLE" and (self.accept("PRECISION") or self.dialect.kind):
            return "DOUBLE PRECISION", None
        if name in _CAST_TARGETS:
            return name, None
        if name in _KIND_CAST_TARGETS and self.dialect.kind:
            return _KIND_CAST_TARGETS[name], None
        raise self.error(
            f"CAST knows no type {token}; it can be SMALLINT, INTEGER, BIGINT, REAL,"
            " DOUBLE PRECISION, CHAR, VARCHAR or TIMESTAMP",
            token.position,
        )

    def _check_value(self, node: Node) -> None:
        if is_condition(node):
            raise self.error("this is a condition; a value is needed here", node.position)

    def _check_condition(self, node: Node, message: str) -> None:
        if is_condition(node):
            return
        if self.dialect.kind and _may_be_boolean(node):
            return
        raise self.error(f"{message}; this is a value", node.position)


def _may_be_boolean(node: Node) -> bool:
    if isinstance(node, tree.Literal):
        return isinstance(node.value, bool)
    return isinstance(node, tree.ColumnRef | tree.Call | tree.Cast)
