"""Tests of positions as Rubin's services have them (scisql): 0 where something is missing."""

from __future__ import annotations

import numpy as np

from skyseries.adql.kernels.operands import Operand, Result, doubles, flags
from skyseries.adql.kernels.relations import contains
from skyseries.arraytypes import Bools, Floats
from skyseries.spatial.sphere import ARCSEC

__all__ = ["vector_angle", "within", "within_box", "within_ellipse"]


def within(point: Operand, region: Operand) -> Result:
    """Tell which positions lie in a circle or polygon, as CONTAINS does."""
    return contains(point, region).filled(0)


def within_box(*operands: Operand) -> Result:
    """Tell which positions lie between two right ascensions and two declinations, degrees.

    The rules are those of `spatial.regions.Box`, with limits that may differ between rows.
    """
    values = np.broadcast_arrays(*map(doubles, operands))
    lon, lat, west, south, east, north = values
    missing = ~np.all([np.isfinite(value) for value in values], axis=0)
    missing |= np.any([np.abs(value) > 90.0 for value in (lat, south, north)], axis=0)
    turned = west > east
    outside = np.any([(side < 0.0) | (side > 360.0) for side in (west, east)], axis=0)
    missing |= turned & outside
    with np.errstate(invalid="ignore"):
        every = east - west >= 360.0
        lon, west, east = (_reduced(value) for value in (lon, west, east))
        after, before = lon >= west, lon <= east
        between = np.where(west <= east, after & before, after | before)
        across = between | every | (np.abs(lat) == 90.0)
        return flags(across & (lat >= south) & (lat <= north) & ~missing, False)


def _reduced(degrees: Floats) -> Floats:
    """Return right ascensions from 0 to 360, without 360."""
    turned = np.mod(degrees, 360.0)
    return np.where(turned >= 360.0, 0.0, turned)


def within_ellipse(*operands: Operand) -> Result:
    """Tell which positions lie in an ellipse on the plane on which the sphere is projected.

    The semi-axes are arcsec, at most 10 degrees; the angle goes from north to east, degrees.
    """
    values = np.broadcast_arrays(*map(doubles, operands))
    lon, lat, centre_lon, centre_lat, major, minor, angle = values
    right: Bools = np.all([np.isfinite(value) for value in values], axis=0)
    right &= (np.abs(lat) <= 90.0) & (np.abs(centre_lat) <= 90.0)
    right &= (minor >= 0.0) & (minor <= major) & (major <= 36_000.0)
    alpha, delta, turn = np.radians(lon - centre_lon), np.radians(lat), np.radians(angle)
    delta_0 = np.radians(centre_lat)
    east = np.cos(delta) * np.sin(alpha)
    north = np.cos(delta_0) * np.sin(delta) - np.sin(delta_0) * np.cos(delta) * np.cos(alpha)
    depth = np.sin(delta_0) * np.sin(delta) + np.cos(delta_0) * np.cos(delta) * np.cos(alpha)
    along = np.sin(turn) * east + np.cos(turn) * north
    across = np.cos(turn) * east - np.sin(turn) * north
    a, b = major * ARCSEC, minor * ARCSEC
    # without division: an axis may be 0
    within = (along * b) ** 2 + (across * a) ** 2 <= (a * b) ** 2
    within &= (np.abs(along) <= a) & (np.abs(across) <= b) & (depth > 0.0)
    return flags(right & within, False)


def vector_angle(*operands: Operand) -> Result:
    """Return the angle between two vectors of any length, degrees."""
    parts = np.broadcast_arrays(*map(doubles, operands))
    one, other = np.stack(parts[:3], -1), np.stack(parts[3:], -1)
    sine = np.linalg.norm(np.cross(one, other), axis=-1)
    return np.degrees(np.arctan2(sine, np.einsum("...i,...i->...", one, other)))
