"""Association catalogs: pairs of ids of two catalogs, filed like the first one."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from skyseries.errors import CatalogError, InputError
from skyseries.hats.build.facts import LeafFacts
from skyseries.hats.build.finish import write_properties
from skyseries.hats.build.folder import CatalogFacts, write_catalog_folder
from skyseries.hats.collection import read_collection
from skyseries.hats.dataset import Dataset, open_dataset
from skyseries.hats.properties import read_properties
from skyseries.store.files import Location, storage_errors

__all__ = [
    "DISTANCE",
    "Association",
    "Link",
    "column_of",
    "new_folder",
    "open_association",
    "write_association_folder",
]

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
    """

    catalog: str
    key: str
    column: str


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
    collection = read_collection(root)
    dataset = open_dataset(root if collection is None else root.join(collection.primary))
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
        links.append(Link(said.get(table, ""), key, column or key))
    pairs = dataset.has_leaves
    for link in links if pairs else ():
        if link.column not in dataset.schema.names:
            raise CatalogError(f"{root} has no column {link.column!r}, which is to hold ids")
    return Association(dataset, links[0], links[1], pairs)


def write_association_folder(
    root: Path,
    schema: pa.Schema,
    leaves: Iterable[LeafFacts],
    *,
    name: str,
    primary: Link,
    join: Link,
) -> CatalogFacts:
    """Write what belongs to an association whose leaves are there.

    Parameters
    ----------
    root : Path
    schema : pyarrow.Schema
        Columns of both ids, perhaps `DISTANCE`, and ``_healpix_29``.
    leaves : iterable of LeafFacts
    name : str
    primary, join : Link
    """
    largest: list[float] = []

    def watched() -> Iterator[LeafFacts]:
        for facts in leaves:
            column = f"{DISTANCE}::max_value"
            if facts.statistics is not None and column in facts.statistics.column_names:
                found = pc.max(facts.statistics.column(column)).as_py()
                largest.extend([] if found is None else [found])
            yield facts

    properties = {
        "hats_col_ra": None,
        "hats_col_dec": None,
        "hats_primary_table_url": primary.catalog,
        "hats_col_assn_primary": primary.key,
        "hats_col_assn_primary_assn": primary.column,
        "hats_assn_join_table_url": join.catalog,
        "hats_col_assn_join": join.key,
        "hats_col_assn_join_assn": join.column,
        "hats_assn_leaf_files": "True",
    }
    facts = write_catalog_folder(
        root, schema, watched(), name=name, kind="association", properties=properties
    )
    if largest:
        # known only now that all leaves have been seen
        said = read_properties(Location(str(root)), ["hats.properties"]) or {}
        write_properties(root, {**said, "hats_assn_max_separation": repr(max(largest))})
    return facts


@contextmanager
def new_folder(path: str | os.PathLike[str], overwrite: bool) -> Iterator[Path]:
    """Give a folder to write to, which gets its name when the block ends well.

    Raises
    ------
    InputError
        If there is something of this name, and it is no association or not to be replaced.
    """
    target = Path(path).expanduser().absolute()
    if target.exists():
        if not overwrite:
            raise InputError(f"{target} is there already; overwrite=True replaces it")
        _check_is_association(target)
    mark = uuid.uuid4().hex[:8]
    beside, old = (target.parent / f".{target.name}.{mark}.{word}" for word in ("part", "old"))
    with storage_errors(str(target)):
        try:
            beside.mkdir(parents=True)
            yield beside
            if target.exists():
                target.rename(old)
            beside.rename(target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def _check_is_association(path: Path) -> None:
    if not path.is_dir() or (any(path.iterdir()) and not _is_association(path)):
        raise InputError(f"{path} is no association catalog and is not replaced")


def _is_association(path: Path) -> bool:
    try:
        return open_dataset(Location(str(path))).kind == "association"
    except CatalogError:
        return False


def column_of(catalog: str, key: str) -> str:
    """Return what the ids of a catalog are called in an association."""
    return re.sub(r"\W+", "_", f"{catalog}_{key}")
