"""What one task may use of its machine: one thread in every library, its share of memory."""

from __future__ import annotations

import os
import sys
import threading
from functools import cache

from skyseries.config import settings

__all__ = ["limit_process", "limit_thread", "worker_environment"]

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",  # also the size of Arrow's pool
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "SKYSERIES_WORKERS",
)
_SHARED = ("SKYSERIES_KERNELS",)


def worker_environment(memory: int, threads: int = 1) -> dict[str, str]:
    """Return the environment variables of a process that runs one task at a time.

    Parameters
    ----------
    memory : int
        Bytes that its task may hold.
    threads : int
        Those that it may use.
    """
    shared = {name: os.environ[name] for name in _SHARED if name in os.environ}
    limits = {
        **dict.fromkeys(_THREAD_VARIABLES, str(threads)),
        "SKYSERIES_MEMORY": str(max(memory, 1)),
    }
    return limits | shared


@cache
def limit_process(memory: int) -> None:
    """Hold this process, that somebody else has started, to what `worker_environment` says.

    Libraries that are loaded later read the environment; those that are loaded already are told.
    What BLAS has loaded keeps its threads: clusters set its variables before they start a worker.
    """
    os.environ.update(worker_environment(memory))
    settings.cache_clear()
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None:
        pyarrow.set_cpu_count(1)


def limit_thread() -> None:
    """Hold this thread to what Numba keeps for each thread."""
    numba = sys.modules.get("numba")
    if numba is not None and not getattr(_this_thread, "limited", False):
        _this_thread.limited = True
        numba.set_num_threads(1)


_this_thread = threading.local()
