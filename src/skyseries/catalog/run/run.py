"""A plan is run: divided into units, each a task of the engine that holds, results streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import pyarrow as pa

from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.stage import stages_of
from skyseries.catalog.run.units import divide
from skyseries.executors import Task, current_executor, executor, report_progress, run_tasks
from skyseries.jit import expect

__all__ = ["count", "first", "in_order", "prepare", "reduce", "run_units", "units_of"]

T = TypeVar("T")


def units_of(node: Node, largest: float | None = None) -> list[Unit]:
    """Return the units of a plan, in the order of the sky; no leaf is opened."""
    return divide(node.pieces(Hints()), current_executor().workers, largest)


def prepare(node: Node) -> None:
    """Compile and compute what a plan needs before its first unit, as far as it is not there."""
    expect(*node.occasions)
    for stage in stages_of(node):
        stage.run(run_units)


def run_units(
    node: Node,
    function: Callable[[Node, Unit], T],
    units: list[Unit] | None = None,
    *,
    stage: str = "computing",
    ordered: bool = False,
) -> Iterator[tuple[int, T]]:
    """Call a function for each unit of a plan on the engine that holds; yield as they are ready.

    What the plan needs before is computed first.

    Parameters
    ----------
    node : Node
    function : callable
        ``function(node, unit)``, picklable; the node may hold only what the unit takes.
    units : list of Unit, optional
    stage : str
        What is done, for people.
    ordered : bool
        Yield in the order of the units; only a few results wait for one before them.

    Yields
    ------
    place : int
        Of the unit in the list.
    value
    """
    prepare(node)
    units = units_of(node) if units is None else units
    tasks = [
        Task(function, (node.narrow(unit.area), unit), unit.weight, str(unit)) for unit in units
    ]
    yield from run_tasks(stage, tasks, ordered=ordered)


def in_order(node: Node, units: list[Unit] | None = None) -> Iterator[pa.Table]:
    """Yield the result, unit after unit in the order of the sky."""
    for _, table in run_units(node, Node.read, units, stage="rows", ordered=True):
        yield table


def first(node: Node, n: int) -> pa.Table:
    """Return the first n rows, reading no more than is needed."""
    prepare(node)
    units = units_of(node, largest=1) if n else []
    with executor("serial"):
        _, table = next(run_tasks("first rows", [Task(_first, (node, units, n))]))
    return table


def _first(node: Node, units: list[Unit], n: int) -> pa.Table:
    found: list[pa.Table] = [node.schema.empty_table()]
    missing = n
    for done, unit in enumerate(units):
        report_progress(done / len(units))
        rows = node.rows(unit.area, Hints())
        if len(rows) > missing:
            rows = rows.take(np.arange(missing))
        if len(rows):
            found.append(node.table(rows))
            missing -= len(rows)
        if missing <= 0:
            break
    return pa.concat_tables(found)


def count(node: Node) -> int:
    """Return how many rows there are; only what filters look at is read."""
    return sum(value for _, value in run_units(node, _count, stage="counting"))


def reduce(
    node: Node,
    partial: Callable[[Node, Unit], T],
    merge: Callable[[T, T], T],
) -> T | None:
    """Compute something of each unit and merge the parts as they come; None without units.

    `merge` must not mind the order.
    """
    merged: T | None = None
    for _, part in run_units(node, partial):
        merged = part if merged is None else merge(merged, part)
    return merged


def _count(node: Node, unit: Unit) -> int:
    return len(node.rows(unit.area, Hints()))
