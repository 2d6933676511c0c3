"""Random statements that ask several tables, as text, from a seed."""

from __future__ import annotations

import random

from tests.query.joined.random_from import DERIVED, Froms
from tests.query.joined.random_inside import Inside
from tests.query.random_queries import Statements
from tests.query.random_values import LIMITS, Asked, Values

__all__ = ["JoinedStatements", "JoinedValues"]


class JoinedValues(Inside, Values):
    """Makes values of several tables.

    Parameters
    ----------
    statements : JoinedStatements
    levels : list of From
        That of the query, then those of outer ones.
    """

    def __init__(self, statements, levels):
        self.statements, self.levels = statements, levels
        sides = [side for level in levels for side in level.sides]
        super().__init__(
            statements.rng, _together([side.asked for side in sides]), statements.ids,
            strict=statements.strict, alias="", anchor=statements.anchor,
        )  # fmt: skip

    def column(self, *names):
        """Return one of several columns, with its table where it takes that to be clear."""
        places = [
            (depth, side, name)
            for depth, level in enumerate(self.levels)
            for side in level.sides
            for name in side.columns if name in names
        ]  # fmt: skip
        depth, side, name = self.rng.choice(places)
        quoted = side.asked.name and self.rng.random() < 0.05
        written = f'"{name}"' if name == "size" or quoted else name
        inner = {one for level in self.levels[:depth] for one in level.visible}
        alone = name.lower() in self.levels[depth].alone() - inner
        return written if alone and self.rng.random() < 0.4 else f"{side.alias}.{written}"

    def whole(self, depth=2):
        """Return a whole number that is signed: beside an unsigned one no other may be below 0."""
        found = super().whole(depth)
        while "objectid" in found.lower():
            found = super().whole(depth)
        return found

    def limit(self, name):
        """Return a number that the values of a column lie around."""
        return super().limit(name if name in LIMITS else "gMag" if "ag" in name else "nObs")

    def in_unit(self, depth=2):
        """Return a coordinate in another unit, of a catalog."""
        names = {side.asked.name for level in self.levels for side in level.sides}
        return super().in_unit() if names <= {"survey", "survey.lc", "other"} else self.constant()

    def curve(self):
        """Return what stands before the fields of a light curve; None where there is none."""
        sides = [side.alias for side in self.levels[0].sides if side.curves]
        return self.rng.choice(sides) if sides else None

    def of_epochs(self, depth=2):
        """Return an aggregate of the epochs of an object; a number where there are none."""
        return self._of_curve(super().of_epochs, self.constant)

    def of_light_curve(self):
        """Return a condition on the epochs of an object."""
        return self._of_curve(super().of_light_curve, self.compared)

    def _of_curve(self, make, other):
        curve = self.curve()
        return make().replace("lc.", f"{curve}.lc.") if curve else other()


def _together(asked):
    """Return the columns of several tables, each name once."""
    parts = {
        name: tuple(dict.fromkeys(column for one in asked for column in getattr(one, name)))
        for name in ("doubles", "reals", "small", "large", "texts", "times", "flags")
    }
    return Asked("", **parts, nested="lc" if any(one.nested for one in asked) else "")


