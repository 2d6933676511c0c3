"""Where a column of a result comes from: the same values as in the catalog on disk, or others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skyseries.catalog.curves import recorded_bands
from skyseries.catalog.node import Node
from skyseries.catalog.nodes.concat import Concat
from skyseries.catalog.nodes.epochs import AssignEpochs, EpochStep
from skyseries.catalog.nodes.epochsearch import EpochSearch
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
from skyseries.photometry import band_order

__all__ = ["bands_of", "has_moved", "home_of", "name_now", "stored_as"]

_KEEP = (
    Filter, Search, IdSearch, ByHash, ByPlace, Select, EpochStep, Append, MapRows, MapValues,
    JoinCurves, Unpaired,
)  # fmt: skip
"""Nodes that leave the columns that are there as they are, under their names."""


def stored_as(node: Node, column: str, *, of_first: bool = False) -> str | None:
    """Return the column of the first catalog on disk that a column of a result is.

    None if it is computed, is of another catalog, or nothing is known. The epochs of a column of
    light curves may be others.

    Parameters
    ----------
    node : Node
    column : str
    of_first : bool
        Of rows of several catalogs, those of the first one say it.
    """
    while not isinstance(node, Scan):
        if of_first and isinstance(node, Concat):
            node = node.parts[0]
            continue
        before = _before(node, column)
        if before is None or before.side:
            return None
        node, column = before.node, before.column
    return column if column in node.schema.names else None


def home_of(node: Node, column: str) -> tuple[Scan, str] | None:
    """Return the catalog on disk, of whichever side, that a column is of, and its name there."""
    while not isinstance(node, Scan):
        before = _before(node, column)
        if before is None:
            return None
        node, column = before.node, before.column
    return (node, column) if column in node.schema.names else None


def bands_of(
    node: Node, column: str, band: str | None, *, look: bool = False
) -> Sequence[str | int] | None:
    """Return the bands that light curves have had when they were imported.

    Parameters
    ----------
    node : Node
    column : str
        The light curves.
    band : str or None
        Their field of the bands.
    look : bool
        Look at tables in memory, for which nothing is recorded.

    Returns
    -------
    sequence or None
        Perhaps more than are left. None: it is not recorded, or the bands were assigned anew.
    """
    if isinstance(node, Scan):
        return recorded_bands(node.dataset, column, band)
    if isinstance(node, Memory):
        from skyseries.timeseries.bands import bands_there

        there = look and band is not None and column in node.schema.names
        return bands_there(node.data[column], str(band)) if there else None
    if isinstance(node, Concat):
        parts = [bands_of(part, column, band, look=look) for part in node.parts]
        known = [part for part in parts if part is not None]
        return band_order(b for part in known for b in part) if len(known) == len(parts) else None
    if isinstance(node, RightOnly) and node.names.source(column) is None:
        return []  # these rows have no such light curves
    if isinstance(node, AssignEpochs) and (node.column, node.field.name) == (column, band):
        return None
    before = _before(node, column)
    return None if before is None else bands_of(before.node, before.column, band, look=look)


class _Before(NamedTuple):
    """What a column of a node was taken over from."""

    node: Node
    column: str
    side: int = 0
    """1: the right side of a match or a join, which may be the very node on the left."""


def _before(node: Node, column: str) -> _Before | None:
    """Return the node that a column was taken over from, and its name there; None: it is new."""
    if column not in node.schema.names:
        return None
    if isinstance(node, Rename | RightOnly):
        sides = [(node.child, node.names)]
    elif isinstance(node, Match):
        sides = [(node.left, node.left_names), (node.right, node.right_names)]
    elif isinstance(node, Join):
        sides = [(node.left, node.left_names)]
        if node.partners.node is not None:
            sides.append((node.partners.node, node.right_names))
    else:
        there = _keeps(node, column) and column in node.children[0].schema.names
        return _Before(node.children[0], column) if there else None
    for side, (child, names) in enumerate(sides):
        if (old := names.source(column)) is not None:
            return _Before(child, old, side)
    return None


def _keeps(node: Node, column: str) -> bool:
    """Tell whether a column of a node is that of its child, if the child has one of this name."""
    if isinstance(node, Assign):
        return column not in [field.name for field in node.columns]
    if isinstance(node, EpochSearch):
        return column in node.objects
    if isinstance(node, NestedMatch):
        return column != node.name
    return isinstance(node, _KEEP)


def name_now(node: Node, column: str) -> str | None:
    """Return what a column of the first catalog is called in a result; None if it is not there."""
    names = sorted(node.schema.names, key=lambda name: name != column)
    found = (name for name in names if stored_as(node, name, of_first=True) == column)
    return next(found, None)


def has_moved(node: Node) -> bool:
    """Tell whether the columns that say where rows are were replaced by others."""
    while node.children:
        before = node.children[0]
        if isinstance(node, Assign) and before.position is not None and node.position is None:
            return True
        node = before
    return False
