"""Random statements that ask one table, as text, from a seed."""

from __future__ import annotations

import random
import re

from skyseries.adql import tree
from skyseries.adql.functions import FUNCTIONS
from tests.query.random_values import EPOCHS, OBJECTS, Values

__all__ = ["Statements", "names_in"]


class Statements:
    """Makes a statement and a condition.

    Parameters
    ----------
    seed : int
    ids : list of int
        Of rows that are there.
    anchor : tuple of float
        What most positions are close to.

    Attributes
    ----------
    asked : Asked
        The table.
    dialect : str
    """

    def __init__(self, seed, ids, anchor):
        self.rng = random.Random(seed)
        self.asked = self.rng.choice([OBJECTS, OBJECTS, EPOCHS])
        self.dialect = self.rng.choice(["adql", "python"])
        alias = self.rng.choice(["", "", "s", "Tab_1"])
        strict = self.dialect == "adql"
        self.make = Values(self.rng, self.asked, ids, strict=strict, alias=alias, anchor=anchor)
        self.source = f"{self.asked.name}{self.rng.choice([' AS ', ' '])}{alias}".rstrip()
        if not alias:
            self.source = self.asked.name

    def statement(self):
        """Return a statement."""
        return self.shaken(self.grouped() if self.rng.random() < 0.35 else self.plain())

    def plain_rows(self):
        """Return a statement whose rows are those of its condition."""
        return f"SELECT {self.asked.id}, ra FROM {self.source}{self.where(0.5)}"  # noqa: S608

    def condition(self):
        """Return a condition."""
        return self.shaken(self.make.condition(2))

    def plain(self):
        """Return a statement without groups."""
        rng, make = self.rng, self.make
        items = [f"{make.value(2)} AS v{i}" for i in range(rng.randint(1, 4))]
        distinct = tail = top = ""
        if rng.random() < 0.2:
            distinct = "DISTINCT "
            items = [
                f"{make.one(make.simple, lambda: make.whole(1), lambda: make.text(1))} AS v{i}"
                for i in range(rng.randint(1, 2))
            ]
            if rng.random() < 0.6:
                tail = f" ORDER BY {rng.choice(['v0', '1 DESC', 'v0 ASC'])}"
        elif rng.random() < 0.4:
            placed = self.plain_order(items[0])
            term = rng.choice(["1", "v0"]) if placed else make.comparable(1)
            while not placed and term[0] in ".'0123456789":  # constants give no order
                term = make.comparable(1)
            # ties are those of all rows that are equal in this and the id (and the time) too
            more = "" if self.asked.nested else ", mjd"
            tail = f" ORDER BY {term} {rng.choice(['', 'ASC', 'DESC'])}, {self.asked.id}{more}"
            if rng.random() < 0.5:
                top = f"TOP {rng.randint(0, 30)} "
            if rng.random() < 0.3:
                tail += f" OFFSET {rng.randint(0, 20)}"
        return f"SELECT {distinct}{top}{', '.join(items)} FROM {self.source}{self.where()}{tail}"  # noqa: S608

    def plain_order(self, item):
        """Return whether the first of the selected values surely has an order."""
        return self.rng.random() < 0.5 and re.fullmatch(r'[\w."]+ AS v0', item)

    def grouped(self):
        """Return a statement with groups."""
        rng = self.rng
        keys = [self.key() for _ in range(rng.randint(0, 2))]
        items = [f"{key} AS k{i}" for i, key in enumerate(keys)]
        items += [f"{self.aggregate()} AS a{i}" for i in range(rng.randint(1, 3))]
        text = f"SELECT {', '.join(items)} FROM {self.source}{self.where()}"  # noqa: S608
        if keys:
            text += f" GROUP BY {', '.join(keys)}"
        if rng.random() < 0.3:
            text += f" HAVING {self.having(keys)}"
        if keys and rng.random() < 0.4:
            terms = (f"k{i} {rng.choice(['', 'DESC'])}" for i in range(len(keys)))
            text += f" ORDER BY {', '.join(terms)}"
        elif keys and rng.random() < 0.3 and "histogram" not in items[len(keys)]:
            text += f" ORDER BY a0 {rng.choice(['', 'DESC'])}"
        return text

    def having(self, keys):
        """Return a condition on groups that are made by some keys."""
        make = self.make
        return self.rng.choice([
            "COUNT(*) > 1", f"MAX({make.measured()}) > {make.constant()}",
            f"NOT (SUM({make.small()}) < {make.digits(0, 40)})",
            f"COUNT({make.simple()}) {make.operator()} 2",
        ])  # fmt: skip

    def key(self):
        """Return what groups are made by."""
        make = self.make
        small, name = make.small(), make.column(*self.asked.texts)
        number = make.column(*self.asked.reals)
        return self.rng.choice([
            small, name, f"FLOOR({number})", f"MOD({small}, 3)", f"UPPER({name})", f"{small} + 1",
            f"ROUND({number}, -1)", f"CASE WHEN {make.condition(0)} THEN 'a' ELSE 'b' END",
            f"COALESCE({name}, 'none')", f"CONTAINS(POINT({make.coordinates()}), {make.region()})",
        ])  # fmt: skip

    def aggregate(self):
        """Return an aggregate, or a value made of some."""
        rng, make = self.rng, self.make
        strict = self.dialect == "adql"
        distinct = rng.choice(["", "", "DISTINCT ", "ALL "])
        median = "scisql_median" if strict else rng.choice(["MEDIAN", "scisql_median"])
        names = ["SUM", "AVG"] + ([] if strict else ["STDDEV", "VARIANCE"])
        percentile = (
            "scisql_percentile" if strict else rng.choice(["PERCENTILE", "scisql_percentile"])
        )
        number = rng.choice([make.measured(), f"2.5 * {make.measured()}", make.whole(1)])
        text = make.column(*self.asked.texts)
        return rng.choice([
            "COUNT(*)", f"COUNT({distinct}{make.one(make.simple, lambda: make.text(1))})",
            f"{rng.choice(['MIN', 'MAX'])}({distinct}{make.simple()})",
            f"{rng.choice(['MIN', 'MAX'])}({make.number(1)})",
            f"{rng.choice(names)}({distinct}{number})", f"{median}({distinct}{number})",
            f"{percentile}({number}, {rng.choice([rng.randint(0, 100), 12.5, 120])})",
            f"MAX({number}) - MIN({number})", f"1.0 * SUM({make.small()}) / COUNT(*)",
            f"ivo_string_agg({text}, {make.word()})",
            f"ivo_histogram({number}, 0, 25, {rng.randint(1, 5)})",
            f"CASE WHEN COUNT(*) > {rng.randint(0, 9)} THEN MAX({make.measured()}) END",
        ])  # fmt: skip

    def where(self, share=0.85):
        """Return WHERE with a condition, or nothing."""
        return f" WHERE {self.make.condition(2)}" if self.rng.random() < share else ""

    def shaken(self, text):
        """Return the same text with other case, white space and comments."""
        if self.rng.random() < 0.6:
            return text
        parts = re.split(r"""('(?:[^']|'')*'|"[^"]*")""", text)
        parts[::2] = map(self._shaken_part, parts[::2])
        return "".join(parts)

    def _shaken_part(self, part):
        words = re.split(r"(\w+| )", part)
        return "".join(map(self._shaken_word, words))

    def _shaken_word(self, word):
        if word == " " and self.rng.random() < 0.1:
            return self.rng.choice(["  ", "\t", "\n", ' -- it\'s "one"\n', "\r\n"])
        if word.isidentifier() and self.rng.random() < 0.3:
            return self.rng.choice([word.upper(), word.lower(), word.swapcase()])
        return word


