"""Two tables with positions, radii and geometries, and conditions over both."""

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.adql.dialect import PYTHON
from skyseries.adql.query_resolver import resolve
from skyseries.adql.relations import Table, Tables
from skyseries.adql.statements import parse_statement
from skyseries.schema import ColumnMeta, with_column_meta


def _field(name, kind, **meta):
    return with_column_meta(pa.field(name, kind), ColumnMeta(**meta))


SCHEMA = pa.schema(
    [
        _field("ra", pa.float64(), unit="deg"),
        _field("dec", pa.float64(), unit="deg"),
        pa.field("r", pa.float64()),
        pa.field("single", pa.float32()),
        pa.field("n", pa.int32()),
        _field("err", pa.float64(), unit="arcsec"),
        _field("p", pa.list_(pa.float64(), 2), xtype="point"),
        _field("c", pa.list_(pa.float64(), 3), xtype="circle"),
    ]
)
LEFT, RIGHT = ["#0"], ["#1"]


def condition(text, schema=SCHEMA):
    """Return a condition over ``a`` (its columns are of ``#0``) and ``b`` (``#1``)."""
    tables = Tables([Table((name,), schema) for name in "ab"])
    statement = parse_statement(f"SELECT a.ra FROM a, b WHERE {text}", PYTHON)  # noqa: S608
    return resolve(statement, tables, PYTHON).body.where


def table(ra, dec, r, circles=None):
    """Return rows with these positions; None is NULL, NaN stays."""
    both = list(zip(ra, dec, strict=True))
    points = [None if None in at else list(at) for at in both]
    if circles is None:
        circles = [
            None if at is None or size is None else [*at, size]
            for at, size in zip(points, r, strict=True)
        ]
    values = [np.nan if size is None else size for size in r]
    numbers = [int(min(size, 1e6)) if size == size else None for size in values]
    arcsec = [None if size is None else size * 3600.0 for size in r]
    columns = [ra, dec, r, values, numbers, arcsec, points, circles]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def columns(rows, side):
    """Return the columns by path."""
    return {(side, name): rows.column(name).combine_chunks() for name in rows.column_names}


def fulfilled(test, left, right):
    """Return which pairs of rows, side by side, fulfil a condition."""
    return adql.Mask(test)(columns(left, "#0") | columns(right, "#1"), left.num_rows)


def nested_loop(test, left, right):
    """Return the pairs of rows that fulfil a condition, each tried."""
    i, j = (x.ravel() for x in np.indices((left.num_rows, right.num_rows)))
    kept = fulfilled(test, left.take(i), right.take(j)).to_numpy(zero_copy_only=False)
    return list(zip(i[kept].tolist(), j[kept].tolist(), strict=True))
