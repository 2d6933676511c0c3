"""What a statement that cannot be read lacks: the word that was meant, the order of its parts."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from skyseries.adql.lexer import Kind, Token
from skyseries.adql.words import ADVICE, CLAUSES
from skyseries.errors import QueryError

if TYPE_CHECKING:
    from skyseries.adql.statements import StatementParser

__all__ = ["no_from", "no_query", "unexpected"]

_ORDER = ("FROM", "WHERE", "GROUP", "HAVING", "ORDER", "OFFSET")
_FULL = {"GROUP": "GROUP BY", "ORDER": "ORDER BY"}
_STATEMENTS = """
ALTER CREATE DELETE DROP EXECUTE GRANT INSERT MERGE REPLACE REVOKE SET TRUNCATE UPDATE
"""
_CHANGES = frozenset(_STATEMENTS.split())
_MEANT = CLAUSES | {"AND", "OR"}
_SIMILAR = 0.7


def no_query(parser: StatementParser) -> QueryError:
    """Return the error at a token that should be SELECT."""
    token = parser.token
    word = token.text.upper()
    if word in _CHANGES:
        return parser.error(f"queries only read: they begin with SELECT or WITH, not {word}")
    near = _meant(token, ("SELECT", "WITH"))
    if near:
        return parser.error(f"did you mean {near} instead of {token.text}?")
    return parser.error(f"a query begins with SELECT or WITH, not with {token}")


def no_from(parser: StatementParser) -> QueryError:
    """Return the error at a token that should be FROM."""
    token, before = parser.token, parser.tokens[parser.index - 1]
    for word in _typed_for_clauses(parser):
        if _meant(word, ("FROM",)):
            return parser.error(f"did you mean FROM instead of {word.text}?", word.position)
    if token.key == "(" and parser.bare_alias == parser.index - 1:
        if before.text.upper() == "OVER":
            return parser.error(
                "ADQL has no OVER (...): join with a query that groups", before.position
            )
        return parser.error(f"a comma is missing before {before}", before.position)
    if token.kind in (Kind.SYMBOL, Kind.WORD, Kind.END):
        return _known_mistake(parser) or parser.error(f"FROM is missing before {token}")
    return parser.error(f"a comma or FROM is missing before {token}")


def unexpected(parser: StatementParser, opening: Token | None = None) -> QueryError:
    """Return the error at a token with which a query does not go on.

    Parameters
    ----------
    parser : StatementParser
    opening : Token, optional
        The parenthesis that should be closed here.
    """
    known = _known_mistake(parser)
    if known is not None:
        return known
    token = parser.token
    if opening is not None:
        line, column = opening.position
        return parser.error(
            f"the ( of line {line}, column {column} is not closed: ) is missing before {token}"
        )
    before = parser.tokens[parser.index - 1]
    return parser.error(f"a query does not go on with {token} after {before}")


def _known_mistake(parser: StatementParser) -> QueryError | None:
    for word in _typed_for_clauses(parser):
        if word.text.upper() == "LIMIT":
            return parser.error("ADQL has no LIMIT: write SELECT TOP n", word.position)
        near = _meant(word, _MEANT)
        if near:
            return parser.error(f"did you mean {near} instead of {word.text}?", word.position)
    key = parser.token.key
    if key == ")":
        return parser.error("this ) closes nothing")
    if key in ADVICE:
        return parser.error(f"{key} is no operator here: {ADVICE[key]}")
    if key in CLAUSES:
        return _misplaced(parser, key)
    return None


def _typed_for_clauses(parser: StatementParser) -> list[Token]:
    """Return the names here that may be misspelt words: what follows one was read as the next."""
    before = [parser.tokens[parser.index - 1]] if parser.bare_alias == parser.index - 1 else []
    return [token for token in [*before, parser.token] if token.kind is Kind.NAME]


def _meant(token: Token, words: tuple[str, ...] | frozenset[str]) -> str:
    near = difflib.get_close_matches(token.text[:20].upper(), words, n=1, cutoff=_SIMILAR)
    return near[0] if near and token.kind is not Kind.QUOTED else ""


def _misplaced(parser: StatementParser, key: str) -> QueryError | None:
    name = _FULL.get(key, key)
    read = _clauses_before(parser)
    last = _FULL.get(read[0], read[0]) if read else ""
    if key in read:
        joined = ": join the conditions with AND" if key in ("WHERE", "HAVING") else ""
        return parser.error(f"{name} stands twice{joined}")
    if key in ("ON", "USING"):
        return parser.error(f"{name} stands after the tables of a JOIN")
    if key in ("UNION", "INTERSECT", "EXCEPT"):
        return parser.error(f"{name} after {last}: put the query before it in parentheses")
    if last in ("", "FROM"):
        return None
    return parser.error(f"{name} stands before {last}")


def _clauses_before(parser: StatementParser) -> list[str]:
    """Return the clauses that this query has before the next token, the last one first."""
    depth, found = 0, []
    for token in reversed(parser.tokens[: parser.index]):
        depth += {")": 1, "(": -1}.get(token.key, 0)
        if depth < 0 or (depth == 0 and token.key == "SELECT"):
            break
        if depth == 0 and token.key in _ORDER:
            found.append(token.key)
    return found
