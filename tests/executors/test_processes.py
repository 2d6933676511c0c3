from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from skyseries.errors import ExecutionError
from skyseries.executors import Event, Executor, Task, TaskError, create_executor
from skyseries.executors.processes import Processes
from tests import programs
from tests.executors import tasks as jobs
from tests.executors.contract import squares, values
from tests.executors.workers import (
    WorkersContract,
    check_ctrl_c,
    check_ctrl_c_while_reading,
    check_killed,
    check_program,
    gone,
    pid_of_a_worker,
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Executor]:
    with create_executor("processes", workers=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def single() -> Iterator[Executor]:
    with create_executor("processes", workers=1) as engine:
        yield engine


class TestProcesses(WorkersContract):
    obituary = "SIGKILL.*memory"

    def test_the_same_processes_again(self, engine: Executor) -> None:
        pids = set(values(engine, [Task(os.getpid)] * 20))
        pids |= set(values(engine, [Task(os.getpid)] * 20))
        assert len(pids) <= 2

    def test_workers_are_not_forked(self, engine: Executor) -> None:
        (pid,) = values(engine, [Task(os.getpid)])
        assert isinstance(pid, int)
        assert any("loky" in part for part in psutil.Process(pid).cmdline())

    # --- death of workers -------------------------------------------------------------------

    def test_a_worker_that_leaves_by_itself(self, engine: Executor) -> None:
        with pytest.raises(ExecutionError, match="ended with exit code 7"):
            list(engine.run([Task(os._exit, (7,))]))

    def test_an_idle_worker_that_died(self, engine: Executor) -> None:
        for pid in set(values(engine, [Task(os.getpid)] * 10)):
            assert isinstance(pid, int)
            os.kill(pid, signal.SIGKILL)
        assert isinstance(engine, Processes)
        jobs.wait_until(lambda: not any(process.alive() for process in engine._idle))
        events: list[Event] = []
        assert values(engine, squares(10), listeners=[events.append]) == [i * i for i in range(10)]
        assert not [event for event in events if isinstance(event, TaskError)]

    def test_early_close_ends_long_tasks(self, engine: Executor, tmp_path: Path) -> None:
        tasks = [Task(jobs.square, (3,), weight=2), Task(jobs.waits_for_gate, (tmp_path, 0))]
        for _ in engine.run(tasks):
            pid = pid_of_a_worker(tmp_path, "0")
            break
        jobs.wait_until(lambda: gone(pid))

    def test_close_ends_the_workers(self) -> None:
        with create_executor("processes", workers=2) as engine:
            pids = values(engine, [Task(os.getpid)] * 4)
        assert all(gone(pid) for pid in pids)  # type: ignore[arg-type]


# --- whole programs -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["script", "notebook"])
def test_a_program_without_a_main_guard(tmp_path: Path, how: str) -> None:
    check_program("processes", tmp_path, how)


@pytest.mark.parametrize(
    ("engine", "seconds"), [("processes", 2 * programs.PATIENCE), ("threads", 0.3)]
)
def test_ctrl_c(tmp_path: Path, engine: str, seconds: float) -> None:
    check_ctrl_c(engine, tmp_path, seconds)


@pytest.mark.parametrize("engine", ["processes", "threads"])
def test_ctrl_c_while_reading(tmp_path: Path, engine: str) -> None:
    check_ctrl_c_while_reading(engine, tmp_path)


def test_workers_end_with_a_killed_program(tmp_path: Path) -> None:
    check_killed("processes", tmp_path)


def test_workers_end_with_a_program_that_does_not_close(tmp_path: Path) -> None:
    script = """
from skyseries.executors import Task, create_executor
import os
engine = create_executor("processes", 2)
print(*{r.value for r in engine.run([Task(os.getpid)] * 4)})
"""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with programs.started([sys.executable, "-c", script], **pipes) as program:
        out, err = program.communicate(timeout=programs.PATIENCE)
        assert (program.returncode, err) == (0, "")
        for pid in map(int, out.split()):
            assert gone(pid)
