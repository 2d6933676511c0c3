"""The `Catalog`: what users hold."""

from __future__ import annotations

from skyseries.catalog.verbs.columns import ColumnVerbs
from skyseries.catalog.verbs.extensions import ExtensionVerbs
from skyseries.catalog.verbs.functions import FunctionVerbs
from skyseries.catalog.verbs.joins import JoinVerbs
from skyseries.catalog.verbs.lightcurves import LightCurveVerbs
from skyseries.catalog.verbs.matching import MatchVerbs
from skyseries.catalog.verbs.results import ResultVerbs
from skyseries.catalog.verbs.rowsets import RowSetVerbs
from skyseries.catalog.verbs.searches import SearchVerbs
from skyseries.catalog.verbs.summaries import SummaryVerbs

__all__ = ["Catalog"]


class Catalog(
    RowSetVerbs,
    SummaryVerbs,
    ColumnVerbs,
    SearchVerbs,
    LightCurveVerbs,
    FunctionVerbs,
    MatchVerbs,
    JoinVerbs,
    ExtensionVerbs,
    ResultVerbs,
):
    """A partitioned catalog and what is to be done with it; computed when asked for.

    Made by `skyseries.open_catalog`. Every verb returns a new catalog and leaves this one as it
    is. What is computed runs on the engine that holds (`skyseries.executor`).
    """
