"""Checks of rows: positions, spatial index, order, partition, light curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.arrow import floats, is_nested, is_number, list_lengths
from skyseries.hats.check.files import is_ours
from skyseries.hats.check.findings import Findings
from skyseries.hats.dataset import Dataset
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.rowcells import positions
from skyseries.jit import kernel
from skyseries.lazy import pc
from skyseries.schema import LightCurveFields
from skyseries.spatial.healpix import HPX_ORDER, radec_to_hpx
from skyseries.spatial.sphere import apply_proper_motion

__all__ = ["RowChecks", "cells_around", "position_cells"]


_ROUNDING_DEG = 1e-9
"""Positions this near to a border may be in either cell: a hundredth of a cell of order 29."""


def position_cells(hpx: Ints, order: int) -> Ints:
    """Return the cells of a lower order."""
    return hpx >> 2 * (HPX_ORDER - order)


def cells_around(ra: Floats, dec: Floats, radius_deg: float, bearings: int = 8) -> Ints:
    """Return the order-29 cells on a circle around each position, shape (n, bearings)."""
    angle = 2 * np.pi * np.arange(bearings) / bearings
    step = np.tan(np.radians(radius_deg)) * np.degrees(1) * 3.6e6  # mas in the tangent plane
    east, north = step * np.sin(angle), step * np.cos(angle)
    around = apply_proper_motion(ra[:, None], dec[:, None], east, north, 0.0, 1.0)
    return radec_to_hpx(*(part.ravel() for part in around)).reshape(len(ra), bearings)


class RowChecks:
    """Checks the rows of one leaf; of each kind of fault, the first row is told and all counted.

    Parameters
    ----------
    dataset : Dataset
    cell : Cell
        The partition.
    primary : Partitions, optional
        For a margin: the partitions that its rows are at home in.
    findings : Findings
    """

    def __init__(
        self, dataset: Dataset, cell: Cell, primary: Partitions | None, findings: Findings
    ) -> None:
        self._dataset, self._cell, self._primary = dataset, cell, primary
        self._findings = findings
        self._ours = is_ours(dataset.properties)
        self._nested = {
            field.name: _time_field(dataset, field)
            for field in dataset.schema
            if is_nested(field.type)
        }
        self._homes: set[int] = set()

    def begin(self, where: str) -> None:
        """Start with a file."""
        self._where = where
        self._row = 0
        self._last = -1
        self._tally: dict[str, tuple[bool, int, str]] = {}

    def add(self, rows: pa.Table) -> Ints:
        """Check rows; return their order-29 cells, -1 where there is none."""
        ra, dec = positions(self._dataset, rows)
        true = radec_to_hpx(ra, dec)
        self._tell(
            "bad-position", (true < 0) & self._dataset.has_positions,
            "without a position on the sky",
            lambda i: f"{self._dataset.ra} = {ra[i]}, {self._dataset.dec} = {dec[i]}",
        )  # fmt: skip
        hpx = self._check_healpix(rows, ra, dec, true)
        self._check_partition(hpx, ra, dec)
        for name, time in self._nested.items():
            self._check_light_curves(name, time, rows.column(name).combine_chunks())
        self._row += rows.num_rows
        return hpx

    def end(self) -> None:
        """Tell what was found in the file."""
        for kind, (wrong, count, text) in self._tally.items():
            rows = "1 row" if count == 1 else f"{count:,} rows"
            self._findings.note(wrong, kind, self._where, f"{rows} {text}")

    def homes(self) -> tuple[int, ...]:
        """Return the partitions of the primary that the rows of a margin come from."""
        return tuple(sorted(self._homes))

    def _check_healpix(self, rows: pa.Table, ra: Floats, dec: Floats, true: Ints) -> Ints:
        """Compare the spatial index with the positions, and see that it ascends."""
        column, order = self._dataset.healpix_column, self._dataset.healpix_order
        if column is None:
            return true
        stored = pc.fill_null(rows.column(column), 0).to_numpy().astype(np.int64)
        if null := rows.column(column).null_count:
            missing = rows.column(column).is_null().to_numpy()
            self._tell("wrong-healpix", missing, f"without {column}", lambda i: f"{null} are null")
        wrong = (position_cells(true, order) != stored) & (true >= 0)
        places = np.flatnonzero(wrong)
        near = position_cells(cells_around(ra[places], dec[places], _ROUNDING_DEG), order)
        wrong[places] = ~(near == stored[places, None]).any(axis=1)
        self._tell(
            "wrong-healpix", wrong, f"with another {column} than the cell of the position",
            lambda i: f"{column} = {stored[i]}, should be {position_cells(true, order)[i]}",
        )  # fmt: skip
        before = np.concatenate([[self._last], stored[:-1]])
        self._tell(
            "unsorted", stored < before, f"not in the order of {column}",
            lambda i: f"{stored[i]} after {before[i]}", wrong=self._ours,
        )  # fmt: skip
        self._last = int(stored[-1]) if len(stored) else self._last
        if order == HPX_ORDER or self._dataset.has_positions:
            return stored if order == HPX_ORDER else true
        first: Ints = stored << 2 * (HPX_ORDER - order)
        return first

    def _check_partition(self, hpx: Ints, ra: Floats, dec: Floats) -> None:
        """See that rows are in their partition; those of a margin, in another one."""

        def at(i: int) -> str:
            return f"at ra = {float(ra[i])!r}, dec = {float(dec[i])!r}"

        inside = self._in_partition(hpx)
        if self._dataset.kind != "margin":
            wrong = self._unless_near(~inside & (hpx >= 0), ra, dec, self._in_partition)
            self._tell("wrong-partition", wrong, f"outside of the cell {self._cell}", at)
            return
        own = self._unless_near(inside, ra, dec, self._out_of_partition)
        self._tell("margin-row-at-home", own, "inside of the margin's own cell", at)
        if self._primary is not None:
            homes = self._primary.find(hpx)
            self._homes.update(np.unique(homes[(homes >= 0) & ~inside]).tolist())
            astray = self._unless_near((homes < 0) & (hpx >= 0), ra, dec, self._in_primary)
            self._tell("margin-row-unknown", astray, "from no partition of the catalog", at)

    def _in_partition(self, hpx: Ints) -> Bools:
        start, stop = self._cell.range()
        return (hpx >= start) & (hpx < stop)

    def _out_of_partition(self, hpx: Ints) -> Bools:
        return ~self._in_partition(hpx)

    def _in_primary(self, hpx: Ints) -> Bools:
        return self._primary.find(hpx) >= 0 if self._primary is not None else hpx >= 0

    def _unless_near(self, wrong: Bools, ra: Floats, dec: Floats, test: Any) -> Bools:
        """Forgive rows within rounding of a border, where others computed the cell or we did."""
        if self._dataset.healpix_order == HPX_ORDER and self._dataset.healpix_column is not None:
            return wrong
        places = np.flatnonzero(wrong)
        near = cells_around(ra[places], dec[places], _ROUNDING_DEG)
        wrong = wrong.copy()
        wrong[places] = ~test(near).any(axis=1)
        return wrong

    def _check_light_curves(self, name: str, time: str | None, column: Any) -> None:
        lists = dict(zip([f.name for f in column.type], column.flatten(), strict=True))
        lengths = {key: list_lengths(values) for key, values in lists.items()}
        first, *others = lengths
        for other in others:
            self._tell(
                "unequal-lists", lengths[other] != lengths[first],
                f"with lists of different lengths in {name!r}",
                lambda i, key=other: f"{first} has {lengths[first][i]} values, "
                f"{key} {lengths[key][i]}",
            )  # fmt: skip
        if time is not None:
            times = floats(pc.list_flatten(lists[time]))
            falls = np.zeros(len(column), np.bool_)
            _find_falls(times, np.asarray(lengths[time], np.int64), falls)
            self._tell(
                "unsorted-times", falls, f"with times in {name}.{time} that do not ascend",
                lambda i: f"of {lengths[time][i]} epochs", wrong=self._ours,
            )  # fmt: skip

    def _tell(self, kind: str, bad: Bools, text: str, example: Any, *, wrong: bool = True) -> None:
        count = int(np.count_nonzero(bad))
        if not count:
            return
        _, before, told = self._tally.get(kind, (wrong, 0, ""))
        if not told:
            i = int(np.argmax(bad))
            told = f"{text}, the first is row {self._row + i}: {example(i)}"
        self._tally[kind] = (wrong, before + count, told)


def _time_field(dataset: Dataset, field: pa.Field) -> str | None:
    """Return the field of the times, if it is known and is a number."""
    names = [child.name for child in field.type]
    roles = LightCurveFields.from_properties(dataset.properties, field.name)
    roles = roles or LightCurveFields.guess(names)
    if roles is None or roles.time not in names:
        return None
    value = field.type.field(roles.time).type.value_type
    numeric = is_number(value)
    return roles.time if numeric else None


@kernel
def _find_falls(times: Floats, lengths: Ints, falls: Bools) -> None:
    """Mark the rows whose times decrease somewhere; NaN counts as later than any time."""
    start = 0
    for i in range(lengths.size):
        for k in range(start + 1, start + lengths[i]):
            a = times[k - 1]
            b = times[k]
            if b < a or (np.isnan(a) and not np.isnan(b)):
                falls[i] = True
        start += lengths[i]
