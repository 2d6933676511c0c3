"""``skyseries features``."""

from __future__ import annotations

from pathlib import Path

import click

from skyseries.cli.options import engine_options, names, output_option

__all__ = ["features"]


@click.command(short_help="Compute features of light curves.")
@click.argument("catalog")
@click.option(
    "--features", "wanted", callback=names, help="Names, such as Mean,StetsonJ.  [default: all]"
)
@click.option("--space", type=click.Choice(["mag", "flux"]), help="Magnitudes or fluxes.")
@output_option
@engine_options
def features(
    catalog: str,
    wanted: list[str] | None,
    space: str | None,
    output: Path | None,
    executor: str | None,
    workers: int | None,
) -> None:
    """Compute features of every light curve in CATALOG."""
    import skyseries as sky
    from skyseries.cli.output import write_result

    with sky.executor(executor, workers):
        write_result(sky.open_catalog(catalog).features(features=wanted, space=space), output)
