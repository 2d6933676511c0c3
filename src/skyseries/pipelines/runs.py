"""Sorted runs: the scratch files of an import.

A run is a table sorted by one key column, in one Arrow IPC file of one record batch that is
memory-mapped when it is read. Every shuffle of an import is the same two steps: tasks that each
write runs of what they read, and tasks that each take one key range out of all runs. A range of
a run is found by bisection and read without a copy, so what is where need not be known when the
runs are written, and a task reads nothing but its own rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.hats.files import atomic_path
from skyseries.spatial.order import count_between

__all__ = ["Run", "Runs", "write_run"]


@dataclass(frozen=True)
class Run:
    """One scratch file; picklable."""

    path: str
    rows: int
    nbytes: int
    """Bytes of the columns in memory."""


def write_run(path: Path, table: pa.Table) -> Run:
    """Write a table that is sorted by its key."""
    table = table.combine_chunks()
    batches = table.to_batches()
    if len(batches) > 1:
        raise OverflowError(f"{table.num_rows} rows are too many for one run: text above 2 GiB")
    with (
        atomic_path(path) as beside,
        pa.OSFile(str(beside), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)
    return Run(str(path), table.num_rows, table.nbytes)


class Runs:
    """Runs of one schema, opened for reading ranges of their key.

    Parameters
    ----------
    runs : sequence of Run
    key : str
        The column, int64, that each run is sorted by.
    columns : sequence of str, optional
        What `take` returns; all by default.
    """

    def __init__(self, runs: Sequence[Run], key: str, columns: Sequence[str] | None = None) -> None:
        self.key = key
        self._tables: list[pa.Table] = []
        self._keys: list[NDArray[np.int64]] = []
        for run in runs:
            table = pa.ipc.open_file(pa.memory_map(run.path)).read_all()
            if table.num_rows != run.rows:
                raise OSError(f"{run.path}: {table.num_rows} rows, expected {run.rows}")
            if run.rows:
                self._keys.append(table.column(key).chunk(0).to_numpy())
                self._tables.append(table if columns is None else table.select(columns))
        self.rows = sum(len(keys) for keys in self._keys)

    def count(self, bounds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows with bounds[i] <= key < bounds[i + 1]."""
        total = np.zeros(max(len(bounds) - 1, 0), np.int64)
        for keys in self._keys:
            total += count_between(keys, bounds)
        return total

    def take(self, start: int, stop: int) -> pa.Table | None:
        """Return the rows with start <= key < stop, run after run; None if there are none."""
        parts = []
        for table, keys in zip(self._tables, self._keys, strict=True):
            a, b = np.searchsorted(keys, [start, stop])
            if b > a:
                parts.append(table.slice(int(a), int(b - a)))
        return pa.concat_tables(parts, promote_options="permissive") if parts else None

    def each_key(self) -> Iterator[NDArray[np.int64]]:
        """Yield the keys of each run."""
        yield from self._keys
