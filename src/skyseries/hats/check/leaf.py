"""Checks of one leaf: its footer against the catalog's files, then its rows, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Number
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.hats.batches import leaf_batches, whole_leaf
from skyseries.hats.check.files import BROKEN, Described, different_columns, relative, said
from skyseries.hats.check.findings import Findings
from skyseries.hats.check.margin import Border, MarginOf
from skyseries.hats.check.row_hash import row_digests
from skyseries.hats.check.rows import RowChecks, position_cells
from skyseries.hats.dataset import Dataset
from skyseries.hats.leaf import HPX_COLUMN, LIST_PATH
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.statistics import STATISTICS_FILE, leaf_statistics
from skyseries.store.files import Location

__all__ = ["LeafCheck", "LeafFound", "check_leaf", "key_columns"]


_SIZES = ("::disk_bytes", "::memory_bytes")
"""What others may count a little differently; nothing is read by it."""


@dataclass(frozen=True)
class LeafCheck:
    """What is to be checked of one leaf."""

    dataset: Dataset
    cell: Cell
    described: Described = field(repr=False)
    prefix: str = ""
    deep: bool = True
    map_order: int | None = None
    """Count rows per cell of this order."""
    key: tuple[str, ...] = ()
    """Columns whose digests are added up, to compare with the id index."""
    margins: tuple[MarginOf, ...] = field(default=(), repr=False)
    """Margins that hold copies of this leaf's rows."""
    primary: Partitions | None = field(default=None, repr=False)
    """For the leaf of a margin: where its rows are at home."""


