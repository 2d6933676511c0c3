"""A job: one thing that somebody asked for, done in stages of tasks that belong together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import Token
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any, Self

from skyseries.config import settings
from skyseries.errors import Cancelled, DeadlineExceeded, InputError
from skyseries.executors.base import Event, Executor, Result, Results, Task, TaskEnd
from skyseries.executors.context import check_cancelled, current_job, in_task, job_here
from skyseries.executors.create import current_executor, executor
from skyseries.executors.progress import TASKS, Progress, Stage
from skyseries.executors.retrying import is_transient
from skyseries.jit import watched_by

__all__ = ["Job", "JobEvent", "StageEnd", "StageStart", "run_tasks"]


@dataclass(frozen=True)
class StageStart:
    """A stage of a job begins; `time` is seconds since the epoch."""

    job: str
    stage: str
    tasks: int
    """0 where it is not known, or where it is not divided into tasks."""
    time: float


@dataclass(frozen=True)
class StageEnd:
    """A stage of a job has ended."""

    job: str
    stage: str
    complete: bool
    """Whether all of its tasks were done."""
    seconds: float
    time: float


JobEvent = StageStart | StageEnd | Event


class Job:
    """Stages of tasks that belong together: one thing that somebody asked for.

    Inside of its ``with`` block all that computes is a stage of the job: a verb of a catalog, an
    import, or tasks of one's own (`run`). So all of it can be watched and ended at once. A job
    inside of a job is a part of it: cancelling the outer one ends the inner one, too.

    Parameters
    ----------
    name : str
        What messages call it.
    executor : str or Executor, optional
        The engine inside of the block, as in `skyseries.executor`; by default the one that holds.
    retries : int
        How often a task is run again that an I/O error ended which may not come again, or, once
        more often, the death of its worker. What a user's function raises is final.
    progress : bool, optional
        Show on standard error how far its stages are, once a second has passed: by default as
        bars on a terminal and in a notebook. True: elsewhere a line for each stage. False, or
        ``SKYSERIES_PROGRESS=0`` in the environment: nothing. The outermost job shows those of the
        jobs inside of it.
    deadline_s : float, optional
        After so many seconds the job is cancelled.
    on_event : callable, optional
        Called with `StageStart`, `StageEnd` and the events of tasks, in the thread that takes the
        results. What it raises ends the stage.

    Raises
    ------
    Cancelled
        By what computes inside of the block, after `cancel` was called.
    DeadlineExceeded
        By the same, when the time is over.
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> import skyseries as sky
    >>> from skyseries.executors import Task
    >>> with sky.Job("powers", executor="serial") as job:
    ...     for index, value in job.run("squares", [Task(pow, (n, 2)) for n in (3, 4)]):
    ...         print(index, value)
    0 9
    1 16
    >>> job.tasks_done
    2
    """

    def __init__(
        self,
        name: str,
        executor: str | Executor | None = None,
        *,
        retries: int = 1,
        progress: bool | None = None,
        deadline_s: float | None = None,
        on_event: Callable[[JobEvent], None] | None = None,
    ) -> None:
        _check_arguments(name, retries, deadline_s)
        self.name = name
        self.retries = retries
        self.deadline_s = deadline_s
        self.tasks_done = 0
        self.bytes_read = 0
        self._executor = executor
        self._on_event = on_event
        self._show = progress
        self._progress = Progress(show=False)
        self._parent: Job | None = None
        self._lock = threading.RLock()
        self._running: set[Results] = set()
        self._state = "new"
        self._expired = False
        self._cancelled = False
        self._timer: threading.Timer | None = None
        self._token: Token[Job | None] | None = None
        self._stack = ExitStack()
        self._compiling = _Compiling(self)

    def __repr__(self) -> str:
        return f"Job({self.name!r}, {self.tasks_done} tasks done)"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._executor is not None:
                stack.enter_context(executor(self._executor))
            self._begin(current_job())
            stack.enter_context(watched_by(self._compiling))
            self._stack = stack.pop_all()
        self._token = job_here.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._token is not None:
            job_here.reset(self._token)
        with self._stack:  # tasks end before their engine does
            self._finish(failed=exc[0] is not None)

    def run(
        self,
        stage: str,
        tasks: Sequence[Task],
        *,
        ordered: bool = False,
        unit: str | None = None,
        before: Sequence[Task] = (),
    ) -> Iterator[Result]:
        """Run tasks as a stage of this job, on the engine that holds here.

        Parameters
        ----------
        stage : str
            What is done, for instance ``reading``.
        tasks : sequence of Task
        ordered : bool
            Yield results in the order of the tasks; see `Executor.run`.
        unit : str, optional
            What the weights of the tasks count, for instance ``rows``, for who looks at the
            progress; by default tasks are counted.
        before : sequence of Task
            More tasks of this stage, that were done before.

        Yields
        ------
        index : int
            Of the task in the sequence.
        value
            What it returned.

        Raises
        ------
        ExecutionError, Cancelled, SkyseriesError
            As `Executor.run`, and `DeadlineExceeded`.
        """
        if self._state != "running":
            raise InputError(f"{self!r} is not running: use it as `with Job(...) as job:`")
        tasks = tuple(tasks)
        shown = Stage.of_tasks(stage, tasks, unit, before)
        with watched_by(self._compiling):  # the tasks take this with them
            results = current_executor().run(
                tasks,
                listeners=[*(job._hear for job in self._family()), self._progress.listener(shown)],
                retries=self.retries,
                ordered=ordered,
                retry_on=is_transient,
                while_waiting=self._progress.tick,
            )
        return self._stream(shown, len(tasks), results)

    @contextmanager
    def stage(
        self, stage: str, total: float | None = None, unit: str = TASKS
    ) -> Iterator[Callable[[float], None]]:
        """Do what is no task as a stage of this job, inside of a ``with`` block.

        Parameters
        ----------
        stage : str
            What is done.
        total : float, optional
            How much there is to do.
        unit : str
            What is counted.

        Yields
        ------
        advance : callable
            To be called with how much more is done.
        """
        shown = Stage(stage, total, unit)
        with self._shown(shown, 0):
            yield partial(self._progress.advance, shown)

    def cancel(self) -> None:
        """End this job: what it runs stops, and raises Cancelled, and so does all it would run.

        Safe from any thread, from `on_event` and from a signal handler.
        """
        with self._lock:
            self._cancelled = True
            for results in self._running:
                results.cancel()

    def check(self) -> None:
        """Raise what ends this job, if it was cancelled or its time is over; else do nothing.

        For what is done in a stage that is no task; safe from any thread.

        Raises
        ------
        Cancelled, DeadlineExceeded
            Also where a job was ended that this one is a part of.
        """
        for job in self._family():
            if job._cancelled and (told := job._end_of_it(Cancelled("cancelled"))) is not None:
                raise told

    # --- a stage ----------------------------------------------------------------------------

    def _stream(self, stage: Stage, tasks: int, results: Results) -> Generator[Result]:
        with self._registered(results), self._shown(stage, tasks):
            try:
                yield from results
            finally:
                results.close()

    @contextmanager
    def _shown(self, stage: Stage, tasks: int) -> Iterator[None]:
        """Tell of a stage, and show how far it is, while it lasts."""
        self._tell(StageStart(self.name, stage.name, tasks, time.time()))
        self._progress.begin(stage)
        complete = False
        try:
            yield
            complete = True
        finally:
            self._progress.end(stage, complete=complete)
            ended = StageEnd(self.name, stage.name, complete, stage.seconds, time.time())
            self._tell(ended)

    @contextmanager
    def _registered(self, results: Results) -> Iterator[None]:
        """Let a stage be ended by this job, and by those that it is a part of."""
        family = self._family()
        try:
            for job in family:
                with job._lock:
                    if job._cancelled or job._state == "ended":
                        raise Cancelled("cancelled before it began")
                    job._running.add(results)
            yield
        except Cancelled as error:
            for job in family:
                if (told := job._end_of_it(error)) is not None:
                    raise told from None
            raise
        finally:
            for job in family:
                with job._lock:
                    job._running.discard(results)

    def _family(self) -> list[Job]:
        """Return this job and those that it is a part of."""
        return [self, *([] if self._parent is None else self._parent._family())]

    def _tell(self, event: JobEvent) -> None:
        for job in self._family():
            job._hear(event)

    def _hear(self, event: JobEvent) -> None:
        if isinstance(event, TaskEnd):
            with self._lock:
                self.tasks_done += 1
                self.bytes_read += event.bytes_read
        if self._on_event is not None:
            self._on_event(event)

    # --- its life ---------------------------------------------------------------------------

    def _begin(self, parent: Job | None) -> None:
        """Begin, as a part of `parent` if that is one."""
        if self._state != "new":
            raise InputError(f"the job {self.name!r} was run already: make another one")
        self._state = "running"
        self._parent = parent
        if parent is not None and self._show is not False:
            self._progress = parent._progress
        elif not in_task() and settings().progress:
            self._progress = Progress(self._show)
        if self.deadline_s is not None:
            self._timer = threading.Timer(self.deadline_s, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def _finish(self, *, failed: bool) -> None:
        """Leave no task running; a stage that is not at its end raises Cancelled if it goes on."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._state = "ended"
            left = list(self._running)
        for results in left:
            results.cancel()
            with suppress(ValueError):  # another thread waits in it, and gets Cancelled there
                results.close()
        if self._parent is None:
            self._progress.close(failed=failed)

    def _expire(self) -> None:
        self._expired = True
        self.cancel()

    def _end_of_it(self, error: Cancelled) -> Cancelled | None:
        """Return what to raise where this job was the reason."""
        if self._expired:
            what = f"{self.name} took longer than {self.deadline_s:g} s (deadline)"
            return DeadlineExceeded(f"{what}: {error}")
        if self._cancelled:
            return Cancelled(f"{self.name}: {error}")
        if self._state == "ended":
            return Cancelled(f"{self.name} has ended, and with it what it had begun: {error}")
        return None


