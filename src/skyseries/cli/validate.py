"""``skyseries validate``."""

from __future__ import annotations

import click

__all__ = ["validate"]


@click.command(short_help="Check a catalog and name every fault.")
@click.argument("catalog")
@click.option(
    "--deep/--no-deep",
    default=True,
    show_default=True,
    help="Read all rows and all bytes, or only footers, sizes and counts.",
)
@click.pass_context
def validate(ctx: click.Context, catalog: str, deep: bool) -> None:
    """Check CATALOG and name every fault; the exit code is 1 if there is one."""
    import skyseries as sky

    report = sky.validate_catalog(catalog, deep=deep)
    click.echo(report.text())
    if not report.ok:
        ctx.exit(1)
