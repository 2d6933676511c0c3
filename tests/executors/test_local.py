from __future__ import annotations

import contextvars
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skyseries.errors import Cancelled, ExecutionError
from skyseries.executors import (
    Event,
    Executor,
    Task,
    TaskEnd,
    TaskProgress,
    create_executor,
    report_progress,
)
from tests.executors import tasks as jobs
from tests.executors.contract import ExecutorContract
from tests.programs import PATIENCE


class InProcess(ExecutorContract):
    """What engines of this process add: progress from inside of tasks, and no copies."""

    def test_progress(self, engine: Executor) -> None:
        events: list[Event] = []
        tasks = [Task(jobs.reports, (4, 0.11)), Task(jobs.reports, (300, 0.001))]
        list(engine.run(tasks, listeners=[events.append]))
        for index in (0, 1):
            mine = [event for event in events if event.index == index]
            reports = [event.fraction for event in mine if isinstance(event, TaskProgress)]
            assert reports == sorted(reports)
            assert 2 <= len(reports) <= 20, "reports are passed on, but not each of many"
            assert reports[-1] == 1
            assert isinstance(mine[-1], TaskEnd)

    @pytest.mark.parametrize("function", [jobs.reports_forever, jobs.checks_forever])
    def test_a_cancelled_task_stops_at_its_next_report(
        self, engine: Executor, tmp_path: Path, function: Callable[..., None]
    ) -> None:
        def cancel() -> None:
            jobs.wait_until(lambda: jobs.calls(tmp_path))
            engine.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            list(engine.run([Task(function, (tmp_path, i)) for i in range(2)]))
        thread.join()
        assert time.monotonic() - began < 30  # the tasks would run for 60 s

    def test_results_are_not_copied(self, engine: Executor) -> None:
        thing = object()
        assert [result.value for result in engine.run([Task(lambda: thing)])] == [thing]

    def test_tasks_see_the_callers_context(self, engine: Executor) -> None:
        variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
        variable.set("outside")

        def look() -> str:
            seen = variable.get()
            variable.set("inside")
            return seen

        assert [result.value for result in engine.run([Task(look)] * 3)] == ["outside"] * 3
        assert variable.get() == "outside"

    def test_one_result_is_held_at_a_time(self, engine: Executor) -> None:
        import weakref

        class Value:
            pass

        results = engine.run([Task(Value) for _ in range(3)])
        last = weakref.ref(next(results).value)
        assert last() is None


class TestSerial(InProcess):
    @pytest.fixture
    def engine(self) -> Executor:
        return create_executor("serial")

    @pytest.fixture
    def single(self) -> Executor:
        return create_executor("serial")

    def test_tasks_run_in_the_callers_thread(self, engine: Executor) -> None:
        (result,) = engine.run([Task(threading.get_ident)])
        assert result.value == threading.get_ident()

    def test_a_listener_that_fails_while_a_task_reports(self, engine: Executor) -> None:
        def listen(event: Event) -> None:
            if isinstance(event, TaskProgress):
                raise LookupError("the listener's own fault")

        with pytest.raises(LookupError, match="own fault"):
            list(engine.run([Task(jobs.reports, (1, 0))], listeners=[listen], retries=2))

    def test_ctrl_c_is_not_a_failed_task(self, engine: Executor) -> None:
        def interrupted() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            list(engine.run([Task(interrupted)], retries=3))


class TestThreads(InProcess):
    @pytest.fixture
    def engine(self) -> Iterator[Executor]:
        with create_executor("threads", workers=2) as engine:
            yield engine

    @pytest.fixture
    def single(self) -> Executor:
        return create_executor("threads", workers=1)

    def test_tasks_run_side_by_side(self, engine: Executor) -> None:
        barrier = threading.Barrier(2, timeout=PATIENCE)
        assert len(list(engine.run([Task(barrier.wait)] * 2))) == 2

    def test_a_run_inside_of_a_task_on_the_same_engine(self, engine: Executor) -> None:
        def inner() -> int:
            return sum(result.value for result in engine.run([Task(jobs.square, (3,))] * 4))

        assert [result.value for result in engine.run([Task(inner)] * 4)] == [36] * 4

    def test_ctrl_c_ends_functions_that_would_go_on(self, engine: Executor) -> None:
        ended = []

        def goes_on() -> None:
            for _ in range(int(PATIENCE / 0.01)):
                time.sleep(0.01)
            ended.append("in peace")

        def press() -> None:
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            list(engine.run([Task(goes_on), Task(press)]))
        assert not ended
        assert [result.value for result in engine.run([Task(jobs.square, (3,))] * 4)] == [9] * 4

    def test_a_failure_stops_others_at_their_next_report(
        self, engine: Executor, tmp_path: Path
    ) -> None:
        def fail() -> None:
            jobs.wait_until(lambda: jobs.calls(tmp_path))
            raise OSError("planted")

        began = time.monotonic()
        with pytest.raises(ExecutionError, match="planted"):
            list(engine.run([Task(jobs.reports_forever, (tmp_path, 0)), Task(fail)]))
        assert time.monotonic() - began < 30


def test_a_report_outside_of_a_task_does_nothing() -> None:
    report_progress(0.5)
