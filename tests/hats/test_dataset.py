"""Catalog folders as others leave them, and leaves that are missing, broken or replaced."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyseries.errors import CatalogError, CatalogNotFoundError
from skyseries.hats.dataset import open_dataset, open_leaf
from skyseries.hats.partitions import Cell
from skyseries.hats.statistics import recorded_rows
from skyseries.store.files import locate

CELLS = [Cell(1, 5), Cell(1, 6), Cell(2, 31)]
PROPERTIES = "obs_collection=small\ndataproduct_type=object\nhats_col_ra=ra\nhats_nrows=6\n"


def rows(n, **columns):
    return pa.table({"id": pa.array(range(n), pa.int64()), "ra": [float(n)] * n} | columns)


def write_catalog(root, suffix=".parquet", tables=None):
    for n, cell in enumerate(CELLS, start=1):
        leaf = root / f"dataset/Norder={cell.order}/Dir=0/Npix={cell.npix}{suffix}"
        if suffix == "/":
            leaf = leaf / "part0.parquet"
        leaf.parent.mkdir(parents=True) if not leaf.parent.exists() else None
        pq.write_table(rows(n), leaf)
    pq.write_metadata(rows(1).schema, root / "dataset/_common_metadata")
    (root / "hats.properties").write_text(PROPERTIES + f"hats_npix_suffix={suffix}\n")
    lines = [f"{cell.order},{cell.npix}" for cell in CELLS]
    (root / "partition_info.csv").write_text("\n".join(["Norder,Npix", *lines]) + "\n")
    return locate(root)


@pytest.fixture
def root(tmp_path):
    return write_catalog(tmp_path)


def leaf_of(root, cell=CELLS[1]):
    return root.local / f"dataset/Norder={cell.order}/Dir=0/Npix={cell.npix}.parquet"


def test_open_and_read(root):
    dataset = open_dataset(root)
    assert dataset.name == "small"
    assert dataset.kind == "object"
    assert (dataset.ra, dataset.dec) == ("ra", "dec")
    assert dataset.healpix_column is None
    assert dataset.rows == recorded_rows(dataset) == 6
    assert list(dataset.partitions) == sorted(CELLS, key=Cell.range)
    assert dataset.read(CELLS[1]).equals(rows(2))
    assert dataset.read(CELLS[1], ["ra"]).equals(rows(2).select(["ra"]))
    assert dataset.read(CELLS[1], row_groups=[]).num_rows == 0
    assert pickle.loads(pickle.dumps(dataset)).schema == dataset.schema  # noqa: S301


@pytest.mark.parametrize("suffix", [".parquet", ".parq", "/"])
@pytest.mark.parametrize("listed", [True, False])
def test_suffixes_with_and_without_partition_info(tmp_path, suffix, listed):
    root = write_catalog(tmp_path, suffix)
    if not listed:
        (tmp_path / "partition_info.csv").unlink()
    dataset = open_dataset(root)
    assert sorted(dataset.partitions) == sorted(CELLS)
    assert sum(dataset.read(cell).num_rows for cell in dataset.partitions) == 6


@pytest.mark.parametrize("suffix", [".parquet", "/"])
def test_the_schema_comes_from_a_leaf_where_nothing_else_has_it(tmp_path, suffix):
    root = write_catalog(tmp_path, suffix)
    (tmp_path / "dataset/_common_metadata").unlink()
    assert open_dataset(root).schema.names == ["id", "ra"]


def test_rows_are_not_known_where_nothing_says_them(root):
    text = (root.local / "hats.properties").read_text()
    (root.local / "hats.properties").write_text(text.replace("hats_nrows=6\n", ""))
    dataset = open_dataset(root)
    assert dataset.rows is None
    assert recorded_rows(dataset) is None


def test_hive_columns_are_no_data(root):
    common = root.local / "dataset/_common_metadata"
    pq.write_metadata(rows(1, Norder=pa.array([1], pa.int8())).schema, common)
    assert open_dataset(root).schema.names == ["id", "ra"]


def test_no_catalog(tmp_path):
    with pytest.raises(CatalogNotFoundError, match=r"hats.properties"):
        open_dataset(locate(tmp_path))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 this is not PAR1", b"\0" * 64])
def test_broken_common_metadata(root, content):
    (root.local / "dataset/_common_metadata").write_bytes(content)
    with pytest.raises(CatalogError, match="_common_metadata is broken"):
        open_dataset(root)


def test_neither_metadata_nor_leaves(tmp_path):
    (tmp_path / "hats.properties").write_text(PROPERTIES)
    with pytest.raises(CatalogError, match="neither"):
        open_dataset(locate(tmp_path))
    (tmp_path / "hats.properties").write_text(PROPERTIES + "hats_npix_suffix=/\n")
    (tmp_path / "partition_info.csv").write_text("Norder,Npix\n1,5\n")
    with pytest.raises(CatalogError, match=r"Norder=1/Npix=5 .* has no file"):
        open_dataset(locate(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [("order,pix\n1,2\n", "expected columns"), ("Norder,Npix\n1\n", "partition_info"),
     ("Norder,Npix\n1,x\n", "partition_info"), ("Norder,Npix\n0,0\n1,1\n", "overlap")],
)  # fmt: skip
def test_broken_partition_info(root, text, message):
    (root.local / "partition_info.csv").write_text(text)
    with pytest.raises(CatalogError, match=message):
        open_dataset(root)


def test_a_missing_leaf(root):
    leaf_of(root).unlink()
    with pytest.raises(CatalogNotFoundError, match=r"Npix=6.parquet"):
        open_dataset(root).read(CELLS[1])


def test_a_folder_without_leaves(tmp_path):
    root = write_catalog(tmp_path, "/")
    (tmp_path / "dataset/Norder=1/Dir=0/Npix=6/part0.parquet").rename(tmp_path / "_hidden")
    with pytest.raises(CatalogError, match=r"Norder=1/Npix=6 .* has no file"):
        open_dataset(root).read(CELLS[1])


@pytest.mark.parametrize("kept", [0, 3, 20, -1])
def test_a_truncated_leaf(root, kept):
    leaf = leaf_of(root)
    leaf.write_bytes(leaf.read_bytes()[:kept])
    with pytest.raises(CatalogError, match=r"Npix=6.parquet cannot be read"):
        open_dataset(root).read(CELLS[1])


def test_a_leaf_without_a_column(root):
    pq.write_table(rows(2).drop_columns(["ra"]), leaf_of(root))
    dataset = open_dataset(root)
    with pytest.raises(CatalogError, match=r"Npix=6.parquet has no column 'ra'"):
        dataset.read(CELLS[1])
    assert dataset.read(CELLS[1], ["id"]).num_rows == 2


def test_narrower_types_are_widened_and_lossy_ones_are_errors(root):
    narrow = rows(2).set_column(0, "id", pa.array([1, 2], pa.int8()))
    pq.write_table(narrow.select(["ra", "id"]), leaf_of(root))
    table = open_dataset(root).read(CELLS[1])
    assert table.schema == rows(1).schema
    assert table["id"].to_pylist() == [1, 2]
    pq.write_table(rows(2).set_column(0, "id", pa.array([2**63, 2], pa.uint64())), leaf_of(root))
    with pytest.raises(CatalogError, match=r"Npix=6.parquet does not fit"):
        open_dataset(root).read(CELLS[1])


def test_a_leaf_that_is_replaced_is_read_anew(root):
    dataset = open_dataset(root)
    assert dataset.read(CELLS[1]).num_rows == 2
    pq.write_table(rows(5000), leaf_of(root))
    assert dataset.read(CELLS[1]).equals(rows(5000))
    assert dataset.footer(dataset.leaves(CELLS[1])[0]).num_rows == 5000


def test_errors_of_the_reader_name_the_leaf(root):
    leaf = open_dataset(root).leaves(CELLS[1])[0]
    with pytest.raises(CatalogError, match=r"Npix=6"), open_leaf(leaf) as file:
        file.read(row_groups=[7])


def test_views_of_text_are_read_as_text(tmp_path):
    root = write_catalog(tmp_path)
    text = pa.array(["a", None], pa.string_view())
    curve = pa.struct([("band", pa.list_(pa.string_view()))])
    table = pa.table(
        {
            "id": [1, 2],
            "name": text,
            "raw": pa.array([b"a", None], pa.binary_view()),
            "lc": pa.array([{"band": ["g", None]}, None], curve),
        }
    )
    leaf = root.join("dataset/Norder=1/Dir=0/Npix=5.parquet")
    pq.write_table(table, str(leaf))
    pq.write_metadata(table.schema, str(root.join("dataset/_common_metadata")))
    dataset = open_dataset(root)
    assert dataset.schema.field("name").type == pa.string()
    read = dataset.read_leaf(leaf, ["name", "raw", "lc", "lc.band"])
    assert read.schema.types[:2] == [pa.string(), pa.binary()]
    assert read["lc.band"].type == pa.list_(pa.field("element", pa.string()))
    assert read["name"].to_pylist() == ["a", None]
    assert read["lc"].to_pylist() == [{"band": ["g", None]}, None]
