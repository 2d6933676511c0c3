"""The loop that hands tasks to a bounded pool of threads and yields what comes back."""

from __future__ import annotations

import abc
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from skyseries.config import settings
from skyseries.errors import InputError
from skyseries.executors.base import Executor, Listener, Result, Results, Task
from skyseries.executors.context import Cost
from skyseries.executors.run import Call, Outcome, Run

__all__ = ["CallingExecutor", "StreamingExecutor", "TrackingExecutor", "worker_count"]

_AHEAD = 2
"""Tasks for each worker that run or wait to be taken: no worker waits while the consumer works on a
result, and a slow consumer, or a slow first task, finds no more than that piled up."""


def worker_count(workers: int | None) -> int:
    """Return how many tasks run side by side; None is what `skyseries.config.settings` says."""
    if workers is None:
        return settings().workers
    if workers < 1:
        raise InputError(f"workers must be 1 or more, not {workers}")
    return workers


class TrackingExecutor(Executor):
    """An engine that knows its runs, so that they can be cancelled."""

    def __init__(self) -> None:
        self._runs: weakref.WeakSet[Run] = weakref.WeakSet()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workers={self.workers})"

    def run(
        self,
        tasks: Sequence[Task],
        *,
        listeners: Iterable[Listener] = (),
        retries: int = 0,
        ordered: bool = False,
        retry_on: Callable[[BaseException], bool] | None = None,
        while_waiting: Callable[[], None] | None = None,
    ) -> Results:
        """Run the tasks; see `Executor.run`."""
        run = Run(tasks, listeners, retries, ordered, retry_on, while_waiting)
        self._runs.add(run)
        return Results(run, self._stream(run))

    def cancel(self) -> None:
        """Cancel every run of this engine that has not ended; see `Executor.cancel`."""
        for run in list(self._runs):
            run.cancel()

    @abc.abstractmethod
    def _stream(self, run: Run) -> Generator[Result]:
        """Run and yield."""


class StreamingExecutor(TrackingExecutor):
    """An engine with a thread here for each task that runs somewhere."""

    def _stream(self, run: Run) -> Generator[Result]:
        pool = ThreadPoolExecutor(self._threads(), thread_name_prefix=f"skyseries-{self.name}")
        try:
            yield from self._results(run, pool)
        except Exception:
            run.stopping.set()
            self._withdraw(run)
            self._join(run, pool)
            run.drain()
            raise
        except GeneratorExit:  # the consumer has seen enough
            run.stopping.set()
            self._withdraw(run)
            self._abandon(run, grace=1.0)
            raise
        except BaseException:  # Ctrl-C
            run.stopping.set()
            self._interrupt(run)
            raise
        finally:
            self._join(run, pool)
            self._runs.discard(run)

    def _results(self, run: Run, pool: ThreadPoolExecutor) -> Iterator[Result]:
        flying = 0
        while True:
            run.check()
            limit, window = self._most_in_flight(), _AHEAD * self.workers
            while flying < limit and (call := run.take(window)) is not None:
                self._submit(run, pool, call)
                flying += 1
            if run.has_next():
                yield run.next()
                continue
            if not flying:
                return
            message = run.wait()
            if isinstance(message, Outcome):
                flying -= 1
                if run.settle(message) and not run.cancelled:
                    run.hold(message)
            elif message is not None:
                run.emit(message)

    def _threads(self) -> int:
        """Return how many threads a run may have: so many tasks run at once."""
        return self.workers

    def _most_in_flight(self) -> int:
        """Return how many tasks may run or wait to be taken."""
        return _AHEAD * self.workers

    @abc.abstractmethod
    def _submit(self, run: Run, pool: ThreadPoolExecutor, call: Call) -> None:
        """Hand out a task, in the thread that iterates; a thread of the pool waits for it."""

    def _join(self, run: Run, pool: ThreadPoolExecutor) -> None:
        """Wait for the tasks that run; a Ctrl-C meanwhile abandons them."""
        try:
            pool.shutdown(wait=True, cancel_futures=True)
        except BaseException:
            self._interrupt(run)
            raise

    def _interrupt(self, run: Run) -> None:
        """End what runs as fast as the engine can, on Ctrl-C."""
        try:
            self._withdraw(run)
        finally:
            self._abandon(run, grace=0.0)

    def _withdraw(self, run: Run) -> None:
        """Take back what was handed out and has not begun, where the engine hands out early."""

    def _abandon(self, run: Run, grace: float) -> None:
        """End the run's running tasks by force after `grace` seconds, where the engine can."""


class CallingExecutor(StreamingExecutor):
    """A streaming engine whose threads call the tasks, each in the way of `_call`."""

    def _submit(self, run: Run, pool: ThreadPoolExecutor, call: Call) -> None:
        pool.submit(self._perform, run, call)

    def _perform(self, run: Run, call: Call) -> None:
        """Run one task in a thread of the pool."""
        if run.stopping.is_set():
            return
        run.inbox.put(run.start(call))
        try:
            value, cost = self._call(run, call)
        except BaseException as error:
            run.inbox.put(Outcome(call, time.time(), error=error))
        else:
            run.inbox.put(Outcome(call, time.time(), cost, value))

    @abc.abstractmethod
    def _call(self, run: Run, call: Call) -> tuple[Any, Cost]:
        """Run a task; return its value and what it took."""
