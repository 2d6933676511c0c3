"""Margins: the rows of other partitions that lie near a partition's border.

A margin catalog files each such row under the partition that *receives* it. "Near" is decided by
cells: a partition's margin holds every row in the ring of cells of `margin_order` around it,
which holds everything within the threshold and somewhat more. The empty sky between partitions
has margins too (its largest cells), so that a match against another catalog that has rows there
finds its partners.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays import number
from skyseries.arraytypes import Ints
from skyseries.errors import InputError
from skyseries.hats.partitions import Cell, Partitions
from skyseries.jit import kernel
from skyseries.spatial.healpix import HPX_ORDER, neighbours

__all__ = ["edge_rows", "margin_targets", "margin_width", "receivers"]

_X_BITS = 0x5555555555555555
_WIDEST = 180 * 3600


def margin_width(width: Any) -> float | None:
    """Return the width of a margin, arcsec, as it is given: a number, an angle, or None.

    Raises
    ------
    InputError
        If it is none.
    """
    if width is None:
        return None
    arcsec = number(width, "arcsec", "margin_arcsec")
    if not 0 < arcsec < _WIDEST:
        raise InputError(
            f"margin_arcsec must be above 0 and below {_WIDEST:,} (half of the sky's circle), or "
            f"None for no margin; not {width!r}"
        )
    return arcsec


def receivers(partitions: Partitions) -> Partitions:
    """Return all cells that may receive margin rows: the partitions and the gaps between them."""
    gaps = partitions.gaps()
    return Partitions(
        np.concatenate([partitions.order, gaps.order]),
        np.concatenate([partitions.npix, gaps.npix]),
    )


def margin_targets(hpx: Ints, home: Cell, receivers: Partitions, order: int) -> tuple[Ints, Ints]:
    """Return which rows of a partition belong into the margins of which other cells.

    Parameters
    ----------
    hpx : ndarray of int64, shape (n,)
        Order-29 cells of the rows; all inside `home`.
    home : Cell
        The partition that the rows are filed under.
    receivers : Partitions
        See `receivers`.
    order : int
        The margin's order.

    Returns
    -------
    rows, targets : ndarray of int64, shape (m,)
        Row numbers, and places in `receivers`; a row may appear several times.
    """
    shift = 2 * (HPX_ORDER - order)
    rows = edge_rows(hpx, shift, order - home.order)
    cells, inverse = np.unique(hpx[rows] >> shift, return_inverse=True)
    near = np.column_stack([cells, neighbours(order, cells)])
    start, stop = receivers.ranges()
    first = np.searchsorted(stop, near << shift, side="right")
    last = np.searchsorted(start, (near + 1) << shift, side="left")
    count = np.where(near < 0, 0, np.maximum(last - first, 0)).ravel()
    target = np.repeat(first.ravel(), count) + _ramp(count)
    cell = np.repeat(np.arange(len(cells)).repeat(near.shape[1]), count)
    own = int(receivers.find(np.array([home.range()[0]]))[0])
    pairs = np.unique(np.column_stack([cell, target])[target != own], axis=0)
    return _join(rows, inverse.ravel(), pairs, len(cells))


def edge_rows(hpx: Ints, shift: int, levels: int) -> Ints:
    """Return the rows whose ring cell touches the border of its ancestor some levels up."""
    if levels <= 0:
        return np.arange(len(hpx))
    x_bits = _X_BITS & ((1 << 2 * levels) - 1)
    edge = np.empty(len(hpx), np.bool_)
    _mark_edge(hpx, shift, x_bits, x_bits << 1, edge)
    return np.flatnonzero(edge)


@kernel
def _mark_edge(hpx: Ints, shift: int, x_bits: int, y_bits: int, edge: NDArray[np.bool_]) -> None:
    for i in range(hpx.size):
        cell = hpx[i] >> shift
        x = cell & x_bits
        y = cell & y_bits
        edge[i] = (x == 0) | (x == x_bits) | (y == 0) | (y == y_bits)


def _join(rows: Ints, cell_of_row: Ints, pairs: Ints, n_cells: int) -> tuple[Ints, Ints]:
    """Pair each row with the targets of its cell."""
    per_cell = np.bincount(pairs[:, 0], minlength=n_cells)
    first = np.concatenate([[0], np.cumsum(per_cell)])
    count = per_cell[cell_of_row]
    place = np.repeat(first[cell_of_row], count) + _ramp(count)
    return np.repeat(rows, count), pairs[place, 1]


def _ramp(count: Ints) -> Ints:
    """Return 0, 1, ... count-1 for each count, one after the other."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - count, count)
