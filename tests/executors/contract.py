"""What every engine must do: a suite that the test class of each engine inherits.

A subclass gives the fixture `engine` (two workers) and `single` (one worker).
"""

from __future__ import annotations

import itertools
import threading
import time
import traceback
from pathlib import Path

import numpy as np
import pytest

from skyseries.config import Tuning, tuned
from skyseries.errors import (
    Cancelled,
    CatalogError,
    ExecutionError,
    InputError,
    SchemaError,
    StorageError,
)
from skyseries.executors import (
    Event,
    Executor,
    Task,
    TaskEnd,
    TaskError,
    TaskStart,
)
from tests.executors import tasks as jobs
from tests.programs import PATIENCE


def squares(n: int) -> list[Task]:
    return [Task(jobs.square, (i,), weight=i % 7, name=f"square {i}") for i in range(n)]


def values(engine: Executor, tasks: list[Task], **options: object) -> list[object]:
    """Run and return the values in the order of the tasks, each exactly once."""
    results = list(engine.run(tasks, **options))  # type: ignore[arg-type]
    assert sorted(result.index for result in results) == list(range(len(tasks)))
    return [value for _, value in sorted(results, key=lambda result: result.index)]


class ExecutorContract:
    def test_rows(self, engine: Executor) -> None:
        for n in (1, 2, 5, 100):
            assert values(engine, squares(n)) == [i * i for i in range(n)]

    def test_no_tasks(self, engine: Executor) -> None:
        assert list(engine.run([])) == []

    def test_a_lambda_with_what_it_closes_over(self, engine: Executor) -> None:
        offset = np.arange(3)
        tasks = [Task(lambda x: x + offset, (i,)) for i in range(3)]
        np.testing.assert_array_equal(values(engine, tasks), [[0, 1, 2], [1, 2, 3], [2, 3, 4]])

    def test_none_is_a_result(self, engine: Executor) -> None:
        assert values(engine, [Task({"a": 1}.get, ("b",))] * 3) == [None] * 3

    def test_tasks_see_the_tuning_of_their_run(self, engine: Executor) -> None:
        with tuned(unit_rows=7):
            results = engine.run([Task(jobs.unit_rows)] * 3)
        assert [value for _, value in results] == [7] * 3
        assert values(engine, [Task(jobs.unit_rows)]) == [Tuning().unit_rows]

    def test_big_results(self, engine: Executor) -> None:
        seen = []
        for index, array in engine.run([Task(jobs.big, (i,)) for i in range(2)]):
            assert array.nbytes == 100_000_000
            assert array[0] == array[-1] == index
            seen.append(index)
        assert sorted(seen) == [0, 1]

    def test_heavy_tasks_start_first(self, single: Executor) -> None:
        weights = [3.0, 1e9, 3.0, 0.0, 7.5, 3.0]
        order: list[int] = []

        def listen(event: Event) -> None:
            if isinstance(event, TaskStart):
                order.append(event.index)

        tasks = [Task(jobs.square, (i,), weight) for i, weight in enumerate(weights)]
        assert values(single, tasks, listeners=[listen]) == [i * i for i in range(6)]
        assert order == [1, 4, 0, 2, 5, 3]

    def test_a_weight_that_is_no_number(self, engine: Executor) -> None:
        with pytest.raises(InputError, match=r"weight of leaf 7 .* nan"):
            list(engine.run([Task(jobs.square, (1,), float("nan"), "leaf 7")]))

    def test_nothing_starts_before_it_is_asked_for(self, engine: Executor, tmp_path: Path) -> None:
        results = engine.run([Task(jobs.traced, (tmp_path, i)) for i in range(3)])
        time.sleep(0.1)
        assert jobs.calls(tmp_path) == {}
        assert len(list(results)) == 3

    def test_bounded_in_flight(self, engine: Executor, tmp_path: Path) -> None:
        bound = 2 * engine.workers
        results = engine.run([Task(jobs.traced, (tmp_path, i)) for i in range(50)])
        for taken in (1, 2, 3):
            next(results)
            time.sleep(0.3)  # enough for all 50 if nothing held them back
            assert len(jobs.calls(tmp_path)) <= taken + bound
        assert len(list(results)) == 47

    # --- in order ---------------------------------------------------------------------------

    def test_in_order(self, engine: Executor, tmp_path: Path) -> None:
        """The order holds whatever tasks weigh, however long they take, when one is tried again."""
        seconds = [0.05, 0.0, 0.03, 0.0, 0.0, 0.05, 0.0, 0.0, 0.02, 0.0]
        tasks = [Task(jobs.traced, (tmp_path, i, s), weight=i) for i, s in enumerate(seconds)]
        flaky = (tmp_path, 10, 2, OSError("planted"))
        tasks += [Task(jobs.fails_first, flaky), *squares(30)]
        results = list(engine.run(tasks, ordered=True, retries=2))
        assert [result.index for result in results] == list(range(len(tasks)))
        assert [result.value for result in results] == [*range(11), *(i * i for i in range(30))]
        assert jobs.calls(tmp_path)["10"] == 3

    def test_bounded_while_the_first_is_slow(self, engine: Executor, tmp_path: Path) -> None:
        window = 2 * engine.workers
        begun: list[int] = []
        most: list[int] = []

        def listen(event: Event) -> None:
            if isinstance(event, TaskStart):
                begun.append(event.index)
            if isinstance(event, TaskEnd):
                most.append(len(jobs.calls(tmp_path)))

        def open_the_gate() -> None:
            jobs.wait_until(lambda: len(jobs.calls(tmp_path)) >= window or engine.workers == 1)
            time.sleep(0.3)  # enough for all 50 if nothing held them back
            (tmp_path / "open.gate").touch()

        thread = threading.Thread(target=open_the_gate)
        thread.start()
        tasks = [Task(jobs.waits_for_gate, (tmp_path, 0))]
        tasks += [Task(jobs.traced, (tmp_path, i)) for i in range(1, 50)]
        results = engine.run(tasks, listeners=[listen], ordered=True)
        taken = [next(results).index]
        thread.join()
        assert max(most) <= window + 1
        for result in results:
            taken.append(result.index)
            assert max(begun) < len(taken) + window
        assert taken == list(range(50))

    def test_early_close_in_order(self, engine: Executor, tmp_path: Path) -> None:
        tasks = [Task(jobs.traced, (tmp_path, i, 0.02)) for i in range(50)]
        results = engine.run(tasks, ordered=True)
        assert next(results).index == 0
        results.close()
        left = jobs.calls(tmp_path)
        time.sleep(0.2)
        assert jobs.calls(tmp_path) == left, "tasks run after the iterator was closed"
        assert list(results) == []

    def test_two_runs_side_by_side(self, engine: Executor) -> None:
        first, second = engine.run(squares(20)), engine.run(squares(20))
        pairs = list(zip(first, second, strict=True))
        for side in zip(*pairs, strict=True):
            assert sorted(result.value for result in side) == [i * i for i in range(20)]

    def test_runs_in_two_threads(self, engine: Executor) -> None:
        found: list[list[object]] = []
        threads = [
            threading.Thread(target=lambda: found.append(values(engine, squares(30))))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=PATIENCE)
        assert found == [[i * i for i in range(30)]] * 2

    def test_a_nested_run_is_serial(self, engine: Executor) -> None:
        expected = ("serial", [0, 1, 4, 9])
        assert values(engine, [Task(jobs.nested, (4,))] * 3) == [expected] * 3

    # --- failures ---------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("failures", "retries"), [({}, 0), ({0: 1}, 1), ({0: 2, 3: 1, 4: 2}, 2), ({1: 2}, 5)]
    )
    def test_retries(
        self, engine: Executor, tmp_path: Path, failures: dict[int, int], retries: int
    ) -> None:
        tasks = [
            Task(jobs.fails_first, (tmp_path, i, failures.get(i, 0), OSError("planted")))
            for i in range(5)
        ]
        assert values(engine, tasks, retries=retries) == [0, 1, 2, 3, 4]
        assert jobs.calls(tmp_path) == {str(i): 1 + failures.get(i, 0) for i in range(5)}

    @pytest.mark.parametrize("retries", [0, 2])
    def test_too_many_failures(self, engine: Executor, tmp_path: Path, retries: int) -> None:
        task = Task(jobs.fails_first, (tmp_path, 0, 99, OSError("planted")), name="leaf 5/17")
        with pytest.raises(ExecutionError, match=r"leaf 5/17 failed.*OSError: planted") as caught:
            list(engine.run([task, *squares(3)], retries=retries))
        assert type(caught.value) is ExecutionError
        assert type(caught.value.__cause__) is OSError
        assert jobs.calls(tmp_path) == {"0": retries + 1}

    def test_the_place_of_a_failure_can_be_read(self, engine: Executor) -> None:
        with pytest.raises(ExecutionError) as caught:
            list(engine.run([Task(jobs.raises_a_chain)]))
        assert str(caught.value) == "task 0 failed: ValueError: the outer error"
        text = "".join(traceback.format_exception(caught.value))
        assert "in raises_a_chain" in text
        assert "KeyError: 'the inner cause'" in text

    def test_tasks_after_a_failure_are_dropped(self, engine: Executor, tmp_path: Path) -> None:
        bad = Task(jobs.fails_first, (tmp_path, 0, 99, OSError("planted")), weight=9)
        rest = [Task(jobs.traced, (tmp_path, i, 0.05)) for i in range(1, 60)]
        with pytest.raises(ExecutionError):
            list(engine.run([bad, *rest]))
        left = jobs.calls(tmp_path)
        assert len(left) < 30
        time.sleep(0.2)
        assert jobs.calls(tmp_path) == left, "tasks run after the run has ended"

    @pytest.mark.parametrize("kind", [InputError, SchemaError, CatalogError, StorageError])
    def test_our_own_errors_stay_themselves(
        self, engine: Executor, tmp_path: Path, kind: type[Exception]
    ) -> None:
        task = Task(jobs.fails_first, (tmp_path, 0, 99, kind("column x is missing")), name="leaf 3")
        with pytest.raises(kind, match="column x is missing") as caught:
            list(engine.run([task], retries=2))
        assert type(caught.value) is kind
        assert any("in leaf 3" in note for note in caught.value.__notes__)
        tries = 1 if issubclass(kind, InputError) else 3  # what the input causes is not retried
        assert jobs.calls(tmp_path) == {"0": tries}

    @pytest.mark.parametrize(
        ("function", "kind", "text"),
        [
            (jobs.raises_unpicklable, jobs.HoldsALockError, "the text"),
            (jobs.raises_unreadable, jobs.WantsMoreError, "a=1, b=2"),
            (jobs.exits, SystemExit, "3"),
        ],
    )
    def test_errors_that_travel_badly(
        self, engine: Executor, function: object, kind: type, text: str
    ) -> None:
        with pytest.raises(ExecutionError, match=f"the task failed: {kind.__name__}: {text}") as e:
            list(engine.run([Task(function, name="the task")]))  # type: ignore[arg-type]
        assert type(e.value.__cause__) is kind
        assert values(engine, squares(5)) == [0, 1, 4, 9, 16], "the engine is of no use after it"

    def test_our_own_error_that_travels_badly(self, engine: Executor) -> None:
        with pytest.raises(jobs.LockedSchemaError, match="the text"):
            list(engine.run([Task(jobs.raises_unpicklable_schema_error)]))

    def test_negative_retries(self, engine: Executor) -> None:
        with pytest.raises(InputError, match="-1"):
            engine.run(squares(1), retries=-1)

    # --- events -----------------------------------------------------------------------------

    def test_events(self, engine: Executor, tmp_path: Path) -> None:
        events: list[Event] = []
        threads: set[int] = set()

        def listen(event: Event) -> None:
            events.append(event)
            threads.add(threading.get_ident())

        tasks = [
            Task(jobs.fails_first, (tmp_path, i, i % 2, OSError("planted")), name=f"task {i}")
            for i in range(6)
        ]
        began = time.time()
        values(engine, tasks, listeners=[listen], retries=1)
        assert threads == {threading.get_ident()}, "listeners are called in the caller's thread"
        for index, task in enumerate(tasks):
            mine = [event for event in events if event.index == index]
            kinds = [type(event) for event in mine]
            fault = [TaskStart, TaskError] if index % 2 else []
            assert kinds == [*fault, TaskStart, TaskEnd]
            assert all(event.task is task for event in mine)
            assert [e.attempt for e in mine if isinstance(e, TaskStart)] == [1, 2][: index % 2 + 1]
            times = [began, *(event.time for event in mine), time.time()]
            assert all(a <= b + 1e-3 for a, b in itertools.pairwise(times))
            for event in mine:
                if isinstance(event, TaskError):
                    assert event.will_retry
                    assert event.attempt == 1
                    assert isinstance(event.error, OSError)

    def test_the_end_says_how_long_the_function_ran(self, engine: Executor, tmp_path: Path) -> None:
        seconds = []

        def listen(event: Event) -> None:
            if isinstance(event, TaskEnd):
                seconds.append(event.seconds)

        values(engine, [Task(jobs.traced, (tmp_path, 0, 0.2))], listeners=[listen])
        assert 0.19 < seconds[0] < 5

    def test_the_end_says_how_much_was_read(self, engine: Executor) -> None:
        read: dict[int, int] = {}

        def listen(event: Event) -> None:
            if isinstance(event, TaskEnd):
                read[event.index] = event.bytes_read

        sizes = [0, 7, 5_000_000_000, 1]
        values(engine, [Task(jobs.reads, (n,)) for n in sizes], listeners=[listen])
        assert read == dict(enumerate(sizes))

    def test_a_last_failure_is_told(self, engine: Executor) -> None:
        events: list[Event] = []
        with pytest.raises(ExecutionError):
            list(engine.run([Task(jobs.raises_a_chain)], listeners=[events.append]))
        assert [type(event) for event in events] == [TaskStart, TaskError]
        assert not events[-1].will_retry  # type: ignore[attr-defined]

    def test_a_listener_that_fails_ends_the_run(self, engine: Executor, tmp_path: Path) -> None:
        def listen(event: Event) -> None:
            raise LookupError("the listener's own fault")

        tasks = [Task(jobs.traced, (tmp_path, i)) for i in range(50)]
        with pytest.raises(LookupError, match="own fault"):
            list(engine.run(tasks, listeners=[listen]))
        assert len(jobs.calls(tmp_path)) < 50

    # --- cancelling -------------------------------------------------------------------------

    def test_cancel_from_a_listener(self, engine: Executor, tmp_path: Path) -> None:
        events: list[Event] = []

        def listen(event: Event) -> None:
            events.append(event)
            if isinstance(event, TaskEnd):
                engine.cancel()

        tasks = [Task(jobs.traced, (tmp_path, i, 0.02)) for i in range(50)]
        with pytest.raises(Cancelled, match=r"cancelled after \d+ of 50 tasks"):
            list(engine.run(tasks, listeners=[listen]))
        left = jobs.calls(tmp_path)
        assert 1 <= len(left) <= 1 + 2 * engine.workers
        started = [event.index for event in events if isinstance(event, TaskStart)]
        ended = [event.index for event in events if isinstance(event, TaskEnd)]
        assert sorted(started) == sorted(ended) == sorted(map(int, left))
        time.sleep(0.2)
        assert jobs.calls(tmp_path) == left, "tasks run after the run has ended"

    def test_cancel_from_another_thread(self, engine: Executor, tmp_path: Path) -> None:
        def cancel() -> None:
            jobs.wait_until(lambda: jobs.calls(tmp_path))
            engine.cancel()
            (tmp_path / "open.gate").touch()

        thread = threading.Thread(target=cancel)
        thread.start()
        tasks = [Task(jobs.waits_for_gate, (tmp_path, i)) for i in range(50)]
        with pytest.raises(Cancelled):
            list(engine.run(tasks))
        thread.join()
        assert len(jobs.calls(tmp_path)) <= 2 * engine.workers
        assert values(engine, squares(5)) == [0, 1, 4, 9, 16], "the next run is cancelled too"

    def test_cancel_before_the_first_result(self, engine: Executor, tmp_path: Path) -> None:
        results = engine.run([Task(jobs.traced, (tmp_path, 0))])
        engine.cancel()
        with pytest.raises(Cancelled):
            next(results)
        assert jobs.calls(tmp_path) == {}

    def test_cancel_without_a_run(self, engine: Executor) -> None:
        engine.cancel()
        assert values(engine, squares(3)) == [0, 1, 4]

    def test_cancel_of_one_of_two_runs(self, engine: Executor, tmp_path: Path) -> None:
        tasks = [Task(jobs.traced, (tmp_path, i)) for i in range(50)]
        doomed = engine.run(tasks)
        other = engine.run(squares(20), ordered=True)
        next(doomed)
        assert next(other).index == 0
        doomed.cancel()
        with pytest.raises(Cancelled, match="of 50 tasks"):
            next(doomed)
        assert [result.value for result in other] == [i * i for i in range(1, 20)]
        assert len(jobs.calls(tmp_path)) < 50

    def test_a_cancelled_run_that_was_closed_does_not_look_complete(self, engine: Executor) -> None:
        results = engine.run(squares(5), ordered=True)
        next(results)
        results.cancel()
        results.close()
        with pytest.raises(Cancelled):
            next(results)

    def test_early_close(self, engine: Executor, tmp_path: Path) -> None:
        tasks = [Task(jobs.traced, (tmp_path, i, 0.02)) for i in range(50)]
        for _ in engine.run(tasks):
            break
        left = jobs.calls(tmp_path)
        assert len(left) <= 1 + 2 * engine.workers
        time.sleep(0.2)
        assert jobs.calls(tmp_path) == left, "tasks run after the iterator was closed"
        names = [thread.name for thread in threading.enumerate()]
        assert not [name for name in names if name.startswith(f"skyseries-{engine.name}")]
        assert values(engine, squares(5)) == [0, 1, 4, 9, 16]

    def test_usable_after_close(self, engine: Executor) -> None:
        engine.close()
        engine.close()
        assert values(engine, squares(5)) == [0, 1, 4, 9, 16]