def names_in(node):
    """Yield what occurs in a tree: kinds of nodes with what makes them different, and functions."""
    kind = type(node).__name__
    match node:
        case tree.Call():
            name = node.name.upper()
            yield f"function {FUNCTIONS[name].name if name in FUNCTIONS else name}"
            if node.distinct:
                yield "aggregate DISTINCT"
        case tree.Cast():
            length = "" if node.length is None else "(n)"
            yield f"{'TRY_' * node.attempt}CAST AS {node.target}{length}"
        case tree.Binary() | tree.Unary() | tree.Comparison():
            yield f"{kind} {node.operator}"
        case tree.Between() | tree.In() | tree.IsNull():
            yield f"{'NOT ' * node.negated}{kind}"
        case tree.Like():
            yield f"{'NOT ' * node.negated}{'ILIKE' if node.insensitive else 'LIKE'}"
        case tree.Case():
            yield "CASE" if node.operand is None else "CASE of a value"
        case tree.Literal():
            yield f"literal {type(node.value).__name__}"
        case tree.Order():
            place = isinstance(node.value, tree.Literal)
            yield f"ORDER BY {'a place' if place else type(node.value).__name__}"
            yield "DESC" if node.descending else "ASC"
        case tree.ColumnRef():
            yield f"column of {len(node.parts)} parts"
            if node.parts[-1].delimited:
                yield "delimited name"
        case tree.Table():
            yield "table" if node.alias is None else "table with alias"
        case tree.Join():
            by = "NATURAL" if node.natural else "USING" if node.using else "ON" if node.on else ""
            yield f"{node.kind} JOIN {by}".rstrip()
        case tree.Combination():
            yield f"{node.operator}{' ALL' * node.every}"
        case tree.InQuery():
            yield f"{'NOT ' * node.negated}IN a query"
        case tree.Quantified():
            yield node.quantifier
        case tree.Select():
            yield from (
                word for word, there in (
                    ("DISTINCT", node.distinct), ("TOP", node.top is not None),
                    ("WHERE", node.where),
                    ("GROUP BY", node.group_by), ("HAVING", node.having),
                    ("comma", len(node.sources) > 1),
                ) if there
            )  # fmt: skip
        case tree.Query():
            if node.offset is not None:
                yield "OFFSET"
        case _:
            yield kind
    for child in tree.children(node):
        yield from names_in(child)
