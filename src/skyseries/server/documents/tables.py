"""Which tables there are: VOSI tables 1.1, from the rows of TAP_SCHEMA, so that both agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Literal, TypeAlias

import pyarrow as pa
from lxml import etree

from skyseries.server.documents.xml import TYPE, added, root, serialized

__all__ = ["TapSchema", "table_document", "tables_document"]

TapSchema: TypeAlias = Mapping[str, pa.Table]
"""The tables of TAP_SCHEMA: ``schemas``, ``tables``, ``columns``, ``keys``, ``key_columns``."""

_Row: TypeAlias = dict[str, Any]
_PREFIXES = {
    "vosi": "http://www.ivoa.net/xml/VOSITables/v1.0",
    "vs": "http://www.ivoa.net/xml/VODataService/v1.1",
}


def tables_document(tap_schema: TapSchema, detail: Literal["min", "max"] = "max") -> bytes:
    """Return the document of all tables.

    Parameters
    ----------
    tap_schema : mapping of str to pyarrow.Table
    detail : {"min", "max"}
        ``min``: without columns and keys.
    """
    document = root("vosi:tableset", _PREFIXES)
    schemas = _sorted(tap_schema["schemas"], "schema_index")
    tables = _grouped(_sorted(tap_schema["tables"], "table_index"), "schema_name")
    parts = _Parts(tap_schema) if detail == "max" else None
    for schema in schemas:
        element = added(document, "schema")
        _named(element, schema, "schema_name")
        for table in tables.get(schema["schema_name"], ()):
            _table(added(element, "table"), table, parts)
    return serialized(document)


def table_document(tap_schema: TapSchema, name: str) -> bytes | None:
    """Return the document of one table, columns and keys included.

    Parameters
    ----------
    tap_schema : mapping of str to pyarrow.Table
    name : str
        As in TAP_SCHEMA; case does not matter.

    Returns
    -------
    bytes or None
        None: there is no such table.
    """
    rows = tap_schema["tables"].to_pylist()
    exact = [row for row in rows if row["table_name"] == name]
    alike = [row for row in rows if row["table_name"].lower() == name.lower()]
    if not alike:
        return None
    document = root("vosi:table", _PREFIXES)
    _table(document, (exact or alike)[0], _Parts(tap_schema))
    return serialized(document)


class _Parts:
    """Columns and keys, by table."""

    def __init__(self, tap_schema: TapSchema) -> None:
        self.columns = _grouped(_sorted(tap_schema["columns"], "column_index"), "table_name")
        self.keys = _grouped(tap_schema["keys"].to_pylist(), "from_table")
        self.pairs = _grouped(tap_schema["key_columns"].to_pylist(), "key_id")


def _sorted(table: pa.Table, by: str) -> list[_Row]:
    return sorted(table.to_pylist(), key=lambda row: (row[by] is None, row[by] or 0))


def _grouped(rows: Iterable[_Row], by: str) -> dict[str, list[_Row]]:
    ordered = sorted(rows, key=lambda row: row[by])
    return {name: list(group) for name, group in groupby(ordered, lambda row: row[by])}


def _named(element: etree._Element, row: _Row, name: str) -> None:
    for tag, value in (
        ("name", row[name]),
        ("description", row["description"]),
        ("utype", row["utype"]),
    ):
        if value:
            added(element, tag, value)


def _table(element: etree._Element, row: _Row, parts: _Parts | None) -> None:
    element.set("type", row["table_type"])
    name = row["table_name"]
    _named(element, row, "table_name")
    if parts is None:
        return
    for column in parts.columns.get(name, ()):
        _column(added(element, "column", attributes=_flagged(column)), column)
    for key in parts.keys.get(name, ()):
        _key(added(element, "foreignKey"), key, parts.pairs.get(key["key_id"], ()))


def _flagged(column: _Row) -> dict[str, str]:
    return {"std": "true" if column["std"] else "false"}


def _column(element: etree._Element, column: _Row) -> None:
    for tag, key in (
        ("name", "column_name"),
        ("description", "description"),
        ("unit", "unit"),
        ("ucd", "ucd"),
        ("utype", "utype"),
    ):
        if column[key]:
            added(element, tag, column[key])
    attributes = {
        TYPE: "vs:VOTableType",
        "arraysize": column["arraysize"] or None,
        "extendedType": column["xtype"] or None,
    }
    added(element, "dataType", column["datatype"], attributes)
    for flag in ("indexed", "principal"):
        if column[flag]:
            added(element, "flag", flag)


def _key(element: etree._Element, key: _Row, pairs: Iterable[_Row]) -> None:
    added(element, "targetTable", key["target_table"])
    for pair in pairs:
        columns = added(element, "fkColumn")
        added(columns, "fromColumn", pair["from_column"])
        added(columns, "targetColumn", pair["target_column"])
    for tag in ("description", "utype"):
        if key[tag]:
            added(element, tag, key[tag])
