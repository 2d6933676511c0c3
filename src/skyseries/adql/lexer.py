"""Text to tokens: ADQL 2.1, section 2.1 (keywords, identifiers, literals, comments)."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from skyseries.adql.dialect import PYTHON, Dialect
from skyseries.adql.words import RESERVED
from skyseries.errors import QueryError

__all__ = ["Kind", "Position", "Token", "clipped", "error_at", "pointer", "tokenize"]

_MAX_TEXT = 1_000_000
_MAX_TOKENS = 110_000
_MAX_HEXADECIMAL = len("0x") + 16
_MAX_LINE = 96
_MAX_SHOWN = 40


class Kind(Enum):
    """What a token is."""

    NAME = "name"
    """A regular identifier: not a reserved word."""
    WORD = "reserved word"
    QUOTED = "name in double quotes"
    STRING = "text"
    INTEGER = "integer"
    DECIMAL = "number"
    SYMBOL = "symbol"
    END = "end of the text"


class Position(NamedTuple):
    """A place in the text, counted from 1."""

    line: int
    column: int


class Token(NamedTuple):
    """One word of the text."""

    kind: Kind
    text: str
    """As it is written."""
    key: str
    """What the grammar knows: a symbol, or a reserved word in upper case; else empty."""
    value: str
    """What it means: the name without quotes, the text of a string, a number in decimal digits."""
    start: int
    """Index of its first character."""
    position: Position

    def __str__(self) -> str:
        return "the end" if self.kind is Kind.END else repr(clipped(self.text))


_TOKEN = re.compile(
    r"""
    (?: \s+ | --[^\n]* )*+ (?:
    (?P<name> [A-Za-z_][A-Za-z0-9_]*+ )
  | (?P<symbol> <> | != | <= | >= | \|\| | == | \*\* | << | >> | && | [-+*(),;=<>%&|~^!?:\[\]]
              | /(?!\*) | \.(?![0-9]) )
  | (?P<hexadecimal> 0[xX][0-9A-Fa-f]*+ )
  | (?P<decimal> (?: [0-9]++\.[0-9]*+ | \.[0-9]++ ) (?: [eE][+-]?[0-9]++ )?
              | [0-9]++[eE][+-]?[0-9]++ )
  | (?P<integer> [0-9]++ )
  | (?P<string> '(?: [^'] | '' )*+' )
  | (?P<quoted> "(?: [^"] | "" )*+" )
  | (?P<end> \Z )
  | (?P<unknown> . )
    )""",
    re.VERBOSE | re.DOTALL,
)
_SYMBOL = Kind.SYMBOL
_NUMBERS = {"integer": Kind.INTEGER, "decimal": Kind.DECIMAL, "hexadecimal": Kind.INTEGER}
_AFTER_NUMBER = re.compile(r"[A-Za-z0-9_.]{1,40}")
_UNREADABLE = {
    "'": "a text begins here and its closing quote ' is missing",
    '"': 'a name begins here and its closing quote " is missing',
    "`": 'names stand in double quotes: "name", not `name`',
    "/": "a comment in ADQL begins with -- and ends with the line",
}


def tokenize(text: str, dialect: Dialect = PYTHON) -> list[Token]:
    """Split a text into tokens; the last one is the end.

    Raises
    ------
    QueryError
        For a character that ADQL does not know, an open quote, or a malformed number; for a text
        that is too long.
    """
    if not isinstance(text, str):
        raise QueryError(f"an expression is a text, not {type(text).__name__}: {text!r}")
    if len(text) > _MAX_TEXT:
        raise QueryError(f"the text is too long: {len(text)} characters, at most {_MAX_TEXT}")
    tokens: list[Token] = []
    line, line_start, line_end = 1, 0, _line_end(text, 0)
    for match in _TOKEN.finditer(text):
        group = match.lastgroup or ""
        start = match.start(group)
        while start > line_end:
            line, line_start = line + 1, line_end + 1
            line_end = _line_end(text, line_start)
        position = Position(line, start - line_start + 1)
        if group == "symbol":
            word = match[group]
            tokens.append(Token(_SYMBOL, word, word, word, start, position))
        else:
            tokens.append(_token(group, match, position, dialect))
        if group == "end":
            break
        if len(tokens) > _MAX_TOKENS:
            raise error_at(f"the text is too long: at most {_MAX_TOKENS} words", position)
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
    line = text.split("\n")[error.line - 1].replace("\t", " ")
    first = max(0, min(error.column - _MAX_LINE // 2, len(line) - _MAX_LINE))
    shown = line[first : first + _MAX_LINE]
    before = "..." if first else ""
    after = "..." if first + _MAX_LINE < len(line) else ""
    return f"{before}{shown}{after}\n{' ' * (len(before) + error.column - 1 - first)}^"


def clipped(text: str) -> str:
    """Return a word as messages show it: not all of a very long one."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _token(group: str, match: re.Match[str], position: Position, dialect: Dialect) -> Token:
    text, start = match[group], match.start(group)
    if group == "name":
        upper = text.upper()
        if upper in RESERVED:
            return Token(Kind.WORD, text, upper, text, start, position)
        if text[0] == "_" and not dialect.kind:
            raise error_at(
                f'a name in ADQL begins with a letter: write "{clipped(text)}" in double quotes',
                position,
            )
        return Token(Kind.NAME, text, "", text, start, position)
    if group == "unknown":
        raise _unreadable(text, position)
    if group in _NUMBERS:
        _check_end_of_number(match, text, position, dialect)
        value = text if group != "hexadecimal" else _hexadecimal(text, position, dialect)
        return Token(_NUMBERS[group], text, "", value, start, position)
    if "\0" in text:
        raise error_at("a text cannot hold a zero byte", position)
    if group == "string":
        return Token(Kind.STRING, text, "", text[1:-1].replace("''", "'"), start, position)
    if group == "end":
        return Token(Kind.END, "", "", "", start, position)
    name = text[1:-1].replace('""', '"')
    if not name:
        raise error_at('a name in double quotes cannot be empty: ""', position)
    return Token(Kind.QUOTED, text, "", name, start, position)


def _hexadecimal(text: str, position: Position, dialect: Dialect) -> str:
    if not dialect.kind:
        raise error_at(f"ADQL 2.1 has no hexadecimal numbers: {clipped(text)}", position)
    if len(text) == len("0x"):
        raise error_at(f"no hexadecimal digits after {text}", position)
    if len(text) > _MAX_HEXADECIMAL:
        raise error_at(f"{clipped(text)} does not fit in 64 bits", position)
    return str(int(text, 16))


def _check_end_of_number(
    match: re.Match[str], number: str, position: Position, dialect: Dialect
) -> None:
    after = _AFTER_NUMBER.match(match.string, match.end())
    # `r > 10AND g > 5` is in Rubin's tutorials, and their service takes it; in ADQL `89x` are two
    # words, a number and its name, which Python's users rather mean as one
    if after is None or after[0].upper() in RESERVED:
        return
    if dialect.kind or not after[0][0].isalpha():
        raise error_at(f"not a number: {clipped(number + after[0])}", position)


def _unreadable(character: str, position: Position) -> QueryError:
    if character.isalpha():
        return error_at(
            f"the letter {character!r} is not allowed in a plain name: write the whole name in"
            ' double quotes, as "name"',
            position,
        )
    meaning = _UNREADABLE.get(character, f"this character has no meaning here: {character!r}")
    return error_at(meaning, position)
