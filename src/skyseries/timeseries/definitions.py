"""The declarations of the built-in features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.timeseries.kernels.moments import N_MOMENTS, segment_moments
from skyseries.timeseries.kernels.quantiles import N_QUANTILES, segment_quantiles
from skyseries.timeseries.kernels.stetson import segment_stetson_j
from skyseries.timeseries.kernels.trends import (
    N_SPANS,
    N_TRENDS,
    segment_spans,
    segment_trends,
)
from skyseries.timeseries.registry import DEFAULT_PRESET, Feature, register
from skyseries.timeseries.segments import Segments

__all__: list[str] = []

Numbers = NDArray[np.float64]

_DEFAULT = (DEFAULT_PRESET,)
_LDM151 = "LDM-151 section 6.21 (DMTN-118)"
_RUBIN = "Rubin DP1 DiaObject"
_STETSON = "Stetson 1996, PASP 108, 851"
_RICHARDS = "Richards et al. 2011, ApJ 733, 10"


def _counts(segments: Segments) -> Numbers:
    return segments.count[np.newaxis].astype(np.float64)


def _excluded(segments: Segments) -> Numbers:
    return segments.excluded[np.newaxis].astype(np.float64)


def _spans(segments: Segments) -> Numbers:
    out = np.empty((N_SPANS, segments.size))
    segment_spans(segments.time, segments.offsets, out)
    return out


def _moments(segments: Segments) -> Numbers:
    out = np.empty((N_MOMENTS, segments.size))
    segment_moments(segments.value, segments.error, segments.offsets, out)
    return out


def _quantiles(segments: Segments) -> Numbers:
    out = np.empty((N_QUANTILES, segments.size))
    segment_quantiles(segments.sorted_value, segments.offsets, out)
    return out


def _trends(segments: Segments) -> Numbers:
    out = np.empty((N_TRENDS, segments.size))
    segment_trends(segments.time, segments.value, segments.error, segments.offsets, out)
    return out


def _stetson_j(segments: Segments) -> Numbers:
    out = np.empty((1, segments.size))
    segment_stetson_j(segments.value, segments.error, segments.offsets, out)
    return out


_ALL_BANDS = [
    Feature(
        "nObs", "Number of usable epochs, all bands", "N", _counts,
        scope="all", unit="count", inputs=(), min_epochs=0, shift="invariant", presets=_DEFAULT,
    ),
    Feature(
        "nExcluded", "Number of epochs left out (flagged, not finite, error not above zero, "
        "of no band in the list)", "N_all - N", _excluded,
        scope="all", unit="count", inputs=(), min_epochs=0, shift="invariant", presets=_DEFAULT,
    ),
    Feature(
        "timeSpan", "Time from the first to the last usable epoch, all bands",
        "max(t) - min(t)", _spans, output=2,
        scope="all", unit="time", inputs=("time",), shift="invariant", presets=_DEFAULT,
    ),
    Feature(
        "firstTime", "Time of the first usable epoch, all bands", "min(t)", _spans, output=0,
        scope="all", unit="time", inputs=("time",), shift="invariant", presets=_DEFAULT,
    ),
    Feature(
        "lastTime", "Time of the last usable epoch, all bands", "max(t)", _spans, output=1,
        scope="all", unit="time", inputs=("time",), shift="invariant",
    ),
]  # fmt: skip

_MEANS = [
    Feature(
        "Ndata", "Number of usable epochs", "n", _counts, reference=_RUBIN,
        unit="count", inputs=(), min_epochs=0, shift="invariant", presets=_DEFAULT,
    ),
    Feature(
        "Mean", "Mean weighted by the inverse variances; without errors all weights are equal",
        "sum(w x) / sum(w), w = e^-2", _moments, output=1, reference=_RUBIN,
        inputs=("value", "error"), error_optional=True, shift="moves", presets=_DEFAULT,
    ),
    Feature(
        "MeanErr", "Standard error of the weighted mean", "sum(w)^(-1/2)", _moments, output=2,
        reference=_RUBIN, inputs=("error",), shift="invariant", presets=_DEFAULT,
    ),
    Feature("ArithmeticMean", "Mean with equal weights", "sum(x) / n", _moments, shift="moves"),
    Feature(
        "ErrMean", "Mean of the errors", "sum(e) / n", _moments, output=3, reference=_RUBIN,
        inputs=("error",), shift="invariant",
    ),
    Feature(
        "Sigma", "Standard deviation", "sqrt(sum((x - mean)^2) / (n - 1))", _moments, output=4,
        reference=_RUBIN, min_epochs=2, shift="invariant", presets=_DEFAULT,
    ),
]  # fmt: skip

_SHAPE = [
    Feature(
        "Skew", "Skewness, bias-corrected; NULL for constant values",
        "G1 = sqrt(n (n - 1)) / (n - 2) m3 / m2^(3/2)", _moments, output=5,
        reference="Joanes & Gill 1998, The Statistician 47, 183",
        unit="none", min_epochs=3, shift="invariant", presets=_DEFAULT,
    ),
    Feature(
        "Kurtosis", "Excess kurtosis, bias-corrected; NULL for constant values",
        "G2 = (n - 1) / ((n - 2) (n - 3)) ((n + 1) (m4 / m2^2 - 3) + 6)", _moments, output=6,
        reference="Joanes & Gill 1998, The Statistician 47, 183",
        unit="none", min_epochs=4, shift="invariant",
    ),
    Feature(
        "Chi2", "Chi square about the weighted mean", "sum(((x - Mean) / e)^2)", _moments, output=7,
        reference=_RUBIN, unit="none", inputs=("value", "error"), min_epochs=2, shift="invariant",
    ),
    Feature(
        "ReducedChi2", "Chi square about the weighted mean for each degree of freedom",
        "Chi2 / (n - 1)", _moments, output=8,
        unit="none", inputs=("value", "error"), min_epochs=2, shift="invariant", presets=_DEFAULT,
    ),
    Feature(
        "StetsonJ", "Stetson's J, each epoch a pair with itself, about his robust mean",
        "mean(sgn(P) sqrt(abs(P))), P = d^2 - 1, d = sqrt(n / (n - 1)) (x - m) / e", _stetson_j,
        reference=_STETSON, unit="none", inputs=("value", "error"), min_epochs=2,
        shift="invariant", cost="n x iterations", presets=_DEFAULT,
    ),
    Feature(
        "StetsonK", "Stetson's K about the weighted mean; NULL for constant values",
        "sum(abs(d)) / sqrt(n sum(d^2)), d = (x - Mean) / e", _moments, output=9,
        reference=_STETSON, unit="none", inputs=("value", "error"), min_epochs=2,
        shift="invariant",
    ),
    Feature(
        "Beyond1Std", "Fraction of the epochs further than Sigma from the weighted mean",
        "#(abs(x - Mean) > Sigma) / n", _moments, output=10, reference=_LDM151,
        unit="none", inputs=("value", "error"), error_optional=True, min_epochs=2,
        shift="invariant",
    ),
    Feature(
        "ExcessVariance", "Variance above the errors, relative to the squared mean",
        "(Sigma^2 - mean(e^2)) / mean(x)^2", _moments, output=11,
        reference="Sanchez et al. 2017, ApJ 849, 110",
        unit="none", inputs=("value", "error"), min_epochs=2,
    ),
    Feature(
        "MeanVariance", "Standard deviation relative to the mean", "Sigma / mean(x)", _moments,
        output=12, reference="Kim et al. 2014, A&A 566, A43", unit="none", min_epochs=2,
    ),
]  # fmt: skip

_PERCENTILES = [
    Feature(
        f"Percentile{percent:02d}", f"Percentile {percent}, linearly interpolated",
        f"Q({percent / 100:g})", _quantiles, output=3 + row, reference=_RUBIN,
        shift="moves", cost="n log n", presets=_DEFAULT,
    )
    for row, percent in enumerate((5, 25, 50, 75, 95))
]  # fmt: skip

_RATIOS = [
    Feature(
        f"PercentileRatioMid{middle}",
        f"Width of the middle {middle} % relative to that of the middle 90 %; "
        "NULL for constant values",
        f"(Q({0.5 + middle / 200:g}) - Q({0.5 - middle / 200:g})) / (Q(0.95) - Q(0.05))",
        _quantiles, output=13 + row, reference=f"{_RICHARDS}; {_LDM151}",
        unit="none", min_epochs=2, shift="invariant", cost="n log n",
    )
    for row, middle in enumerate((20, 35, 50, 65, 80))
]  # fmt: skip

_ORDER = [
    *_PERCENTILES,
    Feature(
        "Median", "Median", "Q(0.5)", _quantiles, output=5, shift="moves", cost="n log n"
    ),
    Feature(
        "Min", "Smallest value", "min(x)", _quantiles, output=0, reference=_RUBIN,
        shift="moves", cost="n log n", presets=_DEFAULT,
    ),
    Feature(
        "Max", "Largest value", "max(x)", _quantiles, output=1, reference=_RUBIN,
        shift="moves", cost="n log n", presets=_DEFAULT,
    ),
    Feature(
        "Amplitude", "Half of the range", "(max(x) - min(x)) / 2", _quantiles, output=2,
        shift="invariant", cost="n log n",
    ),
    Feature(
        "MAD", "Median absolute deviation from the median, without a factor",
        "median(abs(x - median))", _quantiles, output=8, reference=_RUBIN,
        shift="invariant", cost="n log n", presets=_DEFAULT,
    ),
    Feature(
        "IQR", "Inter-quartile range", "Q(0.75) - Q(0.25)", _quantiles, output=9,
        shift="invariant", cost="n log n",
    ),
    Feature(
        "PercentAmplitude", "Largest distance from the median relative to the median",
        "max(abs(x - median)) / median", _quantiles, output=10, reference=_LDM151,
        unit="none", cost="n log n",
    ),
    Feature(
        "MedianBufferRange", "Fraction of the epochs within a tenth of the range of the median",
        "#(abs(x - median) <= 0.1 (max(x) - min(x))) / n", _quantiles, output=11,
        reference=_LDM151, unit="none", shift="invariant", cost="n log n",
    ),
    Feature(
        "PercentDifference", "Width of the middle 90 % relative to the median",
        "(Q(0.95) - Q(0.05)) / median", _quantiles, output=12, reference=_LDM151,
        unit="none", cost="n log n",
    ),
    *_RATIOS,
]  # fmt: skip

_TIME = [
    Feature(
        "TimeSpan", "Time from the first to the last usable epoch", "max(t) - min(t)", _spans,
        output=2, unit="time", inputs=("time",), shift="invariant",
    ),
    Feature(
        "MaxSlope", "Largest slope between successive epochs, with its sign; "
        "NULL if all times are equal",
        "max((x[j+1] - x[j]) / (t[j+1] - t[j]))", _trends, output=0, reference=_RUBIN,
        unit="value/time", inputs=("time", "value"), min_epochs=2, shift="invariant",
    ),
    Feature(
        "MaxAbsSlope", "Steepest slope between successive epochs; NULL if all times are equal",
        "max(abs(x[j+1] - x[j]) / (t[j+1] - t[j]))", _trends, output=1, reference=_LDM151,
        unit="value/time", inputs=("time", "value"), min_epochs=2, shift="invariant",
    ),
    Feature(
        "Eta", "Von Neumann's ratio: mean square difference of successive values over the "
        "variance; 2 for white noise, NULL for constant values",
        "sum((x[j+1] - x[j])^2) / ((n - 1) Sigma^2)", _trends, output=2,
        reference="von Neumann 1941, Ann. Math. Stat. 12, 367",
        unit="none", inputs=("time", "value"), min_epochs=2, shift="invariant",
    ),
    Feature(
        "LinearSlope", "Slope of the straight line fitted with the inverse variances as weights; "
        "NULL if all times are equal",
        "sum(w (t - tw) (x - xw)) / sum(w (t - tw)^2)", _trends, output=3, reference=_RUBIN,
        unit="value/time", inputs=("time", "value", "error"), error_optional=True, min_epochs=2,
        shift="invariant", presets=_DEFAULT,
    ),
    Feature(
        "LinearSlopeErr", "Standard error of LinearSlope from the errors of the values",
        "sum(w (t - tw)^2)^(-1/2)", _trends, output=4,
        unit="value/time", inputs=("time", "error"), min_epochs=2, shift="invariant",
    ),
]  # fmt: skip

for _feature in (*_ALL_BANDS, *_MEANS, *_SHAPE, *_ORDER, *_TIME):
    register(_feature)
