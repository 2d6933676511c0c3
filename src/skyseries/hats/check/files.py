"""Checks of a catalog's files: properties, partition list, metadata, leaves that are not listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.errors import Cancelled, CatalogError, SkyseriesError
from skyseries.executors import Task, run_tasks
from skyseries.hats.check.findings import Findings
from skyseries.hats.curves import plain_curves
from skyseries.hats.dataset import PROPERTY_FILES, Dataset
from skyseries.hats.layout import leaf_path
from skyseries.hats.partitions import Cell
from skyseries.hats.properties import parse_properties
from skyseries.hats.statistics import STATISTICS_FILE
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.store.files import Location

__all__ = [
    "BROKEN",
    "Described",
    "check_folder",
    "check_properties",
    "described_leaves",
    "different_columns",
    "is_ours",
    "relative",
    "run_checks",
    "said",
]

BROKEN = (SkyseriesError, pa.ArrowException, OSError, ValueError, TypeError, LookupError)
"""What reading a broken file may raise."""

_ALWAYS = ("obs_collection", "dataproduct_type")
_POSITION = ("hats_col_ra", "hats_col_dec")
_NEEDED: dict[str, tuple[str, ...]] = {
    "object": (*_ALWAYS, *_POSITION),
    "source": (*_ALWAYS, *_POSITION),
    "margin": (*_ALWAYS, "hats_primary_table_url", "hats_margin_threshold"),
    "index": (*_ALWAYS, "hats_primary_table_url", "hats_index_column"),
    "association": (
        *_ALWAYS,
        "hats_primary_table_url",
        "hats_col_assn_primary",
        "hats_assn_join_table_url",
        "hats_col_assn_join",
        "hats_assn_leaf_files",
    ),
}
_POSITIONED = ("object", "source", "margin")
"""Catalogs whose rows have positions; those of others may have a cell only."""
_METADATA = ("_common_metadata", "_metadata")


@dataclass(frozen=True)
class Described:
    """What the catalog's own files say of one leaf."""

    groups: Mapping[str, tuple[int, ...]] | None = None
    """Rows of each row group by file, relative to the catalog, from ``dataset/_metadata``."""
    statistics: list[dict[str, Any]] | None = field(default=None, repr=False)
    """Rows of per_partition_statistics.parquet."""


def run_checks(tasks: Iterable[Task]) -> list[Any]:
    """Run checks on the engine that holds here; return what each found, in their order."""
    tasks = list(tasks)
    found = dict(run_tasks("checking", tasks))
    return [found[index] for index in range(len(tasks))]


def said(error: BaseException) -> str:
    """Return what an error of a broken file says; a cancelled run is no such thing."""
    if isinstance(error, Cancelled):
        raise error
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def is_ours(properties: Mapping[str, str]) -> bool:
    """Tell whether Skyseries wrote a catalog: then nothing may be missing or unsorted."""
    return properties.get("hats_builder", "").startswith("skyseries")


def check_properties(root: Location, findings: Findings) -> Mapping[str, str] | None:
    """Check hats.properties, and its older name; None if it cannot be read."""
    found: dict[str, Mapping[str, str]] = {}
    for name in PROPERTY_FILES:
        try:
            text = root.join(name).read_text_if_there()
            if text is not None:
                found[name] = parse_properties(text, name)
        except BROKEN as error:
            findings.fault("broken-properties", name, said(error))
            return None
    if not found:
        there = "the folder is missing" if not _exists(root) else "there is none"
        findings.fault("no-properties", "hats.properties", there)
        return None
    properties = next(iter(found.values()))
    ours = is_ours(properties)
    for name in PROPERTY_FILES:
        if name not in found:
            findings.note(ours, "missing-properties-file", name, "there is no such file")
    if len(found) == 2 and (keys := _different(*found.values())):
        what = f"differs from hats.properties in {', '.join(keys)}"
        findings.fault("legacy-properties", "properties", what)
    _check_keys(properties, findings, ours)
    return properties


