"""The engines of this process: one task after the other, and threads."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from skyseries.executors.base import Event, Result, TaskProgress
from skyseries.executors.context import Cost, task_context, throttled
from skyseries.executors.run import Call, Outcome, Run
from skyseries.executors.stream import CallingExecutor, TrackingExecutor, worker_count

__all__ = ["Serial", "Threads"]


class Serial(TrackingExecutor):
    """One task after the other, in the thread that asks for the results.

    A task starts when the next result is asked for. For debugging, and the engine inside of the
    tasks of other engines.
    """

    name = "serial"

    def __init__(self, workers: int | None = None) -> None:
        super().__init__()
        self.workers = 1

    def _stream(self, run: Run) -> Generator[Result]:
        try:
            while True:
                run.check()
                call = run.take(window=1)
                if call is None:
                    return
                run.emit(run.start(call))
                outcome = _outcome(run, call)
                if run.listener_error is not None:
                    raise run.listener_error
                if run.settle(outcome) and not run.cancelled:
                    run.hold(outcome)
                    yield run.next()
        finally:
            run.stopping.set()
            self._runs.discard(run)


class Threads(CallingExecutor):
    """Threads of this process: the default.

    Nothing is copied between tasks and caller. Kernels, Parquet and DuckDB work without the
    interpreter lock; Python code in tasks takes turns. A running task cannot be killed: a
    cancelled run waits for it, or for its next `report_progress` or `check_cancelled`, which is
    where it reads a leaf. On Ctrl-C KeyboardInterrupt is raised in it, between two steps of Python.
    """

    name = "threads"

    def __init__(self, workers: int | None = None) -> None:
        super().__init__()
        self.workers = worker_count(workers)
        self._lock = threading.Lock()
        self._busy: dict[int, Run] = {}

    def _call(self, run: Run, call: Call) -> tuple[Any, Cost]:
        thread = threading.get_ident()
        with self._lock:
            self._busy[thread] = run
        try:
            return run.context.copy().run(_call, run, call, run.inbox.put)
        finally:
            with self._lock:
                del self._busy[thread]

    def _abandon(self, run: Run, grace: float) -> None:
        if grace:  # nobody has asked for a sudden end
            return
        with self._lock:
            for thread, its in self._busy.items():
                if its is run:
                    number, error = ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, error)


def _outcome(run: Run, call: Call) -> Outcome:
    try:
        value, cost = run.context.copy().run(_call, run, call, run.emit)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Outcome(call, time.time(), error=error)
    return Outcome(call, time.time(), cost, value)


def _call(run: Run, call: Call, tell: Callable[[Event], None]) -> tuple[Any, Cost]:
    """Call the task's function in this thread; return its value and what it took."""

    def report(fraction: float) -> None:
        tell(TaskProgress(call.task, call.index, time.time(), fraction))

    with task_context(Serial(), throttled(report), run.stopping) as scope:
        return scope.measured(call.task.function, call.task.args)
