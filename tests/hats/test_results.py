"""Catalogs written from results: valid by all who check, and they hold the right rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from skyseries.errors import CatalogError, InputError, SchemaError
from skyseries.executors import executor
from skyseries.hats.build import finish
from skyseries.hats.build import margin as margin_build
from skyseries.hats.build.index import build_index
from skyseries.hats.build.margin import build_margin
from skyseries.hats.check.validate import validate_catalog
from skyseries.hats.collection import read_collection
from skyseries.hats.dataset import open_dataset
from skyseries.hats.idindex import open_index
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.margin import receivers
from skyseries.hats.partitions import Cell
from skyseries.hats.statistics import recorded_rows
from skyseries.spatial.healpix import margin_order
from skyseries.store.files import Location
from tests.hats.results import (
    FIELDS,
    FIRST_ID,
    curves,
    partition,
    sky,
    write_primary,
    write_result,
)  # fmt: skip
from tests.hats.test_margin import slow_targets

TABLES = {
    "plain": sky,
    "nested": lambda: curves(sky()),
    "one row": lambda: sky(1),
    "no rows": lambda: sky(5).slice(0, 0),
    "nested without rows": lambda: curves(sky(5)).slice(0, 0),
}


def content(folder):
    """Return each file's bytes, but for the properties, which hold the time."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and "properties" not in p.name
    }


@pytest.fixture(scope="module", params=TABLES)
def written(request, tmp_path_factory):
    table = TABLES[request.param]()
    path = tmp_path_factory.mktemp("result") / "out"
    write_result(path, table)
    return path, table


def test_it_is_valid(written):
    path, table = written
    report = validate_catalog(path)
    assert report.faults == ()
    assert report.warnings == ()
    assert report.checked["catalogs"] == 3
    assert report.checked.get("rows", 0) >= table.num_rows


@pytest.mark.interop
def test_hats_finds_it_valid(written):
    validation = pytest.importorskip("hats.io.validation")
    assert validation.is_valid_catalog(written[0], strict=True)


@pytest.mark.interop
def test_lsdb_reads_the_rows(written):
    lsdb = pytest.importorskip("lsdb")
    dask = pytest.importorskip("dask")
    path, table = written
    catalog = lsdb.open_catalog(path)
    with dask.config.set(scheduler="synchronous"):
        found = catalog.compute()
        margin = catalog.margin.compute()
        searched = catalog.id_search({"id": [FIRST_ID, 5]}).compute()
    assert found.index.to_numpy().tolist() == table[HPX_COLUMN].to_pylist()
    for name in ("id", "ra", "dec", "name"):
        assert found[name].to_list() == table[name].to_pylist()
    assert len(searched) == min(table.num_rows, 1)
    assert list(margin.columns) == list(found.columns)
    if "lc" in table.column_names and len(table):
        lengths = [0 if lc is None else len(lc) for lc in found["lc"].to_list()]
        assert lengths == [len(lc["mjd"]) for lc in table["lc"].to_pylist()]


def test_we_read_the_rows(written):
    path, table = written
    collection = read_collection(Location(str(path)))
    catalog = open_dataset(Location(str(path / collection.primary)))
    assert recorded_rows(catalog) == table.num_rows
    parts = [catalog.read(cell) for cell in catalog.partitions]
    found = pa.concat_tables([table.slice(0, 0), *parts])
    assert found.replace_schema_metadata(None).equals(table)


def test_its_properties(written):
    path, table = written
    found = open_dataset(Location(str(path / "v000001" / "out"))).properties
    assert found["hats_nrows"] == str(table.num_rows)
    leaves = list((path / "v000001" / "out" / "dataset").rglob("Npix=*"))
    assert found["hats_estsize"] == str(sum(p.stat().st_size for p in leaves) >> 10)
    if "lc" not in table.column_names:
        assert not [key for key in found if key.startswith("skyseries_")]
        return
    epochs = [len(lc["mjd"]) for lc in table["lc"].to_pylist()]
    assert found["skyseries_epochs"] == str(sum(epochs))
    assert found["skyseries_max_epochs"] == str(max(epochs, default=0))
    assert found["skyseries_lightcurve.lc.mag"] == FIELDS.mag
    assert found.get("skyseries_lightcurve.lc.bands") == ("u g r" if epochs else None)


