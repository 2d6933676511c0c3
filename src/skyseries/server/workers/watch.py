"""The watchdog: statements that take more than they may are ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from skyseries.server.limits import Limits
from skyseries.server.work import Failed
from skyseries.server.workers.statement import Statement
from skyseries.server.workers.telling import memory_text
from skyseries.server.workers.usage import descendants, disk_bytes, resident_bytes
from skyseries.units import size_text

__all__ = ["Taken", "Watch", "over_limit"]

_EVERY = 0.05
"""Seconds between two looks at the memory, and the time."""
_SELDOM = 10
"""So many looks later the files are looked at, and which processes there are."""

_WANTED_SECONDS = 5.0
"""A client that takes nothing has no more than so long where others wait for its worker."""


@dataclass(frozen=True)
class Taken:
    """What a statement takes of the machine."""

    memory: int = 0
    scratch: int = 0


class Watch:
    """Looks at all statements that run, again and again.

    Parameters
    ----------
    running : callable
        Returns them.
    limits : Limits
    is_wanted : callable
        Returns whether others wait for the workers that these statements have.
    """

    def __init__(
        self,
        running: Callable[[], Collection[Statement]],
        limits: Limits,
        is_wanted: Callable[[], bool],
    ) -> None:
        self._running, self._limits, self._is_wanted = running, limits, is_wanted
        self._started: dict[int, list[int]] = {}
        """By worker: the processes that it has started."""
        self._scratch: dict[int, int] = {}

    async def run(self) -> None:
        """Look until it is cancelled."""
        for count in range(1 << 62):
            await asyncio.sleep(_EVERY)
            running = [one for one in self._running() if not one.is_ended]
            if count % _SELDOM == 0 and running:
                await self._look_closely(running)
            limits = self._limits
            if self._is_wanted():
                seconds = min(limits.write_seconds, _WANTED_SECONDS)
                limits = replace(limits, write_seconds=seconds)
            for statement in running:
                failed = over_limit(statement, self._taken(statement), limits)
                if failed is not None:
                    statement.fail(failed)

    async def _look_closely(self, running: Collection[Statement]) -> None:
        self._started.clear()
        self._scratch.clear()
        for statement in running:
            pid = statement.process.pid
            self._started[pid] = await asyncio.to_thread(descendants, pid)
            with contextlib.suppress(OSError):
                folder = statement.process.scratch
                self._scratch[pid] = await asyncio.to_thread(disk_bytes, folder)

    def _taken(self, statement: Statement) -> Taken:
        pid = statement.process.pid
        processes = (pid, *self._started.get(pid, ()))
        return Taken(sum(map(resident_bytes, processes)), self._scratch.get(pid, 0))


def over_limit(statement: Statement, taken: Taken, limits: Limits) -> Failed | None:
    """Return what a user is told of the limit that a statement is over; None if it is over none."""
    text = (
        _of_machine(taken, limits)
        or _of_time(statement, limits)
        or (_of_client(statement, limits) if _is_sent(statement) else None)
    )
    return None if text is None else Failed(text, "limit")


def _of_machine(taken: Taken, limits: Limits) -> str | None:
    if taken.memory > limits.memory:
        return memory_text(limits)
    if taken.scratch > limits.scratch:
        return (
            f"the statement needs more than the {size_text(limits.scratch)} of disk that one may "
            "take for what does not fit into memory: sort, group or join fewer rows"
        )
    return None


def _of_time(statement: Statement, limits: Limits) -> str | None:
    now, seconds = time.monotonic(), statement.work.seconds
    if statement.started_at is None:
        if now - statement.asked_at <= limits.plan_seconds:
            return None
        return (
            f"it took more than the {limits.plan_seconds:g} s that it may to find out what the "
            "statement reads: ask for fewer tables or simpler conditions, or upload less"
        )
    if now - statement.started_at <= seconds:
        return None
    more = f"for more time (EXECUTIONDURATION), up to {limits.async_seconds:g} s"
    if _is_sent(statement):
        more = f"run it as a job (/async), which may take up to {limits.async_seconds:g} s"
    return (
        f"the statement took more than the {seconds:g} s that it may: ask for a smaller region, "
        f"or {more}"
    )


def _of_client(statement: Statement, limits: Limits) -> str | None:
    since = statement.untaken_since
    if since is None or time.monotonic() - since <= limits.write_seconds:
        return None
    return f"nothing of the result was taken for {limits.write_seconds:g} s"


def _is_sent(statement: Statement) -> bool:
    return statement.work.result is None
