"""Synchronous queries: the first row leaves when there is one, and who goes ends the statement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from skyseries.errors import InputError, StorageError
from skyseries.server.jobs.job import UnknownJob, WrongPhase
from skyseries.server.work import Busy, Failed, Running, Work

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from skyseries.server.work import Pool

__all__ = ["Rows", "refused"]

T = TypeVar("T")

_STATUS = {"usage": 400, "limit": 413, "aborted": 503, "died": 500, "internal": 500}


class _GoneError(Exception):
    """The client has gone."""


def refused(error: Exception) -> tuple[int, str, dict[str, str]]:
    """Return the status, the message and headers of an answer to what cannot be done."""
    if isinstance(error, Busy):
        seconds = str(max(1, round(error.seconds)))
        text = f"all workers are busy: try again in {seconds} s, or make it an asynchronous job"
        return 503, text, {"retry-after": seconds}
    if isinstance(error, Failed):
        return _STATUS.get(error.kind, 500), error.message, {}
    if isinstance(error, StorageError):  # the log has more
        return 503, "the service has no place to keep anything now", {"retry-after": "60"}
    for kind, status in ((InputError, 400), (UnknownJob, 404), (WrongPhase, 403)):
        if isinstance(error, kind):
            return status, str(error), {}
    raise error


class Rows:
    """The answer that is the result of a statement.

    Parameters
    ----------
    pool : Pool
    work : Work
    media_type : str
        What it says that it is.
    refuse : callable
        Makes an answer of an exception, where there are no rows.
    seconds : float
        A client that takes nothing for so long has gone.
    """

    def __init__(
        self,
        pool: Pool,
        work: Work,
        media_type: str,
        refuse: Callable[[Exception], Response],
        seconds: float,
    ) -> None:
        self._pool, self._work, self._media_type = pool, work, media_type
        self._refuse, self._seconds = refuse, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the statement and send its rows."""
        gone = asyncio.ensure_future(_until_gone(receive))
        running: Running | None = None
        try:
            try:
                running = await _unless(gone, self._pool.run(self._work, waits=False))
                began = await _unless(gone, running.began())
            except (Busy, Failed, InputError) as error:
                await self._refuse(error)(scope, receive, send)
                return
            await send(self._start(began.suffix))
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
            else:
                await self._send(running, gone, send)
                outcome = await running.outcome()
                times = {name: round(seconds, 4) for name, seconds in outcome.times.items()}
                scope["state"]["noted"] |= {"read": outcome.read, "times": times}
        except _GoneError:
            pass  # there is nobody to tell
        finally:
            gone.cancel()
            if running is not None:
                running.abort("its client has gone")
                scope["state"]["noted"]["rows"] = running.progress.rows

    def _start(self, suffix: str) -> dict[str, object]:
        text = self._media_type.startswith("text/") and "charset=" not in self._media_type
        headers = {
            "content-type": self._media_type + (";charset=UTF-8" if text else ""),
            "content-disposition": f'inline; filename="result{suffix}"',
            "cache-control": "no-store",
        }
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return {"type": "http.response.start", "status": 200, "headers": pairs}

    async def _send(self, running: Running, gone: asyncio.Future[None], send: Send) -> None:
        pieces = aiter(running.pieces())
        while (piece := await _unless(gone, anext(pieces, None))) is not None:
            body = {"type": "http.response.body", "body": piece, "more_body": True}
            try:
                await asyncio.wait_for(send(body), self._seconds)
            except TimeoutError:
                raise Failed("the client takes nothing", "aborted") from None
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unless(gone: asyncio.Future[None], wanted: Awaitable[T]) -> T:
    """Return what is awaited, unless the client goes before."""
    task = asyncio.ensure_future(wanted)
    try:
        await asyncio.wait((gone, task), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise _GoneError
    finally:
        task.cancel()
