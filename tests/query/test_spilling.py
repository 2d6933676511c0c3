"""Groups that wait in files are those that are merged in memory."""

from __future__ import annotations

import pytest

import skyseries as sky
from skyseries.query import steps
from tests.query.world import Make, build


@pytest.fixture(autouse=True)
def _small_units(tune):
    tune(unit_rows=30, least_unit_rows=10)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return build(tmp_path_factory.mktemp("spilling"), Make(n=300, max_rows=20)).catalog


STATEMENTS = [
    "SELECT kind, COUNT(*) AS n, MIN(nObs), MAX(name), AVG(gMag) FROM survey GROUP BY kind",
    "SELECT objectId, SUM(nObs) AS n FROM survey GROUP BY objectId ORDER BY n DESC, objectId",
    "SELECT gMag, COUNT(DISTINCT kind) FROM survey GROUP BY gMag HAVING COUNT(*) > 0 ORDER BY gMag",
    "SELECT kind, STDDEV(rMag), MEDIAN(rMag), VARIANCE(ra) FROM survey GROUP BY kind",
    "SELECT band, COUNT(*), AVG(flux) FROM survey.lc GROUP BY band",
    "SELECT objectId, band, MAX(mjd) - MIN(mjd) FROM survey.lc GROUP BY objectId, band",
    "SELECT DISTINCT kind, good FROM survey ORDER BY kind",
    "SELECT DISTINCT COUNT(*) AS n FROM survey.lc GROUP BY objectId ORDER BY n DESC",
    "SELECT TOP 3 kind, COUNT(*) FROM survey WHERE nObs > 3 GROUP BY kind",
    "SELECT COUNT(*), AVG(gMag) FROM survey",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_groups_in_files_are_those_in_memory(catalog, statement, monkeypatch):
    def answer():
        result = sky.sql(statement, {"survey": catalog}, dialect="python")
        return [tuple(row.values()) for row in result.to_arrow().to_pylist()]

    in_memory = answer()
    monkeypatch.setattr(steps, "_OF_MEMORY", 1 << 60)  # so that no part fits
    asked = []
    database = sky.query.spilling.Database
    monkeypatch.setattr(sky.query.spilling, "Database", lambda: asked.append(1) or database())
    in_files = answer()
    assert len(in_files) == len(in_memory) > 0
    for mine, other in zip(in_files, in_memory, strict=True):
        for one, two in zip(mine, other, strict=True):
            numbers = isinstance(one, float) and isinstance(two, float)
            assert one == (pytest.approx(two, rel=1e-12, nan_ok=True) if numbers else two)
    assert asked
