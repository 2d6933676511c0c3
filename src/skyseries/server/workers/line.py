"""Statements that wait for a worker: requests and jobs take turns."""

from __future__ import annotations

import asyncio
from collections import deque

from skyseries.server.workers.process import WorkerProcess

__all__ = ["Line", "Turn"]


class Turn:
    """A place in a line.

    Parameters
    ----------
    is_job : bool
        Whether nobody waits for it at the other end of a connection.
    """

    def __init__(self, *, is_job: bool) -> None:
        self.is_job = is_job
        self.worker: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()


class Line:
    """Turns in the order in which they came, of requests and of jobs alternately."""

    def __init__(self) -> None:
        self._lanes: dict[bool, deque[Turn]] = {False: deque(), True: deque()}
        self._next = False

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def count(self, *, is_job: bool) -> int:
        """Return how many requests, or jobs, wait."""
        return len(self._lanes[is_job])

    def append(self, turn: Turn) -> None:
        """Let one wait."""
        self._lanes[turn.is_job].append(turn)

    def remove(self, turn: Turn) -> None:
        """Let one go that waits no more."""
        if turn in self._lanes[turn.is_job]:
            self._lanes[turn.is_job].remove(turn)

    def pop(self) -> Turn:
        """Return the one whose turn it is."""
        lane = self._lanes[self._next] or self._lanes[not self._next]
        turn = lane.popleft()
        self._next = not turn.is_job
        return turn
