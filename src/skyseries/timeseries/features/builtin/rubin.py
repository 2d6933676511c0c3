"""What Rubin's code computes of DiaObjects beyond the statistics: counts, line, shared period."""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats
from skyseries.timeseries.curve import FLOOR_SCATTER_FRACTION
from skyseries.timeseries.features.builtin.references import AP, RUBIN
from skyseries.timeseries.features.published import TABLES
from skyseries.timeseries.features.registry import Feature, include, register_all
from skyseries.timeseries.kernels.search import Search
from skyseries.timeseries.kernels.sinusoids import segment_intercepts, segment_sinusoids
from skyseries.timeseries.periods.periods import MIN_SPARE_EPOCHS
from skyseries.timeseries.periods.searching import choose_periods, search_segments
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


_MIN_DETECTIONS = 9
_OVERSAMPLING = 5.0

_MULTIBAND = "VanderPlas & Ivezic 2015, ApJ 812, 18; Rubin ap_lombScarglePeriodogramMulti"


def _all_epochs(segments: Segments) -> Floats:
    return (segments.count + segments.excluded)[np.newaxis].astype(np.float64)


_intercepts = Filled(1, segment_intercepts, ("time", "value", "error", "offsets"))


def _search(by_band: Segments) -> Floats:
    """Return frequency, power and false-alarm probability of each light curve, all bands."""
    shortest, longest = by_band.period_limits
    search = Search(
        1.0 / longest, 1.0 / shortest, _OVERSAMPLING, 1, True, 0.0, FLOOR_SCATTER_FRACTION,
        2 + MIN_SPARE_EPOCHS, 1.0 if by_band.is_magnitude else -1.0,
    )  # fmt: skip
    peaks = search_segments(by_band, search, 1)
    choice = choose_periods(by_band, search, peaks, 1)
    found = np.vstack([choice.frequency.T, choice.power, peaks.chance])
    found[:, by_band.whole.count < _MIN_DETECTIONS] = np.nan
    return found


def _shared_period(whole: Segments) -> Floats:
    assert whole.by_band is not None  # noqa: S101 - the scope says so
    found = whole.by_band.once(_search)
    return np.vstack([1.0 / found[:1], found[1:]])


def _sinusoids(segments: Segments) -> Floats:
    frequency = np.ascontiguousarray(segments.once(_search)[0])
    return segments.filled(
        2,
        segment_sinusoids,
        segments.time,
        segments.value,
        segments.error,
        segments.offsets,
        len(segments.bands),
        frequency,
    )


_SHARED = [
    Feature(
        "multiPeriod", "Period of the multiband Lomb-Scargle periodogram: one phase and "
        "amplitude for all bands, a mean for each; the best of the highest peaks by evidence; of "
        "binaries the orbit",
        "1 / argmax(P(f)), variances e^2 + (Sigma / 4)^2", _shared_period, output=0,
        reference=_MULTIBAND, scope="all", unit="time", inputs=("time", "value", "error"),
        error_optional=True, min_epochs=_MIN_DETECTIONS, shift="invariant",
        cost="n x frequencies", presets=AP,
    ),
    Feature(
        "multiPower", "Power of the peak that multiPeriod was found by: the share of chi2 that the "
        "sinusoid takes away",
        "P = 1 - chi2 / chi2_0", _shared_period, output=1,
        reference=_MULTIBAND, scope="all", unit="none", inputs=("time", "value", "error"),
        error_optional=True, min_epochs=_MIN_DETECTIONS, shift="invariant",
        cost="n x frequencies", presets=AP,
    ),
    Feature(
        "multiFap", "Chance that noise alone gives a peak as high anywhere up to the largest "
        "frequency searched, an upper limit (Rubin's code takes the frequency of the peak)",
        "1 - (1 - (1 - P)^((d - 2) / 2)) exp(-tau), d = n - n_bands", _shared_period, output=2,
        reference="Baluev 2008, MNRAS 385, 1279, equation 5", scope="all", unit="none",
        inputs=("time", "value", "error"), error_optional=True, min_epochs=_MIN_DETECTIONS,
        shift="invariant", cost="n x frequencies", presets=AP,
    ),
    Feature(
        "MultiAmp", "Amplitude of the sinusoid of multiPeriod fitted to the band alone; NULL "
        "where there is no multiPeriod (fewer than 9 epochs in all bands)",
        "A of x = m + A sin(2 pi (t - firstTime) / multiPeriod + phi)", _sinusoids, output=0,
        reference=_MULTIBAND, inputs=("time", "value", "error"), error_optional=True,
        min_epochs=4, shift="invariant", cost="n x frequencies", presets=AP, across=True,
    ),
    Feature(
        "MultiPhase", "Phase of that sinusoid at firstTime, the first epoch in any band",
        "phi of MultiAmp, within (-pi, pi]", _sinusoids, output=1,
        reference=_MULTIBAND, unit="rad", inputs=("time", "value", "error"), error_optional=True,
        min_epochs=4, shift="invariant", cost="n x frequencies", presets=AP, across=True,
    ),
]  # fmt: skip

_OTHERS = [
    Feature(
        "nEpochs", "Number of epochs in all bands, whether usable or not", "nObs + nExcluded",
        _all_epochs, reference=RUBIN,
        scope="all", unit="count", inputs=(), min_epochs=0, shift="invariant",
    ),
    Feature(
        "LinearIntercept", "Value at time zero (MJD 0, where times are MJD) of the straight line "
        "of LinearSlope; NULL if all times are equal", "xw - LinearSlope tw", _intercepts,
        reference=RUBIN, inputs=("time", "value", "error"), error_optional=True, min_epochs=2,
        shift="moves",
    ),
]  # fmt: skip

register_all((*_OTHERS, *_SHARED))
for _table in TABLES.values():
    include([column.feature for column in _table.columns], _table.name)
