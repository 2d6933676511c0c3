from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import InputError, SchemaError
from skyseries.formats import chunks, find_files, read_schema, read_schemas, read_table, scan
from skyseries.schema import ColumnMeta, column_meta


def _write(folder: Path, table: pa.Table, name: str = "t.parquet", rows: int = 100) -> Path:
    path = folder / name
    pq.write_table(table, path, row_group_size=rows)
    return path


def test_scan_shares_memory_where_types_agree(tmp_path: Path) -> None:
    path = _write(tmp_path, pa.table({"a": pa.array([1, 2], pa.int32()), "b": [0.5, 1.5]}))
    (file,) = find_files(path)
    schema = read_schema(file)
    (batch,) = scan(file, schema)
    assert batch.schema.equals(schema, check_metadata=True)
    assert batch.to_pydict() == {"a": [1, 2], "b": [0.5, 1.5]}


def test_target_types_columns_and_order(tmp_path: Path) -> None:
    path = _write(
        tmp_path, pa.table({"a": pa.array([1, 2], pa.int8()), "b": ["x", "y"], "c": [1, 2]})
    )
    (file,) = find_files(path)
    schema = pa.schema([("b", pa.string()), ("a", pa.float64()), ("c", pa.uint64())])
    table = pa.Table.from_batches(scan(file, schema, columns=["a", "b"]))
    assert table.schema.equals(pa.schema([("a", pa.float64()), ("b", pa.string())]))
    assert table.to_pydict() == {"a": [1.0, 2.0], "b": ["x", "y"]}


def test_files_with_another_order_and_other_widths(tmp_path: Path) -> None:
    _write(tmp_path, pa.table({"id": [1], "mag": pa.array([1.5], pa.float32())}), "f1.parquet")
    second = {"mag": [2.5], "id": pa.array([2**64 - 1], pa.uint64())}
    _write(tmp_path, pa.table(second), "f2.parquet")
    table = read_table(tmp_path)
    assert table.to_pydict() == {"id": [1, 2**64 - 1], "mag": [1.5, 2.5]}


@pytest.mark.parametrize(
    ("value", "source", "target"),
    [(2**53 + 1, pa.int64(), pa.float64()), (-1, pa.int64(), pa.uint64()),
     (300, pa.int64(), pa.int8()), (0.5, pa.float64(), pa.int64()), ("x", pa.string(), pa.int8())],
)  # fmt: skip
def test_cell_that_does_not_fit(
    tmp_path: Path, value: object, source: pa.DataType, target: pa.DataType
) -> None:
    good = {pa.string(): "1", pa.float64(): 1.0}.get(source, 1)
    path = _write(tmp_path, pa.table({"a": pa.array([good] * 257 + [value] + [good], source)}))
    (file,) = find_files(path)
    with pytest.raises(InputError) as caught:
        list(scan(file, pa.schema([("a", target)])))
    message = str(caught.value)
    assert message.endswith(f"row 258, column 'a': {value!r} does not fit the type {target}")
    part = chunks(file, 100)[2]
    with pytest.raises(InputError, match="row 258, column 'a'"):
        list(scan(file, pa.schema([("a", target)]), chunk=part))


def test_dictionary_becomes_text(tmp_path: Path) -> None:
    path = _write(tmp_path, pa.table({"band": pa.array(["g", "r", None]).dictionary_encode()}))
    table = read_table(path)
    assert table.schema.types == [pa.string()]
    assert table["band"].to_pylist() == ["g", "r", None]


def test_sentinels_before_the_cast(tmp_path: Path) -> None:
    table = pa.table({"id": [-99, 5], "mag": pa.array([-99.9, 1.0], pa.float32())})
    (file,) = find_files(_write(tmp_path, table))
    schema = pa.schema([("id", pa.uint64()), ("mag", pa.float64())])
    rows = pa.Table.from_batches(scan(file, schema, null_values=[-99, -99.9])).to_pydict()
    assert rows == {"id": [None, 5], "mag": [None, 1.0]}


