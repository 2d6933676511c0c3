"""Ask a pool from tests that are no coroutines."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from skyseries.server.work import Failed, Work
from skyseries.server.workers import WorkerPool
from skyseries.server.workers.statement import Statement

AT_ALL = 30.0
"""Seconds: what takes so long does not end."""
_NUMBERS = itertools.count()


@dataclass
class Asked:
    """Asks a pool.

    Parameters
    ----------
    run : callable
        Runs a coroutine.
    pool : WorkerPool
    """

    run: Callable[..., Any]
    pool: WorkerPool
    started: list[Statement] = field(default_factory=list)

    def start(self, query: str, *, waits: bool = False, **work: Any) -> Statement:
        """Give a statement to a worker."""
        given = Work(f"test{next(_NUMBERS)}", query, **{"format": "arrow", **work})
        self.started.append(self.ended(self.pool.run(given, waits=waits)))
        return self.started[-1]

    def ended(self, what: Any) -> Any:
        """Wait for something that must end."""
        return self.run(asyncio.wait_for(what, AT_ALL))

    def document(self, statement: Statement) -> bytes:
        """Return the whole of what is sent."""

        async def taken() -> bytes:
            return b"".join([piece async for piece in statement.pieces()])

        return self.ended(taken())

    def rows(self, query: str, **work: Any) -> list[dict]:
        """Return the rows of a statement."""
        return rows_of(self.document(self.start(query, **work)))

    def failed(self, statement: Statement) -> Failed:
        """Return how a statement has failed, as all who wait are told."""
        with pytest.raises(Failed) as raised:
            self.ended(_to_the_end(statement))
        with pytest.raises(Failed) as again:
            self.ended(statement.outcome())
        assert again.value is raised.value
        return raised.value

    def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something holds, and return it."""

        async def waited() -> Any:
            while not (found := holds()):
                await asyncio.sleep(0.01)
            return found

        return self.ended(waited())

    def marked(self, statement: Statement) -> str:
        """Wait until a plug-in has begun, and return what it says."""
        mark = statement.process.scratch / "mark"
        self.until(mark.exists)
        return mark.read_text()

    def whole(self) -> None:
        """Wait until all workers are there, and free."""
        limits = self.pool._limits
        self.until(lambda: self.pool.state()["ready"] == limits.workers + 1)
        assert self.pool.state() == {
            "workers": limits.workers,
            "ready": limits.workers + 1,
            "free": limits.workers,
            "running": 0,
            "long": 0,
            "starting": 0,
            "waiting": 0,
            "waiting_long": 0,
        }


async def _to_the_end(statement: Statement) -> None:
    async for _ in statement.pieces():
        pass
    await statement.outcome()


def rows_of(document: bytes) -> list[dict]:
    """Return the rows of a stream of Arrow."""
    with pa.ipc.open_stream(io.BytesIO(document)) as reader:
        return reader.read_all().to_pylist()


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, or is ending."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def send(statement: Statement, number: int) -> None:
    """Send a signal to the worker of a statement."""
    os.kill(statement.process.pid, number)
