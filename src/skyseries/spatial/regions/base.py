"""What a region of the sky can tell, and how cells are tested against it by division."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arrays import is_coordinate, numbers, position
from skyseries.arrays import positions as sky_positions
from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.errors import InputError
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.spatial.regions.cells import as_cells, centres, children, order_of_size

__all__ = ["DividingRegion", "Region", "check_position", "positions"]


_SMALL = 1 / 64
"""Cells are divided until their reach is this part of the region's size."""
_MANY = 10_000
"""About this number of parts are looked at; then what is open counts as overlapping."""


class Region(Protocol):
    """A part of the sky.

    Positions are degrees, angles that say their unit, or a SkyCoord in place of both. Cells are
    HEALPix cells of the NESTED scheme, of mixed orders, given as two arrays (or numbers) that are
    broadcast against each other.
    """

    def contains(self, ra: Any, dec: Any = None) -> Bools:
        """Tell which positions are in the region, its border included; NaN is not."""

    def overlaps(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells may have a point of the region; False is certain, few True in vain."""

    def inside(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells are certainly wholly in the region; False says nothing."""

    def near(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells may have a point of the region, by a quick test; False is certain."""


class DividingRegion:
    """The part of `Region` that follows from the other methods: `overlaps`.

    A cell that is near is certain to overlap if it, or a part of it, is inside, or has a point
    that is known to be in the region. What stays open is divided into four, until the parts are
    small beside the region.
    """

    @property
    def size_deg(self) -> float:
        """Return the least extent of the region, degrees: parts much smaller are not looked at."""
        raise NotImplementedError

    def near(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells may have a point of the region, by a quick test; False is certain."""
        raise NotImplementedError

    def touched(self, order: Ints, npix: Ints) -> Bools:
        """Tell which cells certainly have a point of the region; False says nothing."""
        raise NotImplementedError

    def overlaps(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells may have a point of the region; False is certain, few True in vain."""
        order, npix = as_cells(order, npix)
        found = np.zeros(len(npix), np.bool_)
        owner = np.flatnonzero(self.near(order, npix))
        order, npix = order[owner], npix[owner]
        last = order_of_size(self.size_deg * _SMALL)
        most = 4 * len(npix) + _MANY
        while len(owner):
            found[owner[(order >= last) | self.touched(order, npix) | (len(owner) > most)]] = True
            open_ = ~found[owner]
            owner = np.repeat(owner[open_], 4)
            order, npix = children(order[open_], npix[open_])
            near = self.near(order, npix)
            owner, order, npix = owner[near], order[near], npix[near]
        return found


def holds_any(order: Ints, npix: Ints, points: Ints) -> Bools:
    """Tell which cells hold one of some sorted order-29 cells."""
    shift = 2 * (HPX_ORDER - order)
    first, last = np.searchsorted(points, npix << shift), np.searchsorted(points, npix + 1 << shift)
    return np.asarray(first < last)


def positions(ra: Any, dec: Any = None) -> tuple[Floats, Floats, Bools]:
    """Return contiguous coordinates of one shape, and which of them are places on the sky."""
    if is_coordinate(ra):
        shape = ra.shape
        ra, dec = (part.reshape(shape) for part in sky_positions(ra, dec))
    pair = np.broadcast_arrays(numbers(ra, "deg", "ra"), numbers(dec, "deg", "dec"))
    ra, dec = (np.ascontiguousarray(part) for part in pair)
    return ra, dec, np.isfinite(ra) & (np.abs(dec) <= 90.0)


def centre_positions(order: Ints, npix: Ints) -> tuple[Floats, Floats]:
    """Return the centres of cells, degrees."""
    x, y, z = centres(order, npix).T
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def check_position(ra: Any, dec: Any, what: str) -> tuple[float, float]:
    """Return a position, degrees.

    Parameters
    ----------
    ra, dec
        Degrees, angles that say their unit, or a SkyCoord and None.
    what : str
        Its name in errors.

    Raises
    ------
    InputError
        If it is none: a coordinate is not finite, the declination beyond ±90 degrees.
    """
    try:
        return position(ra, dec)
    except InputError as error:
        raise InputError(f"{what} must be a position: {error}") from None
