"""Functions that the contract tests run as tasks; they leave traces in files, for any engine."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np

from skyseries.config import tuning
from skyseries.errors import SchemaError
from skyseries.executors import (
    Task,
    check_cancelled,
    count_bytes,
    current_executor,
    report_progress,
)
from tests.programs import PATIENCE


def square(x: int) -> int:
    return x * x


def mark(folder: Path, name: str) -> None:
    """Leave a trace that a task was called; each call is one line."""
    with (folder / name).open("a") as file:
        file.write(f"{os.getpid()}\n")


def calls(folder: Path) -> dict[str, int]:
    """Return how often each task was called."""
    return {
        path.name: len(path.read_text().splitlines())
        for path in folder.iterdir()
        if path.suffix != ".gate"
    }


def traced(folder: Path, i: int, seconds: float = 0.0) -> int:
    mark(folder, str(i))
    time.sleep(seconds)
    return i


def fails_first(folder: Path, i: int, failures: int, error: BaseException | type) -> int:
    """Fail a given number of times, then return; each call is counted."""
    mark(folder, str(i))
    if calls(folder)[str(i)] <= failures:
        raise error
    return i


def waits_for_gate(folder: Path, i: int) -> int:
    """Return when the file ``open.gate`` is there."""
    mark(folder, str(i))
    wait_until((folder / "open.gate").exists)
    return i


def kills_itself(folder: Path, i: int, times: int) -> int:
    """End the worker process the hard way, a given number of times."""
    mark(folder, str(i))
    if calls(folder)[str(i)] <= times:
        os.kill(os.getpid(), 9)
    return i


def big(i: int) -> np.ndarray:
    return np.full(12_500_000, float(i))


def unit_rows() -> int:
    return tuning().unit_rows


def nested(n: int) -> tuple[str, list[int]]:
    engine = current_executor()
    results = engine.run([Task(square, (i,)) for i in range(n)])
    return engine.name, sorted(result.value for result in results)


class HoldsALockError(Exception):
    """Cannot be pickled as it is."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


class WantsMoreError(Exception):
    """Pickles, but cannot be read again: its constructor wants other arguments."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"a={a}, b={b}")
        self.a = a


class LockedSchemaError(SchemaError):
    """As `HoldsALockError`, of our own tree."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


def raises_unpicklable() -> None:
    raise HoldsALockError("the text")


def raises_unreadable() -> None:
    raise WantsMoreError(1, 2)


def raises_unpicklable_schema_error() -> None:
    raise LockedSchemaError("the text")


def raises_a_chain() -> None:
    try:
        _ = {}["the inner cause"]
    except KeyError as error:
        raise ValueError("the outer error") from error


def exits() -> None:
    raise SystemExit(3)


def reports(steps: int, seconds: float) -> int:
    for step in range(steps):
        time.sleep(seconds)
        report_progress((step + 1) / steps)
    return steps


def reports_forever(folder: Path, i: int) -> None:
    mark(folder, str(i))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        report_progress(0.5)
        time.sleep(0.01)


def reads(n: int) -> int:
    """Say that n bytes were read, some of them by a run inside of this task."""
    count_bytes(n // 2)
    list(current_executor().run([Task(count_bytes, (n - n // 2,))]))
    return n


def checks_forever(folder: Path, i: int) -> None:
    """Look whether the result is wanted, in a run inside of this task."""
    mark(folder, str(i))
    list(current_executor().run([Task(_check_for_a_minute)]))


def _check_for_a_minute() -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        check_cancelled()
        time.sleep(0.01)


def wait_until(condition: object, seconds: float = PATIENCE) -> None:
    """Wait for something that must happen; the time is a limit, not a measurement."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {seconds} s")
        time.sleep(0.01)
