from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import skyseries as sky
from skyseries.errors import (
    Cancelled,
    CatalogError,
    DeadlineExceeded,
    ExecutionError,
    InputError,
    StorageError,
)
from skyseries.executors import (
    Executor,
    Job,
    JobEvent,
    StageEnd,
    StageStart,
    Task,
    TaskEnd,
    create_executor,
    current_executor,
    current_job,
    run_tasks,
)
from tests.executors import tasks as jobs
from tests.executors.contract import squares


@pytest.fixture(scope="module", params=["serial", "threads", "processes"])
def engine(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with create_executor(request.param, workers=2) as engine:
        yield engine


def sleepers(folder: Path, n: int = 50) -> list[Task]:
    return [Task(jobs.traced, (folder, i, 0.02)) for i in range(n)]


def still(folder: Path) -> bool:
    """Tell whether no task begins any more."""
    left = jobs.calls(folder)
    time.sleep(0.2)
    return jobs.calls(folder) == left


def test_stages_and_what_they_tell(engine: Executor) -> None:
    events: list[JobEvent] = []
    with Job("numbers", engine, on_event=events.append) as job:
        assert current_job() is job
        assert current_executor() is engine
        assert dict(job.run("squares", squares(5))) == {i: i * i for i in range(5)}
        assert list(run_tasks("more", squares(30), ordered=True)) == [(i, i * i) for i in range(30)]
    assert current_job() is None
    assert job.tasks_done == 35
    stages = [event for event in events if isinstance(event, StageStart | StageEnd)]
    assert [(type(e), e.job, e.stage) for e in stages] == [
        (StageStart, "numbers", "squares"),
        (StageEnd, "numbers", "squares"),
        (StageStart, "numbers", "more"),
        (StageEnd, "numbers", "more"),
    ]
    start, end = stages[0], stages[1]
    assert isinstance(start, StageStart)
    assert isinstance(end, StageEnd)
    assert (start.tasks, end.complete) == (5, True)
    between = events[1 : events.index(end)]
    assert len([event for event in between if isinstance(event, TaskEnd)]) == 5


def test_without_a_job_tasks_are_one_of_their_own(engine: Executor) -> None:
    with sky.executor(engine):
        stream = run_tasks("squares", squares(5), ordered=True)
        assert next(stream) == (0, 0)
        assert current_job() is None, "a job is left behind while the stream waits"
    assert [value for _, value in stream] == [1, 4, 9, 16]


def test_a_job_inside_of_a_job_is_part_of_it(engine: Executor, tmp_path: Path) -> None:
    events: list[JobEvent] = []
    with Job("outer", engine, on_event=events.append) as outer, Job("inner") as inner:
        stream = run_tasks("sleep", sleepers(tmp_path))
        next(stream)
        assert inner.tasks_done == outer.tasks_done >= 1
        outer.cancel()
        with pytest.raises(Cancelled, match=r"outer: cancelled after \d+ of 50 tasks"):
            next(stream)
    assert [e.job for e in events if isinstance(e, StageStart | StageEnd)] == ["inner"] * 2
    assert still(tmp_path)


def test_the_end_of_an_inner_job_leaves_the_outer_one(engine: Executor, tmp_path: Path) -> None:
    with Job("outer", engine):
        with Job("inner") as inner:
            inner.cancel()
            with pytest.raises(Cancelled, match="inner: cancelled before it began"):
                list(run_tasks("sleep", sleepers(tmp_path)))
        assert dict(run_tasks("squares", squares(3))) == {0: 0, 1: 1, 2: 4}
    assert jobs.calls(tmp_path) == {}


def test_cancel_ends_the_runs_of_its_job_alone(engine: Executor, tmp_path: Path) -> None:
    other = engine.run(squares(20), ordered=True)
    next(other)
    with Job("sleep", engine) as job:
        stream = job.run("sleep", sleepers(tmp_path))
        next(stream)
        canceller = threading.Thread(target=job.cancel)
        canceller.start()
        with pytest.raises(Cancelled, match="sleep: cancelled after"):
            list(stream)
        canceller.join()
        with pytest.raises(Cancelled):
            list(job.run("more", squares(3)))
    assert [result.value for result in other] == [i * i for i in range(1, 20)]
    assert still(tmp_path)


def test_cancel_from_what_is_told(engine: Executor, tmp_path: Path) -> None:
    def listen(event: JobEvent) -> None:
        if isinstance(event, TaskEnd):
            job.cancel()

    with Job("sleep", engine, on_event=listen) as job, pytest.raises(Cancelled):
        list(job.run("sleep", sleepers(tmp_path)))
    assert 1 <= job.tasks_done <= 5
    assert still(tmp_path)


def test_a_deadline(engine: Executor, tmp_path: Path) -> None:
    text = r"^sleep took longer than 0\.2 s \(deadline\): cancelled after \d+ of 500 tasks$"
    with Job("sleep", engine, deadline_s=0.2) as job:
        with pytest.raises(DeadlineExceeded, match=text):
            list(job.run("sleep", sleepers(tmp_path, 500)))
        with pytest.raises(DeadlineExceeded):
            list(run_tasks("more", squares(3)))
    assert still(tmp_path)


def test_an_error_ends_the_stage_and_leaves_the_job(engine: Executor, tmp_path: Path) -> None:
    ends: list[JobEvent] = []
    with Job("sleep", engine, on_event=ends.append) as job:
        tasks = [Task(jobs.raises_a_chain, weight=2), *sleepers(tmp_path)]
        with pytest.raises(ExecutionError, match="the outer error"):
            list(job.run("sleep", tasks))
        assert still(tmp_path)
        assert dict(job.run("squares", squares(2))) == {0: 0, 1: 1}
    assert [e.complete for e in ends if isinstance(e, StageEnd)] == [False, True]


def test_what_a_job_had_begun_does_not_look_complete_after_it(
    engine: Executor, tmp_path: Path
) -> None:
    with Job("sleep", engine) as job:
        stream = job.run("sleep", sleepers(tmp_path))
        next(stream)
    assert still(tmp_path)
    with pytest.raises(Cancelled, match="sleep has ended"):
        next(stream)


def test_no_job_inside_of_a_task(engine: Executor) -> None:
    def inner() -> tuple[bool, list[int]]:
        found = [value for _, value in run_tasks("squares", squares(3), ordered=True)]
        return current_job() is None, found

    with Job("outer", engine) as job:
        assert [value for _, value in job.run("nested", [Task(inner)])] == [(True, [0, 1, 4])]
    assert job.tasks_done == 1


# --- retries ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "cause", "tries"),
    [
        (OSError("connection reset"), None, 2),
        (TimeoutError("too slow"), None, 2),
        (CatalogError("it cannot be read"), OSError("connection reset"), 2),
        (OSError(28, "no space left"), None, 1),
        (FileNotFoundError("it"), None, 1),
        (PermissionError("it"), None, 1),
        (CatalogError("it cannot be read"), FileNotFoundError("it"), 1),
        (CatalogError("it is broken"), None, 1),
        (StorageError("a disk is full"), None, 1),
        (ValueError("the function's own"), OSError("connection reset"), 1),
    ],
)
def test_what_is_tried_again(
    engine: Executor, tmp_path: Path, error: Exception, cause: Exception | None, tries: int
) -> None:
    def fails() -> None:
        jobs.mark(tmp_path, "tries")
        raise error from cause

    with Job("read", engine) as job, pytest.raises(Exception, match=r"."):
        list(job.run("read", [Task(fails)]))
    assert jobs.calls(tmp_path) == {"tries": tries}


