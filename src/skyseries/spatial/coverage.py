"""Parts of the sky as ranges of order-29 HEALPix cells: covers of regions, and growth by a radius.

They say which partitions and Parquet row groups can hold rows of a region, or margin rows: those
whose own range of `_healpix_29` overlaps one of the ranges. The algebra is that of
`regions.ranges`, and can be imported from here.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arraytypes import Bools, Ints
from skyseries.errors import InputError
from skyseries.spatial.healpix import HPX_ORDER, cell_range, margin_order, neighbours
from skyseries.spatial.regions.base import Region
from skyseries.spatial.regions.cells import centres, reach_deg
from skyseries.spatial.regions.ranges import (
    SKY,
    Ranges,
    difference,
    intersection,
    largest_order,
    normalise,
    ranges_overlap,
    to_cells,
    union,
)

__all__ = [
    "Ranges",
    "cover",
    "difference",
    "expand",
    "intersection",
    "normalise",
    "ranges_overlap",
    "to_cells",
    "union",
]


_CELLS_OF_RANGE = 100
"""A cover looks at up to so many cells for each range that it may have: along a slit that is finer
than the cells there are ever more of them, and they are one range."""
_RING_LEVELS = 6
"""A ring around a cell has cells of at most this many orders above the cell's."""
_RINGS = 8
"""A radius that is wide beside the set is made of up to so many rings."""
_WIDTH = math.degrees(math.sqrt(math.pi / 3) / 1.6) * 3600.0
_BELT_WIDTH = math.degrees(0.95) * 3600.0
"""What a ring of cells of order k holds, times 2**k, arcseconds: anywhere (see `margin_order`), and
where all is in the belt around the equator. The least distance from a cell to the outside of its
ring is 0.69 and 0.98 radians over 2**k in the limit, and more in larger cells."""
_BELT_DEG = 41.81


def cover(region: Region, order: int = HPX_ORDER, max_ranges: int = 1000) -> Ranges:
    """Return ranges that hold every point of a region.

    The sky is divided as long as the cells that are neither outside nor inside have parts, and
    they and the ranges are few enough: the cover is as tight as the number allows.

    Parameters
    ----------
    region : Region
    order : int
        The finest order of the cells that are taken.
    max_ranges : int
        The cover has no more ranges than this.

    Raises
    ------
    InputError
        If the order is not from 0 to 29, or less than one range is allowed.
    """
    if not 0 <= order <= HPX_ORDER:
        raise InputError(f"the order of a cover must be from 0 to {HPX_ORDER}, not {order}")
    if max_ranges < 1:
        raise InputError(f"a cover needs at least one range, not {max_ranges}")
    level, npix = 0, np.arange(12)
    whole = Ranges(np.empty(0, np.int64), np.empty(0, np.int64))
    best = Ranges(np.array([0]), np.array([SKY]))
    while True:
        npix = npix[region.near(level, npix)]
        inside = region.inside(level, npix)
        whole = union(whole, Ranges(*cell_range(level, npix[inside])))
        npix = npix[~inside]
        found = union(whole, Ranges(*cell_range(level, npix)))
        if len(found.start) > max_ranges:
            return best
        best = found
        if level == order or not 0 < len(npix) <= max_ranges * _CELLS_OF_RANGE:
            return best
        level, npix = level + 1, (npix[:, None] * 4 + np.arange(4)).ravel()