def run_tasks(
    stage: str,
    tasks: Sequence[Task],
    *,
    ordered: bool = False,
    unit: str | None = None,
    before: Sequence[Task] = (),
) -> Iterator[Result]:
    """Run tasks as a stage of the job that holds here, on the engine that holds here.

    Where there is no job, they are one of their own, that lives as long as the stream. Inside of
    a task, where there is none either, it is the task that is tried again.

    Parameters
    ----------
    stage, tasks, ordered, unit, before
        As in `Job.run`.

    Yields
    ------
    index : int
        Of the task in the sequence.
    value
        What it returned.
    """
    job = current_job()
    if job is not None:
        return job.run(stage, tasks, ordered=ordered, unit=unit, before=before)
    job = Job(stage, retries=0 if in_task() else 1)
    job._begin(None)
    return _alone(job, job.run(stage, tasks, ordered=ordered, unit=unit, before=before))


def _alone(job: Job, results: Iterator[Result]) -> Generator[Result]:
    failed = True
    try:
        yield from results
        failed = False
    finally:
        job._finish(failed=failed)


def _check_arguments(name: Any, retries: Any, deadline_s: Any) -> None:
    if not isinstance(name, str) or not name:
        raise InputError(f"the name of a job must be text, not {name!r}")
    if isinstance(retries, bool) or not isinstance(retries, Integral) or retries < 0:
        raise InputError(f"retries must be a whole number from 0 on, not {retries!r}")
    if deadline_s is not None and (
        isinstance(deadline_s, bool)
        or not isinstance(deadline_s, Real)
        or not 0 < float(deadline_s) <= threading.TIMEOUT_MAX
    ):
        raise InputError(f"deadline_s must be a number of seconds above 0, not {deadline_s!r}")


_COMPILING = "compiling, once for this installation"


class _Compiling:
    """Shows the kernels that a job has to compile, and lets it be ended meanwhile."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._stage: Stage | None = None
        self._before = 0
        """Kernels that were compiled together, before."""

    def __call__(self, done: int, total: int) -> None:
        check_cancelled()
        self._job.check()
        progress = self._job._progress
        with self._lock:
            if self._stage is None:
                self._stage = progress.begin(Stage(_COMPILING, total, "kernels", at_once=True))
            self._stage.total = self._before + total
            progress.advance(self._stage, self._before + done - self._stage.done)
            progress.tick()
            if done == total:
                self._before += total
