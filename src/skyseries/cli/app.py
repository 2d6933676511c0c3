"""The group of commands, loaded on use, and the exit codes.

0: done. 1: it could not be done, and one message says why. 2: the command line is wrong.
130: interrupted with Ctrl-C.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, NoReturn

import click

from skyseries.errors import ExecutionError, SkyseriesError

__all__ = ["cli", "main"]

_COMMANDS = {
    "crossmatch": "skyseries.cli.crossmatch:crossmatch",
    "demo": "skyseries.cli.demo:demo",
    "features": "skyseries.cli.features:features",
    "import": "skyseries.cli.import_:import_",
    "info": "skyseries.cli.info:info",
    "periods": "skyseries.cli.periods:periods",
    "query": "skyseries.cli.query:query",
    "validate": "skyseries.cli.validate:validate",
}

_INTERRUPTED = 130


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="skyseries", message="%(prog)s %(version)s")
def cli() -> None:
    """Survey tables to light-curve science.

    Data goes to standard output, talk and progress to standard error.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    args : list of str, optional
        By default those of the process.
    """
    sys.exit(_run(args))


def _run(args: list[str] | None) -> int:
    try:
        code: Any = cli.main(args, prog_name="skyseries", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        _say("interrupted")
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SkyseriesError as error:
        if os.environ.get("SKYSERIES_DEBUG"):
            raise
        _say(_message(error))
        return 1
    except BrokenPipeError:  # the reader of our output has gone, for instance `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0


def _message(error: SkyseriesError) -> str:
    lines = [str(error), *getattr(error, "__notes__", ())]
    if isinstance(error, ExecutionError) and error.__cause__ is not None:
        lines.append("set SKYSERIES_DEBUG=1 to see where")
    return "\n  ".join(lines)


def _say(text: str) -> None:
    click.echo(f"skyseries: {text}", err=True)
