"""Functions of users: what a message calls them, where one failed, and with what."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.node import SKY_CELLS, Node
from skyseries.catalog.plan.rows import Rows
from skyseries.errors import ExecutionError, SkyseriesError
from skyseries.hats.partitions import Cell
from skyseries.spatial.healpix import cells_in_range

__all__ = [
    "ERROR_COLUMN",
    "FunctionError",
    "bounds_of",
    "cell_of",
    "error_text",
    "failure",
    "function_name",
    "object_text",
    "partition_text",
]

ERROR_COLUMN = "_error"
"""The column of ``on_error="collect"``: why a row or a partition has no result; else null."""


class FunctionError(ExecutionError):
    """A function of the user's failed.

    Its exception is chained as the cause; on engines that run elsewhere, where a chain does not
    travel, the text of its traceback is.
    """

    error: BaseException | None = None
    """The user's exception, on every engine (None if it cannot be pickled)."""


def function_name(function: Callable[..., Any]) -> str:
    """Return the name of a function, of what a partial calls, or of the class of an object."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def error_text(error: BaseException) -> str:
    """Return an exception as ``type: message``."""
    text = str(error)
    return type(error).__name__ + (f": {text}" if text else "")


def failure(verb: str, name: str, where: str, error: BaseException) -> FunctionError:
    """Return the error to raise, from the user's exception, for a call that failed."""
    text = f"{verb}: {name} failed for {where}: {error_text(error)}"
    made = FunctionError(text)
    made.error = error
    return made


def bounds_of(node: Node) -> tuple[Ints, Ints]:
    """Return where the partitions of the first catalog of a plan begin and end.

    Also the gaps between partitions are ranges; rows without a position are in the first.
    """
    cuts = np.unique(node.cuts())
    start, stop = cuts[:-1].copy(), cuts[1:]
    if len(start) and start[0] == 0:
        start[0] = -1
    return start, stop


def cell_of(start: int, stop: int) -> Cell | None:
    """Return the HEALPix cell that is a range of order-29 cells; None if it is more than one."""
    cells = cells_in_range(max(start, 0), stop)
    return Cell(*cells[0]) if len(cells) == 1 else None


def partition_text(start: int, stop: int) -> str:
    """Return what a message calls a partition."""
    if start <= 0 and stop >= SKY_CELLS:
        return "the whole table"
    cell = cell_of(start, stop)
    return f"the cells {start} to {stop}" if cell is None else f"partition {cell}"


def object_text(node: Node, rows: Rows, id: str | None, row: int) -> str:
    """Return what a message calls a row: its id where it is known, its partition, its number.

    Nothing that goes wrong in finding this out may hide the error that is reported.
    """
    parts = [f"row {row} of this part of the work"]
    index = np.array([row])
    try:
        hpx = int(rows.take(index).hpx()[0])
        start, stop = bounds_of(node)
        i = int(np.searchsorted(stop, hpx, side="right"))
        if i < len(start) and start[i] <= hpx:
            parts.insert(0, partition_text(int(start[i]), int(stop[i])))
    except SkyseriesError:
        pass
    if id is not None and id in node.schema.names:
        value = rows.fetch([id], index).column(0)[0].as_py()
        return f"the object with {id} = {value!r} ({', '.join(parts)})"
    return ", ".join(reversed(parts))
