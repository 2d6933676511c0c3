"""The declarations of the built-in features, and the registry that they fill.

The order of the imports is that of the columns.
"""

from skyseries.timeseries.features.builtin import counts  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import moments  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import quantiles  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import trends  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import normality  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import robust  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import significance  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import sequence  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import fits  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import times  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import stochastic  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import transient  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import colors  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import cadence  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import dpdd  # noqa: F401  isort: skip
from skyseries.timeseries.features.builtin import rubin  # noqa: F401  isort: skip

from skyseries.timeseries.features.registry import Feature, all_features, presets, register, select

__all__ = ["Feature", "all_features", "presets", "register", "select"]
