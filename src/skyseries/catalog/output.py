"""Results in the shapes that users work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyseries.errors import MissingDependencyError
from skyseries.schema import column_meta

if TYPE_CHECKING:
    import astropy.table
    import pandas as pd
    import polars as pl

__all__ = ["to_astropy", "to_pandas", "to_polars"]


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return a DataFrame of Arrow types: 64-bit ids stay exact beside nulls."""
    try:
        import pandas as pd
    except ImportError:
        raise MissingDependencyError("pandas", "pandas") from None
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


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
    nulls = values.is_null().to_numpy(zero_copy_only=False)
    data: Any
    if pa.types.is_nested(field.type):
        data = np.empty(len(values), object)
        data[:] = [_nested_value(value) for value in values]
    elif pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
        data = np.array(values.fill_null("").to_pylist(), dtype=str)
    elif pa.types.is_null(field.type):
        data = np.full(len(values), np.nan)
    else:
        filled = values.fill_null(False if pa.types.is_boolean(field.type) else 0)
        data = filled.to_numpy(zero_copy_only=False)
    options = {"unit": meta.unit or None, "description": meta.description or None}
    if nulls.any() and data.dtype != object:
        return MaskedColumn(data, mask=nulls, **options)
    return Column(data, **options)


def _nested_value(value: pa.Scalar) -> Any:
    """Return a list as an array, and a light curve as a dictionary of arrays."""
    if not value.is_valid:
        return None
    if isinstance(value, pa.StructScalar):
        return {name: _nested_value(value[name]) for name in value}
    return value.values.to_numpy(zero_copy_only=False)
