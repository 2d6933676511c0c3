"""``skyseries info``."""

from __future__ import annotations

import click

__all__ = ["info"]


@click.command(short_help="Say what is in a catalog.")
@click.argument("catalog")
def info(catalog: str) -> None:
    """Say what is in CATALOG: rows, columns, partitions, sky, time span."""
    import skyseries as sky

    click.echo(sky.open_catalog(catalog).info().text())
