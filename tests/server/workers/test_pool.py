"""Which statement runs when; starting, and stopping."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from skyseries.errors import ExecutionError
from skyseries.server.work import Busy, Work
from skyseries.server.workers import WorkerPool
from skyseries.server.workers.line import Line, Turn
from tests.server.workers.asking import Asked, is_gone
from tests.server.workers.conftest import LIMITS, PLUGIN

LONG = "SELECT LC_NAPS(lc) AS x FROM survey"
SHORT = "SELECT COUNT(*) AS n FROM tap_schema.tables"


def later(asked, text, *, waits=True):
    """Ask, and return a task."""

    async def begun():
        task = asyncio.ensure_future(
            asked.pool.run(Work("later", text, "arrow", seconds=600), waits=waits)
        )
        await asyncio.sleep(0)
        return task

    return asked.run(begun())


def test_short_statements_do_not_wait_behind_scans(asked):
    first = asked.start(LONG)
    asked.marked(first)
    waiting = [later(asked, LONG) for _ in range(2)]
    asked.until(lambda: asked.pool.state()["waiting_long"] == 2)
    assert asked.pool.state()["long"] == asked.pool.state()["running"] == 1
    assert len(asked.rows(SHORT)) == 1
    first.abort()
    second = asked.ended(waiting[0])
    asked.marked(second)
    assert not waiting[1].done()
    assert len(asked.rows(SHORT)) == 1
    second.abort()
    asked.ended(waiting[1]).abort()


def test_a_full_queue_is_said_at_once(asked):
    busy = [asked.start(LONG)]
    waiting = [later(asked, LONG, waits=False) for _ in range(LIMITS.queue)]
    asked.until(lambda: asked.pool.state()["waiting_long"] == LIMITS.queue)
    with pytest.raises(Busy) as raised:
        asked.start(SHORT)
    assert raised.value.seconds > 0
    job = later(asked, SHORT)  # jobs wait
    assert asked.document(asked.ended(job))
    for task in waiting:
        task.cancel()
    asked.ended(asyncio.wait(waiting))
    busy[0].abort()


def test_who_waits_too_long_is_told(asked, monkeypatch):
    monkeypatch.setattr(asked.pool, "_limits", replace(LIMITS, queue_seconds=0.05))
    first = asked.start(LONG)
    with pytest.raises(Busy):
        asked.start(LONG)
    assert len(asked.rows(SHORT)) == 1
    first.abort()


def test_requests_and_jobs_take_turns(run):
    async def order():
        line = Line()
        for is_job in (True, True, True, False, False):
            line.append(Turn(is_job=is_job))
        assert (len(line), line.count(is_job=True)) == (5, 3)
        gone = Turn(is_job=False)
        line.append(gone)
        line.remove(gone)
        line.remove(gone)
        return [line.pop().is_job for _ in range(5)]

    assert run(order()) == [False, True, False, True, True]


def test_what_cannot_be_started_is_said(run, setup):
    for changed, words in (
        ({"catalogs": (("nothing", "/nowhere"),)}, "nowhere"),
        ({"plugins": (f"{PLUGIN}:fails",)}, "no licence"),
        ({"plugins": ("nothing:here",)}, "nothing:here"),
        ({"results": "/nowhere"}, "nowhere"),
    ):
        pool = WorkerPool(replace(setup, **changed))
        with pytest.raises(ExecutionError, match=words):
            run(pool.start())
        assert pool.state()["ready"] == 0


def test_a_pool_ends_what_runs_and_leaves_nothing(asked, setup, results):
    pool = WorkerPool(replace(setup, limits=replace(LIMITS, workers=1)))
    asked.ended(pool.start())
    scratch = pool._scratch
    running = asked.ended(pool.run(Work("x", LONG, "arrow", result=str(results / "x")), waits=True))
    asked.marked(running)

    async def closes():
        waiting = asyncio.ensure_future(pool.run(Work("y", SHORT, "arrow"), waits=True))
        while not pool.state()["waiting"]:
            await asyncio.sleep(0)
        await pool.close(0.1)
        return await asyncio.gather(waiting, return_exceptions=True)

    (waited,) = asked.ended(closes())
    assert isinstance(waited, Busy)
    assert asked.failed(running).kind == "aborted"
    assert not scratch.exists()
    with pytest.raises(Busy):
        asked.ended(pool.run(Work("z", SHORT, "arrow"), waits=True))
    assert not list(results.iterdir())


def test_it_closes_when_the_last_has_ended(asked, setup, results):
    limits = replace(LIMITS, workers=1, result_bytes=1_000)
    pool = WorkerPool(replace(setup, limits=limits))
    asked.ended(pool.start())
    other = Asked(asked.run, pool)
    failed = other.failed(other.start("SELECT * FROM survey", result=str(results / "big")))
    assert (failed.kind, "1 kB" in failed.message) == ("limit", True)
    assert not list(results.iterdir())
    running = other.start(SHORT)

    async def closes():
        closing = asyncio.ensure_future(pool.close(600))
        got = [piece async for piece in running.pieces()]
        await closing
        return got

    assert asked.ended(closes())


def test_workers_end_with_the_server(asked, setup):
    """A server that is killed leaves no worker."""
    code = f"""
import asyncio
from skyseries.server.limits import Limits
from skyseries.server.workers import Setup, WorkerPool
async def main():
    pool = WorkerPool(Setup({setup.catalogs[:1]!r}, limits=Limits(workers=1)))
    await pool.start()
    print(*[worker.pid for worker in pool._idle], flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in server.stdout.readline().split()]
    assert pids
    os.kill(server.pid, signal.SIGKILL)
    server.communicate()
    asked.until(lambda: all(map(is_gone, pids)))
