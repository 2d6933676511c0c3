"""What times are: the format and its zero point, the scale, the reference position.

Words are taken in any case and in the spellings that data carry; what is no such word is an
error when it is given, not when it is needed. BJD and HJD are Julian days with a reference
position; BTJD and BKJD those of TESS and Kepler, counted from a later day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from skyseries.errors import InputError

__all__ = [
    "IMPLIED",
    "REFPOSITIONS",
    "TIME_FORMATS",
    "TIME_SCALES",
    "check_flux_unit",
    "doubt_about",
    "settled_times",
    "time_unit_words",
    "zero_point",
]

_JD_OF_MJD = 2400000.5

TIME_FORMATS: dict[str, float] = {
    "mjd": 0.0,
    "jd": -_JD_OF_MJD,
    "rjd": 2400000.0 - _JD_OF_MJD,
    "tjd": 40000.0,
    "bkjd": 2454833.0 - _JD_OF_MJD,
    "btjd": 2457000.0 - _JD_OF_MJD,
}
"""The MJD of zero in each: JD - 2400000 is often called reduced, JD - 2440000.5 truncated."""

TIME_SCALES = ("utc", "tai", "tt", "tdb", "tcb", "tcg", "ut1", "gps")
REFPOSITIONS = ("topocenter", "geocenter", "heliocenter", "barycenter")

_BARYCENTRIC = {"refposition": "barycenter"}
_SATELLITE = {"time_scale": "tdb", **_BARYCENTRIC}
IMPLIED: dict[str, dict[str, str]] = {
    "hjd": {"time_format": "jd", "refposition": "heliocenter"},
    "hmjd": {"time_format": "mjd", "refposition": "heliocenter"},
    "bjd": {"time_format": "jd", **_BARYCENTRIC},
    "bjd_tdb": {"time_format": "jd", **_SATELLITE},
    "bjd_utc": {"time_format": "jd", "time_scale": "utc", **_BARYCENTRIC},
    "bmjd": {"time_format": "mjd", **_BARYCENTRIC},
    "bmjd_tdb": {"time_format": "mjd", **_SATELLITE},
    "btjd": {"time_format": "btjd", **_SATELLITE},
    "bkjd": {"time_format": "bkjd", **_SATELLITE},
}
"""Formats that say more than a format (BTJD, BKJD: TESS Science Data Products Description;
Kepler Archive Manual)."""

_PLACES = {
    "topocenter": ("topocentre", "topocentric", "observatory", "topo"),
    "geocenter": ("geocentre", "geocentric", "geo", "earth"),
    "heliocenter": ("heliocentre", "heliocentric", "helio", "sun"),
    "barycenter": ("barycentre", "barycentric", "bary", "ssb", "ssbc", "solarsystem"),
}
_SCALE_SPELLINGS = {"et": "tt", "tdt": "tt", "iat": "tai", "gmt": "utc", "ut": "utc"}
_OFFSET = re.compile(r"(?P<kind>[hb]?jd)\s*-\s*(?P<zero>\d+(\.\d*)?)")
_UNIT = re.compile(
    r"(?P<format>[a-z]*jd(\s*-\s*\d+(\.\d*)?)?)"
    rf"([\s_(,]+(?P<scale>{'|'.join(TIME_SCALES)}))?\s*[,(]?\s*(days?|d)?\)?"
)

_FIRST_MJD, _LAST_MJD = -3652.0, 88069.0
"""1848 and 2100: before photography and after every survey that is planned."""


def settled_times(
    time_format: str | None, time_scale: str | None, refposition: str | None
) -> tuple[str | None, str | None, str | None]:
    """Return the three words in their one spelling, with what a format implies for the others.

    Raises
    ------
    InputError
        For a word that is not known, or one that contradicts the format.

    Examples
    --------
    >>> settled_times("BTJD", None, None)
    ('btjd', 'tdb', 'barycenter')
    """
    implied: Mapping[str, str] = {}
    if time_format is not None:
        time_format, implied = _settled_format(time_format)
    if time_scale is not None:
        scale = time_scale.strip().lower()
        time_scale = _one_of(
            "time_scale", time_scale, _SCALE_SPELLINGS.get(scale, scale), TIME_SCALES
        )
    if refposition is not None:
        spelled = {s: place for place, others in _PLACES.items() for s in others}
        lower = re.sub(r"[\s_-]", "", refposition.strip().lower())
        refposition = _one_of("refposition", refposition, spelled.get(lower, lower), REFPOSITIONS)
    for key, given in (("time_scale", time_scale), ("refposition", refposition)):
        if given is not None and implied.get(key, given) != given:
            raise InputError(
                f"{key} is said to be {given!r}, but times of this format are {implied[key]!r}"
            )
    return (
        time_format,
        time_scale or implied.get("time_scale"),
        refposition or implied.get("refposition"),
    )


def _settled_format(word: str) -> tuple[str, Mapping[str, str]]:
    lower = word.strip().lower()
    if found := _OFFSET.fullmatch(lower):
        name = _named_offset(float(found["zero"]), found["kind"] == "bjd")
        implied = IMPLIED.get(name) or IMPLIED.get(found["kind"], {})
        return name, {k: v for k, v in implied.items() if k != "time_format"}
    implied = IMPLIED.get(lower, {})
    known = implied.get("time_format", lower)
    more = ("hjd", "bjd", "bjd_tdb", "jd-2450000")
    return _one_of("time_format", word, known, TIME_FORMATS, more), implied


def _named_offset(zero: float, at_barycentre: bool) -> str:
    """Return the name of Julian days from a zero point on, as ``jd-2450000``."""
    mjd = zero - _JD_OF_MJD
    for name, known in TIME_FORMATS.items():
        if known == mjd and (at_barycentre or name not in IMPLIED):
            return name
    return f"jd-{zero:.10g}"


def _one_of(
    name: str, given: str, word: str, known: Iterable[str], more: tuple[str, ...] = ()
) -> str:
    words = (*known, *more)
    if word in words or _OFFSET.fullmatch(word):
        return word
    import difflib

    near = difflib.get_close_matches(word, words, 1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InputError(f"{name} must be one of {', '.join(words)}, not {given!r}{hint}")


def zero_point(time_format: str) -> float:
    """Return the MJD of zero in a settled format."""
    if found := _OFFSET.fullmatch(time_format):
        return float(found["zero"]) - _JD_OF_MJD
    return TIME_FORMATS[time_format]


def time_unit_words(unit: str) -> dict[str, str] | None:
    """Return what the unit of a column of times says of them; None if it is just a unit.

    Kepler and TESS write ``BJD - 2457000, days`` where others write ``d``.

    Examples
    --------
    >>> time_unit_words("BJD - 2457000, days")
    {'time_format': 'btjd', 'time_scale': 'tdb', 'refposition': 'barycenter'}
    """
    found = _UNIT.fullmatch(unit.strip().lower())
    if found is None:
        return None
    try:
        words = settled_times(found["format"], found["scale"], None)
    except InputError:
        return None
    keys = ("time_format", "time_scale", "refposition")
    return {key: word for key, word in zip(keys, words, strict=True) if word is not None}


def doubt_about(low: float, high: float, time_format: str | None) -> str | None:
    """Return why times cannot be what they are said to be; None if they can.

    Parameters
    ----------
    low, high : float
        Least and greatest of them, days.
    time_format : str or None
        Settled; None: nothing is said, and only seconds are doubted.
    """
    if time_format is None:
        return None if high < 1e8 else f"times up to {high:.6g} are no days; are they seconds?"
    zero = zero_point(time_format)
    if low + zero >= _FIRST_MJD and high + zero <= _LAST_MJD:
        return None
    fits = [
        name
        for name in ("mjd", "jd")
        if low + TIME_FORMATS[name] >= 15020.0 and high + TIME_FORMATS[name] <= _LAST_MJD
    ]
    if time_format in ("mjd", "tjd", "rjd") and low >= 0 and high + zero < 15020.0:
        return None  # days from a zero of their own, as simulations have
    hint = f"; they look like {fits[0].upper()}" if fits else ""
    hint = hint or ("; are they seconds?" if high > 1e8 else "")
    return (
        f"times from {low:.10g} to {high:.10g} are not of the years 1850 to 2100 as "
        f"{time_format.upper()}{hint}"
    )


def check_flux_unit(unit: str | None) -> str | None:
    """Return a unit of fluxes as it is kept.

    Raises
    ------
    InputError
        If it is no unit.
    """
    from skyseries.units import is_known, plain_unit

    if unit is None:
        return None
    if not is_known(unit):
        raise InputError(f"flux_unit={unit!r} is no unit that is known, such as nJy, uJy, adu")
    return plain_unit(unit) or None
