"""How far the stages of a job are: bars on a terminal or in a notebook, lines in a log, or nothing.

All is drawn in the threads that take results, none is started for it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

from skyseries.executors.base import Event, Listener, Task, TaskEnd, TaskError, TaskProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["TASKS", "Progress", "Stage"]

TASKS = "tasks"
"""What is counted where weights count nothing that has a name."""
_LINE_INTERVAL = 30.0
"""Seconds between two plain lines: a log file of an import that takes hours stays readable."""
_DELAY = 1.0
"""Seconds before the first bar is drawn: what is done by then needs none."""
_DRAW_INTERVAL = 0.1
_KEPT = 10
"""Bars of stages that have ended: a job may have thousands of stages."""


@dataclass(eq=False)
class Stage:
    """How far a stage is."""

    name: str
    total: float | None
    """How much there is to do; None where it is not known."""
    unit: str = TASKS
    """What is counted, in the plural."""
    done: float = 0.0
    started: float = field(default_factory=lambda: time.monotonic())
    before: float = 0.0
    """How much of it an earlier run has done."""
    at_once: bool = False
    """Whether it is shown from the first moment on: it is known to be long."""

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        """How much is done in a second, now."""
        return max(self.done - self.before, 0.0) / max(self.seconds, 1e-6)

    @property
    def left(self) -> float | None:
        """Seconds until it will be done, if they can be told."""
        if self.total is None or self.rate <= 0:
            return None
        return max(self.total - self.done, 0) / self.rate

    @classmethod
    def of_tasks(
        cls, name: str, tasks: Sequence[Task], unit: str | None = None, before: Sequence[Task] = ()
    ) -> Stage:
        """Return a stage of tasks.

        Parameters
        ----------
        name : str
        tasks : sequence of Task
        unit : str, optional
            What the weights of tasks count; by default, or if they have none, tasks are counted.
        before : sequence of Task
            More tasks of this stage, that have been done before.
        """
        weighs = any(task.weight for task in (*tasks, *before))
        stage = cls(name, None, unit if unit and weighs else TASKS)
        stage.done = stage.before = sum(map(stage.amount, before))
        stage.total = stage.done + sum(map(stage.amount, tasks))
        return stage

    def amount(self, task: Task) -> float:
        """Return how much of the stage a task is."""
        return 1.0 if self.unit == TASKS else task.weight


class _Display(Protocol):
    """Where progress is shown."""

    def begin(self, stage: Stage) -> None: ...
    def update(self, stage: Stage) -> None: ...
    def end(self, stage: Stage, *, complete: bool) -> None: ...
    def tick(self) -> None: ...
    def close(self, *, failed: bool) -> None: ...


class Progress:
    """Progress of a job through its stages.

    On a terminal and in a notebook it is a bar for each stage, with the rate and the time left,
    once a second has passed. Elsewhere it is nothing, or one line at the end of each stage, and
    one each half minute within a long one.

    Parameters
    ----------
    show : bool, optional
        True: lines where there can be no bars. False: show nothing at all.
    file : text stream, optional
        By default standard error.

    Examples
    --------
    >>> progress = Progress(show=False)
    >>> stage = progress.begin(Stage("reading objects", 1000, "rows"))
    >>> progress.advance(stage, 1000)
    >>> progress.end(stage, complete=True)
    >>> progress.close()
    """

    def __init__(self, show: bool | None = None, file: TextIO | None = None) -> None:
        self._display: _Display = _choose_display(show, sys.stderr if file is None else file)
        self._lock = threading.RLock()

    def begin(self, stage: Stage) -> Stage:
        """Show a stage from now on."""
        with self._lock:
            self._display.begin(stage)
        return stage

    def advance(self, stage: Stage, amount: float) -> None:
        """Count a part of a stage as done; from any thread."""
        with self._lock:
            stage.done = max(stage.done + amount, 0.0)  # what is taken back may be more by a bit
            self._display.update(stage)

    def end(self, stage: Stage, *, complete: bool) -> None:
        """End a stage."""
        with self._lock:
            self._display.end(stage, complete=complete)

    def tick(self) -> None:
        """Show that time goes by."""
        with self._lock:
            self._display.tick()

    def close(self, *, failed: bool = False) -> None:
        """Show nothing more.

        Parameters
        ----------
        failed : bool
            Remove the bars.
        """
        with self._lock:
            self._display.close(failed=failed)
            self._display = _Silent()

    def listener(self, stage: Stage) -> Listener:
        """Return a listener for `Executor.run` that counts finished tasks.

        Parts of a task that it reports are counted as they come, and taken back if it fails.
        """
        counted: dict[int, float] = {}

        def listen(event: Event) -> None:
            if not isinstance(event, TaskEnd | TaskError | TaskProgress):
                return
            before = counted.pop(event.index, 0.0)
            after = 0.0 if isinstance(event, TaskError) else stage.amount(event.task)
            if isinstance(event, TaskProgress):
                after *= event.fraction
                counted[event.index] = after
            self.advance(stage, after - before)

        return listen


class _Silent:
    def begin(self, stage: Stage) -> None: ...
    def update(self, stage: Stage) -> None: ...
    def end(self, stage: Stage, *, complete: bool) -> None: ...
    def tick(self) -> None: ...
    def close(self, *, failed: bool) -> None: ...


class _Lines:
    """Plain lines for a log file."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._last = 0.0

    def begin(self, stage: Stage) -> None:
        self._last = time.monotonic()

    def update(self, stage: Stage) -> None:
        if time.monotonic() - self._last < _LINE_INTERVAL:
            return
        parts = [_amount(stage), f"{_rate(stage)}"]
        if stage.left is not None:
            parts.append(f"{_duration(stage.left)} left")
        self._write(f"{stage.name}: {', '.join(parts)}")

    def end(self, stage: Stage, *, complete: bool) -> None:
        if complete:
            done = _counted(stage.done, stage.unit)
            if 0 < stage.done <= stage.before:
                self._write(f"{stage.name}: {done}, all done before")
            else:
                self._write(f"{stage.name}: {done} in {_duration(stage.seconds)} ({_rate(stage)})")
        else:
            self._write(f"{stage.name}: stopped after {_amount(stage)}")

    def tick(self) -> None: ...

    def close(self, *, failed: bool) -> None: ...

    def _write(self, line: str) -> None:
        self._last = time.monotonic()
        self._file.write(line + "\n")
        self._file.flush()


