"""The files that describe a catalog as a whole, written when all its leaves are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.config import tuning
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Partitions
from skyseries.hats.properties import format_properties, now
from skyseries.store.files import atomic_path, write_text

__all__ = [
    "base_properties",
    "write_common_metadata",
    "write_joined",
    "write_metadata",
    "write_partition_info",
    "write_properties",
]


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


def write_metadata(root: Path, schema: pa.Schema, files: Iterable[str]) -> None:
    """Collect all footers into dataset/_metadata while it stays small.

    Parameters
    ----------
    files : iterable of str
        Paths relative to `root`, below ``dataset/``.
    """
    joined: pq.FileMetaData | None = None
    row_groups = 0
    for file in files:
        footer = pq.read_metadata(root / file)
        row_groups += footer.num_row_groups
        if row_groups > tuning().metadata_row_groups:
            return
        footer.set_file_path(file.removeprefix("dataset/"))
        if joined is None:
            joined = footer
        else:
            joined.append_row_groups(footer)
    with atomic_path(root / "dataset" / "_metadata") as beside:
        if joined is None:
            pq.write_metadata(schema, beside)
        else:
            joined.write_metadata_file(beside)


def write_joined(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write tables of the partitions, one after the other, as one file; nothing if none."""
    found = list(tables)
    if found:
        with atomic_path(path) as beside:
            pq.write_table(pa.concat_tables(found), beside, compression="zstd")
