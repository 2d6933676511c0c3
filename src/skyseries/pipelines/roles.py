"""The roles of the columns of light curves at import: given, said by the columns, recognised."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.types as pt

from skyseries.catalog.names import nearest_names
from skyseries.errors import InputError, SchemaError
from skyseries.pipelines.intake import kind_of_label, kind_of_number, kind_of_time
from skyseries.schema import LightCurveFields, column_meta
from skyseries.schema.conversion import Conversion
from skyseries.schema.recognition import (
    TIMES,
    find_error,
    find_name,
    flux_unit_of,
    unused_errors,
)
from skyseries.schema.times import settled_times, time_unit_words
from skyseries.units import conversion_factor, is_known, plain_unit, same_unit

__all__ = ["COLUMNS", "column", "conversion", "kinds", "lightcurve_fields", "said"]

COLUMNS = ("time", "band", "flux", "flux_err", "mag", "mag_err", "flag")
_TIMES = ("time_format", "time_scale", "refposition")
_MOST_SHOWN = 5


def column(schema: pa.Schema, name: str, role: str) -> pa.Field:
    """Return a column that was asked for by name.

    Raises
    ------
    SchemaError
        If it is not there; suggests the nearest names.
    """
    if name not in schema.names:
        near = nearest_names(name, schema.names, 3)
        hint = f"did you mean {' or '.join(map(repr, near))}? Give" if near else "give"
        raise SchemaError(
            f"there is no column {name!r} for {role}; {hint} its name with {role}=... "
            f"(the columns are: {', '.join(schema.names)})"
        )
    return schema.field(name)


def lightcurve_fields(schema: pa.Schema, given: Mapping[str, str | None]) -> LightCurveFields:
    """Return the roles of the source columns: what was given, and else what is recognised.

    What the time column says of itself (its metadata, its unit) counts more than its name, and
    what is given more than both.

    Raises
    ------
    SchemaError
        If a named column is not there or of a wrong type, or time or value cannot be recognised.
    InputError
        If a word for the times or the unit of the fluxes is not known, or contradicts the data.
    """
    roles = {role: name for role, name in given.items() if name is not None}
    for role in COLUMNS:
        if role in roles:
            column(schema, roles[role], role)
    known = _recognised(schema, roles)
    if "time" not in known or not {"flux", "mag"} & set(known):
        raise SchemaError(
            "the light curves' columns are not recognised: give time=, band=, flux= and "
            f"flux_err= (or mag=, mag_err=); the columns are: {', '.join(schema.names)}"
        )
    time = schema.field(known["time"])
    known |= _times(time, known, {role: roles[role] for role in _TIMES if role in roles})
    known |= {"flux_unit": _flux_unit(schema, known, roles.get("flux_unit"))}
    return LightCurveFields(**known)  # type: ignore[arg-type]  # the time is there


def _recognised(schema: pa.Schema, roles: Mapping[str, str]) -> dict[str, str | None]:
    """Return the columns, and what the names of some say: one given value is the only one."""
    numbers = [f.name for f in schema if _may_count(f.type)]
    known: dict[str, str | None] = {
        "time": find_name("time", schema.names), "band": find_name("band", schema.names),
        "flag": find_name("flag", numbers), **roles,
    }  # fmt: skip
    values = [value for value in ("flux", "mag") if value in roles] or ["flux", "mag"]
    for value in values:
        name = roles.get(value) or find_name(value, numbers) or find_name(value, schema.names)
        known[value] = name
    alone = known.get("flux") is None or known.get("mag") is None
    for value in values:
        if (name := known[value]) is not None and f"{value}_err" not in roles:
            known[f"{value}_err"] = find_error(name, numbers, alone=alone)
    words = TIMES.get((known["time"] or "").lower(), {})
    implied = zip(_TIMES, settled_times(*map(words.get, _TIMES)), strict=True)
    unit = flux_unit_of(known.get("flux"), schema.names)
    known = dict(implied) | {"flux_unit": unit} | known
    return {role: name for role, name in known.items() if name is not None}


def _may_count(kind: pa.DataType) -> bool:
    """Return whether a column may be a value, an error or a flag that nobody has named."""
    numbers = pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind)
    return bool(numbers or pt.is_boolean(kind) or pt.is_null(kind))


def _times(
    field: pa.Field, known: Mapping[str, str | None], given: Mapping[str, str]
) -> dict[str, str | None]:
    """Return format, scale and reference position of the times."""
    dates = kind_of_time(field) == "time"
    words = dict(zip(_TIMES, settled_times(*map(given.get, _TIMES)), strict=True))
    if dates and words["time_format"] not in (None, "mjd"):
        raise InputError(
            f"column {field.name!r} holds dates, which become days of MJD: leave time_format= out"
        )
    own = _own_words(field)
    if dates:
        own["time_format"] = "mjd"
    return {key: words[key] or own.get(key) or known.get(key) for key in _TIMES}


def _own_words(field: pa.Field) -> dict[str, str | None]:
    """Return what a column says of its times; nothing where its words are not known."""
    metadata = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
    words: dict[str, str | None] = dict(time_unit_words(column_meta(field).unit) or {})
    origin = metadata.get("time_origin")
    keys = {
        "time_format": metadata.get("time_format") or (origin and f"jd-{float(origin):.10g}"),
        "time_scale": metadata.get("time_scale"),
        "refposition": metadata.get("time_refposition"),
    }
    for key, word in keys.items():
        if word:
            try:
                settled = settled_times(*(word if key == other else None for other in _TIMES))
            except InputError:
                continue
            words |= {k: w for k, w in zip(_TIMES, settled, strict=True) if w is not None}
    return words


def _flux_unit(schema: pa.Schema, known: Mapping[str, str | None], given: str | None) -> str | None:
    """Return the unit of the fluxes: what is given, what the column says, what its name says."""
    flux, error = known.get("flux"), known.get("flux_err")
    if flux is None:
        if given is not None:
            raise InputError(f"flux_unit={given!r} is given, but there is no flux: give flux=")
        return None
    own = plain_unit(column_meta(schema.field(flux)).unit)
    if own and given is not None and not same_unit(own, given):
        raise InputError(
            f"flux_unit={given!r}, but column {flux!r} says that it is in {own!r}: leave "
            "flux_unit= out"
        )
    if own and _is_magnitude(own):
        raise InputError(f"column {flux!r} is in {own!r}, so it is no flux: give it as mag=")
    unit = given or own or known.get("flux_unit")
    if unit is None and error is not None:
        its = plain_unit(column_meta(schema.field(error)).unit)
        if its:
            raise InputError(
                f"column {error!r} says that it is in {its!r}, and {flux!r} has no unit: give "
                "flux_unit="
            )
    return unit if unit is None or given or is_known(unit) else None


def _is_magnitude(unit: str) -> bool:
    try:
        conversion_factor(unit, "mag")
    except ValueError:
        return False
    return True


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
    if roles.flag is not None and not _may_count(kind := schema.field(roles.flag).type):
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
