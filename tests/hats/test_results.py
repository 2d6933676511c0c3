"""Catalogs written from results: valid by all who check, and they hold the right rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from skyseries.errors import InputError, SchemaError
from skyseries.executors import executor
from skyseries.hats.build.index import check_ids
from skyseries.hats.build.journal import Journal
from skyseries.hats.check.validate import validate_catalog
from skyseries.hats.collection import read_collection
from skyseries.hats.dataset import open_dataset
from skyseries.hats.idindex import open_index
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.manifest import digest_of
from skyseries.hats.margin import margin_width, receivers
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.statistics import recorded_rows
from skyseries.spatial.healpix import HPX_ORDER, margin_order, spread_bits
from skyseries.store.files import Location
from tests.hats.results import (
    FIELDS,
    FIRST_ID,
    blueprint,
    build,
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
def test_lsdb_reads_the_rows(written, lsdb):
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
    plan = blueprint(tmp_path / "v", table, margin=5.0, ra="lon", dec="lat", kind="source")
    more = {"hats_cols_survey_id": "id", "hats_estsize": None}
    build(plan, partition(table, 1), properties=more)
    primary, margin = (open_dataset(Location(str(tmp_path / "v" / n))) for n in plan.names.values())
    assert (primary.ra, primary.dec, primary.kind) == ("lon", "lat", "source")
    assert primary.properties["hats_cols_survey_id"] == "id"
    assert "hats_estsize" not in primary.properties
    assert (margin.ra, margin.dec, margin.kind) == ("lon", "lat", "margin")
    assert validate_catalog(tmp_path / "v" / "out").faults == ()


def test_properties_that_depend_on_the_leaves(tmp_path):
    table = sky(50)
    plan = blueprint(tmp_path, table, scratch=tmp_path / "scratch")
    build(plan, partition(table, 1), properties=lambda facts: {"mine": facts.rows})
    assert open_dataset(Location(str(plan.primary))).properties["mine"] == "50"


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


def slow_margin(parts, order, ring):
    """Return the ids that each cell receives."""
    found: dict[Cell, list[int]] = {}
    for cell, rows in parts:
        for row, target in slow_targets(rows[HPX_COLUMN].to_numpy(), cell, ring, order):
            found.setdefault(ring[target], []).append(rows["id"][row].as_py())
    return found


def check_margin(plan, table, parts, built):
    """Assert that a margin holds the rows that a slow search finds; return how many."""
    primary = open_dataset(Location(str(plan.primary)))
    margin = open_dataset(Location(str(plan.folder / plan.names["margin"])))
    assert list(primary.partitions) == [cell for cell, rows in parts if rows.num_rows]
    expected = slow_margin(parts, margin_order(plan.margin_arcsec), receivers(primary.partitions))
    assert set(margin.partitions) == set(expected)
    assert built.margin_rows == margin.rows == sum(map(len, expected.values()))
    for cell, ids in expected.items():
        found = margin.read(cell)
        assert sorted(found["id"].to_pylist()) == sorted(ids)
        assert (np.diff(found[HPX_COLUMN].to_numpy()) >= 0).all()
        wanted = table.filter(pc.is_in(table["id"], pa.array(ids)))
        assert found.sort_by("id").equals(wanted.sort_by("id"))
    return built.margin_rows


@pytest.mark.parametrize(("held", "together"), [(0, 1), (0, 100), (2000, 7), (64 << 20, 7)])
@pytest.mark.parametrize("arcsec", [60.0, 3600.0, 30000.0])
@pytest.mark.parametrize("nested", [False, True])
def test_margins_are_those_of_brute_force(tmp_path, tune, arcsec, held, together, nested):
    tune(margin_held_bytes=held, margin_task_rows=20)
    table = curves(sky()) if nested else sky()
    plan, parts = blueprint(tmp_path / "v", table, margin=arcsec), partition(table, 1)
    check_margin(plan, table, parts, build(plan, parts, together=together))
    assert {p.name for p in (tmp_path / "v").iterdir()} == set(plan.names.values())


def at_borders(order, margin):
    """Return rows in cells of the margin's order that touch the border of one of an order."""
    rng = np.random.default_rng(order)
    levels = margin - order
    side, along = 1 << levels, rng.integers(0, 1 << levels, 200)
    edge = np.where(rng.random(200) < 0.5, 0, side - 1)
    x, y = np.where(rng.random(200) < 0.5, (along, edge), (edge, along))
    inside = [spread_bits(int(a)) | spread_bits(int(b)) << 1 for a, b in zip(x, y, strict=True)]
    home = rng.choice([0, 3, 4**order * 4 + 1, 4**order * 12 - 1], 200)  # also at both poles
    hpx = np.sort((home << 2 * levels | inside) << 2 * (HPX_ORDER - margin))
    return sky(200).set_column(0, HPX_COLUMN, pa.array(hpx))


@pytest.mark.parametrize(("order", "margin"), [(2, 4), (2, 11), (9, 11), (11, 11)])
def test_margins_at_borders_and_poles(tmp_path, order, margin):
    arcsec = next(width for width in 2.0 ** np.arange(17) if margin_order(width) == margin)
    table = at_borders(min(order, margin - 1), margin)
    plan, parts = blueprint(tmp_path / "v", table, margin=arcsec), partition(table, order)
    assert check_margin(plan, table, parts, build(plan, parts, together=5)) > 100


