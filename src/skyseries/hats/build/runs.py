"""Sorted runs: the scratch files of a shuffle.

A run is a table sorted by one key column, in one Arrow IPC file of many small record batches.
Every shuffle is the same two steps: tasks that each write runs of what they read,
and tasks that each take one key range out of all runs. The first key of each batch is kept in
the file's metadata, so that a range costs one short read of each run, and what is where need not
be known when the runs are written. So is what each row weighs, or it has a column of its own where
rows differ.

Files are read, not mapped: a mapped page counts as memory of the process, and the system maps
far more than is touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats, Ints
from skyseries.cache import kept
from skyseries.hats.names import MEASURES
from skyseries.hats.sizes import Sizes
from skyseries.spatial.order import count_between
from skyseries.store.files import atomic_path

__all__ = ["Run", "Runs", "Slices", "read_run", "write_run"]


_BATCH_ROWS = 16_384
"""Rows of a batch: at the ends of a range up to this many rows of a run are read in vain."""
_BATCH_BYTES = 4 << 20
"""A batch of long rows has fewer of them."""
_ALIKE = 16
"""Rows that differ by no more bytes are taken for as large as the largest of them."""
_FIRST_KEYS, _ROWS = b"first_keys", b"batch_rows"


@dataclass(frozen=True)
class Run:
    """One scratch file; picklable."""

    path: str
    rows: int
    nbytes: int
    """Bytes of the columns in memory."""


def write_run(
    path: Path, table: pa.Table, key: str | None = None, measures: Sequence[Sizes] = ()
) -> Run:
    """Write a table; with a key, one that is sorted by it and can be read by ranges of it.

    Parameters
    ----------
    path : Path
    table : pyarrow.Table
    key : str, optional
    measures : sequence of (float or ndarray of float64, shape (n,))
        `MEASURES` of each row in what is made of them: see `Runs.loads`.
    """
    table = table.combine_chunks()
    nbytes = table.nbytes
    batch_rows = min(max(_BATCH_BYTES * table.num_rows // max(nbytes, 1), 1), _BATCH_ROWS)
    said = {_ROWS: str(batch_rows).encode()}
    if key is not None:
        first = table.column(key).to_numpy()[::batch_rows].astype(np.int64)
        said[_FIRST_KEYS] = first.tobytes()
    for name, values in zip(MEASURES, measures, strict=False):
        largest = float(np.max(values, initial=0.0))
        said[name.encode()] = repr(largest).encode()
        if largest - float(np.min(values, initial=largest)) > (_ALIKE if name == "#bytes" else 0):
            table = table.append_column(name, pa.array(values, pa.float64()))
    schema = table.schema.with_metadata(said)
    with (
        atomic_path(path) as beside,
        pa.OSFile(str(beside), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        for batch in _batches(table, batch_rows):
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    return Run(str(path), table.num_rows, nbytes)


def _batches(table: pa.Table, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield batches of so many rows, also where a column has more than one chunk."""
    for start in range(0, table.num_rows, rows):
        yield from table.slice(start, rows).combine_chunks().to_batches()


