"""Light curves as arrays and Arrow columns: features, periods, periodograms."""

import skyseries.timeseries.definitions  # noqa: F401 - registers the built-in features
from skyseries.timeseries.features import compute_features, feature_schema
from skyseries.timeseries.lightcurve import FoldedLightCurve, LightCurve
from skyseries.timeseries.methods import Method, all_methods
from skyseries.timeseries.periodogram import Periodogram, periodogram
from skyseries.timeseries.periods import compute_periods, period_schema
from skyseries.timeseries.registry import Feature, all_features, presets, register, select
from skyseries.timeseries.segments import Segments
from skyseries.timeseries.window import window_function

__all__ = [
    "Feature",
    "FoldedLightCurve",
    "LightCurve",
    "Method",
    "Periodogram",
    "Segments",
    "all_features",
    "all_methods",
    "compute_features",
    "compute_periods",
    "feature_schema",
    "period_schema",
    "periodogram",
    "presets",
    "register",
    "select",
    "window_function",
]
