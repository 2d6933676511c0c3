"""Second pass: each partition is assembled from the runs and written as one leaf.

On the way, the rows that belong into other partitions' margins and the entries of the id index
are set aside, as runs for the third pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from skyseries.hats.build.facts import CurveFacts, LeafFacts
from skyseries.hats.build.index import index_entries
from skyseries.hats.build.leaf_writer import write_leaf as write_rows
from skyseries.hats.build.margin import EdgeRun, edge_rows, read_cells, write_edge_run
from skyseries.hats.build.runs import Run, read_run, write_run
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Cell
from skyseries.pipelines.import_.journal import Outcome
from skyseries.pipelines.import_.pieces import Piece, PieceReader
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.spatial.healpix import margin_order

__all__ = ["edge_run", "leaf_facts", "write_leaf"]


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
    rows = gather.pass_on(reader)
    facts = write_rows(plan.build / plan.name, cell, plan.leaf_schema, rows, plan.curves)
    outcome = _outcome(facts, folder) | gather.finish(folder)
    if plan.lightcurve is not None:
        outcome["epochs"] = facts.curves[plan.lightcurve_name].epochs if facts.rows else 0
    del reader, rows  # unmaps the runs
    pa.default_memory_pool().release_unused()
    return outcome


class _Gather:
    """What the pieces of a leaf add to margins and index."""

    def __init__(self, plan: ImportPlan, cell: Cell, receivers: Path | None) -> None:
        self._plan, self._cell = plan, cell
        self._receivers = None if receivers is None else read_cells(receivers)
        self._margin: list[pa.Table] = []
        self._index: list[pa.Table] = []
        self._repeated = 0

    def pass_on(self, reader: PieceReader) -> Iterator[pa.Table]:
        """Yield the rows of the leaf."""
        for start, stop in reader.ranges(*self._cell.range()):
            piece = reader.read(start, stop)
            if piece is not None:
                self._add(piece)
                yield piece.table

    def _add(self, piece: Piece) -> None:
        self._repeated += piece.repeated
        if self._receivers is not None and self._plan.margin_arcsec is not None:
            order = margin_order(self._plan.margin_arcsec)
            edge = edge_rows(piece.table, piece.hpx, self._cell, self._receivers, order)
            if edge is not None:
                self._margin.append(edge)
        if self._plan.id_index and self._plan.id is not None:
            self._index.append(piece.table.select([self._plan.id, HPX_COLUMN]))

    def finish(self, folder: Path) -> Outcome:
        out: Outcome = {"repeated_epochs": self._repeated}
        if self._margin:
            edge = write_edge_run(folder / "margin.arrow", self._margin)
            out["margin"] = vars(edge.run) | {"targets": edge.targets, "counts": edge.counts}
        if self._index:
            assert self._plan.id is not None  # noqa: S101 - only gathered with an id
            table = pa.concat_tables(self._index).combine_chunks()
            ids, hpx = table.column(self._plan.id), table.column(HPX_COLUMN)
            entries = index_entries(ids, hpx, self._plan.id, self._cell)
            out["index"] = vars(write_run(folder / "index.arrow", entries))
        return out


def edge_run(margin: Outcome) -> EdgeRun:
    """Return the border rows that a task has reported."""
    run = Run(margin["path"], margin["rows"], margin["nbytes"])
    return EdgeRun(run, tuple(margin["targets"]), tuple(margin["counts"]))


def _outcome(facts: LeafFacts, folder: Path) -> Outcome:
    """Return the facts of a leaf as plain JSON, with the tables as runs."""
    out: Outcome = {
        "order": facts.cell.order,
        "npix": facts.cell.npix,
        "rows": facts.rows,
        "bytes": facts.nbytes,
        "pixels": [facts.pixels.tolist(), facts.counts.tolist()],
        "epochs": 0,
        "curves": {column: vars(curves) for column, curves in facts.curves.items()},
    }
    for key in ("statistics", "first"):
        table = getattr(facts, key)
        if table is not None:
            out[key] = vars(write_run(folder / f"{key}.arrow", table))
    return out


def leaf_facts(outcome: Outcome) -> LeafFacts:
    """Return the facts of a leaf that a task has reported."""
    cells, counts = (np.array(part, np.int64) for part in outcome["pixels"])
    tables = {k: read_run(outcome[k]["path"]) for k in ("statistics", "first") if k in outcome}
    curves = {
        column: CurveFacts(
            found["epochs"],
            found["longest"],
            None if found["time_range"] is None else tuple(found["time_range"]),
            tuple(found["bands"]),
        )
        for column, found in outcome["curves"].items()
    }
    return LeafFacts(
        Cell(outcome["order"], outcome["npix"]),
        outcome["rows"],
        outcome["bytes"],
        curves,
        cells,
        counts,
        **tables,
    )
