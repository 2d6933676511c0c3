"""The least and the greatest value of a column."""

from __future__ import annotations

from functools import partial

import numpy as np

from skyseries.arrow import floats, to_numpy
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.lineage import home_of
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.run.run import reduce
from skyseries.hats.dataset import Dataset
from skyseries.hats.statistics import read_statistics

__all__ = ["extent_of", "recorded_extent"]

Extent = tuple[float, float]


def extent_of(held: CatalogBase, column: str, *, recorded: bool = True) -> Extent | None:
    """Return the limits of a column of numbers; None if it has none.

    They are taken from the statistics where the catalog records them (then they are of all its
    rows, whatever is filtered), else the column is read; it is always with ``recorded=False``.
    """
    known = _recorded(held, column) if recorded else None
    return known or reduce(held._node, partial(_of_unit, column=column), _wider)


def _recorded(held: CatalogBase, column: str) -> Extent | None:
    home = home_of(held._node, column)
    if home is None or not home.first:
        return None
    return recorded_extent(home.scan.dataset, home.column)


def recorded_extent(dataset: Dataset, column: str) -> Extent | None:
    """Return the limits of a column that the statistics record; None if they do not."""
    statistics = read_statistics(dataset)
    if statistics is None or not statistics.has(column):
        return None
    low, high = statistics.minimum(column), statistics.maximum(column)
    unknown = to_numpy(low.is_null()) & (statistics.null_count(column) != statistics.rows)
    values = [v for v in (*low.to_pylist(), *high.to_pylist()) if v is not None]
    return None if unknown.any() or not values else (float(min(values)), float(max(values)))


def _of_unit(node: Node, unit: Unit, column: str) -> Extent | None:
    values = node.rows(unit.area, Hints()).fetch([column]).column(0)
    numbers = floats(values)
    numbers = numbers[np.isfinite(numbers)]
    return (float(numbers.min()), float(numbers.max())) if len(numbers) else None


def _wider(first: Extent | None, second: Extent | None) -> Extent | None:
    if first is None or second is None:
        return first or second
    return min(first[0], second[0]), max(first[1], second[1])
