"""Regions that are sets of HEALPix cells: coverage maps (IVOA MOC 2.0) and lists of cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arrays import whole_numbers
from skyseries.arraytypes import Bools, Ints
from skyseries.errors import InputError
from skyseries.spatial.healpix import HPX_ORDER, cell_range, radec_to_hpx
from skyseries.spatial.regions.base import positions
from skyseries.spatial.regions.cells import as_cells
from skyseries.spatial.regions.ranges import Ranges, normalise, ranges_overlap

__all__ = ["Moc", "MocSource", "Pixels"]


MocSource: TypeAlias = Any
"""A mocpy.MOC, a Moc, the text of one (``"3/1-4 5/77"``), or the path of a FITS file."""

_TEXT = re.compile(r"\s*\d+\s*/[\s,\d/-]*")


class RangeRegion:
    """The methods of `Region` for a set of order-29 ranges; all its tests are exact."""

    @property
    def ranges(self) -> Ranges:
        """Return the order-29 ranges of the region."""
        raise NotImplementedError

    def contains(self, ra: Any, dec: Any = None) -> Bools:
        """Tell which positions are in a cell of the set; NaN is not."""
        ra, dec, there = positions(ra, dec)
        hpx = radec_to_hpx(ra.ravel(), dec.ravel()).reshape(ra.shape)
        place = np.searchsorted(self.ranges.start, hpx, side="right") - 1
        if not len(self.ranges.stop):
            return np.zeros(ra.shape, np.bool_)
        return np.asarray(there & (place >= 0) & (hpx < self.ranges.stop[place]))

    def overlaps(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells share a cell of order 29 with the set."""
        return ranges_overlap(*cell_range(*as_cells(order, npix)), *self.ranges)

    def near(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell the same as `overlaps`."""
        return self.overlaps(order, npix)

    def inside(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells are wholly in the set."""
        start, stop = cell_range(*as_cells(order, npix))
        if not len(self.ranges.stop):
            return np.zeros(len(start), np.bool_)
        place = np.searchsorted(self.ranges.start, start, side="right") - 1
        return np.asarray((place >= 0) & (stop <= self.ranges.stop[place]))


@dataclass(frozen=True, eq=False)
class Moc(RangeRegion):
    """A coverage map: a set of ranges of order-29 cells.

    Parameters
    ----------
    start, stop : array_like of int
        Half-open ranges in any order; they may overlap.

    Raises
    ------
    InputError
        If a range is not on the sky.
    """

    start: Ints
    stop: Ints

    def __post_init__(self) -> None:
        for name, part in normalise(self.start, self.stop)._asdict().items():
            part.flags.writeable = False
            object.__setattr__(self, name, part)

    @property
    def ranges(self) -> Ranges:
        """Return the order-29 ranges of the region."""
        return Ranges(self.start, self.stop)

    @property
    def nbytes(self) -> int:
        """What the ranges take."""
        return self.start.nbytes + self.stop.nbytes

    @classmethod
    def of(cls, source: MocSource) -> Moc:
        """Return a coverage map from whatever holds one.

        Parameters
        ----------
        source : mocpy.MOC, Moc, str or path
            A text such as ``"3/1-4 5/77"`` is the ASCII form of the standard; any other text is
            the path of a FITS file.

        Raises
        ------
        InputError
            If it cannot be understood or read.
        """
        if isinstance(source, Moc):
            return source
        if isinstance(source, str) and _TEXT.fullmatch(source):
            return _read_text(source)
        if isinstance(source, str | Path):
            source = _read_fits(Path(source))
        if not hasattr(source, "to_depth29_ranges"):
            raise InputError(
                "a coverage map must be a mocpy.MOC, its text or the path of a FITS file, "
                f"not {type(source).__name__}"
            )
        ranges = np.asarray(source.to_depth29_ranges, np.uint64).astype(np.int64).reshape(-1, 2)
        return cls(ranges[:, 0], ranges[:, 1])

    def to_moc(self, max_order: int = HPX_ORDER) -> Any:
        """Return a mocpy.MOC; with a coarser order, of all cells that are touched."""
        from mocpy import MOC

        pairs = np.column_stack([self.start, self.stop]).astype(np.uint64)
        moc = MOC.from_depth29_ranges(HPX_ORDER, pairs)
        return moc if max_order == HPX_ORDER else moc.degrade_to_order(max_order)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Moc)
            and np.array_equal(self.start, other.start)
            and np.array_equal(self.stop, other.stop)
        )

    def __hash__(self) -> int:
        return hash((self.start.tobytes(), self.stop.tobytes()))

    def __repr__(self) -> str:
        return f"Moc({len(self.start)} ranges)"


@dataclass(frozen=True)
class Pixels(RangeRegion):
    """A list of HEALPix cells, NESTED.

    Parameters
    ----------
    order, npix : int or sequence of int
        Broadcast against each other: ``Pixels(5, [1, 2])``, ``Pixels([3, 4], [1, 77])``.

    Raises
    ------
    InputError
        If there is no such cell.
    """

    order: int | Sequence[int]
    npix: int | Sequence[int]

    def __post_init__(self) -> None:
        orders, cells = whole_numbers(self.order, "order"), whole_numbers(self.npix, "npix")
        if orders.ndim and cells.ndim and orders.shape != cells.shape:
            raise InputError(f"there are {orders.size} orders for {cells.size} cells")
        order, npix = as_cells(orders, cells)
        for k, cell in zip(order.tolist(), npix.tolist(), strict=True):
            if not 0 <= k <= HPX_ORDER:
                raise InputError(f"the order of a cell must be from 0 to {HPX_ORDER}, not {k}")
            if not 0 <= cell < 12 << 2 * k:
                raise InputError(
                    f"the cells of order {k} are 0 to {(12 << 2 * k) - 1}; there is no cell {cell}"
                )
        object.__setattr__(self, "order", tuple(order.tolist()))
        object.__setattr__(self, "npix", tuple(npix.tolist()))

    @cached_property
    def ranges(self) -> Ranges:
        """Return the order-29 ranges of the cells."""
        return normalise(*cell_range(self.order, self.npix))


def _read_text(text: str) -> Moc:
    """Read the ASCII form of IVOA MOC 2.0. Cells may overlap, which mocpy refuses."""
    order, first, last = -1, [], []
    for item in re.findall(r"\d+\s*/|\d+(?:-\d+)?|[^\s,]+", text):
        match = re.fullmatch(r"(\d+)\s*(/?)-?(\d*)", item)
        if match is None or item.endswith("-") or (match[2] and int(match[1]) > HPX_ORDER):
            raise InputError(f"{item!r} in the coverage map {text[:60]!r} cannot be understood")
        if match[2]:
            order = int(match[1])
            continue
        ends = int(match[1]), int(match[3] or match[1])
        if not ends[0] <= ends[1] < 12 << 2 * order:
            raise InputError(
                f"the cells of order {order} are 0 to {(12 << 2 * order) - 1}; the coverage map "
                f"{text[:60]!r} has {item}"
            )
        first.append(ends[0] << 2 * (HPX_ORDER - order))
        last.append(ends[1] + 1 << 2 * (HPX_ORDER - order))
    return Moc(np.array(first, np.int64), np.array(last, np.int64))


def _read_fits(path: Path) -> Any:
    from mocpy import MOC

    if not path.is_file():
        raise InputError(f"{str(path)!r} is neither a coverage map's text nor an existing file")
    try:
        return MOC.load(str(path), "fits")
    except Exception as error:
        raise InputError(f"{path} is not a FITS file of a coverage map: {error}") from error
