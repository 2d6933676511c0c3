"""``skyseries periods``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from skyseries.cli.options import (
    affix_options,
    bands,
    engine_options,
    extension_options,
    location_option,
    output_option,
    that_were_given,
    values,
)

__all__ = ["periods"]


@click.command(short_help="Find periods of light curves.")
@click.argument("catalog")
@click.option("--method", help="lombscargle, mhaov, bls, pdm, ce or stringlength.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", callback=values,
    help="Option of the method, such as nterms=2; may be repeated.",
)  # fmt: skip
@click.option(
    "--bands", multiple=True, callback=bands,
    help="Bands that get columns, such as g,r.  [default: those that there are]",
)  # fmt: skip
@click.option("--single-bands", is_flag=True, help="Search each of these bands alone as well.")
@click.option(
    "--min-period", type=float, help="Shortest period, days.  [default: from the cadence]"
)
@click.option("--max-period", type=float, help="Longest period, days.  [default: the time span]")
@click.option("--n-peaks", type=click.IntRange(min=1), help="How many candidates to keep.")
@click.option(
    "--ranked/--not-ranked", default=None,
    help="Rank peaks by evidence and find orbits.  [default: for lombscargle]",
)  # fmt: skip
@click.option("--oversampling", type=float, help="Steps of the search in 1 / time span.")
@click.option("--error-floor", type=float, help="Added to the errors in quadrature.")
@click.option(
    "--column", multiple=True,
    help="The light curves; may be repeated: those of one star in several surveys are one search.",
)  # fmt: skip
@click.option("--barycentric", is_flag=True, help="Bring times to the solar-system barycentre.")
@location_option
@affix_options
@extension_options
@output_option
@engine_options
def periods(
    catalog: str,
    options: dict[str, Any],
    column: tuple[str, ...],
    ranked: bool | None,
    extension: str | None,
    overwrite: bool,
    resume: bool,
    output: Path | None,
    executor: str | None,
    workers: int | None,
    **search: Any,
) -> None:
    """Find the periods of every light curve in CATALOG."""
    import skyseries as sky
    from skyseries.cli.output import keep_result

    given = that_were_given(search)
    if ranked is not None:
        given["ranked"] = ranked
    if column:
        given["column"] = list(column)
    with sky.executor(executor, workers):
        found = sky.open_catalog(catalog).periods(**given, **options)
        keep_result(found, output, extension, overwrite=overwrite, resume=resume)
