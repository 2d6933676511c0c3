"""The book-keeping of one run: what waits, what failed how often, who is told."""

from __future__ import annotations

import contextvars
import heapq
import math
import queue
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from skyseries.config import tuning
from skyseries.errors import (
    Cancelled,
    ExecutionError,
    InputError,
    MissingDependencyError,
    SkyseriesError,
)
from skyseries.executors.base import Event, Listener, Result, Task, TaskEnd, TaskError, TaskStart
from skyseries.executors.context import Cost, count_bytes

__all__ = ["Call", "Outcome", "Run", "WorkerDiedError"]

_FINAL = (Cancelled, InputError, MissingDependencyError)
"""Not worth a second try: the same arguments give the same answer."""


_NO_COST = Cost()
_WAIT_INTERVAL = 0.25
"""Seconds between two calls of `while_waiting`."""


class WorkerDiedError(ExecutionError):
    """The worker that ran a task is gone."""


@dataclass(frozen=True)
class Call:
    """One try of a task."""

    task: Task
    index: int
    attempt: int


@dataclass
class Outcome:
    """How a try ended; `error` is None where it returned."""

    call: Call
    time: float
    cost: Cost = _NO_COST
    value: Any = None
    error: BaseException | None = None

    def take(self) -> Result:
        """Return the result and forget it, so that only the caller holds it."""
        value, self.value = self.value, None
        return Result(self.call.index, value)


class Run:
    """One call of `Executor.run`.

    Everything here happens in the thread that iterates over the results, but for `cancel`, and
    for `inbox`, into which workers put what happens to them.

    Parameters
    ----------
    tasks, listeners, retries, ordered, retry_on, while_waiting
        As in `Executor.run`.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        listeners: Iterable[Listener],
        retries: int,
        ordered: bool = False,
        retry_on: Callable[[BaseException], bool] | None = None,
        while_waiting: Callable[[], None] | None = None,
    ) -> None:
        if retries < 0:
            raise InputError(f"retries must be 0 or more, not {retries}")
        self.tasks = tuple(tasks)
        self.retries = retries
        self.ordered = ordered
        self._retry_on = retry_on
        self._while_waiting = while_waiting
        self.token = uuid.uuid4().hex  # what workers elsewhere call this run
        self.done = 0
        self.inbox: queue.SimpleQueue[Event | Outcome | None] = queue.SimpleQueue()
        self.stopping = threading.Event()
        self.cancelled = False
        self.context = contextvars.copy_context()
        self.tuning = tuning()
        self.listener_error: BaseException | None = None
        self._listeners = tuple(listeners)
        self._attempts: Counter[int] = Counter()
        self._failures: Counter[int] = Counter()
        self._deaths: Counter[int] = Counter()
        self._held: dict[int, Outcome] = {}
        self._due = 0
        self._queue = [(self._rank(index), index) for index in range(len(self.tasks))]
        heapq.heapify(self._queue)

    def take(self, window: int) -> Call | None:
        """Return the heaviest task that waits, or None.

        In order it is the first that waits, and it may be less than `window` tasks ahead of the
        first result that was not yet taken. The task that makes this result never has to wait for
        others, since of all that waits it is the first.
        """
        if not self._queue or (self.ordered and self._queue[0][1] >= self._due + window):
            return None
        _, index = heapq.heappop(self._queue)
        self._attempts[index] += 1
        return Call(self.tasks[index], index, self._attempts[index])

    def cancel(self) -> None:
        """Stop the run; safe from any thread and from a signal handler."""
        self.cancelled = True
        self.stopping.set()
        self.inbox.put(None)

    def check(self) -> None:
        """Raise Cancelled if the run was cancelled."""
        if self.cancelled:
            raise Cancelled(f"cancelled after {self.done} of {len(self.tasks)} tasks")

    def emit(self, event: Event) -> None:
        """Tell all listeners; after a listener has failed, none is told anything."""
        try:
            for listener in self._listeners:
                listener(event)
        except BaseException as error:
            self._listeners = ()
            self.listener_error = error
            raise

    def wait(self) -> Event | Outcome | None:
        """Return what comes next from a worker; None: look whether the run was cancelled."""
        if self._while_waiting is None:
            return self.inbox.get()
        while True:
            try:
                return self.inbox.get(timeout=_WAIT_INTERVAL)
            except queue.Empty:
                self._while_waiting()

    def start(self, call: Call) -> TaskStart:
        """Return the event that a worker begins a task now."""
        return TaskStart(call.task, call.index, time.time(), call.attempt)

    def settle(self, outcome: Outcome) -> bool:
        """Enter how a try ended; return whether there is a result to hand on.

        Raises
        ------
        ExecutionError, or the task's own SkyseriesError
            If the task is not tried again, unless the run is stopping anyway.
        """
        call, error = outcome.call, outcome.error
        if error is None:
            self.done += 1
            count_bytes(outcome.cost.bytes_read)  # of the task, if any, that this run is part of
            self.emit(TaskEnd(call.task, call.index, outcome.time, *outcome.cost))
            return True
        again = self._try_again(call.index, error)
        self.emit(TaskError(call.task, call.index, outcome.time, error, call.attempt, again))
        if again:
            heapq.heappush(self._queue, (self._rank(call.index), call.index))
        elif not self.stopping.is_set():
            self._raise(call, error)
        return False

    def hold(self, outcome: Outcome) -> None:
        """Keep what a task returned until it is its turn."""
        self._held[outcome.call.index if self.ordered else self._due] = outcome

    def has_next(self) -> bool:
        """Return whether a result can be handed on: in order, the first not yet taken."""
        return self._due in self._held

    def next(self) -> Result:
        """Hand a result on."""
        outcome = self._held.pop(self._due)
        self._due += 1
        return outcome.take()

    def drain(self) -> None:
        """Tell the listeners how the tasks ended that ran while the run was stopping."""
        while not self.inbox.empty():
            message = self.inbox.get()
            if isinstance(message, Outcome):
                self.settle(message)
            elif message is not None:
                self.emit(message)

    def _rank(self, index: int) -> float:
        """Return what tasks are sorted by."""
        weight = _weight(self.tasks[index], index)
        return 0.0 if self.ordered else -weight

    def _try_again(self, index: int, error: BaseException) -> bool:
        if self.stopping.is_set() or isinstance(error, _FINAL):
            return False
        if isinstance(error, WorkerDiedError):
            self._deaths[index] += 1
            # one more than `retries`: that a worker dies is seldom the task's fault
            return self._deaths[index] <= self.retries + 1
        if self._retry_on is not None and not self._retry_on(error):
            return False
        self._failures[index] += 1
        return self._failures[index] <= self.retries

    def _raise(self, call: Call, error: BaseException) -> None:
        name = call.task.name or f"task {call.index}"
        tries = f" {call.attempt} times" if call.attempt > 1 else ""
        if isinstance(error, Cancelled):  # with what this run is a part of
            raise error
        if isinstance(error, SkyseriesError) and not isinstance(error, ExecutionError):
            where = f"in {name}" if call.task.name else ""
            if note := ", ".join(filter(None, (where, f"tried{tries}" if tries else ""))):
                error.add_note(note)
            raise error
        text = str(error)
        what = type(error).__name__ + (f": {text}" if text else "")
        if isinstance(error, ExecutionError):
            what = text
        raise ExecutionError(f"{name} failed{tries}: {what}") from error


def _weight(task: Task, index: int) -> float:
    if not math.isfinite(task.weight):
        name = task.name or f"task {index}"
        raise InputError(f"the weight of {name} must be a finite number, not {task.weight}")
    return task.weight
