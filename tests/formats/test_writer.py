"""Round trips: what `write_table` writes, `scan` reads back."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given

from skyseries.errors import InputError, StorageError
from skyseries.formats import find_files, read_schema, read_table, scan, write_table
from skyseries.schema import ColumnMeta, column_meta, with_column_meta
from tests.formats.strategies import assert_same, tables


def _round_trip(table: pa.Table, suffix: str, schema: pa.Schema | None = None) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{suffix}"
        write_table(table, path)
        assert [entry.name for entry in Path(folder).iterdir()] == [path.name]
        (file,) = find_files(path)
        schema = schema or read_schema(file)
        return pa.Table.from_batches(scan(file, schema), schema)


def _cells(table: pa.Table, change: Any) -> pa.Table:
    """Return the table with each cell replaced: what a format keeps of it."""
    columns = [
        pa.array([change(cell, field.type) for cell in table[field.name].to_pylist()], field.type)
        for field in table.schema
    ]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


@given(tables(lists=True))
def test_parquet(table: pa.Table) -> None:
    back = _round_trip(table, ".parquet")
    assert back.schema.equals(table.schema)
    assert_same(back, table)


@given(tables())
def test_csv(table: pa.Table) -> None:
    assert_same(_round_trip(table, ".csv", table.schema), table)


@given(tables(lists=True))
def test_csv_lists(table: pa.Table) -> None:
    assert_same(_round_trip(table, ".csv", table.schema), table)


@given(tables(lists=True))
def test_votable(table: pa.Table) -> None:
    back = _round_trip(table, ".vot")
    for field in table.schema:
        value = field.type.value_type if pa.types.is_list(field.type) else field.type
        if pa.types.is_integer(value) and not pa.types.is_uint64(value):
            continue
        if not pa.types.is_uint64(value):
            assert back.schema.field(field.name).type == field.type
    if not any(str(field.type).startswith("list<item: uint64") for field in table.schema):
        assert_same(back.cast(table.schema), table)


@given(tables(lists=True))
def test_fits(table: pa.Table) -> None:
    def kept(cell: Any, kind: pa.DataType) -> Any:
        if cell is None and pa.types.is_floating(kind):
            return math.nan
        return [] if cell is None and pa.types.is_list(kind) else cell

    back = _round_trip(table, ".fits")
    assert_same(back.cast(table.schema), _cells(table, kept))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".fits", ".vot"])
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_streams_of_batches(tmp_path: Path, suffix: str, rows: int) -> None:
    schema = pa.schema([("id", pa.uint64()), ("name", pa.string()), ("flux", pa.float64())])
    table = pa.table(
        [list(range(2**60, 2**60 + rows)), [f"star {i}" * i for i in range(rows)], [0.5] * rows],
        schema=schema,
    )
    path = tmp_path / f"t{suffix}"
    write_table(iter(table.to_batches(max_chunksize=2)), path, schema=schema)
    (file,) = find_files(path)
    assert_same(pa.Table.from_batches(scan(file, schema), schema), table)
    write_table(table.to_reader(max_chunksize=1), path)
    assert_same(pa.Table.from_batches(scan(file, schema), schema), table)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_stream_without_batches_needs_a_schema(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give schema="):
        write_table(iter(()), tmp_path / "t.csv")


@pytest.mark.parametrize("suffix", [".parquet", ".fits", ".vot"])
def test_units_and_descriptions(tmp_path: Path, suffix: str) -> None:
    meta = ColumnMeta("nJy", "phot.flux", 'Flux of the <PSF> & "more"')
    field = with_column_meta(pa.field("flux", pa.float64()), meta)
    write_table(pa.table([[1.0]], schema=pa.schema([field])), tmp_path / f"t{suffix}")
    assert column_meta(read_table(tmp_path / f"t{suffix}").schema.field("flux")) == meta


LIGHT_CURVES = pa.table(
    {
        "id": [2**62 + 1, 2],
        "lightcurve": pa.array(
            [{"mjd": [1.5, 2.5], "band": ["g", "r"], "n": [1, 2]}, None],
            pa.struct([
                ("mjd", pa.list_(pa.float64())),
                ("band", pa.list_(pa.string())),
                ("n", pa.list_(pa.int64())),
            ]),
        ),
    }
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".fits", ".vot", ".csv"])
def test_nested_light_curves(tmp_path: Path, suffix: str) -> None:
    write_table(LIGHT_CURVES, tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert back.column_names == ["id", "lightcurve.mjd", "lightcurve.band", "lightcurve.n"]
    row = back.slice(0, 1).to_pylist()[0]
    assert row["id"] == 2**62 + 1
    assert json.loads(row["lightcurve.band"]) == ["g", "r"]
    assert list(map(float, _list(row["lightcurve.mjd"]))) == [1.5, 2.5]
    assert _list(row["lightcurve.n"]) == [1, 2]


def _list(cell: Any) -> Any:
    return json.loads(cell) if isinstance(cell, str) else cell


def test_nested_light_curves_in_parquet(tmp_path: Path) -> None:
    write_table(LIGHT_CURVES, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").equals(LIGHT_CURVES)


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
def test_null_integer_inside_a_list_is_refused(tmp_path: Path, suffix: str) -> None:
    table = pa.table({"n": pa.array([[1, None]], pa.list_(pa.int32()))})
    with pytest.raises(InputError, match="'n' has nulls inside its lists"):
        write_table(table, tmp_path / f"t{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".fits", ".vot"])
def test_times_and_categories(tmp_path: Path, suffix: str) -> None:
    table = pa.table(
        {
            "when": pa.array([0, None], pa.timestamp("ms")),
            "band": pa.array(["g", "r"]).dictionary_encode(),
        }
    )
    write_table(table, tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert back["when"].to_pylist() == ["1970-01-01T00:00:00.000", None]
    assert back["band"].to_pylist() == ["g", "r"]


@pytest.mark.parametrize("suffix", [".csv", ".fits", ".vot"])
def test_bytes_are_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="'raw' holds bytes"):
        write_table(pa.table({"raw": [b"\xff"]}), tmp_path / f"t{suffix}")


def test_every_stored_integer_taken_and_a_null(tmp_path: Path) -> None:
    bytes_ = pa.array([*range(256), None], pa.uint8())
    words = pa.array([-(2**63), 2**63 - 1, 2**63 - 2, *[None] * 254], pa.int64())
    table = pa.table({"b": bytes_, "k": words})
    write_table(table, tmp_path / "t.fits")
    assert_same(read_table(tmp_path / "t.fits").cast(table.schema), table)


def test_old_file_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_table(pa.table({"a": [1]}), path)

    def broken() -> Any:
        yield from pa.table({"a": [2]}).to_batches()
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        write_table(broken(), path)
    assert path.read_text().split() == ['"a"', "1"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.csv"]


def test_unknown_suffix_and_missing_folder(tmp_path: Path) -> None:
    table = pa.table({"a": [1]})
    with pytest.raises(InputError, match=r"cannot tell the format of .*t\.txt"):
        write_table(table, tmp_path / "t.txt")
    with pytest.raises(StorageError, match="cannot write"):
        write_table(table, tmp_path / "none" / "t.csv")
    write_table(table, tmp_path / "t.txt", format="csv")
    assert (tmp_path / "t.txt").read_text().split() == ['"a"', "1"]


def test_remote(tmp_path: Path) -> None:
    write_table(pa.table({"a": [1]}), "memory://formats-out/t.parquet")
    assert read_table("memory://formats-out/t.parquet")["a"].to_pylist() == [1]
