"""Robust scales, and the split of the values in two classes."""

from __future__ import annotations

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.quantiles import quantiles_of
from skyseries.timeseries.features.builtin.references import AP, DRP, LIGHT_CURVE
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.robust import (
    segment_biweight_scale,
    segment_otsu,
    segment_qn_scale,
    segment_tails,
)
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


def _biweight(segments: Segments) -> Floats:
    order = segments.once(quantiles_of)
    return segments.filled(
        1, segment_biweight_scale, segments.value, segments.offsets, order[5], order[8]
    )


_qn = Filled(1, segment_qn_scale, ("sorted_value", "offsets"))


_tails = Filled(2, segment_tails, ("sorted_value", "offsets"))


_otsu = Filled(4, segment_otsu, ("sorted_value", "offsets"))


_OTSU = "Otsu 1979, IEEE Trans. SMC 9, 62"

_ROBUST = [
    Feature(
        "BiweightScale", "Biweight scale with the constant 9; NULL where MAD is zero",
        "sqrt(n sum((x - median)^2 (1 - u^2)^4)) / abs(sum((1 - u^2) (1 - 5 u^2))), "
        "u = (x - median) / (9 MAD), sums over abs(u) < 1", _biweight,
        reference="Beers et al. 1990, AJ 100, 32",
        min_epochs=2, shift="invariant", cost="n log n", presets=AP + LIGHT_CURVE,
    ),
    Feature(
        "QnScale", "Q_n scale of the differences of all pairs",
        "2.21914 times the k-th smallest abs(x_i - x_j), k = h (h - 1) / 2, h = floor(n/2) + 1",
        _qn, reference="Rousseeuw & Croux 1993, J. Am. Stat. Assoc. 88, 1273",
        min_epochs=2, shift="invariant", cost="n log n", presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "AmplitudePercentile",
        "Half of the distance of the medians of the highest and of the lowest 5 %",
        "(median(highest ceil(0.05 n)) - median(lowest ceil(0.05 n))) / 2", _tails, output=0,
        reference="Nun et al. 2015, arXiv:1506.00010",
        shift="invariant", cost="n log n", presets=DRP,
    ),
    Feature(
        "Gskew", "Skewness by the medians of the lowest and the highest 3 %",
        "median(x <= Q(0.03)) + median(x >= Q(0.97)) - 2 median", _tails, output=1,
        reference="Nun et al. 2015, arXiv:1506.00010", shift="invariant", cost="n log n",
        presets=DRP,
    ),
]  # fmt: skip

_CLASSES = [
    Feature(
        "OtsuMeanDiff", "Difference of the means of the two classes with the largest variance "
        "between them; NULL for constant values",
        "mean(upper) - mean(lower)", _otsu, output=0, reference=_OTSU,
        min_epochs=2, shift="invariant", cost="n log n", presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "OtsuStdLower",
        "Standard deviation of the lower of the two classes; "
        "zero for one epoch",
        "sqrt(sum((x - mean(lower))^2) / (#(lower) - 1)) over the lower",
        _otsu, output=1, reference=_OTSU,
        min_epochs=2, shift="invariant", cost="n log n", presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "OtsuStdUpper",
        "Standard deviation of the upper of the two classes; "
        "zero for one epoch",
        "sqrt(sum((x - mean(upper))^2) / (#(upper) - 1)) over the upper",
        _otsu, output=2, reference=_OTSU,
        min_epochs=2, shift="invariant", cost="n log n", presets=DRP + LIGHT_CURVE,
    ),
    Feature(
        "OtsuLowerFraction", "Fraction of the epochs in the lower of the two classes",
        "#(lower) / n", _otsu, output=3, reference=_OTSU, unit="none",
        min_epochs=2, shift="invariant", cost="n log n", presets=DRP + LIGHT_CURVE,
    ),
]  # fmt: skip

register_all((*_ROBUST, *_CLASSES))
