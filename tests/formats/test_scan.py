"""All formats together: lazy imports, real data, the same rows whatever the format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyseries.errors import InputError, SchemaError
from skyseries.formats import InputFile, find_files, read_schema, read_table, scan, write_table
from skyseries.schema import ColumnMeta, column_meta, with_column_meta

SUFFIXES = [".parquet", ".csv", ".fits", ".vot"]


def test_csv_and_parquet_do_not_import_astropy(tmp_path: Path) -> None:
    program = f"""
import sys
import pyarrow as pa
from skyseries.formats import read_table, write_table
for name in ("t.csv", "t.parquet", "t.vot"):
    path = {str(tmp_path)!r} + "/" + name
    write_table(pa.table({{"id": [1, 2]}}), path)
    assert read_table(path)["id"].to_pylist() == [1, 2]
heavy = [name for name in ("astropy", "fsspec", "numba", "yaml") if name in sys.modules]
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.data
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_real_table_in_every_format(shared_data: Path, tmp_path: Path, suffix: str) -> None:
    source = read_table(shared_data / "s82_rrlyrae_objects.parquet")
    write_table(source, tmp_path / f"t{suffix}")
    (file,) = find_files(tmp_path / f"t{suffix}")
    back = pa.Table.from_batches(scan(file, source.schema), source.schema)
    for name in source.column_names:
        if pa.types.is_floating(source.schema.field(name).type) and suffix == ".fits":
            nan = float("nan")
            left, right = (
                [nan if cell is None else cell for cell in table[name].to_pylist()]
                for table in (back, source)
            )
            assert str(left) == str(right)
        else:
            assert str(back[name].to_pylist()) == str(source[name].to_pylist())


@pytest.mark.data
def test_real_light_curves_in_batches(shared_data: Path) -> None:
    (file,) = find_files(shared_data / "s82_rrlyrae_lightcurves.parquet")
    rows = sum(batch.num_rows for batch in scan(file, read_schema(file), batch_rows=10_000))
    assert rows == 85_152


def test_mixed_formats_become_one_table(tmp_path: Path) -> None:
    for index, suffix in enumerate(SUFFIXES):
        part = pa.table({"id": [2**60 + index], "mag": [index + 0.5]})
        write_table(part, tmp_path / f"part{index}{suffix}")
    table = read_table(tmp_path)
    assert table["id"].to_pylist() == [2**60 + index for index in range(4)]
    assert table["mag"].to_pylist() == [0.5, 1.5, 2.5, 3.5]


def test_mixed_units_between_formats(tmp_path: Path) -> None:
    for name, unit in (("a.fits", "nJy"), ("b.vot", "mJy")):
        field = with_column_meta(pa.field("flux", pa.float64()), ColumnMeta(unit=unit))
        write_table(pa.table([[1.0]], schema=pa.schema([field])), tmp_path / name)
    with pytest.raises(SchemaError, match=r"'flux' is in nJy in .*a\.fits but in mJy in .*b\.vot"):
        read_table(tmp_path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_wrong_column_name(tmp_path: Path, suffix: str) -> None:
    write_table(pa.table({"objectId": [1], "psfFlux": [1.0]}), tmp_path / f"t{suffix}")
    (file,) = find_files(tmp_path / f"t{suffix}")
    with pytest.raises(SchemaError, match=r"no column 'psfflx'; did you mean 'psfFlux'"):
        read_schema(file, columns=["psfflx"])
    with pytest.raises(SchemaError, match="no column 'psfflx'"):
        list(scan(file, pa.schema([("psfflx", pa.float64())])))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_columns_in_the_order_asked_for(tmp_path: Path, suffix: str) -> None:
    write_table(pa.table({"a": [1], "b": ["x"], "c": [0.5]}), tmp_path / f"t{suffix}")
    table = read_table(tmp_path / f"t{suffix}", ["c", "a"])
    assert table.to_pylist() == [{"c": 0.5, "a": 1}]
    assert table.column_names == ["c", "a"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sentinels_in_every_format(tmp_path: Path, suffix: str) -> None:
    table = pa.table({"id": [-99, 2], "mag": pa.array([-99.9, -99.0], pa.float32())})
    write_table(table, tmp_path / f"t{suffix}")
    null_values = {"mag": [-99, -99.9]}
    (file,) = find_files(tmp_path / f"t{suffix}")
    rows = pa.Table.from_batches(scan(file, table.schema, null_values=null_values))
    assert rows.to_pydict() == {"id": [-99, 2], "mag": [None, None]}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_that_vanished(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t{suffix}"
    write_table(pa.table({"a": [1]}), path)
    (file,) = find_files(path)
    path.unlink()
    with pytest.raises(InputError, match=r"there is no file .*t\."):
        list(scan(file, pa.schema([("a", pa.int64())])))


def test_unknown_format() -> None:
    file = InputFile("t.hdf5", "hdf5", 1)
    with pytest.raises(InputError, match="'hdf5' is not known"):
        read_schema(file)
    with pytest.raises(InputError, match="'hdf5' is not known"):
        list(scan(file, pa.schema([("a", pa.int8())])))
    with pytest.raises(SchemaError, match="the list is empty"):
        read_table([])


def test_light_curves_with_categories_and_dots_in_names(tmp_path: Path) -> None:
    band = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), ["g", "r"])
    nested = pa.StructArray.from_arrays(
        [pa.ListArray.from_arrays([0, 2], band), pa.array([[1.5, 2.5]])], ["band", "mjd"]
    )
    for name, column in (("f1", nested), ("f2", pa.array(nested.to_pylist()))):
        pq.write_table(
            pa.table({"lc": column, "lc.mjd": [7], "lcx": [8]}), tmp_path / f"{name}.parquet"
        )
    table = read_table(tmp_path, ["lc.mjd", "lc"])
    row = {"lc.mjd": 7, "lc": {"band": ["g", "r"], "mjd": [1.5, 2.5]}}
    assert table.to_pylist() == [row, row]
    assert column_meta(table.schema.field("lc")) == ColumnMeta()
