"""Many polygons at once, one per row: who is in them, how far their edges are, their areas.

Each must lie within half of the sky, around the mean of its vertices. There the projection from
the centre of the sphere makes great circles straight lines, and half the sky a plane. Polygons
whose edges cross hold what an odd number of edges surrounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.adql.kernels.operands import Operand
from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.arrow import floats, to_numpy
from skyseries.errors import QueryError
from skyseries.spatial.regions.cells import unit_vectors

__all__ = ["TOUCH", "Polygons", "angle", "dot"]

TOUCH = 1e-12
"""Radians (2e-7 arcsec): what is closer than this touches."""


@dataclass(frozen=True)
class Polygons:
    """Polygons as flat arrays; a row without one has no vertices.

    Parameters
    ----------
    vertex : ndarray, shape (m, 3)
        Unit vectors, polygon after polygon.
    offsets : ndarray of int, shape (n + 1,)
        Where those of each row begin and end.
    """

    vertex: Floats
    offsets: Ints

    @classmethod
    def of(cls, operand: Operand) -> Polygons:
        """Return the polygons of an argument; a constant is one.

        Raises
        ------
        QueryError
            If one is larger than half of the sky.
        """
        array = operand.value
        if operand.is_constant:
            array = pa.array([array], pa.list_(pa.float64()))
        array = array.cast(pa.list_(pa.float64()))
        lengths = to_numpy(array.value_lengths().fill_null(0)).astype(np.int64)
        numbers = floats(array.flatten())
        edges = np.concatenate([[0], np.cumsum(lengths)])
        bad = np.add.reduceat(np.append(~np.isfinite(numbers), False), edges[:-1]) * (lengths > 0)
        known = (lengths >= 6) & (lengths % 2 == 0) & (bad == 0)
        kept = numbers[np.repeat(known, lengths)].reshape(-1, 2)
        found = cls._distinct(kept, np.where(known, lengths // 2, 0))
        found._check()
        return found

    @classmethod
    def _distinct(cls, kept: Floats, lengths: Ints) -> Polygons:
        """Return polygons without a vertex that repeats the one before it."""
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        before = _previous(np.arange(len(kept)), offsets)
        new = (kept != kept[before]).any(axis=1)
        counts = np.concatenate([[0], np.cumsum(new)])[offsets]
        return cls(unit_vectors(*kept[new].T), counts)

    def _check(self) -> None:
        beyond = dot(self.vertex, self.middle[self.row]) <= 1e-9
        if beyond.any():
            row = int(self.row[beyond][0])
            raise QueryError(
                f"the polygon in row {row + 1} does not fit in half of the sky: such polygons are "
                "understood as constants with positions only"
            )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def known(self) -> Bools:
        """Which rows have a polygon."""
        return np.asarray(np.diff(self.offsets) > 0)

    @cached_property
    def row(self) -> Ints:
        """The row of each vertex."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def before(self) -> Floats:
        """The vertex before each: edge i goes from there to vertex i."""
        return self.vertex[_previous(np.arange(len(self.vertex)), self.offsets)]

    @cached_property
    def normal(self) -> Floats:
        """The unit normals of the planes of the edges."""
        # of a sum and a difference: accurate for close vertices too
        normal = np.cross(self.before - self.vertex, self.before + self.vertex)
        return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True))

    @cached_property
    def middle(self) -> Floats:
        """The direction of the mean of the vertices, shape (n, 3)."""
        total = self.per_row(np.add, self.vertex, 0.0)
        size = np.linalg.norm(total, axis=1, keepdims=True)
        return np.asarray(np.divide(total, size, out=np.zeros_like(total), where=size > 0))

    def take(self, rows: Ints) -> Polygons:
        """Return the polygons of some rows."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        index = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Polygons(self.vertex[index], offsets)

    def per_row(self, function: np.ufunc, values: Any, neutral: Any) -> Any:
        """Reduce values of the vertices to one for each row."""
        result = np.full((len(self), *values.shape[1:]), neutral, values.dtype)
        if self.known.any():
            result[self.known] = function.reduceat(values, self.offsets[:-1][self.known])
        return result

    def hold(self, points: Floats) -> Bools:
        """Tell whether each row's polygon holds its point.

        Parameters
        ----------
        points : ndarray, shape (n, 3)
            Unit vectors.
        """
        east, north = _basis(self.middle)

        def plane(vectors: Floats, row: Ints) -> tuple[Floats, Floats]:
            depth = dot(vectors, self.middle[row])
            with np.errstate(divide="ignore", invalid="ignore"):
                return dot(vectors, east[row]) / depth, dot(vectors, north[row]) / depth

        every = np.arange(len(self))
        in_front = dot(points, self.middle) > 0.0
        px, py = (part[self.row] for part in plane(points, every))
        ax, ay = plane(self.before, self.row)
        bx, by = plane(self.vertex, self.row)
        with np.errstate(divide="ignore", invalid="ignore"):
            crosses = ((ay > py) != (by > py)) & (px < ax + (py - ay) * (bx - ax) / (by - ay))
        return np.asarray(self.per_row(np.logical_xor, crosses, False) & in_front)

    def reach(self, points: Floats) -> Floats:
        """Return how far each row's point is from the border of its polygon, radians."""
        p, a, b, normal = points[self.row], self.before, self.vertex, self.normal
        beside = (dot(np.cross(normal, a), p) >= 0.0) & (dot(np.cross(b, normal), p) >= 0.0)
        above = np.arcsin(np.clip(np.abs(dot(normal, p)), 0.0, 1.0))
        corner = np.minimum(angle(p, a), angle(p, b))
        return np.asarray(self.per_row(np.minimum, np.where(beside, above, corner), np.inf))

    def hold_or_touch(self, points: Floats) -> Bools:
        """Tell whether each row's polygon holds its point, or has it on its border."""
        return self.hold(points) | (self.reach(points) <= TOUCH)

    def areas(self) -> Floats:
        """Return areas in steradians; NaN where there is no polygon.

        Of triangles with the middle: 2 atan2(a·(b × c), 1 + a·b + b·c + c·a) (Van Oosterom &
        Strackee 1983, IEEE Trans. Biomed. Eng. 30, 125).
        """
        a, b, c = self.before, self.vertex, self.middle[self.row]
        volume = dot(np.cross(a - c, b - c), c)
        parts = 2.0 * np.arctan2(volume, 1.0 + dot(a, b) + dot(b, c) + dot(c, a))
        return np.where(self.known, np.abs(self.per_row(np.add, parts, 0.0)), np.nan)

    def middles(self) -> Floats:
        """Return the middles of the areas, degrees, shape (n, 2); NaN where there is no polygon.

        The integral of the position over an area is half the sum, over the edges, of length times
        normal (Stokes), and its direction is the middle.
        """
        lengths = angle(self.before, self.vertex)
        total = self.per_row(np.add, self.normal * lengths[:, None], 0.0)
        total *= np.sign(dot(total, self.middle))[:, None]
        x, y, z = np.where(self.known[:, None], total, np.nan).T
        ra, dec = np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))
        return np.stack([ra, dec], axis=1)

    def cross(self, other: Polygons) -> Bools:
        """Tell for each row whether borders go through each other, beyond a touch."""
        i, j, row = _pairs_of(self.offsets, other.offsets)
        a, b, p, q = self.before[i], self.vertex[i], other.before[j], other.vertex[j]
        sides = [dot(other.normal[j], a), dot(other.normal[j], b)]
        others = [dot(self.normal[i], p), dot(self.normal[i], q)]
        apart = _opposite(*sides) & _opposite(*others)
        # two great circles meet in two opposite points: the edges must be near the same one
        near = dot(a + b, p + q) > 0.0
        found = np.zeros(len(self), bool)
        found[row[apart & near]] = True
        return found


