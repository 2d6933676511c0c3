"""A pool without processes: each statement does what the test says, when it says so."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from skyseries.server.jobs.job import Job, Phase
from skyseries.server.jobs.runner import Jobs
from skyseries.server.jobs.store import JobStore
from skyseries.server.limits import Limits
from skyseries.server.work import Began, Failed, Outcome, Progress, Work

CONTENT = b"<VOTABLE/>"
LIMITS = Limits(workers=2, jobs=50, queue=4, async_seconds=600, destruction_seconds=3600)
_PATIENCE = 60
"""Seconds, of a test that hangs."""


def asynchronous(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), _PATIENCE))

    return run


class Clock:
    """It stands still until it is told to go."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 19, 17, 1, 44, 38000, UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class FakeRunning:
    """A statement that runs until `succeed`, `fail`, or `abort`."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.progress = Progress()
        self.aborted = asyncio.Event()
        self.ends_on_abort = True
        self._end: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def began(self) -> Began:
        return Began("application/x-votable+xml", ".vot")

    async def pieces(self) -> AsyncIterator[bytes]:
        return
        yield b""

    async def outcome(self) -> Outcome:
        return await asyncio.shield(self._end)

    def abort(self, message: str = "the statement was aborted") -> None:
        self.aborted.set()
        if self.ends_on_abort and not self._end.done():
            self._end.set_exception(Failed(message, "aborted"))

    def write(self) -> None:
        """Write the result as a worker does, beside its name first."""
        part = self.beside()
        part.write_bytes(CONTENT)
        part.rename(self.path)

    @property
    def path(self) -> Path:
        assert self.work.result is not None
        return Path(self.work.result)

    def beside(self) -> Path:
        return self.path.parent / f".{self.path.name}.0badf00d.part"

    def succeed(self) -> None:
        """Write the result, and say so."""
        self.write()
        self.say()

    def say(self, nbytes: int = len(CONTENT)) -> None:
        digest = hashlib.sha256(CONTENT).hexdigest()
        media_type = "application/x-votable+xml"
        self._end.set_result(Outcome(3, nbytes, True, digest, media_type, (("dp1", "v2"),), read=9))

    def fail(self, message: str, kind: str) -> None:
        self._end.set_exception(Failed(message, kind))


class FakePool:
    """It has `free` workers, and takes statements in the order in which they came."""

    def __init__(self, free: int = 1000) -> None:
        self.free = asyncio.Semaphore(free)
        self.asked: list[Work] = []
        self.running: dict[str, FakeRunning] = {}
        self.news = asyncio.Event()

    async def run(self, work: Work, *, waits: bool) -> FakeRunning:
        assert waits
        self.asked.append(work)
        self._tell()
        await self.free.acquire()
        self.running[work.id] = running = FakeRunning(work)
        self._tell()
        return running

    def state(self) -> dict[str, Any]:
        return {"asked": len(self.asked), "running": len(self.running)}

    async def has_asked(self, count: int) -> list[Work]:
        """Wait until it was given so many statements."""
        while len(self.asked) < count:
            await self._next()
        return self.asked

    async def statement(self, id: str) -> FakeRunning:
        """Wait until a worker has the statement of a job."""
        while id not in self.running:
            await self._next()
        return self.running[id]

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    async def _next(self) -> None:
        await self.news.wait()


async def make_work(job: Job) -> Work:
    """Read a job's parameters as a service does."""
    given = {name.upper(): value for name, value in job.parameters}
    if "QUERY" not in given:
        raise Failed("QUERY is missing")
    return Work(id="other", query=given["QUERY"], result="elsewhere", seconds=1)


QUERY = (("LANG", "ADQL"), ("QUERY", "SELECT 1"))


@asynccontextmanager
async def serving(
    folder: Path, pool: FakePool | None = None, **more: Any
) -> AsyncIterator[tuple[Jobs, FakePool]]:
    """Run a server over a folder, and stop it."""
    pool = pool or FakePool()
    store = JobStore(folder)
    jobs = Jobs(store, pool, **{"limits": LIMITS, "make_work": make_work} | more)
    try:
        await jobs.start()
        yield jobs, pool
    finally:
        await jobs.stop()
        store.close()


async def until(jobs: Jobs, id: str, phase: Phase) -> Job:
    """Wait until a job is in a phase."""
    job = await jobs.get(id)
    while job.phase is not phase:
        assert job.is_active, job
        job = await jobs.wait(id, -1, job.phase)
    return job


def files_in(folder: Path) -> list[str]:
    """Return all results and uploads in a folder of jobs."""
    return sorted(
        str(path.relative_to(folder))
        for name in ("results", "uploads")
        for path in (folder / name).iterdir()
    )
