"""Tasks, events and the contract that every engine keeps.

A task is a function with frozen arguments and a weight. Tasks are independent and may run twice
(after a retry, after the death of a worker), so a task that writes makes one output and puts it
in place by a rename. An engine

- starts heavy tasks first, and keeps only a bounded number in flight;
- yields results as they are ready, each with the index of its task, so that the caller can
  stream them: nothing is gathered;
- runs a failed task again up to `retries` times, then raises `ExecutionError` with the task's
  name, the cause chained; tasks not yet started are dropped;
- tells listeners what happens; it draws no progress bars itself;
- can be cancelled from another thread or from a listener: `Cancelled` is raised by `run`.

`tests/executors/contract.py` is the suite that holds every engine to this.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = [
    "Event",
    "Executor",
    "Listener",
    "Result",
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

    index: int
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
    """A task was handed to a worker."""

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


@dataclass(frozen=True)
class TaskError(Event):
    """A try of a task failed."""

    error: BaseException
    attempt: int
    will_retry: bool


Listener = Callable[[Event], None]


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
    ) -> Iterator[Result]:
        """Run the tasks and yield their results as they are ready.

        Raises
        ------
        ExecutionError
            When a task has failed ``retries + 1`` times; names the task, the cause is chained.
        Cancelled
            After `cancel` was called.
        """

    @abc.abstractmethod
    def cancel(self) -> None:
        """Start no further task; `run` raises Cancelled when the running ones have ended."""

    def close(self) -> None:  # noqa: B027 - most engines hold nothing
        """Give back what the engine holds (workers, connections)."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
