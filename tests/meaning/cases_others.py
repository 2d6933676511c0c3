"""Cases of margins, positions that are kept, bins, tolerances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import skyseries as sky
import skyseries.timeseries as ts
from tests.meaning.answers import column, numbers
from tests.meaning.building import place, scalars
from tests.meaning.case import Case
from tests.meaning.kinds import MAGNITUDE, PERIOD, POSITION, RADIUS
from tests.meaning.tables import Given, as_arrow
from tests.meaning.world import COLUMNS, DY, FIELDS, OTHER, SKY, T, Y

__all__ = ["OTHER_CASES"]

_NO_POSITION = ("NaN",)
"""Excluded: a light curve may be without a position, which NaN says as None does."""

_A_COUNT = ("a number",)
"""Excluded: it says how many bins there are."""


def _positioned(entry: str, make: Callable[..., Any]) -> list[Case]:
    return [
        replace(c, excludes=_NO_POSITION)
        for c in scalars(entry, POSITION, {"ra": 10, "dec": 1}, make)
    ]


def _of_struct(w: Any, **given: Any) -> Any:
    curve = ts.LightCurve.from_struct(
        {"t": T, "mag": Y, "e": DY}, FIELDS, **({"ra": 10, "dec": 1} | given)
    )
    return numbers(curve.ra, curve.dec)


def _of_arrays(w: Any, **given: Any) -> Any:
    curve = ts.LightCurve(T, Y, FIELDS, DY, **({"ra": 10, "dec": 1} | given))
    return numbers(curve.ra, curve.dec)


def _margin(write: Callable[..., Any]) -> Any:
    """Return how wide the margin is of what is written with ``margin_arcsec``."""

    def wide(w: Any, v: Any, said: bool) -> Any:
        path = w.fresh()
        write(w, path, v)
        return w.margin_of(path)

    return wide


def _imported(w: Any, path: Any, v: Any) -> None:
    options: dict[str, Any] = {"id": "id", "progress": False, "executor": "serial"}
    sky.import_catalog(w.two, path, margin_arcsec=v, **options)


def _extended(w: Any, path: Any, v: Any) -> None:
    w.few.assign(twice="id * 2").write_extension(path.name, ["twice"], path, margin_arcsec=v)


_WRITERS: dict[str, Callable[..., Any]] = {
    "Catalog.write_catalog": lambda w, path, v: w.few.write_catalog(path, margin_arcsec=v),
    "Catalog.write_extension": _extended,
    "import_catalog": _imported,
}


def _star(w: Any, **place: Any) -> Any:
    """Import the light curve of one star, which is where one is told."""
    path, one = w.fresh(), w.star
    options: dict[str, Any] = {
        "id": "id",
        "progress": False,
        "executor": "serial",
        "margin_arcsec": None,
    }
    sky.import_catalog(None, path, lightcurves=one, time="t", mag="mag", **options, **place)
    return column(sky.open_catalog(path), "ra", "dec")


_REST = [
    *scalars(
        "import_catalog",
        POSITION,
        {"ra": 10, "dec": 1},
        lambda w, **g: _star(w, **({"ra": 10, "dec": 1} | g)),
    ),
    Case(
        "import_catalog",
        "ra",
        POSITION,
        "coordinate",
        (10.0, 1.0),
        lambda w, v, s: _star(w, **place(v)),
    ),
    *(
        Case(entry, "margin_arcsec", RADIUS, "scalar", 30, _margin(write))
        for entry, write in _WRITERS.items()
    ),
    *_positioned("LightCurve", _of_arrays),
    *_positioned("LightCurve.from_struct", _of_struct),
    Case(
        "Catalog.histogram",
        "range",
        MAGNITUDE,
        "pair",
        (3.0, 8.0),
        lambda w, v, s: numbers(*_magnitudes(s).histogram("m", 2, v)),
    ),
    Case(
        "Catalog.histogram",
        "bins",
        MAGNITUDE,
        "pair",
        (3.0, 8.0),
        lambda w, v, s: numbers(*_magnitudes(s).histogram("m", v)),
        excludes=_A_COUNT,
    ),
    Case(
        "Catalog.histogram2d",
        "range",
        MAGNITUDE,
        "pair",
        (3.0, 8.0),
        lambda w, v, s: numbers(*_magnitudes(s).histogram2d("m", "m", 2, (v, v))),
    ),
    Case(
        "Catalog.histogram2d",
        "bins",
        MAGNITUDE,
        "pair",
        (3.0, 8.0),
        lambda w, v, s: numbers(*_magnitudes(s).histogram2d("m", "m", (v, v))),
        excludes=_A_COUNT,
    ),
    Case(
        "Catalog.merge_asof",
        "tolerance",
        PERIOD,
        "scalar",
        1,
        lambda w, v, s: _asof(v, "d" if s else None),
    ),
    Case(
        "Catalog.join_lightcurves",
        "within_arcsec",
        RADIUS,
        "scalar",
        3,
        lambda w, v, s: _nearby(w, v),
        scale_free=True,
    ),
]


def _magnitudes(said: bool) -> Any:
    columns = {name: Given(np.asarray(v)) for name, v in SKY.items()}
    return sky.from_table(
        as_arrow(columns | {"m": Given(COLUMNS["m"][0], None, "mag" if said else None)})
    )


def _asof(tolerance: Any, unit: str | None) -> Any:
    columns = {name: Given(np.asarray(v)) for name, v in SKY.items()}
    left = as_arrow(columns | {"time": Given(np.full(4, 10.0), None, unit)})
    right = as_arrow(
        {
            "id": Given(SKY["id"]),
            "time": Given(COLUMNS["time"][0], None, unit),
            "x": Given(np.arange(4.0)),
        }
    )
    found = sky.from_table(left).merge_asof(
        right, on="time", by="id", direction="nearest", tolerance=tolerance
    )
    return column(found, "x")


def _nearby(w: Any, within: Any) -> Any:
    """Return how many epochs are found of sources that are filed two arcsec away."""
    moved = {"key": Given(SKY["id"]), "mjd": Given(np.arange(4.0)), "mag": Given(np.arange(4.0))}
    places = {name: Given(OTHER[name]) for name in ("ra", "dec")}
    sources = sky.from_table(as_arrow({**places, **moved}))
    found = w.sky.join_lightcurves(
        sources, left_on="id", right_on="key", within_arcsec=within, orphans="ignore"
    )
    return numbers(found.aggregate(n="SUM(COUNT(lightcurve.mjd))")["n"].to_pylist())


OTHER_CASES = tuple(_REST)
