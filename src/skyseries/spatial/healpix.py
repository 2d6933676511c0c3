"""HEALPix arithmetic in the NESTED scheme (Gorski et al. 2005, ApJ 622, 759).

A position is filed by its cell of order 29, `HPX_ORDER`: a 62-bit number whose leading bits are
the cell of any lower order. A cell of order k therefore is one contiguous range of order-29
numbers, and partitions, row groups and margins are all ranges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyseries.jit import kernel

__all__ = [
    "HPX_ORDER",
    "cell_range",
    "cells_in_range",
    "gather_bits",
    "margin_order",
    "neighbours",
    "pixel_area_deg2",
    "radec_to_hpx",
    "spread_bits",
]

HPX_ORDER = 29
"""The finest order whose cell numbers fit into 64 signed bits; a cell is 0.4 mas across."""

_NSIDE = 1 << HPX_ORDER
_TRANSITION = np.arcsin(2.0 / 3.0)
"""Latitude between the equatorial belt and the polar caps, radians."""
_ARCSEC = np.pi / 180 / 3600


def radec_to_hpx(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.int64]:
    """Return the order-29 NESTED cell of each position.

    Parameters
    ----------
    ra, dec : array_like of float, shape (n,)
        Degrees, ICRS. Any finite right ascension is wrapped into [0, 360).

    Returns
    -------
    hpx : ndarray of int64, shape (n,)
        -1 where a coordinate is not finite or the declination is outside [-90, 90].
    """
    ra = np.ascontiguousarray(ra, dtype=np.float64)
    dec = np.ascontiguousarray(dec, dtype=np.float64)
    hpx = np.empty(ra.shape, np.int64)
    _hash(ra, dec, hpx)
    return hpx


def cell_range(order: ArrayLike, npix: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and one past the last order-29 cell of each cell of a lower order."""
    shift = 2 * (HPX_ORDER - np.asarray(order, dtype=np.int64))
    npix = np.asarray(npix, dtype=np.int64)
    return npix << shift, (npix + 1) << shift


