"""Features of the user's own in a catalog: on any engine, from any program."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest

import skyseries as sky
from skyseries.timeseries import light_curve_features
from tests.conftest import Engines

PROGRAM = """
import numba
import skyseries as sky
from skyseries.config import tuned
from skyseries.timeseries import feature

@feature(unit="count")
def myCount(t, flux, flux_err, band):
    return t.size

@feature(name=("first", "last"), unit="value")
@numba.njit
def ends(t, flux, flux_err, band):
    return flux[0], flux[-1]

catalog = sky.open_catalog({path!r}).features(["myCount", "first", "last", "nObs"])
table = catalog.select(["id", "myCount", "first", "last", "nObs"])
with sky.executor("serial"):
    expected = table.to_arrow()
for row in expected.to_pylist():
    assert (row["myCount"] or 0) == row["nObs"]
with sky.executor({engine!r}, workers=2), tuned(least_unit_rows=100):
    assert table.to_arrow().equals(expected)
print("same")
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_features_of_a_program_reach_the_workers(engine: str, survey: Any) -> None:
    if engine == "dask":
        pytest.importorskip("distributed")
    code = textwrap.dedent(PROGRAM).format(path=str(survey.path), engine=engine)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "same\n", done.stderr


def test_the_package_in_a_catalog(catalog: sky.Catalog, engines: Engines) -> None:
    lc = pytest.importorskip("light_curve")
    features = light_curve_features(lc.Extractor(lc.Eta(), lc.LinearFit()), scope="all")
    plan = catalog.features(features).select(["id", "lc_eta"])
    with sky.executor("serial"):
        expected = plan.to_arrow()
    assert expected["lc_eta"].null_count < len(expected)
    with sky.executor(engines("processes")):
        assert plan.to_arrow().equals(expected)
