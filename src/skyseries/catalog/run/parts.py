"""Parts of a summary: which units there are, and how what they give is merged.

A sum of floating-point numbers depends on its order. So the units of a summary do not depend on
the engine or on its workers, and parts are merged in a fixed tree over the units, as soon as the
parts of a branch are there: the result is the same to the last bit everywhere, and only a few
parts wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.node import Hints, Node, Pieces, Unit
from skyseries.catalog.run.run import run_units
from skyseries.catalog.run.units import divide
from skyseries.config import tuning

__all__ = ["fixed_units", "merged", "parts_within"]

T = TypeVar("T")

_AS_IF_WORKERS = 4
_BRANCHES = 16


def fixed_units(node: Node, largest: float | None = None) -> list[Unit]:
    """Return units that are the same on every engine.

    Partitions that are not too large are not cut: of a part of one the cells have to be read to
    tell which rows it has, which can cost more than the summary itself.
    """
    first, *rest = node.pieces(Hints())
    limit = tuning().unit_rows if largest is None else largest
    return divide([_whole(first, node.cuts(), limit), *rest], _AS_IF_WORKERS, largest)


def _whole(pieces: Pieces, cuts: Ints, limit: float) -> Pieces:
    """Join the pieces of each partition of no more than a weight."""
    if len(cuts) < 3 or not len(pieces):
        return pieces
    partition = np.searchsorted(cuts, pieces.start, side="right") - 1
    weight = np.bincount(partition - partition[0], pieces.weight)[partition - partition[0]]
    begins = (np.diff(partition, prepend=partition[0] - 1) != 0) | (weight > limit)
    ends = np.append(np.flatnonzero(begins)[1:], len(begins)) - 1
    sums = np.add.reduceat(pieces.weight, np.flatnonzero(begins))
    return Pieces(pieces.start[begins], pieces.stop[ends], sums)


def merged(
    node: Node,
    partial: Callable[[Node, Unit], T],
    merge: Callable[[Sequence[T]], T],
) -> T:
    """Compute a part of each unit and merge them as they come.

    Parameters
    ----------
    node : Node
    partial : callable
        ``partial(node, unit)``, picklable.
    merge : callable
        Of parts that follow each other along the sky; of none, the part of no rows.
    """
    units = fixed_units(node)
    tree = _Tree(len(units), merge)
    for place, part in run_units(node, partial, units):
        tree.add(place, part)
    return tree.result if units else merge([])


def parts_within(
    node: Node,
    partial: Callable[[Node, Unit], T],
    merge: Callable[[Sequence[T]], T],
    size: Callable[[T], int],
    most: int,
) -> Iterator[T]:
    """Yield the one part of all units, as `merged` returns it; or many, if they grow too large.

    Parameters
    ----------
    node, partial, merge
        As for `merged`.
    size : callable
        Returns the bytes of a part.
    most : int
        Bytes that parts may have together while they wait.
    """
    units = fixed_units(node)
    tree = _Tree(len(units), merge)
    parts = run_units(node, partial, units)
    for place, part in parts:
        tree.add(place, part)
        if sum(map(size, tree.waiting)) > most:
            yield from tree.waiting
            yield from (later for _, later in parts)
            return
    yield tree.result if units else merge([])


class _Tree(Generic[T]):
    """Merges parts in the same order however they come."""

    result: T

    def __init__(self, count: int, merge: Callable[[Sequence[T]], T]) -> None:
        self._merge = merge
        self._counts = [count]
        while self._counts[-1] > 1:
            self._counts.append(-(-self._counts[-1] // _BRANCHES))
        self._waiting: dict[tuple[int, int], dict[int, T]] = {}

    @property
    def waiting(self) -> list[T]:
        """The parts that are not merged with others yet, along the sky."""
        found = {
            place * _BRANCHES**level: part
            for (level, _), there in self._waiting.items()
            for place, part in there.items()
        }
        return [found[place] for place in sorted(found)]

    def add(self, place: int, part: T, level: int = 0) -> None:
        """Add the part of a unit, or of a branch of a level."""
        if self._counts[level] == 1:
            self.result = self._merge([part]) if level == 0 else part
            return
        branch = place // _BRANCHES
        there = self._waiting.setdefault((level, branch), {})
        there[place] = part
        if len(there) == min(_BRANCHES, self._counts[level] - branch * _BRANCHES):
            del self._waiting[level, branch]
            parts = [there[i] for i in sorted(there)]
            self.add(branch, self._merge(parts), level + 1)
