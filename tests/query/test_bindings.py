"""What `catalogs=` can name: catalogs, extensions, associations, tables, files, folders."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.formats import write_table
from tests.query.world import build


def rows(text, catalogs):
    return sky.sql(text, catalogs).to_arrow().to_pylist()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a catalog with an extension, and an association of it with itself."""
    folder = tmp_path_factory.mktemp("bound")
    world = build(folder)
    catalog = world.catalog
    catalog.assign(colour="gMag - rMag").select(["objectId", "colour"]).write_extension("colours")
    pairs = catalog.select(["objectId"]).self_match(radius_arcsec=60)
    pairs.write_association(folder / "near")
    return world, folder


def test_an_extension_is_a_table_with_a_key(made):
    world, _ = made
    catalogs = {"survey": world.path}
    found = rows("SELECT objectId, colour FROM survey.colours WHERE colour > 1", catalogs)
    wanted = {
        row["objectid"]: row
        for row in world.objects
        if row["gmag"] is not None and row["rmag"] is not None and row["gmag"] - row["rmag"] > 1
    }
    assert {row["objectId"] for row in found} == set(wanted)
    keys = rows("SELECT from_table, target_table FROM tap_schema.keys", catalogs)
    assert {"from_table": "survey.colours", "target_table": "survey"} in keys


def test_an_association_is_the_table_of_its_pairs(made):
    world, folder = made
    catalogs = {"survey": world.path, "near": folder / "near"}
    count = rows("SELECT COUNT(*) AS n FROM near", catalogs)[0]["n"]
    assert count == len(world.catalog.self_match(radius_arcsec=60)) > 0
    keys = rows("SELECT from_table, target_table FROM tap_schema.keys", catalogs)
    assert {"from_table": "near", "target_table": "survey"} in keys


TABLE = pa.table({"id": pa.array([1, 2**63 + 1], pa.uint64()), "name": ["a", None]})


def test_tables_without_positions_and_files(tmp_path):
    assert rows("SELECT * FROM t WHERE id > 5", {"t": TABLE}) == [{"id": 2**63 + 1, "name": None}]
    assert rows("SELECT COUNT(*) AS n FROM t", {"t": {"x": [1, 2, 3]}}) == [{"n": 3}]
    for suffix in ("parquet", "csv", "vot", "fits"):
        path = tmp_path / f"t.{suffix}"
        write_table(TABLE.to_batches(), path, schema=TABLE.schema)
        found = rows("SELECT MAX(id) AS m, COUNT(name) AS n FROM s.t", {"s.t": path})
        assert str(found[0]["m"]) == str(2**63 + 1), suffix
        assert found[0]["n"] == 1, suffix


@pytest.mark.parametrize("placed", [True, False])
def test_light_curves_of_a_table_are_a_table_too(placed, tmp_path):
    kind = pa.struct([("mjd", pa.list_(pa.float64())), ("n", pa.list_(pa.int64()))])
    curves = pa.array([{"mjd": [1, 2], "n": [1, None]}, None, {"mjd": [], "n": []}], kind)
    records = pa.array([[{"a": 1}], [], None], pa.list_(pa.struct([("a", pa.int64())])))
    table = pa.table({"id": [1, 2, 3], "lc": curves, "records": records})
    if placed:
        table = table.append_column("ra", [[1.0, 2.0, 3.0]]).append_column("dec", [[1.0, 2.0, 3.0]])
    pq.write_table(table, tmp_path / "t.parquet")
    for given in (table, tmp_path / "t.parquet"):
        found = rows("SELECT mjd, n FROM t.lc ORDER BY mjd", {"t": given})
        assert found == [{"mjd": 1.0, "n": 1}, {"mjd": 2.0, "n": None}]
        assert rows("SELECT a FROM t.records", {"t": given}) == [{"a": 1}]
        assert rows("SELECT id, COUNT(*) AS n FROM t.lc GROUP BY id", {"t": given}) == [
            {"id": 1, "n": 2}
        ]
        counts = rows("SELECT id, COUNT(lc.mjd) AS n FROM t ORDER BY id", {"t": given})
        assert [row["n"] for row in counts] == [2, 0, 0]


def test_a_folder_is_a_schema(made, tmp_path):
    world, folder = made
    write_table(TABLE.to_batches(), folder / "more.parquet", schema=TABLE.schema)
    catalogs = {"ours": folder}
    tables = {r["table_name"] for r in rows("SELECT table_name FROM tap_schema.tables", catalogs)}
    names = ("survey", "survey_lc", "survey_colours", "near", "more")
    assert {f"ours.{name}" for name in names} <= tables
    assert rows("SELECT COUNT(*) AS n FROM ours.survey_lc", catalogs) == [{"n": len(world.epochs)}]
    with pytest.raises(sky.CatalogNotFoundError):
        sky.sql("SELECT 1 FROM a", {"a": tmp_path / "nothing"})


def test_what_metadata_say_of_the_epochs(made):
    world, _ = made
    sky.annotate(
        world.path,
        {
            "tables": {
                "objects": {"description": "stars"},
                "Epochs": {
                    "nested": "lc",
                    "description": "measurements",
                    "from_object": {"star": "objectId", "objRa": "ra", "objDec": "dec"},
                },
            }
        },
    )
    catalogs = {"dp.Stars": world.path}
    found = rows("SELECT table_name, description FROM tap_schema.tables", catalogs)
    assert {"table_name": "dp.Epochs", "description": "measurements"} in found
    assert {"table_name": "dp.Stars", "description": "stars"} in found
    one = world.epochs[0]["objectid"]
    text = f"SELECT star, objRa, mjd FROM dp.Epochs WHERE star = {one} AND mjd > 0"  # noqa: S608
    result = sky.sql(text, catalogs)
    assert sum(scan.partitions for scan in result.explain().scans) == 1
    mine = [row for row in world.epochs if row["objectid"] == one]
    assert sorted(r["mjd"] for r in result.to_arrow().to_pylist()) == sorted(
        row["mjd"] for row in mine
    )
    near = sky.sql(
        "SELECT COUNT(*) AS n FROM dp.Epochs WHERE DISTANCE(objRa, objDec, 45, 0) < 1", catalogs
    )
    assert sum(scan.partitions for scan in near.explain().scans) < len(world.catalog.partitions)
