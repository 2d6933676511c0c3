"""VOTable: astropy is the oracle in both directions."""

from __future__ import annotations

import gzip
import math
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import votable
from astropy.io.votable import parse_single_table
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skyseries.errors import InputError, SchemaError
from skyseries.formats import find_files, read_schema, read_table, scan, write_table
from skyseries.schema import ColumnMeta, column_meta
from tests.formats.strategies import INT64, same

SERIALIZATIONS = ["tabledata", "binary", "binary2"]
HEAD = '<VOTABLE version="1.4"><RESOURCE><TABLE>'
TAIL = "</TABLE></RESOURCE></VOTABLE>"


def _write(folder: Path, text: str) -> Path:
    path = folder / "t.vot"
    path.write_text(text)
    return path


@given(
    st.data(),
    st.sampled_from(["u1", "i2", "i4", "i8", "f4", "f8"]),
    st.integers(0, 4),
    st.integers(1, 3),
    st.sampled_from(SERIALIZATIONS),
)
def test_numbers_written_by_astropy(
    data: st.DataObject, kind: str, rows: int, width: int, serialization: str
) -> None:
    shape = (rows,) if width == 1 else (rows, width)
    values = data.draw(hnp.arrays(kind, shape))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "t.vot"
        source = Table({"x": values, "name": np.array(["é" * i for i in range(rows)], "U5")})
        source.write(path, format="votable", tabledata_format=serialization)
        table = read_table(path)
        oracle = parse_single_table(path).array["x"].data
    if not (kind in ("f4", "f8") and serialization == "tabledata"):
        assert same(table["x"].to_pylist(), values.tolist())
    else:  # astropy writes text that is rounded; both readers see the same
        assert same(table["x"].to_pylist(), oracle.tolist())
    names = [name or "" for name in table["name"].to_pylist()]
    assert names == ["é" * i for i in range(rows)]


@pytest.mark.parametrize("serialization", SERIALIZATIONS)
def test_masks_written_by_astropy(tmp_path: Path, serialization: str) -> None:
    source = Table(
        {
            # astropy cannot write a masked integer as BINARY.
            "id": MaskedColumn([2**62 + 1, 5], mask=[False, serialization != "binary"]),
            "flux": MaskedColumn([1.5, np.nan], mask=[True, False]),
            "good": [True, False],
        }
    )
    source["flux"].unit = "nJy"
    source["flux"].description = "PSF\n flux"
    source["flux"].meta["ucd"] = "phot.flux"
    source.write(tmp_path / "t.vot", format="votable", tabledata_format=serialization)
    table = read_table(tmp_path / "t.vot")
    assert table["id"].to_pylist() == [2**62 + 1, 5 if serialization == "binary" else None]
    assert table["good"].to_pylist() == [True, False]
    flux = table["flux"].to_pylist()
    assert math.isnan(flux[1])
    # BINARY has no null for floats: astropy writes NaN there.
    assert flux[0] is None or (serialization == "binary" and math.isnan(flux[0]))
    meta = column_meta(table.schema.field("flux"))
    assert (meta.unit, meta.description) == ("nJy", "PSF flux")


