"""The partitions of a catalog: HEALPix cells of mixed orders that do not overlap.

`cut` chooses them so that no leaf is heavier than a limit. It works on whole arrays of cells,
one order at a time: the pure-Python search over 12 * 4**10 cells that this replaces takes a
minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.errors import CatalogError
from skyseries.jit import kernel
from skyseries.spatial.healpix import HPX_ORDER, cell_range

__all__ = ["Cell", "Partitions", "cut", "merged"]


class Cell(NamedTuple):
    """One HEALPix cell, NESTED."""

    order: int
    npix: int

    def __str__(self) -> str:
        return f"Norder={self.order}/Npix={self.npix}"

    def range(self) -> tuple[int, int]:
        """Return the first and one past the last order-29 cell."""
        shift = 2 * (HPX_ORDER - self.order)
        return self.npix << shift, (self.npix + 1) << shift


@dataclass(frozen=True)
class Partitions:
    """Cells in the order of the sky (depth first), as arrays.

    Raises
    ------
    CatalogError
        If two cells overlap.
    """

    order: Ints
    npix: Ints

    def __post_init__(self) -> None:
        start, _ = cell_range(self.order, self.npix)
        rank = np.argsort(start, kind="stable")
        object.__setattr__(self, "order", np.asarray(self.order, np.int64)[rank])
        object.__setattr__(self, "npix", np.asarray(self.npix, np.int64)[rank])
        start, stop = self.ranges()
        bad = np.flatnonzero(start[1:] < stop[:-1])
        if len(bad):
            i = int(bad[0])
            raise CatalogError(f"partitions {self[i]} and {self[i + 1]} overlap")

    @classmethod
    def of(cls, cells: list[Cell]) -> Partitions:
        """Return partitions from a list of cells."""
        pairs = np.array(cells, np.int64).reshape(-1, 2)
        return cls(pairs[:, 0], pairs[:, 1])

    @property
    def nbytes(self) -> int:
        """What the cells and their ranges take."""
        return 2 * (self.order.nbytes + self.npix.nbytes)

    def ranges(self) -> tuple[Ints, Ints]:
        """Return the order-29 range of each cell."""
        return self._ranges

    @cached_property
    def _ranges(self) -> tuple[Ints, Ints]:
        return cell_range(self.order, self.npix)

    @cached_property
    def edges(self) -> Ints:
        """Where cells begin or end, ascending, each once."""
        return np.unique(np.concatenate(self.ranges()))

    def find(self, hpx: Ints) -> Ints:
        """Return the partition that holds each order-29 cell; -1 where none does."""
        if not len(self):
            return np.full(np.shape(hpx), -1, np.int64)
        start, stop = self.ranges()
        i = np.searchsorted(start, hpx, side="right") - 1
        return np.where((i >= 0) & (np.asarray(hpx) < stop[np.maximum(i, 0)]), i, -1)

    def gaps(self) -> Partitions:
        """Return the largest cells that fill the sky between the partitions."""
        start, stop = self.ranges()
        begin = np.concatenate([[0], stop])
        end = np.concatenate([start, [12 << 2 * HPX_ORDER]])
        first = np.concatenate([[0], np.cumsum(_count_cells(begin, end))])
        order, npix = np.empty(first[-1], np.int64), np.empty(first[-1], np.int64)
        _fill_cells(begin, end, first, order, npix)
        return Partitions(order, npix)

    def per_order(self) -> dict[int, int]:
        """Return how many partitions there are of each order."""
        orders, counts = np.unique(self.order, return_counts=True)
        return dict(zip(orders.tolist(), counts.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, i: int) -> Cell:
        return Cell(int(self.order[i]), int(self.npix[i]))

    def __iter__(self) -> Iterator[Cell]:
        return map(Cell, self.order.tolist(), self.npix.tolist())

    def to_csv(self) -> str:
        """Return the text of partition_info.csv."""
        rows = zip(self.order.tolist(), self.npix.tolist(), strict=True)
        return "Norder,Npix\n" + "".join(f"{order},{npix}\n" for order, npix in rows)

    @classmethod
    def from_csv(cls, text: str, source: str = "partition_info.csv") -> Partitions:
        """Read partition_info.csv; more columns than Norder and Npix may be there."""
        header = text.lstrip().partition("\n")[0].rstrip()
        names = [name.strip() for name in header.split(",")]
        if "Norder" not in names or "Npix" not in names:
            raise CatalogError(f"{source}: expected columns Norder,Npix, found {header!r}")
        columns = names.index("Norder"), names.index("Npix")
        found = _plain_numbers(text.strip().partition("\n")[2], len(names))
        if found is None:
            found = _any_numbers(text, source, columns)
            columns = (0, 1)
        order, npix = (found[:, column] for column in columns)
        return cls(order, npix)


@kernel
def _count_cells(start: Ints, stop: Ints) -> Ints:
    """Return how many cells fill each range; see `cells_in_range`."""
    count = np.zeros(start.size, np.int64)
    for i in range(start.size):
        at = start[i]
        while at < stop[i]:
            at += np.int64(1) << _levels(at, stop[i])
            count[i] += 1
    return count


@kernel
def _fill_cells(start: Ints, stop: Ints, first: Ints, order: Ints, npix: Ints) -> None:
    for i in range(start.size):
        at = start[i]
        for place in range(first[i], first[i + 1]):
            bits = _levels(at, stop[i])
            order[place] = HPX_ORDER - bits // 2
            npix[place] = at >> bits
            at += np.int64(1) << bits


@kernel(inline=True)
def _levels(at: int, stop: int) -> int:
    """Return the bits below the largest cell that begins at one place and ends before another."""
    bits = 0
    while bits < 2 * HPX_ORDER:
        size = np.int64(1) << (bits + 2)
        if at & (size - 1) or at + size > stop:
            break
        bits += 2
    return bits


def _plain_numbers(body: str, width: int) -> Ints | None:
    """Read lines of so many numbers; None if there is anything but digits, commas, line ends."""
    data = body.replace("\r\n", "\n").encode() + b"\n" * bool(body)
    if data.translate(None, b"0123456789,\n"):
        return None
    signs = np.frombuffer(data, np.uint8)
    place = np.flatnonzero(signs < ord("0"))
    ends = np.full(width, ord(","), np.uint8)
    ends[-1] = ord("\n")
    if len(place) % width or (signs[place].reshape(-1, width) != ends).any():
        return None
    if (np.diff(place, prepend=-1) == 1).any():  # nothing between two of them
        return None
    numbers = np.fromstring(data.replace(b"\n", b",").decode(), np.int64, sep=",")
    if len(numbers) != len(place) or (numbers == np.iinfo(np.int64).max).any():
        return None
    return numbers.reshape(-1, width)


def _any_numbers(text: str, source: str, columns: tuple[int, int]) -> Ints:
    """Read two columns of all that Python takes for a number, or say what is wrong."""
    try:
        rows = [line.split(",") for line in text.strip().splitlines()[1:] if line.strip()]
        pairs = np.array([[int(row[k]) for k in columns] for row in rows], np.int64)
    except (ValueError, IndexError, OverflowError) as error:
        raise CatalogError(f"{source}: {error}") from error
    return pairs.reshape(-1, 2)


def merged(parts: Sequence[Partitions]) -> Partitions:
    """Return the cells of several sets; of cells that overlap the larger."""
    order = np.concatenate([np.empty(0, np.int64), *(part.order for part in parts)])
    npix = np.concatenate([np.empty(0, np.int64), *(part.npix for part in parts)])
    start, stop = cell_range(order, npix)
    rank = np.lexsort((order, start))  # at the same place the larger cell first
    before = np.maximum.accumulate(np.append(0, stop[rank]))[:-1]
    kept = rank[start[rank] >= before]
    return Partitions(order[kept], npix[kept])


def cut(
    cells: Ints, load: NDArray[np.float64], order: int, lowest_order: int = 0
) -> tuple[Partitions, Ints]:
    """Choose partitions so that none is heavier than 1, if cells of `order` allow it.

    Each partition is the smallest cell that holds all rows of the largest cell whose load is
    within the limit: cells with one occupied child are not merged further up than needed.

    Parameters
    ----------
    cells : ndarray of int64, shape (n,)
        Occupied cells of `order`, ascending.
    load : ndarray of float64, shape (n,) or (n, k)
        Load of each cell in units of the limit; with k columns, each has a limit of its own.
    order, lowest_order : int
        The finest and the coarsest order that a partition may have.

    Returns
    -------
    partitions : Partitions
    too_heavy : ndarray of int64
        Cells of `order` that are above the limit by themselves: they are partitions, and the
        caller may cut them further with finer cells.
    """
    if not len(cells):
        return Partitions.of([]), np.empty(0, np.int64)
    load = np.asarray(load, np.float64).reshape(len(cells), -1)
    tip_order = np.full(len(cells), order)
    tip_cell = np.asarray(cells, np.int64)
    node, whole = tip_cell, (load <= 1).all(axis=1)
    too_heavy = node[~whole]
    done: list[tuple[Ints, Ints]] = [(tip_order[~whole], tip_cell[~whole])]
    for level in range(order - 1, lowest_order - 1, -1):
        parent, first, children = np.unique(node >> 2, return_index=True, return_counts=True)
        total = np.add.reduceat(load, first, axis=0)
        # a part that was split below can be light only by rounding: it stays split
        fits = (total <= 1).all(axis=1) & np.logical_and.reduceat(whole, first)
        left = whole & ~np.repeat(fits, children)
        done.append((tip_order[left], tip_cell[left]))
        merged = fits & (children > 1)
        tip_order = np.where(merged, level, tip_order[first])
        tip_cell = np.where(merged, parent, tip_cell[first])
        node, load, whole = parent, total, fits
    done.append((tip_order[whole], tip_cell[whole]))
    orders, cells_out = (np.concatenate(part) for part in zip(*done, strict=True))
    return Partitions(orders, cells_out), too_heavy
