"""What runs in the Python workers of Spark: one task for each partition."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from pyspark import TaskContext

from skyseries.config import cpu_count, settings
from skyseries.executors.limits import limit_process, limit_thread
from skyseries.executors.worker import answer

__all__ = ["perform", "pieces_of"]

_PIECE_BYTES = 4_000_000
"""A message travels in pieces of this size: the JVM copies a row several times, so that one of
100 MB would need a heap of more than a gigabyte."""


def pieces_of(message: bytes) -> Iterator[bytes]:
    """Yield a message in pieces."""
    for start in range(0, len(message), _PIECE_BYTES):
        yield message[start : start + _PIECE_BYTES]


def perform(pieces: Iterable[bytes], side_by_side: int | None) -> Iterator[bytes]:
    """Run the call of a message in pieces; yield the reply in pieces.

    Nothing is yielded where Spark runs the call a second time by itself, since an executor or a
    Python worker was lost: whether to try again, our side decides.

    Parameters
    ----------
    pieces : iterable of bytes
        All of a partition. Read to the end: Spark uses the worker again only then.
    side_by_side : int, optional
        How many tasks share the memory of this machine; None: as many as it has processors.
    """
    message = b"".join(pieces)
    context = TaskContext.get()
    if context is not None and context.attemptNumber() > 0:
        return
    if "SKYSERIES_MEMORY" not in os.environ:
        limit_process(settings().memory // (side_by_side or cpu_count()))
    else:
        limit_process(settings().memory)
    limit_thread()
    yield from pieces_of(answer(message))
