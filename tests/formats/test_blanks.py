"""Text tables with columns separated by blanks, against astropy's readers."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table

from skyseries.errors import InputError
from skyseries.formats import find_files, read_table

ROWS = "  1.5   18.25\t0.02 \n2.5 19 0.03\n\n# a remark\n  3.5 nan 1e-2\n"


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("", ["col1", "col2", "col3"]),
        ("HJD mag err\n", ["HJD", "mag", "err"]),
        ("# HJD  mag err\n", ["HJD", "mag", "err"]),
        ("# star 7\n#HJD mag err\n", ["HJD", "mag", "err"]),
        ("# HJD mag err\n# 4 words are here\n", ["HJD", "mag", "err"]),
        ("# 1 2 3\n", ["col1", "col2", "col3"]),
    ],
)
@pytest.mark.parametrize("suffix", [".dat", ".txt", ".tbl", ".dat.gz", ".unknown"])
def test_against_astropy(tmp_path: Path, header: str, names: list[str], suffix: str) -> None:
    text = (header + ROWS).encode()
    path = tmp_path / f"t{suffix}"
    path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    read = read_table(path)
    assert read.column_names == names
    astropy = Table.read((ROWS.strip() + "\n").split("\n"), format="ascii.no_header")
    for name, other in zip(names, astropy.colnames, strict=True):
        assert np.array_equal(read[name].to_numpy(), astropy[other], equal_nan=True)


def test_types_text_and_long_files(tmp_path: Path) -> None:
    rows = "".join(f"   {2**53 + i}  star{i}\t{i}.5   --\r\n" for i in range(20_000))
    (tmp_path / "t.dat").write_text("id name mag note\r\n".replace(" ", "   ") + rows, newline="")
    read = read_table(tmp_path / "t.dat")
    assert read.schema.types == [pa.int64(), pa.string(), pa.float64(), pa.null()]
    assert read["id"].to_pylist() == [2**53 + i for i in range(20_000)]
    assert read["name"][19_999].as_py() == "star19999"


@pytest.mark.parametrize(
    "text",
    [
        "This is a note\nof two lines\n",
        "one line of words\n",
        "1 2 3\n4 5\n",
        "1\n2\n",
        "a b\n1 x, 2\n",
        "",
    ],
)
def test_text_that_is_no_table_is_left_out_of_folders(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.txt").write_text(text)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert [Path(file.path).name for file in find_files(tmp_path)] == ["t.csv"]


def test_named_file_that_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Some words\nand some more words\n")
    with pytest.raises(InputError, match="the same number of columns, separated by blanks"):
        read_table(tmp_path / "notes.txt")


def test_row_of_another_width(tmp_path: Path) -> None:
    rows = "".join(f"{i} {i}.5\n" for i in range(20_000))
    (tmp_path / "t.dat").write_text("# a b\n" + rows + "1 2 3\n")
    with pytest.raises(InputError, match=r"t\.dat, line 20002 has 3 fields instead of 2: '1 2 3'"):
        read_table(tmp_path / "t.dat")


def test_cell_that_does_not_fit(tmp_path: Path) -> None:
    rows = "".join(f"{i} {i}.5\n" for i in range(20_000))
    (tmp_path / "t.dat").write_text("# a b\n#\n" + rows + "1  x\n")
    with pytest.raises(InputError, match="line 20003, column 'b': 'x' does not fit"):
        read_table(tmp_path / "t.dat")


@pytest.mark.parametrize("kind", ["ipac", "cds"])
def test_tables_by_fixed_positions(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.tbl"
    if kind == "ipac":
        Table({"ra": [1.5], "dec": [2.5]}).write(path, format="ascii.ipac")
    else:
        path.write_text("Title: x\n====\nByte-by-byte Description of file: t\n----\n 1 2\n 3 4\n")
    with pytest.raises(InputError, match=rf"format='ascii\.{kind}'\)\.write"):
        read_table(path)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("suffix", [".csv", ".dat"])
def test_line_ends(tmp_path: Path, end: str, suffix: str) -> None:
    comma = "," if suffix == ".csv" else " "
    lines = ["# a remark", f"id{comma}ra", *(f"{i}{comma}{i}.5" for i in range(5_000)), ""]
    (tmp_path / f"t{suffix}").write_text(end.join(lines), newline="")
    read = read_table(tmp_path / f"t{suffix}")
    assert read["id"].to_pylist() == list(range(5_000))
    assert read["ra"][4_999].as_py() == 4999.5


def test_one_file_per_star(tmp_path: Path) -> None:
    (tmp_path / "stars").mkdir()
    for star in ("OGLE-1", "OGLE-2"):
        (tmp_path / "stars" / f"{star}.dat").write_text("55000.5 18.1 0.1\n55001.5 18.2 0.1\n")
    read = read_table(tmp_path / "stars", ["_filename", "col1", "col2", "col3"])
    rows = read.rename_columns(["star", "mjd", "mag", "mag_err"])
    assert rows.group_by("star").aggregate([("mjd", "count")]).num_rows == 2
