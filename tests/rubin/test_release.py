"""Simulated releases of Rubin: keys, ids, what is planted, and the queries of Rubin's tutorials."""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from skyseries.errors import InputError
from skyseries.schema import column_meta, rubin
from skyseries.spatial.sphere import separation_arcsec
from skyseries.timeseries.simulate.rubin import NESTED, simulate_release, table_infos
from skyseries.timeseries.simulate.rubin.detections import SAID_DIA_SOURCES, STRAYED
from skyseries.timeseries.simulate.rubin.population import PAIR_ARCSEC
from skyseries.timeseries.simulate.rubin.settings import SETTINGS
from skyseries.timeseries.simulate.rubin.tables import time_of
from tests.rubin.flat import database, flat_tables
from tests.rubin.once import N_OBJECTS, SEED
from tests.rubin.tutorials import tutorials

EXACT = 2**53


@functools.cache
def survey(release):
    return simulate_release(release, n_objects=N_OBJECTS, seed=SEED)


@functools.cache
def flat(release):
    return flat_tables(survey(release))


def stored(table):
    """Return a table as bytes, in which one NaN is as another."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


releases = pytest.mark.parametrize("release", rubin.RELEASES)


@releases
def test_tables_have_the_types_of_the_release(release):
    schema = rubin.release(release)
    for name, table in flat(release).items():
        for column in table.schema:
            of = schema.table(name)
            if name.startswith("Forced") and column.name == time_of(schema).name:
                assert column.name not in of.columns  # what Rubin leaves to the table of visits
                of = schema.table("DiaSource")
            said = of.column(column.name).field
            assert column.type == said.type, (name, column.name)
    for name, table in survey(release).tables.items():
        for column in table.drop_columns(list(NESTED.get(name, {}))).schema:
            assert column_meta(column) == schema.table(name).column(column.name).meta
        for nested, epochs in NESTED.get(name, {}).items():
            for field in table.schema.field(nested).type:
                if field.name in schema.table(epochs).columns:
                    said = schema.table(epochs).column(field.name).meta
                    assert column_meta(field) == said


@releases
def test_keys_hold(release):
    tables, schema = flat(release), rubin.release(release)
    for name, table in tables.items():
        info = schema.table(name).info
        if set(info.key) <= set(table.column_names):
            assert table.group_by(list(info.key)).aggregate([]).num_rows == table.num_rows, name
        for key in info.keys:
            if key.table in tables and set(key.columns) <= set(table.column_names):
                here = table.select(list(key.columns)).rename_columns(list(key.to))
                if key.columns == ("ssObjectId",):
                    here = here.filter(pc.field("ssObjectId") != 0)
                there = tables[key.table].select(list(key.to))
                here = here.cast(there.schema)
                assert here.join(there, list(key.to), join_type="left anti").num_rows == 0, key


@releases
def test_ids_are_beyond_what_a_double_holds(release):
    for name, column in (
        ("Object", "objectId"), ("DiaObject", "diaObjectId"), ("Source", "sourceId"),
        ("DiaSource", "diaSourceId"),
    ):  # fmt: skip
        ids = flat(release)[name][column]
        assert ids.type == pa.int64()
        assert pc.min(ids).as_py() > EXACT


def test_the_same_seed_gives_the_same_tables():
    again, other = (simulate_release("dp1", n_objects=N_OBJECTS, seed=SEED + i) for i in (0, 1))
    for name, table in survey("dp1").tables.items():
        assert stored(again.tables[name]) == stored(table)
    assert stored(again.truth) == stored(survey("dp1").truth)
    assert stored(other.tables["Object"]) != stored(survey("dp1").tables["Object"])


@releases
def test_what_is_planted_is_there(release):
    setting, tables = SETTINGS[release], flat(release)
    sources = tables["DiaSource"].filter(pc.field("diaObjectId") == setting.dia_object_id)
    dia = tables["DiaObject"].filter(pc.field("diaObjectId") == setting.dia_object_id)
    assert sources.num_rows == dia["nDiaSources"][0].as_py() == SAID_DIA_SOURCES == 74
    forced = tables["ForcedSource"].filter(pc.field("objectId") == setting.object_id)
    assert forced.num_rows > 100
    flux = tables["ForcedSource"]["psfFlux"]
    assert pc.sum(pc.is_nan(flux)).as_py() > 10
    assert pc.sum(pc.less(flux, 0)).as_py() > 10
    bad = tables["ForcedSource"]["pixelFlags_bad"]
    assert bad.null_count > 5
    assert 0.005 < pc.mean(bad).as_py() < 0.02
    objects = tables["Object"]
    assert objects["u_psfFlux"].null_count > 3
    assert objects["u_cModelFlux"].null_count == objects["u_psfFlux"].null_count
    parts = objects.filter(pc.field("parentObjectId") == setting.blend_id)
    assert parts.num_rows == 23


def test_a_known_period_is_in_the_light_curve():
    truth = survey("dp1").truth
    row = truth["objectId"].index(SETTINGS["dp1"].object_id).as_py()
    period = truth["period"][row].as_py()
    epochs = flat("dp1")["ForcedSource"]
    mine = epochs.filter(
        (pc.field("objectId") == SETTINGS["dp1"].object_id) & (pc.field("band") == "r")
    )
    time, flux = (mine[name].to_numpy() for name in ("midpointMjdTai", "psfFlux"))
    folded = np.argsort(np.mod(time / period, 1.0))
    steps = [np.nanmean(np.abs(np.diff(flux[order]))) for order in (folded, np.argsort(time))]
    assert steps[0] < 0.5 * steps[1]


@releases
def test_statistics_of_dia_objects_are_those_of_their_sources(release):
    tables, info = flat(release), rubin.release(release).table("DiaSource").info
    flux, band = info.roles["flux"], info.roles["band"]
    prefix = "r_psfFlux" if release != "dp02_dc2_catalogs" else "rPSFlux"
    compared = 0
    for dia in tables["DiaObject"].to_pylist()[::9]:
        mine = tables["DiaSource"].filter(
            (pc.field("diaObjectId") == dia["diaObjectId"]) & (pc.field(band) == "r")
        )
        f, e = (np.asarray(mine[name], float) for name in (flux, info.roles["error"]))
        assert dia[f"{prefix}Ndata"] == f.size
        if f.size < 3:
            continue
        compared += 1
        wanted = {"Mean": np.average(f, weights=e**-2.0), "Sigma": np.std(f, ddof=1),
                  "Min": f.min(), "Max": f.max(), "MAD": np.median(np.abs(f - np.median(f))),
                  "Percentile25": np.percentile(f, 25), "ErrMean": e.mean()}  # fmt: skip
        for name, value in wanted.items():
            if f"{prefix}{name}" in dia:
                assert dia[f"{prefix}{name}"] == pytest.approx(value, rel=1e-4, abs=1e-4)
    assert compared > 4


@releases
def test_epochs_that_are_filed_under_a_neighbour(release):
    truth, dia_sources = survey(release).truth.to_pylist(), flat(release)["DiaSource"]
    dec_name = rubin.release(release).table("DiaSource").info.roles["dec"]
    dia = {row["diaObjectId"]: row for row in flat(release)["DiaObject"].to_pylist()}
    strayed = 0
    souths = [row for row in truth if row["kind"] == "pair south" and row["diaObjectId"]]
    for south in souths:
        there = dia[south["diaObjectId"]]
        mine = dia_sources.filter(pc.field("diaObjectId") == south["diaObjectId"])
        away = separation_arcsec(
            mine["ra"].to_numpy(), mine[dec_name].to_numpy(), there["ra"], there[dec_name]
        )
        assert np.all((away < 0.5) | (np.abs(away - PAIR_ARCSEC) < 0.5))
        strayed += np.count_nonzero(away > 1.0)
    assert souths
    assert strayed == STRAYED * len(souths)


def test_the_variability_search_of_rubin_s_talks():
    """Each criterion rejects something; each but one also what all the others let through."""
    db = database("dp02_dc2_catalogs", flat("dp02_dc2_catalogs"))
    criteria = [
        "gTOTFluxSigma / gTOTFluxMean > 0.25", "gTOTFluxSigma / gTOTFluxMean < 1.25",
        "scisql_nanojanskyToAbMag(gTOTFluxMean) > 18", "gPSFluxNdata > 30",
        "gPSFluxStetsonJ > 20",
        "m_contains(m_point('ICRS', ra, decl), m_circle('ICRS', 62.0, -37.0, 5)) = 1",
        "scisql_nanojanskyToAbMag(gTOTFluxMean) < 23",
    ]  # fmt: skip
    table = db.sql("select * from dp02_dc2_catalogs.DiaObject")
    assert len(table.filter(" and ".join(criteria)).fetchall()) > 5
    for i, criterion in enumerate(criteria):
        assert table.filter(f"not ({criterion})").fetchall()
        if i < 6:
            others = " and ".join(c for c in criteria if c != criterion)
            assert table.filter(f"{others} and not ({criterion})").fetchall(), criterion


@pytest.mark.data
@releases
def test_queries_of_rubin_s_tutorials_find_something(release, shared_data):
    db = database(release, flat(release))
    asked = list(tutorials(shared_data, release, flat(release)))
    assert len(asked) > 20
    for query in asked:
        assert db.execute(query.duckdb).fetchone(), query.text


@releases
def test_tables_of_epochs_have_what_the_release_says_of_the_object(release):
    for name in NESTED:
        infos = table_infos(release, name)
        assert infos[name].nested == ""
        for column, epochs in NESTED[name].items():
            info = infos[epochs]
            assert info.nested == column
            assert {*info.roles.values(), *info.key} <= set(flat(release)[epochs].column_names)


def test_what_is_wrong_is_named():
    with pytest.raises(InputError, match="no data release 'dp4'; did you mean"):
        simulate_release("dp4", seed=1)
    with pytest.raises(InputError, match="n_objects"):
        simulate_release("dp1", n_objects=-1, seed=1)
