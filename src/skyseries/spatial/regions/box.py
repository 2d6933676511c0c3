"""A box: limits of right ascension and of declination."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arrays import number
from skyseries.arraytypes import Bools, Ints
from skyseries.errors import InputError
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.spatial.regions.base import DividingRegion, holds_any, positions
from skyseries.spatial.regions.cells import PAD_DEG, as_cells, bounds

__all__ = ["Box"]


@dataclass(frozen=True)
class Box(DividingRegion):
    """The positions between two right ascensions and two declinations.

    The sides are coordinate lines (the ones of declination are small circles), and belong to the
    box. A pole has every right ascension: a box that reaches it contains it.

    Parameters
    ----------
    ra_min, ra_max : float or angle
        Degrees, or in a unit that they say, from west to east. ``ra_min > ra_max`` crosses 0:
        (350, 10) is 20 degrees wide, as is (-10, 10). ``ra_max - ra_min >= 360`` is every right
        ascension.
    dec_min, dec_max : float or angle
        Degrees, or in a unit that they say, from -90 to 90.

    Raises
    ------
    InputError
        If a limit is not finite or not possible, or dec_min is above dec_max.
    """

    ra_min: float
    ra_max: float
    dec_min: float
    dec_max: float

    def __post_init__(self) -> None:
        for name in ("ra_min", "ra_max", "dec_min", "dec_max"):
            object.__setattr__(self, name, number(getattr(self, name), "deg", name))
        if not np.isfinite([self.ra_min, self.ra_max]).all():
            raise InputError(
                f"the right ascensions of a box must be finite, not {self.ra_min} to {self.ra_max}"
            )
        if not -90.0 <= self.dec_min <= self.dec_max <= 90.0:
            raise InputError(
                "the declinations of a box must be from -90 to 90 degrees, the lower one first, "
                f"not {self.dec_min} to {self.dec_max}"
            )

    def contains(self, ra: Any, dec: Any = None) -> Bools:
        """Tell which positions are between the limits, these included; NaN is not."""
        ra, dec, there = positions(ra, dec)
        within = there & (dec >= self.dec_min) & (dec <= self.dec_max)
        if self._every_ra:
            return np.asarray(within)
        west, east = self._sides
        with np.errstate(invalid="ignore"):
            ra = np.mod(ra, 360.0)
            # np.mod of a tiny negative number rounds up to 360 itself
            ra = np.where(ra >= 360.0, 0.0, ra)
        after, before = ra >= west, ra <= east
        between = after & before if west <= east else after | before
        return np.asarray(within & (between | (np.abs(dec) == 90.0)))

    def near(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells have extents that overlap those of the box."""
        return self._compare(*as_cells(order, npix))[0]

    def inside(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells have extents within those of the box."""
        _, ra_within, dec_within = self._compare(*as_cells(order, npix))
        return ra_within & dec_within

    def touched(self, order: Ints, npix: Ints) -> Bools:
        """Tell which cells must overlap the box, as they are within it in one coordinate."""
        near, ra_within, dec_within = self._compare(order, npix)
        return (near & (ra_within | dec_within)) | holds_any(order, npix, self._corner_cells)

    @property
    def size_deg(self) -> float:
        """Return zero: only the corners stay open, so division is cheap down to the last order."""
        return 0.0

    @property
    def _every_ra(self) -> bool:
        return self.ra_max - self.ra_min >= 360.0

    @cached_property
    def _sides(self) -> tuple[float, float]:
        """The limits of right ascension from 0 to 360, without 360."""
        west, east = (side % 360.0 for side in (self.ra_min, self.ra_max))
        return (0.0 if west >= 360.0 else west), (0.0 if east >= 360.0 else east)

    @cached_property
    def _corner_cells(self) -> Ints:
        if self._every_ra:
            return np.empty(0, np.int64)
        corners = radec_to_hpx(np.repeat(self._sides, 2), [self.dec_min, self.dec_max] * 2)
        return np.sort(corners)

    def _compare(self, order: Ints, npix: Ints) -> tuple[Bools, Bools, Bools]:
        """Tell which cells are near, which are within in right ascension, which in declination."""
        ra_west, ra_east, dec_south, dec_north = bounds(order, npix)
        dec_near = (dec_north >= self.dec_min - PAD_DEG) & (dec_south <= self.dec_max + PAD_DEG)
        dec_within = (dec_south >= self.dec_min + PAD_DEG) & (dec_north <= self.dec_max - PAD_DEG)
        if self._every_ra:
            return dec_near, np.ones(len(npix), np.bool_), dec_within
        west, east = self._sides
        width = east - west if west <= east else east - west + 360.0
        highest = np.maximum(np.abs(dec_south), np.abs(dec_north))
        cosine = np.cos(np.radians(np.minimum(highest, 90.0)))
        # beside a pole the pad is a whole turn: a pole has every right ascension
        pad = np.minimum(PAD_DEG / np.maximum(cosine, 1e-12), 360.0)
        extent = ra_east - ra_west
        # how far east of the box's west side the cell begins; it may reach that side again
        begins = np.mod(ra_west - west - pad, 360.0)
        ra_near = (begins <= width) | (begins + extent + 2 * pad >= 360.0)
        begins = np.mod(ra_west - west, 360.0)
        ra_within = (begins >= pad) & (begins + extent <= width - pad)
        return dec_near & ra_near, ra_within, dec_within
