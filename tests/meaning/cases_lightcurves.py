"""Cases of light curves made of whatever holds one, and of what they compute themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

import skyseries.timeseries as ts
from tests.meaning.answers import numbers
from tests.meaning.building import scalars
from tests.meaning.case import Case
from tests.meaning.cases_arrays import _said, _usable
from tests.meaning.cases_curves import _BOXES, _DURATION, _HERE, _LIMITS, _site
from tests.meaning.cases_others import _positioned
from tests.meaning.kinds import LABEL, MAGNITUDE, PERIOD, POSITION, SWITCH, TIME
from tests.meaning.world import BANDS, DY, FIELDS, FLAGS, MJD, T, Y

__all__ = ["LIGHTCURVE_CASES"]


def _made(**given: Any) -> Any:
    return _usable(ts.as_lightcurve(**{"t": T, "y": Y, "dy": DY, "magnitude": True, **given}))


def _placed(w: Any, **given: Any) -> Any:
    curve = ts.as_lightcurve(T, Y, DY, magnitude=True, **({"ra": 10, "dec": 1} | given))
    return numbers(curve.ra, curve.dec)


def _of_table(w: Any, given: Any, said: bool) -> Any:
    return _usable(ts.as_lightcurve(given[0], mag="mag", mag_err="e"))


_ROWS = {"t": MJD, "e": DY, "mag": Y}

_INTAKE = [
    Case("as_lightcurve", "t", TIME, "array", T, lambda w, v, s: _made(t=v)),
    Case("as_lightcurve", "y", MAGNITUDE, "array", Y, lambda w, v, s: _made(y=v, dy=_said(DY, s))),
    Case("as_lightcurve", "dy", MAGNITUDE, "array", DY, lambda w, v, s: _made(y=_said(Y, s), dy=v)),
    Case("as_lightcurve", "band", LABEL, "array", BANDS, lambda w, v, s: _made(band=v)),
    Case("as_lightcurve", "flag", SWITCH, "array", FLAGS, lambda w, v, s: _made(flag=v)),
    *_positioned("as_lightcurve", _placed),
    *(
        Case(
            "as_lightcurve",
            "t",
            kind,
            "table",
            {name: _ROWS[name]},
            _of_table,
            {"id": np.ones(len(T), int), **{n: v for n, v in _ROWS.items() if n != name}},
        )
        for name, kind in (("t", TIME), ("e", MAGNITUDE), ("mag", MAGNITUDE))
    ),
]


def _features(w: Any, **given: Any) -> Any:
    return numbers(*w.lightcurve.features(["multiPeriod"], **(_LIMITS | given)).values())


def _periods(w: Any, **given: Any) -> Any:
    found = w.lightcurve.periods(**(_LIMITS | given))
    return numbers(found["period"], found["period_power"])


def _at_site(w: Any, verb: str, **given: Any) -> Any:
    curve = ts.LightCurve(MJD, Y, FIELDS, DY, ra=40.0, dec=-20.0)
    if verb == "features":
        return numbers(*curve.features(["TimeSpan"], barycentric=True, **given).values())
    found = curve.periods(barycentric=True, **_LIMITS, **given)
    return numbers(found["period"], found["period_power"])


_VERBS = [
    *scalars("LightCurve.features", PERIOD, {"min_period": 1, "max_period": 1.5}, _features),
    *scalars("LightCurve.periods", PERIOD, {"min_period": 1, "max_period": 1.5}, _periods),
    *scalars("LightCurve.periods", MAGNITUDE, {"error_floor": 4}, _periods),
    *(
        Case(
            f"LightCurve.{verb}",
            "location",
            POSITION,
            "pair",
            _HERE,
            _site(lambda w, verb=verb, **given: _at_site(w, verb, **given)),
        )
        for verb in ("features", "periods")
    ),
    Case(
        "LightCurve.periods",
        "durations",
        PERIOD,
        "array",
        _DURATION,
        lambda w, v, s: _periods(w, durations=v, **_BOXES),
    ),
]


def _cleaned(w: Any, **given: Any) -> Any:
    if "location" in given:
        found = ts.LightCurve(MJD, Y, FIELDS, DY).clean(nightly=True, **given)
    else:
        found = w.lightcurve.clean(**({} if "knots" in given else {"trend": 2}), **given)
    return numbers(found.time, found.value)


def _all_cleaned(w: Any, **given: Any) -> Any:
    more: dict[str, Any] = {"nightly": True} if "location" in given else {"trend": 2}
    cleaned = w.curves.clean_lightcurves(**({} if "knots" in given else more), **given)
    found = cleaned.to_arrow().sort_by("id")["lightcurve"].combine_chunks()
    return numbers(*(found.field(name).flatten().to_pylist() for name in ("t", "mag")))


_CLEANED = [
    case
    for entry, call in (("LightCurve.clean", _cleaned), ("Catalog.clean_lightcurves", _all_cleaned))
    for case in (
        *scalars(entry, PERIOD, {"period": 2, "knots": 8}, call),
        Case(entry, "location", POSITION, "pair", (120.0, 45.0), _site(call)),
    )
]

LIGHTCURVE_CASES: tuple[Case, ...] = (*_INTAKE, *_VERBS, *_CLEANED)
