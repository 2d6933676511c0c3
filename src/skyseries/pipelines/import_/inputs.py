"""What the input of an import is: its files, which columns have which role, and what comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrays import position
from skyseries.arrow import is_number
from skyseries.errors import InputError, SchemaError
from skyseries.formats import InputFile, find_files, read_schema, read_schemas, scan, unify_schemas
from skyseries.formats.delimited import TYPE_HINT
from skyseries.hats.curves import plain_curves
from skyseries.hats.names import RESERVED
from skyseries.pipelines.import_ import derive, prepare, roles
from skyseries.pipelines.import_.ids import check_id_type, check_same_kind
from skyseries.pipelines.import_.intake import Intake
from skyseries.schema import ColumnMeta, LightCurveFields, column_meta, with_column_meta
from skyseries.schema.conversion import Conversion, in_degrees
from skyseries.schema.recognition import POSITION_NAMES, find_id, find_name, find_position
from skyseries.schema.roles import COLUMNS, column, lightcurve_fields
from skyseries.units import plain_unit

__all__ = ["Asked", "read_inputs"]

_FILE_NAME = "_filename"
"""A column that each file has if it is asked for: its own name without folder and suffix."""


@dataclass(frozen=True)
class Asked:
    """What the caller says of the columns."""

    id: str | None = None
    source_id: str | None = None
    ra: Any = None
    dec: Any = None
    roles: Mapping[str, str | None] | None = None
    """Of the light curves: columns, and words for the times and fluxes."""
    columns: Sequence[str] | None = None
    source_columns: Sequence[str] | None = None
    null_values: Any = ()

    @property
    def position(self) -> tuple[float, float] | None:
        """The one position of all epochs, if it is given in place of columns."""
        if isinstance(self.ra, str | None) and isinstance(self.dec, str | None):
            return None
        return position(self.ra, self.dec)

    def check(self, *, objects: bool, lightcurves: bool) -> None:
        """Raise InputError for what is said of a table that is not there."""
        if not objects and not lightcurves:
            raise InputError("nothing to import: give objects, lightcurves, or both")
        roles = self.roles or {}
        columns = ["id", "source_id", *(("ra", "dec") if objects or self.position is None else ())]
        for name, value in (*roles.items(), *((name, getattr(self, name)) for name in columns)):
            if value is not None and not isinstance(value, str):
                raise InputError(f"{name} must be text, not {value!r}")
        about_sources = {**roles, "source_id": self.source_id}
        given = [name for name, value in about_sources.items() if value is not None]
        if self.source_columns is not None:
            given.append("source_columns")
        if given and not lightcurves:
            raise InputError(f"{given[0]}= is about light curves, but lightcurves= is not given")
        if self.columns is not None and not objects:
            raise InputError(
                "columns= is about the objects, and there are only light curves: give "
                "source_columns="
            )


@dataclass(frozen=True)
class _Table:
    """The files of one side, and their common columns."""

    files: tuple[InputFile, ...]
    schema: pa.Schema
    left_out: tuple[str, ...]
    schemas: Sequence[pa.Schema]
    """Of each file."""

    def check_said(self, conversion: Conversion) -> None:
        """Raise InputError if a column would be converted of which one file says no unit."""
        for name in conversion.columns:
            unit = column_meta(self.schema.field(name)).unit
            for file, schema in zip(self.files, self.schemas, strict=True):
                if not plain_unit(column_meta(schema.field(name)).unit):
                    raise InputError(
                        f"column {name!r} is in {unit} in some files, but {file.path} says no "
                        "unit: write it there too"
                    )


def read_inputs(objects: Any, lightcurves: Any, asked: Asked) -> dict[str, Any]:
    """Read the schemas of all files, and settle which column is what.

    Returns
    -------
    inputs : dict
        The fields of an `ImportPlan` that say what is read.

    Raises
    ------
    InputError
        If a column is missing, not recognised, of a wrong type or in a unit that does not fit.
    """
    asked.check(objects=objects is not None, lightcurves=lightcurves is not None)
    stars = None if objects is None else _read_objects(objects, asked, lightcurves is not None)
    sources = None if lightcurves is None else _read_sources(lightcurves, asked, objects is None)
    schemas = [table.schema for table in (stars, sources) if table is not None]
    prepare.check_null_values(asked.null_values, schemas)
    if sources is None:
        assert stars is not None  # noqa: S101 - one of them is there
        return _placed(stars, asked.id, asked)
    id, source_id = _ids(None if stars is None else stars.schema, sources.schema, asked)
    word = "id" if asked.source_id is None else "source_id"
    column(sources.schema, source_id, word)
    if stars is not None and id in stars.schema.names:
        sources, stars = (
            _typed_like(sources, source_id, stars.schema.field(id)),
            _typed_like(stars, id, sources.schema.field(source_id)),
        )
    schema = _plain_schema(sources.schema, source_id)
    check_id_type(schema.field(source_id).type, source_id)
    fields = lightcurve_fields(schema, asked.roles or {})
    if fields.band is not None and pt.is_null(sources.schema.field(fields.band).type):
        place = schema.get_field_index(fields.band)
        schema = schema.set(place, schema.field(place).with_type(pa.string()))
    if source_id in fields.names():
        raise InputError(
            f"column {source_id!r} is the id of the light curves: it has no other role"
        )
    values = [fields.flux, fields.flux_err, fields.mag, fields.mag_err]
    if stars is None:
        fixed = asked.position
        ra, dec = ("ra", "dec") if fixed else _position(schema, asked)
        with _naming_cells(sources, [*values, ra, dec], asked):
            intake = _source_intake(schema, fields, ra, dec, needed=fixed is None)
        derived = derive.object_schema(intake.after, source_id, ra, dec)
        found = {
            "position": fixed,
            "id": source_id, "ra": ra, "dec": dec, "object_files": (), "object_schema": derived,
            "objects_in": Intake(derived), "remarks": (), "left_out": (),
            "recognised": (
                "position {!r}, {!r}".format(*fixed) if fixed else f"positions {ra}, {dec}",
                f"id {source_id}",
            ),
        }  # fmt: skip
    else:
        found = _placed(stars, id, asked)
        with _naming_cells(sources, values, asked):
            intake = _source_intake(schema, fields, found["ra"], found["dec"], needed=False)
        check_same_kind(schema.field(source_id).type, found["object_schema"].field(id).type)
        if source_id != id:
            found["recognised"] += (f"id in the light curves {source_id}",)
    sources.check_said(intake.conversion)
    return found | {
        "source_files": sources.files, "source_schema": intake.after, "sources_in": intake,
        "source_id": source_id, "lightcurve": fields,
        "left_out": (*found["left_out"], *sources.left_out),
        "recognised": (*found["recognised"], *roles.said(schema, fields)),
        "remarks": (*found["remarks"], *intake.remarks),
    }  # fmt: skip


def _placed(table: _Table, id: str | None, asked: Asked) -> dict[str, Any]:
    """Return what a table of objects is."""
    schema = _plain_schema(table.schema, id)
    if id is not None:
        check_id_type(column(schema, id, "id").type, id)
    ra, dec = _position(schema, asked)
    decimals = {n: "number" for n in (ra, dec) if pt.is_decimal(schema.field(n).type)}
    schema = _with_degrees(schema, ra, dec)
    with _naming_cells(table, [ra, dec], asked):
        conversion = in_degrees(Intake(schema, decimals).after, ra, dec)
    table.check_said(conversion)
    intake = Intake(schema, decimals, conversion)
    named = f"id {id}"
    if id is None:
        like = find_id(schema.names)
        named = "no id" + (f" ({like} looks like one: give id={like!r})" if like else "")
    return {
        "id": id, "ra": ra, "dec": dec, "object_files": table.files, "objects_in": intake,
        "object_schema": intake.after, "left_out": table.left_out, "remarks": intake.remarks,
        "recognised": (f"positions {ra}, {dec}", named),
    }  # fmt: skip


def _source_intake(
    schema: pa.Schema, fields: LightCurveFields, ra: str, dec: str, *, needed: bool
) -> Intake:
    """Return how epochs come in; their own positions too, which orphans are placed by."""
    kinds = roles.kinds(schema, fields)
    columns = dict(roles.conversion(Intake(schema, kinds).after, fields).columns)
    if needed or {ra, dec} <= set(schema.names):
        kinds |= {n: "number" for n in (ra, dec) if pt.is_decimal(schema.field(n).type)}
        try:
            columns |= in_degrees(Intake(schema, kinds).after, ra, dec).columns
            schema = _with_degrees(schema, ra, dec)
        except InputError:
            if needed:
                raise
    return Intake(schema, kinds, Conversion(columns))


@contextmanager
def _naming_cells(table: _Table, names: Sequence[str | None], asked: Asked) -> Iterator[None]:
    """Add the first cell that is no number to an error of columns that are to be numbers."""
    try:
        yield
    except SchemaError as error:
        texts = [f.name for f in table.schema if f.name in names and pt.is_string(f.type)]
        for name in (name for name in texts if repr(name) in str(error)):
            for file in table.files:
                if cell := _no_number(file, name, asked.null_values):
                    raise SchemaError(f"{error} ({cell})") from error
        raise


def _no_number(file: InputFile, name: str, null_values: Any) -> str | None:
    """Return where the first cell of a column of a text file is that is no number."""
    if file.format not in ("csv", "blanks"):  # others say their types
        return None
    try:
        for _ in scan(file, pa.schema([(name, pa.float64())]), null_values=null_values):
            pass
    except InputError as cell:
        return str(cell).removesuffix(f"; {TYPE_HINT}")
    return None


def _with_degrees(schema: pa.Schema, ra: str, dec: str) -> pa.Schema:
    """Return the columns, those of the positions with the unit that they are taken to have."""
    for name in (ra, dec):
        if not plain_unit(column_meta(schema.field(name)).unit):
            said = with_column_meta(schema.field(name), ColumnMeta(unit="deg"))
            schema = schema.set(schema.get_field_index(name), said)
    return schema


# -- which column is what -----------------------------------------------------------------------


def _position(schema: pa.Schema, asked: Asked) -> tuple[str, str]:
    """Return the columns of the positions: given, or recognised."""
    ra, dec = asked.ra, asked.dec
    if ra is None and dec is None:
        known = find_position(schema.names, lambda name: _is_number(schema.field(name).type))
        if known is None:
            raise SchemaError(
                "the positions are not recognised: say with ra= and dec= which columns they are; "
                f"the columns are: {', '.join(schema.names)}"
            )
        return known
    if ra is None or dec is None:
        ra, dec = _pair_of(schema, ra, dec)
    return column(schema, ra, "ra").name, column(schema, dec, "dec").name


def _pair_of(schema: pa.Schema, ra: str | None, dec: str | None) -> tuple[str, str]:
    """Return both columns where one is given: the other is that which goes with it."""
    for pair in POSITION_NAMES:
        given, other = (ra, pair[1]) if dec is None else (dec, pair[0])
        if given is not None and given.lower() == pair[dec is not None].lower():
            alike = [name for name in schema.names if name.lower() == other.lower()]
            if alike and (found := find_position([given, *alike])):
                return found
    return ra or "ra", dec or "dec"


def _is_number(kind: pa.DataType) -> bool:
    return bool(is_number(kind) or pt.is_null(kind))


def _ids(objects: pa.Schema | None, sources: pa.Schema, asked: Asked) -> tuple[str, str]:
    """Return the columns of the id in the objects and in the sources.

    An id that nobody has named is taken only if both tables' first known name is the same, and
    is none that epochs may have as their own: a wrong one would give each object the light curve
    of another.
    """
    if (joined := asked.source_id or asked.id) is not None:
        return asked.id or joined, joined
    theirs = find_id(sources.names)
    ours = theirs if objects is None else find_id(objects.names)
    vague = ("id",) if objects is not None else ("id", "source_id")
    if ours is None or theirs is None or ours.lower() != theirs.lower() or ours.lower() in vague:
        alike = sorted({name for name in (ours, theirs) if name is not None})
        found = f" ({' and '.join(map(repr, alike))} may be ids)" if alike else ""
        raise InputError(
            "light curves are joined to their objects by id: give id=, and source_id= if it is "
            f"named otherwise there{found}"
        )
    return ours, theirs


# -- files --------------------------------------------------------------------------------------


def _read_objects(spec: Any, asked: Asked, joined: bool) -> _Table:
    def needed(schema: pa.Schema) -> list[str | None]:
        id = asked.id or asked.source_id or (find_id(schema.names) if joined else None)
        known = find_position(schema.names, lambda name: _is_number(schema.field(name).type))
        return [id, *((asked.ra, asked.dec) if asked.ra or asked.dec else known or ())]

    return _read(spec, asked, asked.id or asked.source_id, asked.columns, "columns", needed)


def _read_sources(spec: Any, asked: Asked, placed: bool) -> _Table:
    given = asked.roles or {}

    def needed(schema: pa.Schema) -> list[str | None]:
        id = asked.source_id or asked.id or find_id(schema.names)
        time = given.get("time") or find_name("time", schema.names)
        named = [given.get(role) for role in COLUMNS]
        if not placed or asked.position is not None:
            return [id, time, *named]
        known = find_position(schema.names, lambda name: _is_number(schema.field(name).type))
        there = (asked.ra, asked.dec) if asked.ra or asked.dec else known or ()
        return [id, time, *named, *there]

    id = asked.source_id or asked.id
    return _read(spec, asked, id, asked.source_columns, "source_columns", needed)


def _read(
    spec: Any,
    asked: Asked,
    id: str | None,
    columns: Any,
    word: str,
    needed: Callable[[pa.Schema], list[str | None]],
) -> _Table:
    """Find the files and their common columns: all, or those that are asked for or needed."""
    wanted = None if columns is None else _names(columns, word)
    by_name = _FILE_NAME in (id, *(wanted or ()))
    files = find_files(spec, **({"file_name": True} if by_name else {}))
    if wanted is not None:
        first = read_schema(files[0], null_values=asked.null_values)
        there = [name for name in needed(first) if name is not None and name in first.names]
        wanted = [*dict.fromkeys(name for name in there if name not in wanted), *wanted]
    options = {"null_values": asked.null_values, "columns": wanted}
    with ThreadPoolExecutor(8) as pool:
        schemas = read_schemas(files, map=pool.map, **options)
    schema = unify_schemas(files, schemas)
    kept = [f for f in schema if f.name not in RESERVED]
    left_out = tuple(f.name for f in schema if f.name in RESERVED)
    return _Table(tuple(files), pa.schema(kept), left_out, schemas)


def _typed_like(table: _Table, id: str, other: pa.Field) -> _Table:
    """Return a table without any id with ids of the type that the other table has."""
    place = table.schema.get_field_index(id)
    field = table.schema.field(place)
    if not pt.is_null(field.type):
        return table
    schema = table.schema.set(place, field.with_type(_plain(other.type, True)))
    return replace(table, schema=schema)


def _names(columns: Any, word: str) -> list[str]:
    names = list(columns) if isinstance(columns, Iterable) else [columns]
    names = [columns] if isinstance(columns, str) else names
    if not all(isinstance(name, str) for name in names):
        raise InputError(f"{word} must be names of columns, not {columns!r}")
    return names


def _plain_schema(schema: pa.Schema, id: str | None) -> pa.Schema:
    plain = (field.with_type(_plain(field.type, field.name == id)) for field in schema)
    return pa.schema([plain_curves(field) for field in plain])


def _plain(kind: pa.DataType, is_id: bool) -> pa.DataType:
    """Return the type that is written: dictionaries and views become plain text.

    A column without any value (of a CSV file without rows, for instance) has to have some type.
    """
    if pt.is_null(kind):
        return pa.int64() if is_id else pa.float64()
    if pt.is_dictionary(kind):
        return _plain(kind.value_type, is_id)
    return pa.string() if pt.is_string_view(kind) else kind
