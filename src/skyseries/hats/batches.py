"""Leaves read as they are now, in batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.executors import check_cancelled, count_bytes
from skyseries.hats.dataset import Dataset
from skyseries.hats.reading import Footer
from skyseries.schema import as_schema
from skyseries.store.files import Location

__all__ = ["leaf_batches", "whole_leaf"]

_BATCH_VALUES = 2_000_000
"""Values of the longest column that a batch holds: some 10-100 MB over all columns."""
_BATCH_BYTES = 128 << 20
"""Bytes of a batch of long texts, as far as the file tells how long they are."""
_BATCH_ROWS = 131_072


@contextmanager
def whole_leaf(leaf: Location) -> Iterator[pq.ParquetFile]:
    """Open a leaf as it is now: what was kept of its footer is not trusted here."""
    with closing(leaf.open()) as source:
        yield pq.ParquetFile(source)


def leaf_batches(
    dataset: Dataset,
    file: Location,
    columns: Sequence[str] | None = None,
    row_groups: Sequence[int] | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of a leaf in batches of bounded size, in the schema of the catalog.

    Parameters
    ----------
    dataset : Dataset
    file : Location
    columns : sequence of str, optional
    row_groups : sequence of int, optional
        Read only these.
    """
    names = list(dataset.schema.names if columns is None else columns)
    schema = pa.schema([dataset.schema.field(name) for name in names]).remove_metadata()
    with whole_leaf(file) as opened:
        size = _batch_rows(opened.metadata)
        footer = Footer(opened.metadata)
        groups = range(opened.num_row_groups) if row_groups is None else row_groups
        count_bytes(footer.stored_bytes(groups, names))
        for batch in opened.iter_batches(size, columns=names, row_groups=row_groups):
            check_cancelled()
            table = pa.Table.from_batches([batch]).select(names)
            yield as_schema(table, schema)


def _batch_rows(footer: pq.FileMetaData) -> int:
    """Return how many rows make a batch of bounded size, whatever is nested in them."""
    rows = values = nbytes = 0
    for g in range(footer.num_row_groups):
        group = footer.row_group(g)
        rows += group.num_rows
        columns = range(group.num_columns)
        values += max((group.column(c).num_values for c in columns), default=0)
        nbytes += group.total_byte_size
    most = min(_BATCH_VALUES * rows // max(values, 1), _BATCH_BYTES * rows // max(nbytes, 1))
    return min(max(most, 1), _BATCH_ROWS)
