"""Regions as texts in STC-S, as far as people write them.

STC-S 1.0 (IVOA Note, 2007), appendix A of TAP 1.0: the name of a shape, then if wanted a frame, a
place that positions are seen from, a flavour of coordinates, then numbers in degrees.
"""

from __future__ import annotations

import math
import re

from skyseries.adql.types import Type
from skyseries.errors import InputError

__all__ = ["check_frame", "parse_stcs"]

_FRAMES = ("ICRS", "UNKNOWNFRAME")
_PLACES = frozenset([
    "GEOCENTER", "BARYCENTER", "HELIOCENTER", "TOPOCENTER", "RELOCATABLE", "UNKNOWNREFPOS",
])  # fmt: skip
_FLAVOURS = frozenset(["SPHERICAL2"])

_SHAPES = {"POSITION": Type.POINT, "CIRCLE": Type.CIRCLE, "POLYGON": Type.POLYGON}
_COUNTS = {"POSITION": 2, "CIRCLE": 3, "BOX": 4}


def check_frame(text: str) -> None:
    """Raise InputError if the words for a frame say another one than ICRS.

    Parameters
    ----------
    text : str
        Such as ``ICRS`` or ``ICRS GEOCENTER``; empty: ICRS.
    """
    words = text.upper().split()
    if words and words[0] in _FRAMES:
        words = words[1:]
    for word in words:
        if word not in _PLACES | _FLAVOURS:
            raise InputError(
                f"positions are in ICRS here, and {text!r} says something else: transform them, as"
                " by ivo_geom_transform('GALACTIC', 'ICRS', POINT(l, b))"
            )


def parse_stcs(text: str) -> tuple[str, tuple[float, ...]]:
    """Return the name of the shape that a text describes, and its numbers.

    Returns
    -------
    shape : str
        POSITION, CIRCLE, BOX or POLYGON.
    numbers : tuple of float
        Degrees.

    Raises
    ------
    InputError
        If the text is none, or in another frame than ICRS.
    """
    name, *words = re.sub(r"(?i)\s+unit\s+deg\s*$", "", text).split() or [""]
    name = name.upper()
    if name not in _SHAPES and name != "BOX":
        raise InputError(
            f"REGION understands POSITION, CIRCLE, BOX and POLYGON, as in 'CIRCLE ICRS 10 20 0.5', "
            f"not {name or 'an empty text'}"
        )
    first = next((i for i, word in enumerate(words) if _number(word) is not None), len(words))
    check_frame(" ".join(words[:first]))
    numbers = tuple(map(_number, words[first:]))
    for word, number in zip(words[first:], numbers, strict=True):
        if number is None:
            raise InputError(f"{word!r} in {text!r} is no number")
    count = _COUNTS.get(name)
    if count is not None and len(numbers) != count:
        raise InputError(f"a {name} has {count} numbers, not {len(numbers)}: {text!r}")
    if count is None and (len(numbers) < 6 or len(numbers) % 2):
        raise InputError(f"a POLYGON has three pairs of numbers or more: {text!r}")
    return name, numbers  # type: ignore[return-value]


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
