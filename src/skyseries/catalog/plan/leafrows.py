"""Rows of one leaf, read row group by row group when columns are fetched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats, Ints
from skyseries.arrow import floats, to_numpy
from skyseries.catalog.plan.rows import Index, Rows, gather
from skyseries.errors import CatalogError
from skyseries.hats.dataset import Dataset
from skyseries.spatial.healpix import HPX_ORDER, radec_to_hpx
from skyseries.store.files import Location

__all__ = ["LeafRows"]


class LeafRows(Rows):
    """The rows of some row groups of one file.

    What was fetched once is kept as long as this object lives, which is one unit of work.

    Parameters
    ----------
    dataset : Dataset
    leaf : Location
    groups : sequence of int
        Row groups, ascending.
    lengths : sequence of int
        How many rows each of them has.
    """

    def __init__(
        self, dataset: Dataset, leaf: Location, groups: Sequence[int], lengths: Sequence[int]
    ) -> None:
        self._dataset, self._leaf, self._groups = dataset, leaf, list(groups)
        self._lengths = list(lengths)
        self._ends = np.cumsum(lengths, dtype=np.int64)
        self._known: dict[str, list[pa.ChunkedArray | None]] = {}

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        if index is None:
            return self._groups_of(paths, np.arange(len(self._groups)))
        group = np.searchsorted(self._ends, index, side="right")
        hit = np.zeros(len(self._groups), np.bool_)
        hit[group] = True
        wanted = np.flatnonzero(hit)
        if len(wanted) == len(self._groups):
            return gather(self._groups_of(paths, wanted), index)
        before = np.cumsum(np.where(hit, 0, self._lengths))  # rows of groups that are not read
        return gather(self._groups_of(paths, wanted), index - before[group])

    def positions(self) -> tuple[Floats, Floats]:
        names = [self._dataset.ra, self._dataset.dec]
        for name in names:
            if name not in self._dataset.schema.names:
                raise CatalogError(
                    f"{self._dataset.root} has no column {name!r}: its rows have no positions"
                )
        table = self.fetch(names)
        ra, dec = (floats(table.column(name)) for name in names)
        return ra, dec

    def hpx(self) -> Ints:
        name = self._dataset.healpix_column
        if name is not None and self._dataset.healpix_order == HPX_ORDER:
            column = self.fetch([name]).column(0)
            if not column.null_count:
                return np.asarray(to_numpy(column), np.int64)
        return radec_to_hpx(*self.positions())

    def _groups_of(self, paths: Sequence[str], wanted: Ints) -> pa.Table:
        """Return columns of some row groups; those not known yet are read in one go."""
        missing = [path for path in paths if any(self._column(path)[g] is None for g in wanted)]
        if missing:
            lacking = [g for g in wanted if any(self._column(p)[g] is None for p in missing)]
            table = self._dataset.read_leaf(self._leaf, missing, [self._groups[g] for g in lacking])
            self._keep(table, lacking)
        chosen = [[self._column(path)[g] for g in wanted] for path in paths]
        columns = [
            parts[0] if len(parts) == 1 else pa.chunked_array([c for p in parts for c in p.chunks])
            for parts in chosen
            if parts
        ]
        if not columns:
            return self._dataset.read_leaf(self._leaf, list(paths), [])
        return pa.table(columns, list(paths))

    def _keep(self, table: pa.Table, groups: Sequence[int]) -> None:
        expected = sum(self._lengths[g] for g in groups)
        if table.num_rows != expected:
            raise CatalogError(
                f"{self._leaf} gave {table.num_rows} rows where its footer says {expected}"
            )
        for path in table.column_names:
            column, start = table.column(path), 0
            for g in groups:
                self._column(path)[g] = column.slice(start, self._lengths[g])
                start += self._lengths[g]

    def _column(self, path: str) -> list[pa.ChunkedArray | None]:
        return self._known.setdefault(path, [None] * len(self._groups))
