"""Colours: differences of the magnitudes of two neighbouring bands, and their scatter over all."""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.references import AP, DRP, LIGHT_CURVE
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.colors import (
    N_COLORS,
    pair_colors,
    segment_brightness,
    spread_of_colors,
)
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


ALERCE = "Sanchez-Saez et al. 2021, AJ 161, 141"

_NULL = "; NULL where a flux is not above zero"


_brightness = Filled(
    N_COLORS, segment_brightness, ("value", "error", "sorted_value", "offsets", "is_magnitude")
)


def _colors(segments: Segments) -> Floats:
    n_bands = len(segments.bands)
    out = np.empty((N_COLORS, segments.size // n_bands, n_bands - 1))
    pair_colors(segments.once(_brightness), n_bands, segments.is_magnitude, out)
    return out


def _spread(whole: Segments) -> Floats:
    segments = whole.by_band or whole
    out = np.empty((1, whole.size))
    spread_of_colors(segments.once(_brightness), len(segments.bands), segments.is_magnitude, out[0])
    return out


_PAIRS = [
    Feature(
        "ColorMean", f"Colour of the weighted means{_NULL}",
        "-2.5 log10(Mean[1] / Mean[2]); in magnitudes Mean[1] - Mean[2]", _colors, output=0,
        reference=ALERCE, scope="pair", unit="mag", inputs=("value", "error"),
        error_optional=True, presets=AP,
    ),
    Feature(
        "ColorMedian", f"Colour of the medians{_NULL}",
        "-2.5 log10(Median[1] / Median[2]); in magnitudes Median[1] - Median[2]", _colors,
        output=1, scope="pair", unit="mag", cost="n log n", presets=AP + LIGHT_CURVE,
    ),
    Feature(
        "ColorMax", f"Colour of the brightest epochs of either band{_NULL}",
        "-2.5 log10(max(x[1]) / max(x[2])); in magnitudes min(x[1]) - min(x[2])", _colors,
        output=2, reference=ALERCE, scope="pair", unit="mag", cost="n log n",
        presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "ColorMin", f"Colour of the faintest epochs of either band{_NULL}",
        "-2.5 log10(min(x[1]) / min(x[2])); in magnitudes max(x[1]) - max(x[2])", _colors,
        output=3, scope="pair", unit="mag", cost="n log n", presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "AmplitudeRatio", "Ratio of the ranges; NULL where the second is zero",
        "(max(x[1]) - min(x[1])) / (max(x[2]) - min(x[2]))", _colors, output=4, scope="pair",
        unit="none", min_epochs=2, shift="invariant", cost="n log n", presets=DRP,
    ),
]  # fmt: skip

_WHOLE = [
    Feature(
        "colorSpread", "Scatter between the bands of the weighted mean magnitudes, of the bands "
        "with epochs and, for fluxes, a mean above zero; NULL with fewer than two",
        "sqrt(sum((m[b] - mean(m))^2) / n_bands), m = Mean, or -2.5 log10(Mean) of fluxes",
        _spread, reference="Package light-curve 0.13, ColorSpread", scope="all", unit="mag",
        inputs=("value", "error"), error_optional=True, presets=DRP + LIGHT_CURVE,
    ),
]  # fmt: skip

register_all((*_WHOLE, *_PAIRS))
