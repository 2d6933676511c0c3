"""What the headers of a FITS table say of its times (FITS Standard 4.0, section 9)."""

from __future__ import annotations

from typing import Any

import numpy as np

from skyseries.formats.times import MJD_ZERO, TimeMeta, format_of, refposition_of, scale_of

__all__ = ["fits_time"]

_UNIX_ZERO = 2_440_587.5
"""The Julian date of 1970-01-01."""


def fits_time(header: Any, primary: Any, index: int) -> TimeMeta:
    """Return what is known of the times of a column; nothing if it holds none.

    A column holds times if TCTYPn is a time scale or ``TIME``, or if it is called TIME in a
    table that has TIMESYS.

    Parameters
    ----------
    header, primary : astropy.io.fits.Header
        Of the table, and of the file: keywords of the frame may stand in either.
    index : int
        Number of the column, from 1.
    """

    def get(key: str) -> Any:
        return header.get(key, primary.get(key))

    kind = str(header.get(f"TCTYP{index}", "")).strip()
    own_scale = scale_of(kind)
    is_time = (
        kind.upper() == "TIME" or str(header.get(f"TTYPE{index}", "")).strip().upper() == "TIME"
    )
    if not own_scale and not (is_time and get("TIMESYS")):
        return TimeMeta()
    is_pair = str(header.get(f"TFORM{index}", "")).strip() == "2D"
    position = header.get(f"TRPOS{index}")
    if position is None and not is_pair:  # beside pairs astropy puts TREFPOS, known or not
        position = get("TREFPOS") or get("TIMEREF")
    origin = _origin(get)
    unit = str(header.get(f"TCUNI{index}") or header.get(f"TUNIT{index}") or "").strip()
    return TimeMeta(
        format=format_of(origin, unit),
        scale=own_scale or scale_of(str(get("TIMESYS"))),
        refposition=refposition_of(str(position or "")),
        origin=origin,
    )


def _origin(get: Any) -> str:
    for key, zero in (("MJDREF", MJD_ZERO), ("JDREF", 0.0), ("BJDREF", 0.0)):
        parts = [get(name) for name in (f"{key}I", f"{key}F")]
        if any(part is not None for part in parts):
            return repr(zero + float(parts[0] or 0) + float(parts[1] or 0))
        if (whole := get(key)) is not None:
            return repr(zero + float(whole))
    if date := get("DATEREF"):
        days = np.datetime64(str(date), "us") - np.datetime64("1970-01-01", "us")
        return repr(_UNIX_ZERO + float(days / np.timedelta64(1, "D")))
    return ""
