"""The parts of a light curve: of arrays, a table, a TimeSeries, an object of another package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from skyseries.arrays import measured, numbers, true_or_false
from skyseries.arrays.containers import is_single
from skyseries.arrays.times import is_time
from skyseries.arrow import is_list
from skyseries.errors import InputError, SchemaError
from skyseries.lazy import pc
from skyseries.schema import LightCurveFields, column_meta
from skyseries.schema.recognition import find_id
from skyseries.schema.roles import COLUMNS, lightcurve_fields
from skyseries.schema.times import IMPLIED
from skyseries.tables import to_table
from skyseries.timeseries.measured import factors_of, measured_field, with_units
from skyseries.units import converts, plain_unit, unit_text

__all__ = ["Parts", "holds_all", "parts_of", "parts_of_row"]

_ROLES = (*COLUMNS, "time_format", "time_scale", "refposition", "flux_unit")

_IDS_OF_PARTS = ("oid", "id")
"""Ids that differ within one star: of ZTF for each band and field, or of each epoch."""

_HEADER = {"id": ("TARGETID", "LABEL"), "ra": ("RA", "RA_OBJ"), "dec": ("DEC", "DEC_OBJ")}
"""Words in the headers of Kepler and TESS files, and of lightkurve."""


class Parts(NamedTuple):
    """What a `LightCurve` is made of, as it was given."""

    time: Any
    value: Any
    fields: LightCurveFields
    error: Any = None
    bands: Any = None
    flag: Any = None
    id: int | str | None = None
    ra: Any = None
    dec: Any = None


def parts_of(
    t: Any, y: Any, others: Mapping[str, Any], magnitude: bool | None, roles: Mapping[str, Any]
) -> Parts:
    """Return the parts of whatever holds a light curve.

    Parameters
    ----------
    t, y, magnitude, roles
        As for `as_lightcurve`.
    others : mapping
        ``error``, ``bands``, ``flag``, ``id``, ``ra`` and ``dec``; None where not given.

    Raises
    ------
    InputError, SchemaError
        As for `as_lightcurve`.
    """
    known = _checked_roles(roles)
    if not holds_all(t):
        if y is None:
            raise InputError(
                "y is missing: give values beside times, or as t an object that holds all: a "
                f"LightCurve, a TimeSeries or a table, not a {type(t).__name__}"
            )
        if isinstance(y, Iterator):  # which gives its values once
            y = list(y)
        return Parts(t, y, _fields_of_arrays(y, magnitude, others, known), **others)
    if y is not None:
        raise InputError(
            f"a {type(t).__name__} holds a whole light curve, but y is given beside it: name its "
            "column of values with mag= or flux=, or give two arrays"
        )
    if not _is_lightcurve(t):
        return _of_table(t, magnitude, dict(others), known)
    if known or magnitude is not None or any(other is not None for other in others.values()):
        raise InputError("a LightCurve says itself what it is: give nothing beside it")
    return Parts(*(getattr(t, name) for name in Parts._fields))


def parts_of_row(
    row: Mapping[str, Any], fields: LightCurveFields, units: Mapping[str, str]
) -> Parts:
    """Return the parts that are fields of a row, in days and the unit of `fields`."""
    fields = with_units(fields, units)
    lists: dict[str | None, Any] = {name: row[name] for name in fields.names()}
    for name, factor in factors_of(fields, measured_field(fields), units).items():
        lists[name] = measured(lists[name], name, keep_single=True)[0] * factor
    value, error = lists[fields.value], lists.get(fields.error)
    bands, flag = lists.get(fields.band), lists.get(fields.flag)
    return Parts(lists[fields.time], value, fields, error, bands, flag)


def holds_all(t: Any) -> bool:
    """Return whether an object is more than a row of times: a table or a light curve."""
    if isinstance(t, pa.StructScalar | Mapping) or hasattr(t, "columns") or _is_lightcurve(t):
        return True
    return isinstance(t, np.ndarray) and t.dtype.names is not None


def _is_lightcurve(t: Any) -> bool:
    return isinstance(getattr(t, "fields", None), LightCurveFields)


def _checked_roles(roles: Mapping[str, Any]) -> dict[str, str]:
    if unknown := [role for role in roles if role not in _ROLES]:
        raise InputError(
            f"{unknown[0]!r} is no role of a light curve; there are {', '.join(_ROLES)}"
        )
    if wrong := [role for role, name in roles.items() if not isinstance(name, str | None)]:
        raise InputError(f"{wrong[0]} must be text, not {roles[wrong[0]]!r:.60}")
    return {role: name for role, name in roles.items() if name is not None}


def _is_magnitude(said: Mapping[str, bool]) -> bool | None:
    """Return whether values are magnitudes; None where nobody says it."""
    if len(set(said.values())) > 1:
        magnitudes = [who for who, is_one in said.items() if is_one]
        fluxes = [who for who, is_one in said.items() if not is_one]
        raise InputError(
            f"the values are magnitudes by {' and '.join(magnitudes)}, but not by "
            f"{' and '.join(fluxes)}: leave out what is wrong"
        )
    return next(iter(said.values()), None)


def _words(unit: str, magnitude: bool | None) -> dict[str, bool]:
    """Return what the unit and an argument say of values: whether they are magnitudes."""
    said = {f"their unit {unit!r}": converts(unit, "mag")} if unit else {}
    if magnitude is not None:
        said[f"magnitude={magnitude}"] = true_or_false(magnitude, "magnitude")
    return said


def _fields_of_arrays(
    y: Any, magnitude: bool | None, others: Mapping[str, Any], roles: dict[str, str]
) -> LightCurveFields:
    """Return what arrays are, by their unit or by what is said."""
    dy = others["error"]
    unit = measured(y, "y")[1] or plain_unit(unit_text(getattr(dy, "unit", None)))
    said = {f"{value}=": value == "mag" for value in ("mag", "flux") if value in roles}
    is_magnitude = _is_magnitude({**said, **_words(unit, magnitude)})
    if is_magnitude is None:
        raise InputError(
            "it is not known whether y holds magnitudes or fluxes, for it says no unit: give "
            "magnitude=True or magnitude=False, or y with a unit"
        )
    value = "mag" if is_magnitude else "flux"
    names = {"time": "time", value: value, **roles}
    more = {f"{value}_err": (dy, f"{names[value]}_err"), "band": (others["bands"], "band"),
            "flag": (others["flag"], "flag")}  # fmt: skip
    names |= {role: name for role, (given, name) in more.items() if given is not None}
    return LightCurveFields(**{**names, **roles})


def _of_table(
    t: Any, magnitude: bool | None, others: dict[str, Any], roles: dict[str, str]
) -> Parts:
    """Return the parts in a table of epochs, or of one row of a nested column."""
    schema, columns = _columns_of(t)
    roles = {**_own_roles(t, roles), **roles}
    for role, other in (("band", "bands"), ("flag", "flag")):
        name = others[other]
        if not isinstance(name, str):
            continue
        if role == "flag" or (name in schema.names and name not in roles.values()):
            roles[role] = name  # but mag="V", band="V" is all of band V
            others[other] = None
    fields = lightcurve_fields(schema, roles)
    units = {f.name: unit for f in schema if (unit := column_meta(f).unit)}
    name = f"the name of column {fields.value!r}"
    _is_magnitude({name: fields.is_magnitude, **_words(units.get(fields.value, ""), magnitude)})
    if fields.error is not None and not _has_numbers(columns[fields.error], fields.error):
        fields = replace(fields, mag_err=None, flux_err=None)
    if "flag" not in roles and _bad_are_gone(t):
        fields = replace(fields, flag=None)
    parts = parts_of_row(columns, fields, units)
    said = {"id": _one_id(schema, columns), **_header_of(t)}
    given = {name: other for name, other in others.items() if other is not None}
    return parts._replace(**{**said, **given})


def _columns_of(t: Any) -> tuple[pa.Schema, dict[str, Any]]:
    """Return the columns by name, and what they say."""
    if isinstance(t, pa.StructScalar):
        lists = {f.name: _list_of(t, f) for f in t.type}
        fields = [pa.field(f.name, lists[f.name].type, metadata=f.metadata) for f in t.type]
        return pa.schema(fields), lists
    if hasattr(t, "colnames") and hasattr(t, "phase"):  # of lightkurve
        raise InputError(f"a {type(t).__name__} has phases for times: give what was folded")
    table = to_table(_spread(t) if isinstance(t, Mapping) else t, "the light curve")
    if (middle := getattr(t, "time_bin_center", None)) is not None:  # BinnedTimeSeries
        times = to_table({"time": middle})
        table = table.append_column(times.schema.field(0), times.column(0))
    return table.schema, dict(zip(table.column_names, table.columns, strict=True))


def _spread(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns where one number or label is that of all epochs."""
    rows = [v for v in columns.values() if hasattr(v, "__len__") and not is_single(v)]
    size = max(map(len, rows), default=1)
    return {name: [_plain(v)] * size if is_single(v) else v for name, v in columns.items()}


