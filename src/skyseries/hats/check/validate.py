"""`validate_catalog`: every fault of a catalog, named.

Nothing here stops at the first fault or raises because of one. What readers of the format
tolerate in catalogs of other writers (a missing list of partitions, rows that are not sorted) is
a warning there, and a fault in what we write.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.errors import CatalogNotFoundError
from skyseries.executors import Job, Task
from skyseries.hats.check.digests import check_manifest
from skyseries.hats.check.files import (
    BROKEN,
    check_folder,
    check_properties,
    described_leaves,
    is_ours,
    run_checks,
    said,
)
from skyseries.hats.check.findings import Fault, Findings, ValidationReport
from skyseries.hats.check.ids import check_repeated_ids
from skyseries.hats.check.index import Parts, compare_index, read_parts
from skyseries.hats.check.leaf import LeafCheck, LeafFound, check_leaf, key_columns
from skyseries.hats.check.margin import MarginOf, check_margin_cells, margin_of
from skyseries.hats.collection import COLLECTION_FILE, ORPHANS, Collection, read_collection
from skyseries.hats.dataset import PROPERTY_FILES, Dataset, open_dataset, why_not_yet
from skyseries.hats.partitions import Cell
from skyseries.hats.properties import parse_properties, split_list
from skyseries.hats.skymap import read_point_map
from skyseries.store.files import Location, locate

__all__ = ["Fault", "ValidationReport", "validate_catalog"]

_MAPS = ("point_map.fits", "skymap.fits")
_ROW_KINDS = ("object", "source")


_Near = tuple[MarginOf, dict[int, list[Cell]]]
"""A margin, and which of its cells hold rows of each partition."""


def validate_catalog(
    path: str | os.PathLike[str], *, deep: bool = True, **storage_options: Any
) -> ValidationReport:
    """Check a catalog or collection and name every fault.

    Parameters
    ----------
    path : path or URL
        As for `skyseries.open_catalog`.
    deep : bool
        Read all files: their bytes against the digests of the manifest, where there is one;
        positions against the spatial index, order, partitions, light curves, margins and id
        index. False: only which files there are, their sizes, footers and counts.
    **storage_options
        Handed to fsspec.

    Returns
    -------
    ValidationReport

    Raises
    ------
    CatalogNotFoundError
        If there is nothing at this path. A broken catalog is never an error, but a report.
    """
    root = locate(path, **storage_options)
    findings = Findings()
    described = [
        name for name in (COLLECTION_FILE, *PROPERTY_FILES) if root.join(name).exists()
    ]  # fmt: skip
    if not described:
        if not root.exists():
            raise CatalogNotFoundError(f"there is no catalog at {root}: no such file or folder")
        what = f"{root} has no collection.properties and no hats.properties"
        findings.fault("no-catalog", "", why_not_yet(root) or what)
    with Job("validate"):
        if COLLECTION_FILE in described:
            _check_collection(root, deep, findings)
        elif described and check_manifest(root, deep, findings):
            _check_tables(root, _Tables(""), deep, findings)
    return findings.report(str(root))


@dataclass(frozen=True)
class _Tables:
    """The folders of a catalog and of what belongs to it, relative to the collection."""

    primary: str
    margins: tuple[str, ...] = ()
    indexes: tuple[tuple[str, str], ...] = ()


def _check_collection(root: Location, deep: bool, findings: Findings) -> None:
    try:
        text = root.join(COLLECTION_FILE).read_text_if_there() or ""
        properties = parse_properties(text, COLLECTION_FILE)
        collection = read_collection(root)
    except BROKEN as error:
        findings.fault("broken-collection", COLLECTION_FILE, said(error))
        return
    assert collection is not None  # noqa: S101 - the file was there
    _check_names(properties, collection, findings)
    if collection.version is not None:
        own = Findings(collection.version)
        safe = check_manifest(root.join(collection.version), deep, own)
        findings.add(own)
        if not safe:
            return
    tables = _Tables(collection.primary, collection.margins, collection.indexes)
    _check_tables(root, tables, deep, findings)
    aside = collection.primary.rpartition("/")[0]
    orphans = f"{aside}/{ORPHANS}" if aside else ORPHANS
    known = {collection.primary, *collection.margins, *(path for _, path in collection.indexes)}
    if orphans not in known and root.join(orphans, PROPERTY_FILES[0]).exists():
        _check_tables(root, _Tables(orphans), deep, findings)


def _check_names(properties: Mapping[str, str], collection: Collection, findings: Findings) -> None:
    """Check that the defaults are among what there is, as LSDB demands."""
    if (default := properties.get("default_margin")) and default not in collection.margins:
        what = f"default_margin={default} is not one of all_margins"
        findings.fault("collection-names", COLLECTION_FILE, what)
    fields = [field for field, _ in collection.indexes]
    if (default := properties.get("default_index")) and default not in fields:
        what = f"default_index={default} is no field of all_indexes"
        findings.fault("collection-names", COLLECTION_FILE, what)
    if len(split_list(properties.get("all_indexes"))) % 2:
        what = f"all_indexes={properties['all_indexes']} is no list of field and path pairs"
        findings.fault("collection-names", COLLECTION_FILE, what)


def _check_tables(root: Location, tables: _Tables, deep: bool, findings: Findings) -> None:
    """Check a catalog with its margins and indexes."""
    primary = _open(root, tables.primary, _ROW_KINDS, findings)
    margins = [
        (path, margin)
        for path in tables.margins
        if (margin := _open(root, path, ("margin",), findings)) is not None
    ]
    indexes = [
        (field, path, index)
        for field, path in tables.indexes
        if (index := _open(root, path, ("index",), findings)) is not None
    ]
    if primary is None:
        for path, margin in margins:
            _check_dataset(margin, path, deep, findings, primary=None)
        return
    near = []
    for path, margin in margins:
        found = _check_dataset(margin, path, deep, findings, primary=primary)
        if (one := _margin_rows(margin, primary, path, found, deep, findings)) is not None:
            near.append(one)
    parts, key = _parts(indexes, primary, deep, findings)
    leaves = _check_dataset(primary, tables.primary, deep, findings, key=key, margins=near)
    own = Findings(tables.primary)
    if deep and leaves is not None:
        _check_ids(primary, parts, key, leaves, own)
    findings.add(own)


def _open(root: Location, path: str, kinds: tuple[str, ...], findings: Findings) -> Dataset | None:
    """Open a catalog; None, with the fault told, if that cannot be done."""
    own = Findings(path)
    folder = root.join(path) if path else root
    dataset = None
    properties = check_properties(folder, own)
    if properties is not None:
        try:
            dataset = open_dataset(folder)
        except BROKEN as error:
            own.fault("cannot-open", "", said(error))
    if dataset is not None:
        own.count("catalogs")
        if path and dataset.kind not in kinds:
            what = f"dataproduct_type={dataset.kind}, but it is used as {' or '.join(kinds)}"
            own.fault("wrong-kind", "hats.properties", what)
            dataset = None
    findings.add(own)
    return dataset


def _check_dataset(
    dataset: Dataset,
    path: str,
    deep: bool,
    findings: Findings,
    *,
    primary: Dataset | None = None,
    key: tuple[str, ...] = (),
    margins: Sequence[_Near] = (),
) -> list[LeafFound] | None:
    """Check the folder and all leaves of a catalog or margin; None if it was no such thing."""
    own = Findings(path)
    if dataset.kind == "index":
        own.warn("index-alone", "", "an index is checked with the collection that it belongs to")
        findings.add(own)
        return None
    if not dataset.has_leaves:
        what = "it has no pairs, and says only which columns hold the ids in common"
        own.warn("no-pairs", "", what)
        findings.add(own)
        return None
    check_folder(dataset, own)
    deep = deep and not (own.has("no-position-column") or own.has("no-cell"))
    told = described_leaves(dataset, own)
    maps = _read_maps(dataset, own) if dataset.kind != "margin" else {}
    order = max((order for order, _, _ in maps.values()), default=None)
    tasks = [
        Task(
            check_leaf,
            (
                LeafCheck(
                    dataset, cell, told[cell], path, deep, order, key,
                    _of_partition(margins, n), None if primary is None else primary.partitions,
                ),
            ),
            name=f"check of {cell}",
        )
        for n, cell in enumerate(dataset.partitions)
    ]  # fmt: skip
    leaves: list[LeafFound] = run_checks(tasks)
    for leaf in leaves:
        own.add(leaf.findings)
    own.count("partitions", len(leaves))
    _check_counts(dataset, leaves, own)
    if leaves and all(leaf.whole for leaf in leaves):
        _check_maps(dataset, maps, order, leaves, own)
    findings.add(own)
    return leaves


def _check_counts(dataset: Dataset, leaves: list[LeafFound], findings: Findings) -> None:
    rows = sum(leaf.rows for leaf in leaves)
    if dataset.rows is not None and dataset.rows != rows:
        what = f"hats_nrows = {dataset.rows:,}, but the leaves have {rows:,} rows"
        findings.fault("row-count", "hats.properties", what)


# -- margins -----------------------------------------------------------------------------------


def _margin_rows(
    margin: Dataset,
    primary: Dataset,
    path: str,
    found: list[LeafFound] | None,
    deep: bool,
    findings: Findings,
) -> _Near | None:
    """Return what the leaves of the catalog need to be compared with a margin."""
    own = Findings(path)
    check_margin_cells(margin, primary, own)
    mine, theirs = primary.schema, margin.schema
    if mine.names != theirs.names or mine.types != theirs.types:
        what = f"has the columns {_told(theirs)}; its catalog has {_told(mine)}"
        own.fault("margin-schema", "dataset/_common_metadata", what)
    for name in ("ra", "dec"):
        if getattr(margin, name) != getattr(primary, name):
            what = (
                f"hats_col_{name}={getattr(margin, name)}, in the catalog {getattr(primary, name)}"
            )
            own.fault("margin-columns", "hats.properties", what)
    findings.add(own)
    if not deep or found is None or own.has("margin-schema"):
        return None
    homes: dict[int, list[Cell]] = {}
    for cell, leaf in zip(margin.partitions, found, strict=True):
        for home in leaf.homes:
            homes.setdefault(home, []).append(cell)
    try:
        return margin_of(margin, primary, path), homes
    except BROKEN as error:
        said(error)  # the properties were checked before
    return None


def _told(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)


def _of_partition(margins: Sequence[_Near], number: int) -> tuple[MarginOf, ...]:
    return tuple(replace(margin, claimed=tuple(homes.get(number, ()))) for margin, homes in margins)


# -- ids ---------------------------------------------------------------------------------------


def _parts(
    indexes: list[tuple[str, str, Dataset]], primary: Dataset, deep: bool, findings: Findings
) -> tuple[Parts | None, tuple[str, ...]]:
    """Check the descriptions of all indexes; return the one that the rows are compared with."""
    chosen: Parts | None = None
    key: tuple[str, ...] = ()
    for field, path, index in indexes:
        own = Findings(path)
        column = index.properties.get("hats_index_column", field)
        if column != field:
            what = f"hats_index_column={column}, in collection.properties {field}"
            own.fault("index-columns", "hats.properties", what)
        parts = read_parts(index, field, own)
        if field not in primary.schema.names:
            own.warn("index-not-checked", "", f"{field!r} is no column of the catalog")
        elif chosen is not None:
            own.warn("index-not-checked", "", f"only the index of {chosen.column!r} is compared")
        elif parts is not None and deep:
            chosen, key = parts, key_columns(primary, field, index.schema.names)
        findings.add(own)
    return chosen, key


def _check_ids(
    primary: Dataset,
    parts: Parts | None,
    key: tuple[str, ...],
    leaves: list[LeafFound],
    findings: Findings,
) -> None:
    if parts is not None:
        sums = {
            cell: (leaf.rows, leaf.key_sum)
            for cell, leaf in zip(primary.partitions, leaves, strict=True)
            if leaf.whole
        }
        compare_index(parts, primary, key, sums, findings)
        return
    column = primary.properties.get("hats_cols_survey_id")
    if primary.kind == "object" and column is not None and column in primary.schema.names:
        rows = sum(leaf.rows for leaf in leaves)
        check_repeated_ids(primary, column, rows, findings)


# -- sky maps ----------------------------------------------------------------------------------

_Map = tuple[int, "np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]


def _read_maps(dataset: Dataset, findings: Findings) -> dict[str, _Map]:
    maps: dict[str, _Map] = {}
    for name in _MAPS:
        try:
            content = dataset.root.join(name).read_bytes_if_there()
            found = None if content is None else read_point_map(content)
            if found is not None:
                maps[name] = found
            elif content is not None:
                findings.warn("map-not-checked", name, "its cells are not in NESTED order")
        except BROKEN as error:
            findings.fault("broken-map", name, said(error))
            continue
        if content is None and (is_ours(dataset.properties)):
            findings.fault("missing-map", name, "there is no such file")
    return maps


def _check_maps(
    dataset: Dataset,
    maps: dict[str, _Map],
    order: int | None,
    leaves: list[LeafFound],
    findings: Findings,
) -> None:
    """Compare the maps with the rows that were counted at the finest order of them."""
    if order is None:
        return
    cells = np.concatenate([leaf.cells for leaf in leaves])
    counts = np.concatenate([leaf.counts for leaf in leaves])
    exact = dataset.healpix_column is not None and dataset.healpix_order == 29
    for name, (map_order, map_cells, map_counts) in maps.items():
        true_cells, place = np.unique(cells >> 2 * (order - map_order), return_inverse=True)
        true = np.bincount(place.ravel(), counts, len(true_cells)).astype(np.int64)
        told = _told_of(true_cells, map_cells, map_counts)
        if (empty := true_cells[told == 0]).size and exact:
            what = f"{len(empty):,} cells with rows are 0, the first Norder={map_order}/"
            findings.fault("map-coverage", name, f"{what}Npix={empty[0]}: LSDB does not look there")
        elif int(map_counts.sum()) != int(true.sum()) or (exact and (told != true).any()):
            what = f"counts {int(map_counts.sum()):,} rows, the leaves have {int(true.sum()):,}"
            if int(map_counts.sum()) == int(true.sum()):
                what = f"{int((told != true).sum()):,} cells have another number of rows"
            findings.note(is_ours(dataset.properties), "map-counts", name, what)


def _told_of(cells: Any, map_cells: Any, map_counts: Any) -> Any:
    """Return what a map says of some cells; 0 for those that it does not have."""
    if not len(map_cells):
        return np.zeros(len(cells), np.int64)
    order = np.argsort(map_cells, kind="stable")
    place = np.minimum(np.searchsorted(map_cells[order], cells), len(map_cells) - 1)
    there = map_cells[order][place] == cells
    return np.where(there, map_counts[order][place], 0)
