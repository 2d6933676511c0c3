"""Straight lines and parabolas, beside the slope of `trends`."""

from __future__ import annotations

from skyseries.timeseries.features.builtin.references import DRP, LIGHT_CURVE
from skyseries.timeseries.features.builtin.trends import trends_of
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.fits import N_PARABOLA, segment_parabola
from skyseries.timeseries.segments import Filled

__all__: list[str] = []


_parabola = Filled(N_PARABOLA, segment_parabola, ("time", "value", "error", "offsets"))


_LINES = [
    Feature(
        "LinearAtFirst", "Straight line of LinearSlope at the time of the first epoch",
        "xw + LinearSlope (t_1 - tw)", trends_of, output=6,
        inputs=("time", "value", "error"), error_optional=True, min_epochs=2, shift="moves",
    ),
    Feature(
        "LinearReducedChi2", "Chi square of the straight line of LinearSlope for each degree of "
        "freedom",
        "sum(((x - line) / e)^2) / (n - 2)", trends_of, output=7,
        unit="none", inputs=("time", "value", "error"), min_epochs=3, shift="invariant",
        presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "LinearTrend", "Slope of the straight line fitted with equal weights; NULL if all times "
        "are equal",
        "sum((t - mean(t)) (x - mean(x))) / sum((t - mean(t))^2)", trends_of, output=8,
        unit="value/time", inputs=("time", "value"), min_epochs=2, shift="invariant",
        presets=LIGHT_CURVE,
    ),
    Feature(
        "LinearTrendErr", "Standard error of LinearTrend from the residuals",
        "LinearTrendNoise / sqrt(sum((t - mean(t))^2))", trends_of, output=9,
        unit="value/time", inputs=("time", "value"), min_epochs=3, shift="invariant",
        presets=LIGHT_CURVE,
    ),
    Feature(
        "LinearTrendNoise", "Standard deviation of the residuals of LinearTrend",
        "sqrt(sum((x - line)^2) / (n - 2))", trends_of, output=10,
        inputs=("time", "value"), min_epochs=3, shift="invariant", presets=DRP + LIGHT_CURVE,
    ),
]  # fmt: skip

_PARABOLA = [
    Feature(
        "ParabolaCurvature", "Coefficient of the square of the time in the parabola fitted with "
        "the inverse variances as weights; NULL with fewer than three different times",
        "g of x0 + g (t - t0)^2", _parabola, output=0,
        unit="value/time^2", inputs=("time", "value", "error"), error_optional=True,
        min_epochs=3, shift="invariant", presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "ParabolaCurvatureErr", "Standard error of ParabolaCurvature from the errors of the values",
        "sum(w p(t)^2)^(-1/2), p = t^2 + ... orthogonal to 1 and t", _parabola, output=1,
        unit="value/time^2", inputs=("time", "error"), min_epochs=3, shift="invariant",
        presets=DRP,
    ),
    Feature(
        "ParabolaExtremum", "Value of the parabola at its extremum",
        "x0 of x0 + g (t - t0)^2", _parabola, output=2,
        inputs=("time", "value", "error"), error_optional=True, min_epochs=3, shift="moves",
        presets=LIGHT_CURVE,
    ),
    Feature(
        "ParabolaReducedChi2", "Chi square of the parabola for each degree of freedom",
        "sum(((x - parabola) / e)^2) / (n - 3)", _parabola, output=3,
        unit="none", inputs=("time", "value", "error"), min_epochs=4, shift="invariant",
        presets=DRP + LIGHT_CURVE,
    ),
]  # fmt: skip

register_all((*_LINES, *_PARABOLA))
