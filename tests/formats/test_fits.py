"""FITS: astropy is the oracle in both directions."""

from __future__ import annotations

import gzip
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skyseries.errors import InputError, SchemaError
from skyseries.formats import find_files, read_schema, read_table, scan, write_table
from skyseries.schema import ColumnMeta, column_meta
from tests.formats.strategies import same

DTYPES = ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "?"]


def _write(folder: Path, *columns: fits.Column, name: str = "t.fits") -> Path:
    path = folder / name
    fits.BinTableHDU.from_columns(columns).writeto(path, overwrite=True)
    return path


@given(
    st.data(),
    st.sampled_from([kind for kind in DTYPES if kind != "i1"]),  # astropy makes them logical
    st.integers(0, 5),
    st.integers(1, 3),
    st.booleans(),
)
def test_numbers_written_by_astropy(
    data: st.DataObject, kind: str, rows: int, width: int, compressed: bool
) -> None:
    shape = (rows,) if width == 1 else (rows, width)
    values = data.draw(hnp.arrays(kind, shape))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("t.fits.gz" if compressed else "t.fits")
        Table({"x": values, "y": np.arange(rows)}).write(path)
        table = read_table(path)
    assert same(table["x"].to_pylist(), values.tolist())
    assert table["y"].to_pylist() == list(range(rows))


@given(st.data(), st.sampled_from(DTYPES), st.integers(0, 5))
def test_numbers_read_by_astropy(data: st.DataObject, kind: str, rows: int) -> None:
    values = data.draw(hnp.arrays(kind, (rows,)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.fits"
        write_table(pa.table({"x": pa.array(values)}), path)
        with fits.open(path) as hdus:
            hdus.verify("exception")
            back = np.array(hdus[1].data["x"])
    if kind == "i1":  # astropy makes floats of signed bytes
        back = back.astype("i1")
    assert back.dtype.kind == np.dtype(kind).kind
    assert same(back.tolist(), values.tolist())


@pytest.mark.filterwarnings("ignore:Column 'good' contains NULL")
def test_text_and_nulls_read_by_astropy(tmp_path: Path) -> None:
    table = pa.table(
        {
            "name": ["RR Lyr", None, ""],
            "n": pa.array([1, None, -(2**31)], pa.int32()),
            "u": pa.array([2**64 - 1, None, 0], pa.uint64()),
            "flux": [1.5, None, math.nan],
            "good": [True, None, False],
            "list": pa.array([[1.5], [], [2.5, 3.5]], pa.list_(pa.float32())),
        }
    )
    write_table(table, tmp_path / "t.fits")
    with fits.open(tmp_path / "t.fits", character_as_bytes=False) as hdus:
        hdus.verify("exception")
        data = hdus[1].data
        assert data["name"].tolist() == ["RR Lyr", "", " "]
        assert data["list"][2].tolist() == [2.5, 3.5]
        assert (hdus[1].columns["n"].null, hdus[1].columns["n"].format) == (2**31 - 1, "1J")
    masked = Table.read(tmp_path / "t.fits")
    assert masked["n"].mask.tolist() == [False, True, False]
    assert [int(value) for value in masked["n"][[0, 2]]] == [1, -(2**31)]
    back = read_table(tmp_path / "t.fits")
    assert back["name"].to_pylist() == ["RR Lyr", None, ""]
    assert back["u"].to_pylist() == [2**64 - 1, None, 0]
    assert back["good"].to_pylist() == [True, None, False]


def test_text_padded_by_blanks_and_arrays_of_text(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        fits.Column("name", "6A", array=np.array([b"ab    ", b" c", b""])),
        fits.Column("bands", "6A", dim="(2,3)", array=np.array([["g", "rr", "i"]] * 3)),
    )
    table = read_table(path)
    assert table["name"].to_pylist() == ["ab", " c", None]
    assert table["bands"].to_pylist() == [["g", "rr", "i"]] * 3


def test_scaled_and_shifted_columns(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        fits.Column("scaled", "I", array=np.array([0, 3])),
        fits.Column("null", "J", null=-1, array=np.array([5, -1])),
        fits.Column("id", "K", array=np.array([2**62 + 1, 3])),
    )
    with fits.open(path, mode="update") as hdus:
        hdus[1].header["TZERO3"] = 2**61
        hdus[1].header["TSCAL1"] = 0.5
        hdus[1].header["TZERO1"] = 10
    table = read_table(path)
    assert table["scaled"].to_pylist() == [10.0, 11.5]
    assert table["null"].to_pylist() == [5, None]
    assert table["id"].to_pylist() == [2**62 + 1 + 2**61, 3 + 2**61]
    with fits.open(path, mode="update") as hdus:
        hdus[1].header["TZERO3"] = 2**62 + 2**61
    with pytest.raises(InputError, match=r"'id' with TZERO .* is beyond 64 bits"):
        read_table(path)


def test_bits_and_variable_arrays(tmp_path: Path) -> None:
    ragged = np.empty(3, object)
    ragged[:] = [np.array([1, 2], "i2"), np.array([], "i2"), np.array([3], "i2")]
    path = _write(
        tmp_path,
        fits.Column("flags", "3X", array=np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]], bool)),
        fits.Column("p", "PI()", array=ragged),
        fits.Column("q", "QI()", array=ragged),
    )
    expected = {
        "flags": [[True, False, True], [False] * 3, [False, True, True]],
        "p": [[1, 2], [], [3]],
        "q": [[1, 2], [], [3]],
    }
    assert read_table(path).to_pydict() == expected
    packed = tmp_path / "packed.fits.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (file,) = find_files(packed)
    schema = read_schema(file)
    batches = list(scan(file, schema, batch_rows=2))
    assert [batch.num_rows for batch in batches] == [2, 1]
    assert pa.Table.from_batches(batches).to_pydict() == expected


