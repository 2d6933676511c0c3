"""Rows that have no place on the sky, kept in a file beside the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from skyseries.errors import InputError
from skyseries.hats.build.runs import Run, read_run
from skyseries.store.files import atomic_path

__all__ = ["write_aside"]


def write_aside(runs: Sequence[Run], path: Path) -> int:
    """Write rows that have no place on the sky into one Parquet file; return how many."""
    rows = 0
    with atomic_path(path) as beside:
        writer = None
        for run in runs:
            table = read_run(run.path)
            writer = writer or pq.ParquetWriter(beside, table.schema, compression="zstd")
            writer.write_table(table)
            rows += table.num_rows
        if writer is None:
            raise InputError("there are no rows to keep aside")
        writer.close()
    return rows
