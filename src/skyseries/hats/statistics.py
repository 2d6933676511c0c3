"""What each row group of each leaf holds, so that scans are planned without opening footers.

The table is ``per_partition_statistics.parquet``: a row for each row group, with the columns
``Norder, Npix, row_group_index`` and, for each leaf column, ``<name>::min_value``,
``max_value``, ``null_count``, ``row_count``, ``disk_bytes`` and ``memory_bytes``. Names are those
of hats: ``lightcurve.mjd`` for the values of the lists whose Parquet path is
``lightcurve.mjd.list.element``. The file is written with the leaves; a plan reads only those of
its columns that it needs, and what was read is kept until the file is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.arraytypes import Ints
from skyseries.arrow import to_numpy
from skyseries.cache import kept
from skyseries.errors import CatalogError
from skyseries.hats.dataset import Dataset
from skyseries.hats.leaf import LIST_PATH, column_paths
from skyseries.hats.partitions import Cell, Partitions
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.store.files import Location

__all__ = [
    "STATISTICS_FILE",
    "RowGroups",
    "leaf_statistics",
    "read_statistics",
    "recorded_names",
    "recorded_rows",
]


STATISTICS_FILE = "per_partition_statistics.parquet"

_REPEATED = r"\.(list|key_value)\."
_KEYS = ("Norder", "Npix", "row_group_index")
_COUNTS = ("null_count", "row_count", "disk_bytes", "memory_bytes")


def leaf_statistics(cell: Cell, footer: pq.FileMetaData, schema: pa.Schema) -> pa.Table:
    """Return the statistics of the row groups of one leaf.

    Parameters
    ----------
    cell : Cell
    footer : pyarrow.parquet.FileMetaData
    schema : pyarrow.Schema
        That of the leaf; it gives minima and maxima their types.
    """
    groups = [footer.row_group(g) for g in range(footer.num_row_groups)]
    n = len(groups)
    columns: dict[str, pa.Array] = {
        "Norder": pa.array([cell.order] * n, pa.int64()),
        "Npix": pa.array([cell.npix] * n, pa.int64()),
        "row_group_index": pa.array(range(n), pa.int64()),
    }
    names = recorded_names(schema)
    for c, (path, type_) in zip(range(footer.num_columns), column_paths(schema), strict=True):
        rows = [_column_statistics(group.column(c)) for group in groups]
        for key in ("min_value", "max_value"):
            columns[f"{names[path]}::{key}"] = _typed([row[key] for row in rows], type_)
        for key in _COUNTS:
            columns[f"{names[path]}::{key}"] = pa.array([row[key] for row in rows], pa.int64())
    return pa.table(columns)


def recorded_names(schema: pa.Schema) -> dict[str, str]:
    """Return what each leaf column is called in the statistics, by its Parquet path.

    As hats does it, but where that would be the name of another column too.
    """
    paths = [path for path, _ in column_paths(schema)]
    short = {path: _without_lists(path) for path in paths}
    taken = set(paths)
    return {path: path if name in taken else name for path, name in short.items()}


def _without_lists(path: str) -> str:
    while path.endswith(LIST_PATH):
        path = path.removesuffix(LIST_PATH)
    return path


def _column_statistics(column: pq.ColumnChunkMetaData) -> dict[str, Any]:
    stats = column.statistics
    known = stats is not None and stats.has_min_max
    return {
        "min_value": stats.min if known else None,
        "max_value": stats.max if known else None,
        "null_count": stats.null_count if stats is not None and stats.has_null_count else None,
        "row_count": column.num_values,
        "disk_bytes": column.total_compressed_size,
        "memory_bytes": column.total_uncompressed_size,
    }


def _typed(values: list[Any], type_: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    try:
        return pa.array(values, type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.nulls(len(values), type_)


class RowGroups:
    """All row groups, in the order of the partitions and of the groups in each.

    Attributes
    ----------
    first : ndarray of int64, shape (partitions + 1,)
        The groups of partition i are first[i], ..., first[i + 1] - 1.
    order, npix, row_group : ndarray of int64, shape (n,)
        The cell of each group, and its number in the leaf.
    rows : ndarray of int64, shape (n,)
    """

    def __init__(self, file: _StatisticsFile, schema: pa.Schema, place: Ints, first: Ints) -> None:
        self._file = file
        self._schema = schema
        self._names = recorded_names(schema)
        self._place = place
        self.first = first
        self.order, self.npix, self.row_group = (self._numbers(key) for key in _KEYS)
        self.rows = self._numbers(f"{_flat_path(file, schema)}::row_count")

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, partitions: Ints) -> RowGroups:
        """Return the row groups of some partitions only, given by their numbers, ascending."""
        if len(partitions) == len(self.first) - 1:
            return self
        counts = np.diff(self.first)[partitions]
        first = np.concatenate([[0], np.cumsum(counts)])
        groups = np.arange(first[-1]) + np.repeat(self.first[partitions] - first[:-1], counts)
        return RowGroups(self._file, self._schema, self._place[groups], first)

    @property
    def nbytes(self) -> int:
        """What is held beside the columns of the file."""
        held = (self._place, self.first, self.order, self.npix, self.row_group, self.rows)
        return sum(array.nbytes for array in held)

    def has(self, path: str) -> bool:
        """Whether a leaf column is described."""
        return self._name(path, "row_count") in self._file.names

    def count(self, path: str) -> Ints:
        """Return the values of a leaf column, nulls too: rows, or epochs within light curves.

        Parameters
        ----------
        path : str
            As Parquet has it: ``ra``, ``lightcurve.mjd.list.element``; see `column_paths`.
        """
        return self._numbers(self._name(path, "row_count"))

    def null_count(self, path: str) -> Ints:
        """Return the nulls of a leaf column; -1 where that is not known."""
        return self._numbers(self._name(path, "null_count"), -1)

    def minimum(self, path: str) -> pa.Array:
        """Return the smallest values, in the column's type; null: not known, or all are null.

        NaN is not looked at: a group whose maximum is 3 may hold NaN.
        """
        return self._values(self._name(path, "min_value"))

    def maximum(self, path: str) -> pa.Array:
        """Return the largest values; as `minimum`."""
        return self._values(self._name(path, "max_value"))

    def disk_bytes(self, columns: Sequence[str] | None = None) -> Ints:
        """Return the bytes in the file of some columns, or fields ``lc.mjd`` (all by default)."""
        return self._sum("disk_bytes", columns)

    def memory_bytes(self, columns: Sequence[str] | None = None) -> Ints:
        """Return the bytes of some columns, decompressed but still encoded."""
        return self._sum("memory_bytes", columns)

    def _sum(self, key: str, columns: Sequence[str] | None) -> Ints:
        below = None if columns is None else tuple(f"{name}." for name in columns)
        paths = [path for path, _ in column_paths(self._schema) if self.has(path)]
        names = [self._name(p, key) for p in paths if below is None or f"{p}.".startswith(below)]
        self._file.load(names)
        return sum((self._numbers(name, 0) for name in names), np.zeros(len(self), np.int64))

    def _name(self, path: str, key: str) -> str:
        """Return the column of the file; some files have whole paths."""
        whole = f"{path}::{key}"
        return whole if whole in self._file.names else f"{self._names.get(path, path)}::{key}"

    def _values(self, name: str) -> pa.Array:
        return self._file.column(name).take(pa.array(self._place))

    def _numbers(self, name: str, unknown: int = 0) -> Ints:
        return self._file.numbers(name, unknown)[self._place]


def read_statistics(dataset: Dataset) -> RowGroups | None:
    """Return the row groups of a catalog; None if they are not recorded.

    Nor are they if what is recorded is not of this catalog as it is: if a partition is missing
    or another is there, groups are missing, or the rows do not add up to those of the catalog.

    Raises
    ------
    CatalogError
        If the file is broken.
    """
    groups = _fitting(dataset)
    if groups is None or dataset.rows not in (None, int(groups.rows.sum())):
        return None
    return groups


def recorded_rows(dataset: Dataset) -> int | None:
    """Return how many rows a catalog says that it has, without a look at its leaves.

    None if it says nothing, or its properties and its statistics contradict each other.
    """
    groups = _fitting(dataset)
    if groups is None:
        return dataset.rows if len(dataset.partitions) else 0
    rows = int(groups.rows.sum())
    return rows if dataset.rows in (None, rows) else None


def _fitting(dataset: Dataset) -> RowGroups | None:
    """Return the row groups that are recorded, if they are those of the catalog's partitions."""
    if dataset.leaf_suffix == "/":
        return None
    location = dataset.root.join(STATISTICS_FILE)
    file = _open(location, location.stamp())
    if file is None or not len(dataset.partitions):
        return None
    return file.groups_of(dataset.partitions, dataset.schema)


