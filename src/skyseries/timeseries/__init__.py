"""Light curves as arrays and Arrow columns: features, periods, periodograms.

Names are imported on first use: who only opens a catalog computes no feature.
"""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.timeseries.aslightcurve import as_lightcurve
    from skyseries.timeseries.barycentre import barycentric_times
    from skyseries.timeseries.features.builtin import (
        Feature,
        all_features,
        presets,
        register,
        select,
    )
    from skyseries.timeseries.features.compute import compute_features, feature_schema
    from skyseries.timeseries.features.lightcurvepackage import light_curve_features
    from skyseries.timeseries.features.userfeature import feature, features_of, load_features
    from skyseries.timeseries.lightcurve import FoldedLightCurve, LightCurve
    from skyseries.timeseries.nesting import to_nested
    from skyseries.timeseries.periods.aliases import Candidate
    from skyseries.timeseries.periods.drift import Drift, search_drift
    from skyseries.timeseries.periods.methods import Method, all_methods
    from skyseries.timeseries.periods.periodogram import Periodogram, periodogram
    from skyseries.timeseries.periods.periods import compute_periods, period_schema
    from skyseries.timeseries.periods.prewhitening import Prewhitening, prewhiten
    from skyseries.timeseries.periods.window import window_function
    from skyseries.timeseries.segments import Segments
    from skyseries.timeseries.surveys import joined

__all__ = [
    "Candidate",
    "Drift",
    "Feature",
    "FoldedLightCurve",
    "LightCurve",
    "Method",
    "Periodogram",
    "Prewhitening",
    "Segments",
    "all_features",
    "all_methods",
    "as_lightcurve",
    "barycentric_times",
    "compute_features",
    "compute_periods",
    "feature",
    "feature_schema",
    "features_of",
    "joined",
    "light_curve_features",
    "load_features",
    "period_schema",
    "periodogram",
    "presets",
    "prewhiten",
    "register",
    "search_drift",
    "select",
    "to_nested",
    "window_function",
]

__getattr__, __dir__ = names_on_use(
    __name__,
    {
        "periods.aliases": "Candidate",
        "aslightcurve": "as_lightcurve",
        "barycentre": "barycentric_times",
        "features.builtin": "Feature all_features presets register select",
        "periods.drift": "Drift search_drift",
        "features.compute": "compute_features feature_schema",
        "lightcurve": "FoldedLightCurve LightCurve",
        "features.lightcurvepackage": "light_curve_features",
        "periods.methods": "Method all_methods",
        "nesting": "to_nested",
        "periods.periodogram": "Periodogram periodogram",
        "periods.periods": "compute_periods period_schema",
        "periods.prewhitening": "Prewhitening prewhiten",
        "segments": "Segments",
        "surveys": "joined",
        "features.userfeature": "feature features_of load_features",
        "periods.window": "window_function",
    },
)
