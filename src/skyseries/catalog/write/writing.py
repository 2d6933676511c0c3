"""A result written as a HATS catalog: each task writes leaves, nothing is gathered.

A leaf of the result holds the rows of one cell: a partition of the catalog that gives the
positions. Its rows are computed unit by unit and streamed into the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.node import (
    SKY_CELLS,
    UNPLACED,
    Area,
    Hints,
    Node,
    Pieces,
    Unit,
    steps_of,
)
from skyseries.catalog.run.run import prepare
from skyseries.catalog.run.units import divide
from skyseries.catalog.write.provenance import new_provenance, to_properties
from skyseries.config import tuning
from skyseries.errors import ExecutionError, InputError
from skyseries.executors import Job, Task
from skyseries.fingerprint import fingerprint
from skyseries.hats.build.assemble import assemble
from skyseries.hats.build.blueprint import Blueprint
from skyseries.hats.build.edition import new_edition
from skyseries.hats.build.index import check_ids
from skyseries.hats.build.journal import Journal, Outcome
from skyseries.hats.build.leaves import write_leaves
from skyseries.hats.build.margin import write_cells
from skyseries.hats.curves import in_time_order
from skyseries.hats.leaf import HPX_COLUMN, row_epochs
from skyseries.hats.manifest import FileFacts
from skyseries.hats.names import check_catalog_name, check_columns
from skyseries.hats.partitions import Cell, Partitions, cut
from skyseries.hats.sizes import Limits, row_sizes
from skyseries.lazy import pc
from skyseries.schema import LightCurveFields
from skyseries.spatial.healpix import HPX_ORDER, margin_order
from skyseries.spatial.order import run_lengths

__all__ = [
    "LeafTask",
    "Target",
    "Written",
    "leaf_tasks",
    "shared_out",
    "write_catalog",
    "writing_tasks",
]

Tables = Callable[[Node, "LeafTask", Blueprint], Iterator[pa.Table]]

_LIMITS = Limits()
_TABLE_ORDER = 10
"""A table in memory is weighed in cells of this order; those above a limit, in finer ones."""


class Written(NamedTuple):
    """What was written."""

    path: str
    version: str
    rows: int
    partitions: int
    margin_rows: int | None
    index_rows: int | None
    provenance: Mapping[str, Any] = MappingProxyType({})
    """Run id, date, versions of the code and of the catalogs, parameters."""


@dataclass(frozen=True)
class Target:
    """What is to be written, and where.

    Parameters
    ----------
    path : path
    name : str
    position : pair of str
        Columns of ra and dec; added if the result does not have them.
    kind : str
    id : str or None
        Column of the ids.
    lightcurves : mapping
        Fields of the nested columns.
    margin_arcsec : float or None
    overwrite : bool
    resume : bool
        Go on with the same write that was stopped.
    durability : {"power", "process"}
    storage_options : mapping
        Of a bucket, for fsspec.
    properties : mapping
        More entries of hats.properties.
    """

    path: str | os.PathLike[str]
    name: str
    position: tuple[str, str]
    kind: str
    id: str | None
    lightcurves: Mapping[str, LightCurveFields]
    margin_arcsec: float | None
    overwrite: bool
    resume: bool = False
    durability: str = "power"
    storage_options: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)


class LeafTask(NamedTuple):
    """One leaf of a result, and the units that its rows are computed in."""

    cell: Cell
    units: tuple[tuple[int, int], ...]
    weight: float


def write_catalog(
    node: Node, target: Target, then: Callable[[Written], None] | None = None
) -> Written:
    """Compute a plan and write its rows as a collection.

    Parameters
    ----------
    node : Node
    target : Target
    then : callable, optional
        What belongs to the same run, and is done when the version is named.
    """
    check_catalog_name(target.name)
    schema = _schema(node, target.position)
    check_columns(schema.names)
    if target.id is not None:
        check_ids(schema, target.id)
    run = _run_name(node, target) if target.resume else None
    with (
        Job("write_catalog"),
        new_edition(
            target.path,
            overwrite=target.overwrite,
            run=run,
            durability=target.durability,
            **target.storage_options,
        ) as edition,
    ):
        blueprint = Blueprint(
            folder=edition.content,
            scratch=edition.scratch,
            name=target.name,
            schema=schema,
            ra=target.position[0],
            dec=target.position[1],
            kind=target.kind,
            lightcurves=target.lightcurves,
            id=target.id,
            margin_arcsec=target.margin_arcsec,
        )
        files: Mapping[str, FileFacts] = {}
        report = edition.report
        if report is None:  # else it was stopped at its very end
            report, files = _build(node, target, blueprint, edition.journal)
        version = edition.publish(blueprint.collection, files, report)
        provenance = MappingProxyType(report["provenance"])
        written = Written(**{**report, "version": version, "provenance": provenance})
        if then is not None:
            then(written)
        return written


def _build(
    node: Node, target: Target, blueprint: Blueprint, journal: Journal
) -> tuple[dict[str, Any], Mapping[str, FileFacts]]:
    """Put the version together; return what is told of it, and the files that are known."""
    provenance = journal.note("run") or new_provenance(node)
    journal.keep("run", provenance)
    said = {
        "hats_cols_survey_id": target.id,
        "skyseries_plan": " < ".join(line.strip() for line in steps_of(node)),
        **target.properties,
    } | to_properties(provenance)
    built = assemble(blueprint, journal, _leaves(node, blueprint, journal), said)
    report = {
        "path": str(target.path),
        "version": "",
        "rows": built.rows,
        "partitions": built.partitions,
        "margin_rows": built.margin_rows,
        "index_rows": built.index_rows,
        "provenance": provenance,
    }
    return report, built.files


def _run_name(node: Node, target: Target) -> str:
    """Return a name that this plan has in each process, and no other one."""
    from skyseries import __version__

    parts = (target.name, target.position, target.id, target.kind, target.margin_arcsec)
    return fingerprint(__version__, node, parts, tuning())  # marks go by the numbers of tasks


def _leaves(node: Node, blueprint: Blueprint, journal: Journal) -> list[Outcome]:
    """Write all leaves that are not done, on the engine that holds."""
    prepare(node)
    leaves = leaf_tasks(node, blueprint.margin_arcsec)
    if blueprint.margin_arcsec is not None:
        write_cells(blueprint.receivers, Partitions.of([leaf.cell for leaf in leaves]))
    return journal.run("writing leaves", writing_tasks(node, leaves, blueprint, _tables))


def writing_tasks(
    node: Node, leaves: list[LeafTask], blueprint: Blueprint, tables: Tables
) -> list[Task]:
    """Return tasks that write the leaves of a plan that is prepared.

    Parameters
    ----------
    node : Node
    leaves : list of LeafTask
    blueprint : Blueprint
    tables : callable
        ``tables(node, leaf, blueprint)`` yields the rows of a leaf along the sky, of a node with
        no more than some leaves take.
    """
    tasks = []
    for number, some in enumerate(shared_out(leaves)):
        start, stop = some[0].units[0][0], some[-1].units[-1][1]
        folder = blueprint.scratch / f"{number:06d}"
        arguments = (node.narrow(Area.of(start, stop)), tuple(some), blueprint, tables, folder)
        weight = sum(leaf.weight for leaf in some)
        tasks.append(Task(_write_leaves, arguments, weight, f"leaf {some[0].cell}"))
    return tasks


def _write_leaves(
    node: Node, leaves: Sequence[LeafTask], blueprint: Blueprint, tables: Tables, folder: Path
) -> Outcome:
    rows = ((leaf.cell, tables(node, leaf, blueprint)) for leaf in leaves)
    return write_leaves(blueprint, rows, folder)


def _tables(node: Node, leaf: LeafTask, blueprint: Blueprint) -> Iterator[pa.Table]:
    """Yield the rows of a leaf along the sky."""
    position = blueprint.ra, blueprint.dec
    for start, stop in leaf.units:
        rows = node.rows(Area.of(start, stop), Hints())
        if not len(rows):
            continue
        hpx = rows.hpx()
        if not bool((hpx[1:] >= hpx[:-1]).all()):
            order = np.argsort(hpx, kind="stable")
            rows, hpx = rows.take(order), hpx[order]
        _check_placed(hpx)
        table = in_time_order(node.table(rows), blueprint.lightcurves)
        extra = dict(zip(position, rows.positions(), strict=True)) | {HPX_COLUMN: hpx}
        columns = [
            _filled(table.column(name), extra.get(name))
            if name in table.column_names and name != HPX_COLUMN
            else pa.array(extra[name])
            for name in blueprint.schema.names
        ]
        yield pa.table(columns, blueprint.schema.names)


def _filled(column: pa.ChunkedArray, places: np.ndarray | None) -> pa.ChunkedArray:
    """Return a column of positions with those of rows that have only a right side put in."""
    if places is None or not column.null_count:
        return column
    return pc.coalesce(column, pa.array(places, mask=~np.isfinite(places)).cast(column.type))


def _schema(node: Node, position: tuple[str, str]) -> pa.Schema:
    """Return the schema of the leaves: with the cell and the position, which a catalog needs."""
    schema = node.schema
    for name in reversed(position):
        if name not in schema.names:
            schema = schema.insert(0, pa.field(name, pa.float64(), metadata={"unit": "deg"}))
        elif node.position is None or name not in node.position:
            raise InputError(
                f"the column {name!r} does not say where the rows are; rename it, for a catalog "
                "needs its positions under this name"
            )
    place = schema.get_field_index(HPX_COLUMN)
    if place < 0:
        return schema.insert(0, pa.field(HPX_COLUMN, pa.int64()))
    return schema.set(place, schema.field(place).with_type(pa.int64()))


def leaf_tasks(node: Node, margin_arcsec: float | None = None) -> list[LeafTask]:
    """Return the leaves that may have rows: of rows from memory, within the limits of a leaf."""
    sides = node.pieces(Hints())
    if not len(sides[0]):
        return []
    left = sides[0]
    cells = node.cells()
    if cells:
        _check_cells(left, cells)
    else:
        cells = _cells_of_table(node, margin_arcsec)
    start, stop = cells.ranges()
    first = np.searchsorted(left.stop, start, "right")
    last = np.searchsorted(left.start, stop, "left")
    units: list[LeafTask] = []
    for i in np.flatnonzero(last > first):
        inside = [_clipped(side, int(start[i]), int(stop[i])) for side in sides]
        found = divide(inside)
        weight = sum(unit.weight for unit in found)
        bounds = _bounds(found, int(start[i]), int(stop[i]))
        units.append(LeafTask(cells[int(i)], bounds, weight))
    return units


def _check_cells(left: Pieces, cells: Partitions) -> None:
    """Raise ExecutionError unless every row has a cell to be written under."""
    start, stop = (np.clip(edge, 0, None) for edge in (left.start, left.stop))
    first, last = cells.find(start), cells.find(np.maximum(stop - 1, start))
    if bool(((first < 0) | (last < 0)).any()):
        raise ExecutionError(
            "some rows would not be written, for no partition of the result takes them; this is "
            "a fault of Skyseries, please report it with the text of explain()"
        )


def _bounds(units: list[Unit], start: int, stop: int) -> tuple[tuple[int, int], ...]:
    """Return the units as ranges within a cell."""
    ranges = [(max(unit.start, start), min(unit.stop, stop)) for unit in units]
    return tuple((a, b) for a, b in ranges if a < b)


def _clipped(side: Pieces, start: int, stop: int) -> Pieces:
    a = int(np.searchsorted(side.stop, start, "right"))
    b = int(np.searchsorted(side.start, stop, "left"))
    return Pieces(
        np.maximum(side.start[a:b], start), np.minimum(side.stop[a:b], stop), side.weight[a:b]
    )


def shared_out(leaves: list[LeafTask]) -> Iterator[list[LeafTask]]:
    """Put neighbouring light leaves together, so that a task is worth its start."""
    together: list[LeafTask] = []
    for leaf in leaves:
        if together and sum(one.weight for one in together) + leaf.weight > tuning().task_rows:
            yield together
            together = []
        together.append(leaf)
    if together:
        yield together


def _cells_of_table(node: Node, margin_arcsec: float | None) -> Partitions:
    """Choose partitions for rows that come from memory."""
    _check_placed(node.rows(Area.of(UNPLACED, 0), Hints()).hpx())
    while node.children and not node.refiles:  # rows are filed where the first ones are
        node = node.children[0]
    rows = node.rows(Area.of(0, SKY_CELLS), Hints())
    hpx, loads = rows.hpx(), _loads(node.table(rows))
    order = np.argsort(hpx, kind="stable")
    hpx, loads = hpx[order], loads[order]
    partitions, heavy = _cut_rows(hpx, loads, _TABLE_ORDER, 0)
    deepest = _LIMITS.max_order
    if margin_arcsec is not None:
        deepest = min(deepest, margin_order(margin_arcsec) - 1)
    if not len(heavy) or deepest <= _TABLE_ORDER:
        return partitions
    inside = np.isin(hpx >> 2 * (HPX_ORDER - _TABLE_ORDER), heavy)
    finer, _ = _cut_rows(hpx[inside], loads[inside], deepest, _TABLE_ORDER + 1)
    whole = [cell for cell in partitions if cell not in {Cell(_TABLE_ORDER, n) for n in heavy}]
    return Partitions.of([*whole, *finer])


def _loads(table: pa.Table) -> np.ndarray:
    """Return rows, bytes and epochs of each row of a table, in units of the limits of a leaf."""
    loads = np.full((table.num_rows, 3), 1 / _LIMITS.max_rows)
    loads[:, 1] = (row_sizes(table) + 8) / _LIMITS.max_bytes
    epochs = row_epochs(table, lists=False)
    loads[:, 2] = 0 if epochs is None else epochs / _LIMITS.max_epochs
    return loads


def _cut_rows(
    hpx: Ints, loads: np.ndarray, order: int, lowest_order: int
) -> tuple[Partitions, Ints]:
    """Choose partitions for rows that are sorted along the sky; see `cut`."""
    cells, counts = run_lengths(hpx >> 2 * (HPX_ORDER - order))
    if not len(cells):
        return Partitions.of([]), cells
    summed = np.add.reduceat(loads, np.cumsum(counts) - counts)
    return cut(cells, summed, order, lowest_order)


def _check_placed(hpx: Ints) -> None:
    """Raise InputError if rows have no position."""
    if lost := int((hpx < 0).sum()):
        raise InputError(
            f"{lost} rows have no position and cannot be written as a catalog; leave them out with "
            "query('... IS NOT NULL') on a coordinate"
        )
