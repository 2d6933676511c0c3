"""Who watches what is compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

__all__ = ["Watch", "watch_here", "watched_by"]

Watch = Callable[[int, int], None]
"""Told how many kernels of how many are compiled, each moment, in the thread that waits for them.
What it raises ends the compilation."""

watch_here: ContextVar[Watch | None] = ContextVar("skyseries_watch", default=None)


@contextlib.contextmanager
def watched_by(watch: Watch) -> Iterator[None]:
    """Let somebody watch what is compiled within a block, instead of a bar on the terminal."""
    token = watch_here.set(watch)
    try:
        yield
    finally:
        watch_here.reset(token)
