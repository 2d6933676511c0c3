"""A server that is killed at any moment loses no job, does none twice, and shows no half result."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from skyseries.errors import StorageError
from skyseries.server.jobs import files as files_module
from skyseries.server.jobs.job import Job, Phase, new_id
from skyseries.server.jobs.recovery import MOST_ATTEMPTS, recover
from skyseries.server.jobs.runner import Jobs
from skyseries.server.jobs.store import JobStore
from skyseries.server.work import Work
from skyseries.store.local import Disk
from tests.server.jobs.fakes import (
    CONTENT,
    LIMITS,
    QUERY,
    Clock,
    FakePool,
    FakeRunning,
    asynchronous,
    files_in,
    make_work,
    serving,
    until,
)


@dataclass(frozen=True)
class Copy:
    """What a server leaves that is killed before, or after, a step."""

    step: str
    folder: Path
    created: set[str]
    """Jobs of which a client was told."""
    deleted: set[str]
    """Jobs whose end was asked for."""
    whole: set[str]
    """Those that are completed."""


@dataclass
class Watch:
    """Takes a copy of a store before and after each step that it makes, one step at a time."""

    folder: Path
    copies: list[Copy] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    store: JobStore | None = None
    turn: threading.RLock = field(default_factory=threading.RLock)

    def around(self, step: str, call: Callable[..., object]) -> Callable[..., object]:
        def watched(*args: object) -> object:
            with self.turn:
                self.take(f"before {step}")
                answer = call(*args)
                self.take(f"after {step}")
                return answer

        return watched

    def take(self, step: str) -> None:
        assert self.store is not None
        with self.turn:
            folder = self.folder / str(len(self.copies))
            whole = {job.id for job in self.store.list({Phase.COMPLETED})}
            with self.store._database.transaction():
                shutil.copytree(self.store.folder, folder)
            self.copies.append(Copy(step, folder, {*self.created}, {*self.deleted}, whole))


class WatchedRunning(FakeRunning):
    """A worker is seen at each step of its writing, too."""

    watch: Watch

    def write(self) -> None:
        with self.beside().open("wb") as file:
            self.watch.take("begun to write")
            file.write(CONTENT[:3])
            file.flush()
            self.watch.take("half written")
            file.write(CONTENT[3:])
        self.watch.take("written")
        self.beside().rename(self.path)
        self.watch.take("renamed")


class AtOnce(FakePool):
    """Its statements succeed at once."""

    async def run(self, work: Work, *, waits: bool) -> FakeRunning:
        running = await super().run(work, waits=waits)
        running.succeed()
        return running


async def completes(jobs: Jobs, running: FakeRunning, watch: Watch) -> None:
    running.succeed()
    await until(jobs, running.work.id, Phase.COMPLETED)


async def fails(jobs: Jobs, running: FakeRunning, watch: Watch) -> None:
    running.write()
    running.fail("no", "usage")
    await until(jobs, running.work.id, Phase.ERROR)


async def is_aborted(jobs: Jobs, running: FakeRunning, watch: Watch) -> None:
    running.beside().touch()
    await jobs.abort(running.work.id)


async def is_deleted(jobs: Jobs, running: FakeRunning, watch: Watch) -> None:
    await completes(jobs, running, watch)
    watch.deleted.add(running.work.id)
    await jobs.delete(running.work.id)


async def is_put_back(jobs: Jobs, running: FakeRunning, watch: Watch) -> None:
    running.beside().touch()
    await jobs.stop()


@pytest.mark.parametrize("end", [completes, fails, is_aborted, is_deleted, is_put_back])
def test_killed_between_any_two_steps(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Jobs, FakeRunning, Watch], Awaitable[None]],
) -> None:
    watch = Watch(tmp_path)
    live(watch, end, monkeypatch)
    monkeypatch.undo()
    steps = {copy.step for copy in watch.copies}
    assert {"before add", "after add", "before change", "after change", "before remove"} <= steps
    assert end is not completes or "after sync" in steps
    for copy in watch.copies:
        go_on(copy)


@asynchronous
async def live(
    watch: Watch,
    end: Callable[[Jobs, FakeRunning, Watch], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bring a job to its end, while copies are taken."""
    disk, pool = Disk(), FakePool()
    watch.store = store = JobStore(watch.folder / "live", disk=disk)
    for owner, step in ((disk, "sync"), (store, "add"), (store, "change"), (store, "delete")):
        monkeypatch.setattr(owner, step, watch.around(step, getattr(owner, step)))
    monkeypatch.setattr(files_module, "_remove", watch.around("remove", files_module._remove))
    jobs = Jobs(store, pool, LIMITS, make_work, sweep_seconds=1e6)
    await jobs.start()
    id = new_id()
    (store.files.uploads(id) / "table").touch()
    watch.created.add((await jobs.create(QUERY, id=id)).id)
    await jobs.run(id)
    running = await pool.statement(id)
    running.__class__ = WatchedRunning
    running.watch = watch
    await until(jobs, id, Phase.EXECUTING)
    await end(jobs, running, watch)
    await jobs.stop()
    store.close()


