"""What a task can see of the run that it is part of: its engine, and what it can tell of itself."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from skyseries.errors import Cancelled

if TYPE_CHECKING:
    from skyseries.executors.base import Executor
    from skyseries.executors.job import Job

__all__ = [
    "Cost",
    "Reporter",
    "TaskScope",
    "check_cancelled",
    "count_bytes",
    "current",
    "current_job",
    "in_task",
    "job_here",
    "report_progress",
    "task_context",
    "throttled",
]

Reporter = Callable[[float], None]

current: ContextVar[Executor | None] = ContextVar("skyseries_executor", default=None)
job_here: ContextVar[Job | None] = ContextVar("skyseries_job", default=None)
_scope: ContextVar[TaskScope | None] = ContextVar("skyseries_task", default=None)

_REPORT_INTERVAL = 0.1
"""Seconds between two reports that are passed on: a task may report in its inner loop, and a
listener that redraws a line is not called thousands of times a second for it."""


class Cost(NamedTuple):
    """What a call of a task's function took, on its worker."""

    seconds: float = 0.0
    bytes_read: int = 0


@dataclass
class TaskScope:
    """A task that is running.

    Parameters
    ----------
    reporter : callable, optional
        Gets what the task reports of its progress.
    stopping : threading.Event, optional
        Whether its run is stopping.
    outer : TaskScope, optional
        The task that this one is a part of.
    """

    reporter: Reporter | None = None
    stopping: threading.Event | None = None
    outer: TaskScope | None = None
    bytes_read: int = 0

    def check(self) -> None:
        """Raise Cancelled if its result, or that of what it is a part of, is no longer wanted."""
        if self.stopping is not None and self.stopping.is_set():
            raise Cancelled("the run was cancelled, or another of its tasks has failed")
        if self.outer is not None:
            self.outer.check()

    def measured(self, function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Cost]:
        """Call the task's function; return its value and what it took."""
        started = time.perf_counter()
        value = function(*args)
        return value, Cost(time.perf_counter() - started, self.bytes_read)


def report_progress(fraction: float) -> None:
    """Tell the listeners of the run how much of the present task is done.

    To be called by the task itself. On the engines of this process (serial, threads) it makes a
    `TaskProgress` event, at most ten times a second for each task, and it is also where a
    running task stops early when its run is cancelled. On other engines, and outside of a task,
    nothing happens.

    Parameters
    ----------
    fraction : float
        From 0 to 1.

    Raises
    ------
    Cancelled
        As `check_cancelled` does.
    """
    scope = _scope.get()
    if scope is not None:
        scope.check()
        if scope.reporter is not None:
            scope.reporter(fraction)


def check_cancelled() -> None:
    """Stop the present task here if nobody wants its result any more.

    To be called by the task itself, where something long begins. On the engines of this process
    (serial, threads) a cancelled run, or one that Ctrl-C ends, so ends at once. On other engines,
    where tasks are ended by force, and outside of a task, nothing happens.

    Raises
    ------
    Cancelled
        If the run was cancelled, or has failed elsewhere, so that this task's result is no
        longer wanted. A task lets it pass, cleaning up behind itself.
    """
    scope = _scope.get()
    if scope is not None:
        scope.check()


def count_bytes(n: int) -> None:
    """Add to the bytes that the present task has read; outside of a task nothing happens.

    They are told with the end of the task, on every engine (`TaskEnd.bytes_read`).
    """
    scope = _scope.get()
    if scope is not None:
        scope.bytes_read += n


def in_task() -> bool:
    """Tell whether this is called by a task."""
    return _scope.get() is not None


def current_job() -> Job | None:
    """Return the job of the innermost ``with`` block here; None outside, and inside of a task."""
    return job_here.get()


@contextlib.contextmanager
def task_context(
    engine: Executor,
    reporter: Reporter | None = None,
    stopping: threading.Event | None = None,
) -> Iterator[TaskScope]:
    """Make `engine` the current one, and no job, for a task; see `TaskScope`."""
    scope = TaskScope(reporter, stopping, _scope.get())
    engine_token = current.set(engine)
    job_token = job_here.set(None)
    scope_token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(scope_token)
        job_here.reset(job_token)
        current.reset(engine_token)


def throttled(report: Reporter) -> Reporter:
    """Pass on a report only if the last one is a while ago, or if it says that all is done."""
    last = 0.0

    def reporter(fraction: float) -> None:
        nonlocal last
        now = time.monotonic()
        if fraction >= 1 or now - last >= _REPORT_INTERVAL:
            last = now
            report(fraction)

    return reporter
