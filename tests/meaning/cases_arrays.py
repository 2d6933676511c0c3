"""Cases of rows: times, values, errors, bands, frequencies, positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from astropy import units as u

import skyseries.timeseries as ts
from skyseries.spatial import regions
from skyseries.spatial.healpix import HPX_ORDER, radec_to_hpx
from tests.meaning import world
from tests.meaning.answers import numbers, spectrum
from tests.meaning.case import Case
from tests.meaning.kinds import (
    FREQUENCY,
    LABEL,
    MAGNITUDE,
    NUMBER,
    PERIOD,
    POSITION,
    SWITCH,
    TIME,
)
from tests.meaning.world import BANDS, DY, FIELDS, FLAGS, FREQUENCIES, MJD, T, Y

__all__ = ["ARRAY_CASES"]

_ITS_FORMAT = ("Time of JD",)
"""Excluded: what comes back is in the format of a Time."""


def _said(values: Any, said: bool) -> Any:
    """Return values that say that they are magnitudes, where their errors say it."""
    return values * u.mag if said else values


def _pg(**given: Any) -> Any:
    t, y = given.pop("t", T), given.pop("y", Y)
    return spectrum(ts.periodogram(t, y, **{"dy": DY, "frequency": FREQUENCIES, **given}))


def _pw(**given: Any) -> Any:
    found = ts.prewhiten(
        **{"t": T, "y": Y, "dy": DY, "n": 1, "min_period": 1, "max_period": 5, **given}
    )
    return numbers(
        found.frequency, found.phase, found.signal_to_noise, found.power, found.reference_time
    )


def _drift(**given: Any) -> Any:
    limits = {"min_period": 1, "max_period": 5, "max_rate": 0.002, **given}
    found = ts.search_drift(**{"t": T, "y": Y, "dy": DY, **limits})
    return numbers(found.frequency, found.frequency_derivative, found.power, found.reference_time)


def _curve(**given: Any) -> Any:
    return ts.LightCurve(**{"time": T, "value": Y, "error": DY, "fields": FIELDS, **given})


def _bary(w: Any, **given: Any) -> Any:
    place = {"t": MJD, "ra": 40.0, "dec": -20.0, "time_scale": "tdb", **given}
    return np.asarray(ts.barycentric_times(**place)) - MJD


def _usable(curve: Any) -> Any:
    """Return what can be used of a light curve: by band, without the names' kind."""
    good = curve.usable
    bands = [] if curve.bands is None else [str(b) == "g" for b in curve.bands[good]]
    return numbers(curve.time[good], curve.value[good], curve.error[good], bands)


def _row(**given: Any) -> Any:
    row = {"t": T, "mag": Y, "e": DY, **given}
    return _usable(ts.LightCurve.from_struct(row, FIELDS))


def _shared(entry: str, call: Callable[..., Any]) -> list[Case]:
    """Return the cases that the three searches share."""

    def weighed(w: Any, v: Any, said: bool) -> Any:
        return call(y=_said(Y, said), dy=v, error_floor=_said(4.0, said))

    def valued(w: Any, v: Any, said: bool) -> Any:
        more = {"normalization": "psd"} if entry == "periodogram" else {}
        return call(y=v, dy=_said(DY, said), error_floor=_said(4.0, said), **more)

    free = entry != "periodogram"
    return [
        Case(entry, "t", TIME, "array", T, lambda w, v, s: call(t=v)),
        Case(entry, "y", MAGNITUDE, "array", Y, valued, scale_free=free),
        Case(entry, "dy", MAGNITUDE, "array", DY, weighed),
        Case(entry, "band", LABEL, "array", BANDS, lambda w, v, s: call(band=v)),
    ]


_CURVES = [
    Case("LightCurve", "time", TIME, "array", T, lambda w, v, s: _usable(_curve(time=v))),
    Case("LightCurve", "value", MAGNITUDE, "array", Y, lambda w, v, s: _usable(_curve(value=v))),
    Case("LightCurve", "error", MAGNITUDE, "array", DY, lambda w, v, s: _usable(_curve(error=v))),
    Case("LightCurve", "bands", LABEL, "array", BANDS, lambda w, v, s: _usable(_curve(bands=v))),
    Case("LightCurve", "flag", SWITCH, "array", FLAGS, lambda w, v, s: _usable(_curve(flag=v))),
    Case("LightCurve.from_struct", "row", TIME, "array", T, lambda w, v, s: _row(t=v)),
    Case("LightCurve.from_struct", "row", MAGNITUDE, "array", DY, lambda w, v, s: _row(e=v)),
    Case(
        "LightCurve.periodogram",
        "frequency",
        FREQUENCY,
        "array",
        FREQUENCIES,
        lambda w, v, s: spectrum(w.lightcurve.periodogram(frequency=v)),
        misses=False,
    ),
    Case(
        "LightCurve.periodogram",
        "durations",
        PERIOD,
        "array",
        np.array([0.125, 0.25, 0.5]),
        lambda w, v, s: spectrum(
            w.lightcurve.periodogram(
                method="bls", duration_unit="time", durations=v, min_period=1, max_period=5
            )
        ),
        misses=False,
    ),
]

