"""``skyseries query``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skyseries.cli.options import columns, engine_options, output_option, version_option
from skyseries.cli.output import to_standard_output

if TYPE_CHECKING:
    import pyarrow as pa

    from skyseries.catalog import Catalog

__all__ = ["chosen", "query", "write_rows"]


@click.command(short_help="Write the rows that meet a condition.")
@click.argument("catalog")
@click.argument("condition", required=False)
@click.option(
    "--select", multiple=True, callback=columns,
    help="Columns, fields of light curves and expressions: a,lc.mjd,\"b - c AS bc\".  "
    "[default: all but the light curves]",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=0), help="Only the first rows along the sky.")
@version_option
@output_option
@engine_options
def query(
    catalog: str,
    condition: str | None,
    select: list[str] | None,
    limit: int | None,
    version: int | None,
    output: Path | None,
    executor: str | None,
    workers: int | None,
) -> None:
    """Write the rows of CATALOG of which CONDITION is true.

    CONDITION is one of SQL, such as "r_mag < 20 AND COUNT(lc.mjd) > 30"; without it all rows are
    written. Conditions on the epochs of a light curve (lc.band = 'r') keep epochs.
    """
    import skyseries as sky

    with sky.executor(executor, workers):
        found = sky.open_catalog(catalog, version=version)
        if condition is not None:
            found = found.query(condition)
        write_rows(chosen(found, select), output, limit)


def chosen(catalog: Catalog, select: list[str] | None) -> Catalog:
    """Return the columns that are asked for; by default all but the light curves."""
    if select is not None:
        return catalog.select(select)
    curves = catalog.lightcurve_columns
    if not curves:
        return catalog
    names = ", ".join(curves)
    click.echo(f"without the light curves ({names}): --select takes their fields", err=True)
    return catalog.drop(curves)


def write_rows(catalog: Catalog, output: Path | None, limit: int | None = None) -> None:
    """Compute a catalog and write its rows as they come.

    Parameters
    ----------
    catalog : Catalog
    output : Path, optional
        The suffix says the format; None: CSV on standard output.
    limit : int, optional
        Write the first rows only.
    """
    from skyseries.formats import write_table

    count = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal count
        for table in _first(catalog.iter_tables(), limit):
            count += table.num_rows
            yield from table.to_batches()

    if output is not None:
        write_table(batches(), output, schema=catalog.schema)
        click.echo(f"{output}: {count:,} rows, {len(catalog.columns)} columns", err=True)
        return
    to_standard_output(batches(), catalog.schema)


def _first(tables: Iterator[pa.Table], limit: int | None) -> Iterator[pa.Table]:
    """Yield tables until there are enough rows."""
    if limit is None:
        yield from tables
        return
    left = limit
    while left > 0 and (table := next(tables, None)) is not None:
        yield table.slice(0, left)
        left -= table.num_rows
