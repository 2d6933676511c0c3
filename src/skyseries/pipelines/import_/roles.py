"""What has to be done to the columns of light curves at import, by their roles."""

from __future__ import annotations

import pyarrow as pa

from skyseries.errors import SchemaError
from skyseries.pipelines.import_.intake import kind_of_label, kind_of_number, kind_of_time
from skyseries.schema import LightCurveFields, column_meta
from skyseries.schema.conversion import Conversion
from skyseries.schema.recognition import find_error, unused_errors
from skyseries.schema.roles import may_count
from skyseries.units import plain_unit

__all__ = ["conversion", "kinds", "said"]

_MOST_SHOWN = 5


def kinds(schema: pa.Schema, roles: LightCurveFields) -> dict[str, str]:
    """Return what has to be done to the cells of columns (`intake`).

    Raises
    ------
    SchemaError
        If a column cannot have its role.
    """
    found = {roles.time: kind_of_time(schema.field(roles.time))}
    for role in ("flux", "flux_err", "mag", "mag_err"):
        if (name := getattr(roles, role)) is not None:
            found[name] = kind_of_number(schema.field(name), role)
    if roles.band is not None:
        found[roles.band] = kind_of_label(schema.field(roles.band))
    if roles.flag is not None and not may_count(kind := schema.field(roles.flag).type):
        raise SchemaError(
            f"column {roles.flag!r} (flag) is {kind}; a flag is true or false, or a number that is "
            "0 where an epoch is good"
        )
    return {name: kind for name, kind in found.items() if kind is not None}


def conversion(schema: pa.Schema, roles: LightCurveFields) -> Conversion:
    """Return how the columns come to days, magnitudes, and fluxes of one unit.

    Raises
    ------
    InputError
        If a unit is not known or of another kind.
    """
    units = {name: column_meta(schema.field(name)).unit for name in roles.names()}
    flux = roles.flux_unit or plain_unit(units.get(roles.flux or "", ""))
    targets = {roles.mag: "mag", roles.mag_err: "mag", roles.flux: flux, roles.flux_err: flux}
    return Conversion(
        {
            name: (factor, "d" if name == roles.time else targets[name])
            for name, factor in roles.conversions(units).items()
        }
    )


def said(schema: pa.Schema, roles: LightCurveFields) -> list[str]:
    """Return what was taken for what, as lines for people."""
    times = (roles.time_format, roles.time_scale, roles.refposition)
    words = ", ".join(word for word in times if word is not None)
    parts = [f"{roles.time} ({words})" if words else roles.time]
    for value, error, unit in (
        (roles.mag, roles.mag_err, None), (roles.flux, roles.flux_err, roles.flux_unit),
    ):  # fmt: skip
        if value is not None:
            shown = f"{value} +- {error}" if error else value
            parts.append(f"{shown} in {unit}" if unit else shown)
    parts.append(f"band {roles.band}" if roles.band else "no band")
    if roles.flag:
        parts.append(f"flag {roles.flag}")
    lines = [f"light curves {', '.join(parts)}"]
    if roles.error is None:
        lines.append("no error column was recognised")
    if spare := _spare_errors(schema, roles):
        more = f" and {len(spare) - _MOST_SHOWN} more" if len(spare) > _MOST_SHOWN else ""
        lines.append(
            f"looks like an error column and is not used: {', '.join(spare[:_MOST_SHOWN])}{more}"
        )
    return lines


def _spare_errors(schema: pa.Schema, roles: LightCurveFields) -> list[str]:
    """Return the columns that may be errors of the values; those of other columns are not."""
    used = roles.names()
    others = [name for name in schema.names if name not in used]
    theirs = {find_error(name, schema.names, alone=False) for name in others}
    return [name for name in unused_errors(schema.names, used) if name not in theirs]
