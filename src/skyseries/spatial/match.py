"""Cross-matches of positions: nearest, k nearest, all within a radius, mutual, within one table.

The right side is filed once (a `Target`) and then searched for each left row: by a grid of cells
(`match_grid`), or by a tree (`match_tree`) where many objects crowd in few of the cells. Both
are exact everywhere on the sky, the poles included.

What is best among the candidates within the radius is decided by the key of a pair
(`match_pairs.key_of_pair`), and nowhere else: a weighting by positional errors would be another
key, with the radius still limiting the candidates.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arraytypes import Floats, Ints
from skyseries.errors import InputError
from skyseries.jit import kernel
from skyseries.spatial.match_grid import Grid, find_box, lay_grid, search_grid
from skyseries.spatial.match_pairs import ANY_ROW, LATER_ROWS, OTHER_ROWS
from skyseries.spatial.match_tree import Tree, grow_tree, search_tree

__all__ = ["Matches", "Target", "match", "mutual", "nearest", "self_match"]


_MAX_RADIUS = 648_000.0
"""180 degrees in arcsec."""
_MAX_CROWDING = 64.0
"""Objects in an object's cell, on average, from which on the tree is faster than the grid."""
_MAX_IN_CELL = 2048
"""Objects in a single cell from which on the tree is safer: all left rows may lie there."""
_SPARE_ROOM = 1024

_Output: TypeAlias = tuple[Ints, Ints, Floats]
_Task: TypeAlias = tuple[Floats, float, int, int, _Output, int, int]
"""Radii, least radius, k, which rows, and where to write; the next left row, the next place."""


class Matches(NamedTuple):
    """Pairs of rows that match."""

    left: Ints
    """Rows of the left side, ascending."""
    right: Ints
    """Rows of the right side; for one left row by distance, then by row."""
    distance_arcsec: Floats
    """Separations (as `sphere.separation_arcsec`)."""


class Target:
    """A right side that is filed once and searched many times.

    A target is never changed after it is made: several threads may search it at once.

    Parameters
    ----------
    ra, dec : array_like, shape (m,)
        Degrees; any finite right ascension. Positions that are not finite match nothing. Arrays
        of float64 are kept, not copied: do not change them while the target is used.

    Raises
    ------
    InputError
        If lengths differ, or a declination is beyond ±90.
    """

    def __init__(self, ra: ArrayLike, dec: ArrayLike) -> None:
        self._positions = _positions(ra, dec, "right")
        self._filed = _file(*self._positions)

    def __len__(self) -> int:
        return int(self._positions[0].size)

    def match(
        self,
        ra: ArrayLike,
        dec: ArrayLike,
        radius_arcsec: ArrayLike,
        *,
        n_neighbors: int | None = 1,
        min_radius_arcsec: float = 0.0,
    ) -> Matches:
        """Find the matches of left positions here; see the function `match`."""
        left = _positions(ra, dec, "left")
        radii = _radii(radius_arcsec, left[0].size)
        return self._search(left, radii, n_neighbors, min_radius_arcsec, ANY_ROW)

    def self_match(
        self,
        radius_arcsec: ArrayLike,
        *,
        n_neighbors: int | None = None,
        min_radius_arcsec: float = 0.0,
    ) -> Matches:
        """Find the matches of the positions among each other; see the function `self_match`."""
        which = LATER_ROWS if n_neighbors is None else OTHER_ROWS
        radii = _radii(radius_arcsec, len(self))
        if which == LATER_ROWS and radii.size > 1:
            raise InputError("all pairs within one table need one radius, not one for each row")
        return self._search(self._positions, radii, n_neighbors, min_radius_arcsec, which)

    def blocks(
        self, ra: ArrayLike, dec: ArrayLike, radius_arcsec: ArrayLike, *, most: int = 1 << 20
    ) -> Iterator[Matches]:
        """Yield all matches of left positions within a radius, some after the others.

        Parameters
        ----------
        ra, dec, radius_arcsec
            As for the function `match`.
        most : int
            So many pairs come at once, or as many as one left row has.
        """
        left = _positions(ra, dec, "left")
        radii = _radii(radius_arcsec, left[0].size)
        k = _neighbors(None, len(self))
        row, n, room = 0, left[0].size, most
        while self._filed is not None and row < n:
            out, first = _new_output(room), row
            row, m = self._step(self._filed, left, (radii, 0.0, k, ANY_ROW, out, row, 0))
            if row == first:
                room *= 2
            elif m:
                yield Matches(out[0][:m], out[1][:m], out[2][:m])

    def _search(
        self,
        left: tuple[Floats, Floats],
        radii: Floats,
        n_neighbors: int | None,
        min_radius_arcsec: float,
        which: int,
    ) -> Matches:
        k = _neighbors(n_neighbors, len(self))
        min_radius = _min_radius(min_radius_arcsec, radii)
        n = left[0].size
        room = min(n * k, n + _SPARE_ROOM)
        out = _new_output(room)
        row = m = 0
        while self._filed is not None and row < n:
            row, m = self._step(self._filed, left, (radii, min_radius, k, which, out, row, m))
            if row < n:
                room = max(2 * room, int(1.1 * m * n / max(row, 1)))
                out = _grow(out, room, m)
        for array in out:
            array.resize(m, refcheck=False)
        return Matches(*out)

    def _step(
        self, filed: Grid | Tree, left: tuple[Floats, Floats], task: _Task
    ) -> tuple[int, int]:
        """Search until all left rows are done or there is no more room for pairs."""
        if isinstance(filed, Grid):
            return search_grid(left, self._positions, filed, *task)
        return search_tree(left, filed, *task)


