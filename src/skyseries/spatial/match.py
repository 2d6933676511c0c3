"""The nearest neighbour on the sky within a radius, by a grid of cells.

The right side is sorted into cells: zones of declination cut in right ascension, about two
objects a cell, over the box that the objects fill. A left position looks at the cells around it.
No trigonometry is done for a left row: a pair must first pass a planar test that is safe up to
the poles (`_inverse_cosine`), and only the survivors pay for a haversine.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyseries.errors import InputError
from skyseries.jit import kernel
from skyseries.spatial.sphere import haversine, separation

__all__ = ["nearest"]

_OBJECTS_PER_CELL = 2.0
_ORIGIN_BINS = 4096
_COSINE_BINS = 1024
_Floats = NDArray[np.float64]
_Integers = NDArray[np.int64]
_Cells = tuple[_Floats, _Floats, _Integers, _Integers]
"""Right ascensions, declinations and rows, sorted by cell, and where each cell starts."""
_SLACK = 1e-11
"""Degrees added to planar limits, far above the rounding of a difference of two angles."""


def nearest(
    ra1: ArrayLike, dec1: ArrayLike, ra2: ArrayLike, dec2: ArrayLike, radius_arcsec: float
) -> tuple[_Integers, _Floats]:
    """Find for each left position the nearest right one within a radius.

    Parameters
    ----------
    ra1, dec1 : array_like, shape (n,)
        Left positions, degrees.
    ra2, dec2 : array_like, shape (m,)
        Right positions, degrees.
    radius_arcsec : float
        Largest separation that counts, itself included; from 0 to 648,000 (180 degrees).

    Returns
    -------
    index : ndarray of int64, shape (n,)
        Row of the nearest right position, -1 where there is none within the radius. Of several
        at the same distance, the first row.
    distance_arcsec : ndarray of float64, shape (n,)
        The separation (as `sphere.separation_arcsec`), NaN where there is none.

    Raises
    ------
    InputError
        If lengths differ, a declination is beyond ±90, or the radius is not from 0 to 180 degrees.

    Notes
    -----
    Positions that are not finite match nothing. The answer is exact everywhere, at the poles and
    across ra = 0 too. Time grows as n + m for radii up to a few times the mean spacing.
    """
    ra1, dec1 = _positions(ra1, dec1, "left")
    ra2, dec2 = _positions(ra2, dec2, "right")
    radius = float(radius_arcsec) / 3600.0
    if not 0.0 <= radius <= 180.0:
        raise InputError(
            f"the match radius must be from 0 to 648000 arcsec (180 degrees), not {radius_arcsec!r}"
        )
    index = np.full(ra1.size, -1, np.int64)
    distance = np.full(ra1.size, np.nan)
    grid = _lay_grid(ra2, dec2, radius)
    if grid is not None:
        cells = _fill_cells(
            ra2, dec2, grid.ra_0, grid.dec_0, grid.per_height, grid.per_width, grid.first_cell
        )
        _find_nearest(
            ra1, dec1, cells, grid.ra_0, grid.dec_0, grid.width, grid.per_height, grid.per_width,
            grid.first_cell, _inverse_cosine(radius), float(radius_arcsec), index, distance,
        )  # fmt: skip
    return index, distance


class _Grid(NamedTuple):
    ra_0: float
    """West side of the box, degrees; cells are counted eastwards from here."""
    dec_0: float
    """South side of the box."""
    width: float
    """Of the box, degrees of right ascension."""
    per_height: float
    """Zones per degree."""
    per_width: _Floats
    """Cells per degree of right ascension, for each zone."""
    first_cell: _Integers
    """Number of each zone's first cell; one more entry: how many cells there are."""


def _positions(ra: ArrayLike, dec: ArrayLike, side: str) -> tuple[_Floats, _Floats]:
    """Return contiguous float64 arrays with ra from 0 to 360."""
    ra, dec = np.ascontiguousarray(ra, np.float64), np.ascontiguousarray(dec, np.float64)
    if ra.ndim != 1 or ra.shape != dec.shape:
        raise InputError(
            f"the {side} ra and dec must be one-dimensional and of equal length, "
            f"not of shapes {ra.shape} and {dec.shape}"
        )
    outside, beyond = _check(ra, dec)
    if beyond >= 0:
        raise InputError(
            f"the {side} declination of row {beyond} is {dec[beyond]}, beyond ±90 degrees; "
            "are ra and dec swapped, or in radians?"
        )
    if outside:
        with np.errstate(invalid="ignore"):
            return np.mod(ra, 360.0), dec
    return ra, dec


