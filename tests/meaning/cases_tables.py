"""Cases of tables and files: columns that say their units, or do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import skyseries as sky
import skyseries.timeseries as ts
from tests.meaning import world
from tests.meaning.answers import column, ids, numbers, periods
from tests.meaning.case import Case
from tests.meaning.kinds import ID, MAGNITUDE, POSITION, TIME
from tests.meaning.world import COLUMNS, FIELDS, OTHER, SKY

__all__ = ["TABLE_CASES", "looked_at"]

_POSITION = {"ra": SKY["ra"], "dec": SKY["dec"]}
_OTHER = {"ra": OTHER["ra"], "dec": OTHER["dec"]}
_IDS = {"id": SKY["id"]}
_PLACED = _IDS | _POSITION

# Each call gets the table (of a file: the catalog that it was imported to), and the names that
# the columns have in it.
Given = tuple[Any, list[str]]


def _held(table: Any) -> Any:
    return table if isinstance(table, sky.Catalog) else sky.from_table(table)


def _distances(found: Any) -> Any:
    return column(found, *(n for n in found.columns if "_dist" in n or n == "_match_probability"))


def _from_table(w: Any, given: Given, said: bool) -> Any:
    held = _held(given[0])
    return np.append(column(held, "ra", "dec"), ids(held.cone_search(10, 1, 2300)))


_POSITIONS = [
    Case("from_table", "table", POSITION, "table", _POSITION, _from_table, _IDS),
    Case(
        "Catalog.crossmatch",
        "other",
        POSITION,
        "table",
        _OTHER,
        lambda w, v, s: _distances(w.sky.crossmatch(v[0], 5, how="left", n_neighbors=None)),
        _IDS,
    ),
    Case(
        "Catalog.crossmatch_many",
        "others",
        POSITION,
        "table",
        _OTHER,
        lambda w, v, s: _distances(w.sky.crossmatch_many({"o": v[0]}, 5, n_neighbors=None)),
        _IDS,
    ),
    Case(
        "Catalog.concat",
        "others",
        POSITION,
        "table",
        _OTHER,
        lambda w, v, s: column(sky.from_table(w.other).concat(_held(v[0])), "ra", "dec"),
        _IDS,
    ),
    Case(
        "import_catalog",
        "objects",
        POSITION,
        "file",
        _POSITION,
        lambda w, v, s: _from_table(w, (w.imported(v[0], on_nan_position="drop"), v[1]), s),
        _IDS,
    ),
]


def _columns(entry: str, parameter: str, names: tuple[str, ...], call: Any, **more: Any) -> Case:
    values, kind = {name: COLUMNS[name][0] for name in names}, COLUMNS[names[0]][1]
    return Case(entry, parameter, kind, "column", values, call, _PLACED, **more)


def _matching(
    entry: str, side: str, option: str, others: dict[str, Any], *, pair: bool = False
) -> Any:
    """Return a match whose table of one side has the column."""

    def match(w: Any, given: Given, said: bool) -> Any:
        table, names = given
        left, right = (table, w.other) if side == "left" else (w.sky, table)
        given_names = tuple(names) if pair else names[0]
        options = {"radius_arcsec": 5, "how": "left", **others, option: given_names}
        held = _held(left)
        radius = options.pop("radius_arcsec")
        if entry == "Catalog.crossmatch":
            return _distances(held.crossmatch(right, radius, **options))
        return _distances(held.crossmatch_many({"o": right}, radius, **options))

    return match


_STILL = {"left_epoch": 2000.0, "right_epoch": 2016.0, "epoch": 2016.0}
_BACK = {"left_epoch": 2000.0, "right_epoch": 2016.0, "epoch": 2000.0}


def _matches(entry: str) -> list[Case]:
    errors = {"left_error": 1.0, "right_error": 1.0, "density": 1.0}
    return [
        _columns(entry, "radius_arcsec", ("r",), _matching(entry, "left", "radius_arcsec", {})),
        _columns(entry, "left_error", ("e",), _matching(entry, "left", "left_error", errors)),
        _columns(
            entry,
            "left_pm",
            ("pmra", "pmdec"),
            _matching(entry, "left", "left_pm", _STILL, pair=True),
        ),
        *(
            [
                _columns(
                    entry, "right_error", ("e",), _matching(entry, "right", "right_error", errors)
                ),
                _columns(
                    entry,
                    "right_pm",
                    ("pmra", "pmdec"),
                    _matching(entry, "right", "right_pm", _BACK, pair=True),
                ),
                _columns(entry, "right_epoch", ("year",), _moving("right")),
            ]
            if entry == "Catalog.crossmatch"
            else []
        ),
        _columns(entry, "left_epoch", ("year",), _moving("left", entry)),
    ]


def _moving(side: str, entry: str = "Catalog.crossmatch") -> Any:
    """Return a match whose table of one side has a column of epochs, and moves."""
    motions = {"pmra": "id * 10.0", "pmdec": "id * 20.0"}

    def match(w: Any, given: Given, said: bool) -> Any:
        moved = _held(given[0]).assign(motions)
        left, right = (moved, w.other) if side == "left" else (w.sky, moved)
        options = {f"{side}_pm": ("pmra", "pmdec"), f"{side}_epoch": given[1][0], "epoch": 2016.0}
        if entry == "Catalog.crossmatch":
            return _distances(left.crossmatch(right, 5, how="left", **options))
        return _distances(left.crossmatch_many({"o": right}, 5, how="left", **options))

    return match


def _self_near(w: Any, given: Given, said: bool) -> Any:
    table, names = given
    found = _held(table).self_match(names[0], id="id", how="left")
    return column(found, "_dist_arcsec")


def _asof(w: Any, given: Given, said: bool) -> Any:
    """Match rows of one id that are at most 0.6 d apart."""
    table, names = given
    unit = "d" if said else None
    plain = {n: world.Given(np.asarray(v)) for n, v in SKY.items()}
    left = world.as_arrow(plain | {"when": world.Given(np.full(4, 10.0), None, unit)})
    found = sky.from_table(left).merge_asof(
        table, left_on="when", right_on=names[0], by="id", direction="nearest", tolerance=0.6
    )
    return column(
        found,
        "ra_other"
        if "ra_other" in found.columns
        else next(n for n in found.columns if n.startswith("ra_")),
    )


def _summed(w: Any, given: Given, said: bool) -> Any:
    """Put rows to others whose magnitudes are said to be in mag, and add them up."""
    table, names = given
    plain = {n: world.Given(np.asarray(v)) for n, v in SKY.items()}
    unit = "mag" if said else None
    own = sky.from_table(world.as_arrow(plain | {"m": world.Given(COLUMNS["m"][0], None, unit)}))
    held = _held(table)
    other = held.select(
        ["id", "ra", "dec", f"{names[0]} AS m"] if names[0] != "m" else ["id", "ra", "dec", "m"]
    )
    return numbers(own.concat(other).aggregate(total="SUM(m)")["total"].to_pylist())


_COLUMNS = [
    *_matches("Catalog.crossmatch"),
    *(case for case in _matches("Catalog.crossmatch_many")),
    _columns("Catalog.self_match", "radius_arcsec", ("wide",), _self_near),
    _columns("Catalog.merge_asof", "other", ("time",), _asof),
    _columns("Catalog.concat", "others", ("m",), _summed, refuses=True),
]


def _many_right(option: str, others: dict[str, Any], *, pair: bool = False) -> Any:
    """Return a match with many whose tables have the column, under its name with a suffix."""

    def match(w: Any, given: Given, said: bool) -> Any:
        table, names = given
        suffixed = tuple(f"{name}_o" for name in names)
        options = {**others, option: suffixed if pair else suffixed[0]}
        return _distances(w.sky.crossmatch_many({"o": table}, 5, **options))

    return match


_MANY = [
    _columns(
        "Catalog.crossmatch_many",
        "right_error",
        ("e",),
        _many_right("right_error", {"left_error": 1.0, "density": 1.0}),
    ),
    _columns(
        "Catalog.crossmatch_many",
        "right_pm",
        ("pmra", "pmdec"),
        _many_right("right_pm", _BACK, pair=True),
    ),
]


def _joined(w: Any, given: Given, said: bool) -> Any:
    found = w.sky.join(given[0], on="id", how="left")
    return column(found, "x")


def _curves_of(w: Any, given: Given, said: bool) -> Any:
    """Make light curves of rows, and look at their periods and errors."""
    found = w.sky.join_lightcurves(given[0], on="id", time="t")
    return looked_at(found.set_lightcurve(time="t", mag="mag", mag_err="e"))


def looked_at(catalog: Any) -> Any:
    """Return what times, values and errors of light curves are."""
    found = catalog.features(["TimeSpan", "MeanErr", "Mean"])
    return column(found, *(n for n in found.columns if n.endswith(("TimeSpan", "MeanErr", "Mean"))))


def _searched(catalog: Any) -> Any:
    return np.concatenate([looked_at(catalog), periods(catalog)])


_EPOCHS = world.epochs()


def _epochs(entry: str, parameter: str, form: str, call: Callable[..., Any]) -> list[Case]:
    """Return the cases of the columns of light curves."""
    made = []
    for name, kind in (("t", TIME), ("e", MAGNITUDE), ("mag", MAGNITUDE)):
        fixed = {n: v for n, v in _EPOCHS.items() if n not in (name, "id")}
        fixed = fixed if form == "nested" else {"id": _EPOCHS["id"], **fixed}
        made.append(Case(entry, parameter, kind, form, {name: _EPOCHS[name]}, call, fixed))
    return made


def _opened(w: Any, given: Given, said: bool) -> Any:
    """Write light curves that say their units as a catalog, as others do, and open it."""
    import pyarrow as pa

    plain = world.as_arrow({n: world.Given(np.asarray(v)) for n, v in SKY.items()})
    struct = given[0].combine_chunks() if isinstance(given[0], pa.ChunkedArray) else given[0]
    table = plain.append_column("lc", struct)
    path = w.fresh()
    sky.from_table(table).write_catalog(path, "nested", id="id", margin_arcsec=None)
    opened = sky.open_catalog(path)
    return _searched(opened.set_lightcurve(time="t", mag="mag", mag_err="e"))


def _in_memory(w: Any, given: Given, said: bool) -> Any:
    plain = world.as_arrow({n: world.Given(np.asarray(v)) for n, v in SKY.items()})
    held = sky.from_table(plain.append_column("lc", given[0]))
    return _searched(held.set_lightcurve(time="t", mag="mag", mag_err="e"))


def _features(w: Any, given: Given, said: bool) -> Any:
    found = ts.compute_features(given[0], FIELDS, ["TimeSpan", "MeanErr", "Mean"])
    return numbers(*(c.to_pylist() for c in found.columns))


def _periods(w: Any, given: Given, said: bool) -> Any:
    found = ts.compute_periods(given[0], FIELDS, min_period=1, max_period=5)
    return numbers(found["period"].to_pylist(), found["period_power"].to_pylist())


def _imported(w: Any, given: Given, said: bool) -> Any:
    return looked_at(w.imported(lightcurves=given[0]))


_LIGHTCURVES = [
    *_epochs("Catalog.join_lightcurves", "sources", "table", _curves_of),
    *_epochs("import_catalog", "lightcurves", "file", _imported),
    *_epochs("from_table", "table", "nested", _in_memory),
    *_epochs("open_catalog", "path", "nested", _opened),
    *_epochs("compute_features", "column", "nested", _features),
    *_epochs("compute_periods", "column", "nested", _periods),
]

_KEYS = [
    Case(
        "Catalog.join",
        "other",
        ID,
        "table",
        _IDS,
        _joined,
        {"x": np.array([7.0, 8.0, 9.0, 11.0])},
    ),
]

TABLE_CASES: tuple[Case, ...] = (*_POSITIONS, *_COLUMNS, *_MANY, *_LIGHTCURVES, *_KEYS)
