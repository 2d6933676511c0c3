"""Search for matches by a grid of cells.

The right side is filed by cell: zones of declination cut in right ascension, about two objects a
cell, over the box that the objects fill. Only row numbers are sorted; positions are read where
they are, which is near in memory when the rows come along HEALPix order, as they do from a
partition. A left position looks at the cells around it. A pair must first pass a planar test that
is safe up to the poles (`ra_stretch`), and only the survivors pay for trigonometry.

Measured for 1e6 x 1e6 rows of the whole sky, ns per row: filing 14, of which the sort of row
numbers 5 (sorting the positions themselves 14); search 35 without and 60 with a match, and 60
and 100 with one general loop for all rows. Half as many or twice as many objects a cell: no gain.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats, Ints
from skyseries.jit import kernel
from skyseries.spatial.match_pairs import (
    SLACK,
    Limits,
    angle_above,
    arcsec_of_key,
    counts,
    keep_best,
    key_of_angle,
    key_of_pair,
    limits_of,
    ra_stretch,
    sort_best,
)

__all__ = ["Box", "Grid", "find_box", "lay_grid", "search_grid"]

_OBJECTS_PER_CELL = 2.0
_ORIGIN_BINS = 4096
Small = NDArray[np.int32]

_BLOCK = 512
"""Left rows that are located at once."""


class Box(NamedTuple):
    """Where finite positions are."""

    n: int
    """How many they are."""
    ra_0: float
    """West side, degrees; cells are counted eastwards from here."""
    width: float
    """Degrees of right ascension."""
    dec_0: float
    """South side."""
    dec_end: float


class Grid(NamedTuple):
    """The right side filed by cell."""

    box: tuple[float, float, float, float]
    """West and south side and width of the box, degrees; zones per degree."""
    per_width: Floats
    """Cells per degree of right ascension, for each zone."""
    first_cell: Ints
    """Number of each zone's first cell; one more entry: how many cells there are."""
    start: Small
    """Where each cell starts in `row`."""
    row: Small
    """Rows of the right side, by cell; within a cell ascending."""


def find_box(ra: Floats, dec: Floats) -> Box:
    """Return the smallest box around the finite positions, also across ra = 0."""
    n, dec_0, dec_end, west_of_bin = _find_extent(ra, dec)
    if n == 0:
        return Box(0, 0.0, 0.0, 0.0, 0.0)
    filled = np.flatnonzero(np.isfinite(west_of_bin))
    gaps = np.diff(filled, append=filled[0] + west_of_bin.size)
    # just east of the widest gap, so that the box is narrow
    ra_0 = float(west_of_bin[filled[(int(np.argmax(gaps)) + 1) % filled.size]])
    return Box(n, ra_0, _find_width(ra, dec, ra_0), dec_0, dec_end)


def lay_grid(ra: Floats, dec: Floats, box: Box) -> tuple[Grid, float, int]:
    """File the positions by cell.

    Returns
    -------
    grid : Grid
    crowding : float
        Mean number of objects in the cell of an object.
    most : int
        Number of objects in the fullest cell.
    """
    n, ra_0, width, dec_0, dec_end = box
    area = width * math.degrees(math.sin(math.radians(dec_end)) - math.sin(math.radians(dec_0)))
    # no more than n zones, or n cells in a zone
    height = max(
        math.sqrt(max(area, 0.0) * _OBJECTS_PER_CELL / n), (dec_end - dec_0) / n, width / n, 1e-9
    )
    n_zones = int((dec_end - dec_0) / height) + 1
    edges = np.clip(dec_0 + height * np.arange(n_zones + 1), -90.0, 90.0)
    cosine = np.cos(np.radians(edges))
    widest = np.maximum(cosine[:-1], cosine[1:])
    widest[(edges[:-1] < 0.0) & (edges[1:] > 0.0)] = 1.0
    n_cells = np.maximum((width * widest / height).astype(np.int64), 1)
    per_width = n_cells / max(width, 1e-9)
    first_cell = np.concatenate([[0], np.cumsum(n_cells)])
    cell = np.empty(ra.size, np.int32)
    start = np.zeros(int(first_cell[-1]) + 2, np.int32)
    corner = (ra_0, dec_0, width, 1.0 / height)
    crowding, most = _count_cells(ra, dec, corner, per_width, first_cell, cell, start)
    row = np.empty(n, np.int32)
    _fill_cells(cell, start, row)
    return Grid(corner, per_width, first_cell, start, row), crowding / n, most