def test_more_properties_and_another_position(tmp_path):
    table = sky(50).rename_columns([HPX_COLUMN, "id", "lon", "lat", "name"])
    options = {"ra": "lon", "dec": "lat", "kind": "source"}
    primary = write_primary(
        tmp_path, table, **options, properties={"hats_cols_survey_id": "id", "hats_estsize": None}
    )
    assert (primary.ra, primary.dec, primary.kind) == ("lon", "lat", "source")
    assert primary.properties["hats_cols_survey_id"] == "id"
    assert "hats_estsize" not in primary.properties
    build_margin(primary, tmp_path / "margin", 5.0)
    margin = open_dataset(Location(str(tmp_path / "margin")))
    assert (margin.ra, margin.dec, margin.kind) == ("lon", "lat", "margin")
    assert validate_catalog(tmp_path / "out").faults == ()


@pytest.mark.parametrize("joined", [1, 3, 512])
def test_the_order_of_the_leaves_does_not_matter(tmp_path, tune, joined):

    tune(joined_tables=joined)
    table = curves(sky())
    primary = write_primary(tmp_path, table, order=2)
    statistics = pq.read_table(tmp_path / "out" / "per_partition_statistics.parquet")
    pairs = zip(statistics["Norder"].to_pylist(), statistics["Npix"].to_pylist(), strict=True)
    cells = [Cell(*pair) for pair in pairs]
    assert cells == list(primary.partitions)
    assert statistics["id::row_count"].to_pylist() == [
        primary.read(cell).num_rows for cell in primary.partitions
    ]
    first = pq.read_table(tmp_path / "out" / "data_thumbnail.parquet")
    assert first["id"].to_pylist() == [
        primary.read(cell)["id"][0].as_py() for cell in primary.partitions
    ]


def test_many_row_groups_have_no_metadata_file(tmp_path, tune):
    tune(metadata_row_groups=3)
    write_result(tmp_path / "out", sky())
    there = [p.parts[-3] for p in tmp_path.rglob("_metadata")]
    assert there == ["out_id_index"]
    assert validate_catalog(tmp_path / "out").faults == ()


# -- margins -------------------------------------------------------------------------------------


def slow_margin(table, order, ring, cell_order):
    """Return the ids that each cell receives."""
    found: dict[Cell, list[int]] = {}
    for cell, rows in partition(table, cell_order):
        for row, target in slow_targets(rows[HPX_COLUMN].to_numpy(), cell, ring, order):
            found.setdefault(ring[target], []).append(rows["id"][row].as_py())
    return found


@pytest.mark.parametrize("held", [0, 64 << 20])
@pytest.mark.parametrize("arcsec", [60.0, 3600.0, 30000.0])
@pytest.mark.parametrize("nested", [False, True])
def test_margins_are_those_of_brute_force(tmp_path, tune, arcsec, held, nested):
    tune(
        margin_held_bytes=held, margin_task_rows=20, least_margin_tasks=5, margin_tasks_per_worker=1
    )
    table = curves(sky()) if nested else sky()
    primary = write_primary(tmp_path, table)
    rows = build_margin(primary, tmp_path / "out_margin", arcsec)
    margin = open_dataset(Location(str(tmp_path / "out_margin")))
    ring = receivers(primary.partitions)
    expected = slow_margin(table, margin_order(arcsec), ring, 1)
    assert set(margin.partitions) == set(expected)
    assert rows == margin.rows == sum(map(len, expected.values()))
    for cell, ids in expected.items():
        found = margin.read(cell)
        assert sorted(found["id"].to_pylist()) == sorted(ids)
        assert (np.diff(found[HPX_COLUMN].to_numpy()) >= 0).all()
        wanted = table.filter(pc.is_in(table["id"], pa.array(ids)))
        assert found.sort_by("id").equals(wanted.sort_by("id"))
    assert {p.name for p in tmp_path.iterdir()} == {"out", "out_margin"}


def test_row_groups_far_from_the_border_are_not_read(tmp_path, monkeypatch, tune):

    tune(group_rows=8)
    table = sky()
    primary = write_primary(tmp_path, table, order=0)
    seen = []
    real = margin_build.leaf_batches

    def batches(*args, row_groups=None):
        seen.append(row_groups)
        return real(*args, row_groups=row_groups)

    monkeypatch.setattr(margin_build, "leaf_batches", batches)
    rows = build_margin(primary, tmp_path / "out_margin", 1000.0)
    ring = receivers(primary.partitions)
    expected = slow_margin(table, margin_order(1000.0), ring, 0)
    assert rows == sum(map(len, expected.values())) > 0
    read = sum(len(groups) for groups in seen if groups is not None)
    assert 0 < read < sum(primary.footer(f).num_row_groups for f in all_leaves(primary)) / 2


def all_leaves(dataset):
    return [file for cell in dataset.partitions for file in dataset.leaves(cell)]


