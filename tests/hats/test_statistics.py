"""The statistics of row groups: read by column, in the order of the partitions, or not at all."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries
from skyseries.errors import CatalogError
from skyseries.hats import statistics
from skyseries.hats.dataset import open_dataset
from skyseries.hats.leaf import column_paths
from skyseries.hats.statistics import STATISTICS_FILE, read_statistics
from skyseries.store.files import Location
from tests.hats.results import curves, sky, write_primary


@pytest.fixture
def primary(tmp_path, tune):
    tune(group_rows=9, group_epochs=30)
    table = curves(sky())
    ra = table["ra"].to_pylist()
    extra = pa.array([None if x > 100 else np.nan if x > 45 else x for x in ra])
    return write_primary(tmp_path, table.append_column("extra", extra))


def footers(dataset):
    return [
        (i, cell, dataset.footer(dataset.leaves(cell)[0]))
        for i, cell in enumerate(dataset.partitions)
    ]


def assert_is_as_the_footers_say(dataset):
    groups = read_statistics(dataset)
    at = 0
    for i, cell, footer in footers(dataset):
        assert groups.first[i] == at
        for g in range(footer.num_row_groups):
            group = footer.row_group(g)
            assert (groups.order[at], groups.npix[at], groups.row_group[at]) == (*cell, g)
            assert groups.rows[at] == group.num_rows
            for c, (path, _) in enumerate(column_paths(dataset.schema)):
                chunk = group.column(c)
                known = chunk.statistics is not None and chunk.statistics.has_min_max
                assert groups.count(path)[at] == chunk.num_values
                assert groups.null_count(path)[at] == chunk.statistics.null_count
                low, high = groups.minimum(path)[at].as_py(), groups.maximum(path)[at].as_py()
                assert low == (chunk.statistics.min if known else None)
                assert high == (chunk.statistics.max if known else None)
            sizes = {}
            for c in range(footer.num_columns):
                chunk = group.column(c)
                name = chunk.path_in_schema.split(".")[0]
                both = chunk.total_compressed_size, chunk.total_uncompressed_size
                sizes[name] = np.add(sizes.get(name, 0), both)
            for names in (["ra"], ["lc", "id"], list(sizes)):
                disk, memory = np.sum([sizes[n] for n in names], axis=0)
                assert groups.disk_bytes(names)[at] == disk
                assert groups.memory_bytes(names)[at] == memory
            at += 1
    assert groups.first[-1] == at == len(groups)
    assert (groups.disk_bytes() == groups.disk_bytes(dataset.schema.names)).all()


def test_as_the_footers_say(primary):
    assert len(read_statistics(primary)) > len(primary.partitions)
    assert_is_as_the_footers_say(primary)


@pytest.mark.parametrize("chosen", [[], [1], [0, 2, 3]])
def test_of_some_partitions(primary, chosen):
    groups = read_statistics(primary)
    some = groups.of(np.array(chosen, np.int64))
    parts = [range(groups.first[i], groups.first[i + 1]) for i in chosen]
    place = [g for part in parts for g in part]
    assert np.diff(some.first).tolist() == list(map(len, parts))
    for name in ("order", "npix", "row_group", "rows"):
        assert getattr(some, name).tolist() == getattr(groups, name)[place].tolist()
    assert some.minimum("ra").to_pylist() == [groups.minimum("ra")[g].as_py() for g in place]
    assert some.disk_bytes().tolist() == groups.disk_bytes()[place].tolist()


def rewrite(dataset, change):
    path = dataset.root.join(STATISTICS_FILE).local
    table = change(pq.read_table(path))
    path.unlink()
    pq.write_table(table, path, row_group_size=7)


def test_in_whatever_order_they_were_written(primary):
    rng = np.random.default_rng(0)
    rewrite(primary, lambda table: table.take(pa.array(rng.permutation(len(table)))))
    assert_is_as_the_footers_say(primary)


def test_integers_of_other_widths(primary):
    def narrow(table):
        return table.set_column(0, "Norder", table["Norder"].cast(pa.uint8())).set_column(
            1, "Npix", table["Npix"].cast(pa.uint64())
        )

    rewrite(primary, narrow)
    assert_is_as_the_footers_say(primary)


def changed(table, column, row, value):
    values = table[column].to_pylist()
    values[row] = value
    return table.set_column(table.schema.get_field_index(column), column, pa.array(values))


CHANGES = {
    "a group is missing": lambda t: t.slice(1),
    "the last group is missing": lambda t: t.slice(0, len(t) - 1),
    "a partition is missing": lambda t: t.slice(5),
    "a group is there twice": lambda t: pa.concat_tables([t, t.slice(3, 1)]),
    "no partition": lambda t: changed(t, "Npix", 3, t["Npix"][3].as_py() + 1),
    "no order": lambda t: changed(t, "Norder", 3, 77),
    "null": lambda t: changed(t, "Norder", 3, None),
    "other rows": lambda t: changed(t, "_healpix_29::row_count", 0, 1),
    "only nested": lambda t: t.select([n for n in t.column_names if "lc." in n or ":" not in n]),
    "empty": lambda t: t.slice(0, 0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_of_this_catalog_is_not_used(primary, change):
    rewrite(primary, CHANGES[change])
    assert read_statistics(primary) is None


def test_there_is_none(primary):
    primary.root.join(STATISTICS_FILE).local.unlink()
    assert read_statistics(primary) is None


def test_broken(primary):
    path = primary.root.join(STATISTICS_FILE).local
    whole = path.read_bytes()
    for broken in (b"", whole[:100], whole[: len(whole) // 2], b"x" * 1000):
        path.unlink()
        path.write_bytes(broken)
        with pytest.raises(CatalogError, match="cannot be read"):
            read_statistics(primary)
    rewritten = pq.read_table(pa.BufferReader(whole)).drop_columns(["Npix"])
    path.unlink()
    pq.write_table(rewritten, path)
    with pytest.raises(CatalogError, match="no column Npix"):
        read_statistics(primary)


def test_replaced_between_two_columns(primary):
    groups = read_statistics(primary)
    rewrite(primary, lambda table: table.slice(0, 1))
    with pytest.raises(CatalogError, match="has been replaced"):
        groups.minimum("ra")


def test_only_what_is_asked_for_is_read_and_once(primary, monkeypatch):
    read = []
    real = pq.ParquetFile.read

    def reading(self, columns, **options):
        read.extend(columns)
        return real(self, columns, **options)

    monkeypatch.setattr(statistics.pq.ParquetFile, "read", reading)
    for _ in range(2):
        groups = read_statistics(open_dataset(primary.root))
        groups.minimum("ra")
        groups.disk_bytes(["ra", "dec"])
    keys = ["Norder", "Npix", "row_group_index", "_healpix_29::row_count"]
    asked = ["ra::min_value", "ra::disk_bytes", "dec::disk_bytes"]
    assert sorted(read) == sorted([*keys, *asked])


def test_columns_that_are_not_described(primary):
    groups = read_statistics(primary)
    assert groups.has("ra")
    assert not groups.has("nope")
    with pytest.raises(CatalogError, match="nope"):
        groups.minimum("nope")


def test_no_partitions(tmp_path):
    assert read_statistics(write_primary(tmp_path, sky(3).slice(0, 0))) is None


def test_through_fsspec(primary):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    root = f"/{os.path.basename(primary.root.path)}-statistics"  # noqa: PTH119
    memory.put(primary.root.path, root, recursive=True)
    try:
        remote = open_dataset(Location(root, "memory"))
        assert_is_as_the_footers_say(remote)
    finally:
        memory.rm(root, recursive=True)


def test_columns_of_maps_do_not_shift_those_that_follow(tmp_path):
    maps = pa.array([[("a", 1), ("b", 2)], [], None] * 4, pa.map_(pa.string(), pa.int64()))
    fixed = pa.array([[{"x": 1}, {"x": 2}]] * 12, pa.list_(pa.struct([("x", pa.int8())]), 2))
    table = pa.table(
        {"m": maps, "f": fixed, "ra": np.arange(12.0), "dec": np.zeros(12), "id": range(12)}
    )
    skyseries.from_table(table).write_catalog(tmp_path / "c", margin_arcsec=None)
    catalog = skyseries.open_catalog(tmp_path / "c")
    groups = read_statistics(catalog.dataset)
    assert sum(groups.rows) == 12
    assert groups.maximum("id").to_pylist()[-1] is not None
    for i in range(12):  # a row group is left out by what is recorded of it
        assert catalog.query(f"id = {i}").to_arrow()["ra"].to_pylist() == [float(i)]
    assert {"m.key_value.key", "f.list.element.x"} <= {
        path for path, _ in column_paths(catalog.schema)
    }
    assert skyseries.validate_catalog(tmp_path / "c").ok


def test_files_with_whole_paths_are_read_as_well(primary):
    short = read_statistics(primary)
    expected = short.minimum("lc.mjd.list.element"), short.disk_bytes(["lc"])

    def with_whole_paths(table):
        names = [name.replace("::", ".list.element::") for name in table.column_names]
        old = zip(table.column_names, names, strict=True)
        return table.rename_columns([whole if n.startswith("lc.") else n for n, whole in old])

    rewrite(primary, with_whole_paths)
    whole = read_statistics(primary)
    assert whole.has("lc.mjd.list.element")
    assert whole.minimum("lc.mjd.list.element").equals(expected[0])
    assert (whole.disk_bytes(["lc"]) == expected[1]).all()
    assert_is_as_the_footers_say(primary)


def test_a_column_that_is_called_like_a_field(tmp_path):
    table = pa.table(
        {
            "ra": [10.0, 10.1],
            "dec": [0.0, 0.0],
            "lc": [{"mjd": [1.0, 2.0]}, {"mjd": [3.0]}],
            "lc.mjd": [50.0, 60.0],
        }
    )
    skyseries.from_table(table).write_catalog(tmp_path / "c", margin_arcsec=None)
    groups = read_statistics(skyseries.open_catalog(tmp_path / "c").dataset)
    assert groups.maximum("lc.mjd").to_pylist() == [60.0]
    assert groups.maximum("lc.mjd.list.element").to_pylist() == [3.0]
