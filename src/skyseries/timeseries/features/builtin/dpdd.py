"""The lists of the DPDD (LSE-163): lcPeriodic, 32 numbers a band, and lcNonPeriodic, 20 a band."""

from __future__ import annotations

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.references import LDM151, RICHARDS
from skyseries.timeseries.features.registry import Feature, Unit, include, register, register_all
from skyseries.timeseries.kernels.multifrequency import (
    MIN_EPOCHS,
    N_PERIODIC,
    segment_frequencies,
)
from skyseries.timeseries.segments import Segments

__all__ = ["NON_PERIODIC"]


NON_PERIODIC = (
    "MaxAbsSlope", "Range", "MAD", "MedianBufferRange", "PairSlopeTrend", "Skew", "Kurtosis",
    "Sigma", "Beyond1Std", "StetsonJ", "StetsonK", "PercentileRatioMid20", "PercentileRatioMid35",
    "PercentileRatioMid50", "PercentileRatioMid65", "PercentileRatioMid80", "PercentAmplitude",
    "PercentDifference", "Chi2QSO", "Chi2False",
)  # fmt: skip
"""What lcNonPeriodic holds, in the order of LDM-151."""

_REFERENCE = f"{LDM151}; {RICHARDS}; Debosscher et al. 2007, A&A 475, 1159"
_COUNT = {1: "first", 2: "second", 3: "third"}


def _periodic(segments: Segments) -> Floats:
    shortest, longest = segments.period_limits
    limits = (1.0 / longest, 1.0 / shortest)
    return segments.filled(
        N_PERIODIC,
        segment_frequencies,
        segments.time,
        segments.value,
        segments.error,
        segments.offsets,
        limits,
    )


def _periodic_feature(
    name: str, description: str, formula: str, output: int, unit: Unit
) -> Feature:
    is_zero = name == "FreqPhase11"
    return Feature(
        name, description, formula, _periodic, output=output, reference=_REFERENCE, unit=unit,
        inputs=() if is_zero else ("time", "value", "error"), error_optional=not is_zero,
        min_epochs=MIN_EPOCHS, shift="invariant", cost="n x frequencies",
        presets=("dpdd-columns",),
    )  # fmt: skip


def _frequency(i: int) -> Feature:
    found = (
        "of the generalized Lomb-Scargle periodogram on the grid of the period limits (step 1 / "
        "(5 span)), less ln(f / f_N) above f_N = 0.5 mean(1 / dt), then refined with all "
        "harmonics, or an alias by days or years with which the whole model is better"
    )
    what = "values less their trend" if i == 1 else "values less what was found before"
    return _periodic_feature(
        f"Freq{i}", f"{_COUNT[i].capitalize()} frequency: the highest peak {found}; of the {what}",
        f"argmax((n - 1) / 2 P{i}(f) - max(0, ln(f / f_N)))", i, "1/time",
    )  # fmt: skip


def _amplitude(i: int, j: int) -> Feature:
    return _periodic_feature(
        f"FreqAmp{i}{j}", f"Amplitude of harmonic {j} of the {_COUNT[i]} frequency",
        f"sqrt(a{i}{j}^2 + b{i}{j}^2)", 4 * i + j - 1, "value",
    )  # fmt: skip


def _phase(i: int, j: int) -> Feature:
    what = (
        "0 by definition" if (i, j) == (1, 1)
        else "relative to the first harmonic of the first, whose phase is that at the first epoch"
    )  # fmt: skip
    return _periodic_feature(
        f"FreqPhase{i}{j}", f"Phase of harmonic {j} of the {_COUNT[i]} frequency, {what}",
        f"atan2(b{i}{j}, a{i}{j}) - {j} Freq{i} / Freq1 atan2(b11, a11), within (-pi, pi]",
        12 + 4 * i + j - 1, "rad",
    )  # fmt: skip


_EACH = [(i, j) for i in (1, 2, 3) for j in (1, 2, 3, 4)]

_PERIODIC = [
    _periodic_feature(
        "PeriodicTrend", "Slope of the straight line fitted together with three frequencies of "
        "four harmonics each, weighted by the inverse variances",
        "c of x = m + c t + sum(a_ij sin(2 pi j f_i t) + b_ij cos(2 pi j f_i t))", 0, "value/time",
    ),
    *(_frequency(i) for i in (1, 2, 3)),
    *(_amplitude(i, j) for i, j in _EACH),
    *(_phase(i, j) for i, j in _EACH),
    _periodic_feature(
        "FreqSignif", "Significance of the first frequency against white noise: the negative "
        "logarithm of Baluev's false-alarm probability (2008, MNRAS 385, 1279, equation 5) of "
        "the power P1 that the values less their trend have there",
        "-lg FAP(P1; n - 2 degrees of freedom, largest frequency of the grid)", 28, "none",
    ),
    *(
        _periodic_feature(
            f"FreqSignifRatio{i}", f"Significance of the {_COUNT[i]} frequency, in what those "
            "before it leave, relative to that of the first",
            f"-lg FAP(P{i}; n - {2 + 9 * (i - 1)}) / FreqSignif", 27 + i, "none",
        )
        for i in (2, 3)
    ),
    _periodic_feature(
        "FreqVarianceRatio", "Weighted variance of the values less their trend, over that after "
        "the first frequency and its harmonics are subtracted as well",
        "sum(w r0^2) / sum(w r1^2)", 31, "none",
    ),
]  # fmt: skip

_LISTS = {
    "lcPeriodic": ("32 numbers of the periodic variability", [f.name for f in _PERIODIC]),
    "lcNonPeriodic": ("20 numbers of the variability, whether periodic or not", NON_PERIODIC),
}

register_all(_PERIODIC)
for _name, (_what, _parts) in _LISTS.items():
    register(
        Feature(
            _name, f"{_what}, for one band after the other: {', '.join(_parts)}",
            "see the parts", parts=tuple(_parts), reference=f"LSE-163; {LDM151}", scope="all",
            unit="none", inputs=("time", "value", "error"), presets=("dpdd",),
        )
    )  # fmt: skip
include(NON_PERIODIC, "dpdd-columns")
