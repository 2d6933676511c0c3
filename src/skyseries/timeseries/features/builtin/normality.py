"""Whether the values are distributed normally."""

from __future__ import annotations

from skyseries.timeseries.features.builtin.references import DRP, LIGHT_CURVE
from skyseries.timeseries.features.registry import Feature, register
from skyseries.timeseries.kernels.normality import segment_anderson_darling
from skyseries.timeseries.segments import Filled

__all__: list[str] = []


_anderson_darling = Filled(1, segment_anderson_darling, ("sorted_value", "offsets"))


register(
    Feature(
        "AndersonDarling", "Anderson and Darling's distance from a normal distribution; "
        "NULL for constant values",
        "(1 + 4/n - 25/n^2) (-n - sum((2i + 1) (ln Phi(z_i) + ln Phi(-z_(n-1-i)))) / n), "
        "z = (sorted x - mean) / Sigma", _anderson_darling,
        reference="Anderson & Darling 1954, J. Am. Stat. Assoc. 49, 765",
        unit="none", min_epochs=4, shift="invariant", cost="n log n", presets=DRP + LIGHT_CURVE,
    )
)  # fmt: skip