def _lay_grid(ra: _Floats, dec: _Floats, radius: float) -> _Grid | None:
    """Choose the box and the cells for these right positions; None if there are none."""
    n, dec_0, dec_end, west_of_bin = _find_extent(ra, dec)
    if n == 0:
        return None
    ra_0 = _origin(west_of_bin)
    width = _find_width(ra, dec, ra_0)
    area = width * math.degrees(math.sin(math.radians(dec_end)) - math.sin(math.radians(dec_0)))
    # no more than n zones or n cells in a zone, and not very many cells inside one radius
    height = max(
        math.sqrt(max(area, 0.0) * _OBJECTS_PER_CELL / n),
        (dec_end - dec_0) / n,
        width / n,
        radius / 64.0,
        1e-9,
    )
    n_zones = int((dec_end - dec_0) / height) + 1
    edges = np.clip(dec_0 + height * np.arange(n_zones + 1), -90.0, 90.0)
    cosine = np.cos(np.radians(edges))
    widest = np.maximum(cosine[:-1], cosine[1:])
    widest[(edges[:-1] < 0.0) & (edges[1:] > 0.0)] = 1.0
    n_cells = np.maximum((width * widest / height).astype(np.int64), 1)
    per_width = n_cells / max(width, 1e-9)
    first_cell = np.concatenate([[0], np.cumsum(n_cells)])
    return _Grid(ra_0, dec_0, width, 1.0 / height, per_width, first_cell)


def _origin(west_of_bin: _Floats) -> float:
    """Return a right ascension just east of the widest gap, so that the box is narrow."""
    filled = np.flatnonzero(np.isfinite(west_of_bin))
    gaps = np.diff(filled, append=filled[0] + west_of_bin.size)
    return float(west_of_bin[filled[(int(np.argmax(gaps)) + 1) % filled.size]])


def _inverse_cosine(radius: float) -> _Floats:
    """Return for bins of |dec| an upper bound of 1/cos(dec) anywhere within the radius.

    A path of length r that stays at |dec| < D spans at most r / cos(D) of right ascension; the
    great circle from a left position at `dec` to a match stays at |dec| + r at most. Where that
    reaches a pole there is no bound: every right ascension is near.
    """
    upper = np.arange(1, _COSINE_BINS + 2) * (90.0 / _COSINE_BINS) + radius + 1e-6
    return np.where(upper < 90.0, 1.0 / np.cos(np.radians(np.minimum(upper, 89.999999))), 1e30)


@kernel
def _check(ra: _Floats, dec: _Floats) -> tuple[bool, int]:
    """Return whether a right ascension is outside 0..360, and the first impossible declination."""
    outside = False
    for i in range(ra.size):
        outside |= not (0.0 <= ra[i] <= 360.0)
        if abs(dec[i]) > 90.0 and math.isfinite(dec[i]):
            return outside, i
    return outside, -1


@kernel
def _find_extent(ra: _Floats, dec: _Floats) -> tuple[int, float, float, _Floats]:
    """Return count and range of declination, and the least right ascension in each of many bins."""
    n, low, high = 0, np.inf, -np.inf
    west = np.full(_ORIGIN_BINS, np.inf)
    for i in range(ra.size):
        if math.isfinite(ra[i]) and math.isfinite(dec[i]):
            n += 1
            low, high = min(low, dec[i]), max(high, dec[i])
            b = min(int(ra[i] * (_ORIGIN_BINS / 360.0)), _ORIGIN_BINS - 1)
            west[b] = min(west[b], ra[i])
    return n, low, high, west


@kernel
def _find_width(ra: _Floats, dec: _Floats, ra_0: float) -> float:
    """Return how far east of `ra_0` the positions reach, degrees."""
    width = 0.0
    for i in range(ra.size):
        east = ra[i] - ra_0
        if east < 0.0:
            east += 360.0
        if east > width and math.isfinite(dec[i]):  # false for NaN
            width = east
    return width


@kernel
def _fill_cells(
    ra: _Floats,
    dec: _Floats,
    ra_0: float,
    dec_0: float,
    per_height: float,
    per_width: _Floats,
    first_cell: _Integers,
) -> _Cells:
    """Sort the right positions by cell (a stable counting sort)."""
    n_zones = per_width.size
    n_cells = first_cell[n_zones]
    cell = np.empty(ra.size, np.int64)
    start = np.zeros(n_cells + 1, np.int64)
    for i in range(ra.size):
        if not (math.isfinite(ra[i]) and math.isfinite(dec[i])):
            cell[i] = -1
            continue
        zone = min(int((dec[i] - dec_0) * per_height), n_zones - 1)
        east = ra[i] - ra_0
        if east < 0.0:
            east += 360.0
        step = min(int(east * per_width[zone]), first_cell[zone + 1] - first_cell[zone] - 1)
        cell[i] = first_cell[zone] + step
        start[cell[i] + 1] += 1
    for c in range(n_cells):
        start[c + 1] += start[c]
    n = start[n_cells]
    sorted_ra, sorted_dec = np.empty(n), np.empty(n)
    row = np.empty(n, np.int64)
    place = start[:-1].copy()
    for i in range(ra.size):
        if cell[i] >= 0:
            p = place[cell[i]]
            place[cell[i]] += 1
            sorted_ra[p], sorted_dec[p], row[p] = ra[i], dec[i], i
    return sorted_ra, sorted_dec, row, start


