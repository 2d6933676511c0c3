"""How the light curve was observed: intervals between successive epochs, nights, seasons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.timeseries.definitions.references import AP, DRP, RICHARDS
from skyseries.timeseries.kernels.cadence import N_CADENCE, segment_cadence
from skyseries.timeseries.registry import Feature, Scope, register
from skyseries.timeseries.segments import Segments

__all__: list[str] = []

Numbers = NDArray[np.float64]


def _cadence(segments: Segments) -> Numbers:
    out = np.empty((N_CADENCE, segments.size))
    segment_cadence(segments.time, segments.offsets, out)
    return out


def _all_bands(whole: Segments) -> Numbers:
    if whole.by_band is None or len(whole.by_band.bands) == 1:
        return _cadence(whole)
    return _cadence(whole.by_band.merged[0])


def _features(scope: Scope) -> list[Feature]:
    """Return the declarations for each band, or for all bands together."""
    is_all = scope == "all"
    compute, where = (_all_bands, ", all bands") if is_all else (_cadence, "")

    def feature(
        output: int, name: str, description: str, formula: str, **options: object
    ) -> Feature:
        full = name[0].lower() + name[1:] if is_all else name
        given = {"min_epochs": 2, "unit": "none", "presets": DRP, "cost": "n", **options}
        return Feature(
            full, description + where, formula, compute, output=output, scope=scope,
            inputs=("time",), shift="invariant", **given,  # type: ignore[arg-type]
        )  # fmt: skip

    shares = [
        feature(
            4 + k, f"IntervalShare{name}", f"Share of the intervals shorter than {text}",
            f"#(dt < {text}) / (n - 1)", reference=RICHARDS,
        )
        for k, (name, text) in enumerate(
            (("1h", "1 h"), ("1d", "1 d"), ("10d", "10 d"), ("100d", "100 d"))
        )
    ]  # fmt: skip
    return [
        feature(8, "NumNights", "Number of nights with epochs, a night a day of MJD (from midnight "
                "to midnight in the time scale of the data)", "#{floor(t)}",
                unit="count", min_epochs=1, presets=DRP if is_all else AP),
        feature(9, "EpochsPerNight", "Epochs for each such night", "n / NumNights",
                min_epochs=1),
        feature(10, "NumSeasons", "Number of runs of epochs without an interval above 60 d",
                "1 + #(dt > 60 d)", unit="count", min_epochs=1),
        feature(0, "IntervalMean", "Mean of the intervals between successive epochs", "mean(dt)",
                unit="time"),
        feature(1, "IntervalSigma", "Standard deviation of the intervals",
                "sqrt(sum((dt - mean(dt))^2) / (n - 2))", unit="time", min_epochs=3),
        feature(2, "IntervalMedian", "Median of the intervals", "median(dt)",
                unit="time", cost="n log n"),
        *shares,
    ]  # fmt: skip


_LONGEST = Feature(
    "intervalMax", "Longest interval between successive epochs, all bands", "max(dt)", _all_bands,
    output=3, scope="all", unit="time", inputs=("time",), min_epochs=2, shift="invariant",
    presets=DRP,
)  # fmt: skip

for _feature in (*_features("all"), _LONGEST, *_features("band")):
    register(_feature)
