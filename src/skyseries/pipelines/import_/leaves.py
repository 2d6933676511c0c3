"""Second pass: each partition is assembled from the runs and written as one leaf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from skyseries.hats.build.journal import Outcome
from skyseries.hats.build.leaves import write_leaves
from skyseries.hats.build.runs import Run
from skyseries.hats.partitions import Cell
from skyseries.pipelines.import_.pieces import PieceReader
from skyseries.pipelines.import_.plan import ImportPlan

__all__ = ["write_leaf"]


def write_leaf(
    plan: ImportPlan, cell: Cell, objects: Sequence[Run], sources: Sequence[Run], folder: Path
) -> Outcome:
    """Write the leaf of one partition, and what its rows add to margins and index."""
    repeated = 0

    def rows() -> Iterator[pa.Table]:
        nonlocal repeated
        reader = PieceReader(plan, objects, sources, plan.work / "route").within(*cell.range())
        for start, stop in reader.ranges(*cell.range()):
            piece = reader.read(start, stop)
            if piece is not None:
                repeated += piece.repeated
                yield piece.table

    outcome = write_leaves(plan.blueprint, [(cell, rows())], folder)
    pa.default_memory_pool().release_unused()
    return outcome | {"repeated_epochs": repeated}
