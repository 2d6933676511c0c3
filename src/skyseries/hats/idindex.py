"""From ids to where their objects are filed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.arrow import to_numpy
from skyseries.cache import kept
from skyseries.config import tuning
from skyseries.errors import CatalogError
from skyseries.hats.dataset import open_leaf
from skyseries.hats.keys import KeyTable, aligned, plain
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Cell
from skyseries.lazy import pc
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.spatial.order import argsort
from skyseries.store.files import Location

__all__ = ["Found", "IdIndex", "Places", "open_index"]


_GROUP_BYTES = 200
"""What is known of a row group of an index takes about this."""


class Found(NamedTuple):
    """Where the index says that an id is."""

    cell: Cell
    hpx: int | None
    """The order-29 cell of the object; None if the index does not hold it."""


class Places(NamedTuple):
    """Where the index says that many ids are; those that it does not hold are left out."""

    asked: NDArray[np.int64]
    """Number of the id that was asked for; an id may be filed more than once."""
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    """The range of order-29 cells: that of the object, or its partition where the index does not
    hold the objects' cells."""


class _Groups(NamedTuple):
    """The row groups of an index: which file, which group, lowest and highest id."""

    files: list[str]
    number: list[int]
    lowest: np.ndarray[Any, Any]
    highest: np.ndarray[Any, Any]
    type: pa.DataType
    rows: int
    has_cells: bool


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

    @property
    def nbytes(self) -> int:
        """About what is held of the index."""
        return _GROUP_BYTES * len(self._groups.files)

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
                table = file.read(row_groups=[groups.number[g]])
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

    def find_many(self, ids: pa.Array | pa.ChunkedArray) -> Places:
        """Return where these ids are filed; each row group of the index is read once at most.

        Parameters
        ----------
        ids : Array or ChunkedArray
            Whole numbers of any width, or text; null is nowhere.
        """
        wanted = aligned(plain(ids), self._groups.type)
        table = KeyTable(wanted)
        parts = [np.empty((3, 0), np.int64)]
        for rows in self._groups_with(wanted):
            row, asked = table.match(rows.column(self.column))
            start, stop = _ranges(rows, row)
            parts.append(np.stack([asked, start, stop]))
        found = np.concatenate(parts, axis=1)
        return Places(*found[:, argsort(found[0])])

    @property
    def rows(self) -> int:
        """How many rows the index has: those of the catalog, if none of its ids is null."""
        return self._groups.rows

    @property
    def has_cells(self) -> bool:
        """Whether the index holds the cell of each object."""
        return self._groups.has_cells

    def _groups_with(self, wanted: pa.Array) -> Iterator[pa.Table]:
        """Yield the row groups that may hold any of the ids."""
        groups = self._groups
        ids = pc.unique(wanted.drop_null())
        ids = to_numpy(ids.take(pc.sort_indices(ids)))
        if not len(ids) or not groups.files:
            return
        lowest, highest = (bound.astype(ids.dtype) for bound in (groups.lowest, groups.highest))
        first = np.searchsorted(ids, lowest, side="left")
        hits = np.flatnonzero(np.searchsorted(ids, highest, side="right") > first).tolist()
        for path, of_file in itertools.groupby(hits, lambda g: groups.files[g]):
            numbers = [groups.number[g] for g in of_file]
            step = tuning().index_groups_at_once
            with open_leaf(self.root.join("dataset", path)) as file:
                there = [n for n in (HPX_COLUMN, "Norder", "Npix") if n in file.schema.names]
                columns = [self.column, *(there[:1] if there[0] == HPX_COLUMN else there)]
                for at in range(0, len(numbers), step):
                    some = numbers[at : at + step]
                    yield file.read(columns, some)


def _ranges(
    rows: pa.Table, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if HPX_COLUMN in rows.column_names:
        start = rows.column(HPX_COLUMN).to_numpy().astype(np.int64)[chosen]
        return start, start + 1
    order, npix = (
        rows.column(name).to_numpy().astype(np.int64)[chosen] for name in ("Norder", "Npix")
    )
    shift = 2 * (HPX_ORDER - order)
    return npix << shift, (npix + 1) << shift


def open_index(root: Location, column: str) -> IdIndex:
    """Return the index, opened once for a process as long as it is not replaced."""
    return _opened(root, column, root.join("dataset", "_metadata").stamp())


@kept
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
    schema = footer.schema.to_arrow_schema()
    facts = schema.field(column).type, footer.num_rows, HPX_COLUMN in schema.names
    kind = np.uint64 if low and isinstance(low[0], int) and max(high) >= 2**63 else None
    if low and isinstance(low[0], str):
        return _Groups(files, number, np.array(low, object), np.array(high, object), *facts)
    return _Groups(files, number, np.array(low, kind), np.array(high, kind), *facts)
