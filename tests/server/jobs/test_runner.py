"""What clients do with jobs, and how jobs come to the workers."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import skyseries
from skyseries.server.jobs.job import Job, Phase, UnknownJob, WrongPhase, new_id
from skyseries.server.jobs.uwsxml import job_xml
from skyseries.server.work import Busy, Failed, Progress, Work
from tests.server.jobs.fakes import (
    CONTENT,
    LIMITS,
    QUERY,
    Clock,
    FakePool,
    asynchronous,
    files_in,
    serving,
    until,
)


@asynchronous
async def test_a_job_from_its_creation_to_its_result(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(tmp_path, clock=clock) as (jobs, pool):
        job = await jobs.create(QUERY, "mine")
        created = clock()
        assert job == Job(
            job.id, created, created + timedelta(hours=1), 600, run_id="mine", parameters=QUERY
        )
        assert (await jobs.run(job.id)).phase is Phase.QUEUED
        statement = await pool.statement(job.id)
        assert statement.work == Work(
            job.id, "SELECT 1", result=str(tmp_path / "results" / job.id), seconds=600
        )
        executing = await until(jobs, job.id, Phase.EXECUTING)
        assert executing.started == created
        clock.advance(5)
        statement.succeed()
        done = await until(jobs, job.id, Phase.COMPLETED)
        assert (done.started, done.ended) == (created, created + timedelta(seconds=5))
        assert done.result is not None
        assert done.result.media_type == "application/x-votable+xml"
        assert done.result.sha256 == hashlib.sha256(CONTENT).hexdigest()
        assert (done.result.size, done.result.rows, done.result.overflow) == (len(CONTENT), 3, True)
        assert done.info.versions == (("dp1", "v2"),)
        assert done.info.statement == hashlib.sha256(b"SELECT 1").hexdigest()
        assert done.info.code == skyseries.__version__
        assert done.info.progress == Progress(rows=3, bytes=len(CONTENT), read=9)
        assert jobs.store.files.result(job.id).read_bytes() == CONTENT


@asynchronous
async def test_a_job_that_runs_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as (jobs, pool):
        job = await jobs.create(QUERY, run=True)
        assert job.phase is Phase.QUEUED
        (await pool.statement(job.id)).succeed()
        await until(jobs, job.id, Phase.COMPLETED)


@asynchronous
async def test_jobs_start_in_order_and_some_wait_outside_of_the_pool(tmp_path: Path) -> None:
    async with serving(tmp_path, FakePool(free=0)) as (jobs, pool):
        ids = [(await jobs.create(QUERY)).id for _ in range(8)]
        for id in reversed(ids):
            await jobs.run(id)
        await pool.has_asked(LIMITS.queue)
        assert [work.id for work in pool.asked] == ids[:-5:-1]
        pool.free.release()
        await pool.has_asked(LIMITS.queue + 1)
        assert [work.id for work in pool.asked] == ids[:-6:-1]
        assert (await until(jobs, ids[-1], Phase.EXECUTING)).id == ids[-1]
        assert {job.id for job in await jobs.list({Phase.QUEUED})} == set(ids[:-1])


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("usage", Phase.ERROR),
        ("died", Phase.ERROR),
        ("internal", Phase.ERROR),
        ("limit", Phase.ABORTED),
        ("aborted", Phase.ABORTED),
    ],
)
@asynchronous
async def test_failures(tmp_path: Path, kind: str, phase: Phase) -> None:
    async with serving(tmp_path) as (jobs, pool):
        job = await jobs.create(QUERY, run=True)
        statement = await pool.statement(job.id)
        statement.progress = Progress(rows=7)
        statement.beside().touch()
        statement.fail("no such column", kind)
        failed = await until(jobs, job.id, phase)
        assert failed.error is not None
        assert (failed.error.message, failed.error.kind) == ("no such column", kind)
        assert failed.info.progress.rows == 7
        assert failed.ended is not None
        assert failed.result is None
    assert files_in(tmp_path) == []


@asynchronous
async def test_wrong_parameters_are_found_when_a_job_is_run(tmp_path: Path) -> None:
    async with serving(tmp_path) as (jobs, pool):
        job = await jobs.create((("LANG", "ADQL"),), run=True)
        failed = await until(jobs, job.id, Phase.ERROR)
        assert failed.error is not None
        assert failed.error.message == "QUERY is missing"
        assert pool.asked == []


@pytest.mark.parametrize("place", ["make_work", "pool", "outcome"])
@asynchronous
async def test_our_own_faults_are_told_without_what_is_inside(tmp_path: Path, place: str) -> None:
    async def make_work(job: Job) -> Work:
        if place == "make_work":
            raise RuntimeError("secret")
        return Work("", "SELECT 1")

    class Pool(FakePool):
        async def run(self, work: Work, *, waits: bool) -> object:
            if place == "pool":
                raise RuntimeError("secret")
            running = await super().run(work, waits=waits)
            running.say(len(CONTENT))  # and no file is there
            return running

    async with serving(tmp_path, Pool(), make_work=make_work) as (jobs, _):
        job = await jobs.create(QUERY, run=True)
        failed = await until(jobs, job.id, Phase.ERROR)
        assert failed.error is not None
        assert failed.error.kind == "internal"
        assert "secret" not in failed.error.message
        assert str(tmp_path) not in failed.error.message


@asynchronous
async def test_a_result_of_another_size_is_none(tmp_path: Path) -> None:
    async with serving(tmp_path) as (jobs, pool):
        job = await jobs.create(QUERY, run=True)
        statement = await pool.statement(job.id)
        statement.write()
        statement.say(len(CONTENT) + 1)
        await until(jobs, job.id, Phase.ERROR)
    assert files_in(tmp_path) == []


@asynchronous
async def test_parameters_are_replaced_and_uploads_add_up(tmp_path: Path) -> None:
    async with serving(tmp_path) as (jobs, _):
        job = await jobs.create((*QUERY, ("UPLOAD", "a,param:x")))
        more = (("query", "SELECT 2"), ("upload", "b,param:y"), ("MAXREC", "5"))
        updated = await jobs.update(job.id, more)
        assert updated.parameters == (("LANG", "ADQL"), ("UPLOAD", "a,param:x"), *more)
        assert (await jobs.set_run_id(job.id, "mine")).run_id == "mine"
        assert await jobs.get(job.id) == replace(updated, run_id="mine")


@asynchronous
async def test_what_only_a_pending_job_allows(tmp_path: Path) -> None:
    async with serving(tmp_path, FakePool(free=0)) as (jobs, _):
        job = await jobs.create(QUERY, run=True)
        for change in (
            jobs.update(job.id, QUERY),
            jobs.set_run_id(job.id, "mine"),
            jobs.set_duration(job.id, 5),
            jobs.run(job.id),
        ):
            with pytest.raises(WrongPhase, match=f"{job.id} is QUEUED: only a PENDING job"):
                await change
        assert await jobs.get(job.id) == job


@asynchronous
async def test_a_job_that_is_unknown(tmp_path: Path) -> None:
    async with serving(tmp_path) as (jobs, _):
        for id in (new_id(), "../lock"):
            for call in (
                jobs.get(id),
                jobs.run(id),
                jobs.abort(id),
                jobs.delete(id),
                jobs.update(id, QUERY),
                jobs.wait(id, -1),
            ):
                with pytest.raises(UnknownJob):
                    await call


@asynchronous
async def test_times_are_clamped_to_the_limits(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(tmp_path, clock=clock) as (jobs, pool):
        id = (await jobs.create(QUERY)).id
        for asked, given in ((5, 5), (0, 600), (-1, 600), (601, 600), (2**70, 600), (7, 7)):
            assert (await jobs.set_duration(id, asked)).execution_duration == given
        await jobs.run(id)
        statement = await pool.statement(id)
        assert statement.work.seconds == 7
        statement.succeed()
        await until(jobs, id, Phase.COMPLETED)
        clock.advance(60)
        latest = clock() + timedelta(hours=1)
        for asked in (latest - timedelta(seconds=1), latest, latest + timedelta(days=99)):
            assert (await jobs.set_destruction(id, asked)).destruction == min(asked, latest)


@asynchronous
async def test_more_jobs_than_may_be_are_refused_and_leave_no_uploads(tmp_path: Path) -> None:
    limits = replace(LIMITS, jobs=2)
    async with serving(tmp_path, limits=limits) as (jobs, _):
        first = await jobs.create(QUERY)
        await jobs.create(QUERY)
        id = new_id()
        (jobs.store.files.uploads(id) / "table").touch()
        with pytest.raises(Busy):
            await jobs.create(QUERY, run=True, id=id)
        assert files_in(tmp_path) == []
        await jobs.delete(first.id)
        (jobs.store.files.uploads(id) / "table").touch()
        assert (await jobs.create(QUERY, id=id)).id == id
        assert files_in(tmp_path) == [f"uploads/{id}"]


@asynchronous
async def test_progress_and_quote_of_a_running_job(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(tmp_path, clock=clock) as (jobs, pool):
        id = (await jobs.create(QUERY, run=True)).id
        statement = await pool.statement(id)
        started = (await until(jobs, id, Phase.EXECUTING)).started
        assert started is not None
        assert (await jobs.get(id)).quote is None
        statement.progress = Progress(rows=4, bytes=50, read=600, done=1, total=4)
        clock.advance(10)
        for job in (await jobs.get(id), *await jobs.list()):
            assert job.info.progress == statement.progress
            assert job.quote == started + timedelta(seconds=40)
        statement.succeed()
        done = await until(jobs, id, Phase.COMPLETED)
        assert done.quote is None
        assert (done.info.progress.done, done.info.progress.total) == (4, 4)


@asynchronous
async def test_lists(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(tmp_path, FakePool(free=0), clock=clock) as (jobs, _):
        made = []
        for run in (True, False, True):
            made.append(await jobs.create(QUERY, run=run))
            clock.advance(1)
        first, second, third = made
        assert await jobs.list() == [third, second, first]
        assert await jobs.list({Phase.QUEUED}) == [third, first]
        assert await jobs.list(after=first.created) == [third, second]
        assert await jobs.list({Phase.QUEUED, Phase.HELD}, first.created, 5) == [third]
        assert await jobs.list(last=2) == [third, second]
        assert await jobs.list({Phase.ARCHIVED}) == []


@asynchronous
async def test_a_client_that_goes_away_leaves_no_half_change(tmp_path: Path) -> None:
    async with serving(tmp_path) as (jobs, pool):
        job = await jobs.create(QUERY)
        request = asyncio.create_task(jobs.run(job.id))
        asyncio.get_running_loop().call_soon(request.cancel)
        with pytest.raises(asyncio.CancelledError):
            await request
        (await pool.statement(job.id)).succeed()
        await until(jobs, job.id, Phase.COMPLETED)


@asynchronous
async def test_files_are_kept_as_long_as_they_are_needed(tmp_path: Path) -> None:
    async with serving(tmp_path) as (jobs, pool):
        id = new_id()
        (jobs.store.files.uploads(id) / "table").touch()
        await jobs.create(QUERY, id=id, run=True)
        statement = await pool.statement(id)
        await until(jobs, id, Phase.EXECUTING)
        assert files_in(tmp_path) == [f"uploads/{id}"]
        statement.succeed()
        await until(jobs, id, Phase.COMPLETED)
    assert files_in(tmp_path) == [f"results/{id}"]


@asynchronous
async def test_a_failure_before_a_worker_is_there(tmp_path: Path) -> None:
    class Pool(FakePool):
        async def run(self, work: Work, *, waits: bool) -> object:
            raise Failed("the statement reads too much", "limit")

    async with serving(tmp_path, Pool()) as (jobs, _):
        job = await jobs.create(QUERY, run=True)
        failed = await until(jobs, job.id, Phase.ABORTED)
        assert failed.started is None


@asynchronous
async def test_a_clock_that_is_set_back_while_a_job_runs(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(tmp_path, clock=clock) as (jobs, pool):
        first = await jobs.create(QUERY, run=True)
        statement = await pool.statement(first.id)
        await until(jobs, first.id, Phase.EXECUTING)
        clock.advance(-86_400)
        second = await jobs.create(QUERY, run=True)
        statement.progress = Progress(done=1, total=2)
        assert job_xml(await jobs.get(first.id), "http://localhost/tap/async")
        statement.succeed()
        (await pool.statement(second.id)).succeed()
        for job in (first, second):
            await until(jobs, job.id, Phase.COMPLETED)
        await jobs.sweep()
        assert {job.id for job in await jobs.list()} == {first.id, second.id}
        clock.advance(10 * 86_400)
        await jobs.sweep()
        assert await jobs.list() == []
        assert files_in(tmp_path) == []
