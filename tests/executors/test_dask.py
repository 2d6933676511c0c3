from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from skyseries.config import settings
from skyseries.errors import InputError
from skyseries.executors import Executor, Task, create_executor
from tests import programs
from tests.executors import tasks as jobs
from tests.executors.contract import squares, values
from tests.executors.workers import (
    WorkersContract,
    check_ctrl_c,
    check_killed,
    check_program,
    limits,
)

pytestmark = pytest.mark.slow

distributed = pytest.importorskip("distributed", reason="dask is not installed")


@pytest.fixture(scope="module")
def engine() -> Iterator[Executor]:
    with create_executor("dask", workers=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def single() -> Iterator[Executor]:
    with create_executor("dask", workers=1) as engine:
        yield engine


@pytest.fixture
def address(engine: Executor) -> str:
    """Return the address of the scheduler that `engine` has started."""
    engine._connect().wait_for_workers(2)  # type: ignore[attr-defined]  # one may just have died
    return engine._client.scheduler.address  # type: ignore[attr-defined,no-any-return]


class TestDask(WorkersContract):
    obituary = "Dask worker at tcp://127.*gone.*memory"
    workers_keep_results = True

    def test_an_existing_cluster(self, engine: Executor, address: str) -> None:
        pids = set(values(engine, [Task(os.getpid)] * 20))
        with create_executor("dask", address=address) as guest:
            assert guest.workers == 2
            assert set(values(guest, [Task(os.getpid)] * 20)) <= pids
        with distributed.Client(address, set_as_default=False) as client:
            with create_executor("dask", client=client) as guest:
                assert values(guest, squares(20)) == [i * i for i in range(20)]
            assert client.submit(abs, -3).result() == 3, "what was given is closed"
        assert values(engine, squares(5)) == [0, 1, 4, 9, 16]

    def test_a_part_of_an_existing_cluster(self, address: str, tmp_path: Path) -> None:
        with create_executor("dask", workers=1, address=address) as guest:
            assert guest.workers == 1
            values(guest, [Task(alone, (tmp_path,))] * 5)
            assert guest.with_workers(2).workers == 2

    def test_tasks_of_others_keep_their_retries(self, address: str, tmp_path: Path) -> None:
        with distributed.Client(address, set_as_default=False) as client:
            mine = client.submit(jobs.kills_itself, tmp_path, 0, 2)
            with create_executor("dask", client=client) as guest:
                assert values(guest, squares(3)) == [0, 1, 4]
            assert mine.result() == 0
        assert jobs.calls(tmp_path) == {"0": 3}


def alone(folder: Path) -> None:
    """Fail if another call of this runs."""
    (folder / "here").mkdir()
    time.sleep(0.02)
    (folder / "here").rmdir()


def test_workers_that_are_threads_of_the_caller() -> None:
    before = limits(), dict(os.environ)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        create_executor("dask", cluster=cluster) as engine,
    ):
        assert engine.workers == 2
        assert values(engine, squares(20)) == [i * i for i in range(20)]
        assert values(engine, [Task(jobs.nested, (3,))]) == [("serial", [0, 1, 4])]
    assert (limits(), dict(os.environ)) == before


def test_nothing_is_measured_for_a_dashboard_that_is_off(address: str) -> None:
    """Workers that wait would take a tenth of a processor for it."""
    with distributed.Client(address, set_as_default=False) as client:
        for beats in (*client.run(rhythm).values(), client.run_on_scheduler(rhythm)):
            assert "profile" not in beats
            assert beats["tick"] >= 1000


def rhythm(dask_worker=None, dask_scheduler=None) -> dict[str, float]:
    """Return what a worker or the scheduler does again and again, and after how many ms."""
    server = dask_worker or dask_scheduler
    return {name: beat.callback_time for name, beat in server.periodic_callbacks.items()}


def test_workers_come_and_go_with_the_work() -> None:
    """Show a trace of the workers of an adaptive cluster."""
    with create_executor("dask", adaptive=(0, 2)) as engine:
        assert engine.workers == 2
        trace: list[int] = []
        ended = threading.Event()

        def watch() -> None:
            client = engine._connect()  # type: ignore[attr-defined]
            while not (ended.is_set() and trace and trace[-1] == 0):
                trace.append(len(client.nthreads()))
                time.sleep(0.05)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        assert values(engine, [Task(time.sleep, (0.5,))] * 8) == [None] * 8
        ended.set()
        watcher.join(timeout=programs.PATIENCE)
        assert trace[0] == trace[-1] == 0, trace
        assert max(trace) == 2, trace
        assert engine.run([Task(settings)]).__next__().value.workers == 1, "it grows again"


def test_arguments_that_contradict() -> None:
    with pytest.raises(InputError, match="one of address, client and cluster"):
        create_executor("dask", address="tcp://127.0.0.1:1", client=object())
    with pytest.raises(InputError, match=r"\(3, 2\)"):
        create_executor("dask", adaptive=(3, 2))
    with pytest.raises(InputError, match="not both"):
        create_executor("dask", workers=2, adaptive=(0, 2))
    with pytest.raises(InputError, match="cluster="):
        create_executor("dask", address="tcp://127.0.0.1:1", adaptive=(0, 2))
    with pytest.raises(InputError, match="workers must be 1 or more, not 0"):
        create_executor("dask", workers=0)


def test_an_address_where_nobody_is() -> None:
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "500ms"}),
        pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1"),
    ):
        create_executor("dask", address="tcp://127.0.0.1:1")


@pytest.mark.parametrize("how", ["script", "notebook"])
def test_a_program_without_a_main_guard(tmp_path: Path, how: str) -> None:
    check_program("dask", tmp_path, how)


def test_ctrl_c(tmp_path: Path) -> None:
    check_ctrl_c("dask", tmp_path, 2 * programs.PATIENCE, again=True)


def test_workers_end_with_a_killed_program(tmp_path: Path) -> None:
    check_killed("dask", tmp_path)
