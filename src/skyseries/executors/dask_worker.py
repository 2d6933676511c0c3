"""What runs on the workers, and on the scheduler, of a Dask cluster."""

from __future__ import annotations

import os
import threading
from typing import Any

from distributed import SchedulerPlugin, Worker, get_worker
from distributed.utils import sync

from skyseries.config import settings
from skyseries.executors.limits import limit_process, limit_thread
from skyseries.executors.worker import answer

__all__ = ["KEY_PREFIX", "OneTry", "at_home", "perform", "withdraw"]

KEY_PREFIX = "skyseries"

_REMEMBERED = 10_000
"""How many keys and runs a worker process remembers: many more than can be under way in it."""

at_home = False
"""Whether this is the caller's own process, whose settings are not ours to change: a cluster with
``processes=False`` has its workers there."""

_lock = threading.Lock()
_begun: dict[str, str] = {}
"""The key of each try that began here lately, and its run."""
_running: set[str] = set()
_withdrawn: dict[str, None] = {}


def perform(message: bytes, run: str, key: str, topic: str) -> bytes | None:
    """Run a call on a worker and return the reply; None where the run was withdrawn before.

    Parameters
    ----------
    message : bytes
        From `pack_call`.
    run, key : str
        What `withdraw` calls the run, and this try of the task.
    topic : str
        Where to tell that the task begins.
    """
    with _lock:
        if run in _withdrawn:
            return None
        _begun[key] = run
        _forget(_begun)
        _running.add(key)
    try:
        worker = get_worker()
        # Waits until the scheduler knows: should the worker die of this task, that it had begun
        # must not be lost with the worker. Worker.log_event would only put it into a buffer.
        begins = {"key": key, "pid": os.getpid()}
        sync(worker.loop, worker.scheduler.log_event, topic=topic, msg=begins)
        if not at_home:
            limit_process(_share(worker))
            limit_thread()
        return answer(message)
    finally:
        with _lock:
            _running.discard(key)


def withdraw(run: str) -> tuple[list[str], list[str]]:
    """Let nothing of a run begin in this process from now on.

    Returns
    -------
    begun, running : lists of str
        The keys of the run's tries that have begun here, and of those the ones that still run.
    """
    with _lock:
        _withdrawn[run] = None
        _forget(_withdrawn)
        begun = [key for key, its in _begun.items() if its == run]
        return begun, [key for key in begun if key in _running]


def _forget(memory: dict[str, Any]) -> None:
    while len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]


_shares: dict[int, int] = {}


def _share(worker: Worker) -> int:
    """Return the bytes that one task of this worker may hold.

    Half of the limit that Dask keeps the worker under, as our own half of a machine is.
    """
    pid = os.getpid()
    if pid not in _shares:
        memory = settings().memory
        limit = worker.memory_manager.memory_limit
        if limit and "SKYSERIES_MEMORY" not in os.environ:
            memory = min(memory, limit // 2)
        _shares[pid] = memory // worker.state.nthreads
    return _shares[pid]


class OneTry(SchedulerPlugin):  # type: ignore[misc]  # untyped
    """Let the death of a worker fail our tasks at once: whether to try again, our side decides.

    By default Dask runs such a task three times more, and tells nobody. Tasks of others are not
    touched.
    """

    name = "skyseries-one-try"
    idempotent = True

    def update_graph(self, scheduler: Any, *, tasks: Any, **kwargs: Any) -> None:
        """Count our new tasks as having used up their failures."""
        for key in tasks:
            if isinstance(key, str) and key.startswith(KEY_PREFIX):
                scheduler.tasks[key].suspicious = scheduler.allowed_failures
