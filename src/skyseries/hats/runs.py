"""Sorted runs: the scratch files of a shuffle.

A run is a table sorted by one key column, in one Arrow IPC file of many small record batches.
Every shuffle is the same two steps: tasks that each write runs of what they read,
and tasks that each take one key range out of all runs. The first key of each batch is kept in
the file's metadata, so that a range costs one short read of each run, and what is where need not
be known when the runs are written.

Files are read, not mapped: a mapped page counts as memory of the process, and the system maps
far more than is touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.hats.files import atomic_path
from skyseries.spatial.order import count_between

__all__ = ["Run", "Runs", "Slices", "is_whole", "read_run", "write_run"]

Ints = NDArray[np.int64]

_BATCH_ROWS = 16_384
"""Rows of a batch: at the ends of a range up to this many rows of a run are read in vain."""
_FIRST_KEYS = b"first_keys"
_LAST_BYTES = b"ARROW1"


@dataclass(frozen=True)
class Run:
    """One scratch file; picklable."""

    path: str
    rows: int
    nbytes: int
    """Bytes of the columns in memory."""


def write_run(path: Path, table: pa.Table, key: str | None = None) -> Run:
    """Write a table; with a key, one that is sorted by it and can be read by ranges of it."""
    table = table.combine_chunks()
    schema = table.schema
    if key is not None:
        first = table.column(key).to_numpy()[::_BATCH_ROWS].astype(np.int64)
        schema = schema.with_metadata({_FIRST_KEYS: first.tobytes()})
    with (
        atomic_path(path) as beside,
        pa.OSFile(str(beside), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        for batch in table.to_batches(_BATCH_ROWS):
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    return Run(str(path), table.num_rows, table.nbytes)


def read_run(path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a whole run, or some columns of it."""
    with pa.OSFile(str(path)) as file:
        schema = pa.ipc.open_file(file).schema
        fields = [] if columns is None else [schema.get_field_index(name) for name in columns]
        options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        table = pa.ipc.open_file(file, options=options).read_all()
    return table.replace_schema_metadata(None)


def is_whole(path: Path) -> bool:
    """Whether a file is there and ends as an Arrow file does."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_LAST_BYTES), os.SEEK_END)
            return file.read() == _LAST_BYTES
    except OSError:
        return False


class Runs:
    """Runs of one schema; nothing is held open.

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
            with closing(_RunFile(run, self._key)) as file:
                yield file.keys(0, len(file.first_keys))

    def count(self, bounds: Ints) -> Ints:
        """Return the rows with bounds[i] <= key < bounds[i + 1]."""
        total = np.zeros(max(len(bounds) - 1, 0), np.int64)
        for keys in self.each_key():
            total += count_between(keys, bounds)
        return total

    def within(self, start: int, stop: int) -> Slices:
        """Return the rows with start <= key < stop, to be looked at more than once."""
        parts = []
        for run in self._runs:
            with closing(_RunFile(run, self._key)) as file:
                begin = max(int(np.searchsorted(file.first_keys, start, side="left")) - 1, 0)
                end = int(np.searchsorted(file.first_keys, stop, side="left"))
                if end > begin:
                    parts.append((run, begin, file.keys(begin, end)))
        return Slices(parts, self._key, self._columns)

    def take(self, start: int, stop: int) -> pa.Table | None:
        """Return the rows with start <= key < stop, run after run; None if there are none."""
        return self.within(start, stop).take(start, stop)


class Slices:
    """A range of some runs whose keys are in memory."""

    def __init__(
        self, parts: list[tuple[Run, int, Ints]], key: str, columns: Sequence[str] | None
    ) -> None:
        self._parts = parts
        self._key = key
        self._columns = columns

    def count(self, bounds: Ints) -> Ints:
        """Return the rows with bounds[i] <= key < bounds[i + 1]."""
        total = np.zeros(max(len(bounds) - 1, 0), np.int64)
        for _, _, keys in self._parts:
            total += count_between(keys, bounds)
        return total

    def take(self, start: int, stop: int) -> pa.Table | None:
        """Return the rows with start <= key < stop, run after run; None if there are none."""
        found = []
        for run, begin, keys in self._parts:
            a, b = (int(place) for place in np.searchsorted(keys, [start, stop]))
            if b > a:
                with closing(_RunFile(run, self._key, self._columns)) as file:
                    found.append(file.rows(begin * _BATCH_ROWS + a, begin * _BATCH_ROWS + b))
        if any(part.schema != found[0].schema for part in found):
            found = [_without_codes(part) for part in found]  # text was coded in some runs only
        return pa.concat_tables(found) if found else None


class _RunFile:
    """A run, open: its keys, and rows by their number."""

    def __init__(self, run: Run, key: str, columns: Sequence[str] | None = None) -> None:
        self._file = pa.OSFile(run.path)
        self._key = key
        self._columns = columns
        reader = pa.ipc.open_file(self._file)
        self._schema: pa.Schema = reader.schema
        self.first_keys = np.frombuffer(self._schema.metadata[_FIRST_KEYS], np.int64)
        if reader.num_record_batches != len(self.first_keys):
            raise OSError(f"{run.path} is not whole")

    def keys(self, begin: int, end: int) -> Ints:
        """Return the keys of some batches."""
        batches = self._batches([self._key], begin, end)
        parts = [batch.column(0).to_numpy() for batch in batches]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def rows(self, start: int, stop: int) -> pa.Table:
        """Return rows by their number."""
        begin, end = start // _BATCH_ROWS, -(-stop // _BATCH_ROWS)
        batches = self._batches(self._columns, begin, end)
        table = pa.Table.from_batches(batches).replace_schema_metadata(None)
        return table.slice(start - begin * _BATCH_ROWS, stop - start)

    def _batches(self, columns: Sequence[str] | None, begin: int, end: int) -> list[pa.RecordBatch]:
        fields = [] if columns is None else [self._schema.get_field_index(c) for c in columns]
        options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        reader = pa.ipc.open_file(self._file, options=options)
        return [reader.get_batch(i) for i in range(begin, end)]

    def close(self) -> None:
        self._file.close()


def _without_codes(table: pa.Table) -> pa.Table:
    """Return the table with plain text in place of coded text."""
    plain = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(plain))
