"""How far a pipeline is: a bar on a terminal, a few plain lines elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from skyseries.executors import Event, Listener, Task, TaskEnd, TaskError, TaskProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["Progress"]

_LINE_INTERVAL = 30.0
"""Seconds between two plain lines: a log file of an import that takes hours stays readable."""


@dataclass
class _Stage:
    name: str
    total: int | None
    rows: float = 0.0
    started: float = field(default_factory=lambda: time.monotonic())

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        return self.rows / max(self.seconds, 1e-6)


class _Display(Protocol):
    """Where progress is shown."""

    def begin(self, stage: _Stage) -> None: ...
    def update(self, stage: _Stage) -> None: ...
    def end(self, stage: _Stage, *, complete: bool) -> None: ...
    def note(self, text: str) -> None: ...
    def close(self) -> None: ...


class Progress:
    """Progress of a pipeline through its stages, counted in rows; a context manager.

    On a terminal and in a notebook it is a bar with rows per second and the time left. Elsewhere
    it is one line at the end of each stage, and one each half minute within a long one.

    Parameters
    ----------
    show : bool, optional
        False: show nothing, not even notes.
    file : text stream, optional
        By default standard error.

    Examples
    --------
    >>> with Progress(show=False) as progress:
    ...     progress.stage("reading objects", total_rows=1000)
    ...     progress.advance(1000)
    ...     progress.done()
    """

    def __init__(self, show: bool | None = None, file: TextIO | None = None) -> None:
        self._display = _choose_display(show, sys.stderr if file is None else file)
        self._stage: _Stage | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        with self._lock:
            self._end_stage(complete=kind is None)
            self._display.close()

    def stage(self, name: str, total_rows: int | None = None) -> None:
        """Begin a stage; the one before it, if it still runs, is complete.

        Parameters
        ----------
        name : str
            What is done, for instance ``reading objects``.
        total_rows : int, optional
            How many rows there are to do; None where it is not known.
        """
        with self._lock:
            self._end_stage(complete=True)
            self._stage = _Stage(name, total_rows)
            self._display.begin(self._stage)

    def advance(self, rows: float) -> None:
        """Count rows as done; from any thread."""
        with self._lock:
            if self._stage is not None:
                self._stage.rows += rows
                self._display.update(self._stage)

    def done(self) -> None:
        """End the present stage."""
        with self._lock:
            self._end_stage(complete=True)

    def note(self, text: str) -> None:
        """Say something beside the bar, for instance that an unfinished import is resumed."""
        with self._lock:
            self._display.note(text)

    def listener(self, rows: Callable[[Task], float] | None = None) -> Listener:
        """Return a listener for `Executor.run` that counts the rows of finished tasks.

        Parts of a task that it reports are counted as they come, and taken back if it fails.

        Parameters
        ----------
        rows : callable, optional
            How many rows a task has; by default its weight.
        """
        counted: dict[int, float] = {}

        def listen(event: Event) -> None:
            if not isinstance(event, TaskEnd | TaskError | TaskProgress):
                return
            before = counted.pop(event.index, 0.0)
            after = 0.0
            if not isinstance(event, TaskError):
                after = event.task.weight if rows is None else rows(event.task)
            if isinstance(event, TaskProgress):
                after *= event.fraction
                counted[event.index] = after
            self.advance(after - before)

        return listen

    def _end_stage(self, *, complete: bool) -> None:
        stage, self._stage = self._stage, None
        if stage is not None:
            self._display.end(stage, complete=complete)


class _Silent:
    def begin(self, stage: _Stage) -> None: ...
    def update(self, stage: _Stage) -> None: ...
    def end(self, stage: _Stage, *, complete: bool) -> None: ...
    def note(self, text: str) -> None: ...
    def close(self) -> None: ...


class _Lines:
    """Plain lines for a log file."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._last = 0.0

    def begin(self, stage: _Stage) -> None:
        self._last = time.monotonic()

    def update(self, stage: _Stage) -> None:
        if time.monotonic() - self._last < _LINE_INTERVAL:
            return
        parts = [_rows_of(stage), f"{stage.rate:,.0f} rows/s"]
        if stage.total is not None and stage.rate > 0:
            parts.append(f"{_duration(max(stage.total - stage.rows, 0) / stage.rate)} left")
        self._write(f"{stage.name}: {', '.join(parts)}")

    def end(self, stage: _Stage, *, complete: bool) -> None:
        if complete:
            what = f"{stage.rows:,.0f} rows in {_duration(stage.seconds)}"
            self._write(f"{stage.name}: {what} ({stage.rate:,.0f} rows/s)")
        else:
            self._write(f"{stage.name}: stopped after {_rows_of(stage)}")

    def note(self, text: str) -> None:
        self._write(text)

    def close(self) -> None: ...

    def _write(self, line: str) -> None:
        self._last = time.monotonic()
        self._file.write(line + "\n")
        self._file.flush()


class _Bars:
    """Bars drawn by rich, one for each stage."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._rich: RichProgress = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[rows]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
        )
        self._bar: TaskID | None = None

    def begin(self, stage: _Stage) -> None:
        if self._bar is None:
            self._rich.start()
        self._bar = self._rich.add_task(stage.name, total=stage.total, rows=_short(stage))

    def update(self, stage: _Stage) -> None:
        assert self._bar is not None  # noqa: S101 - a stage has begun
        self._rich.update(
            self._bar,
            completed=stage.rows,
            rows=_short(stage),
        )

    def end(self, stage: _Stage, *, complete: bool) -> None:
        self.update(stage)
        assert self._bar is not None  # noqa: S101 - a stage has begun
        if complete:
            rows = max(round(stage.rows), 1)  # a bar of no rows at all would go on pulsing
            self._rich.update(self._bar, total=rows, completed=rows)
        self._rich.stop_task(self._bar)

    def note(self, text: str) -> None:
        self._rich.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        if self._bar is not None:
            self._rich.stop()


def _choose_display(show: bool | None, file: TextIO) -> _Display:
    if show is False:
        return _Silent()
    terminal = file.isatty() and os.environ.get("TERM") != "dumb"
    if terminal or "ipykernel" in sys.modules:
        from rich.console import Console

        console = Console(file=file)
        if terminal or console.is_jupyter:
            return _Bars(console)
    return _Lines(file)


def _short(stage: _Stage) -> str:
    """Return rows and rows per second in few columns: a terminal has 80."""
    of = "" if stage.total is None else f"/{_compact(stage.total)}"
    return f"{_compact(stage.rows)}{of} rows, {_compact(stage.rate)} rows/s"


def _compact(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def _rows_of(stage: _Stage) -> str:
    of = "" if stage.total is None else f" of {stage.total:,}"
    return f"{stage.rows:,.0f}{of} rows"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"
