"""Search for matches by a tree of boxes, for crowded fields on a wide sky.

Where density varies by orders of magnitude no grid fits: half of the objects may share one cell.
Here the right side is sorted along Morton's order (of coordinates whose bits are interleaved) and
halved again and again, down to a few positions; each part has its bounding box. Halving by the
bits, not by the number of positions, keeps the boxes apart. Rows at the very same position share
one entry, so that a million duplicates are searched as one position.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skyseries.arraytypes import Floats, Ints
from skyseries.jit import kernel
from skyseries.spatial.healpix import spread_bits
from skyseries.spatial.match_grid import Box
from skyseries.spatial.match_pairs import (
    ANY_ROW,
    LATER_ROWS,
    OTHER_ROWS,
    SLACK,
    Limits,
    angle_above,
    counts,
    keep_best,
    key_of_pair,
    limits_of,
    ra_stretch,
    sort_best,
)
from skyseries.spatial.order import argsort

__all__ = ["Tree", "grow_tree", "search_tree"]

_PER_LEAF = 8
_STEPS = (1 << 29) - 1
"""Of each coordinate, over the larger side of the box."""
_SAME_CODE = 64
"""Different positions of one code (0.05 mas in a partition) before they are sorted further."""
_MAX_DEPTH = 64


class Tree(NamedTuple):
    """The right side in Morton's order, below bounding boxes."""

    ra_0: float
    """Right ascension from which the boxes count eastwards, degrees."""
    nodes: Ints
    """First position and one past the last of each node, and its first child, which the second
    follows (0: a leaf), shape (nodes, 3); the root comes first."""
    boxes: Floats
    """West, east, south and north side of each node's box, shape (nodes, 4)."""
    ra: Floats
    """Of each different position."""
    dec: Floats
    start: Ints
    """Where the rows at each position start in `row`."""
    row: Ints


def grow_tree(ra: Floats, dec: Floats, box: Box) -> Tree:
    """Sort the finite positions, of which there must be one, and put boxes around them."""
    code = np.empty(ra.size, np.int64)
    across = math.cos(math.radians(0.5 * (box.dec_0 + box.dec_end)))
    size = max(box.width * across, box.dec_end - box.dec_0, 1e-9)
    _find_codes(ra, dec, box.ra_0, box.dec_0, across * _STEPS / size, _STEPS / size, code)
    row = argsort(code)[np.count_nonzero(code < 0) :]
    start, crowd = _group(ra, dec, code, row)
    if crowd > _SAME_CODE:
        row = np.lexsort((dec, ra, code))[-row.size :]
        start, _ = _group(ra, dec, code, row)
    first = row[start[:-1]]
    ra, dec = ra[first], dec[first]
    nodes = _split(code[first])
    boxes = _fill_boxes(ra, dec, box.ra_0, nodes)
    return Tree(box.ra_0, nodes, boxes, ra, dec, start, row)


@kernel
def _find_codes(
    ra: Floats, dec: Floats, ra_0: float, dec_0: float, per_ra: float, per_dec: float, code: Ints
) -> None:
    """Interleave the coordinates of each position in the box (Morton's order); -1 for NaN."""
    for i in range(ra.size):
        code[i] = -1
        if math.isfinite(ra[i]) and math.isfinite(dec[i]):
            east = ra[i] - ra_0 if ra[i] >= ra_0 else ra[i] - ra_0 + 360.0
            x = min(int(east * per_ra), _STEPS)
            y = min(int((dec[i] - dec_0) * per_dec), _STEPS)
            code[i] = spread_bits(x) | (spread_bits(y) << 1)


@kernel
def _group(ra: Floats, dec: Floats, code: Ints, row: Ints) -> tuple[Ints, int]:
    """Return where equal positions start; and the most different ones of one code."""
    start = np.empty(row.size + 1, np.int64)
    n, in_cell, crowd = 0, 0, 0
    for p in range(row.size):
        j, before = row[p], row[max(p - 1, 0)]
        if p == 0 or ra[j] != ra[before] or dec[j] != dec[before]:
            start[n] = p
            n += 1
            in_cell = in_cell + 1 if code[j] == code[before] else 1
            crowd = max(crowd, in_cell)
    start[n] = row.size
    return start[: n + 1].copy(), crowd


@kernel
def _split(code: Ints) -> Ints:
    """Halve the square that holds the codes, and the halves, down to a few positions each."""
    nodes = np.empty((2 * code.size, 3), np.int64)
    nodes[0, 0], nodes[0, 1] = 0, code.size
    n, node = 1, 0
    while node < n:
        begin, end = nodes[node, 0], nodes[node, 1]
        differ = code[begin] ^ code[end - 1]
        if end - begin <= _PER_LEAF or differ == 0:
            nodes[node, 2] = 0
        else:
            half = 1
            while differ > 1:
                half, differ = half << 1, differ >> 1
            low, high = begin, end - 1  # the halves differ first in this bit, 0 below and 1 above
            while high - low > 1:
                middle = (low + high) >> 1
                if code[middle] & half:
                    high = middle
                else:
                    low = middle
            nodes[node, 2] = n
            nodes[n, 0], nodes[n, 1], nodes[n + 1, 0], nodes[n + 1, 1] = begin, high, high, end
            n += 2
        node += 1
    return nodes[:n].copy()


