"""Columns that astropy writes as several: masked ones, times, positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked

from skyseries.errors import SchemaError
from skyseries.formats import read_table, write_table
from skyseries.formats.times import TimeMeta, time_meta
from skyseries.schema import column_meta

MJD = [58000.125, 58001.25, 58002.5]
MASK = [False, True, False]


def _table() -> QTable:
    table = QTable({"id": [1, 2, 3]})
    table["n"] = MaskedColumn([1, 99, 3], mask=MASK)
    table["name"] = MaskedColumn(["a", "under", "c"], mask=MASK)
    table["good"] = MaskedColumn([True, True, False], mask=MASK)
    table["vector"] = MaskedColumn(np.arange(6.0).reshape(3, 2), mask=[[0, 1], [0, 0], [1, 1]])
    table["flux"] = Masked([1.0, 99.0, 3.0] * u.nJy, mask=MASK)
    table["t"] = Time(MJD, format="mjd", scale="tdb")
    table["iso"] = Time(MJD, format="mjd", scale="utc").isot
    table["when"] = Time(Time(MJD, format="mjd", scale="tai").isot, scale="tai")
    table["span"] = TimeDelta([1.0, 2.0, 4.0], format="jd")
    table["sky"] = SkyCoord([1, 2, 3] * u.deg, [4, 5, 6] * u.deg)
    return table


@pytest.mark.parametrize("method", ["parts", "values", "parquet"])
def test_masks_and_times(tmp_path: Path, method: str) -> None:
    table = _table()
    path = tmp_path / ("t.parquet" if method == "parquet" else "t.ecsv")
    if method == "parts":
        for column in table.columns.values():
            kind = "jd1_jd2" if isinstance(column, Time | TimeDelta) else "data_mask"
            if hasattr(column.info, "serialize_method"):
                column.info.serialize_method["ecsv"] = kind
    table.write(path)
    read = read_table(path)
    assert not [name for name in read.column_names if name.endswith((".mask", ".jd1", ".jd2"))]
    assert read["n"].to_pylist() == [1, None, 3]
    assert read["name"].to_pylist() == ["a", None, "c"]
    assert read["good"].to_pylist() == [True, None, False]
    assert read["vector"].to_pylist() == [[0.0, None], [2.0, 3.0], [None, None]]
    assert read["flux"].to_pylist() == [1.0, None, 3.0]
    assert column_meta(read.schema.field("flux")).unit == "nJy"
    assert read["t"].to_pylist() == MJD
    assert time_meta(read.schema.field("t")) == TimeMeta("mjd", "tdb")
    if method == "values":
        assert read["when"].to_pylist()[0] == "2017-09-04T03:00:00.000"
        assert time_meta(read.schema.field("when")) == TimeMeta("isot", "tai")
    else:
        assert read["when"].to_pylist() == MJD
        assert time_meta(read.schema.field("when")) == TimeMeta("mjd", "tai")
    assert read["span"].to_pylist() == [1.0, 2.0, 4.0]
    assert column_meta(read.schema.field("span")).unit == "d"
    assert read["sky.ra"].to_pylist() == [1.0, 2.0, 3.0]
    assert column_meta(read.schema.field("sky.ra")).unit == "deg"
    assert read_table(path, ["flux", "when"]).column_names == ["flux", "when"]


def test_masked_times(tmp_path: Path) -> None:
    times = Time(MJD, format="mjd", scale="tdb")
    times[1] = np.ma.masked
    for name in ("t.parquet", "t.ecsv"):
        QTable({"t": times}).write(tmp_path / name)
        assert read_table(tmp_path / name)["t"].to_pylist() == [MJD[0], None, MJD[2]]


@pytest.mark.parametrize("rows", [1, 30_000])
def test_masks_behind_cells_that_need_care(tmp_path: Path, rows: int) -> None:
    table = QTable({"n": MaskedColumn(np.arange(rows), mask=np.arange(rows) % 2 == 0)})
    table["n"].info.serialize_method["ecsv"] = "data_mask"
    table.write(tmp_path / "t.ecsv")
    expected = [None if i % 2 == 0 else i for i in range(rows)]
    assert read_table(tmp_path / "t.ecsv")["n"].to_pylist() == expected


def test_times_in_fits_of_astropy(tmp_path: Path) -> None:
    table = QTable({"id": [1, 2, 3], "t": Time(MJD, format="mjd", scale="tdb")})
    table["utc"] = Time(MJD, format="jd", scale="utc")
    table.write(tmp_path / "t.fits")
    read = read_table(tmp_path / "t.fits")
    assert read["t"].to_pylist() == MJD
    assert time_meta(read.schema.field("t")) == TimeMeta("mjd", "tdb")
    assert read["utc"].to_pylist() == [t - 2400000.5 for t in MJD]
    assert time_meta(read.schema.field("id")) == TimeMeta()
    assert column_meta(read.schema.field("t")).unit == "d"


def _with_cards(path: Path, cards: dict[str, Any], name: str = "TIME") -> TimeMeta:
    columns = [fits.Column(name, "D", unit="d", array=[1.0]), fits.Column("X", "D", array=[2.0])]
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header.update({key: value for key, value in cards.items() if not key.startswith("0")})
    primary = fits.PrimaryHDU()
    primary.header.update({key[1:]: value for key, value in cards.items() if key.startswith("0")})
    fits.HDUList([primary, hdu]).writeto(path, overwrite=True)
    schema = read_table(path).schema
    assert time_meta(schema.field("X")) == TimeMeta()
    return time_meta(schema.field(name))


@pytest.mark.parametrize(
    ("cards", "meta"),
    [
        ({}, TimeMeta()),
        (
            {"TIMESYS": "TDB", "BJDREFI": 2457000, "BJDREFF": 0.0, "TIMEREF": "SOLARSYSTEM"},
            TimeMeta("", "tdb", "barycenter", "2457000.0"),
        ),
        (
            {"TIMESYS": "TT", "MJDREF": 0.0, "0TREFPOS": "TOPOCENT"},
            TimeMeta("mjd", "tt", "topocenter", "2400000.5"),
        ),
        (
            {"0TIMESYS": "UTC", "0MJDREFI": 51910, "0MJDREFF": 0.5},
            TimeMeta("", "utc", "", "2451911.0"),
        ),
        (
            {"TCTYP1": "TAI", "TRPOS1": "BARYCENTER", "JDREF": 0.0, "TREFPOS": "GEOCENTER"},
            TimeMeta("jd", "tai", "barycenter", "0.0"),
        ),
        (
            {"TIMESYS": "UTC", "DATEREF": "2000-01-01T12:00:00"},
            TimeMeta("", "utc", "", "2451545.0"),
        ),
    ],
)
def test_time_frames_of_fits(tmp_path: Path, cards: dict[str, Any], meta: TimeMeta) -> None:
    assert _with_cards(tmp_path / "t.fits", cards) == meta


@pytest.mark.parametrize(
    ("frame", "unit", "meta"),
    [
        (
            'timescale="TCB" refposition="BARYCENTER" timeorigin="2455197.5"',
            "d",
            TimeMeta("", "tcb", "barycenter", "2455197.5"),
        ),
        (
            'timescale="UTC" refposition="TOPOCENTER" timeorigin="MJD-origin"',
            "d",
            TimeMeta("mjd", "utc", "topocenter", "2400000.5"),
        ),
        (
            'timescale="TT" refposition="HELIOCENTER" timeorigin="JD-origin"',
            "s",
            TimeMeta("", "tt", "heliocenter", "0.0"),
        ),
        ('timescale="UNKNOWN" refposition="UNKNOWN"', "d", TimeMeta()),
    ],
)
def test_time_frames_of_votables(tmp_path: Path, frame: str, unit: str, meta: TimeMeta) -> None:
    path = tmp_path / "t.vot"
    path.write_text(
        f'<VOTABLE version="1.4"><RESOURCE><TIMESYS ID="f" {frame}/><TABLE>'
        f'<FIELD name="t" datatype="double" unit="{unit}" ref="f"/>'
        '<FIELD name="x" datatype="double" ref="other"/>'
        '<FIELD name="iso" datatype="char" arraysize="*" xtype="timestamp" ref="f"/>'
        "<DATA><TABLEDATA><TR><TD>1</TD><TD>2</TD><TD>2020-01-01T00:00:00</TD></TR></TABLEDATA>"
        "</DATA></TABLE></RESOURCE></VOTABLE>"
    )
    schema = read_table(path).schema
    assert time_meta(schema.field("t")) == meta
    assert time_meta(schema.field("x")) == TimeMeta()
    assert time_meta(schema.field("iso")) == TimeMeta("isot", meta.scale, meta.refposition)


def test_times_of_different_scales_in_two_files(tmp_path: Path) -> None:
    for scale in ("tdb", "utc"):
        QTable({"t": Time(MJD, format="mjd", scale=scale)}).write(tmp_path / f"{scale}.fits")
    with pytest.raises(SchemaError, match=r"'t' has the time scale tdb in .*but utc in"):
        read_table(tmp_path)


def test_metadata_of_times_is_kept_in_parquet(tmp_path: Path) -> None:
    QTable({"t": Time(MJD, format="mjd", scale="tdb")}).write(tmp_path / "t.fits")
    write_table(read_table(tmp_path / "t.fits"), tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert time_meta(read.schema.field("t")) == TimeMeta("mjd", "tdb")
    assert read["t"].type == pa.float64()


def test_text_that_astropy_writes_as_json(tmp_path):
    path = tmp_path / "t.ecsv"
    table = QTable({"id": [1, 2, 3, 4]})
    table["band"] = np.array(["r", "g", None, 'a "b"'], object)
    table["mixed"] = np.array([{"a": 1}, "x", None, "null"], object)
    table.write(path)
    found = read_table(path)
    assert found["band"].to_pylist() == ["r", "g", None, 'a "b"']
    assert found["mixed"].to_pylist() == ['{"a":1}', "x", None, "null"]
