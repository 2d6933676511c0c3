"""The declarations of the built-in features, and the registry that they fill.

The order of the imports is that of the columns.
"""

from skyseries.timeseries.features.builtin import (  # noqa: F401  isort: skip
    counts,
    moments,
    quantiles,
    trends,
    normality,
    robust,
    significance,
    sequence,
    fits,
    times,
    stochastic,
    transient,
    colors,
    cadence,
    dpdd,
    rubin,
)

from skyseries.timeseries.features.registry import Feature, all_features, presets, register, select

__all__ = ["Feature", "all_features", "presets", "register", "select"]