_OTHERS = [
    Case(
        "periodogram",
        "frequency",
        FREQUENCY,
        "array",
        FREQUENCIES,
        lambda w, v, s: _pg(frequency=v),
    ),
    Case(
        "periodogram",
        "durations",
        PERIOD,
        "array",
        np.array([0.125, 0.25, 0.5]),
        lambda w, v, s: _pg(method="bls", duration_unit="time", durations=v),
    ),
    Case(
        "window_function", "t", TIME, "array", T, lambda w, v, s: ts.window_function(v, FREQUENCIES)
    ),
    Case(
        "window_function",
        "frequency",
        FREQUENCY,
        "array",
        FREQUENCIES,
        lambda w, v, s: ts.window_function(T, v),
    ),
    Case(
        "Periodogram.power_at",
        "frequency",
        FREQUENCY,
        "array",
        FREQUENCIES,
        lambda w, v, s: w.periodogram.power_at(v),
    ),
    Case(
        "Periodogram.model",
        "t",
        TIME,
        "array",
        T,
        lambda w, v, s: w.periodogram.model(v, 0.59),
        dates=False,
    ),
    Case(
        "Periodogram.model",
        "band",
        LABEL,
        "array",
        BANDS,
        lambda w, v, s: _banded().model(T, 0.59, v),
        misses=False,
    ),
    Case(
        "Periodogram.false_alarm_probability",
        "power",
        NUMBER,
        "array",
        np.array([0.125, 0.25, 0.3125]),
        lambda w, v, s: w.periodogram.false_alarm_probability(v),
    ),
    Case(
        "barycentric_times",
        "t",
        TIME,
        "array",
        MJD,
        lambda w, v, s: _bary(w, t=v),
        excludes=_ITS_FORMAT,
    ),
    Case(
        "barycentric_times",
        "ra",
        POSITION,
        "array",
        np.linspace(0, 80, len(T)).round(),
        lambda w, v, s: _bary(w, ra=v),
    ),
    Case(
        "barycentric_times",
        "dec",
        POSITION,
        "array",
        np.linspace(-80, 40, len(T)).round(),
        lambda w, v, s: _bary(w, dec=v),
    ),
]


def _banded() -> Any:
    return ts.periodogram(T, Y, DY, BANDS, min_period=1, max_period=5)


def _contains() -> list[Case]:
    ra = np.array([10.0, 11.0, 12.0, 11.5, 60.0, 11.0])
    dec = np.array([21.0, 20.5, 21.5, 21.0, 45.0, 22.0])
    cone, box = regions.Cone(11.0, 21.0, 7200.0), regions.Box(9.0, 13.0, 19.0, 23.0)
    cells = np.unique(radec_to_hpx(ra[:4], dec[:4]) >> 2 * (HPX_ORDER - 3))
    every: dict[str, Any] = {
        "Cone": cone,
        "Box": box,
        "Polygon": regions.Polygon([(9, 19), (13, 19), (13, 23), (9, 23)]),
        "Pixels": regions.Pixels(3, cells.tolist()),
        "Moc": regions.Moc.of("3/" + ",".join(map(str, cells))),
        "Union": regions.Union([cone, box]),
        "Intersection": regions.Intersection([cone, box]),
    }
    made = []
    for name, region in every.items():
        entry = f"{name}.contains"
        made.append(Case(entry, "ra", POSITION, "array", ra, _inside(region, dec=dec)))
        made.append(Case(entry, "dec", POSITION, "array", dec, _inside(region, ra=ra)))
        made.append(Case(entry, "ra", POSITION, "coordinate", (11.0, 21.5), _where(region)))
    return made


def _inside(region: Any, **other: Any) -> Any:
    if "dec" in other:
        return lambda w, v, s: numbers(region.contains(v, other["dec"]))
    return lambda w, v, s: numbers(region.contains(other["ra"], v))


def _where(region: Any) -> Any:
    return lambda w, v, s: numbers(
        region.contains(*v) if isinstance(v, tuple) else region.contains(v)
    )


def _positions(entry: str, compute: Callable[..., Any]) -> list[Case]:
    """Return the cases of positions of light curves, which move times to the barycentre."""
    ra, dec = np.array([10.0, 60.0, 12.0, 200.0]), np.array([1.0, 20.0, 33.0, -30.0])
    return [
        Case(entry, "ra", POSITION, "array", ra, lambda w, v, s: compute(w, ra=v, dec=dec)),
        Case(entry, "dec", POSITION, "array", dec, lambda w, v, s: compute(w, ra=ra, dec=v)),
    ]


def _features(w: Any, **place: Any) -> Any:
    nested = _nested_column()
    found = ts.compute_features(nested, FIELDS, ["TimeSpan"], barycentric=True, **place)
    return numbers(*(found[name].to_pylist() for name in found.column_names))


def _found_periods(w: Any, **place: Any) -> Any:
    found = ts.compute_periods(
        _nested_column(), FIELDS, min_period=1, max_period=5, barycentric=True, **place
    )
    return numbers(found["period"].to_pylist(), found["period_power"].to_pylist())


def _nested_column() -> Any:
    from tests.meaning.nested import NESTED
    from tests.meaning.tables import Given

    rows = world.epochs()
    return NESTED[0].make({name: Given(rows[name]) for name in ("t", "mag", "e")}, None, None)


ARRAY_CASES: tuple[Case, ...] = (
    *_shared("periodogram", _pg),
    *_shared("prewhiten", _pw),
    *_shared("search_drift", _drift),
    *_CURVES,
    *_OTHERS,
    *_contains(),
    *_positions("compute_features", _features),
    *_positions("compute_periods", _found_periods),
)
