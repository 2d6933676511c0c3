"""``skyseries demo``."""

from __future__ import annotations

from pathlib import Path

import click

from skyseries.cli.options import progress_option

__all__ = ["demo"]


@click.command(short_help="Build a small survey and analyse it.")
@click.argument(
    "path", type=click.Path(file_okay=False, path_type=Path), default=Path("skyseries-demo")
)
@click.option("--workers", type=click.IntRange(min=1), help="How many tasks run side by side.")
@progress_option
def demo(path: Path, workers: int | None, progress: bool | None) -> None:
    """Build a small survey in PATH, analyse it, and compare with the truth.

    PATH is a folder to make.  [default: skyseries-demo]
    """
    import skyseries as sky

    click.echo(sky.demo(path, workers=workers, progress=progress).text)
