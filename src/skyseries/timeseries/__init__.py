"""Light curves as arrays and Arrow columns: features, periods, periodograms.

Names are imported on first use: who only opens a catalog computes no feature.
"""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.timeseries.aliases import Candidate
    from skyseries.timeseries.aslightcurve import as_lightcurve
    from skyseries.timeseries.barycentre import barycentric_times
    from skyseries.timeseries.definitions import Feature, all_features, presets, register, select
    from skyseries.timeseries.drift import Drift, search_drift
    from skyseries.timeseries.features import compute_features, feature_schema
    from skyseries.timeseries.lightcurve import FoldedLightCurve, LightCurve
    from skyseries.timeseries.lightcurvepackage import light_curve_features
    from skyseries.timeseries.methods import Method, all_methods
    from skyseries.timeseries.nesting import to_nested
    from skyseries.timeseries.periodograms import Periodogram, periodogram
    from skyseries.timeseries.periods import compute_periods, period_schema
    from skyseries.timeseries.prewhitening import Prewhitening, prewhiten
    from skyseries.timeseries.segments import Segments
    from skyseries.timeseries.surveys import joined
    from skyseries.timeseries.userfeature import feature, features_of, load_features
    from skyseries.timeseries.window import window_function

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
        "aliases": "Candidate",
        "aslightcurve": "as_lightcurve",
        "barycentre": "barycentric_times",
        "definitions": "Feature all_features presets register select",
        "drift": "Drift search_drift",
        "features": "compute_features feature_schema",
        "lightcurve": "FoldedLightCurve LightCurve",
        "lightcurvepackage": "light_curve_features",
        "methods": "Method all_methods",
        "nesting": "to_nested",
        "periodograms": "Periodogram periodogram",
        "periods": "compute_periods period_schema",
        "prewhitening": "Prewhitening prewhiten",
        "segments": "Segments",
        "surveys": "joined",
        "userfeature": "feature features_of load_features",
        "window": "window_function",
    },
)