def test_nan_and_null_stay_apart(tmp_path: Path) -> None:
    column = read_table(_write(tmp_path, pa.table({"a": [float("nan"), None, 1.0]})))["a"]
    assert column.null_count == 1
    assert str(column[0].as_py()) == "nan"


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 50))
def test_chunks_cover_the_file_once(rows: int, group: int, target: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = _write(Path(folder), pa.table({"a": list(range(rows))}), rows=group)
        (file,) = find_files(path)
        schema = read_schema(file)
        parts = chunks(file, target)
        found = []
        for part in parts:
            assert part.first_row == len(found)
            values = [b["a"].to_pylist() for b in scan(file, schema, chunk=part, batch_rows=3)]
            found += [value for batch in values for value in batch]
            assert part.rows == len(found) - part.first_row
            assert len(part.row_groups or ()) <= 1 or part.rows <= target
    assert found == list(range(rows))


def test_chunks_of_other_formats_and_bad_arguments(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    (text,) = find_files(tmp_path / "t.csv")
    (whole,) = chunks(text, 10)
    assert whole.rows is None
    (file,) = find_files(_write(tmp_path, pa.table({"a": [1]})))
    schema = read_schema(file)
    assert [b.num_rows for b in scan(text, schema, chunk=whole)] == [1]
    for options in ({"chunk": whole}, {"batch_rows": 0}, {"on_bad_rows": "drop"}):
        with pytest.raises(InputError):
            list(scan(file, schema, **options))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="target_rows"):
        chunks(file, 0)


def test_zero_rows(tmp_path: Path) -> None:
    path = _write(tmp_path, pa.table({"a": pa.array([], pa.int64())}))
    table = read_table(path)
    assert table.num_rows == 0
    assert table.schema.types == [pa.int64()]


def test_units_of_astropy(tmp_path: Path) -> None:
    from astropy.table import Table

    source = Table({"flux": [1.0]}, units={"flux": "nJy"}, descriptions={"flux": "PSF flux"})
    source.write(tmp_path / "t.parquet")
    schema = read_schema(find_files(tmp_path / "t.parquet")[0])
    assert column_meta(schema.field("flux")) == ColumnMeta("nJy", "", "PSF flux")


def test_units_of_an_embedded_votable(tmp_path: Path) -> None:
    from astropy.table import Table

    source = Table({"flux": [1.0], "id": [1]}, units={"flux": "nJy"})
    metadata = {
        "flux": {"unit": "nJy", "ucd": "phot.flux", "utype": "", "description": "PSF flux"},
        "id": {"unit": "", "ucd": "meta.id", "utype": "", "description": "name"},
    }
    source.write(tmp_path / "t.parquet", format="parquet.votable", metadata=metadata)
    schema = read_schema(find_files(tmp_path / "t.parquet")[0])
    assert column_meta(schema.field("flux")) == ColumnMeta("nJy", "phot.flux", "PSF flux")
    assert column_meta(schema.field("id")).ucd == "meta.id"


def test_schemas_of_many_files(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for index in range(5):
        _write(tmp_path, pa.table({"a": [index]}), f"f{index}.parquet")
    files = find_files(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        assert read_schemas(files, map=pool.map) == read_schemas(files)


def test_wrong_name(tmp_path: Path) -> None:
    (file,) = find_files(_write(tmp_path, pa.table({"objectId": [1], "coord_ra": [1.0]})))
    with pytest.raises(SchemaError, match=r"no column 'ra'; did you mean 'coord_ra'\?"):
        read_schema(file, columns=["ra"])
    with pytest.raises(SchemaError, match=r"no column 'zzz'; it has: objectId, coord_ra"):
        list(scan(file, pa.schema([("zzz", pa.int8())])))
    with pytest.raises(SchemaError, match="no columns to read"):
        read_schema(file, columns=[])


def test_faults(tmp_path: Path) -> None:
    path = _write(tmp_path, pa.table({"a": list(range(1000))}))
    data = path.read_bytes()
    for content, message in [
        (b"", "is empty"),
        (data[:-100], "is truncated"),
        (data[:4], "is truncated"),
        (b"ra,dec\n1,2\n", r"is not a Parquet file: it begins with b'ra,dec"),
        (data[:-12] + b"\xff\xff\xff" + data[-9:], r"t\.parquet"),
    ]:
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_table(path)


def test_file_that_vanished(tmp_path: Path) -> None:
    path = _write(tmp_path, pa.table({"a": [1]}))
    (file,) = find_files(path)
    path.unlink()
    with pytest.raises(InputError, match=r"there is no file .*t\.parquet"):
        read_schema(file)


def test_damaged_page(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"a": [str(i) * 9 for i in range(5000)]}),
        path,
        compression="zstd",
        use_dictionary=False,
    )
    data = bytearray(path.read_bytes())
    data[200:4000] = b"\xa5" * 3800
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"cannot read the Parquet file .*t\.parquet"):
        read_table(path)
