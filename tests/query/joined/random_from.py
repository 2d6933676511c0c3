"""Random FROM clauses, as text: tables, derived tables, and every kind of join between them."""

from __future__ import annotations

import collections
from dataclasses import dataclass, replace

from tests.query.random_values import EPOCHS, OBJECTS, Asked

__all__ = ["DERIVED", "TABLES", "From", "Froms", "Side"]

_OTHER = Asked("other", ("rMag", "radius"), ("gMag",), ("grade",), (), ("kind",))
_MINE = Asked("TAP_UPLOAD.mine", ("smallDouble",), ("wMag",), ("n",), ("idSigned",), ("kind",))
_SINGLE = Asked("single", ("radius",), ("gMag",), ("grade",), (), ("kind",))
TABLES = {
    one.name: one
    for one in (OBJECTS, EPOCHS, _OTHER, _MINE, replace(_MINE, name="TAP_UPLOAD.nothing"), _SINGLE)
}
DERIVED = Asked("", ("dbl",), ("rl",), ("whole",), (), ("word",))
"""The columns of queries in FROM, beside id and position."""
_WEIGHTS = dict(zip(TABLES, (4, 3, 4, 3, 0.5, 1), strict=True))


@dataclass(frozen=True)
class Side:
    """A table in FROM: what is written before its columns, and these."""

    alias: str
    asked: Asked
    curves: bool = False
    """Whether its rows are surely there, with light curves."""

    @property
    def ids(self):
        """Ids of other types."""
        return ("idSigned", "idText") if "idSigned" in self.asked.large else ()

    @property
    def columns(self):
        """The names of the columns."""
        a = self.asked
        given = (*a.doubles, *a.reals, *a.small, *a.large, *a.texts, *a.times, *a.flags)
        return (a.id, "ra", "dec", *given)


@dataclass(frozen=True)
class From:
    """A part of FROM as text, its tables, and the names that an asterisk stands for."""

    text: str
    sides: tuple
    visible: tuple
    """In lower case."""

    @classmethod
    def of(cls, text, side):
        """Return one table."""
        return cls(text, (side,), tuple(map(str.lower, side.columns)))

    def alone(self):
        """Return the names that mean one column without that of a table."""
        return {name for name, times in collections.Counter(self.visible).items() if times == 1}


