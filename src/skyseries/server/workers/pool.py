"""The pool of workers: which statement runs when, and new workers for those that have ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from skyseries.errors import ExecutionError
from skyseries.server.work import Busy, Failed, Work
from skyseries.server.workers.line import Line, Turn
from skyseries.server.workers.process import BadFrame, WorkerProcess
from skyseries.server.workers.setup import Setup
from skyseries.server.workers.statement import Statement
from skyseries.server.workers.usage import resident_bytes
from skyseries.server.workers.watch import Watch
from skyseries.store.scratch import make_scratch, remove_scratch

__all__ = ["WorkerPool"]

_log = logging.getLogger(__name__)

_SPARES = 1
"""Workers more than statements run: one that is ready takes the place of one that ends."""
_AT_ONCE = 2
"""Workers that are started side by side."""
_PATIENCE = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds until the next is started after so many could not be."""
_TIRED = 2
"""A worker that is left with one part in so many of its memory is replaced."""
_CLOSING_SECONDS = 10.0


class WorkerPool:
    """See `skyseries.server.work.Pool`.

    Parameters
    ----------
    setup : Setup

    Examples
    --------
    >>> async with WorkerPool(setup) as pool:  # doctest: +SKIP
    ...     running = await pool.run(Work("1", "SELECT TOP 5 * FROM survey"), waits=False)
    ...     document = b"".join([piece async for piece in running.pieces()])
    """

    def __init__(self, setup: Setup) -> None:
        self._setup, self._limits = setup, setup.limits
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._statements: dict[WorkerProcess, Statement] = {}
        """Those that have not ended, also where their worker has."""
        self._long: set[WorkerProcess] = set()
        self._line, self._long_line = Line(), Line()
        self._tasks: set[asyncio.Task[None]] = set()
        self._mourning: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._starting = self._failures = 0
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._scratch: Path | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_open = False
        self._told_missing = False
        self._watch = Watch(
            self._statements.values, self._limits, lambda: bool(self._line or self._long_line)
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Start all workers, and return when the first is ready.

        Raises
        ------
        ExecutionError
            If it cannot be started: a catalog is missing, a plug-in fails.
        """
        self._scratch = await asyncio.to_thread(make_scratch, "workers")
        self._loop = asyncio.get_running_loop()
        self._is_open = True
        self._starting += 1
        try:
            await self._start_one()
        except BaseException:
            await self.close()
            raise
        self._begin(self._watch.run())
        self._refill()

    async def close(self, seconds: float = _CLOSING_SECONDS) -> None:
        """Take no more statements, let those that run end within some seconds, end all.

        Parameters
        ----------
        seconds : float
        """
        self._is_open = False
        for line in (self._line, self._long_line):
            while len(line):
                line.pop().worker.set_exception(self._no_room())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._statements:
                    await asyncio.wait([one.ending for one in self._statements.values()])
        for statement in list(self._statements.values()):
            statement.abort("the service was stopped")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in (*self._idle, *self._busy):
            worker.kill()
        await asyncio.gather(*self._mourning, return_exceptions=True)
        if self._scratch is not None:
            await asyncio.to_thread(remove_scratch, self._scratch)

    async def run(self, work: Work, *, waits: bool) -> Statement:
        """Give a statement to a worker, as soon as it may run.

        To cancel this ends the statement.

        Parameters
        ----------
        work : Work
        waits : bool
            Wait however long it takes (jobs); else raise `Busy` after `Limits.queue_seconds`, or at
            once if the queue is full.
        """
        waiting = self._line.count(is_job=False) + self._long_line.count(is_job=False)
        if not self._is_open or (not waits and waiting >= self._limits.queue):
            raise self._no_room()
        try:
            async with asyncio.timeout(None if waits else self._limits.queue_seconds) as patience:
                statement = await self._admitted(work, is_job=waits, patience=patience)
        except TimeoutError:
            raise self._no_room() from None
        return statement

    def _no_room(self) -> Busy:
        return Busy(self._limits.queue_seconds)

    def state(self) -> dict[str, Any]:
        """Return how many workers there are, are free, and how many statements wait."""
        return {
            "workers": self._limits.workers,
            "ready": len(self._idle) + len(self._busy),
            "free": max(self._limits.workers - len(self._busy), 0),
            "running": len(self._busy),
            "long": len(self._long),
            "starting": self._starting,
            "waiting": len(self._line),
            "waiting_long": len(self._long_line),
        }

    # --- which statement runs when ----------------------------------------------------------

    async def _admitted(self, work: Work, *, is_job: bool, patience: asyncio.Timeout) -> Statement:
        """Return a statement that runs, or that has failed while it was planned."""
        is_long = False
        while True:
            worker = await self._turn(self._long_line if is_long else self._line, is_job=is_job)
            until = patience.when()
            patience.reschedule(None)  # it has its turn; the watchdog says how long that may be
            statement = self._given(work, worker)
            try:
                nbytes = await statement.plan()
                if is_long or self._may_run(worker, nbytes):
                    await statement.go()
                    return statement
                await statement.leave()
                del self._statements[worker]
            except Failed:
                return statement
            except BaseException:
                statement.abort()
                raise
            is_long = True
            self._free(worker)
            patience.reschedule(until)

    def _given(self, work: Work, worker: WorkerProcess) -> Statement:
        def released(reusable: bool) -> None:
            del self._statements[worker]
            self._free(worker) if reusable else self._lost(worker)

        statement = Statement(work, worker, self._limits, released)
        self._statements[worker] = statement
        return statement

    def _may_run(self, worker: WorkerProcess, nbytes: int | None) -> bool:
        if nbytes is not None and nbytes <= self._limits.short_bytes:
            return True
        if self._room_for_long():
            self._long.add(worker)
            return True
        return False

    def _room_for_long(self) -> bool:
        return len(self._long) < max(self._limits.workers - self._limits.short_workers, 1)

    async def _turn(self, line: Line, *, is_job: bool) -> WorkerProcess:
        turn = Turn(is_job=is_job)
        line.append(turn)
        self._dispatch()
        try:
            return await turn.worker
        except asyncio.CancelledError:
            line.remove(turn)
            if not turn.worker.cancelled() and turn.worker.exception() is None:
                self._free(turn.worker.result())  # it came at the same moment
            raise

    def _dispatch(self) -> None:
        """Give free workers to those whose turn it is."""
        while self._idle and len(self._busy) < self._limits.workers and self._is_open:
            long = bool(self._long_line) and self._room_for_long()
            if not long and not self._line:
                return
            worker = self._idle.pop()
            self._busy.add(worker)
            if long:
                self._long.add(worker)
            (self._long_line if long else self._line).pop().worker.set_result(worker)

    def _free(self, worker: WorkerProcess) -> None:
        """Let a worker take another statement."""
        self._forget(worker)
        if resident_bytes(worker.pid) > self._limits.memory // _TIRED:
            worker.kill()
        elif worker.alive:
            self._idle.append(worker)
        self._refill()
        self._dispatch()

    def _lost(self, worker: WorkerProcess) -> None:
        """Do without a worker that has ended, or is about to."""
        self._forget(worker)
        self._refill()
        self._dispatch()

    def _forget(self, worker: WorkerProcess) -> None:
        self._busy.discard(worker)
        self._long.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)

    # --- workers ----------------------------------------------------------------------------

    def _refill(self) -> None:
        """Start workers in the place of those that are missing."""
        there = len(self._idle) + len(self._busy) + self._starting
        for _ in range(self._limits.workers + _SPARES - there if self._is_open else 0):
            self._starting += 1
            self._begin(self._start_again())

    def _begin(self, what: Coroutine[Any, Any, None]) -> None:
        self._held(self._tasks, what)

    def _held(self, tasks: set[asyncio.Task[None]], what: Coroutine[Any, Any, None]) -> None:
        """Begin something, and hold it as long as it runs."""
        assert self._loop is not None  # noqa: S101 - `start` has set it
        task = self._loop.create_task(what)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _start_again(self) -> None:
        if self._failures:
            await asyncio.sleep(_PATIENCE[min(self._failures, len(_PATIENCE)) - 1])
        try:
            await self._start_one()
        except (ExecutionError, BadFrame, OSError) as error:
            _log.error("%s", error)
            self._refill()

    async def _start_one(self) -> None:
        """Start a worker; it was counted as starting before."""
        assert self._scratch is not None  # noqa: S101 - `start` has made it
        try:
            async with self._gate:
                folder = self._scratch / str(next(self._numbers))
                worker = await WorkerProcess.start(self._setup, folder)
        except BaseException:
            self._failures += 1
            raise
        finally:
            self._starting -= 1
        self._failures = 0
        if worker.missing and not self._told_missing:
            self._told_missing = True
            for text in worker.missing:
                _log.warning("%s", text)
        self._idle.append(worker)
        self._held(self._mourning, self._mourn(worker))
        self._dispatch()

    async def _mourn(self, worker: WorkerProcess) -> None:
        """Wait for the end of a worker, and replace it."""
        await worker.ended()
        self._lost(worker)
        if (statement := self._statements.get(worker)) is not None:
            await asyncio.wait([statement.ending])  # what it has sent may still be read
        await worker.close()
