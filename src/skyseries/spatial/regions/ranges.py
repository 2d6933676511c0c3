"""Sets of order-29 HEALPix cells as ranges, and their algebra.

A set is two int64 arrays, the first cells and one past the last ones: sorted, disjoint, none empty,
none touching the next.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arraytypes import Bools, Ints
from skyseries.errors import InputError
from skyseries.jit import kernel
from skyseries.spatial.healpix import HPX_ORDER

__all__ = [
    "SKY",
    "Ranges",
    "difference",
    "intersection",
    "largest_order",
    "normalise",
    "ranges_overlap",
    "to_cells",
    "union",
]


SKY = 12 << 2 * HPX_ORDER
"""How many cells of order 29 there are."""


class Ranges(NamedTuple):
    """Sorted, disjoint half-open ranges of order-29 cells."""

    start: Ints
    stop: Ints


def normalise(start: ArrayLike, stop: ArrayLike) -> Ranges:
    """Return ranges sorted, merged where they overlap or touch, without the empty ones.

    Raises
    ------
    InputError
        If a range is not within the sky, 0 to 12 * 4**29.
    """
    start, stop = (np.ascontiguousarray(part, np.int64).ravel() for part in (start, stop))
    if len(start) != len(stop):
        raise InputError(f"there are {len(start)} starts of ranges and {len(stop)} ends")
    some = start < stop
    start, stop = start[some], stop[some]
    if len(start) and (start.min() < 0 or stop.max() > SKY):
        bad = np.flatnonzero((start < 0) | (stop > SKY))[0]
        raise InputError(
            f"the range {start[bad]} to {stop[bad]} is not within the order-29 cells of the sky, "
            f"0 to {SKY}"
        )
    if (start[1:] < start[:-1]).any():
        rank = np.argsort(start)
        start, stop = start[rank], stop[rank]
    reach = np.maximum.accumulate(stop)
    first = np.concatenate([[True], start[1:] > reach[:-1]])[: len(start)]
    last = np.flatnonzero(first)[1:] - 1
    return Ranges(start[first], np.concatenate([reach[last], reach[-1:]]))


def ranges_overlap(
    start_a: ArrayLike, stop_a: ArrayLike, start_b: ArrayLike, stop_b: ArrayLike
) -> Bools:
    """Tell which ranges of a overlap some range of b.

    Parameters
    ----------
    start_a, stop_a : array_like of int, shape (n,)
        Any half-open ranges; an empty one overlaps nothing.
    start_b, stop_b : array_like of int, shape (m,)
        Sorted and disjoint.
    """
    start_a, stop_a = np.asarray(start_a, np.int64), np.asarray(stop_a, np.int64)
    ended = np.searchsorted(np.asarray(stop_b, np.int64), start_a, side="right")
    begun = np.searchsorted(np.asarray(start_b, np.int64), stop_a, side="left")
    return np.asarray((begun > ended) & (start_a < stop_a))


def union(a: Ranges, b: Ranges) -> Ranges:
    """Return the cells that are in either set."""
    return normalise(np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]))


def intersection(a: Ranges, b: Ranges) -> Ranges:
    """Return the cells that are in both sets."""
    first = np.searchsorted(b[1], a[0], side="right")
    count = np.maximum(np.searchsorted(b[0], a[1], side="left") - first, 0)
    i = np.repeat(np.arange(len(a[0])), count)
    ends = np.cumsum(count)
    j = np.arange(len(i)) - np.repeat(ends - count - first, count)
    return Ranges(np.maximum(a[0][i], b[0][j]), np.minimum(a[1][i], b[1][j]))


def difference(a: Ranges, b: Ranges) -> Ranges:
    """Return the cells that are in the first set and not in the second."""
    gaps = Ranges(np.concatenate([[0], b[1]]), np.concatenate([b[0], [SKY]]))
    return intersection(a, normalise(*gaps))


def to_cells(ranges: Ranges) -> tuple[Ints, Ints]:
    """Return the largest cells (order, npix) that fill the ranges exactly, in their order."""
    start, stop = (np.ascontiguousarray(part, np.int64) for part in ranges)
    count = _split(start, stop, np.empty(0, np.int64), np.empty(0, np.int64))
    order, npix = np.empty(count, np.int64), np.empty(count, np.int64)
    _split(start, stop, order, npix)
    return order, npix


def largest_order(ranges: Ranges) -> Ints:
    """Return the order of the largest cell in each range."""
    order = np.empty(len(ranges.start), np.int64)
    _find_largest(*ranges, order)
    return order


@kernel(inline=True)
def _first_order(start: int, stop: int) -> int:
    """Return the order of the largest cell that begins a range."""
    order = HPX_ORDER
    while order > 0:
        size = 1 << 2 * (HPX_ORDER - order + 1)
        if start & (size - 1) or start + size > stop:
            break
        order -= 1
    return order


@kernel
def _split(start: Ints, stop: Ints, order: Ints, npix: Ints) -> int:
    """Fill in the largest cells that make up the ranges, as far as there is room; count them."""
    n = 0
    for i in range(start.size):
        at = start[i]
        while at < stop[i]:
            k = _first_order(at, stop[i])
            shift = 2 * (HPX_ORDER - k)
            if n < order.size:
                order[n], npix[n] = k, at >> shift
            at += 1 << shift
            n += 1
    return n


@kernel
def _find_largest(start: Ints, stop: Ints, order: Ints) -> None:
    for i in range(start.size):
        order[i] = HPX_ORDER
        at = start[i]
        while at < stop[i]:
            k = _first_order(at, stop[i])
            order[i] = min(order[i], k)
            at += 1 << 2 * (HPX_ORDER - k)
