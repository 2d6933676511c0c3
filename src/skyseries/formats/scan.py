"""Read tables in any format: schemas, independent pieces, record batches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from skyseries.errors import InputError, SchemaError
from skyseries.executors import check_cancelled
from skyseries.formats.cast import select_fields
from skyseries.formats.delimited import BadRow, read_delimited_schema, scan_delimited
from skyseries.formats.inputs import FILE_NAME, Chunk, InputFile, find_files
from skyseries.formats.nulls import NullValues
from skyseries.formats.parquet import parquet_chunks, read_parquet_schema, scan_parquet
from skyseries.formats.unify import unify_schemas
from skyseries.formats.values import add_values, fields_with_values

__all__ = ["BATCH_ROWS", "chunks", "read_schema", "read_schemas", "read_table", "scan"]

BATCH_ROWS = 262_144
"""Rows of a batch at most: a few MB a column, so that many scans fit into memory."""


def read_schema(
    file: InputFile, *, null_values: NullValues = (), columns: Sequence[str] | None = None
) -> pa.Schema:
    """Return the columns of a file with unit, UCD and description in their metadata.

    FITS gives them as TUNIT, TUCD and TCOMM, VOTable and ECSV in their headers, Parquet in the
    metadata of its fields, in an embedded VOTable, or as astropy writes them. The types of a
    CSV file are inferred from its first 10,000 rows (`delimited.SAMPLE_ROWS`; a column that is
    empty there is looked at for 64 MiB more): see `text.infer_type`.

    Parameters
    ----------
    file : InputFile
    null_values : sequence, or mapping from column to sequence
        Sentinels, which do not count when types are inferred.
    columns : sequence of str, optional
        Only these, in this order.

    Raises
    ------
    SchemaError
        If a column is not there; the message suggests the nearest names.
    InputError
        If the file is empty, damaged, or not what its suffix says.
    """
    schema = fields_with_values(_own_schema(file, null_values), file)
    return select_fields(schema, columns, file.path)


def _own_schema(file: InputFile, null_values: NullValues) -> pa.Schema:
    match file.format:
        case "parquet":
            return read_parquet_schema(file)
        case "csv" | "ecsv" | "blanks":
            return read_delimited_schema(file, null_values)
        case "fits":
            from skyseries.formats.fits_reader import read_fits_schema

            return read_fits_schema(file)
        case "votable":
            from skyseries.formats.votable_reader import read_votable_schema

            return read_votable_schema(file)
    raise InputError(f"{file.path}: the format {file.format!r} is not known")


def read_schemas(
    files: Iterable[InputFile],
    *,
    null_values: NullValues = (),
    columns: Sequence[str] | None = None,
    map: Callable[..., Iterable[pa.Schema]] = map,
) -> list[pa.Schema]:
    """Return the schema of each file.

    Parameters
    ----------
    map : callable
        Like the built-in; that of a thread pool reads thousands of files side by side.
    """
    read = partial(read_schema, null_values=null_values, columns=columns)
    return list(map(read, files))


def chunks(file: InputFile, target_rows: int) -> list[Chunk]:
    """Split a file into pieces that can be scanned in parallel.

    Parquet is split into runs of row groups of at most about `target_rows` rows (at least one
    row group each); other formats are one piece.
    """
    if target_rows < 1:
        raise InputError(f"target_rows must be at least 1, not {target_rows}")
    if file.format == "parquet":
        return parquet_chunks(file, target_rows)
    return [Chunk(file, None)]


def scan(
    file: InputFile,
    schema: pa.Schema,
    *,
    columns: Sequence[str] | None = None,
    batch_rows: int = BATCH_ROWS,
    null_values: NullValues = (),
    chunk: Chunk | None = None,
    on_bad_rows: Literal["error", "skip"] = "error",
    on_skip: Callable[[BadRow], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file as record batches of the given schema, in the file's order.

    Memory is bounded by the batch (and by one row group of Parquet) in every format.

    Parameters
    ----------
    file : InputFile
    schema : pyarrow.Schema
        The target: columns of the file that are not in it are left out; types are cast,
        without loss or not at all. Usually from `read_schema` or `unify_schemas`.
    columns : sequence of str, optional
        Only these of the schema, in this order.
    batch_rows : int
        Rows of a batch at most.
    null_values : sequence, or mapping from column to sequence
        Sentinels that are replaced by null: see `nulls.mask_sentinels`.
    chunk : Chunk, optional
        The piece to read; without it, the whole file.
    on_bad_rows : {"error", "skip"}
        What to do with a row of a CSV file that has a wrong number of fields.
    on_skip : callable, optional
        Gets each skipped row as a `BadRow`; without it a warning says how many there were.

    Raises
    ------
    SchemaError
        If the file lacks a column of the schema.
    InputError
        If the file is damaged, or a cell does not fit its type: names file, row or line,
        column and value.
    """
    target = select_fields(schema, columns, "the schema")
    if batch_rows < 1:
        raise InputError(f"batch_rows must be at least 1, not {batch_rows}")
    if chunk is not None and chunk.file != file:
        raise InputError(f"the chunk is of {chunk.file.path}, not of {file.path}")
    if on_bad_rows not in ("error", "skip"):
        raise InputError(f"on_bad_rows is 'error' or 'skip', not {on_bad_rows!r}")

    def read(own: pa.Schema) -> Iterator[pa.RecordBatch]:
        return _batches(file, own, batch_rows, null_values, chunk, on_bad_rows, on_skip)

    if {name for name, _ in file.values}.isdisjoint(target.names):
        batches = read(target)
    else:
        own_schema = _own_schema(file, null_values)
        batches = add_values(file, own_schema, target, null_values, read)
    for batch in batches:
        check_cancelled()
        for start in range(0, batch.num_rows, batch_rows):
            yield batch.slice(start, batch_rows)


