"""What the rows of one leaf add up to, gathered while it is written.

From these facts everything else in a catalog folder is written (`skyseries.hats.build.folder`), so
that no leaf is opened again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.arraytypes import Ints
from skyseries.arrow import is_number
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Cell
from skyseries.hats.skymap import POINT_MAP_ORDER
from skyseries.hats.statistics import leaf_statistics
from skyseries.lazy import pc
from skyseries.photometry import band_order
from skyseries.schema import LightCurveFields
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.spatial.order import run_lengths

__all__ = ["CurveFacts", "LeafFacts", "LeafTally", "add_counts"]


@dataclass(frozen=True)
class CurveFacts:
    """What the light curves of one column add up to."""

    epochs: int = 0
    longest: int = 0
    """Epochs of the longest light curve."""
    time_range: tuple[float, float] | None = None
    bands: tuple[Any, ...] = ()

    def plus(self, other: CurveFacts) -> CurveFacts:
        """Return the facts of both together."""
        ranges = [r for r in (self.time_range, other.time_range) if r is not None]
        times = (min(r[0] for r in ranges), max(r[1] for r in ranges)) if ranges else None
        return CurveFacts(
            self.epochs + other.epochs,
            max(self.longest, other.longest),
            times,
            tuple(band_order([*self.bands, *other.bands])),
        )

    @classmethod
    def of(cls, column: pa.ChunkedArray, fields: LightCurveFields) -> CurveFacts:
        """Return the facts of a nested column."""
        curves = column.combine_chunks()
        if isinstance(curves, pa.ChunkedArray):  # longer than one array can be
            return _sum_curves(cls.of(pa.chunked_array([c]), fields) for c in curves.chunks)
        times = pc.struct_field(curves, fields.time)
        lengths = pc.min_max(pc.list_value_length(times))["max"].as_py() or 0
        values = times.flatten()
        bands: list[Any] = []
        if fields.band is not None:
            bands = pc.unique(pc.struct_field(curves, fields.band).flatten()).to_pylist()
        return cls(
            len(values),
            lengths,
            _finite_range(values),
            tuple(band_order(band for band in bands if band is not None)),
        )


@dataclass(frozen=True, eq=False)
class LeafFacts:
    """One leaf; picklable. With no rows there is no file."""

    cell: Cell
    rows: int = 0
    nbytes: int = 0
    """Size of the file."""
    curves: Mapping[str, CurveFacts] = field(default_factory=dict)
    """By nested column."""
    pixels: Ints = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    """Cells of the sky maps' order that hold rows, ascending."""
    counts: Ints = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    """Rows of each."""
    statistics: pa.Table | None = field(default=None, repr=False)
    """See `leaf_statistics`; a row for each row group."""
    first: pa.Table | None = field(default=None, repr=False)
    """The first row."""


class LeafTally:
    """Adds up the rows of a leaf, piece by piece.

    Parameters
    ----------
    cell : Cell
    lightcurves : mapping from str to LightCurveFields
        The nested columns whose epochs are counted.
    """

    def __init__(self, cell: Cell, lightcurves: Mapping[str, LightCurveFields]) -> None:
        self._cell = cell
        self._fields = dict(lightcurves)
        self._curves = {name: CurveFacts() for name in lightcurves}
        self._pixels: list[tuple[Ints, Ints]] = []
        self._first: pa.Table | None = None
        self._rows = 0

    def add(self, table: pa.Table) -> None:
        """Count rows that were written; sorted along the sky."""
        self._rows += table.num_rows
        hpx = table.column(HPX_COLUMN).to_numpy()
        self._pixels.append(run_lengths(hpx >> 2 * (HPX_ORDER - POINT_MAP_ORDER)))
        if self._first is None and table.num_rows:
            self._first = table.slice(0, 1).take(pa.array([0]))  # a slice would keep all rows
        for name, fields in self._fields.items():
            self._curves[name] = self._curves[name].plus(CurveFacts.of(table.column(name), fields))

    def finish(self, footer: pq.FileMetaData, schema: pa.Schema, nbytes: int) -> LeafFacts:
        """Return the facts of the whole leaf.

        Parameters
        ----------
        footer : pyarrow.parquet.FileMetaData
            That of the leaf.
        schema : pyarrow.Schema
        nbytes : int
            Size of the file.
        """
        pixels, counts = add_counts(self._pixels)
        return LeafFacts(
            self._cell,
            self._rows,
            nbytes,
            self._curves,
            pixels,
            counts,
            leaf_statistics(self._cell, footer, schema),
            self._first,
        )


def add_counts(parts: Iterable[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Add up counts of cells that may be in several parts; return cells ascending, and counts."""
    pairs = list(parts)
    cells = np.concatenate([np.empty(0, np.int64), *(cells for cells, _ in pairs)])
    counts = np.concatenate([np.empty(0, np.int64), *(counts for _, counts in pairs)])
    unique, place = np.unique(cells.astype(np.int64), return_inverse=True)
    return unique, np.bincount(place, counts, len(unique)).astype(np.int64)


def _sum_curves(parts: Iterable[CurveFacts]) -> CurveFacts:
    total = CurveFacts()
    for part in parts:
        total = total.plus(part)
    return total


def _finite_range(values: pa.Array) -> tuple[float, float] | None:
    """Return the smallest and largest number; None where there is none."""
    if not is_number(values.type):
        return None
    seen = pc.min_max(values)
    low, high = seen["min"].as_py(), seen["max"].as_py()
    if low is None or low != low or high != high:  # NaN
        return None
    return float(low), float(high)
