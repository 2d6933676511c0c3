"""A file for writers of other libraries, whose bytes are taken out while it is written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from skyseries.formats.streams.base import PIECE

__all__ = ["Drain"]


class Drain(io.RawIOBase):
    """Knows how much has been written, and holds what has not been taken yet."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._position = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes have been written."""
        return self._position

    def write(self, data: Any) -> int:
        """Take in bytes."""
        size = memoryview(data).nbytes
        self._held += data
        self._position += size
        return size

    def taken(self) -> Iterator[bytes]:
        """Yield what is held, in pieces."""
        held, self._held = self._held, bytearray()
        for start in range(0, len(held), PIECE):
            yield bytes(held[start : start + PIECE])
