"""``skyseries features`` and ``skyseries periods``: lists, presets, extensions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import skyseries as sky
import skyseries.timeseries.features.registry as registry
from skyseries.cli.app import _run
from skyseries.timeseries import all_features, presets
from tests.pipelines.survey import random_survey, small_parts, write_parts

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    objects, sources = random_survey(20, 8, text_ids=False)
    with small_parts():
        sky.import_catalog(
            write_parts(folder / "o", objects, [50]),
            folder / "survey",
            id="id",
            lightcurves=write_parts(folder / "s", sources, [400]),
            time_format="mjd",
            time_scale="tai",
            progress=False,
        )
    return folder / "survey"


@pytest.fixture
def survey(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "survey"))


def test_the_list_has_every_feature(capsys: Captured) -> None:
    assert _run(["features", "--list"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["feature", "of", "unit", "min", "presets", "formula"]
    assert [line.split()[0] for line in lines] == [f.name for f in all_features()]
    (mean,) = [line for line in lines if line.startswith("MeanErr ")]
    assert mean.split(maxsplit=5)[1:4] == ["band", "[x]", "1"]
    assert "rubin-ap" in mean
    assert mean.endswith("sum(w)^(-1/2)")


def test_the_list_of_a_preset(capsys: Captured) -> None:
    assert _run(["features", "--list", "--preset", "rubin-ap", "--features", "Max,nObs"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert set(names) == {*presets()["rubin-ap"], "Max", "nObs"}
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["features"], 2, "Missing argument 'CATALOG' (or --list)"),
        (["features", "x", "--preset", "nope"], 2, "no preset 'nope'; there are: default"),
        (["features", "--list", "--features", "Nope"], 1, "no feature or preset 'Nope'"),
        (["features", "SURVEY", "--resume"], 2, "give --write-extension"),
        (["periods", "SURVEY", "--overwrite"], 2, "give --write-extension"),
        (["periods", "SURVEY", "--write-extension", "a b"], 1, "letters, digits"),
        (["periods", "SURVEY", "--write-extension", "a", "-o", "a.csv"], 2, "either --output or"),
        (["features", "SURVEY", "--barycentric"], 1, "refposition='topocenter'"),
        (["periods", "SURVEY", "--barycentric"], 1, "refposition='topocenter'"),
        (["features", "SURVEY", "--min-period", "9", "--max-period", "2"], 1, "period"),
        (["features", "SURVEY", "--location", "Paranal"], 2, "longitude,latitude,height"),
        (["features", "SURVEY", "--location", "10,20"], 1, "location is an EarthLocation"),
        (["periods", "SURVEY", "--method", "PDM"], 1, "did you mean 'pdm'"),
        (["periods", "SURVEY", "--column", "lc"], 1, "no light-curve column"),
        (["features", "SURVEY", "--column", "lc"], 1, "no light-curve column"),
        (["periods", "SURVEY", "--location", "10,20"], 1, "location is an EarthLocation"),
        (["periods", "SURVEY", "--column", "lightcurve", "--column", "lightcurve"], 1, "than once"),
        (["periods", "SURVEY", "--option", "nterms"], 2, "must be name=value"),
        (["periods", "SURVEY", "--option", "nterms=x"], 1, "nterms must be a whole number"),
        (["periods", "SURVEY", "--option", "n_bins=3"], 1, "has no option 'n_bins'"),
        (["periods", "SURVEY", "--option", "min_period=3"], 2, "option of its own: --min-period"),
        (["periods", "SURVEY", "--option", "nterms=1", "--option", "nterms=2"], 2, "given twice"),
        (["periods", "SURVEY", "--prefix", "lightcurve."], 1, "look like a field"),
    ],
)
def test_wrong_command_lines(
    survey: Path, capsys: Captured, args: list[str], code: int, said: str
) -> None:
    assert _run([str(survey) if arg == "SURVEY" else arg for arg in args]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_extensions(survey: Path, capsys: Captured) -> None:
    words: list[Any] = ["features", survey, "--preset", "default", "--features", "Eta"]
    words += ["--min-period", 0.5, "--write-extension", "statistics"]
    assert _run([str(word) for word in words]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "statistics: 20 rows, version v000001" in captured.err
    assert _run([str(word) for word in words]) == 1
    assert "is there already; --overwrite replaces" in capsys.readouterr().err
    assert _run([str(word) for word in [*words, "--overwrite", "--resume"]]) == 0
    assert "version v000002" in capsys.readouterr().err
    args = ["periods", str(survey), "--n-peaks", "2", "--write-extension", "periods"]
    assert _run(args) == 0
    catalog = sky.open_catalog(survey)
    assert sorted(catalog.extensions) == ["periods", "statistics"]
    loaded = catalog.load_extension("statistics").load_extension("periods")
    assert {"period", "nObs"} <= set(loaded.columns)
    assert loaded.provenance["statistics"]["parameters"][0]["min_period"] == 0.5


def test_searches_beside_each_other(survey: Path, capsys: Captured) -> None:
    limits = ["--min-period", "5", "--max-period", "20"]
    words = ["periods", str(survey), *limits, "--write-extension"]
    boxes = ["--method", "bls", "--option", "durations=0.05,0.1", "--option", "dips=down"]
    assert _run([*words, "boxes", *boxes, "--suffix", "_box", "--prefix", "a_"]) == 0
    more = ["--option", "nterms=2", "--not-ranked", "--bands", "r,i", "--single-bands"]
    assert _run([*words, "harmonics", *more, "--oversampling", "3"]) == 0
    capsys.readouterr()
    catalog = sky.open_catalog(survey)
    given = {"min_period": 5.0, "max_period": 20.0}
    loaded = catalog.load_extension("boxes").load_extension("harmonics").to_arrow()
    bls = catalog.periods(method="bls", durations=(0.05, 0.1), dips="down", **given).to_arrow()
    plain = catalog.periods(
        nterms=2, ranked=False, bands=["r", "i"], single_bands=True, oversampling=3, **given
    ).to_arrow()
    for name, made in (("a_period_box", bls), ("period", plain)):
        assert loaded.sort_by("id")[name].equals(made.sort_by("id")["period"])
    bands = {n for n in loaded.column_names if n.endswith(("_period_flag", "_period_amplitude"))}
    assert bands == {f"{b}_period_{name}" for b in "ri" for name in ("flag", "amplitude")}
    out = survey.parent / "nights.parquet"
    place = ["--location", "-155.5,19.8,4200"]
    args = ["features", str(survey), "--features", "numNights,Mean", *place, "--prefix", "keck_"]
    args += ["--bands", "r,i"]
    assert _run([*args, "-o", str(out)]) == 0
    given = {"bands": ["r", "i"], "location": (-155.5, 19.8, 4200.0)}
    wanted = catalog.features(["numNights"], **given).to_arrow()
    table = pq.read_table(out).sort_by("id")
    means = [name for name in table.column_names if name.endswith("Mean")]
    assert [name.split("_")[1] for name in means] == ["r", "i"]
    assert table["keck_numNights"].to_pylist() == wanted.sort_by("id")["numNights"].to_pylist()


MINE = """
import numba
from skyseries.timeseries import feature

factor = 2

@feature(unit="count")
@numba.njit
def twice(t, flux, flux_err, band):
    return factor * t.size
"""


@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_features_of_a_file(
    survey: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    mine = survey.parent / "mine.py"
    mine.write_text(MINE)
    out = survey.parent / "out.parquet"
    args = ["features", str(survey), "--code", str(mine), "--features", "twice,nObs"]
    assert _run([*args, "-o", str(out), "--executor", engine]) == 0, capsys.readouterr().err
    table = pq.read_table(out)
    assert [n and 2 * n for n in table["nObs"].to_pylist()] == [
        n or 0 for n in table["twice"].to_pylist()
    ]
    capsys.readouterr()
    for text, said in (("1 / 0", "ZeroDivisionError"), ("x = 1", "registers no feature")):
        mine.write_text(text)
        assert _run(["features", "--list", "--code", str(mine)]) == 1
        assert said in capsys.readouterr().err


def test_features_without_options_are_the_default_preset(survey: Path, capsys: Captured) -> None:
    assert _run(["features", str(survey), "--space", "flux"]) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert "nObs" in header
