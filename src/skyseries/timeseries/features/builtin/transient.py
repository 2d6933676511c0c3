"""Features of transients: moving averages, detections and epochs without, the maximum.

A detection is an epoch whose flux is more than five times its error from zero, on either side. In
magnitude space flux over error is 2.5 / ln(10) / e, as after a conversion to fluxes: the counts are
the same in both spaces, and none is negative.
"""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.references import AP
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.transient import N_TRANSIENT, segment_transient
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


LASAIR = "Williams et al. 2024, RAS Techniques and Instruments 3, 362"
ALERCE = "Sanchez-Saez et al. 2021, AJ 161, 141"

_FIRST, _LAST = 6, 7
_FADED = "; in magnitudes flux / error is 2.5 / ln(10) / e"


_transient = Filled(
    N_TRANSIENT, segment_transient, ("time", "value", "error", "offsets", "is_magnitude")
)


def _since_detections(whole: Segments) -> Floats:
    """Return the times from the first and from the last detection to the last epoch."""
    segments = whole.by_band or whole
    n_bands = len(segments.bands)
    found = segments.once(_transient)
    first = found[_FIRST].reshape(-1, n_bands)
    last = found[_LAST].reshape(-1, n_bands)
    ends = np.full(segments.size, np.nan)
    has = segments.count > 0
    ends[has] = segments.time[segments.offsets[1:][has] - 1]
    end = np.fmax.reduce(ends.reshape(-1, n_bands), axis=1)
    return np.stack([end - np.fmin.reduce(first, axis=1), end - np.fmax.reduce(last, axis=1)])


_AVERAGES = [
    Feature(
        f"Ema{days}", f"Exponential moving average with a time scale of {days} d, at the last "
        "epoch, begun with the first value",
        f"a[1] = x[1], a[j] = w a[j-1] + (1 - w) x[j], w = exp(-(t[j] - t[j-1]) / {days} d)",
        _transient, output=row, reference=LASAIR, inputs=("time", "value"), shift="moves",
        presets=AP,
    )
    for row, days in enumerate((2, 8, 28))
]  # fmt: skip

_DETECTIONS = [
    Feature(
        "NumPositive", f"Number of detections of a positive flux{_FADED}", "#(x / e > 5)",
        _transient, output=3, reference=ALERCE, unit="count", inputs=("value", "error"),
        presets=AP,
    ),
    Feature(
        "NumNegative", "Number of detections of a negative flux; 0 in magnitudes", "#(x / e < -5)",
        _transient, output=4, reference=ALERCE, unit="count", inputs=("value", "error"),
        presets=AP,
    ),
    Feature(
        "PositiveFraction", "Share of the positive among the detections; NULL without detections",
        "NumPositive / (NumPositive + NumNegative)", _transient, output=5, reference=ALERCE,
        unit="none", inputs=("value", "error"), presets=AP,
    ),
    Feature(
        "FirstDetection", f"Time of the first detection, positive or negative{_FADED}",
        "min(t[j]): abs(x[j]) / e[j] > 5", _transient, output=_FIRST, reference=ALERCE,
        unit="time", inputs=("time", "value", "error"), presets=AP,
    ),
    Feature(
        "LastDetection", f"Time of the last detection, positive or negative{_FADED}",
        "max(t[j]): abs(x[j]) / e[j] > 5", _transient, output=_LAST, reference=ALERCE,
        unit="time", inputs=("time", "value", "error"), presets=AP,
    ),
    Feature(
        "NonDetBefore", "Epochs before the first detection (upper limits); all, if there is none",
        "#(t < FirstDetection)", _transient, output=8, reference=ALERCE, unit="count",
        inputs=("time", "value", "error"), presets=AP,
    ),
    Feature(
        "NonDetAfter", "Epochs after the last detection (upper limits); all, if there is none",
        "#(t > LastDetection)", _transient, output=9, reference=ALERCE, unit="count",
        inputs=("time", "value", "error"), presets=AP,
    ),
]  # fmt: skip

_MAXIMUM = [
    Feature(
        "TimeOfMax", "Time of the brightest epoch, the first of equal ones", "t[argmax(flux)]",
        _transient, output=10, unit="time", inputs=("time", "value"), shift="invariant",
        presets=AP,
    ),
    Feature(
        "RiseSlope", "Slope of the straight line fitted, with the inverse variances as weights, to "
        "the brightest epoch and the 28 d before it; NULL without an epoch there",
        "sum(w (t - tw) (x - xw)) / sum(w (t - tw)^2), TimeOfMax - 28 d <= t <= TimeOfMax",
        _transient, output=11, unit="value/time", inputs=("time", "value", "error"),
        error_optional=True, min_epochs=2, shift="invariant", presets=AP,
    ),
    Feature(
        "FadeSlope", "Slope of the straight line fitted, with the inverse variances as weights, to "
        "the brightest epoch and the 28 d after it; NULL without an epoch there",
        "sum(w (t - tw) (x - xw)) / sum(w (t - tw)^2), TimeOfMax <= t <= TimeOfMax + 28 d",
        _transient, output=12, unit="value/time", inputs=("time", "value", "error"),
        error_optional=True, min_epochs=2, shift="invariant", presets=AP,
    ),
]  # fmt: skip

_WHOLE = [
    Feature(
        "timeSinceFirstDetection", "Time from the first detection in any band to the last epoch; "
        "NULL without detections",
        "max(t) - min(FirstDetection)", _since_detections, output=0, reference=ALERCE,
        scope="all", unit="time", inputs=("time", "value", "error"), presets=AP,
    ),
    Feature(
        "timeSinceLastDetection", "Time from the last detection in any band to the last epoch; "
        "NULL without detections",
        "max(t) - max(LastDetection)", _since_detections, output=1, reference=ALERCE,
        scope="all", unit="time", inputs=("time", "value", "error"), presets=AP,
    ),
]  # fmt: skip

register_all((*_WHOLE, *_AVERAGES, *_DETECTIONS, *_MAXIMUM))
