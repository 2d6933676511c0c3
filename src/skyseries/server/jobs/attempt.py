"""One job's way from the queue through a worker to its end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import skyseries
from skyseries.errors import StorageError
from skyseries.server.jobs.changes import Changes
from skyseries.server.jobs.job import Info, Job, JobError, JobResult, Phase, UnknownJob
from skyseries.server.jobs.store import JobStore
from skyseries.server.work import Failed, Outcome, Pool, Progress, Running, Work

__all__ = ["Attempt", "Desk", "Edit", "MakeWork"]

MakeWork = Callable[[Job], Awaitable[Work]]
"""Reads the parameters of a job; raises `Failed` where they are wrong.

What it returns of id, result and seconds does not count: a job says that itself.
"""

Edit = Callable[[Job], Job]

_LOG = logging.getLogger(__name__)
_ENDED = logging.getLogger("skyseries.jobs")
"""One line of JSON for each job that has ended."""
_RUNS = frozenset({Phase.QUEUED, Phase.EXECUTING})
_ABORTS = {"aborted", "limit"}
"""Kinds of failures that UWS calls ABORTED: somebody ended it, or it took too much."""
_INTERNAL = "an internal error of the service; it is in its log, under the id of the job"


@dataclass(frozen=True)
class Desk:
    """What all attempts share."""

    store: JobStore
    pool: Pool
    make_work: MakeWork
    changes: Changes
    clock: Callable[[], datetime]
    room: asyncio.Semaphore
    """How many jobs may wait for a worker at once; the others wait here."""
    retry_seconds: float
    """So long after a write that failed it is tried again."""


@dataclass(eq=False)
class Attempt:
    """A queued job that is on its way."""

    job: Job
    desk: Desk
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _goes_back: bool = False
    _asking: asyncio.Task[tuple[Work, Running]] | None = None
    _running: Running | None = None
    _info: Info = field(default_factory=Info)
    _times: Mapping[str, float] = field(default_factory=dict)

    @property
    def progress(self) -> Progress:
        """How far the statement is."""
        return Progress() if self._running is None else self._running.progress

    def end(self) -> None:
        """End it: the job is over, or is no more."""
        self._over.set()
        if self._running is not None:
            self._running.abort()
        elif self._asking is not None:
            self._asking.cancel()

    def put_back(self) -> None:
        """End it, for the next start of the server to begin anew; it does not count."""
        self._goes_back = True
        self.end()

    async def run(self) -> None:
        """Bring the job to its end; nothing is raised."""
        try:
            await self._settle(await self._ending())
        except UnknownJob:
            pass  # it was deleted meanwhile
        except Exception:
            _LOG.exception("job %s stays as it is until the next start", self.job.id)
        finally:
            await self._tidy()

    async def _settle(self, ending: Edit) -> None:
        """Write how it ended; on a full disk, when there is space again, or the server ends."""
        while True:
            is_last = self._over.is_set()
            try:
                job = await self._change(_RUNS, ending)
            except StorageError:
                if is_last:
                    raise
                _LOG.exception("the end of job %s cannot be written yet", self.job.id)
            else:
                if job is not None:
                    _ENDED.info(json.dumps(_line(job, self._times)))
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self.desk.retry_seconds)

    async def _ending(self) -> Edit:
        try:
            return await self._work()
        except Failed as failure:
            return self._back if self._goes_back else self._failed(failure)
        except UnknownJob:
            raise
        except Exception:
            _LOG.exception("job %s failed", self.job.id)
            return self._failed(Failed(_INTERNAL, "internal"))

    async def _work(self) -> Edit:
        work, running = await self._started()
        digest = hashlib.sha256(work.query.encode(errors="surrogatepass")).hexdigest()
        self._info = Info(statement=digest, code=skyseries.__version__)
        try:
            if await self._change({Phase.QUEUED}, self._begun()) is None:
                running.abort()
        except Exception:
            running.abort()
            with suppress(Failed):
                await running.outcome()  # until then it may write
            raise
        outcome = await running.outcome()
        self._times = outcome.times
        await asyncio.to_thread(self.desk.store.files.keep_result, self.job.id, outcome.bytes)
        return self._completed(outcome)

    async def _started(self) -> tuple[Work, Running]:
        """Wait for a worker; what ends meanwhile is a failure."""
        self._asking = asyncio.ensure_future(self._ask())
        if self._over.is_set():
            self._asking.cancel()
        await asyncio.wait({self._asking})
        if self._asking.cancelled():
            raise Failed("the job was aborted", "aborted")
        work, self._running = self._asking.result()
        if self._over.is_set():
            self._running.abort()
        return work, self._running

    async def _ask(self) -> tuple[Work, Running]:
        async with self.desk.room:
            made = await self.desk.make_work(self.job)
            work = replace(
                made,
                id=self.job.id,
                result=str(self.desk.store.files.result(self.job.id)),
                seconds=float(self.job.execution_duration),
            )
            return work, await self.desk.pool.run(work, waits=True)

    async def _change(
        self, phases: frozenset[Phase] | set[Phase], edit: Callable[[Job], Job]
    ) -> Job | None:
        changed = await asyncio.to_thread(self.desk.store.change, self.job.id, phases, edit)
        self.desk.changes.tell(self.job.id)
        return changed

    async def _tidy(self) -> None:
        try:
            await asyncio.to_thread(self.desk.store.tidy, self.job.id)
        except Exception:
            _LOG.exception("files of job %s stay until the next start", self.job.id)

    def _begun(self) -> Edit:
        started = self.desk.clock()
        return lambda job: replace(
            job,
            phase=Phase.EXECUTING,
            started=started,
            attempts=job.attempts + 1,
            info=self._info,
        )

    def _back(self, job: Job) -> Job:
        if job.phase is Phase.QUEUED:
            return job
        return replace(job, phase=Phase.QUEUED, started=None, attempts=job.attempts - 1)

    def _failed(self, failure: Failed) -> Edit:
        return partial(
            replace,
            phase=Phase.ABORTED if failure.kind in _ABORTS else Phase.ERROR,
            ended=self.desk.clock(),
            error=JobError(failure.message, failure.kind),
            info=replace(self._info, progress=self.progress),
        )

    def _completed(self, outcome: Outcome) -> Edit:
        whole = self.progress.total
        progress = Progress(outcome.rows, outcome.bytes, outcome.read, whole, whole)
        return partial(
            replace,
            phase=Phase.COMPLETED,
            ended=self.desk.clock(),
            result=JobResult(
                outcome.media_type, outcome.bytes, outcome.sha256, outcome.rows, outcome.overflow
            ),
            info=replace(self._info, progress=progress, versions=outcome.versions),
        )


def _line(job: Job, times: Mapping[str, float]) -> dict[str, Any]:
    """Return what is logged of a job; not its parameters, which may be private."""
    progress = job.info.progress
    seconds = (job.ended - job.started).total_seconds() if job.ended and job.started else None
    return {
        "job": job.id,
        "phase": str(job.phase),
        "statement": job.info.statement,
        "rows": progress.rows,
        "bytes": progress.bytes,
        "read": progress.read,
        "seconds": seconds,
        "times": {name: round(one, 4) for name, one in times.items()},
        **({"failed": job.error.message} if job.error else {}),
    }
