"""How far a statement is, as a worker tells it."""

from __future__ import annotations

import time
from dataclasses import asdict

from skyseries.executors import JobEvent, StageStart, TaskEnd
from skyseries.server.limits import Limits
from skyseries.server.work import Failed, Progress
from skyseries.server.workers.frames import PROGRESS, Channel
from skyseries.units import size_text

__all__ = ["Meter"]

_EVERY = 0.2
"""Seconds between two reports."""


class Meter:
    """Counts rows and bytes of one statement, and tells the server of them now and then."""

    def __init__(self, channel: Channel, limits: Limits) -> None:
        self.rows = self.bytes = self.read = 0
        self._done = self._total = 0
        self._channel, self._most = channel, limits.result_bytes
        self._told = time.monotonic()

    def heard(self, event: JobEvent) -> None:
        """Count what the job has done."""
        if isinstance(event, StageStart):
            self._total += event.tasks
        elif isinstance(event, TaskEnd):
            self._done += 1
            self.read += event.bytes_read
        self._tell()

    def given(self, nbytes: int) -> None:
        """Count bytes of the result.

        Raises
        ------
        Failed
            If it has more than it may have.
        """
        self.bytes += nbytes
        if self.bytes > self._most:
            raise Failed(
                f"the result has more than the {size_text(self._most)} that one may have: ask for "
                "fewer rows or columns",
                "limit",
            )
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= _EVERY:
            self._told = now
            progress = Progress(self.rows, self.bytes, self.read, self._done, self._total)
            self._channel.tell(PROGRESS, asdict(progress))
