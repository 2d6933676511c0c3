"""Which field of a nested light-curve column is the time, the band, the flux, ...

A light curve is a ``struct<list<...>>`` of equal lengths under the survey's own field names.
The roles of the fields are kept in extra keys of ``hats.properties``
(``skyseries_lightcurve.<column>.<role>``); the names of `recognition` are known without them.
Nothing is assumed silently: an unknown time scale or unit stays None.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from skyseries.errors import InputError, SchemaError
from skyseries.schema.recognition import TIMES, find_error, find_name, flux_unit_of
from skyseries.schema.times import check_flux_unit, settled_times, time_unit_words
from skyseries.units import factor_to, plain_unit

__all__ = ["LightCurveFields"]

_PREFIX = "skyseries_lightcurve."


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
    """``mjd``, ``jd``, ``btjd``, ... (`schema.times`); None: not known."""
    time_scale: str | None = None
    """``tai``, ``utc``, ``tdb``, ...; None: not known."""
    refposition: str | None = None
    """``topocenter``, ``heliocenter``, ``barycenter``; None: not known."""
    flux_unit: str | None = None
    """``nJy``, ...; None: not known."""

    def __post_init__(self) -> None:
        settled = settled_times(self.time_format, self.time_scale, self.refposition)
        words = zip(("time_format", "time_scale", "refposition"), settled, strict=True)
        for name, word in (*words, ("flux_unit", check_flux_unit(self.flux_unit))):
            object.__setattr__(self, name, word)
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

    def conversions(self, units: Mapping[str, str]) -> dict[str, float]:
        """Return by what to multiply fields to have days, magnitudes, and fluxes of one unit.

        Parameters
        ----------
        units : mapping from str to str
            What the fields say of themselves; others say nothing.

        Returns
        -------
        factors : dict
            Of the fields that are in another unit.

        Raises
        ------
        InputError
            If a unit is not known or of another kind.
        """
        flux = self.flux_unit or plain_unit(units.get(self.flux or "", ""))
        targets = {
            self.time: "d", self.mag: "mag", self.mag_err: "mag", self.flux: flux,
            self.flux_err: flux,
        }  # fmt: skip
        factors = {}
        for name, target in targets.items():
            unit = "" if name is None else units.get(name, "")
            if name is None or (name == self.time and time_unit_words(unit) is not None):
                continue
            factor = factor_to(unit, target, f"field {name!r}")
            if factor != 1.0:
                factors[name] = factor
        return factors

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
        if "time" not in roles:
            return None
        try:
            return cls(**roles)
        except SchemaError:
            raise
        except InputError as error:  # written before such words were checked
            warnings.warn(f"the light curves {column!r}: {error}; it is ignored", stacklevel=2)
            said = ("time_format", "time_scale", "refposition", "flux_unit")
            return cls(**{role: value for role, value in roles.items() if role not in said})

    @classmethod
    def guess(cls, available: Iterable[str]) -> LightCurveFields | None:
        """Recognise the roles from the names (`recognition`); None if it is no light curve."""
        available = list(available)
        time, flux, mag = (find_name(role, available) for role in ("time", "flux", "mag"))
        if time is None or (flux is None and mag is None):
            return None
        alone = flux is None or mag is None
        return cls(
            time=time,
            band=find_name("band", available),
            flux=flux,
            flux_err=None if flux is None else find_error(flux, available, alone=alone),
            mag=mag,
            mag_err=None if mag is None else find_error(mag, available, alone=alone),
            flag=find_name("flag", available),
            flux_unit=flux_unit_of(flux, available),
            **TIMES.get(time.lower(), {}),
        )

    def override(self, **roles: str | None) -> LightCurveFields:
        """Return a copy with the given roles replaced; None leaves a role as it is."""
        return replace(self, **{role: name for role, name in roles.items() if name is not None})