def test_the_same_margin_in_any_order_of_tasks(tmp_path):
    table = sky()
    primary = write_primary(tmp_path, table)
    for name, engine, workers in (("a", "serial", 1), ("b", "threads", 4), ("c", "processes", 2)):
        with executor(engine, workers):
            build_margin(primary, tmp_path / name, 3600.0)
            build_index(primary, tmp_path / f"{name}_index", "id")
    for name in ("b", "c"):
        assert content(tmp_path / "a") == content(tmp_path / name)
        assert content(tmp_path / "a_index") == content(tmp_path / f"{name}_index")


@pytest.mark.parametrize("arcsec", [0.0, -1.0, np.nan])
def test_no_margin_of_no_width(tmp_path, arcsec):
    primary = write_primary(tmp_path, sky(20))
    with pytest.raises(InputError, match="must be above 0"):
        build_margin(primary, tmp_path / "margin", arcsec)


def test_a_margin_that_fails_leaves_no_scratch_files(tmp_path):
    primary = write_primary(tmp_path, sky(50))
    all_leaves(primary)[0].local.unlink()
    for build, what in ((build_margin, 60.0), (build_index, "id")):
        with pytest.raises(CatalogError, match="missing file"):
            build(primary, tmp_path / "more", what)
        assert [p.name for p in tmp_path.iterdir()] == ["out"]


# -- indexes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["id", "name"])
@pytest.mark.parametrize("part_rows", [7, 150, 10_000])
def test_the_index_finds_every_id(tmp_path, tune, column, part_rows):
    tune(index_part_rows=part_rows)
    table = sky()
    primary = write_primary(tmp_path, table)
    assert build_index(primary, tmp_path / "index", column) == (table.num_rows, 0)
    index = open_index(Location(str(tmp_path / "index")), column)
    homes = primary.partitions.find(table[HPX_COLUMN].to_numpy()).tolist()
    for id, hpx, home in zip(
        table[column].to_pylist(), table[HPX_COLUMN].to_pylist(), homes, strict=True
    ):
        assert index.find(id) == [(primary.partitions[home], hpx)]
    assert index.find(5 if column == "id" else "no such name") == []
    parts = sorted((tmp_path / "index" / "dataset" / "index").iterdir(), key=lambda p: p.name)
    assert len(parts) >= min(table.num_rows // part_rows, 20)


def test_repeated_and_missing_ids(tmp_path, tune):
    tune(index_part_rows=40)
    table = sky()
    ids = [None if i % 10 == 0 else i % 50 for i in range(table.num_rows)]
    primary = write_primary(tmp_path, table.set_column(1, "id", pa.array(ids, pa.uint64())))
    built = build_index(primary, tmp_path / "index", "id")
    assert built == (400, 400 - 40 - len({i for i in ids if i is not None}))
    index = open_index(Location(str(tmp_path / "index")), "id")
    for id in {i for i in ids if i is not None}:
        found = sorted(hpx for _, hpx in index.find(id))
        wanted = [h for h, i in zip(table[HPX_COLUMN].to_pylist(), ids, strict=True) if i == id]
        assert found == wanted


@pytest.mark.parametrize(
    ("column", "error", "said"),
    [
        ("nope", SchemaError, "no column"),
        ("ra", SchemaError, "ids are"),
        ("a b", InputError, "ren"),
    ],
)
def test_columns_that_are_no_ids(tmp_path, column, error, said):
    table = sky(20).append_column("a b", pa.array(range(20)))
    primary = write_primary(tmp_path, table)
    with pytest.raises(error, match=said):
        build_index(primary, tmp_path / "index", column)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_sky_cells_are_from_positions_where_they_are_not_stored(tmp_path):
    """Catalogs of others may have no `_healpix_29`: margin and index are the same but for it."""
    table = sky()
    primary = write_primary(tmp_path, table)
    build_margin(primary, tmp_path / "with", 3600.0)
    build_index(primary, tmp_path / "with_index", "id")
    for file in all_leaves(primary):
        rows = pq.read_table(file.local, partitioning=None)
        pq.write_table(rows.drop_columns([HPX_COLUMN]), file.local)
    finish.write_common_metadata(tmp_path / "out", table.drop_columns([HPX_COLUMN]).schema)
    primary = open_dataset(Location(str(tmp_path / "out")))
    assert primary.healpix_column is None
    build_margin(primary, tmp_path / "without", 3600.0)
    build_index(primary, tmp_path / "without_index", "id")
    assert content(tmp_path / "with_index") == content(tmp_path / "without_index")
    a, b = (open_dataset(Location(str(tmp_path / name))) for name in ("with", "without"))
    assert list(a.partitions) == list(b.partitions)
    for cell in a.partitions:
        assert sorted(a.read(cell)["id"].to_pylist()) == sorted(b.read(cell)["id"].to_pylist())
