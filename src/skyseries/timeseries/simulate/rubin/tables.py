"""Columns by name as tables of a release: those that it has, in its order and types."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.schema.rubin import Column, Release, RubinTable

__all__ = ["nested_of", "table_of", "time_of"]


def table_of(table: RubinTable, values: Mapping[str, Any]) -> pa.Table:
    """Return those of the columns that the table of the release has.

    Parameters
    ----------
    table : RubinTable
    values : mapping from str to array_like
        Masked values are null.
    """
    columns = [column for column in table.columns.values() if column.name in values]
    arrays = [_cast(values[column.name], column) for column in columns]
    return pa.Table.from_arrays(arrays, schema=pa.schema([column.field for column in columns]))


def nested_of(
    table: RubinTable,
    values: Mapping[str, Any],
    row: Ints,
    n: int,
    left_out: Collection[str],
    time: Column,
) -> tuple[pa.Field, pa.Array]:
    """Return epochs as a column of light curves.

    Parameters
    ----------
    table : RubinTable
        Of the epochs.
    values : mapping from str to array_like
        One value for each epoch, sorted by row.
    row : ndarray of int64
        Of the object that each epoch belongs to.
    n : int
        Number of objects.
    left_out : collection of str
        Columns that each epoch has of its object.
    time : Column
        The times, which tables of forced photometry leave to the tables of visits: it is put
        behind the others where there is none.
    """
    columns = [c for c in table.columns.values() if c.name in values and c.name not in left_out]
    if "time" not in table.info.roles:
        columns.append(time)
    offsets = pa.array(np.searchsorted(row, np.arange(n + 1)), pa.int32())
    lists, fields = [], []
    for column in columns:
        items = _cast(values[column.name], column)
        list_type = pa.list_(pa.field("element", items.type))
        lists.append(pa.ListArray.from_arrays(offsets, items, type=list_type))
        fields.append(pa.field(column.name, list_type, metadata=column.field.metadata))
    return pa.struct(fields), pa.StructArray.from_arrays(lists, fields=fields)


def time_of(release: Release) -> Column:
    """Return the column of times that the light curves of a release have."""
    detections = release.table("DiaSource")
    return detections.column(detections.info.roles["time"])


def _cast(values: Any, column: Column) -> pa.Array:
    return pa.array(values).cast(column.field.type)
