"""Only what a statement can need is read: a damaged file elsewhere does not matter."""

from __future__ import annotations

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
    n = 9000
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    ra[:600], dec[:600] = rng.normal(40, 3, 600), rng.normal(10, 3, 600)
    table = pa.table({"id": np.arange(n), "ra": ra, "dec": dec, "mag": rng.uniform(14, 24, n)})
    pq.write_table(table, folder / "objects.parquet")
    with small_parts(group_rows=4, index_rows=100_000):
        sky.import_catalog(
            folder / "objects.parquet", folder / "many", id="id", max_rows=12,
            margin_arcsec=None, id_index=False, executor="serial", progress=False,
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


def test_a_damaged_file_is_named_where_it_is_needed(many):
    catalog, _ = many
    leaf = next(
        catalog.dataset.leaves(cell)[0]
        for cell in catalog.partitions
        if cell.range()[0] <= _cell(40, 10) < cell.range()[1]
    )
    held = open(leaf.path, "rb").read()  # noqa: PTH123, SIM115
    try:
        with open(leaf.path, "wb") as file:  # noqa: PTH123
            file.write(held[: len(held) // 2])
        far = ids(sky.open_catalog(catalog._root.path), "DISTANCE(ra, dec, 220, -10) < 6")
        assert far.to_arrow().num_rows
        near = ids(sky.open_catalog(catalog._root.path), "DISTANCE(ra, dec, 40, 10) < 0.5")
        with pytest.raises(sky.SkyseriesError, match=leaf.path.rpartition("/")[2]):
            near.to_arrow()
    finally:
        with open(leaf.path, "wb") as file:  # noqa: PTH123
            file.write(held)


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
