"""Run the command line as ``python -m skyseries``."""

from skyseries.cli.app import main

main()
