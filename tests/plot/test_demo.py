"""The figure of the demo."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from skyseries.errors import MissingDependencyError
from skyseries.plot.demo import Panel, draw_panels


def panel(**changes):
    rng = np.random.default_rng(1)
    n = 60
    given = {
        "title": "RR Lyrae",
        "subtitle": "found 0.5 d",
        "time": rng.uniform(0, 100, n),
        "value": rng.normal(18, 0.3, n),
        "error": np.full(n, 0.02),
        "band": rng.choice(list("ugrizy"), n),
        "is_magnitude": True,
        "period": 0.5,
    }
    return Panel(**(given | changes))


@pytest.mark.parametrize("n", [0, 1, 4, 9])
def test_any_number_of_panels_makes_a_png(tmp_path, n):
    pytest.importorskip("matplotlib")
    draw_panels([panel()] * n, tmp_path / "figure.png", title="Found")
    assert (tmp_path / "figure.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_epochs_without_a_value_are_left_out(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    drawn = []

    def record(time, value, error, band, **options):
        drawn.append((time, value, options))

    monkeypatch.setattr("skyseries.plot.demo.plot_lightcurve", record)
    value = np.array([18.0, np.nan, 19.0])
    short = panel(
        time=np.array([1.0, 2.0, 3.25]), value=value, error=np.ones(3), band=np.array(list("ggr"))
    )
    draw_panels([short], tmp_path / "figure.png", title="Found")
    _, value, options = drawn[0]
    assert value.tolist() == [18.0, 19.0]
    assert options["phase"].tolist() == [0.0, 0.5]
    assert options["is_magnitude"]


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"skyseries\[plot\]"):
        draw_panels([panel()], tmp_path / "figure.png", title="Found")
