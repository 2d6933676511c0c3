"""The id index of a catalog, from ids that were set aside while its leaves were written.

Each run of ids is sorted; tasks merge one range of ids into a file each. So ids are sorted over
all files, in small row groups.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.arraytypes import Ints
from skyseries.arrow import is_text
from skyseries.config import tuning
from skyseries.errors import InputError, SchemaError
from skyseries.executors import Task
from skyseries.hats.build.blueprint import Blueprint
from skyseries.hats.build.folder import write_index_folder
from skyseries.hats.build.journal import Journal, Outcome, gathered, total
from skyseries.hats.build.runs import Run, read_run
from skyseries.hats.layout import INDEX_FOLDER
from skyseries.hats.leaf import HPX_COLUMN, parquet_options
from skyseries.hats.manifest import digest_of
from skyseries.hats.names import check_index_column
from skyseries.hats.partitions import Cell
from skyseries.hats.sizes import take
from skyseries.lazy import pc
from skyseries.spatial.order import argsort
from skyseries.store.files import atomic_path

__all__ = [
    "check_id_lengths",
    "check_ids",
    "index_entries",
    "merge_index",
    "sorted_entries",
    "write_index",
]

_LONGEST_ID = 4096
"""Parquet files do not say the lowest and highest of longer values."""


def merge_index(
    blueprint: Blueprint, journal: Journal, leaves: Sequence[Outcome]
) -> tuple[int, int, list[Outcome]]:
    """Write the id index of a catalog whose leaves are there.

    Parameters
    ----------
    blueprint : Blueprint
    journal : Journal
    leaves : sequence of dict
        What the tasks have reported that wrote leaves.

    Returns
    -------
    rows, repeated : int
        Rows, and those whose id came before.
    files : list of dict
        Path, digest and rows of each file.
    """
    root = blueprint.folder / blueprint.names["index"]
    runs = [Run(**said) for said in gathered(leaves, "index")]
    return write_index(root, runs, blueprint.schema.field(blueprint.id), blueprint.name, journal)


def write_index(
    root: Path, runs: Sequence[Run], field: pa.Field, primary: str, journal: Journal
) -> tuple[int, int, list[Outcome]]:
    """Write an id index from runs of sorted entries.

    Parameters
    ----------
    root : Path
        Its folder, which it is named after.
    runs : sequence of Run
        Of `sorted_entries`.
    field : pyarrow.Field
        The ids.
    primary : str
        Name of the catalog that it is an index of.
    journal : Journal

    Returns
    -------
    rows, repeated, files
        As of `merge_index`.
    """
    ranges = _ranges(runs, field.name)
    share = sum(run.rows for run in runs) / len(ranges)
    tasks = [
        Task(_write_part, (runs, field.name, pair, n, root), share, f"index part {n}")
        for n, pair in enumerate(ranges)
    ]
    done = journal.run("index", tasks)
    rows = total(done, "rows")
    write_index_folder(root, field, len(done), rows, primary=primary)
    return rows, total(done, "repeated"), [part for part in done if part["rows"]]


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


def index_entries(ids: pa.ChunkedArray, hpx: pa.ChunkedArray, column: str, cell: Cell) -> pa.Table:
    """Return the rows of the index for rows of one partition."""
    check_id_lengths(ids, column)
    n = len(ids)
    return pa.table(
        {
            column: ids,
            "Norder": pa.array(np.full(n, cell.order, np.uint8)),
            "Npix": pa.array(np.full(n, cell.npix, np.uint64)),
            HPX_COLUMN: hpx,
        }
    )


def _ranges(runs: Sequence[Run], column: str) -> list[tuple[Any, Any]]:
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


def _write_part(
    runs: Sequence[Run],
    column: str,
    bounds: tuple[Any, Any],
    number: int,
    root: Path,
) -> Outcome:
    """Write one file of the index: all ids from one bound up to the next, sorted."""
    slices = []
    for run in runs:
        table = read_run(run.path)
        ids = table.column(column).combine_chunks()
        a = 0 if bounds[0] is None else _bisect(ids, bounds[0])
        b = len(ids) if bounds[1] is None else _bisect(ids, bounds[1])
        slices.append(table.slice(a, b - a).combine_chunks())  # a copy: the rest is let go
    if not slices:
        return {"rows": 0, "repeated": 0}
    table = sorted_entries(slices, column, in_runs=True)
    ids = table.column(column).combine_chunks()
    repeated = pc.sum(pc.equal(ids[1:], ids[:-1])).as_py() or 0 if len(ids) > 1 else 0
    path = root / INDEX_FOLDER / f"part.{number}.parquet"
    with atomic_path(path) as beside:
        pq.write_table(
            table, beside, row_group_size=tuning().index_group_rows, **parquet_options(table.schema)
        )
    said = {"path": str(path), "digest": digest_of(path)}
    return {"rows": table.num_rows, "repeated": int(repeated), **said}


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


def sorted_entries(tables: Sequence[pa.Table], column: str, *, in_runs: bool = False) -> pa.Table:
    """Return what `index_entries` returned as one table, sorted by id.

    Parameters
    ----------
    tables : sequence of pyarrow.Table
    column : str
    in_runs : bool
        Whether each of the tables is sorted already.
    """
    table = pa.concat_tables(tables)
    return take(table, _order(table.column(column), in_runs))


def _order(ids: pa.ChunkedArray, in_runs: bool) -> Ints | pa.Array:
    """Return the order of ids; null comes last, and equal ones keep their order."""
    if not pa.types.is_integer(ids.type) or ids.null_count:
        return pc.sort_indices(ids)
    numbers = ids.to_numpy()
    if numbers.dtype == np.uint64:
        numbers = (numbers ^ np.uint64(1 << 63)).view(np.int64)
    # NumPy's stable sort merges runs, and is slower than ours where there are none
    return np.argsort(numbers, kind="stable") if in_runs else argsort(numbers)


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
