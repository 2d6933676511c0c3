"""Statements on a flat table of plain DuckDB, as far as it means what ADQL does.

Left out are NaN, geometry, unsigned numbers, and the functions that only this language has.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from skyseries.adql import tree

__all__ = [
    "NAMES", "SETTINGS", "Flat", "OtherMeaningError", "in_lower_case", "plain_columns",
    "translated", "with_parts",
]  # fmt: skip

_FUNCTIONS = {
    "ABS": "abs", "FLOOR": "floor", "CEILING": "ceil", "MOD": "mod", "LOWER": "lower",
    "UPPER": "upper", "COALESCE": "coalesce", "NULLIF": "nullif", "SIN": "sin", "COS": "cos",
    "EXP": "exp", "RADIANS": "radians", "DEGREES": "degrees", "ATAN": "atan", "ATAN2": "atan2",
    "TAN": "tan", "PI": "pi", "COUNT": "count", "SUM": "sum", "AVG": "avg", "MIN": "min",
    "MAX": "max", "MEDIAN": "median", "SCISQL_MEDIAN": "median", "STDDEV": "stddev_samp",
    "VARIANCE": "var_samp",
}  # fmt: skip
NAMES = {"ra", "dec", "gmag", "rmag", "period", "nobs", "size", "name", "kind"}
SETTINGS = (
    "SET integer_division = true; SET default_null_order = 'nulls_last';"
    " SET error_on_division_by_zero = false; SET disabled_optimizers = 'join_elimination'"
)


class Flat:
    """The objects of a catalog in a table of DuckDB, NULL for NaN, single precision as double."""

    def __init__(self, table: pa.Table) -> None:
        self._database = duckdb.connect(config={"threads": 1})
        self._database.execute(SETTINGS)
        self._database.register("survey", plain_columns(table))

    def answer(self, query: tree.Query) -> pa.Table | None:
        """Return the rows of a statement; None if DuckDB may mean something else by it."""
        try:
            text = self._text(query)
        except OtherMeaningError:
            return None
        return self._database.sql(text).to_arrow_table()

    def _text(self, query: tree.Query) -> str:
        select = query.body
        changed = replace(
            query,
            body=replace(translated(select, _special), top=None, sources=select.sources),
            order_by=tuple(translated(term, _special) for term in query.order_by),
            offset=None,
        )
        alias = select.sources[0].alias
        plain = tree.Table((tree.Name("survey", True, position=query.position),), alias,
                           position=query.position)  # fmt: skip
        text = str(replace(changed, body=replace(changed.body, sources=(plain,))))
        text += "" if select.top is None else f" LIMIT {select.top}"
        return text + f" OFFSET {query.offset or 0}"


class OtherMeaningError(Exception):
    """DuckDB may mean something else by this."""


def plain_columns(table: pa.Table) -> pa.Table:
    """Return a table with names in lower case, NULL for NaN, single precision as double."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_floating(column.type):
            column = column.cast(pa.float64())
            column = pc.if_else(pc.is_nan(column), None, column)
        columns[name.lower()] = column
    return pa.table(columns)


def _special(node):
    """Return columns without the name of the table."""
    if isinstance(node, tree.ColumnRef):
        name = node.parts[-1]
        if name.text.lower() not in NAMES and not re.fullmatch(r"[vka]\d", name.text.lower()):
            raise OtherMeaningError
        return replace(node, parts=(in_lower_case(name),))
    return node if isinstance(node, tree.Table) else None


def in_lower_case(name):
    """Return a name as those of the plain tables are."""
    return replace(name, text=name.text.lower(), delimited=True)


def translated(node, special):
    """Return a tree that prints as DuckDB's SQL; `special` returns some nodes, None for others."""
    found = special(node)
    if found is not None:
        return found
    match node:
        case tree.Literal() if isinstance(node.value, Decimal):  # else it would be a DECIMAL
            return tree.Cast(node, "DOUBLE PRECISION", None, position=node.position)
        case tree.Binary(operator="/") if not _is_number_but_zero(node.right):
            raise OtherMeaningError  # with its integer_division 1.5 / 0 is NULL too
        case tree.Call():
            if node.name.upper() not in _FUNCTIONS:
                raise OtherMeaningError
            node = replace(node, name=_FUNCTIONS[node.name.upper()])
        case tree.Cast() if node.target not in ("BIGINT", "DOUBLE PRECISION", "INTEGER"):
            raise OtherMeaningError
        case tree.Cast():  # a text that is no number is NULL
            node = replace(node, attempt=True)
    return with_parts(node, lambda part: translated(part, special))


def with_parts(node, change):
    """Return a node with the nodes below it changed."""
    return replace(
        node, **{name: _changed(getattr(node, name), change) for name in type(node).__match_args__}
    )


def _is_number_but_zero(node):
    return isinstance(node, tree.Literal) and node.value not in (0, None)


def _changed(value, change):
    if isinstance(value, tuple):
        return tuple(_changed(part, change) for part in value)
    is_node = isinstance(value, tree.Placed) and not isinstance(value, tree.Name)
    return change(value) if is_node else value
