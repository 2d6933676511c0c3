"""What each row group of each leaf holds, so that scans are planned without opening footers.

The table is ``per_partition_statistics.parquet``: a row for each row group, with the columns
``Norder, Npix, row_group_index`` and, for each leaf column, ``<path>::min_value``,
``max_value``, ``null_count``, ``row_count``, ``disk_bytes`` and ``memory_bytes``.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.hats.leaf import column_paths
from skyseries.hats.partitions import Cell

__all__ = ["STATISTICS_FILE", "leaf_statistics"]

STATISTICS_FILE = "per_partition_statistics.parquet"

_COUNTS = ("null_count", "row_count", "disk_bytes", "memory_bytes")


def leaf_statistics(cell: Cell, footer: pq.FileMetaData, schema: pa.Schema) -> pa.Table:
    """Return the statistics of the row groups of one leaf.

    Parameters
    ----------
    cell : Cell
    footer : pyarrow.parquet.FileMetaData
    schema : pyarrow.Schema
        That of the leaf; it gives minima and maxima their types.
    """
    groups = [footer.row_group(g) for g in range(footer.num_row_groups)]
    n = len(groups)
    columns: dict[str, pa.Array] = {
        "Norder": pa.array([cell.order] * n, pa.int64()),
        "Npix": pa.array([cell.npix] * n, pa.int64()),
        "row_group_index": pa.array(range(n), pa.int64()),
    }
    for c, (path, type_) in enumerate(column_paths(schema)):
        rows = [_column_statistics(group.column(c)) for group in groups]
        for key in ("min_value", "max_value"):
            columns[f"{path}::{key}"] = _typed([row[key] for row in rows], type_)
        for key in _COUNTS:
            columns[f"{path}::{key}"] = pa.array([row[key] for row in rows], pa.int64())
    return pa.table(columns)


def _column_statistics(column: pq.ColumnChunkMetaData) -> dict[str, Any]:
    stats = column.statistics
    known = stats is not None and stats.has_min_max
    return {
        "min_value": stats.min if known else None,
        "max_value": stats.max if known else None,
        "null_count": stats.null_count if stats is not None and stats.has_null_count else None,
        "row_count": column.num_values,
        "disk_bytes": column.total_compressed_size,
        "memory_bytes": column.total_uncompressed_size,
    }


def _typed(values: list[Any], type_: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.nulls(len(values), type_)
