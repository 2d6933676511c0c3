"""``skyseries query``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skyseries.cli.options import (
    by_name,
    columns,
    engine_options,
    output_option,
    version_option,
)
from skyseries.cli.output import to_standard_output

if TYPE_CHECKING:
    import pyarrow as pa

    from skyseries.catalog import Catalog
    from skyseries.query import Result

__all__ = ["chosen", "query", "write_rows"]


@click.command(short_help="Write the rows that meet a condition, or a statement of ADQL.")
@click.argument("catalog")
@click.argument("condition", required=False)
@click.option(
    "--select", multiple=True, callback=columns,
    help="Columns, fields of light curves and expressions: a,lc.mjd,\"b - c AS bc\".  "
    "[default: all but the light curves]",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=0), help="Only the first rows along the sky.")
@click.option(
    "--catalog", "catalogs", multiple=True, callback=by_name, metavar="NAME=PATH",
    help="A catalog that a statement names; may be given several times.",
)  # fmt: skip
@click.option("--explain", is_flag=True, help="Write what would be read and done, and do nothing.")
@version_option
@output_option
@click.option(
    "--write-catalog", "written", type=click.Path(file_okay=False, path_type=Path),
    help="Write the rows, light curves too, as the catalog of this folder.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Make a new version of that catalog.")
@engine_options
def query(
    catalog: str,
    condition: str | None,
    select: list[str] | None,
    limit: int | None,
    catalogs: dict[str, str],
    explain: bool,
    version: int | None,
    output: Path | None,
    written: Path | None,
    overwrite: bool,
    executor: str | None,
    workers: int | None,
) -> None:
    """Write the rows of CATALOG of which CONDITION is true, or the result of a statement.

    CONDITION is one of SQL, such as "r_mag < 20 AND COUNT(lc.mjd) > 30"; without it all rows are
    written. Conditions on the epochs of a light curve (lc.band = 'r') keep epochs.

    In place of CATALOG a statement of ADQL can stand: skyseries query "SELECT TOP 5 ra, dec FROM
    survey" --catalog survey=PATH. With - it is read from standard input.
    """
    import skyseries as sky

    _check_output(output, written, overwrite, limit)
    if catalog == "-":
        catalog = _from_standard_input()
    with sky.executor(executor, workers):
        if catalogs or _is_statement(catalog):
            if not catalogs:
                raise click.UsageError("name the catalogs of the statement: --catalog NAME=PATH")
            _refuse(condition=condition, select=select, limit=limit, version=version)
            asked = sky.sql(catalog, catalogs)
            result: Catalog | Result = asked if written else _flat(asked, output)
        else:
            found = sky.open_catalog(catalog, version=version)
            rows = found if condition is None else found.query(condition)
            result = rows if written and select is None else chosen(rows, select)
        if explain:
            click.echo(str(result.explain()))
        elif written:
            done = result.write_catalog(written, overwrite=overwrite)
            click.echo(f"{written}: {done.rows:,} rows in {done.partitions} partitions", err=True)
        else:
            write_rows(result, output, limit)


def _from_standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"the statement on standard input is no UTF-8: {error}") from None


def _check_output(
    output: Path | None, written: Path | None, overwrite: bool, limit: int | None
) -> None:
    """Complain about options that do not go together."""
    if output is not None and written is not None:
        raise click.UsageError("-o writes a table and --write-catalog a catalog: give one of them")
    if overwrite and written is None:
        raise click.UsageError("--overwrite is for --write-catalog")
    if limit is not None and written is not None:
        raise click.UsageError("--limit is for tables, not for --write-catalog")


def _is_statement(text: str) -> bool:
    """Return whether the first argument is no path but a statement."""
    comments = r"(\s|\(|--[^\n]*\n|/\*.*?\*/)*"
    return re.match(rf"(?is){comments}(SELECT|WITH)[^\w./\\]", text) is not None


def _flat(result: Result, output: Path | None) -> Result:
    """Return a result without light curves, unless it is written to where they can be kept."""
    from skyseries.arrow import is_nested

    curves = [field.name for field in result.schema if is_nested(field.type)]
    kept = output is not None and output.suffix.lower() == ".parquet"
    if not curves or kept or len(curves) == len(result.columns):
        return result
    names = ", ".join(curves)
    click.echo(f"without the light curves ({names}): ask the tables of their epochs", err=True)
    return result.drop(curves)


def _refuse(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            said = "a condition" if name == "condition" else f"--{name}"
            instead = ": write SELECT TOP n" if name == "limit" else ""
            raise click.UsageError(f"{said} has no meaning beside a statement{instead}")


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


def write_rows(catalog: Catalog | Result, output: Path | None, limit: int | None = None) -> None:
    """Compute a catalog and write its rows as they come.

    Parameters
    ----------
    catalog : Catalog or Result
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
