"""An attempt that is ended at an unfortunate moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from skyseries.server.jobs.attempt import Attempt, Desk
from skyseries.server.jobs.changes import Changes
from skyseries.server.jobs.job import Job, Phase, new_id
from skyseries.server.jobs.store import JobStore
from skyseries.server.work import Work
from tests.server.jobs.fakes import (
    QUERY,
    Clock,
    FakePool,
    FakeRunning,
    asynchronous,
    files_in,
    make_work,
)


class Telling(FakePool):
    """It calls something as soon as a worker has the statement, before anybody is told."""

    call: Callable[[], object]

    async def run(self, work: Work, *, waits: bool) -> FakeRunning:
        running = await super().run(work, waits=waits)
        asyncio.get_running_loop().call_soon(self.call)
        return running


@pytest.mark.parametrize("how", ["end", "put_back"])
@pytest.mark.parametrize("when", ["before it begins", "just when a worker has it"])
@asynchronous
async def test_no_end_is_missed(tmp_path: Path, how: str, when: str) -> None:
    clock, store, pool = Clock(), JobStore(tmp_path), Telling()
    job = Job(new_id(), clock(), clock(), 60, Phase.QUEUED, parameters=QUERY)
    store.add(job, 1)
    desk = Desk(store, pool, make_work, Changes(), clock, asyncio.Semaphore(1), 1e6)
    attempt = Attempt(job, desk)
    pool.call = getattr(attempt, how)
    if when == "before it begins":
        pool.call()
    await attempt.run()
    assert all(statement.aborted.is_set() for statement in pool.running.values())
    assert len(pool.running) == (when != "before it begins")
    ended = store.get(job.id)
    assert ended.phase is (Phase.QUEUED if how == "put_back" else Phase.ABORTED)
    assert ended.attempts == (how == "end" and bool(pool.running))
    assert files_in(tmp_path) == []
    store.close()
