"""What stands between operators: literals, columns, calls of functions, CAST, CASE, parentheses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal, InvalidOperation

from skyseries.adql import tree
from skyseries.adql.cursor import Cursor
from skyseries.adql.lexer import Kind, Token, clipped
from skyseries.adql.tree import Node, is_condition
from skyseries.adql.words import ADVICE, CLAUSES, OPERATOR_WORDS
from skyseries.errors import QueryError

__all__ = ["PrimaryParser"]

_MAX_UINT64 = 2**64 - 1
_MAX_DIGITS = 18
_MAX_PARTS = 4

_CAST_TARGETS = {"SMALLINT", "INTEGER", "BIGINT", "REAL", "TIMESTAMP"} | {
    "POINT", "CIRCLE", "POLYGON",
}  # fmt: skip
_KIND_CAST_TARGETS = {"INT": "INTEGER", "FLOAT": "DOUBLE PRECISION", "BOOLEAN": "BOOLEAN"}
_BOOLEANS = {"TRUE": 1, "FALSE": 0}
_LITERALS = {"NULL": None, "TRUE": True, "FALSE": False}


class PrimaryParser(Cursor, ABC):
    """Reads what stands between operators.

    Parameters
    ----------
    text, dialect, names
        As for `Cursor`.
    """

    @abstractmethod
    def expression(self) -> Node:
        """Read a value or a condition."""

    @abstractmethod
    def value(self) -> Node:
        """Read a value expression."""

    @abstractmethod
    def condition(self) -> Node:
        """Read a search condition."""

    def subquery(self) -> tree.Query:
        """Read a query in parentheses; statements replace this."""
        token = self.peek() if self.at("(") else self.token
        raise self.error(
            "a query inside of an expression has no place here; a column of this name is written "
            f'"{token.text}"',
            token.position,
        )

    def name_part(self, *, dotted: bool = False) -> tree.Name:
        """Read one name, after a dot or not."""
        token = self.token
        word = token.kind is Kind.WORD and (self.dialect.kind or not dotted)
        if not word and token.kind not in (Kind.NAME, Kind.QUOTED):
            if token.kind is Kind.WORD:
                raise self.error(f'{token.text} is a reserved word of ADQL: write "{token.text}"')
            raise self.error(f"a name is missing before {token}")
        self.advance()
        return tree.Name(token.value, token.kind is Kind.QUOTED, position=token.position)

    def whole_number(self, place: str, least: int = 0) -> int:
        """Read digits that are not part of an expression."""
        token = self.token
        whole = token.kind is Kind.INTEGER and len(token.value) <= _MAX_DIGITS
        if not whole or int(token.value) < least:
            from_one = " from 1 on" if least else ""
            raise self.error(f"{place} a whole number{from_one}, not {token}")
        return int(self.advance().value)

    def check_value(self, node: Node) -> None:
        """Raise QueryError if a node is a condition."""
        if is_condition(node):
            raise self.error("this is a condition; a value is needed here", node.position)

    def primary(self) -> Node:
        """Read what stands between operators."""
        token = self.token
        if token.kind in (Kind.NAME, Kind.QUOTED):
            return self._name()
        if token.kind is Kind.INTEGER:
            return self._integer()
        if token.kind is Kind.DECIMAL:
            return self._decimal()
        if token.kind is Kind.STRING:
            return self._string()
        if token.kind is Kind.WORD:
            return self._word()
        if token.key == "(":
            return self._parentheses()
        if token.key in ADVICE:
            raise self.error(f"{token.key} is no operator here: {ADVICE[token.key]}")
        raise self.error(f"a value is missing before {token}")

    def _parentheses(self) -> Node:
        position = self.token.position
        if self.holds_query():
            return tree.Scalar(self.subquery(), position=position)
        self.advance()
        node = self.expression()
        if self.at(","):
            raise self.error("a list stands only after IN and after a function's name")
        if not self.accept(")"):
            raise self.error(
                f"the ( of line {position.line}, column {position.column} is not closed: ) is"
                f" missing before {self.token}"
            )
        return node

    def _integer(self) -> Node:
        token = self.advance()
        if len(token.value) > 20 or int(token.value) > _MAX_UINT64:
            raise self.error(
                f"{clipped(token.text)} does not fit in 64 bits: write it with a decimal point",
                token.position,
            )
        return tree.Literal(int(token.value), position=token.position)

    def _decimal(self) -> Node:
        token = self.advance()
        try:
            number = Decimal(token.value)
        except InvalidOperation:
            raise self.error(f"the exponent of {token} is too large", token.position) from None
        return tree.Literal(number, position=token.position)

    def _string(self) -> Node:
        token = self.advance()
        parts = [token.value]
        while self.token.kind is Kind.STRING:
            # in SQL a text goes on after a line break; in Python that is rather a forgotten comma
            if self.dialect.kind or not self._on_a_later_line():
                raise self.error("two texts side by side: join them with ||")
            parts.append(self.advance().value)
        return tree.Literal("".join(parts), position=token.position)

    def _on_a_later_line(self) -> bool:
        before = self.tokens[self.index - 1]
        return self.token.position.line > before.position.line + before.text.count("\n")

    def _word(self) -> Node:
        token = self.token
        key = token.key
        if self._is_column(token) and self.peek().key != "(":
            return self._name()
        if key in _LITERALS and (self.dialect.kind or key == "NULL"):
            self.advance()
            return tree.Literal(_LITERALS[key], position=token.position)
        if key in ("SELECT", "WITH"):
            self.subquery()
        if key == "EXISTS":
            self.advance()
            return tree.Exists(self.subquery(), position=token.position)
        if key == "CASE":
            return self._case()
        if self.peek().key == "(" and key not in OPERATOR_WORDS and key not in CLAUSES:
            return self._cast() if key == "CAST" else self._call()
        raise self._misplaced_word(token)

    def _misplaced_word(self, token: Token) -> QueryError:
        if token.key in OPERATOR_WORDS:
            return self.error(f"a value is missing before {token.key}")
        quoted = f'in double quotes: "{token.text}"'
        if token.key in CLAUSES:
            return self.error(f"a value is missing before {token.key}; a column stands {quoted}")
        if token.key in ("DATE", "TIMESTAMP") and self.peek().kind is Kind.STRING:
            moment = f"CAST({self.peek().text} AS TIMESTAMP)"
            return self.error(f"ADQL writes a time as a text, or as {moment}")
        advice = f"; if it is a column, write it {quoted}"
        if token.key in _BOOLEANS:
            return self.error(f"ADQL writes {_BOOLEANS[token.key]} for {token.key}{advice}")
        return self.error(f"{token.text} is a reserved word of ADQL{advice}")

    def _is_column(self, token: Token) -> bool:
        return token.key in self.names and token.key not in OPERATOR_WORDS

    def _name(self) -> Node:
        """Read a dotted name or the call of a function."""
        first = self.token
        if first.kind is Kind.NAME and self.peek().key == "(":
            attempt = self.dialect.kind and first.text.upper() == "TRY_CAST"
            return self._cast(attempt) if attempt else self._call()
        parts = [self.name_part()]
        while self.accept("."):
            parts.append(self.name_part(dotted=True))
        if len(parts) > _MAX_PARTS and not self.dialect.kind:
            raise self.error(
                "a column has four parts at most: catalog.schema.table.column", first.position
            )
        if self.at("("):
            raise self.error("a function has a plain name, without dots and quotes", first.position)
        return tree.ColumnRef(tuple(parts), position=first.position)

    def _call(self) -> tree.Call:
        name = self.advance()
        self.advance()
        if self.accept("*"):
            arguments: tuple[Node, ...] = (tree.Star(position=name.position),)
            distinct = False
        else:
            distinct = self.accept("DISTINCT")
            every = not distinct and self.accept("ALL")
            empty = self.at(")") and not (distinct or every)
            arguments = () if empty else self.list_of(self.value)
        self.expect(")", f"after the arguments of {name.text}")
        return tree.Call(name.text, arguments, distinct, position=name.position)

    def _case(self) -> Node:
        position = self.advance().position
        self.deeper()
        operand = None if self.at("WHEN") else self.value()
        whens: list[tree.When] = []
        while self.at("WHEN"):
            start = self.advance().position
            test = self.condition() if operand is None else self.value()
            self.expect("THEN", "in CASE WHEN ... THEN ... END")
            whens.append(tree.When(test, self.value(), position=start))
        if not whens:
            raise self.error(f"WHEN is missing in CASE WHEN ... THEN ... END, before {self.token}")
        otherwise = self.value() if self.accept("ELSE") else None
        self.expect("END", "in CASE WHEN ... THEN ... END")
        self.deeper(-1)
        return tree.Case(operand, tuple(whens), otherwise, position=position)

    def _cast(self, attempt: bool = False) -> Node:
        name = self.advance()
        self.advance()
        operand = self.value()
        self.expect("AS", f"in {name.text}(value AS type)")
        target, length = self._cast_target()
        self.expect(")", f"after the type of {name.text}")
        return tree.Cast(operand, target, length, attempt, position=name.position)

    def _cast_target(self) -> tuple[str, int | None]:
        token = self.advance()
        name = token.text.upper()
        if name in ("CHAR", "VARCHAR"):
            if not self.accept("("):
                return name, None
            length = self.whole_number(f"in {name}(n) stands", least=1)
            self.expect(")", "after the length")
            return name, length
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
