from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from skyseries.config import settings
from skyseries.errors import ExecutionError
from skyseries.executors import Event, Executor, Task, TaskError, create_executor
from skyseries.executors.processes import Processes
from tests.executors import tasks as jobs
from tests.executors.contract import ExecutorContract, squares, values


def pid_of_a_worker(folder: Path, name: str) -> int:
    jobs.wait_until(lambda: (folder / name).exists() and (folder / name).read_text().endswith("\n"))
    return int((folder / name).read_text().splitlines()[-1])


def gone(pid: int) -> bool:
    """Return whether a process has ended (its parent may not have looked yet)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def limits() -> dict[str, int]:
    import numba
    import pyarrow as pa

    return {
        "arrow": pa.cpu_count(),
        "numba": numba.get_num_threads(),
        "workers": settings().workers,
        "memory": settings().memory,
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[Executor]:
    with create_executor("processes", workers=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def single() -> Iterator[Executor]:
    with create_executor("processes", workers=1) as engine:
        yield engine


class TestProcesses(ExecutorContract):
    def test_other_processes_and_the_same_ones_again(self, engine: Executor) -> None:
        pids = set(values(engine, [Task(os.getpid)] * 20))
        pids |= set(values(engine, [Task(os.getpid)] * 20))
        assert os.getpid() not in pids
        assert len(pids) <= 2

    def test_a_worker_uses_one_thread_and_its_share_of_memory(self, engine: Executor) -> None:
        (found,) = values(engine, [Task(limits)])
        share = settings().memory // 2
        assert found == {"arrow": 1, "numba": 1, "workers": 1, "memory": share}

    def test_workers_are_not_forked(self, engine: Executor) -> None:
        (pid,) = values(engine, [Task(os.getpid)])
        assert isinstance(pid, int)
        assert any("loky" in part for part in psutil.Process(pid).cmdline())

    def test_arguments_that_do_not_travel(self, engine: Executor) -> None:
        task = Task(jobs.square, (threading.Lock(),), name="leaf 9")  # type: ignore[arg-type]
        with pytest.raises(ExecutionError, match=r"leaf 9 failed.*pickle") as caught:
            list(engine.run([task]))
        assert "engine 'threads'" in "".join(caught.value.__cause__.__notes__)

    def test_results_that_do_not_travel(self, engine: Executor) -> None:
        with pytest.raises(ExecutionError, match=r"leaf 9 failed.*pickle"):
            list(engine.run([Task(threading.Lock, name="leaf 9")]))

    # --- death of workers -------------------------------------------------------------------

    def test_a_killed_worker(self, engine: Executor, tmp_path: Path) -> None:
        """Only its task is run again, on a new worker, and the rows are the same."""
        events: list[Event] = []

        def kill() -> None:
            pid_of_a_worker(tmp_path, "1")
            os.kill(pid_of_a_worker(tmp_path, "0"), signal.SIGKILL)
            pid_of_a_worker(tmp_path, "2")  # a new worker goes on while 1 still runs
            (tmp_path / "open.gate").touch()

        thread = threading.Thread(target=kill)
        thread.start()
        tasks = [Task(jobs.waits_for_gate, (tmp_path, i)) for i in range(8)]
        assert values(engine, tasks, listeners=[events.append]) == list(range(8))
        thread.join()
        assert jobs.calls(tmp_path) == {str(i): 2 if i == 0 else 1 for i in range(8)}
        (fault,) = (event for event in events if isinstance(event, TaskError))
        assert fault.index == 0
        assert fault.will_retry

    def test_a_task_that_kills_its_worker_once(self, engine: Executor, tmp_path: Path) -> None:
        tasks = [Task(jobs.kills_itself, (tmp_path, i, int(i == 2))) for i in range(4)]
        assert values(engine, tasks) == [0, 1, 2, 3]
        assert jobs.calls(tmp_path) == {"0": 1, "1": 1, "2": 2, "3": 1}

    def test_a_task_that_always_kills_its_worker(self, engine: Executor, tmp_path: Path) -> None:
        task = Task(jobs.kills_itself, (tmp_path, 0, 99), name="leaf 4/1")
        with pytest.raises(ExecutionError, match=r"leaf 4/1 failed 3 times.*SIGKILL.*memory"):
            list(engine.run([task, *squares(3)], retries=1))
        assert jobs.calls(tmp_path) == {"0": 3}  # retries + 1 tries more than the first

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

SCRIPT = """
from skyseries.executors import Task, create_executor
factor = 3
class Thing:
    def __init__(self, x): self.x = x
def triple(x):
    return Thing(x * factor)
with create_executor("processes", 2) as engine:
    things = [r.value for r in engine.run([Task(triple, (i,)) for i in range(4)])]
    assert all(type(thing) is Thing for thing in things)
    more = [r.value for r in engine.run([Task(lambda x: x + factor, (i,)) for i in range(4)])]
print(sorted(thing.x for thing in things), sorted(more))
"""


@pytest.mark.parametrize("how", ["script", "notebook"])
def test_a_program_without_a_main_guard(tmp_path: Path, how: str) -> None:
    if how == "script":
        (tmp_path / "script.py").write_text(SCRIPT)
        command = [sys.executable, "script.py"]
    else:  # as a notebook's kernel does: code without a file, executed in __main__
        command = [sys.executable, "-c", f"exec({SCRIPT!r})"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout == "[0, 3, 6, 9] [3, 4, 5, 6]\n", done.stderr
    assert done.stderr == ""
    assert done.returncode == 0


LONG = """
import os, sys, time
from pathlib import Path
from skyseries.executors import Task, create_executor
def long(i, seconds):
    Path(sys.argv[1], f"{i}").write_text(f"{os.getpid()}\\n")
    time.sleep(seconds)
engine = create_executor(sys.argv[2], 2)
for _ in engine.run([Task(long, (i, float(sys.argv[3]))) for i in range(100)]):
    pass
"""


def start(folder: Path, engine: str, seconds: float) -> subprocess.Popen[str]:
    (folder / "program.py").write_text(textwrap.dedent(LONG))
    traces = folder / "traces"
    traces.mkdir()
    return subprocess.Popen(
        [sys.executable, str(folder / "program.py"), str(traces), engine, str(seconds)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(("engine", "seconds"), [("processes", 100.0), ("threads", 0.3)])
def test_ctrl_c(tmp_path: Path, engine: str, seconds: float) -> None:
    program = start(tmp_path, engine, seconds)
    pids = [pid_of_a_worker(tmp_path / "traces", name) for name in "01"]
    os.killpg(program.pid, signal.SIGINT)  # a terminal sends it to the whole group
    _, stderr = program.communicate(timeout=20)
    assert stderr.count("Traceback") == 1, stderr
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    assert len(list((tmp_path / "traces").iterdir())) < 10
    for pid in pids:
        assert gone(pid)


def test_workers_end_with_a_killed_program(tmp_path: Path) -> None:
    program = start(tmp_path, "processes", 100.0)
    pids = [pid_of_a_worker(tmp_path / "traces", name) for name in "01"]
    program.kill()
    program.communicate()
    for pid in pids:
        jobs.wait_until(lambda pid=pid: gone(pid))


def test_workers_end_with_a_program_that_does_not_close(tmp_path: Path) -> None:
    script = """
from skyseries.executors import Task, create_executor
import os
engine = create_executor("processes", 2)
print(*{r.value for r in engine.run([Task(os.getpid)] * 4)})
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    for pid in map(int, done.stdout.split()):
        assert gone(pid)