def _opposite(one: Floats, other: Floats) -> Bools:
    return ((one > TOUCH) & (other < -TOUCH)) | ((one < -TOUCH) & (other > TOUCH))


def _pairs_of(one: Ints, other: Ints) -> tuple[Ints, Ints, Ints]:
    """Return all pairs of members of the same row, and the row, of two tables of offsets."""
    n, m = np.diff(one), np.diff(other)
    row = np.repeat(np.arange(len(n)), n * m)
    place = np.arange(len(row)) - np.repeat(np.cumsum(n * m) - n * m, n * m)
    return one[row] + place // m[row], other[row] + place % m[row], row


def dot(a: Floats, b: Floats) -> Floats:
    """Return the scalar products of two rows of vectors."""
    return np.asarray(np.einsum("...i,...i->...", a, b))


def angle(a: Floats, b: Floats) -> Floats:
    """Return the angles between unit vectors, radians, accurate from 0 to pi."""
    return np.asarray(
        2.0 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
    )


def _previous(index: Ints, offsets: Ints) -> Ints:
    """Return the member before each in its row; before the first comes the last."""
    before = index - 1
    some = np.diff(offsets) > 0
    before[offsets[:-1][some]] = offsets[1:][some] - 1
    return before


def _basis(middle: Floats) -> tuple[Floats, Floats]:
    """Return two unit vectors at right angles to each other and to those given."""
    least = np.eye(3)[np.argmin(np.abs(middle), axis=1)]
    east = np.cross(least, middle)
    size = np.linalg.norm(east, axis=1, keepdims=True)
    east = np.divide(east, size, out=np.zeros_like(east), where=size > 0)
    return east, np.cross(middle, east)
