"""Containers of tables: in memory, of every library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import nested_pandas
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.utils.masked import Masked

from tests.meaning import arrays
from tests.meaning.containers import Container, Gone, Values, filled, objects, plain, under
from tests.meaning.kinds import parsed

__all__ = ["TABLES", "Columns", "Given", "as_arrow"]


class Given(NamedTuple):
    """A column of a table."""

    values: Values
    gone: Gone = None
    unit: str | None = None


Columns = Mapping[str, Given]
_MAKE = {container.name: container.make for container in arrays.ARRAYS}


def _of(name: str, *, says: bool = False) -> Callable[[Given], Any]:
    """Return how a column is made, in one of the containers of arrays."""
    make = _MAKE[name]
    return lambda c: make(c.values, c.gone, c.unit if says else None)


def _each(columns: Columns, make: Callable[[Given], Any]) -> dict[str, Any]:
    return {name: make(column) for name, column in columns.items()}


def _quantity(c: Given) -> Any:
    if c.values.dtype.kind in "USi" or c.unit is None:
        return _masked_column(c)
    if c.gone is None:
        return u.Quantity(c.values, c.unit)
    return Masked(u.Quantity(filled(c.values, c.gone, under(c.values)), c.unit), mask=c.gone)


def _masked_column(c: Given) -> Any:
    said = None if c.unit is None else parsed(c.unit)
    if c.gone is None:
        return Column(c.values, unit=said)
    return MaskedColumn(filled(c.values, c.gone, under(c.values)), mask=c.gone, unit=said)


def as_arrow(columns: Columns) -> pa.Table:
    """Return a table that says its units in the metadata of its fields."""
    fields, made = [], []
    for name, c in columns.items():
        made.append(pa.array(c.values.tolist(), mask=c.gone))
        said = None if c.unit is None else {"unit": c.unit}
        fields.append(pa.field(name, made[-1].type, metadata=said))
    return pa.Table.from_arrays(made, schema=pa.schema(fields))


def _structured(columns: Columns) -> Any:
    made = {
        n: plain(c.values, c.gone) if c.gone is not None else c.values for n, c in columns.items()
    }
    rows = np.zeros(len(next(iter(made.values()))), [(n, a.dtype) for n, a in made.items()])
    for name, array in made.items():
        rows[name] = array
    return rows


def _fits_rows(columns: Columns) -> Any:
    made = []
    for name, c in columns.items():
        array = c.values if c.gone is None else plain(c.values, c.gone)
        form = "K" if array.dtype.kind == "i" else "D" if array.dtype.kind == "f" else "10A"
        made.append(fits.Column(name, form, array=array, unit=c.unit))
    return fits.FITS_rec.from_columns(made)


def _frame(columns: Columns, dtype: Callable[[Given], Any]) -> Any:
    return pd.DataFrame(
        {n: pd.Series(objects(c.values, c.gone), dtype=dtype(c)) for n, c in columns.items()}
    )


def _usual(c: Given) -> Any:
    return {"f": "f8", "i": "i8" if c.gone is None else "Int64"}.get(c.values.dtype.kind, object)


def _nullable(c: Given) -> Any:
    return {"f": "Float64", "i": "Int64"}.get(c.values.dtype.kind, "string")


def _of_arrow(c: Given) -> Any:
    kinds = {"f": pa.float64(), "i": pa.int64()}
    return pd.ArrowDtype(kinds.get(c.values.dtype.kind, pa.string()))


def _polars(columns: Columns) -> Any:
    return pl.DataFrame({n: objects(c.values, c.gone).tolist() for n, c in columns.items()})


def _indexed(columns: Columns) -> Any:
    return _frame(columns, _usual).set_index("id")


def _with_coordinate(columns: Columns) -> Any:
    rest = {n: c for n, c in columns.items() if n not in ("ra", "dec")}
    ra, dec = (columns[n] for n in ("ra", "dec"))
    table = QTable(_each(rest, _quantity))
    table["position"] = SkyCoord(ra.values, dec.values, unit="deg").galactic
    return table


def _table(name: str, make: Callable[[Columns], Any], **more: Any) -> Container:
    return Container(name, lambda columns, gone, unit: make(columns), "T", **more)


TABLES = (
    _table("dict of lists", lambda c: _each(c, _of("list"))),
    _table("dict of arrays", lambda c: _each(c, _of("np.ma"))),
    _table("dict of Quantity", lambda c: _each(c, _quantity), says="must"),
    _table("dict of Columns", lambda c: _each(c, _masked_column), says="may", any_unit=True),
    _table("dict of Series", lambda c: _each(c, _of("Series object"))),
    _table("dict of polars", lambda c: _each(c, _of("polars"))),
    _table("dict of Arrow", lambda c: _each(c, _of("ChunkedArray"))),
    _table("DataFrame", lambda c: _frame(c, _usual)),
    _table("DataFrame, nullable", lambda c: _frame(c, _nullable)),
    _table("DataFrame, Arrow", lambda c: _frame(c, _of_arrow)),
    _table("DataFrame, indexed", _indexed),
    _table("NestedFrame", lambda c: nested_pandas.NestedFrame(_frame(c, _of_arrow))),
    _table("polars", _polars),
    _table("Arrow", as_arrow, says="may", any_unit=True),
    _table("RecordBatch", lambda c: as_arrow(c).to_batches()[0], says="may", any_unit=True),
    _table("Table", lambda c: Table(_each(c, _masked_column)), says="may", any_unit=True),
    _table("QTable", lambda c: QTable(_each(c, _quantity)), says="must"),
    _table("QTable with SkyCoord", _with_coordinate, misses=False),
    _table("structured array", _structured),
    _table("FITS rows", _fits_rows, says="may", any_unit=True),
)
