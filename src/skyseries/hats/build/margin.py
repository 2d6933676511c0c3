"""The margin of a catalog, from border rows that were set aside while its leaves were written.

Each run of border rows is sorted by the cell that receives them; tasks write the leaves of some
receiving cells each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.cache import kept
from skyseries.config import tuning
from skyseries.executors import Task
from skyseries.hats.build.blueprint import Blueprint
from skyseries.hats.build.folder import write_margin_folder
from skyseries.hats.build.journal import Journal, Outcome, gathered, total
from skyseries.hats.build.runs import Run, Runs, read_run, write_run
from skyseries.hats.layout import leaf_path
from skyseries.hats.leaf import HPX_COLUMN, LeafWriter, row_epochs, row_group_bounds
from skyseries.hats.manifest import digest_of
from skyseries.hats.margin import margin_targets, receivers
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.sizes import take
from skyseries.schema import as_schema
from skyseries.spatial.order import argsort, run_lengths
from skyseries.store.files import locate, write_text

__all__ = ["EdgeRun", "edge_rows", "merge_margin", "read_cells", "write_cells", "write_edge_run"]

_TARGET, _ROW = "_target", "_row"
"""Columns of the runs: which receiving cell a row is for, and which row of the task's it is."""


@dataclass(frozen=True)
class EdgeRun:
    """Border rows of some partitions: a run sorted by receiving cell."""

    run: Run
    targets: tuple[int, ...]
    """Places of the receiving cells, ascending."""
    counts: tuple[int, ...]
    """Rows for each."""

    def to_json(self) -> Outcome:
        """Return it as plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Outcome) -> EdgeRun:
        """Return what `to_json` has made."""
        return cls(Run(**said["run"]), tuple(said["targets"]), tuple(said["counts"]))


@dataclass(frozen=True)
class _MarginLeaf:
    """One leaf of a margin that is to be written."""

    target: int
    cell: Cell
    runs: tuple[Run, ...]
    rows: int


def edge_rows(
    table: pa.Table, hpx: Ints, home: Cell, ring: Partitions, order: int, first_row: int = 0
) -> pa.Table | None:
    """Return the rows that belong into margins, with columns that say of which cell.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of one partition.
    hpx : ndarray of int64, shape (n,)
        Their order-29 cells.
    home : Cell
        The partition.
    ring : Partitions
        See `receivers`.
    order : int
        The margin's order.
    first_row : int
        Number of the first of the rows, among those that go into the same runs.
    """
    rows, targets = margin_targets(hpx, home, ring, order)
    if not len(rows):
        return None
    found = take(table, rows).append_column(_TARGET, pa.array(targets))
    return found.append_column(_ROW, pa.array(rows + first_row))


def write_edge_run(path: Path, tables: Sequence[pa.Table]) -> EdgeRun:
    """Write what `edge_rows` returned as one run."""
    table = pa.concat_tables(tables).combine_chunks()
    targets = table.column(_TARGET).to_numpy()
    order = argsort(targets)
    run = write_run(path, take(table, order), _TARGET)
    found, counts = run_lengths(targets[order])
    return EdgeRun(run, tuple(found.tolist()), tuple(counts.tolist()))


def merge_margin(
    blueprint: Blueprint,
    journal: Journal,
    leaves: Sequence[Outcome],
    asked: Partitions,
    found: Partitions,
) -> tuple[int, list[Outcome]]:
    """Write the margin of a catalog whose leaves are there.

    Parameters
    ----------
    blueprint : Blueprint
    journal : Journal
    leaves : sequence of dict
        What the tasks have reported that wrote leaves.
    asked, found : Partitions
        The cells of the leaves that were to be written, and of those that have rows.

    Returns
    -------
    rows : int
    files : list of dict
        Path, digest and rows of each leaf.
    """
    edges = [EdgeRun.from_json(said) for said in gathered(leaves, "margin")]
    ring = receivers(found)
    if len(found) != len(asked):
        edges = _settled(edges, receivers(asked), ring, journal, blueprint.scratch / "borders")
    root = blueprint.folder / blueprint.names["margin"]
    groups = _margin_leaves(edges, ring)
    tasks = [
        Task(
            _write_leaves,
            (group, blueprint.schema, root),
            float(sum(leaf.rows for leaf in group)),
            f"margin of {group[0].cell} and {len(group) - 1} more",
        )
        for group in groups
    ]
    done = journal.run("margin", tasks)
    rows = total(done, "rows")
    cells = Partitions.of([leaf.cell for group in groups for leaf in group])
    _write_folder(blueprint, root, cells, rows)
    return rows, list(gathered(done, "leaves"))


def _settled(
    edges: Sequence[EdgeRun], before: Partitions, ring: Partitions, journal: Journal, folder: Path
) -> list[EdgeRun]:
    """Return runs for the cells that receive after leaves without rows have become a gap."""
    now = ring.find(before.ranges()[0])
    tasks = [
        Task(_settle, (edge, now, folder / f"{n:06d}.arrow"), float(edge.run.rows), "borders")
        for n, edge in enumerate(edges)
    ]
    return [EdgeRun.from_json(said) for said in journal.run("borders", tasks)]


def _settle(edge: EdgeRun, now: Ints, path: Path) -> Outcome:
    table = read_run(edge.run.path)
    targets = now[table.column(_TARGET).to_numpy()]
    rows = table.column(_ROW).to_numpy()
    order = np.lexsort([rows, targets])
    same = (np.diff(targets[order]) == 0) & (np.diff(rows[order]) == 0)
    kept = order[np.concatenate([[True], ~same])]
    place = table.schema.get_field_index(_TARGET)
    table = take(table, kept).set_column(place, _TARGET, pa.array(targets[kept]))
    return write_edge_run(path, [table]).to_json()


def _margin_leaves(edges: Iterable[EdgeRun], ring: Partitions) -> list[list[_MarginLeaf]]:
    """Return the leaves of a margin, in groups of about equal rows for one task each."""
    runs: dict[int, list[Run]] = {}
    rows: dict[int, int] = {}
    for edge in edges:
        for target, count in zip(edge.targets, edge.counts, strict=True):
            runs.setdefault(target, []).append(edge.run)
            rows[target] = rows.get(target, 0) + count
    groups: list[list[_MarginLeaf]] = []
    most = held = tuning().margin_task_rows
    for target in sorted(runs):
        if held + rows[target] > most:
            groups.append([])
            held = 0
        groups[-1].append(_MarginLeaf(target, ring[target], tuple(runs[target]), rows[target]))
        held += rows[target]
    return groups


def _write_leaves(leaves: Sequence[_MarginLeaf], schema: pa.Schema, root: Path) -> Outcome:
    """Write some leaves of a margin."""
    written: list[dict[str, Any]] = []
    for leaf in leaves:
        table = Runs(leaf.runs, _TARGET).take(leaf.target, leaf.target + 1)
        assert table is not None  # noqa: S101 - the runs were chosen because they have rows
        table = table.drop_columns([_TARGET, _ROW]).combine_chunks()
        table = take(table, argsort(table.column(HPX_COLUMN).to_numpy()))
        path = root / leaf_path(leaf.cell)
        with LeafWriter(path, schema) as writer:
            writer.write(
                as_schema(table, schema), row_group_bounds(table.num_rows, row_epochs(table))
            )
        written.append({"path": str(path), "digest": digest_of(path), "rows": table.num_rows})
    return {"rows": sum(one["rows"] for one in written), "leaves": written}


def write_cells(path: Path, cells: Partitions) -> None:
    """Write the cells that may get the border rows of some partitions, for the tasks."""
    write_text(path, receivers(cells).to_csv())


def read_cells(path: Path) -> Partitions:
    """Return the cells that a scratch file lists, read once as long as it is not replaced."""
    return _read_cells(path, locate(path).stamp())


@kept
def _read_cells(path: Path, stamp: tuple[int, ...]) -> Partitions:
    return Partitions.from_csv(path.read_text(), str(path))


def _write_folder(blueprint: Blueprint, root: Path, cells: Partitions, rows: int) -> None:
    roles: dict[str, Any] = {}
    for column, fields in blueprint.lightcurves.items():
        roles |= fields.to_properties(column)
    write_margin_folder(
        root,
        blueprint.schema,
        cells,
        rows,
        primary=blueprint.name,
        threshold_arcsec=float(blueprint.margin_arcsec or 0),
        ra=blueprint.ra,
        dec=blueprint.dec,
        properties=roles,
    )
