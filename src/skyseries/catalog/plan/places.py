"""Rows chosen by where they stand: a sample, or all but the duplicates.

The *place* of a row is its order-29 cell and its number among the rows of that cell, which come
along the sky in the same order however the sky is divided. Numbers count the rows of the child;
so the child must leave none out, and takes no hints.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.node import Area, Hints, Node, Pieces, RowStep
from skyseries.catalog.plan.rows import Rows
from skyseries.catalog.plan.scan import widened
from skyseries.catalog.plan.stage import Stage
from skyseries.spatial.order import argsort

__all__ = ["ByHash", "ByPlace", "Places", "hashes", "ordinals"]

_MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Places(NamedTuple):
    """Places of rows, ascending."""

    hpx: Ints
    ordinal: Ints

    @classmethod
    def of(cls, hpx: Ints, ordinal: Ints) -> Places:
        """Return places in their order."""
        order = np.lexsort((ordinal, hpx))
        return cls(np.ascontiguousarray(hpx[order]), np.ascontiguousarray(ordinal[order]))

    def within(self, area: Area) -> Places:
        """Return the places in some ranges of cells."""
        inside = area.holds(self.hpx)
        return Places(self.hpx[inside], self.ordinal[inside])

    def has(self, hpx: Ints) -> NDArray[np.bool_]:
        """Tell which of some rows are among these; `hpx` are their cells in their order."""
        result = np.zeros(len(hpx), np.bool_)
        if not len(self.hpx) or not len(hpx):
            return result
        cells, rank = np.unique(self.hpx, return_inverse=True)
        ordinal = ordinals(hpx)
        many = int(self.ordinal.max()) + 1
        i = np.minimum(np.searchsorted(cells, hpx), len(cells) - 1)
        near = np.flatnonzero((cells[i] == hpx) & (ordinal < many))
        known = rank * many + self.ordinal
        asked = i[near] * many + ordinal[near]
        j = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        result[near] = known[j] == asked
        return result


def ordinals(hpx: Ints) -> Ints:
    """Return the number of each row among those of its cell, from 0."""
    n = len(hpx)
    step = np.diff(hpx)
    if (step > 0).all():
        return np.zeros(n, np.int64)
    order = None if (step >= 0).all() else argsort(hpx)
    cells = hpx if order is None else hpx[order]
    row = np.arange(n)
    first = np.maximum.accumulate(np.where(np.diff(cells, prepend=cells[0] - 1) != 0, row, 0))
    if order is None:
        return row - first
    found = np.empty(n, np.int64)
    found[order] = row - first
    return found


def hashes(hpx: Ints, seed: int) -> NDArray[np.uint64]:
    """Return random numbers of 64 bits that depend on the seed and the rows' places only.

    The mixing function is that of SplitMix64 (Steele, Lea & Flood 2014, OOPSLA '14, section 3);
    as it is one-to-one, the first rows of all cells have different numbers.
    """
    start = _mixed(np.array([seed & (1 << 64) - 1], np.uint64))
    return _mixed(_mixed(hpx.view(np.uint64) ^ start) + ordinals(hpx).view(np.uint64) * _GOLDEN)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = x + _GOLDEN
    x = (x ^ x >> np.uint64(30)) * _MULTIPLIERS[0]
    x = (x ^ x >> np.uint64(27)) * _MULTIPLIERS[1]
    return x ^ x >> np.uint64(31)


@dataclass(frozen=True)
class _Chosen(RowStep):
    """A step that numbers the rows of its child."""

    @property
    def filters(self) -> bool:
        return True

    @property
    def gives(self) -> tuple[int, int | None]:
        return 0, 1

    def hints(self, hints: Hints) -> Hints:
        return Hints()

    def pieces(self, hints: Hints) -> list[Pieces]:
        return self.child.pieces(hints)

    def chosen(self, hpx: Ints) -> NDArray[np.bool_]:
        """Tell which rows to keep."""
        raise NotImplementedError

    def apply(self, rows: Rows) -> Rows:
        if not len(rows):
            return rows
        keep = self.chosen(rows.hpx())
        return rows if keep.all() else rows.take(np.flatnonzero(keep))


@dataclass(frozen=True)
class ByHash(_Chosen):
    """Keep each row with the same probability."""

    fraction: float
    seed: int

    def chosen(self, hpx: Ints) -> NDArray[np.bool_]:
        if self.fraction >= 1:
            return np.ones(len(hpx), np.bool_)
        return hashes(hpx, self.seed) < np.uint64(int(self.fraction * 2.0**64))

    def describe(self) -> str:
        return f"sample {self.fraction:g} of the rows (seed {self.seed})"


@dataclass(frozen=True, eq=False)
class ByPlace(_Chosen):
    """Keep rows at some places, or all but these.

    Parameters
    ----------
    places : Stage or Places
        Of a node for one unit, those that are in it.
    keep : bool
    text : str
        What is done; ``{}`` stands for how many rows.
    """

    places: Stage[Places] | Places = field(repr=False)
    keep: bool
    text: str

    def stages(self) -> tuple[Stage[Any], ...]:
        return (self.places,) if isinstance(self.places, Stage) else ()

    def _known(self) -> Places | None:
        """Return the places; None before they are found."""
        if isinstance(self.places, Places):
            return self.places
        return self.places.value if self.places.is_done else None

    def chosen(self, hpx: Ints) -> NDArray[np.bool_]:
        places = self.places if isinstance(self.places, Places) else self.places.value
        return places.has(hpx) if self.keep else ~places.has(hpx)

    def pieces(self, hints: Hints) -> list[Pieces]:
        first, *rest = super().pieces(hints)
        known = self._known() if self.keep else None
        if known is None:
            return [first, *rest]
        hpx = known.hpx
        there = np.searchsorted(hpx, first.start) < np.searchsorted(hpx, first.stop)
        return [Pieces(first.start[there], first.stop[there], first.weight[there]), *rest]

    def narrow(self, area: Area) -> Node:
        known = self._known()
        places = self.places if known is None else known.within(widened(area))
        return replace(self, child=self.child.narrow(area), places=places)

    def describe(self) -> str:
        known = self._known()
        return self.text.format("" if known is None else f"{len(known.hpx):,} ")