def _different(a: Mapping[str, str], b: Mapping[str, str]) -> list[str]:
    return sorted(key for key in {*a, *b} if a.get(key) != b.get(key))


def _exists(root: Location) -> bool:
    try:
        return root.exists()
    except BROKEN as error:
        said(error)
        return False


def _check_keys(properties: Mapping[str, str], findings: Findings, ours: bool) -> None:
    kind = properties.get("dataproduct_type", "object")
    for key in _NEEDED.get(kind, _ALWAYS):
        if not properties.get(key):
            findings.fault("missing-property", "hats.properties", f"{kind} catalogs need {key}")
    rows = properties.get("hats_nrows")
    if rows is None:
        findings.note(ours, "no-row-count", "hats.properties", "hats_nrows is missing")
    elif not rows.isdigit():
        findings.fault("bad-property", "hats.properties", f"hats_nrows={rows!r} is no number")
    for key in ("hats_margin_threshold", "hats_col_healpix_order"):
        try:
            float(properties.get(key, "0"))
        except ValueError:
            what = f"{key}={properties[key]!r} is no number"
            findings.fault("bad-property", "hats.properties", what)


def check_folder(dataset: Dataset, findings: Findings) -> None:
    """Check the partition list, the columns that are named, and which files are there."""
    ours = is_ours(dataset.properties)
    root = dataset.root
    for cell in dataset.partitions:
        if not (0 <= cell.order <= HPX_ORDER and 0 <= cell.npix < 12 << 2 * cell.order):
            findings.fault("no-cell", "partition_info.csv", f"there is no HEALPix cell {cell}")
    if not root.join("partition_info.csv").exists():
        findings.note(ours, "no-partition-info", "partition_info.csv", "there is no such file")
    if root.join("dataset", "_common_metadata").read_bytes_if_there() is None:
        findings.fault("no-common-metadata", "dataset/_common_metadata", "there is no such file")
    _check_columns(dataset, findings)
    column = dataset.properties.get("hats_col_healpix")
    if column and column not in dataset.schema.names:
        findings.note(
            ours, "no-healpix-column", "hats.properties", f"there is no column {column!r}"
        )
    elif dataset.healpix_column is None:
        findings.note(ours, "no-healpix-column", "hats.properties", "there is no spatial index")
    _check_strays(dataset, findings)


def _check_columns(dataset: Dataset, findings: Findings) -> None:
    """Check that the columns are there that the properties name."""
    said, there = dataset.properties, dataset.schema.names
    needed = dataset.kind in _POSITIONED
    for key, name in zip(_POSITION, (dataset.ra, dataset.dec), strict=True):
        if name not in there and (needed or key in said):
            what = f"the position is said to be in {name!r}, but there is no such column"
            findings.note(needed, "no-position-column", "hats.properties", what)
    for side in ("primary", "join") if dataset.kind == "association" else ():
        own = f"hats_col_assn_{side}"
        column = said.get(f"{own}_assn") or said.get(own)
        if column and column not in there:
            what = f"the ids are said to be in {column!r}, but there is no such column"
            findings.fault("no-id-column", "hats.properties", what)


def _check_strays(dataset: Dataset, findings: Findings) -> None:
    expected = {leaf_path(cell, dataset.leaf_suffix) for cell in dataset.partitions}
    try:
        files = [relative(dataset.root, file) for file in dataset.root.join("dataset").walk_files()]
    except BROKEN as error:
        findings.warn("not-listed", "dataset", f"its files cannot be listed: {said(error)}")
        return
    for file in files:
        path = PurePosixPath(file)
        leaf = str(path.parent) if dataset.leaf_suffix == "/" else file
        if leaf in expected or file.removeprefix("dataset/") in _METADATA:
            continue
        if path.name.startswith((".", "_")):
            findings.warn("hidden-file", file, "is not part of the catalog")
        else:
            findings.fault("stray-file", file, "belongs to no partition that is listed")


