"""Only what a statement can need is read: a damaged file elsewhere does not matter."""

from __future__ import annotations

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.spatial.regions import Cone
from tests.pipelines.survey import small_parts

REGIONS = {
    "CONTAINS(POINT(ra, dec), CIRCLE(40, 10, 6)) = 1": 6.0,
    "DISTANCE(ra, dec, 40, 10) < 6": 6.0,
    "DISTANCE(POINT(40, 10), POINT(ra, dec)) <= 6": 6.0,
    "CONTAINS(POINT(ra, dec), BOX(40, 10, 6, 6)) = 1": 4.5,
    "1 = CONTAINS(POINT(ra, dec), POLYGON(37, 7, 43, 7, 43, 13, 37, 13))": 4.5,
    "INTERSECTS(POINT(ra, dec), CIRCLE(40, 10, 6)) = 1": 6.0,
    "DISTANCE(ra, dec, 41, 10) < 3 OR CONTAINS(POINT(ra, dec), CIRCLE(39, 10, 3)) = 1": 4.5,
    "DISTANCE(ra, dec, 40, 10) < 6 AND (mag < 18 OR mag > 22)": 6.0,
    "CONTAINS(POINT(ra, dec), MOC('4/9')) = 1": 6.0,
}


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Return a catalog of a thousand partitions, some of several row groups."""
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(5)
    n = 6600
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    ra[:500], dec[:500] = rng.normal(40, 3, 500), rng.normal(10, 3, 500)
    table = pa.table({"id": np.arange(n), "ra": ra, "dec": dec, "mag": rng.uniform(14, 24, n)})
    pq.write_table(table, folder / "objects.parquet")
    with small_parts(group_rows=4, index_rows=100_000):
        sky.import_catalog(
            folder / "objects.parquet", folder / "many", id="id", max_rows=12,
            margin_arcsec=None, executor="serial", progress=False,
            durability="process",
        )  # fmt: skip
    catalog = sky.open_catalog(folder / "many")
    assert len(catalog.partitions) >= 1000
    return catalog, table


def ids(catalog, condition):
    text = f"SELECT id FROM many WHERE {condition}"  # noqa: S608
    return sky.sql(text, {"many": catalog})


@pytest.mark.parametrize("condition", REGIONS)
def test_a_damaged_file_elsewhere_does_not_matter(many, condition, tmp_path):
    catalog, table = many
    found = ids(catalog, condition)
    rows = sorted(found.to_arrow()["id"].to_pylist())
    assert rows
    circle = Cone(40, 10, 3600 * REGIONS[condition])
    near = circle.contains(table["ra"].to_numpy(), table["dec"].to_numpy())
    assert set(rows) <= set(np.flatnonzero(near).tolist())
    partitions = sum(scan.partitions for scan in found.explain().scans)
    assert partitions < 120


@pytest.fixture
def damaged(many):
    """Return the catalog with a file at (40, 10) that cannot be read, and the file's name."""
    catalog, _ = many
    leaf = next(
        catalog.dataset.leaves(cell)[0]
        for cell in catalog.partitions
        if cell.range()[0] <= _cell(40, 10) < cell.range()[1]
    )
    path = pathlib.Path(leaf.path)
    held = path.read_bytes()
    path.write_bytes(held[: len(held) // 2])
    yield sky.open_catalog(catalog._root.path), path.name
    path.write_bytes(held)


def test_a_damaged_file_is_named_where_it_is_needed(damaged):
    catalog, name = damaged
    assert ids(catalog, "DISTANCE(ra, dec, 220, -10) < 6").to_arrow().num_rows
    with pytest.raises(sky.SkyseriesError, match=name):
        ids(catalog, "DISTANCE(ra, dec, 40, 10) < 0.5").to_arrow()


FAR = "DISTANCE({0}.ra, {0}.dec, 220, -10) < 6"
OF_SEVERAL = {
    # joins, in all ways of writing
    "many AS m JOIN many AS o ON m.id = o.id WHERE {m}": 2,
    "many AS m, many AS o WHERE o.id = m.id AND {o}": 2,
    "many AS m LEFT JOIN many AS o ON m.id = o.id WHERE {m}": 2,
    "many AS o RIGHT JOIN many AS m ON m.id = o.id WHERE {m}": 2,
    "many AS m JOIN many AS o USING (id) JOIN many AS p USING (id) WHERE {o}": 3,
    # queries in FROM, WITH, sets
    "(SELECT id, ra, dec FROM many WHERE mag < 23) AS m WHERE {m}": 1,
    "(SELECT id, ra, dec, COUNT(*) AS n FROM many GROUP BY id, ra, dec) AS m WHERE {m}": 1,
    "(SELECT DISTINCT id, ra, dec FROM many) AS m WHERE {m}": 1,
    "(SELECT id, ra, dec FROM many UNION SELECT id, ra, dec FROM many) AS m WHERE {m}": 2,
    "(SELECT u.id, u.ra, u.dec FROM many AS u) AS m JOIN many AS o ON o.id = m.id WHERE {o}": 2,
    # queries in conditions
    "many AS m WHERE m.id IN (SELECT o.id FROM many AS o WHERE {o})": 2,
    "many AS m WHERE EXISTS (SELECT * FROM many AS o WHERE o.id = m.id AND {o})": 2,
    "many AS m WHERE {m} AND EXISTS (SELECT * FROM many AS o WHERE o.id = m.id)": 2,
}


@pytest.mark.parametrize("source", OF_SEVERAL)
def test_a_region_of_one_table_is_one_of_the_other(many, damaged, source):
    places = {name: FAR.format(name) for name in "mo"}
    text = f"SELECT m.id FROM {source.format(**places)}"  # noqa: S608
    result = sky.sql(text, {"many": damaged[0]})
    read = [scan.partitions for scan in result.explain().scans]
    assert len(read) == OF_SEVERAL[source]
    assert 0 < max(read) < 60
    table = many[1]
    inside = Cone(220, -10, 21600).contains(table["ra"].to_numpy(), table["dec"].to_numpy())
    found = sorted(set(result.to_arrow()["id"].to_pylist()))
    assert set(found) <= set(np.flatnonzero(inside).tolist())
    assert len(found) > 0.5 * inside.sum()


def test_a_query_of_with_is_read_once_and_only_where_it_asks(damaged):
    text = (
        "WITH t AS (SELECT m.id, m.mag FROM many AS m WHERE DISTANCE(m.ra, m.dec, 220, -10) < 6) "
        "SELECT a.id FROM t AS a JOIN t AS b ON a.id = b.id WHERE a.mag = (SELECT MIN(mag) FROM t)"
    )
    result = sky.sql(text, {"many": damaged[0]})
    (scan,) = result.explain().scans
    assert scan.partitions < 60
    assert result.to_arrow().num_rows == 1


def far_ids(table):
    """Return ids of rows that are not near the damaged file."""
    far = ~Cone(40, 10, 90000).contains(table["ra"].to_numpy(), table["dec"].to_numpy())
    return np.flatnonzero(far)[::3000].tolist()


@pytest.mark.parametrize(
    "source",
    [
        "TAP_UPLOAD.mine AS u JOIN many AS m ON m.id = u.id",
        "many AS m, TAP_UPLOAD.mine AS u WHERE u.id = m.id",
        "TAP_UPLOAD.mine AS u LEFT JOIN many AS m ON m.id = u.id",
        "many AS m WHERE m.id IN (SELECT u.id FROM TAP_UPLOAD.mine AS u)",
    ],
)
def test_keys_of_a_small_table_choose_what_is_read(many, damaged, source):
    wanted = far_ids(many[1])
    mine = {"TAP_UPLOAD.mine": pa.table({"id": wanted}), "many": damaged[0]}
    with sky.Job("keys") as job:
        found = sky.sql(f"SELECT m.id FROM {source}", mine).to_arrow()  # noqa: S608
    assert sorted(found["id"].to_pylist()) == wanted
    assert job.bytes_read < 40_000


@pytest.mark.parametrize(
    "source",
    [
        "many AS m JOIN many AS o ON o.id = m.id WHERE m.id IN ({})",
        "many AS m LEFT JOIN many AS o ON o.id = m.id WHERE m.id IN ({})",
        "many AS m JOIN many AS o ON o.id = m.id JOIN many AS p ON p.id = o.id WHERE p.id IN ({})",
        "(SELECT id, MAX(mag) AS mag FROM many GROUP BY id) AS m WHERE m.id IN ({})",
    ],
)
def test_ids_of_one_table_are_those_of_the_other(many, damaged, source):
    wanted = far_ids(many[1])
    text = f"SELECT m.id FROM {source.format(', '.join(map(str, wanted)))}"  # noqa: S608
    result = sky.sql(text, {"many": damaged[0]})
    assert max(scan.partitions for scan in result.explain().scans) <= len(wanted)
    assert sorted(result.to_arrow()["id"].to_pylist()) == wanted


@pytest.mark.parametrize(
    "source",
    [
        "survey AS s JOIN survey.lc AS e ON e.objectId = s.objectId WHERE s.objectId = {}",
        "survey AS s JOIN survey.lc AS e ON e.objectId = s.objectId WHERE e.objectId = {}",
        "survey AS s LEFT JOIN survey.lc AS e USING (objectId) WHERE s.objectId = {}",
        "survey.lc AS e WHERE e.objectId IN (SELECT objectId FROM survey AS s WHERE objectId = {})",
        "survey.lc AS e WHERE EXISTS (SELECT * FROM survey AS s WHERE s.objectId = e.objectId "
        "AND s.objectId = {})",
        "(SELECT objectId, mjd FROM survey.lc) AS e JOIN survey AS s USING (objectId) "
        "WHERE objectId = {}",
    ],
)
def test_epochs_are_read_with_their_objects(world, source):
    one = world.epochs[0]["objectid"]
    text = f"SELECT e.mjd FROM {source.format(one)}"  # noqa: S608
    result = sky.sql(text, {"survey": world.catalog})
    assert len(world.catalog.partitions) > 2
    assert [scan.partitions for scan in result.explain().scans] == [1] * (
        2 if "survey AS" in source else 1
    )
    wanted = sorted(row["mjd"] for row in world.epochs if row["objectid"] == one)
    assert sorted(result.to_arrow()["mjd"].to_pylist()) == wanted


def _cell(ra, dec):
    from skyseries.spatial.healpix import radec_to_hpx

    return int(radec_to_hpx(np.array([ra]), np.array([dec]))[0])


@pytest.mark.parametrize("condition", REGIONS)
def test_little_more_is_read_than_the_row_groups_in_the_region(many, condition):
    catalog, _ = many
    names = ["id", "ra", "dec", *(["mag"] if "mag" in condition else [])]
    with sky.Job("cone") as job:
        found = ids(catalog, condition).to_arrow()
    needed = 0
    inside = set(found["id"].to_pylist())
    region = Cone(40, 10, 3600 * REGIONS[condition])
    for cell in catalog.partitions:
        for leaf in catalog.dataset.leaves(cell):
            file = pq.ParquetFile(leaf.path)
            for group in range(file.num_row_groups):
                part = file.read_row_group(group, columns=["id", "ra", "dec"]).to_pydict()
                near = region.contains(np.array(part["ra"]), np.array(part["dec"]))
                if near.any() or inside & set(part["id"]):
                    columns = [
                        file.metadata.row_group(group).column(i)
                        for i in range(file.metadata.num_columns)
                    ]
                    needed += sum(
                        c.total_compressed_size for c in columns if c.path_in_schema in names
                    )
    assert 0 < job.bytes_read <= 1.5 * needed


NEARBY = [
    "TAP_UPLOAD.mine AS u JOIN many AS m ON DISTANCE(u.ra, u.dec, m.ra, m.dec) < 3",
    "TAP_UPLOAD.mine AS u JOIN many AS m ON DISTANCE(u.ra, u.dec, m.ra, m.dec) < u.radius",
    "many AS m JOIN TAP_UPLOAD.mine AS u ON DISTANCE(u.ra, u.dec, m.ra, m.dec) < 3",
    "many AS m, TAP_UPLOAD.mine AS u"
    " WHERE 1 = CONTAINS(POINT(m.ra, m.dec), CIRCLE(u.ra, u.dec, 3))",
    "TAP_UPLOAD.mine AS u LEFT JOIN many AS m ON DISTANCE(u.ra, u.dec, m.ra, m.dec) < 3",
    "many AS m JOIN (SELECT MAX(ra) AS ra, MAX(dec) AS dec FROM TAP_UPLOAD.mine GROUP BY uid) AS u"
    " ON DISTANCE(u.ra, u.dec, m.ra, m.dec) < 3",
    "many AS m WHERE EXISTS (SELECT * FROM TAP_UPLOAD.mine AS u"
    " WHERE DISTANCE(u.ra, u.dec, m.ra, m.dec) < 3)",
    "many AS m JOIN (SELECT DISTINCT id FROM TAP_UPLOAD.mine) AS u ON m.id = u.id",
    "many AS m WHERE EXISTS (SELECT * FROM TAP_UPLOAD.mine AS u WHERE u.id = m.id)",
]


@pytest.mark.parametrize("source", NEARBY)
def test_a_small_table_says_what_is_read_of_a_large_one(many, damaged, source):
    table = many[1]
    near = Cone(200, 0, 3600 * 3).contains(table["ra"].to_numpy(), table["dec"].to_numpy())
    row = int(np.flatnonzero(near)[0])
    mine = {"uid": [1], "ra": [200.0], "dec": [0.0], "radius": [3.0], "id": [row]}
    catalogs = {"many": damaged[0], "TAP_UPLOAD.mine": mine}
    found = sky.sql(f"SELECT m.id FROM {source}", catalogs).to_arrow()["id"].to_pylist()  # noqa: S608
    by_id = "u.id" in source
    assert sorted(found) == ([row] if by_id else np.flatnonzero(near).tolist())
