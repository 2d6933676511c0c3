"""Columns in the names of folders, and the name of a file as a column."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from skyseries.formats import find_files, read_schema, read_table, scan

TABLE = pa.table(
    {
        "id": pa.array(range(6), pa.int64()),
        "band": ["g", "r", "a b/=%", None, "g", "r"],
        "year": pa.array([2020, 2020, -5, 2021, 2021, None], pa.int32()),
        "big": pa.array([2**40] * 6, pa.int64()),
    }
)


@pytest.mark.parametrize("format", ["parquet", "csv"])
@pytest.mark.parametrize("keys", [["band"], ["year", "band"], ["band", "year", "big"]])
def test_as_pyarrow_writes_and_reads_them(tmp_path: Path, format: str, keys: list[str]) -> None:
    ds.write_dataset(
        TABLE, tmp_path / "in", format=format, partitioning=keys, partitioning_flavor="hive"
    )
    read = read_table(tmp_path / "in").sort_by("id").select(TABLE.column_names)
    assert read.to_pylist() == TABLE.to_pylist()
    assert read.schema.field("year").type == (pa.int32() if "year" in keys else read["year"].type)
    pattern = f"{tmp_path}/in/**/*.{format}"
    assert read_table(pattern).sort_by("id").select(TABLE.column_names).equals(read)
    listed = [file.path for file in find_files(tmp_path / "in")]
    assert read_table(listed).sort_by("id").select(TABLE.column_names).equals(read)
    folders = [str(folder) for folder in (tmp_path / "in").iterdir()]
    assert read_table(folders).sort_by("id").select(TABLE.column_names).equals(read)


def _write(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_only_folders_below_what_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path / "run=1" / "band=g" / "t.parquet", x=[1])
    assert read_table(path).column_names == ["x"]
    assert read_table(tmp_path / "run=1" / "band=g").column_names == ["x"]
    assert read_table(tmp_path / "run=1").column_names == ["x", "band"]
    assert read_table(f"{tmp_path}/run=*/band=g/*").to_pylist() == [{"x": 1, "run": 1, "band": "g"}]
    assert read_table(f"{tmp_path}/run=1/*/*.parquet").column_names == ["x", "band"]


@pytest.mark.parametrize(
    ("names", "type"),
    [
        (["1", "2"], pa.int32()), (["1", str(2**40)], pa.int64()), (["1", "b"], pa.string()),
        (["1", "__HIVE_DEFAULT_PARTITION__"], pa.int32()), (["1.5"], pa.string()),
        (["__HIVE_DEFAULT_PARTITION__"], pa.null()), ([str(2**64)], pa.string()),
    ],
)  # fmt: skip
def test_types(tmp_path: Path, names: list[str], type: pa.DataType) -> None:
    for number, name in enumerate(names):
        _write(tmp_path / f"k={name}" / "t.parquet", x=[number])
    assert read_table(tmp_path).schema.field("k").type == type


def test_column_inside_the_file_too(tmp_path: Path) -> None:
    _write(tmp_path / "band=g" / "t.parquet", x=[1, 2], band=["g", "g"])
    _write(tmp_path / "band=r" / "t.parquet", x=[3], band=["r"])
    assert read_table(tmp_path)["band"].to_pylist() == ["g", "g", "r"]
    assert read_table(tmp_path, ["x"])["x"].to_pylist() == [1, 2, 3]
    _write(tmp_path / "band=r" / "t.parquet", x=[3, 4], band=["r", "z"])
    with pytest.raises(InputError, match=r"'band' is 'z' inside the file, but 'r' by the name"):
        read_table(tmp_path)
    _write(tmp_path / "band=r" / "t.parquet", x=[3, 4], band=["r", None])
    with pytest.raises(InputError, match=r"'band' is None inside the file, but 'r'"):
        read_table(tmp_path)


def test_folders_that_do_not_agree(tmp_path: Path) -> None:
    _write(tmp_path / "band=g" / "t.parquet", x=[1])
    _write(tmp_path / "other" / "t.parquet", x=[1])
    with pytest.raises(SchemaError, match="column 'band' is in"):
        read_table(tmp_path)
    assert read_table(tmp_path, ["x"]).num_rows == 2
    _write(tmp_path / "twice" / "a=1" / "a=2" / "t.parquet", x=[1])
    with pytest.raises(InputError, match="give 'a' different values"):
        find_files(tmp_path / "twice")


def test_folder_columns_alone_and_in_chunks(tmp_path: Path) -> None:
    _write(tmp_path / "band=g" / "t.parquet", x=range(5))
    (file,) = find_files(tmp_path)
    schema = read_schema(file, columns=["band"])
    assert [batch.num_rows for batch in scan(file, schema, batch_rows=2)] == [2, 2, 1]
    assert pa.Table.from_batches(scan(file, schema))["band"].to_pylist() == ["g"] * 5
    nulls = pa.Table.from_batches(scan(file, schema, null_values={"band": ["g"]}))
    assert nulls["band"].null_count == 5


def test_import_of_folders_and_of_a_catalog(tmp_path: Path) -> None:
    rows = pa.table({"id": [1, 2], "ra": [1.0, 50.0], "dec": [0.0, 1.0], "band": ["g", "r"]})
    ds.write_dataset(
        rows, tmp_path / "in", format="parquet", partitioning=["band"], partitioning_flavor="hive"
    )
    sky.import_catalog(tmp_path / "in", tmp_path / "c", id="id", progress=False)
    catalog = sky.open_catalog(tmp_path / "c")
    assert sorted(catalog.select(["id", "band"]).to_arrow()["band"].to_pylist()) == ["g", "r"]
    leaf = next((tmp_path / "c").glob("**/dataset/Norder=*"))
    assert read_table(leaf.parent).column_names == ["_healpix_29", "id", "ra", "dec", "band"]


def test_file_name_as_a_column(tmp_path: Path) -> None:
    (tmp_path / "stars").mkdir()
    for star in ("V1.2", "0042"):
        (tmp_path / "stars" / f"{star}.dat").write_text("# mjd mag\n1.5 2.5\n2.5 3.5\n")
    read = read_table(tmp_path / "stars", ["mjd", "_filename"])
    assert read["_filename"].to_pylist() == ["0042", "0042", "V1.2", "V1.2"]
    assert read_table(tmp_path / "stars").column_names == ["mjd", "mag"]
    (file, _) = find_files(tmp_path / "stars", file_name=True)
    assert read_schema(file).field("_filename").type == pa.string()
    numbered = pa.schema([("_filename", pa.int64())])
    assert next(scan(file, numbered))["_filename"].to_pylist() == [42, 42]
    (_, star) = find_files(tmp_path / "stars", file_name=True)
    with pytest.raises(InputError, match=r"its file name, column '_filename': 'V1.2' does not fit"):
        list(scan(star, numbered))


def test_remote_folders() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for band in "gr":
        with memory.open(f"/folders-test/in/band={band}/t.csv", "wb") as handle:
            pyarrow.csv.write_csv(pa.table({"x": [1]}), handle)
    for spec in (
        "memory://folders-test/in",
        "memory://folders-test/in/*/t.csv",
        ["memory://folders-test/in/band=g/t.csv", "memory://folders-test/in/band=r"],
    ):
        assert sorted(read_table(spec)["band"].to_pylist()) == ["g", "r"]
