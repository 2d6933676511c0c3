"""``skyseries features``."""

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
    names,
    output_option,
    that_were_given,
)
from skyseries.nopandas import allow_pandas

__all__ = ["features"]


@click.command(short_help="Compute features of light curves, or list what there is.")
@click.argument("catalog", required=False)
@click.option("--list", "listed", is_flag=True, help="List the features; CATALOG is not needed.")
@click.option("--preset", help="A set of features, such as rubin-ap or dpdd.")
@click.option(
    "--features", "wanted", multiple=True, callback=names,
    help="Names of features and presets, such as Mean,StetsonJ.  [default: the preset default]",
)  # fmt: skip
@click.option(
    "--code", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Python file that registers features of your own; may be repeated.",
)  # fmt: skip
@click.option(
    "--bands", multiple=True, callback=bands,
    help="Bands that get columns, such as g,r.  [default: those that there are]",
)  # fmt: skip
@click.option("--space", type=click.Choice(["mag", "flux"]), help="Magnitudes or fluxes.")
@click.option("--min-period", type=float, help="Shortest period that is searched for, days.")
@click.option("--max-period", type=float, help="Longest period, days.")
@click.option("--column", help="The light curves, where the catalog has several.")
@click.option("--barycentric", is_flag=True, help="Bring times to the solar-system barycentre.")
@location_option
@affix_options
@extension_options
@output_option
@engine_options
def features(
    catalog: str | None,
    listed: bool,
    preset: str | None,
    wanted: list[str] | None,
    code: tuple[Path, ...],
    space: str | None,
    extension: str | None,
    overwrite: bool,
    resume: bool,
    output: Path | None,
    executor: str | None,
    workers: int | None,
    **more: Any,
) -> None:
    """Compute features of every light curve in CATALOG.

    With --list, say which features there are, or which --preset and --features choose.
    """
    chosen = [*([] if preset is None else [preset]), *(wanted or [])] or None
    _check_preset(preset)
    _load(code)
    if listed:
        from skyseries.timeseries.features.document import features_text

        click.echo(features_text("all" if chosen is None else chosen))
        return
    if catalog is None:
        raise click.UsageError("Missing argument 'CATALOG' (or --list).")
    import skyseries as sky
    from skyseries.cli.output import keep_result

    given = that_were_given(more)
    own = None if space == "mag" else space  # magnitudes stay what they are
    with sky.executor(executor, workers):
        found = sky.open_catalog(catalog).features(features=chosen, space=own, **given)
        keep_result(found, output, extension, overwrite=overwrite, resume=resume)


def _load(code: tuple[Path, ...]) -> None:
    for path in code:
        from skyseries.timeseries import load_features

        allow_pandas()
        load_features(path)


def _check_preset(preset: str | None) -> None:
    if preset is None:
        return
    from skyseries.timeseries.features.registry import PRESETS

    if preset not in PRESETS:
        raise click.UsageError(f"there is no preset {preset!r}; there are: {', '.join(PRESETS)}")
