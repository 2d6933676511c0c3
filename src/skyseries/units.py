"""Units as text: what they are, and by what a value is multiplied to be in another one.

The one rule of units: a column, an array or an argument that says its unit is converted to the
unit that is needed; where that is impossible, because the unit is of another kind or not known,
it is refused with an error that names it. What says nothing is taken to be in the unit needed.
"""

from __future__ import annotations

import math
import re
import warnings
from functools import cache
from typing import Any

from skyseries.errors import InputError

__all__ = [
    "conversion_factor",
    "converts",
    "factor_to",
    "is_known",
    "plain_unit",
    "same_unit",
    "size_text",
    "unit_product",
    "unit_text",
]

_NONE = {"", "-", "--", "---", "none", "null", "n/a", "unitless", "dimensionless"}
"""What headers write where a column has no unit."""

_SPELLINGS = {
    "deg": "deg", "degree": "deg", "degrees": "deg", "degs": "deg", "°": "deg",
    "arcmin": "arcmin", "arcminute": "arcmin", "arcminutes": "arcmin",
    "arcsec": "arcsec", "arcsecond": "arcsec", "arcseconds": "arcsec", "asec": "arcsec",
    "mas": "mas", "milliarcsecond": "mas", "milliarcseconds": "mas", "marcsec": "mas",
    "radian": "rad", "radians": "rad",
    "d": "d", "day": "d", "days": "d", "jd": "d", "mjd": "d", "hjd": "d", "bjd": "d",
    "rjd": "d", "tjd": "d", "btjd": "d", "bkjd": "d", "hour": "h", "hours": "h",
    "hr": "h", "hrs": "h", "minute": "min", "minutes": "min", "second": "s", "seconds": "s",
    "sec": "s", "secs": "s", "year": "yr", "years": "yr",
    "mag": "mag", "mags": "mag", "magnitude": "mag", "magnitudes": "mag",
    "abmag": "mag", "vegamag": "mag", "stmag": "mag", "mag(vega)": "mag",
    "e-/s": "electron/s", "e/s": "electron/s", "e-.s**-1": "electron/s", "e-": "electron",
    "electrons": "electron", "electrons/s": "electron/s", "adu": "adu", "counts": "count",
    "counts/s": "count/s",
    "nanojansky": "nJy", "microjansky": "uJy", "nanomaggy": "nmgy", "nanomaggies": "nmgy",
}  # fmt: skip
"""Words that astropy's parser does not know, or not in capital letters (keys are lower case)."""

_CENTURY = re.compile(r"\b(century|centuries|cy)\b")

_SIMPLE = {
    "deg": ("angle", 3600.0), "arcmin": ("angle", 60.0), "arcsec": ("angle", 1.0),
    "mas": ("angle", 1e-3), "uas": ("angle", 1e-6), "rad": ("angle", math.degrees(1) * 3600.0),
    "hourangle": ("angle", 54000.0), "mas/yr": ("motion", 1.0), "arcsec/yr": ("motion", 1e3),
    "d": ("time", 86400.0), "h": ("time", 3600.0), "min": ("time", 60.0), "s": ("time", 1.0),
    "yr": ("time", 31557600.0), "1/d": ("frequency", 1.0), "mag": ("mag", 1.0),
    "mmag": ("mag", 1e-3), "nJy": ("flux", 1.0), "uJy": ("flux", 1e3), "mJy": ("flux", 1e6),
    "Jy": ("flux", 1e9), "nmgy": ("flux", 3631.0),
}  # fmt: skip
"""The everyday ones, so that astropy's units need not be imported for them, and the nanomaggy of
SDSS (AB), which astropy takes for a number."""


def plain_unit(unit: Any) -> str:
    """Return a unit as text; empty where there is none, in whatever way that is said.

    Examples
    --------
    >>> plain_unit("---"), plain_unit(None), plain_unit("Degrees")
    ('', '', 'deg')
    """
    text = "" if unit is None else str(unit).strip().replace("µ", "u").replace("μ", "u")
    lower = text.lower()
    return "" if lower in _NONE else _SPELLINGS.get(lower, text)


