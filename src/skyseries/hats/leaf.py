"""One leaf: a Parquet file of rows sorted along the sky, in row groups of equal work.

Encodings are chosen for decoding speed (measured in docs/benchmarks.md): integers as deltas
(sorted or dense ids shrink to a byte or two), floats as byte streams, dictionaries for strings
only, zstd at a low level.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.arrow import is_any_list, list_lengths
from skyseries.config import tuning
from skyseries.store.files import atomic_path

__all__ = [
    "HPX_COLUMN",
    "LIST_PATH",
    "LeafWriter",
    "column_paths",
    "group_load",
    "parquet_options",
    "row_epochs",
    "row_group_bounds",
]

HPX_COLUMN = "_healpix_29"

LIST_PATH = ".list.element"
"""What follows the name of a column of lists in the path of its values."""

_VALUES_PER_EPOCH = 4
"""An epoch has several fields: so many values of a plain list are as much work as one."""
_ZSTD_LEVEL = 1
"""Level 3 saves 1 % of the bytes of float data and costs a third more time."""


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """Return the writer's options for a schema: an encoding for every leaf column."""
    encodings: dict[str, str] = {}
    dictionaries: list[str] = []
    for path, type_ in column_paths(schema):
        if pa.types.is_integer(type_) and type_.bit_width >= 32:
            encodings[path] = "DELTA_BINARY_PACKED"
        elif pa.types.is_float32(type_) or pa.types.is_float64(type_):
            encodings[path] = "BYTE_STREAM_SPLIT"
        elif _is_text(type_):
            dictionaries.append(path)
    return {
        "compression": "zstd",
        "compression_level": _ZSTD_LEVEL,
        "use_dictionary": dictionaries or False,
        "column_encoding": encodings or None,
        "write_page_index": True,
        "data_page_size": 256 << 10,
    }


def column_paths(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    """Yield the Parquet path and the type of every leaf column, in the order of the file."""
    for field in schema:
        yield from _paths(field.name, field.type)


def _paths(path: str, type_: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    if isinstance(type_, pa.BaseExtensionType):
        yield from _paths(path, type_.storage_type)
    elif pa.types.is_struct(type_):
        for child in type_:
            yield from _paths(f"{path}.{child.name}", child.type)
    elif pa.types.is_map(type_):
        yield from _paths(f"{path}.key_value.key", type_.key_type)
        yield from _paths(f"{path}.key_value.value", type_.item_type)
    elif is_any_list(type_):
        yield from _paths(f"{path}{LIST_PATH}", type_.value_type)
    else:
        yield path, type_


def _is_text(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_binary(type_)
        or pa.types.is_dictionary(type_)
    )


def row_group_bounds(rows: int, epochs: NDArray[np.integer[Any]] | None = None) -> list[int]:
    """Return where row groups begin, and the end: groups of equal rows, or of equal work.

    Parameters
    ----------
    rows : int
    epochs : ndarray of int, shape (rows,), optional
        Epochs of each row's light curves.
    """
    if rows == 0:
        return [0, 0]
    held = tuning()
    if epochs is None:
        groups = -(-rows // held.group_rows)
        return [rows * g // groups for g in range(groups + 1)]
    # a group is full of rows, of epochs, or of some of both: objects without epochs count too
    load = np.cumsum(np.asarray(epochs, np.int64) * held.group_rows + held.group_epochs)
    groups = -(-int(load[-1]) // (held.group_rows * held.group_epochs))
    share = int(load[-1]) * np.arange(1, groups) // groups
    cuts = np.searchsorted(load, share, side="left") + 1
    return sorted({0, *np.minimum(cuts, rows).tolist(), rows})


def group_load(rows: int, epochs: NDArray[np.integer[Any]] | None = None) -> float:
    """Return how many full row groups some rows make."""
    held = 0 if epochs is None else int(epochs.sum())
    return rows / tuning().group_rows + held / tuning().group_epochs


def row_epochs(table: pa.Table, lists: bool = True) -> NDArray[np.int64] | None:
    """Return the epochs of each row, by which row groups are cut; None for plain rows.

    Of several nested columns the longest counts; long plain lists count as well, if wanted.
    """
    total: NDArray[np.int64] | None = None
    for field, column in zip(table.schema, table.columns, strict=True):
        found = [n for chunk in column.chunks if (n := _lengths(chunk)) is not None]
        if not found:
            continue
        lengths = np.concatenate(found)
        if not pa.types.is_struct(field.type):
            lengths = lengths // _VALUES_PER_EPOCH if lists else np.zeros_like(lengths)
        total = lengths if total is None else np.maximum(total, lengths)
    return total if total is not None and total.any() else None


def _lengths(values: pa.Array) -> NDArray[np.int64] | None:
    """Return the lengths of lists, or of the first lists in structs; None if there are none."""
    if pa.types.is_struct(values.type):
        for place, child in enumerate(values.type):
            if is_any_list(child.type):
                return _lengths(values.field(place))
        return None
    return list_lengths(values).astype(np.int64) if is_any_list(values.type) else None


class LeafWriter:
    """Writes one leaf piece by piece; the file gets its name when the block ends well.

    Attributes
    ----------
    metadata : pyarrow.parquet.FileMetaData
        The footer, after the block has ended.
    """

    def __init__(self, path: Path, schema: pa.Schema, **options: Any) -> None:
        self._path = path
        self._schema = schema
        self._options = parquet_options(schema) | options
        self._collected: list[pq.FileMetaData] = []

    def __enter__(self) -> Self:
        self._atomic = atomic_path(self._path)
        beside = self._atomic.__enter__()
        try:
            self._writer = pq.ParquetWriter(
                beside, self._schema, metadata_collector=self._collected, **self._options
            )
        except BaseException as failure:
            self._atomic.__exit__(type(failure), failure, failure.__traceback__)
            raise
        return self

    def write(self, table: pa.Table, bounds: list[int]) -> None:
        """Append rows, one row group from each bound to the next."""
        for start, stop in itertools.pairwise(bounds):
            part = table.slice(start, stop - start)
            self._writer.write_table(part, row_group_size=max(len(part), 1))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._writer.close()
        except Exception as failure:
            if error is None:
                self._atomic.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self._atomic.__exit__(kind, error, trace)

    @property
    def metadata(self) -> pq.FileMetaData:
        """The footer that was written."""
        return self._collected[0]
