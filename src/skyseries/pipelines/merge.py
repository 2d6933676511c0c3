"""Third pass: the leaves of the margin, the parts of the id index, and rows kept aside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skyseries.errors import InputError
from skyseries.hats.files import atomic_path
from skyseries.hats.layout import INDEX_FOLDER, leaf_path
from skyseries.hats.leaf import HPX_COLUMN, LeafWriter, parquet_options, row_group_bounds
from skyseries.hats.partitions import Cell
from skyseries.pipelines.journal import Outcome
from skyseries.pipelines.leaves import TARGET_COLUMN
from skyseries.pipelines.plan import ImportPlan
from skyseries.pipelines.runs import Run, Runs, read_run
from skyseries.spatial.order import argsort

__all__ = ["INDEX_GROUP_ROWS", "index_bounds", "write_aside", "write_index_part", "write_margins"]

INDEX_GROUP_ROWS = 8192
"""Rows of a row group of the index: one is read for a look-up, about 1 ms."""


def write_margins(
    plan: ImportPlan, targets: Sequence[tuple[int, Cell, tuple[Run, ...]]], root: Path
) -> Outcome:
    """Write the margin leaves of some cells, each from the runs that hold rows for it."""
    rows = 0
    for target, cell, runs in targets:
        found = Runs(runs, TARGET_COLUMN).take(target, target + 1)
        assert found is not None  # noqa: S101 - the runs were chosen because they have rows
        table = found.drop_columns([TARGET_COLUMN]).combine_chunks()
        table = table.take(argsort(table.column(HPX_COLUMN).to_numpy()))
        epochs = None
        if plan.has_lightcurves:
            epochs = pc.list_value_length(table.column(-1).combine_chunks().field(0)).to_numpy()
        with LeafWriter(root / leaf_path(cell), plan.leaf_schema) as writer:
            writer.write(table.cast(plan.leaf_schema), row_group_bounds(table.num_rows, epochs))
        rows += table.num_rows
    return {"rows": rows, "leaves": len(targets)}


def index_bounds(runs: Sequence[Run], column: str, part_rows: int) -> list[Any]:
    """Return the ids at which parts of about `part_rows` begin, but for the first."""
    total = sum(run.rows for run in runs)
    parts = -(-total // part_rows)
    if parts <= 1:
        return []
    stride = max(part_rows // 1000, 1)
    samples = []
    for run in runs:
        ids = _column(run, column)
        samples.append(ids.take(pa.array(np.arange(0, len(ids), stride))))
    ordered = pa.chunked_array(samples).combine_chunks().drop_null()
    ordered = ordered.take(pc.sort_indices(ordered))
    places = [len(ordered) * part // parts for part in range(1, parts)]
    return sorted({ordered[place].as_py() for place in places}) if len(ordered) else []


def write_index_part(
    plan: ImportPlan, runs: Sequence[Run], bounds: tuple[Any, Any], number: int, root: Path
) -> Outcome:
    """Write one part of the index: all ids from one bound up to the next, sorted."""
    slices = []
    for run in runs:
        table = read_run(run.path)
        ids = table.column(plan.id).combine_chunks()
        a = 0 if bounds[0] is None else _bisect(ids, bounds[0])
        b = len(ids) if bounds[1] is None else _bisect(ids, bounds[1])
        slices.append(table.take(np.arange(a, b)))  # a copy: the rest of the run is let go
    if not slices:
        return {"rows": 0, "repeated": 0}
    table = pa.concat_tables(slices).combine_chunks()
    table = table.take(pc.sort_indices(table.column(plan.id)))
    ids = table.column(plan.id).combine_chunks()
    repeated = pc.sum(pc.equal(ids[1:], ids[:-1])).as_py() or 0 if len(ids) > 1 else 0
    path = root / INDEX_FOLDER / f"part.{number}.parquet"
    with atomic_path(path) as beside:
        pq.write_table(
            table, beside, row_group_size=INDEX_GROUP_ROWS, **parquet_options(table.schema)
        )
    return {"rows": table.num_rows, "repeated": int(repeated)}


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


def _column(run: Run, column: str) -> pa.Array:
    table = read_run(run.path)
    return table.column(column).combine_chunks()


def _bisect(ids: pa.Array, value: Any) -> int:
    """Return how many of the sorted ids are below a value; null, which comes last, is not."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        found = ids[middle].as_py()
        if found is not None and found < value:
            low = middle + 1
        else:
            high = middle
    return low
