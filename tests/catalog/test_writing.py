"""Results written as catalogs: whole, valid for everybody, and with the rows that were computed."""

from __future__ import annotations

import weakref

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.catalog.write import writing
from skyseries.errors import ExecutionError, InputError, SchemaError, SkyseriesError
from skyseries.hats.build import leaves
from skyseries.hats.dataset import Dataset
from skyseries.hats.sizes import Limits
from skyseries.schema import column_meta
from skyseries.spatial.sphere import separation_arcsec
from tests.catalog.matching import imported, planted
from tests.pipelines.survey import (
    cells,
    check_index,
    check_valid,
    collection,
    primary,
    properties,
    read_rows,
    same,
    small_parts,
    write_parts,
)


@pytest.fixture(autouse=True)
def _small_files():
    with small_parts():
        yield


def filed(table: pa.Table) -> list[dict]:
    """Return rows as a catalog has them: along the sky; rows of one cell in their order."""
    return table.to_pylist()


def units(field: pa.Field) -> list:
    """Return the metadata of a column and of its fields."""
    inner = list(field.type) if pa.types.is_struct(field.type) else []
    return [column_meta(one) for one in (field, *inner)]


def check_written(path, expected: pa.Table, id: str | None = "id"):
    """Assert that a catalog is valid, opens, and holds rows in this order; return it open."""
    check_valid(path)
    written = sky.open_catalog(path)
    found = written.to_arrow()
    assert same(found.select(expected.column_names).to_pylist(), filed(expected))
    for field in expected.schema:
        as_written = found.schema.field(field.name)
        assert as_written.type == field.type, field.name
        assert units(as_written) == units(field), field.name
    rows = read_rows(primary(path))
    assert same([row["_healpix_29"] for row in rows], found["_healpix_29"].to_pylist())
    assert int(properties(primary(path))["hats_nrows"]) == len(written) == expected.num_rows
    if id is not None:
        check_index(path, rows, id)
    return written


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return imported(planted(3, 600.0), tmp_path_factory.mktemp("other"), max_rows=40,
                    margin_arcsec=None)  # fmt: skip


PLANS = {
    "all": lambda c, o: c,
    "filter": lambda c, o: c.query("mag < 20 AND lightcurve.band = 'r'"),
    "cone": lambda c, o: c.cone_search(0, 0, 300_000),
    "assign": lambda c, o: c.assign(
        {"twice": "mag * 2", "lightcurve.snr": "lightcurve.flux / lightcurve.flux_err"}
    ),
    "features": lambda c, o: c.features(["Mean", "Ndata"]),
    "fields": lambda c, o: c.select(["id", "ra", "dec", "lightcurve.mjd", "lightcurve.flux"]),
    "sliced": lambda c, o: c.slice_lightcurves(2),
    "cross-match": lambda c, o: c.crossmatch(o, 400_000, n_neighbors=2, suffixes=("", "_o")),
    "left": lambda c, o: c.crossmatch(o, 100_000, how="left", suffixes=("", "_o")),
    "nested": lambda c, o: c.crossmatch(o, 200_000, n_neighbors=None, nested="near"),
    "objects": lambda c, o: c.drop("lightcurve"),
}


@pytest.mark.parametrize("name", PLANS)
def test_what_is_written_is_what_is_computed(survey, catalog, other, tmp_path, name):
    plan = PLANS[name](catalog, other)
    expected = plan.to_arrow()
    assert expected.num_rows > 0
    done = plan.write_catalog(tmp_path / "w", margin_arcsec=3600)
    written = check_written(tmp_path / "w", expected)
    assert done.rows == expected.num_rows == done.index_rows
    assert (done.version, done.partitions) == ("v000001", len(written.partitions))
    if "lightcurve" in plan.columns:
        fields = written.lightcurve_fields("lightcurve")
        assert fields == plan.lightcurve_fields("lightcurve")
        assert (fields.time, fields.time_scale) == ("mjd", "tai")
    key = expected["id"][0].as_py()
    same_id = expected.filter(pa.array([i == key for i in expected["id"].to_pylist()]))
    found = written.id_search(key).to_arrow().select(expected.column_names)
    assert same(found.to_pylist(), same_id.to_pylist())
    if {"mjd", "flux"} <= {f.name for f in _inner(plan)}:
        curve = written.lightcurve(key, "lightcurve")
        assert curve.time.tolist() == same_id["lightcurve"][0].as_py()["mjd"]


def _inner(plan):
    return list(plan.schema.field("lightcurve").type) if "lightcurve" in plan.columns else []


def test_light_curves_are_written_in_the_order_of_time(survey, catalog, tmp_path):
    plan = catalog.sort_lightcurves("flux DESC").slice_lightcurves(2, 7)
    plan.write_catalog(tmp_path / "w")
    check_written(tmp_path / "w", plan.sort_lightcurves("mjd").to_arrow())