@kernel
def _find_extent(ra: Floats, dec: Floats) -> tuple[int, float, float, Floats]:
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
def _find_width(ra: Floats, dec: Floats, ra_0: float) -> float:
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
def _count_cells(
    ra: Floats,
    dec: Floats,
    box: tuple[float, float, float, float],
    per_width: Floats,
    first_cell: Ints,
    cell: Small,
    start: Small,
) -> tuple[float, int]:
    """Find each position's cell, and where cells start; return how crowded they are.

    `start` is left one entry ahead, as `_fill_cells` needs it.
    """
    ra_0, dec_0, _, per_height = box
    n_zones = per_width.size
    for i in range(ra.size):
        if not (math.isfinite(ra[i]) and math.isfinite(dec[i])):
            cell[i] = -1
            continue
        zone = min(int((dec[i] - dec_0) * per_height), n_zones - 1)
        east = ra[i] - ra_0
        if east < 0.0:
            east += 360.0
        c = min(first_cell[zone] + int(east * per_width[zone]), first_cell[zone + 1] - 1)
        cell[i] = c
        start[c + 2] += 1
    squares, most = 0.0, 0
    for c in range(2, start.size):
        count = int(start[c])
        squares += float(count) * float(count)
        most = max(most, count)
        start[c] += start[c - 1]
    return squares, most


@kernel
def _fill_cells(cell: Small, start: Small, row: Small) -> None:
    """Sort rows by cell (a stable counting sort); the starts move to their places."""
    for i in range(cell.size):
        c = cell[i]
        if c >= 0:
            p = start[c + 1]
            start[c + 1] = p + 1
            row[p] = i


@kernel
def search_grid(
    left: tuple[Floats, Floats],
    right: tuple[Floats, Floats],
    grid: Grid,
    radii: Floats,
    min_radius: float,
    k: int,
    which: int,
    out: tuple[Ints, Ints, Floats],
    i: int,
    m: int,
) -> tuple[int, int]:
    """Write the matches of the left rows from `i` on to `out` from `m` on.

    Where the radius is small, most rows see one or two cells and at most one object near: these
    are done here, and the others by `_search_row`.

    Returns
    -------
    i, m : int
        The next left row (one whose matches found no room is begun again), and the next place.
    """
    ra1, dec1 = left
    ra, dec = right
    # taken apart here: in the loop it would cost an atomic count of references per array
    box, per_width, first_cell, start, row = grid
    per_height = box[3]
    out_left, out_right, keys = out
    one_radius = radii.size == 1
    reach = radii[0] / 3600.0 + SLACK
    quick = one_radius and reach * per_height < 1.0 and per_width.size <= ra1.size
    low, high = np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.int32)
    reach_ra = np.empty(_BLOCK)
    zone_reach = _zone_reach(grid, reach) if quick else np.empty(0)
    limits = limits_of(radii[0], min_radius)
    block = i
    while i < ra1.size:
        if quick:
            if i >= block:
                _locate(ra1, dec1, i, grid, reach, zone_reach, low, high, reach_ra)
                block = i + _BLOCK
            b = i - block + _BLOCK
            if low[b] >= 0:
                a, d, limit_ra = ra1[i], dec1[i], reach_ra[b]
                near, hits = 0, 0
                for p in range(start[low[b]], start[high[b]]):
                    j = row[p]
                    delta_ra = abs(ra[j] - a)
                    delta_ra = min(delta_ra, 360.0 - delta_ra)
                    if (abs(dec[j] - d) <= reach) & (delta_ra <= limit_ra):
                        near, hits = j, hits + 1
                if hits == 0:
                    i += 1
                    continue
                if hits == 1 and m < keys.size:
                    delta_ra = abs(ra[near] - a)
                    delta_ra = min(delta_ra, 360.0 - delta_ra)
                    key = key_of_pair(delta_ra, dec[near], d)
                    if counts(key, limits, delta_ra, dec[near], d, i, near, which):
                        out_left[m], out_right[m] = i, near
                        keys[m] = arcsec_of_key(key, limits)
                        m += 1
                    i += 1
                    continue
        if not one_radius:
            limits = limits_of(radii[i], min_radius)
        count = _search_row(
            ra1[i], dec1[i], ra, dec, box, per_width, first_cell, start, row,
            limits, k, which, out_right, keys, i, m,
        )  # fmt: skip
        if count < 0:
            break
        for p in range(m, m + count):
            out_left[p] = i
        m += count
        i += 1
    return i, m


@kernel
def _zone_reach(grid: Grid, reach: float) -> Floats:
    """Return for each zone how far in right ascension a reach can go, degrees."""
    (_, dec_0, _, per_height), per_width, _, _, _ = grid
    reach_ra = np.empty(per_width.size)
    for zone in range(per_width.size):
        south, north = dec_0 + zone / per_height, dec_0 + (zone + 1) / per_height
        dec = min(max(abs(south), abs(north)) + SLACK, 90.0)
        reach_ra[zone] = reach * ra_stretch(dec, reach) + SLACK
    return reach_ra


