"""Cases of the command line: options are text, tables are files."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pyarrow.parquet as pq

import skyseries as sky
from skyseries.cli.app import _run
from skyseries.errors import InputError
from tests.meaning.answers import column, numbers
from tests.meaning.case import Case
from tests.meaning.cases_tables import looked_at
from tests.meaning.kinds import MAGNITUDE, PERIOD, POSITION, RADIUS, TIME
from tests.meaning.world import OTHER, SKY, epochs

__all__ = ["COMMAND_CASES"]


def _do(*words: Any) -> None:
    """Run a command; what it refuses with a message is an error here."""
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard):
        code = _run([str(word) for word in words])
    if code not in (0, 1, 2):
        raise AssertionError(f"exit code {code}")
    if code:
        raise InputError(heard.getvalue())


def _table(w: Any, *words: Any) -> Any:
    """Return the table that a command writes."""
    path = w.fresh(".parquet")
    _do(*words, "-o", path)
    return pq.read_table(path)


def _crossmatch(w: Any, left: Any, right: Any, radius: Any = 5) -> Any:
    found = _table(
        w, "crossmatch", left, right, "--radius", radius, "--how", "left", "--n-neighbors", "all"
    )
    return numbers(
        found.sort_by([(n, "ascending") for n in found.column_names if n[:2] == "id"])[
            "_dist_arcsec"
        ].to_pylist()
    )


def _right(w: Any) -> Any:
    path = w.fresh(".parquet")
    pq.write_table(w.other, path)
    return path


def _searched(w: Any, command: str, option: str, value: Any) -> Any:
    limits = {"--min-period": 1, "--max-period": 5} | {option: value}
    words = [word for pair in limits.items() for word in pair]
    names = ("--features", "multiPeriod") if command == "features" else ()
    found = _table(w, command, w.path_of(w.curves), *words, *names)
    kept = [n for n in found.column_names if "ultiPeriod" in n or n in ("period", "period_power")]
    return numbers(*(found.sort_by("id")[n].to_pylist() for n in kept))


def _limits(command: str) -> list[Case]:
    made = []
    for option, value in (("min_period", 1.0), ("max_period", 1.5)):
        word = "--" + option.replace("_", "-")
        made.append(
            Case(
                f"skyseries {command}",
                option,
                PERIOD,
                "text",
                value,
                _search(command, word),
                refuses=True,
            )
        )
    return made


def _search(command: str, word: str) -> Any:
    return lambda w, v, s: _searched(w, command, word, v)


def _import(w: Any, given: Any, said: bool) -> Any:
    """Import a file by the command line; the harness has written it."""
    path = w.fresh()
    _do("import", given[0], path, "--id", "id", "--margin-arcsec", "none", "--no-progress")
    return column(sky.open_catalog(path), "ra", "dec")


def _import_curves(w: Any, given: Any, said: bool) -> Any:
    path = w.fresh()
    roles = ("--time", "t", "--mag", "mag", "--mag-err", "e", "--time-format", "mjd")
    _do(
        "import",
        w.objects(),
        path,
        "--id",
        "id",
        "--lightcurves",
        given[0],
        *roles,
        "--margin-arcsec",
        "none",
        "--no-progress",
    )
    return looked_at(sky.open_catalog(path))


def _margin(w: Any, v: Any, said: bool) -> Any:
    path = w.fresh()
    _do("import", w.two, path, "--id", "id", "--margin-arcsec", v, "--no-progress")
    return w.margin_of(path)


_EPOCHS = epochs()

COMMAND_CASES: tuple[Case, ...] = (
    Case(
        "skyseries crossmatch",
        "left",
        POSITION,
        "file",
        {n: SKY[n] for n in ("ra", "dec")},
        lambda w, v, s: _crossmatch(w, v[0], _right(w)),
        {"id": SKY["id"]},
    ),
    Case(
        "skyseries crossmatch",
        "right",
        POSITION,
        "file",
        {n: OTHER[n] for n in ("ra", "dec")},
        lambda w, v, s: _crossmatch(w, w.objects(), v[0]),
        {"id": OTHER["id"]},
    ),
    Case(
        "skyseries crossmatch",
        "radius",
        RADIUS,
        "text",
        3.0,
        lambda w, v, s: _crossmatch(w, w.objects(), _right(w), v),
        refuses=True,
    ),
    *_limits("features"),
    *_limits("periods"),
    Case(
        "skyseries periods",
        "error_floor",
        MAGNITUDE,
        "text",
        4.0,
        _search("periods", "--error-floor"),
        refuses=True,
    ),
    Case(
        "skyseries import",
        "objects",
        POSITION,
        "file",
        {n: SKY[n] for n in ("ra", "dec")},
        _import,
        {"id": SKY["id"]},
    ),
    Case(
        "skyseries import",
        "lightcurves",
        TIME,
        "file",
        {"t": _EPOCHS["t"]},
        _import_curves,
        {n: v for n, v in _EPOCHS.items() if n != "t"},
    ),
    Case("skyseries import", "margin_arcsec", RADIUS, "text", 30.0, _margin, refuses=True),
)
