"""From the arguments of `import_catalog` to a checked `ImportPlan`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import pyarrow as pa

from skyseries.errors import InputError, SchemaError
from skyseries.formats import InputFile, find_files, read_schema, unify_schemas
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.pipelines.ids import check_id_type
from skyseries.pipelines.plan import Limits
from skyseries.schema import LightCurveFields, column_meta
from skyseries.spatial.healpix import margin_order

__all__ = [
    "check_choice",
    "check_id",
    "check_name",
    "check_positions",
    "lightcurve_fields",
    "limits",
    "read_input",
]

_RESERVED = {HPX_COLUMN, "_rank", "_target"}
_HIVE_COLUMNS = {"Norder", "Dir", "Npix"}
_DEGREES = {"", "deg", "degree", "degrees"}


def read_input(
    spec: Any, null_values: Any, columns: Sequence[str] | None
) -> tuple[tuple[InputFile, ...], pa.Schema]:
    """Find the files and their common schema; columns that we write ourselves are left out."""
    files = find_files(spec)
    with ThreadPoolExecutor(8) as pool:
        schemas = list(
            pool.map(lambda f: read_schema(f, null_values=null_values, columns=columns), files)
        )
    schema = unify_schemas(files, schemas)
    kept = [f for f in schema if f.name not in _RESERVED | _HIVE_COLUMNS]
    plain = [f.with_type(_plain(f.type)) for f in kept]
    return tuple(files), pa.schema(plain)


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return the type that is written: dictionaries and views become plain text."""
    if pa.types.is_dictionary(type_):
        return _plain(type_.value_type)
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
        import difflib

        near = difflib.get_close_matches(name, schema.names, n=3, cutoff=0.4)
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
        found = LightCurveFields(**(cleared | roles))
    if found.flux is not None and found.flux_unit is None:
        unit = column_meta(schema.field(found.flux)).unit
        found = found.override(flux_unit=unit or None)
    found.check(schema.names)
    for role, name in (("time", found.time), ("flux", found.flux), ("mag", found.mag)):
        if name is not None and not _is_number(schema.field(name).type):
            raise SchemaError(
                f"column {name!r} ({role}) is {schema.field(name).type}, not a number"
            )
    return found


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_floating(type_) or pa.types.is_integer(type_))


def limits(max_rows: int, max_bytes: int, max_epochs: int, margin_arcsec: float | None) -> Limits:
    """Return the limits of a leaf; a partition is coarser than the cells of its margin."""
    for name, value in (
        ("max_rows", max_rows),
        ("max_bytes", max_bytes),
        ("max_epochs", max_epochs),
    ):
        if value < 1:
            raise InputError(f"{name} must be at least 1, not {value}")
    order = Limits.max_order
    if margin_arcsec is not None:
        if not 0 < margin_arcsec < 180 * 3600:
            raise InputError(
                f"margin_arcsec must be above 0, or None for no margin; not {margin_arcsec}"
            )
        order = min(order, max(margin_order(margin_arcsec) - 1, 0))
    return Limits(max_rows, max_bytes, max_epochs, order)


def check_name(name: str) -> str:
    """Return the name if it can be a folder and a word in hats.properties."""
    if not name or any(c.isspace() or c in ",;/\\" for c in name) or name.startswith("."):
        raise InputError(
            f"{name!r} cannot name a catalog: blanks, commas, semicolons, slashes and a leading "
            "dot are not possible; give name=..."
        )
    return name


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise InputError unless a value is one of the choices."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}; not {value!r}")
