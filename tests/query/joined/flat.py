"""Statements over several tables in plain DuckDB, as far as it means what ADQL does.

Left out is what `tests.query.flat` leaves out; unsigned ids are compared and selected only.
"""

from __future__ import annotations

import re
from dataclasses import replace

import duckdb
import pyarrow as pa

from skyseries.adql import tree
from tests.query.flat import (
    NAMES,
    SETTINGS,
    OtherMeaningError,
    in_lower_case,
    plain_columns,
    translated,
)

__all__ = ["FlatTables"]

_IDS = {"objectid", "idsigned"}
_SINGLE = {"gmag", "wmag", "flux", "fluxerr", "rl"}
_KNOWN = NAMES | {
    "smalldouble", "wmag", "n", "radius", "grade", "mjd", "flux", "fluxerr", "flags", "dbl", "rl",
    "whole", "idtext", "band", "word",
}  # fmt: skip
_ONE_OF_THEM = {"MIN", "MAX", "MEDIAN", "COALESCE", "NULLIF", "ABS"}
"""Functions with the precision of their arguments."""
_NOT_THERE = re.compile("not supported|not implemented|only supports", re.IGNORECASE)
_CALCULATED = (tree.Binary, tree.Unary, tree.Call, tree.Cast, tree.Case)
_GIVEN = re.compile(r"([vka]|low|tag|count)\d+")
_PLACES = """
CREATE MACRO point(ra, dec) AS CASE WHEN abs(dec) <= 90 THEN {'a': ra, 'd': dec} END;
CREATE MACRO circle(c, r) AS CASE WHEN c IS NOT NULL AND r >= 0 THEN {'c': c, 'r': r} END;
CREATE MACRO distance(p, q) AS 2 * degrees(asin(sqrt(
    sin(radians(p.d - q.d) / 2) ** 2
    + cos(radians(p.d)) * cos(radians(q.d)) * sin(radians(p.a - q.a) / 2) ** 2)));
CREATE MACRO contains(p, o) AS CASE WHEN distance(p, o.c) <= o.r THEN 1 WHEN
    distance(p, o.c) > o.r THEN 0 END;
"""


class FlatTables:
    """Tables in DuckDB, NULL for NaN, single precision as double."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self._database = duckdb.connect(config={"threads": 1})
        self._database.execute(SETTINGS + ";" + _PLACES)
        for name, table in tables.items():
            self._database.register("given", plain_columns(table))
            if "." in name:
                self._database.execute(f"CREATE SCHEMA IF NOT EXISTS {name.partition('.')[0]}")
            self._database.execute(f"CREATE TABLE {name} AS FROM given")
        self._names = {name.rpartition(".")[2]: name for name in tables}
        self.refused = 0
        """How often DuckDB said that it has no such joins."""

    def answer(self, query: tree.Query) -> pa.Table | None:
        """Return the rows of a statement; None if DuckDB may mean something else by it."""
        try:
            text = str(translated(query, self._special))
            if _everything_of_columns(query):
                return None
            return self._database.sql(text).to_arrow_table()
        except OtherMeaningError:
            return None
        except duckdb.ConversionException:  # ids that are text, beside numbers
            return None
        except duckdb.Error as error:
            if not _NOT_THERE.search(str(error)):
                raise
            self.refused += 1
            return None

    def _special(self, node):
        called = node.name.upper() if isinstance(node, tree.Call) else ""
        extreme, below = called in ("MIN", "MAX", "COUNT"), tree.children(node)
        if isinstance(node, _CALCULATED) and not extreme and any(_named(c, _IDS) for c in below):
            raise OtherMeaningError
        if isinstance(node, tree.Binary) and all(map(_is_single, below)):
            raise OtherMeaningError  # calculated in single precision
        match node:
            case tree.ColumnRef():
                return self._column(node)
            case tree.Table():
                return self._table(node)
            case tree.Call() if called in ("DISTANCE", "CONTAINS", "INTERSECTS"):
                return self._place(node)
            case tree.Call(arguments=(number, tree.Literal(value=9))) if (
                node.name.upper() == "ROUND"
            ):
                return replace(node, arguments=(translated(number, self._special), *below[1:]))
            case tree.Join(on=None, using=(), natural=False):
                one = tree.Literal(1, position=node.position)
                on = tree.Comparison("=", one, one, position=node.position)
                return translated(replace(node, on=on), self._special)
            case tree.Query(body=tree.Select(top=int())):
                part = f"{node.offset or 0} LIMIT {node.body.top}"
                plain = replace(node, body=replace(node.body, top=None), offset=None)
                return replace(translated(plain, self._special), offset=part)
            case tree.Combination():
                left, right = map(_in_parentheses, (node.left, node.right))
                if (left, right) == (node.left, node.right):
                    return None
                return translated(replace(node, left=left, right=right), self._special)
        return None

    def _column(self, node):
        *table, name = node.parts
        if table and table[-1].text.lower() == "lc":
            raise OtherMeaningError
        known = name.text.lower() in _KNOWN | _IDS or _GIVEN.fullmatch(name.text.lower())
        if not known:
            raise OtherMeaningError
        return replace(node, parts=tuple(map(in_lower_case, node.parts)))

    def _place(self, node):
        """Return a function of positions with points and circles as macros have them."""
        name = node.name.lower()
        given = [a for a in node.arguments if not isinstance(a, tree.Literal) or
                 not isinstance(a.value, str)]  # fmt: skip
        made = [self._argument(one) for one in given]
        pairs = {"distance": 4, "circle": 3}
        if len(made) == pairs.get(name):
            points = [
                tree.Call("point", tuple(made[i : i + 2]), False, position=node.position)
                for i in range(0, len(made) - 1, 2)
            ]
            made = [*points, *made[len(points) * 2 :]]
        if name == "intersects":
            name, made = "contains", made[::-1]
        kinds = [one.name.lower() for one in made if isinstance(one, tree.Call)]
        if name == "contains" and kinds != ["point", "circle"]:
            raise OtherMeaningError
        return tree.Call(name, tuple(made), False, position=node.position)

    def _argument(self, node):
        """Return an argument of such a function; only there points and circles are told."""
        shape = isinstance(node, tree.Call) and node.name.upper() in ("POINT", "CIRCLE")
        return self._place(node) if shape else translated(node, self._special)

    def _table(self, node):
        name = self._names.get(node.parts[-1].text.lower())
        if name is None:  # of WITH
            return replace(node, parts=tuple(map(in_lower_case, node.parts)))
        parts = [tree.Name(part, True, position=node.position) for part in name.split(".")]
        return replace(node, parts=tuple(parts))


def _named(node, names):
    return isinstance(node, tree.ColumnRef) and node.parts[-1].text.lower() in names


def _is_single(node):
    """Return whether a value is in single precision."""
    below = tree.children(node)
    same = isinstance(node, tree.Call) and node.name.upper() in _ONE_OF_THEM
    if below and (same or isinstance(node, tree.Unary)):
        return all(map(_is_single, below))
    return _named(node, _SINGLE)


def _in_parentheses(rows):
    """Return a query whose TOP is its own as one that is in parentheses."""
    if isinstance(rows, tree.Select) and rows.top is not None:
        return tree.Query((), rows, (), 0, position=rows.position)
    return rows


def _everything_of_columns(query):
    """Return whether an asterisk stands for columns of NATURAL or USING: their order differs."""
    body = query.body
    return isinstance(body, tree.Select) and any(
        isinstance(item, tree.Everything) for item in body.items
    ) and "USING" in str(body).upper() + str(body).upper().replace("NATURAL", "USING")  # fmt: skip
