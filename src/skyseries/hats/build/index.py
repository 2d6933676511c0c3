"""The id index of a catalog, made from its leaves.

In two steps: tasks that each set the ids of some partitions aside, sorted; and tasks that each
merge one range of ids into a file. Ids are sorted over all files, in small row groups.
"""

from __future__ import annotations

import itertools
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.arrow import is_text
from skyseries.config import tuning
from skyseries.errors import InputError, SchemaError
from skyseries.executors import Task, current_executor, run_tasks
from skyseries.hats.batches import leaf_batches
from skyseries.hats.build.folder import write_index_folder
from skyseries.hats.build.margin import source_groups
from skyseries.hats.build.runs import Run, read_run, write_run
from skyseries.hats.dataset import Dataset
from skyseries.hats.layout import INDEX_FOLDER
from skyseries.hats.leaf import HPX_COLUMN, parquet_options
from skyseries.hats.names import check_index_column
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.rowcells import cell_columns, row_cells
from skyseries.store.files import atomic_path

__all__ = [
    "IndexBuilt",
    "build_index",
    "check_id_lengths",
    "check_ids",
    "index_entries",
    "index_ranges",
    "write_index_part",
]

_LONGEST_ID = 4096
"""Parquet files do not say the lowest and highest of longer values."""


class IndexBuilt(NamedTuple):
    """What an index holds."""

    rows: int
    repeated: int
    """Rows whose id came before."""


def build_index(
    primary: Dataset, root: Path, column: str, *, work: Path | None = None
) -> IndexBuilt:
    """Make the index from id to partition of a catalog, on the current executor.

    Parameters
    ----------
    primary : Dataset
        The catalog; all leaves are there.
    root : Path
        Folder of the index, which it is named after.
    column : str
        The ids: whole numbers or text.
    work : Path, optional
        A folder for scratch files, removed at the end; by default beside `root`. All workers
        must see it.

    Raises
    ------
    SchemaError
        If there is no such column, or it cannot be ids.
    InputError
        If the name of the column cannot stand in hats.properties.
    """
    field = check_ids(primary.schema, column)
    groups = source_groups(primary.partitions, current_executor().workers)
    work = work or root.parent / f".{root.name}-{uuid.uuid4().hex[:8]}"
    try:
        tasks = [
            Task(
                _index_runs,
                (primary, cells, column, work / f"{n:06d}"),
                float(len(cells)),
                f"ids of {cells[0]} and {len(cells) - 1} more",
            )
            for n, cells in enumerate(groups)
        ]
        found = sorted(run_tasks("ids", tasks))  # the same files however the tasks ended
        runs = [run for _, some in found for run in some]
        ranges = index_ranges(runs, column)
        share = sum(run.rows for run in runs) / len(ranges)
        tasks = [
            Task(write_index_part, (runs, column, pair, n, root), share, f"index part {n}")
            for n, pair in enumerate(ranges)
        ]
        parts = [part for _, part in run_tasks("index", tasks, unit="rows")]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    built = IndexBuilt(sum(p.rows for p in parts), sum(p.repeated for p in parts))
    write_index_folder(root, field, len(parts), built.rows, primary=primary.name)
    return built


def check_id_lengths(ids: pa.ChunkedArray, column: str) -> None:
    """Raise InputError if an id is too long for the bounds that a look-up goes by."""
    if pa.types.is_integer(ids.type) or not len(ids):
        return
    longest = pc.max(pc.binary_length(ids)).as_py() or 0
    if longest > _LONGEST_ID:
        raise InputError(
            f"column {column!r} has an id of {longest:,} bytes; ids of more than {_LONGEST_ID:,} "
            "bytes cannot have an index: give id_index=False"
        )


def index_entries(
    ids: pa.ChunkedArray, hpx: pa.ChunkedArray | NDArray[np.int64], column: str, cell: Cell
) -> pa.Table:
    """Return the rows of the index for rows of one partition, sorted by id."""
    check_id_lengths(ids, column)
    order = pc.sort_indices(ids)
    cells = pa.chunked_array([pa.array(hpx)]) if isinstance(hpx, np.ndarray) else hpx
    n = len(ids)
    return pa.table(
        {
            column: ids.take(order),
            "Norder": pa.array(np.full(n, cell.order, np.uint8)),
            "Npix": pa.array(np.full(n, cell.npix, np.uint64)),
            HPX_COLUMN: cells.take(order),
        }
    )