def test_a_function_of_the_user_is_not_tried_again(engine: Executor, tmp_path: Path) -> None:
    def fails(x: float) -> float:
        jobs.mark(tmp_path, "tries")
        if x > 0:
            raise OSError("the function's own")
        return x

    table = sky.from_table({"ra": [1.0], "dec": [2.0], "x": [3.0]}, "ra", "dec")
    mapped = table.map_rows(fails, "x", schema={"y": "float64"})
    with sky.executor(engine), pytest.raises(ExecutionError, match="the function's own"):
        list(run_tasks("map", [Task(mapped.to_arrow)]))
    assert jobs.calls(tmp_path) == {"tries": 1}


# --- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"name": ""}, "name of a job"),
        ({"name": 3}, "name of a job .* not 3"),
        ({"retries": -1}, "retries .* not -1"),
        ({"retries": 1.5}, "retries .* not 1.5"),
        ({"retries": True}, "retries .* not True"),
        ({"deadline_s": 0}, "deadline_s .* not 0"),
        ({"deadline_s": float("nan")}, "deadline_s .* not nan"),
        ({"deadline_s": "5"}, "deadline_s .* not '5'"),
    ],
)
def test_arguments(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text):
        Job(**{"name": "x", **arguments})  # type: ignore[arg-type]


def test_a_job_runs_once_and_in_its_block() -> None:
    job = Job("squares")
    with pytest.raises(InputError, match="with Job"):
        job.run("squares", squares(3))
    with job:
        pass
    with pytest.raises(InputError, match="with Job"):
        job.run("squares", squares(3))
    with pytest.raises(InputError, match="make another"), job:
        pass
    with pytest.raises(InputError, match="no engine 'slurm'"), Job("x", "slurm"):
        pass
    assert current_job() is None
