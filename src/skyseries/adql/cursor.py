"""Going through the tokens of a text: what stands here, what must follow, and where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import TypeVar

from skyseries.adql.dialect import Dialect
from skyseries.adql.lexer import Kind, Position, Token, error_at, tokenize
from skyseries.adql.words import CLAUSES
from skyseries.errors import QueryError

__all__ = ["Cursor"]

_MAX_DEPTH = 100

T = TypeVar("T")


class Cursor:
    """A place among the tokens of a text.

    Parameters
    ----------
    text : str
    dialect : Dialect
    names : collection of str
        Known columns: in the Python dialect a reserved word among them is that column.
    """

    def __init__(self, text: str, dialect: Dialect, names: Collection[str] = ()) -> None:
        self.dialect = dialect
        self.tokens = tokenize(text, dialect)
        self.index = 0
        self.token = self.tokens[0]
        """What is read next."""
        self.names = {name.upper() for name in names} if dialect.kind else set()
        """Reserved words that are columns here."""
        self._depth = 0

    def advance(self) -> Token:
        """Return the next token and go on."""
        token = self.token
        if token.kind is not Kind.END:
            self.index += 1
            self.token = self.tokens[self.index]
        return token

    def peek(self, ahead: int = 1) -> Token:
        """Return a later token, the end after the end."""
        return self.tokens[min(self.index + ahead, len(self.tokens) - 1)]

    def at(self, *keys: str) -> bool:
        """Return whether the next token is one of these symbols or reserved words."""
        return self.token.key in keys

    def accept(self, key: str) -> bool:
        """Go past the next token if it is this symbol or word."""
        if self.token.key != key:
            return False
        self.index += 1
        self.token = self.tokens[self.index]
        return True

    def expect(self, key: str, after: str) -> Token:
        """Go past a symbol or word that must stand here."""
        if self.token.key != key:
            raise self.error(f"{key} is missing {after}, before {self.token}")
        return self.advance()

    def list_of(self, read: Callable[[], T]) -> tuple[T, ...]:
        """Read one thing or more, with commas between them."""
        found = [read()]
        while self.token.key == ",":
            comma = self.advance()
            if self.token.key in CLAUSES:
                raise self.error(f"a comma too many before {self.token.key}", comma.position)
            found.append(read())
        return tuple(found)

    def chain_of(self, first: T, keys: Collection[str], link: Callable[[T], T]) -> T:
        """Read what follows one thing as long as these words do; each makes the tree deeper."""
        links = 0
        while self.token.key in keys:
            links += 1
            self.deeper()
            first = link(first)
        self.deeper(-links)
        return first

    def deeper(self, levels: int = 1) -> None:
        """Count levels of nesting, negative ones when they are left; too many are an error."""
        self._depth += levels
        if self._depth > _MAX_DEPTH:
            raise self.error(f"nested too deeply (at most {_MAX_DEPTH} levels)")

    def error(self, message: str, position: Position | None = None) -> QueryError:
        """Return (not raise) the error at the next token, or at a place."""
        return error_at(message, position or self.token.position)

    def holds_query(self) -> bool:
        """Return whether the parenthesis that opens here holds a query.

        Else it holds a value, a list or tables, though they may begin with a query in parentheses.
        """
        first = self.index
        while self.tokens[first].key == "(" and first - self.index < _MAX_DEPTH:
            first += 1
        if self.tokens[first].key not in {"SELECT", "WITH"} - self.names:
            return False
        inner = range(self.index + 1, first)
        return all(self._follower(opening).key in _AFTER_OPERAND for opening in inner)

    def _follower(self, opening: int) -> Token:
        closing = self._closings.get(opening, len(self.tokens) - 2)
        return self.tokens[closing + 1]

    @cached_property
    def _closings(self) -> dict[int, int]:
        """For each parenthesis that opens, where it closes."""
        found: dict[int, int] = {}
        opened: list[int] = []
        for index, token in enumerate(self.tokens):
            if token.key == "(":
                opened.append(index)
            elif token.key == ")" and opened:
                found[opened.pop()] = index
        return found


_AFTER_OPERAND = frozenset([")", "UNION", "INTERSECT", "EXCEPT", "ORDER", "OFFSET"])
