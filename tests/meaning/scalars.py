"""Containers of single numbers, and of pairs and triples of them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from astropy import units as u
from astropy.coordinates import Angle, SkyCoord
from astropy.utils.masked import Masked

from tests.meaning.containers import Container, Values

__all__ = [
    "ANGLES",
    "COORDINATES",
    "PAIRS",
    "REFUSED_SCALARS",
    "SCALARS",
    "TEXT",
]


def _scalar(name: str, make: Any, **more: Any) -> Container:
    return Container(name, lambda v, gone, unit: make(v), misses=False, **more)


def _said(name: str, make: Any, **more: Any) -> Container:
    return Container(name, lambda v, g, unit: make(v, unit), says="must", misses=False, **more)


SCALARS = (
    _scalar("float", float),
    _scalar("int", lambda v: int(v), type="i8"),
    _scalar("np.float64", np.float64),
    _scalar("np.float32", np.float32, type="f4"),
    _scalar("np.int64", np.int64, type="i8"),
    _scalar("0-d array", np.array),
    _scalar("0-d np.ma", lambda v: np.ma.MaskedArray(v, mask=False)),
    _scalar("0-d Masked", lambda v: Masked(v, mask=False)),
    _scalar("Decimal", lambda v: Decimal(repr(float(v)))),
    _scalar("Fraction", lambda v: Fraction(float(v))),
    _scalar("Arrow", lambda v: pa.scalar(np.asarray(v).item())),
    _said("Quantity", u.Quantity),
    _said("Masked Quantity", lambda v, unit: Masked(u.Quantity(v, unit), mask=False)),
)

ANGLES = (_said("Angle", Angle),)
"""Also for single angles."""

REFUSED_SCALARS = (
    Container("text", lambda v, gone, unit: "three", "s", misses=False, refused=True),
    _scalar("True", lambda v: True, refused=True),
    _scalar("complex", lambda v: complex(v, 1), refused=True),
    _scalar("a list", lambda v: [float(v)] * 2, refused=True),
    _scalar("an array", lambda v: np.array([v, v]), refused=True),
    _scalar("a dict", lambda v: {}, refused=True),
    _scalar("masked", lambda v: np.ma.masked, refused=True),
    _scalar("0-d masked", lambda v: np.ma.MaskedArray(v, mask=True), refused=True),
    _scalar("0-d Masked away", lambda v: Masked(v, mask=True), refused=True),
    _scalar("NA", lambda v: pd.NA, refused=True),
    _scalar("NaT", lambda v: pd.NaT, refused=True),
    _scalar("null of Arrow", lambda v: pa.scalar(None, pa.float64()), refused=True),
    _scalar("NaN", lambda v: float("nan"), refused=True),
)

PAIRS = (
    Container("list", lambda v, g, unit: v.tolist(), misses=False),
    Container("tuple", lambda v, g, unit: _tuples(v), misses=False),
    Container("array", lambda v, g, unit: v, misses=False),
    Container("float32 array", lambda v, g, unit: v.astype("f4"), misses=False, type="f4"),
    Container("int64 array", lambda v, g, unit: v.astype("i8"), misses=False, type="i8"),
    Container("Decimals", lambda v, g, unit: _each(v, lambda x: Decimal(repr(x))), misses=False),
    Container("Quantity", lambda v, g, unit: u.Quantity(v, unit), says="must", misses=False),
    Container(
        "tuple of Quantity",
        lambda v, g, unit: _each(v, lambda x: x * u.Unit(unit)),
        says="must",
        misses=False,
    ),
    Container("text", lambda v, g, unit: "three", misses=False, refused=True),
    Container("texts", lambda v, g, unit: _each(v, lambda x: "three"), misses=False, refused=True),
    Container("a number", lambda v, g, unit: 3.0, misses=False, refused=True),
    Container(
        "masked", lambda v, g, unit: _each(v, lambda x: np.ma.masked), misses=False, refused=True
    ),
    Container("NaNs", lambda v, g, unit: v * np.nan, misses=False, refused=True),
    Container("complex", lambda v, g, unit: v + 1j, misses=False, refused=True),
)
"""Limits, vertices, a place on the Earth."""

COORDINATES = (
    _scalar("SkyCoord", lambda v: SkyCoord(v[0], v[1], unit="deg"), holds="c"),
    _scalar("SkyCoord, galactic", lambda v: SkyCoord(v[0], v[1], unit="deg").galactic, holds="c"),
    _scalar("SkyCoord, FK5", lambda v: SkyCoord(v[0], v[1], unit="deg").fk5, holds="c"),
)
"""One position, or rows of them, in the place of ra and dec."""

TEXT = (
    Container(
        "text",
        lambda v, g, unit: f"{float(v):.17g}{unit or ''}",
        says="may",
        any_unit=True,
        misses=False,
    ),
)
"""An option of a command."""


def _tuples(v: Any) -> Any:
    return tuple(tuple(row) if np.ndim(row) else float(row) for row in v)


def _each(v: Values, make: Any) -> Any:
    if v.ndim > 1:
        return [_each(row, make) for row in v]
    return tuple(make(float(x)) for x in v)
