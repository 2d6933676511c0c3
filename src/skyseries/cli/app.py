"""The group of commands, loaded on use, and the exit codes.

0: done. 1: it could not be done, and one message says why. 2: the command line is wrong.
130: interrupted with Ctrl-C.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
import warnings
from typing import Any, NoReturn

import click

from skyseries.cli.wording import in_options
from skyseries.errors import ExecutionError, SkyseriesError
from skyseries.nopandas import deny_pandas

__all__ = ["cli", "main"]

_COMMANDS = {
    "crossmatch": "skyseries.cli.crossmatch:crossmatch",
    "demo": "skyseries.cli.demo:demo",
    "features": "skyseries.cli.features:features",
    "import": "skyseries.cli.import_:import_",
    "info": "skyseries.cli.info:info",
    "periods": "skyseries.cli.periods:periods",
    "query": "skyseries.cli.query:query",
    "serve": "skyseries.cli.serve:serve",
    "vacuum": "skyseries.cli.versions:vacuum",
    "validate": "skyseries.cli.validate:validate",
    "versions": "skyseries.cli.versions:versions",
    "warm": "skyseries.cli.warm:warm",
}

_INTERRUPTED = 130


class _Failure(click.ClickException):
    """What could not be done, in the words of the command line."""

    def show(self, file: Any = None) -> None:
        """Say it."""
        _say(self.message)


class _LazyGroup(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever it raises is said in a line or two, without a traceback."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("SKYSERIES_DEBUG"):
                raise
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            raise _Failure(in_options(_message(error), command)) from error

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
    deny_pandas()
    # what imports make lives as long as the process: a sixth of a short command went into looking
    # through it for garbage, on the way and at the end
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    sys.exit(_run(args))


def _run(args: list[str] | None) -> int:
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _say(f"warning: {message}")
            code: Any = cli.main(args, prog_name="skyseries", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        _say("interrupted")
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:  # the reader of our output has gone, for instance `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0


def _message(error: Exception) -> str:
    lines = [str(error), *getattr(error, "__notes__", ())]
    if isinstance(error, ExecutionError) and error.__cause__ is not None:
        lines.append("set SKYSERIES_DEBUG=1 to see where")
    elif isinstance(error, OSError) and not isinstance(error, SkyseriesError):
        where = f"{error.filename}: " if error.filename else ""
        lines[0] = where + (error.strerror or str(error))
    elif not isinstance(error, SkyseriesError):
        lines[0] = f"{type(error).__name__}: {error}"
        lines.append("this is a fault of Skyseries; set SKYSERIES_DEBUG=1 to see where")
    return "\n  ".join(lines)


def _say(text: str) -> None:
    click.echo(f"skyseries: {text}", err=True)
