"""Statements of Rubin's tutorials, and of its slides, on simulated releases."""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.photometry import njy_to_mag
from skyseries.spatial.sphere import separation_arcsec
from skyseries.timeseries.simulate.rubin import NESTED
from tests.query.compare import missing, same
from tests.rubin.beside import beside
from tests.rubin.flat import database, flat_tables
from tests.rubin.once import N_OBJECTS, SEED
from tests.rubin.tutorials import about_tables, queries, tutorials, why_not

RELEASES = ("dp02_dc2_catalogs", "dp1", "dp2")


@pytest.fixture(scope="module", params=RELEASES)
def release(request, rubin):
    """Return the name of a release, what `sky.sql` is given, and all tables as flat ones."""
    from skyseries.timeseries.simulate.rubin import simulate_release

    flat = flat_tables(simulate_release(request.param, n_objects=N_OBJECTS, seed=SEED))
    more = beside(request.param, flat)
    files = rubin(request.param)
    opened = {name: sky.open_catalog(path) for name, path in files.catalogs.items()}
    return request.param, opened | files.tables | more, flat | more


@pytest.mark.data
def test_tutorials_answer_as_duckdb_does(release, shared_data):
    name, catalogs, tables = release
    db = database(name, tables)
    asked = list(tutorials(shared_data, name, tables))
    for tutorial in asked:
        result = sky.sql(tutorial.text, catalogs)
        wanted = db.execute(tutorial.duckdb).fetchall()
        assert wanted, tutorial.text
        rows = [tuple(row.values()) for row in result.to_arrow().to_pylist()]
        _compare(rows, wanted, tutorial.text, db, tutorial.duckdb)
    assert sum(" JOIN " in tutorial.text for tutorial in asked) >= 5


@pytest.mark.data
def test_tutorials_that_ask_what_tables_there_are(release, shared_data):
    name, catalogs, tables = release
    asked = about_tables(shared_data, name)
    for text in asked:
        rows = sky.sql(text, catalogs).to_arrow().to_pylist()
        table = re.search(rf"'{name}\.(\w+)'", text)
        if table is None:
            found = {row["table_name"] for row in rows if row["schema_name"] == name}
            wanted = {n if "." in n else f"{name}.{n}" for n in tables}
            assert found == {n for n in wanted if "UPLOAD" not in n}
            continue
        of = tables.get(table[1], tables.get(f"{name}.{table[1]}"))
        names = {row["column_name"].strip('"') for row in rows}
        curves = {name.partition(".")[0] for name in names if "." in name}
        wanted = {*NESTED.get(table[1], {}), *of.column_names} if of else set()
        assert {name for name in names if "." not in name} | curves == wanted, text
    assert asked


@pytest.mark.data
def test_each_tutorial_is_asked_or_it_is_said_why_not(shared_data):
    reasons = Counter(map(why_not, queries(shared_data)))
    print(*(f"{n:4} {said or 'asked'}" for said, n in reasons.items()), sep="\n")  # noqa: T201
    assert reasons[None] == 152
    assert reasons.total() == 177


def _compare(found, wanted, text, db, duckdb):
    """Compare rows; where TOP leaves open which, they must be among all."""
    assert len(found) == len(wanted), text
    found, wanted = sorted(found, key=_rank), sorted(wanted, key=_rank)
    if _all_same(found, wanted):
        return
    assert " LIMIT " in duckdb, text
    everything = db.execute(duckdb.rpartition(" LIMIT ")[0]).fetchall()
    known = {tuple(map(_rough, row)) for row in everything}
    assert {tuple(map(_rough, row)) for row in found} <= known, text


def _all_same(found, wanted):
    return all(all(map(same, one, two)) for one, two in zip(found, wanted, strict=True))


def _rough(value):
    return f"{value:.9g}" if isinstance(value, float) else value


def _rank(row):
    return [(1, "", 0) if missing(v) else (0, str(type(v)), v) for v in row]


VARIABILITY = """
SELECT diaObjectId, ra, decl, gTOTFluxMean, gTOTFluxSigma, gPSFluxStetsonJ, gPSFluxNdata
FROM dp02_dc2_catalogs.DiaObject
WHERE CONTAINS(POINT('ICRS', ra, decl), CIRCLE('ICRS', 62.0, -37.0, 5)) = 1
  AND gTOTFluxSigma / gTOTFluxMean > 0.25
  AND gTOTFluxSigma / gTOTFluxMean < 1.25
  AND scisql_nanojanskyToAbMag(gTOTFluxMean) > 18
  AND scisql_nanojanskyToAbMag(gTOTFluxMean) < 23
  AND gPSFluxNdata > 30
  AND gPSFluxStetsonJ > 20
ORDER BY diaObjectId
"""
"""The slides' search for variable stars, with its seven criteria."""


