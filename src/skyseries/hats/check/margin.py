"""Checks of margins: every row that is near another partition is in its margin, unchanged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.hats.batches import leaf_batches
from skyseries.hats.check.files import BROKEN, is_ours, said
from skyseries.hats.check.findings import Findings
from skyseries.hats.check.row_hash import row_digests, surplus
from skyseries.hats.check.rows import cells_around
from skyseries.hats.dataset import Dataset
from skyseries.hats.margin import margin_targets, receivers
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.rowcells import positions
from skyseries.spatial.healpix import margin_order, radec_to_hpx

__all__ = ["Border", "MarginOf", "check_margin_cells", "margin_of"]


_BEARINGS = 180
_STEPS = (0.2, 0.5, 0.8, 0.95, 0.9999)
_TESTED = 10_000
"""Rows of one pair of partitions whose distance is looked at; one is enough for a fault."""


@dataclass(frozen=True)
class MarginOf:
    """A margin, as seen from one partition of its catalog."""

    margin: Dataset
    cells: Partitions = field(repr=False)
    """What may receive rows."""
    arcsec: float
    claimed: tuple[Cell, ...] = ()
    """Cells of the margin that hold rows of this partition."""
    prefix: str = ""


def margin_of(margin: Dataset, primary: Dataset, prefix: str) -> MarginOf:
    """Return how a margin is to be checked.

    What we write holds whole cells around each partition and around each gap between them. Others
    choose other cells for the empty sky, so theirs are taken from the margin itself.
    """
    own = primary.partitions
    if is_ours(margin.properties):
        cells = receivers(own)
    else:
        kept = [c for c in margin.partitions if _overlap(c, own) is None]
        cells = Partitions.of([*own, *kept])
    arcsec = float(margin.properties["hats_margin_threshold"])
    return MarginOf(margin, cells, arcsec, (), prefix)


def check_margin_cells(margin: Dataset, primary: Dataset, findings: Findings) -> None:
    """Check that each cell is a partition of the catalog, or empty sky."""
    own = set(primary.partitions)
    for cell in margin.partitions:
        if cell not in own and (other := _overlap(cell, primary.partitions)) is not None:
            what = f"{cell} overlaps the partition {other}: LSDB does not find rows in it"
            findings.fault("margin-cell", "partition_info.csv", what)


def _overlap(cell: Cell, partitions: Partitions) -> Cell | None:
    start, stop = partitions.ranges()
    first, last = cell.range()
    hits = np.flatnonzero((start < last) & (stop > first))
    return partitions[int(hits[0])] if len(hits) else None


class Border:
    """The rows of one partition that belong into margins, and what the margins have of them."""

    def __init__(self, request: MarginOf, dataset: Dataset, cell: Cell) -> None:
        self._request, self._dataset, self._cell = request, dataset, cell
        self._order = margin_order(request.arcsec)
        self._near: list[dict[str, NDArray[np.generic]]] = []
        self._all: list[NDArray[np.uint64]] = []

    def add(self, rows: pa.Table, hpx: Ints) -> None:
        """Take rows of the partition, with their order-29 cells."""
        start, stop = self._cell.range()
        inside = np.flatnonzero((hpx >= start) & (hpx < stop))
        place, target = margin_targets(hpx[inside], self._cell, self._request.cells, self._order)
        place = inside[place]
        if self._request.claimed:
            digests = row_digests(rows)
            self._all.append(digests)
            digests = digests[place]
        else:
            digests = row_digests(rows.take(pa.array(place)))
        ra, dec = positions(self._dataset, rows)
        self._near.append(
            {
                "target": target,
                "digest": digests,
                "hpx": hpx[place],
                "ra": ra[place],
                "dec": dec[place],
            }
        )

    def compare(self, findings: Findings) -> None:
        """Compare with what the margin has, one cell of it after the other."""
        if not self._near:
            return
        near = {key: np.concatenate([part[key] for part in self._near]) for key in self._near[0]}
        everything = np.concatenate([np.empty(0, np.uint64), *self._all])
        numbers = set(np.unique(near["target"]).tolist())
        targets = {self._request.cells[n]: n for n in numbers}
        there = set(self._request.margin.partitions)
        for cell in sorted({*targets, *self._request.claimed}):
            mine = near["target"] == targets.get(cell, -1)
            expected = {key: values[mine] for key, values in near.items()}
            try:
                digests, hpx = self._margin_rows(cell) if cell in there else _NOTHING
            except BROKEN as error:
                said(error)  # the check of the margin's own leaf has told it
                continue
            self._compare(cell, expected, digests, hpx, everything, findings)

    def _compare(
        self,
        cell: Cell,
        expected: dict[str, NDArray[np.generic]],
        digests: NDArray[np.uint64],
        hpx: Ints,
        everything: NDArray[np.uint64],
        findings: Findings,
    ) -> None:
        missing = surplus(expected["digest"].astype(np.uint64), digests)
        extra = surplus(digests, everything)
        changed = missing[np.isin(expected["hpx"][missing], hpx[extra])]
        missing = np.setdiff1d(missing, changed)
        unknown = extra[~np.isin(hpx[extra], expected["hpx"][changed])]
        if not is_ours(self._request.margin.properties):
            missing = self._within_threshold(cell, expected, missing)
        where = str(cell)
        if len(missing):
            what = f"{_rows(len(missing))} of {self._cell} missing, the first at " + _at(
                expected, missing
            )
            self._tell(findings, "margin-row-missing", where, what)
        if len(changed):
            what = f"{_rows(len(changed))} of {self._cell} changed, the first at " + _at(
                expected, changed
            )
            self._tell(findings, "margin-row-changed", where, what)
        if len(unknown):
            what = (
                f"{_rows(len(unknown))} that {self._cell} does not have, "
                f"the first with the cell {hpx[unknown[0]]}"
            )
            self._tell(findings, "margin-row-unknown", where, what)

    def _tell(self, findings: Findings, kind: str, where: str, what: str) -> None:
        told = Findings(self._request.prefix)
        told.fault(kind, where, what)
        findings.add(told)

    def _margin_rows(self, cell: Cell) -> tuple[NDArray[np.uint64], Ints]:
        """Return digests and order-29 cells of the margin's rows that are at home here."""
        start, stop = self._cell.range()
        digests, cells = [], []
        margin = self._request.margin
        names = [name for name in self._dataset.schema.names if name in margin.schema.names]
        for file in margin.leaves(cell):
            for rows in leaf_batches(margin, file, names):
                hpx = self._cells(rows)
                ours = np.flatnonzero((hpx >= start) & (hpx < stop))
                digests.append(row_digests(rows.take(pa.array(ours))))
                cells.append(hpx[ours])
        return (
            np.concatenate([np.empty(0, np.uint64), *digests]),
            np.concatenate([np.empty(0, np.int64), *cells]),
        )

    def _cells(self, rows: pa.Table) -> Ints:
        margin = self._request.margin
        if margin.healpix_column is not None and margin.healpix_order == 29:
            stored: Ints = rows.column(margin.healpix_column).to_numpy().astype(np.int64)
            return stored
        return radec_to_hpx(*positions(margin, rows))

    def _within_threshold(
        self, cell: Cell, expected: dict[str, NDArray[np.generic]], rows: Ints
    ) -> Ints:
        """Return the rows that are proved to be within the threshold of a cell.

        On circles around each, there is a point in the cell.
        """
        rows = rows[:_TESTED]
        ra, dec = (expected[key][rows].astype(np.float64) for key in ("ra", "dec"))
        start, stop = cell.range()
        found = np.zeros(len(rows), np.bool_)
        for step in _STEPS:
            around = cells_around(ra, dec, step * self._request.arcsec / 3600, _BEARINGS)
            found |= ((around >= start) & (around < stop)).any(axis=1)
        return rows[found]


_NOTHING = (np.empty(0, np.uint64), np.empty(0, np.int64))


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _at(rows: dict[str, NDArray[np.generic]], places: Ints) -> str:
    i = int(places[0])
    ra, dec = (rows[key][i].item() for key in ("ra", "dec"))
    return f"ra = {ra!r}, dec = {dec!r}"
