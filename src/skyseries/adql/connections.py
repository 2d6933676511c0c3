"""Connections to DuckDB, and what goes wrong there in our words.

They are in memory, and closed to files and network. Those of `run_sql` are lent to one thread at a
time, and single-threaded themselves (the workers are the parallelism). Each holds a worker's share
of the memory; a query that needs more is run once more, with a folder for scratch files.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa

from skyseries.adql.expressions import Path as ColumnPath
from skyseries.adql.expressions import written
from skyseries.config import settings
from skyseries.errors import Cancelled, ExecutionError, QueryError, StorageError
from skyseries.store.scratch import scratch

__all__ = ["TABLE", "Idle", "connect", "guarded", "run_sql"]

T = TypeVar("T")

TABLE = "t"
"""What the table of `run_sql` is called in the text of its query."""

_LEAST_BYTES = 128 << 20
"""DuckDB needs some room of its own, however little memory is given."""
_OF_VALUES = ("Conversion", "Invalid Input", "Out of Range")
_OF_MEMORY = "Out of Memory"
_NO_SPACE = "'max_temp_directory_size'"
_MANY_ROWS = "More than one row returned by a subquery"
_FROM_COLUMN = re.compile(r" when casting from source column \w+")


def connect(memory: int, threads: int, folder: Path | None) -> Any:
    """Return a connection to a DuckDB of its own.

    Parameters
    ----------
    memory : int
        Bytes that it may hold.
    threads : int
        Those that work in it.
    folder : path or None
        Where it writes what is more; None: that is an error.
    """
    import duckdb

    options = {
        "threads": str(threads),
        "memory_limit": f"{memory}B",
        "temp_directory": "" if folder is None else str(folder),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "preserve_insertion_order": "true",
        # it fails on DISTINCT over outer joins with queries in ON ("Projection map references ...")
        "disabled_optimizers": "join_elimination",
    }
    connection = duckdb.connect(":memory:", config=options)
    connection.execute("SET enable_external_access = false")  # but for its scratch files
    connection.execute("SET lock_configuration = true")
    return connection


def run_sql(table: pa.Table, sql: str, names: Iterable[ColumnPath] = ()) -> pa.Table:
    """Return the result of a query over one table, which is called ``t`` in its text.

    Parameters
    ----------
    table : pyarrow.Table
    sql : str
        Text of our own, never a user's.
    names : iterable of path
        The columns behind the table's, for messages.

    Raises
    ------
    QueryError
        If a value cannot be calculated.
    ExecutionError
        If more memory is needed than a worker has.
    """

    def run() -> pa.Table:
        try:
            with _lent() as connection:
                return _answer(connection, table, sql)
        except Exception as error:
            if _kind(error) != _OF_MEMORY:
                raise
        with (
            scratch("duckdb") as folder,
            closing(connect(_most_bytes(), 1, folder)) as connection,
        ):
            return _answer(connection, table, sql)

    return guarded(run, names)


def _answer(connection: Any, table: pa.Table, sql: str) -> pa.Table:
    connection.register(TABLE, table)
    try:
        return connection.sql(sql).to_arrow_table()
    finally:
        connection.unregister(TABLE)  # else it would hold the table


class Idle(Generic[T]):
    """Connections that nobody uses, of this process and its settings: to make one takes 12 ms."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """Begin anew, also in a fork, which may have copied a lock that another thread held."""
        self._lock = threading.Lock()
        self._kind: tuple[object, ...] = ()
        self._kept: list[T] = []

    def take(self, *kind: object) -> T | None:
        """Return one that was kept under the same settings, if there is any."""
        with self._lock:
            if self._kind != kind:
                self._kind, self._kept = kind, []
            return self._kept.pop() if self._kept else None

    def keep(self, connection: T, *kind: object) -> bool:
        """Keep one for the next, of whichever thread; False: the settings have changed since."""
        with self._lock:
            if self._kind != kind:
                return False
            self._kept.append(connection)
            return True


_IDLE: Idle[Any] = Idle()


@contextmanager
def _lent() -> Iterator[Any]:
    """Lend a connection to one caller at a time."""
    most = _most_bytes()
    connection = _IDLE.take(most) or connect(most, 1, None)
    try:
        yield connection
    finally:
        _IDLE.keep(connection, most)


def _most_bytes() -> int:
    """Return the bytes that one thread's DuckDB may hold."""
    return max(settings().memory // settings().workers, _LEAST_BYTES)


def guarded(run: Callable[[], T], names: Iterable[ColumnPath] = (), memory: int | None = None) -> T:
    """Run, and say what went wrong in words.

    Parameters
    ----------
    run : callable
    names : iterable of path
        The columns that are calculated with.
    memory : int, optional
        The bytes that a whole statement may hold; else it is a worker's share.

    Raises
    ------
    QueryError
        If a value cannot be calculated.
    ExecutionError
        If there is too little memory.
    StorageError
        If what is more cannot be written.
    Cancelled
        If another thread has interrupted it.
    """
    try:
        return run()
    except Exception as error:
        told = _told(error, tuple(names), memory)
        if told is None:
            raise
        raise told from error


def _told(
    error: Exception, names: tuple[ColumnPath, ...], memory: int | None
) -> BaseException | None:
    """Return what is raised in place of an error of DuckDB's or Arrow's."""
    if isinstance(error, pa.ArrowInvalid):
        return _value_error(str(error), names)
    if type(error) is RuntimeError and str(error) == "Query interrupted":
        return KeyboardInterrupt()  # which DuckDB has noticed itself
    kind, message = _kind(error), str(error)
    if kind == "INTERRUPT":
        return Cancelled("the query was ended before it was done")
    if _MANY_ROWS in message:
        return QueryError(
            "a query that stands for one value gives several rows: add a condition, or an "
            "aggregate such as MAX"
        )
    if kind in _OF_VALUES:
        return _value_error(message, names)
    if kind == "IO" or _NO_SPACE in message:
        return StorageError(
            f"scratch files cannot be written: {message.splitlines()[0]}; SKYSERIES_TMPDIR names "
            "another place for them"
        )
    return _memory_error(memory) if kind == _OF_MEMORY else None


def _kind(error: Exception) -> str:
    """Return what kind of DuckDB's error it is, as its text begins; else nothing."""
    ours = type(error).__module__.split(".")[0] in ("duckdb", "_duckdb")
    found = ours or type(error) is OSError  # which Arrow makes of it in a stream
    return str(error).partition(" Error: ")[0] if found else ""


def _memory_error(memory: int | None) -> ExecutionError:
    if memory is not None:
        return ExecutionError(
            f"more than the {memory:,} bytes that a statement may hold are needed at once: raise "
            "SKYSERIES_MEMORY"
        )
    return ExecutionError(
        f"more than the {_most_bytes():,} bytes that each worker may hold are needed at once: "
        "raise SKYSERIES_MEMORY, or take fewer workers (SKYSERIES_WORKERS)"
    )


def _value_error(message: str, names: tuple[ColumnPath, ...]) -> QueryError:
    first = _FROM_COLUMN.sub("", message.split("\n")[0])
    of = f" of {', '.join(map(written, names))}" if names else ""
    advice = ""
    if "verflow" in first or "out of range" in first.lower():
        advice = "; whole numbers are calculated in 64 bits: write 1.0 * x for more"
    return QueryError(f"a value{of} cannot be calculated: {first}{advice}")