def expand(ranges: tuple[ArrayLike, ArrayLike], radius_arcsec: float) -> Ranges:
    """Return ranges that hold everything within a radius of a set of ranges, the set included.

    Rings of neighbouring cells are laid around the set. Their cells are not much smaller than
    the set's: around a cell of order k they are of order k + 6 at most, so that a radius far
    below the cell costs no more than a ring of a 64th of its side.

    Parameters
    ----------
    ranges : Ranges or pair of array_like of int
        Order-29 ranges.
    radius_arcsec : float
        180 degrees (648,000) and more give the whole sky.

    Returns
    -------
    Ranges
        Never less than asked for. It reaches further than the radius by a part of it (about a
        quarter; up to the whole in the slanted cells around the poles), or by a 64th of the side
        of the set's cells where that is more.

    Raises
    ------
    InputError
        If the radius is negative or not a number.

    Notes
    -----
    A ring of neighbours holds everything within the least width of its cells (`margin_order`);
    n rings hold everything within n times that, as a great circle can be divided into n parts.
    """
    radius = float(radius_arcsec)
    if not radius >= 0.0:
        raise InputError(f"the radius must be 0 arcsec or more, not {radius_arcsec}")
    given = normalise(*ranges)
    if not len(given.start) or radius == 0.0:
        return given
    if radius >= 648_000.0:
        return Ranges(np.array([0]), np.array([SKY]))
    finest = margin_order(radius / _RINGS)
    parts = [given]
    ring_order = np.minimum(finest, largest_order(given) + _RING_LEVELS)
    for order in _distinct(ring_order).tolist():
        these = ring_order == order
        parts += _grow(_round_out(given.start[these], given.stop[these], order), order, radius)
    return normalise(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _grow(ranges: Ranges, order: int, radius: float) -> list[Ranges]:
    """Return the set of whole cells of an order, and the rings around it that hold a radius."""
    before = np.empty(0, np.int64)
    frontier = _edge(ranges, order)
    parts = [ranges]
    for _ in range(_count_rings(frontier, order, radius)):
        ring = neighbours(order, frontier)
        start, stop = cell_range(order, _distinct(ring[ring >= 0]))
        outside = ~ranges_overlap(start, stop, *ranges)
        ring = start[outside] >> 2 * (HPX_ORDER - order)
        seen = np.concatenate([before, frontier])
        before, frontier = frontier, ring[~_is_among(ring, np.sort(seen))]
        parts.append(Ranges(*cell_range(order, frontier)))
    return parts


def _distinct(cells: Ints) -> Ints:
    """Return the different cells, ascending (np.unique hashes, which is slower for so few)."""
    cells = np.sort(cells)
    return np.asarray(cells[np.concatenate([[True], cells[1:] != cells[:-1]])[: len(cells)]])


def _is_among(cells: Ints, others: Ints) -> Bools:
    """Tell which cells are among some others, one or more and ascending."""
    place = np.searchsorted(others, cells)
    return np.asarray(others[np.minimum(place, len(others) - 1)] == cells)


def _count_rings(frontier: Ints, order: int, radius: float) -> int:
    """Return how many rings around cells hold a radius."""
    z = centres(np.full(len(frontier), order), frontier)[:, 2]
    highest = math.degrees(math.asin(np.abs(z).max()))
    in_belt = highest + radius / 3600.0 + 2.0 * float(reach_deg(order)) < _BELT_DEG
    return math.ceil(radius * 2.0**order / (_BELT_WIDTH if in_belt else _WIDTH))


def _edge(ranges: Ranges, order: int) -> Ints:
    """Return cells of an order: all cells of the set that touch a cell outside are among them."""
    cell_order, npix = to_cells(ranges)
    parts = []
    for level in _distinct(cell_order).tolist():
        cells = npix[cell_order == level]
        parts.append(((cells[:, None] << 2 * (order - level)) + _border(order - level)).ravel())
    return np.concatenate(parts)


@functools.cache
def _border(levels: int) -> Ints:
    """Return the numbers, within a cell, of its parts some orders down that lie at its border."""
    side = np.zeros(1 << levels, np.int64)
    steps = np.arange(1 << levels)
    for bit in range(levels):
        side |= (steps >> bit & 1) << 2 * bit
    last = side[-1]
    ways = [side, side << 1, side << 1 | last, side | last << 1]
    return np.unique(np.concatenate(ways))


def _round_out(start: Ints, stop: Ints, order: int) -> Ranges:
    """Return the whole cells of an order that the ranges touch."""
    shift = 2 * (HPX_ORDER - order)
    return normalise(start >> shift << shift, -(-stop >> shift) << shift)
