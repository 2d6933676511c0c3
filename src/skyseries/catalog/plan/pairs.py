"""Pairs of rows: the columns of two sides under new names, read when they are fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Floats, Ints
from skyseries.arrow import from_numpy
from skyseries.catalog.plan.node import Hints, RowStep, Source
from skyseries.catalog.plan.rows import Index, Rows
from skyseries.catalog.plan.steps import Wrapped
from skyseries.errors import SchemaError
from skyseries.lazy import pc
from skyseries.schema import as_nullable

__all__ = ["PairRows", "Pairs", "Rename", "Renamed", "fetch_or_null", "no_clash", "renamed"]


@dataclass(frozen=True)
class Renamed:
    """The columns of one side in the result: pairs of old and new name; others are left out."""

    pairs: tuple[tuple[str, str], ...]

    def schema(self, before: pa.Schema, *, nullable: bool = False) -> pa.Schema:
        """Return the columns under their new names; those of rows that may be missing."""
        fields = [before.field(old).with_name(new) for old, new in self.pairs]
        fields = [as_nullable(field) for field in fields] if nullable else fields
        return pa.schema(fields, before.metadata)

    def new(self, names: tuple[str, str]) -> tuple[str, str] | None:
        """Return the new names of two columns; None if one of them is left out."""
        new = dict(self.pairs)
        return (new[names[0]], new[names[1]]) if set(names) <= set(new) else None

    def old(self, paths: Sequence[str]) -> list[str]:
        """Return the old paths of those that are of this side."""
        return [old for path in paths if (old := self.source(path)) is not None]

    def source(self, path: str) -> str | None:
        """Return the old path of a path; None if it is not of this side."""
        old = {new: old for old, new in self.pairs}
        if path in old:
            return old[path]
        column, dot, field = path.partition(".")
        return f"{old[column]}{dot}{field}" if dot and column in old else None

    def inherits(self, path: str, side: int = 0) -> tuple[Source, ...] | None:
        """Return the source of a path, on a side; None if it is not of this side."""
        old = self.source(path)
        return None if old is None else (Source(side, old),)

    def hints(self, hints: Hints) -> Hints:
        """Return the hints on columns of this side, under their old names."""
        old = {new: old for old, new in self.pairs}
        return Hints(hints.regions, tuple(c.renamed(old) for c in hints.conditions))

    def wrap(self, rows: Rows) -> Rows:
        """Return rows under the new names."""
        return rows if all(old == new for old, new in self.pairs) else _RenamedRows(rows, self)


def renamed(
    schema: pa.Schema, suffix: str, others: Sequence[str], left_out: Sequence[str]
) -> Renamed:
    """Give a suffix to the columns that the other side has too."""
    return Renamed(
        tuple(
            (name, f"{name}{suffix}" if name in others else name)
            for name in schema.names
            if name not in left_out
        )
    )


def no_clash(left: Renamed, right: Renamed, more: Sequence[str] = ()) -> None:
    """Raise SchemaError if two columns of the result have one name."""
    names = [new for side in (left, right) for _, new in side.pairs]
    names += more
    if again := [name for name in names if names.count(name) > 1]:
        raise SchemaError(
            f"the result would have two columns {again[0]!r}; give other suffixes=, or select "
            "fewer columns first"
        )


@dataclass(frozen=True)
class Rename(RowStep):
    """Give columns other names."""

    names: Renamed

    @cached_property
    def schema(self) -> pa.Schema:
        return self.names.schema(self.child.schema)

    @property
    def position(self) -> tuple[str, str] | None:
        before = self.child.position
        return None if before is None else self.names.new(before)

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return self.names.inherits(path)

    def hints(self, hints: Hints) -> Hints:
        return self.names.hints(hints)

    def needs(self, paths: Sequence[str]) -> list[str]:
        return self.names.old(paths)

    def apply(self, rows: Rows) -> Rows:
        return self.names.wrap(rows)

    def describe(self) -> str:
        changed = [f"{old} to {new}" for old, new in self.names.pairs if old != new]
        return f"rename {', '.join(changed)}"


class _RenamedRows(Wrapped):
    def __init__(self, rows: Rows, names: Renamed) -> None:
        super().__init__(rows)
        self._names = names

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        table = self._rows.fetch([self._names.source(path) or path for path in paths], index)
        return table.rename_columns(list(paths))


class Pairs(NamedTuple):
    """Which left row is with which right one; in the order of the left rows."""

    left: Ints
    right: Ints
    """-1: none."""
    distance: Floats
    """Arcseconds."""
    probability: Floats | None = None

    def chosen(self, which: NDArray[Any]) -> Pairs:
        """Return some of the pairs, by number or mask."""
        probability = None if self.probability is None else self.probability[which]
        return Pairs(self.left[which], self.right[which], self.distance[which], probability)

    def shifted(self, offset: int) -> Pairs:
        """Return the pairs with other numbers of the right rows."""
        return self._replace(right=self.right + offset)

    @classmethod
    def joined(cls, found: Sequence[Pairs], weighted: bool = False) -> Pairs:
        """Return the pairs of several as one, in the order of the left rows."""
        if not found:
            none = np.empty(0, np.int64)
            return cls(none, none, np.empty(0), np.empty(0) if weighted else None)
        pairs = cls(
            np.concatenate([one.left for one in found]),
            np.concatenate([one.right for one in found]),
            np.concatenate([one.distance for one in found]),
            np.concatenate([one.probability for one in found if one.probability is not None])
            if weighted
            else None,
        )
        if bool((pairs.left[1:] >= pairs.left[:-1]).all()):
            return pairs
        return pairs.chosen(np.argsort(pairs.left, kind="stable"))

    def with_lonely(self, n: int) -> Pairs:
        """Return the pairs and, in their places, the left rows of n that have none."""
        alone = np.ones(n, np.bool_)
        alone[self.left] = False
        lonely = np.flatnonzero(alone)
        nothing = np.full(len(lonely), np.nan)
        probability = None if self.probability is None else nothing
        more = Pairs(lonely, np.full(len(lonely), -1), nothing, probability)
        return Pairs.joined([self, more], self.probability is not None)

    def best(self, n: int | None) -> Pairs:
        """Return the first n pairs of each left row."""
        if n is None or not len(self.left):
            return self
        starts = np.flatnonzero(np.diff(self.left, prepend=-1))
        lengths = np.diff(starts, append=len(self.left))
        rank = np.arange(len(self.left)) - np.repeat(starts, lengths)
        return self.chosen(rank < n)

    def of_others(self, left: Rows, right: Rows, ids: tuple[str, str]) -> Pairs:
        """Return the pairs of different objects.

        Raises
        ------
        SchemaError
            If an id is null: the row cannot be told from itself.
        """
        first = left.fetch([ids[0]], self.left).column(0)
        second = right.fetch([ids[1]], self.right).column(0)
        other = pc.not_equal(first, second)
        if other.null_count:
            raise SchemaError(
                f"column {ids[0]!r} has no value in some rows: which rows are the same object is "
                f"not known; leave these out by query('{ids[0]} IS NOT NULL'), or give another id="
            )
        return self.chosen(other.to_numpy())


Side = tuple[Rows, Ints, Renamed]
"""Rows, the number of the row of each pair (-1: none), and what its columns are called."""


class PairRows(Rows):
    """Rows of two sides beside each other; where a right one is missing its columns are null."""

    def __init__(self, left: Side, right: Side, extras: Mapping[str, Floats]) -> None:
        self._left, self._right, self._extras = left, right, dict(extras)

    def __len__(self) -> int:
        return len(self._left[1])

    def positions(self) -> tuple[Floats, Floats]:
        rows, index, _ = self._left
        ra, dec = rows.positions()
        return ra[index], dec[index]

    def hpx(self) -> Ints:
        rows, index, _ = self._left
        return rows.hpx()[index]

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        found: dict[str, pa.ChunkedArray] = {}
        for rows, place, names in (self._left, self._right):
            sources = {path: old for path in paths if (old := names.source(path)) is not None}
            if sources:
                chosen = place if index is None else place[index]
                table = fetch_or_null(rows, list(dict.fromkeys(sources.values())), chosen)
                found |= {path: table.column(old) for path, old in sources.items()}
        right = self._right[1] if index is None else self._right[1][index]
        alone = right < 0
        for name in self._extras.keys() & set(paths):
            values = self._extras[name] if index is None else self._extras[name][index]
            found[name] = pa.array(values, mask=alone) if alone.any() else from_numpy(values)
        return pa.table([found[path] for path in paths], list(paths))


def fetch_or_null(rows: Rows, paths: list[str], index: Ints) -> pa.Table:
    """Return columns of rows by number; null where it is -1."""
    there = index >= 0
    if there.all():
        return rows.fetch(paths, index)
    table = rows.fetch(paths, index[there])
    place = np.cumsum(there) - 1
    return table.take(pa.array(place, mask=~there))
