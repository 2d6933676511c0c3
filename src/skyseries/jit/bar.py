"""A bar on a terminal: how many kernels are compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

__all__ = ["TEXT", "bar"]

TEXT = "compiling, once for this installation"
"""What is said of it."""


@contextlib.contextmanager
def bar() -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error within a block."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(TEXT, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
