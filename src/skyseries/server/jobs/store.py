"""Where jobs are kept: a folder with an SQLite file, results and uploads, for one server."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path

from skyseries.errors import StorageError
from skyseries.server.jobs.database import UPGRADES, Database, Upgrade, damaged
from skyseries.server.jobs.files import JobFiles
from skyseries.server.jobs.job import TRANSITIONS, Job, Phase, UnknownJob, check_id, to_text
from skyseries.server.jobs.lock import FolderLock
from skyseries.server.jobs.records import job_of, record_of
from skyseries.store.files import storage_error
from skyseries.store.local import Disk

__all__ = ["JobStore"]

_DATABASE = "jobs.sqlite"
_OURS = {"lock", "results", "uploads", *(_DATABASE + end for end in ("", "-wal", "-shm"))}
_WRITE = (
    "UPDATE jobs SET phase = :phase, destruction = :destruction, record = :record,"
    " place = CASE WHEN :phase = 'QUEUED' AND place IS NULL"
    " THEN (SELECT coalesce(max(place), 0) + 1 FROM jobs) ELSE place END WHERE id = :id"
)
_ADD = (
    "INSERT INTO jobs (id, phase, created, destruction, record)"
    " VALUES (:id, 'PENDING', :created, :destruction, :record)"
)


class JobStore:
    """Jobs, each change of which is all done, or not at all, and only from the phase it is for.

    All of it may be called in any thread, and takes milliseconds.

    Parameters
    ----------
    folder : str or path
        It is made, private, if it is not there.
    upgrades : sequence of functions of a connection
        See `skyseries.server.jobs.database`.
    disk : Disk, optional
        The calls that sync; tests put a twin in its place.

    Raises
    ------
    StorageError
        If another server has the folder, or something else is in it; if the file of the jobs is
        damaged, or was written by a newer version.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        upgrades: Sequence[Upgrade] = UPGRADES,
        disk: Disk | None = None,
    ) -> None:
        self.folder = Path(folder).absolute()
        try:
            _make_private(self.folder)
            self._lock = FolderLock(self.folder / "lock")
            try:
                self.files = JobFiles(self.folder, disk)
                self.files.make()
                self._database = Database(self.folder / _DATABASE, upgrades)
            except BaseException:
                self._lock.release()
                raise
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, "use", self.folder) from error

    def close(self) -> None:
        """Let the folder go."""
        self._database.close()
        self._lock.release()

    def add(self, job: Job, most: int) -> bool:
        """Add a job, if there are fewer than `most`; return whether it was added."""
        with self._database.transaction() as connection:
            if connection.execute("SELECT count(*) FROM jobs").fetchone()[0] >= most:
                return False
            connection.execute(_ADD, _values(job))
            connection.execute(_WRITE, _values(job))
        return True

    def get(self, id: str) -> Job:
        """Return a job.

        Raises
        ------
        UnknownJob
            If there is none of this id.
        """
        with self._database.transaction() as connection:
            return self._get(connection, id)

    def change(self, id: str, phases: Collection[Phase], edit: Callable[[Job], Job]) -> Job | None:
        """Change a job if it is in one of these phases.

        Parameters
        ----------
        id : str
        phases : collection of Phase
        edit : function of a job
            Returns what becomes of it; `functools.partial(dataclasses.replace, ...)` does.

        Returns
        -------
        Job or None
            What it has become; None if it is in another phase.

        Raises
        ------
        UnknownJob
            If there is none of this id.
        """
        with self._database.transaction() as connection:
            job = self._get(connection, id)
            if job.phase not in phases:
                return None
            edited = edit(job)
            if edited.phase not in {job.phase, *TRANSITIONS[job.phase]}:
                raise ValueError(f"no job goes from {job.phase} to {edited.phase}")
            connection.execute(_WRITE, _values(edited))
        return edited

    def delete(self, id: str) -> Job:
        """Forget a job, and return what was known of it; its files stay.

        Raises
        ------
        UnknownJob
            If there is none of this id.
        """
        with self._database.transaction() as connection:
            job = self._get(connection, id)
            connection.execute("DELETE FROM jobs WHERE id = ?", (id,))
        return job

    def list(
        self,
        phases: Collection[Phase] = (),
        after: datetime | None = None,
        last: int | None = None,
    ) -> list[Job]:
        """Return jobs, the newest first.

        Parameters
        ----------
        phases : collection of Phase
            Only jobs in one of these; all, if there is none.
        after : datetime, optional
            Only jobs that were created later.
        last : int, optional
            So many of these at most.
        """
        query = "SELECT id, record FROM jobs"
        conditions, values = _conditions(phases, after)
        if conditions:
            query += " WHERE " + " AND ".join(conditions)
        query += " ORDER BY created DESC, number DESC LIMIT ?"
        with self._database.transaction() as connection:
            rows = connection.execute(query, [*values, -1 if last is None else last]).fetchall()
        return [self._job(*row) for row in rows]

    def queued(self) -> Sequence[Job]:
        """Return the jobs that wait, the first of the queue first."""
        query = "SELECT id, record FROM jobs WHERE phase = 'QUEUED' ORDER BY place"
        with self._database.transaction() as connection:
            rows = connection.execute(query).fetchall()
        return [self._job(*row) for row in rows]

    def expired(self, moment: datetime) -> Sequence[str]:
        """Return the ids of jobs that are past their destruction time."""
        query = "SELECT id FROM jobs WHERE destruction <= ? ORDER BY destruction"
        with self._database.transaction() as connection:
            return [id for (id,) in connection.execute(query, (to_text(moment),))]

    def tidy(self, id: str) -> None:
        """Remove the files that a job needs no more, or needs not yet; all, if there is no job."""
        try:
            job = self.get(id)
        except UnknownJob:
            job = None
        if job is None or job.phase is not Phase.COMPLETED:
            self.files.remove_result(id)
        if job is None or not job.is_active:
            self.files.remove_uploads(id)

    def _get(self, connection: sqlite3.Connection, id: str) -> Job:
        check_id(id)
        row = connection.execute("SELECT id, record FROM jobs WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise UnknownJob(id)
        return self._job(*row)

    def _job(self, id: str, record: str) -> Job:
        try:
            job = job_of(record)
            if job.id != check_id(id):
                raise ValueError(f"of job {id}")
            return job
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise damaged(self._database.path, f"a record of a job: {error!r}") from error


def _values(job: Job) -> dict[str, str]:
    return {
        "id": job.id,
        "phase": str(job.phase),
        "created": to_text(job.created),
        "destruction": to_text(job.destruction),
        "record": record_of(job),
    }


def _conditions(
    phases: Collection[Phase], after: datetime | None
) -> tuple[Sequence[str], Sequence[str]]:
    conditions, values = [], []
    if phases:
        conditions.append(f"phase IN ({', '.join('?' * len(phases))})")
        values += [str(phase) for phase in phases]
    if after is not None:
        conditions.append("created > ?")
        values.append(to_text(after))
    return conditions, values


def _make_private(folder: Path) -> None:
    """Make a folder that only this user can read; one that holds other things stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = sorted({path.name for path in folder.iterdir()} - _OURS)
    if others:
        raise StorageError(
            f"{folder} holds other files than jobs ({', '.join(others[:3])}): give a folder that "
            "is empty, or not there yet"
        )
    folder.chmod(0o700)
