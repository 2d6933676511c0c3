"""Where a column of a result comes from: the same values as in the catalog on disk, or others."""

from __future__ import annotations

from skyseries.catalog.held import Held, first_scan
from skyseries.catalog.ids import id_column
from skyseries.catalog.node import Node
from skyseries.catalog.nodes.epochs import EpochStep
from skyseries.catalog.nodes.expressions import Assign, Filter
from skyseries.catalog.nodes.ids import IdSearch
from skyseries.catalog.nodes.join import Join
from skyseries.catalog.nodes.joincurves import JoinCurves
from skyseries.catalog.nodes.match import Match
from skyseries.catalog.nodes.pairs import Rename
from skyseries.catalog.nodes.scan import Scan
from skyseries.catalog.nodes.steps import Append, Search, Select
from skyseries.errors import InputError

__all__ = ["has_moved", "id_name", "name_now", "stored_as"]

_KEEP = (Filter, Search, IdSearch, Select, EpochStep, Append, JoinCurves)
"""Steps that leave the columns of the objects as they are, under their names."""


def stored_as(node: Node, column: str) -> str | None:
    """Return the column of the first catalog on disk that a column of a result is.

    None if it is computed, is of another catalog, or nothing is known.
    """
    if column not in node.schema.names:
        return None
    if isinstance(node, Scan):
        return column
    if isinstance(node, Rename):
        old = node.names.source(column)
    elif isinstance(node, Match | Join):
        old = node.left_names.source(column)
    elif isinstance(node, Assign):
        old = None if column in [field.name for field in node.columns] else column
    elif isinstance(node, _KEEP):
        old = column
    else:
        return None
    return None if old is None else stored_as(node.children[0], old)


def name_now(node: Node, column: str) -> str | None:
    """Return what a column of the first catalog is called in a result; None if it is not there."""
    names = sorted(node.schema.names, key=lambda name: name != column)
    return next((name for name in names if stored_as(node, name) == column), None)


def has_moved(node: Node) -> bool:
    """Tell whether the columns that say where rows are were replaced by others."""
    while node.children:
        before = node.children[0]
        if isinstance(node, Assign) and before.position is not None and node.position is None:
            return True
        node = before
    return False


def id_name(held: Held, argument: str) -> str:
    """Return what the id column of a catalog is called in its plan.

    Raises
    ------
    InputError
        If it starts from a table, which has none: `argument` has to be given.
    CatalogError
        If the catalog on disk names none.
    """
    if first_scan(held._node) is None:
        raise InputError(f"a table does not say which of its columns is the id: give {argument}=")
    key = id_column(held.dataset, held._collection)
    return name_now(held._node, key) or key
