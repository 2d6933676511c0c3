"""The engine on Spark: each task is a job of one partition that gets and gives bytes."""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skyseries.errors import ExecutionError, InputError, SkyseriesError
from skyseries.executors.context import Cost
from skyseries.executors.run import Call, Run, WorkerDiedError
from skyseries.executors.stream import CallingExecutor, worker_count
from skyseries.executors.worker import pack_call, unpack_reply

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Spark"]

_COUNT_INTERVAL = 1.0
"""Seconds for which the number of a cluster's workers is believed."""
_QUEUED_SECONDS = 1.0
"""How long a run that ends early waits for jobs to get a worker before it cancels them."""
_KILL_SECONDS = 10.0
"""How long to wait for Spark's word that a cancelled task runs no more."""
_DEATHS = re.compile(
    r"Python worker (exited|crashed)|ExecutorLostFailure|executor.* lost", re.IGNORECASE
)


class Spark(CallingExecutor):
    """Tasks in the Python workers of Spark.

    Each task is a Spark job of one partition, submitted by a thread here, in a job group of its
    own. So results come back one by one, and Spark's scheduler shares the executors with other
    jobs of the session. A job costs some 0.05 s: for tasks of a second and more. Functions and
    arguments travel by cloudpickle. A task uses one thread (Arrow, BLAS, Numba) and its share of
    the memory of its machine. Executors must have the same Skyseries installed.

    `TaskStart` is told when the job is submitted: where an executor must come first, that is
    before the task begins. What Spark would run again by itself after a loss is not run: it counts
    as the death of a worker, and this side decides, as on any other engine. On Ctrl-C, and a second
    after the caller has stopped iterating, running tasks are killed.

    Parameters
    ----------
    workers : int, optional
        How many tasks run side by side: by default as many as the session can.
    session : pyspark.sql.SparkSession, optional
        An existing session; it stays open. By default the one of this process if there is one,
        or one that is started when the first task is run, and ends with `close`.
    master : str, optional
        Where to start a session: ``local[2]``, ``spark://host:7077``, ``yarn``, ...; by default
        ``local[workers]``.
    options : mapping, optional
        Spark's configuration of a session that is started, for instance
        ``{"spark.dynamicAllocation.enabled": "true"}``.

    Raises
    ------
    MissingDependencyError
        If pyspark or Java is not installed.
    InputError
        If the arguments contradict one another, or the session that there is.
    """

    name = "spark"

    def __init__(
        self,
        workers: int | None = None,
        *,
        session: SparkSession | None = None,
        master: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        from skyseries.executors.spark_session import require_spark

        require_spark()
        if session is not None and (master is not None or options):
            raise InputError("give session, or master and options to start one, not both")
        if session is not None and not hasattr(session, "_jsparkSession"):
            raise InputError("a Spark Connect session cannot be used: it has no SparkContext")
        self._most = None if workers is None else worker_count(workers)
        self._given = session
        self._session = session
        self._master, self._options = master, dict(options or {})
        self._lock = threading.RLock()
        self._counted: tuple[float, int] = (-_COUNT_INTERVAL, 0)
        self._groups: weakref.WeakKeyDictionary[Run, set[str]] = weakref.WeakKeyDictionary()

    def __repr__(self) -> str:
        master = self._master if self._session is None else self._session.sparkContext.master
        return f"Spark(workers={self.workers}" + (f", master={master!r})" if master else ")")

    @property
    def workers(self) -> int:  # type: ignore[override]  # it may change
        """How many tasks run side by side; with dynamic allocation, how many may at most."""
        if self._session is None and self._master is None:
            return worker_count(self._most)
        counted_at, found = self._counted
        if time.monotonic() - counted_at >= _COUNT_INTERVAL:
            from skyseries.executors.spark_session import slots

            found = slots(self._connect())
            self._counted = time.monotonic(), found
        return found if self._most is None else min(found, self._most)

    def with_workers(self, workers: int | None) -> Spark:
        """Return an engine on the same session, or where there is none yet, of another size."""
        if self._given is not None:
            return type(self)(workers, session=self._given)
        return type(self)(workers, master=self._master, options=self._options)

    def close(self) -> None:
        """Leave the session; one that was started here ends. A later run starts a new one."""
        self.cancel()
        with self._lock:
            session, self._session = self._session, self._given
        if session is not None and session is not self._given:
            from skyseries.executors.spark_session import return_session

            return_session(session)

    def _connect(self) -> SparkSession:
        with self._lock:
            if self._session is None:
                from skyseries.executors.spark_session import start_session

                size = worker_count(self._most)
                self._session = start_session(self._master, size, self._options)
            return self._session

    # --- a task -----------------------------------------------------------------------------

    def _call(self, run: Run, call: Call) -> tuple[Any, Cost]:
        message = pack_call(call.task.function, call.task.args, run.tuning)
        group = f"skyseries-{run.token}-{call.index}-{call.attempt}"
        self._groups.setdefault(run, set()).add(group)
        try:
            session = self._connect()
            if run.stopping.is_set():
                raise WorkerDiedError("the run was abandoned")
            session.sparkContext.setJobGroup(group, call.task.name, interruptOnCancel=True)
            reply = _ask(session, message)
        except SkyseriesError:
            raise
        except Exception as error:
            raise _translated(error) from error
        finally:
            self._groups[run].discard(group)
        if not reply:  # Spark ran it again: see `spark_worker.perform`
            raise WorkerDiedError("the executor or Python worker that ran it was lost")
        return unpack_reply(reply)

    # --- an early end -----------------------------------------------------------------------

    def _interrupt(self, run: Run) -> None:
        """Kill Spark itself, if it was started for this engine alone: to stop it takes seconds."""
        from skyseries.executors.spark_session import forget_session, kill_session

        killed = False
        while self._given is None and self._groups_of(run) and kill_session(self._session):
            killed = True
            time.sleep(0.02)  # and again: another thread may have begun to start it anew
        if killed:
            forget_session()
            self._session = None
        super()._interrupt(run)

    def _withdraw(self, run: Run) -> None:
        """Cancel the jobs that wait for an executor: there may never be one."""
        end = time.monotonic() + _QUEUED_SECONDS
        while groups := [group for group in self._groups_of(run) if not self._runs_now(group)]:
            if time.monotonic() > end:
                self._cancel_groups(groups)
                return
            time.sleep(0.02)

    def _abandon(self, run: Run, grace: float) -> None:
        end = time.monotonic() + grace
        while time.monotonic() < end and self._groups_of(run):
            time.sleep(0.01)
        self._cancel_groups(self._groups_of(run))

    def _groups_of(self, run: Run) -> list[str]:
        return list(self._groups.get(run, ()))

    def _cancel_groups(self, groups: list[str]) -> None:
        """Cancel jobs, and wait until none of their tasks runs any more."""
        if self._session is None:
            return
        end = time.monotonic() + _KILL_SECONDS
        with contextlib.suppress(Exception):  # the session was stopped: nothing runs there
            for group in groups:
                self._session.sparkContext.cancelJobGroup(group)
            while any(self._runs_now(group) for group in groups) and time.monotonic() < end:
                time.sleep(0.02)

    def _runs_now(self, group: str) -> bool:
        """Return whether a worker runs the task of a job group."""
        if self._session is None:
            return False
        with contextlib.suppress(Exception):  # as above
            tracker = self._session.sparkContext.statusTracker()
            jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
            stages = [tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds]
            return any(stage.numActiveTasks > 0 for stage in stages if stage)
        return False


def _ask(session: SparkSession, message: bytes) -> bytes:
    """Run one call as a Spark job; return the reply.

    An RDD of bytes: what a task takes and gives is bytes for Spark in any case, and
    `DataFrame.mapInArrow` with a binary column, the other way, was measured to cost twice the
    processor time for each task (110 ms against 50 ms, most of it planning) and to need pandas.
    """
    from skyseries.executors.spark_session import tasks_of_an_executor
    from skyseries.executors.spark_worker import perform, pieces_of

    rows = session.sparkContext.parallelize(list(pieces_of(message)), 1)
    function = functools.partial(perform, side_by_side=tasks_of_an_executor(session))
    return b"".join(rows.mapPartitions(function).collect())


def _translated(error: Exception) -> ExecutionError:
    """Return what a job's failure means: our workers report the errors of tasks themselves."""
    text = str(error)
    if _DEATHS.search(text):
        return WorkerDiedError(
            "the Python worker or the executor that ran it is gone; Spark's log may say why. "
            "Often memory has run out: use fewer workers, or smaller parts"
        )
    first = next((line for line in text.splitlines() if line.strip()), type(error).__name__)
    return ExecutionError(f"Spark: {first}")
