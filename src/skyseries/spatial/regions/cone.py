"""A cone: everything within an angle of a position."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyseries.arrays import is_coordinate, number
from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.errors import InputError
from skyseries.jit import kernel
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.spatial.regions.base import DividingRegion, check_position, holds_any, positions
from skyseries.spatial.regions.cells import PAD_DEG, as_cells, centres, reach_deg, unit_vectors
from skyseries.spatial.sphere import haversine, separation_arcsec

__all__ = ["Cone"]


_SLACK = 1e-12
"""How far, in parts of its limit, sin² of half an angle must be from it to decide alone."""


@dataclass(frozen=True, init=False)
class Cone(DividingRegion):
    """The positions whose `separation_arcsec` from a position is at most a radius.

    Parameters
    ----------
    ra, dec : float or angle
        Degrees, or in a unit that they say; a SkyCoord stands for both: ``Cone(coord, 5)``.
    radius_arcsec : float or angle
        Arcsec, or in a unit that it says. From 0, which is the position alone; 648,000 (180
        degrees) and more is the whole sky.

    Raises
    ------
    InputError
        If the position is none, or the radius is negative or not a number.
    """

    ra: float
    dec: float
    radius_arcsec: float

    def __init__(self, ra: Any, dec: Any = None, radius_arcsec: Any = None) -> None:
        if is_coordinate(ra) and radius_arcsec is None:
            dec, radius_arcsec = None, dec
        ra, dec = check_position(ra, dec, "the centre of a cone")
        radius = number(radius_arcsec, "arcsec", "radius_arcsec")
        if not radius >= 0.0:
            raise InputError(f"the radius of a cone must be 0 arcsec or more, not {radius}")
        for name, value in (("ra", ra), ("dec", dec), ("radius_arcsec", radius)):
            object.__setattr__(self, name, value)

    def contains(self, ra: Any, dec: Any = None) -> Bools:
        """Tell which positions are within the radius, itself included; NaN is not."""
        ra, dec, there = positions(ra, dec)
        if self.radius_arcsec >= 648_000.0:
            return there
        state = np.empty(ra.shape, np.int8)
        limit = math.sin(math.radians(self.radius_arcsec / 7200.0)) ** 2
        reach = self.radius_arcsec / 3600.0 + PAD_DEG
        _compare(ra.ravel(), dec.ravel(), self.ra, self.dec, reach, limit, state.ravel())
        close = state < 0
        if close.any():
            distance = separation_arcsec(ra[close], dec[close], self.ra, self.dec)
            state[close] = distance <= self.radius_arcsec
        return np.asarray((state == 1) & there)

    def near(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells have a circle around them that reaches the cone."""
        order, npix = as_cells(order, npix)
        return self._distance_deg(order, npix) <= self.radius_arcsec / 3600 + reach_deg(order)

    def inside(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells have a circle around them that is wholly in the cone."""
        order, npix = as_cells(order, npix)
        if self.radius_arcsec >= 648_000.0:
            return np.ones(len(npix), np.bool_)
        return self._distance_deg(order, npix) + reach_deg(order) <= self.radius_arcsec / 3600

    def touched(self, order: Ints, npix: Ints) -> Bools:
        """Tell which cells have their centre in the cone, or hold the cone's."""
        inside = self._distance_deg(order, npix) + PAD_DEG <= self.radius_arcsec / 3600
        return inside | holds_any(order, npix, self._centre_cell)

    @property
    def size_deg(self) -> float:
        """Return the radius, degrees."""
        return min(self.radius_arcsec / 3600.0, 180.0)

    @cached_property
    def _centre_cell(self) -> Ints:
        return radec_to_hpx([self.ra], [self.dec])

    def _distance_deg(self, order: Ints, npix: Ints) -> Floats:
        """Return the distances of cells' centres."""
        distance = np.empty(len(npix))
        _measure(centres(order, npix), unit_vectors([self.ra], [self.dec])[0], distance)
        return distance


@kernel
def _compare(
    ra: Floats,
    dec: Floats,
    ra_0: float,
    dec_0: float,
    reach: float,
    limit: float,
    state: NDArray[np.int8],
) -> None:
    """Put 1 for positions within the limit, 0 for others, -1 for those too close to tell."""
    for i in range(ra.size):
        if not abs(dec[i] - dec_0) <= reach:  # true for NaN
            state[i] = 0
            continue
        turn = ra[i] - ra_0
        turn -= 360.0 * np.rint(turn / 360.0)
        above = haversine(turn, dec[i], dec_0) - limit
        if abs(above) <= _SLACK * limit:
            state[i] = -1
        else:
            state[i] = above < 0.0


@kernel
def _measure(xyz: Floats, point: Floats, degrees: Floats) -> None:
    """Measure the angle of each unit vector from a point."""
    for i in range(degrees.size):
        x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
        p, q, r = (
            y * point[2] - z * point[1],
            z * point[0] - x * point[2],
            x * point[1] - y * point[0],
        )
        cosine = x * point[0] + y * point[1] + z * point[2]
        degrees[i] = math.atan2(math.sqrt(p * p + q * q + r * r), cosine) * (180.0 / math.pi)
