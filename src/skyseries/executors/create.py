"""Engines by name, and the engine that holds for a block of code."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from skyseries.errors import InputError
from skyseries.executors.base import Executor
from skyseries.executors.context import current as _current

__all__ = ["create_executor", "current_executor", "executor"]

_ENGINES = {
    "serial": "skyseries.executors.local:Serial",
    "threads": "skyseries.executors.local:Threads",
    "processes": "skyseries.executors.processes:Processes",
    "dask": "skyseries.executors.dask:Dask",
    "spark": "skyseries.executors.spark:Spark",
}


def create_executor(
    name: str | Executor | None = None, workers: int | None = None, **options: Any
) -> Executor:
    """Return an engine.

    Parameters
    ----------
    name : str or Executor, optional
        ``"serial"``, ``"threads"``, ``"processes"``, ``"dask"`` or ``"spark"``. An Executor is
        returned as it is. None gives the one that holds here (`current_executor`), or where that
        has another number of workers, a new one of the same kind (on the same cluster).
    workers : int, optional
        How many tasks run side by side; by default ``SKYSERIES_WORKERS`` or the number of
        processors, and on an existing cluster all that it has.
    **options
        What the engine takes beside: ``docs/engines.md`` lists it.

    Raises
    ------
    InputError
        If there is no engine of this name, or it does not take such an option.
    MissingDependencyError
        If what the engine needs is not installed.
    """
    if isinstance(name, Executor):
        if options or workers not in (None, name.workers):
            raise InputError(f"{name!r} exists already: workers and options cannot be changed")
        return name
    if name is None:
        current = current_executor()
        if not options:
            return current if workers in (None, current.workers) else current.with_workers(workers)
        name = current.name
    engine = _engine(name)
    known = list(inspect.signature(engine).parameters)
    for option in options:
        if option not in known:
            raise InputError(
                f"the engine {name!r} has no option {option!r}; it takes {', '.join(known)}"
            )
    return engine(workers=workers, **options)  # type: ignore[call-arg]


@contextlib.contextmanager
def executor(
    name: str | Executor | None = None, workers: int | None = None, **options: Any
) -> Iterator[Executor]:
    """Use an engine for everything that is run inside of a ``with`` block.

    Parameters
    ----------
    name, workers, **options
        As in `create_executor`. An engine that is created here is closed at the end; one that is
        given is not.

    Examples
    --------
    >>> import skyseries as sky
    >>> with sky.executor("processes", workers=2) as engine:
    ...     engine
    Processes(workers=2)
    """
    before = current_executor()
    engine = create_executor(name, workers, **options)
    token = _current.set(engine)
    try:
        yield engine
    finally:
        _current.reset(token)
        if engine is not name and engine is not before:
            engine.close()


def current_executor() -> Executor:
    """Return the engine that holds here: of the innermost `executor` block, or else threads.

    Inside of a task it is serial, since the run that the task is part of has all workers busy.
    """
    return _current.get() or _default()


@cache
def _default() -> Executor:
    return create_executor("threads")


def _engine(name: str) -> type[Executor]:
    if name not in _ENGINES:
        raise InputError(f"there is no engine {name!r}; {_choices()}")
    module, _, attribute = _ENGINES[name].partition(":")
    return cast(type[Executor], getattr(importlib.import_module(module), attribute))


def _choices() -> str:
    return "there are " + ", ".join(repr(name) for name in _ENGINES)
