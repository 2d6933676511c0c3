"""Random trees of the whole grammar: each production is in them, as the parser makes it.

`Trees` needs a `random.Random` only, so that a seed gives a tree again; `queries` hands it one
that Hypothesis draws. `Names` says which columns, tables and functions appear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from skyseries.adql import tree
from skyseries.adql.lexer import Position

__all__ = ["Names", "Trees", "queries"]

T = TypeVar("T")
AT = Position(1, 1)
LITERALS = [
    0, 1, 7, 2**63, 2**64 - 1, None, "", "g", "it's", "''", '"', "--", "a\nb", "ä%_",
    *map(Decimal, ["1.", "0.10", "17.25", "1E+20", "2E-9", "123456789.000000001"]),
]  # fmt: skip
TARGETS = [
    ("SMALLINT", None), ("INTEGER", None), ("BIGINT", None), ("REAL", None), ("CHAR", None),
    ("DOUBLE PRECISION", None), ("CHAR", 3), ("VARCHAR", None), ("VARCHAR", 12),
    ("TIMESTAMP", None), ("POINT", None), ("CIRCLE", None), ("POLYGON", None),
]  # fmt: skip
COMPARISONS = ["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Names:
    """What the trees speak of."""

    columns: Sequence[str] = ("ra", "dec", "g_mag", "Flux", "band", "x1")
    tables: Sequence[str] = ("dp1.Object", "Source", "TAP_UPLOAD.mine", "cat.dp1.Visit")
    aliases: Sequence[str] = ("a", "b", "o", "src", "dist2")
    words: Sequence[str] = ("distance", "Size", "level", "date")
    """Reserved words, as names after AS."""
    quoted: Sequence[str] = ("a b", 'in "it"', "select", "_x", "ä", "1st", "a.b", "--", "ra")
    functions: Sequence[tuple[str, int]] = (
        ("ABS", 1), ("power", 2), ("PI", 0), ("COALESCE", 3), ("ivo_healpix_index", 3),
        ("DISTANCE", 4), ("COUNT", 1), ("AVG", 1), ("CONTAINS", 2), ("IN_UNIT", 2),
    )  # fmt: skip
    geometries: Sequence[tuple[str, int]] = (
        ("POINT", 2), ("CIRCLE", 3), ("BOX", 4), ("POLYGON", 6),
    )  # fmt: skip


class Trees:
    """Makes one tree after the other; a depth says how many levels there are at most below.

    Parameters
    ----------
    random : random.Random
    names : Names
    python : bool
        Whether there may be what only the Python dialect has.
    """

    def __init__(self, random: Random, names: Names | None = None, *, python: bool = False) -> None:
        self.random = random
        self.names = names or Names()
        self.python = python

    def one(self, options: Sequence[T]) -> T:
        return options[self.random.randrange(len(options))]

    def maybe(self, make: Callable[[], T]) -> T | None:
        return make() if self.flag() else None

    def flag(self) -> bool:
        return self.random.randrange(2) == 1

    def some(self, make: Callable[[], T], least: int, most: int) -> tuple[T, ...]:
        return tuple(make() for _ in range(self.random.randint(least, most)))

    def name(self, plain: Sequence[str]) -> tree.Name:
        if self.random.randrange(5):
            return named(self.one(plain))
        return tree.Name(self.one(self.names.quoted), True, position=AT)

    def table_name(self) -> tuple[tree.Name, ...]:
        return tuple(named(part) for part in self.one(self.names.tables).split("."))

    def column(self) -> tree.ColumnRef:
        qualifiers = [tuple, tuple, self.table_name, lambda: (self.name(self.names.aliases),)]
        parts = (*self.one(qualifiers)(), self.name(self.names.columns))
        return tree.ColumnRef(parts, position=AT)

    def literal(self) -> tree.Literal:
        more = [True, False] if self.python else []
        return tree.Literal(self.one([*LITERALS, *more]), position=AT)

    def value(self, depth: int) -> tree.Node:
        if depth <= 0 or not self.random.randrange(3):
            return self.one([self.column, self.column, self.literal])()
        kinds = [self.unary, self.binary, self.binary, self.call, self.count, self.cast, self.case]
        return self.one([*kinds, self.scalar] if depth > 1 else kinds)(depth - 1)

    def unary(self, depth: int) -> tree.Node:
        return tree.Unary(self.one("+-"), self.value(depth), position=AT)

    def binary(self, depth: int) -> tree.Node:
        operator = self.one(["+", "-", "*", "/", "||"])
        return tree.Binary(operator, self.value(depth), self.value(depth), position=AT)

    def call(self, depth: int) -> tree.Node:
        name, count = self.one(self.names.functions)
        return tree.Call(
            name, self.some(lambda: self.value(depth), count, count), False, position=AT
        )

    def geometry(self, depth: int) -> tree.Node:
        name, count = self.one(self.names.geometries)
        numbers = self.some(lambda: self.value(depth), count, count)
        system = (tree.Literal("ICRS", position=AT),) if self.flag() else ()
        return tree.Call(name, (*system, *numbers), False, position=AT)

    def count(self, depth: int) -> tree.Node:
        distinct = self.flag()
        argument = self.value(depth) if distinct else tree.Star(position=AT)
        return tree.Call("COUNT", (argument,), distinct, position=AT)

    def cast(self, depth: int) -> tree.Node:
        attempt = self.python and self.flag()
        more = [("BOOLEAN", None)] if self.python else []
        return tree.Cast(self.value(depth), *self.one([*TARGETS, *more]), attempt, position=AT)

    def case(self, depth: int) -> tree.Node:
        operand = self.maybe(lambda: self.value(depth))
        test = self.condition if operand is None else self.value
        whens = self.some(lambda: tree.When(test(depth), self.value(depth), position=AT), 1, 2)
        return tree.Case(operand, whens, self.maybe(lambda: self.value(depth)), position=AT)

    def scalar(self, depth: int) -> tree.Node:
        return tree.Scalar(self.query(depth - 1), position=AT)

    def condition(self, depth: int) -> tree.Node:
        kinds = [self.comparison, self.between, self.among, self.like, self.is_null]
        if depth > 0:
            kinds += [self.all_or_any, self.all_or_any, self.negation, self.of_geometry]
        if depth > 1:
            kinds += [self.exists, self.in_query, self.quantified]
        return self.one(kinds)(depth - 1)

    def comparison(self, depth: int) -> tree.Node:
        return tree.Comparison(
            self.one(COMPARISONS), self.value(depth), self.value(depth), position=AT
        )

    def of_geometry(self, depth: int) -> tree.Node:
        return tree.Comparison("=", self.geometry(depth), self.value(depth), position=AT)

    def between(self, depth: int) -> tree.Node:
        values = [self.value(depth) for _ in range(3)]
        return tree.Between(*values, self.flag(), position=AT)

    def among(self, depth: int) -> tree.Node:
        values = self.some(lambda: self.value(depth), 1, 3)
        if len(values) == 1 and isinstance(values[0], tree.Scalar):
            values += (self.literal(),)  # alone it is IN (query) in two pairs of parentheses
        return tree.In(self.value(depth), values, self.flag(), position=AT)

    def like(self, depth: int) -> tree.Node:
        sides = self.value(depth), self.value(depth)
        return tree.Like(*sides, self.flag(), self.flag(), position=AT)

    def is_null(self, depth: int) -> tree.Node:
        operand = self.value(depth) if self.python else self.column()
        return tree.IsNull(operand, self.flag(), position=AT)

    def all_or_any(self, depth: int) -> tree.Node:
        kind = self.one([tree.And, tree.Or])
        return kind(self.some(lambda: self.condition(depth), 2, 3), position=AT)

    def negation(self, depth: int) -> tree.Node:
        return tree.Not(self.condition(depth), position=AT)

    def exists(self, depth: int) -> tree.Node:
        return tree.Exists(self.query(depth - 1), position=AT)

    def in_query(self, depth: int) -> tree.Node:
        return tree.InQuery(self.value(depth), self.query(depth - 1), self.flag(), position=AT)

    def quantified(self, depth: int) -> tree.Node:
        left, quantifier = self.value(depth), self.one(["ALL", "ANY"])
        return tree.Quantified(
            self.one(COMPARISONS), left, quantifier, self.query(depth - 1), position=AT
        )

    def source(self, depth: int) -> tree.From:
        if depth <= 0 or self.flag():
            alias = self.maybe(lambda: self.name(self.names.aliases))
            return tree.Table(self.table_name(), alias, position=AT)
        if self.flag():
            alias = self.name(self.names.aliases)
            return tree.Derived(self.query(depth - 1), alias, position=AT)
        return self.join(depth - 1)

    def join(self, depth: int) -> tree.Join:
        sides = self.source(depth), self.source(depth)
        form = self.one(["on", "using", "natural", "none"])
        on = self.condition(depth) if form == "on" else None
        columns = self.some(lambda: self.name(self.names.columns), 1, 2) if form == "using" else ()
        kind = self.one(["INNER", "LEFT", "RIGHT", "FULL"])
        return tree.Join(kind, *sides, on, columns, form == "natural", position=AT)

    def item(self, depth: int) -> tree.Item | tree.Everything:
        if not self.random.randrange(4):
            qualifier = self.one([(), (self.name(self.names.aliases),), self.table_name()])
            return tree.Everything(qualifier, position=AT)
        kinds = [self.value, self.value, self.geometry]
        value = self.one([*kinds, self.condition] if self.python else kinds)(depth)
        word = [lambda: named(self.one(self.names.words))]
        names = [lambda: self.name(self.names.aliases), lambda: None, *word]
        return tree.Item(value, self.one(names)(), position=AT)

    def select(self, depth: int) -> tree.Select:
        return tree.Select(
            items=self.some(lambda: self.item(depth), 1, 3),
            sources=self.some(lambda: self.source(depth), 1, 2),
            where=self.maybe(lambda: self.condition(depth)),
            group_by=self.some(lambda: self.value(depth - 1), 0, 2),
            having=self.maybe(lambda: self.condition(depth - 1)),
            distinct=self.flag(),
            top=self.maybe(lambda: self.random.randrange(1000)),
            position=AT,
        )

    def rows(self, depth: int) -> tree.Rows:
        if depth <= 0 or self.random.randrange(3):
            return self.select(depth)
        operator = self.one(["UNION", "INTERSECT", "EXCEPT"])
        sides = self.side(depth - 1), self.side(depth - 1)
        return tree.Combination(operator, self.flag(), *sides, position=AT)

    def side(self, depth: int) -> tree.Rows:
        if self.flag():
            return self.rows(depth)
        query = self.query(depth)
        return query.body if is_bare(query) else query

    def order(self, depth: int) -> tree.Order:
        place = tree.Literal(self.random.randint(1, 3), position=AT)
        value = place if self.flag() else self.value(depth - 1)
        return tree.Order(value, self.flag(), position=AT)

    def query(self, depth: int, *, whole: bool = False) -> tree.Query:
        named = ()
        if depth > 0 and (whole or self.python) and not self.random.randrange(3):
            named = self.some(lambda: self.named(depth - 1), 1, 2)
        order_by = self.some(lambda: self.order(depth), 0, 2)
        offset = self.maybe(lambda: self.random.randrange(1000))
        body = self.rows(depth)
        if (order_by or offset is not None) and not self.random.randrange(4):
            body = self.in_parentheses(depth, body)
        return tree.Query(named, body, order_by, offset, position=AT)

    def in_parentheses(self, depth: int, body: tree.Rows) -> tree.Rows:
        """Return what is ordered or cut before it is ordered again."""
        order_by = self.some(lambda: self.order(depth), 0, 1)
        query = tree.Query((), body, order_by, None, position=AT)
        return query if order_by or isinstance(body, tree.Select) else body

    def named(self, depth: int) -> tree.Named:
        return tree.Named(self.name(self.names.aliases), self.query(depth), position=AT)


def named(text: str) -> tree.Name:
    return tree.Name(text, False, position=AT)


def is_bare(query: tree.Query) -> bool:
    return not (query.named or query.order_by or query.offset is not None)


def queries(
    names: Names | None = None, *, depth: int = 2, python: bool = False
) -> SearchStrategy[tree.Query]:
    """Return a strategy of whole statements."""
    randoms = st.randoms(use_true_random=False)
    return randoms.map(lambda r: Trees(r, names, python=python).query(depth, whole=True))
