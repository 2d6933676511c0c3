"""Rubin's queries through pyvo: the same rows as `skyseries.sql` gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
import pyvo

import skyseries as sky
from tests.query.compare import assert_same_rows
from tests.query.test_rubin import VARIABILITY
from tests.query.test_slides import JOINED, LIGHT_CURVE, NESTED, VARIABLE
from tests.rubin.flat import flat_tables
from tests.rubin.once import N_OBJECTS, SEED
from tests.rubin.tutorials import tutorials
from tests.server.world import RELEASE

OBJECT = 1651589610221899038
SLIDES = [
    LIGHT_CURVE,
    VARIABILITY,
    JOINED.format(VARIABLE.replace("ra, decl", "d.ra, d.decl")),
    NESTED.format(VARIABLE),
    f"""
    SELECT diaObjectId, diaSourceId, filterName, midPointTai, psFlux, psFluxErr, apFlux, apFluxErr,
           snr, ccdVisitId, ra, decl
    FROM {RELEASE}.DiaSource WHERE diaObjectId = (SELECT MIN(diaObjectId) FROM {RELEASE}.DiaObject)
    """,
]  # fmt: skip
CONE = "CONTAINS(POINT('ICRS', {0}, {1}), CIRCLE('ICRS', 62.0, -37.0, 0.1)) = 1"
POLYGON = (
    "CONTAINS(POINT('ICRS', {0}, {1}), POLYGON('ICRS', 61.9, -37.1, 62.1, -37.1, 62, -36.9)) = 1"
)
MONITORING = [
    f"SELECT 'x1', 'cone', * FROM {RELEASE}.Object WHERE {CONE.format('coord_ra', 'coord_dec')}",
    f"SELECT 'x2', 'cone', * FROM {RELEASE}.DiaSource WHERE {CONE.format('ra', 'decl')}",
    f"SELECT 'x3', 'area', * FROM {RELEASE}.Object WHERE {POLYGON.format('coord_ra', 'coord_dec')}",
    f"SELECT 'x4', 'area', * FROM {RELEASE}.DiaObject WHERE {POLYGON.format('ra', 'decl')}",
    f"SELECT 'x5', 'one', * FROM {RELEASE}.Object WHERE objectId = {OBJECT}",
    f"SELECT 'x6', 'many', * FROM {RELEASE}.Object WHERE objectId IN ({OBJECT}, 7, {OBJECT})",
    f"SELECT 'x7', 'epochs', * FROM {RELEASE}.Object AS o JOIN {RELEASE}.ForcedSource AS fs "
    f"ON o.objectId = fs.objectId WHERE o.objectId = {OBJECT} AND fs.band = 'u'",
    f"SELECT 'x8', 'epochs', fs.* FROM {RELEASE}.Object AS o JOIN {RELEASE}.ForcedSource AS fs "
    f"ON o.objectId = fs.objectId WHERE o.objectId IN ({OBJECT}, 7)",
    f"SELECT 'x9', 'pairs', a.objectId AS id1, b.objectId AS id2, "
    "DISTANCE(POINT('ICRS', a.coord_ra, a.coord_dec), POINT('ICRS', b.coord_ra, b.coord_dec)) AS d "
    f"FROM {RELEASE}.Object a, {RELEASE}.Object b WHERE {CONE.format('a.coord_ra', 'a.coord_dec')} "
    "AND DISTANCE(POINT('ICRS', a.coord_ra, a.coord_dec), "
    "POINT('ICRS', b.coord_ra, b.coord_dec)) < 0.05 AND a.objectId <> b.objectId",
    f"SELECT 'x10', 'bins', COUNT(*), FLOOR(-2.5 * LOG10(psfFlux) + 31.4) AS m "
    f"FROM {RELEASE}.ForcedSource WHERE psfFlux > 0.0 GROUP BY m ORDER BY m",
    f"SELECT 'x11', 'bins', COUNT(*), FLOOR(-2.5 * LOG10(r_cModelFlux) + 31.4) AS m "
    f"FROM {RELEASE}.Object WHERE refExtendedness = 0 AND r_cModelFlux > 0.0 "
    "GROUP BY m ORDER BY m",
    f"SELECT 'x12', 'scan', objectId, coord_ra, coord_dec, psfFlux FROM {RELEASE}.ForcedSource "
    "WHERE psfFlux BETWEEN 100 AND 120",
    f"SELECT 'x13', 'scan', objectId, refExtendedness, r_cModelFlux FROM {RELEASE}.Object "
    "WHERE refExtendedness = 0 AND r_cModelFlux BETWEEN 100 AND 50000",
    f"SELECT TOP 12 'x14', 'first', objectId, coord_ra, r_cModelFlux, r_cModelFluxErr "
    f"FROM {RELEASE}.Object WHERE refExtendedness = 0 AND r_cModelFlux < 9e5 "
    "ORDER by r_cModelFlux DESC",
]  # fmt: skip
"""As the service of the observatory is watched with, in our words."""


@pytest.fixture(scope="module")
def service(archive):
    return pyvo.dal.TAPService(archive.tap)


def assert_answered(archive, service, query, run=None):
    """Compare the rows that pyvo has with those of the library."""
    wanted = sky.sql(query, archive.catalogs).to_arrow().flatten()  # light curves too
    found = (run or service.search)(query).to_table()
    assert len(found) == wanted.num_rows > 0, query
    assert [name.lower() for name in found.colnames] == [n.lower() for n in wanted.column_names]
    assert_same_rows(Lists(found), Lists(wanted))


class Lists:
    """A table of astropy or Arrow as lists of plain values: NULL and NaN are one."""

    def __init__(self, table):
        names = getattr(table, "column_names", None) or table.colnames
        self.columns = [Column(table[name]) for name in names]

    def __len__(self):
        return len(self.columns[0].values)


class Column:
    def __init__(self, column):
        values = column.to_pylist() if hasattr(column, "to_pylist") else column.tolist()
        self.values = [plain(value) for value in values]

    def to_pylist(self):
        return self.values


def plain(value):
    if value is np.ma.masked:
        return None
    if isinstance(value, list | np.ndarray):
        return tuple(map(plain, value))
    if isinstance(value, str) and value.startswith('["'):  # VOTables have no lists of texts
        return plain(json.loads(value))
    is_missing = value is None or value == "" or value != value
    return None if is_missing else value


@pytest.mark.parametrize("query", SLIDES, ids=range(len(SLIDES)))
@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_slides(archive, service, query, asynchronous):
    run = service.run_async if asynchronous else service.search
    assert_answered(archive, service, query, run)


@pytest.mark.parametrize("query", MONITORING, ids=range(len(MONITORING)))
def test_what_the_observatory_watches_its_service_with(archive, service, query):
    assert_answered(archive, service, query)


@pytest.mark.data
def test_tutorials(archive, service, shared_data):
    from skyseries.timeseries.simulate.rubin import simulate_release

    flat = flat_tables(simulate_release(RELEASE, n_objects=N_OBJECTS, seed=SEED))
    asked = [t.text for t in tutorials(shared_data, RELEASE, flat)]
    assert len(asked) >= 20
    for query in asked[::3]:
        if not query.startswith("SELECT TOP") or "ORDER BY" in query:
            assert_answered(archive, service, query)
