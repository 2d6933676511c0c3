"""HEALPix cells, motions of stars, frames of reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.adql.kernels.operands import (
    Operand,
    Result,
    doubles,
    lists_of,
    positions,
    shape_numbers,
    whole,
)
from skyseries.adql.types import Type
from skyseries.arraytypes import Floats
from skyseries.arrow import floats, to_numpy
from skyseries.errors import InputError
from skyseries.spatial.healpix import HPX_ORDER, radec_to_hpx
from skyseries.spatial.regions.cells import centres, unit_vectors
from skyseries.spatial.sphere import ARCSEC

__all__ = ["FRAMES", "healpix_center", "healpix_index", "propagated", "rotation", "transformed"]

_KM_S = 4.740470446
"""One astronomical unit per Julian year, km/s (ESA SP-1200, vol. 1, table 1.2.2)."""


def healpix_index(order: Operand, point: Operand) -> Result:
    """Return the NESTED cells of positions; NULL where there is no such order or position."""
    (k, missing), (ra, dec) = whole(order), positions(point)
    hpx = radec_to_hpx(ra.ravel(), dec.ravel()).reshape(ra.shape)
    right = (hpx >= 0) & (k >= 0) & (k <= HPX_ORDER) & ~missing
    return np.ma.array(hpx >> 2 * (HPX_ORDER - np.clip(k, 0, HPX_ORDER)), mask=~right)


def healpix_center(order: Operand, index: Operand) -> Result:
    """Return the centres of NESTED cells; NULL where there is no such cell."""
    k, no_order, cell, no_cell = np.broadcast_arrays(*whole(order), *whole(index))
    right = (k >= 0) & (k <= HPX_ORDER) & (cell >= 0) & ~no_order & ~no_cell
    right &= cell < (12 << 2 * np.clip(k, 0, HPX_ORDER))
    xyz = np.full((*k.shape, 3), np.nan)
    xyz[right] = centres(np.atleast_1d(k[right]), np.atleast_1d(cell[right]))
    return _degrees(xyz)


def propagated(*operands: Operand) -> Result:
    """Return the positions of stars at another epoch.

    Along straight lines in space, at constant speed, without the travel time of light: ESA
    SP-1200 (1997), vol. 1, section 1.5.5, equation 1.5.65: the direction of
    r (1 + ζ t) + (p μα* + q μδ) t, with ζ the radial proper motion, rv parallax / 4.74.
    """
    names = ("ra", "dec", "parallax", "pmra", "pmdec", "velocity", "start", "end")
    value = dict(zip(names, np.broadcast_arrays(*map(doubles, operands)), strict=True))
    for name in ("parallax", "pmra", "pmdec", "velocity"):
        value[name] = np.nan_to_num(value[name], nan=0.0, posinf=np.nan, neginf=np.nan)
    alpha, delta = np.radians(value["ra"]), np.radians(value["dec"])
    time = (value["end"] - value["start"]) * ARCSEC / 1000.0
    radial = 1.0 + value["velocity"] * value["parallax"] / _KM_S * time
    east, north = value["pmra"] * time, value["pmdec"] * time
    across = radial * np.cos(delta) - north * np.sin(delta)
    x = across * np.cos(alpha) - east * np.sin(alpha)
    y = across * np.sin(alpha) + east * np.cos(alpha)
    z = radial * np.sin(delta) + north * np.cos(delta)
    moved = _degrees(np.stack([x, y, z], axis=-1))
    moved[~(np.abs(value["dec"]) <= 90.0)] = np.nan
    return moved


def transformed(source: Operand, target: Operand, shape: Operand) -> Result:
    """Return a shape in another frame: its positions are turned."""
    turn = rotation(str(source.value), str(target.value))
    if shape.type is not Type.POLYGON:
        numbers = shape_numbers(shape).copy()
        numbers[..., :2] = _turned(numbers[..., :2], turn)
        return numbers
    if shape.is_constant:
        return _turned(np.reshape(shape.value, (-1, 2)), turn).ravel()
    lists = shape.value.cast(pa.list_(pa.float64()))
    turned = _turned(floats(lists.flatten()).reshape(-1, 2), turn)
    lengths = to_numpy(lists.value_lengths().fill_null(0))
    return lists_of(turned.ravel(), lengths, to_numpy(lists.is_null()))


def rotation(source: str, target: str) -> Floats:
    """Return the matrix that turns unit vectors of one frame into those of another one.

    Raises
    ------
    InputError
        If a frame is not known.
    """
    for name in (source, target):
        if name not in FRAMES:
            raise InputError(f"no frame {name!r}; there are {', '.join(FRAMES)}")
    return np.asarray(FRAMES[target] @ FRAMES[source].T)


def _turned(positions: Floats, turn: Floats) -> Floats:
    xyz = unit_vectors(positions[..., 0].ravel(), positions[..., 1].ravel())
    return _degrees(xyz @ turn.T).reshape(positions.shape)


def _degrees(xyz: Floats) -> Floats:
    """Return the right ascensions, 0 to 360, and declinations of vectors: shape (..., 2)."""
    x, y, z = np.moveaxis(xyz, -1, 0)
    ra = np.degrees(np.arctan2(y, x)) % 360.0
    # the rest of a tiny negative number is rounded up to 360 itself
    return np.stack([np.where(ra >= 360.0, 0.0, ra), np.degrees(np.arctan2(z, np.hypot(x, y)))], -1)


def _turn(axis: int, degrees: float) -> Floats:
    """Return the rotation of the axes about one of them."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix: Any = np.eye(3)
    matrix[i, i] = matrix[j, j] = cosine
    matrix[i, j], matrix[j, i] = sine, -sine
    return np.asarray(matrix)


def _galactic(pole_ra: float, pole_dec: float, pole_l: float) -> Floats:
    """Return the rotation to galactic coordinates from their pole, and the longitude of ours."""
    return _turn(2, 180.0 - pole_l) @ _turn(1, 90.0 - pole_dec) @ _turn(2, pole_ra)


_MAS = 1.0 / 3.6e6
_FK5 = _turn(0, 19.9 * _MAS) @ _turn(1, 9.1 * _MAS) @ _turn(2, -22.9 * _MAS)
"""From ICRS: Mignard & Froeschle 2000, A&A 354, 732."""
_MEAN_J2000 = _turn(0, 6.819 * _MAS) @ _turn(1, -16.617 * _MAS) @ _turn(2, -14.6 * _MAS)
"""From ICRS, the frame bias of the IAU 2006 precession (IERS Conventions 2010, chapter 5)."""
_GALACTIC = _galactic(192.8594812065348, 27.12825118085622, 122.9319185680026) @ _FK5
"""Blaauw et al. 1960, MNRAS 121, 123, whose definition in B1950 is turned into FK5."""

FRAMES = {
    "ICRS": np.eye(3),
    "FK5": _FK5,
    "FK4": _galactic(192.25, 27.4, 123.0).T @ _GALACTIC,
    "GALACTIC": _GALACTIC,
    "ECLIPTIC": _turn(0, 84381.406 / 3600.0) @ _MEAN_J2000,
}
"""The rotations from ICRS, by the names of the IVOA's vocabulary; FK4 of B1950 without the terms
of elliptic aberration, ECLIPTIC with the obliquity of J2000 (Capitaine et al. 2003, A&A 412,
567)."""
