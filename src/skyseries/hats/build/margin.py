"""A margin catalog made from the leaves of its catalog.

In two steps: tasks that each read some partitions and set their border rows aside in runs, sorted
by the cell that receives them; and tasks that each write the leaves of some receiving cells.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.cache import kept
from skyseries.config import tuning
from skyseries.executors import Task, current_executor, run_tasks
from skyseries.hats.batches import leaf_batches, whole_leaf
from skyseries.hats.build.folder import write_margin_folder
from skyseries.hats.build.runs import Run, Runs, write_run
from skyseries.hats.dataset import Dataset
from skyseries.hats.layout import leaf_path
from skyseries.hats.leaf import LeafWriter, row_epochs, row_group_bounds
from skyseries.hats.margin import margin_targets, margin_width, receivers
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.rowcells import cell_columns, row_cells
from skyseries.hats.sizes import take
from skyseries.schema import as_schema
from skyseries.spatial.healpix import margin_order
from skyseries.spatial.order import argsort, run_lengths
from skyseries.store.files import Location, locate, write_text

__all__ = [
    "TARGET_COLUMN",
    "EdgeRun",
    "MarginLeaf",
    "build_margin",
    "edge_rows",
    "margin_leaves",
    "read_cells",
    "source_groups",
    "write_edge_run",
    "write_margin_leaves",
]


TARGET_COLUMN = "_target"
"""Column of the scratch files: which receiving cell a row is for."""


@dataclass(frozen=True)
class EdgeRun:
    """Border rows of some partitions: a run sorted by receiving cell."""

    run: Run
    targets: tuple[int, ...]
    """Places of the receiving cells, ascending."""
    counts: tuple[int, ...]
    """Rows for each."""


@dataclass(frozen=True)
class MarginLeaf:
    """One leaf of a margin that is to be written."""

    target: int
    cell: Cell
    runs: tuple[Run, ...]
    rows: int


def build_margin(
    primary: Dataset, root: Path, threshold_arcsec: float, *, work: Path | None = None
) -> int:
    """Make the margin catalog of a catalog, on the current executor.

    Parameters
    ----------
    primary : Dataset
        The catalog; all leaves are there.
    root : Path
        Folder of the margin, which it is named after.
    threshold_arcsec : float
        Rows within this distance of a partition are in its margin, and some more.
    work : Path, optional
        A folder for scratch files, removed at the end; by default beside `root`. All workers
        must see it.

    Returns
    -------
    rows : int
        Rows of the margin.
    """
    margin_width(threshold_arcsec)
    work = work or root.parent / f".{root.name}-{uuid.uuid4().hex[:8]}"
    ring = receivers(primary.partitions)
    try:
        write_text(work / "receivers.csv", ring.to_csv())
        groups = source_groups(primary.partitions, current_executor().workers)
        tasks = [
            Task(
                _edge_runs,
                (primary, cells, work / "receivers.csv", threshold_arcsec, work / f"{n:06d}"),
                float(len(cells)),
                f"borders of {cells[0]} and {len(cells) - 1} more",
            )
            for n, cells in enumerate(groups)
        ]
        edges = [edge for _, found in run_tasks("borders", tasks) for edge in found]
        leaves = margin_leaves(edges, ring)
        tasks = [
            Task(
                write_margin_leaves,
                (leaf_group, primary.schema, primary.healpix_column, root),
                float(sum(leaf.rows for leaf in leaf_group)),
                f"margin of {leaf_group[0].cell} and {len(leaf_group) - 1} more",
            )
            for leaf_group in leaves
        ]
        rows = sum(int(written) for _, written in run_tasks("margin", tasks, unit="rows"))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    cells = Partitions.of([leaf.cell for group in leaves for leaf in group])
    _write_folder(primary, root, cells, rows, threshold_arcsec)
    return rows


def source_groups(cells: Partitions, workers: int) -> list[Partitions]:
    """Divide partitions into a bounded number of neighbouring ones, for one task each."""
    held = tuning()
    count = min(len(cells), max(held.least_margin_tasks, held.margin_tasks_per_worker * workers))
    places = np.array_split(np.arange(len(cells)), count) if count else []
    return [Partitions(cells.order[p], cells.npix[p]) for p in places]


def edge_rows(
    table: pa.Table, hpx: Ints, home: Cell, ring: Partitions, order: int
) -> pa.Table | None:
    """Return the rows that belong into margins, with a column that says of which cell.

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
    """
    rows, targets = margin_targets(hpx, home, ring, order)
    if not len(rows):
        return None
    return take(table, rows).append_column(TARGET_COLUMN, pa.array(targets))


def write_edge_run(path: Path, tables: Sequence[pa.Table]) -> EdgeRun:
    """Write what `edge_rows` returned as one run."""
    table = pa.concat_tables(tables).combine_chunks()
    targets = table.column(TARGET_COLUMN).to_numpy()
    run = write_run(path, take(table, argsort(targets)), TARGET_COLUMN)
    found, counts = run_lengths(np.sort(targets))
    return EdgeRun(run, tuple(found.tolist()), tuple(counts.tolist()))


def margin_leaves(edges: Iterable[EdgeRun], ring: Partitions) -> list[list[MarginLeaf]]:
    """Return the leaves of a margin, in groups of about equal rows for one task each."""
    runs: dict[int, list[Run]] = {}
    rows: dict[int, int] = {}
    for edge in edges:
        for target, count in zip(edge.targets, edge.counts, strict=True):
            runs.setdefault(target, []).append(edge.run)
            rows[target] = rows.get(target, 0) + count
    groups: list[list[MarginLeaf]] = []
    most = held = tuning().margin_task_rows
    for target in sorted(runs):
        if held + rows[target] > most:
            groups.append([])
            held = 0
        # in the order of the sky, however the tasks ended: the same rows give the same file
        sources = tuple(sorted(runs[target], key=lambda run: run.path))
        groups[-1].append(MarginLeaf(target, ring[target], sources, rows[target]))
        held += rows[target]
    return groups


def write_margin_leaves(
    leaves: Sequence[MarginLeaf], schema: pa.Schema, healpix: str | None, root: Path
) -> int:
    """Write some leaves of a margin; return their rows.

    Parameters
    ----------
    leaves : sequence of MarginLeaf
    schema : pyarrow.Schema
        That of the catalog.
    healpix : str, optional
        The column to sort by.
    root : Path
        Folder of the margin.
    """
    rows = 0
    for leaf in leaves:
        table = Runs(leaf.runs, TARGET_COLUMN).take(leaf.target, leaf.target + 1)
        assert table is not None  # noqa: S101 - the runs were chosen because they have rows
        table = table.drop_columns([TARGET_COLUMN]).combine_chunks()
        if healpix is not None:
            table = take(table, argsort(table.column(healpix).to_numpy()))
        with LeafWriter(root / leaf_path(leaf.cell), schema) as writer:
            writer.write(
                as_schema(table, schema), row_group_bounds(table.num_rows, row_epochs(table))
            )
        rows += table.num_rows
    return rows


def _edge_runs(
    dataset: Dataset, homes: Partitions, ring: Path, threshold_arcsec: float, stem: Path
) -> list[EdgeRun]:
    """Set the border rows of some partitions aside."""
    cells, order = read_cells(ring), margin_order(threshold_arcsec)
    held: list[pa.Table] = []
    edges: list[EdgeRun] = []
    for home in homes:
        for file in dataset.leaves(home):
            for table in _leaf_edges(dataset, file, home, cells, order):
                held.append(table)
                if sum(t.nbytes for t in held) > tuning().margin_held_bytes:
                    edges.append(write_edge_run(stem / f"{len(edges):06d}.arrow", held))
                    held = []
    if held:
        edges.append(write_edge_run(stem / f"{len(edges):06d}.arrow", held))
    return edges


def _leaf_edges(
    dataset: Dataset, file: Location, home: Cell, ring: Partitions, margin: int
) -> Iterator[pa.Table]:
    """Yield the border rows of one file; row groups without any are not read."""
    with whole_leaf(file) as opened:
        footer = opened.metadata
        length = np.array([footer.row_group(g).num_rows for g in range(footer.num_row_groups)])
    found = [row_cells(dataset, t) for t in leaf_batches(dataset, file, cell_columns(dataset))]
    hpx = np.concatenate([np.empty(0, np.int64), *found])
    start, stop = home.range()
    inside = np.flatnonzero((hpx >= start) & (hpx < stop))
    rows, targets = margin_targets(hpx[inside], home, ring, margin)
    order = np.argsort(rows, kind="stable")
    rows, targets = inside[rows[order]], targets[order]
    end = np.cumsum(length)
    begin = end - length
    needed = np.flatnonzero(np.searchsorted(rows, end) > np.searchsorted(rows, begin))
    group = np.searchsorted(end, rows, side="right")
    skipped = np.cumsum(np.where(np.isin(np.arange(len(length)), needed), 0, length))
    rows -= skipped[group]  # from here on, rows are counted in the groups that are read
    at = 0
    for table in leaf_batches(dataset, file, row_groups=needed.tolist()) if len(needed) else ():
        a, b = np.searchsorted(rows, [at, at + table.num_rows])
        if b > a:
            part = table.take(pa.array(rows[a:b] - at))
            yield part.append_column(TARGET_COLUMN, pa.array(targets[a:b]))
        at += table.num_rows


def read_cells(path: Path) -> Partitions:
    """Return the cells that a scratch file lists, read once as long as it is not replaced."""
    return _read_cells(path, locate(path).stamp())


@kept
def _read_cells(path: Path, stamp: tuple[int, ...]) -> Partitions:
    return Partitions.from_csv(path.read_text(), str(path))


def _write_folder(
    primary: Dataset, root: Path, cells: Partitions, rows: int, threshold_arcsec: float
) -> None:
    copied = ("hats_col_healpix", "hats_col_healpix_order", "hats_cols_default", "hats_cols_sort")
    properties = {key: primary.properties.get(key) for key in copied}
    properties |= {
        key: value
        for key, value in primary.properties.items()
        if key.startswith("skyseries_lightcurve.") and not key.endswith(".bands")
    }
    write_margin_folder(
        root,
        primary.schema,
        cells,
        rows,
        primary=primary.name,
        threshold_arcsec=threshold_arcsec,
        ra=primary.ra,
        dec=primary.dec,
        properties=properties,
    )