def read_run(path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a whole run, or some columns of it."""
    with pa.OSFile(str(path)) as file:
        schema = pa.ipc.open_file(file).schema
        options = pa.ipc.IpcReadOptions(included_fields=_places(schema, columns), use_threads=False)
        table = pa.ipc.open_file(file, options=options).read_all()
    return table.replace_schema_metadata(None)


def _places(schema: pa.Schema, columns: Sequence[str] | None) -> list[int]:
    """Return the numbers of columns: by default of all but the measures; none means all."""
    if columns is None:
        columns = [name for name in schema.names if name not in MEASURES]
        if len(columns) == len(schema):
            return []  # a batch is then read in one piece
    return [schema.get_field_index(name) for name in columns]


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
            file = _RunFile(run, self._key)
            yield file.keys(0, len(file.first_keys))

    def count(self, bounds: Ints) -> Ints:
        """Return the rows with bounds[i] <= key < bounds[i + 1]."""
        total = np.zeros(max(len(bounds) - 1, 0), np.int64)
        for keys in self.each_key():
            total += count_between(keys, bounds)
        return total

    def loads(self, bounds: Ints) -> Floats:
        """Return rows, bytes and epochs with bounds[i] <= key < bounds[i + 1], shape (n, 3).

        Bytes and epochs are those that were given when the runs were written.
        """
        total = np.zeros((max(len(bounds) - 1, 0), 1 + len(MEASURES)))
        for run in self._runs:
            file = _RunFile(run, self._key)
            part = _Part(run, 0, *file.keys_and_measures(0, len(file.first_keys)))
            total += part.loads(bounds)
        return total

    def within(self, start: int, stop: int) -> Slices:
        """Return the rows with start <= key < stop, to be looked at more than once."""
        parts = []
        for run in self._runs:
            file = _RunFile(run, self._key)
            begin = max(int(np.searchsorted(file.first_keys, start, side="left")) - 1, 0)
            end = int(np.searchsorted(file.first_keys, stop, side="left"))
            if end > begin:
                found = file.keys_and_measures(begin, end)
                parts.append(_Part(run, begin * file.batch_rows, *found))
        return Slices(parts, self._key, self._columns)

    def take(self, start: int, stop: int) -> pa.Table | None:
        """Return the rows with start <= key < stop, run after run; None if there are none."""
        return self.within(start, stop).take(start, stop)


@dataclass(frozen=True, eq=False)
class _Part:
    """Consecutive rows of a run: the number of the first, and keys and measures of all."""

    run: Run
    begin: int
    keys: Ints
    measures: tuple[Sizes, ...]

    def loads(self, bounds: Ints) -> Floats:
        """Return rows, bytes and epochs between each two bounds."""
        rows = count_between(self.keys, bounds).astype(np.float64)
        return np.column_stack([rows, *(self._sums(each, rows, bounds) for each in self.measures)])

    def _sums(self, each: Sizes, rows: Floats, bounds: Ints) -> Floats:
        if isinstance(each, float):
            return rows * each
        first = np.searchsorted(self.keys, bounds[:1])
        ends = np.concatenate([first, first + np.cumsum(rows).astype(np.int64)])
        sums: Floats = np.diff(np.concatenate([[0.0], np.cumsum(each)])[ends])
        return sums


class Slices:
    """A range of some runs whose keys are in memory."""

    def __init__(self, parts: list[_Part], key: str, columns: Sequence[str] | None) -> None:
        self._parts = parts
        self._key = key
        self._columns = columns

    def count(self, bounds: Ints) -> Ints:
        """Return the rows with bounds[i] <= key < bounds[i + 1]."""
        total = np.zeros(max(len(bounds) - 1, 0), np.int64)
        for part in self._parts:
            total += count_between(part.keys, bounds)
        return total

    def loads(self, bounds: Ints) -> Floats:
        """Return rows, bytes and epochs with bounds[i] <= key < bounds[i + 1], shape (n, 3)."""
        total = np.zeros((max(len(bounds) - 1, 0), 1 + len(MEASURES)))
        for part in self._parts:
            total += part.loads(bounds)
        return total

    def take(self, start: int, stop: int) -> pa.Table | None:
        """Return the rows with start <= key < stop, run after run; None if there are none."""
        found = []
        for part in self._parts:
            a, b = (int(place) for place in np.searchsorted(part.keys, [start, stop]))
            if b > a:
                file = _RunFile(part.run, self._key, self._columns)
                found.append(file.rows(part.begin + a, part.begin + b))
        if any(part.schema != found[0].schema for part in found):
            found = [_without_codes(part) for part in found]  # text was coded in some runs only
        return pa.concat_tables(found) if found else None


@dataclass(frozen=True, eq=False)
class _Head:
    """What a run says of itself."""

    schema: pa.Schema
    first_keys: Ints
    """Of each batch."""
    batch_rows: int
    measures: tuple[float, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that it takes, for the cache."""
        return self.first_keys.nbytes + 2_000


@kept
def _head(path: str, stamp: tuple[int, ...]) -> _Head:
    """Read what a run says of itself, once as long as it is not replaced: each leaf asks for it."""
    with pa.OSFile(path) as file:
        reader = pa.ipc.open_file(file)
        batches, schema = reader.num_record_batches, reader.schema
    said = schema.metadata
    first_keys = np.frombuffer(said[_FIRST_KEYS], np.int64)
    if batches != len(first_keys):
        raise OSError(f"{path} is not whole")
    measures = tuple(float(said.get(name.encode(), 0)) for name in MEASURES)
    return _Head(schema, first_keys, int(said[_ROWS]), measures)


class _RunFile:
    """A run: its keys, and rows by their number."""

    def __init__(self, run: Run, key: str, columns: Sequence[str] | None = None) -> None:
        stat = os.stat(run.path)  # noqa: PTH116 - each leaf asks for each run
        self._path = run.path
        self._head = _head(run.path, (stat.st_ino, stat.st_size, stat.st_mtime_ns))
        self._key = key
        self._columns = columns

    @property
    def first_keys(self) -> Ints:
        """The first key of each batch."""
        return self._head.first_keys

    @property
    def batch_rows(self) -> int:
        """Rows of each batch but the last."""
        return self._head.batch_rows

    def keys(self, begin: int, end: int) -> Ints:
        """Return the keys of some batches."""
        batches = self._batches([self._key], begin, end)
        parts = [batch.column(0).to_numpy() for batch in batches]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def keys_and_measures(self, begin: int, end: int) -> tuple[Ints, tuple[Sizes, ...]]:
        """Return keys and measures of the rows of some batches."""
        there = [name for name in MEASURES if name in self._head.schema.names]
        if not there:
            return self.keys(begin, end), self._head.measures
        batches = self._batches([self._key, *there], begin, end)
        found = {
            name: np.concatenate([batch.column(name).to_numpy() for batch in batches])
            for name in (self._key, *there)
        }
        measures = zip(MEASURES, self._head.measures, strict=True)
        return found[self._key], tuple(found.get(name, same) for name, same in measures)

    def rows(self, start: int, stop: int) -> pa.Table:
        """Return rows by their number."""
        begin, end = start // self.batch_rows, -(-stop // self.batch_rows)
        batches = self._batches(self._columns, begin, end)
        table = pa.Table.from_batches(batches).replace_schema_metadata(None)
        return table.slice(start - begin * self.batch_rows, stop - start)

    def _batches(self, columns: Sequence[str] | None, begin: int, end: int) -> list[pa.RecordBatch]:
        options = pa.ipc.IpcReadOptions(
            included_fields=_places(self._head.schema, columns), use_threads=False
        )
        with pa.OSFile(self._path) as file:
            reader = pa.ipc.open_file(file, options=options)
            return [reader.get_batch(i) for i in range(begin, end)]


def _without_codes(table: pa.Table) -> pa.Table:
    """Return the table with plain text in place of coded text."""
    plain = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(plain))
