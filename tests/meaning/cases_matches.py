"""Cases of the numbers of cross-matches: radii, errors, densities, epochs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import skyseries as sky
from tests.meaning.answers import column
from tests.meaning.building import scalars
from tests.meaning.case import EXPRESSION, Case
from tests.meaning.kinds import DENSITY, RADIUS, YEAR
from tests.meaning.tables import Given, as_arrow
from tests.meaning.world import COLUMNS, OTHER, SKY

__all__ = ["MATCH_CASES"]


def _sides() -> tuple[Any, Any]:
    left = {name: Given(np.asarray(v)) for name, v in SKY.items()}
    right = {name: Given(np.asarray(v)) for name, v in OTHER.items()}
    for side in (left, right):
        for name in ("e", "pmra", "pmdec"):
            side[name] = Given(COLUMNS[name][0])
    return as_arrow(left), as_arrow(right)


def _matched(entry: str) -> Callable[..., Any]:
    """Return how two skies are matched, by one catalog or by many."""

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
_FAR = {"radius_arcsec": 1000, "n_neighbors": None}
_YEARS = {"left_epoch": 2000, "right_epoch": 2016, "epoch": 2008}
_MOVED = {"left_pm": ("pmra", "pmdec"), "right_pm": ("pmra", "pmdec")}


def _matches(entry: str) -> list[Case]:
    call = _matched(entry)
    return [
        Case(
            entry,
            "radius_arcsec",
            RADIUS,
            "scalar",
            3,
            lambda w, v, s: call(w, radius_arcsec=v, n_neighbors=None),
            excludes=EXPRESSION,
        ),
        *scalars(entry, RADIUS, {"min_radius_arcsec": 3}, partial(call, **_FAR)),
        *(
            Case(
                entry,
                name,
                RADIUS,
                "scalar",
                value,
                _with(call, name, _ERRORS),
                excludes=EXPRESSION,
            )
            for name, value in (("left_error", 1), ("right_error", 2))
        ),
        Case(entry, "density", DENSITY, "scalar", 4, _with(call, "density", _ERRORS)),
        *(
            Case(
                entry,
                name,
                YEAR,
                "scalar",
                value,
                _with(call, name, _YEARS | _MOVED),
                excludes=() if name == "epoch" else EXPRESSION,
            )
            for name, value in _YEARS.items()
        ),
    ]


def _with(call: Callable[..., Any], name: str, others: dict[str, Any]) -> Any:
    return lambda w, v, s: call(w, **{**others, name: v})


def _near(w: Any, **given: Any) -> Any:
    return column(
        w.curves.self_match(**({"radius_arcsec": 7300, "how": "left"} | given)), "_dist_arcsec"
    )


_MATCHES = [
    *_matches("Catalog.crossmatch"),
    *_matches("Catalog.crossmatch_many"),
    Case(
        "Catalog.self_match",
        "radius_arcsec",
        RADIUS,
        "scalar",
        1000,
        lambda w, v, s: _near(w, radius_arcsec=v),
        excludes=EXPRESSION,
    ),
    *scalars("Catalog.self_match", RADIUS, {"min_radius_arcsec": 1000}, _near),
]

MATCH_CASES = tuple(_MATCHES)
