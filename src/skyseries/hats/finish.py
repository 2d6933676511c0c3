"""The files that describe a catalog as a whole, written when all its leaves are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.hats.files import atomic_path, write_text
from skyseries.hats.layout import leaf_path
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.properties import format_properties, now

__all__ = [
    "base_properties",
    "write_common_metadata",
    "write_metadata",
    "write_partition_info",
    "write_properties",
    "write_statistics",
    "write_thumbnail",
]

MAX_METADATA_ROW_GROUPS = 100_000
"""Above this `_metadata` is left out: its readers parse all of it before anything else."""

HATS_VERSION = "v1.0"
HATS_RELEASE_DATE = "2025-08-22"


def base_properties(name: str, kind: str, rows: int, ra: str, dec: str) -> dict[str, Any]:
    """Return the properties that every catalog has."""
    from skyseries import __version__

    return {
        "obs_collection": name,
        "dataproduct_type": kind,
        "hats_nrows": rows,
        "hats_col_ra": ra,
        "hats_col_dec": dec,
        "hats_col_healpix": HPX_COLUMN,
        "hats_col_healpix_order": 29,
        "hats_npix_suffix": ".parquet",
        "hats_builder": f"skyseries v{__version__}",
        "hats_creation_date": now(),
        "hats_release_date": HATS_RELEASE_DATE,
        "hats_version": HATS_VERSION,
    }


def write_properties(root: Path, properties: Mapping[str, Any]) -> None:
    """Write hats.properties and its older name, properties."""
    text = format_properties(properties, "HATS catalog")
    for name in ("hats.properties", "properties"):
        write_text(root / name, text)


def write_partition_info(root: Path, partitions: Partitions) -> None:
    """Write partition_info.csv."""
    write_text(root / "partition_info.csv", partitions.to_csv())


def write_common_metadata(root: Path, schema: pa.Schema) -> None:
    """Write the schema as a Parquet footer without rows."""
    with atomic_path(root / "dataset" / "_common_metadata") as beside:
        pq.write_metadata(schema, beside)


def write_metadata(root: Path, schema: pa.Schema, files: Iterable[str]) -> int:
    """Collect all footers into dataset/_metadata while it stays small.

    Parameters
    ----------
    files : iterable of str
        Paths relative to `root`, below ``dataset/``.

    Returns
    -------
    row_groups : int
        How many row groups the files have.
    """
    footers: list[pq.FileMetaData] = []
    row_groups = 0
    for file in files:
        footer = pq.read_metadata(root / file)
        footer.set_file_path(file.removeprefix("dataset/"))
        row_groups += footer.num_row_groups
        if row_groups <= MAX_METADATA_ROW_GROUPS:
            footers.append(footer)
    if row_groups <= MAX_METADATA_ROW_GROUPS:
        with atomic_path(root / "dataset" / "_metadata") as beside:
            _write_joined(beside, schema, footers)
    return row_groups


def _write_joined(path: Path, schema: pa.Schema, footers: list[pq.FileMetaData]) -> None:
    if not footers:
        pq.write_metadata(schema, path)
        return
    first, *rest = footers
    for footer in rest:
        first.append_row_groups(footer)
    first.write_metadata_file(path)


def write_statistics(root: Path, partitions: Partitions) -> None:
    """Write per_partition_statistics.parquet: one row for each row group of each leaf."""
    rows: list[dict[str, Any]] = []
    for cell in partitions:
        rows += _group_statistics(cell, pq.read_metadata(root / leaf_path(cell)))
    if rows:
        table = pa.Table.from_pylist(rows, _statistics_schema(rows))
        with atomic_path(root / "per_partition_statistics.parquet") as beside:
            pq.write_table(table, beside, compression="zstd")


def _group_statistics(cell: Cell, footer: pq.FileMetaData) -> list[dict[str, Any]]:
    rows = []
    for g in range(footer.num_row_groups):
        group = footer.row_group(g)
        row: dict[str, Any] = {"Norder": cell.order, "Npix": cell.npix, "row_group_index": g}
        for c in range(group.num_columns):
            column = group.column(c)
            name = column.path_in_schema
            stats = column.statistics
            known = stats is not None and stats.has_min_max
            row[f"{name}::min_value"] = stats.min if known else None
            row[f"{name}::max_value"] = stats.max if known else None
            nulls = stats.null_count if stats is not None and stats.has_null_count else None
            row[f"{name}::null_count"] = nulls
            row[f"{name}::row_count"] = column.num_values
            row[f"{name}::disk_bytes"] = column.total_compressed_size
            row[f"{name}::memory_bytes"] = column.total_uncompressed_size
        row["_rows"] = group.num_rows
        rows.append(row)
    return rows


def _statistics_schema(rows: list[dict[str, Any]]) -> pa.Schema:
    fields = []
    for name in rows[0]:
        if name.endswith(("::min_value", "::max_value")):
            values = [row[name] for row in rows if row[name] is not None]
            type_ = pa.array(values[:1]).type if values else pa.null()
            if pa.types.is_integer(type_) and any(value > 2**63 - 1 for value in values):
                type_ = pa.uint64()
            fields.append(pa.field(name, type_))
        else:
            fields.append(pa.field(name, pa.int64()))
    return pa.schema(fields)


def write_thumbnail(root: Path, first_rows: Iterable[pa.Table]) -> None:
    """Write data_thumbnail.parquet: the first row of each partition."""
    tables = list(first_rows)
    if tables:
        with atomic_path(root / "data_thumbnail.parquet") as beside:
            pq.write_table(pa.concat_tables(tables), beside, compression="zstd")
