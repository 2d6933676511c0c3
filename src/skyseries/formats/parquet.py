"""Read Parquet by row groups."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.errors import InputError
from skyseries.formats.cast import conform, select_fields
from skyseries.formats.ecsv import parse_header
from skyseries.formats.inputs import Chunk, InputFile
from skyseries.formats.mixins import Mixins
from skyseries.formats.nulls import NullValues
from skyseries.formats.opening import is_url, open_raw, reading
from skyseries.schema import column_meta, with_column_meta

__all__ = ["parquet_chunks", "read_parquet_schema", "scan_parquet"]

_BATCH_BYTES = 128 << 20
_VOTABLE_KEY = b"IVOA.VOTable-Parquet.content"
"""VOTable in Parquet 1.0 (IVOA Note, 2025): a VOTable without data in the file's metadata."""
_ASTROPY_KEY = b"table_meta_yaml"
"""astropy keeps units and descriptions here, as in the header of an ECSV file."""


@contextlib.contextmanager
def _open(file: InputFile) -> Iterator[pq.ParquetFile]:
    with reading(file.path, "Parquet file"):
        _check_magic(file)
        with contextlib.ExitStack() as stack:
            source: Any = file.path.removeprefix("file://")
            if is_url(file.path):
                source = stack.enter_context(open_raw(file.path))
            # Row groups are read as they are used: without pre-buffering memory stays bounded.
            yield stack.enter_context(pq.ParquetFile(source, pre_buffer=False))


def _check_magic(file: InputFile) -> None:
    """Say better than Arrow what is wrong with a file that is not Parquet."""
    with open_raw(file.path) as raw:
        head = raw.read(40)
        size = raw.seek(0, 2)
        raw.seek(max(0, size - 4))
        tail = raw.read(4)
    if size == 0:
        raise InputError(f"{file.path} is empty (0 bytes)")
    if not head.startswith(b"PAR1"):
        raise InputError(f"{file.path} is not a Parquet file: it begins with {head!r}")
    if size < 12 or tail != b"PAR1":
        raise InputError(
            f"{file.path} is truncated: its {size} bytes do not end with a Parquet footer; "
            "copy or write the file again"
        )


def read_parquet_schema(file: InputFile) -> pa.Schema:
    """Return the columns with what the file's metadata says of them."""
    with _open(file) as parquet:
        schema = parquet.schema_arrow
    described = _described(schema.metadata or {}, file.path)
    fields = []
    for field in schema:
        kept = {k: v for k, v in (field.metadata or {}).items() if not k.startswith(b"PARQUET:")}
        own = column_meta(field)
        plain = field.with_metadata(kept or None)
        if field.name in described:
            plain = with_column_meta(plain, column_meta(described[field.name]))
        fields.append(with_column_meta(plain, own))
    return _mixins(schema.metadata, file.path).logical(pa.schema(fields))


def _mixins(metadata: dict[bytes, bytes] | None, path: str) -> Mixins:
    """Return which columns belong together, in a file that astropy wrote."""
    text = (metadata or {}).get(_ASTROPY_KEY)
    return Mixins() if text is None else parse_header(text.decode(), path).mixins


def _described(metadata: dict[bytes, bytes], path: str) -> dict[str, pa.Field]:
    fields: dict[str, pa.Field] = {}
    if text := metadata.get(_ASTROPY_KEY):
        fields.update((field.name, field) for field in parse_header(text.decode(), path).schema)
    if text := metadata.get(_VOTABLE_KEY):
        from skyseries.formats.votable_fields import parse_fields

        fields.update((field.name, field) for field in parse_fields(text, path))
    return fields


def parquet_chunks(file: InputFile, target_rows: int) -> list[Chunk]:
    """Return runs of row groups of at most about `target_rows` rows, at least one group each."""
    with _open(file) as parquet:
        metadata = parquet.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    chunks: list[Chunk] = []
    groups: list[int] = []
    first = rows = 0
    for group, size in enumerate(sizes):
        if groups and rows + size > target_rows:
            chunks.append(Chunk(file, rows, first, tuple(groups)))
            first, rows, groups = first + rows, 0, []
        groups.append(group)
        rows += size
    chunks.append(Chunk(file, rows, first, tuple(groups)))
    return chunks


def _rows_of_batch(metadata: pq.FileMetaData) -> int:
    """Return how many rows make a batch of bounded size, as far as the footer tells."""
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
    return max(int(_BATCH_BYTES / max(widest, 1)), 1)


def scan_parquet(
    file: InputFile,
    target: pa.Schema,
    *,
    chunk: Chunk | None = None,
    batch_rows: int,
    null_values: NullValues = (),
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file, or of some of its row groups."""
    with _open(file) as parquet:
        schema = parquet.schema_arrow
        mixins = _mixins(schema.metadata, file.path)
        select_fields(mixins.logical(schema), target.names, file.path)
        own = mixins.physical(target, schema)
        groups = None if chunk is None or chunk.row_groups is None else list(chunk.row_groups)
        row = 0 if chunk is None else chunk.first_row
        batch_rows = min(batch_rows, _rows_of_batch(parquet.metadata))
        for batch in parquet.iter_batches(batch_rows, row_groups=groups, columns=own.names):
            if batch.num_rows:
                whole = mixins.combine(batch, target) if mixins else batch
                yield conform(whole, target, file.path, first_row=row, null_values=null_values)
            row += batch.num_rows