def _row_groups(file: _StatisticsFile, cells: Partitions, schema: pa.Schema) -> RowGroups | None:
    placed = _places(file, cells)
    if placed is None or _flat_path(file, schema) == "":
        return None
    return RowGroups(file, schema, *placed)


def _flat_path(file: _StatisticsFile, schema: pa.Schema) -> str:
    """Return a leaf column with one value for each row; empty if none is described."""
    flat = (path for path, _ in column_paths(schema) if not re.search(_REPEATED, path))
    return next((path for path in flat if f"{path}::row_count" in file.names), "")


def _places(file: _StatisticsFile, cells: Partitions) -> tuple[Ints, Ints] | None:
    """Return the order of the groups, and where each partition's begin; None if they do not fit."""
    order, npix, group = (file.numbers(key, -1) for key in _KEYS)
    if (order < 0).any() or (order > HPX_ORDER).any():
        return None
    partition = cells.find(npix << 2 * (HPX_ORDER - order))
    known = partition >= 0
    at = np.where(known, partition, 0)
    if not (known & (cells.order[at] == order) & (cells.npix[at] == npix)).all():
        return None
    place = np.lexsort((group, partition))
    count = np.bincount(partition, minlength=len(cells))
    first = np.concatenate([[0], np.cumsum(count)])
    expected = np.arange(len(place)) - np.repeat(first[:-1], count)
    return None if (count == 0).any() or (group[place] != expected).any() else (place, first)


