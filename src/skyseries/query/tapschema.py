"""TAP_SCHEMA: the tables that describe all tables, themselves included (TAP 1.1, section 4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyseries.adql.printing import identifier, identifiers
from skyseries.adql.relations import Table
from skyseries.arrow import is_nested
from skyseries.catalog import plan
from skyseries.formats.flat import flatten_schema
from skyseries.formats.votable_types import form_of
from skyseries.query.binding import Binding, Keep, Key
from skyseries.schema import column_meta

if TYPE_CHECKING:
    from skyseries.catalog.plan.node import Node

__all__ = ["described"]

_TEXT, _INT = pa.string(), pa.int32()

_COLUMNS: dict[str, dict[str, tuple[pa.DataType, str]]] = {
    "schemas": {
        "schema_name": (_TEXT, "name of the schema"),
        "utype": (_TEXT, "its role in a data model"),
        "description": (_TEXT, "what it holds"),
        "schema_index": (_INT, "its place among the schemas"),
    },
    "tables": {
        "schema_name": (_TEXT, "the schema that the table is in"),
        "table_name": (_TEXT, "name of the table as it is written in queries"),
        "table_type": (_TEXT, "table, or view"),
        "utype": (_TEXT, "its role in a data model"),
        "description": (_TEXT, "what it holds"),
        "table_index": (_INT, "its place among the tables"),
    },
    "columns": {
        "table_name": (_TEXT, "the table that the column is in"),
        "column_name": (_TEXT, "name of the column as it is written in queries"),
        "datatype": (_TEXT, "its type in a VOTable"),
        "arraysize": (_TEXT, "how many values of this type a cell has in a VOTable"),
        "xtype": (_TEXT, "what the values stand for (DALI)"),
        "size": (_INT, "how many values a cell has at most; use arraysize"),
        "description": (_TEXT, "what it holds"),
        "utype": (_TEXT, "its role in a data model"),
        "unit": (_TEXT, "its unit (VOUnits)"),
        "ucd": (_TEXT, "what it is physically (UCD)"),
        "indexed": (_INT, "1 where conditions on it are quick"),
        "principal": (_INT, "1 where it is among the most important"),
        "std": (_INT, "1 where a standard defines it"),
        "column_index": (_INT, "its place in the table"),
    },
    "keys": {
        "key_id": (_TEXT, "name of the key"),
        "from_table": (_TEXT, "the table with the ids"),
        "target_table": (_TEXT, "the table whose rows they are of"),
        "description": (_TEXT, "what the key is for"),
        "utype": (_TEXT, "its role in a data model"),
    },
    "key_columns": {
        "key_id": (_TEXT, "name of the key"),
        "from_column": (_TEXT, "the column of from_table"),
        "target_column": (_TEXT, "the column of target_table that it equals"),
    },
}
_ABOUT = {
    "schemas": "the schemas",
    "tables": "the tables of the schemas",
    "columns": "the columns of the tables",
    "keys": "which tables are joined by their ids",
    "key_columns": "the columns of the keys",
}


_KEYS = {
    "tables": (("schema_name", "schemas", "schema_name"),),
    "columns": (("table_name", "tables", "table_name"),),
    "keys": (("from_table", "tables", "table_name"), ("target_table", "tables", "table_name")),
    "key_columns": (("key_id", "keys", "key_id"),),
}
"""From a column to a column of another table (TAP 1.1, section 4.5)."""


def _schema_of(table: Table) -> str:
    """Return the schema that a table is in: its own name, where it is given without one."""
    return identifier(table.name[0])


def _name_of(table: Table) -> str:
    return ".".join(map(identifier, table.name))


def described(bindings: Iterable[Binding]) -> list[Binding]:
    """Return the tables that describe some tables, and themselves."""
    found: list[Binding] = []
    everything = list(bindings)

    @cache
    def rows() -> Mapping[str, list[dict[str, Any]]]:
        return _rows([*everything, *found])

    for name in _COLUMNS:
        schema = _schema(name)

        def make(
            keep: Keep,
            _: Collection[str],
            first: Keep,
            name: str = name,
            schema: pa.Schema = schema,
        ) -> Node:
            table = pa.Table.from_pylist(rows()[name], schema)
            return keep(first(plan.Memory.unplaced(table, f"tap_schema.{name}")))

        keys = tuple(Key((a,), ("tap_schema", to), (b,)) for a, to, b in _KEYS.get(name, ()))
        found.append(Binding(Table(("tap_schema", name), schema, _ABOUT[name]), make, keys=keys))
    return found


def _schema(name: str) -> pa.Schema:
    return pa.schema(
        [
            pa.field(column, kind, metadata={"description": text})
            for column, (kind, text) in _COLUMNS[name].items()
        ]
    )


def _rows(bindings: list[Binding]) -> dict[str, list[dict[str, Any]]]:
    names = list(dict.fromkeys(_schema_of(binding.table) for binding in bindings))
    keys = list(_keys(bindings))
    return {
        "schemas": [
            {"schema_name": name, "schema_index": place} for place, name in enumerate(names)
        ],
        "tables": [
            {
                "schema_name": _schema_of(binding.table),
                "table_name": _name_of(binding.table),
                "table_type": "view" if binding.is_view else "table",
                "utype": binding.utype or None,
                "description": binding.table.description or None,
                "table_index": place,
            }
            for place, binding in enumerate(bindings)
        ],
        "columns": [row for binding in bindings for row in _columns(binding)],
        "keys": [key for key, _ in keys],
        "key_columns": [pair for _, columns in keys for pair in columns],
    }


def _columns(binding: Binding) -> Iterator[dict[str, Any]]:
    standard = binding.table.name[0] == "tap_schema"
    for place, (name, field) in enumerate(_flat(binding.table.schema)):
        meta = column_meta(field)
        form = form_of(field)
        yield {
            "table_name": _name_of(binding.table),
            "column_name": name,
            "datatype": form.datatype,
            "arraysize": form.arraysize or None,
            "size": int(form.arraysize) if form.arraysize.isdecimal() else None,
            "xtype": form.xtype or None,
            "description": meta.description or None,
            "utype": meta.utype or None,
            "unit": meta.unit or None,
            "ucd": meta.ucd or None,
            "indexed": int(field.name in binding.indexed),
            "principal": int(standard or field.name in binding.indexed),
            "std": int(standard),
            "column_index": place,
        }


def _flat(schema: pa.Schema) -> Iterator[tuple[str, pa.Field]]:
    """Yield the columns as clients see them: of a light curve each field, an array."""
    written = identifiers(schema.names)
    for field in schema:
        if not is_nested(field.type):
            yield written[field.name], field
            continue
        for part in flatten_schema(pa.schema([field])):
            yield identifier(part.name), part


def _keys(bindings: list[Binding]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    there = {tuple(p.lower() for p in b.table.name): b for b in bindings}
    for binding in bindings:
        for number, key in enumerate(binding.keys, 1):
            target = there.get(tuple(part.lower() for part in key.table))
            if target is None:
                continue
            name = f"{_name_of(binding.table)}.{number}"
            said = {
                "key_id": name,
                "from_table": _name_of(binding.table),
                "target_table": _name_of(target.table),
                "description": key.description or None,
            }
            own, others = _written(binding.table, key.columns), _written(target.table, key.to)
            yield (
                said,
                [
                    {"key_id": name, "from_column": a, "target_column": b}
                    for a, b in zip(own, others, strict=True)
                ],
            )


def _written(table: Table, columns: Iterable[str]) -> list[str]:
    known = identifiers(table.schema.names)
    return [known.get(column, identifier(column)) for column in columns]