def relative(root: Location, file: Location) -> str:
    """Return the path of a file below a folder."""
    return file.path.removeprefix(root.path.rstrip("/")).lstrip("/")


def described_leaves(dataset: Dataset, findings: Findings) -> dict[Cell, Described]:
    """Read what ``_metadata`` and the statistics file say of each leaf."""
    groups = _metadata_groups(dataset, findings)
    statistics = _statistics(dataset, findings)
    return {
        cell: Described(
            None if groups is None else groups.get(cell, {}),
            None if statistics is None else statistics.get(cell, []),
        )
        for cell in dataset.partitions
    }


def _metadata_groups(
    dataset: Dataset, findings: Findings
) -> dict[Cell, dict[str, tuple[int, ...]]] | None:
    """Return the row groups of each file of each partition; None without ``_metadata``."""
    where = "dataset/_metadata"
    try:
        content = dataset.root.join("dataset", "_metadata").read_bytes_if_there()
        if content is None:
            return None
        footer = pq.read_metadata(pa.BufferReader(content))
        paths = _group_paths(footer)
    except BROKEN as error:
        findings.fault("broken-metadata", where, said(error))
        return None
    schema = footer.schema.to_arrow_schema()
    if what := different_columns(dataset, schema):
        findings.fault("metadata-schema", where, what)
    leaves = {leaf_path(cell, dataset.leaf_suffix): cell for cell in dataset.partitions}
    found: dict[Cell, dict[str, tuple[int, ...]]] = {}
    for path, rows in paths.items():
        file = f"dataset/{path}"
        leaf = str(PurePosixPath(file).parent) if dataset.leaf_suffix == "/" else file
        if leaf in leaves:
            found.setdefault(leaves[leaf], {})[file] = tuple(rows)
        else:
            findings.fault("metadata-path", where, f"names {path!r}, which is no leaf")
    return found


def _group_paths(footer: pq.FileMetaData) -> dict[str, list[int]]:
    paths: dict[str, list[int]] = {}
    for g in range(footer.num_row_groups):
        group = footer.row_group(g)
        paths.setdefault(group.column(0).file_path, []).append(group.num_rows)
    return paths


def _statistics(dataset: Dataset, findings: Findings) -> dict[Cell, list[dict[str, Any]]] | None:
    where = STATISTICS_FILE
    try:
        content = dataset.root.join(where).read_bytes_if_there()
        if content is None:
            return None
        table = pq.read_table(pa.BufferReader(content))
        if not {"Norder", "Npix"} <= set(table.column_names):
            raise CatalogError("it has no columns Norder and Npix")
        found: dict[Cell, list[dict[str, Any]]] = {cell: [] for cell in dataset.partitions}
        for batch in table.to_batches(max_chunksize=1000):
            for row in batch.to_pylist():
                cell = Cell(int(row["Norder"]), int(row["Npix"]))
                if cell in found:
                    found[cell].append(row)
                else:
                    findings.fault("statistics-cell", where, f"names {cell}, which is no partition")
    except BROKEN as error:
        findings.fault("broken-statistics", where, said(error))
        return None
    return found


def different_columns(dataset: Dataset, schema: pa.Schema) -> str | None:
    """Return how a leaf's schema differs from the catalog's; None if it does not."""
    mine = dict(zip(dataset.schema.names, dataset.schema.types, strict=True))
    for name, type_ in mine.items():
        place = schema.get_field_index(name)
        if place < 0:
            return f"has no column {name!r}, which the catalog's schema has"
        if plain_curves(schema.field(place)).type != type_:
            return f"column {name!r} is {schema.field(place).type}, in the catalog's schema {type_}"
    if is_ours(dataset.properties) and schema.names != dataset.schema.names:
        return f"has the columns {schema.names}, in the catalog's schema {dataset.schema.names}"
    return None
