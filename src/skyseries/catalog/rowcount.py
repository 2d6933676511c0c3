"""How many rows a plan gives, as far as that is known without reading any."""

from __future__ import annotations

from collections.abc import Callable

from skyseries.catalog.node import Node
from skyseries.catalog.nodes.concat import Concat
from skyseries.catalog.nodes.epochs import EpochStep
from skyseries.catalog.nodes.expressions import Assign, Filter
from skyseries.catalog.nodes.functions import MapRows
from skyseries.catalog.nodes.ids import IdSearch
from skyseries.catalog.nodes.join import Join
from skyseries.catalog.nodes.joincurves import JoinCurves
from skyseries.catalog.nodes.joinmap import MapValues
from skyseries.catalog.nodes.match import Match
from skyseries.catalog.nodes.memory import Memory
from skyseries.catalog.nodes.nestmatch import NestedMatch
from skyseries.catalog.nodes.outer import RightOnly, Unpaired
from skyseries.catalog.nodes.pairs import Rename
from skyseries.catalog.nodes.places import ByHash, ByPlace
from skyseries.catalog.nodes.scan import Scan
from skyseries.catalog.nodes.steps import Append, Search, Select
from skyseries.catalog.running import count
from skyseries.hats.dataset import Dataset
from skyseries.hats.statistics import read_statistics

__all__ = ["known_rows", "most_rows", "row_count"]

Said = Callable[[Dataset], int | None]
"""How many rows a catalog on disk has; None: not known."""

_SAME = (Select, Rename, Assign, EpochStep, Append, MapRows, MapValues, JoinCurves, RightOnly)
"""Nodes that give a row for each of their first child's."""
_FEWER = (Filter, Search, IdSearch, ByHash, ByPlace, Unpaired)


def row_count(node: Node) -> int:
    """Return how many rows a plan gives: counted without reading where that can be, else by it."""
    known = known_rows(node, _counted)
    return count(node) if known is None else known


def _counted(dataset: Dataset) -> int | None:
    """Return the rows of a catalog that its statistics count, one row group after the other.

    The number in its properties is not enough: nothing shows that it is of these leaves.
    """
    if not len(dataset.partitions):
        return 0
    statistics = read_statistics(dataset)
    return None if statistics is None else int(statistics.rows.sum())


def known_rows(node: Node, said: Said) -> int | None:
    """Return how many rows a plan gives; None if that takes reading."""
    if isinstance(node, Scan):
        return said(node.dataset)
    if isinstance(node, Memory):
        return len(node.hpx)
    if isinstance(node, Concat):
        parts = [known_rows(part, said) for part in node.parts]
        return None if None in parts else sum(part or 0 for part in parts)
    return known_rows(node.children[0], said) if isinstance(node, _SAME) else None


def most_rows(node: Node, said: Said) -> int | None:
    """Return how many rows a plan gives at most; None if that is not known."""
    if isinstance(node, Concat):
        parts = [most_rows(part, said) for part in node.parts]
        return None if None in parts else sum(part or 0 for part in parts)
    if isinstance(node, NestedMatch):
        return most_rows(node.match.left, said)
    if isinstance(node, (*_SAME, *_FEWER)) or _has_one_partner(node):
        return most_rows(node.children[0], said)
    return known_rows(node, said)


def _has_one_partner(node: Node) -> bool:
    """Tell whether a row has no more than one partner in a match or a join."""
    if isinstance(node, Match):
        return node.how == "anti" or node.rule.n_neighbors == 1
    return isinstance(node, Join) and (node.how == "anti" or node.asof is not None)
