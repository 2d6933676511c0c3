"""Cross-match: the rows of one catalog beside those of another that are near on the sky.

For each unit of the left side its positions are read, then those of the right side in the same
part of the sky and a halo of the match radius around it (from its margin, or from the
neighbouring partitions where it has none or the margin is too narrow), and the kernel of
`skyseries.spatial.match` pairs them. Columns are read afterwards, for the pairs that remain.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arraytypes import Floats, Ints
from skyseries.arrow import to_numpy
from skyseries.catalog.plan.expressions import input_table, paths_of
from skyseries.catalog.plan.motion import Motion
from skyseries.catalog.plan.node import Area, Hints, Node, Pieces, Source
from skyseries.catalog.plan.pairs import PairRows, Pairs, Renamed
from skyseries.catalog.plan.rows import Joined, Rows
from skyseries.catalog.plan.scan import Scan, widened
from skyseries.catalog.plan.weight import Weight
from skyseries.config import tuning
from skyseries.errors import InputError
from skyseries.spatial.coverage import Ranges, intersection, normalise
from skyseries.spatial.healpix import HPX_ORDER, margin_order, radec_to_hpx
from skyseries.spatial.match import match, mutual
from skyseries.spatial.order import argsort

__all__ = ["Match", "MatchRule"]

_CELLS_ACROSS = 5
"""Orders by which the cells that tell where left rows are may be finer than their extent."""
_BLOCK = 1 << 18
"""Pairs whose condition is looked at at once."""


@dataclass(frozen=True)
class MatchRule:
    """Which pairs count."""

    radius_arcsec: float = 1.0
    radius: adql.Expr | None = None
    """An expression over the left columns, in arcseconds, in place of one radius for all."""
    n_neighbors: int | None = 1
    """None: all within the radius."""
    min_radius_arcsec: float = 0.0
    one_to_one: bool = False
    left_motion: Motion | None = None
    right_motion: Motion | None = None
    weight: Weight | None = None
    """Positional errors: partners are ranked by probability, not by distance."""
    same_id: tuple[str, str] | None = None
    """Left and right column of an id: rows with the same id do not match (a match with itself)."""
    condition: adql.Expr | None = None
    """Over the columns of both sides in the result: a pair of which it is not true is none. Only
    where all within the radius are taken."""

    def halo(self, radius: float | Floats) -> float:
        """Return how far from a left row its partners may be filed."""
        reach = float(np.nanmax(radius, initial=0.0))
        return reach + (self.right_motion.reach_arcsec if self.right_motion else 0.0)


@dataclass(frozen=True)
class Match(Node):
    """Rows of the left side with their partners.

    Parameters
    ----------
    left, right : Node
    rule : MatchRule
    how : {"inner", "left", "outer", "anti"}
        Rows without a partner are left out, kept with nulls, or all that is kept. ``"outer"`` is
        the left side of an outer match: as ``"left"``, with the columns of the whole result.
    left_names, right_names : Renamed
        Columns of both sides in the result.
    distance : str
        Column of the distance, arcseconds.
    """

    left: Node
    right: Node
    rule: MatchRule
    how: Literal["inner", "left", "outer", "anti"]
    left_names: Renamed
    right_names: Renamed
    distance: str = "_dist_arcsec"

    @cached_property
    def schema(self) -> pa.Schema:
        left = self.left_names.schema(self.left.schema, nullable=self.how == "outer")
        if self.how == "anti":
            return left
        right = self.right_names.schema(self.right.schema, nullable=self.how != "inner")
        return pa.schema([*left, *right, *self.extras], left.metadata)

    @property
    def occasions(self) -> tuple[str, ...]:
        return "crossmatch", *super().occasions

    @property
    def extras(self) -> list[pa.Field]:
        """The columns of the result that are of pairs."""
        unit = {"unit": "arcsec", "description": "distance on the sky"}
        fields = [pa.field(self.distance, pa.float64(), metadata=unit)]
        if self.rule.weight is not None:
            said = {"description": "probability that the pair is one object"}
            fields.append(pa.field(self.probability, pa.float64(), metadata=said))
        return fields

    @property
    def probability(self) -> str:
        """Column of the match probability, named as the distance is."""
        return self.distance.replace("_dist_arcsec", "_match_probability")

    @property
    def position(self) -> tuple[str, str] | None:
        names = self.left.position
        return None if names is None else self.left_names.new(names)

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    @property
    def filters(self) -> bool:
        return True

    @property
    def gives(self) -> tuple[int, int | None]:
        if self.how == "anti":
            return 0, 1
        return int(self.how != "inner"), self.rule.n_neighbors

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return self.left_names.inherits(path) or self.right_names.inherits(path, side=1)

    def describe(self) -> str:
        rule = self.rule
        within = f"{rule.radius_arcsec:g} arcsec" if rule.radius is None else "a radius per row"
        which = {None: "all", 1: "the nearest"}.get(rule.n_neighbors, f"{rule.n_neighbors} nearest")
        which = "mutually nearest" if rule.one_to_one else which
        return f"cross-match: {which} within {within} ({self.how})"

    def hints(self, hints: Hints) -> Hints:
        """Return what the left side may leave out."""
        if self.rule.one_to_one:  # a row that is not wanted may still be somebody's best
            return Hints()
        return self.left_names.hints(hints)

    def child_hints(self, child: int, hints: Hints) -> Hints:
        return self.hints(hints) if child == 0 else Hints()

    def pieces(self, hints: Hints) -> list[Pieces]:
        return [*self.left.pieces(self.hints(hints)), *self.right.pieces(Hints())]

    def narrow(self, area: Area) -> Node:
        rule = self.rule
        rivals = 2 * self.reach_arcsec if rule.one_to_one else 0.0
        narrowed = replace(self, left=self.left.narrow(area.around(rivals)))
        if rule.radius is not None or rule.left_motion is not None:
            return narrowed
        return replace(narrowed, right=self.right.narrow(area.around(self.reach_arcsec)))

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        yield from self.reads(self.left_names.old(paths), self.right_names.old(paths))

    def reads(self, left: list[str], right: list[str]) -> Iterator[tuple[Scan, list[str]]]:
        """Yield what is read for columns of both sides, and to find the pairs."""
        rule = self.rule
        left += [*(self.left.position or ()), *(paths_of(rule.radius) if rule.radius else ())]
        right += self.right.position or ()
        if rule.condition is not None:
            paths = paths_of(rule.condition)
            left += self.left_names.old(paths)
            right += self.right_names.old(paths)
        left += rule.left_motion.columns() if rule.left_motion else ()
        right += rule.right_motion.columns() if rule.right_motion else ()
        if rule.weight is not None:
            left += rule.weight.left_columns()
            right += rule.weight.right_columns()
        yield from self.left.demand(list(dict.fromkeys(left)))
        yield from self.right.demand(list(dict.fromkeys(right)))

    def rows(self, area: Area, hints: Hints) -> Rows:
        left, right, pairs = self.find(area, hints)
        if self.how == "anti":
            alone = np.ones(len(left), np.bool_)
            alone[pairs.left] = False
            return self.left_names.wrap(left.take(np.flatnonzero(alone)))
        if self.how in ("left", "outer"):
            pairs = pairs.with_lonely(len(left))
        values = [pairs.distance, *([] if pairs.probability is None else [pairs.probability])]
        extras = {field.name: value for field, value in zip(self.extras, values, strict=True)}
        return PairRows(
            (left, pairs.left, self.left_names), (right, pairs.right, self.right_names), extras
        )

    def find(self, area: Area, hints: Hints) -> tuple[Rows, Rows, Pairs]:
        """Return the rows of both sides in a part of the sky, and which of them are pairs."""
        if self.rule.one_to_one:
            return self._one_to_one(area)
        left = self.left.rows(area, self.hints(hints))
        ra, dec = _places(left, self.rule.left_motion)
        radius = self._radius(left)
        parts: list[Rows] = []
        found: list[Pairs] = []
        offset = 0
        for mine, near in self._neighbourhoods(area, left, (ra, dec)):
            r = radius if isinstance(radius, float) else radius[mine]
            halo = self.rule.halo(r)
            right = self._side(self.right, near(halo))
            if len(right):
                pairs = self._match(left, right, mine, (ra[mine], dec[mine]), r)
                found.append(pairs.shifted(offset))
                parts.append(right)
                offset += len(right)
        right = Joined.of(parts) if parts else self.right.rows(Area.of(0, 0), Hints())
        pairs = Pairs.joined(found, self.rule.weight is not None)
        return left, right, self._fulfilled(left, right, pairs)

    def _fulfilled(self, left: Rows, right: Rows, pairs: Pairs) -> Pairs:
        """Return the pairs of which the condition of the rule is true."""
        if self.rule.condition is None or not len(pairs.left):
            return pairs
        sides = (left, pairs.left, self.left_names), (right, pairs.right, self.right_names)
        rows = PairRows(*sides, {})
        kept = []
        for index in np.split(np.arange(len(rows)), range(_BLOCK, len(rows), _BLOCK)):
            condition, table = input_table(self.rule.condition, rows, index)
            kept.append(to_numpy(adql.Mask(condition)(table)))
        return pairs.chosen(np.concatenate(kept))

    def _neighbourhoods(
        self, area: Area, left: Rows, place: tuple[Floats, Floats]
    ) -> Iterator[tuple[Ints | slice, Callable[[float], Area]]]:
        """Yield left rows that share a right partition, and where to look for their partners."""
        cuts = self.right.cuts()
        still = self.rule.left_motion is None
        if (
            still
            and len(left) > tuning().near_rows
            and not area.halo_arcsec
            and _within_one(area, cuts)
        ):
            start = np.maximum(area.start, 0)
            yield slice(None), lambda halo: Area(start, area.stop, halo)
            return
        hpx = left.hpx() if still else radec_to_hpx(*place)
        order = None if bool((hpx[1:] >= hpx[:-1]).all()) else argsort(hpx)
        hpx = hpx if order is None else hpx[order]
        for chosen in _by_partition(hpx, cuts):
            cells = hpx[chosen]
            mine = chosen if order is None else order[chosen]
            yield mine, partial(_around, cells, cuts)

    def _match(
        self,
        left: Rows,
        right: Rows,
        mine: Ints | slice,
        place: tuple[Floats, Floats],
        radius: float | Floats,
    ) -> Pairs:
        rule = self.rule
        rows = np.arange(len(left))[mine]
        targets = _places(right, rule.right_motion)

        def nearest(n: int | None, which: Ints | slice = slice(None)) -> Pairs:
            sides = (place[0][which], place[1][which], *targets)
            least = rule.min_radius_arcsec
            if rule.one_to_one:
                found = mutual(*sides, rule.radius_arcsec, min_radius_arcsec=least)
            else:
                r = radius if isinstance(radius, float) else radius[which]
                found = match(*sides, r, n_neighbors=n, min_radius_arcsec=least)
            return Pairs(rows[which][found.left], found.right, found.distance_arcsec)

        n = rule.n_neighbors
        if rule.weight is not None:
            return rule.weight.ranked(nearest(None), left, right, n)
        if rule.same_id is None:
            return nearest(n)
        pairs = nearest(None if n is None else n + 1)  # the row itself is one of them
        others = pairs.of_others(left, right, rule.same_id)
        if n is None:
            return others
        size = len(left)
        crowded = np.bincount(pairs.left, minlength=size) > n  # by several rows of its own id
        crowded &= np.bincount(others.left, minlength=size) < n
        if crowded.any():
            more = nearest(None, np.flatnonzero(crowded[rows]))
            others = others.chosen(~crowded[others.left])
            others = Pairs.joined([others, more.of_others(left, right, rule.same_id)])
        return others.best(n)

    def _radius(self, left: Rows) -> float | Floats:
        if self.rule.radius is None:
            return float(self.rule.radius_arcsec)
        expression, table = input_table(self.rule.radius, left)
        values = adql.Values([expression])(table)[0].cast(pa.float64())
        radius = np.asarray(values.fill_null(np.nan).to_numpy(zero_copy_only=False))
        if bool((radius < 0).any()):
            raise InputError(f"the match radius is negative: {np.nanmin(radius)} arcsec")
        return radius

    @property
    def reach_arcsec(self) -> float:
        """How far from each other partners may be filed."""
        rule = self.rule
        more = rule.left_motion.reach_arcsec if rule.left_motion else 0.0
        return rule.halo(rule.radius_arcsec) + more

    def _side(self, node: Node, area: Area) -> Rows:
        """Return the rows of one side in an area and near it.

        In an outer match each comes from where it is filed, and they are in one order whatever
        the area is: its two halves must choose the same ones of partners that are equally near.
        """
        if self.how != "outer":
            return node.rows(area, Hints())
        rows = node.rows(widened(area), Hints())
        hpx = rows.hpx()
        return rows if (np.diff(hpx) >= 0).all() else rows.take(argsort(hpx))

    def _one_to_one(self, area: Area) -> tuple[Rows, Rows, Pairs]:
        """Pair rows that are each other's nearest.

        A left row's rival for its partner may be two radii away, so the left side is read that
        far around the area.
        """
        mine = widened(area)
        left = self._side(self.left, mine.around(2 * self.reach_arcsec))
        place = _places(left, self.rule.left_motion)
        hpx = left.hpx() if self.rule.left_motion is None else radec_to_hpx(*place)
        reach = self.rule.halo(self.rule.radius_arcsec)
        right = self._side(self.right, _around(np.sort(hpx), self.right.cuts(), reach))
        pairs = self._match(left, right, slice(None), place, self.rule.radius_arcsec)
        own = np.flatnonzero(mine.holds(left.hpx()))
        number = np.full(len(left), -1, np.int64)
        number[own] = np.arange(len(own))
        pairs = pairs.chosen(number[pairs.left] >= 0)
        return left.take(own), right, pairs._replace(left=number[pairs.left])

    def unpaired(self, area: Area) -> Rows:
        """Return the rows of the right side in a part of the sky that are in no pair.

        Which left rows have them depends on what else is near these: the right side is read
        twice as far around the area as the left one.
        """
        mine = widened(area)
        left = self._side(self.left, mine.around(self.reach_arcsec))
        right = self._side(self.right, mine.around(2 * self.reach_arcsec))
        alone = mine.holds(right.hpx())
        if len(left) and alone.any():
            place = _places(left, self.rule.left_motion)
            pairs = self._match(left, right, slice(None), place, self._radius(left))
            alone[self._fulfilled(left, right, pairs).right] = False
        return right.take(np.flatnonzero(alone))


def _places(rows: Rows, motion: Motion | None) -> tuple[Floats, Floats]:
    """Return where rows are at the epoch of the match."""
    ra, dec = rows.positions()
    return (ra, dec) if motion is None else motion.moved(rows, ra, dec)


def _within_one(area: Area, cuts: Ints) -> bool:
    """Tell whether an area lies between two neighbouring cuts."""
    if not len(area.start):
        return False
    i = int(np.searchsorted(cuts, max(int(area.start[0]), 0), side="right"))
    return 0 < i < len(cuts) and int(area.stop[-1]) <= int(cuts[i])


def _by_partition(hpx: Ints, cuts: Ints) -> Iterator[slice]:
    """Yield slices of sorted cells that have no cut between them; unplaced rows are left out."""
    first = int(np.searchsorted(hpx, 0))
    if first == len(hpx):
        return
    inner = cuts[(cuts > hpx[first]) & (cuts <= hpx[-1])]
    bounds = np.unique(np.concatenate([[first], np.searchsorted(hpx, inner), [len(hpx)]]))
    for a, b in itertools.pairwise(bounds.tolist()):
        yield slice(a, b)


def _around(hpx: Ints, cuts: Ints, halo: float) -> Area:
    """Return where to look for partners of rows in some (sorted) cells."""
    hpx = hpx[np.searchsorted(hpx, 0) :]
    if not len(hpx):
        return Area.of(0, 0)
    low, high = int(hpx[0]), int(hpx[-1])
    order = HPX_ORDER - ((low ^ high).bit_length() + 1) // 2 + _CELLS_ACROSS
    order = min(max(order, 0), HPX_ORDER, margin_order(max(halo, 1e-3)))
    shift = 2 * (HPX_ORDER - order)
    cells = hpx >> shift
    cells = cells[np.concatenate([[True], cells[1:] != cells[:-1]])]
    found = normalise(cells << shift, (cells + 1) << shift)
    i = int(np.searchsorted(cuts, low, side="right"))
    if i == int(np.searchsorted(cuts, high, side="right")) and 0 < i < len(cuts):
        found = intersection(found, Ranges(cuts[i - 1 : i], cuts[i : i + 1]))  # stay inside
    return Area(*found, halo)