@kernel
def _locate(
    ra: Floats,
    dec: Floats,
    i: int,
    grid: Grid,
    reach: float,
    zone_reach: Floats,
    low: Small,
    high: Small,
    reach_ra: Floats,
) -> None:
    """Find for a block of left rows the first cell and one past the last that they see.

    -1 where that is not one run of cells in one zone. No branches: vector instructions.
    """
    (ra_0, dec_0, width, per_height), per_width, first_cell, _, _ = grid
    last_zone = per_width.size - 1
    reach_up = reach * per_height
    for b in range(min(low.size, ra.size - i)):
        north = (dec[i + b] - dec_0) * per_height
        east = ra[i + b] - ra_0
        east = east + 360.0 if east < 0.0 else east
        inside = (north >= reach_up) & (north < last_zone + 0.99) & (east <= width)
        zone = np.int32(north) if inside else np.int32(0)
        step, per = zone_reach[zone], per_width[zone]
        first, end = first_cell[zone], first_cell[zone + 1]
        inside &= (east >= step) & (east + step <= width) & (step < 90.0)
        east = east if inside else 0.0
        inside &= (north - reach_up >= zone) & (north + reach_up < zone + 1)
        low[b] = first + np.int32((east - step) * per) if inside else np.int32(-1)
        high[b] = min(first + np.int32((east + step) * per) + 1, end)
        reach_ra[b] = step


@kernel
def _search_row(
    a: float,
    d: float,
    ra: Floats,
    dec: Floats,
    box: tuple[float, float, float, float],
    per_width: Floats,
    first_cell: Ints,
    start: Small,
    row: Small,
    limits: Limits,
    k: int,
    which: int,
    rows: Ints,
    keys: Floats,
    i: int,
    m: int,
) -> int:
    """Write the matches of one left row; return their number, -1 if there is no room."""
    ra_0, dec_0, width, per_height = box
    radius = limits[0] / 3600.0
    if not (math.isfinite(a) and math.isfinite(d) and radius >= 0.0):
        return 0
    east = a - ra_0 if a >= ra_0 else a - ra_0 + 360.0
    circle = radius
    if k < row.size:  # holds the k best, typically
        circle = min(radius, limits[1] / 3600.0 + math.sqrt(0.5 * k) / per_height)
    while True:
        count = min(k, 0)
        limit = limits[2] if circle == radius else key_of_angle(circle)
        reach = circle + SLACK
        reach_ra = min(reach * ra_stretch(d, reach), 180.0) + SLACK
        south = max(int((d - reach - dec_0) * per_height), 0)
        north = min(int((d + reach - dec_0) * per_height), per_width.size - 1)
        home = min(max(int((d - dec_0) * per_height), south), north)
        # zones from home outwards: what is found near shortens the reach for the rest
        for step in range(north - south + 1):
            zone = home + step if home + step <= north else north - step
            cell, end = first_cell[zone], first_cell[zone + 1] - 1
            # the reach may touch the box on both sides of a turn
            turn = east - 360.0 if east + reach_ra >= 360.0 else east
            while turn - reach_ra <= width:
                low = first_cell[zone] + int(max(turn - reach_ra, 0.0) * per_width[zone])
                high = first_cell[zone] + int((turn + reach_ra) * per_width[zone])
                low = min(max(low, cell), end + 1)
                cell = max(cell, min(high, end) + 1)  # no cell twice
                turn += 360.0
                for p in range(start[low], start[cell]):
                    j = row[p]
                    delta_ra = abs(ra[j] - a)
                    delta_ra = min(delta_ra, 360.0 - delta_ra)
                    if abs(dec[j] - d) > reach or delta_ra > reach_ra:
                        continue
                    key = key_of_pair(delta_ra, dec[j], d)
                    if key > limit or not counts(key, limits, delta_ra, dec[j], d, i, j, which):
                        continue
                    if m + count == keys.size and count < k:
                        return -1
                    count = keep_best(keys, rows, m, count, k, key, j)
                    if count == k and keys[m] < limit:
                        limit = keys[m]
                        reach = min(reach, angle_above(limit))
                        reach_ra = min(reach * ra_stretch(d, reach), 180.0) + SLACK
        if count == k or circle >= radius:
            break
        # too few near: look twice as far (the best in a small circle are best of all)
        circle = min(2.0 * circle, radius)
    sort_best(keys, rows, m, count, limits)
    return count
