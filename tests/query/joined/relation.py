"""What FROM makes in the slow interpreter: tables, their rows, and which column a name means."""

from __future__ import annotations

from dataclasses import dataclass, field

from skyseries.adql import tree
from tests.query.oracle import is_aggregate, missing

__all__ = ["Env", "Outer", "Relation", "Source", "no_row"]


@dataclass(frozen=True)
class Source:
    """A table in FROM: the parts of its name, and its columns, all in lower case."""

    name: tuple
    columns: tuple

    def is_called(self, qualifier):
        """Return whether this is the name, or the end of it."""
        return self.name[-len(qualifier) :] == qualifier


@dataclass
class Relation:
    """Tables side by side.

    A getter gives the value of a column in a row, which is a tuple of dictionaries; of a field of
    light curves it needs the epoch too.
    """

    sources: tuple
    columns: list
    """What an asterisk stands for: names and getters. Those of USING and NATURAL stand first."""
    rows: list
    aliases: dict = field(default_factory=dict)
    """What AS names, once rows are selected."""
    answers: dict = field(default_factory=dict)
    """Of queries in expressions that do not look at the rows."""
    known: dict = field(default_factory=dict)
    """Getters of the columns that a statement writes."""

    @classmethod
    def of(cls, source, rows):
        """Return one table."""
        columns = [(name, _getter(0, (name,))) for name in source.columns]
        return cls((source,), columns, [(row,) for row in rows])

    def beside(self, other):
        """Return the columns of both, without rows."""
        return Relation(
            (*self.sources, *other.sources), [*self.columns, *other._moved(len(self.sources))], []
        )

    def _moved(self, size):
        return [(name, lambda row, _=None, get=get: get(row[size:])) for name, get in self.columns]

    def joined(self, join, other):
        """Return the columns of a join, and the getters of either side whose values are equal."""
        names = [name.text.lower() for name in join.using]
        if join.natural:
            others = {name for name, _ in other.columns}
            names = [name for name, _ in self.columns if name in others]
        pairs = [(self.getter((name,)), other.getter((name,))) for name in names]
        both, size = self.beside(other), len(self.sources)
        merged = [
            (name, _merged(join.kind, *pair, size)) for name, pair in zip(names, pairs, strict=True)
        ]
        both.columns = merged + [pair for pair in both.columns if pair[0] not in names]
        return both, pairs

    def everything(self, qualifier):
        """Return names and getters of all columns, or of those of one table."""
        parts = tuple(part.text.lower() for part in qualifier)
        return self.columns if not parts else [
            (name, _getter(i, (name,)))
            for i, source in enumerate(self.sources) if source.is_called(parts)
            for name in source.columns
        ]  # fmt: skip

    def getter(self, parts):
        """Return the getter that a name means; None if there is none."""
        found = [get for name, get in self.columns if (name,) == parts]
        place = None if found else self._place(parts)
        assert len(found) < 2, f"{parts} can be several columns"
        return found[0] if found else place and _getter(*place)

    def _place(self, parts):
        """Return the table, and the column, or the light curve and its field, of a name."""
        for size in range(len(parts) - 1, -1, -1):
            path = parts[size:]
            found = [
                (i, path)
                for i, source in enumerate(self.sources)
                if (not size or source.is_called(parts[:size])) and path[0] in source.columns
                and (len(path) == 1 or path[0] == "lc")
            ]  # fmt: skip
            assert len(found) < 2, f"{parts} can be several columns"
            if found:
                return found[0]
        return None

    def of_epochs(self, node):
        """Return the table whose light curves an expression is of; None if of none.

        What an aggregate of epochs has aggregated is not.
        """
        if isinstance(node, tree.ColumnRef):
            place = self._place(_lower(node)) if len(node.parts) > 1 else None
            return place[0] if place is not None and len(place[1]) > 1 else None
        if isinstance(node, tree.Query):
            return None
        inner = (self.of_epochs(n) for n in tree.children(node) if not is_aggregate(n))
        return next((found for found in inner if found is not None), None)


def _getter(i, path):
    if len(path) > 1:
        return lambda _, epoch: epoch[path[1]]
    return lambda row, _=None: row[i][path[0]]


def _merged(kind, one, two, size):
    if kind == "FULL":
        return lambda row, _=None: _first(one(row[:size]), two(row[size:]))
    if kind == "RIGHT":
        return lambda row, _=None: two(row[size:])
    return lambda row, _=None: one(row[:size])


def _first(a, b):
    return b if missing(a) else a


def no_row(relation):
    """Return the row of an outer join where there is none."""
    return tuple(dict.fromkeys(source.columns) for source in relation.sources)


def _lower(reference):
    return tuple(part.text.lower() for part in reference.parts)


@dataclass(frozen=True)
class Env:
    """A row, or a group with its first row, in which expressions have values."""

    relation: Relation
    row: tuple
    outer: Outer | None
    named: dict
    group: list | None = None
    epoch: dict | None = None

    def column(self, reference, value):
        """Return the value of a column; `value` gives that of an expression that AS names."""
        known = self.relation.known
        if id(reference) not in known:
            known[id(reference)] = self.relation.getter(_lower(reference))
        get = known[id(reference)]
        if get is not None:
            return get(self.row, self.epoch)
        name = reference.parts[0].text.lower()
        if name in self.relation.aliases and len(reference.parts) == 1:
            return value(self.relation.aliases[name], self)
        assert self.outer is not None, f"no column {reference}"
        return self.outer.column(reference, value)

    def epochs(self, node):
        """Return the epochs of this row that an aggregate is over."""
        curve = self.row[self.relation.of_epochs(node)]["lc"] or []
        return [Env(self.relation, self.row, self.outer, self.named, None, e) for e in curve]


class Outer:
    """The row of an outer query, which knows whether it was looked at."""

    def __init__(self, env):
        self._env = env
        self.looked_at = False

    def column(self, reference, value):
        """Return the value of a column."""
        self.looked_at = True
        return self._env.column(reference, value)
