"""The COOSYS and TIMESYS elements of a VOTable, by what its columns say of themselves."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

import pyarrow as pa

from skyseries.formats.times import MJD_ZERO, time_meta
from skyseries.schema import column_meta
from skyseries.schema.columns import frame_of
from skyseries.schema.times import time_unit_words, zero_point

__all__ = ["Systems"]

_FRAMES = {
    "icrs": ("ICRS", "ICRS"), "fk5": ("eq_FK5", "FK5"), "fk4": ("eq_FK4", "FK4"),
    "galactic": ("galactic", "GALACTIC"), "supergalactic": ("supergalactic", "SUPER_GALACTIC"),
}  # fmt: skip
"""The words of VOTable 1.4, and of 1.5."""
_POSITIONS = ("pos.eq.ra", "pos.eq.dec")


class Systems:
    """Which systems there are, and which one a column refers to.

    Parameters
    ----------
    flat : pyarrow.Schema
        Without structs.
    version : str
        Of VOTable.
    """

    def __init__(self, flat: pa.Schema, version: str) -> None:
        self._is_old = version == "1.4"
        self._ids: dict[str, str] = {}
        """The ID of each element, which is written with ``{}`` in its place."""
        self._refs = {field.name: self._ref(field) for field in flat}

    def of(self, field: pa.Field) -> str:
        """Return the ID of the system of a column; empty if it says none."""
        return self._refs[field.name]

    def elements(self) -> list[str]:
        """Return the elements."""
        return [element.format(quoteattr(name)) for element, name in self._ids.items()]

    def _ref(self, field: pa.Field) -> str:
        element = _timesys(field) or self._coosys(field)
        if not element:
            return ""
        kind = element[1:].partition(" ")[0].lower()
        number = sum(name.startswith(kind) for name in self._ids.values()) + 1
        return self._ids.setdefault(element, f"{kind}{number}")

    def _coosys(self, field: pa.Field) -> str:
        frame = frame_of(field)
        if not frame and column_meta(field).ucd.lower().split(";")[0].strip() in _POSITIONS:
            frame = "icrs"
        if frame not in _FRAMES:
            return ""
        old, new = _FRAMES[frame]
        return f'<COOSYS ID={{}} system="{old if self._is_old else new}"/>'


def _timesys(field: pa.Field) -> str:
    meta, words = time_meta(field), time_unit_words(column_meta(field).unit) or {}
    scale = (meta.scale or words.get("time_scale", "")).upper()
    if not scale:
        return ""
    place = (meta.refposition or words.get("refposition", "unknown")).upper()
    origin = _origin(meta.origin, meta.format or words.get("time_format", ""))
    told = f" timeorigin={quoteattr(origin)}" if origin else ""
    return f'<TIMESYS ID={{}}{told} timescale="{scale}" refposition="{place}"/>'


def _origin(julian_date: str, format: str) -> str:
    """Return where the numbers are zero: a Julian date, or the word for one."""
    if not julian_date and format and format != "isot":
        julian_date = repr(zero_point(format) + MJD_ZERO)
    if not julian_date:
        return ""
    return {MJD_ZERO: "MJD-origin", 0.0: "JD-origin"}.get(float(julian_date), julian_date)
