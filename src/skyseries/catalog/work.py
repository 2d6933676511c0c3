"""How a scan is divided: units of about equal work, of whole row groups.

Partitions differ in size a hundredfold; row groups do not. A unit is a row of neighbouring row
groups, which may begin in one partition and end in the next. Sizes come from
``per_partition_statistics.parquet``, so that no footer is opened to plan.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.hats.dataset import Dataset
from skyseries.hats.leaf import column_paths
from skyseries.hats.partitions import Cell
from skyseries.hats.statistics import STATISTICS_FILE

__all__ = ["Part", "Unit", "work_units"]


_LARGEST = 1_000_000
"""Rows or epochs of a unit at most, about: what a task holds in memory."""
_SMALLEST = 50_000
"""Below this, starting a task costs more than it shares out."""
_UNITS_PER_WORKER = 4


@dataclass(frozen=True)
class Part:
    """Row groups of one partition; None: all of them."""

    cell: Cell
    row_groups: tuple[int, ...] | None


@dataclass(frozen=True)
class Unit:
    """What one task scans."""

    parts: tuple[Part, ...]
    weight: float
    """Values to decode: rows, or epochs where there are light curves."""


def work_units(
    dataset: Dataset, keep: NDArray[np.bool_] | None = None, workers: int = 1
) -> list[Unit]:
    """Divide a catalog, or the partitions that are kept, into units.

    Parameters
    ----------
    dataset : Dataset
    keep : ndarray of bool, shape (partitions,), optional
    workers : int
        How many units can be scanned side by side.
    """
    kept = [cell for i, cell in enumerate(dataset.partitions) if keep is None or keep[i]]
    sizes = _row_group_sizes(dataset)
    if sizes is None:
        return [Unit((Part(cell, None),), 1.0) for cell in kept]
    groups = [(cell, g, size) for cell in kept for g, size in sizes.get(cell, [])]
    total = sum(size for _, _, size in groups)
    if not total > 0 or any(cell not in sizes for cell in kept):
        return [Unit((Part(cell, None),), 1.0) for cell in kept]
    shared = min(_UNITS_PER_WORKER * workers, int(total / _SMALLEST))
    count = max(round(total / _LARGEST), shared, 1)
    ends = np.cumsum([size for _, _, size in groups])
    middle = ends - np.array([size for _, _, size in groups]) / 2
    share = np.minimum((middle * count / total).astype(int), count - 1)
    first = np.flatnonzero(np.diff(share, prepend=-1)).tolist()
    return [_unit(groups[a:b]) for a, b in itertools.pairwise([*first, len(groups)])]


def _unit(groups: list[tuple[Cell, int, float]]) -> Unit:
    by_cell: dict[Cell, list[int]] = {}
    for cell, group, _ in groups:
        by_cell.setdefault(cell, []).append(group)
    parts = tuple(Part(cell, tuple(numbers)) for cell, numbers in by_cell.items())
    return Unit(parts, sum(size for _, _, size in groups))


def _row_group_sizes(dataset: Dataset) -> dict[Cell, list[tuple[int, float]]] | None:
    """Return the weight of each row group of each partition; None if they are not recorded."""
    if dataset.leaf_suffix == "/":
        return None
    content = dataset.root.join(STATISTICS_FILE).read_bytes_if_there()
    if content is None:
        return None
    file = pq.ParquetFile(pa.BufferReader(content))
    counts = [f"{path}::row_count" for path, _ in column_paths(dataset.schema)]
    counts = [name for name in counts if name in file.schema_arrow.names]
    if not counts or "row_group_index" not in file.schema_arrow.names:
        return None
    table = file.read(columns=["Norder", "Npix", "row_group_index", *counts])
    weight = np.max([table.column(name).to_numpy() for name in counts], axis=0)
    sizes: dict[Cell, list[tuple[int, float]]] = {}
    for order, npix, group, size in zip(
        table.column("Norder").to_pylist(),
        table.column("Npix").to_pylist(),
        table.column("row_group_index").to_pylist(),
        weight.tolist(),
        strict=True,
    ):
        sizes.setdefault(Cell(order, npix), []).append((group, float(size)))
    return sizes
