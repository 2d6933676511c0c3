"""A statement that a worker has, as a request or a job holds it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from typing import Any

from skyseries.server.limits import Limits
from skyseries.server.work import Began, Failed, Outcome, Progress, Work
from skyseries.server.workers.frames import (
    BEGAN,
    ENDED,
    FAILED,
    GO,
    LEAVE,
    PIECE,
    PLANNED,
    PROGRESS,
    WORK,
)
from skyseries.server.workers.process import BadFrame, WorkerProcess
from skyseries.units import size_text

__all__ = ["Statement"]

_log = logging.getLogger(__name__)

_KINDS = {"usage", "limit", "aborted", "internal"}
_ODD = "the service has failed, for a reason that its log names; the statement may be right"


class Statement:
    """See `skyseries.server.work.Running`.

    Parameters
    ----------
    work : Work
    process : WorkerProcess
        Nobody else speaks to it until `released` is called.
    limits : Limits
    released : callable
        Called once, with whether the process can take another statement.
    """

    def __init__(
        self, work: Work, process: WorkerProcess, limits: Limits, released: Callable[[bool], None]
    ) -> None:
        self.work, self.process = work, process
        self.asked_at = time.monotonic()
        self.started_at: float | None = None
        """When it was let run; None while it is planned."""
        self.untaken_since: float | None = None
        """Since when the client takes nothing, though there may be something; None: it waits."""
        self._limits, self._released = limits, released
        self._progress = Progress()
        self._left = 0
        """Bytes of the present piece that were not yet handed on."""
        self._began: asyncio.Future[Began] = asyncio.get_running_loop().create_future()
        self._ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._driver: asyncio.Task[None] | None = None

    # --- for who asked ----------------------------------------------------------------------

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        return self._progress

    async def began(self) -> Began:
        """Return once its result has begun; raise `Failed` if it will have none."""
        return await asyncio.shield(self._began)

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the result; to close it early ends the statement."""
        return _Pieces(self)

    async def outcome(self) -> Outcome:
        """Return how it ended; raise `Failed`."""
        return await asyncio.shield(self._ended)

    def abort(self, message: str = "the statement was aborted") -> None:
        """End it at once, whatever it does."""
        self.fail(Failed(message, "aborted"))

    # --- for the pool, and its watchdog -----------------------------------------------------

    @property
    def is_ended(self) -> bool:
        """Whether its outcome is known."""
        return self._ended.done()

    @property
    def ending(self) -> asyncio.Future[Outcome]:
        """What is done when it has ended; to be waited for only."""
        return self._ended

    async def plan(self) -> int | None:
        """Give it to the worker, and return how many bytes it reads; None: that is not known.

        Raises
        ------
        Failed
        """
        await self._guarded(self.process.send(WORK, asdict(self.work)))
        value = await self._guarded(self._wait_for(PLANNED))
        try:
            return None if value["bytes"] is None else int(value["bytes"])
        except (TypeError, KeyError, ValueError):
            raise self._odd("what is planned") from None

    async def leave(self) -> None:
        """Tell the worker to forget it; it is free again."""
        await self._guarded(self.process.send(LEAVE))

    async def go(self) -> None:
        """Let it run."""
        self.started_at = time.monotonic()
        await self._guarded(self.process.send(GO))
        self._driver = asyncio.create_task(self._drive())

    def fail(self, failed: Failed) -> None:
        """End it at once, for a reason."""
        if not self.is_ended:
            self.process.kill()
            self._settle(failed, reusable=False)

    # --- what the worker says ---------------------------------------------------------------

    async def _drive(self) -> None:
        """Read until the result begins; of one that is written, until it is there."""
        try:
            value = await self._guarded(self._wait_for(BEGAN))
            try:
                began = Began(str(value["media_type"]), str(value["suffix"]))
            except (TypeError, KeyError):
                raise self._odd("how it begins") from None
            if not self._began.done():
                self._began.set_result(began)
            self.untaken_since = time.monotonic()
            if self.work.result is not None:
                self._end(await self._guarded(self._wait_for(ENDED)))
        except Failed:
            pass  # all who wait know it

    async def _wait_for(self, wanted: bytes) -> Any:
        """Return what comes with a frame; what tells of progress may come before it."""
        kind, size = await self._frame()
        if kind != wanted:
            raise BadFrame(f"{kind!r} in place of {wanted!r}")
        return await self.process.json(size)

    async def _frame(self) -> tuple[bytes, int]:
        """Return the next frame that does not only tell of progress; raise what it failed with."""
        while True:
            kind, size = await self.process.frame()
            if kind == FAILED:
                value = await self.process.json(size)
                message, said = str(value["message"]), str(value["kind"])
                failed = Failed(message, said if said in _KINDS else "internal")
                self._settle(failed, reusable=True)
                raise failed
            if kind != PROGRESS:
                return kind, size
            self._moved(await self.process.json(size))

    async def _next_of_piece(self) -> int:
        """Return the size of the next piece; 0: there is none, and all is well."""
        kind, size = await self._frame()
        if kind == PIECE:
            return size
        if kind != ENDED:
            raise BadFrame(f"{kind!r} in place of a piece")
        self._end(await self.process.json(size))
        return 0

    async def next_bytes(self) -> bytes:
        """Return some bytes of the result; none at its end."""
        if self.is_ended:
            await self.outcome()
            return b""
        if not self._left:
            self._left = await self._guarded(self._next_of_piece())
        if not self._left:
            return b""
        part: bytes = await self._guarded(self.process.some(self._left))
        self._left -= len(part)
        self._took(len(part))
        return part

    def _moved(self, value: Any) -> None:
        progress = Progress(**{name: int(number) for name, number in value.items()})
        own = self._progress.bytes if self.work.result is None else progress.bytes
        self._progress = replace(progress, bytes=own)

    def _took(self, size: int) -> None:
        """Count bytes that are handed on: no more than a result may have, whoever sends them."""
        total = self._progress.bytes + size
        self._progress = replace(self._progress, bytes=total)
        if total > self._limits.result_bytes:
            most = size_text(self._limits.result_bytes)
            self.fail(Failed(f"the result has more than the {most} that one may have", "limit"))
            raise self._failure()

    def _end(self, value: Any) -> None:
        outcome = Outcome(
            int(value["rows"]), int(value["bytes"]), bool(value["overflow"]), str(value["sha256"]),
            str(value["media_type"]), tuple((str(n), str(v)) for n, v in value["versions"]),
            {str(name): float(seconds) for name, seconds in value["times"].items()},
            int(value["read"]),
        )  # fmt: skip
        self._progress = replace(self._progress, rows=outcome.rows, bytes=outcome.bytes)
        self._settle(outcome, reusable=True)

    async def _guarded(self, reading: Any) -> Any:
        """Await what is said to or by the worker; whatever goes wrong there is the end of it."""
        try:
            value = await reading
        except EOFError:
            if not self.is_ended:
                how = await self.process.end()
                self._settle(
                    Failed(f"the process that ran the statement {how}; others go on", "died"),
                    reusable=False,
                )
        except (BadFrame, TypeError, KeyError, ValueError, AttributeError) as error:
            self._odd(str(error))
        else:
            return value
        raise self._failure()

    def _odd(self, what: str) -> Failed:
        """End it as a fault of ours: its worker says what none should."""
        _log.error("worker %d says what it should not: %s", self.process.pid, what)
        self.fail(Failed(_ODD, "internal"))
        return self._failure()

    def _failure(self) -> Failed:
        error = self._ended.exception()
        return error if isinstance(error, Failed) else Failed(_ODD, "internal")

    def _settle(self, ended: Outcome | Failed, *, reusable: bool) -> None:
        if self.is_ended:
            return
        if isinstance(ended, Failed):
            for future in (self._began, self._ended):
                if not future.done():
                    future.set_exception(ended)
                    future.exception()  # nobody needs to ask
        else:
            self._ended.set_result(ended)
        self._released(reusable)


class _Pieces:
    """The bytes of the result of a statement."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        statement = self._statement
        await statement.began()
        statement.untaken_since = None
        try:
            part = b"" if statement.work.result is not None else await statement.next_bytes()
        finally:
            statement.untaken_since = time.monotonic()
        if not part:
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        """End the statement if it has not ended."""
        self._statement.abort("the client has gone")
