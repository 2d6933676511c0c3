"""Features of the sorted values."""

from __future__ import annotations

from skyseries.timeseries.features.builtin.references import (
    BASIC,
    DRP,
    LDM151,
    LIGHT_CURVE,
    RICHARDS,
    RUBIN,
)
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.quantiles import N_QUANTILES, segment_quantiles
from skyseries.timeseries.segments import Filled

__all__ = ["quantiles_of"]


quantiles_of = Filled(N_QUANTILES, segment_quantiles, ("sorted_value", "offsets"))
"""What the sorted values of each segment give (`segment_quantiles`)."""


_PERCENTILES = [
    Feature(
        f"Percentile{percent:02d}", f"Percentile {percent}, linearly interpolated",
        f"Q({percent / 100:g})", quantiles_of, output=3 + row, reference=RUBIN,
        shift="moves", cost="n log n", presets=BASIC,
    )
    for row, percent in enumerate((5, 25, 50, 75, 95))
]  # fmt: skip

_RATIOS = [
    Feature(
        f"PercentileRatioMid{middle}",
        f"Width of the middle {middle} % relative to that of the middle 90 %; "
        "NULL for constant values",
        f"(Q({0.5 + middle / 200:g}) - Q({0.5 - middle / 200:g})) / (Q(0.95) - Q(0.05))",
        quantiles_of, output=13 + row, reference=f"{RICHARDS}; {LDM151}",
        unit="none", min_epochs=2, shift="invariant", cost="n log n",
        presets=LIGHT_CURVE if middle == 20 else (),
    )
    for row, middle in enumerate((20, 35, 50, 65, 80))
]  # fmt: skip

_ORDER = [
    *_PERCENTILES,
    Feature(
        "Median", "Median", "Q(0.5)", quantiles_of, output=5, shift="moves", cost="n log n",
        presets=LIGHT_CURVE
    ),
    Feature(
        "Min", "Smallest value", "min(x)", quantiles_of, output=0, reference=RUBIN,
        shift="moves", cost="n log n", presets=BASIC,
    ),
    Feature(
        "Max", "Largest value", "max(x)", quantiles_of, output=1, reference=RUBIN,
        shift="moves", cost="n log n", presets=BASIC,
    ),
    Feature(
        "Amplitude", "Half of the range", "(max(x) - min(x)) / 2", quantiles_of, output=2,
        shift="invariant", cost="n log n", presets=LIGHT_CURVE,
    ),
    Feature(
        "MAD", "Median absolute deviation from the median, without a factor",
        "median(abs(x - median))", quantiles_of, output=8, reference=RUBIN,
        shift="invariant", cost="n log n", presets=BASIC + LIGHT_CURVE,
    ),
    Feature(
        "IQR", "Inter-quartile range", "Q(0.75) - Q(0.25)", quantiles_of, output=9,
        shift="invariant", cost="n log n", presets=LIGHT_CURVE,
    ),
    Feature(
        "PercentAmplitude", "Largest distance from the median relative to the median",
        "max(abs(x - median)) / median", quantiles_of, output=10, reference=LDM151,
        unit="none", cost="n log n",
    ),
    Feature(
        "MedianBufferRange", "Fraction of the epochs within a tenth of the range of the median",
        "#(abs(x - median) <= 0.1 (max(x) - min(x))) / n", quantiles_of, output=11,
        reference=LDM151, unit="none", shift="invariant", cost="n log n",
    ),
    Feature(
        "PercentDifference", "Width of the middle 90 % relative to the median",
        "(Q(0.95) - Q(0.05)) / median", quantiles_of, output=12, reference=LDM151,
        unit="none", cost="n log n", presets=LIGHT_CURVE,
    ),
    *_RATIOS,
    Feature(
        "Range", "Range", "max(x) - min(x)", quantiles_of, output=20, reference=LDM151,
        shift="invariant", cost="n log n",
    ),
    Feature(
        "MedianAmplitude", "Largest distance from the median",
        "max(abs(x - median))", quantiles_of, output=18,
        reference="PercentAmplitude of the package light-curve",
        shift="invariant", cost="n log n", presets=LIGHT_CURVE,
    ),
    Feature(
        "MedianBufferHalfRange",
        "Fraction of the epochs nearer to the median than a tenth of half of the range",
        "#(abs(x - median) < 0.1 (max(x) - min(x)) / 2) / n", quantiles_of, output=19,
        reference="D'Isanto et al. 2016, MNRAS 457, 3119",
        unit="none", shift="invariant", cost="n log n", presets=LIGHT_CURVE,
    ),
    Feature(
        "InterDecileRange", "Width of the middle 80 %", "Q(0.9) - Q(0.1)", quantiles_of, output=21,
        shift="invariant", cost="n log n", presets=DRP,
    ),
]  # fmt: skip

register_all(_ORDER)
