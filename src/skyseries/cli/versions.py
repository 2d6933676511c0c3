"""``skyseries versions`` and ``skyseries vacuum``."""

from __future__ import annotations

import json

import click

__all__ = ["vacuum", "versions"]


@click.command(short_help="List the versions of a catalog.")
@click.argument("catalog")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def versions(catalog: str, as_json: bool) -> None:
    """List the versions of CATALOG and its extensions, and what stopped writers have left."""
    import skyseries as sky

    found = sky.versions(catalog)
    click.echo(json.dumps(found.to_dict(), indent=1) if as_json else found.text())


@click.command(short_help="Remove old versions, and what stopped writers have left.")
@click.argument("catalog")
@click.option("--delete", is_flag=True, help="Remove them; else it is only said what would be.")
@click.option(
    "--older-than", default="7 d", show_default=True, metavar="TIME",
    help="How long ago they were replaced, or written to.",
)  # fmt: skip
@click.option(
    "--keep", type=click.IntRange(min=1), default=1, show_default=True,
    help="So many of the newest versions stay.",
)  # fmt: skip
def vacuum(catalog: str, delete: bool, older_than: str, keep: int) -> None:
    """Remove old versions of CATALOG and its extensions, and what stopped writers have left.

    The current version, what another part of the catalog names, what is being written, and what
    is not of Skyseries are never removed.
    """
    import skyseries as sky

    found = sky.vacuum(catalog, older_than=older_than, keep=keep, dry_run=not delete)
    click.echo(found.text())
    if found.dry_run and found.removed:
        click.echo("nothing was removed yet: --delete does it", err=True)
