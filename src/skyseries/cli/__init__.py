"""The command line: one command is one call of the library."""

from skyseries.cli.app import cli, main

__all__ = ["cli", "main"]
