"""Connections of clients that are slow, too many, or mean no good.

A request's head must be there within a time, and is bounded. Where there are more connections than
the service takes, those go first that have kept it waiting for the longest time: so nobody can keep
others out with connections on which little or nothing is sent.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from skyseries.server.limits import Limits

__all__ = ["Connection", "connection_of"]


class Connection(HttpToolsProtocol):
    """A connection to the service."""

    limits: ClassVar[Limits]
    waits_since = 0.0
    """When it began to wait for what the client is to send, or to take."""
    _head = 0
    """Bytes of the present head, or of what came since the last one."""
    _is_answering = False
    """Whether a head is whole, and its answer is not."""
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin, and make room if there are too many."""
        super().connection_made(transport)
        self._wait(self.limits.head_seconds)
        if len(self.connections) > self.limits.connections:
            waiting = [one for one in self.connections if one.is_waiting]  # type: ignore[union-attr]
            min(waiting, key=lambda one: one.waits_since).transport.abort()  # type: ignore[union-attr]

    @property
    def is_waiting(self) -> bool:
        """Whether the client is to do something, and not the service."""
        return not self._is_answering or self.cycle.more_body or self.flow.write_paused

    def data_received(self, data: bytes) -> None:
        """Take what was sent, as long as heads are not too large."""
        if not self._is_answering:
            self._head += len(data)
            if self._head > self.limits.head_bytes:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Let the request be answered, however long that takes."""
        self._head, self._is_answering = 0, True
        self._wait_no_more()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, and the rest of this one; answer those that wait first."""
        self._is_answering = bool(self.pipeline)
        if not self._is_answering:
            is_taken = not self.transport.get_write_buffer_size()
            self._wait(self.limits.head_seconds if is_taken else self.limits.write_seconds)
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()

    def pause_writing(self) -> None:
        """Wait until the client takes what it has asked for."""
        super().pause_writing()
        self._wait(self.limits.write_seconds)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self._is_answering:
            self._wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        self._wait_no_more()
        self.waits_since = time.monotonic()
        self._patience = self.loop.call_later(seconds, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def connection_of(limits: Limits) -> type[asyncio.Protocol]:
    """Return the class of the connections of a service with these limits."""
    return type("Connection", (Connection,), {"limits": limits})
