"""Results in the shapes that users work with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyseries.arrow import is_number, to_numpy
from skyseries.errors import MissingDependencyError
from skyseries.schema import column_meta

if TYPE_CHECKING:
    import astropy.table
    import pandas as pd
    import polars as pl

__all__ = ["arrow_frame", "to_astropy", "to_pandas", "to_polars"]


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return a DataFrame that pandas writes to Parquet and reads back.

    Columns keep their Arrow types (64-bit ids stay exact beside nulls), where pandas knows them
    again by their names. Lists are objects, arrays of NumPy, and light curves dictionaries of
    such; dictionaries of Arrow are categories.
    """
    return _frame(table, _known_again)


def arrow_frame(table: pa.Table) -> pd.DataFrame:
    """Return a DataFrame of Arrow types, lists and light curves too: nothing is converted."""
    return _frame(table, None)


def _frame(table: pa.Table, keeps: Callable[[Any], bool] | None) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError:
        raise MissingDependencyError("pandas", "pandas") from None

    def kept(type_: pa.DataType) -> pd.ArrowDtype | None:
        dtype = pd.ArrowDtype(type_)
        return dtype if keeps is None or keeps(dtype) else None

    plain = table.replace_schema_metadata(None)
    frame: pd.DataFrame = plain.to_pandas(types_mapper=kept, integer_object_nulls=True)
    return frame


def _known_again(dtype: pd.ArrowDtype) -> bool:
    """Tell whether pandas finds a type by the name that it writes into a file."""
    from pandas.api.types import pandas_dtype

    if pa.types.is_map(dtype.pyarrow_dtype):  # as objects they could not be written either
        return True
    try:
        pandas_dtype(str(dtype))
    except (TypeError, NotImplementedError):
        return False
    return True


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Return a polars DataFrame."""
    try:
        import polars as pl
    except ImportError:
        raise MissingDependencyError("polars", "polars") from None
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table gives a frame
    return frame


def to_astropy(table: pa.Table) -> astropy.table.Table:
    """Return an astropy Table: units where they are known, masked where values are null."""
    from astropy.table import Table

    result = Table()
    for field, column in zip(table.schema, table.columns, strict=True):
        result[field.name] = _astropy_column(field, column.combine_chunks())
    return result


def _astropy_column(field: pa.Field, values: pa.Array) -> Any:
    from astropy.table import Column, MaskedColumn

    meta = column_meta(field)
    values = _plain(values)
    nulls = to_numpy(values.is_null())
    data = _column_data(values)
    options = {"unit": meta.unit or None, "description": meta.description or None}
    if nulls.any() and data.dtype != object:
        return MaskedColumn(data, mask=nulls, **options)
    return Column(data, **options)


def _plain(values: pa.Array) -> pa.Array:
    """Return the values without dictionary, view or extension; times of day as text."""
    from skyseries.formats import plain_array, plain_type

    if pa.types.is_time(values.type):  # NumPy has no time of day
        return values.cast(pa.string())
    if pa.types.is_duration(values.type):
        return values
    return plain_array(values, plain_type(values.type))


def _column_data(values: pa.Array) -> Any:
    type_ = values.type
    if pa.types.is_nested(type_):
        data = np.empty(len(values), object)
        for i, value in enumerate(values):  # NumPy would make a matrix of equally long lists
            data[i] = _nested_value(value)
        return data
    if pa.types.is_string(type_):
        return np.array(values.fill_null("").to_pylist(), dtype=str)
    if pa.types.is_null(type_):
        return np.full(len(values), np.nan)
    if is_number(type_) or pa.types.is_boolean(type_) or pa.types.is_temporal(type_):
        return _filled(values)
    return np.array([*values.to_pylist(), None], object)[:-1]  # None keeps NumPy from guessing


def _nested_value(value: pa.Scalar) -> Any:
    """Return a list as an array, and a light curve as a dictionary of arrays."""
    if not value.is_valid:
        return None
    if isinstance(value, pa.StructScalar):
        return {name: _nested_value(value[name]) for name in value}
    if not isinstance(value, pa.ListScalar) or isinstance(value, pa.MapScalar):
        return value.as_py()
    values = _plain(value.values)
    if values.null_count and (pa.types.is_integer(values.type) or pa.types.is_boolean(values.type)):
        return np.ma.MaskedArray(_filled(values), to_numpy(values.is_null()))
    return to_numpy(values)


def _filled(values: pa.Array) -> Any:
    """Return NumPy numbers or times of the same type, with something in place of null."""
    if pa.types.is_temporal(values.type) or pa.types.is_float16(values.type):
        return to_numpy(values)  # NaT and NaN
    filled = values.fill_null(False if pa.types.is_boolean(values.type) else 0)
    return to_numpy(filled)
