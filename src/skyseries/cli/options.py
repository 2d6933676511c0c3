"""Options that several commands share."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = [
    "affix_options",
    "bands",
    "by_name",
    "columns",
    "engine_options",
    "extension_options",
    "location_option",
    "names",
    "output_option",
    "progress_option",
    "that_were_given",
    "values",
    "version_option",
]

F = TypeVar("F", bound=Callable[..., Any])

_SUFFIXES = (".parquet", ".csv", ".fits", ".vot")


def by_name(_: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Return values by their names, of an option that takes ``NAME=...`` several times."""
    pairs = [text.partition("=") for text in given]
    for (name, sign, value), text in zip(pairs, given, strict=True):
        if not (name and sign and value):
            raise click.BadParameter(f"write {parameter.metavar}, not {text!r}")
    names = [name for name, _, _ in pairs]
    if again := [name for name in names if names.count(name) > 1]:
        raise click.BadParameter(f"{again[0]!r} is given twice")
    return {name: value for name, _, value in pairs}


def engine_options(command: F) -> F:
    """Add ``--executor`` and ``--workers``."""
    for option in (
        click.option(
            "--workers", type=click.IntRange(min=1), help="How many tasks run side by side."
        ),
        click.option(
            "--executor",
            type=click.Choice(["threads", "processes", "serial"]),
            help="What runs them.  [default: threads]",
        ),
    ):
        command = option(command)
    return command


def progress_option(command: F) -> F:
    """Add ``--no-progress``, which gives ``progress=False``, and else None."""
    return click.option(
        "--no-progress",
        "progress",
        is_flag=True,
        flag_value=False,
        default=None,
        help="Be silent.",
    )(command)


def output_option(command: F) -> F:
    """Add ``-o``."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_check_output,
        help="File to write: .parquet, .csv, .fits or .vot.  [default: CSV on standard output]",
    )(command)


def extension_options(command: F) -> F:
    """Add ``--write-extension``, ``--overwrite`` and ``--resume``."""
    for option in (
        click.option("--resume", is_flag=True, help="Go on where a stopped run has ended."),
        click.option("--overwrite", is_flag=True, help="Write the next version of the extension."),
        click.option(
            "--write-extension", "extension", metavar="NAME",
            help="Keep the columns beside the catalog, as its extension NAME.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def affix_options(command: F) -> F:
    """Add ``--prefix`` and ``--suffix``."""
    for word, place in (("--suffix", "end"), ("--prefix", "begin")):
        text = f"What the names of the new columns {place} with."
        command = click.option(word, help=text)(command)
    return command


def that_were_given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that have a value, and the flags that are set."""
    return {n: value for n, value in options.items() if value is not None and value is not False}


def version_option(command: F) -> F:
    """Add ``--version``."""
    return click.option(
        "--version", type=click.IntRange(min=1), metavar="N",
        help="Of the versions that `skyseries versions` lists.  [default: the current one]",
    )(command)  # fmt: skip


def location_option(command: F) -> F:
    """Add ``--location``."""
    return click.option(
        "--location", metavar="LON,LAT,HEIGHT", callback=_place,
        help="The observatory: degrees east and north, m.  [default: Rubin's]",
    )(command)  # fmt: skip


def _place(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    try:
        return None if value is None else tuple(map(float, value.split(",")))
    except ValueError:
        text = f"{value!r} must be longitude,latitude,height, such as -70.7494,-30.2446,2663"
        raise click.BadParameter(text, ctx, param) from None


def values(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, Any]:
    """Read ``name=value``, each time the option is given (a callback)."""
    found: dict[str, Any] = {}
    for text in value:
        name, sign, given = text.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or not name:
            raise click.BadParameter(f"{text!r} must be name=value, as nterms=2", ctx, param)
        if any(name == known.name for known in ctx.command.params):
            word = f"--{name.replace('_', '-')}"
            raise click.BadParameter(f"{name!r} has an option of its own: {word}", ctx, param)
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice", ctx, param)
        found[name] = _literal(given.strip())
    return found


def _literal(text: str) -> Any:
    """Return a number, numbers with commas between them, or true or false; else the text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def names(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    """Read ``a,b,c`` as a list, and each time the option is given (a callback)."""
    return _joined(ctx, param, value, lambda text: text.split(","))


def bands(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> list[str | int] | None:
    """Read ``g,r`` as a list, and digits as numbers (a callback)."""
    found = names(ctx, param, value) or []
    return [int(name) if name.isdigit() else name for name in found] or None


def columns(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    """Read ``a,ROUND(b, 1) AS c`` as a list: commas in parentheses and quotes do not count."""
    return _joined(ctx, param, value, _parts)


def _parts(text: str) -> list[str]:
    parts, depth, quote = [""], 0, ""
    for character in text:
        if character == "," and not depth and not quote:
            parts.append("")
            continue
        parts[-1] += character
        if quote or character in "'\"":
            quote = "" if character == quote else quote or character
        else:
            depth += {"(": 1, ")": -1}.get(character, 0)
    return parts


def _joined(
    ctx: click.Context,
    param: click.Parameter,
    value: tuple[str, ...],
    split: Callable[[str], list[str]],
) -> list[str] | None:
    found: list[str] = []
    for text in value:
        parts = [part.strip() for part in split(text)]
        if not all(parts):
            raise click.BadParameter(f"{text!r} has an empty name", ctx, param)
        found += parts
    return found or None


def _check_output(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Complain about the suffix now, not after the work is done."""
    if value is not None and value.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(f"{value} must end in {', '.join(_SUFFIXES)}", ctx, param)
    return value
