"""Who reads slowly stops the worker; nobody holds what was not taken."""

from __future__ import annotations

import asyncio
import os

from skyseries.server.workers.usage import resident_bytes

MANY = "SELECT a.*, b.* FROM survey AS a JOIN survey AS b ON a.objectId <> b.objectId"


def test_a_reader_that_stops_stops_the_worker(asked):
    """It reads nothing until the worker sleeps in its socket, then the rest."""
    running = asked.start(MANY, format="votable/td")
    asked.ended(running.began())
    asked.until(lambda: _waits(running.process.pid))
    ours, theirs = resident_bytes(os.getpid()), resident_bytes(running.process.pid)
    progress = running.progress

    async def looks():
        for _ in range(100):
            await asyncio.sleep(0)

    asked.ended(looks())
    assert running.progress == progress
    document = asked.document(running)
    outcome = asked.ended(running.outcome())
    assert (outcome.rows, outcome.bytes) == (9_900, len(document))
    assert outcome.bytes > 5_000_000
    assert document.endswith(b"</VOTABLE>\n")
    assert resident_bytes(running.process.pid) < theirs + 100_000_000
    assert resident_bytes(os.getpid()) < ours + 3 * len(document) + 50_000_000


def _waits(pid: int) -> bool:
    """Return whether a process waits until it can send more."""
    with open(f"/proc/{pid}/wchan") as file:  # noqa: PTH123 - as others of /proc
        return "sock_alloc_send" in file.read()


def test_rows_are_counted_while_they_are_sent(asked):
    running = asked.start(MANY)

    async def looked():
        return [running.progress async for _ in running.pieces()]

    seen = asked.ended(looked())
    assert [one.bytes for one in seen] == sorted(one.bytes for one in seen)
    assert running.progress.rows == 9_900
