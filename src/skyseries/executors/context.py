"""What a task can see of the run that it is part of: its engine, and a way to report progress."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyseries.executors.base import Executor

__all__ = ["Reporter", "current", "report_progress", "task_context", "throttled"]

Reporter = Callable[[float], None]

current: ContextVar[Executor | None] = ContextVar("skyseries_executor", default=None)
_reporter: ContextVar[Reporter | None] = ContextVar("skyseries_reporter", default=None)

_REPORT_INTERVAL = 0.1
"""Seconds between two reports that are passed on: a task may report in its inner loop, and a
listener that redraws a line is not called thousands of times a second for it."""


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
        If the run was cancelled, or has failed elsewhere, so that this task's result is no
        longer wanted. A task lets it pass, cleaning up behind itself.
    """
    reporter = _reporter.get()
    if reporter is not None:
        reporter(fraction)


@contextlib.contextmanager
def task_context(engine: Executor, reporter: Reporter | None) -> Iterator[None]:
    """Make `engine` the current one, and `reporter` what `report_progress` calls, for a task."""
    engine_token = current.set(engine)
    reporter_token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(reporter_token)
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
