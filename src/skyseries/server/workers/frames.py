"""What a worker and the server say to each other: frames on a socket.

A frame is a byte that says its kind, four bytes of length, and a body: JSON, or for a piece of a
result the bytes themselves. Nothing is pickled: a worker may do what a damaged file makes it do,
and the server believes it nothing but numbers and texts.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import Any

__all__ = [
    "BEGAN",
    "ENDED",
    "FAILED",
    "GO",
    "HEADER",
    "LEAVE",
    "LOG",
    "MOST_JSON",
    "PIECE",
    "PLANNED",
    "PROGRESS",
    "READY",
    "SETUP",
    "WORK",
    "Channel",
    "packed",
]

HEADER = struct.Struct("!cI")
MOST_JSON = 16 << 20
"""Bytes of a body that is JSON at most."""

SETUP, WORK, GO, LEAVE = b"S", b"W", b"G", b"L"
"""Of the server: what the worker is; a statement; it may run now; it may not yet."""
READY, PLANNED, BEGAN, PIECE, PROGRESS, ENDED, FAILED = b"R", b"P", b"B", b"D", b"T", b"E", b"F"
"""Of the worker: it waits; what the statement reads; its result begins; bytes of it; how far it is;
it is whole; it is none."""
LOG = b"X"
"""Of the worker, at any time."""


def packed(kind: bytes, value: Any) -> bytes:
    """Return a frame of JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return HEADER.pack(kind, len(body)) + body


class Channel:
    """The worker's end of the socket; any thread may send.

    Parameters
    ----------
    sock : socket
        Blocking: who reads slowly stops the worker.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._lock = threading.Lock()

    def tell(self, kind: bytes, value: Any = None) -> None:
        """Send a frame of JSON."""
        frame = packed(kind, value)
        with self._lock:
            self._socket.sendall(frame)

    def send(self, piece: bytes) -> None:
        """Send a piece of a result."""
        header = HEADER.pack(PIECE, len(piece))
        with self._lock:
            sent = self._socket.sendmsg([header, piece])
            self._socket.sendall(header[sent:])
            self._socket.sendall(memoryview(piece)[max(sent - len(header), 0) :])

    def receive(self) -> tuple[bytes, Any]:
        """Return the next frame of JSON: its kind, and its value.

        Raises
        ------
        EOFError
            If the server has gone.
        """
        kind, size = HEADER.unpack(self._exactly(HEADER.size))
        return kind, json.loads(self._exactly(size))

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._socket.recv(min(size, 1 << 20))
            if not part:
                raise EOFError("the server has gone")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