def _batches(
    file: InputFile,
    target: pa.Schema,
    batch_rows: int,
    null_values: NullValues,
    chunk: Chunk | None,
    on_bad_rows: str,
    on_skip: Callable[[BadRow], None] | None,
) -> Iterator[pa.RecordBatch]:
    options: dict[str, Any] = {"null_values": null_values, "batch_rows": batch_rows}
    match file.format:
        case "parquet":
            yield from scan_parquet(file, target, chunk=chunk, **options)
        case "fits":
            from skyseries.formats.fits_reader import scan_fits

            yield from scan_fits(file, target, **options)
        case "votable":
            from skyseries.formats.votable_reader import scan_votable

            yield from scan_votable(file, target, **options)
        case "csv" | "ecsv" | "blanks" if on_bad_rows == "error":
            yield from scan_delimited(file, target, null_values=null_values)
        case "csv" | "ecsv" | "blanks":
            yield from _scan_skipping(file, target, null_values, on_skip)
        case _:
            raise InputError(f"{file.path}: the format {file.format!r} is not known")


def _scan_skipping(
    file: InputFile,
    target: pa.Schema,
    null_values: NullValues,
    on_skip: Callable[[BadRow], None] | None,
) -> Iterator[pa.RecordBatch]:
    skipped: list[BadRow] = []
    yield from scan_delimited(file, target, null_values=null_values, skip=on_skip or skipped.append)
    if skipped:
        warnings.warn(
            f"{file.path}: {len(skipped)} rows with a wrong number of fields were skipped, "
            f"the first: {skipped[0].text[:200]!r}",
            stacklevel=2,
        )


def read_table(
    source: str | Path | InputFile | Sequence[str | Path | InputFile],
    columns: Sequence[str] | None = None,
    *,
    null_values: NullValues = (),
) -> pa.Table:
    """Read one or many files whole, as one table.

    Parameters
    ----------
    source : anything that `find_files` takes, or input files
    columns : sequence of str, optional
        `FILE_NAME` among them is the name of the file that a row comes from, without suffix.
    null_values : sequence, or mapping from column to sequence

    Raises
    ------
    SchemaError
        If the files differ in columns, types or units.
    InputError
        If a file is missing or damaged.
    """
    items = [source] if isinstance(source, str | Path | InputFile) else list(source)
    files = [item for item in items if isinstance(item, InputFile)]
    if paths := [item for item in items if not isinstance(item, InputFile)]:
        files += find_files(paths, file_name=FILE_NAME in (columns or ()))
    if not files:
        raise SchemaError("no input files: the list is empty")
    schemas = read_schemas(files, null_values=null_values, columns=columns)
    schema = unify_schemas(files, schemas)
    parts = (scan(file, schema, null_values=null_values) for file in files)
    return pa.Table.from_batches((batch for part in parts for batch in part), schema)
