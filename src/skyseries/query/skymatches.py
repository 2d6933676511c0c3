"""Joins of neighbours on the sky as a plan: each partition by itself, on whichever engine.

The pairs are those of `skyjoins`, and the condition decides of each of them in the plan. It is a
plan where the positions are those that both catalogs are filed by, and where what is known of
densities and radii says that the pairs of a unit of work fit into memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from skyseries import adql
from skyseries.adql.constants import convert
from skyseries.adql.expressions import (
    Choice,
    Column,
    Compare,
    Constant,
    Convert,
    Expr,
    Operation,
    Path,
)
from skyseries.adql.nearness import Nearness
from skyseries.adql.types import Type
from skyseries.adql.units import scaled
from skyseries.arrow import floats
from skyseries.catalog import plan
from skyseries.catalog.plan.lineage import has_moved
from skyseries.catalog.plan.memory import Memory
from skyseries.catalog.plan.node import Node, first_node
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.run.extent import recorded_extent
from skyseries.hats.statistics import recorded_rows
from skyseries.query.skyjoins import ALL_ARCSEC, MARGIN_ARCSEC, STRETCH, reach_arcsec
from skyseries.spatial.healpix import HPX_ORDER, pixel_area_deg2

__all__ = ["match_node"]

_DISTANCE = "#distance"
_MOST_NEAR = 100.0
"""Partners of a row, on the average of the densest part, up to which all of a unit are held."""
_PARTITION_ROWS = 1_000_000
"""Of a catalog that does not say how many it has."""
_EPOCHS = 100.0
"""Of an object, about."""
_TABLE_ORDER = 8
"""That of the cells (0.05 square degrees) of which the densest one is looked for in a table."""


def match_node(
    rule: Nearness,
    left: Node,
    right: Node,
    left_names: plan.Renamed,
    right_names: plan.Renamed,
    conditions: Sequence[Expr],
    how: Literal["inner", "left"] = "inner",
) -> Node | None:
    """Return the join of two plans; None if `skyjoins.pairs` is to find its pairs.

    Parameters
    ----------
    rule : Nearness
        Of one table on each side. A column ``("#0", "ra")`` of the statement is the column ``ra``
        of the plan of its side.
    left, right : Node
        With all columns that the conditions need.
    left_names, right_names : Renamed
        The columns of the result.
    conditions : sequence of Expr
        What has to be true of a pair, over the columns of the statement: that from which the rule
        is, and others.
    how : {"inner", "left"}
        Left rows without a partner are left out, or kept with nulls.
    """
    if rule.radius_of == "right":
        if how == "left":
            return None
        rule = Nearness(rule.right, rule.left, rule.radius, "left")
        found = match_node(rule, right, left, right_names, left_names, conditions)
        names = (*left_names.pairs, *right_names.pairs)
        return None if found is None else plan.Select(found, tuple(new for _, new in names))
    condition = adql.conjunction(conditions)
    sides = [_Side(left, rule.left, left_names), _Side(right, rule.right, right_names)]
    paths = adql.columns(condition)
    if not all(side.is_filed for side in sides) or any(len(path) != 2 for path in paths):
        return None
    largest = _largest(rule.radius, left)
    if largest is None:
        return None
    reach = float(np.nan_to_num(reach_arcsec(largest)))
    if _most_near(right, reach) > _MOST_NEAR:
        return None
    one, two = (side.columns(paths) for side in sides)
    radius = None if rule.radius_of is None else _radius(rule.radius)
    of_pairs = plan.MatchRule(reach, radius, n_neighbors=None, condition=condition)
    match = plan.Match(left, right, of_pairs, how, one, two, _DISTANCE)
    result = (pair for side in sides for pair in side.result(paths))
    return plan.Rename(match, plan.Renamed(tuple(result)))


@dataclass(frozen=True)
class _Side:
    """One side of a join, its position in the condition, and its columns in the result."""

    node: Node
    position: tuple[Expr, Expr]
    names: plan.Renamed

    @property
    def id(self) -> str:
        """That of the one table."""
        return min(path[0] for path in adql.columns(self.position[0]))

    @property
    def is_filed(self) -> bool:
        """Whether the rows are filed by these positions."""
        names = tuple(_column(value) for value in self.position)
        return names == self.node.position and not has_moved(self.node)

    def columns(self, paths: Iterable[Path]) -> plan.Renamed:
        """Return the columns of a condition under their paths there, and those of the result."""
        compared = self._compared(paths)
        pairs = dict(self.names.pairs)
        return plan.Renamed(tuple(sorted((pairs | compared).items())))

    def result(self, paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
        """Yield the columns of the result under the names of `columns`, and in it."""
        compared = self._compared(paths)
        return ((compared.get(old, new), new) for old, new in self.names.pairs)

    def _compared(self, paths: Iterable[Path]) -> dict[str, str]:
        return {path[1]: ".".join(path) for path in paths if path[0] == self.id}


def _column(value: Expr) -> str | None:
    """Return the name of a column of numbers."""
    while isinstance(value, Convert) and value.target is Type.DOUBLE:
        value = value.argument
    return value.path[1] if isinstance(value, Column) and len(value.path) == 2 else None


def _radius(degrees: Expr) -> Expr:
    """Return how far to look for partners, arcsec, over the columns of a plan; NULL: not at all."""
    value = _of_plan(convert(degrees, Type.DOUBLE))
    reach = Operation(
        "+", (scaled(value, 3600.0 * STRETCH, "arcsec"), _number(MARGIN_ARCSEC)), Type.DOUBLE,
        "({0} + {1})", "add", "arcsec",
    )  # fmt: skip
    parts = (
        Compare(">=", value, _number(180.0)), _number(ALL_ARCSEC),
        Compare(">=", value, _number(0.0)), reach,
        Convert(Constant(None, Type.NULL), Type.DOUBLE),
    )  # fmt: skip
    return Choice(parts, Type.DOUBLE)


def _number(value: float) -> Constant:
    return Constant(value, Type.DOUBLE)


def _of_plan(expression: Expr) -> Expr:
    """Return an expression without the id of the table of its columns."""
    if isinstance(expression, Column):
        return replace(expression, path=expression.path[1:])
    return expression.with_children(tuple(map(_of_plan, expression.children)))


def _largest(radius: Expr, node: Node) -> float | None:
    """Return a radius that none is larger than, degrees; None if it is not known."""
    match radius:
        case Constant():
            return math.nan if radius.value is None else float(radius.value)  # type: ignore[arg-type]
        case Column(path=(_, name)):
            return _largest_of(node, name)
        case Convert(target=Type.DOUBLE):
            return _largest(radius.argument, node)
        case Operation(name="*" | "/" | "IN_UNIT" | "+", arguments=(one, other)):
            first, second = _largest(one, node), _largest(other, node)
            if first is None or second is None:
                return None
            if radius.name == "+":
                return first + second
            if isinstance(one, Constant) and radius.name != "/":
                first, second, other = second, first, one
            if not isinstance(other, Constant) or not second > 0.0:
                return None
            return first / second if radius.name == "/" else first * second
        case _:
            return None


def _largest_of(node: Node, column: str) -> float | None:
    """Return the largest value of a column that is known without reading."""
    while node.children:
        sources = node.inherits(column)
        if not sources or len(sources) > 1:
            return None
        side, column, _ = sources[0]
        node = node.children[side]
    if isinstance(node, Memory):
        return float(np.nanmax(floats(node.data.column(column)), initial=0.0))
    if not isinstance(node, Scan):
        return None
    limits = recorded_extent(node.dataset, column)
    return None if limits is None else limits[1]


def _most_near(right: Node, reach: float) -> float:
    """Return how many rows there are within a reach (arcsec) where they are densest, about."""
    start = first_node(right)
    if isinstance(start, Memory):
        rows, order = len(start.hpx), _TABLE_ORDER
        cells = start.hpx >> 2 * (HPX_ORDER - order)
        densest = float(np.unique(cells, return_counts=True)[1].max(initial=0))
    elif isinstance(start, Scan) and len(start.dataset.partitions):
        partitions, known = start.dataset.partitions, recorded_rows(start.dataset)
        rows = _PARTITION_ROWS * len(partitions) if known is None else known
        order, densest = int(partitions.order.max()), rows / len(partitions)
    else:
        return 0.0
    circle = math.pi * (reach / 3600.0) ** 2
    return min(densest * circle / pixel_area_deg2(order), rows) * _copies(right)


def _copies(node: Node) -> float:
    """Return how many rows a plan gives for each that it reads, at most or about."""
    copies = 1.0
    while node.children:
        most = node.gives[1]
        copies *= _EPOCHS if most is None else most
        node = node.children[0]
    return copies
