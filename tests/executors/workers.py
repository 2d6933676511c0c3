"""What every engine with worker processes must do beside the contract, and whole programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from skyseries.config import settings
from skyseries.errors import ExecutionError
from skyseries.executors import Event, Executor, Task, TaskEnd, TaskError, TaskStart
from tests import programs
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
        "openmp": int(os.environ.get("OMP_NUM_THREADS", "0")),
        "workers": settings().workers,
        "memory": settings().memory,
    }


class WorkersContract(ExecutorContract):
    obituary: str
    """What is said of a task whose worker was killed."""
    workers_keep_results = False
    """Whether a worker may die with a finished result that had not left it, so that it is made
    again (see the contract)."""

    def test_other_processes(self, engine: Executor) -> None:
        pids = set(values(engine, [Task(os.getpid)] * 20))
        assert os.getpid() not in pids

    def test_a_worker_uses_one_thread_and_its_share_of_memory(self, engine: Executor) -> None:
        (found,) = values(engine, [Task(limits)])
        share = settings().memory // 2
        assert found == {"arrow": 1, "numba": 1, "openmp": 1, "workers": 1, "memory": share}

    def test_arguments_that_do_not_travel(self, engine: Executor) -> None:
        events: list[Event] = []
        task = Task(jobs.square, (threading.Lock(),), name="leaf 9")  # type: ignore[arg-type]
        with pytest.raises(ExecutionError, match=r"leaf 9 failed.*pickle") as caught:
            list(engine.run([task], listeners=[events.append]))
        assert "engine 'threads'" in "".join(caught.value.__cause__.__notes__)
        assert [type(event) for event in events] == [TaskStart, TaskError]

    def test_results_that_do_not_travel(self, engine: Executor) -> None:
        with pytest.raises(ExecutionError, match=r"leaf 9 failed.*pickle"):
            list(engine.run([Task(threading.Lock, name="leaf 9")]))

    def test_big_arguments(self, engine: Executor) -> None:
        data = os.urandom(20_000_000)
        assert values(engine, [Task(len, (data,))] * 3) == [20_000_000] * 3

    # --- death of workers -------------------------------------------------------------------

    def test_a_killed_worker(self, engine: Executor, tmp_path: Path) -> None:
        """Only its task is run again, on a new worker, and the rows are the same."""
        events: list[Event] = []

        def kill() -> None:
            pid_of_a_worker(tmp_path, "1")
            os.kill(pid_of_a_worker(tmp_path, "0"), signal.SIGKILL)
            # a new worker goes on while 1 still runs
            jobs.wait_until(lambda: sum(jobs.calls(tmp_path).values()) >= 3)
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
        started = [event.index for event in events if isinstance(event, TaskStart)]
        assert sorted(started) == [0, *range(8)]
        assert len([event for event in events if isinstance(event, TaskEnd)]) == 8

    def test_a_task_that_kills_its_worker_once(self, engine: Executor, tmp_path: Path) -> None:
        tasks = [Task(jobs.kills_itself, (tmp_path, i, int(i == 2))) for i in range(4)]
        assert values(engine, tasks) == [0, 1, 2, 3]
        found = jobs.calls(tmp_path)
        assert found.pop("2") == 2
        assert found.keys() == {"0", "1", "3"}
        assert max(found.values()) <= (2 if self.workers_keep_results else 1)

    def test_a_task_that_always_kills_its_worker(self, engine: Executor, tmp_path: Path) -> None:
        task = Task(jobs.kills_itself, (tmp_path, 0, 99), name="leaf 4/1")
        with pytest.raises(ExecutionError, match=rf"leaf 4/1 failed 3 times.*{self.obituary}"):
            list(engine.run([task, *squares(3)], retries=1))
        assert jobs.calls(tmp_path) == {"0": 3}  # retries + 1 tries more than the first


# --- whole programs -----------------------------------------------------------------------------

SCRIPT = """
import sys
from skyseries.executors import Task, create_executor
factor = 3
class Thing:
    def __init__(self, x): self.x = x
def triple(x):
    return Thing(x * factor)
with create_executor({engine!r}, 2) as engine:
    things = [r.value for r in engine.run([Task(triple, (i,)) for i in range(4)])]
    assert all(type(thing) is Thing for thing in things)
    more = [r.value for r in engine.run([Task(lambda x: x + factor, (i,)) for i in range(4)])]