def _plain(value: Any) -> Any:
    """Return what an array without dimensions or a scalar of Arrow holds."""
    if type(value) is np.ndarray:
        return value.item()
    return value.as_py() if isinstance(value, pa.Scalar) else value


def _list_of(row: pa.StructScalar, field: pa.Field) -> Any:
    """Return the epochs of one field of a row; there are none where it is null."""
    if not is_list(field.type):
        raise SchemaError(f"field {field.name!r} of a light curve is a list, not {field.type}")
    values = row[field.name].values if row.is_valid else None
    return pa.array([], field.type.value_type) if values is None else values


def _own_roles(t: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Return the roles that a TimeSeries says beyond the names of its columns."""
    time: Any = getattr(t, "time", None)
    if not hasattr(t, "colnames") or not is_time(time):
        return {}
    place = IMPLIED.get(time.format, {}).get("refposition")
    roles = {"refposition": place} if place else {}
    if "flux" in t.colnames and not {"flux", "mag"} & set(given):
        roles["flux"] = "flux"  # the one that lightkurve's select_flux has chosen of several
    return roles


def _bad_are_gone(t: Any) -> bool:
    """Return whether lightkurve has read it, which leaves out bad epochs by its own mask."""
    return "QUALITY_BITMASK" in _meta(t)


def _header_of(t: Any) -> dict[str, Any]:
    meta = _meta(t)
    found = {
        role: next((meta[word] for word in words if meta.get(word) is not None), None)
        for role, words in _HEADER.items()
    }
    known = {"id": (int, str), "ra": (int, float), "dec": (int, float)}
    return {role: said for role, said in found.items() if isinstance(said, known[role])}


def _meta(t: Any) -> dict[str, Any]:
    meta = getattr(t, "meta", None)
    return {str(k).upper(): v for k, v in meta.items()} if isinstance(meta, Mapping) else {}


def _has_numbers(column: Any, name: str) -> bool:
    return bool(np.isfinite(numbers(column, "", name)).any())


def _one_id(schema: pa.Schema, columns: Mapping[str, Any]) -> Any:
    """Return the id of the star, if a column has it; InputError if there are several stars."""
    name = find_id(schema.names)
    if name is None:
        return None
    ids = pc.unique(columns[name]).drop_null().to_pylist()
    if len(ids) > 1 and name.lower() not in _IDS_OF_PARTS:
        raise InputError(
            f"the table has the epochs of {len(ids)} stars by its column {name!r}: take those of "
            "one, or make a catalog of all (import_catalog)"
        )
    return ids[0] if len(ids) == 1 and isinstance(ids[0], int | str) else None
