"""Numbers of epochs, and the time that they span."""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.references import BASIC, LIGHT_CURVE, RUBIN
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.trends import N_SPANS, segment_spans
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


def _counts(segments: Segments) -> Floats:
    return segments.count[np.newaxis].astype(np.float64)


def _excluded(segments: Segments) -> Floats:
    return segments.excluded[np.newaxis].astype(np.float64)


_spans = Filled(N_SPANS, segment_spans, ("time", "offsets"))


_ALL_BANDS = [
    Feature(
        "nObs", "Number of usable epochs, all bands", "N", _counts,
        scope="all", unit="count", inputs=(), min_epochs=0, shift="invariant", presets=BASIC,
    ),
    Feature(
        "nExcluded", "Number of epochs left out (flagged, not finite, error not above zero, "
        "of no band in the list)", "N_all - N", _excluded,
        scope="all", unit="count", inputs=(), min_epochs=0, shift="invariant", presets=BASIC,
    ),
    Feature(
        "timeSpan", "Time from the first to the last usable epoch, all bands",
        "max(t) - min(t)", _spans, output=2,
        scope="all", unit="time", inputs=("time",), shift="invariant", presets=BASIC,
    ),
    Feature(
        "firstTime", "Time of the first usable epoch, all bands", "min(t)", _spans, output=0,
        scope="all", unit="time", inputs=("time",), shift="invariant", presets=BASIC,
    ),
    Feature(
        "lastTime", "Time of the last usable epoch, all bands", "max(t)", _spans, output=1,
        scope="all", unit="time", inputs=("time",), shift="invariant",
    ),
]  # fmt: skip

_BAND = [
    Feature(
        "Ndata", "Number of usable epochs", "n", _counts, reference=RUBIN,
        unit="count", inputs=(), min_epochs=0, shift="invariant", presets=BASIC + LIGHT_CURVE,
    ),
    Feature(
        "TimeSpan", "Time from the first to the last usable epoch", "max(t) - min(t)", _spans,
        output=2, unit="time", inputs=("time",), shift="invariant", presets=LIGHT_CURVE,
    ),
]  # fmt: skip

register_all((*_ALL_BANDS, *_BAND))