@kernel
def _find_nearest(
    ra1: _Floats,
    dec1: _Floats,
    cells: _Cells,
    ra_0: float,
    dec_0: float,
    width: float,
    per_height: float,
    per_width: _Floats,
    first_cell: _Integers,
    inverse_cosine: _Floats,
    radius_arcsec: float,
    index: _Integers,
    distance: _Floats,
) -> None:
    """Fill `index` and `distance` (arcsec) for every left position.

    One long loop on purpose: each call with arrays costs an atomic count of references per array.
    """
    ra, dec, row, start = cells
    n_zones = per_width.size
    radius = radius_arcsec / 3600.0
    first_circle = min(radius, 1.0 / per_height)
    first_limit = _limit(first_circle)
    for i in range(ra1.size):
        a, d = ra1[i], dec1[i]
        if not (math.isfinite(a) and math.isfinite(d)):
            continue
        inverse = inverse_cosine[int(abs(d) * (_COSINE_BINS / 90.0))]
        east = a - ra_0 if a >= ra_0 else a - ra_0 + 360.0
        home = min(max(int((d - dec_0) * per_height), 0), n_zones - 1)
        circle, best, found = first_circle, first_limit, -1
        while True:
            reach = circle + _SLACK
            # zones from home outwards: what is found near shortens the reach for the rest
            zone, step = home, 1
            while True:
                if step > 0 and not zone <= min((d + reach - dec_0) * per_height, n_zones - 1):
                    zone, step = home - 1, -1
                if step < 0 and not zone >= max((d - reach - dec_0) * per_height - 1.0, 0.0):
                    break
                cell, end = first_cell[zone], first_cell[zone + 1] - 1
                reach_ra = min(reach * inverse, 180.0) + _SLACK
                # the reach may touch the box on both sides of a turn
                turn = east - 360.0 if east + reach_ra >= 360.0 else east
                while turn - reach_ra <= width:
                    low = cell + int(max(turn - reach_ra, 0.0) * per_width[zone])
                    high = cell + int((turn + reach_ra) * per_width[zone])
                    turn += 360.0
                    for j in range(start[min(low, end)], start[min(high, end) + 1]):
                        delta_ra = abs(ra[j] - a)
                        if delta_ra > 180.0:
                            delta_ra = 360.0 - delta_ra
                        if abs(dec[j] - d) > reach or delta_ra > reach * inverse + _SLACK:
                            continue
                        h = haversine(delta_ra, dec[j], d)
                        if h < best or (h == best and (found < 0 or row[j] < row[found])):
                            best, found, reach = h, j, min(reach, _angle_above(h))
                zone += step
            if found >= 0 or circle >= radius:
                break
            # nothing near: look twice as far (the nearest in a small circle is nearest of all)
            circle = min(2.0 * circle, radius)
            best = _limit(circle)
        if found >= 0:
            apart = _arcsec(best, abs(ra[found] - a), d, dec[found])
            if apart <= radius_arcsec:
                index[i], distance[i] = row[found], apart


@kernel
def _limit(radius: float) -> float:
    """Return the haversine of a radius (degrees), a little more than exactly."""
    return math.sin(math.radians(0.5 * min(radius, 180.0))) ** 2 * (1.0 + 1e-12)


@kernel
def _angle_above(h: float) -> float:
    """Return degrees that the angle with this haversine is certainly below, cheaply."""
    if h >= 0.25:
        return 360.0
    # asin x <= x (1 + 0.2 x²) up to x = 1/2
    return math.degrees(2.0 * math.sqrt(h) * (1.0 + 0.2 * h)) + _SLACK


@kernel
def _arcsec(h: float, delta_ra: float, dec1: float, dec2: float) -> float:
    """Return the separation of a pair whose haversine is known."""
    if h < 0.25:
        return 3600.0 * math.degrees(2.0 * math.asin(math.sqrt(h)))
    # the arcsine loses digits towards 180 degrees
    return 3600.0 * separation(min(delta_ra, 360.0 - delta_ra), dec1, dec2)
