"""Light curves as arrays and Arrow columns: features, periods, periodograms."""

import skyseries.timeseries.definitions  # noqa: F401 - registers the built-in features
from skyseries.timeseries.features import compute_features, feature_schema
from skyseries.timeseries.registry import Feature, all_features, presets, register
from skyseries.timeseries.segments import Segments

__all__ = [
    "Feature",
    "Segments",
    "all_features",
    "compute_features",
    "feature_schema",
    "presets",
    "register",
]
