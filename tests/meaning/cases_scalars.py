"""Cases of single numbers, pairs and positions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from astropy import units as u

import skyseries.timeseries as ts
from skyseries.spatial import regions
from tests.meaning import cases_arrays as rows
from tests.meaning.answers import column, ids, numbers, periods, spectrum
from tests.meaning.case import Case
from tests.meaning.kinds import (
    DENSITY, FREQUENCY, ID, MAGNITUDE, PERIOD, POSITION, RADIUS, TIME, YEAR, Kind,
)  # fmt: skip
from tests.meaning.tables import Given, as_arrow
from tests.meaning.world import COLUMNS, DY, FIELDS, OTHER, SKY, T, Y

__all__ = ["SCALAR_CASES"]


def _scalars(entry: str, kind: Kind, values: dict[str, float], call: Callable[..., Any]) -> list[Case]:
    """Return a case for each of several parameters of one kind."""
    return [
        Case(entry, name, kind, "scalar", value, _calling(call, name))
        for name, value in values.items()
    ]


def _calling(call: Callable[..., Any], name: str) -> Any:
    return lambda w, v, s: call(w, **{name: v})


def _place(v: Any) -> dict[str, Any]:
    """Return a position as arguments: two numbers, or a SkyCoord in the place of ra."""
    return {"ra": v[0], "dec": v[1]} if isinstance(v, tuple) else {"ra": v}


# ---- searches -------------------------------------------------------------------------------


def _cone(w: Any, **given: Any) -> Any:
    return ids(w.sky.cone_search(**({"ra": 10.0, "dec": 1.0, "radius_arcsec": 2300} | given)))


def _epochs(w: Any, **given: Any) -> Any:
    given = {"ra": 10.0, "dec": 1.0, "radius_arcsec": 2300} | given
    found = w.stored.search_epochs(**given).to_arrow()
    return numbers(found.num_rows, np.sort(found["id"].to_numpy()))


def _region(made: Any) -> Any:
    """Return what a region is by its limits and what it holds."""
    held = made.contains(SKY["ra"], SKY["dec"])
    limits = [getattr(made, n) for n in ("ra", "dec", "radius_arcsec", "ra_min", "ra_max", "dec_min", "dec_max") if hasattr(made, n)]
    return numbers(held, limits)


_SEARCHES = [
    *_scalars("Catalog.cone_search", POSITION, {"ra": 10, "dec": 1}, _cone),
    *_scalars("Catalog.cone_search", RADIUS, {"radius_arcsec": 2300}, _cone),
    *_scalars("Catalog.search_epochs", POSITION, {"ra": 10, "dec": 1}, _epochs),
    *_scalars("Catalog.search_epochs", RADIUS, {"radius_arcsec": 2300}, _epochs),
    *_scalars("Cone", POSITION, {"ra": 10, "dec": 1}, lambda w, **g: _region(regions.Cone(**({"ra": 10, "dec": 1, "radius_arcsec": 2300} | g)))),
    *_scalars("Cone", RADIUS, {"radius_arcsec": 2300}, lambda w, **g: _region(regions.Cone(10, 1, **g))),
    *_scalars(
        "Box", POSITION, {"ra_min": 9, "ra_max": 11, "dec_min": -1, "dec_max": 2},
        lambda w, **g: _region(regions.Box(**({"ra_min": 9, "ra_max": 11, "dec_min": -1, "dec_max": 2} | g))),
    ),
    Case("Catalog.cone_search", "ra", POSITION, "coordinate", (10.0, 1.0), lambda w, v, s: _cone(w, **({"dec": None} | _place(v)))),
    Case("Catalog.search_epochs", "ra", POSITION, "coordinate", (10.0, 1.0), lambda w, v, s: _epochs(w, **({"dec": None} | _place(v)))),
    Case("Cone", "ra", POSITION, "coordinate", (10.0, 1.0), lambda w, v, s: _region(regions.Cone(**_place(v), radius_arcsec=2300))),
    Case("barycentric_times", "ra", POSITION, "coordinate", (10.0, 1.0), lambda w, v, s: rows._bary(w, **({"dec": None} | _place(v)))),
    Case("Catalog.box_search", "ra", POSITION, "pair", (9.0, 11.0), lambda w, v, s: ids(w.sky.box_search(v, (-2, 2)))),
    Case("Catalog.box_search", "dec", POSITION, "pair", (-2.0, 1.0), lambda w, v, s: ids(w.sky.box_search((9, 11), v))),
    Case(
        "Catalog.polygon_search", "vertices", POSITION, "pair", ((9.0, 0.0), (11.0, 0.0), (11.0, 3.0)),
        lambda w, v, s: ids(w.sky.polygon_search(v)),
    ),
    Case(
        "Polygon", "vertices", POSITION, "pair", ((9.0, 0.0), (11.0, 0.0), (11.0, 3.0)),
        lambda w, v, s: numbers(regions.Polygon(v).vertices, regions.Polygon(v).area_deg2),
    ),
    *_scalars("Catalog.lightcurve", ID, {"id": 2}, lambda w, id: numbers(w.curves.lightcurve(id).value)),
    Case("Catalog.id_search", "ids", ID, "array", np.array([2, 3, 3]), lambda w, v, s: ids(w.curves.id_search(v)), misses=True),
]  # fmt: skip

# ---- matches --------------------------------------------------------------------------------


def _sides() -> tuple[Any, Any]:
    left = {name: Given(np.asarray(v)) for name, v in SKY.items()}
    right = {name: Given(np.asarray(v)) for name, v in OTHER.items()}
    for side in (left, right):
        for name in ("e", "pmra", "pmdec"):
            side[name] = Given(COLUMNS[name][0])
    return as_arrow(left), as_arrow(right)


def _matched(entry: str) -> Callable[..., Any]:
    """Return how two skies are matched, by one catalog or by many."""
    import skyseries as sky

    def match(w: Any, **given: Any) -> Any:
        left, right = _sides()
        radius = given.pop("radius_arcsec", 5)
        held = sky.from_table(left)
        if entry == "Catalog.crossmatch":
            found = held.crossmatch(right, radius, how="left", **given)
            return column(found, *(n for n in found.columns if n in _MATCHED))
        given = {n: _suffixed(v) if n == "right_pm" else v for n, v in given.items()}
        found = held.crossmatch_many({"o": right}, radius, how="left", **given)
        return column(found, *(n for n in found.columns if n in _MATCHED))

    return match


def _suffixed(names: tuple[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}_o" for name in names)


_MATCHED = ("_dist_arcsec", "_match_probability", "_dist_arcsec_o", "id_o", "id_other")
_ERRORS = {"left_error": 1, "right_error": 2, "density": 1}
_YEARS = {"left_epoch": 2000, "right_epoch": 2016, "epoch": 2008}
_MOVED = {"left_pm": ("pmra", "pmdec"), "right_pm": ("pmra", "pmdec")}


def _matches(entry: str) -> list[Case]:
    call = _matched(entry)
    return [
        Case(entry, "radius_arcsec", RADIUS, "scalar", 3, lambda w, v, s: call(w, radius_arcsec=v), text=True),
        *_scalars(entry, RADIUS, {"min_radius_arcsec": 1}, call),
        *(
            Case(entry, name, RADIUS, "scalar", value, _with(call, name, _ERRORS), text=True)
            for name, value in (("left_error", 1), ("right_error", 2))
        ),
        Case(entry, "density", DENSITY, "scalar", 4, _with(call, "density", _ERRORS)),
        *(
            Case(entry, name, YEAR, "scalar", value, _with(call, name, _YEARS | _MOVED), text=name != "epoch")
            for name, value in _YEARS.items()
        ),
    ]  # fmt: skip


def _with(call: Callable[..., Any], name: str, others: dict[str, Any]) -> Any:
    return lambda w, v, s: call(w, **{**others, name: v})


def _near(w: Any, **given: Any) -> Any:
    return column(w.curves.self_match(**({"radius_arcsec": 7300, "how": "left"} | given)), "_dist_arcsec")


_MATCHES = [
    *_matches("Catalog.crossmatch"),
    *_matches("Catalog.crossmatch_many"),
    Case("Catalog.self_match", "radius_arcsec", RADIUS, "scalar", 1000, lambda w, v, s: _near(w, radius_arcsec=v), text=True),
    *_scalars("Catalog.self_match", RADIUS, {"min_radius_arcsec": 1000}, _near),
]  # fmt: skip

# ---- light curves ---------------------------------------------------------------------------

_LIMITS = {"min_period": 1, "max_period": 5}


def _limits(entry: str, call: Callable[..., Any]) -> list[Case]:
    return _scalars(entry, PERIOD, _LIMITS, lambda w, **given: call(w, **(_LIMITS | given)))


def _schema(**given: Any) -> Any:
    found = ts.period_schema(**given)
    words = re.findall(rb'"(?:min_period|max_period|error_floor)": ([-\d.e+]+)', found.field(0).metadata[b"skyseries_periods"])
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


_RUBIN = (-70.749417, -30.244639)
_HERE = (10.0, 45.0)


def _site(call: Callable[..., Any]) -> Any:
    """Return how an observatory is given: two angles, and its height."""

    def at(w: Any, v: Any, said: bool) -> Any:
        if not hasattr(v, "__len__"):
            return call(w, location=v)
        return call(w, location=(*v, 2000 * u.m if said else 2000.0))

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
    Case("search_drift", "max_rate", FREQUENCY, "scalar", 0.002, lambda w, v, s: rows._drift(max_rate=v)),
    _floor("periodogram", rows._pg),
    _floor("prewhiten", rows._pw),
    _floor("search_drift", rows._drift),
    *_scalars("LightCurve.periodogram", MAGNITUDE, {"error_floor": 4}, lambda w, **g: spectrum(w.lightcurve.periodogram(**_LIMITS, **g))),
    *_scalars("Catalog.periods", MAGNITUDE, {"error_floor": 4}, lambda w, **g: periods(w.curves, **g)),
    *_scalars("compute_periods", MAGNITUDE, {"error_floor": 4}, _nested_periods),
    Case("period_schema", "error_floor", MAGNITUDE, "scalar", 4, lambda w, v, s: _schema(error_floor=v), refuses=True),
    *(Case(entry, "location", POSITION, "pair", _HERE, _site(call)) for entry, call in _PLACES.items()),
    Case("Catalog.periods", "durations", PERIOD, "array", _DURATION, lambda w, v, s: periods(w.curves, durations=v, **_BOXES)),
    Case("compute_periods", "durations", PERIOD, "array", _DURATION, lambda w, v, s: _nested_periods(w, durations=v, **_BOXES)),
    Case(
        "period_schema", "durations", PERIOD, "array", _DURATION,
        lambda w, v, s: _schema_durations(ts.period_schema(durations=v, **_BOXES)),
    ),
    Case("LightCurve.fold", "period", PERIOD, "scalar", 2, lambda w, v, s: numbers(w.lightcurve.fold(v).phase, w.lightcurve.fold(v).period)),
    Case("LightCurve.fold", "epoch", TIME, "scalar", 5, lambda w, v, s: numbers(w.lightcurve.fold(1.75, v).phase, w.lightcurve.fold(1.75, v).epoch)),
    Case("LightCurve.plot", "period", PERIOD, "scalar", 2, lambda w, v, s: numbers(_drawn(w.lightcurve.plot(v)))),
    Case("FoldedLightCurve.plot", "period", PERIOD, "scalar", 3, lambda w, v, s: numbers(_drawn(w.lightcurve.fold(2).plot(v)))),
    Case("Periodogram.model", "frequency", FREQUENCY, "scalar", 1, lambda w, v, s: w.periodogram.model(T, v)),
    Case("Periodogram.box", "frequency", FREQUENCY, "scalar", 1, lambda w, v, s: _box(w.boxes.box(v))),
]  # fmt: skip


def _schema_durations(schema: Any) -> Any:
    recorded = schema.field(0).metadata[b"skyseries_periods"]
    row = re.findall(rb'"durations": \[([^\]]*)\]', recorded)[0]
    return numbers([float(x) for x in row.split(b",")])


def _drawn(ax: Any) -> float:
    from matplotlib import pyplot

    label = ax.get_xlabel()
    pyplot.close(ax.figure)
    return _axis(label)


def _box(box: Any) -> Any:
    return numbers(box.period, box.transit_time, box.duration, list(box.depth.values()))


def _positioned(entry: str, make: Callable[..., Any]) -> list[Case]:
    return [replace(c, optional=True) for c in _scalars(entry, POSITION, {"ra": 10, "dec": 1}, make)]


def _of_struct(w: Any, **given: Any) -> Any:
    curve = ts.LightCurve.from_struct({"t": T, "mag": Y, "e": DY}, FIELDS, **({"ra": 10, "dec": 1} | given))
    return numbers(curve.ra, curve.dec)


def _of_arrays(w: Any, **given: Any) -> Any:
    curve = ts.LightCurve(T, Y, FIELDS, DY, **({"ra": 10, "dec": 1} | given))
    return numbers(curve.ra, curve.dec)


# ---- the others -----------------------------------------------------------------------------


def _margin(write: Callable[..., Any]) -> Any:
    """Return how wide the margin is of what is written with ``margin_arcsec``."""

    def wide(w: Any, v: Any, said: bool) -> Any:
        path = w.fresh()
        write(w, path, v)
        return w.margin_of(path)

    return wide


def _imported(w: Any, path: Any, v: Any) -> None:
    import skyseries as sky

    options: dict[str, Any] = {"id": "id", "progress": False, "executor": "serial"}
    sky.import_catalog(w.objects(), path, margin_arcsec=v, **options)


def _extended(w: Any, path: Any, v: Any) -> None:
    w.curves.assign(twice="id * 2").write_extension(path.name, ["twice"], path, margin_arcsec=v)


_WRITERS: dict[str, Callable[..., Any]] = {
    "Catalog.write_catalog": lambda w, path, v: w.curves.write_catalog(path, margin_arcsec=v),
    "Catalog.write_extension": _extended,
    "import_catalog": _imported,
}

def _star(w: Any, **place: Any) -> Any:
    """Import the light curve of one star, which is where one is told."""
    import skyseries as sky

    path, one = w.fresh(), w.star
    options: dict[str, Any] = {"id": "id", "progress": False, "executor": "serial", "margin_arcsec": None}
    sky.import_catalog(None, path, lightcurves=one, time="t", mag="mag", **options, **place)
    return column(sky.open_catalog(path), "ra", "dec")


_REST = [
    *_scalars("import_catalog", POSITION, {"ra": 10, "dec": 1}, lambda w, **g: _star(w, **({"ra": 10, "dec": 1} | g))),
    Case("import_catalog", "ra", POSITION, "coordinate", (10.0, 1.0), lambda w, v, s: _star(w, **_place(v))),
    *(Case(entry, "margin_arcsec", RADIUS, "scalar", 30, _margin(write)) for entry, write in _WRITERS.items()),
    *_positioned("LightCurve", _of_arrays),
    *_positioned("LightCurve.from_struct", _of_struct),
    Case(
        "Catalog.histogram", "range", MAGNITUDE, "pair", (3.0, 8.0),
        lambda w, v, s: numbers(*_magnitudes(s).histogram("m", 2, v)),
    ),
    Case(
        "Catalog.histogram", "bins", MAGNITUDE, "pair", (3.0, 8.0),
        lambda w, v, s: numbers(*_magnitudes(s).histogram("m", v)),
    ),
    Case(
        "Catalog.histogram2d", "range", MAGNITUDE, "pair", (3.0, 8.0),
        lambda w, v, s: numbers(*_magnitudes(s).histogram2d("m", "m", 2, (v, v))),
    ),
    Case(
        "Catalog.histogram2d", "bins", MAGNITUDE, "pair", (3.0, 8.0),
        lambda w, v, s: numbers(*_magnitudes(s).histogram2d("m", "m", (v, v))),
    ),
    Case(
        "Catalog.merge_asof", "tolerance", PERIOD, "scalar", 1,
        lambda w, v, s: _asof(v, "d" if s else None),
    ),
    Case(
        "Catalog.join_lightcurves", "within_arcsec", RADIUS, "scalar", 3,
        lambda w, v, s: _nearby(w, v),
    ),
]  # fmt: skip


def _magnitudes(said: bool) -> Any:
    import skyseries as sky

    columns = {name: Given(np.asarray(v)) for name, v in SKY.items()}
    return sky.from_table(as_arrow(columns | {"m": Given(COLUMNS["m"][0], None, "mag" if said else None)}))


def _asof(tolerance: Any, unit: str | None) -> Any:
    import skyseries as sky

    columns = {name: Given(np.asarray(v)) for name, v in SKY.items()}
    left = as_arrow(columns | {"time": Given(np.full(4, 10.0), None, unit)})
    right = as_arrow({"id": Given(SKY["id"]), "time": Given(COLUMNS["time"][0], None, unit), "x": Given(np.arange(4.0))})
    found = sky.from_table(left).merge_asof(right, on="time", by="id", direction="nearest", tolerance=tolerance)
    return column(found, "x")


def _nearby(w: Any, within: Any) -> Any:
    """Return how many epochs are found of sources that are filed two arcsec away."""
    import skyseries as sky

    moved = {"key": Given(SKY["id"]), "mjd": Given(np.arange(4.0)), "mag": Given(np.arange(4.0))}
    places = {name: Given(OTHER[name]) for name in ("ra", "dec")}
    sources = sky.from_table(as_arrow({**places, **moved}))
    found = w.sky.join_lightcurves(sources, left_on="id", right_on="key", within_arcsec=within, orphans="ignore")
    return numbers(found.aggregate(n="SUM(COUNT(lightcurve.mjd))")["n"].to_pylist())


SCALAR_CASES: tuple[Case, ...] = (*_SEARCHES, *_MATCHES, *_CURVES, *_REST)