@given(st.lists(st.none() | INT64, max_size=5), st.lists(st.none() | st.floats(), max_size=5))
def test_read_by_astropy(ids: list[int | None], fluxes: list[float | None]) -> None:
    rows = min(len(ids), len(fluxes))
    table = pa.table(
        {
            "id": pa.array(ids[:rows], pa.int64()),
            "flux": pa.array(fluxes[:rows], pa.float64()),
            "name": pa.array([None if i is None else f"id {i}" for i in ids[:rows]], pa.string()),
            "list": pa.array([[1.5] * i for i in range(rows)], pa.list_(pa.float32())),
            "good": pa.array([i is None for i in ids[:rows]], pa.bool_()),
        }
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_table(table, Path(folder) / "t.vot")
        array = parse_single_table(Path(folder) / "t.vot").array
    for name in ("id", "flux", "good"):
        expected = table[name].to_pylist()
        mask = np.ma.getmaskarray(array[name]).tolist()
        # astropy takes NaN for null, as the standard lets it
        assert [cell is None or cell != cell for cell in expected] == mask
        values = array[name].data.tolist()
        kept = [(a, b) for a, b in zip(values, expected, strict=True) if b is not None]
        assert all(same(a, b) for a, b in kept)
    texts = [str(cell) for cell in array["name"].data]
    assert texts == ["" if i is None else f"id {i}" for i in ids[:rows]]
    assert [len(cell) for cell in array["list"]] == list(range(rows))


def test_uint64(tmp_path: Path) -> None:
    small = pa.table({"id": pa.array([2**63 - 1, 0], pa.uint64())})
    write_table(small, tmp_path / "small.vot")
    assert read_table(tmp_path / "small.vot").schema.types == [pa.int64()]
    large = pa.table({"id": pa.array([2**64 - 1, 0, None], pa.uint64())})
    write_table(large, tmp_path / "large.vot")
    assert read_table(tmp_path / "large.vot")["id"].to_pylist() == [str(2**64 - 1), "0", None]
    (file,) = find_files(tmp_path / "large.vot")
    assert pa.Table.from_batches(scan(file, large.schema)).equals(large)


def test_fields_and_null_values(tmp_path: Path) -> None:
    text = (
        '<?xml version="1.0"?><v:VOTABLE xmlns:v="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<v:RESOURCE type="meta"><v:PARAM name="x" datatype="int" value="1"/></v:RESOURCE>'
        "<v:RESOURCE><v:DESCRIPTION>not a column's</v:DESCRIPTION><v:TABLE>"
        '<v:FIELD ID="a" name="n" datatype="int" ucd="meta.number">'
        '<v:DESCRIPTION>how <![CDATA[<many>]]></v:DESCRIPTION><v:VALUES null="-99"/></v:FIELD>'
        '<v:FIELD ID="vec" datatype="double" arraysize="2x*" unit="d"/>'
        '<v:FIELD name="s" datatype="char" arraysize="*"/>'
        '<v:FIELD name="c" datatype="char"/><v:FIELD name="b" datatype="boolean"/>'
        "<v:DATA><v:TABLEDATA>"
        "<v:TR><v:TD>-99</v:TD><v:TD>1 2.5 3 NaN</v:TD><v:TD>a &amp; b</v:TD><v:TD>x</v:TD>"
        "<v:TD>T</v:TD></v:TR>"
        "<v:TR><v:TD> 7 </v:TD><v:TD/><v:TD></v:TD><v:TD>y</v:TD><v:TD>false</v:TD></v:TR>"
        "</v:TABLEDATA></v:DATA></v:TABLE><v:TABLE>"
        '<v:FIELD name="other" datatype="int"/><v:DATA><v:TABLEDATA><v:TR><v:TD>1</v:TD></v:TR>'
        "</v:TABLEDATA></v:DATA></v:TABLE></v:RESOURCE></v:VOTABLE>"
    )
    table = read_table(f"{_write(tmp_path, text)}[0]")
    assert column_meta(table.schema.field("n")) == ColumnMeta("", "meta.number", "how <many>")
    assert table.drop(["vec"]).to_pydict() == {
        "n": [None, 7],
        "s": ["a & b", None],
        "c": ["x", "y"],
        "b": [True, False],
    }
    assert same(table["vec"].to_pylist(), [[1.0, 2.5, 3.0, math.nan], None])


def test_many_rows_stream(tmp_path: Path) -> None:
    rows = 50_000
    cells = "".join(f"<TR><TD>{2**60 + i}</TD><TD>s{i}</TD></TR>\n" for i in range(rows))
    head = (
        HEAD + '<FIELD name="id" datatype="long"/><FIELD name="s" datatype="char" arraysize="*"/>'
    )
    path = _write(tmp_path, f"{head}<DATA><TABLEDATA>{cells}</TABLEDATA></DATA>{TAIL}")
    (file,) = find_files(path)
    schema = read_schema(file)
    batches = list(scan(file, schema))
    assert len(batches) > 2
    table = pa.Table.from_batches(batches)
    assert table["id"].to_pylist() == list(range(2**60, 2**60 + rows))
    write_table(table, tmp_path / "binary.vot")
    assert read_table(tmp_path / "binary.vot").equals(table)
    (tmp_path / "packed.vot.gz").write_bytes(gzip.compress((tmp_path / "binary.vot").read_bytes()))
    assert read_table(tmp_path / "packed.vot.gz").equals(table)


def test_overflow_is_said(tmp_path: Path) -> None:
    text = (
        HEAD
        + '<FIELD name="a" datatype="int"/><DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA>'
        + '</TABLE><INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE></VOTABLE>'
    )
    with pytest.warns(UserWarning, match=r"t\.vot is incomplete.*OVERFLOW"):
        assert read_table(_write(tmp_path, text)).num_rows == 1


FIELD_INT = '<FIELD name="a" datatype="int"/>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("ra,dec\n1,2\n", "is not a VOTable: it begins with"),
        (HEAD + FIELD_INT, "truncated or broken"),
        (HEAD + FIELD_INT + "<DATA><TABLEDATA><TR><TD>1</TD></TR>", "truncated or broken"),
        (HEAD + FIELD_INT + "<DATA><TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA></DATA>"
         + TAIL, "line 1: a row has 2 cells instead of 1"),
        (HEAD + FIELD_INT + "<DATA><TABLEDATA><TR><TD>1.5</TD></TR></TABLEDATA></DATA>" + TAIL,
         "row 1, column 'a': '1.5' does not fit the type int32"),
        (HEAD + FIELD_INT + '<DATA><BINARY><STREAM encoding="base64">AAAA</STREAM></BINARY></DATA>'
         + TAIL, "its last row is not complete"),
        (HEAD + FIELD_INT + '<DATA><BINARY><STREAM encoding="base64">AA</STREAM></BINARY></DATA>'
         + TAIL, "base64 text .* is broken"),
        (HEAD + FIELD_INT + '<DATA><BINARY><STREAM href="x.bin"/></BINARY></DATA>' + TAIL,
         "not a link"),
        (HEAD + FIELD_INT + "<DATA><FITS><STREAM/></FITS></DATA>" + TAIL, "a FITS stream"),
        (HEAD + TAIL, "has no TABLE with FIELD elements"),
        ('<VOTABLE><RESOURCE><INFO name="QUERY_STATUS" value="ERROR"/></RESOURCE></VOTABLE>',
         "answer to a query that failed"),
        ('<!DOCTYPE v [<!ENTITY e SYSTEM "/etc/hostname">]>' + HEAD + FIELD_INT
         + "<DATA><TABLEDATA><TR><TD>&e;</TD></TR></TABLEDATA></DATA>" + TAIL,
         "is declared"),
        ('<!DOCTYPE VOTABLE SYSTEM "http://us-vo.org/xml/VOTable.dtd">' + HEAD + FIELD_INT
         + "<DATA><TABLEDATA><TR><TD>&e;</TD></TR></TABLEDATA></DATA>" + TAIL,
         "entity &e; is not in the VOTable"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_table(_write(tmp_path, text))


@pytest.mark.parametrize("kind", ['"doubleComplex"', '"char" arraysize="8x*"'])
def test_types_that_are_not_read(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SchemaError, match=r"column 'z' .* not read"):
        read_table(_write(tmp_path, f'{HEAD}<FIELD name="z" datatype={kind}/>{TAIL}'))


def test_no_rows(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path, HEAD + FIELD_INT + TAIL))
    assert table.num_rows == 0
    assert table.schema.types == [pa.int32()]


def _one_column(field: str, cells: list[str], inside: str = "") -> str:
    rows = "".join(f"<TR><TD>{cell}</TD><TD>1</TD></TR>" for cell in cells)
    return (
        f'<VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="x" {field}>{inside}</FIELD>'
        f'<FIELD name="y" datatype="int"/><DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE>'
        "</RESOURCE></VOTABLE>"
    )


@pytest.mark.parametrize(
    ("field", "cells", "expected"),
    [
        ('datatype="int"', ["0x1F", " 0X10 ", "-5", "+7", ""], [31, 16, -5, 7, None]),
        ('datatype="unsignedByte"', ["0xff", "0"], [255, 0]),
        ('datatype="long"', ["0x7fffffffffffffff", str(-(2**63))], [2**63 - 1, -(2**63)]),
        ('datatype="int" arraysize="*"', ["0x1 2 0x03", ""], [[1, 2, 3], None]),
        ('datatype="boolean"', ["?", "T", "f", "1", "0", "true", "FALSE", " "],
         [None, True, False, True, False, True, False, None]),
        ('datatype="boolean" arraysize="3"', ["T ? F"], [[True, None, False]]),
        ('datatype="double"', ["+Inf", "-Inf", "Inf", "+1.5e3"],
         [math.inf, -math.inf, math.inf, 1500.0]),
        ('datatype="int" arraysize="2x2"', ["1 2 3 4", ""], [[[1, 2], [3, 4]], None]),
        ('datatype="char" arraysize="*" xtype="timestamp"', ["2020-01-01T00:00:00Z"],
         ["2020-01-01T00:00:00Z"]),
    ],
)  # fmt: skip
def test_legal_cells(tmp_path: Path, field: str, cells: list[str], expected: list[object]) -> None:
    assert read_table(_write(tmp_path, _one_column(field, cells)))["x"].to_pylist() == expected


@pytest.mark.parametrize("word", ["NaN", "nan", "+NaN"])
def test_nan_in_text(tmp_path: Path, word: str) -> None:
    read = read_table(_write(tmp_path, _one_column('datatype="float"', [word])))
    assert math.isnan(read["x"][0].as_py())


@pytest.mark.parametrize(
    ("field", "null", "cells", "expected"),
    [
        ('datatype="int"', "0xFF", ["255", "0xff", "5"], [None, None, 5]),
        ('datatype="double"', "-99", ["-99.0", "-99", "1.5"], [None, None, 1.5]),
        ('datatype="float"', "-99.9", ["-99.9", "-99.90", "1.5"], [None, None, 1.5]),
        ('datatype="short" arraysize="2"', "-1", ["1 -1"], [[1, None]]),
        ('datatype="char" arraysize="*"', "n/a", ["n/a", "b"], [None, "b"]),
    ],
)
def test_null_values_of_a_field(
    tmp_path: Path, field: str, null: str, cells: list[str], expected: list[object]
) -> None:
    text = _one_column(field, cells, f'<VALUES null="{null}"/>')
    assert read_table(_write(tmp_path, text))["x"].to_pylist() == expected


@pytest.mark.parametrize("serialization", SERIALIZATIONS)
def test_null_values_of_a_field_in_every_serialization(tmp_path: Path, serialization: str) -> None:
    source = Table({"i": [1, -99], "f": [-99.5, 2.0]})
    file = votable.from_table(source)
    for item, null in zip(file.resources[0].tables[0].fields, (-99, -99.5), strict=True):
        item.values.null = null
    file.to_xml(str(tmp_path / "t.vot"), tabledata_format=serialization)
    read = read_table(tmp_path / "t.vot")
    assert read["i"].to_pylist() == [1, None]
    assert read["f"].to_pylist() == [None, 2.0]


def test_array_of_a_wrong_shape(tmp_path: Path) -> None:
    text = _one_column('datatype="int" arraysize="2x2"', ["1 2 3"])
    with pytest.raises(InputError, match="'x' has arrays that are not 2x2 values"):
        read_table(_write(tmp_path, text))


@pytest.mark.parametrize("entity", ['x SYSTEM "file:///etc/hostname"', 'x "much"', '% x "much"'])
def test_entities_of_its_own_are_refused(entity: str, tmp_path: Path) -> None:
    path = tmp_path / "t.vot"
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE VOTABLE [<!ENTITY {entity}>]>'
        '<VOTABLE version="1.4"><RESOURCE><TABLE><FIELD name="a" datatype="char" arraysize="*"/>'
        "<DATA><TABLEDATA><TR><TD>&lt;</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    with pytest.raises(InputError, match="the entity 'x' is declared"):
        read_table(path)
