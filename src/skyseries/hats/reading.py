"""Row groups of open leaves are read here: a task can be stopped there, and tells what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.executors import check_cancelled, count_bytes

__all__ = ["Footer", "OpenLeaf"]


class Footer:
    """The footer of a Parquet file.

    Parameters
    ----------
    metadata : pyarrow.parquet.FileMetaData
    """

    def __init__(self, metadata: pq.FileMetaData) -> None:
        self.metadata = metadata

    @property
    def nbytes(self) -> int:
        """About what it takes in memory: as much as in the file."""
        return int(self.metadata.serialized_size)

    def stored_bytes(self, row_groups: Iterable[int], columns: Iterable[str] | None = None) -> int:
        """Return how many bytes of the file the columns of some row groups take.

        Parameters
        ----------
        row_groups : iterable of int
        columns : iterable of str, optional
            Names of columns, or ``column.field``; by default all.
        """
        if columns is None:
            chunks: Sequence[int] = range(self.metadata.num_columns)
        else:
            chunks = [place for name in columns for place in self._places.get(name, ())]
        total = 0
        for group in map(self.metadata.row_group, row_groups):
            total += sum(group.column(place).total_compressed_size for place in chunks)
        return total

    @cached_property
    def _places(self) -> Mapping[str, list[int]]:
        """The numbers of the chunks that hold each column, and each part of a nested one."""
        schema = self.metadata.schema
        places: dict[str, list[int]] = {}
        for place in range(self.metadata.num_columns):
            path = schema.column(place).path
            while path:
                places.setdefault(path, []).append(place)
                path = path.rpartition(".")[0]
        return places


class OpenLeaf:
    """A leaf that is open for reading.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
    footer : Footer
    """

    def __init__(self, file: pq.ParquetFile, footer: Footer) -> None:
        self._file = file
        self._footer = footer

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self._file.schema_arrow

    def read(
        self, columns: Sequence[str] | None = None, row_groups: Sequence[int] | None = None
    ) -> pa.Table:
        """Read row groups; a task whose result is no longer wanted ends here.

        Parameters
        ----------
        columns : sequence of str, optional
            Names of columns, or ``column.field``; by default all.
        row_groups : sequence of int, optional
            By default all.

        Raises
        ------
        Cancelled
            See `skyseries.executors.check_cancelled`.
        """
        check_cancelled()
        chosen = list(range(self._file.num_row_groups) if row_groups is None else row_groups)
        names = None if columns is None else list(columns)
        table = self._file.read_row_groups(chosen, columns=names, use_threads=False)
        count_bytes(self._footer.stored_bytes(chosen, names))
        return table
