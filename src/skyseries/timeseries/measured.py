"""Which field of a light curve is taken as the measured value, in which unit and by which name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skyseries.errors import InputError
from skyseries.schema import LightCurveFields

__all__ = ["Measured", "measured_field"]


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


def _flux_name(mag: str) -> str:
    def replace(match: re.Match[str]) -> str:
        return "Flux" if match[0][0].isupper() else "flux"

    name, found = re.subn(r"[Mm]ag(nitude)?", replace, mag, count=1)
    return name if found else f"{mag}Flux"