class _StatisticsFile:
    """The file, of which columns are read when they are asked for."""

    def __init__(self, location: Location, stamp: tuple[int, ...]) -> None:
        self._location = location
        self._stamp = stamp
        self._columns: dict[str, pa.Array] = {}
        self._last: tuple[Partitions, pa.Schema, RowGroups | None] | None = None
        with closing(location.open()) as source:
            self._footer = pq.read_metadata(source)
        self.names = frozenset(self._footer.schema.to_arrow_schema().names)
        if missing := [key for key in _KEYS if key not in self.names]:
            raise CatalogError(f"{location} has no column {missing[0]}")

    @property
    def nbytes(self) -> int:
        """About what is held of the file."""
        columns = list(self._columns.values())
        groups = None if self._last is None else self._last[2]
        held = 0 if groups is None else groups.nbytes
        return int(self._footer.serialized_size + held + sum(column.nbytes for column in columns))

    def groups_of(self, cells: Partitions, schema: pa.Schema) -> RowGroups | None:
        """Return the row groups of a catalog's partitions; None if others are recorded.

        They are kept, for a plan asks again and again, and always for the same.
        """
        last = self._last
        if last is None or last[0] is not cells or last[1] is not schema:
            last = self._last = cells, schema, _row_groups(self, cells, schema)
        return last[2]

    def load(self, names: Sequence[str]) -> None:
        """Read columns that are not there yet, all at once."""
        missing = [name for name in names if name not in self._columns]
        if not missing:
            return
        if self._location.stamp() != self._stamp:
            raise CatalogError(f"{self._location} has been replaced: open the catalog again")
        try:
            with closing(self._location.open()) as source:
                file = pq.ParquetFile(source, metadata=self._footer)
                table = file.read(missing, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{self._location} cannot be read: {error}") from error
        for name in missing:
            self._columns[name] = table.column(name).combine_chunks()

    def column(self, name: str) -> pa.Array:
        """Return a column."""
        if name not in self.names:
            raise CatalogError(f"{self._location} has no column {name!r}")
        self.load([name])
        return self._columns[name]

    def numbers(self, name: str, unknown: int) -> Ints:
        """Return a column of whole numbers, with something in place of null."""
        column = self.column(name)
        if column.type != pa.int64() or column.null_count:  # either needs pyarrow.compute
            column = column.cast(pa.int64()).fill_null(unknown)
        return to_numpy(column)


@kept
def _open(location: Location, stamp: tuple[int, ...]) -> _StatisticsFile | None:
    if location.is_local and not stamp:
        return None
    if not location.is_local and not location.exists():
        return None
    try:
        return _StatisticsFile(location, stamp)
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{location} cannot be read: {error}") from error