print(sorted(thing.x for thing in things), sorted(more))
"""


def check_program(engine: str, folder: Path, how: str, allowed: str = "") -> None:
    """Run a program without a main guard; it writes nothing to stderr but lines `allowed`."""
    code = SCRIPT.format(engine=engine)
    if how == "script":
        (folder / "script.py").write_text(code)
        command = [sys.executable, "script.py"]
    else:  # as a notebook's kernel does: code without a file, executed in __main__
        command = [sys.executable, "-c", f"exec({code!r})"]
    done = programs.run(command, cwd=folder)
    assert done.stdout == "[0, 3, 6, 9] [3, 4, 5, 6]\n", done.stderr
    noise = [line for line in done.stderr.splitlines() if not allowed or allowed not in line]
    assert not noise, noise
    assert done.returncode == 0
    left = {path.name for path in folder.iterdir()} - {"script.py"}
    assert not left, left


LONG = """
import os, sys, time
from pathlib import Path
from skyseries.executors import Task, create_executor
def long(i, seconds):
    Path(sys.argv[1], f"{i}").write_text(f"{os.getpid()}\\n")
    time.sleep(seconds)
engine = create_executor(sys.argv[2], 2)
try:
    for _ in engine.run([Task(long, (i, float(sys.argv[3]))) for i in range(100)]):
        pass
finally:
    if sys.argv[4:]:
        print([value for _, value in engine.run([Task(pow, (2, 3))])])
"""


def long_program(
    folder: Path, engine: str, seconds: float, *more: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    """Start a program of long tasks; each writes the id of its process to ``traces/<index>``.

    With one argument more, the engine is used again when the run was interrupted.
    """
    # What __main__ is to a task is the business of cloudpickle, so the arguments are baked in.
    traces = folder / "traces"
    traces.mkdir()
    (folder / "program.py").write_text(
        textwrap.dedent(LONG).replace("sys.argv[1]", repr(str(traces)))
    )
    command = [sys.executable, str(folder / "program.py"), "", engine, str(seconds), *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return programs.started(command, **pipes, text=True)


def check_ctrl_c(engine: str, folder: Path, seconds: float, *, again: bool = False) -> None:
    """Press Ctrl-C in a program: one traceback, no worker left, and the engine works again."""
    with long_program(folder, engine, seconds, *["again"] * again) as program:
        pids = [pid_of_a_worker(folder / "traces", name) for name in "01"]
        os.killpg(program.pid, signal.SIGINT)  # a terminal sends it to the whole group
        stdout, stderr = program.communicate(timeout=programs.PATIENCE)
        assert stdout == "[8]\n" * again
        assert stderr.count("Traceback") == 1, stderr
        assert stderr.rstrip().endswith("KeyboardInterrupt"), stderr
        assert len(list((folder / "traces").iterdir())) < 10
        for pid in pids:
            jobs.wait_until(lambda pid=pid: gone(pid))


READS = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
from pathlib import Path
import skyseries as sky
from skyseries.executors import Task
from skyseries.hats.dataset import Dataset
from skyseries.store.files import locate
from skyseries.hats.partitions import Partitions
folder = Path({folder!r})
pq.write_table(pa.table({{"x": range(1000)}}), folder / "leaf.parquet")
leaf = locate(folder / "leaf.parquet")
dataset = Dataset(locate(folder), {{}}, pq.read_schema(folder / "leaf.parquet"), Partitions.of([]))
def read_on(i):
    dataset.read_leaf(leaf, ["x"])
    (folder / f"{{i}}").touch()
    while True:
        dataset.read_leaf(leaf, ["x"])
with sky.Job("reading", {engine!r}) as job:
    list(job.run("reading", [Task(read_on, (i,)) for i in range(2)]))
"""


def check_ctrl_c_while_reading(engine: str, folder: Path) -> None:
    """Press Ctrl-C while tasks read that would never end: it ends."""
    (folder / "program.py").write_text(READS.format(folder=str(folder), engine=engine))
    command = [sys.executable, str(folder / "program.py")]
    with programs.started(command, stderr=subprocess.PIPE, text=True) as program:
        jobs.wait_until(lambda: (folder / "0").exists())
        os.killpg(program.pid, signal.SIGINT)
        _, stderr = program.communicate(timeout=programs.PATIENCE)
        assert stderr.rstrip().endswith("KeyboardInterrupt"), stderr


def check_killed(engine: str, folder: Path) -> None:
    """Kill a program: its workers end."""
    with long_program(folder, engine, 2 * programs.PATIENCE) as program:
        pids = [pid_of_a_worker(folder / "traces", name) for name in "01"]
        program.kill()
        program.communicate()
        for pid in pids:
            jobs.wait_until(lambda pid=pid: gone(pid))
