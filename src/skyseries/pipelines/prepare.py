"""From the arguments of `import_catalog` to a checked `ImportPlan`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from numbers import Integral
from typing import Any

import pyarrow as pa

from skyseries.catalog.names import nearest_names
from skyseries.errors import InputError, SchemaError
from skyseries.formats import InputFile, find_files, read_schema, unify_schemas
from skyseries.hats.margin import check_width
from skyseries.hats.names import RESERVED
from skyseries.hats.sizes import Limits
from skyseries.pipelines.ids import check_id_type
from skyseries.schema import LightCurveFields, column_meta
from skyseries.spatial.healpix import margin_order

__all__ = [
    "check_choice",
    "check_id",
    "check_null_values",
    "check_positions",
    "lightcurve_fields",
    "limits",
    "plain_null_values",
    "read_input",
]

_DEGREES = {"", "deg", "degree", "degrees"}


def read_input(
    spec: Any, null_values: Any, columns: Sequence[str] | None, id: str | None
) -> tuple[tuple[InputFile, ...], pa.Schema, tuple[str, ...]]:
    """Find the files and their common schema.

    Returns
    -------
    files, schema
    left_out : tuple of str
        Columns that are not taken over, because we write columns of these names ourselves.
    """
    files = find_files(spec)
    with ThreadPoolExecutor(8) as pool:
        schemas = list(
            pool.map(lambda f: read_schema(f, null_values=null_values, columns=columns), files)
        )
    schema = unify_schemas(files, schemas)
    kept = [f for f in schema if f.name not in RESERVED]
    plain = [f.with_type(_plain(f.type, f.name == id)) for f in kept]
    left_out = tuple(f.name for f in schema if f not in kept)
    return tuple(files), pa.schema(plain), left_out


def _plain(type_: pa.DataType, is_id: bool) -> pa.DataType:
    """Return the type that is written: dictionaries and views become plain text.

    A column without any value (of a CSV file without rows, for instance) has to have some type.
    """
    if pa.types.is_null(type_):
        return pa.int64() if is_id else pa.float64()
    if pa.types.is_dictionary(type_):
        return _plain(type_.value_type, is_id)
    if str(type_) == "string_view":
        return pa.string()
    return type_


def check_positions(schema: pa.Schema, ra: str, dec: str) -> None:
    """Raise SchemaError unless both columns are there, are numbers, and are in degrees."""
    for role, name in (("ra", ra), ("dec", dec)):
        field = _field(schema, name, role)
        type_ = field.type
        if not (
            pa.types.is_floating(type_) or pa.types.is_integer(type_) or pa.types.is_null(type_)
        ):
            raise SchemaError(
                f"column {name!r} is {type_}, not a number; {role} must be in degrees"
            )
        unit = column_meta(field).unit
        if unit.lower() not in _DEGREES:
            raise SchemaError(
                f"column {name!r} is in {unit!r}; {role} must be in degrees: convert it first"
            )


def check_id(schema: pa.Schema, name: str | None, role: str) -> None:
    """Raise SchemaError unless the id column is there and exact."""
    if name is not None:
        check_id_type(_field(schema, name, role).type, name)


def _field(schema: pa.Schema, name: str, role: str) -> pa.Field:
    if name not in schema.names:
        near = nearest_names(name, schema.names, 3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "give its name with"
        raise SchemaError(
            f"there is no column {name!r} for {role}; {hint} {role}=... "
            f"(the columns are: {', '.join(schema.names)})"
        )
    return schema.field(name)


def lightcurve_fields(schema: pa.Schema, given: Mapping[str, str | None]) -> LightCurveFields:
    """Return the roles of the source columns: what was given, and else what is recognised.

    Raises
    ------
    SchemaError
        If a named column is not there, or time or value cannot be recognised.
    """
    roles = {role: name for role, name in given.items() if name is not None}
    for role in ("time", "band", "flux", "flux_err", "mag", "mag_err", "flag"):
        if role in roles:
            _field(schema, roles[role], role)
    guess = LightCurveFields.guess(schema.names)
    if guess is None:
        if "time" not in roles or not {"flux", "mag"} & set(roles):
            raise SchemaError(
                "the light curves' columns are not recognised: give time=, band=, flux= and "
                f"flux_err= (or mag=, mag_err=); the columns are: {', '.join(schema.names)}"
            )
        found = LightCurveFields(**roles)
    else:
        # a value that was given replaces the guessed kind of value as well
        cleared = {f.name: getattr(guess, f.name) for f in fields(guess)}
        if "flux" in roles and "mag" not in roles:
            cleared |= {"mag": None, "mag_err": None}
        if "mag" in roles and "flux" not in roles:
            cleared |= {"flux": None, "flux_err": None, "flux_unit": None}
        if "time" in roles and roles["time"] != guess.time:
            cleared |= {"time_format": None, "time_scale": None, "refposition": None}
        if "flux" in roles and roles["flux"] != guess.flux:
            cleared |= {"flux_err": None, "flux_unit": None}
        if "mag" in roles and roles["mag"] != guess.mag:
            cleared |= {"mag_err": None}
        found = LightCurveFields(**(cleared | roles))
    if found.flux is not None and found.flux_unit is None:
        unit = column_meta(schema.field(found.flux)).unit
        found = found.override(flux_unit=unit or None)
    found.check(schema.names)
    for role in ("time", "flux", "flux_err", "mag", "mag_err"):
        name = getattr(found, role)
        if name is not None and not _is_number(schema.field(name).type):
            raise SchemaError(
                f"column {name!r} ({role}) is {schema.field(name).type}, not a number"
            )
    return found


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_floating(type_) or pa.types.is_integer(type_))


def limits(max_rows: Any, max_bytes: Any, max_epochs: Any, margin_arcsec: Any) -> Limits:
    """Return the limits of a leaf; a partition is coarser than the cells of its margin."""
    for name, value in (
        ("max_rows", max_rows),
        ("max_bytes", max_bytes),
        ("max_epochs", max_epochs),
    ):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise InputError(f"{name} must be a whole number of at least 1, not {value!r}")
    order = Limits.max_order
    check_width(margin_arcsec)
    if margin_arcsec is not None:
        order = min(order, max(margin_order(margin_arcsec) - 1, 0))
    return Limits(max_rows, max_bytes, max_epochs, order)


def plain_null_values(given: Any) -> Any:
    """Return sentinels as a tuple, or a mapping of these; one value needs no brackets."""
    if isinstance(given, Mapping):
        return {column: _values(values) for column, values in given.items()}
    return _values(given)


def _values(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) or not isinstance(given, Iterable) else (*given,)


def check_null_values(null_values: Any, schemas: Iterable[pa.Schema]) -> None:
    """Raise SchemaError if sentinels are given for a column that is not there."""
    there = [name for schema in schemas for name in schema.names]
    for column in null_values if isinstance(null_values, Mapping) else ():
        if column not in there:
            near = nearest_names(column, there)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SchemaError(f"null_values: there is no column {column!r}{hint}")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise InputError unless a value is one of the choices."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}; not {value!r}")
