"""pyvo asks the service: all that it can do with TAP."""

from __future__ import annotations

import numpy as np
import pytest
import pyvo
from astropy.table import Table
from pyvo.dal import DALQueryError

from tests.server.world import IDS, UNSIGNED, N

ALL = "SELECT id, ra, dec FROM plain.Object ORDER BY id"


@pytest.fixture(scope="module")
def service(archive):
    return pyvo.dal.TAPService(archive.tap)


def test_search(service):
    table = service.search(ALL).to_table()
    assert table["id"].tolist() == sorted(IDS)
    query = "SELECT TOP 2 coord_ra FROM dp02_dc2_catalogs.Object"
    assert service.search(query).to_table()["coord_ra"].unit == "deg"


def test_maxrec(service):
    for run in (service.search, service.run_async):
        few, all_ = run(ALL, maxrec=7), run(ALL, maxrec=N)
        assert (len(few), few.query_status) == (7, "OVERFLOW")
        assert (len(all_), all_.query_status) == (N, "OK")


def test_run_async(service):
    assert service.run_async(ALL).to_table()["id"].tolist() == sorted(IDS)


def test_a_job_step_by_step(service):
    job = service.submit_job(ALL, runid="mine")
    assert job.phase == "PENDING"
    assert job.query == ALL
    job.execution_duration = 77
    assert job.execution_duration.sec == 77
    job.run()
    job.wait(timeout=300)
    assert job.phase == "COMPLETED"
    job.raise_if_error()
    assert job.result_uri == f"{job.url}/results/result"
    assert len(job.fetch_result()) == N
    assert job.job_id in [one.jobid for one in service.get_job_list(last=3)]
    url = job.url
    job.delete()
    assert service._session.get(url).status_code == 404


def test_a_job_is_aborted(service):
    job = service.submit_job(ALL)
    job.abort()
    assert job.phase == "ABORTED"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_tables_of_ones_own(service, asynchronous):
    mine = Table({
        "id": np.array([IDS[0], IDS[2], 5]), "x": np.array([1.5, np.nan, -2], "f4"),
        "name": ["été", "", "c"], "flag": [True, False, True], "v": np.arange(6.0).reshape(3, 2),
        "count": np.array([255, 0, 7], "u1"),
    })  # fmt: skip
    other = Table({"id": [5, 6]})
    run = service.run_async if asynchronous else service.search
    query = (
        "SELECT m.*, o.ra FROM TAP_UPLOAD.mine AS m JOIN plain.Object AS o ON o.id = m.id "
        "LEFT JOIN TAP_UPLOAD.other AS t ON t.id = m.id ORDER BY m.id"
    )
    found = run(query, uploads={"mine": mine, "other": other}).to_table()
    mine.sort("id")
    for name in ("id", "flag", "count"):
        assert found[name].tolist() == mine[name].tolist()
    assert [text or "" for text in found["name"].filled("").tolist()] == mine["name"].tolist()
    assert np.array_equal(np.ma.filled(found["x"], np.nan), mine["x"], equal_nan=True)
    assert np.array_equal(np.stack(list(found["v"])), mine["v"])


def test_unsigned_ids_come_back(service):
    query = "SELECT id, ra FROM unsigned.Object"
    table = service.search(query).to_table()
    assert sorted(map(int, table["id"])) == sorted(UNSIGNED)
    joined = "SELECT o.id FROM TAP_UPLOAD.t AS t JOIN unsigned.Object AS o ON o.id = t.id"
    assert len(service.search(joined, uploads={"t": table})) == N
    one = service.search(f"SELECT small FROM unsigned.Object WHERE id = '{table['id'][3]}'")
    assert len(one) == 1


def test_what_is_wrong_is_an_error_of_pyvo(service):
    for run in (service.search, service.run_async):
        with pytest.raises(DALQueryError, match="no column nope"):
            run("SELECT nope FROM plain.Object")


def test_tables_are_described(service):
    names = set(service.tables.keys())
    assert {"plain.Object", "nested.Object", "nested.ForcedSource", "odd.Object",
            "dp02_dc2_catalogs.ForcedSource", "tap_schema.columns"} <= {
                name.replace("TAP_SCHEMA", "tap_schema") for name in names}  # fmt: skip
    columns = {c.name: c for c in service.tables["dp02_dc2_catalogs.Object"].columns}
    assert columns["coord_ra"].unit == "deg"
    assert columns["coord_ra"].ucd.startswith("pos.eq.ra")
    odd = [c.name for c in service.tables["odd.Object"].columns]
    assert '"odd name"' in odd
    assert len(service.search(f"SELECT {', '.join(odd)} FROM odd.Object")) == N


def test_capabilities(service):
    assert service.available
    assert service.maxrec == 1_000_000
    assert service.hardlimit == 100_000_000
    methods = {method.ivo_id.rpartition("#")[2] for method in service.upload_methods}
    assert methods == {"upload-inline", "upload-http", "upload-https"}
    adql = service.get_tap_capability().get_adql()
    assert {"2.0", "2.1"} <= {version.content for version in adql.versions}
    for name in ("ivo_healpix_index", "scisql_nanojanskyToAbMag", "LC_PERIOD"):
        assert adql.get_udf(name).form.startswith(f"{name}(")


def test_examples_run(service):
    assert len(service.examples) >= 10
    for example in service.examples[:5]:
        assert len(example.execute()) > 0
