"""Tasks, events and the contract that every engine keeps.

A task is a function with frozen arguments and a weight. Tasks are independent and may run twice
(after a retry, after the death of a worker), so a task that writes makes one output and puts it
in place by a rename. An engine

- starts nothing before the first result is asked for, then heavy tasks first, and has only a
  bounded number of tasks running or finished but not yet taken;
- yields results as they are ready, each with the index of its task, so that the caller can
  stream them: nothing is gathered. With `ordered` they come, and tasks start, in the order of the
  tasks, and a task starts only if it is less than two tasks for each worker ahead of the first
  result that was not yet taken: so many are held at most, however slow the first one is;
- runs a failed task again up to `retries` times, unless the error says that the input is at
  fault (`InputError`): a second try would tell the same. Then `run` raises `ExecutionError` with
  the task's name, the cause chained; a `SkyseriesError` of the task is raised as itself, with a
  note that names the task. Tasks not yet started are dropped, running ones end first;
- runs a task whose worker died again, once more often than `retries` says. Where finished results
  stay with a worker until they are fetched (dask), those are lost with it and made again, too;
- tells listeners what happens, in the thread that iterates; it draws no progress bars itself. Each
  TaskStart is followed by one TaskEnd or TaskError, unless the caller stops iterating. What a
  listener raises ends the run;
- can be cancelled from another thread or from a listener, one run (`Results.cancel`) or all of
  them (`Executor.cancel`): `Cancelled` is raised by `run`. When `run` has raised, or its iterator
  was closed, none of its tasks is running any more;
- makes `current_executor()` serial inside of its tasks, so that library calls in a task do not
  start more workers than were asked for.

`tests/executors/contract.py` is the suite that holds every engine to this.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from skyseries.executors.run import Run

__all__ = [
    "Event",
    "Executor",
    "Listener",
    "Result",
    "Results",
    "Task",
    "TaskEnd",
    "TaskError",
    "TaskProgress",
    "TaskStart",
]


@dataclass(frozen=True)
class Task:
    """A function reference with frozen arguments."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    weight: float = 1.0
    """How much work it is, in any unit that is the same for all tasks of a run."""
    name: str = ""
    """What a message calls it, for instance ``leaf Norder=5/Npix=1234``."""


class Result(NamedTuple):
    """What a task returned."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody misses here
    """The place of the task in the sequence that was run."""
    value: Any


@dataclass(frozen=True)
class Event:
    """Something that happened to a task; `time` is seconds since the epoch."""

    task: Task
    index: int
    time: float


@dataclass(frozen=True)
class TaskStart(Event):
    """A worker begins a task."""

    attempt: int
    """1 for the first try."""


@dataclass(frozen=True)
class TaskProgress(Event):
    """A part of a task is done (engines in the caller's process only)."""

    fraction: float


@dataclass(frozen=True)
class TaskEnd(Event):
    """A task returned."""

    seconds: float
    """How long the function ran on its worker."""
    bytes_read: int = 0
    """What the function read of files, as it said by `count_bytes`."""


@dataclass(frozen=True)
class TaskError(Event):
    """A try of a task failed."""

    error: BaseException
    attempt: int
    will_retry: bool


Listener = Callable[[Event], None]


class Results(Iterator[Result]):
    """What `Executor.run` returns: the results of one run, which starts with the first `next`.

    Parameters
    ----------
    run : Run
    stream : generator
        Runs the tasks and yields their results.
    """

    def __init__(self, run: Run, stream: Generator[Result]) -> None:
        self._run = run
        self._stream = stream
        self._taken = 0

    def __next__(self) -> Result:
        for result in self._stream:
            self._taken += 1
            return result
        if self._taken < len(self._run.tasks):
            self._run.check()  # cancelled, then closed: never fewer results without a word
        raise StopIteration

    def cancel(self) -> None:
        """Start no further task of this run: the next `next` raises Cancelled, as does the present.

        Safe from any thread, from a listener and from a signal handler.
        """
        self._run.cancel()

    def close(self) -> None:
        """Want no more results; when it returns, none of the tasks is running."""
        self._stream.close()


class Executor(abc.ABC):
    """An engine that runs independent tasks."""

    name: str
    workers: int

    @abc.abstractmethod
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
        """Run the tasks and yield their results as they are ready.

        Parameters
        ----------
        tasks : sequence of Task
        listeners : iterable of callables
            Called with each event.
        retries : int
            How often a failed task is run again.
        ordered : bool
            Start tasks and yield results in the order of the tasks; else heavy tasks start first.
        retry_on : callable, optional
            Whether an error is worth another try; by default all are that the input does not
            cause. The death of a worker always is.
        while_waiting : callable, optional
            Called a few times in a second while nothing comes from workers, in the thread that
            iterates; not by the serial engine, which never waits.

        Raises
        ------
        ExecutionError
            When a task has failed ``retries + 1`` times; names the task, the cause is chained.
        SkyseriesError
            What a task itself raised, of any other class than ExecutionError.
        Cancelled
            After `cancel` was called.
        """

    @abc.abstractmethod
    def cancel(self) -> None:
        """Start no further task; `run` raises Cancelled when the running ones have ended.

        Holds for every run that was called on this engine and has not ended.
        """

    def with_workers(self, workers: int | None) -> Executor:
        """Return an engine of the same kind, in the same place, with so many workers."""
        return type(self)(workers=workers)  # type: ignore[call-arg]

    def close(self) -> None:  # noqa: B027 - most engines hold nothing
        """Give back what the engine holds (workers, connections)."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
