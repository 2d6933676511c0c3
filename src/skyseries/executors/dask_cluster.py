"""Dask clusters on this machine: a scheduler in this process, workers in processes of their own.

`distributed.LocalCluster` starts its workers so that they import the caller's script again, and a
script without ``if __name__ == "__main__"`` fails. These workers are programs: they do not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from typing import Any

import dask
from distributed import Scheduler, SpecCluster
from distributed.deploy.subprocess import SubprocessWorker

from skyseries.config import settings
from skyseries.executors.limits import worker_environment

__all__ = ["adapt", "kill", "start_cluster"]

_CLOSE_SECONDS = 2.0
_LOOPBACK = "127.0.0.1"
_NANNY = "skyseries.executors.dask_nanny.WatchfulNanny"
_UNSEEN = {"distributed.admin.tick.interval": "1s", "distributed.worker.profile.enabled": False}
"""What is measured for the dashboard alone, which is off: by default a cluster of two workers that
has nothing to do takes a tenth of a processor, most of it for this."""


def start_cluster(workers: int, adaptive: tuple[int, int] | None) -> SpecCluster:
    """Start a cluster that only this machine can reach, without a dashboard.

    Parameters
    ----------
    workers : int
        How many processes, of one thread each; with `adaptive`, the most there will be.
    adaptive : tuple of int, optional
        The least and the most workers.
    """
    options = {
        "nthreads": 1,
        "host": _LOOPBACK,
        "dashboard": False,
        "silence_logs": logging.CRITICAL,
        "env": worker_environment(settings().memory // workers),
    }
    scheduler = {
        "host": _LOOPBACK,
        "port": 0,
        "dashboard": False,
        "dashboard_address": f"{_LOOPBACK}:0",
    }
    with dask.config.set(_UNSEEN):
        cluster = SpecCluster(
            scheduler={"cls": Scheduler, "options": scheduler},
            worker={"cls": _Program, "options": {"worker_class": _NANNY, "worker_kwargs": options}},
            name="skyseries",
            silence_logs=logging.CRITICAL,
        )
    if adaptive is None:
        cluster.scale(workers)
    else:
        adapt(cluster, adaptive)
    return cluster


def adapt(cluster: Any, adaptive: tuple[int, int]) -> None:
    """Let a cluster grow and shrink with the work.

    Dask sees only the tasks that were handed to it, two for each worker, so it must not wait
    until they make several seconds of work for everybody, as it does by default.
    """
    minimum, maximum = adaptive
    cluster.adapt(minimum=minimum, maximum=maximum, target_duration="500ms")


def kill(cluster: SpecCluster | None) -> None:
    """Kill the workers of a cluster that was started here."""
    for program in list(getattr(cluster, "workers", {}).values()):
        if program.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.process.pid, signal.SIGKILL)


class _Program(SubprocessWorker):  # type: ignore[misc]  # untyped
    """A nanny and its worker, out of reach of the terminal's Ctrl-C: the run decides on it."""

    async def _start(self) -> None:
        spec = json.dumps({"cls": self.worker_class, "opts": self.worker_kwargs})
        command = [sys.executable, "-m", "dask", "spec", self.scheduler, "--spec", spec]
        quiet = os.environ | {"DASK_LOGGING__DISTRIBUTED": "critical"} | _as_environment(_UNSEEN)
        self.process = await asyncio.create_subprocess_exec(
            *command, env=quiet, start_new_session=True
        )

    async def close(self) -> None:
        """End the nanny with a word, and what is left of it by force."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, asyncio.TimeoutError):
                self.process.terminate()
                await asyncio.wait_for(self.process.wait(), _CLOSE_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        await super().close()


def _as_environment(config: dict[str, Any]) -> dict[str, str]:
    """Return Dask's configuration as the environment of a program."""
    return {f"DASK_{name.upper().replace('.', '__')}": str(v) for name, v in config.items()}
