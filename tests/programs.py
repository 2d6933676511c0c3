"""Programs under test: limits that only a hang meets on a busy machine too, and no remains."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psutil

__all__ = ["PATIENCE", "end_all", "run", "started"]

PATIENCE = 300.0
"""Seconds: a limit for what must happen, not a measurement of how long it takes."""


@contextlib.contextmanager
def started(command: Sequence[str | os.PathLike[str]], **options: Any) -> Iterator[Any]:
    """Start a program as the leader of a session; at the end whatever is left of that is killed."""
    program = subprocess.Popen(command, start_new_session=True, **options)
    try:
        with program:
            try:
                yield program
            finally:
                _end_session(program.pid)
    finally:
        _end_session(program.pid)


def run(
    command: Sequence[str | os.PathLike[str]], **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it said, as text."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with started(command, **pipes, **options) as program:
        out, err = program.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(list(command), program.returncode, out, err)


def end_all(environment: Mapping[str, str]) -> list[str]:
    """End processes that have this in their environment; return those that did not by themselves.

    This one is not among them.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and environment.items() <= process.environ().items():
                found.append(process)
    _, left = psutil.wait_procs(found, PATIENCE)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    return [str(process) for process in left]


def _end_session(leader: int) -> None:
    """Kill the processes of a session: a JVM and its workers are in groups of their own."""
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == leader:
                process.kill()