def test_units_ucds_and_comments(tmp_path: Path) -> None:
    path = _write(tmp_path, fits.Column("flux", "D", unit="nJy", array=[1.0]))
    with fits.open(path, mode="update") as hdus:
        hdus[1].header["TUCD1"] = "phot.flux"
        hdus[1].header["TCOMM1"] = "PSF flux"
    schema = read_schema(find_files(path)[0])
    assert column_meta(schema.field("flux")) == ColumnMeta("nJy", "phot.flux", "PSF flux")


def test_table_behind_an_image(tmp_path: Path) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[7])])
    image = fits.ImageHDU(np.zeros((50, 50)))
    fits.HDUList([fits.PrimaryHDU(np.zeros(9)), image, table]).writeto(tmp_path / "t.fits")
    assert read_table(tmp_path / "t.fits").to_pydict() == {"a": [7]}


def test_slices_of_rows(tmp_path: Path) -> None:
    values = np.arange(10_000, dtype="u8") + np.uint64(2**63)
    Table({"id": values}).write(tmp_path / "t.fits")
    (file,) = find_files(tmp_path / "t.fits")
    batches = list(scan(file, read_schema(file), batch_rows=999))
    assert [batch.num_rows for batch in batches] == [999] * 10 + [10]
    assert pa.Table.from_batches(batches)["id"].to_pylist() == values.tolist()


def test_zero_rows(tmp_path: Path) -> None:
    write_table(pa.table({"a": pa.array([], pa.int16()), "s": pa.array([], pa.string())}),
                tmp_path / "t.fits")  # fmt: skip
    table = read_table(tmp_path / "t.fits")
    assert table.num_rows == 0
    assert table.schema.types == [pa.int16(), pa.string()]


@pytest.mark.parametrize("compressed", [False, True])
def test_truncated(tmp_path: Path, compressed: bool) -> None:
    plain = tmp_path / "plain.fits"
    Table({"a": np.arange(20_000)}).write(plain)
    path = tmp_path / ("t.fits.gz" if compressed else "t.fits")
    data = plain.read_bytes()
    for content in (data[:100_000], data[:3000], data[:100]):
        path.write_bytes(gzip.compress(content) if compressed else content)
        with pytest.raises(InputError, match=r"t\.fits"):
            read_table(path)
    path.write_bytes(gzip.compress(data)[:-5000] if compressed else data[:-20_000])
    with pytest.raises(InputError, match="truncated"):
        read_table(path)


def test_what_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    for content, message in [(b"", "is empty"), (b"ra,dec\n1,2\n", "is not FITS: it begins with")]:
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_table(path)
    fits.PrimaryHDU(np.zeros(9)).writeto(path, overwrite=True)
    with pytest.raises(InputError, match="has no table"):
        read_table(path)
    _write(tmp_path, fits.Column("z", "C", array=np.array([1j])))
    with pytest.raises(SchemaError, match="'z' has the FITS type 'C'"):
        read_table(path)
    fits.TableHDU.from_columns([fits.Column("a", "I5", array=[1], ascii=True)]).writeto(
        path, overwrite=True
    )
    with pytest.raises(InputError, match="ASCII table"):
        read_table(path)
    with pytest.raises(InputError, match="ASCII names"):
        write_table(pa.table({"é": [1]}), path)


def test_descriptor_outside_the_heap(tmp_path: Path) -> None:
    table = pa.table({"x": pa.array([[1.5, 2.5]], pa.list_(pa.float64()))})
    write_table(table, tmp_path / "t.fits")
    layout: Any = fits.open(tmp_path / "t.fits")
    start = layout[1].fileinfo()["datLoc"]
    layout.close()
    data = bytearray((tmp_path / "t.fits").read_bytes())
    data[start + 4 : start + 8] = (10**9).to_bytes(4, "big")
    (tmp_path / "t.fits").write_bytes(data)
    with pytest.raises(InputError, match="'x' points outside the file's heap"):
        read_table(tmp_path / "t.fits")