def test_roles_follow_the_fields_that_are_selected(survey, catalog, tmp_path):
    plan = catalog.rename({"lightcurve": "lc"}).select(["id", "lc.flux", "lc.mjd"])
    assert plan.lightcurve_fields().names() == ("mjd", "flux")
    plan.write_catalog(tmp_path / "w")
    written = sky.open_catalog(tmp_path / "w")
    assert written.lightcurve_fields() == plan.lightcurve_fields()
    alone = plan.select(["id", "lc.flux"])
    with pytest.raises(SchemaError, match="no field 'mjd'"):
        alone.lightcurve_fields()
    alone.write_catalog(tmp_path / "w2")
    expected = alone.to_arrow().to_pylist()
    assert same(
        sky.open_catalog(tmp_path / "w2").select(["id", "lc"]).to_arrow().to_pylist(), expected
    )


def test_the_index_is_used_afterwards(survey, catalog, tmp_path, monkeypatch):
    catalog.query("mag < 21").write_catalog(tmp_path / "w")
    written = sky.open_catalog(tmp_path / "w")
    seen = []
    real = Dataset.read_leaf
    monkeypatch.setattr(Dataset, "read_leaf", lambda *a: seen.append(a[1].path) or real(*a))
    key = written.select(["id"]).to_arrow()["id"].to_pylist()[50]
    seen.clear()
    assert written.id_search(key).to_arrow()["id"].to_pylist() == [key]
    assert len(set(seen)) == 1
    assert written.lightcurve(key).id == key


def test_positions_that_are_not_selected_are_added(survey, catalog, tmp_path):
    catalog.select(["mag", "id"]).write_catalog(tmp_path / "w")
    expected = catalog.select(["_healpix_29", "ra", "dec", "mag", "id"])
    table = expected.to_arrow().replace_schema_metadata(None)
    table = table.set_column(1, pa.field("ra", pa.float64(), metadata={"unit": "deg"}), table["ra"])
    degrees = pa.field("dec", pa.float64(), metadata={"unit": "deg"})
    written = check_written(tmp_path / "w", table.set_column(2, degrees, table["dec"]))
    assert written.columns == expected.columns
    assert column_meta(written.schema.field("ra")).unit == "deg"
    plan = catalog.rename({"ra": "alpha", "dec": "delta"}).select(["id"])
    plan.write_catalog(tmp_path / "w2")
    assert set(sky.open_catalog(tmp_path / "w2").columns) == {"_healpix_29", "ra", "dec", "id"}
    check_valid(tmp_path / "w2")


def test_renamed_positions_and_ids(survey, catalog, tmp_path):
    plan = catalog.rename({"ra": "alpha", "dec": "delta", "id": "number", "lightcurve": "lc"})
    plan.write_catalog(tmp_path / "w")
    written = check_written(tmp_path / "w", plan.to_arrow(), "number")
    assert (written.dataset.ra, written.dataset.dec) == ("alpha", "delta")
    key = survey.rows[3]["id"]
    assert written.id_search(key).to_arrow()["number"].to_pylist() == [key]
    assert len(written.cone_search(0, 0, 300_000)) == len(catalog.cone_search(0, 0, 300_000))
    assert written.lightcurve_fields() == catalog.lightcurve_fields()


def test_the_cells_are_always_those_of_the_positions(survey, catalog, tmp_path):
    catalog.assign(_healpix_29="_healpix_29 + 1").write_catalog(tmp_path / "w")
    written = check_written(tmp_path / "w", catalog.to_arrow())
    assert written.to_arrow()["_healpix_29"].to_pylist() == [
        row["_healpix_29"] for row in survey.rows
    ]
    with pytest.raises(InputError, match="does not say where the rows are"):
        catalog.assign(ra="ra + 1").write_catalog(tmp_path / "w2")
    assert not (tmp_path / "w2").exists()


# -- tables, unions, nothing --------------------------------------------------------------------


def test_a_table_in_memory(tmp_path):
    table = planted(5, 60.0)
    memory = sky.from_table(table)
    memory.write_catalog(tmp_path / "w", id="id", margin_arcsec=60)
    written = check_written(tmp_path / "w", memory.to_arrow())
    assert len(written.cone_search(0, 90, 3600)) == len(memory.cone_search(0, 90, 3600)) > 0
    memory.query("mag < 20")[["k"]].write_catalog(tmp_path / "w2")
    assert set(sky.open_catalog(tmp_path / "w2").columns) == {"_healpix_29", "ra", "dec", "k"}
    assert len(sky.open_catalog(tmp_path / "w2")) == len(memory.query("mag < 20"))
    none = sky.from_table({"id": [1, 2], "ra": [1.0, None], "dec": [1.0, 2.0]})
    with pytest.raises(SkyseriesError, match="1 rows have no position"):
        none.write_catalog(tmp_path / "w3")
    assert not (tmp_path / "w3").exists()
    assert none.query("ra IS NOT NULL").write_catalog(tmp_path / "w3").rows == 1
    check_valid(tmp_path / "w3")


