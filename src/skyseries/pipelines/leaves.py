"""Second pass: each partition is assembled from the runs and written as one leaf.

On the way, the rows that belong into other partitions' margins and the entries of the id index
are set aside, as runs for the third pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyseries.hats.layout import leaf_path
from skyseries.hats.leaf import HPX_COLUMN, LeafWriter, row_group_bounds
from skyseries.hats.margin import margin_targets
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.skymap import POINT_MAP_ORDER
from skyseries.hats.statistics import leaf_statistics
from skyseries.pipelines.journal import Outcome
from skyseries.pipelines.pieces import Piece, PieceReader
from skyseries.pipelines.plan import ImportPlan
from skyseries.pipelines.runs import Run, write_run
from skyseries.spatial.healpix import HPX_ORDER, margin_order
from skyseries.spatial.order import argsort, run_lengths

__all__ = ["TARGET_COLUMN", "write_leaf"]

TARGET_COLUMN = "_target"


def write_leaf(
    plan: ImportPlan,
    cell: Cell,
    objects: Sequence[Run],
    sources: Sequence[Run],
    receivers: Path | None,
    folder: Path,
) -> Outcome:
    """Write the leaf of one partition, and what its rows add to margins and index.

    Parameters
    ----------
    receivers : Path, optional
        File of the cells that may receive margin rows; None: no margin is made.
    """
    reader = PieceReader(plan, objects, sources, plan.work / "route").within(*cell.range())
    gather = _Gather(plan, cell, receivers)
    path = plan.build / plan.name / leaf_path(cell)
    with LeafWriter(path, plan.leaf_schema) as writer:
        for start, stop in reader.ranges(*cell.range()):
            piece = reader.read(start, stop)
            if piece is not None:
                writer.write(piece.table, row_group_bounds(len(piece.hpx), piece.epochs))
                gather.add(piece)
    outcome = gather.finish(folder)
    statistics = leaf_statistics(cell, writer.metadata, plan.leaf_schema)
    outcome["statistics"] = vars(write_run(folder / "statistics.arrow", statistics))
    del reader  # unmaps the runs
    pa.default_memory_pool().release_unused()
    return outcome | {"order": cell.order, "npix": cell.npix}


class _Gather:
    """What the pieces of a leaf add up to."""

    def __init__(self, plan: ImportPlan, cell: Cell, receivers: Path | None) -> None:
        self._plan, self._cell = plan, cell
        self._receivers = None if receivers is None else _read_cells(receivers)
        self._margin: list[pa.Table] = []
        self._index: list[pa.Table] = []
        self._pixels: dict[int, int] = {}
        self._first: pa.Table | None = None
        self._outcome: Outcome = {"rows": 0, "epochs": 0, "max_epochs": 0, "repeated_epochs": 0}

    def add(self, piece: Piece) -> None:
        out = self._outcome
        out["rows"] += len(piece.hpx)
        out["repeated_epochs"] += piece.repeated
        if piece.epochs is not None:
            out["epochs"] += int(piece.epochs.sum())
            out["max_epochs"] = max(out["max_epochs"], int(piece.epochs.max()))
            self._add_times(piece.table)
        pixels, counts = run_lengths(piece.hpx >> 2 * (HPX_ORDER - POINT_MAP_ORDER))
        for pixel, count in zip(pixels.tolist(), counts.tolist(), strict=True):
            self._pixels[pixel] = self._pixels.get(pixel, 0) + count
        if self._first is None:
            self._first = piece.table.slice(0, 1)
        self._add_margin(piece)
        if self._plan.id_index and self._plan.id is not None:
            self._index.append(piece.table.select([self._plan.id, HPX_COLUMN]))

    def _add_times(self, table: pa.Table) -> None:
        assert self._plan.lightcurve is not None  # noqa: S101 - only called with epochs
        nested = table.column(self._plan.lightcurve_name).combine_chunks()
        times = nested.field(self._plan.lightcurve.time).flatten()
        seen = pc.min_max(times).as_py()
        if self._plan.lightcurve.band is not None:
            bands = pc.unique(nested.field(self._plan.lightcurve.band).flatten()).to_pylist()
            known = set(self._outcome.get("bands", ())) | {b for b in bands if b is not None}
            self._outcome["bands"] = sorted(known)
        for key, choose in (("min", min), ("max", max)):
            if seen[key] is not None:
                before = self._outcome.get(f"time_{key}", seen[key])
                self._outcome[f"time_{key}"] = choose(before, float(seen[key]))

    def _add_margin(self, piece: Piece) -> None:
        if self._receivers is None or self._plan.margin_arcsec is None:
            return
        order = margin_order(self._plan.margin_arcsec)
        rows, targets = margin_targets(piece.hpx, self._cell, self._receivers, order)
        if len(rows):
            part = piece.table.take(rows)
            self._margin.append(part.append_column(TARGET_COLUMN, pa.array(targets)))

    def finish(self, folder: Path) -> Outcome:
        out = self._outcome
        out["pixels"] = [list(self._pixels), list(self._pixels.values())]
        if self._margin:
            table = pa.concat_tables(self._margin).combine_chunks()
            targets = table.column(TARGET_COLUMN).to_numpy()
            run = write_run(folder / "margin.arrow", table.take(argsort(targets)), TARGET_COLUMN)
            found, counts = run_lengths(np.sort(targets))
            out["margin"] = vars(run) | {"targets": found.tolist(), "counts": counts.tolist()}
        if self._index:
            out["index"] = vars(write_run(folder / "index.arrow", self._index_rows()))
        if self._first is not None:
            out["first"] = vars(write_run(folder / "first.arrow", self._first))
        return out

    def _index_rows(self) -> pa.Table:
        table = pa.concat_tables(self._index).combine_chunks()
        order = pc.sort_indices(table.column(self._plan.id))
        table = table.take(order)
        n = table.num_rows
        return pa.table(
            {
                self._plan.id: table.column(self._plan.id),
                "Norder": pa.array(np.full(n, self._cell.order, np.uint8)),
                "Npix": pa.array(np.full(n, self._cell.npix, np.uint64)),
                HPX_COLUMN: table.column(HPX_COLUMN),
            }
        )


@lru_cache(maxsize=4)
def _read_cells(path: Path) -> Partitions:
    return Partitions.from_csv(path.read_text(), str(path))
