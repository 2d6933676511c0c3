"""Where the bytes of a result go: to the server, or into a file that appears whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from skyseries.server.workers.frames import Channel
from skyseries.store.files import atomic_path

__all__ = ["Sink", "sent", "written"]


class Sink(Protocol):
    """Takes the pieces of a result."""

    def write(self, piece: bytes) -> None:
        """Take a piece."""

    @property
    def sha256(self) -> str:
        """Of a file; empty for what is sent."""


class _Sent:
    sha256 = ""

    def __init__(self, channel: Channel) -> None:
        self.write: Callable[[bytes], None] = channel.send


class _Written:
    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._digest.update(piece)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@contextmanager
def sent(channel: Channel) -> Iterator[Sink]:
    """Send a result."""
    yield _Sent(channel)


@contextmanager
def written(path: Path) -> Iterator[Sink]:
    """Write a result; where the block ends well the whole file is there, on the disk.

    Who counts on its name syncs the folder (`JobFiles.keep_result`).
    """
    with atomic_path(path) as beside, beside.open("wb") as file:
        yield _Written(file)
        file.flush()
        os.fsync(file.fileno())