def cells_in_range(start: int, stop: int) -> list[tuple[int, int]]:
    """Return the largest cells (order, npix) that fill a range of order-29 cells exactly."""
    cells = []
    while start < stop:
        order = HPX_ORDER
        while order > 0:
            size = 1 << 2 * (HPX_ORDER - order + 1)
            if start % size or start + size > stop:
                break
            order -= 1
        size = 1 << 2 * (HPX_ORDER - order)
        cells.append((order, start // size))
        start += size
    return cells


def margin_order(threshold_arcsec: float) -> int:
    """Return the deepest order whose cells are everywhere wider than a threshold.

    The side of a cell of equal area is sqrt(pi/3) / 2**order; its narrowest width is more than
    1/1.6 of that (the rule of the HATS margin caches). The ring of neighbouring cells of this
    order around a region then holds everything within the threshold of the region.
    """
    order = int(np.floor(np.log2(np.sqrt(np.pi / 3) / (1.6 * threshold_arcsec * _ARCSEC))))
    return min(max(order, 0), HPX_ORDER)


def neighbours(order: int, npix: ArrayLike) -> NDArray[np.int64]:
    """Return the up to eight neighbours of each cell, shape (n, 8); -1 where there is none.

    In the order S, SE, E, SW, NE, W, NW, N. Where only three base cells meet there is none.
    """
    npix = np.atleast_1d(np.ascontiguousarray(npix, dtype=np.int64))
    ring = np.empty((len(npix), 8), np.int64)
    _neighbours(order, npix, ring)
    return ring


def pixel_area_deg2(order: int) -> float:
    """Return the area of a cell, square degrees."""
    return float(4 * np.pi / (12 * 4**order) * (180 / np.pi) ** 2)


@kernel(inline=True)
def spread_bits(x: int) -> int:
    """Put a zero between the bits of a 29-bit number."""
    x = (x | (x << 16)) & 0x0000FFFF0000FFFF
    x = (x | (x << 8)) & 0x00FF00FF00FF00FF
    x = (x | (x << 4)) & 0x0F0F0F0F0F0F0F0F
    x = (x | (x << 2)) & 0x3333333333333333
    return (x | (x << 1)) & 0x5555555555555555


@kernel(inline=True)
def gather_bits(x: int) -> int:
    """Undo `spread_bits`; the bits between are ignored."""
    x &= 0x5555555555555555
    x = (x | (x >> 1)) & 0x3333333333333333
    x = (x | (x >> 2)) & 0x0F0F0F0F0F0F0F0F
    x = (x | (x >> 4)) & 0x00FF00FF00FF00FF
    x = (x | (x >> 8)) & 0x0000FFFF0000FFFF
    return (x | (x >> 16)) & 0x00000000FFFFFFFF


@kernel
def _neighbours(order: int, npix: NDArray[np.int64], ring: NDArray[np.int64]) -> None:
    side = 1 << order
    for i in range(npix.size):
        base = npix[i] >> (2 * order)
        x, y = gather_bits(npix[i]), gather_bits(npix[i] >> 1)
        x, y = x & (side - 1), y & (side - 1)
        place = 0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                if dx != 0 or dy != 0:
                    ring[i, place] = _cell_beside(base, x + dx, y + dy, side, order)
                    place += 1


@kernel
def _cell_beside(base: int, x: int, y: int, side: int, order: int) -> int:
    """Return the cell at (x, y) of a base cell, where these may be one step outside of it.

    x grows to the north-east and y to the north-west. A polar base cell meets the next one
    of its cap with the axes exchanged; at the corners between cap and belt three cells meet.
    """
    ring, k = base >> 2, base & 3
    east = 1 if x == side else (-1 if x < 0 else 0)
    north = 1 if y == side else (-1 if y < 0 else 0)
    last = side - 1
    if east == 0 and north == 0:
        to = base
    elif ring == 1:
        if east == -north:
            to = 4 + ((k + east) & 3)
        elif east == north:
            return -1
        elif east != 0:
            to = k if east > 0 else 8 + ((k - 1) & 3)
        else:
            to = (k - 1) & 3 if north > 0 else 8 + k
        x, y = x - east * side, y - north * side
    else:
        pole = 1 if ring == 0 else -1  # which way the pole is along both axes
        if east == -north:
            return -1
        if east == north:
            if east == pole:
                to = (ring << 2) + ((k + 2) & 3)
                x = y = last if pole > 0 else 0
            else:
                to = 8 + k if ring == 0 else k
                x = y = last if ring == 0 else 0
        elif east == pole or north == pole:
            # over an edge that leads to the pole: the axes change places
            turn = pole * (east - north)
            to = (ring << 2) + ((k + turn * pole) & 3)
            x, y = (y, last if pole > 0 else 0) if east != 0 else (last if pole > 0 else 0, x)
        elif ring == 0:
            to = 4 + k if east < 0 else 4 + ((k + 1) & 3)
            x, y = x - east * side, y - north * side
        else:
            to = 4 + ((k + 1) & 3) if east > 0 else 4 + k
            x, y = x - east * side, y - north * side
    return (to << (2 * order)) | spread_bits(x) | (spread_bits(y) << 1)


@kernel
def _hash(ra: NDArray[np.float64], dec: NDArray[np.float64], hpx: NDArray[np.int64]) -> None:
    """Project each position, find its base cell, and interleave its coordinates there.

    The projection is that of Calabretta & Roukema 2007 (MNRAS 381, 865, equations 1-6) with a
    base cell's half diagonal as the unit; a position on a border is given to the cell that
    cdshealpix gives it to.
    """
    for i in range(ra.size):
        a = ra[i]
        d = dec[i]
        if not (abs(d) <= 90.0 and abs(a) < np.inf):
            hpx[i] = -1
            continue
        if a < 0.0 or a >= 360.0:
            a = a - 360.0 * np.floor(a / 360.0)
        eighths = (a * (np.pi / 180.0)) * (4.0 / np.pi)
        odd = int(eighths) | 1
        x = eighths - odd
        quarter = (odd & 7) >> 1
        lat = d * (np.pi / 180.0)
        if lat > _TRANSITION:
            root = np.sqrt(6.0) * np.cos(0.5 * lat + 0.25 * np.pi)
            base, x, y = quarter, x * root, 2.0 - root
        elif lat < -_TRANSITION:
            root = np.sqrt(6.0) * np.cos(0.5 * lat - 0.25 * np.pi)
            base, x, y = quarter + 8, x * root, root
        else:
            y = np.sin(lat) * 1.5
            south_east, north_east = x > y, x >= -y
            if south_east and north_east:
                base, x, y = 4 + ((quarter + 1) & 3), x - 1.0, y + 1.0
            elif south_east:
                base, y = quarter + 8, y + 2.0
            elif north_east:
                base = quarter
            else:
                base, x, y = 4 + quarter, x + 1.0, y + 1.0
        u = min(max(int(0.5 * _NSIDE * (y + x)), 0), _NSIDE - 1)
        v = min(max(int(0.5 * _NSIDE * (y - x)), 0), _NSIDE - 1)
        hpx[i] = (base << (2 * HPX_ORDER)) | spread_bits(u) | (spread_bits(v) << 1)
