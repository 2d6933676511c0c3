"""A service in a process of its own, and what it and its workers take of the machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psutil

from measure import pss_bytes

__all__ = ["Costs", "Service", "load", "until"]

HERE = Path(__file__).resolve().parent
_PATIENCE = 120.0
_EVERY = 0.002
"""Seconds between two looks at what is waited for."""
_SAMPLES_A_SECOND = 10


class Service:
    """``skyseries serve``, as a context.

    Parameters
    ----------
    catalogs : mapping of str to Path
    workers : int
    """

    def __init__(self, catalogs: Mapping[str, Path], workers: int) -> None:
        self.port, self.workers = _free_port(), workers
        named = [f"{name}={path}" for name, path in catalogs.items()]
        self._begun = time.perf_counter()
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "skyseries", "serve", *named, "--port", str(self.port),
                "--workers", str(workers), "--no-warm", "--plugin", "tap_plugin:register",
                "--limit", "result_bytes=200GB", "--limit", "sync_seconds=3600",
            ],
            env={**os.environ, "PYTHONPATH": _path()}, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_PATIENCE)

    def since_start(self) -> float:
        """Return the seconds since it was started."""
        return time.perf_counter() - self._begun

    def wait_until_answering(self) -> float:
        """Wait for its first answer; return the seconds since it was started."""
        until(self._answers)
        return self.since_start()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError("the service has ended")
        with suppress(URLError, ConnectionError):
            self.get("/tap/availability")
            return True
        return False

    def wait_until_whole(self) -> float:
        """Wait until all workers are ready, and none is busy; return the seconds that it took."""
        begun = time.perf_counter()
        until(lambda: self.state()["free"] == self.workers and self._is_whole())
        return time.perf_counter() - begun

    def _is_whole(self) -> bool:
        state = self.state()
        return bool(state["ready"] > self.workers and not state["starting"])

    def state(self) -> Any:
        """Return what it says of its workers."""
        return json.loads(self.get("/healthz"))

    def get(self, path: str) -> bytes:
        """Return what is at a path."""
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=_PATIENCE) as answer:
            return bytes(answer.read())

    def post(self, path: str, **parameters: str) -> str:
        """Send a form; return the address that it leads to."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urlopen(Request(url, urlencode(parameters).encode()), timeout=_PATIENCE) as answer:
            return str(answer.url)

    def delete(self, path: str) -> None:
        """Delete a resource."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with suppress(HTTPError), urlopen(Request(url, method="DELETE"), timeout=_PATIENCE):
            pass

    @property
    def server(self) -> psutil.Process:
        """The process that speaks to clients."""
        return psutil.Process(self._process.pid)

    def worker_pids(self) -> set[int]:
        """Return the workers, those that start included."""
        return {child.pid for child in self.server.children()}

    def costs(self, work: Callable[[], Any], *, memory: bool = False) -> tuple[Any, Costs]:
        """Do something, and return what came of it, and what it cost; workers may not change.

        To look at the memory stops the processes for some milliseconds each time.
        """
        sampler = _Sampler(self.server) if memory else None
        before = self._cpu()
        result = work()
        after = self._cpu()
        peak = sampler.stop() if sampler else 0
        workers = sum(after[pid] - before[pid] for pid in before if pid != self._process.pid)
        server = after[self._process.pid] - before[self._process.pid]
        return result, Costs(server, workers, peak / 1e6)

    def _cpu(self) -> dict[int, float]:
        every = [self.server, *self.server.children(recursive=True)]
        return {one.pid: sum(one.cpu_times()[:2]) for one in every}


class Costs:
    """CPU seconds of the server and of its workers, and the peak of their memory."""

    def __init__(self, server: float, workers: float, peak_pss_mb: float) -> None:
        self.server, self.workers, self.peak_pss_mb = server, workers, peak_pss_mb


class _Sampler(threading.Thread):
    """Samples the summed PSS of a process and all below it."""

    def __init__(self, root: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._root, self._done, self._peak = root, threading.Event(), 0
        self.start()

    def run(self) -> None:
        while not self._done.wait(1 / _SAMPLES_A_SECOND):
            pids = [self._root.pid, *(one.pid for one in self._root.children(recursive=True))]
            self._peak = max(self._peak, sum(pss_bytes(pid) or 0 for pid in pids))

    def stop(self) -> int:
        """Return the peak, in bytes."""
        self._done.set()
        self.join()
        return self._peak


def load(port: int, *arguments: str) -> dict[str, Any]:
    """Run the load generator."""
    command = [sys.executable, str(HERE / "tap_load.py"), str(port), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout))


def until(reached: Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Wait until something is so; raise if it does not come."""
    end = time.perf_counter() + patience
    while not reached():
        if time.perf_counter() > end:
            raise TimeoutError("it does not come so far")
        time.sleep(_EVERY)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _path() -> str:
    return os.pathsep.join([str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
