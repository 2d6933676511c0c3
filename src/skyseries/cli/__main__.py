"""Run the command line as ``python -m skyseries.cli``."""

from skyseries.cli.app import main

main()
