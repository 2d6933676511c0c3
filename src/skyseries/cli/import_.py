"""``skyseries import``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from skyseries.cli.options import engine_options, names, progress_option
from skyseries.cli.wording import in_options

__all__ = ["import_"]

_POLICIES = click.Choice(["error", "drop", "keep"])


def _options_of_bucket(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str] | None:
    """Return options for fsspec; None if there are none."""
    pairs = [text.partition("=") for text in given]
    if bad := [key for key, equals, _ in pairs if not (key and equals)]:
        raise click.BadParameter(f"{bad[0]!r} is not KEY=VALUE")
    return {key: value for key, _, value in pairs} or None


def _null_values(
    ctx: click.Context,
    param: click.Parameter,
    value: tuple[str, ...],
) -> tuple[int | float | str, ...]:
    """Read numbers as numbers, everything else as text."""
    return tuple(_number(text) for text in value)


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _degrees(text: str) -> float | str:
    number = _number(text)
    return number if isinstance(number, str) else float(number)


def _width(ctx: click.Context, param: click.Parameter, value: str) -> float | None:
    if value.lower() == "none":
        return None
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor 'none'", ctx, param) from None


@click.command("import", short_help="Make a catalog of survey files.")
@click.argument("objects", nargs=-1)
@click.argument("path")
@click.option("--name", help="Name of the catalog.  [default: that of the folder]")
@click.option(
    "--ra",
    help="Column of the right ascension; or degrees, for light curves of one star.  "
    "[default: recognised]",
)
@click.option("--dec", help="Column of the declination.  [default: recognised]")
@click.option(
    "--id", help="Column of the object's id.  [default: recognised where light curves need one]"
)
@click.option(
    "--kind", type=click.Choice(["object", "source"]), default="object", show_default=True,
    help="What a row is: an object, or one measurement.",
)  # fmt: skip
@click.option(
    "--columns",
    multiple=True,
    callback=names,
    help="Columns to take, a,b,c, beside position and id.  [default: all]",
)
@click.option(
    "--lightcurves", multiple=True, help="File, pattern or folder of epochs; may be repeated."
)
@click.option(
    "--lightcurve-name", default="lightcurve", show_default=True, help="Column they are put in."
)
@click.option("--source-id", help="Column of the object's id in the light curves.")
@click.option(
    "--source-columns", multiple=True, callback=names, help="Columns to take of the light curves."
)
@click.option("--time", help="Column of the time.  [default of this and of the others: recognised]")
@click.option("--time-format", help="mjd, jd, hjd, bjd, btjd, bkjd, jd-2450000, ...")
@click.option("--time-scale", help="tai, utc, tdb, ...")
@click.option("--refposition", help="topocenter, heliocenter, barycenter")
@click.option("--band", help="Column of the band.")
@click.option("--flux", help="Column of the flux.")
@click.option("--flux-err", help="Column of its error.")
@click.option("--flux-unit", help="nJy, ...")
@click.option("--mag", help="Column of the magnitude.")
@click.option("--mag-err", help="Column of its error.")
@click.option("--flag", help="Column of the quality flag.")
@click.option(
    "--margin-arcsec", default="10", show_default=True, callback=_width,
    help="Width of the margin, or none.",
)  # fmt: skip
@click.option("--id-index/--no-id-index", default=True, help="Make an index of ids, or not.")
@click.option(
    "--null-value", "null_values", multiple=True, callback=_null_values,
    help="What stands for no value, such as -99; may be repeated.",
)  # fmt: skip
@click.option(
    "--on-nan-position", type=_POLICIES, default="error", show_default=True,
    help="What becomes of rows without a position.",
)  # fmt: skip
@click.option(
    "--on-repeated-id", type=_POLICIES, default="error", show_default=True,
    help="What becomes of rows whose id came before.",
)  # fmt: skip
@click.option(
    "--on-duplicate-epoch", type=_POLICIES, default="keep", show_default=True,
    help="What becomes of a second epoch of one object, time and band.",
)  # fmt: skip
@click.option(
    "--orphans", type=_POLICIES, default="keep", show_default=True,
    help="What becomes of sources without an object.",
)  # fmt: skip
@click.option("--max-rows", type=int, default=1_000_000, show_default=True, help="Of a leaf.")
@click.option("--max-bytes", default="256MB", show_default=True, help="Of a leaf.")
@click.option("--max-epochs", type=int, default=5_000_000, show_default=True, help="Of a leaf.")
@click.option("--memory", help="What all workers together may hold, such as 1GB.")
@click.option(
    "--tmp-dir", type=click.Path(file_okay=False, path_type=Path),
    help="Where scratch files go.  [default: beside the catalog]",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Make a new version of an existing catalog.")
@click.option(
    "--resume/--no-resume", default=True, help="Go on with an unfinished import, or start again."
)
@click.option(
    "--durability", type=click.Choice(["power", "process"]), default="power", show_default=True,
    help="What a finished catalog outlives: a power cut, or the end of the process (faster).",
)  # fmt: skip
@click.option(
    "--metadata", type=click.Path(exists=True, dir_okay=False),
    help="File of TOML that says what the catalog and its columns are (docs/catalogs.md).",
)  # fmt: skip
@click.option(
    "--storage-option", "storage_options", multiple=True, callback=_options_of_bucket,
    help="KEY=VALUE for the bucket that PATH is in, such as endpoint_url=...; may be repeated.",
)  # fmt: skip
@engine_options
@progress_option
def import_(
    objects: tuple[str, ...],
    path: str,
    lightcurves: tuple[str, ...],
    **options: Any,
) -> None:
    """Make the catalog PATH of survey files.

    OBJECTS are files, patterns or folders with a row for each object: Parquet, CSV, ECSV, FITS or
    VOTable. Without them, objects are made of the --lightcurves.

    An import that was stopped goes on where it was when the same command is given again.
    """
    import skyseries as sky

    if not objects and not lightcurves:
        raise click.UsageError(
            "nothing to import: give OBJECTS before PATH, or --lightcurves, or both"
        )
    for name in ("ra", "dec"):
        if not objects and options[name] is not None:  # of a single star, or a column
            options[name] = _degrees(options[name])
    report = sky.import_catalog(
        list(objects) or None, path, lightcurves=list(lightcurves) or None, **options
    )
    if report.resumed:
        click.echo("went on with the unfinished import that was there", err=True)
    click.echo(in_options(report.summary(), click.get_current_context().command))
