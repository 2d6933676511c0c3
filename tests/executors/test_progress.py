from __future__ import annotations

import io
import re
import sys
from types import ModuleType, SimpleNamespace

import pytest

import skyseries as sky
from skyseries.config import settings
from skyseries.errors import Cancelled, InputError
from skyseries.executors import Job, Task, TaskError, TaskProgress, TaskStart, run_tasks
from skyseries.executors import progress as module
from skyseries.executors.progress import Progress, Stage
from tests.executors import tasks as jobs
from tests.executors.contract import squares
from tests.executors.tasks import square


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.getvalue())


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


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return terminal


# --- lines --------------------------------------------------------------------------------------


def test_one_line_per_stage_where_there_is_no_terminal(clock: Clock) -> None:
    file = io.StringIO()
    progress = Progress(show=True, file=file)
    stage = progress.begin(Stage("reading objects", 10_000, "rows"))
    for _ in range(100):
        clock.now += 0.02
        progress.advance(stage, 100)
    progress.end(stage, complete=True)
    stage = progress.begin(Stage("writing leaves", None))
    clock.now += 100
    progress.advance(stage, 1)
    progress.end(stage, complete=True)
    assert file.getvalue().splitlines() == [
        "reading objects: 10,000 rows in 2.0 s (5,000 rows/s)",
        "writing leaves: 1 task, 0.01 tasks/s",
        "writing leaves: 1 task in 1 min 40 s (0.01 tasks/s)",
    ]


def test_at_most_one_line_each_half_minute(clock: Clock) -> None:
    file = io.StringIO()
    progress = Progress(show=True, file=file)
    stage = progress.begin(Stage("reading objects", 1000, "rows"))
    for _ in range(70):
        clock.now += 1
        progress.advance(stage, 10)
    progress.end(stage, complete=True)
    assert file.getvalue().splitlines() == [
        "reading objects: 300 of 1,000 rows, 10 rows/s, 1 min 10 s left",
        "reading objects: 600 of 1,000 rows, 10 rows/s, 40.0 s left",
        "reading objects: 700 rows in 1 min 10 s (10 rows/s)",
    ]


def test_the_rate_is_of_what_is_done_now(clock: Clock) -> None:
    file = io.StringIO()
    progress = Progress(show=True, file=file)
    tasks = [Task(square, (n,), 1000) for n in range(4)]
    stage = progress.begin(Stage.of_tasks("writing leaves", tasks[:1], "rows", tasks[1:]))
    clock.now += 40
    progress.advance(stage, 400)
    clock.now += 10
    progress.advance(stage, 600)
    progress.end(stage, complete=True)
    progress.end(
        progress.begin(Stage.of_tasks("reading objects", [], "rows", tasks)), complete=True
    )
    assert file.getvalue().splitlines() == [
        "writing leaves: 3,400 of 4,000 rows, 10 rows/s, 1 min 0 s left",
        "writing leaves: 4,000 rows in 50.0 s (20 rows/s)",
        "reading objects: 4,000 rows, all done before",
    ]


def test_what_is_taken_back_leaves_nothing(clock: Clock) -> None:
    file = io.StringIO()
    progress = Progress(show=True, file=file)
    stage = progress.begin(Stage("writing leaves", 3, "rows"))
    for part in (0.1, 0.2, -0.3, -1e-16):
        progress.advance(stage, part)
    progress.end(stage, complete=False)
    assert stage.done == 0
    assert file.getvalue() == "writing leaves: stopped after 0 of 3 rows\n"


def test_a_stage_that_breaks_off_is_not_said_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    with Job("import", "serial", progress=True) as job:
        stream = job.run("reading objects", [Task(square, (2,), 10)] * 100, unit="rows")
        next(stream)
        job.cancel()
        with pytest.raises(Cancelled):
            next(stream)
    assert capsys.readouterr().err == "reading objects: stopped after 10 of 1,000 rows\n"


def test_lines_only_where_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for show in (None, False):
        with Job("import", progress=show):
            list(run_tasks("squares", squares(3)))
    assert capsys.readouterr().err == ""
    with Job("import", progress=True):
        list(run_tasks("squares", squares(3)))
    assert re.fullmatch(r"squares: 3 tasks in .* s \(.* tasks/s\)\n", capsys.readouterr().err)


