"""``skyseries warm``."""

from __future__ import annotations

import os
from pathlib import Path

import click

__all__ = ["warm"]


@click.command(short_help="Compile all kernels ahead.")
@click.option(
    "--cache", type=click.Path(file_okay=False), metavar="DIR",
    help="Where to keep them; workers and containers find them there if SKYSERIES_KERNELS names "
    "it. [default: SKYSERIES_KERNELS, or the cache of the user]",
)  # fmt: skip
def warm(cache: str | None) -> None:
    """Compile what features, searches for periods, imports and matches run, before it is needed.

    Once for each processor and version: it takes a minute, and commands find it done.
    """
    if cache is not None:
        os.environ["SKYSERIES_KERNELS"] = str(Path(cache).absolute())
    from skyseries.jit.expected import warm_all

    report = warm_all()
    click.echo(report.text())
    if report.troubles:
        raise click.ClickException(
            f"{len(report.troubles)} could not be compiled; the first: {report.troubles[0]}"
        )
