"""Angles that are written with colons or letters."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from skyseries.adql.kernels.operands import Operand, Result
from skyseries.arraytypes import Floats
from skyseries.arrow import floats, to_numpy
from skyseries.lazy import pc

__all__ = ["dms", "hms"]

_SECONDS = r"(?P<s>[0-5]?\d(?:\.\d*)?)"
_FORMS = (
    r"^\s*(?P<sign>[+-]?)(?P<d>\d{{1,3}}):(?P<m>[0-5]?\d):{seconds}\s*$",
    r"^\s*(?P<sign>[+-]?)(?P<d>\d{{1,3}})[{letter}]\s*(?P<m>[0-5]?\d)[mM]\s*{seconds}[sS]\s*$",
    r"^\s*(?P<sign>[+-]?)(?P<d>\d{{2}})(?P<m>[0-5]\d)(?P<s>[0-5]\d(?:\.\d*)?)\s*$",
)


def hms(text: Operand) -> Result:
    """Return hours, minutes and seconds in degrees, from 0 to 360; NULL for anything else."""
    hours, negative = _read(text, "hH")
    hours[negative | (hours > 24.0)] = np.nan
    return hours[0] * 15.0 if text.is_constant else hours * 15.0


def dms(text: Operand) -> Result:
    """Return degrees, minutes and seconds in degrees, from -360 to 360; NULL for anything else."""
    degrees, negative = _read(text, "dD")
    degrees[degrees > 360.0] = np.nan
    degrees = np.where(negative, -degrees, degrees)
    return degrees[0] if text.is_constant else degrees


def _read(text: Operand, letter: str) -> tuple[Floats, np.ndarray]:
    """Return the sizes of angles, NaN where they cannot be read, and which are negative."""
    array = pa.array([text.value], pa.string()) if text.is_constant else text.value
    size, negative = np.full(len(array), np.nan), np.zeros(len(array), bool)
    for form in _FORMS:
        parts = pc.extract_regex(array, form.format(letter=letter, seconds=_SECONDS))
        found = to_numpy(parts.is_valid())
        if not found.any():
            continue
        d, m, s = (floats(pc.struct_field(parts, part).filter(found)) for part in "dms")
        size[found] = d + m / 60.0 + s / 3600.0
        negative[found] = np.asarray(pc.equal(pc.struct_field(parts, "sign"), "-"))[found]
    return size, negative
