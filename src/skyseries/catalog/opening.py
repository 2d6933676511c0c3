"""`open_catalog`: a path or URL in, a lazy `Catalog` out."""

from __future__ import annotations

import os
from typing import Any

from skyseries.catalog import tables
from skyseries.catalog.catalog import Catalog
from skyseries.catalog.nodes.scan import Scan
from skyseries.errors import CatalogError
from skyseries.hats.collection import Collection, read_collection
from skyseries.hats.dataset import open_dataset
from skyseries.hats.files import locate

__all__ = ["from_table", "open_catalog"]

_ROW_KINDS = ("object", "source", "margin", "map")


def open_catalog(path: str | os.PathLike[str], **storage_options: Any) -> Catalog:
    """Open a HATS catalog or collection; nothing but its description is read.

    Parameters
    ----------
    path : path or URL
        A folder of this machine, or anything that fsspec opens (``https://``, ``s3://``, ...).
    **storage_options
        Handed to fsspec, for instance ``anon=True`` for a public bucket.

    Returns
    -------
    Catalog

    Raises
    ------
    CatalogNotFoundError
        If there is no catalog.
    CatalogError
        If its description is broken.
    """
    root = locate(path, **storage_options)
    collection = read_collection(root)
    primary = root if collection is None else root.join(collection.primary)
    dataset = open_dataset(primary)
    if not dataset.has_leaves:
        raise CatalogError(f"{path} is an association that has no pairs: there are no rows to open")
    if dataset.kind not in _ROW_KINDS:
        raise CatalogError(
            f"{path} is a catalog of type {dataset.kind!r}; only "
            f"{', '.join(_ROW_KINDS)} catalogs have rows to open"
        )
    if collection is None:
        collection = Collection(dataset.name, "")
    margins = tuple(root.join(path) for path in collection.margins)
    return Catalog(Scan(dataset, margins), root, collection)


def from_table(
    table: Any, ra: str | None = None, dec: str | None = None, name: str = "table"
) -> Catalog:
    """Return a table in memory as a catalog: to be matched, searched, or written as HATS.

    Parameters
    ----------
    table : pyarrow.Table, pandas.DataFrame, polars.DataFrame, astropy.table.Table or dict
    ra, dec : str, optional
        Its columns of the positions, degrees; by default those with a usual name.
    name : str

    Returns
    -------
    Catalog
        The rows in the order of the sky; those without a position first.

    Raises
    ------
    InputError
        If it is no table, its positions are not found, or a declination is beyond ±90 degrees.
    """
    return tables.from_table(table, Catalog, ra, dec, name)
