"""CONTAINS and INTERSECTS of points, circles, polygons and coverage maps, for all rows at once.

Borders belong to their region. A point in a constant region is decided by `spatial.regions`, as
the searches of a catalog are, in a circle of columns by `shapes.distance`; of two regions, what is
closer than 2e-7 arcsec touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from skyseries.adql.kernels.operands import (
    Operand,
    Result,
    flags,
    positions,
    rows_of,
    shape_numbers,
)
from skyseries.adql.kernels.polygons import TOUCH, Polygons, angle
from skyseries.adql.kernels.shapes import distance, region_of
from skyseries.adql.types import Type
from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.spatial.regions.cells import unit_vectors

__all__ = ["contains", "intersects"]

_TOUCH_DEG = float(np.degrees(TOUCH))
_BLOCK = 1 << 18
"""About so many vertices, or pairs of edges, are looked at at once."""


def contains(inner: Operand, outer: Operand) -> Result:
    """Tell whether the first shape lies wholly in the second one."""
    if inner.type is Type.POINT:
        return _holds(inner, outer)
    if inner.type is outer.type is Type.CIRCLE:
        return _two_circles(
            inner, outer, lambda away, r, limit: (away + r <= limit + _TOUCH_DEG) | (limit >= 180)
        )
    return _by_rows(_INSIDE[inner.type, outer.type], inner, outer)


def intersects(one: Operand, other: Operand) -> Result:
    """Tell whether two shapes have a position in common."""
    if Type.POINT in (one.type, other.type):
        return _holds(*((one, other) if one.type is Type.POINT else (other, one)))
    if one.type is other.type is Type.CIRCLE:
        return _two_circles(one, other, lambda away, r, limit: away <= r + limit + _TOUCH_DEG)
    if one.type is Type.POLYGON and other.type is Type.CIRCLE:
        one, other = other, one
    return _by_rows(_MEETING[one.type, other.type], one, other)


@dataclass(frozen=True)
class _Circles:
    """Circles, or points with a radius of 0, one per row; NaN where there is none."""

    centre: Floats
    """Unit vectors, shape (n, 3)."""
    radius: Floats
    """Radians."""

    @classmethod
    def of(cls, operand: Operand) -> _Circles:
        numbers = np.atleast_2d(shape_numbers(operand))
        radius = numbers[:, 2] if operand.type is Type.CIRCLE else np.zeros(len(numbers))
        return cls(unit_vectors(numbers[:, 0], numbers[:, 1]), np.radians(radius))

    @property
    def known(self) -> Bools:
        return ~np.isnan(self.centre[:, 0] + self.radius)

    @property
    def offsets(self) -> Ints:
        return np.arange(len(self.radius) + 1)

    def take(self, rows: Ints) -> _Circles:
        return _Circles(self.centre[rows], self.radius[rows])


def _holds(point: Operand, region: Operand) -> Result:
    """Tell which points lie in a region."""
    if region.type is Type.POLYGON and not region.is_constant:
        return _by_rows(lambda p, polygons: polygons.hold(p.centre), point, region)
    ra, dec = positions(point)
    missing = np.isnan(ra)
    if not region.is_constant:
        return _two_circles(point, region, lambda away, _, limit: away <= limit)
    if region.value is None:
        return flags(missing, True)
    return flags(region_of(region.type, region.value).contains(ra, dec), missing)


def _two_circles(
    one: Operand, other: Operand, test: Callable[[Floats, Floats, Floats], Bools]
) -> Result:
    """Compare the distance of two centres, degrees, with two radii; that of a point is 0."""
    away, limit = distance(one, other), shape_numbers(other)[..., 2]
    r = shape_numbers(one)[..., 2] if one.type is Type.CIRCLE else np.zeros(())
    return flags(test(away, r, limit), np.isnan(away + r + limit))


_Shapes: TypeAlias = "_Circles | Polygons"


def _by_rows(test: Callable[..., Bools], one: Operand, other: Operand) -> Result:
    """Call a test of two shapes for a block of rows after the other."""
    n = rows_of(one, other)
    shapes: list[_Shapes] = []
    for operand in (one, other):
        shape = Polygons.of(operand) if operand.type is Type.POLYGON else _Circles.of(operand)
        shapes.append(shape if not operand.is_constant else shape.take(np.zeros(n or 1, np.int64)))
    first, second = shapes
    missing = ~(first.known & second.known)
    found = np.zeros(n or 1, bool)
    for rows in _blocks(np.diff(first.offsets) * np.diff(second.offsets), np.flatnonzero(~missing)):
        found[rows] = test(first.take(rows), second.take(rows))
    result = flags(found, missing)
    return result[0] if n is None else result


def _blocks(sizes: Ints, rows: Ints) -> Iterator[Ints]:
    """Split rows so that the sizes of a part add up to not much more than a block."""
    number = np.cumsum(sizes[rows]) // _BLOCK
    return iter(np.split(rows, np.flatnonzero(np.diff(number)) + 1) if len(rows) else ())


def _circle_in_polygon(circles: _Circles, polygons: Polygons) -> Bools:
    deep = polygons.reach(circles.centre) >= circles.radius - TOUCH
    return polygons.hold(circles.centre) & deep


def _polygon_in_circle(polygons: Polygons, circles: _Circles) -> Bools:
    """Look at the vertices, or for more than half of the sky at the circle that is left out."""
    away = angle(polygons.vertex, circles.centre[polygons.row])
    farthest = polygons.per_row(np.maximum, away, 0.0)
    rest = np.pi - circles.radius
    clear = polygons.reach(-circles.centre) >= rest - TOUCH
    outside = ~polygons.hold(-circles.centre) & clear
    within = farthest <= circles.radius + TOUCH
    return np.where(circles.radius <= np.pi / 2, within, outside | (rest <= 0.0))


def _vertices_in(polygons: Polygons, others: Polygons) -> Bools:
    return others.take(polygons.row).hold_or_touch(polygons.vertex)


def _polygon_in_polygon(inner: Polygons, outer: Polygons) -> Bools:
    all_in = inner.per_row(np.logical_and, _vertices_in(inner, outer), True)
    return np.asarray(all_in & ~inner.cross(outer))


def _circle_meets_polygon(circles: _Circles, polygons: Polygons) -> Bools:
    near = polygons.reach(circles.centre) <= circles.radius + TOUCH
    return polygons.hold(circles.centre) | near


def _polygons_meet(one: Polygons, other: Polygons) -> Bools:
    found = one.cross(other)
    for first, second in ((one, other), (other, one)):
        found |= first.per_row(np.logical_or, _vertices_in(first, second), False)
    return found


_INSIDE: dict[tuple[Type, Type], Callable[..., Bools]] = {
    (Type.CIRCLE, Type.POLYGON): _circle_in_polygon,
    (Type.POLYGON, Type.CIRCLE): _polygon_in_circle,
    (Type.POLYGON, Type.POLYGON): _polygon_in_polygon,
}
_MEETING: dict[tuple[Type, Type], Callable[..., Bools]] = {
    (Type.CIRCLE, Type.POLYGON): _circle_meets_polygon,
    (Type.POLYGON, Type.POLYGON): _polygons_meet,
}
