"""Means and steps of the times."""

from __future__ import annotations

from skyseries.timeseries.features.builtin.references import LIGHT_CURVE
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.times import N_TIMES, segment_times
from skyseries.timeseries.segments import Filled

__all__: list[str] = []


_times = Filled(N_TIMES, segment_times, ("time", "offsets"))


_TIMES = [
    Feature(
        "TimeMean", "Mean of the times", "sum(t) / n", _times, output=0,
        unit="time", inputs=("time",), shift="invariant", presets=LIGHT_CURVE,
    ),
    Feature(
        "TimeStandardDeviation", "Standard deviation of the times",
        "sqrt(sum((t - mean(t))^2) / (n - 1))", _times, output=1,
        unit="time", inputs=("time",), min_epochs=2, shift="invariant", presets=LIGHT_CURVE,
    ),
    Feature(
        "MaxTimeInterval", "Longest time between successive epochs", "max(t[j+1] - t[j])",
        _times, output=2,
        unit="time", inputs=("time",), min_epochs=2, shift="invariant", presets=LIGHT_CURVE,
    ),
    Feature(
        "MinTimeInterval", "Shortest time between successive epochs", "min(t[j+1] - t[j])",
        _times, output=3,
        unit="time", inputs=("time",), min_epochs=2, shift="invariant", presets=LIGHT_CURVE,
    ),
]  # fmt: skip

register_all(_TIMES)
