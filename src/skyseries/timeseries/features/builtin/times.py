"""Means and steps of the times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.timeseries.features.builtin.references import LIGHT_CURVE
from skyseries.timeseries.features.registry import Feature, register
from skyseries.timeseries.kernels.times import N_TIMES, segment_times
from skyseries.timeseries.segments import Segments

__all__: list[str] = []


def _times(segments: Segments) -> NDArray[np.float64]:
    return segments.filled(N_TIMES, segment_times, segments.time, segments.offsets)


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

for _feature in _TIMES:
    register(_feature)