@asynchronous
async def go_on(copy: Copy) -> None:
    """Start a server on what another one left, and look at what its clients see."""
    pool = AtOnce()
    async with serving(copy.folder, pool) as (jobs, _):
        found = {job.id for job in await jobs.list()}
        assert copy.created - copy.deleted <= found, copy.step
        for job in await jobs.list({Phase.PENDING}):
            await jobs.run(job.id)
        ended = [await ending(jobs, job.id) for job in await jobs.list()]
    whole = {job.id for job in ended if job.phase is Phase.COMPLETED}
    assert copy.whole - copy.deleted <= whole, copy.step
    assert not copy.whole & {work.id for work in pool.asked}, copy.step
    assert len(pool.asked) == len({work.id for work in pool.asked}), copy.step
    assert files_in(copy.folder) == sorted(f"results/{id}" for id in whole), copy.step
    assert all((copy.folder / "results" / id).read_bytes() == CONTENT for id in whole), copy.step


async def ending(jobs: Jobs, id: str) -> Job:
    """Wait for the end of a job; a completed one has its whole result whenever it is seen."""
    job = await jobs.get(id)
    while job.is_active:
        job = await jobs.wait(id, -1, job.phase)
    if job.phase is Phase.COMPLETED:
        assert jobs.store.files.result(id).read_bytes() == CONTENT
    return job


class Killed(Exception):
    """A step that is not made."""


@pytest.mark.parametrize("kind", [Killed, StorageError])
@pytest.mark.parametrize("step", ["begin", "sync", "complete", "tidy"])
@asynchronous
async def test_a_step_that_fails_ends_a_job_or_leaves_it_to_the_next_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, kind: type[Exception]
) -> None:
    async with serving(tmp_path, AtOnce(free=0), sweep_seconds=1e6) as (jobs, pool):
        job = await jobs.create(QUERY, run=True)
        await pool.has_asked(1)
        fail(monkeypatch, jobs.store, step, kind("no"))
        pool.free.release()
        statement = await pool.statement(job.id)
        if step == "begin":
            await statement.aborted.wait()
        await jobs.stop()
        monkeypatch.undo()
        seen = await jobs.get(job.id)
        if seen.phase is Phase.COMPLETED:
            assert jobs.store.files.result(job.id).read_bytes() == CONTENT
    pool = AtOnce()
    async with serving(tmp_path, pool) as (jobs, _):
        ended = await ending(jobs, job.id)
        assert ended.phase is (Phase.ERROR if seen.phase is Phase.ERROR else Phase.COMPLETED)
        assert len(pool.asked) == seen.is_active
    assert files_in(tmp_path) == ([f"results/{job.id}"] if ended.result else [])


