"""Waiting for jobs, and how they are ended."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from skyseries.errors import StorageError
from skyseries.server.jobs.job import Phase, UnknownJob
from skyseries.server.jobs.runner import Jobs
from skyseries.server.jobs.store import JobStore
from skyseries.server.work import Work
from tests.server.jobs.fakes import (
    QUERY,
    Clock,
    FakePool,
    asynchronous,
    files_in,
    serving,
    until,
)


async def a_job_in(phase: Phase, jobs: Jobs, pool: FakePool) -> str:
    """Bring a job into a phase."""
    if phase is Phase.QUEUED:
        pool.free = asyncio.Semaphore(0)
    job = await jobs.create(QUERY, run=phase is not Phase.PENDING)
    if phase in (Phase.PENDING, Phase.QUEUED):
        return job.id
    statement = await pool.statement(job.id)
    await until(jobs, job.id, Phase.EXECUTING)
    if phase is Phase.COMPLETED:
        statement.succeed()
    elif phase is Phase.ERROR:
        statement.fail("no", "usage")
    elif phase is Phase.ABORTED:
        await jobs.abort(job.id)
    await until(jobs, job.id, phase)
    return job.id


ACTIVE = [Phase.PENDING, Phase.QUEUED, Phase.EXECUTING]
OVER = [Phase.COMPLETED, Phase.ERROR, Phase.ABORTED]


@pytest.mark.parametrize("phase", OVER)
@asynchronous
async def test_nobody_waits_for_a_job_that_is_over(tmp_path: Path, phase: Phase) -> None:
    async with serving(tmp_path, wait_seconds=1e6) as (jobs, pool):
        id = await a_job_in(phase, jobs, pool)
        for known in (None, phase, Phase.QUEUED):
            assert (await jobs.wait(id, -1, known)).phase is phase
            assert (await jobs.wait(id, 1e6, known)).phase is phase


@pytest.mark.parametrize("phase", ACTIVE)
@asynchronous
async def test_a_client_that_knows_another_phase_does_not_wait(
    tmp_path: Path, phase: Phase
) -> None:
    async with serving(tmp_path, wait_seconds=1e6) as (jobs, pool):
        id = await a_job_in(phase, jobs, pool)
        for known in set(Phase) - {phase}:
            assert (await jobs.wait(id, -1, known)).phase is phase


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("phase", ACTIVE)
@asynchronous
async def test_a_wait_ends_when_the_phase_changes(
    tmp_path: Path, phase: Phase, known: bool
) -> None:
    async with serving(tmp_path, wait_seconds=1e6) as (jobs, pool):
        id = await a_job_in(phase, jobs, pool)
        waits = [
            asyncio.create_task(jobs.wait(id, seconds, phase if known else None))
            for seconds in (-1, 1e6)
        ]
        await asyncio.wait(waits, timeout=0)
        other = await jobs.create(QUERY)
        await jobs.abort(other.id)
        assert not any(wait.done() for wait in waits)
        if phase is Phase.PENDING:
            await jobs.run(id)
        elif phase is Phase.QUEUED:
            pool.free.release()
        else:
            pool.running[id].succeed()
        for wait in waits:
            assert (await wait).phase is not phase


@pytest.mark.parametrize("seconds", [0, 1e-3])
@asynchronous
async def test_a_wait_ends_when_its_time_is_over(tmp_path: Path, seconds: float) -> None:
    async with serving(tmp_path, wait_seconds=1e6) as (jobs, pool):
        id = await a_job_in(Phase.EXECUTING, jobs, pool)
        assert (await jobs.wait(id, seconds)).phase is Phase.EXECUTING
        jobs.wait_seconds = seconds
        for asked in (-1, 1e6):
            assert (await jobs.wait(id, asked)).phase is Phase.EXECUTING


@asynchronous
async def test_a_wait_for_a_job_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    async with serving(tmp_path, wait_seconds=1e6) as (jobs, pool):
        id = await a_job_in(Phase.EXECUTING, jobs, pool)
        wait = asyncio.create_task(jobs.wait(id, -1))
        await asyncio.wait([wait], timeout=0)
        await jobs.delete(id)
        with pytest.raises(UnknownJob):
            await wait


@asynchronous
async def test_waits_end_with_the_server(tmp_path: Path) -> None:
    async with serving(tmp_path, wait_seconds=1e6) as (jobs, pool):
        id = await a_job_in(Phase.PENDING, jobs, pool)
        wait = asyncio.create_task(jobs.wait(id, -1))
        await asyncio.wait([wait], timeout=0)
        await jobs.stop()
        assert (await wait).phase is Phase.PENDING
        assert (await jobs.wait(id, -1)).phase is Phase.PENDING


@pytest.mark.parametrize("phase", ACTIVE)
@asynchronous
async def test_abort(tmp_path: Path, phase: Phase) -> None:
    clock = Clock()
    async with serving(tmp_path, clock=clock) as (jobs, pool):
        id = await a_job_in(phase, jobs, pool)
        (jobs.store.files.uploads(id) / "table").touch()
        clock.advance(3)
        job = await jobs.abort(id)
        assert job.phase is Phase.ABORTED
        assert job.ended == clock()
        assert job.error is not None
        assert await jobs.get(id) == job
        if phase is Phase.EXECUTING:
            assert pool.running[id].aborted.is_set()
    assert files_in(tmp_path) == []
    assert phase is Phase.EXECUTING or not pool.running


@pytest.mark.parametrize("phase", OVER)
@asynchronous
async def test_a_job_that_is_over_is_not_aborted(tmp_path: Path, phase: Phase) -> None:
    async with serving(tmp_path) as (jobs, pool):
        id = await a_job_in(phase, jobs, pool)
        job = await jobs.get(id)
        assert await jobs.abort(id) == job == await jobs.get(id)
    assert files_in(tmp_path) == ([f"results/{id}"] if phase is Phase.COMPLETED else [])


@pytest.mark.parametrize("phase", [*ACTIVE, *OVER])
@asynchronous
async def test_delete(tmp_path: Path, phase: Phase) -> None:
    async with serving(tmp_path) as (jobs, pool):
        id = await a_job_in(phase, jobs, pool)
        if phase in ACTIVE:
            (jobs.store.files.uploads(id) / "table").touch()
        await jobs.delete(id)
        with pytest.raises(UnknownJob):
            await jobs.get(id)
        assert await jobs.list() == []
        if phase is Phase.EXECUTING:
            assert pool.running[id].aborted.is_set()
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("how", ["abort", "delete"])
@asynchronous
async def test_a_result_that_comes_after_the_end_is_removed(tmp_path: Path, how: str) -> None:
    async with serving(tmp_path) as (jobs, pool):
        id = await a_job_in(Phase.EXECUTING, jobs, pool)
        statement = pool.running[id]
        statement.ends_on_abort = False
        await (jobs.abort(id) if how == "abort" else jobs.delete(id))
        statement.succeed()
        await jobs.stop()
        assert [job.phase for job in await jobs.list()] == [Phase.ABORTED] * (how == "abort")
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("how", ["abort", "delete"])
@asynchronous
async def test_an_end_between_the_worker_and_the_store(tmp_path: Path, how: str) -> None:
    """The worker has the statement, but the job does not say so yet."""

    class Pool(FakePool):
        async def run(self, work: Work, *, waits: bool) -> object:
            running = await super().run(work, waits=waits)
            store = jobs.store
            if how == "delete":
                store.delete(work.id)
            else:
                store.change(work.id, {Phase.QUEUED}, partial(replace, phase=Phase.ABORTED))
            running.write()
            return running

    async with serving(tmp_path, Pool()) as (jobs, pool):
        job = await jobs.create(QUERY, run=True)
        await (await pool.statement(job.id)).aborted.wait()
        await jobs.stop()
        assert [job.phase for job in await jobs.list()] == [Phase.ABORTED] * (how == "abort")
    assert files_in(tmp_path) == []


@asynchronous
async def test_jobs_past_their_time_are_destroyed(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(tmp_path, clock=clock, sweep_seconds=1e6) as (jobs, pool):
        done = await a_job_in(Phase.COMPLETED, jobs, pool)
        runs = await a_job_in(Phase.EXECUTING, jobs, pool)
        keeps = await a_job_in(Phase.COMPLETED, jobs, pool)
        for id in (done, runs):
            await jobs.set_destruction(id, clock() + timedelta(seconds=5))
        clock.advance(4.999)
        await jobs.sweep()
        assert len(await jobs.list()) == 3
        clock.advance(0.001)
        await jobs.sweep()
        assert [job.id for job in await jobs.list()] == [keeps]
        assert pool.running[runs].aborted.is_set()
    assert files_in(tmp_path) == [f"results/{keeps}"]


@asynchronous
async def test_they_are_destroyed_without_being_asked(tmp_path: Path) -> None:
    async with serving(tmp_path, sweep_seconds=0, wait_seconds=1e6) as (jobs, _):
        job = await jobs.create(QUERY)
        wait = asyncio.create_task(jobs.wait(job.id, -1))
        await asyncio.wait([wait], timeout=0)
        await jobs.set_destruction(job.id, job.created)
        with pytest.raises(UnknownJob):
            await wait


@asynchronous
async def test_a_sweep_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path, sweep_seconds=0, wait_seconds=1e6) as (jobs, _):
        fail_once(monkeypatch, jobs.store, "expired")
        job = await jobs.create(QUERY)
        wait = asyncio.create_task(jobs.wait(job.id, -1))
        await asyncio.wait([wait], timeout=0)
        await jobs.set_destruction(job.id, job.created)
        with pytest.raises(UnknownJob):
            await wait


@asynchronous
async def test_an_end_that_cannot_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path, sweep_seconds=0) as (jobs, pool):
        id = await a_job_in(Phase.EXECUTING, jobs, pool)
        failed = fail_once(monkeypatch, jobs.store, "change")
        pool.running[id].succeed()
        await until(jobs, id, Phase.COMPLETED)
        assert failed.is_set()
    assert len(pool.asked) == 1
    assert files_in(tmp_path) == [f"results/{id}"]


@pytest.mark.parametrize("how", ["abort", "stop"])
@asynchronous
async def test_nobody_waits_for_space_when_a_job_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with serving(tmp_path, sweep_seconds=1e6) as (jobs, pool):
        id = await a_job_in(Phase.EXECUTING, jobs, pool)
        failed = fail_once(monkeypatch, jobs.store, "change")
        pool.running[id].fail("no", "usage")
        await asyncio.to_thread(failed.wait)
        if how == "abort":
            assert (await jobs.abort(id)).phase is Phase.ABORTED
        await jobs.stop()
        assert not (await jobs.get(id)).is_active


def fail_once(monkeypatch: pytest.MonkeyPatch, store: JobStore, name: str) -> threading.Event:
    """Let a method of a store fail the next time; the event that is returned is set then."""
    failed = threading.Event()
    method = getattr(store, name)

    def call(*args: object) -> object:
        if not failed.is_set():
            failed.set()
            raise StorageError("no space left")
        return method(*args)

    monkeypatch.setattr(store, name, call)
    return failed


@pytest.mark.parametrize("phase", ACTIVE)
@asynchronous
async def test_a_stopped_server_begins_anew_with_what_was_not_over(
    tmp_path: Path, phase: Phase
) -> None:
    async with serving(tmp_path) as (jobs, pool):
        id = await a_job_in(phase, jobs, pool)
        (jobs.store.files.uploads(id) / "table").touch()
    for _ in range(3):  # a stop is no death of which the job might be the cause
        async with serving(tmp_path, FakePool(free=phase is Phase.EXECUTING)) as (jobs, pool):
            if phase is Phase.EXECUTING:
                statement = await pool.statement(id)
                await until(jobs, id, Phase.EXECUTING)
                statement.beside().touch()
        assert files_in(tmp_path) == [f"uploads/{id}"]
    async with serving(tmp_path) as (jobs, pool):
        if phase is Phase.PENDING:
            await jobs.run(id)
        (await pool.statement(id)).succeed()
        assert (await until(jobs, id, Phase.COMPLETED)).attempts == 1
    assert [work.id for work in pool.asked] == [id]
