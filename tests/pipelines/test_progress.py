from __future__ import annotations

import io
import re

import pytest

from skyseries.executors import Task, TaskError, TaskProgress, TaskStart, create_executor
from skyseries.pipelines import progress as module
from skyseries.pipelines.progress import Progress
from tests.executors.tasks import square


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_one_line_per_stage_where_there_is_no_terminal(clock: Clock) -> None:
    file = io.StringIO()
    with Progress(file=file) as progress:
        progress.stage("reading objects", 10_000)
        for _ in range(100):
            clock.now += 0.02
            progress.advance(100)
        progress.done()
        progress.stage("writing leaves")
        clock.now += 100
        progress.advance(1)
    assert file.getvalue().splitlines() == [
        "reading objects: 10,000 rows in 2.0 s (5,000 rows/s)",
        "writing leaves: 1 rows, 0 rows/s",
        "writing leaves: 1 rows in 1 min 40 s (0 rows/s)",
    ]


def test_at_most_one_line_each_half_minute(clock: Clock) -> None:
    file = io.StringIO()
    with Progress(file=file) as progress:
        progress.stage("reading objects", 1000)
        for _ in range(70):
            clock.now += 1
            progress.advance(10)
    assert file.getvalue().splitlines() == [
        "reading objects: 300 of 1,000 rows, 10 rows/s, 1 min 10 s left",
        "reading objects: 600 of 1,000 rows, 10 rows/s, 40.0 s left",
        "reading objects: 700 rows in 1 min 10 s (10 rows/s)",
    ]


def test_a_stage_that_breaks_off_is_not_said_to_be_done() -> None:
    file = io.StringIO()

    def breaks_off() -> None:
        with Progress(file=file) as progress:
            progress.stage("reading objects", 1000)
            progress.advance(10)
            raise LookupError

    with pytest.raises(LookupError):
        breaks_off()
    assert file.getvalue() == "reading objects: stopped after 10 of 1,000 rows\n"


def test_silent() -> None:
    for file in (io.StringIO(), Terminal()):
        with Progress(show=False, file=file) as progress:
            progress.stage("reading objects", 10)
            progress.advance(10)
            progress.note("resuming")
        assert file.getvalue() == ""


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    file = Terminal()
    with Progress(file=file) as progress:
        progress.stage("reading [objects]", 2000)
        progress.advance(1000)
        progress.note("resuming [bold]")
        progress.advance(1000)
        progress.stage("writing leaves", 0)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())
    assert "reading [objects]" in text
    assert "resuming [bold]" in text
    assert "2 k/2 k rows" in text
    assert "rows/s" in text
    assert "writing leaves" in text


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress.note("resuming")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "resuming\n")


def rows_of(progress: Progress) -> float:
    assert progress._stage is not None
    return progress._stage.rows


def test_a_listener_counts_rows() -> None:
    with Progress(show=False) as progress:
        progress.stage("squares", 100)
        tasks = [Task(square, (i,), weight=25) for i in range(4)]
        engine = create_executor("threads", workers=2)
        list(engine.run(tasks, listeners=[progress.listener()]))
        assert rows_of(progress) == 100
        list(engine.run(tasks, listeners=[progress.listener(lambda task: task.args[0])]))
        assert rows_of(progress) == 106


def test_parts_of_a_task_are_counted_once_and_taken_back_if_it_fails() -> None:
    with Progress(show=False) as progress:
        progress.stage("squares", 100)
        listen = progress.listener()
        task = Task(square, (2,), weight=40)
        listen(TaskStart(task, 0, 0.0, 1))
        listen(TaskProgress(task, 0, 0.0, 0.25))
        listen(TaskProgress(task, 0, 0.0, 0.5))
        assert rows_of(progress) == 20
        listen(TaskError(task, 0, 0.0, OSError(), 1, will_retry=True))
        assert rows_of(progress) == 0


def test_rows_without_a_stage_are_not_counted() -> None:
    with Progress(show=False) as progress:
        progress.advance(10)
        progress.done()
        progress.stage("squares")
        assert rows_of(progress) == 0