@dataclass
class LeafFound:
    """What was found in one leaf."""

    findings: Findings
    rows: int = 0
    cells: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Occupied cells of `map_order`, and `counts` of rows in them."""
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    key_sum: int = 0
    homes: tuple[int, ...] = ()
    """For the leaf of a margin: the partitions that its rows come from."""
    whole: bool = False
    """Whether all rows could be read."""


def check_leaf(request: LeafCheck) -> LeafFound:
    """Check one leaf; a file that cannot be read is a fault among others."""
    found = LeafFound(Findings(request.prefix))
    dataset = request.dataset
    where = str(request.cell)
    try:
        files = dataset.leaves(request.cell)
        footers = [_check_footer(dataset, file, found) for file in files]
        if any(footer is None for footer in footers):
            return found
        found.rows = sum(footer.num_rows for footer in footers if footer is not None)
        _check_described(request, files, footers, found.findings)
        if request.deep and not found.findings.has("leaf-schema"):
            _check_rows(request, files, found)
    except BROKEN as error:
        found.findings.fault("broken-leaf", where, said(error))
    return found


def _check_footer(dataset: Dataset, file: Location, found: LeafFound) -> pq.FileMetaData | None:
    where = relative(dataset.root, file)
    try:
        with whole_leaf(file) as opened:
            if what := different_columns(dataset, opened.schema_arrow):
                found.findings.fault("leaf-schema", where, what)
            return opened.metadata
    except FileNotFoundError:
        found.findings.fault("missing-leaf", where, "there is no such file")
    except BROKEN as error:
        found.findings.fault("broken-leaf", where, said(error))
    return None


def _check_described(
    request: LeafCheck, files: list[Location], footers: list[Any], findings: Findings
) -> None:
    """Compare footers with ``_metadata`` and with the statistics file."""
    described = request.described
    groups = {
        relative(request.dataset.root, file): tuple(
            footer.row_group(g).num_rows for g in range(footer.num_row_groups)
        )
        for file, footer in zip(files, footers, strict=True)
    }
    if described.groups is not None:
        for path, rows in groups.items():
            told = described.groups.get(path, ())
            if told != rows and sum(rows):
                what = f"says {_groups(told)} of {path}, which has {_groups(rows)}"
                findings.fault("metadata-groups", "dataset/_metadata", what)
    if described.statistics is not None and len(footers) == 1:
        _check_statistics(request, footers[0], findings)


def _groups(rows: tuple[int, ...]) -> str:
    return f"{len(rows)} row groups of {sum(rows):,} rows" if rows else "nothing"


def _check_statistics(request: LeafCheck, footer: pq.FileMetaData, findings: Findings) -> None:
    where = STATISTICS_FILE
    told = request.described.statistics or []
    if told and "row_group_index" in told[0]:
        told = sorted(told, key=lambda row: row["row_group_index"])
        schema = footer.schema.to_arrow_schema()
        expected = leaf_statistics(request.cell, footer, schema).to_pylist()
        if len(told) != len(expected):
            what = f"has {len(told)} row groups of {request.cell}, which has {len(expected)}"
            findings.fault("statistics-rows", where, what)
            return
        for told_row, true in zip(told, expected, strict=True):
            wrong = _different(told_row, true)
            of_rows = [key for key in wrong if not key.endswith(_SIZES)]
            if wrong:
                key = next(iter(of_rows or wrong))
                what = (
                    f"says {key} = {wrong[key]!r} of {request.cell}, row group "
                    f"{true['row_group_index']}; it is {true[key]!r}"
                )
                kind = "statistics-rows" if of_rows else "statistics-bytes"
                findings.note(bool(of_rows), kind, where, what)
    elif told:
        flat = [k for k in told[0] if k.endswith("::row_count") and "." not in k]
        for key in flat:
            rows = sum(row[key] or 0 for row in told)
            if rows != footer.num_rows:
                what = f"says {key} = {rows:,} of {request.cell}; it is {footer.num_rows:,}"
                findings.fault("statistics-rows", where, what)
    else:
        findings.fault("statistics-rows", where, f"has no row of {request.cell}")


def _different(told: dict[str, Any], true: dict[str, Any]) -> dict[str, Any]:
    """Return what is said otherwise, by the name that it has now."""
    now = {key if key in true else key.replace(LIST_PATH, ""): value for key, value in told.items()}
    return {k: value for k, value in now.items() if k in true and not _same(value, true[k])}


def _same(told: Any, true: Any) -> bool:
    if told is None or true is None or (told != told and true != true):
        return True
    numbers = isinstance(told, Number) and isinstance(true, Number)
    if type(told) is not type(true) and not numbers:
        return True  # others give moments and the like as numbers
    return bool(told == true)


def _check_rows(request: LeafCheck, files: list[Location], found: LeafFound) -> None:
    checks = RowChecks(request.dataset, request.cell, request.primary, found.findings)
    borders = [Border(margin, request.dataset, request.cell) for margin in request.margins]
    pixels = _Pixels(request.map_order)
    total = 0
    for file in files:
        where = relative(request.dataset.root, file)
        checks.begin(where)
        for batch in leaf_batches(request.dataset, file):
            hpx = checks.add(batch)
            pixels.add(hpx)
            if request.key:
                total += int(row_digests(batch.select(request.key)).sum())
            for border in borders:
                border.add(batch, hpx)
        checks.end()
    found.key_sum = total & (2**64 - 1)
    found.homes = checks.homes()
    found.cells, found.counts = pixels.counts()
    found.findings.count("rows", found.rows)
    found.whole = True
    for border in borders:
        border.compare(found.findings)


def key_columns(dataset: Dataset, column: str, index_columns: list[str]) -> tuple[str, ...]:
    """Return what the index and its catalog have in common: the id, and the cell if both do."""
    both = HPX_COLUMN in index_columns and HPX_COLUMN in dataset.schema.names
    return (column, HPX_COLUMN) if both else (column,)


class _Pixels:
    """Rows per cell of one order."""

    def __init__(self, order: int | None) -> None:
        self._order = order
        self._cells: list[NDArray[np.int64]] = []
        self._counts: list[NDArray[np.int64]] = []

    def add(self, hpx: NDArray[np.int64]) -> None:
        if self._order is not None:
            cells = position_cells(hpx[hpx >= 0], self._order)
            unique, counts = np.unique(cells, return_counts=True)
            self._cells.append(unique)
            self._counts.append(counts)

    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        none = np.empty(0, np.int64)
        cells = np.concatenate([none, *self._cells])
        counts = np.concatenate([none, *self._counts])
        unique, place = np.unique(cells, return_inverse=True)
        return unique, np.bincount(place, counts, len(unique)).astype(np.int64)
