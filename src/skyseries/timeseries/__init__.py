"""Light curves as arrays and Arrow columns: features, periods, periodograms.

Names are imported on first use: who only opens a catalog computes no feature.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
    from skyseries.timeseries.periodogram import Periodogram, periodogram
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

_HOMES = {
    "Candidate": "aliases",
    "Drift": "drift",
    "Feature": "definitions",
    "FoldedLightCurve": "lightcurve",
    "LightCurve": "lightcurve",
    "Method": "methods",
    "Periodogram": "periodogram",
    "Prewhitening": "prewhitening",
    "Segments": "segments",
    "all_features": "definitions",
    "all_methods": "methods",
    "as_lightcurve": "aslightcurve",
    "barycentric_times": "barycentre",
    "compute_features": "features",
    "compute_periods": "periods",
    "feature": "userfeature",
    "feature_schema": "features",
    "features_of": "userfeature",
    "joined": "surveys",
    "light_curve_features": "lightcurvepackage",
    "load_features": "userfeature",
    "period_schema": "periods",
    "periodogram": "periodogram",
    "presets": "definitions",
    "prewhiten": "prewhitening",
    "register": "definitions",
    "search_drift": "drift",
    "select": "definitions",
    "to_nested": "nesting",
    "window_function": "window",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
