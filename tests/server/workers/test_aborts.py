"""Whatever a statement does, it ends when it is aborted, or nobody takes its result any more."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from skyseries.server.work import Work
from tests.server.workers.asking import is_gone

JOIN = (
    "SELECT SUM(SIN(a.mjd * b.mjd + c.mjd)) AS x FROM survey_ForcedSource AS a "
    "JOIN survey_ForcedSource AS b ON a.band <> b.band "
    "JOIN survey_ForcedSource AS c ON b.band <> c.band"
)


def begin(asked, text, **work):
    return asked.start(text, seconds=600, **work)


def worked(running) -> float:
    """Return the seconds that a worker has worked; that it ends meanwhile is not expected."""
    assert not running.is_ended, running.ending
    return sum(psutil.Process(running.process.pid).cpu_times()[:2])


def ends(asked, running, act=None):
    (act or running.abort)()
    failed = asked.failed(running)
    assert failed.kind == "aborted"
    asked.until(lambda: is_gone(running.process.pid))
    return failed


def test_while_it_joins(asked):
    running = begin(asked, JOIN)
    before = worked(running)
    asked.until(lambda: worked(running) > before + 0.3)
    assert ends(asked, running).message == "the statement was aborted"


@pytest.mark.parametrize(
    "text",
    ["visit FROM slow", "LC_NAPS(lc) AS x FROM survey", "LC_SPINS(lc) AS x FROM survey"],
    ids=["read", "sleep", "native"],
)
def test_whatever_it_does(asked, results, text):
    running = begin(asked, f"SELECT {text}", result=str(results / "never"), waits=True)
    asked.marked(running)
    ends(asked, running)
    assert not list(results.iterdir())


def test_with_what_it_has_started(asked):
    running = begin(asked, "SELECT LC_STAYS(lc) AS x FROM survey")
    child = int(asked.marked(running))
    assert not is_gone(child)
    ends(asked, running)
    asked.until(lambda: is_gone(child))


def test_who_closes_the_pieces_ends_it(asked):
    running = begin(asked, "SELECT LC_NAPS(lc) AS x FROM survey")
    asked.marked(running)
    ends(asked, running, lambda: asked.ended(running.pieces().aclose()))


def test_who_waits_no_more_in_the_queue_or_while_it_is_planned(asked):
    """At each moment of its way to a worker; the pool is whole afterwards."""

    async def cancelled(rounds):
        task = asyncio.ensure_future(
            asked.pool.run(Work("c", "SELECT ra FROM survey", "arrow"), waits=True)
        )
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if not isinstance(ended, asyncio.CancelledError):  # it was quicker
            ended.abort()

    for rounds in (1, 3, 5):
        asked.ended(cancelled(rounds))
        asked.whole()


def test_what_has_ended_is_not_aborted(asked):
    running = asked.start("SELECT TOP 1 ra FROM survey")
    asked.document(running)
    outcome = asked.ended(running.outcome())
    running.abort()
    asked.ended(running.pieces().aclose())
    assert asked.ended(running.outcome()) == outcome
    assert running.process.alive
