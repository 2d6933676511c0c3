"""Features of the sequence of the values: cumulative sums, runs, differences over times."""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.moments import moments_of, stetson_j_of
from skyseries.timeseries.features.builtin.references import (
    AP,
    DRP,
    LDM151,
    LIGHT_CURVE,
    STETSON,
)
from skyseries.timeseries.features.builtin.trends import trends_of
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.sequence import (
    segment_autocorrelation_k,
    segment_cusum,
    segment_runs,
)
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


def _cusum(segments: Segments) -> Floats:
    moments = segments.once(moments_of)
    return segments.filled(
        1, segment_cusum, segments.value, segments.offsets, moments[0], moments[4]
    )


_runs = Filled(2, segment_runs, ("value", "offsets"))


def _abbe(segments: Segments) -> Floats:
    n = np.maximum(segments.count, 2)
    abbe: Floats = segments.once(trends_of)[2] * n / (2.0 * (n - 1))
    return abbe[np.newaxis]


def _stetson_l(segments: Segments) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        product: Floats = segments.once(stetson_j_of)[0] * segments.once(moments_of)[9] / 0.798
    return product[np.newaxis]


_autocorrelation = Filled(1, segment_autocorrelation_k, ("value", "offsets"))


_KIM = "Kim et al. 2014, A&A 566, A43"
_NUN = "Nun et al. 2015, arXiv:1506.00010"

_SEQUENCE = [
    Feature(
        "Cusum", "Range of the cumulative sums about the mean; NULL for constant values",
        "max(S) - min(S), S_j = sum_(i <= j)(x_i - mean) / (n Sigma)", _cusum, reference=_KIM,
        unit="none", inputs=("time", "value"), min_epochs=2, shift="invariant",
        presets=AP + LIGHT_CURVE,
    ),
    Feature(
        "EtaE", "Von Neumann's ratio with slopes in place of differences; NULL for constant "
        "values or equal times",
        "(t_n - t_1)^2 / (n - 1)^3 sum(((x[j+1] - x[j]) / (t[j+1] - t[j]))^2) / Sigma^2",
        trends_of, output=5, reference=f"{_KIM}, as in light-curve",
        unit="none", inputs=("time", "value"), min_epochs=2, shift="invariant",
        presets=AP + LIGHT_CURVE,
    ),
    Feature(
        "Abbe", "Abbe value; 1 for white noise, NULL for constant values",
        "n / (2 (n - 1)) Eta", _abbe, reference="Mowlavi 2014, A&A 568, A78",
        unit="none", inputs=("time", "value"), min_epochs=2, shift="invariant", presets=DRP,
    ),
    Feature(
        "Con", "Fraction of the triples of successive epochs that are on one side of the mean, "
        "further from it than 2 Sigma",
        "#(j: x_j, x_(j+1), x_(j+2) all > mean + 2 Sigma or all < mean - 2 Sigma) / (n - 2)",
        _runs, output=0, reference=_NUN,
        unit="none", inputs=("time", "value"), min_epochs=3, shift="invariant", presets=DRP,
    ),
    Feature(
        "PairSlopeTrend", "Rises minus falls over the last 30 epochs",
        "(#(x[j+1] > x[j]) - #(x[j+1] < x[j])) / 30", _runs, output=1,
        reference=LDM151,
        unit="none", inputs=("time", "value"), min_epochs=2, shift="invariant", presets=DRP,
    ),
    Feature(
        "StetsonL", "Stetson's L; NULL for constant values",
        "StetsonJ StetsonK / 0.798", _stetson_l, reference=STETSON,
        unit="none", inputs=("value", "error"), min_epochs=2, shift="invariant",
        cost="n x iterations", presets=DRP,
    ),
    Feature(
        "StetsonKAC", "Stetson's K of the autocorrelation at lags of 0 to 100 epochs; NULL for "
        "constant values",
        "sum(abs(d)) / sqrt(N sum(d^2)), d = r - mean(r), "
        "r(k) = sum((x_j - mean) (x_(j+k) - mean)) / sum((x - mean)^2)", _autocorrelation,
        reference=_NUN,
        unit="none", inputs=("time", "value"), min_epochs=3, shift="invariant",
        cost="n x lags",
    ),
]  # fmt: skip

register_all(_SEQUENCE)
