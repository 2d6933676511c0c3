"""Whole statements of ADQL 2.1: SELECT with its clauses, joins, WITH, and sets of rows.

Beyond the recommendation: queries as values, comparisons with ALL and ANY of a query, CASE,
reserved words as names after AS, and a semicolon at the end. From loose to tight: UNION and
EXCEPT; INTERSECT; one SELECT or a query in parentheses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Literal, TypeVar

from skyseries.adql import mistakes, tree
from skyseries.adql.dialect import DIALECTS, STRICT, Dialect
from skyseries.adql.lexer import Kind, Token
from skyseries.adql.parser import Parser
from skyseries.adql.standard import check_calls
from skyseries.adql.words import NEVER_NAMES
from skyseries.errors import InputError

__all__ = ["StatementParser", "parse", "parse_statement"]

_JOINS = ("JOIN", "NATURAL", "INNER", "LEFT", "RIGHT", "FULL", "CROSS")
_AFTER_TABLE = (*_JOINS, "ON", "USING")
_UNIONS = ("UNION", "EXCEPT")
_INTERSECTIONS = ("INTERSECT",)
_OUTER = ("LEFT", "RIGHT", "FULL")
_MAX_PARTS = 3
_LEVELS_OF_A_QUERY = 2

T = TypeVar("T")


def parse(
    text: str,
    dialect: Literal["adql", "python"] = "adql",
    *,
    names: Collection[str] = (),
    functions: Collection[str] | None = None,
) -> tree.Query:
    """Read a statement.

    Parameters
    ----------
    text : str
        Such as ``SELECT TOP 10 objectId FROM dp1.Object WHERE r_psfMag < 20``.
    dialect : {"adql", "python"}
        ADQL 2.1 to the letter, or with what the Python API allows beyond it.
    names : collection of str
        Known columns: in the Python dialect a reserved word among them is that column.
    functions : collection of str, optional
        Names of the functions that there are beside those of ADQL; by default those that
        Skyseries knows. Those whose names begin with that of the IVOA or of a service that it
        knows (``ivo_``, ``eso_``) are looked up later with the columns; in the Python dialect, all.

    Returns
    -------
    tree.Query
        ``str`` of it is ADQL again, and reads as an equal tree.

    Raises
    ------
    QueryError
        With line and column.

    Examples
    --------
    >>> query = parse("select a from t where not (b < 2) order by a")
    >>> print(query)
    SELECT a FROM t WHERE NOT b < 2 ORDER BY a
    """
    if dialect not in DIALECTS:
        raise InputError(f"a dialect is 'adql' or 'python', not {dialect!r}")
    parser = StatementParser(text, DIALECTS[dialect], names)
    query = parser.statement()
    if not parser.dialect.kind:
        check_calls(parser.calls, functions)
    return query


def parse_statement(
    text: str, dialect: Dialect = STRICT, names: Collection[str] = ()
) -> tree.Query:
    """Read a statement whose functions are looked up later.

    Parameters
    ----------
    text : str
    dialect : Dialect
    names : collection of str
        As for `parse`.

    Raises
    ------
    QueryError
        With line and column.
    """
    return StatementParser(text, dialect, names).statement()


class StatementParser(Parser):
    """Reads statements.

    Parameters
    ----------
    text, dialect, names
        As for `parse_statement`.
    """

    def __init__(self, text: str, dialect: Dialect, names: Collection[str] = ()) -> None:
        super().__init__(text, dialect, names)
        self.calls: list[tree.Call] = []
        """All functions that are called."""
        self.bare_alias = -1
        """Index of the last name that a value or a table got without AS."""
        self._aliases: set[str] = set()

    def statement(self) -> tree.Query:
        """Read the whole text."""
        if self.token.kind is Kind.END:
            raise self.error("there is no query in the text: it begins with SELECT or WITH")
        query = self._query()
        if self.accept(";"):
            self._expect_nothing()
        return self.finish(query)

    def _expect_nothing(self) -> None:
        if self.token.kind is not Kind.END:
            raise self.error(f"one query at a time: after the ; there is {self.token}")

    def expect_end(self) -> None:
        """Raise QueryError unless the whole text is read."""
        if self.token.kind is not Kind.END:
            raise mistakes.unexpected(self)

    def subquery(self) -> tree.Query:
        """Read a query in parentheses."""
        if not self.at("("):
            raise self.error(f"a query in parentheses is missing before {self.token}")
        opening = self.advance()
        query = self._query(nested=True)
        self._close(opening)
        return query

    def _close(self, opening: Token) -> None:
        if not self.accept(")"):
            raise mistakes.unexpected(self, opening)

    def _call(self) -> tree.Call:
        call = super()._call()
        self.calls.append(call)
        return call

    def _query(self, *, nested: bool = False) -> tree.Query:
        self.deeper(_LEVELS_OF_A_QUERY)
        position = self.token.position
        outside, self._aliases = self._aliases, set()
        named = self._with(nested)
        body = self._rows()
        order_by: tuple[tree.Order, ...] = ()
        if self.accept("ORDER"):
            self.expect("BY", "after ORDER")
            order_by = self._with_aliases(self._order)
        offset = self.whole_number("after OFFSET comes") if self.accept("OFFSET") else None
        self._aliases = outside
        self.deeper(-_LEVELS_OF_A_QUERY)
        query = tree.Query(named, body, order_by, offset, position=position)
        return _without_parentheses(query)

    def _with(self, nested: bool) -> tuple[tree.Named, ...]:
        if not self.at("WITH"):
            return ()
        if nested and not self.dialect.kind:
            raise self.error("ADQL has WITH at the beginning of a statement only")
        self.advance()
        named = self.list_of(self._named)
        self.deeper(-len(named))
        return named

    def _named(self) -> tree.Named:
        self.deeper()  # it may be of the one before
        name = self.name_part(dotted=True)
        self.expect("AS", "after the name of a query in WITH")
        return tree.Named(name, self.subquery(), position=name.position)

    def _rows(self) -> tree.Rows:
        return self.chain_of(
            self._intersections(),
            _UNIONS,
            lambda left: self._combination(left, self._intersections),
        )

    def _intersections(self) -> tree.Rows:
        return self.chain_of(
            self._operand(), _INTERSECTIONS, lambda left: self._combination(left, self._operand)
        )

    def _combination(self, left: tree.Rows, read: Callable[[], tree.Rows]) -> tree.Rows:
        word = self.advance()
        every = self.accept("ALL")
        sides = _bare(left), _bare(read())
        return tree.Combination(word.key, every, *sides, position=word.position)

    def _operand(self) -> tree.Rows:
        if self.at("("):
            return self.subquery()
        if not self.at("SELECT"):
            raise mistakes.no_query(self)
        return self._select()

    def _select(self) -> tree.Select:
        position = self.advance().position
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        top = self.whole_number("after TOP comes") if self.accept("TOP") else None
        if self.at("DISTINCT", "ALL"):
            raise self.error(f"{self.token.key} stands before TOP")
        if self.at("FROM"):
            raise self.error("nothing is selected: write SELECT * or names before FROM")
        items = self.list_of(self._item)
        if not self.accept("FROM"):
            raise mistakes.no_from(self)
        return tree.Select(
            items=items,
            sources=self.list_of(self._source),
            where=self.condition() if self.accept("WHERE") else None,
            group_by=self._group_by(),
            having=self.condition() if self.accept("HAVING") else None,
            distinct=distinct,
            top=top,
            position=position,
        )

    def _group_by(self) -> tuple[tree.Node, ...]:
        if not self.accept("GROUP"):
            return ()
        self.expect("BY", "after GROUP")
        return self._with_aliases(self.value)

    def _order(self) -> tree.Order:
        value = self.value()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        return tree.Order(value, descending, position=value.position)

    def _with_aliases(self, read: Callable[[], T]) -> tuple[T, ...]:
        """Read a list in which reserved words that are names after AS are columns."""
        outside, self.names = self.names, self.names | self._aliases
        found = self.list_of(read)
        self.names = outside
        return found

    def _item(self) -> tree.Item | tree.Everything:
        position = self.token.position
        dots = 0
        while self.peek(2 * dots + 1).key == ".":
            dots += 1
        if self.peek(2 * dots).key == "*":
            qualifier = tuple(self._qualifier() for _ in range(dots))
            self.advance()
            return tree.Everything(qualifier, position=position)
        value = self.expression()
        if not self.dialect.kind:
            self.check_value(value)
        return tree.Item(value, self._alias(words=True), position=position)

    def _qualifier(self) -> tree.Name:
        name = self._name_of("a table")
        self.advance()
        return name

    def _alias(self, *, words: bool = False) -> tree.Name | None:
        if self.accept("AS"):
            token = self.token
            word = words and token.kind is Kind.WORD and token.key not in NEVER_NAMES
            if not (word and self.peek().key in (",", "FROM")):
                return self._name_of("a name after AS")
            self._aliases.add(token.key)
            self.advance()
            return tree.Name(token.text, False, position=token.position)
        if self.token.kind in (Kind.NAME, Kind.QUOTED):
            self.bare_alias = self.index
            return self._name_of("a name")
        return None

    def _name_of(self, what: str) -> tree.Name:
        token = self.token
        if token.kind not in (Kind.NAME, Kind.QUOTED) and token.key not in self.names:
            advice = f'; {token.text} is a reserved word of ADQL: write "{token.text}"'
            reserved = token.kind is Kind.WORD and token.key not in NEVER_NAMES
            raise self.error(f"{what} is missing before {token}{advice if reserved else ''}")
        self.advance()
        return tree.Name(token.value, token.kind is Kind.QUOTED, position=token.position)

    def _source(self) -> tree.From:
        return self.chain_of(self._table(), _AFTER_TABLE, self._joined)

    def _joined(self, source: tree.From) -> tree.From:
        if self.at("ON", "USING"):
            return self._condition_of_outer_join(source)
        return self._join(source)

    def _table(self) -> tree.From:
        if self.at("("):
            return self._derived() if self.holds_query() else self._tables_in_parentheses()
        first = self._name_of("a table")
        parts = [first]
        while self.accept("."):
            parts.append(self.name_part(dotted=True))
        if len(parts) > _MAX_PARTS:
            raise self.error(
                "a table has three parts at most: catalog.schema.table", first.position
            )
        return tree.Table(tuple(parts), self._alias(), position=first.position)

    def _derived(self) -> tree.Derived:
        position = self.token.position
        query = self.subquery()
        alias = self._alias()
        if alias is None:
            raise self.error("a query in FROM has a name: write (SELECT ...) AS name", position)
        return tree.Derived(query, alias, position=position)

    def _tables_in_parentheses(self) -> tree.From:
        opening = self.advance()
        self.deeper()
        source = self._source()
        self._close(opening)
        self.deeper(-1)
        if not isinstance(source, tree.Join):
            raise self.error("only joined tables stand in parentheses", opening.position)
        alias = self._alias()
        return source if alias is None else _everything_of(source, alias)

    def _join(self, left: tree.From) -> tree.Join:
        position = self.token.position
        if self.at("CROSS") and not self.dialect.kind:
            raise self.error("ADQL has no CROSS JOIN: write a comma between the tables")
        cross, natural = self.accept("CROSS"), self.accept("NATURAL")
        kind = self.advance().key if self.at("INNER", *_OUTER) else None
        if kind in _OUTER:
            self.accept("OUTER")
        self.expect("JOIN", f"after {self.tokens[self.index - 1].key}")
        right = self._table()
        join = tree.Join(kind or "INNER", left, right, None, (), natural, position=position)
        if self.at("ON", "USING") and not cross:
            return self._on(join)
        # the IVOA's collection of queries wants a condition after INNER JOIN with one table, and
        # none after JOIN or before parentheses; its grammar wants none anywhere
        open_end = natural or isinstance(right, tree.Join) or self.at(*_JOINS)
        if kind == "INNER" and not open_end:
            raise self.error("the condition of INNER JOIN is missing: ON ... or USING (...)")
        return join

    def _on(self, join: tree.Join) -> tree.Join:
        if join.natural:
            raise self.error(f"NATURAL JOIN takes no {self.token.key}")
        if self.accept("ON"):
            return replace(join, on=self.condition())
        self.advance()
        self.expect("(", "after USING")
        names = self.list_of(lambda: self._name_of("a column"))
        self.expect(")", "after the columns of USING")
        return replace(join, using=names)

    def _condition_of_outer_join(self, source: tree.From) -> tree.Join:
        """Read the second condition of ``a JOIN b JOIN c ON ... ON ...``, which is of a and b."""
        if isinstance(source, tree.Join) and isinstance(source.left, tree.Join):
            outer = source.left
            if not (outer.natural or outer.using or outer.on):
                return self._on(replace(outer, right=replace(source, left=outer.right)))
        raise mistakes.unexpected(self)


def _bare(rows: tree.Rows) -> tree.Rows:
    """Return what stands in parentheses if they change nothing."""
    if isinstance(rows, tree.Query) and not (
        rows.named or rows.order_by or rows.offset is not None
    ):
        return rows.body
    return rows


def _without_parentheses(query: tree.Query) -> tree.Query:
    body = query.body
    if not isinstance(body, tree.Query):
        return query
    ordered = query.order_by or query.offset is not None
    if not ordered and not query.named:
        return body
    inner = _bare(body)
    # TOP inside of the parentheses comes before ORDER BY outside of them
    if ordered and isinstance(inner, tree.Select):
        return query
    return replace(query, body=inner)


def _everything_of(source: tree.From, alias: tree.Name) -> tree.Derived:
    position = source.position
    everything = tree.Everything((), position=position)
    select = tree.Select(
        (everything,), (source,), None, (), None, distinct=False, top=None, position=position
    )
    return tree.Derived(
        tree.Query((), select, (), None, position=position), alias, position=position
    )