def unit_text(unit: Any) -> str:
    """Return the text of a unit of astropy, as it is kept with a column."""
    return "" if unit is None else str(getattr(unit, "function_unit", unit))


def is_known(unit: str) -> bool:
    """Return whether a text is a unit; an empty one is."""
    unit = plain_unit(unit)
    if not unit or unit in _SIMPLE:
        return True
    try:
        _parsed(unit)
    except ValueError:
        return False
    return True


def same_unit(one: str, other: str) -> bool:
    """Return whether two texts are the same unit; unknown ones only if they are the same text."""
    one, other = plain_unit(one), plain_unit(other)
    if one == other:
        return True
    try:
        return conversion_factor(one, other) == 1.0
    except ValueError:
        return False


def converts(unit: str, target: str) -> bool:
    """Return whether a text is a unit of the kind of another one."""
    try:
        conversion_factor(unit, target)
    except ValueError:
        return False
    return True


@cache
def conversion_factor(source: str, target: str) -> float:
    """Return by what to multiply a value in `source` to have it in `target`.

    Parameters
    ----------
    source, target : str
        As VOUnit, FITS or astropy write it: ``mas.yr**-1``, ``mas/yr``, ``mas yr-1``.

    Raises
    ------
    ValueError
        With a message for people: a unit is not known, or they differ in kind.

    Examples
    --------
    >>> conversion_factor("deg", "arcsec")
    3600.0
    """
    before, after = plain_unit(source), plain_unit(target)
    if before == after and before:
        return 1.0
    first, second = _SIMPLE.get(before), _SIMPLE.get(after)
    if first is not None and second is not None:
        if first[0] != second[0]:
            raise ValueError(f"{source} cannot be converted to {target}")
        return first[1] / second[1]
    old, new = _parsed(before), _parsed(after)
    if not old.is_equivalent(new):
        raise ValueError(f"{source} cannot be converted to {target}")
    try:
        return float(old.to(new))
    except Exception as error:
        raise ValueError(f"{source} is not {target} times a number") from error


def factor_to(unit: str, target: str, what: str) -> float:
    """Return by what to multiply something to have it in the unit that is needed.

    Parameters
    ----------
    unit : str
        What it says of itself; empty: nothing, so it is in `target`.
    target : str
        Empty: no unit is needed, and none may be given.
    what : str
        Its name in the error, such as ``"column 'ra'"``.

    Raises
    ------
    InputError
        If the unit is not known, or is of another kind.
    """
    unit = plain_unit(unit)
    if not unit or unit == target:
        return 1.0
    if not target:
        raise InputError(f"{what} is in the unit {unit!r}, but a plain number is needed")
    try:
        return conversion_factor(unit, target)
    except ValueError:
        kind = "is no unit that is known" if not is_known(unit) else f"is no unit of {target}"
        raise InputError(
            f"{what} is in the unit {unit!r}, which {kind}: it is needed in {target}, or in "
            "another unit that can be converted to it"
        ) from None


@cache
def unit_product(one: str, other: str, power: float = 1.0) -> str | None:
    """Return the unit of ``one * other**power``; None if one of them is not known.

    Examples
    --------
    >>> unit_product("mas", "mas"), unit_product("", "mas**2", 0.5), unit_product("", "")
    ('mas**2', 'mas', '')
    """
    from astropy.units import dimensionless_unscaled

    try:
        first, second = (
            _parsed(unit) if plain_unit(unit) else dimensionless_unscaled for unit in (one, other)
        )
        return str((first * second**power).to_string("vounit"))
    except ValueError:
        return None


@cache
def _parsed(text: str) -> Any:
    from astropy import units

    if not text.strip():
        raise ValueError("an empty text is no unit")
    spelled = _CENTURY.sub("hyr", text.replace("Å", "Angstrom"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)  # deprecated ones are units too
        for syntax in ("vounit", "generic", "fits", "cds"):
            try:
                found = units.Unit(spelled, format=syntax)
            except (ValueError, TypeError):
                continue
            return getattr(found, "function_unit", found)
    raise ValueError(f"{text!r} is no unit that is known")


def size_text(n: int) -> str:
    """Return a size for people, for instance ``1.23 GB``."""
    size = float(n)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
