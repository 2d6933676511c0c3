"""The roles of the columns of light curves: given, said by the columns, recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrow import is_any_list, is_number
from skyseries.errors import InputError, SchemaError
from skyseries.schema.columns import column_meta
from skyseries.schema.lightcurve import LightCurveFields
from skyseries.schema.recognition import TIMES, find_error, find_name, flux_unit_of
from skyseries.schema.times import settled_times, time_unit_words
from skyseries.units import converts, is_known, plain_unit, same_unit

__all__ = [
    "COLUMNS",
    "column",
    "did_you_mean",
    "holds_dates",
    "is_pair",
    "lightcurve_fields",
    "may_count",
    "nearest_names",
]

COLUMNS = ("time", "band", "flux", "flux_err", "mag", "mag_err", "flag")
_TIMES = ("time_format", "time_scale", "refposition")


def nearest_names(name: str, there: Sequence[str], n: int = 1) -> list[str]:
    """Return the names that are most alike; small and capital letters do not matter."""
    lower = {other.lower(): other for other in there}
    import difflib

    return [lower[near] for near in difflib.get_close_matches(name.lower(), lower, n, cutoff=0.5)]


def did_you_mean(name: str, there: Sequence[str]) -> str:
    """Return the end of a message that names the one that is most alike; empty: none is."""
    near = nearest_names(name, there)
    return f"; did you mean {near[0]!r}?" if near else ""


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
    _check_apart(known)
    known |= {"flux_unit": _flux_unit(schema, known, roles.get("flux_unit"))}
    return LightCurveFields(**known)  # type: ignore[arg-type]  # the time is there


def _check_apart(known: Mapping[str, str | None]) -> None:
    """Raise InputError if one column has two roles."""
    roles: dict[str | None, str] = {}
    for role in (role for role in COLUMNS if role in known):
        if (other := roles.setdefault(known[role], role)) != role:
            raise InputError(f"column {known[role]!r} cannot be both: {other}= and {role}=")


def _recognised(schema: pa.Schema, roles: Mapping[str, str]) -> dict[str, str | None]:
    """Return the columns, and what the names of some say: one given value is the only one."""
    numbers = [f.name for f in schema if may_count(f.type)]
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
    implied = dict(zip(_TIMES, settled_times(*map(words.get, _TIMES)), strict=True))
    given = settled_times(roles.get("time_format"), None, None)[0]
    if given not in (None, implied["time_format"]):
        implied = {}  # scale and place are those of another format
    unit = flux_unit_of(known.get("flux"), schema.names)
    known = {**implied, "flux_unit": unit, **known}
    return {role: name for role, name in known.items() if name is not None}


def _times(
    field: pa.Field, known: Mapping[str, str | None], given: Mapping[str, str]
) -> dict[str, str | None]:
    """Return format, scale and reference position of the times."""
    dates = holds_dates(field.type)
    words = dict(zip(_TIMES, settled_times(*map(given.get, _TIMES)), strict=True))
    if dates and words["time_format"] not in (None, "mjd"):
        raise InputError(
            f"column {field.name!r} holds dates, which become days of MJD: leave time_format= out"
        )
    own = _own_words(field)
    if dates:
        own["time_format"] = "mjd"
    if words["time_format"] not in (None, own.get("time_format")):
        own = {}
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
    if own and converts(own, "mag"):
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


def may_count(kind: pa.DataType) -> bool:
    """Return whether a column may be a value, an error or a flag that nobody has named."""
    numbers = is_number(kind) or pt.is_decimal(kind)
    return bool(numbers or pt.is_boolean(kind) or pt.is_null(kind))


def holds_dates(kind: pa.DataType) -> bool:
    """Return whether a column of times holds dates, or text or Julian dates in parts for them."""
    is_date = pt.is_timestamp(kind) or pt.is_date(kind) or pt.is_string(kind)
    return bool(is_date or is_pair(kind))


def is_pair(kind: pa.DataType) -> bool:
    """Return whether a column may hold Julian dates in two parts, as astropy writes Time."""
    lists = is_any_list(kind)
    return bool(lists and pt.is_floating(kind.value_type))
