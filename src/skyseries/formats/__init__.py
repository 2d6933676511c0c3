"""Read and write tables: Parquet, CSV, ECSV, FITS and VOTable as streams of record batches."""

from skyseries.formats.delimited import BadRow
from skyseries.formats.flat import plain_array, plain_type
from skyseries.formats.inputs import FILE_NAME, Chunk, InputFile, find_files
from skyseries.formats.nulls import NullValues
from skyseries.formats.scan import chunks, read_schema, read_schemas, read_table, scan
from skyseries.formats.unify import unify_schemas
from skyseries.formats.writer import write_table

__all__ = [
    "FILE_NAME",
    "BadRow",
    "Chunk",
    "InputFile",
    "NullValues",
    "chunks",
    "find_files",
    "plain_array",
    "plain_type",
    "read_schema",
    "read_schemas",
    "read_table",
    "scan",
    "unify_schemas",
    "write_table",
]
