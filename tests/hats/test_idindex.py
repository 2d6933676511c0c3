"""From an id to its partition: exact for every id that can be written."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import CatalogError
from skyseries.hats.idindex import Found, IdIndex, open_index
from skyseries.hats.partitions import Cell
from skyseries.store.files import locate


def write_index(folder, ids, type_, group=3, parts=1, **options):
    order = np.argsort(np.array(ids, dtype=object), kind="stable") if len(ids) else []
    ids = [ids[i] for i in order]
    n = len(ids)
    table = pa.table(
        {
            "id": pa.array(ids, type_),
            "Norder": pa.array([2] * n, pa.uint8()),
            "Npix": pa.array([int(i) % 192 for i in order], pa.uint64()),
            "_healpix_29": pa.array([10 * int(i) for i in order], pa.int64()),
        }
    )
    footers = []
    (folder / "dataset/index").mkdir(parents=True, exist_ok=True)
    for part in range(parts):
        slice_ = table.slice(n * part // parts, n * (part + 1) // parts - n * part // parts)
        name = f"index/part.{part}.parquet"
        pq.write_table(
            slice_, folder / "dataset" / name, row_group_size=group, metadata_collector=footers,
            **options,
        )  # fmt: skip
        footers[-1].set_file_path(name)
    pq.write_metadata(table.schema, folder / "dataset/_metadata", metadata_collector=footers)
    return locate(folder)


def expected(i):
    return [Found(Cell(2, i % 192), 10 * i)]


CASES = {
    "above 2**53": ([2**53 + k for k in range(8)], pa.int64()),
    "negative": ([-(2**63), -5, -1, 0, 3, 2**63 - 1], pa.int64()),
    "unsigned above 2**63": (
        [0, 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1],
        pa.uint64(),
    ),
    "unsigned below 2**63": ([5, 7, 9, 11], pa.uint64()),
    "narrow": ([-128, 5, 127], pa.int8()),
    "text": (["", "a", "A", "aa", "é", "日本", "OBJ-1", "10", "9"], pa.string()),
    "large text": (["x", "y", "z" * 300], pa.large_string()),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("parts", [1, 2])
def test_each_id_is_found_and_no_other(tmp_path, name, parts):
    ids, type_ = CASES[name]
    index = IdIndex(write_index(tmp_path, ids, type_, parts=parts), "id")
    for i, id_ in enumerate(ids):
        assert index.find(id_) == expected(i), id_
    absent = [2, -2, 2**53 - 1, 2**53 + 9, 2**63 + 7, 2**64, -(2**70), 2**100, "b", "OBJ", "é́", 2.5]
    for id_ in absent:
        assert index.find(id_) == []


def test_numbers_of_numpy_are_numbers(tmp_path):
    ids = [2**60 + k for k in range(5)]
    index = IdIndex(write_index(tmp_path, ids, pa.int64()), "id")
    assert index.find(np.int64(ids[3])) == index.find(np.uint64(ids[3])) == expected(3)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, max_size=25), st.integers())
def test_any_integers(tmp_path_factory, ids, other):
    index = IdIndex(write_index(tmp_path_factory.mktemp("index"), ids, pa.int64()), "id")
    for i, id_ in enumerate(ids):
        assert index.find(id_) == expected(i)
    if other not in ids:
        assert index.find(other) == []


def test_an_id_that_repeats_is_found_each_time(tmp_path):
    index = IdIndex(write_index(tmp_path, [7, 7, 7, 7, 8], pa.int64(), group=2), "id")
    assert sorted(index.find(7)) == sorted(expected(0) + expected(1) + expected(2) + expected(3))


def test_an_empty_index(tmp_path):
    assert IdIndex(write_index(tmp_path, [], pa.int64()), "id").find(1) == []


def test_an_index_without_cells(tmp_path):
    root = write_index(tmp_path, [1, 2], pa.int64())
    part = tmp_path / "dataset/index/part.0.parquet"
    table = pq.read_table(part).drop_columns(["_healpix_29"])
    footers = []
    pq.write_table(table, part, metadata_collector=footers)
    footers[0].set_file_path("index/part.0.parquet")
    footers[0].write_metadata_file(tmp_path / "dataset/_metadata")
    assert IdIndex(root, "id").find(2) == [Found(Cell(2, 1), None)]


def test_an_index_that_is_replaced_is_read_anew(tmp_path):
    root = write_index(tmp_path, [1, 2, 3], pa.int64())
    assert open_index(root, "id") is open_index(root, "id")
    assert open_index(root, "id").find(9) == []
    write_index(tmp_path, [9, 10, 11, 12], pa.int64())
    assert open_index(root, "id").find(9) == expected(0)


def test_a_broken_index_is_an_error(tmp_path):
    with pytest.raises(CatalogError, match="no dataset/_metadata"):
        IdIndex(locate(tmp_path), "id")
    root = write_index(tmp_path, [1, 2, 3], pa.int64())
    with pytest.raises(CatalogError, match="no column 'name'"):
        IdIndex(root, "name")
    (tmp_path / "dataset/_metadata").write_bytes(b"PAR1 no")
    with pytest.raises(CatalogError, match="_metadata is broken"):
        IdIndex(root, "id")


def test_an_index_without_statistics_is_an_error(tmp_path):
    root = write_index(tmp_path, [1, 2, 3], pa.int64(), write_statistics=False)
    with pytest.raises(CatalogError, match="no statistics of 'id'"):
        IdIndex(root, "id")


def test_a_missing_part_is_an_error(tmp_path):
    root = write_index(tmp_path, [1, 2, 3], pa.int64())
    (tmp_path / "dataset/index/part.0.parquet").unlink()
    with pytest.raises(CatalogError, match=r"part.0.parquet"):
        IdIndex(root, "id").find(2)
    assert IdIndex(root, "id").find(17) == []