def match(
    ra1: ArrayLike,
    dec1: ArrayLike,
    ra2: ArrayLike,
    dec2: ArrayLike,
    radius_arcsec: ArrayLike,
    *,
    n_neighbors: int | None = 1,
    min_radius_arcsec: float = 0.0,
) -> Matches:
    """Find for each left position the right ones near it.

    Parameters
    ----------
    ra1, dec1 : array_like, shape (n,)
        Left positions, degrees; any finite right ascension.
    ra2, dec2 : array_like, shape (m,)
        Right positions, degrees.
    radius_arcsec : float or array_like, shape (n,)
        Largest separation that counts, for all or for each left row; from 0 to 648,000 (180
        degrees). A left row whose own radius is NaN matches nothing.
    n_neighbors : int or None
        How many at most for each left row, the nearest ones; None: all within the radius. Of
        several at the same distance the first rows are taken.
    min_radius_arcsec : float
        Smallest separation that counts.

    Returns
    -------
    Matches
        Sorted by left row; for one left row by distance, then by right row.

    Raises
    ------
    InputError
        If lengths differ, a declination is beyond ±90, a radius is not from 0 to 180 degrees, or
        `n_neighbors` is not positive.

    Notes
    -----
    A pair counts if min_radius <= separation <= radius: both borders belong to the range, to the
    rounding of the separation. (LSDB takes min_radius < separation < radius, to the rounding of
    chords.) Positions that are not finite match nothing. The answer is exact everywhere, at the
    poles and across ra = 0 too.

    Time grows as n + m + the number of pairs, whatever the density; memory as the number of
    pairs returned. It is shortest where both sides come along HEALPix order.
    """
    return Target(ra2, dec2).match(
        ra1, dec1, radius_arcsec, n_neighbors=n_neighbors, min_radius_arcsec=min_radius_arcsec
    )


def nearest(
    ra1: ArrayLike, dec1: ArrayLike, ra2: ArrayLike, dec2: ArrayLike, radius_arcsec: ArrayLike
) -> tuple[Ints, Floats]:
    """Find for each left position the nearest right one within a radius, as arrays of n.

    Parameters and errors are those of `match`.

    Returns
    -------
    index : ndarray of int64, shape (n,)
        Row of the nearest right position, -1 where there is none within the radius. Of several
        at the same distance, the first row.
    distance_arcsec : ndarray of float64, shape (n,)
        The separation, NaN where there is none.
    """
    left, right, apart = match(ra1, dec1, ra2, dec2, radius_arcsec)
    index = np.full(np.size(ra1), -1, np.int64)
    distance = np.full(index.size, np.nan)
    index[left], distance[left] = right, apart
    return index, distance


def mutual(
    ra1: ArrayLike,
    dec1: ArrayLike,
    ra2: ArrayLike,
    dec2: ArrayLike,
    radius_arcsec: float,
    *,
    min_radius_arcsec: float = 0.0,
) -> Matches:
    """Find the pairs in which each is the other's nearest: at most one for each row.

    Parameters and errors are those of `match`, with one radius for all.

    Returns
    -------
    Matches
        Sorted by left row; each left and each right row occurs at most once.
    """
    left, right = _positions(ra1, dec1, "left"), _positions(ra2, dec2, "right")
    radius, least = float(radius_arcsec), min_radius_arcsec
    there = match(*left, *right, radius, min_radius_arcsec=least)
    asked = np.zeros(right[0].size, np.bool_)
    asked[there.right] = True
    rows = np.flatnonzero(asked)
    back = match(right[0][rows], right[1][rows], *left, radius, min_radius_arcsec=least)
    best = np.full(right[0].size, -1, np.int64)
    best[rows[back.left]] = back.right
    kept = best[there.right] == there.left
    return Matches(there.left[kept], there.right[kept], there.distance_arcsec[kept])


