"""``skyseries info``."""

from __future__ import annotations

import click

from skyseries.cli.options import version_option

__all__ = ["info"]


@click.command(short_help="Say what is in a catalog.")
@click.argument("catalog")
@version_option
def info(catalog: str, version: int | None) -> None:
    """Say what is in CATALOG: rows, columns, partitions, sky, time span."""
    import skyseries as sky

    click.echo(sky.open_catalog(catalog, version=version).info().text())
