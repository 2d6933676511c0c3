"""From an id to the one row group of the one leaf that holds it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skyseries.errors import CatalogError
from skyseries.hats.dataset import open_leaf
from skyseries.hats.files import Location
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Cell

__all__ = ["Found", "IdIndex", "open_index"]


class Found(NamedTuple):
    """Where the index says that an id is."""

    cell: Cell
    hpx: int | None
    """The order-29 cell of the object; None if the index does not hold it."""


class _Groups(NamedTuple):
    """The row groups of an index: which file, which group, lowest and highest id."""

    files: list[str]
    number: list[int]
    lowest: np.ndarray[Any, Any]
    highest: np.ndarray[Any, Any]


class IdIndex:
    """The id index of a collection.

    Parameters
    ----------
    root : Location
        The folder of the index catalog.
    column : str
        The column that it is an index of.
    """

    def __init__(self, root: Location, column: str) -> None:
        self.root = root
        self.column = column
        self._groups = _read_groups(root, column)

    def find(self, id: Any) -> list[Found]:
        """Return where this id is filed: usually once, never for an unknown id."""
        groups = self._groups
        try:
            hits = np.flatnonzero((groups.lowest <= id) & (groups.highest >= id))
        except TypeError:
            return []
        found = []
        for g in hits.tolist():
            with open_leaf(self.root.join("dataset", groups.files[g])) as file:
                table = file.read_row_group(groups.number[g], use_threads=False)
            ids = table.column(self.column)
            try:
                same = pc.equal(ids, pa.scalar(id, ids.type))
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                return []
            rows = table.filter(same)
            hpx = rows.column(HPX_COLUMN).to_pylist() if HPX_COLUMN in rows.column_names else None
            for i, (order, npix) in enumerate(
                zip(rows.column("Norder").to_pylist(), rows.column("Npix").to_pylist(), strict=True)
            ):
                found.append(Found(Cell(order, npix), None if hpx is None else hpx[i]))
        return found


def open_index(root: Location, column: str) -> IdIndex:
    """Return the index, opened once for a process as long as it is not replaced."""
    return _opened(root, column, root.join("dataset", "_metadata").stamp())


@lru_cache(maxsize=16)
def _opened(root: Location, column: str, stamp: tuple[int, ...]) -> IdIndex:
    return IdIndex(root, column)


def _all_null(chunk: pq.ColumnChunkMetaData) -> bool:
    statistics = chunk.statistics
    return bool(
        statistics is not None
        and statistics.has_null_count
        and statistics.null_count == chunk.num_values
    )


def _read_groups(root: Location, column: str) -> _Groups:
    content = root.join("dataset", "_metadata").read_bytes_if_there()
    if content is None:
        raise CatalogError(f"the index {root} has no dataset/_metadata")
    try:
        footer = pq.read_metadata(pa.BufferReader(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise CatalogError(f"{root.join('dataset', '_metadata')} is broken: {error}") from error
    place = next(
        (c for c in range(footer.num_columns) if footer.schema.column(c).path == column), None
    )
    if place is None:
        raise CatalogError(f"the index {root} has no column {column!r}")
    files, number, low, high = [], [], [], []
    seen: dict[str, int] = {}
    for g in range(footer.num_row_groups):
        chunk = footer.row_group(g).column(place)
        path = chunk.file_path
        seen[path] = seen.get(path, -1) + 1
        if chunk.statistics is None or not chunk.statistics.has_min_max:
            if chunk.num_values and not _all_null(chunk):
                raise CatalogError(
                    f"the index {root} has no statistics of {column!r}: it cannot be searched"
                )
            continue
        files.append(path)
        number.append(seen[path])
        low.append(chunk.statistics.min)
        high.append(chunk.statistics.max)
    kind = np.uint64 if low and isinstance(low[0], int) and max(high) >= 2**63 else None
    if low and isinstance(low[0], str):
        return _Groups(files, number, np.array(low, object), np.array(high, object))
    return _Groups(files, number, np.array(low, kind), np.array(high, kind))