def self_match(
    ra: ArrayLike,
    dec: ArrayLike,
    radius_arcsec: ArrayLike,
    *,
    n_neighbors: int | None = None,
    min_radius_arcsec: float = 0.0,
) -> Matches:
    """Find positions of one table that are near each other, for instance duplicates.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        Degrees; any finite right ascension.
    radius_arcsec : float or array_like, shape (n,)
        Largest separation that counts; one for each row only together with `n_neighbors`.
    n_neighbors : int or None
        None: all pairs, each once, with left < right. A number: for each row its nearest others,
        so that a pair can occur twice.
    min_radius_arcsec : float
        Smallest separation that counts.

    Returns
    -------
    Matches
        Sorted by left row; for one left row by distance, then by right row. Never a row with
        itself.

    Raises
    ------
    InputError
        As `match`.
    """
    return Target(ra, dec).self_match(
        radius_arcsec, n_neighbors=n_neighbors, min_radius_arcsec=min_radius_arcsec
    )


def _file(ra: Floats, dec: Floats) -> Grid | Tree | None:
    """File the positions by what suits their density; None if none is finite."""
    box = find_box(ra, dec)
    if box.n == 0:
        return None
    grid, crowding, most = lay_grid(ra, dec, box)
    if crowding > _MAX_CROWDING or most > _MAX_IN_CELL:
        return grow_tree(ra, dec, box)
    return grid


def _new_output(room: int) -> _Output:
    return np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)


def _grow(out: _Output, room: int, used: int) -> _Output:
    larger = _new_output(room)
    for new, old in zip(larger, out, strict=True):
        new[:used] = old[:used]
    return larger


def _radii(radius_arcsec: ArrayLike, n: int) -> Floats:
    """Return one radius, or one for each left row."""
    radii = np.asarray(radius_arcsec, np.float64)
    if radii.ndim == 0:
        if not 0.0 <= radii <= _MAX_RADIUS:
            raise InputError(
                "the match radius must be from 0 to 648000 arcsec (180 degrees), "
                f"not {radius_arcsec!r}"
            )
        return radii.reshape(1)
    if radii.shape != (n,):
        raise InputError(
            f"the match radii must be one number, or one for each of the {n} left rows, "
            f"not of shape {radii.shape}"
        )
    wrong = np.flatnonzero((radii < 0.0) | (radii > _MAX_RADIUS))
    if wrong.size:
        raise InputError(
            "the match radius must be from 0 to 648000 arcsec (180 degrees), "
            f"not {radii[wrong[0]]} as in row {wrong[0]}"
        )
    return np.ascontiguousarray(radii)


def _min_radius(min_radius_arcsec: float, radii: Floats) -> float:
    least = float(min_radius_arcsec)
    if not 0.0 <= least <= _MAX_RADIUS:
        raise InputError(
            "min_radius_arcsec must be from 0 to 648000 arcsec (180 degrees), "
            f"not {min_radius_arcsec!r}"
        )
    if radii.size == 1 and least > radii[0]:
        raise InputError(
            f"min_radius_arcsec, {least}, is above the radius, {radii[0]}: nothing can match"
        )
    return least


def _neighbors(n_neighbors: int | None, size: int) -> int:
    """Return how many matches a left row can have."""
    if n_neighbors is None:
        return max(size, 1)
    k = operator.index(n_neighbors)
    if k < 1:
        raise InputError(f"n_neighbors must be 1 or more, or None for all, not {n_neighbors!r}")
    return min(k, max(size, 1))


def _positions(ra: ArrayLike, dec: ArrayLike, side: str) -> tuple[Floats, Floats]:
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


@kernel
def _check(ra: Floats, dec: Floats) -> tuple[bool, int]:
    """Return whether a right ascension is outside 0..360, and the first impossible declination."""
    outside = False
    for i in range(ra.size):
        outside |= not (0.0 <= ra[i] <= 360.0)
        if abs(dec[i]) > 90.0 and math.isfinite(dec[i]):
            return outside, i
    return outside, -1
