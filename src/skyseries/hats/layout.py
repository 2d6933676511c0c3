"""Where the files of a catalog lie."""

from __future__ import annotations

import re

from skyseries.hats.partitions import Cell
from skyseries.store.files import Location

__all__ = [
    "BUILD",
    "INDEX_FOLDER",
    "default_names",
    "leaf_path",
    "version_name",
    "version_number",
]

BUILD = ".build-"
"""What the names of folders begin with in which versions are put together."""
INDEX_FOLDER = "dataset/index"


def version_name(number: int) -> str:
    """Return the name of the folder of a version."""
    return f"v{number:06d}"


def version_number(name: str | None) -> int | None:
    """Return the number of a version by its name; None if it is no name of one."""
    match = re.fullmatch(r"v(\d{6})", name or "")
    return None if match is None else int(match[1])


def leaf_path(cell: Cell, suffix: str = ".parquet") -> str:
    """Return the path of a leaf below the catalog; with suffix ``/`` it is a folder."""
    directory = cell.npix // 10_000 * 10_000
    return f"dataset/Norder={cell.order}/Dir={directory}/Npix={cell.npix}{suffix}".rstrip("/")


def default_names(name: str, margin_arcsec: float | None, id_column: str | None) -> dict[str, str]:
    """Return the folder names of the parts of a collection."""
    names = {"primary": name}
    if margin_arcsec is not None:
        names["margin"] = f"{name}_{margin_arcsec:g}arcs"
    if id_column is not None:
        names["index"] = f"{name}_{id_column}_index"
    return names


def leaf_location(root: Location, cell: Cell, suffix: str) -> Location:
    """Return the location of a leaf of the catalog at `root`."""
    return root.join(leaf_path(cell, suffix))