def in_pairs(table):
    """Return rows of which two each lie in one cell: files keep their order."""
    hpx = np.repeat(table[HPX_COLUMN].to_numpy()[::2], 2)
    return table.set_column(0, HPX_COLUMN, pa.array(hpx))


def with_empty_ones(parts, order):
    """Return all cells of the sky: those of the parts, and others that have no rows."""
    nothing = parts[0][1].slice(0, 0)
    there = Partitions.of([cell for cell, _ in parts])
    others = [Cell(order, npix) for npix in range(12 * 4**order)]
    bare = [c for c in others if (there.find(np.arange(*c.range(), 4 ** (27 - order))) < 0).all()]
    return sorted([*parts, *((cell, nothing) for cell in bare)], key=lambda one: one[0].range())


@pytest.mark.parametrize("held", [0, 64 << 20])
@pytest.mark.parametrize("arcsec", [3600.0, 30000.0])
@pytest.mark.parametrize("order", [1, 2])
def test_leaves_that_turn_out_empty_become_gaps(tmp_path, tune, order, arcsec, held):
    """Border rows are set aside for them, and filed in the gaps: as if nobody had asked."""
    tune(margin_held_bytes=held)
    table = in_pairs(curves(sky(100)))
    parts = partition(table, order)
    asked = with_empty_ones(parts, order)
    assert len(asked) > len(parts) + 5
    plan = blueprint(tmp_path / "v", table, margin=arcsec, index="id")
    check_margin(plan, table, asked, build(plan, asked, together=30))
    alone = blueprint(tmp_path / "alone", table, margin=arcsec, index="id")
    build(alone, parts, together=4)
    assert content(plan.folder) == content(alone.folder)


def test_a_filter_that_leaves_nothing_of_many_leaves(tmp_path):
    table = sky(120)
    nothing = [(cell, rows.slice(0, 0)) for cell, rows in partition(table, 2)]
    plan = blueprint(tmp_path / "v", table, margin=3600.0, index="id")
    built = build(plan, nothing, together=3)
    assert (built.rows, built.partitions, built.margin_rows, built.index_rows) == (0, 0, 0, 0)
    empty = blueprint(tmp_path / "empty", table, margin=3600.0, index="id")
    build(empty, [])
    assert content(plan.folder) == content(empty.folder)


def test_the_same_files_in_any_order_of_tasks(tmp_path):
    table = sky()
    found = {}
    for engine, workers in (("serial", 1), ("threads", 4), ("processes", 2)):
        plan = blueprint(tmp_path / engine, table, margin=3600.0, index="id")
        with executor(engine, workers):
            build(plan, partition(table, 1), together=3, journal=Journal(tmp_path / f"m{engine}"))
        found[engine] = content(plan.folder)
    assert found["serial"] == found["threads"] == found["processes"]


def test_what_is_known_of_the_files(tmp_path):
    table = sky()
    plan = blueprint(tmp_path / "v", table, margin=3600.0, index="id")
    built = build(plan, partition(table, 1), together=3)
    leaves = {n for n in content(plan.folder) if "Npix=" in n or "/index/part" in n}
    assert set(built.files) == leaves
    for name, facts in built.files.items():
        path = plan.folder / name
        rows = pq.read_metadata(path).num_rows
        assert facts == (path.stat().st_size, digest_of(path), rows)


@pytest.mark.parametrize("arcsec", [0.0, -1.0, np.nan])
def test_no_margin_of_no_width(arcsec):
    with pytest.raises(InputError, match="must be above 0"):
        margin_width(arcsec)


# -- indexes -------------------------------------------------------------------------------------


def write_index(folder, table, column):
    """Write a catalog with an index; return it, the catalog, and what is told of it."""
    plan = blueprint(folder / "v", table, index=column)
    built = build(plan, partition(table, 1), together=3)
    index = open_index(Location(str(plan.folder / plan.names["index"])), column)
    return index, open_dataset(Location(str(plan.primary))), built


@pytest.mark.parametrize("column", ["id", "name"])
@pytest.mark.parametrize("part_rows", [7, 150, 10_000])
def test_the_index_finds_every_id(tmp_path, tune, column, part_rows):
    tune(index_part_rows=part_rows)
    table = sky()
    index, primary, built = write_index(tmp_path, table, column)
    assert (built.index_rows, built.repeated_ids) == (table.num_rows, 0)
    homes = primary.partitions.find(table[HPX_COLUMN].to_numpy()).tolist()
    for id, hpx, home in zip(
        table[column].to_pylist(), table[HPX_COLUMN].to_pylist(), homes, strict=True
    ):
        assert index.find(id) == [(primary.partitions[home], hpx)]
    assert index.find(5 if column == "id" else "no such name") == []
    parts = list((tmp_path / "v" / f"out_{column}_index" / "dataset" / "index").iterdir())
    assert len(parts) >= min(table.num_rows // part_rows, 20)


def test_repeated_and_missing_ids(tmp_path, tune):
    tune(index_part_rows=40)
    table = sky()
    ids = [None if i % 10 == 0 else i % 50 for i in range(table.num_rows)]
    table = table.set_column(1, "id", pa.array(ids, pa.uint64()))
    index, _, built = write_index(tmp_path, table, "id")
    assert built.index_rows == 400
    assert built.repeated_ids == 400 - 40 - len({i for i in ids if i is not None})
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
def test_columns_that_are_no_ids(column, error, said):
    table = sky(20).append_column("a b", pa.array(range(20)))
    with pytest.raises(error, match=said):
        check_ids(table.schema, column)
