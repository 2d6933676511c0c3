"""What a catalog says of itself, said anew in a file of TOML: its format, checked and written.

::

    title = "RR Lyrae of the north"
    description = "..."
    licence = "CC-BY-4.0"
    citation = "..."
    schema = "rrlyr"                  # of its tables in statements

    [columns.mag]
    unit = "mag"
    ucd = "phot.mag;em.opt.V"
    description = "Mean magnitude"

    [columns."lightcurve.flux"]       # a field of a light curve
    unit = "uJy"

    [tables.stars]                    # the rows of the catalog
    key = ["id"]

    [tables.epochs]                   # the epochs of one of its nested columns
    nested = "lightcurve"
    from_object = { star = "id" }     # columns that each epoch has of its object
    keys = [{ columns = ["star"], table = "stars", to = ["id"] }]

The tables are those of `schema.tables`. Nothing is needed; what is not said stays as it is.
"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import pyarrow as pa

from skyseries.arrow import is_nested
from skyseries.errors import InputError
from skyseries.schema.columns import KEYS, ColumnMeta, with_column_meta
from skyseries.schema.roles import did_you_mean
from skyseries.schema.tables import TableInfo, WrongEntry, entry, table_info
from skyseries.units import is_known

__all__ = [
    "Metadata",
    "line_of",
    "metadata_of",
    "metadata_of_table",
    "parse_metadata",
    "to_toml",
]

_TEXTS = ("title", "description", "licence", "citation", "schema")


@dataclass(frozen=True)
class Metadata:
    """What is said of a catalog; an unknown is an empty string."""

    title: str = ""
    description: str = ""
    licence: str = ""
    citation: str = ""
    schema: str = ""
    """Name of the schema that its tables have in statements."""
    columns: Mapping[str, ColumnMeta] = field(default_factory=dict)
    """By name; fields of light curves by path, such as ``lightcurve.flux``."""
    tables: Mapping[str, TableInfo] = field(default_factory=dict)
    """By name: of its rows, and of the epochs of its nested columns."""

    def applied(self, schema: pa.Schema) -> pa.Schema:
        """Return the schema of a catalog with what is said of its columns."""
        return pa.schema([self._of_field(f) for f in schema], schema.metadata)

    def _of_field(self, column: pa.Field) -> pa.Field:
        column = with_column_meta(column, self.columns.get(column.name, ColumnMeta()))
        prefix = f"{column.name}."
        if not is_nested(column.type) or not any(path.startswith(prefix) for path in self.columns):
            return column
        inner = [
            with_column_meta(f, self.columns.get(prefix + f.name, ColumnMeta()))
            for f in column.type
        ]
        return column.with_type(pa.struct(inner))

    def wrong(self, schema: pa.Schema) -> Iterator[WrongEntry]:
        """Yield what is said of columns that a catalog of this schema does not have."""
        there = [path for f in schema for path in _paths(f)]
        for path in self.columns:
            yield from _missing(("columns", path), [path], there)
        for table in self.tables.values():
            yield from _wrong_of_table(table, schema)


def parse_metadata(text: str, source: str = "metadata") -> Metadata:
    """Return what a text of TOML says.

    Parameters
    ----------
    text : str
    source : str
        Its name in messages.

    Raises
    ------
    InputError
        If it is no TOML, or a key or a value is wrong: names the line, and the nearest key.
    """
    try:
        return metadata_of(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source} is no TOML: {error}") from error
    except WrongEntry as error:
        raise InputError(f"{source}{line_of(text, error.path)}: {error}") from error


def metadata_of(said: Any) -> Metadata:
    """Return what a mapping like that of TOML says.

    Raises
    ------
    WrongEntry
        If a key or a value is wrong.
    """
    known = {**dict.fromkeys(_TEXTS, str), "columns": dict, "tables": dict}
    values = entry((), said, known)
    columns = {path: _column(path, meta) for path, meta in values.pop("columns", {}).items()}
    tables = {name: table_info(name, table) for name, table in values.pop("tables", {}).items()}
    plain = [name for name, table in tables.items() if not table.nested]
    if len(plain) > 1:
        what = f"is of the catalog's rows, as {plain[0]!r} is: say in which column it is `nested`"
        raise WrongEntry(("tables", plain[1]), what)
    return Metadata(**values, columns=columns, tables=tables)


def metadata_of_table(table: pa.Table) -> Metadata:
    """Return what a table says that has a row for each column.

    Parameters
    ----------
    table : pyarrow.Table
        ``name``, and any of ``unit``, ``ucd``, ``description``, ``utype``.

    Raises
    ------
    InputError
        If it has other columns, or names a column twice.
    """
    known = dict.fromkeys(("name", *KEYS), object)
    entry(("the table of columns",), dict.fromkeys(table.column_names), known, ("name",))
    rows = table.to_pylist()
    columns = {row.pop("name"): {k: v for k, v in row.items() if v is not None} for row in rows}
    if len(columns) < len(rows):
        raise InputError("the table of columns names one of them twice")
    return metadata_of({"columns": columns})


def to_toml(metadata: Metadata) -> str:
    """Return the text of TOML that says the same."""
    lines = [f"{key} = {_toml(text)}" for key in _TEXTS if (text := getattr(metadata, key))]
    if metadata.columns:
        lines += ["", "[columns]"]
    for path, meta in metadata.columns.items():
        lines.append(f"{_key(path)} = {_toml(asdict(meta))}")
    for table in metadata.tables.values():
        lines += ["", f"[tables.{_key(table.name)}]"]
        said = {f.name: getattr(table, f.name) for f in fields(table) if f.name != "name"}
        said["keys"] = tuple(asdict(key) for key in table.keys)
        lines += [f"{key} = {_toml(value)}" for key, value in said.items() if value]
    return "\n".join(lines).lstrip() + "\n"


def line_of(text: str, path: Sequence[str]) -> str:
    """Return ``, line n`` for the entry of a text of TOML to which keys lead; empty: not found."""
    table: list[str] = []
    found, best = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("["):
            keys = table = _keys(line)
        elif "=" in line:
            keys = [*table, *_keys(f"{line.partition('=')[0]} = 0")]
        else:
            continue
        pairs = itertools.zip_longest(path, keys)
        same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        if same > best:
            found, best = f", line {number}", same
    return found


def _keys(line: str) -> list[str]:
    """Return the keys of one line of TOML, from the outermost on."""
    try:
        said = tomllib.loads(line.replace("[[", "[").replace("]]", "]"))
    except tomllib.TOMLDecodeError:
        return []
    keys = []
    while isinstance(said, dict) and said:
        key, said = next(iter(said.items()))
        keys.append(key)
    return keys


def _column(path: str, said: Any) -> ColumnMeta:
    meta = ColumnMeta(**entry(("columns", path), said, dict.fromkeys(KEYS, str)))
    if meta.unit and not is_known(meta.unit):
        raise WrongEntry(("columns", path, "unit"), f"there is no unit {meta.unit!r}")
    return meta


def _paths(column: pa.Field) -> list[str]:
    inner = column.type if is_nested(column.type) else ()
    return [column.name, *(f"{column.name}.{f.name}" for f in inner)]


def _wrong_of_table(table: TableInfo, schema: pa.Schema) -> Iterator[WrongEntry]:
    where = ("tables", table.name)
    there = list(schema.names)
    if table.nested:
        nested = [f.name for f in schema if is_nested(f.type)]
        yield from _missing((*where, "nested"), [table.nested], nested)
        yield from _missing((*where, "from_object"), table.from_object.values(), there)
        if table.nested not in nested:
            return
        fields = [f.name for f in schema.field(table.nested).type]
        yield from _wrong_of_objects(table, fields, nested)
        there = [*table.from_object, *fields]
    yield from _missing((*where, "key"), table.key, there)
    yield from _missing((*where, "roles"), table.roles.values(), there)
    for key in table.keys:
        yield from _missing((*where, "keys"), key.columns, there)


def _wrong_of_objects(
    table: TableInfo, fields: Sequence[str], nested: Sequence[str]
) -> Iterator[WrongEntry]:
    where = ("tables", table.name, "from_object")
    given = list(table.from_object.values())
    for new, old in table.from_object.items():
        if new in (table.nested, *fields):
            yield WrongEntry(where, f"an epoch has {new!r} already: give {old!r} another name")
        if old in nested:
            yield WrongEntry(where, f"{old!r} is a light curve")
        elif given.count(old) > 1:
            yield WrongEntry(where, f"{old!r} is given more than once")


def _missing(
    path: tuple[str, ...], names: Iterable[str], there: Sequence[str]
) -> Iterator[WrongEntry]:
    for name in names:
        if name not in there:
            yield WrongEntry(path, f"there is no column {name!r}{did_you_mean(name, there)}")


def _toml(value: Any) -> str:
    """Return a value of TOML: text, a list, or a table in one line without its empty entries."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inner = (f"{_key(key)} = {_toml(item)}" for key, item in value.items() if item)
        return f"{{ {', '.join(inner)} }}"
    return f"[{', '.join(map(_toml, value))}]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)
