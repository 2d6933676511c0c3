"""Tables that a user brings along as ``TAP_UPLOAD.name``: of any library, files of any format."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table

import skyseries as sky
from skyseries.formats import read_table
from skyseries.schema import column_meta

IDS = [2**53 + 1, 2**62 + 1, 5]

pytestmark = pytest.mark.filterwarnings("ignore::astropy.io.votable.exceptions.W03")


def mine():
    return Table(
        {
            "objectId": np.array(IDS),
            "ra": np.array([10.0, 359.999, 0.0]) * units.deg,
            "dec": [89.9, -90.0, 0.0],
            "mag": MaskedColumn([20.1, 21, 22], mask=[0, 1, 0], unit="mag", description="in g"),
            "n": MaskedColumn([1, 2, 3], mask=[0, 0, 1]),
            "my name": ["a", "b", "c"],
        }
    )


def written(folder, suffix):
    path = folder / f"mine.{suffix}"
    kind = {"vot": "votable", "csv": "ascii.csv", "ecsv": "ascii.ecsv"}.get(suffix, suffix)
    mine().write(path, format=kind, overwrite=True)
    return path


MEMORY = {
    "astropy": mine,
    "quantities": lambda: QTable(mine()),
    "pandas": lambda: mine().to_pandas(),
    "polars": lambda: pl.from_pandas(mine().to_pandas()),
    "arrow": lambda: pa.Table.from_pandas(mine().to_pandas()),
    "dict": lambda: {name: mine()[name] for name in mine().colnames},
}
FILES = ("vot", "fits", "ecsv", "csv", "parquet")


@pytest.mark.parametrize("kind", [*MEMORY, *FILES])
def test_uploads_keep_ids_masks_and_units(kind, tmp_path):
    given = MEMORY[kind]() if kind in MEMORY else written(tmp_path, kind)
    text = 'SELECT objectId, mag, n, "my name" AS named FROM tap_upload.mine WHERE objectId > 5'
    table = sky.sql(text, {"TAP_UPLOAD.mine": given}).to_arrow().sort_by("objectId")
    assert table["objectId"].to_pylist() == IDS[:2]
    assert table["named"].to_pylist() == ["a", "b"]
    assert table["n"].to_pylist() == [1, 2]
    first, second = table["mag"].to_pylist()
    assert first == 20.1
    assert second is None or np.isnan(second)
    if kind not in ("pandas", "polars", "arrow", "csv"):
        assert column_meta(table.schema.field("mag")).unit == "mag"
    missing = 'SELECT objectId FROM TAP_UPLOAD."mine" WHERE mag IS NULL OR n IS NULL'
    found = sky.sql(missing, {"TAP_UPLOAD.mine": given}).to_arrow()
    assert sorted(found["objectId"].to_pylist()) == [5, 2**62 + 1]


def test_uploads_are_described_beside_the_other_tables(tmp_path):
    catalogs = {"TAP_UPLOAD.mine": mine(), "tap_upload.other": written(tmp_path, "ecsv")}
    text = "SELECT table_name, column_name, unit FROM tap_schema.columns WHERE unit = 'mag'"
    rows = sky.sql(text, catalogs).to_arrow().to_pylist()
    assert [row["table_name"] for row in rows] == ["TAP_UPLOAD.mine", "tap_upload.other"]
    schemas = sky.sql("SELECT schema_name FROM tap_schema.schemas", catalogs).to_arrow()
    assert "TAP_UPLOAD" in schemas["schema_name"].to_pylist()


def test_names_of_uploads_are_as_they_are_written():
    columns = {"a.b": [1, 2], "a b": [3, 4], "RA": [5.0, 6.0], "ra": [7.0, 8.0], "é": [0, 1]}
    table = pa.table(columns)
    text = 'SELECT "a.b", "a b" + 1 AS c, "RA" - "ra" AS d, "é" FROM TAP_UPLOAD.t WHERE "a.b" > 1'
    rows = sky.sql(text, {"TAP_UPLOAD.t": table}).to_arrow().to_pylist()
    assert rows == [{"a.b": 2, "c": 5, "d": -2.0, "é": 1}]
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index([7, 8], name="objectId"))
    found = sky.sql("SELECT objectId FROM TAP_UPLOAD.t WHERE x = 2", {"TAP_UPLOAD.t": frame})
    assert found.to_arrow()["objectId"].to_pylist() == [8]


def test_rows_of_a_file_are_read_when_they_are_asked(tmp_path, monkeypatch):
    read = []

    def counted(path):
        read.append(path)
        return read_table(path)

    monkeypatch.setattr("skyseries.query.files.read_table", counted)
    catalogs = {"a": written(tmp_path, "csv"), "b": written(tmp_path, "vot")}
    rows = sky.sql("SELECT column_name FROM tap_schema.columns WHERE table_name = 'a'", catalogs)
    as_written = [f'"{name}"' if name == "my name" else name for name in mine().colnames]
    assert rows.to_arrow()["column_name"].to_pylist() == as_written
    result = sky.sql("SELECT objectId FROM b", catalogs)
    assert not [path for path in read if str(path).endswith("csv")]
    assert len(result.to_arrow()) == 3
    assert [str(path)[-3:] for path in read] == ["vot"]


def test_one_table_of_a_file_and_compressed_ones(tmp_path):
    tables = [Table({"x": [number]}, meta={"EXTNAME": f"E{number}"}) for number in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), *map(fits.table_to_hdu, tables)]).writeto(
        tmp_path / "two.fits"
    )
    for of, x in (("[1]", 1), ("[E2]", 2)):
        found = sky.sql("SELECT x FROM t", {"t": f"{tmp_path / 'two.fits'}{of}"})
        assert found.to_arrow()["x"].to_pylist() == [x]
    with pytest.raises(sky.InputError, match="has 2 tables"):
        sky.sql("SELECT x FROM t", {"t": tmp_path / "two.fits"})
    mine().write(tmp_path / "m.csv", format="ascii.csv")
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "m.csv.gz").write_bytes(gzip.compress((tmp_path / "m.csv").read_bytes()))
    found = sky.sql("SELECT COUNT(*) AS n FROM packed.m", {"packed": packed})
    assert found.to_arrow()["n"].to_pylist() == [3]
