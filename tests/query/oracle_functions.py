"""What the functions of the language are, in plain Python; no argument is NULL, but for a few."""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

import numpy as np

from tests.query import oracle_sky as sky

__all__ = ["FUNCTIONS", "WITH_NULL", "missing"]

_AB = 10 ** (-48.6 / 2.5)
_NAN = math.nan


def missing(x):
    return x is None or (isinstance(x, float | np.floating) and math.isnan(x))


def _double(function):
    def called(*values):
        with np.errstate(all="ignore"):
            return float(function(*map(np.float64, values)))

    return called


def _whole_or(function):
    return lambda x: x if isinstance(x, int) else float(function(np.float64(x)))


def _mod(a, b):
    if isinstance(a, int) and isinstance(b, int):
        return (
            None if b == 0 else int(a - b * (abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1))
        )
    return _double(np.fmod)(a, b)


def _rounded(x, digits=0):
    x = float(x)
    if not math.isfinite(x):
        return x
    scale = 10.0 ** abs(digits)
    scaled = abs(x * scale if digits >= 0 else x / scale)
    whole = math.floor(scaled) + (scaled - math.floor(scaled) >= 0.5)
    return math.copysign(whole / scale if digits >= 0 else whole * scale, x)


def _truncated(x, digits=0):
    x = float(x)
    if not math.isfinite(x):
        return x
    return float(Decimal(repr(x)).scaleb(digits).quantize(Decimal(1), ROUND_DOWN).scaleb(-digits))


def _days(zero):
    return lambda when: (when - datetime(1970, 1, 1)).total_seconds() / 86400 + zero


def _match(text, pattern):
    return int(like(text, pattern, insensitive=True))