class JoinedStatements(Statements):
    """Makes a statement and a condition on the rows of a join.

    Parameters
    ----------
    seed : int
    ids : list of int
        Of rows that are there.
    anchor : tuple of float
        What most positions are close to.
    """

    def __init__(self, seed, ids, anchor):
        self.rng, self.ids, self.anchor = random.Random(seed), ids, anchor
        self.dialect = self.rng.choice(["adql", "python"])
        self.strict = self.dialect == "adql"
        self.queries = self.rng.choice([0, 1, 1, 2, 3])
        """How many more queries may stand in expressions."""
        self.froms = Froms(
            self.rng, strict=self.strict, values=self.values, query=self.derived
        )  # fmt: skip

    def values(self, levels):
        """Return what makes values of tables."""
        return JoinedValues(self, levels)

    def choose(self, found, condition=""):
        """Ask a FROM from now on."""
        self.source, self._condition = found.text, condition
        self.make = self.values([found])
        self.asked = self.make.asked

    def any_from(self):
        """Choose a FROM: mostly a join, or two tables with a comma."""
        if self.rng.random() < 0.2:
            self.choose(*self.froms.comma())
        else:
            self.choose(self.froms.joined(self.rng.choice([1, 2, 2, 2, 2, 3])))

    def statement(self):
        """Return a statement."""
        named = self.named() if self.rng.random() < 0.15 else ""
        shape = self.rng.choices([self.plain, self.grouped, self.sets], [5, 3, 2])[0]
        self.any_from()
        text = self.shaken(named + shape())
        self.froms.named = []
        return text

    def named(self):
        """Return WITH and its queries."""
        parts = []
        for i in range(self.rng.randint(1, 2)):
            parts.append(f"w{i} AS ({self.derived()})")
            self.froms.named.append(f"w{i}")
        return f"WITH {', '.join(parts)} "

    def plain_rows(self):
        """Return a statement whose rows are those of its condition."""
        self.any_from()
        items = f"{self.make.column('objectId')} AS v0, {self.make.column('ra')} AS v1"
        return f"SELECT {items} FROM {self.source}{self.where(0.4)}"  # noqa: S608

    def where(self, share=0.85):
        """Return WHERE with a condition, or nothing."""
        parts = [self._condition] if self._condition else []
        if self.rng.random() < share:
            parts.append(self.make.condition(2))
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def plain(self):
        """Return a statement without groups; ordered ones by all that is selected."""
        rng, make = self.rng, self.make
        if rng.random() < 0.08 and not make.asked.nested:
            return f"SELECT * FROM {self.source}{self.where()}"  # noqa: S608
        count = rng.randint(1, 4)
        if rng.random() < 0.6:
            items = [f"{make.value(2)} AS v{i}" for i in range(count)]
            return f"SELECT {', '.join(items)} FROM {self.source}{self.where()}"  # noqa: S608
        items = [f"{make.exactly()} AS v{i}" for i in range(count)]
        distinct = rng.choice(["", "DISTINCT "])
        return self.ordered(items, distinct)

    def ordered(self, items, distinct="", first=True):
        """Return a query ordered by all that is selected, some terms of values before that."""
        rng = self.rng
        terms = [rng.choice([str(i + 1), f"v{i}"]) for i in range(len(items))]
        terms = [f"{term} {rng.choice(['', 'ASC', 'DESC'])}" for term in terms]
        if not distinct and first and rng.random() < 0.4:
            terms.insert(0, self.term())
        top = f"TOP {rng.randint(0, 20)} " if rng.random() < 0.5 else ""
        offset = f" OFFSET {rng.randint(0, 12)}" if rng.random() < 0.3 else ""
        return (
            f"SELECT {distinct}{top}{', '.join(items)} FROM {self.source}{self.where()}"  # noqa: S608
            f" ORDER BY {', '.join(terms)}{offset}"
        )

    def term(self):
        """Return a value to order by, which is no constant."""
        term = self.make.comparable(1)
        while term[0] in ".'0123456789":
            term = self.make.comparable(1)
        return term

    def having(self, keys):
        """Return a condition on groups, some with a query of what they have in common."""
        inside = self.make.of_group(keys)
        return inside or super().having(keys)

    def key(self):
        """Return what groups are made by, without queries: it is written twice."""
        queries, self.queries = self.queries, 0
        found = super().key()
        self.queries = queries
        return found

    def sets(self):
        """Return UNION, INTERSECT or EXCEPT, of two queries or three."""
        rng = self.rng
        kinds = [rng.choice(["id", "number", "whole", "text"]) for _ in range(rng.randint(1, 3))]
        text = self.arm(kinds)
        for _ in range(rng.choice([1, 1, 1, 2])):
            word = rng.choice(["UNION", "INTERSECT", "EXCEPT"])
            if rng.random() < 0.3:
                self.any_from()
            right = self.arm(kinds)
            if rng.random() < 0.15:
                right = f"({self.ordered(self.items(kinds))})"
            text = f"{text} {word} {rng.choice(['', '', 'ALL '])}{right}"
        if rng.random() < 0.5:
            terms = [f"{i + 1} {rng.choice(['', 'DESC'])}" for i in range(len(kinds))]
            text += f" ORDER BY {', '.join(terms)}"
            if rng.random() < 0.5:
                text += f" OFFSET {rng.randint(0, 9)}"
        return text

    def items(self, kinds):
        """Return items of given kinds."""
        return [f"{self.make.of_kind(kind)} AS v{i}" for i, kind in enumerate(kinds)]

    def arm(self, kinds):
        """Return one of the queries of a set."""
        every = self.rng.choice(["", "", "DISTINCT "])
        items = ", ".join(self.items(kinds))
        return f"SELECT {every}{items} FROM {self.source}{self.where()}"  # noqa: S608

    def word(self, make):
        """Return a text that is no large number: some are made numbers later."""
        found = make.text(1)
        while "objectid" in found.lower():
            found = make.text(1)
        return found

    def derived(self):
        """Return a query with the columns of `DERIVED`."""
        rng = self.rng
        found = self.froms.inner(0.2)
        make = self.values([found])
        where = f" WHERE {make.condition(1)}" if rng.random() < 0.6 else ""
        if rng.random() < 0.25:
            name = make.column(*make.asked.texts)
            items = [
                "MIN({})".format(make.column("objectId")), "MAX({})".format(make.column("ra")),
                "MAX({})".format(make.column("dec")), f"ROUND(AVG({make.number(1)}), 9)",
                f"MAX({make.column(*make.asked.reals)})", "COUNT(*)", name,
            ]  # fmt: skip
            where += f" GROUP BY {name}"
        else:
            items = [
                make.column("objectId"), make.column("ra"), make.column("dec"), make.number(1),
                make.column(*make.asked.reals), make.whole(1), self.word(make),
            ]  # fmt: skip
        a = DERIVED
        names = (a.id, "ra", "dec", *a.doubles, *a.reals, *a.small, *a.texts)
        given = ", ".join(f"{item} AS {name}" for item, name in zip(items, names, strict=True))
        text = f"SELECT {given} FROM {found.text}{where}"  # noqa: S608
        if rng.random() < 0.15 and "GROUP" not in where:
            text = text.replace("SELECT", f"SELECT TOP {rng.randint(0, 9)}", 1)
            text += " ORDER BY 1, 2, 3, 4, 5, 6, 7"
        return text
