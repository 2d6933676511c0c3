"""Association catalogs: pairs of ids of two catalogs, filed like the first one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyseries.errors import CatalogError, InputError
from skyseries.hats.build.folder import CatalogFacts
from skyseries.hats.dataset import Dataset, open_dataset, open_primary
from skyseries.lazy import pc
from skyseries.store.files import Location, locate

__all__ = [
    "DISTANCE",
    "Association",
    "Link",
    "association_properties",
    "check_replaced",
    "column_of",
    "open_association",
]

_OURS = re.compile(
    r"dataset|manifest\.json|(hats\.)?properties|partition_info\.csv|(point_map|skymap)\.fits|"
    r"(data_thumbnail|per_partition_statistics)\.parquet|\..*|_.*"
)
"""What an association consists of, by this package and by others."""
DISTANCE = "_dist_arcsec"
"""Column of the distance between the two."""


@dataclass(frozen=True)
class Link:
    """One side of an association.

    Parameters
    ----------
    catalog : str
        Its path or name.
    key : str
        Its column of the ids.
    column : str
        Column of the association that holds them.
    version : str, optional
        Of the catalog, when the pairs were made; None: it is not known, or has none.
    """

    catalog: str
    key: str
    column: str
    version: str | None = None


@dataclass(frozen=True)
class Association:
    """An association on disk."""

    dataset: Dataset
    primary: Link
    join: Link
    has_pairs: bool
    """Whether it holds pairs; else it says only which columns have the ids in common."""


def open_association(root: Location) -> Association:
    """Open an association catalog, or a collection of one.

    Raises
    ------
    CatalogNotFoundError, CatalogError
        If there is none, or it does not say which columns hold the ids.
    """
    dataset = open_primary(root)
    if dataset.kind != "association":
        raise CatalogError(f"{root} is a catalog of type {dataset.kind!r}, no association")
    said = dataset.properties
    links = []
    for side, table in (
        ("primary", "hats_primary_table_url"),
        ("join", "hats_assn_join_table_url"),
    ):
        key, column = said.get(f"hats_col_assn_{side}"), said.get(f"hats_col_assn_{side}_assn")
        if not key:
            raise CatalogError(f"{root} does not say what the ids are (hats_col_assn_{side})")
        version = said.get(f"skyseries_{side}_version")
        links.append(Link(said.get(table, ""), key, column or key, version))
    pairs = dataset.has_leaves
    for link in links if pairs else ():
        if link.column not in dataset.schema.names:
            raise CatalogError(f"{root} has no column {link.column!r}, which is to hold ids")
    return Association(dataset, links[0], links[1], pairs)


def association_properties(facts: CatalogFacts, primary: Link, join: Link) -> dict[str, Any]:
    """Return what hats.properties says of the pairs of two catalogs.

    Parameters
    ----------
    facts : CatalogFacts
        What all leaves add up to.
    primary, join : Link
    """
    said: dict[str, Any] = {
        "hats_col_ra": None,
        "hats_col_dec": None,
        "hats_primary_table_url": primary.catalog,
        "hats_col_assn_primary": primary.key,
        "hats_col_assn_primary_assn": primary.column,
        "hats_assn_join_table_url": join.catalog,
        "hats_col_assn_join": join.key,
        "hats_col_assn_join_assn": join.column,
        "hats_assn_leaf_files": "True",
        "skyseries_primary_version": primary.version,
        "skyseries_join_version": join.version,
    }
    column = f"{DISTANCE}::max_value"
    if facts.statistics is not None and column in facts.statistics.column_names:
        found = pc.max(facts.statistics.column(column)).as_py()
        if found is not None:
            said["hats_assn_max_separation"] = repr(found)
    return said


def check_replaced(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Raise InputError if an association cannot be written to a folder."""
    place = locate(path)
    if not place.is_local or not place.local.exists():
        return
    target = place.local
    if not overwrite:
        raise InputError(f"{target} is there already; overwrite=True replaces it")
    if target.is_symlink():
        raise InputError(f"{target} is a link: give the folder that it leads to")
    if not target.is_dir() or (any(target.iterdir()) and not _is_association(target)):
        raise InputError(f"{target} is no association catalog and is not replaced")
    foreign = sorted(path.name for path in target.iterdir() if not _OURS.fullmatch(path.name))
    if foreign:
        raise InputError(
            f"{target} holds {foreign[0]!r}, which is no part of an association, and is not "
            "replaced: move that elsewhere first"
        )


def _is_association(path: Path) -> bool:
    try:
        return open_dataset(Location(str(path))).kind == "association"
    except CatalogError:
        return False


def column_of(catalog: str, key: str) -> str:
    """Return what the ids of a catalog are called in an association."""
    return re.sub(r"\W+", "_", f"{catalog}_{key}")
