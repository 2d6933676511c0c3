"""The private DuckDB of one statement: a share of the memory, and a folder for the rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import pyarrow as pa

from skyseries.adql.connections import Idle, connect, guarded
from skyseries.config import settings
from skyseries.store.scratch import make_scratch, remake_scratch, remove_scratch, scratch_parent

__all__ = ["Database"]

T = TypeVar("T")

_SHARE = 2
"""It holds one part in so many of the memory: the rest is for those that make its tables."""
_LEAST_BYTES = 128 << 20
_BATCH_ROWS = 65_536
_CHUNK_ROWS = 131_072
"""Smaller tables are put together before they are loaded, which takes 1 ms each time."""

_PATIENCE = 0.05
"""Seconds until something is interrupted once more."""

_IDLE: Idle[tuple[Any, Path]] = Idle()
"""Connections, and the names of their folders, which are there only while they are used."""
_MOST_KEPT = 1_000_000
"""Rows: what has held more gives its memory back."""
_TABLES = "SELECT table_name FROM duckdb_tables()"


class Database:
    """A private DuckDB: bounded memory, spills into a folder of its own, closed to all else.

    A context manager. Nothing is left of it when it is closed, however that comes. Ctrl-C ends what
    it does at once: DuckDB works in other threads, this one waits for it.

    Parameters
    ----------
    memory : int, optional
        Bytes that it may hold; by default half of what `skyseries.config` says.
    """

    def __init__(self, memory: int | None = None) -> None:
        self.memory = max(memory or settings().memory // _SHARE, _LEAST_BYTES)
        self._open: set[Any] = set()
        self._running: dict[threading.Thread, Any] = {}
        self._loaded, self._failed = 0, False
        self._closed, self._closing = False, threading.Lock()
        self._kind = self.memory, settings().workers, scratch_parent()
        kept = _IDLE.take(*self._kind)
        if kept is None:
            self._folder = make_scratch("sql")
            try:
                self._connection = connect(self.memory, settings().workers, self._folder)
            except BaseException:
                remove_scratch(self._folder)
                raise
        else:
            self._connection, self._folder = kept
            remake_scratch(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def load(self, name: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
        """Make a table of tables, which are asked for in this thread, and return its rows.

        Parameters
        ----------
        name : str
        schema : pyarrow.Schema
        tables : iterable of Table
            With these columns at least. Ids and texts that are kept as dictionaries become plain.
        """
        schema = pa.schema([field.with_type(_plain(field.type)) for field in schema])
        chunk = f"chunk of {name}"
        verb, count = f"CREATE TABLE {_quoted(name)} AS FROM", 0
        for table in _chunks(tables, schema):
            self._insert(verb, chunk, table)
            verb = f"INSERT INTO {_quoted(name)} FROM"
            count += table.num_rows
        self._loaded += count
        return count

    def _insert(self, verb: str, name: str, table: pa.Table) -> None:
        self._connection.register(name, table)
        try:
            self.execute(f"{verb} {_quoted(name)}")
        finally:
            self._connection.unregister(name)

    def execute(self, sql: str) -> None:
        """Run a command: ``CREATE TABLE ... AS``, ``DROP TABLE``.

        Raises
        ------
        QueryError
            If a value cannot be calculated.
        ExecutionError
            If more memory is needed than there is.
        StorageError
            If scratch files cannot be written.
        """
        self._wait(self._connection, lambda: self._connection.execute(sql))

    def rows(self, name: str) -> int:
        """Return how many rows a table has."""
        found: list[Any] = []
        sql = f"SELECT count(*) FROM {_quoted(name)}"  # noqa: S608 - no user text
        connection = self._connection
        self._wait(connection, lambda: found.extend(connection.execute(sql).fetchone()))
        return int(found[0])

    def stream(self, sql: str) -> Iterator[pa.Table]:
        """Yield the rows of a query in tables of some ten thousand; at least one table.

        To close the iterator ends the query; other queries may run meanwhile.

        Raises
        ------
        QueryError, ExecutionError, StorageError
            As for `execute`.
        """
        cursor = self._connection.cursor()
        self._open.add(cursor)
        try:
            reader = self._wait(cursor, lambda: cursor.sql(sql).to_arrow_reader(_BATCH_ROWS))
            schema = reader.schema
            batch = self._wait(cursor, lambda: next(reader, None))
            yield pa.Table.from_batches([] if batch is None else [batch], schema)
            while (batch := self._wait(cursor, lambda: next(reader, None))) is not None:
                yield pa.Table.from_batches([batch], schema)
        finally:
            self._close(cursor)

    def close(self) -> None:
        """End what runs, in whichever thread, and remove all."""
        while self._running:
            self._failed = True
            for thread, connection in list(self._running.items()):
                connection.interrupt()
                thread.join(_PATIENCE)
        self._failed |= bool(self._open)
        for cursor in list(self._open):
            self._close(cursor)
        with self._closing:  # others may close it too
            if not self._closed and not self._is_kept():
                self._connection.close()
            self._closed = True
        remove_scratch(self._folder)

    def _is_kept(self) -> bool:
        """Leave it to the next statement, if it has held little and nothing has gone wrong."""
        if self._failed or self._loaded > _MOST_KEPT:
            return False
        for (name,) in self._connection.execute(_TABLES).fetchall():
            self._connection.execute(f"DROP TABLE {_quoted(name)}")
        return _IDLE.keep((self._connection, self._folder), *self._kind)

    def _close(self, cursor: Any) -> None:
        if cursor in self._open:
            self._open.remove(cursor)
            cursor.interrupt()
            cursor.close()

    def _wait(self, connection: Any, run: Callable[[], T]) -> T:
        """Let another thread run something, which Ctrl-C in this one interrupts."""
        outcome: Future[T] = Future()

        def work() -> None:
            end: Callable[[], None]
            try:
                end = partial(outcome.set_result, guarded(run, memory=self.memory))
            except BaseException as error:
                self._failed = True
                end = partial(outcome.set_exception, error)
            del self._running[thread]  # before: who hears of the end may close the connection
            end()

        thread = threading.Thread(target=work, daemon=True)
        self._running[thread] = connection
        thread.start()
        try:
            return outcome.result()
        finally:
            while not outcome.done():
                connection.interrupt()  # again and again, as it may not have begun before
                thread.join(_PATIENCE)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return a type that DuckDB keeps as it is."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    return pa.float32() if pa.types.is_float16(kind) else kind


def _chunks(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows in tables of the schema's types that are not too small."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table.select(schema.names).cast(schema))
        if sum(part.num_rows for part in held) >= _CHUNK_ROWS:
            yield pa.concat_tables(held)
            held = []
    yield pa.concat_tables([schema.empty_table(), *held])
