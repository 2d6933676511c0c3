"""Text to tokens: ADQL 2.1, section 2.1 (keywords, identifiers, literals, comments)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from skyseries.adql.dialect import PYTHON, Dialect
from skyseries.adql.words import RESERVED
from skyseries.errors import QueryError

__all__ = ["Kind", "Position", "Token", "error_at", "pointer", "tokenize"]

_MAX_TEXT = 1_000_000


class Kind(Enum):
    """What a token is."""

    NAME = "name"
    """A regular identifier: not a reserved word."""
    WORD = "reserved word"
    """A reserved word of ADQL; `Token.value` is in upper case."""
    QUOTED = "name in double quotes"
    STRING = "text"
    INTEGER = "integer"
    DECIMAL = "number"
    SYMBOL = "symbol"
    END = "end of the text"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the text, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text."""

    kind: Kind
    text: str
    """As it is written."""
    value: str
    """What it means: the name without quotes, the word in upper case, the text of a string."""
    start: int
    """Index of its first character."""
    position: Position

    def __str__(self) -> str:
        return "the end" if self.kind is Kind.END else repr(self.text)


_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | --[^\n]* )
  | (?P<hexadecimal> 0[xX][0-9A-Fa-f]* )
  | (?P<decimal> (?: [0-9]+\.[0-9]* | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? | [0-9]+[eE][+-]?[0-9]+ )
  | (?P<integer> [0-9]+ )
  | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
  | (?P<string> '(?: [^'] | '' )*+' )
  | (?P<quoted> "(?: [^"] | "" )*+" )
  | (?P<symbol> <> | != | <= | >= | \|\| | == | \*\* | << | >> | && | [-+*/(),.;=<>%&|~^!?:\[\]] )
    """,
    re.VERBOSE,
)

_AFTER_NUMBER = re.compile(r"[A-Za-z0-9_.]+")


def tokenize(text: str, dialect: Dialect = PYTHON) -> list[Token]:
    """Split a text into tokens; the last one is the end.

    Raises
    ------
    QueryError
        For a character that ADQL does not know, an open quote, or a malformed number.
    """
    if not isinstance(text, str):
        raise QueryError(f"an expression is a text, not {type(text).__name__}: {text!r}")
    if len(text) > _MAX_TEXT:
        raise QueryError(f"the text is too long: {len(text)} characters, at most {_MAX_TEXT}")
    tokens: list[Token] = []
    line, line_start, start = 1, 0, 0
    while start < len(text):
        position = Position(line, start - line_start + 1)
        match = _TOKEN.match(text, start)
        if match is None or match.lastgroup is None:
            raise _unreadable(text, start, position)
        found = match.group()
        if match.lastgroup != "space":
            tokens.append(_token(match.lastgroup, found, start, position, dialect))
            if match.lastgroup in ("integer", "decimal", "hexadecimal"):
                _check_end_of_number(text, match.end(), found, position)
        if "\n" in found:
            line += found.count("\n")
            line_start = start + found.rindex("\n") + 1
        start = match.end()
    end = Position(line, len(text) - line_start + 1)
    tokens.append(Token(Kind.END, "", "", len(text), end))
    return tokens


def error_at(message: str, position: Position) -> QueryError:
    """Return (not raise) the error for a place in the text."""
    return QueryError(message, position.line, position.column)


def pointer(text: str, error: QueryError) -> str:
    """Return the line of the text with a caret below the place of an error.

    Parameters
    ----------
    text : str
        What was parsed.
    error : QueryError

    Returns
    -------
    str
        Two lines; empty if the error names no place.
    """
    if error.line is None or error.column is None:
        return ""
    line = text.split("\n")[error.line - 1]
    return f"{line}\n{' ' * (error.column - 1)}^"


def _token(group: str, text: str, start: int, position: Position, dialect: Dialect) -> Token:
    if group == "name":
        if text[0] == "_" and not dialect.kind:
            raise error_at(
                f'a name in ADQL begins with a letter: write "{text}" in double quotes', position
            )
        upper = text.upper()
        kind = Kind.WORD if upper in RESERVED else Kind.NAME
        return Token(kind, text, upper if kind is Kind.WORD else text, start, position)
    if group in ("string", "quoted") and "\0" in text:
        raise error_at("a text cannot hold a zero byte", position)
    if group == "string":
        return Token(Kind.STRING, text, text[1:-1].replace("''", "'"), start, position)
    if group == "quoted":
        name = text[1:-1].replace('""', '"')
        if not name:
            raise error_at('a name in double quotes cannot be empty: ""', position)
        return Token(Kind.QUOTED, text, name, start, position)
    if group == "hexadecimal":
        return _hexadecimal(text, start, position, dialect)
    kind = {"integer": Kind.INTEGER, "decimal": Kind.DECIMAL, "symbol": Kind.SYMBOL}[group]
    return Token(kind, text, text, start, position)


def _hexadecimal(text: str, start: int, position: Position, dialect: Dialect) -> Token:
    if not dialect.kind:
        raise error_at(f"ADQL 2.1 has no hexadecimal numbers: {text}", position)
    if len(text) == 2:
        raise error_at(f"no hexadecimal digits after {text}", position)
    return Token(Kind.INTEGER, text, str(int(text, 16)), start, position)


def _check_end_of_number(text: str, end: int, number: str, position: Position) -> None:
    after = _AFTER_NUMBER.match(text, end)
    # `r > 10AND g > 5` is in Rubin's tutorials, and their service takes it
    if after is not None and after.group().upper() not in RESERVED:
        raise error_at(f"not a number: {number}{after.group()}", position)


def _unreadable(text: str, start: int, position: Position) -> QueryError:
    character = text[start]
    if character == "'":
        return error_at("a text begins here and its closing quote ' is missing", position)
    if character == '"':
        return error_at('a name begins here and its closing quote " is missing', position)
    if character.isalpha():
        return error_at(
            f"the letter {character!r} is not allowed in a plain name: write the whole name in"
            ' double quotes, as "name"',
            position,
        )
    return error_at(f"this character has no meaning here: {character!r}", position)
