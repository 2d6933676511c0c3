"""`open_catalog`: a path or URL in, a lazy `Catalog` out."""

from __future__ import annotations

import os
from typing import Any

from skyseries.arrays.numbers import whole
from skyseries.catalog import tables
from skyseries.catalog.catalog import Catalog
from skyseries.catalog.plan.scan import scan_of
from skyseries.errors import CatalogError
from skyseries.hats.collection import COLLECTION_FILE, Collection, at_version, read_collection
from skyseries.hats.dataset import Dataset, open_dataset
from skyseries.hats.metadata import described, given_metadata
from skyseries.schema import column_meta
from skyseries.store.files import locate
from skyseries.units import is_known, same_unit

__all__ = ["from_table", "open_catalog"]

_ROW_KINDS = ("object", "source", "margin", "map")


def open_catalog(
    path: str | os.PathLike[str],
    *,
    version: int | None = None,
    metadata: Any = None,
    **storage_options: Any,
) -> Catalog:
    """Open a HATS catalog or collection; nothing but its description is read.

    Parameters
    ----------
    path : path or URL
        A folder of this machine, or anything that fsspec opens (``https://``, ``s3://``, ...).
    version : int, optional
        Another one than the current one, from 1 on, with its margins and indexes; `versions`
        tells which there are.
    metadata : path of a TOML file, mapping, Metadata, or table, optional
        What its columns and tables are, as for `annotate`, where nothing can be written: it holds
        in place of what is kept beside the catalog.
    **storage_options
        Handed to fsspec, for instance ``anon=True`` for a public bucket.

    Returns
    -------
    Catalog

    Raises
    ------
    CatalogNotFoundError
        If there is no catalog, or no such version.
    CatalogError
        If its description is broken, or its positions are not in degrees.
    InputError
        If an entry of `metadata` is wrong.
    """
    root = locate(path, **storage_options)
    collection = read_collection(root)
    if version is not None:
        number = whole(version, "version", least=1)
        if collection is None:
            open_dataset(root)  # which tells where there is no catalog at all
            raise CatalogError(
                f"{path} has no versions: it is no collection (there is no {COLLECTION_FILE})"
            )
        collection = at_version(root, collection, number)
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
    if metadata is None:
        dataset = described(dataset, root)
    else:
        dataset = dataset.with_metadata(given_metadata(metadata, dataset.schema))
    _check_degrees(dataset)
    return Catalog(scan_of(dataset, root, collection), root, collection)


def from_table(
    table: Any, ra: str | None = None, dec: str | None = None, name: str = "table"
) -> Catalog:
    """Return a table in memory as a catalog: to be matched, searched, or written as HATS.

    Parameters
    ----------
    table : pyarrow.Table, pandas.DataFrame, polars.DataFrame, astropy.table.Table, dict, SkyCoord
    ra, dec : str, optional
        Its columns of the positions, degrees or in a unit that they say; by default those with a
        usual name.
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


def _check_degrees(dataset: Dataset) -> None:
    """Raise CatalogError if the positions say that they are in another unit than degrees."""
    for name in (dataset.ra, dataset.dec):
        unit = column_meta(dataset.schema.field(name)).unit if name in dataset.schema.names else ""
        if unit and is_known(unit) and not same_unit(unit, "deg"):
            raise CatalogError(
                f"{dataset.name}: the positions of a HATS catalog are in degrees, and its column "
                f"{name!r} says that it is in {unit!r}; import its rows anew with import_catalog"
            )
