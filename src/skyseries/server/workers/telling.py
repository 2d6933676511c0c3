"""What users are told of an error: nothing of the machine, and of our faults only that they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from skyseries.errors import (
    Cancelled,
    ExecutionError,
    InputError,
    QueryError,
    SkyseriesError,
)
from skyseries.server.limits import Limits
from skyseries.server.work import Failed
from skyseries.units import size_text

__all__ = ["memory_text", "told"]

_PATH = re.compile(r"""(?<![\w.:/-])/(?:[^\s/:;,'"()]+/)+(?P<last>[^\s/:;,'"()]*)""")


def told(error: BaseException, places: Mapping[str, str], limits: Limits) -> Failed:
    """Return what a user is told.

    Parameters
    ----------
    error : BaseException
    places : mapping of str to str
        Paths, and what users call what lies there.
    limits : Limits
    """
    if isinstance(error, Failed):
        return error
    if any(_is_of_memory(one) for one in _causes(error)):
        return Failed(memory_text(limits), "limit")
    if isinstance(error, QueryError):
        return Failed(str(error))
    if isinstance(error, Cancelled):
        return Failed("the statement was ended before it was done", "aborted")
    if isinstance(error, SkyseriesError) and not isinstance(error, ExecutionError):
        kind = "usage" if isinstance(error, InputError) else "internal"
        return Failed(without_paths(str(error), places), kind)
    return Failed(  # an ExecutionError has the text of whatever was raised by whatever was run
        "the service has failed, for a reason that its log names; the statement may be right",
        "internal",
    )


def memory_text(limits: Limits) -> str:
    """Return what is said of a statement that takes too much memory."""
    return (
        f"the statement needs more than the {size_text(limits.memory)} of memory that one may "
        "take: ask for a smaller region, fewer columns, or fewer groups"
    )


def without_paths(text: str, places: Mapping[str, str]) -> str:
    """Return a message with names of catalogs in place of their paths, and no other path."""
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, places[place])
    return _PATH.sub(lambda match: f".../{match['last']}" if match["last"] else "...", text)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException"
