"""The examples of docs/functions.md, run and checked."""

from __future__ import annotations

import math

import numpy as np
import pytest

import skyseries as sky
import skyseries.timeseries.features.registry as registry
from skyseries.timeseries.simulate import simulate_survey
from tests.pipelines.survey import write_parts
from tests.test_docs import blocks


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return the names that the page's programs leave behind."""
    folder = tmp_path_factory.mktemp("page")
    kinds = ["rr_lyrae_c", "detached_binary", "contact_binary", "long_period", "microlensing",
             "supernova_ia"]  # fmt: skip
    none = {f"n_{kind}": 0 for kind in kinds}
    objects, sources, _ = simulate_survey(n_constant=12, n_rr_lyrae_ab=2, years=1, seed=1, **none)
    sky.import_catalog(
        write_parts(folder / "o", objects), folder / "survey", id="objectId",
        lightcurves=write_parts(folder / "s", sources), time="midpointMjdTai", flux="psfFlux",
        flux_err="psfFluxErr", band="band", executor="serial", progress=False,
    )  # fmt: skip
    program = "\n".join(blocks("docs/functions.md", "python")).replace('"survey"', "survey")
    names = {"survey": folder / "survey"}
    with pytest.MonkeyPatch.context() as patch:  # features of the page are not those of other tests
        patch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
        exec(program, names)  # noqa: S102 - our own page
        yield names


def test_every_example_has_an_answer(results):
    for name, columns in {
        "found": ["rise", "at", "n"],
        "red": ["red_std"],
        "span": ["span"],
        "colour": ["g_r"],
        "first": ["field", "first_times"],
        "others": [f"{band}_psfFlux_lc_linexp_fit_reduced_chi2" for band in "y"],
        "fragile": ["x", "_error"],
    }.items():
        catalog = results[name]
        assert catalog.columns[-len(columns) :] == columns
        assert catalog.to_arrow().num_rows == 14


def test_the_first_example_is_right(results):
    for row in results["found"].to_arrow().to_pylist():
        curve = row["lightcurve"]
        r = [f for f, b in zip(curve["psfFlux"], curve["band"], strict=True) if b == "r"]
        assert row["n"] == len(r)
        if r:
            assert math.isclose(
                row["rise"], np.float64(max(r) / np.median(np.float32(r))), rel_tol=1e-6
            )


def test_the_features_of_the_page(results):
    table = results["steps"].to_arrow()
    assert "r_psfFluxriseRate" in table.column_names
    assert "r_psfFluxfallRate" not in table.column_names
    for row in table.to_pylist():
        curve = row["lightcurve"]
        order = np.argsort(curve["midpointMjdTai"])
        flux = np.array(curve["psfFlux"], float)[order]
        assert math.isclose(row["largestStep"], np.abs(np.diff(flux)).max(), rel_tol=1e-6)


def test_the_partitions_of_the_page(results):
    bright = results["bright"].to_arrow()
    assert bright.equals(results["cat"].query("r_psfMag < 20").to_arrow())
