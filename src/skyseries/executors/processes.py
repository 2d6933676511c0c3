"""Worker processes on this machine.

Each worker is a process of its own with a pipe of its own, driven by one thread here. So when a
worker dies, it is known which task it had, and no other task is touched; a pool with a shared
queue knows neither. The processes are loky's: started afresh (no fork, which is unsafe with the
threads of Arrow and Numba alive), without importing the caller's script again.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
import time
import weakref
from multiprocessing import connection as mp_connection
from multiprocessing import util as _mp_util  # noqa: F401 - its exit hook must be older than ours
from typing import Any

from loky.backend import get_context

from skyseries.config import settings
from skyseries.executors import worker
from skyseries.executors.context import Cost
from skyseries.executors.limits import worker_environment
from skyseries.executors.run import Call, Run, WorkerDiedError
from skyseries.executors.stream import CallingExecutor, worker_count

__all__ = ["Processes"]


class Processes(CallingExecutor):
    """Processes of this machine, for tasks that hold the interpreter lock.

    Functions and arguments travel by cloudpickle: lambdas of a notebook and functions of a script
    without ``if __name__ == "__main__"`` work. Each worker uses one thread (Arrow, BLAS, Numba)
    and its share of `skyseries.config.settings().memory`. Workers start on demand, stay for the
    next run, and end with `close`, or with this process.

    A task whose worker dies is run again by a new worker, `retries` + 1 times at most; others are
    not touched. When the caller stops iterating, running tasks have a second to end before their
    workers are killed; on Ctrl-C they are killed at once.
    """

    name = "processes"

    def __init__(self, workers: int | None = None) -> None:
        super().__init__()
        self.workers = worker_count(workers)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: dict[_Worker, Run] = {}
        self._abandoned: weakref.WeakSet[Run] = weakref.WeakSet()
        self._finalizer = weakref.finalize(self, _stop_all, self._idle)

    def close(self) -> None:
        """End all workers; a run that is under way is cancelled. A later run starts new ones."""
        self.cancel()
        with self._lock:
            busy = list(self._busy)
        for process in busy:
            process.kill()
        _stop_all(self._idle)

    def _call(self, run: Run, call: Call) -> tuple[Any, Cost]:
        message = worker.pack_call(call.task.function, call.task.args, run.tuning)
        process = self._borrow(run)
        try:
            reply = process.ask(message)
        finally:
            self._give_back(process)
        return worker.unpack_reply(reply)

    def _borrow(self, run: Run) -> _Worker:
        with self._lock:
            if run in self._abandoned:
                raise WorkerDiedError("the run was abandoned")
            while self._idle:
                process = self._idle.pop()
                if process.alive():
                    break
                process.kill()
            else:
                process = _Worker(self.workers)
            self._busy[process] = run
            return process

    def _give_back(self, process: _Worker) -> None:
        with self._lock:
            del self._busy[process]
            keep = process.alive() and len(self._idle) < self.workers
            if keep:
                self._idle.append(process)
        if not keep:
            process.kill()

    def _abandon(self, run: Run, grace: float) -> None:
        end = time.monotonic() + grace
        while time.monotonic() < end and run in self._busy.values():
            time.sleep(0.01)
        with self._lock:
            self._abandoned.add(run)
            processes = [process for process, its in self._busy.items() if its is run]
        for process in processes:
            process.kill()


class _Worker:
    """A worker process and our end of its pipe.

    Parameters
    ----------
    among : int
        How many workers share the memory of this process's settings.
    """

    def __init__(self, among: int) -> None:
        context = get_context("loky")
        self._connection, theirs = mp_connection.Pipe()
        self._process = context.Process(
            target=worker.serve,
            args=(theirs, os.getpid()),
            name="skyseries-worker",
            env=worker_environment(settings().memory // among),
        )
        # Inherited by the process, so that a Ctrl-C while it starts does not reach it either.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            theirs.close()
        _workers.add(self)

    def alive(self) -> bool:
        """Return whether the process has not ended."""
        return not mp_connection.wait([self._process.sentinel], timeout=0)

    def ask(self, message: bytes) -> bytes:
        """Send a call and wait for the reply.

        Raises
        ------
        WorkerDiedError
            If the process ends before it has replied.
        """
        try:
            self._connection.send_bytes(message)
            mp_connection.wait([self._connection, self._process.sentinel])
            return self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise WorkerDiedError(self._obituary()) from error

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        self._process.join(timeout=5)

    def stop(self) -> None:
        """End an idle process: it leaves when its pipe is closed."""
        self._connection.close()
        self._process.join(timeout=1)
        self.kill()

    def _obituary(self) -> str:
        self._process.join(timeout=1)
        code = self._process.exitcode
        how = "for an unknown reason" if code is None else f"with exit code {code}"
        if code is not None and code < 0:
            how = f"by signal {signal.Signals(-code).name}"
        hint = ""
        if code == -signal.SIGKILL:
            hint = "; the system kills when memory runs out: use fewer workers or smaller parts"
        return f"its worker process {self._process.pid} ended {how}{hint}"


_workers: weakref.WeakSet[_Worker] = weakref.WeakSet()


def _stop_all(idle: list[_Worker]) -> None:
    """Take all workers out of a list and end them."""
    while idle:
        with contextlib.suppress(IndexError):  # another thread took the last one
            idle.pop().stop()


@atexit.register
def _stop_at_exit() -> None:
    for process in list(_workers):
        process.kill()
