"""A worker that dies fails its statement, and is replaced; others go on."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from skyseries.server.work import Failed, Work
from tests.server.workers.asking import send

NAP = "SELECT LC_NAPS(lc) AS x FROM survey"


def test_the_signal_is_told(asked):
    failed = asked.failed(asked.start("SELECT LC_DIES(lc) AS x FROM survey"))
    assert failed.kind == "died"
    assert "SIGSEGV" in failed.message


def test_while_it_runs_others_go_on(asked, results):
    first = asked.start(NAP)
    other = asked.start("SELECT visit FROM slow", result=str(results / "x"))
    asked.marked(first)
    asked.marked(other)
    send(first, signal.SIGKILL)
    assert asked.failed(first).kind == "died"
    assert not other.is_ended
    send(other, signal.SIGKILL)
    failed = asked.failed(other)
    assert (failed.kind, "SIGKILL" in failed.message) == ("died", True)
    assert not list(results.iterdir())


def test_before_it_is_planned(asked):
    """The worker is stopped, so that it cannot answer, and killed."""
    worker = asked.pool._idle[-1]
    os.kill(worker.pid, signal.SIGSTOP)

    async def dies():
        task = asyncio.ensure_future(
            asked.pool.run(Work("d", "SELECT ra FROM survey", "arrow"), waits=False)
        )
        while asked.pool.state()["running"] == 0:
            await asyncio.sleep(0)
        os.kill(worker.pid, signal.SIGKILL)
        return await task

    running = asked.ended(dies())
    assert running.process is worker
    assert asked.failed(running).kind == "died"


def test_in_mid_stream(asked):
    """What comes is the beginning of the document, and never taken for whole."""
    text = "SELECT a.*, b.* FROM survey AS a JOIN survey AS b ON a.ra < b.ra"
    running = asked.start(text, format="votable/td")

    async def interrupted():
        pieces, got = running.pieces(), b""
        await running.began()
        for _ in range(3):
            got += await anext(pieces)
        send(running, signal.SIGKILL)
        try:
            async for piece in pieces:
                got += piece
        except Failed as error:
            return got, error
        return got, None

    got, failed = asked.ended(interrupted())
    assert failed.kind == "died"
    assert b"</VOTABLE>" not in got


def test_after_its_last_word(asked):
    """All was sent before: the result is whole, though nobody has taken it yet."""
    running = asked.start("SELECT objectId FROM survey")
    asked.ended(running.began())
    asked.until(lambda: running.process.scratch.exists())
    sent = asked.ended(_stopped_when_idle(running.process.pid))
    assert sent
    send(running, signal.SIGKILL)
    asked.until(lambda: not running.process.alive)
    assert len(asked.document(running)) == asked.ended(running.outcome()).bytes


async def _stopped_when_idle(pid):
    """Wait until a process waits for what comes next: all its threads sleep."""
    quiet = 0
    while quiet < 20:
        await asyncio.sleep(0.005)
        files = Path(f"/proc/{pid}/task").glob("*/stat")
        states = {file.read_text().rpartition(")")[2][1] for file in files}
        quiet = quiet + 1 if states == {"S"} else 0
    return True


def test_an_idle_worker_is_replaced(asked):
    worker = asked.pool._idle[-1]
    os.kill(worker.pid, signal.SIGKILL)
    asked.until(lambda: not worker.alive)
    asked.whole()
    assert asked.rows("SELECT COUNT(*) AS n FROM survey") == [{"n": 100}]


def test_at_random_moments(asked):
    """Each statement of a load has a whole result, or is said to have died: one for each kill."""
    kills = []

    async def one(number):
        running = await asked.pool.run(
            Work(f"r{number}", "SELECT objectId FROM survey", "arrow"), waits=True
        )
        if number % 5 == 0:
            for _ in range(number):
                await asyncio.sleep(0)
            if running.process.alive:  # which may have another statement by now
                kills.append(number)
                send(running, signal.SIGKILL)
        try:
            got = [piece async for piece in running.pieces()]
            return sum(map(len, got)) == (await running.outcome()).bytes
        except Failed as error:
            return error.kind

    async def load():
        return await asyncio.gather(*map(one, range(12)))

    found = asked.ended(load())
    assert set(found) <= {True, "died"}
    assert found.count("died") <= len(kills)


def test_a_worker_that_talks_nonsense_is_ended(asked, monkeypatch):
    from skyseries.server.workers.process import WorkerProcess

    async def frame(self):
        return b"?", 3

    monkeypatch.setattr(WorkerProcess, "frame", frame)
    odd = asked.start("SELECT ra FROM survey")
    monkeypatch.undo()
    failed = asked.failed(odd)
    assert failed.kind == "internal"
    asked.until(lambda: not odd.process.alive)


def test_what_a_statement_leaves_is_removed(asked):
    asked.rows("SELECT LC_WRITES(lc) AS x FROM survey")
    assert asked.rows("SELECT MAX(LC_LEAKS(lc)) AS x FROM survey") == [{"x": 0.0}]
