"""How far the scatter exceeds the errors."""

from __future__ import annotations

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.moments import moments_of
from skyseries.timeseries.features.builtin.quantiles import quantiles_of
from skyseries.timeseries.features.builtin.references import AP, DRP, LIGHT_CURVE
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.significance import (
    segment_chi2_probability,
    segment_peak_to_peak,
    segment_roms,
)
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


def _probability(segments: Segments) -> Floats:
    return segments.filled(
        1, segment_chi2_probability, segments.once(moments_of)[7], segments.count
    )


def _roms(segments: Segments) -> Floats:
    median = segments.once(quantiles_of)[5]
    return segments.filled(
        1, segment_roms, segments.value, segments.error, segments.offsets, median
    )


_peak_to_peak = Filled(1, segment_peak_to_peak, ("value", "error", "offsets"))


_SIGNIFICANCE = [
    Feature(
        "Chi2Pvar", "Probability that the errors alone give a larger Chi2: small for variables",
        "Q((n - 1) / 2, Chi2 / 2), Q the upper incomplete gamma function", _probability,
        reference="McLaughlin et al. 1996, ApJ 473, 763",
        unit="none", inputs=("value", "error"), min_epochs=2, shift="invariant",
        presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "RoMS", "Robust median statistic; below one for constant stars",
        "sum(abs(x - median) / e) / (n - 1)", _roms,
        reference="Enoch et al. 2003, AJ 126, 1006",
        unit="none", inputs=("value", "error"), min_epochs=2, shift="invariant", cost="n log n",
        presets=AP + LIGHT_CURVE,
    ),
    Feature(
        "PeakToPeakVar", "Peak-to-peak variation; NULL where a value is negative",
        "(a - b) / (a + b), a = max(x - e), b = min(x + e)", _peak_to_peak,
        reference="Aller et al. 1992, ApJ 399, 16",
        unit="none", inputs=("value", "error"), min_epochs=2, presets=LIGHT_CURVE,
    ),
]  # fmt: skip

register_all(_SIGNIFICANCE)
