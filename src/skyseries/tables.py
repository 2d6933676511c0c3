"""A table of any library as an Arrow one: all its columns, with their units, masks as nulls."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arrays.containers import is_missing, library_of, opened
from skyseries.arrays.sky import is_coordinate
from skyseries.arrays.times import days, is_time
from skyseries.arrow import plain_array
from skyseries.errors import InputError, SchemaError
from skyseries.units import unit_text

__all__ = ["is_table", "to_table"]

Column = tuple[str, Any, dict[str, str]]
"""Name, Arrow array, and metadata: unit, description, scale of times."""


def is_table(table: Any) -> bool:
    """Return whether `to_table` knows what to do with an object."""
    return _columns_of(table) is not None or hasattr(table, "__arrow_c_stream__")


def to_table(table: Any, what: str = "the table") -> pa.Table:
    """Return a table of any library as a pyarrow one.

    Named indexes of pandas become columns. Masked values, NA and None are null. Units and
    descriptions of astropy's columns go to the metadata of the fields. A Time becomes days of
    MJD; a SkyCoord two columns, ``ra`` and ``dec`` (with the name of the column before them if
    there are such columns), degrees. Text is plain text; lists of structs are structs of lists.

    Parameters
    ----------
    table : table of pyarrow, pandas, polars, astropy, LSDB, nested-pandas; dict of columns;
        SkyCoord; structured NumPy array
    what : str
        Its name in errors.

    Raises
    ------
    InputError
        If it is no table, or a column cannot be taken.
    """
    columns = _columns_of(table)
    if columns is None and hasattr(table, "__arrow_c_stream__"):
        with _named(what):
            columns = _of_arrow(pa.table(table))
    if columns is not None:
        found = _assembled(list(columns), what)
        return _as_declared(found, table)
    hint = ""
    if hasattr(type(table), "compute"):
        hint = "; call its compute() first"
    elif hasattr(table, "collect"):  # polars' LazyFrame
        hint = "; call its collect() first"
    raise InputError(
        f"cannot take a {type(table).__name__} for {what}; give a catalog, or a table of "
        f"pyarrow, pandas, polars or astropy, or a dict of columns{hint}"
    )


def _columns_of(table: Any) -> Iterator[Column] | None:
    """Return name, array and metadata of each column; None if Arrow itself knows them all."""
    if hasattr(type(table), "compute"):  # lazy: of Dask and LSDB
        return None
    if isinstance(table, pa.RecordBatch):
        return _of_arrow(pa.Table.from_batches([table]))
    if isinstance(table, pa.Table):
        return _of_arrow(table)
    if isinstance(table, Mapping):
        return _of_mapping(table)
    if hasattr(table, "colnames") and hasattr(table, "itercols"):
        return _of_astropy(table)
    if hasattr(table, "iloc") and hasattr(table, "columns") and hasattr(table, "index"):
        return _of_pandas(table)
    if is_coordinate(table):
        return _column("position", table, ())
    return _of_records(table) if isinstance(table, np.ndarray) and table.dtype.names else None


def _assembled(columns: Sequence[Column], what: str) -> pa.Table:
    names = [name for name, *_ in columns]
    if again := [name for name in names if names.count(name) > 1]:
        raise SchemaError(f"{what} has two columns of one name, {again[0]!r}: rename one of them")
    lengths = {len(array): name for name, array, _ in columns}
    if len(lengths) > 1:
        (one, first), (two, second) = list(lengths.items())[:2]
        raise InputError(
            f"the columns of {what} differ in length: {first!r} has {one} rows, {second!r} {two}"
        )
    fields = [pa.field(name, a.type, metadata=said or None) for name, a, said in columns]
    return pa.Table.from_arrays([array for _, array, _ in columns], schema=pa.schema(fields))


def _as_declared(found: pa.Table, table: Any) -> pa.Table:
    """Return the columns of an Arrow table as they were declared: some may not be null."""
    if not isinstance(table, pa.Table | pa.RecordBatch):
        return found
    pairs = zip(found.schema, table.schema, strict=True)
    fields = [field.with_nullable(before.nullable) for field, before in pairs]
    return pa.Table.from_arrays(found.columns, schema=pa.schema(fields))


def _of_arrow(table: pa.Table) -> Iterator[Column]:
    for field, column in zip(table.schema, table.columns, strict=True):
        said = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        known = {key: text for key, text in said.items() if not key.startswith("_PL_")}
        yield field.name, plain_array(column), known


def _of_mapping(table: Mapping[Any, Any]) -> Iterator[Column]:
    for name, values in table.items():
        yield from _column(str(name), values, list(table))


def _of_records(rows: Any) -> Iterator[Column]:
    """Yield the columns of a structured array; those of a FITS file say units and nulls beside."""
    beside = getattr(rows, "columns", None)
    of_fits = beside if beside is not None and hasattr(beside, "nulls") else ()
    known = {column.name: column for column in of_fits}
    for name in rows.dtype.names:
        unit, null = (getattr(known.get(name), said, None) for said in ("unit", "null"))
        values = rows[name]
        if isinstance(null, int) and values.dtype.kind in "iu":
            values = np.ma.MaskedArray(values, values == null)
        yield name, _array(name, values), {"unit": unit} if unit else {}


def _of_astropy(table: Any) -> Iterator[Column]:
    for column in table.itercols():
        said = {"description": str(column.info.description)} if column.info.description else {}
        for name, array, metadata in _column(column.info.name, column, table.colnames):
            yield name, array, metadata | said


def _of_pandas(frame: Any) -> Iterator[Column]:
    index = frame.index
    levels = [index.get_level_values(i) for i in range(index.nlevels)]
    for level in levels:
        if level.name is None:
            continue
        if level.name not in frame.columns:
            yield from _column(str(level.name), level, list(frame.columns))
        elif not np.array_equal(np.asarray(level), np.asarray(frame[level.name])):
            raise SchemaError(
                f"the index and a column of the table are both called {level.name!r}, and differ: "
                "rename one of them"
            )
    for place, name in enumerate(frame.columns):
        yield from _column(str(name), frame.iloc[:, place], list(frame.columns))


def _column(name: str, values: Any, there: Sequence[Any]) -> Iterator[Column]:
    """Yield what becomes of one column: a SkyCoord is two."""
    times = isinstance(values, list | tuple) and any(map(is_time, values))
    if times and len({one.scale for one in values if is_time(one)}) == 1:
        scale = next(one.scale for one in values if is_time(one))
        said = {"unit": "d", "time_format": "mjd", "time_scale": str(scale)}
        yield name, pa.array(days(values, f"column {name!r}"), from_pandas=True), said
    elif is_coordinate(values):
        icrs = values.icrs
        before = f"{name}_" if {"ra", "dec"} & set(there) else ""
        for part, angle in (("ra", icrs.ra), ("dec", icrs.dec)):
            new = before + part
            yield new, _array(new, np.atleast_1d(angle.deg)), {"unit": "deg"}
    elif is_time(values):
        said = {"unit": "d", "time_format": "mjd", "time_scale": str(values.scale)}
        yield name, _array(name, values.mjd), said
    elif hasattr(values, "jd1") and hasattr(values, "to_value"):  # TimeDelta
        yield name, _array(name, values.jd), {"unit": "d"}
    else:
        if isinstance(values, list | tuple) and _has_units(values):
            values = _quantity(values, name)
        ticks = library_of(values) == "pandas"  # dates have a unit there: of what they count
        unit = unit_text(None if ticks else getattr(values, "unit", None))
        yield name, _array(name, values), {"unit": unit} if unit else {}


def _quantity(values: Sequence[Any], name: str) -> Any:
    from astropy.units import Quantity

    plain = opened(values, f"column {name!r}")
    return Quantity(plain.values, plain.unit)


def _has_units(values: Sequence[Any]) -> bool:
    first = next((value for value in values if value is not None), None)
    return getattr(first, "unit", None) is not None


def _array(name: str, values: Any) -> Any:
    with _named(f"column {name!r}"):
        if isinstance(values, pa.Array | pa.ChunkedArray):
            return plain_array(values)
        library = library_of(values)
        if library in ("pandas", "nested_pandas"):
            held = getattr(values, "array", values)  # of a Series or Index
            values = held.to_dense() if hasattr(held, "to_dense") else values
            return plain_array(pa.array(values, from_pandas=True))
        if library == "polars" or hasattr(values, "__arrow_c_stream__"):
            return plain_array(pa.chunked_array(values))
        if isinstance(values, list | tuple) and any(isinstance(v, np.datetime64) for v in values):
            values = np.array([np.datetime64("NaT") if is_missing(v) else v for v in values])
        if isinstance(values, list | tuple):
            return plain_array(_of_values([None if v is np.ma.masked else v for v in values]))
        return _from_numpy(*opened(values, f"column {name!r}")[:2])


def _of_values(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except OverflowError:  # ids beyond 2^63
        return pa.array(values, pa.uint64())


def _from_numpy(values: Any, missing: Any) -> pa.Array:
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if values.ndim == 1:
        items = values.tolist() if values.dtype.kind in "UO" else values
        return pa.array(items, pa.string() if values.dtype.kind == "U" else None, mask=missing)
    if values.ndim == 0:
        raise InputError("it is one value, not a row of them")
    flat = _from_numpy(values.reshape(-1), None if missing is None else missing.reshape(-1))
    for size in reversed(values.shape[1:]):
        flat = pa.FixedSizeListArray.from_arrays(flat, size)
    return flat


@contextlib.contextmanager
def _named(what: str) -> Iterator[None]:
    """Turn errors of Arrow and NumPy into ones that name the column."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{what} cannot be taken: {error}") from None
    except (pa.ArrowException, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(f"{what} cannot be taken: {str(error).splitlines()[0]}") from error
