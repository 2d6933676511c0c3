"""Waiting until something is told of a job."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Changes"]


class Changes:
    """Who waits for news of which job; for one event loop."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def of(self, id: str) -> Iterator[asyncio.Event]:
        """Lend an event that is set as soon as something is told of this job.

        What is looked up within the block, before the event is waited for, is not out of date.
        """
        event = asyncio.Event()
        self._listeners[id].add(event)
        try:
            yield event
        finally:
            self._listeners[id].discard(event)
            if not self._listeners[id]:
                del self._listeners[id]

    def tell(self, id: str) -> None:
        """Wake those who wait for news of a job."""
        for event in self._listeners.get(id, ()):
            event.set()

    def tell_all(self) -> None:
        """Wake everybody."""
        for id in self._listeners:
            self.tell(id)
