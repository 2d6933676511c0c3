"""Cases of the numbers of searches for periods: limits, floors, places, epochs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from astropy import units as u

import skyseries.timeseries as ts
from tests.meaning import cases_arrays as rows
from tests.meaning.answers import column, numbers, periods, spectrum
from tests.meaning.building import scalars
from tests.meaning.case import Case
from tests.meaning.kinds import FREQUENCY, MAGNITUDE, PERIOD, POSITION, TIME
from tests.meaning.world import DY, FIELDS, SKY, T, Y

__all__ = ["CURVE_CASES"]

_LIMITS = {"min_period": 1, "max_period": 5}


def _limits(entry: str, call: Callable[..., Any]) -> list[Case]:
    values = {"min_period": 1, "max_period": 1.5}
    return scalars(entry, PERIOD, values, lambda w, **given: call(w, **(_LIMITS | given)))


def _schema(**given: Any) -> Any:
    found = ts.period_schema(**given)
    words = re.findall(
        rb'"(?:min_period|max_period|error_floor)": ([-\d.e+]+)',
        found.field(0).metadata[b"skyseries_periods"],
    )
    return numbers([float(w) for w in words])


def _features(w: Any, **given: Any) -> Any:
    found = w.curves.features(["multiPeriod"], **given)
    return column(found, *(n for n in found.columns if "ultiPeriod" in n))


def _nested_features(w: Any, **given: Any) -> Any:
    found = ts.compute_features(rows._nested_column(), FIELDS, ["multiPeriod"], **given)
    return numbers(*(c.to_pylist() for c in found.columns))


def _nested_periods(w: Any, **given: Any) -> Any:
    found = ts.compute_periods(rows._nested_column(), FIELDS, **(_LIMITS | given))
    return numbers(found["period"].to_pylist(), found["period_power"].to_pylist())


def _floor(entry: str, call: Callable[..., Any]) -> Case:
    """Return the case of an error floor, beside values that say their unit if it does."""

    def floored(w: Any, v: Any, said: bool) -> Any:
        more = {"y": Y * u.mag, "dy": DY * u.mag} if said else {}
        return call(error_floor=v, **more)

    return Case(entry, "error_floor", MAGNITUDE, "scalar", 4, floored)


_HERE = (10.0, 45.0)


def _site(call: Callable[..., Any]) -> Any:
    """Return how a place is given: two angles, and a height from which seconds are lost."""

    def at(w: Any, v: Any, said: bool) -> Any:
        if not hasattr(v, "__len__"):
            return call(w, location=v)
        return call(w, location=(*v, 2e9 * u.m if said else 2e9))

    return at


def _bary_periods(w: Any, **given: Any) -> Any:
    return periods(w.curves, barycentric=True, **given)


def _bary_features(w: Any, **given: Any) -> Any:
    found = w.curves.features(["TimeSpan"], barycentric=True, **given)
    return column(found, *(n for n in found.columns if n.endswith("TimeSpan")))


_PLACES: dict[str, Callable[..., Any]] = {
    "barycentric_times": rows._bary,
    "Catalog.periods": _bary_periods,
    "Catalog.features": _bary_features,
    "compute_features": lambda w, **g: rows._features(w, ra=SKY["ra"], dec=SKY["dec"], **g),
    "compute_periods": lambda w, **g: rows._found_periods(w, ra=SKY["ra"], dec=SKY["dec"], **g),
}
_BOXES = {"method": "bls", "duration_unit": "time"}
_DURATION = np.array([0.125, 0.25, 0.5])


def _axis(label: str) -> float:
    return float(re.findall(r"period ([\d.e+-]+) d", label)[0])


_CURVES = [
    *_limits("periodogram", lambda w, **g: rows._pg(frequency=None, **g)),
    *_limits("prewhiten", lambda w, **g: rows._pw(**g)),
    *_limits("search_drift", lambda w, **g: rows._drift(**g)),
    *_limits("LightCurve.periodogram", lambda w, **g: spectrum(w.lightcurve.periodogram(**g))),
    *_limits("Catalog.periods", lambda w, **g: periods(w.curves, **g)),
    *_limits("Catalog.features", _features),
    *_limits("compute_features", _nested_features),
    *_limits("compute_periods", _nested_periods),
    *_limits("period_schema", lambda w, **g: _schema(**g)),
    Case(
        "search_drift",
        "max_rate",
        FREQUENCY,
        "scalar",
        0.002,
        lambda w, v, s: rows._drift(max_rate=v),
    ),
    _floor("periodogram", rows._pg),
    _floor("prewhiten", rows._pw),
    _floor("search_drift", rows._drift),
    *scalars(
        "LightCurve.periodogram",
        MAGNITUDE,
        {"error_floor": 4},
        lambda w, **g: spectrum(w.lightcurve.periodogram(**_LIMITS, **g)),
    ),
    *scalars(
        "Catalog.periods", MAGNITUDE, {"error_floor": 4}, lambda w, **g: periods(w.curves, **g)
    ),
    *scalars("compute_periods", MAGNITUDE, {"error_floor": 4}, _nested_periods),
    Case(
        "period_schema",
        "error_floor",
        MAGNITUDE,
        "scalar",
        4,
        lambda w, v, s: _schema(error_floor=v),
        refuses=True,
    ),
    *(
        Case(entry, "location", POSITION, "pair", _HERE, _site(call))
        for entry, call in _PLACES.items()
    ),
    Case(
        "Catalog.periods",
        "durations",
        PERIOD,
        "array",
        _DURATION,
        lambda w, v, s: periods(w.curves, durations=v, **_BOXES),
    ),
    Case(
        "compute_periods",
        "durations",
        PERIOD,
        "array",
        _DURATION,
        lambda w, v, s: _nested_periods(w, durations=v, **_BOXES),
    ),
    Case(
        "period_schema",
        "durations",
        PERIOD,
        "array",
        _DURATION,
        lambda w, v, s: _schema_durations(ts.period_schema(durations=v, **_BOXES)),
    ),
    Case(
        "LightCurve.fold",
        "period",
        PERIOD,
        "scalar",
        2,
        lambda w, v, s: numbers(w.lightcurve.fold(v).phase, w.lightcurve.fold(v).period),
    ),
    Case(
        "LightCurve.fold",
        "epoch",
        TIME,
        "scalar",
        5,
        lambda w, v, s: numbers(w.lightcurve.fold(1.75, v).phase, w.lightcurve.fold(1.75, v).epoch),
    ),
    Case(
        "LightCurve.plot",
        "period",
        PERIOD,
        "scalar",
        2,
        lambda w, v, s: numbers(_drawn(w.lightcurve.plot(v))),
    ),
    Case(
        "FoldedLightCurve.plot",
        "period",
        PERIOD,
        "scalar",
        3,
        lambda w, v, s: numbers(_drawn(w.lightcurve.fold(2).plot(v))),
    ),
    Case(
        "Periodogram.model",
        "frequency",
        FREQUENCY,
        "scalar",
        1,
        lambda w, v, s: w.periodogram.model(T, v),
    ),
    Case(
        "Periodogram.box", "frequency", FREQUENCY, "scalar", 1, lambda w, v, s: _box(w.boxes.box(v))
    ),
]


def _schema_durations(schema: Any) -> Any:
    recorded = schema.field(0).metadata[b"skyseries_periods"]
    row = re.findall(rb'"durations": \[([^\]]*)\]', recorded)[0]
    return numbers([float(x) for x in row.split(b",")])


def _drawn(ax: Any) -> float:
    import matplotlib.pyplot as plt

    label = ax.get_xlabel()
    plt.close(ax.figure)
    return _axis(label)


def _box(box: Any) -> Any:
    return numbers(box.period, box.transit_time, box.duration, list(box.depth.values()))


CURVE_CASES = tuple(_CURVES)