def like(text, pattern, *, insensitive):
    """Return whether a text is like a pattern."""
    parts = {"%": ".*", "_": "."}
    regex = "".join(parts.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(regex, text, re.DOTALL | re.IGNORECASE * insensitive) is not None


def _words(text):
    return set(re.findall(r"[^\W_]+", text.lower()))


def _overlap(a1, b1, a2, b2):
    if not all(x < math.inf or x == math.inf for x in (a1, b1, a2, b2)):  # NaN
        return None
    return int(a1 <= b1 and a2 <= b2 and a1 <= b2 and a2 <= b1)


def _angle(letter, most, scale, *, signed):
    forms = [
        rf"([+-]?)(\d+){a}(\d+){b}([\d.]+){c}" for a, b, c in (("[:]", ":", ""), (letter, "m", "s"))
    ]
    forms.append(r"([+-]?)(\d\d)(\d\d)(\d\d\.?\d*)")

    def read(text):
        for form in forms:
            found = re.fullmatch(form, text.strip())
            if found:
                sign, d, m, s = found.groups()
                size = int(d) + int(m) / 60 + float(s) / 3600
                if size > most or (sign == "-" and not signed):
                    return None
                return (-size if sign == "-" else size) * scale
        return None

    return read


def _right(condition, value):
    return value() if condition else _NAN


def _ok(*values):
    return all(0 <= v < math.inf for v in values)


def _above(*values):
    return all(0 < v < math.inf for v in values)


def _log10(x):
    return float(np.log10(np.float64(x)))


def _power10(x):
    with np.errstate(all="ignore"):
        return float(np.power(np.float64(10), np.float64(x)))


_E = 2.5 / math.log(10)
_PHOTOMETRY = {
    "nanojanskyToAbMag": lambda f: _right(_above(f), lambda: 31.4 - 2.5 * _log10(f)),
    "nanojanskyToAbMagSigma": lambda f, e: _right(f > 0, lambda: _E * e / f),
    "abMagToNanojansky": lambda m: _power10((31.4 - m) / 2.5),
    "abMagToNanojanskySigma": lambda m, e: _right(
        _ok(e), lambda: e * _power10((31.4 - m) / 2.5) / _E
    ),
    "fluxToAbMag": lambda f: _right(_above(f), lambda: -2.5 * _log10(f) - 48.6),
    "fluxToAbMagSigma": lambda f, e: _right(_above(f) and _ok(e), lambda: _E * e / f),
    "abMagToFlux": lambda m: _power10((m + 48.6) / -2.5),
    "abMagToFluxSigma": lambda m, e: _right(_ok(e), lambda: e * _power10((m + 48.6) / -2.5) / _E),
    "dnToAbMag": lambda n, z: _right(_above(n, z), lambda: -2.5 * _log10(_AB * n / z) - 48.6),
    "dnToAbMagSigma": lambda n, e, z, s: _right(
        _above(n, z) and _ok(e, s), lambda: _E * math.hypot(e / n, s / z)
    ),
    "dnToFlux": lambda n, z: _right(_above(z), lambda: _AB * n / z),
    "dnToFluxSigma": lambda n, e, z, s: _right(
        _above(z) and _ok(e, s), lambda: _AB * math.hypot(e / z, n * s / z / z)
    ),
    "fluxToDn": lambda f, z: _right(_above(z), lambda: f * z / _AB),
    "fluxToDnSigma": lambda f, e, z, s: _right(
        _above(z) and _ok(e, s), lambda: math.hypot(f * s, e * z) / _AB
    ),
    "abMagToDn": lambda m, z: _right(_above(z), lambda: _power10((m + 48.6) / -2.5) * z / _AB),
    "abMagToDnSigma": lambda m, e, z, s: _right(
        _above(z) and _ok(e, s),
        lambda: _power10((m + 48.6) / -2.5) / _AB * math.hypot(s, e / _E * z),
    ),
}


def _plain(function):
    """Leave out the name of a frame before the other arguments."""
    return lambda *values: function(*(values[1:] if isinstance(values[0], str) else values))


FUNCTIONS = (
    {
        "ABS": abs,
        "CEILING": _whole_or(np.ceil),
        "FLOOR": _whole_or(np.floor),
        "DEGREES": _double(np.degrees),
        "RADIANS": _double(np.radians),
        "EXP": _double(np.exp),
        "LOG": _double(np.log),
        "LOG10": _double(np.log10),
        "SQRT": _double(np.sqrt),
        "MOD": _mod,
        "PI": lambda: math.pi,
        "POWER": _double(np.power),
        "RAND": lambda *_: 0.0,  # it stands in FLOOR
        "ROUND": _rounded,
        "TRUNCATE": _truncated,
        "ACOS": _double(np.arccos),
        "ASIN": _double(np.arcsin),
        "ATAN": _double(np.arctan),
        "ATAN2": _double(np.arctan2),
        "COS": _double(np.cos),
        "COT": _double(lambda x: 1 / np.tan(x)),
        "SIN": _double(np.sin),
        "TAN": _double(np.tan),
        "LOWER": str.lower,
        "UPPER": str.upper,
        "IN_UNIT": lambda x, unit: (
            x * {"rad": math.pi / 180, "arcmin": 60, "arcsec": 3600, "mas": 3.6e6}[unit]
        ),
        "POINT": _plain(sky.point),
        "CIRCLE": _plain(sky.circle),
        "BOX": _plain(sky.box),
        "POLYGON": _plain(sky.polygon),
        "REGION": sky.region,
        "MOC": sky.moc,
        "DISTANCE": sky.distance,
        "CONTAINS": sky.contains,
        "INTERSECTS": sky.intersects,
        "AREA": sky.area,
        "CENTROID": sky.centroid,
        "COORD1": lambda p: p[1],
        "COORD2": lambda p: p[2],
        "IVO_HEALPIX_INDEX": sky.healpix_index,
        "IVO_HEALPIX_CENTER": sky.healpix_center,
        "IVO_GEOM_TRANSFORM": sky.transform,
        "IVO_TO_JD": _days(2440587.5),
        "IVO_TO_MJD": _days(40587),
        "IVO_NOCASEMATCH": _match,
        "IVO_HASWORD": lambda text, words: int(_words(words) <= _words(text)),
        "IVO_HASHLIST_HAS": lambda text, word: int(word.lower() in text.lower().split("#")),
        "IVO_NORMAL_RANDOM": lambda mu, sigma: float(mu),  # sigma is 0
        "IVO_INTERVAL_OVERLAPS": _overlap,
        "IVO_HMS_TO_DEGREES": _angle("h", 24, 15, signed=False),
        "IVO_DMS_TO_DEGREES": _angle("d", 360, 1, signed=True),
        "SCISQL_ANGSEP": lambda *x: (
            sky.distance(*x)
            if len(x) == 4
            else sky.angle(tuple(map(float, x[:3])), tuple(map(float, x[3:])))
        ),
        "BITAND": lambda a, b: a & b,
    }
    | {f"SCISQL_{name.upper()}": function for name, function in _PHOTOMETRY.items()}
)


def _zero_for_null(function):
    return lambda *values: 0 if any(map(missing, values)) else function(*values)


def _in_circle(ra, dec, *circle):
    place, region = sky.point(ra, dec), sky.circle(*circle)
    return sky.contains(place, region) if place and region else 0


def _in_polygon(ra, dec, *corners):
    place, region = sky.point(ra, dec), sky.polygon(*corners)
    return sky.contains(place, region) if place and region else 0


WITH_NULL = {
    "COORDSYS": lambda _: "ICRS",
    "COALESCE": lambda *values: next((x for x in values[:-1] if not missing(x)), values[-1]),
    "IVO_EPOCH_PROP_POS": sky.propagated,
    "SCISQL_S2PTINCIRCLE": _zero_for_null(_in_circle),
    "SCISQL_S2PTINCPOLY": _zero_for_null(_in_polygon),
    "SCISQL_S2PTINBOX": _zero_for_null(sky.within_box),
    "SCISQL_S2PTINELLIPSE": _zero_for_null(sky.within_ellipse),
}
"""Functions that NULL does not make NULL."""
