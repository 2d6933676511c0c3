"""Where HEALPix cells lie: centres, extents in right ascension and declination, circles.

A cell of a base cell has coordinates u (towards the north-east) and v (towards the north-west).
In the plane of the projection (Calabretta & Roukema 2007, MNRAS 381, 865, equations 1-6; a base
cell's half diagonal is the unit) it lies at x = u - v, y = u + v beside the base cell's south
corner. With Y the height above the equator: in the belt |Y| <= 1, sin(dec) = 2Y/3 and the right
ascension is x eighths of a turn from the middle; in a polar cap, with s = 2 - |Y|,
sin|dec| = 1 - s²/3 and it is x/s eighths.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arraytypes import Floats, Ints
from skyseries.jit import kernel
from skyseries.spatial.healpix import HPX_ORDER, gather_bits

__all__ = ["PAD_DEG", "as_cells", "bounds", "centres", "children", "reach_deg", "unit_vectors"]


PAD_DEG = 1e-6 / 3600.0
"""A microarcsecond: far above the rounding of a position, far below what matters on the sky."""

_REACH_DEG = 62.0
"""No point of a cell of order k is further from its centre than this over 2**k.

The farthest corners are those of the cells between equator and polar cap: 48.2 degrees away at
order 0, and 61.2 / 2**k in the limit.
"""


def as_cells(order: ArrayLike, npix: ArrayLike) -> tuple[Ints, Ints]:
    """Return orders and cell numbers as one-dimensional arrays of one length."""
    pair = np.broadcast_arrays(np.asarray(order, np.int64), np.asarray(npix, np.int64))
    first, second = (np.ascontiguousarray(part).ravel() for part in pair)
    return first, second


def reach_deg(order: ArrayLike) -> Floats:
    """Return the radius of a circle around the centre that holds a cell, degrees."""
    return np.asarray(_REACH_DEG / np.exp2(np.asarray(order, np.float64)) + PAD_DEG)


def children(order: Ints, npix: Ints) -> tuple[Ints, Ints]:
    """Return the four parts of each cell, one cell after the other."""
    return np.repeat(order + 1, 4), (npix[:, None] * 4 + np.arange(4)).ravel()


def centres(order: Ints, npix: Ints) -> Floats:
    """Return the unit vectors of the centres of cells, shape (n, 3)."""
    xyz = np.empty((len(npix), 3))
    _centres(order, npix, xyz)
    return xyz


def bounds(order: Ints, npix: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the extents of cells, degrees, each shape (n,).

    They are those of the four corners: along an edge, right ascension and declination only
    grow or only fall.

    Returns
    -------
    ra_west, ra_east : ndarray of float64
        The western one is from -45 to 360; the eastern one at least as large.
    dec_south, dec_north : ndarray of float64
    """
    limits = np.empty((4, len(npix)))
    _bounds(order, npix, limits)
    return limits[0], limits[1], limits[2], limits[3]


def unit_vectors(ra: ArrayLike, dec: ArrayLike) -> Floats:
    """Return the unit vectors of positions in degrees, shape (n, 3)."""
    alpha, delta = np.radians(np.asarray(ra, np.float64)), np.radians(np.asarray(dec, np.float64))
    cosine = np.cos(delta)
    return np.column_stack([cosine * np.cos(alpha), cosine * np.sin(alpha), np.sin(delta)])


@kernel
def _place(base: int, u: int, v: int, nside: int) -> tuple[float, float, float]:
    """Return right ascension (radians), sin(dec) and cos(dec) of a point of a base cell.

    `u` and `v` are counted in steps of 1/nside. The distance to a pole is taken from the
    integers, so that nothing cancels beside it.
    """
    row = base >> 2
    middle = 2 * (base & 3) + (1 if row != 1 else 0)
    x = (u - v) / nside
    height = u + v - row * nside
    if abs(height) <= nside:
        z = 2.0 * height / (3.0 * nside)
        return (middle + x) * (math.pi / 4), z, math.sqrt((1.0 - z) * (1.0 + z))
    s = (2 * nside - abs(height)) / nside
    z = 1.0 - s * s / 3.0
    shift = x / s if s > 0.0 else 0.0
    return (middle + shift) * (math.pi / 4), math.copysign(z, height), s * math.sqrt(6 - s * s) / 3


@kernel
def _centres(order: Ints, npix: Ints, xyz: Floats) -> None:
    for i in range(npix.size):
        within = npix[i] & ((1 << 2 * order[i]) - 1)
        u, v = gather_bits(within), gather_bits(within >> 1)
        base, nside = npix[i] >> 2 * order[i], 1 << order[i]
        ra, z, cosine = _place(base, 2 * u + 1, 2 * v + 1, 2 * nside)
        xyz[i, 0] = cosine * math.cos(ra)
        xyz[i, 1] = cosine * math.sin(ra)
        xyz[i, 2] = z


@kernel
def _bounds(order: Ints, npix: Ints, limits: Floats) -> None:
    degree = 180.0 / math.pi
    for i in range(npix.size):
        within = npix[i] & ((1 << 2 * order[i]) - 1)
        u, v = gather_bits(within), gather_bits(within >> 1)
        base, nside = npix[i] >> 2 * order[i], 1 << order[i]
        limits[0, i] = _place(base, u, v + 1, nside)[0] * degree
        limits[1, i] = _place(base, u + 1, v, nside)[0] * degree
        _, z, cosine = _place(base, u, v, nside)
        limits[2, i] = math.atan2(z, cosine) * degree
        _, z, cosine = _place(base, u + 1, v + 1, nside)
        limits[3, i] = math.atan2(z, cosine) * degree


def order_of_size(degrees: float) -> int:
    """Return the first order whose cells have a reach of at most an angle; at most 29."""
    if degrees <= 0.0:
        return HPX_ORDER
    return int(min(max(math.ceil(math.log2(_REACH_DEG / degrees)), 0), HPX_ORDER))
