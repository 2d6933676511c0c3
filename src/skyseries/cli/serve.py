"""``skyseries serve``."""

from __future__ import annotations

import os
from typing import Any

import click

from skyseries.cli.options import by_name

__all__ = ["serve"]


@click.command(short_help="Serve catalogs by TAP.")
@click.argument("catalogs", nargs=-1, metavar="[NAME=]CATALOG...")
@click.option("--host", help="Address to listen at.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0: a free one.  [default: 8080]")
@click.option("--base-url", help="How the service is called from outside, behind a proxy.")
@click.option("--public", is_flag=True, default=None, help="Let in more than this machine.")
@click.option("--state", metavar="FOLDER", help="Where jobs and results are kept.")
@click.option("--title", help="What the pages are called.")
@click.option("--workers", type=click.IntRange(1), help="Statements at once.  [default: 4]")
@click.option("--memory", metavar="BYTES", help="Of each worker.  [default: 2GB]")
@click.option(
    "--limit", "limits", multiple=True, callback=by_name, metavar="NAME=VALUE",
    help="Any other limit that --print-config shows; may be given several times.",
)  # fmt: skip
@click.option(
    "--metadata", multiple=True, callback=by_name, metavar="NAME=FILE",
    help="A TOML file that describes a catalog which cannot be written.",
)  # fmt: skip
@click.option("--upload-from", multiple=True, metavar="HOST", help="Tables may be fetched there.")
@click.option("--plugin", multiple=True, metavar="MODULE:FUNCTION", help="Called in each worker.")
@click.option("--warm/--no-warm", default=None, help="Compile kernels ahead.  [default: warm]")
@click.option("--config", metavar="FILE", help="A TOML file of settings.")
@click.option("--check", is_flag=True, help="Look at catalogs and settings, and end.")
@click.option("--print-config", is_flag=True, help="Write the settings as TOML, and end.")
def serve(
    catalogs: tuple[str, ...],
    limits: dict[str, str],
    config: str | None,
    check: bool,
    print_config: bool,
    **flags: Any,
) -> None:
    """Serve HATS catalogs as an archive of the Virtual Observatory.

    NAME is a schema, or SCHEMA.TABLE; without it the name of the folder is taken. Settings are
    taken from these options, then SKYSERIES_SERVE_..., then the file of --config.
    """
    from skyseries.server.running import run
    from skyseries.server.settings import make_settings

    settings = make_settings(catalogs, {**flags, **limits}, os.environ, config)
    if print_config:
        click.echo(settings.to_toml(), nl=False)
        return
    if not settings.served:
        raise click.UsageError("name what is to be served: [NAME=]CATALOG")
    if check:
        from skyseries.server.checking import checked

        click.echo(checked(settings))
        return
    run(settings)
