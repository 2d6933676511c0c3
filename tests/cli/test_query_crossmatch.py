"""``skyseries query`` and ``skyseries crossmatch``, on a small catalog."""

from __future__ import annotations

import io
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.cli.app import _run
from skyseries.cli.options import columns
from skyseries.formats import read_table, write_table

N, EPOCHS = 60, 4
IDS = np.arange(N) + 2**60
RA, DEC = np.linspace(10, 11, N), np.linspace(-1, 1, N)
MAG = np.linspace(15, 21, N)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder with the catalog ``survey`` and, 0.5 arcsec north of it, ``targets.csv``."""
    folder = tmp_path_factory.mktemp("cli")
    objects = pa.table({"objectId": IDS, "ra": RA, "dec": DEC, "r_mag": MAG})
    sources = pa.table(
        {
            "objectId": np.repeat(IDS, EPOCHS),
            "midpointMjdTai": 60000.0 + np.arange(N * EPOCHS),
            "band": ["g", "r"] * (N * EPOCHS // 2),
            "psfFlux": np.full(N * EPOCHS, 100.0),
            "psfFluxErr": np.full(N * EPOCHS, 1.0),
        }
    )
    pq.write_table(objects, folder / "objects.parquet")
    pq.write_table(sources, folder / "sources.parquet")
    sky.import_catalog(
        folder / "objects.parquet", folder / "survey", id="objectId", max_rows=15,
        lightcurves=folder / "sources.parquet", executor="serial", progress=False,
    )  # fmt: skip
    targets = pa.table({"name": ["a", "b", "c"], "lon": RA[:3], "lat": DEC[:3] + 0.5 / 3600})
    write_table(targets, folder / "targets.csv")
    return folder


@pytest.fixture
def survey(folder) -> str:
    return str(folder / "survey")


@pytest.fixture
def csv(capfdbinary):
    """Return a function that runs a command, and gives its table and what it says beside."""

    def call(*args: str) -> tuple[pa.Table, str]:
        code = _run([str(arg) for arg in args])
        captured = capfdbinary.readouterr()
        assert code == 0, captured.err.decode()
        return pyarrow.csv.read_csv(io.BytesIO(captured.out)), captured.err.decode()

    return call


def test_query(survey, csv):
    table, talk = csv("query", survey, "r_mag < 16 AND COUNT(lightcurve.band) = 4")
    assert sorted(table["objectId"].to_pylist()) == IDS[MAG < 16].tolist()
    assert table.column_names == ["_healpix_29", "objectId", "ra", "dec", "r_mag"]
    assert talk.startswith("without the light curves (lightcurve)")


def test_query_without_a_condition_and_with_expressions(survey, csv):
    table, talk = csv("query", survey, "--select", "objectId, ROUND(r_mag, 1) AS mag")
    assert table.column_names == ["objectId", "mag"]
    found = dict(zip(*(column.to_pylist() for column in table.columns), strict=True))
    assert found == dict(zip(IDS.tolist(), np.round(MAG, 1).tolist(), strict=True))
    assert talk == ""


def test_epochs_that_are_asked_for_are_written(survey, csv, tmp_path):
    asked = ("--select", "objectId,lightcurve.midpointMjdTai,lightcurve.band")
    table, _ = csv("query", survey, "lightcurve.band = 'r'", *asked)
    assert table.column_names == ["objectId", "lightcurve.midpointMjdTai", "lightcurve.band"]
    assert set(table["lightcurve.band"].to_pylist()) == {'["r", "r"]'}
    out = tmp_path / "out.parquet"
    assert _run(["query", survey, "lightcurve.band = 'r'", *asked, "-o", str(out)]) == 0
    curves = pq.read_table(out)["lightcurve"].to_pylist()
    assert [curve["band"] for curve in curves] == [["r", "r"]] * N


@pytest.mark.parametrize("limit", [0, 1, 20, 1000])
def test_limit(survey, csv, limit):
    table, _ = csv("query", survey, "r_mag < 20", "--select", "objectId", "--limit", limit)
    expected = sky.open_catalog(survey).query("r_mag < 20")["objectId"].to_arrow()
    assert table["objectId"].to_pylist() == expected["objectId"].to_pylist()[:limit]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "fits", "vot"])
def test_query_to_a_file(survey, tmp_path, capfd, suffix):
    out = tmp_path / f"out.{suffix}"
    assert _run(["query", survey, "r_mag < 16", "--select", "objectId,r_mag", "-o", str(out)]) == 0
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == f"{out}: {(MAG < 16).sum()} rows, 2 columns\n"
    assert sorted(read_table(out)["objectId"].to_pylist()) == IDS[MAG < 16].tolist()


def test_crossmatch_with_a_table(folder, survey, csv):
    words = ("--ra", "lon", "--dec", "lat", "--select", "name,objectId,_dist_arcsec")
    table, _ = csv("crossmatch", folder / "targets.csv", survey, *words)
    rows = {row["name"]: row for row in table.to_pylist()}
    assert {name: row["objectId"] for name, row in rows.items()} == dict(
        zip("abc", IDS[:3].tolist(), strict=True)
    )
    assert all(abs(row["_dist_arcsec"] - 0.5) < 1e-6 for row in rows.values())
    back, _ = csv("crossmatch", survey, folder / "targets.csv", *words, "--how", "left")
    assert back.num_rows == N
    assert back["name"].null_count + back["name"].to_pylist().count("") == N - 3


def test_crossmatch_with_one_table_of_a_file(folder, survey, csv, tmp_path):
    from astropy.io import fits
    from astropy.table import Table

    targets = Table({"ra": RA[:3], "dec": DEC[:3]})
    hdus = [fits.table_to_hdu(table) for table in (targets, targets[:2])]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "t.fits")
    for number, rows in ((1, 3), (2, 2)):
        table, _ = csv("crossmatch", f"{tmp_path}/t.fits[{number}]", survey)
        assert table.num_rows == rows


def test_crossmatch_options_reach_the_library(survey, csv):
    step = 3600 * np.hypot(1 / 59 * np.cos(np.radians(DEC)), 2 / 59).max()
    table, _ = csv("crossmatch", survey, survey, "--radius", 1.01 * step, "--n-neighbors", "all")
    assert table.num_rows == 3 * N - 2
    table, _ = csv("crossmatch", survey, survey, "--one-to-one")
    assert table["objectId"].equals(table["objectId_survey"])
    table, _ = csv("crossmatch", survey, survey, "--how", "anti")
    assert table.num_rows == 0


def test_crossmatch_to_a_catalog(folder, survey, tmp_path, capfd):
    out = tmp_path / "pairs"
    words = ["crossmatch", survey, survey, "--catalog", str(out)]
    assert _run(words) == 0
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"{out}: {N} rows in ")
    pairs = sky.open_catalog(out)
    assert len(pairs) == N
    assert "lightcurve_survey" in pairs.lightcurve_columns
    assert _run(words) == 1
    assert "overwrite" in capfd.readouterr().err
    assert _run([*words, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("query SURVEY", 0, ""),
        ("query", 2, "Missing argument"),
        ("query SURVEY rr_mag<3", 1, "did you mean r_mag?"),
        ("query SURVEY --limit -1", 2, "--limit"),
        ("query SURVEY --select a,,b", 2, "empty name"),
        ("query missing", 1, "missing"),
        ("crossmatch SURVEY missing.csv", 1, "missing.csv"),
        ("crossmatch SURVEY missing", 1, "missing"),
        ("crossmatch SURVEY SURVEY --radius -1", 1, "radius"),
        ("crossmatch SURVEY SURVEY --n-neighbors 0", 2, "from 1 on"),
        ("crossmatch SURVEY SURVEY -o a.csv --catalog b", 2, "one of them"),
        ("crossmatch SURVEY SURVEY --overwrite", 2, "--catalog"),
        ("crossmatch SURVEY SURVEY --ra a", 2, "both"),
        ("crossmatch SURVEY SURVEY --ra a --dec b", 2, "for tables"),
    ],
)
def test_exit_codes(survey, capfd, words, code, said):
    assert _run([survey if word == "SURVEY" else word for word in words.split()]) == code
    assert said in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ["a"]),
        ("a, b", ["a", "b"]),
        ("ROUND(a, 1) AS b,c", ["ROUND(a, 1) AS b", "c"]),
        ("POWER(ABS(a), (b)) AS c,d", ["POWER(ABS(a), (b)) AS c", "d"]),
        ("\"a,b\",x || ',(' AS y,z", ['"a,b"', "x || ',(' AS y", "z"]),
    ],
)
def test_lists_of_expressions(text, expected):
    option = click.Option(["--select"], multiple=True)
    context = click.Context(click.Command("x"))
    assert columns(context, option, (text,)) == expected
    assert columns(context, option, ("z", text)) == ["z", *expected]
    assert columns(context, option, ()) is None