def test_the_outer_job_shows_what_an_inner_one_does_not_hide(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Job("outer", progress=True):
        for show in (None, True, False):
            with Job("inner", progress=show):
                list(run_tasks(f"squares {show}", squares(3)))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["squares None", "squares True"]


# --- bars ---------------------------------------------------------------------------------------


def test_no_bar_within_the_first_second(clock: Clock, terminal: Terminal) -> None:
    progress = Progress(file=terminal)
    stage = progress.begin(Stage("reading [objects]", 2000, "rows"))
    clock.now += 0.9
    progress.advance(stage, 1000)
    progress.tick()
    assert terminal.getvalue() == ""
    clock.now += 0.2
    progress.tick()
    assert "reading [objects]" in terminal.text()
    assert "1 k/2 k rows, 909/s" in terminal.text()
    clock.now += 0.2
    progress.advance(stage, 1000)
    progress.end(stage, complete=True)
    progress.close()
    assert "2 k/2 k rows" in terminal.text().rstrip().splitlines()[-1]


def test_a_short_job_shows_nothing(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> None:
    monkeypatch.setattr("sys.stderr", terminal)
    list(run_tasks("squares", squares(3)))
    assert terminal.getvalue() == ""


def test_a_bar_while_one_long_task_runs(
    monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    """Nothing happens but that time goes by."""
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(module, "_DELAY", 0.1)

    def long() -> None:
        jobs.wait_until(lambda: "sleeping" in terminal.getvalue(), seconds=30)

    with sky.executor("threads", workers=1):
        list(run_tasks("sleeping", [Task(long)]))
    assert "0/1 tasks" in terminal.text()


@pytest.mark.parametrize("failed", [False, True])
def test_bars_stay_unless_the_job_fails(clock: Clock, terminal: Terminal, failed: bool) -> None:
    progress = Progress(file=terminal)
    stage = progress.begin(Stage("reading", 10))
    clock.now += 2
    progress.advance(stage, 3)
    progress.end(stage, complete=not failed)
    before = terminal.getvalue()
    progress.close(failed=failed)
    after = terminal.getvalue()[len(before) :]
    erased = "\x1b[1A\x1b[2K" in after.rpartition("reading")[2]
    assert erased == failed
    assert "\x1b[?25h" in after, "the cursor stays hidden"
    progress.begin(Stage("late", 10))
    clock.now += 2
    progress.tick()
    assert "late" not in terminal.getvalue()


def test_a_job_of_many_stages_keeps_a_few_bars(clock: Clock, terminal: Terminal) -> None:
    progress = Progress(file=terminal)
    for n in range(100):
        stage = progress.begin(Stage(f"stage {n}.", 1))
        clock.now += 2
        progress.advance(stage, 1)
        progress.end(stage, complete=True)
    before = len(terminal.getvalue())
    progress.close()
    last = terminal.getvalue()[before:]
    assert re.findall(r"stage (\d+)\.", last) == [str(n) for n in range(90, 100)]


def test_what_is_printed_goes_where_it_should(
    clock: Clock, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data that a program prints into a pipe does not land among the bars."""
    progress = Progress(file=terminal)
    stage = progress.begin(Stage("reading", 10))
    clock.now += 2
    progress.advance(stage, 3)
    print("1,2,3")  # noqa: T201
    progress.close()
    assert capsys.readouterr().out == "1,2,3\n"
    assert "1,2,3" not in terminal.text()


def test_a_dumb_terminal_gets_no_bars(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, terminal: Terminal
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    progress = Progress(file=terminal)
    progress.begin(Stage("reading", 10))
    clock.now += 2
    progress.tick()
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("widgets", [False, True])
def test_a_notebook_gets_bars_if_it_has_widgets(
    monkeypatch: pytest.MonkeyPatch, widgets: bool
) -> None:
    console = SimpleNamespace(is_jupyter=True)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setattr(module, "_console", lambda file: console)
    there = console if widgets else None
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: there)
    progress = Progress(file=io.StringIO())
    assert isinstance(progress._display, module._Bars if widgets else module._Silent)


@pytest.mark.parametrize("value", ["0", "1"])
def test_the_environment_switches_it_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("SKYSERIES_PROGRESS", value)
    settings.cache_clear()
    try:
        with Job("import", progress=True):
            list(run_tasks("squares", squares(3)))
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert bool(capsys.readouterr().err) == (value == "1")


def test_a_switch_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYSERIES_PROGRESS", "maybe")
    settings.cache_clear()
    try:
        with pytest.raises(InputError, match="SKYSERIES_PROGRESS must be 0 or 1, not 'maybe'"):
            settings()
    finally:
        monkeypatch.undo()
        settings.cache_clear()


# --- what is counted ----------------------------------------------------------------------------


def test_rows_where_weights_are_rows_else_tasks() -> None:
    tasks = [Task(square, (i,), weight=25) for i in range(4)]
    rows = Stage.of_tasks("squares", tasks[1:], "rows", tasks[:1])
    assert (rows.unit, rows.done, rows.total) == ("rows", 25, 100)
    plain = Stage.of_tasks("squares", tasks)
    assert (plain.unit, plain.done, plain.total) == ("tasks", 0, 4)
    unknown = Stage.of_tasks("squares", [Task(square, (i,), weight=0) for i in range(4)], "rows")
    assert (unknown.unit, unknown.total) == ("tasks", 4)


def test_parts_of_a_task_are_counted_once_and_taken_back_if_it_fails() -> None:
    task = Task(square, (2,), weight=40)
    stage = Stage.of_tasks("squares", [task], "rows")
    listen = Progress(show=False).listener(stage)
    listen(TaskStart(task, 0, 0.0, 1))
    listen(TaskProgress(task, 0, 0.0, 0.25))
    listen(TaskProgress(task, 0, 0.0, 0.5))
    assert stage.done == 20
    listen(TaskError(task, 0, 0.0, OSError(), 1, will_retry=True))
    assert stage.done == 0


def test_work_that_is_no_task(capsys: pytest.CaptureFixture[str]) -> None:
    with Job("demo", progress=True) as job, job.stage("drawing", 9, "panels") as advance:
        advance(9)
    assert re.fullmatch(r"drawing: 9 panels in .*\n", capsys.readouterr().err)
