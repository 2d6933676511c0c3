"""Which partitions and row groups may have rows that are wanted.

Planning reads ``per_partition_statistics.parquet`` only (and works without); a task that has a
leaf open looks at its footer. Nothing is left out that may have a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyseries import adql
from skyseries.arraytypes import Bools, Ints
from skyseries.catalog.plan.node import Area, Hints, Pieces
from skyseries.hats.dataset import Dataset
from skyseries.hats.leaf import LIST_PATH
from skyseries.hats.partitions import Partitions
from skyseries.hats.statistics import RowGroups, read_statistics
from skyseries.spatial import regions
from skyseries.spatial.coverage import Ranges, cover, ranges_overlap
from skyseries.spatial.healpix import HPX_ORDER

__all__ = [
    "groups_inside",
    "groups_that_may_match",
    "pieces_of",
    "those_that_may_match",
]

_Known = Callable[[str], "adql.Statistics | None"]
"""From the path of a column or a field to what is known of its row groups."""


def those_that_may_match(partitions: Partitions, which: Ints, hints: Hints) -> Ints:
    """Return those of some partitions, by number, that may have rows in all the regions."""
    for region in hints.regions:
        which = which[region.near(partitions.order[which], partitions.npix[which])]
        which = which[region.overlaps(partitions.order[which], partitions.npix[which])]
    return which


def in_regions(start: Ints, stop: Ints, hints: Hints) -> Bools:
    """Tell which ranges of cells may have rows in all the regions."""
    keep = np.ones(len(start), np.bool_)
    for region in hints.regions:
        ranges = _cover(region)  # type: ignore[arg-type]  # regions are hashable
        keep[keep] = ranges_overlap(start[keep], stop[keep], *ranges)
    return keep


@lru_cache(maxsize=64)
def _cover(region: regions.Region) -> Ranges:
    return region.ranges if isinstance(region, regions.Moc) else cover(region)


def pieces_of(dataset: Dataset, hints: Hints) -> Pieces:
    """Return the row groups that may have rows, or the partitions where they are not recorded."""
    every = len(dataset.partitions)
    which = those_that_may_match(dataset.partitions, np.arange(every), hints)
    start, stop = (bounds[which] for bounds in dataset.partitions.ranges())
    recorded = read_statistics(dataset)
    if recorded is None:
        return Pieces(start, stop, np.full(len(which), (dataset.rows or every) / max(every, 1)))
    statistics = recorded.of(which)
    first, last, beyond, may_split = _group_ranges(dataset, statistics, start, stop)
    part = np.repeat(np.arange(len(which)), np.diff(statistics.first))
    wanted = in_regions(first, beyond, hints)
    wanted &= _may_match(_recorded(dataset, statistics), len(part), hints)
    load: Ints = statistics.rows
    for path in filter(statistics.has, _nested_paths(dataset)):
        load = np.maximum(load, statistics.count(path))
    load = load * wanted
    weight = np.bincount(part, load, len(which))
    lone = np.flatnonzero(~may_split & (np.bincount(part, wanted, len(which)) > 0))
    piece = _with_shared_cells(wanted & may_split[part], first, beyond)
    order = np.argsort(np.concatenate([first[piece], start[lone]]), kind="stable")
    return Pieces(
        np.concatenate([first[piece], start[lone]])[order],
        np.concatenate([last[piece], stop[lone]])[order],
        np.concatenate([load[piece].astype(float), weight[lone]])[order],
    )


def _with_shared_cells(wanted: Bools, first: Ints, beyond: Ints) -> Bools:
    """Add the row groups in whose ranges the last cells of the wanted ones are.

    The rows of one cell may lie in several row groups. They are in the range of the last of them,
    though that has perhaps none that is wanted.
    """
    places = np.flatnonzero(wanted)
    homes = np.searchsorted(first, beyond[places], side="left") - 1
    wanted = wanted.copy()
    wanted[homes] = True
    return wanted


def _group_ranges(
    dataset: Dataset, statistics: RowGroups, start: Ints, stop: Ints
) -> tuple[Ints, Ints, Ints, Bools]:
    """Return the range of cells of each row group, and which partitions can be cut there.

    A partition cannot be cut where its rows are not sorted, or lie outside of its cell. The rows
    of a group may go beyond its range, for a cell is in one range only: the third array tells how
    far.
    """
    part = np.repeat(np.arange(len(start)), np.diff(statistics.first))
    name = dataset.healpix_column
    may_split = np.diff(statistics.first) > 1
    if name is None or dataset.healpix_order != HPX_ORDER:
        return start[part], stop[part], stop[part], np.zeros(len(start), np.bool_)
    low, high = statistics.minimum(name), statistics.maximum(name)
    if low.null_count or high.null_count:
        return start[part], stop[part], stop[part], np.zeros(len(start), np.bool_)
    low, high = (np.asarray(bound, np.int64) for bound in (low, high))
    good = (low >= start[part]) & (high < stop[part])
    same = part[1:] == part[:-1]
    good[1:] &= ~same | (high[:-1] <= low[1:])
    may_split &= np.bincount(part, ~good, len(start)) == 0
    begins = np.concatenate([[True], ~same])[: len(part)]
    first = np.where(begins, start[part], low)
    last = np.where(np.append(~same, True)[: len(part)], stop[part], np.append(first[1:], 0))
    return first, last, np.maximum(last, high + 1), may_split


def _nested_paths(dataset: Dataset) -> Iterator[str]:
    """Yield one leaf column of each column of lists."""
    seen = set()
    for path, _ in dataset.leaf_columns.values():
        name = path.split(".", 1)[0]
        if LIST_PATH in path and name not in seen:
            seen.add(name)
            yield path


def groups_that_may_match(
    dataset: Dataset, footer: pq.FileMetaData, area: Area | None, hints: Hints
) -> list[int]:
    """Return the row groups of a leaf that may have rows in the ranges and of the conditions."""
    n = footer.num_row_groups
    keep = np.array([footer.row_group(g).num_rows > 0 for g in range(n)], np.bool_)
    name = dataset.healpix_column
    has_cells = name is not None and dataset.healpix_order == HPX_ORDER
    if has_cells and n > 1 and (area is not None or hints.regions):
        for g, bounds in enumerate(_bounds(footer, str(name))):
            if bounds is not None and keep[g]:
                start, stop = np.array([bounds[0]]), np.array([bounds[1] + 1])
                keep[g] = in_regions(start, stop, hints)[0] and (
                    area is None or ranges_overlap(start, stop, area.start, area.stop)[0]
                )
    if hints.conditions:
        keep &= _may_match(_of_footer(dataset, footer), n, hints)
    return np.flatnonzero(keep).tolist()


def groups_inside(dataset: Dataset, footer: pq.FileMetaData, groups: list[int], area: Area) -> bool:
    """Tell whether all rows of some row groups are certainly filed in the ranges."""
    name = dataset.healpix_column
    if name is None or dataset.healpix_order != HPX_ORDER:
        return False
    bounds = _bounds(footer, name)
    found = [bounds[g] for g in groups]
    if any(pair is None for pair in found):
        return False
    low, high = np.array(found, np.int64).reshape(-1, 2).T
    i = np.searchsorted(area.start, low, side="right") - 1
    return bool(((i >= 0) & (high < area.stop[np.maximum(i, 0)])).all())


def _may_match(known: _Known, n: int, hints: Hints) -> Bools:
    """Tell which of n row groups may have rows of all conditions."""
    keep = np.ones(n, np.bool_)
    for bounds in hints.conditions:
        found = {path: known(".".join(path)) for path in bounds.paths}
        statistics = {path: stats for path, stats in found.items() if stats is not None}
        keep &= bounds.may_match(statistics, n)
    return keep


def _recorded(dataset: Dataset, statistics: RowGroups) -> _Known:
    def known(path: str) -> adql.Statistics | None:
        full, _ = dataset.leaf_columns.get(path, ("", None))
        if not statistics.has(full):
            return None
        nulls = statistics.null_count(full)
        return adql.Statistics(
            statistics.minimum(full), statistics.maximum(full), pa.array(nulls, mask=nulls < 0)
        )

    return known


def _of_footer(dataset: Dataset, footer: pq.FileMetaData) -> _Known:
    def known(path: str) -> adql.Statistics | None:
        full, type_ = dataset.leaf_columns.get(path, ("", None))
        place = _place(footer, full)
        if place is None:
            return None
        found = [footer.row_group(g).column(place).statistics for g in range(footer.num_row_groups)]
        bounds = [
            (s.min, s.max) if s is not None and s.has_min_max else (None, None) for s in found
        ]
        nulls = [s.null_count if s is not None and s.has_null_count else None for s in found]
        try:
            low, high = (pa.array([pair[i] for pair in bounds], type_) for i in (0, 1))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            return None
        return adql.Statistics(low, high, pa.array(nulls, pa.int64()))

    return known


def _place(footer: pq.FileMetaData, path: str) -> int | None:
    """Return the number of a leaf column; None if the file has no such column."""
    return next(
        (i for i in range(footer.num_columns) if footer.schema.column(i).path == path), None
    )


def _bounds(footer: pq.FileMetaData, name: str) -> list[tuple[int, int] | None]:
    """Return the lowest and highest value of a column in each row group, where known."""
    place = _place(footer, name)
    if place is None:
        return [None] * footer.num_row_groups
    found = [footer.row_group(g).column(place).statistics for g in range(footer.num_row_groups)]
    return [(s.min, s.max) if s is not None and s.has_min_max else None for s in found]
