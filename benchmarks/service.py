"""A service in a process of its own, over catalogs that are made for it, to be killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
import pyarrow as pa

from results import WORK

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import skyseries as sky  # noqa: E402

__all__ = ["Program", "Row", "catalogs", "row_of", "waited"]

PATIENCE = 60.0
PLUGIN = "tests.server.workers.plugin:register"
ONE = "SELECT TOP 1 objectid FROM survey.object"
"""A statement that takes no time."""


def catalogs(rows: int = 1_000_000) -> Path:
    """Return the folder of the catalogs: ``survey``, ``slow`` (read slowly) and ``big``."""
    from tests.query.world import build

    folder = WORK / f"service_{rows}"
    if not (folder / "big").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build(folder)
        shutil.copytree(folder / "survey", folder / "slow")
        draw = np.random.default_rng(1)
        sky.from_table(pa.table({
            "id": np.arange(rows) + 2**53,
            "ra": draw.uniform(0, 60, rows),
            "dec": draw.uniform(-30, 30, rows),
            "mag": draw.normal(20, 2, rows),
            "name": [f"n{i}" for i in range(rows)],
        })).write_catalog(folder / "big")  # fmt: skip
    return folder


class Program:
    """``skyseries serve``.

    Parameters
    ----------
    folder : Path
        Of the catalogs.
    state : Path
        Of the jobs.
    limits : of `Limits`
    """

    def __init__(self, folder: Path, state: Path, **limits: float) -> None:
        named = [f"{name}={folder / name}" for name in ("survey", "slow", "big")]
        given = {"workers": 2, "memory": 1 << 30, **limits}
        options = [f"--limit={name}={value}" for name, value in given.items()]
        self._command = [
            sys.executable, "-m", "skyseries", "serve", *named, *options, "--no-warm",
            "--port=0", f"--plugin={PLUGIN}", f"--state={state}", "--upload-from=localhost:9",
        ]  # fmt: skip
        self._state, self._log = state, WORK / f"{state.name}.log"
        self.start()

    def start(self) -> None:
        """Start it, again perhaps, at a port that is free."""
        self._command[self._command.index("--no-warm") + 1] = f"--port={_free_port()}"
        self.url = f"http://127.0.0.1:{self._command[-4].removeprefix('--port=')}"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=HERE, start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE / "src"), str(HERE)])},
            )  # fmt: skip
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE)
        waited(self.answers, PATIENCE)

    def answers(self) -> bool:
        """Whether it takes statements."""
        if self._process.poll() is not None:
            raise RuntimeError(self._log.read_text()[-500:])
        with contextlib.suppress(httpx.HTTPError):
            return self.http.get("/healthz").status_code == 200
        return False

    @property
    def pid(self) -> int:
        """Of the server."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace")

    def workers(self) -> list[psutil.Process]:
        """Return its workers, also those that are starting."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).children()
        return []

    def is_whole(self) -> bool:
        """Whether all workers are there, and none has anything to do."""
        state = self.http.get("/healthz").json()
        return bool(state["ready"] == state["workers"] + 1 and not state["running"])

    def kill(self) -> None:
        """Kill the server, and wait until its workers have gone too."""
        workers = self.workers()
        self._process.kill()
        self._process.wait()
        self.http.close()
        _, left = psutil.wait_procs(workers, PATIENCE)
        if left:
            raise RuntimeError(f"{len(left)} workers outlive the server")

    def stop(self) -> None:
        """End it as an operator does."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE)
        self.http.close()

    def sync(self, query: str, form: str = "csv", **more: object) -> httpx.Response:
        """Return the answer to a statement."""
        fields = {"QUERY": query, "FORMAT": form, **more}
        return self.http.post("/tap/sync", files={n: (None, str(v)) for n, v in fields.items()})

    def create(self, query: str, form: str = "csv", **more: object) -> str:
        """Return the path of a job, which runs."""
        fields = {"QUERY": query, "FORMAT": form, "PHASE": "RUN", **more}
        answer = self.http.post("/tap/async", data={n: str(v) for n, v in fields.items()})
        return httpx.URL(answer.headers["location"]).path

    def phase(self, job: str) -> str:
        """Return the phase of a job."""
        return self.http.get(f"{job}/phase").text.strip()


def waited(holds: Callable[[], bool], seconds: float) -> float:
    """Wait until something holds, and return how long that took.

    Raises
    ------
    TimeoutError
    """
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{holds} does not hold after {seconds} s")
        time.sleep(0.01)
    return time.monotonic() - began


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Row:
    """How long a statement of no work takes while something else is done."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.count = 0
        self.refused = 0


@contextlib.contextmanager
def row_of(program: Program) -> Iterator[Row]:
    """Ask for a row again and again, in a thread, and count."""
    import threading

    row, over = Row(), threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=program.url, timeout=PATIENCE) as http:
            while not over.wait(0.1):
                began = time.monotonic()
                try:
                    is_there = http.get("/tap/sync", params={"QUERY": ONE}).status_code == 200
                except httpx.HTTPError:
                    is_there = False
                row.longest = max(row.longest, time.monotonic() - began)
                row.count += 1
                row.refused += not is_there

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield row
    finally:
        over.set()
        thread.join()