def index_ranges(runs: Sequence[Run], column: str) -> list[tuple[Any, Any]]:
    """Return from which id up to which other each file goes; None: no bound."""
    total = sum(run.rows for run in runs)
    part_rows = tuning().index_part_rows
    parts = max(-(-total // part_rows), 1)
    inner: list[Any] = []
    if parts > 1:
        stride = max(part_rows // 1000, 1)
        samples = []
        for run in runs:
            ids = read_run(run.path, [column]).column(column).combine_chunks()
            samples.append(ids.take(pa.array(np.arange(0, len(ids), stride))))
        ordered = pa.chunked_array(samples).combine_chunks().drop_null()
        ordered = ordered.take(pc.sort_indices(ordered))
        places = [len(ordered) * part // parts for part in range(1, parts)]
        inner = sorted({ordered[place].as_py() for place in places}) if len(ordered) else []
    return list(itertools.pairwise([None, *inner, None]))


def write_index_part(
    runs: Sequence[Run],
    column: str,
    bounds: tuple[Any, Any],
    number: int,
    root: Path,
) -> IndexBuilt:
    """Write one file of the index: all ids from one bound up to the next, sorted."""
    slices = []
    for run in runs:
        table = read_run(run.path)
        ids = table.column(column).combine_chunks()
        a = 0 if bounds[0] is None else _bisect(ids, bounds[0])
        b = len(ids) if bounds[1] is None else _bisect(ids, bounds[1])
        slices.append(table.take(pa.array(np.arange(a, b))))  # a copy: the rest is let go
    if not slices:
        return IndexBuilt(0, 0)
    table = pa.concat_tables(slices).combine_chunks()
    table = table.take(pc.sort_indices(table.column(column)))
    ids = table.column(column).combine_chunks()
    repeated = pc.sum(pc.equal(ids[1:], ids[:-1])).as_py() or 0 if len(ids) > 1 else 0
    path = root / INDEX_FOLDER / f"part.{number}.parquet"
    with atomic_path(path) as beside:
        pq.write_table(
            table, beside, row_group_size=tuning().index_group_rows, **parquet_options(table.schema)
        )
    return IndexBuilt(table.num_rows, int(repeated))


def check_ids(schema: pa.Schema, column: str) -> pa.Field:
    """Return the column of the ids, or raise an error if there can be no index of it.

    Raises
    ------
    SchemaError
        If there is no such column, or it cannot be ids.
    InputError
        If its name cannot stand in hats.properties.
    """
    if column not in schema.names:
        raise SchemaError(f"there is no column {column!r} to make an index of")
    check_index_column(column)
    field = schema.field(column)
    type_ = field.type
    if not (pa.types.is_integer(type_) or is_text(type_)):
        raise SchemaError(f"the column {column!r} is {type_}; ids are whole numbers or text")
    return field


def _index_runs(dataset: Dataset, cells: Partitions, column: str, stem: Path) -> list[Run]:
    """Set the ids of some partitions aside, in runs of bounded size."""
    columns = list(dict.fromkeys([column, *cell_columns(dataset)]))
    held: list[pa.Table] = []
    runs: list[Run] = []
    for cell in cells:
        for file in dataset.leaves(cell):
            for rows in leaf_batches(dataset, file, columns):
                held.append(
                    index_entries(rows.column(column), row_cells(dataset, rows), column, cell)
                )
                if sum(map(len, held)) >= tuning().index_part_rows:
                    runs.append(_write_sorted(stem / f"{len(runs):06d}.arrow", held, column))
                    held = []
    if held:
        runs.append(_write_sorted(stem / f"{len(runs):06d}.arrow", held, column))
    return runs


def _write_sorted(path: Path, tables: Sequence[pa.Table], column: str) -> Run:
    table = pa.concat_tables(tables).combine_chunks()
    return write_run(path, table.take(pc.sort_indices(table.column(column))))


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