class _Bars:
    """Bars drawn by rich, one for each stage."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._began: float | None = None
        self._drawn = 0.0
        self._rich: RichProgress | None = None
        self._bars: dict[Stage, TaskID | None] = {}
        self._ended: deque[TaskID] = deque()

    def begin(self, stage: Stage) -> None:
        if self._began is None or stage.at_once:
            self._began = time.monotonic() - (_DELAY if stage.at_once else 0.0)
        self._bars[stage] = None
        self._draw()

    def update(self, stage: Stage) -> None:
        self._draw()

    def end(self, stage: Stage, *, complete: bool) -> None:
        self._draw()
        bar = self._bars.pop(stage)
        if self._rich is None or bar is None:
            return
        self._ended.append(bar)
        if len(self._ended) > _KEPT:
            self._rich.remove_task(self._ended.popleft())
        self._rich.update(bar, completed=stage.done, counts=_short(stage))
        if complete:
            done = max(stage.done, 1)  # a bar of nothing at all would go on pulsing
            self._rich.update(bar, total=done, completed=done)
        self._rich.stop_task(bar)
        self._rich.refresh()

    def tick(self) -> None:
        self._draw()

    def close(self, *, failed: bool) -> None:
        if self._rich is not None:
            self._rich.live.transient = failed
            self._rich.stop()
            self._rich = None

    def _draw(self) -> None:
        """Draw all stages, if it is time to."""
        now = time.monotonic()
        if self._began is None or now - self._began < _DELAY:
            return
        if now - self._drawn < _DRAW_INTERVAL:
            return
        self._drawn = now
        if self._rich is None:
            self._rich = _start_rich(self._file)
        for stage, bar in self._bars.items():
            if bar is None:
                bar = self._rich.add_task(stage.name, total=stage.total, counts=_short(stage))
                self._bars[stage] = bar
            self._rich.update(bar, completed=stage.done, counts=_short(stage))
        self._rich.refresh()


def _start_rich(file: TextIO) -> RichProgress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    rich = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=_console(file),
        auto_refresh=False,
        redirect_stdout=sys.stdout.isatty(),  # data for a pipe or a file must go there
    )
    rich.start()
    return rich


def _console(file: TextIO) -> Console:
    from rich.console import Console

    return Console(file=file)


def _choose_display(show: bool | None, file: TextIO) -> _Display:
    if show is False:
        return _Silent()
    terminal = file.isatty() and os.environ.get("TERM") != "dumb"
    if terminal or _is_notebook(file):
        return _Bars(file)
    return _Lines(file) if show else _Silent()


def _is_notebook(file: TextIO) -> bool:
    """Tell whether rich can draw bars in a notebook here."""
    if "ipykernel" not in sys.modules or importlib.util.find_spec("ipywidgets") is None:
        return False
    return _console(file).is_jupyter


def _short(stage: Stage) -> str:
    """Return counts and rate in few columns: a terminal has 80."""
    of = "" if stage.total is None else f"/{_compact(stage.total)}"
    return f"{_compact(stage.done)}{of} {stage.unit}, {_compact(stage.rate)}/s"


def _compact(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return _number(number)


def _number(number: float) -> str:
    return f"{number:.2g}" if 0 < number < 9.5 and number % 1 else f"{number:,.0f}"


def _amount(stage: Stage) -> str:
    if stage.total is None:
        return _counted(stage.done, stage.unit)
    return f"{stage.done:,.0f} of {_counted(stage.total, stage.unit)}"


def _counted(number: float, unit: str) -> str:
    return f"{number:,.0f} {unit.removesuffix('s') if round(number) == 1 else unit}"


def _rate(stage: Stage) -> str:
    return f"{_number(stage.rate)} {stage.unit}/s"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"