def fail(monkeypatch: pytest.MonkeyPatch, store: JobStore, step: str, error: Exception) -> None:
    """Let one step of the way to a result fail, whenever it is tried."""
    change = store.change

    def raises(*args: object) -> object:
        raise error

    def changes(id: str, phases: set[Phase], edit: Callable[[Job], Job]) -> Job | None:
        begins = phases == {Phase.QUEUED}
        if begins == (step == "begin"):
            raise error
        return change(id, phases, edit)

    if step in ("begin", "complete"):
        monkeypatch.setattr(store, "change", changes)
    else:
        owner = store.files._disk if step == "sync" else store
        monkeypatch.setattr(owner, step, raises)


def test_a_job_with_which_the_server_died_again_and_again_is_given_up(tmp_path: Path) -> None:
    clock = Clock()
    fill(tmp_path, job := a_job(Phase.QUEUED))
    for attempt in range(1, MOST_ATTEMPTS + 1):
        store = JobStore(tmp_path)
        edit = partial(replace, phase=Phase.EXECUTING, started=clock(), attempts=attempt)
        assert store.change(job.id, {Phase.QUEUED}, edit)
        store.files.result(job.id).touch()
        (store.files.uploads(job.id) / "table").touch()
        recover(store, clock())
        found = store.get(job.id)
        is_last = attempt == MOST_ATTEMPTS
        assert found.phase is (Phase.ERROR if is_last else Phase.QUEUED)
        assert files_in(tmp_path) == ([] if is_last else [f"uploads/{job.id}"])
        store.close()
    assert found.error is not None
    assert "ended 2 times while this job was running" in found.error.message
    assert found.ended == clock()


@pytest.mark.parametrize("loss", ["missing", "shorter", "a folder"])
def test_a_completed_job_whose_result_is_lost_says_so(tmp_path: Path, loss: str) -> None:
    source = tmp_path / "source"
    complete(source, job := a_job(Phase.PENDING))
    path = source / "results" / job.id
    path.unlink()
    if loss == "shorter":
        path.write_bytes(CONTENT[:-1])
    elif loss == "a folder":
        path.mkdir()
    store = JobStore(source)
    recover(store, Clock()())
    found = store.get(job.id)
    assert found.phase is Phase.ERROR
    assert found.result is None
    assert found.error is not None
    assert "the file with the result was lost" in found.error.message
    assert files_in(source) == []
    store.close()


def test_what_is_of_no_job_is_removed(tmp_path: Path) -> None:
    fill(tmp_path, waits := a_job(Phase.PENDING), over := a_job(Phase.ERROR))
    store = JobStore(tmp_path)
    for id in (waits.id, over.id, new_id()):
        (store.files.uploads(id) / "table").touch()
        store.files.result(id).touch()
        (store.files.results / f".{id}.0badf00d.part").touch()
    (store.files.results / "link").symlink_to(tmp_path)
    recover(store, Clock()())
    assert files_in(tmp_path) == [f"uploads/{waits.id}"]
    assert store.get(waits.id) == waits
    assert store.get(over.id) == over
    store.close()


def test_a_damaged_record_is_told_at_the_start(tmp_path: Path) -> None:
    fill(tmp_path, a_job(Phase.PENDING))
    connection = sqlite3.connect(tmp_path / "jobs.sqlite")
    with connection:
        connection.execute("UPDATE jobs SET record = '{}'")
    connection.close()
    store = JobStore(tmp_path)
    with pytest.raises(StorageError, match="damaged"):
        recover(store, Clock()())
    store.close()


def a_job(phase: Phase) -> Job:
    clock = Clock()
    return Job(new_id(), clock(), clock().replace(month=6), 60, phase, parameters=QUERY)


def fill(folder: Path, *jobs: Job) -> None:
    store = JobStore(folder)
    for job in jobs:
        store.add(job, 10)
    store.close()


@asynchronous
async def complete(folder: Path, job: Job) -> None:
    """Bring a job to its end."""
    fill(folder, job)
    async with serving(folder, AtOnce(), clock=Clock()) as (jobs, _):
        await jobs.run(job.id)
        await until(jobs, job.id, Phase.COMPLETED)
