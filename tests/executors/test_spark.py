from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from skyseries.errors import InputError
from skyseries.executors import Executor, create_executor
from tests import programs
from tests.executors.contract import squares, values
from tests.executors.workers import WorkersContract, check_ctrl_c, check_program

pytestmark = pytest.mark.slow

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed")
if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
    pytest.skip("Java is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def engine() -> Iterator[Executor]:
    with create_executor("spark", workers=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def single(engine: Executor) -> Iterator[Executor]:
    """Return an engine that has one worker of the same session: a process has no other."""
    values(engine, squares(1))
    with create_executor("spark", workers=1) as engine:
        yield engine


class TestSpark(WorkersContract):
    obituary = "Python worker.*gone.*memory"

    def test_an_existing_session(self, engine: Executor) -> None:
        values(engine, squares(1))
        session = pyspark.sql.SparkSession.builder.getOrCreate()
        with create_executor("spark", session=session) as guest:
            assert guest.workers == 2
            assert values(guest, squares(10)) == [i * i for i in range(10)]
            assert guest.with_workers(1).workers == 1
        assert session.range(5).count() == 5, "what was given is closed"
        with create_executor("spark") as guest:
            assert guest._connect() is session  # type: ignore[attr-defined]
        assert session.range(5).count() == 5, "it is still in use"

    def test_another_master_in_the_same_process(self, engine: Executor) -> None:
        values(engine, squares(1))
        with (
            create_executor("spark", master="local[7]") as other,
            pytest.raises(InputError, match=r"session on local\[2\].*none on local\[7\]"),
        ):
            list(other.run(squares(1)))


def test_arguments_that_contradict() -> None:
    with pytest.raises(InputError, match="not both"):
        create_executor("spark", session=object(), master="local[1]")
    with pytest.raises(InputError, match="Spark Connect"):
        create_executor("spark", session=object())
    with pytest.raises(InputError, match="workers must be 1 or more, not 0"):
        create_executor("spark", workers=0)


def test_without_java(tmp_path: Path) -> None:
    script = """
from skyseries.executors import Task, create_executor
from skyseries.errors import MissingDependencyError
try:
    list(create_executor("spark").run([Task(int)]))
except MissingDependencyError as error:
    print(error)
"""
    environment = os.environ | {"JAVA_HOME": str(tmp_path)}
    done = programs.run([sys.executable, "-c", script], env=environment)
    assert "Java 17" in done.stdout, done.stderr
    assert "openjdk-17-jre-headless" in done.stdout


def test_a_program_without_a_main_guard(tmp_path: Path) -> None:
    check_program("spark", tmp_path, "script", allowed="jdk.incubator.vector")


def test_ctrl_c(tmp_path: Path) -> None:
    check_ctrl_c("spark", tmp_path, 2 * programs.PATIENCE, again=True)


DYNAMIC = """
import threading, time
from skyseries.executors import Task, create_executor
options = {
    "spark.executor.cores": "1",
    "spark.executor.memory": "512m",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.dynamicAllocation.minExecutors": "0",
    "spark.dynamicAllocation.maxExecutors": "2",
    "spark.dynamicAllocation.executorIdleTimeout": "2s",
}
with create_executor("spark", master="local-cluster[2,1,512]", options=options) as engine:
    session = engine._connect()
    executors = session.sparkContext._jsc.sc().getExecutorIds
    trace, ended = [executors().size()], threading.Event()

    def watch():
        while not (ended.is_set() and (trace[-1] == 0 or time.time() > until)):
            if (now := executors().size()) != trace[-1]:
                trace.append(now)
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    tasks = [Task(lambda i: time.sleep(1) or i, (i,)) for i in range(8)]
    assert sorted(result.value for result in engine.run(tasks)) == list(range(8))
    until = time.time() + 60
    ended.set()
    watcher.join()
    print(engine.workers, trace)
"""


@pytest.mark.slow
def test_executors_come_and_go_with_the_work(tmp_path: Path) -> None:
    """Show a trace of dynamic allocation, on the small standalone cluster in PyPI's package."""
    home = tmp_path / "spark"  # a worker writes into the home of Spark: not into the installed one
    home.mkdir()
    for part in Path(pyspark.__file__).parent.iterdir():
        (home / part.name).symlink_to(part)
    environment = os.environ | {"SPARK_HOME": str(home)}
    done = programs.run([sys.executable, "-c", DYNAMIC], env=environment, cwd=tmp_path)
    text = done.stdout
    assert text in {"2 [0, 1, 2, 1, 0]\n", "2 [0, 1, 2, 0]\n"}, text + done.stderr
