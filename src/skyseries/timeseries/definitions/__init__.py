"""The declarations of the built-in features, and the registry that they fill.

The order of the imports is that of the columns.
"""

from skyseries.timeseries.definitions import counts  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import moments  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import quantiles  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import trends  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import normality  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import robust  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import significance  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import sequence  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import fits  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import times  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import stochastic  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import transient  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import colors  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import cadence  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import dpdd  # noqa: F401  isort: skip
from skyseries.timeseries.definitions import rubin  # noqa: F401  isort: skip

from skyseries.timeseries.registry import Feature, all_features, presets, register, select

__all__ = ["Feature", "all_features", "presets", "register", "select"]
