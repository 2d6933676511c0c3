"""The tables of Rubin's data releases, as data: names, types, units, UCDs, keys, descriptions.

>>> from skyseries.schema import rubin
>>> visit = rubin.release("dp1").table("ForcedSource").column("psfFlux")
>>> visit.type, visit.meta.unit
('float', 'nJy')

``dp02.toml``, ``dp1.toml`` and ``dp2.toml`` hold the facts of Rubin's published schemas
(https://sdm-schemas.lsst.io): in each table lines of ``type unit UCD: names``, where ``*`` marks
the types of columns that are shown first and ``-`` is no unit. Names are short for several:
``{ugrizy}_ap{03,06}Flux{,Err}``. The descriptions in ``descriptions.toml`` are our own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

import pyarrow as pa

from skyseries.errors import InputError
from skyseries.schema.columns import ColumnMeta, declare, with_column_meta
from skyseries.schema.roles import did_you_mean
from skyseries.schema.rubin.names import described, expand
from skyseries.schema.tables import TableInfo, table_info

__all__ = ["RELEASES", "Column", "Release", "RubinTable", "release", "releases"]

_FILES = {"dp02_dc2_catalogs": "dp02", "dp1": "dp1", "dp2": "dp2"}
RELEASES = tuple(_FILES)
"""The names of the releases, which are those of their schemas in statements."""

_ARROW = {
    "boolean": pa.bool_(), "short": pa.int16(), "int": pa.int32(), "long": pa.int64(),
    "float": pa.float32(), "double": pa.float64(), "char": pa.string(),
    "timestamp": pa.timestamp("us"),
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a table of a release."""

    name: str
    type: str
    """``boolean``, ``short``, ``int``, ``long``, ``float``, ``double``, ``char``, ``timestamp``."""
    meta: ColumnMeta
    principal: bool = False
    """Whether it is one of those that are shown first."""

    @property
    def field(self) -> pa.Field:
        """The column in a table of Arrow, with what is known of it."""
        field = with_column_meta(pa.field(self.name, _ARROW[self.type]), self.meta)
        return declare(field, "char") if self.type == "char" else field


@dataclass(frozen=True)
class RubinTable:
    """A table of a release."""

    info: TableInfo
    _lines: str = field(repr=False)

    @property
    def name(self) -> str:
        """Its name in the schema of the release."""
        return self.info.name

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The columns by name."""
        return {column.name: column for column in _columns(self.name, self._lines)}

    def column(self, name: str) -> Column:
        """Return a column.

        Raises
        ------
        InputError
            If there is none of this name; names the nearest.
        """
        if name not in self.columns:
            near = did_you_mean(name, list(self.columns))
            raise InputError(f"the table {self.name} has no column {name!r}{near}")
        return self.columns[name]


@dataclass(frozen=True)
class Release:
    """A data release: tables of one schema."""

    name: str
    title: str
    description: str
    tables: Mapping[str, RubinTable] = field(repr=False)
    """By name."""

    def table(self, name: str) -> RubinTable:
        """Return a table.

        Raises
        ------
        InputError
            If there is none of this name; names the nearest.
        """
        if name not in self.tables:
            near = did_you_mean(name, list(self.tables))
            raise InputError(f"{self.name} has no table {name!r}{near}")
        return self.tables[name]


def releases() -> Iterator[Release]:
    """Yield all releases."""
    return map(release, RELEASES)


@cache
def release(name: str) -> Release:
    """Return a data release of Rubin: ``dp02_dc2_catalogs``, ``dp1`` or ``dp2``.

    Raises
    ------
    InputError
        If there is none of this name; names the nearest.
    """
    if name not in _FILES:
        near = did_you_mean(name, RELEASES) or f"; there are {', '.join(RELEASES)}"
        raise InputError(f"there is no data release {name!r}{near}")
    said = _read(f"{_FILES[name]}.toml")
    tables = {}
    for title, table in said.pop("tables").items():
        lines = table.pop("columns")
        tables[title] = RubinTable(table_info(title, table), lines)
    return Release(**said, tables=tables)


@cache
def _descriptions() -> Mapping[str, str]:
    return {
        f"{'' if table == 'any' else table}.{name}": text.replace("{}", part)
        for table, names in _read("descriptions.toml").items()
        for pattern, text in names.items()
        for name, part in expand(pattern)
    }


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(file).read_text("utf-8"))


def _columns(table: str, lines: str) -> Iterator[Column]:
    texts = _descriptions()
    for line in lines.replace("\n ", " ").strip().splitlines():
        facts, _, names = line.partition(": ")
        kind, unit, ucd, *_ = (*facts.split(), "", "")
        unit = unit.removeprefix("-")
        for pattern in names.split():
            for name, _ in expand(pattern):
                meta = ColumnMeta(unit, ucd, described(table, name, texts))
                yield Column(name, kind.removesuffix("*"), meta, kind.endswith("*"))
