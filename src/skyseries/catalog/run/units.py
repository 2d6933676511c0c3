"""How a plan is divided: units of about equal work, of whole row groups where that is possible.

Partitions differ in size a hundredfold; row groups do not. A unit is a range of cells of the sky,
which may begin in one partition and end in the next. It is cut where no catalog of the plan has
to decode anything twice, or little: leaves of one row group are not cut, and where one catalog
has larger leaves than the other, units follow the larger.
"""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats, Ints
from skyseries.catalog.plan.node import SKY_CELLS, UNPLACED, Pieces, Unit
from skyseries.config import tuning

__all__ = ["divide"]

UNITS_PER_WORKER = 4
_LITTLE = 0.1
"""Part of a unit that may be decoded twice for a good cut."""


def divide(sides: list[Pieces], workers: int = 1, largest: float | None = None) -> list[Unit]:
    """Divide the sky into units.

    Parameters
    ----------
    sides : list of Pieces
        Of each catalog of the plan; the first gives the rows, and where it has no piece there is
        no unit.
    workers : int
        How many units can be computed side by side.
    largest : float, optional
        Weight of a unit at most, about.
    """
    left = sides[0]
    if not len(left):
        return []
    largest = tuning().unit_rows if largest is None else largest
    sides = [left, *(_where_left(side, left) for side in sides[1:])]
    cuts = np.unique(np.concatenate([side.start for side in sides]))
    before = sum((_weight_before(side, cuts) for side in sides), np.zeros(len(cuts)))
    total = float(sum(side.weight.sum() for side in sides))
    shared = min(UNITS_PER_WORKER * workers, int(total / tuning().least_unit_rows))
    count = max(round(total / largest), shared, 1)
    twice = sum((_straddled(side, cuts) for side in sides), np.zeros(len(cuts)))
    good = twice <= _LITTLE * total / count
    cuts, before = cuts[good], before[good]
    share = np.minimum((before * count / max(total, 1e-300)).astype(int), count - 1)
    first = np.flatnonzero(np.diff(share, prepend=-1))
    starts = np.concatenate([[UNPLACED], cuts[first][1:]])
    stops = np.append(starts[1:], SKY_CELLS)
    return _with_pieces(left, sides, starts, stops)


def _where_left(side: Pieces, left: Pieces) -> Pieces:
    """Return the pieces of a side that are read: those where the first side has some."""
    there = np.searchsorted(left.stop, side.start, "right") < np.searchsorted(
        left.start, side.stop, "left"
    )
    return Pieces(side.start[there], side.stop[there], side.weight[there])


def _weight_before(side: Pieces, cuts: Ints) -> Floats:
    """Return the weight of the pieces that begin before each cut."""
    sums = np.concatenate([[0.0], np.cumsum(side.weight)])
    return sums[np.searchsorted(side.start, cuts, side="left")]


def _straddled(side: Pieces, cuts: Ints) -> Floats:
    """Return the weight of the piece that each cut goes through; 0 where there is none."""
    if not len(side):
        return np.zeros(len(cuts))
    i = np.searchsorted(side.start, cuts, side="left") - 1
    through = (i >= 0) & (side.stop[np.maximum(i, 0)] > cuts)
    return np.where(through, side.weight[np.maximum(i, 0)], 0.0)


def _with_pieces(left: Pieces, sides: list[Pieces], starts: Ints, stops: Ints) -> list[Unit]:
    """Return the units where the left side has pieces, with their weights."""
    there = np.searchsorted(left.stop, starts, "right") < np.searchsorted(left.start, stops, "left")
    edges = np.append(starts, SKY_CELLS)
    weight = sum((np.diff(_weight_before(side, edges)) for side in sides), np.zeros(len(starts)))
    return [
        Unit(int(a), int(b), float(w))
        for a, b, w in zip(starts[there], stops[there], weight[there], strict=True)
    ]