@kernel
def _fill_boxes(ra: Floats, dec: Floats, ra_0: float, nodes: Ints) -> Floats:
    """Return the box around each node's positions; children come after their parents."""
    boxes = np.empty((nodes.shape[0], 4))
    for node in range(nodes.shape[0] - 1, -1, -1):
        begin, end, child = nodes[node]
        west, east, south, north = np.inf, -np.inf, np.inf, -np.inf
        if child > 0:
            begin = end
            west = min(boxes[child, 0], boxes[child + 1, 0])
            east = max(boxes[child, 1], boxes[child + 1, 1])
            south = min(boxes[child, 2], boxes[child + 1, 2])
            north = max(boxes[child, 3], boxes[child + 1, 3])
        for p in range(begin, end):
            x = ra[p] - ra_0 if ra[p] >= ra_0 else ra[p] - ra_0 + 360.0
            west, east = min(west, x), max(east, x)
            south, north = min(south, dec[p]), max(north, dec[p])
        boxes[node, 0], boxes[node, 1], boxes[node, 2], boxes[node, 3] = west, east, south, north
    return boxes


@kernel
def search_tree(
    left: tuple[Floats, Floats],
    tree: Tree,
    radii: Floats,
    min_radius: float,
    k: int,
    which: int,
    out: tuple[Ints, Ints, Floats],
    i: int,
    m: int,
) -> tuple[int, int]:
    """Write the matches of the left rows from `i` on to `out` from `m` on.

    Returns
    -------
    i, m : int
        The next left row (one whose matches found no room is begun again), and the next place.
    """
    ra1, dec1 = left
    # taken apart here: in the loop it would cost an atomic count of references per array
    ra_0, nodes, boxes, ra, dec, start, row = tree
    out_left, out_right, keys = out
    stack = np.empty(_MAX_DEPTH, np.int64)
    limits = limits_of(radii[0], min_radius)
    while i < ra1.size:
        if radii.size > 1:
            limits = limits_of(radii[i], min_radius)
        count = _search_row(
            ra1[i], dec1[i], ra_0, nodes, boxes, ra, dec, start, row,
            limits, k, which, stack, out_right, keys, i, m,
        )  # fmt: skip
        if count < 0:
            break
        for p in range(m, m + count):
            out_left[p] = i
        m += count
        i += 1
    return i, m


@kernel
def _search_row(
    a: float,
    d: float,
    ra_0: float,
    nodes: Ints,
    boxes: Floats,
    ra: Floats,
    dec: Floats,
    start: Ints,
    row: Ints,
    limits: Limits,
    k: int,
    which: int,
    stack: Ints,
    rows: Ints,
    keys: Floats,
    i: int,
    m: int,
) -> int:
    """Write the matches of one left row; return their number, -1 if there is no room."""
    radius = limits[0] / 3600.0
    if not (math.isfinite(a) and math.isfinite(d) and radius >= 0.0):
        return 0
    east = a - ra_0 if a >= ra_0 else a - ra_0 + 360.0
    cosine = math.cos(math.radians(d))
    count, limit = min(k, 0), limits[2]
    reach = radius + SLACK
    reach_ra = min(reach * ra_stretch(d, reach), 180.0) + SLACK
    stack[0], height = 0, 1
    while height > 0:
        height -= 1
        node = stack[height]
        gap_ra, gap_dec = _gaps(boxes, node, east, d)
        if gap_ra > reach_ra or gap_dec > reach:
            continue
        child = nodes[node, 2]
        while child > 0:
            ra_a, dec_a = _gaps(boxes, child, east, d)
            ra_b, dec_b = _gaps(boxes, child + 1, east, d)
            see_a = ra_a <= reach_ra and dec_a <= reach
            see_b = ra_b <= reach_ra and dec_b <= reach
            # the nearer child is looked at first: what it holds shortens the reach
            nearer = child
            if see_b and not (see_a and ra_a * cosine + dec_a <= ra_b * cosine + dec_b):
                nearer = child + 1
            if see_a and see_b:
                stack[height] = child + 1 if nearer == child else child
                height += 1
            node = nearer if see_a or see_b else -1
            child = nodes[node, 2] if node > 0 else -1
        if child < 0:
            continue
        for p in range(nodes[node, 0], nodes[node, 1]):
            delta_ra = abs(ra[p] - a)
            delta_ra = min(delta_ra, 360.0 - delta_ra)
            if abs(dec[p] - d) > reach or delta_ra > reach_ra:
                continue
            key = key_of_pair(delta_ra, dec[p], d)
            if key > limit or not counts(key, limits, delta_ra, dec[p], d, i, i, ANY_ROW):
                continue
            for q in range(start[p], start[p + 1]):
                j = row[q]
                if (which == OTHER_ROWS and j == i) or (which == LATER_ROWS and j <= i):
                    continue
                if count == k and (key > keys[m] or (key == keys[m] and j > rows[m])):
                    break  # and so are all later rows at this position
                if m + count == keys.size and count < k:
                    return -1
                count = keep_best(keys, rows, m, count, k, key, j)
            if count == k and keys[m] < limit:
                limit = keys[m]
                reach = min(reach, angle_above(limit))
                reach_ra = min(reach * ra_stretch(d, reach), 180.0) + SLACK
    sort_best(keys, rows, m, count, limits)
    return count


@kernel
def _gaps(boxes: Floats, node: int, east: float, dec: float) -> tuple[float, float]:
    """Return how far a position is from a box in right ascension and declination, degrees."""
    gap_ra = 0.0
    if east < boxes[node, 0]:
        gap_ra = min(boxes[node, 0] - east, east + 360.0 - boxes[node, 1])
    elif east > boxes[node, 1]:
        gap_ra = min(east - boxes[node, 1], boxes[node, 0] + 360.0 - east)
    return gap_ra, max(boxes[node, 2] - dec, dec - boxes[node, 3], 0.0)
