"""Files with several tables: which one is read, and what is said."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits, votable
from astropy.table import Table

import skyseries as sky
from skyseries.errors import InputError
from skyseries.formats import find_files, read_table, scan


def _tables(*rows: int) -> list[Table]:
    """Return tables with ids that say which table and row they are of."""
    return [
        Table(
            {
                "id": np.arange(count) + 100 * number,
                "ra": np.full(count, 10.0),
                "dec": np.zeros(count),
            }
        )
        for number, count in enumerate(rows)
    ]


def _fits(path: Path, names: tuple[str, ...], *rows: int) -> str:
    hdus: list[Any] = [fits.PrimaryHDU(), fits.ImageHDU(np.zeros((2, 2)))]
    for name, table in zip(names, _tables(*rows), strict=True):
        hdus.append(fits.table_to_hdu(table))
        hdus[-1].name = name
    hdus.append(fits.CompImageHDU(np.zeros((4, 4), np.int16)))
    fits.HDUList(hdus).writeto(path)
    return str(path)


def _votable(path: Path, names: tuple[str, ...], *rows: int, format: str = "tabledata") -> str:
    """Write the first table into a resource, the others into one inside of it."""
    file = votable.from_table(_tables(rows[0])[0])
    inner = votable.tree.Resource()
    file.resources[0].resources.append(inner)
    for name, table in zip(names[1:], _tables(*rows)[1:], strict=True):
        inner.tables.append(votable.from_table(table).resources[0].tables[0])
        inner.tables[-1].name = name
    file.resources[0].tables[0].name = names[0]
    file.to_xml(str(path), tabledata_format=format)
    return str(path)


@pytest.mark.parametrize("kind", ["fits", "fits.gz", "tabledata", "binary", "binary2"])
def test_several_tables_with_rows(tmp_path: Path, kind: str) -> None:
    first = 2 if kind.startswith("fits") else 0
    if first:
        path = _fits(tmp_path / f"t.{kind}", ("NORTH", "south"), 2, 3)
    else:
        path = _votable(tmp_path / "t.vot", ("NORTH", "south"), 2, 3, format=kind)
    with pytest.raises(InputError, match="has 2 tables; choose one") as caught:
        read_table(path)
    assert f"{path}[{first}]" in str(caught.value)
    assert f"[{first}] NORTH" in str(caught.value)
    assert f"[{first + 1}] south" in str(caught.value).replace("SOUTH", "south")
    for number, name, ids in ((first, "north", [0, 1]), (first + 1, "South", [100, 101, 102])):
        assert read_table(f"{path}[{number}]")["id"].to_pylist() == ids
        assert read_table(f"{path}[{name}]")["id"].to_pylist() == ids
    both = read_table([f"{path}[{first}]", f"{path}[{first + 1}]"])
    assert both["id"].to_pylist() == [0, 1, 100, 101, 102]
    with pytest.raises(InputError, match=r"no table called '9'.*NORTH"):
        read_table(f"{path}[9]")


@pytest.mark.parametrize("kind", ["fits", "vot"])
def test_the_only_table_with_rows(tmp_path: Path, kind: str) -> None:
    write = _fits if kind == "fits" else _votable
    path = write(tmp_path / f"t.{kind}", ("A", "B", "C"), 0, 2, 0)
    assert read_table(path)["id"].to_pylist() == [100, 101]
    empty = write(tmp_path / f"e.{kind}", ("A", "B"), 0, 0)
    assert read_table(empty).column_names == ["id", "ra", "dec"]


def test_votable_whose_first_table_has_no_data(tmp_path: Path) -> None:
    path = tmp_path / "t.vot"
    path.write_text(
        '<VOTABLE version="1.3"><RESOURCE><TABLE name="a"><FIELD name="x" datatype="int"/></TABLE>'
        '<TABLE name="b" ID="B"><FIELD name="y" datatype="int"/><DATA><TABLEDATA><TR><TD>5</TD>'
        '</TR></TABLEDATA></DATA></TABLE><TABLE name="c" ref="B"/></RESOURCE></VOTABLE>'
    )
    assert read_table(path).to_pydict() == {"y": [5]}
    assert read_table(f"{path}[a]").to_pydict() == {"x": []}
    assert read_table(f"{path}[c]").to_pydict() == {"y": []}


def test_scan_of_an_ambiguous_file_with_a_schema_of_its_own(tmp_path: Path) -> None:
    plain = _votable(tmp_path / "t.vot", ("A", "B"), 1, 1)
    images = _fits(tmp_path / "t.fits", ("A", "B"), 1, 1)
    for path in (plain, images):
        schema = read_table(f"{path}[A]").schema
        with pytest.raises(InputError, match="has 2 tables"):
            list(scan(find_files(path)[0], schema))


def test_version_of_an_extension(tmp_path: Path) -> None:
    path = _fits(tmp_path / "t.fits", ("EVENTS", "EVENTS"), 1, 2)
    with fits.open(path, mode="update") as hdus:
        hdus[3].header["EXTVER"] = 2
    assert read_table(f"{path}[EVENTS,2]").num_rows == 2
    with pytest.raises(InputError, match="several tables called 'EVENTS'"):
        read_table(f"{path}[EVENTS]")


def test_which_brackets_name_a_table(tmp_path: Path) -> None:
    path = _fits(tmp_path / "t.fits", ("A", "B"), 1, 2)
    (tmp_path / "deep").mkdir()
    _fits(tmp_path / "deep" / "t.fits", ("A", "B"), 1, 2)
    assert read_table(f"{tmp_path}[B]").num_rows == 4  # a folder
    assert read_table(f"{tmp_path}/**/*.fits[B]").num_rows == 4
    assert read_table(f"{tmp_path}/[t].fits[B]").num_rows == 2
    (tmp_path / "t.fits[B]").write_bytes(Path(_fits(tmp_path / "x.fits", ("C",), 5)).read_bytes())
    assert read_table(f"{path}[B]").num_rows == 5  # a file of that very name
    (tmp_path / "c.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"c\.csv is csv, which has one table; leave out \[1\]"):
        read_table(tmp_path / "c.csv[1]")
    with pytest.raises(InputError, match=r"there is no file or folder .*none\.fits"):
        read_table(tmp_path / "none.fits")


def test_utf16_and_gzip(tmp_path: Path) -> None:
    text = Path(_votable(tmp_path / "t.vot", ("A", "B"), 1, 2)).read_text()
    wide = tmp_path / "wide.vot"
    wide.write_bytes(text.replace('encoding="utf-8"', 'encoding="utf-16"').encode("utf-16"))
    small = tmp_path / "small.vot.gz"
    small.write_bytes(gzip.compress(text.encode()))
    for path in (wide, small):
        with pytest.raises(InputError, match="has 2 tables"):
            read_table(path)
        assert read_table(f"{path}[B]").num_rows == 2


def test_import_of_both_tables(tmp_path: Path) -> None:
    path = _fits(tmp_path / "t.fits", ("A", "B"), 2, 3)
    with pytest.raises(InputError, match="choose one by its number or name behind the path"):
        sky.import_catalog(path, tmp_path / "none", id="id", progress=False)
    report = sky.import_catalog(f"{path}[B]", tmp_path / "c", id="id", progress=False)
    assert report.rows == 3
    assert sky.open_catalog(tmp_path / "c").to_arrow()["id"].to_pylist() == [100, 101, 102]
