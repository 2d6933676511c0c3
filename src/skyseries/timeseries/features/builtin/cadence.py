"""How the light curve was observed: intervals between successive epochs, nights, seasons."""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.references import AP, DRP, RICHARDS
from skyseries.timeseries.features.registry import Compute, Feature, Scope, register_all
from skyseries.timeseries.kernels.cadence import (
    N_INTERVALS,
    N_NIGHTS,
    segment_intervals,
    segment_nights,
)
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


def _nights(segments: Segments) -> Floats:
    zero = np.nan if segments.zero is None else segments.zero
    noon = segments.longitude / 360.0 - 0.5
    return segments.filled(N_NIGHTS, segment_nights, segments.time, segments.offsets, zero, noon)


_intervals = Filled(N_INTERVALS, segment_intervals, ("time", "offsets"))


def _in_time(whole: Segments) -> Segments:
    """Return all bands of each light curve in the order of time."""
    if whole.by_band is None or len(whole.by_band.bands) == 1:
        return whole
    return whole.by_band.merged[0]


def _nights_of_all(whole: Segments) -> Floats:
    return _nights(_in_time(whole))


def _intervals_of_all(whole: Segments) -> Floats:
    return _intervals(_in_time(whole))


def _features(scope: Scope) -> list[Feature]:
    """Return the declarations for each band, or for all bands together."""
    is_all = scope == "all"
    nights, intervals = (_nights_of_all, _intervals_of_all) if is_all else (_nights, _intervals)
    where = ", all bands" if is_all else ""

    def feature(
        compute: Compute, output: int, name: str, description: str, formula: str, **options: object
    ) -> Feature:
        full = name[0].lower() + name[1:] if is_all else name
        given = {"min_epochs": 2, "unit": "none", "presets": DRP, "cost": "n", **options}
        return Feature(
            full, description + where, formula, compute, output=output, scope=scope,
            inputs=("time",), shift="invariant", **given,  # type: ignore[arg-type]
        )  # fmt: skip

    shares = [
        feature(
            intervals, 4 + k, f"IntervalShare{name}", f"Share of the intervals shorter than {text}",
            f"#(dt < {text}) / (n - 1)", reference=RICHARDS,
        )
        for k, (name, text) in enumerate(
            (("1h", "1 h"), ("1d", "1 d"), ("10d", "10 d"), ("100d", "100 d"))
        )
    ]  # fmt: skip
    return [
        feature(nights, 0, "NumNights", "Number of nights with epochs, a night from noon to noon, "
                "mean local time of `location`; by default of Greenwich (as Rubin's day_obs)",
                "#{floor(MJD + longitude / 360 - 0.5)}",
                unit="count", min_epochs=1, presets=DRP if is_all else AP),
        feature(nights, 1, "EpochsPerNight", "Epochs for each such night", "n / NumNights",
                min_epochs=1),
        feature(nights, 2, "NumSeasons", "Number of runs of epochs without an interval above 60 d",
                "1 + #(dt > 60 d)", unit="count", min_epochs=1),
        feature(intervals, 0, "IntervalMean", "Mean of the intervals between successive epochs",
                "mean(dt)", unit="time"),
        feature(intervals, 1, "IntervalSigma", "Standard deviation of the intervals",
                "sqrt(sum((dt - mean(dt))^2) / (n - 2))", unit="time", min_epochs=3),
        feature(intervals, 2, "IntervalMedian", "Median of the intervals", "median(dt)",
                unit="time", cost="n log n"),
        *shares,
    ]  # fmt: skip


_LONGEST = Feature(
    "intervalMax", "Longest interval between successive epochs, all bands", "max(dt)",
    _intervals_of_all,
    output=3, scope="all", unit="time", inputs=("time",), min_epochs=2, shift="invariant",
    presets=DRP,
)  # fmt: skip

register_all((*_features("all"), _LONGEST, *_features("band")))