class Froms:
    """Makes FROM clauses for a `random_statements.Joined`, which makes their queries.

    Parameters
    ----------
    rng : random.Random
    strict : bool
        Whether only what ADQL has is written.
    values : callable
        From levels of FROM, own first, to what makes values of them.
    query : callable
        Returns a query with the columns of `DERIVED`.
    """

    def __init__(self, rng, *, strict, values, query):
        self._rng, self._strict, self._values, self._query = rng, strict, values, query
        self._used, self._bare, self._inside = 0, set(), False
        self.named = []
        """Names of the queries of WITH."""

    def inner(self, share, outer=()):
        """Return a FROM of a query inside: a table, or at times two, none of them a query."""
        outside, self._inside = self._inside, True
        found = self.joined(2, outer) if self._rng.random() < share else self.table()
        self._inside = outside
        return found

    def table(self):
        """Return a table or a query, under a name that no other has."""
        rng = self._rng
        if self.named and rng.random() < 0.5:
            alias = self._alias()
            return From.of(f"{rng.choice(self.named)} AS {alias}", Side(alias, DERIVED))
        if rng.random() < 0.15 and not self._inside:
            alias = self._alias()
            return From.of(f"({self._query()}) AS {alias}", Side(alias, DERIVED))
        name = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        bare = name.rpartition(".")[2]
        if rng.random() < 0.2 and bare not in {"lc", *self._bare}:
            self._bare.add(bare)
            asked = TABLES[name]
            return From.of(rng.choice([bare, name]), Side(bare, asked, bool(asked.nested)))
        alias = self._alias()
        word = rng.choice([" AS ", " "])
        written = name.removeprefix("TAP_UPLOAD.") if rng.random() < 0.3 else name
        asked = TABLES[name]
        return From.of(f"{written}{word}{alias}", Side(alias, asked, bool(asked.nested)))

    def only(self, name):
        """Return the table of a name."""
        alias = self._alias()
        return From.of(f"{name} AS {alias}", Side(alias, TABLES[name]))

    def _alias(self):
        self._used += 1
        return f"{self._rng.choice(['a', 't', 'Tab_'])}{self._used}"

    def joined(self, count, outer=()):
        """Return several tables with joins between them.

        Parameters
        ----------
        count : int
        outer : tuple of From
            Of outer queries.
        """
        found = self.table()
        while count > 1:
            if count > 2 and self._rng.random() < 0.3:
                right, count = self.joined(2, outer), count - 1
                right = replace(right, text=f"({right.text})")
            else:
                right = self.table()
            found, count = self._join(found, right, outer), count - 1
        return found

    def comma(self, outer=()):
        """Return two tables with a comma, and a condition between them."""
        left, right = self.table(), self.table()
        both = _beside(left, right, f"{left.text}, {right.text}")
        return both, self.condition(left, right, both, outer)

    def _join(self, left, right, outer):
        rng = self._rng
        kind = rng.choice(["", "INNER ", "LEFT ", "LEFT OUTER ", "RIGHT ", "FULL ", "FULL OUTER "])
        if len(right.sides) == 1 and rng.random() < 0.3:
            return self._by_columns(left, right, kind)
        if not self._strict and rng.random() < 0.05:
            return _beside(left, right, f"{left.text} CROSS JOIN {right.text}")
        both = _beside(left, right, "")
        on = self.condition(left, right, both, outer)
        text = f"{left.text} {kind}JOIN {right.text} ON {on}"
        return replace(_of_kind(left, right, kind), text=text)

    def _by_columns(self, left, right, kind):
        """Return a join with USING or NATURAL, of columns that both sides have once, if any."""
        rng = self._rng
        natural = rng.random() < 0.4
        right = self._narrow(right) if natural else right
        alone = left.alone() & right.alone()
        shared = [name for name in ("objectId", "kind") if name.lower() in alone]
        if not shared:
            return _beside(left, right, f"{left.text} {kind}JOIN {right.text} ON 1 = 1")
        if natural and set(left.visible) & set(right.visible) <= alone:
            text = f"{left.text} NATURAL {kind}JOIN {right.text}"
        else:
            shared = rng.sample(shared, rng.randint(1, len(shared)))
            text = f"{left.text} {kind}JOIN {right.text} USING ({', '.join(shared)})"
        both = _of_kind(left, right, kind)
        names = [name.lower() for name in shared]
        return From(text, both.sides, (*names, *(n for n in both.visible if n not in names)))

    def _narrow(self, right):
        """Return a table with a few of its columns, of which others may have the id and a text."""
        side, rng = right.sides[0], self._rng
        alias, name = self._alias(), rng.choice(side.asked.texts)
        text = "kind" if rng.random() < 0.5 else f"tag{self._used}"
        double, size = f"low{self._used}", f"count{self._used}"
        asked = Asked("", (double,), (), (size,), (), (text,))
        items = (
            f"{side.alias}.objectId, {side.alias}.{_quoted(name)} AS {text}, "
            f"{side.alias}.{side.asked.doubles[0] if side.asked.doubles else 'mjd'} AS {double}, "
            f"{_quoted(side.asked.small[0])} AS {size}"
        )
        written = f"(SELECT {items} FROM {right.text}) AS {alias}"  # noqa: S608
        return From(written, (Narrow(alias, asked),),
                    ("objectid", text.lower(), double, size))  # fmt: skip

    # conditions between two sides

    def condition(self, left, right, both, outer):
        """Return what a join is made by: ids, texts, positions, sizes, and more conditions."""
        rng = self._rng
        one, two = rng.choice(left.sides), rng.choice(right.sides)
        places = all("ra" in side.columns for side in (one, two))
        kinds = [self.by_id] * 4 + [self.by_text, self.by_number, self.by_size]
        first = rng.choice(kinds + [self.near] * 4 * places)(one, two)
        parts = [first]
        if rng.random() < 0.3:
            parts.append(self._values([both, *outer]).condition(1))
        if rng.random() < 0.1:
            parts.append(self.by_size(one, two))
        rng.shuffle(parts)
        word = " OR " if rng.random() < 0.1 else " AND "
        return word.join(parts)

    def _turned(self, a, b):
        return self._rng.choice([f"{a} = {b}", f"{b} = {a}"])

    def by_id(self, one, two):
        """Return that ids are equal, in any of their types."""
        ids = [self._rng.choice([s.asked.id, s.asked.id, *s.ids]) for s in (one, two)]
        return self._turned(f"{one.alias}.{ids[0]}", f"{two.alias}.{ids[1]}")

    def by_text(self, one, two):
        """Return that texts are equal."""
        a, b = (f"{s.alias}.{_quoted(self._rng.choice(s.asked.texts))}" for s in (one, two))
        return self._rng.choice([
            self._turned(a, b), self._turned(f"UPPER({a})", f"UPPER({b})"),
            self._turned(f"COALESCE({a}, 'star')", b),
        ])  # fmt: skip

    def by_number(self, one, two):
        """Return that numbers are equal."""
        a, b = map(self._number, (one, two))
        return self._turned(a, self._rng.choice([b, f"{b} + 1", f"-{b}"]))

    def by_size(self, one, two):
        """Return that numbers follow each other."""
        a, b = map(self._number, (one, two))
        return f"{a} {self._rng.choice(['<', '>', '<=', '>=', '<>'])} {b}"

    def _number(self, side):
        names = [*side.asked.small, *side.asked.small, *side.asked.doubles]
        return f"{side.alias}.{_quoted(self._rng.choice(names))}"

    def near(self, one, two):
        """Return that two positions are near each other, in any of the ways to write it."""
        rng = self._rng
        if rng.random() < 0.5:
            one, two = two, one
        radii = [f"{side.alias}.radius" for side in (one, two) if "radius" in side.columns]
        constant = rng.choice(["0.00001", "0.0003", "0.003", "0.02", "1.5", "0", "-1", "200."])
        radius = rng.choice([constant, rng.choice(radii)] if radii else [constant])
        if rng.random() < 0.2:
            radius = f"{radius} / 2.5"
        (a, b) = (f"{side.alias}.ra, {side.alias}.dec" for side in (one, two))
        distance = rng.choice([f"DISTANCE(POINT({a}), POINT({b}))", f"DISTANCE({a}, {b})"])
        circle = rng.choice([f"CIRCLE({b}, {radius})", f"CIRCLE(POINT({b}), {radius})",
                             f"CIRCLE('ICRS', {b}, {radius})"])  # fmt: skip
        contains = f"CONTAINS(POINT({a}), {circle})"
        return rng.choice([
            f"{distance} < {radius}", f"{distance} <= {radius}", f"{radius} > {distance}",
            f"{contains} = 1", f"1 = {contains}", f"NOT ({contains} = 0)",
            f"INTERSECTS({circle}, POINT({a})) = 1", f"{distance} * 3600 < 3600 * ({radius})",
        ])  # fmt: skip


class Narrow(Side):
    """A query in FROM that has no position."""

    @property
    def columns(self):
        """The names of the columns."""
        a = self.asked
        return (a.id, *a.doubles, *a.small, *a.texts)


def _quoted(name):
    return f'"{name}"' if name == "size" else name


def _beside(left, right, text):
    return From(text, (*left.sides, *right.sides), (*left.visible, *right.visible))


def _of_kind(left, right, kind):
    """Return both sides; the light curves of one that may lack rows are not asked for."""
    if kind.startswith(("RIGHT", "FULL")):
        left = replace(left, sides=tuple(replace(s, curves=False) for s in left.sides))
    if kind.startswith(("LEFT", "FULL")):
        right = replace(right, sides=tuple(replace(s, curves=False) for s in right.sides))
    return _beside(left, right, "")
