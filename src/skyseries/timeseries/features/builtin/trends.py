"""Features of the order in time: slopes, straight lines."""

from __future__ import annotations

from skyseries.timeseries.features.builtin.references import BASIC, LDM151, LIGHT_CURVE, RUBIN
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.trends import N_TRENDS, segment_trends
from skyseries.timeseries.segments import Filled

__all__ = ["trends_of"]


trends_of = Filled(N_TRENDS, segment_trends, ("time", "value", "error", "offsets"))
"""Slopes and straight lines of each segment (`segment_trends`)."""


_TIME = [
    Feature(
        "MaxSlope", "Largest slope between successive epochs, with its sign; "
        "NULL if all times are equal",
        "max((x[j+1] - x[j]) / (t[j+1] - t[j]))", trends_of, output=0, reference=RUBIN,
        unit="value/time", inputs=("time", "value"), min_epochs=2, shift="invariant",
    ),
    Feature(
        "MaxAbsSlope", "Steepest slope between successive epochs; NULL if all times are equal",
        "max(abs(x[j+1] - x[j]) / (t[j+1] - t[j]))", trends_of, output=1, reference=LDM151,
        unit="value/time", inputs=("time", "value"), min_epochs=2, shift="invariant",
        presets=LIGHT_CURVE,
    ),
    Feature(
        "Eta", "Von Neumann's ratio: mean square difference of successive values over the "
        "variance; 2 for white noise, NULL for constant values",
        "sum((x[j+1] - x[j])^2) / ((n - 1) Sigma^2)", trends_of, output=2,
        reference="von Neumann 1941, Ann. Math. Stat. 12, 367",
        unit="none", inputs=("time", "value"), min_epochs=2, shift="invariant", presets=LIGHT_CURVE,
    ),
    Feature(
        "LinearSlope", "Slope of the straight line fitted with the inverse variances as weights; "
        "NULL if all times are equal",
        "sum(w (t - tw) (x - xw)) / sum(w (t - tw)^2)", trends_of, output=3, reference=RUBIN,
        unit="value/time", inputs=("time", "value", "error"), error_optional=True, min_epochs=2,
        shift="invariant", presets=BASIC + LIGHT_CURVE,
    ),
    Feature(
        "LinearSlopeErr", "Standard error of LinearSlope from the errors of the values",
        "sum(w (t - tw)^2)^(-1/2)", trends_of, output=4,
        unit="value/time", inputs=("time", "error"), min_epochs=2, shift="invariant",
        presets=LIGHT_CURVE,
    ),
]  # fmt: skip

register_all(_TIME)
