"""Points, circles and polygons: made of numbers, measured, taken apart."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from skyseries.adql.kernels.operands import (
    Operand,
    Result,
    coordinates,
    doubles,
    lists_of,
    positions,
    shape_numbers,
)
from skyseries.adql.kernels.polygons import Polygons
from skyseries.adql.types import Type
from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.spatial.regions import Cone, Moc, Polygon
from skyseries.spatial.regions.ranges import SKY
from skyseries.spatial.sphere import separation_arcsec

__all__ = [
    "area",
    "box",
    "centroid",
    "circle",
    "distance",
    "largest_arcsec",
    "latitude",
    "longitude",
    "point",
    "polygon",
    "radius",
    "region_of",
]

_DEG2 = (180.0 / np.pi) ** 2


def point(ra: Operand, dec: Operand) -> Result:
    """Return points; NULL where a coordinate is missing or the declination is none."""
    return np.stack(coordinates(doubles(ra), doubles(dec)), axis=-1)


def circle(centre: Operand, radius: Operand) -> Result:
    """Return circles; NULL where a part is missing, or the radius negative."""
    position, r = shape_numbers(centre), doubles(radius)
    shape = np.broadcast_shapes(position.shape[:-1], r.shape)
    numbers = np.empty((*shape, 3))
    numbers[..., :2], numbers[..., 2] = position, np.where(r >= 0.0, r, np.nan)
    return numbers


def box(centre: Operand, width: Operand, height: Operand) -> Result:
    """Return the polygons of boxes whose sides are great circles (ADQL 2.1, section 4.2.9).

    The arms of the cross, width and height long, are great circles through the centre towards
    east and north, and the sides cross their ends at right angles: on the plane that touches the
    sphere at the centre, a rectangle of the half sizes 1 by tan(width / 2) and tan(height / 2).
    """
    position, w, h = shape_numbers(centre), doubles(width), doubles(height)
    right = (w > 0.0) & (w < 180.0) & (h > 0.0) & (h < 180.0)
    w, h = (np.tan(np.radians(np.where(right, size, np.nan) / 2.0)) for size in (w, h))
    ra, dec = np.radians(position[..., 0]), np.radians(position[..., 1])
    corners = []
    for east, north in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        x, y = east * w, north * h
        radial = np.cos(dec) - y * np.sin(dec)  # in the plane of the equator, away from the axis
        alpha = ra + np.arctan2(x, radial)
        delta = np.arctan2(np.sin(dec) + y * np.cos(dec), np.hypot(x, radial))
        corners += [np.degrees(alpha) % 360.0, np.degrees(delta)]
    return _polygon_lists(np.stack(np.broadcast_arrays(*corners), -1))


def polygon(*points: Operand) -> Result:
    """Return polygons of their vertices; NULL where one is missing."""
    parts = np.broadcast_arrays(*map(shape_numbers, points))
    return _polygon_lists(np.concatenate(parts, axis=-1))


def _polygon_lists(numbers: Floats) -> Result:
    """Return rows of numbers as lists, those with NaN as NULL; one row as it is."""
    if numbers.ndim == 1:
        return numbers
    missing = np.asarray(np.isnan(numbers).any(axis=1))
    lengths = np.where(missing, 0, numbers.shape[1])
    return lists_of(numbers[~missing].ravel(), lengths, missing)


def distance(one: Operand, other: Operand) -> Result:
    """Return the angle between points, degrees: `separation_arcsec` / 3600."""
    return separation_arcsec(*positions(one), *positions(other)) / 3600.0


def longitude(points: Operand) -> Result:
    """Return the right ascensions of points, degrees."""
    return positions(points).ra


def latitude(points: Operand) -> Result:
    """Return the declinations of points, degrees."""
    return positions(points).dec


def radius(circles: Operand) -> Result:
    """Return the radii of circles, degrees."""
    return shape_numbers(circles)[..., 2]


def area(shape: Operand) -> Result:
    """Return areas, square degrees: of a circle of radius r, 4 pi sin²(r / 2) steradians."""
    if shape.type is Type.POINT:
        return np.where(np.isnan(positions(shape).ra), np.nan, 0.0)
    if shape.type is Type.CIRCLE:
        radius = np.minimum(shape_numbers(shape)[..., 2], 180.0)
        return 4.0 * np.pi * np.sin(np.radians(radius) / 2.0) ** 2 * _DEG2
    if not shape.is_constant:
        return Polygons.of(shape).areas() * _DEG2
    if shape.value is None:
        return np.array(np.nan)
    region = region_of(shape.type, shape.value)
    if isinstance(region, Moc):
        return np.array((region.stop - region.start).sum() / SKY * 4.0 * np.pi * _DEG2)
    return np.array(region.area_deg2)


def centroid(shape: Operand) -> Result:
    """Return the middles of areas."""
    if shape.type is Type.POLYGON:
        middles = Polygons.of(shape).middles()
        return middles[0] if shape.is_constant else middles
    return shape_numbers(shape)[..., :2]


@lru_cache(maxsize=64)
def region_of(kind: Type, value: Any) -> Any:
    """Return a constant circle, polygon or coverage map as a region.

    Raises
    ------
    InputError
        If it is none.
    """
    if kind is Type.CIRCLE:
        ra, dec, radius = value
        return Cone(ra, dec, largest_arcsec(radius))
    if kind is Type.POLYGON:
        return Polygon(list(zip(value[::2], value[1::2], strict=True)))
    return Moc.of(value)


def largest_arcsec(degrees: float) -> float:
    """Return the largest number of arcsec that is at most so many degrees after rounding.

    So a point is in a circle exactly where `distance` is at most the radius.
    """
    if not degrees >= 0.0:
        raise InputError(f"the radius of a circle must be 0 degrees or more, not {degrees}")
    if degrees >= 180.0:
        return 648_000.0
    arcsec = degrees * 3600.0
    while arcsec / 3600.0 > degrees:
        arcsec = np.nextafter(arcsec, 0.0)
    while (above := np.nextafter(arcsec, np.inf)) / 3600.0 <= degrees:
        arcsec = above
    return float(arcsec)
