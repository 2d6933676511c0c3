"""Cases of searches of the sky, and of regions."""

from __future__ import annotations

from typing import Any

import numpy as np

from skyseries.spatial import regions
from tests.meaning import cases_arrays as rows
from tests.meaning.answers import ids, numbers
from tests.meaning.building import place, scalars
from tests.meaning.case import Case
from tests.meaning.kinds import ID, POSITION, RADIUS
from tests.meaning.world import SKY

__all__ = ["SEARCH_CASES"]


def _cone(w: Any, **given: Any) -> Any:
    return ids(w.sky.cone_search(**({"ra": 10.0, "dec": 1.0, "radius_arcsec": 2300} | given)))


def _epochs(w: Any, **given: Any) -> Any:
    given = {"ra": 10.0, "dec": 1.0, "radius_arcsec": 2300} | given
    found = w.stored.search_epochs(**given).to_arrow()
    return numbers(found.num_rows, np.sort(found["id"].to_numpy()))


def _region(made: Any) -> Any:
    """Return what a region is by its limits and what it holds."""
    held = made.contains(SKY["ra"], SKY["dec"])
    limits = [
        getattr(made, n)
        for n in ("ra", "dec", "radius_arcsec", "ra_min", "ra_max", "dec_min", "dec_max")
        if hasattr(made, n)
    ]
    return numbers(held, limits)


_SEARCHES = [
    *scalars("Catalog.cone_search", POSITION, {"ra": 10, "dec": 1}, _cone),
    *scalars("Catalog.cone_search", RADIUS, {"radius_arcsec": 2300}, _cone),
    *scalars("Catalog.search_epochs", POSITION, {"ra": 10, "dec": 1}, _epochs),
    *scalars("Catalog.search_epochs", RADIUS, {"radius_arcsec": 2300}, _epochs),
    *scalars(
        "Cone",
        POSITION,
        {"ra": 10, "dec": 1},
        lambda w, **g: _region(regions.Cone(**({"ra": 10, "dec": 1, "radius_arcsec": 2300} | g))),
    ),
    *scalars(
        "Cone", RADIUS, {"radius_arcsec": 2300}, lambda w, **g: _region(regions.Cone(10, 1, **g))
    ),
    *scalars(
        "Box",
        POSITION,
        {"ra_min": 9, "ra_max": 11, "dec_min": -1, "dec_max": 2},
        lambda w, **g: _region(
            regions.Box(**({"ra_min": 9, "ra_max": 11, "dec_min": -1, "dec_max": 2} | g))
        ),
    ),
    Case(
        "Catalog.cone_search",
        "ra",
        POSITION,
        "coordinate",
        (10.0, 1.0),
        lambda w, v, s: _cone(w, **place(v)),
    ),
    Case(
        "Catalog.search_epochs",
        "ra",
        POSITION,
        "coordinate",
        (10.0, 1.0),
        lambda w, v, s: _epochs(w, **place(v)),
    ),
    Case(
        "Cone",
        "ra",
        POSITION,
        "coordinate",
        (10.0, 1.0),
        lambda w, v, s: _region(regions.Cone(**place(v), radius_arcsec=2300)),
    ),
    Case(
        "barycentric_times",
        "ra",
        POSITION,
        "coordinate",
        (10.0, 1.0),
        lambda w, v, s: rows._bary(w, **place(v)),
    ),
    Case(
        "Catalog.box_search",
        "ra",
        POSITION,
        "pair",
        (9.0, 11.0),
        lambda w, v, s: ids(w.sky.box_search(v, (-2, 2))),
    ),
    Case(
        "Catalog.box_search",
        "dec",
        POSITION,
        "pair",
        (-2.0, 2.0),
        lambda w, v, s: ids(w.sky.box_search((9, 11), v)),
    ),
    Case(
        "Catalog.polygon_search",
        "vertices",
        POSITION,
        "pair",
        ((9.0, 0.0), (11.0, 0.0), (11.0, 3.0)),
        lambda w, v, s: ids(w.sky.polygon_search(v)),
    ),
    Case(
        "Polygon",
        "vertices",
        POSITION,
        "pair",
        ((9.0, 0.0), (11.0, 0.0), (11.0, 3.0)),
        lambda w, v, s: numbers(regions.Polygon(v).vertices, regions.Polygon(v).area_deg2),
    ),
    Case(
        "Catalog.lightcurve",
        "id",
        ID,
        "scalar",
        2,
        lambda w, v, s: numbers(w.curves.lightcurve(v).value),
    ),
    Case(
        "Catalog.id_search",
        "ids",
        ID,
        "array",
        np.array([2, 3, 3]),
        lambda w, v, s: ids(w.curves.id_search(v)),
        misses=True,
    ),
]

SEARCH_CASES = tuple(_SEARCHES)
