"""Which field of a nested light-curve column is the time, the band, the flux, ...

A light curve is a ``struct<list<...>>`` of equal lengths under the survey's own field names.
The roles of the fields are kept in extra keys of ``hats.properties``
(``skyseries_lightcurve.<column>.<role>``); Rubin's and ZTF's names are recognised without them.
Nothing is assumed silently: an unknown time scale or unit stays None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from skyseries.errors import SchemaError

__all__ = ["LightCurveFields"]

_PREFIX = "skyseries_lightcurve."

_KNOWN_NAMES: dict[str, tuple[str, ...]] = {
    "time": (
        "midpointMjdTai", "midPointTai", "expMidptMJD", "obsStartMJD",
        "hmjd", "mjd", "bjd", "hjd", "jd", "time", "t",
    ),
    "band": ("band", "filterName", "filter", "passband", "fid", "filtercode"),
    "flux": ("psfFlux", "psFlux", "psfDiffFlux", "forcediffimflux", "flux"),
    "mag": ("psfMag", "mag", "magpsf", "magnitude"),
    "flag": ("psfFlux_flag", "catflags", "flag", "flags"),
}  # fmt: skip
"""Names by role, the more specific first: Rubin (DP0.2, DP1, APDB), ZTF, then plain words."""

_ERROR_NAMES: dict[str, tuple[str, ...]] = {
    "forcediffimflux": ("forcediffimfluxunc",),
    "magpsf": ("sigmapsf",),
}
"""Errors whose name does not follow from the value's by `_error_candidates`."""

_KNOWN_TIMES: dict[str, dict[str, str]] = {
    "midpointMjdTai": {"time_format": "mjd", "time_scale": "tai", "refposition": "topocenter"},
    "midPointTai": {"time_format": "mjd", "time_scale": "tai", "refposition": "topocenter"},
    "expMidptMJD": {"time_format": "mjd", "time_scale": "tai", "refposition": "topocenter"},
    "hmjd": {"time_format": "mjd", "time_scale": "utc", "refposition": "heliocenter"},
    "mjd": {"time_format": "mjd"},
    "hjd": {"time_format": "jd", "refposition": "heliocenter"},
    "bjd": {"time_format": "jd", "refposition": "barycenter"},
    "jd": {"time_format": "jd"},
}
"""What a survey's own name says of its times (Rubin's data products; ZTF's documentation)."""

_NANOJANSKY_NAMES = {"psfFlux", "psFlux", "psfDiffFlux"}


@dataclass(frozen=True)
class LightCurveFields:
    """The roles of the fields of one nested column.

    Either a flux or a magnitude (or both) is given.
    """

    time: str
    """Field of the observation times, days."""
    band: str | None = None
    """Field of the passband: text or a small integer; None for single-band data."""
    flux: str | None = None
    flux_err: str | None = None
    mag: str | None = None
    mag_err: str | None = None
    flag: str | None = None
    """Field of a quality flag: an epoch is bad where it is true or not zero."""
    time_format: str | None = None
    """``mjd`` or ``jd``."""
    time_scale: str | None = None
    """``tai``, ``utc``, ``tdb``, ...; None: not known."""
    refposition: str | None = None
    """``topocenter``, ``heliocenter``, ``barycenter``; None: not known."""
    flux_unit: str | None = None
    """``nJy``, ...; None: not known."""

    def __post_init__(self) -> None:
        if self.flux is None and self.mag is None:
            raise SchemaError("a light curve needs a flux or a magnitude field; give flux= or mag=")

    @property
    def value(self) -> str:
        """The measured field: the magnitude where there is one, else the flux."""
        return self.mag or self.flux or ""

    @property
    def error(self) -> str | None:
        """The field of the errors that belong to `value`."""
        return self.mag_err if self.mag else self.flux_err

    @property
    def is_magnitude(self) -> bool:
        """Whether `value` is a magnitude (brighter is smaller)."""
        return self.mag is not None

    def names(self) -> tuple[str, ...]:
        """Return the names of the fields that have a role, the time first."""
        roles = ("time", "band", "flux", "flux_err", "mag", "mag_err", "flag")
        return tuple(name for role in roles if (name := getattr(self, role)) is not None)

    def check(self, available: Iterable[str]) -> None:
        """Raise SchemaError if one of the named fields is not there."""
        available = list(available)
        if missing := [name for name in self.names() if name not in available]:
            raise SchemaError(
                f"the light curve has no field {missing[0]!r}; it has: {', '.join(available)}"
            )

    def to_properties(self, column: str) -> dict[str, str]:
        """Return the entries of hats.properties for this nested column."""
        return {
            f"{_PREFIX}{column}.{role.name}": value
            for role in fields(self)
            if (value := getattr(self, role.name)) is not None
        }

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], column: str) -> LightCurveFields | None:
        """Return the roles that hats.properties holds for this column, if any."""
        known = {role.name for role in fields(cls)}
        prefix = f"{_PREFIX}{column}."
        roles = {
            role: value
            for key, value in properties.items()
            if key.startswith(prefix) and (role := key.removeprefix(prefix)) in known
        }
        return cls(**roles) if "time" in roles else None

    @classmethod
    def guess(cls, available: Iterable[str]) -> LightCurveFields | None:
        """Recognise the roles from Rubin's, ZTF's and plain names; None if no light curve."""
        available = list(available)

        def find(role: str) -> str | None:
            return next((name for name in _KNOWN_NAMES[role] if name in available), None)

        time, flux, mag = find("time"), find("flux"), find("mag")
        if time is None or (flux is None and mag is None):
            return None
        return cls(
            time=time,
            band=find("band"),
            flux=flux,
            flux_err=_find_error(flux, available),
            mag=mag,
            mag_err=_find_error(mag, available),
            flag=find("flag"),
            flux_unit="nJy" if flux in _NANOJANSKY_NAMES else None,
            **_KNOWN_TIMES.get(time, {}),
        )

    def override(self, **roles: str | None) -> LightCurveFields:
        """Return a copy with the given roles replaced; None leaves a role as it is."""
        return replace(self, **{role: name for role, name in roles.items() if name is not None})


def _error_candidates(value: str) -> tuple[str, ...]:
    return (
        *_ERROR_NAMES.get(value, ()),
        f"{value}Err", f"{value}_err", f"{value}err", f"{value}_error", f"err_{value}",
    )  # fmt: skip


def _find_error(value: str | None, available: list[str]) -> str | None:
    if value is None:
        return None
    return next((name for name in _error_candidates(value) if name in available), None)
