"""Write a result to a file or to standard output."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skyseries.errors import StorageError

if TYPE_CHECKING:
    import pyarrow as pa

    from skyseries.catalog import Catalog

__all__ = ["keep_result", "to_standard_output", "write_result"]


def keep_result(
    catalog: Catalog, output: Path | None, extension: str | None, *, overwrite: bool, resume: bool
) -> None:
    """Compute a catalog, and write it as an extension or to a file.

    Parameters
    ----------
    catalog : Catalog
    output : Path, optional
        As for `write_result`.
    extension : str, optional
        Name of the extension of the catalog on disk.
    overwrite, resume : bool
        As for `Catalog.write_extension`.
    """
    if extension is None:
        for given, option in ((overwrite, "--overwrite"), (resume, "--resume")):
            if given:
                raise click.UsageError(f"{option} is about an extension: give --write-extension")
        write_result(catalog, output)
        return
    if output is not None:
        raise click.UsageError("give either --output or --write-extension")
    written = catalog.write_extension(extension, overwrite=overwrite, resume=resume)
    click.echo(f"{written.path}: {written.rows:,} rows, version {written.version}", err=True)


def write_result(catalog: Catalog, output: Path | None) -> None:
    """Compute a catalog and write its plain columns, without the light curves.

    Parameters
    ----------
    catalog : Catalog
    output : Path, optional
        The suffix says the format; None: CSV on standard output.
    """
    from skyseries.formats import write_table

    table = catalog.select(_plain_columns(catalog)).to_arrow()
    if output is not None:
        write_table(table, output)
        click.echo(f"{output}: {table.num_rows:,} rows, {table.num_columns} columns", err=True)
        return
    to_standard_output(table)


def to_standard_output(table: Any, schema: pa.Schema | None = None) -> None:
    """Write rows as CSV on standard output, when all of them are there.

    Parameters
    ----------
    table : pyarrow.Table or iterable of RecordBatch
    schema : pyarrow.Schema, optional
        Needed for batches.
    """
    from skyseries.formats import write_table
    from skyseries.store.scratch import scratch

    with scratch("csv") as folder:
        path = folder / "result.csv"
        try:
            write_table(table, path, schema=schema)
        except StorageError as error:  # its name says nothing to anybody
            raise StorageError(str(error).replace(str(path), "the result")) from error
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)


def _plain_columns(catalog: Catalog) -> list[str]:
    import pyarrow as pa

    return [field.name for field in catalog.schema if not pa.types.is_struct(field.type)]
