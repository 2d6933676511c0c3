"""Third pass: the leaves of the margin, the parts of the id index, and rows kept aside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from skyseries.errors import InputError
from skyseries.hats.build import index as index_build
from skyseries.hats.build.margin import MarginLeaf, write_margin_leaves
from skyseries.hats.build.runs import Run, read_run
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.pipelines.import_.journal import Outcome
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.store.files import atomic_path

__all__ = ["write_aside", "write_index_part", "write_margins"]


def write_margins(plan: ImportPlan, leaves: Sequence[MarginLeaf], root: Path) -> Outcome:
    """Write some leaves of the margin."""
    rows = write_margin_leaves(leaves, plan.leaf_schema, HPX_COLUMN, root)
    return {"rows": rows, "leaves": len(leaves)}


def write_index_part(
    plan: ImportPlan, runs: Sequence[Run], bounds: tuple[Any, Any], number: int, root: Path
) -> Outcome:
    """Write one part of the index: all ids from one bound up to the next, sorted."""
    assert plan.id is not None  # noqa: S101 - only called with an id
    part = index_build.write_index_part(runs, plan.id, bounds, number, root)
    return {"rows": part.rows, "repeated": part.repeated}


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
