"""Which field of a light curve is taken as the measured value, in which unit and by which name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from skyseries.errors import InputError
from skyseries.schema import LightCurveFields, column_meta
from skyseries.units import factor_to, is_known, plain_unit

__all__ = ["Measured", "factors_of", "field_units", "measured_field", "with_units"]


@dataclass(frozen=True)
class Measured:
    """The value that features are computed from."""

    name: str
    """Stands in the names of the columns."""
    value: str
    """Field that is read."""
    error: str | None
    """Field of its errors."""
    unit: str
    """Unit after conversion; empty: not known."""
    is_magnitude: bool
    from_magnitude: bool = False
    """Whether magnitudes are converted to nJy on reading."""


def measured_field(fields: LightCurveFields, space: str | None = None) -> Measured:
    """Return what is measured: the survey's own value, or a flux.

    Parameters
    ----------
    fields : LightCurveFields
    space : {None, "flux"}
        None: magnitudes stay magnitudes. "flux": the flux field where there is one, else
        magnitudes converted to nJy under the name of the flux (``psfMag`` -> ``psfFlux``).
    """
    if space not in (None, "flux"):
        raise InputError(f"space must be None (the survey's own) or 'flux', not {space!r}")
    if space is None and fields.mag is not None:
        return Measured(fields.mag, fields.mag, fields.mag_err, "mag", True)
    if fields.flux is not None:
        unit = fields.flux_unit or ""
        return Measured(fields.flux, fields.flux, fields.flux_err, unit, False)
    mag = fields.mag or ""
    return Measured(_flux_name(mag), mag, fields.mag_err, "nJy", False, from_magnitude=True)


def field_units(type_: pa.DataType) -> dict[str, str]:
    """Return the units that the fields of a light-curve column say."""
    fields = type_ if pa.types.is_struct(type_) else ()
    return {field.name: unit for field in fields if (unit := column_meta(field).unit)}


def with_units(fields: LightCurveFields, units: Mapping[str, str]) -> LightCurveFields:
    """Return the roles with the unit of the flux that its field says, where none is known.

    A word that is no known unit says nothing.
    """
    if not isinstance(fields, LightCurveFields):
        raise InputError(f"fields must be LightCurveFields, which say what is what, not {fields!r}")
    said = plain_unit(units.get(fields.flux or "", ""))
    if not said or fields.flux_unit is not None or not is_known(said):
        return fields
    return fields.override(flux_unit=said)


def factors_of(
    fields: LightCurveFields, measured: Measured, units: Mapping[str, str]
) -> dict[str, float]:
    """Return by what to multiply the fields that are read to have days and the unit of `measured`.

    Raises
    ------
    InputError
        If a unit is not known or of another kind.
    """
    names = (fields.time, measured.value, measured.error)
    read = {name: units[name] for name in names if name is not None and name in units}
    if not read:
        return {}
    roles = fields.names()
    factors = fields.conversions({name: unit for name, unit in read.items() if name in roles})
    for name in read.keys() - set(roles):
        factor = factor_to(units[name], measured.unit or units[measured.value], f"field {name!r}")
        if factor != 1.0:
            factors[name] = factor
    return factors


def _flux_name(mag: str) -> str:
    def replace(match: re.Match[str]) -> str:
        return "Flux" if match[0][0].isupper() else "flux"

    name, found = re.subn(r"[Mm]ag(nitude)?", replace, mag, count=1)
    return name if found else f"{mag}Flux"
