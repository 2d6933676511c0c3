"""Means, scatter and shape of the distribution of the values."""

from __future__ import annotations

from skyseries.timeseries.features.builtin.references import (
    BASIC,
    DRP,
    LDM151,
    LIGHT_CURVE,
    RUBIN,
    STETSON,
)
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.moments import N_MOMENTS, segment_moments
from skyseries.timeseries.kernels.stetson import segment_stetson_j
from skyseries.timeseries.segments import Filled

__all__ = ["moments_of", "stetson_j_of"]


moments_of = Filled(N_MOMENTS, segment_moments, ("value", "error", "offsets"))
"""Means, scatter and shape of each segment (`segment_moments`)."""


stetson_j_of = Filled(1, segment_stetson_j, ("value", "error", "offsets"))
"""Stetson's J of each segment."""


_MEANS = [
    Feature(
        "Mean", "Mean weighted by the inverse variances; without errors all weights are equal",
        "sum(w x) / sum(w), w = e^-2", moments_of, output=1, reference=RUBIN,
        inputs=("value", "error"), error_optional=True, shift="moves", presets=BASIC + LIGHT_CURVE,
    ),
    Feature(
        "MeanErr", "Standard error of the weighted mean", "sum(w)^(-1/2)", moments_of, output=2,
        reference=RUBIN, inputs=("error",), shift="invariant", presets=BASIC,
    ),
    Feature(
        "ArithmeticMean", "Mean with equal weights", "sum(x) / n", moments_of, shift="moves",
        presets=LIGHT_CURVE,
    ),
    Feature(
        "ErrMean", "Mean of the errors", "sum(e) / n", moments_of, output=3, reference=RUBIN,
        inputs=("error",), shift="invariant",
    ),
    Feature(
        "Sigma", "Standard deviation", "sqrt(sum((x - mean)^2) / (n - 1))", moments_of, output=4,
        reference=RUBIN, min_epochs=2, shift="invariant", presets=BASIC + LIGHT_CURVE,
    ),
]  # fmt: skip

_SHAPE = [
    Feature(
        "Skew", "Skewness, bias-corrected; NULL for constant values",
        "G1 = sqrt(n (n - 1)) / (n - 2) m3 / m2^(3/2)", moments_of, output=5,
        reference="Joanes & Gill 1998, The Statistician 47, 183",
        unit="none", min_epochs=3, shift="invariant", presets=BASIC + LIGHT_CURVE,
    ),
    Feature(
        "Kurtosis", "Excess kurtosis, bias-corrected: the small-sample kurtosis of "
        "LDM-151; NULL for constant values",
        "G2 = (n - 1) / ((n - 2) (n - 3)) ((n + 1) (m4 / m2^2 - 3) + 6)", moments_of, output=6,
        reference="Joanes & Gill 1998, The Statistician 47, 183",
        unit="none", min_epochs=4, shift="invariant", presets=LIGHT_CURVE,
    ),
    Feature(
        "Chi2", "Chi square about the weighted mean", "sum(((x - Mean) / e)^2)", moments_of,
        output=7,
        reference=RUBIN, unit="none", inputs=("value", "error"), min_epochs=2, shift="invariant",
    ),
    Feature(
        "ReducedChi2", "Chi square about the weighted mean for each degree of freedom",
        "Chi2 / (n - 1)", moments_of, output=8,
        unit="none", inputs=("value", "error"), min_epochs=2, shift="invariant",
        presets=BASIC + LIGHT_CURVE,
    ),
    Feature(
        "StetsonJ", "Stetson's J, each epoch a pair with itself, about his robust mean",
        "mean(sgn(P) sqrt(abs(P))), P = d^2 - 1, d = sqrt(n / (n - 1)) (x - m) / e", stetson_j_of,
        reference=STETSON, unit="none", inputs=("value", "error"), min_epochs=2,
        shift="invariant", cost="n x iterations", presets=BASIC,
    ),
    Feature(
        "StetsonK", "Stetson's K about the weighted mean; NULL for constant values",
        "sum(abs(d)) / sqrt(n sum(d^2)), d = (x - Mean) / e", moments_of, output=9,
        reference=STETSON, unit="none", inputs=("value", "error"), min_epochs=2,
        shift="invariant", presets=LIGHT_CURVE,
    ),
    Feature(
        "Beyond1Std", "Fraction of the epochs further than Sigma from the weighted mean",
        "#(abs(x - Mean) > Sigma) / n", moments_of, output=10, reference=LDM151,
        unit="none", inputs=("value", "error"), error_optional=True, min_epochs=2,
        shift="invariant",
    ),
    Feature(
        "Beyond2Std", "Fraction of the epochs further than 2 Sigma from the weighted mean",
        "#(abs(x - Mean) > 2 Sigma) / n", moments_of, output=13,
        unit="none", inputs=("value", "error"), error_optional=True, min_epochs=2,
        shift="invariant", presets=DRP,
    ),
    Feature(
        "BeyondMean1Std", "Fraction of the epochs further than Sigma from the arithmetic mean",
        "#(abs(x - mean) > Sigma) / n", moments_of, output=14,
        reference="D'Isanto et al. 2016, MNRAS 457, 3119",
        unit="none", min_epochs=2, shift="invariant", presets=LIGHT_CURVE,
    ),
    Feature(
        "ExcessVariance", "Variance above the errors, relative to the squared mean",
        "(Sigma^2 - mean(e^2)) / mean(x)^2", moments_of, output=11,
        reference="Sanchez et al. 2017, ApJ 849, 110",
        unit="none", inputs=("value", "error"), min_epochs=2, presets=LIGHT_CURVE,
    ),
    Feature(
        "MeanVariance", "Standard deviation relative to the mean", "Sigma / mean(x)", moments_of,
        output=12, reference="Kim et al. 2014, A&A 566, A43", unit="none", min_epochs=2,
        presets=LIGHT_CURVE,
    ),
]  # fmt: skip

register_all((*_MEANS, *_SHAPE))
