"""Which partitions a cone on the sky overlaps.

A cell lies within a circle around its centre, so circles decide: a cell whose circle does not
reach the cone is out, one whose centre is in the cone is in, and any other is divided into four
until its parts are small beside the cone. No overlapping cell is ever missed; one that passes by
within a small part of the radius may be taken in vain. (cdshealpix 0.9.0 answers the question
too, but leaves out cells, for instance for a radius of 9.357 degrees around 126.6012, 21.4129.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.hats.partitions import Partitions
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.spatial.sphere import separation_arcsec

__all__ = ["overlapping"]

Ints = NDArray[np.int64]

_REACH_ARCSEC = 62 * 3600.0
"""No point of a cell of order k is further from its centre than this over 2**k.

The farthest corners are those of the cells between equator and polar cap: 48.2 degrees away at
order 0, and 61.2 / 2**k in the limit.
"""
_SMALL = 1 / 16
"""Cells are divided until their reach is this part of the radius."""


def overlapping(
    partitions: Partitions, ra: float, dec: float, radius_arcsec: float
) -> NDArray[np.bool_]:
    """Tell which partitions may have points within an angle of a position.

    Parameters
    ----------
    partitions : Partitions
    ra, dec : float
        Degrees.
    radius_arcsec : float
    """
    found = np.zeros(len(partitions), np.bool_)
    owner = np.arange(len(partitions))
    order, npix = partitions.order, partitions.npix
    while len(owner):
        distance = _distance(order, npix, ra, dec)
        reach = _REACH_ARCSEC / (1 << order)
        inside = (distance <= radius_arcsec) | (reach <= radius_arcsec * _SMALL)
        near = distance <= radius_arcsec + reach
        found[owner[near & (inside | (order == HPX_ORDER))]] = True
        open_ = near & ~found[owner]
        owner, order = (np.repeat(column[open_], 4) for column in (owner, order + 1))
        npix = (npix[open_, None] * 4 + np.arange(4)).ravel()
    return found


def _distance(order: Ints, npix: Ints, ra: float, dec: float) -> NDArray[np.float64]:
    """Return the distance of each cell's centre, arcseconds."""
    from cdshealpix.nested import healpix_to_lonlat

    lon, lat = healpix_to_lonlat(npix.astype(np.uint64), order.astype(np.uint8))
    return separation_arcsec(lon.deg, lat.deg, ra, dec)
