"""One plan, any engine, the same rows: on Dask and Spark as on threads."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

import skyseries as sky

pytestmark = pytest.mark.slow

STATEMENT = """
    SELECT a.id, COUNT(e.mjd) AS n, MAX(b.mag) AS mag
    FROM c AS a JOIN other AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.5
    LEFT JOIN c.lightcurve AS e ON e.id = a.id AND e.band = 'r'
    WHERE a.dec > 0 AND b.id IN (SELECT id FROM other WHERE mag < 20)
    GROUP BY a.id ORDER BY a.id"""

PLANS: dict[str, Callable[[sky.Catalog, sky.Catalog], object]] = {
    "query": lambda c, _: c.query("mag < 20 AND lightcurve.band = 'r'").to_arrow(),
    "assign": lambda c, _: c.assign(n="COUNT(lightcurve.mjd)").select(["id", "n"]).to_arrow(),
    "crossmatch": lambda c, other: c.crossmatch(
        other, 3600.0, n_neighbors=None, suffixes=("", "_2")
    ).to_arrow(),
    "table": lambda c, other: c.crossmatch(
        other.select(["id", "ra", "dec"]).to_arrow(), 3600.0, suffixes=("", "_2")
    ).to_arrow(),
    "features": lambda c, _: c.features().to_arrow(),
    "cleaned": lambda c, _: c.clean_lightcurves(
        trend=1, clip=2, nightly=True, counts=True
    ).to_arrow(),
    "two surveys": lambda c, other: (
        c.crossmatch(other, 1, suffixes=("", "_2"))
        .periods(column=["lightcurve", "lightcurve_2"], min_period=5.0)
        .to_arrow()
    ),
    "aggregate": lambda c, _: c.group_by("ROUND(mag) AS bin").aggregate(n="COUNT(*)"),
    "map": lambda c, _: c.map_lightcurves(lambda t, f, e, b: float(len(t)), names=["n"]).to_arrow(),
    "count": lambda c, _: len(c.query("dec > 0")),
    "statement": lambda c, other: sky.sql(STATEMENT, {"c": c, "other": other}).to_arrow(),
    "ids": lambda c, _: c.id_search(c.head(3)["id"].tolist()).to_arrow(),
}


@pytest.fixture
def clusters(engines):
    """Return the engines of clusters, or skip."""
    pytest.importorskip("dask")
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    return {name: engines(name) for name in ("dask", "spark")}


@pytest.fixture(autouse=True)
def _several_units(tune):
    tune(least_unit_rows=100)


@pytest.mark.parametrize("name", PLANS)
def test_the_same_rows(clusters, survey, name):
    catalog, other = sky.open_catalog(survey.path), sky.open_catalog(survey.path)
    plan = PLANS[name]
    with sky.executor("threads", workers=2):
        expected = plan(catalog, other)
    for engine in clusters.values():
        with sky.executor(engine):
            found = plan(catalog, other)
        assert found == expected if isinstance(expected, int) else found.equals(expected)


def test_written_by_workers(clusters, survey, tmp_path):
    catalog = sky.open_catalog(survey.path).query("mag < 20")
    expected = catalog.to_arrow()
    for name, engine in clusters.items():
        with sky.executor(engine):
            written = catalog.write_catalog(tmp_path / name)
        assert written.rows == expected.num_rows
        assert sky.open_catalog(tmp_path / name).to_arrow().equals(expected)
        assert sky.validate_catalog(tmp_path / name).ok
