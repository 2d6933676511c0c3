"""Sorted runs: the scratch files of an import.

A run is a table sorted by one key column, in one Arrow IPC file of one record batch that is
memory-mapped when it is read. Every shuffle of an import is the same two steps: tasks that each
write runs of what they read, and tasks that each take one key range out of all runs. A range of
a run is found by bisection and read without a copy, so what is where need not be known when the
runs are written, and a task reads nothing but its own rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.hats.files import atomic_path
from skyseries.spatial.order import count_between

__all__ = ["Run", "Runs", "is_whole", "write_run"]

Ints = NDArray[np.int64]

_LAST_BYTES = b"ARROW1"


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


def is_whole(path: Path) -> bool:
    """Whether a file is there and ends as an Arrow file does."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_LAST_BYTES), os.SEEK_END)
            return file.read() == _LAST_BYTES
    except OSError:
        return False


class Runs:
    """Runs of one schema. Each is mapped only while it is looked at.

    A page of a mapped file counts as memory of this process as long as the mapping lives; the
    runs together are as large as the input.

    Parameters
    ----------
    runs : sequence of Run
    key : str
        The column, int64, that each run is sorted by.
    columns : sequence of str, optional
        What `take` returns; all by default.
    """

    def __init__(self, runs: Sequence[Run], key: str, columns: Sequence[str] | None = None) -> None:
        self._runs = [run for run in runs if run.rows]
        self._key = key
        self._columns = columns
        self.rows = sum(run.rows for run in self._runs)

    def each_key(self) -> Iterator[Ints]:
        """Yield the keys of each run."""
        for run in self._runs:
            yield _keys(_map(run), self._key)

    def count(self, bounds: Ints) -> Ints:
        """Return the rows with bounds[i] <= key < bounds[i + 1]."""
        total = np.zeros(max(len(bounds) - 1, 0), np.int64)
        for keys in self.each_key():
            total += count_between(keys, bounds)
        return total

    def within(self, start: int, stop: int) -> Slices:
        """Map the rows with start <= key < stop, to be looked at more than once."""
        tables = []
        for run in self._runs:
            table = _map(run)
            a, b = np.searchsorted(_keys(table, self._key), [start, stop])
            if b > a:
                tables.append(table.slice(int(a), int(b - a)))
        return Slices(tables, self._key, self._columns)

    def take(self, start: int, stop: int) -> pa.Table | None:
        """Return the rows with start <= key < stop, run after run; None if there are none."""
        return self.within(start, stop).take(start, stop)


class Slices:
    """The rows of one range of keys, one mapped table from each run that has any."""

    def __init__(self, tables: list[pa.Table], key: str, columns: Sequence[str] | None) -> None:
        self._tables = tables
        self._all_keys = [_keys(table, key) for table in tables]
        self._columns = columns

    def count(self, bounds: Ints) -> Ints:
        """Return the rows with bounds[i] <= key < bounds[i + 1]."""
        total = np.zeros(max(len(bounds) - 1, 0), np.int64)
        for keys in self._all_keys:
            total += count_between(keys, bounds)
        return total

    def take(self, start: int, stop: int) -> pa.Table | None:
        """Return the rows with start <= key < stop, run after run; None if there are none."""
        parts = []
        for table, keys in zip(self._tables, self._all_keys, strict=True):
            a, b = np.searchsorted(keys, [start, stop])
            if b > a:
                part = table.slice(int(a), int(b - a))
                parts.append(part if self._columns is None else part.select(self._columns))
        if any(part.schema != parts[0].schema for part in parts):
            parts = [_without_codes(part) for part in parts]  # text was coded in some runs only
        return pa.concat_tables(parts) if parts else None


def _map(run: Run) -> pa.Table:
    table = pa.ipc.open_file(pa.memory_map(run.path)).read_all()
    if table.num_rows != run.rows:
        raise OSError(f"{run.path}: {table.num_rows} rows, expected {run.rows}")
    return table


def _keys(table: pa.Table, key: str) -> Ints:
    return table.column(key).chunk(0).to_numpy()  # type: ignore[no-any-return]


def _without_codes(table: pa.Table) -> pa.Table:
    """Return the table with plain text in place of coded text."""
    plain = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(plain))
