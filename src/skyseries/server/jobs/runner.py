"""Jobs: what clients do with them, and how they come to the workers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from skyseries.server.jobs.attempt import Attempt, Desk, Edit, MakeWork
from skyseries.server.jobs.changes import Changes
from skyseries.server.jobs.job import (
    ACTIVE,
    Job,
    JobError,
    Parameters,
    Phase,
    UnknownJob,
    WrongPhase,
    new_id,
    now,
)
from skyseries.server.jobs.recovery import recover
from skyseries.server.jobs.store import JobStore
from skyseries.server.limits import Limits
from skyseries.server.work import Busy, Pool

__all__ = ["Jobs"]

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_AGAIN = 60.0
"""Seconds after which there may be room for one more job."""
_ADDS_UP = frozenset({"UPLOAD"})
"""Parameters of which a later request adds one; it replaces others (TAP 1.1)."""


class Jobs:
    """The jobs of a service, for one event loop.

    Parameters
    ----------
    store : JobStore
        Whoever opened it closes it, after `stop`.
    pool : Pool
        It must be there until `stop` has returned.
    limits : Limits
    make_work : coroutine function of a `Job`
        Makes a statement of the parameters, when the job's turn has come.
    clock : function, optional
        Returns the time.
    wait_seconds : float
        `wait` takes no longer: connections do not last for ever.
    sweep_seconds : float
        So often jobs are destroyed that are past their time, and what could not be written is
        tried again.
    """

    def __init__(
        self,
        store: JobStore,
        pool: Pool,
        limits: Limits,
        make_work: MakeWork,
        *,
        clock: Callable[[], datetime] = now,
        wait_seconds: float = 60.0,
        sweep_seconds: float = 10.0,
    ) -> None:
        self.store = store
        self.limits = limits
        self.wait_seconds = wait_seconds
        self._clock = clock
        self._sweep_seconds = sweep_seconds
        self._changes = Changes()
        room = asyncio.Semaphore(limits.queue)
        self._desk = Desk(store, pool, make_work, self._changes, clock, room, sweep_seconds)
        self._attempts: dict[str, Attempt] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._is_stopped = False

    async def start(self) -> None:
        """Set right what the last server left, and go on with its jobs."""
        await asyncio.to_thread(recover, self.store, self._clock())
        for job in await asyncio.to_thread(self.store.queued):
            self._enqueue(job)
        self._sweeper = self._started(self._sweep_always())

    async def stop(self) -> None:
        """End all that runs; the next server begins with it again."""
        self._is_stopped = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._changes.tell_all()
        for attempt in self._attempts.values():
            attempt.put_back()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def create(
        self, parameters: Parameters, run_id: str = "", *, run: bool = False, id: str | None = None
    ) -> Job:
        """Add a job.

        Parameters
        ----------
        parameters : tuple of (name, value)
        run_id : str
            The client's own name of it.
        run : bool
            Whether it is queued at once; else it is PENDING.
        id : str, optional
            That of `new_id`, where uploads are in ``store.files.uploads(id)`` already. They are
            removed if the job is refused.

        Raises
        ------
        Busy
            If there are as many jobs as may be.
        """
        created = self._clock()
        job = Job(
            id or new_id(),
            created,
            self._latest_destruction(created),
            int(self.limits.async_seconds),
            Phase.QUEUED if run else Phase.PENDING,
            run_id,
            parameters,
        )
        return await self._whole(self._create(job))

    async def get(self, id: str) -> Job:
        """Return a job as it is now, with the progress of its statement.

        Raises
        ------
        UnknownJob
        """
        return self._seen(await asyncio.to_thread(self.store.get, id))

    async def list(
        self,
        phases: Collection[Phase] = (),
        after: datetime | None = None,
        last: int | None = None,
    ) -> list[Job]:
        """Return jobs, the newest first; see `JobStore.list`."""
        return [
            self._seen(j) for j in await asyncio.to_thread(self.store.list, phases, after, last)
        ]

    async def update(self, id: str, parameters: Parameters) -> Job:
        """Give a PENDING job more parameters, or others for those of the same names.

        Raises
        ------
        UnknownJob, WrongPhase
        """
        return await self._edit(
            id, lambda job: replace(job, parameters=_updated(job.parameters, parameters))
        )

    async def set_run_id(self, id: str, run_id: str) -> Job:
        """Give a PENDING job another name of the client's; raises as `update`."""
        return await self._edit(id, partial(replace, run_id=run_id))

    async def set_duration(self, id: str, seconds: int) -> Job:
        """Say how long a PENDING job may run, as far as limits allow; raises as `update`.

        0 is as long as they allow.
        """
        most = int(self.limits.async_seconds)
        duration = min(seconds, most) if seconds > 0 else most
        return await self._edit(id, partial(replace, execution_duration=duration))

    async def set_destruction(self, id: str, moment: datetime) -> Job:
        """Say when a job is to be destroyed, as far as limits allow.

        Raises
        ------
        UnknownJob
        """
        moment = min(moment, self._latest_destruction(self._clock()))
        return await self._edit(id, partial(replace, destruction=moment), frozenset(Phase))

    async def run(self, id: str) -> Job:
        """Queue a PENDING job.

        Raises
        ------
        UnknownJob, WrongPhase
        """
        return await self._whole(self._run(id))

    async def abort(self, id: str) -> Job:
        """End a job; one that is over stays as it is.

        Raises
        ------
        UnknownJob
        """
        return await self._whole(self._abort(id))

    async def delete(self, id: str) -> None:
        """End a job, and forget it and its files.

        Raises
        ------
        UnknownJob
        """
        await self._whole(self._delete(id))

    async def wait(self, id: str, seconds: float, phase: Phase | None = None) -> Job:
        """Return a job as soon as its phase changes, or the time is over.

        Parameters
        ----------
        id : str
        seconds : float
            Below 0: as long as the service allows.
        phase : Phase, optional
            That which the client knows: if the job is in another one, it is returned at once.

        Raises
        ------
        UnknownJob
            If there is none, or it was destroyed meanwhile.
        """
        bound = min(seconds, self.wait_seconds) if seconds >= 0 else self.wait_seconds
        with self._changes.of(id) as changed:
            job = await self.get(id)
            if self._is_stopped or not job.is_active or phase not in (None, job.phase):
                return job
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), bound)
        return await self.get(id)

    async def sweep(self) -> None:
        """Destroy jobs that are past their time."""
        for id in await asyncio.to_thread(self.store.expired, self._clock()):
            with suppress(UnknownJob):  # a client was faster
                await self.delete(id)

    async def _create(self, job: Job) -> Job:
        try:
            is_added = await asyncio.to_thread(self.store.add, job, self.limits.jobs)
        except BaseException:
            await asyncio.to_thread(self.store.tidy, job.id)
            raise
        if not is_added:
            await asyncio.to_thread(self.store.tidy, job.id)
            raise Busy(_AGAIN)
        if job.phase is Phase.QUEUED:
            self._enqueue(job)
        return job

    async def _run(self, id: str) -> Job:
        edit = partial(replace, phase=Phase.QUEUED)
        job = await self._changed(id, {Phase.PENDING}, edit, "only a PENDING job can be run")
        self._changes.tell(id)
        self._enqueue(job)
        return job

    async def _abort(self, id: str) -> Job:
        error = JobError("the job was aborted, as its client asked", "aborted")
        edit = partial(replace, phase=Phase.ABORTED, ended=self._clock(), error=error)
        job = await asyncio.to_thread(self.store.change, id, ACTIVE, edit)
        if job is None:
            return await self.get(id)
        await self._let_go(id)
        return job

    async def _delete(self, id: str) -> None:
        await asyncio.to_thread(self.store.delete, id)
        await self._let_go(id)

    async def _let_go(self, id: str) -> None:
        """End what runs of a job that is over; its attempt removes what it writes until then."""
        if id in self._attempts:
            self._attempts[id].end()
        self._changes.tell(id)
        await asyncio.to_thread(self.store.tidy, id)

    async def _edit(
        self,
        id: str,
        edit: Edit,
        phases: Collection[Phase] = frozenset({Phase.PENDING}),
    ) -> Job:
        return self._seen(
            await self._changed(id, phases, edit, "only a PENDING job can be changed so")
        )

    async def _changed(self, id: str, phases: Collection[Phase], edit: Edit, otherwise: str) -> Job:
        job = await asyncio.to_thread(self.store.change, id, phases, edit)
        if job is None:
            raise WrongPhase(await self.get(id), otherwise)
        return job

    def _enqueue(self, job: Job) -> None:
        if self._is_stopped:
            return
        self._attempts[job.id] = attempt = Attempt(job, self._desk)
        task = self._started(attempt.run())
        task.add_done_callback(lambda _: self._attempts.pop(job.id))

    async def _whole(self, steps: Coroutine[Any, Any, _T]) -> _T:
        """Do all steps of a change, even if the client that asks for it goes away meanwhile."""
        return await asyncio.shield(self._started(steps))

    def _started(self, steps: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.create_task(steps)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _seen(self, job: Job) -> Job:
        """Return a job with what only its attempt knows."""
        attempt = self._attempts.get(job.id)
        if attempt is None or job.phase is not Phase.EXECUTING or job.started is None:
            return job
        progress = attempt.progress
        quote = None
        if progress.done and progress.total:
            took = self._clock() - job.started
            quote = job.started + took * (progress.total / progress.done)
        return replace(job, quote=quote, info=replace(job.info, progress=progress))

    def _latest_destruction(self, moment: datetime) -> datetime:
        return moment + timedelta(seconds=self.limits.destruction_seconds)

    async def _sweep_always(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:
                _LOG.exception("jobs past their time stay until the next try")
            await asyncio.sleep(self._sweep_seconds)


def _updated(old: Parameters, new: Parameters) -> Parameters:
    replaced = {name.upper() for name, _ in new} - _ADDS_UP
    return (*(pair for pair in old if pair[0].upper() not in replaced), *new)
