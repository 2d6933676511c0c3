"""``skyseries crossmatch``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skyseries.cli.options import columns, engine_options, output_option
from skyseries.cli.query import chosen, write_rows

if TYPE_CHECKING:
    from skyseries.catalog import Catalog

__all__ = ["crossmatch"]

_ONE_OF_TABLES = re.compile(r"\[[^\[\]/]+\]$")
"""The number or name of a table in a file, behind its path."""


def _neighbours(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    if value.lower() == "all":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a number from 1 on nor 'all'", ctx, param)
    return int(value)


@click.command(short_help="Match two catalogs, or a catalog and a table, on the sky.")
@click.argument("left")
@click.argument("right")
@click.option("--radius", type=float, default=1.0, show_default=True, help="Arcsec, included.")
@click.option(
    "--n-neighbors", default="1", show_default=True, callback=_neighbours,
    help="How many partners a row may have, nearest first; or all.",
)  # fmt: skip
@click.option(
    "--how", type=click.Choice(["inner", "left", "outer", "anti"]), default="inner",
    show_default=True,
    help="Rows without a partner: leave them out, keep those of LEFT, keep those of both, "
    "or keep only those of LEFT.",
)  # fmt: skip
@click.option("--one-to-one", is_flag=True, help="Only pairs that are each other's nearest.")
@click.option("--ra", help="Column of the right ascension of a table.  [default: recognised]")
@click.option("--dec", help="Column of its declination.")
@click.option(
    "--select", multiple=True, callback=columns,
    help="Columns and expressions of the result.  [default: all but the light curves]",
)  # fmt: skip
@output_option
@click.option(
    "--catalog", type=click.Path(file_okay=False, path_type=Path),
    help="Write the result as the catalog of this folder.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Make a new version of an existing --catalog.")
@engine_options
def crossmatch(
    left: str,
    right: str,
    radius: float,
    n_neighbors: int | None,
    how: str,
    one_to_one: bool,
    ra: str | None,
    dec: str | None,
    select: list[str] | None,
    output: Path | None,
    catalog: Path | None,
    overwrite: bool,
    executor: str | None,
    workers: int | None,
) -> None:
    """Put the rows of RIGHT beside the rows of LEFT that they are near to on the sky.

    Each is a catalog, or a table: a Parquet, CSV, ECSV, FITS or VOTable file. The result has the
    columns of both, and _dist_arcsec.
    """
    if output is not None and catalog is not None:
        raise click.UsageError("-o writes a table and --catalog a catalog: give one of them")
    if overwrite and catalog is None:
        raise click.UsageError("--overwrite is for --catalog")
    if (ra is None) != (dec is None):
        raise click.UsageError("give both --ra and --dec, or neither")
    if ra is not None and not (_is_table(left) or _is_table(right)):
        raise click.UsageError("--ra and --dec are for tables; catalogs know their positions")
    import skyseries as sky

    with sky.executor(executor, workers):
        found = _opened(left, ra, dec).crossmatch(
            _opened(right, ra, dec),
            radius,
            n_neighbors=n_neighbors,
            how=how,  # type: ignore[arg-type]
            one_to_one=one_to_one,
        )
        if catalog is None:
            write_rows(chosen(found, select), output)
            return
        kept = found if select is None else found.select(select)
        done = kept.write_catalog(catalog, overwrite=overwrite)
    click.echo(f"{catalog}: {done.rows:,} rows in {done.partitions} partitions", err=True)


def _is_table(path: str) -> bool:
    from skyseries.formats.recognise import COMPRESSED, SUFFIXES

    plain = _ONE_OF_TABLES.sub("", path)
    is_file = Path(path).is_file() or Path(plain).is_file()
    return is_file or (plain.lower().endswith((*SUFFIXES, *COMPRESSED)) and not Path(path).is_dir())


def _opened(path: str, ra: str | None, dec: str | None) -> Catalog:
    """Open a catalog, or read a table as one."""
    import skyseries as sky

    if not _is_table(path):
        return sky.open_catalog(path)
    from skyseries.formats import read_table

    return sky.from_table(read_table(path), ra, dec, name=Path(path).name.partition(".")[0])
