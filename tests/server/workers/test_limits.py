"""A statement that takes more than it may is ended, and says what was too much."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skyseries.server.work import Failed, Progress
from skyseries.server.workers.watch import Taken, over_limit
from tests.server.workers.asking import is_gone
from tests.server.workers.conftest import LIMITS


@pytest.mark.parametrize(
    ("function", "words", "result"),
    [("LC_EATS", "1 GB of memory", None), ("LC_SPILLS", "50 MB of disk", "big")],
)
def test_memory_and_disk(asked, results, function, words, result):
    path = None if result is None else str(results / result)
    text = f"SELECT {function}(lc) AS x FROM survey"
    running = asked.start(text, result=path)
    failed = asked.failed(running)
    assert failed.kind == "limit"
    assert words in failed.message
    asked.until(lambda: is_gone(running.process.pid))
    assert not list(results.iterdir())
    asked.until(lambda: not running.process.scratch.exists())


def test_time(asked, results):
    sent = asked.start("SELECT LC_NAPS(lc) AS x FROM survey", seconds=0.2)
    written = asked.start(
        "SELECT LC_NAPS(lc) AS x FROM survey", seconds=0.2, result=str(results / "late")
    )
    failed = asked.failed(sent)
    assert failed.kind == "limit"
    assert "0.2 s" in failed.message
    assert "/async" in failed.message
    assert "EXECUTIONDURATION" in asked.failed(written).message


class Stopped:
    """A statement that is as long as it is said to be."""

    def __init__(self, **said):
        self.asked_at = self.started_at = self.untaken_since = None
        self.progress = Progress()
        self.__dict__ |= said

    class work:  # noqa: N801 - as an attribute
        seconds = 10.0
        result = None


def test_planning_and_clients_that_take_nothing(monkeypatch):
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def told(taken=None, **said):
        failed = over_limit(Stopped(**said), taken or Taken(), LIMITS)
        return None if failed is None else failed.message

    assert told(asked_at=now - LIMITS.plan_seconds) is None
    assert "what the statement reads" in told(asked_at=now - LIMITS.plan_seconds - 1)
    started = {"asked_at": now - 100, "started_at": now - 9}
    assert told(**started) is None
    assert told(**started, untaken_since=now - LIMITS.write_seconds) is None
    assert "was taken" in told(**started, untaken_since=now - LIMITS.write_seconds - 1)
    assert told(Taken(LIMITS.memory, LIMITS.scratch), **started) is None
    assert "memory" in told(Taken(LIMITS.memory + 1), **started)
    assert "disk" in told(Taken(scratch=LIMITS.scratch + 1), **started)


def test_a_client_that_takes_nothing_has_less_time_where_others_wait(asked, monkeypatch):
    monkeypatch.setattr("skyseries.server.workers.watch._WANTED_SECONDS", 0.2)
    held = [asked.start("SELECT * FROM survey") for _ in range(LIMITS.workers)]
    for running in held:
        asked.ended(running.began())
    assert asked.rows("SELECT COUNT(*) AS n FROM survey")
    assert "was taken" in asked.failed(next(one for one in held if one.is_ended)).message


def test_a_client_that_takes_nothing_is_ended(asked, monkeypatch):
    monkeypatch.setattr(asked.pool._watch, "_limits", replace(LIMITS, write_seconds=0.2))
    running = asked.start("SELECT * FROM survey")
    asked.ended(running.began())
    with pytest.raises(Failed, match="was taken"):
        asked.ended(running.outcome())


def test_bytes_of_a_result(asked, monkeypatch):
    """The server counts too, whatever a worker does."""
    monkeypatch.setattr(asked.pool, "_limits", replace(LIMITS, result_bytes=1_000))
    failed = asked.failed(asked.start("SELECT * FROM survey"))
    assert (failed.kind, "1 kB" in failed.message) == ("limit", True)
