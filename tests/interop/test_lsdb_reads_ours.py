"""LSDB opens every kind of catalog that we write, and finds in it what went in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lsdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy import units
from hats.io.validation import is_valid_catalog

from hats import read_hats
from tests.interop import tables
from tests.interop.ours import (
    MARGIN_ARCSEC,
    Ours,
    border_pairs,
    nested,
    nested_with_positions,
    string_ids,
    with_margin_and_index,
    write_objects,
)

pytestmark = pytest.mark.interop

INDIRECT: dict[str, Any] = {"indirect": True, "ids": lambda kind: kind.__name__}
FLAT = ["id", "ra", "dec", "mag", "name"]


def _members(path: Path) -> dict[str, Path]:
    """Return the catalogs of the current version by kind (object, margin, index, source)."""
    return {
        str(read_hats(p.parent).catalog_info.catalog_type): p.parent
        for p in sorted(path.glob("v*/*/hats.properties"))
    }


def _compute(catalog: lsdb.Catalog) -> pd.DataFrame:
    return catalog.compute(progress_bar=False)


def test_collection_is_strictly_valid(ours: Ours) -> None:
    assert is_valid_catalog(ours.path, strict=True)


def test_each_member_is_strictly_valid(ours: Ours) -> None:
    members = _members(ours.path)
    assert ("margin" in members, "index" in members) == (ours.margin, ours.index)
    for path in members.values():
        assert is_valid_catalog(path, strict=True), path.name


def test_collection_names_a_version_folder(ours: Ours) -> None:
    collection = read_hats(ours.path)
    assert collection.main_catalog_dir.parent.name == "v000001"
    assert lsdb.open_catalog(ours.path).name == "survey"


def test_rows(ours: Ours) -> None:
    catalog = lsdb.open_catalog(ours.path)
    assert len(catalog) == len(ours.objects)
    _assert_rows(_compute(catalog), ours.objects)


def test_object_catalog_without_the_collection(ours: Ours) -> None:
    members = _members(ours.path)
    catalog = lsdb.open_catalog(members.get("object") or members["source"])
    _assert_rows(_compute(catalog), ours.objects)


def test_rows_are_sorted_in_their_partition(ours: Ours) -> None:
    catalog = lsdb.open_catalog(ours.path)
    for pixel in catalog.get_healpix_pixels():
        index = _compute(catalog.pixel_search([pixel])).index.to_numpy()
        assert (np.diff(index) >= 0).all()
        assert (index >> (2 * (29 - pixel.order)) == pixel.pixel).all()


def test_margin_belongs_to_the_catalog(ours: Ours) -> None:
    margin = lsdb.open_catalog(ours.path).margin
    if not ours.margin:
        assert margin is None
        return
    assert margin.hc_structure.catalog_info.margin_threshold == MARGIN_ARCSEC
    assert len(margin) == len(_compute(margin))
    assert set(_compute(margin)["id"].astype(np.int64)) <= set(ours.objects["id"])


def test_sky_map_covers_all_objects(ours: Ours) -> None:
    moc = lsdb.open_catalog(ours.path).hc_structure.moc
    assert moc is not None
    ra, dec = ours.objects["ra"].to_numpy(), ours.objects["dec"].to_numpy()
    covered = moc.contains_lonlat(ra * units.deg, dec * units.deg)
    assert covered.all()


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [(0.0, 90.0, 72000.0), (0.0, 0.0, 36000.0), (200.0, -80.0, 90000.0)],
)
def test_cone_search(ours: Ours, ra: float, dec: float, radius: float) -> None:
    expected = tables.cone(ours.objects, ra, dec, radius)
    found = _compute(lsdb.open_catalog(ours.path).cone_search(ra, dec, radius))
    _assert_rows(found, expected)


def test_id_search(ours: Ours) -> None:
    catalog = lsdb.open_catalog(ours.path)
    fields = catalog.hc_collection.all_indexes
    if not ours.index:
        assert not fields
        return
    (field,) = fields
    wanted = ours.objects[field].tolist()[:5]
    found = _compute(catalog.id_search({field: wanted}))
    _assert_rows(found, ours.objects[ours.objects[field].isin(wanted)])
    absent = "no such name" if field == "name" else 3
    assert len(_compute(catalog.id_search({field: absent}))) == 0


@pytest.mark.parametrize("ours", [with_margin_and_index, string_ids, nested], **INDIRECT)
def test_id_search_reads_only_the_partitions_of_the_ids(ours: Ours) -> None:
    index = read_hats(_members(ours.path)["index"])
    field = index.catalog_info.indexing_column
    catalog = lsdb.open_catalog(ours.path)
    key = ours.objects[field].tolist()[-1]
    (pixel,) = index.loc_partitions([key])
    there = _compute(catalog.pixel_search([pixel]))
    assert key in there[field].tolist()


@pytest.mark.parametrize("ours", [nested, nested_with_positions], **INDIRECT)
def test_light_curves(ours: Ours) -> None:
    assert ours.sources is not None
    catalog = lsdb.open_catalog(ours.path)
    (column,) = catalog.nested_columns
    frame = _compute(catalog)
    names = [c for c in ours.sources.columns if c != "id"]
    want = {key: rows[names] for key, rows in ours.sources.groupby("id")}
    for key, found in zip(frame["id"].astype(np.int64), frame[column], strict=True):
        expected = want[key].sort_values("mjd")
        assert found["mjd"].tolist() == expected["mjd"].tolist()  # in time order
        for name in names:
            assert found[name].tolist() == expected[name].tolist()


@pytest.mark.parametrize("ours", [nested_with_positions], **INDIRECT)
def test_orphans_are_a_source_catalog(ours: Ours) -> None:
    assert ours.orphans is not None
    catalog = lsdb.open_catalog(_members(ours.path)["source"])
    assert len(catalog) == len(ours.orphans)
    found = _compute(catalog).sort_values("id")
    expected = ours.orphans.sort_values("id")
    for name in expected.columns:
        assert found[name].tolist() == expected[name].tolist()


@pytest.mark.parametrize("ours", [nested], **INDIRECT)
def test_orphans_without_positions_are_a_file(ours: Ours) -> None:
    assert ours.orphans is not None
    assert "source" not in _members(ours.path)
    found = pq.read_table(ours.path / "v000001" / "orphans.parquet").to_pandas()
    expected = ours.orphans.sort_values("id")
    for name in expected.columns:
        assert found.sort_values("id")[name].tolist() == expected[name].tolist()


@pytest.mark.parametrize("max_rows", [10, 50, 100_000])
def test_crossmatch_of_two_of_ours(tmp_path: Path, max_rows: int) -> None:
    left, right = border_pairs()
    paths = [
        write_objects(tmp_path / name, table, max_rows=max_rows, name=name)
        for name, table in (("left", left), ("right", right))
    ]
    a, b = (lsdb.open_catalog(path) for path in paths)
    assert b.margin is not None
    found = _compute(
        a.crossmatch(b, radius_arcsec=1.0, suffixes=("_a", "_b"), suffix_method="all_columns")
    )
    pairs = set(zip(found["id_a"].tolist(), found["id_b"].tolist(), strict=True))
    assert pairs == tables.nearest_pairs(left, right, 1.0)
    assert len(pairs) > 150


def _assert_rows(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    a, b = tables.sorted_by_id(found, FLAT), tables.sorted_by_id(expected, FLAT)
    for name in FLAT:
        assert a[name].tolist() == b[name].tolist()
