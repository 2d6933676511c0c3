"""How many rows a plan gives, as far as that is known without reading any."""

from __future__ import annotations

from collections.abc import Callable

from skyseries.catalog.plan.node import Node
from skyseries.catalog.run.run import count
from skyseries.hats.dataset import Dataset
from skyseries.hats.statistics import read_statistics

__all__ = ["known_rows", "row_count"]


def row_count(node: Node) -> int:
    """Return how many rows a plan gives: counted without reading where that can be, else by it."""
    known = known_rows(node, _counted)
    return count(node) if known is None else known


def known_rows(node: Node, said: Callable[[Dataset], int | None]) -> int | None:
    """Return how many rows a plan gives; None if that takes reading. See `Node.row_limits`."""
    least, most = node.row_limits(said)
    return most if most == least else None


def _counted(dataset: Dataset) -> int | None:
    """Return the rows of a catalog that its statistics count, one row group after the other.

    The number in its properties is not enough: nothing shows that it is of these leaves.
    """
    if not len(dataset.partitions):
        return 0
    statistics = read_statistics(dataset)
    return None if statistics is None else int(statistics.rows.sum())
