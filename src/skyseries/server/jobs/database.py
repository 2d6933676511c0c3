"""The SQLite file of the jobs: how it is opened, upgraded, written, and what its errors mean."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from skyseries.errors import StorageError

__all__ = ["UPGRADES", "Database", "Upgrade", "damaged"]

Upgrade = Callable[[sqlite3.Connection], object]


def _first(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE jobs ("
        " number INTEGER PRIMARY KEY AUTOINCREMENT,"  # in order of creation
        " id TEXT NOT NULL UNIQUE,"
        " phase TEXT NOT NULL,"
        " created TEXT NOT NULL,"
        " destruction TEXT NOT NULL,"
        " place INTEGER,"  # in the queue; None before
        " record TEXT NOT NULL)"  # all of the job, as JSON
    )
    connection.execute("CREATE INDEX by_phase ON jobs (phase, place)")
    connection.execute("CREATE INDEX by_creation ON jobs (created)")
    connection.execute("CREATE INDEX by_destruction ON jobs (destruction)")


UPGRADES: tuple[Upgrade, ...] = (_first,)
"""What makes each version of the schema of the one before; the first makes it of nothing."""

_NO_TEXT = "Could not decode"


class Database:
    """One connection for all threads, and one transaction at a time.

    Parameters
    ----------
    path : Path
    upgrades : sequence of functions of a connection
        The schema; its version is their number.

    Raises
    ------
    StorageError
        If the file is damaged, or of a newer version.
    """

    def __init__(self, path: Path, upgrades: Sequence[Upgrade] = UPGRADES) -> None:
        self.path = path
        self._turn = threading.Lock()
        with _told(path):
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            with _told(path):
                self._set_up()
            self._upgrade(upgrades)
        except BaseException:
            self._connection.close()
            raise

    def _set_up(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        found = self._connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise damaged(self.path, found.splitlines()[-1])

    def _upgrade(self, upgrades: Sequence[Upgrade]) -> None:
        with self.transaction() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > len(upgrades):
                raise StorageError(
                    f"{self.path} was written by a newer Skyseries (its version is {version}, this "
                    f"one knows up to {len(upgrades)}): update Skyseries, or choose another folder"
                )
            for upgrade in upgrades[version:]:
                upgrade(connection)
            connection.execute(f"PRAGMA user_version = {len(upgrades)}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all that is in the block, or nothing, while nobody else does anything."""
        with self._turn, _told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """End it; what was written is in the one file then."""
        with self._turn:
            self._connection.close()


def damaged(path: Path, why: object) -> StorageError:
    """Return what to raise of a file that cannot be understood."""
    return StorageError(
        f"{path} is damaged ({why}): move it away, with {path.name}-wal and {path.name}-shm if "
        "they are there. The service then begins without jobs, and removes the results it has"
    )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if str(error).startswith(_NO_TEXT):  # and what it is instead, which may be private
            raise damaged(path, _NO_TEXT) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise damaged(path, error) from error
        if code == sqlite3.SQLITE_FULL:
            raise StorageError(f"no space left while writing {path}; free some") from error
        raise StorageError(f"{path} cannot be used: {error}") from error
    except UnicodeDecodeError as error:  # in a message of SQLite itself
        raise damaged(path, _NO_TEXT) from error
