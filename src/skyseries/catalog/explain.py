"""What a plan would do: partitions, columns and bytes that it would read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyseries.catalog.plan.node import SKY_CELLS, Hints, Node, Pieces, steps_of
from skyseries.catalog.plan.pruning import groups_that_may_match, pieces_of
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.stage import stages_of
from skyseries.catalog.run.run import units_of
from skyseries.hats.dataset import Dataset
from skyseries.hats.partitions import Cell
from skyseries.hats.statistics import read_statistics
from skyseries.units import size_text

__all__ = ["Explanation", "ScanPlan", "StagePlan", "explain"]


@dataclass(frozen=True)
class ScanPlan:
    """What would be read of one catalog."""

    name: str
    columns: tuple[str, ...]
    """Columns, and fields of light curves."""
    partitions: int
    """That may have rows that are wanted."""
    all_partitions: int
    bytes: int | None
    """Of these columns in these partitions; None if the catalog does not record sizes."""
    row_groups: int | None = None
    """Known with ``footers=True``."""
    all_row_groups: int | None = None

    def text(self) -> str:
        """Return one line."""
        size = "bytes not recorded" if self.bytes is None else f"about {size_text(self.bytes)}"
        groups = ""
        if self.row_groups is not None:
            groups = f", {self.row_groups:,} of {self.all_row_groups:,} row groups"
        names = ", ".join(self.columns[:12]) + (", ..." if len(self.columns) > 12 else "")
        return (
            f"read {self.name}: {self.partitions:,} of {self.all_partitions:,} partitions{groups}, "
            f"{size}; {len(self.columns)} columns: {names}"
        )


@dataclass(frozen=True)
class StagePlan:
    """What would be computed before the first task of a plan."""

    what: str
    plans: tuple[Explanation, ...]
    """What is run for it."""
    done: bool
    """It is kept from an earlier run of the plan."""

    def text(self) -> str:
        """Return one line, and below it what is run."""
        head = f"before: {self.what}" + (" (done)" if self.done else "")
        lines = [] if self.done else [line for plan in self.plans for line in plan.lines()]
        return "\n  ".join([head, *lines])


@dataclass(frozen=True)
class Explanation:
    """A plan in words; `str` of it is the whole."""

    steps: tuple[str, ...]
    scans: tuple[ScanPlan, ...]
    units: int
    stages: tuple[StagePlan, ...] = ()

    @property
    def bytes(self) -> int | None:
        """Of all catalogs together; None if one does not record sizes."""
        known = [scan.bytes for scan in self.scans]
        return None if None in known else sum(size or 0 for size in known)

    def lines(self) -> list[str]:
        """Return the stages, the steps, what is read, and in how many tasks."""
        stages = "\n".join(stage.text() for stage in self.stages).splitlines()
        reads = [scan.text() for scan in self.scans]
        return [*stages, *self.steps, *reads, f"in {self.units:,} tasks"]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    __repr__ = __str__


def explain(node: Node, footers: bool = False) -> Explanation:
    """Explain a plan."""
    demanded: dict[int, tuple[Scan, list[str]]] = {}
    for scan, paths in node.demand(node.schema.names):
        known = demanded.setdefault(id(scan), (scan, []))[1]
        known += [path for path in paths if path not in known]
    hints = _hints_of(node, Hints())
    scans = tuple(
        _scan_plan(scan, paths, hints.get(id(scan), Hints()), footers)
        for scan, paths in demanded.values()
    )
    stages = {id(stage): stage for stage in stages_of(node)}.values()
    before = tuple(
        StagePlan(stage.text, tuple(map(explain, stage.plans)), stage.is_done) for stage in stages
    )
    return Explanation(tuple(steps_of(node)), scans, len(units_of(node)), before)


def _hints_of(node: Node, hints: Hints) -> dict[int, Hints]:
    """Return what each catalog may leave out; one that is read twice, what both readings may."""
    if isinstance(node, Scan):
        return {id(node): node.wanted(hints)}
    found: dict[int, Hints] = {}
    for i, child in enumerate(node.children):
        for scan, said in _hints_of(child, node.child_hints(i, hints)).items():
            found[scan] = said if found.get(scan, said) == said else Hints()
    return found


def _scan_plan(scan: Scan, paths: list[str], hints: Hints, footers: bool) -> ScanPlan:
    dataset = scan.dataset
    pieces = pieces_of(dataset, hints)
    start, stop = dataset.partitions.ranges()
    kept = np.searchsorted(pieces.stop, start, "right") < np.searchsorted(
        pieces.start, stop, "left"
    )
    groups = _footer_groups(dataset, kept, hints) if footers else (None, None)
    return ScanPlan(
        dataset.name,
        tuple(paths),
        int(kept.sum()),
        len(dataset.partitions),
        _bytes(dataset, paths, pieces, np.flatnonzero(kept)),
        *groups,
    )


def _bytes(
    dataset: Dataset, paths: list[str], pieces: Pieces, which: NDArray[np.int64]
) -> int | None:
    recorded = read_statistics(dataset)
    if recorded is None:
        return None
    statistics = recorded.of(which)
    starts = np.append(pieces.start, SKY_CELLS)
    cell_start = dataset.partitions.ranges()[0][which]
    part = np.repeat(np.arange(len(which)), np.diff(statistics.first))
    name = dataset.healpix_column
    first = cell_start[part]
    if name is not None and dataset.healpix_order == 29 and statistics.has(name):
        low = statistics.minimum(name).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        first = np.where(statistics.row_group == 0, first, low)
    i = np.searchsorted(starts, first, side="right") - 1
    inside = (i >= 0) & (i < len(pieces))
    inside[inside] = first[inside] < pieces.stop[i[inside]]
    return int(statistics.disk_bytes(paths)[inside].sum())


def _footer_groups(dataset: Dataset, kept: np.ndarray, hints: Hints) -> tuple[int, int]:
    found = total = 0
    for i, cell in enumerate(dataset.partitions):
        for leaf in dataset.leaves(Cell(*cell)):
            footer = dataset.footer(leaf)
            total += footer.num_row_groups
            if kept[i]:
                found += len(groups_that_may_match(dataset, footer, None, hints))
    return found, total