def test_a_table_on_a_small_part_of_the_sky(other, tmp_path):
    table = pa.table({"id": [1, 2, 3], "ra": [10.0, 10.1, 200.0], "dec": [1.0, 1.0, -80.0]})
    memory = sky.from_table(table)
    memory.write_catalog(tmp_path / "w", id="id")
    check_written(tmp_path / "w", memory.to_arrow())
    pairs = memory.crossmatch(other, 180 * 3600, n_neighbors=4, suffixes=("", "_o"))
    pairs.write_catalog(tmp_path / "w2", id="id")
    written = check_written(tmp_path / "w2", pairs.to_arrow())
    assert len(written) == 12


def test_a_large_table_is_cut_into_partitions(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_LIMITS", Limits(max_rows=20))
    memory = sky.from_table(planted(6, 60.0))
    done = memory.write_catalog(tmp_path / "w", id="id")
    assert done.partitions > 20
    check_written(tmp_path / "w", memory.to_arrow())


def test_two_catalogs_as_one(survey, catalog, other, tmp_path):
    plan = catalog[["id", "ra", "dec", "mag"]].concat(
        other[["id", "ra", "dec", "mag"]].assign(mag="CAST(mag AS REAL)")
    )
    expected = plan.to_arrow()
    plan.write_catalog(tmp_path / "w", margin_arcsec=None)
    check_valid(tmp_path / "w")
    found = sky.open_catalog(tmp_path / "w").to_arrow().select(expected.column_names)
    key = [("id", "ascending")]
    assert found.sort_by(key).equals(expected.sort_by(key).cast(found.schema))
    assert found.num_rows == len(catalog) + len(other)


@pytest.mark.parametrize("plan", ["query", "cone", "ids", "memory"])
def test_nothing_is_a_catalog_too(survey, catalog, tmp_path, plan):
    empty = {
        "query": lambda: catalog.query("mag > 1000"),
        "cone": lambda: catalog.cone_search(10, 20, 0.001),
        "ids": lambda: catalog.id_search([5]),
        "memory": lambda: sky.from_table(survey.objects).query("mag > 1000"),
    }[plan]()
    done = empty.write_catalog(tmp_path / "w")
    assert done.rows == 0
    check_valid(tmp_path / "w")
    written = sky.open_catalog(tmp_path / "w")
    assert len(written) == len(written.to_arrow()) == len(written.cone_search(0, 0, 1)) == 0
    assert set(empty.columns) <= set(written.columns)
    assert len(written.crossmatch(catalog, 10)) == 0
    assert len(catalog.crossmatch(written, 10)) == 0


# -- members ------------------------------------------------------------------------------------


def test_margin(other, tmp_path):
    other.write_catalog(tmp_path / "w", margin_arcsec=1800)
    root = tmp_path / "w" / collection(tmp_path / "w")["default_margin"]
    margin = sky.open_catalog(root).to_arrow()
    assert float(properties(root)["hats_margin_threshold"]) == 1800
    ids = set(margin["id"].to_pylist())
    rows = other.to_arrow()
    home = dict(zip(rows["id"].to_pylist(), rows["_healpix_29"].to_pylist(), strict=True))
    ranges = [cell.range() for cell in other.partitions]

    def cell_of(hpx):
        return next(i for i, (a, b) in enumerate(ranges) if a <= hpx < b)

    cell = {key: cell_of(h) for key, h in home.items()}
    ra, dec, keys = np.asarray(rows["ra"]), np.asarray(rows["dec"]), rows["id"].to_pylist()
    for i, key in enumerate(keys):  # whoever is near a row of another partition is in the margin
        near = separation_arcsec(ra[i], dec[i], ra, dec) <= 1800
        if any(cell[keys[j]] != cell[key] for j in np.flatnonzero(near)):
            assert key in ids


def test_without_margin_and_index(catalog, tmp_path):
    done = catalog.write_catalog(tmp_path / "w", margin_arcsec=None, id_index=False)
    assert (done.margin_rows, done.index_rows) == (None, None)
    info = collection(tmp_path / "w")
    assert not info.get("all_margins")
    assert not info.get("all_indexes")
    check_valid(tmp_path / "w")


def test_hats_and_lsdb_agree(survey, catalog, other, tmp_path, lsdb):
    validation = pytest.importorskip("hats.io.validation")
    catalog.crossmatch(other, 400_000, suffixes=("", "_o")).write_catalog(tmp_path / "w")
    assert validation.is_valid_catalog(tmp_path / "w", strict=True)
    opened = lsdb.open_catalog(tmp_path / "w")
    found = opened.compute(progress_bar=False)
    written = sky.open_catalog(tmp_path / "w").to_arrow()
    assert found["id"].astype("int64").tolist() == written["id"].to_pylist()
    assert found["id_o"].astype("int64").tolist() == written["id_o"].to_pylist()
    assert found["_dist_arcsec"].tolist() == written["_dist_arcsec"].to_pylist()
    assert opened.margin is not None
    key = written["id"][7].as_py()
    assert len(opened.id_search({"id": key}).compute(progress_bar=False)) == 1


# -- versions and failures ----------------------------------------------------------------------


def test_the_next_version_while_the_old_one_is_read(survey, catalog, tmp_path):
    catalog.write_catalog(tmp_path / "w")
    old = sky.open_catalog(tmp_path / "w")
    reading = old.iter_tables()
    first = next(reading)
    with pytest.raises(InputError, match="overwrite=True"):
        catalog.write_catalog(tmp_path / "w")
    done = old.query("mag < 20").write_catalog(tmp_path / "w", overwrite=True)
    assert done.version == "v000002"
    rest = [row for table in reading for row in table.to_pylist()]
    assert same(first.to_pylist() + rest, survey.rows)
    assert same(old.to_arrow().to_pylist(), survey.rows)
    key = survey.rows[0]["id"]
    assert len(old.id_search(key)) == 1
    new = sky.open_catalog(tmp_path / "w")
    assert len(new) == done.rows == len(old.query("mag < 20")) < len(old)
    check_valid(tmp_path / "w")


def _fail(id):
    if id % 5 == 0:
        raise ValueError("no such luck")
    return 1.0


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_a_task_that_fails_leaves_nothing(survey, catalog, tmp_path, engine, engines):
    catalog.write_catalog(tmp_path / "there")
    before = sorted(tmp_path.rglob("*"))
    bad = catalog.map_rows(_fail, ["id"], schema={"x": pa.float64()})
    with sky.executor(engines(engine)):
        for path in ("there", "new", "deep/er"):
            with pytest.raises(SkyseriesError, match="no such luck"):
                bad.write_catalog(tmp_path / path, overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before
    assert same(sky.open_catalog(tmp_path / "there").to_arrow().to_pylist(), survey.rows)


def test_what_cannot_be_written(catalog, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        catalog.write_catalog(tmp_path / "mine", overwrite=True)
    for margin in (0, -1, float("nan")):
        with pytest.raises(InputError, match="margin_arcsec"):
            catalog.write_catalog(tmp_path / "w", margin_arcsec=margin)
    with pytest.raises(SchemaError, match="no column 'idd'; did you mean 'id'"):
        catalog.write_catalog(tmp_path / "w", id="idd")
    with pytest.raises((SkyseriesError, ExecutionError)):
        catalog.assign(x="id * 9007199254740993").write_catalog(tmp_path / "w")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine"]


# -- how it is written --------------------------------------------------------------------------


def test_engines_write_the_same(catalog, other, tmp_path, engines):
    plan = catalog.crossmatch(other, 300_000, n_neighbors=2, suffixes=("", "_o"))
    found = {}
    for engine in ("serial", "threads", "processes"):
        with sky.executor(engines(engine)):
            plan.write_catalog(tmp_path / engine, name="same", margin_arcsec=3600)
        root = primary(tmp_path / engine)
        members = sorted(p.name for p in root.parent.iterdir())
        found[engine] = (cells(root), read_rows(root), members)
    assert same(found["serial"], found["threads"])
    assert same(found["serial"], found["processes"])


def test_rows_are_streamed_to_the_files(tmp_path, monkeypatch, tune):
    table = planted(8, 600.0, scattered=2000)
    sky.import_catalog(
        write_parts(tmp_path / "o", table), tmp_path / "c", id="id", max_rows=2000,
        executor="serial", progress=False,
    )  # fmt: skip
    catalog = sky.open_catalog(tmp_path / "c")
    tune(unit_rows=40)
    real, sizes, written = leaves.write_leaf, [], []

    def spy(root, cell, schema, tables, fields):
        def watched():
            alive: list[weakref.ref] = []
            for one in tables:
                sizes.append(one.num_rows)
                assert sum(ref() is not None for ref in alive) <= 1
                alive.append(weakref.ref(one))
                yield one
                del one

        written.append(cell)
        return real(root, cell, schema, watched(), fields)

    monkeypatch.setattr(leaves, "write_leaf", spy)
    done = catalog.assign(x="mag * 2").write_catalog(tmp_path / "w")
    assert done.rows == sum(sizes) == table.num_rows
    assert len(written) == done.partitions < 20
    assert max(sizes) < 80
    check_valid(tmp_path / "w")