def test_the_search_for_variable_stars_finds_all_and_only_these(rubin):
    from skyseries.timeseries.simulate.rubin import simulate_release

    name = "dp02_dc2_catalogs"
    found = sky.sql(VARIABILITY, {name: rubin(name).path}).to_arrow()
    table = simulate_release(name, n_objects=N_OBJECTS, seed=SEED).tables["DiaObject"]
    wanted = []
    for row in table.select(
        ["diaObjectId", "ra", "decl", "gTOTFluxMean", "gTOTFluxSigma", "gPSFluxNdata",
         "gPSFluxStetsonJ"]
    ).to_pylist():  # fmt: skip
        mean, sigma = row["gTOTFluxMean"], row["gTOTFluxSigma"]
        count, stetson = row["gPSFluxNdata"], row["gPSFluxStetsonJ"]
        if None in (mean, sigma, count, stetson) or not mean > 0:
            continue
        mag = 31.4 - 2.5 * math.log10(mean)
        near = separation_arcsec(row["ra"], row["decl"], 62.0, -37.0) <= 5 * 3600
        amplitude = 0.25 < sigma / mean < 1.25
        if near and amplitude and 18 < mag < 23 and count > 30 and stetson > 20:
            wanted.append(row["diaObjectId"])
    assert found["diaObjectId"].to_pylist() == sorted(wanted)
    assert 0 < len(wanted) < table.num_rows / 2


def test_detections_of_one_object_and_its_forced_photometry(rubin):
    name = "dp02_dc2_catalogs"
    catalogs = {name: rubin(name).path}
    text = """
        SELECT diaObjectId, diaSourceId, filterName, midPointTai, psFlux, psFluxErr, apFlux,
               apFluxErr, snr, ccdVisitId, ra, decl
        FROM dp02_dc2_catalogs.DiaSource WHERE (diaObjectId = 1736269597746659594)
    """
    found = sky.sql(text, catalogs).to_arrow()
    assert found.num_rows == 74
    assert set(found["diaObjectId"].to_pylist()) == {1736269597746659594}
    assert sum(scan.partitions for scan in sky.sql(text, catalogs).explain().scans) == 1
    text = (
        "SELECT scisql_nanojanskyToAbMag(psfFlux) AS mag, psfFlux FROM "
        "dp02_dc2_catalogs.ForcedSource WHERE objectId = 1651589610221899038"
    )
    forced = sky.sql(text, catalogs).to_arrow()
    flux = forced["psfFlux"].to_numpy()
    bright = flux > 0
    mag = forced["mag"].to_numpy()
    assert np.allclose(mag[bright], njy_to_mag(flux[bright])[0], atol=1e-6)
    assert not np.isfinite(mag[~bright]).any()


def test_epochs_are_found_by_their_own_positions(rubin):
    """Some detections are filed under the neighbour of the object that they are near to."""
    files = rubin("dp1")
    flat = pq.read_table(files.truth)
    assert flat.num_rows
    catalogs = {"dp1": files.path}
    sources = sky.sql("SELECT diaSourceId, diaObjectId, ra, dec FROM dp1.DiaSource", catalogs)
    table = sources.to_arrow()
    at = table.slice(table.num_rows // 2, 1).to_pylist()[0]
    text = (
        "SELECT diaSourceId FROM dp1.DiaSource WHERE "  # noqa: S608
        f"DISTANCE(ra, dec, {at['ra']!r}, {at['dec']!r}) < 5.0 / 3600"
    )
    near = (
        separation_arcsec(table["ra"].to_numpy(), table["dec"].to_numpy(), at["ra"], at["dec"]) < 5
    )
    wanted = sorted(pc.filter(table["diaSourceId"], near).to_pylist())
    assert sorted(sky.sql(text, catalogs).to_arrow()["diaSourceId"].to_pylist()) == wanted


def test_what_a_release_says_of_itself_can_be_asked(rubin):
    catalogs = {"dp1": rubin("dp1").path}
    tables = sky.sql("SELECT table_name, description FROM tap_schema.tables", catalogs).to_arrow()
    names = set(tables["table_name"].to_pylist())
    assert {"dp1.Object", "dp1.ForcedSource", "dp1.DiaSource", "dp1.Visit", "dp1.SSObject"} <= names
    columns = sky.sql(
        "SELECT column_name, unit, ucd FROM tap_schema.columns "
        "WHERE table_name = 'dp1.ForcedSource' AND column_name = 'psfFlux'",
        catalogs,
    ).to_arrow()
    assert columns["unit"].to_pylist() == ["nJy"]
    keys = sky.sql(
        "SELECT from_table, target_table FROM tap_schema.keys WHERE from_table = 'dp1.DiaSource'",
        catalogs,
    ).to_arrow()
    assert "dp1.DiaObject" in keys["target_table"].to_pylist()
