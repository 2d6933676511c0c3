"""What a file says of its times: format, scale, reference position and zero point.

Kept in the metadata of the Arrow field: ``time_format`` (``mjd``, ``jd``, ``isot``),
``time_scale`` (``utc``, ``tdb``, ...), ``time_refposition`` (``topocenter``, ``heliocenter``,
``barycenter``, ...) and ``time_origin`` (the Julian date at which the numbers are zero).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pyarrow as pa

__all__ = [
    "MJD_ZERO",
    "TimeMeta",
    "format_of",
    "origin_of",
    "refposition_of",
    "scale_of",
    "time_meta",
    "with_time_meta",
]

MJD_ZERO = 2_400_000.5
"""The Julian date of MJD 0."""
_SCALES = ("tai", "tcb", "tcg", "tdb", "tt", "ut1", "utc")
_SAME_SCALES = {"tdt": "tt", "et": "tt", "iat": "tai", "ut": "utc", "gmt": "utc"}
"""Older names (FITS Standard 4.0, table 30)."""
_REFPOSITIONS = {
    "topo": "topocenter", "geo": "geocenter", "bary": "barycenter", "solarsys": "barycenter",
    "helio": "heliocenter", "embary": "embarycenter",
}  # fmt: skip


@dataclass(frozen=True)
class TimeMeta:
    """What is known of the times of a column; an unknown is an empty string."""

    format: str = ""
    scale: str = ""
    refposition: str = ""
    origin: str = ""


def time_meta(field: pa.Field) -> TimeMeta:
    """Return what an Arrow field says of its times."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return TimeMeta(
        **{
            key.name: metadata.get(f"time_{key.name}".encode(), b"").decode()
            for key in fields(TimeMeta)
        }
    )


def with_time_meta(field: pa.Field, meta: TimeMeta) -> pa.Field:
    """Return the field with this metadata added; empty entries are left as they were."""
    metadata = dict(field.metadata or {})
    for key in fields(TimeMeta):
        if value := getattr(meta, key.name):
            metadata[f"time_{key.name}".encode()] = value.encode()
    return field.with_metadata(metadata or None)


def scale_of(text: str) -> str:
    """Return a time scale in our words; empty if it is none (``TT(TAI)`` is ``tt``)."""
    plain = text.partition("(")[0].strip().lower()
    plain = _SAME_SCALES.get(plain, plain)
    return plain if plain in _SCALES else ""


def refposition_of(text: str) -> str:
    """Return a reference position in our words, from the words of FITS and of VOTable."""
    plain = text.strip().lower()
    return next((ours for start, ours in _REFPOSITIONS.items() if plain.startswith(start)), "")


def format_of(origin: str, unit: str) -> str:
    """Return ``mjd`` or ``jd`` where days from this zero point are that; else an empty string."""
    if unit not in ("", "d", "day") or not origin:
        return ""
    return {MJD_ZERO: "mjd", 0.0: "jd"}.get(float(origin), "")


def origin_of(text: str) -> str:
    """Return the Julian date of a VOTable's ``timeorigin``; empty if it is none."""
    known = {"MJD-origin": MJD_ZERO, "JD-origin": 0.0}
    try:
        return repr(known.get(text.strip()) if text.strip() in known else float(text))
    except ValueError:
        return ""
