"""Where a column of a result comes from: the same values as in a catalog on disk, or others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skyseries.catalog.plan.memory import Memory
from skyseries.catalog.plan.node import Node, column_of
from skyseries.catalog.plan.roles import recorded_bands
from skyseries.catalog.plan.scan import Scan
from skyseries.hats.idindex import IdIndex
from skyseries.photometry import band_order

__all__ = ["Home", "bands_of", "has_moved", "home_of", "known_index", "name_now", "stored_as"]


class Home(NamedTuple):
    """The catalog on disk that a column is of."""

    scan: Scan
    column: str
    """What it is called there; or the path of a field."""
    first: bool
    """Whether it is the catalog whose rows these are, filed as they are there; else they are
    partners from another one."""
    whole: bool
    """Whether light curves have all their epochs."""


def home_of(node: Node, path: str, *, of_first: bool = False) -> Home | None:
    """Return the catalog on disk that the values of a column are of.

    None if they are computed, or those of a table in memory or of several catalogs.

    Parameters
    ----------
    node : Node
    path : str
        A column, or field of a light curve.
    of_first : bool
        Of rows of several catalogs, those of the first one say it.
    """
    if column_of(path, node.schema) not in node.schema.names:
        return None
    first = whole = True
    while node.children:
        sources = node.inherits(path)
        if not sources or (len(sources) > 1 and not of_first):
            return None
        side, path, same = sources[0]
        first = first and not side and (of_first or not node.refiles)
        whole = whole and same
        node = node.children[side]
    return Home(node, path, first, whole) if isinstance(node, Scan) else None


def stored_as(node: Node, column: str, *, of_first: bool = False) -> str | None:
    """Return the column of the first catalog on disk that a column of a result is.

    None if it is computed, or is of another catalog. See `home_of`.
    """
    home = home_of(node, column, of_first=of_first)
    return home.column if home is not None and home.first else None


def known_index(node: Node, column: str, *, cells: bool = False) -> IdIndex | None:
    """Return the id index that has all rows of a result by a column; None if there is none.

    Parameters
    ----------
    node : Node
    column : str
    cells : bool
        Whether the index must hold the cell under which each row is filed.
    """
    home = home_of(node, column)
    if home is None or not home.first:
        return None
    return home.scan.index_of(home.column, cells=cells)


def name_now(node: Node, column: str) -> str | None:
    """Return what a column of the first catalog is called in a result; None if it is not there."""
    names = sorted(node.schema.names, key=lambda name: name != column)
    found = (name for name in names if stored_as(node, name, of_first=True) == column)
    return next(found, None)


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
    if column not in node.schema.names:
        return None
    if isinstance(node, Scan):
        return recorded_bands(node.dataset, column, band)
    if isinstance(node, Memory):
        from skyseries.timeseries.bands import bands_there

        return bands_there(node.data[column], str(band)) if look and band is not None else None
    sources = node.inherits(column if band is None else f"{column}.{band}")
    if sources is None:
        return None
    known: list[Sequence[str | int]] = []
    for side, path, _ in sources:
        before = path if band is None else path.removesuffix(f".{band}")
        found = bands_of(node.children[side], before, band, look=look)
        if found is None:
            return None
        known.append(found)
    return known[0] if len(known) == 1 else band_order(b for part in known for b in part)


def has_moved(node: Node) -> bool:
    """Tell whether the columns that say where rows are were replaced by others."""
    while node.children:
        before = node.children[0]
        lost = before.position if node.position is None else None
        if lost is not None and set(lost) & set(node.makes()):
            return True
        node = before
    return False
