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

__all__ = ["Flat"]

_FUNCTIONS = {
    "ABS": "abs", "FLOOR": "floor", "CEILING": "ceil", "MOD": "mod", "LOWER": "lower",
    "UPPER": "upper", "COALESCE": "coalesce", "NULLIF": "nullif", "SIN": "sin", "COS": "cos",
    "EXP": "exp", "RADIANS": "radians", "DEGREES": "degrees", "ATAN": "atan", "ATAN2": "atan2",
    "TAN": "tan", "PI": "pi", "COUNT": "count", "SUM": "sum", "AVG": "avg", "MIN": "min",
    "MAX": "max", "MEDIAN": "median", "SCISQL_MEDIAN": "median", "STDDEV": "stddev_samp",
    "VARIANCE": "var_samp",
}  # fmt: skip
_NAMES = {"ra", "dec", "gmag", "rmag", "period", "nobs", "size", "name", "kind"}


class Flat:
    """The objects of a catalog in a table of DuckDB, NULL for NaN, single precision as double."""

    def __init__(self, table: pa.Table) -> None:
        columns = {}
        for name in table.column_names:
            column = table[name]
            if pa.types.is_floating(column.type):
                column = column.cast(pa.float64())
                column = pc.if_else(pc.is_nan(column), None, column)
            if name.lower() in _NAMES:
                columns[name.lower()] = column
        self._database = duckdb.connect(config={"threads": 1})
        self._database.execute(
            "SET integer_division = true; SET default_null_order = 'nulls_last';"
            " SET error_on_division_by_zero = false"
        )
        self._database.register("survey", pa.table(columns))

    def answer(self, query: tree.Query) -> pa.Table | None:
        """Return the rows of a statement; None if DuckDB may mean something else by it."""
        try:
            text = self._text(query)
        except _OtherMeaningError:
            return None
        return self._database.sql(text).to_arrow_table()

    def _text(self, query: tree.Query) -> str:
        select = query.body
        changed = replace(
            query,
            body=replace(_translated(select), top=None, sources=select.sources),
            order_by=tuple(map(_translated, query.order_by)),
            offset=None,
        )
        alias = select.sources[0].alias
        plain = tree.Table((tree.Name("survey", True, position=query.position),), alias,
                           position=query.position)  # fmt: skip
        text = str(replace(changed, body=replace(changed.body, sources=(plain,))))
        text += "" if select.top is None else f" LIMIT {select.top}"
        return text + f" OFFSET {query.offset or 0}"


class _OtherMeaningError(Exception):
    pass


def _translated(node):
    """Return a tree that prints as DuckDB's SQL."""
    match node:
        case tree.Literal() if isinstance(node.value, Decimal):  # else it would be a DECIMAL
            return tree.Cast(node, "DOUBLE PRECISION", None, position=node.position)
        case tree.Binary(operator="/") if not _is_number_but_zero(node.right):
            raise _OtherMeaningError  # with its integer_division 1.5 / 0 is NULL too
        case tree.Call():
            if node.name.upper() not in _FUNCTIONS:
                raise _OtherMeaningError
            node = replace(node, name=_FUNCTIONS[node.name.upper()])
        case tree.ColumnRef():
            name = node.parts[-1]
            if name.text.lower() not in _NAMES and not re.fullmatch(r"[vka]\d", name.text.lower()):
                raise _OtherMeaningError
            return replace(node, parts=(replace(name, text=name.text.lower(), delimited=True),))
        case tree.Cast() if node.target not in ("BIGINT", "DOUBLE PRECISION", "INTEGER"):
            raise _OtherMeaningError
        case tree.Cast():  # a text that is no number is NULL
            node = replace(node, attempt=True)
        case tree.Table():
            return node
    below = {name: _parts(getattr(node, name)) for name in type(node).__match_args__}
    return replace(node, **below)


def _is_number_but_zero(node):
    return isinstance(node, tree.Literal) and node.value not in (0, None)


def _parts(value):
    if isinstance(value, tuple):
        return tuple(map(_parts, value))
    return (
        _translated(value)
        if isinstance(value, tree.Placed) and not isinstance(value, tree.Name)
        else value
    )
