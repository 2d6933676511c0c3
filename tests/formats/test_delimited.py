from __future__ import annotations

import bz2
import gzip
import math
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import InputError, SchemaError
from skyseries.formats import BadRow, find_files, read_schema, read_table, scan
from skyseries.formats.delimited import SAMPLE_ROWS
from skyseries.schema import ColumnMeta, column_meta
from tests.formats.strategies import INT64, UINT64


def _write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _scan(path: Path, schema: Any = None, **options: Any) -> list[dict[str, Any]]:
    (file,) = find_files(path)
    target = read_schema(file) if schema is None else pa.schema(schema)
    return pa.Table.from_batches(scan(file, target, **options), target).to_pylist()


def test_plain(tmp_path: Path) -> None:
    path = _write(tmp_path, 'id,name,mag\n9007199254740993,"a ""b"", c",1.5\n2,,\n3,"",nan\n')
    table = read_table(path)
    assert table.schema.types == [pa.int64(), pa.string(), pa.float64()]
    rows = table.to_pylist()
    assert rows[0] == {"id": 2**53 + 1, "name": 'a "b", c', "mag": 1.5}
    assert rows[1] == {"id": 2, "name": None, "mag": None}
    assert rows[2]["name"] == ""
    assert rows[2]["mag"] != rows[2]["mag"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters(tmp_path: Path, delimiter: str, newline: str) -> None:
    lines = [delimiter.join(row) for row in (("id", "ra"), ("1", "2.5"), ("3", "4.5"))]
    assert _scan(_write(tmp_path, newline.join(lines))) == [
        {"id": 1, "ra": 2.5},
        {"id": 3, "ra": 4.5},
    ]


def test_comments_blanks_and_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeff# made by hand\n#\nid, ra\n1, 2.5\n\n+3, +4.5\n"
    assert _scan(_write(tmp_path, text)) == [{"id": 1, "ra": 2.5}, {"id": 3, "ra": 4.5}]


def test_words_for_missing_numbers(tmp_path: Path) -> None:
    path = _write(tmp_path, "id,mag,name\n1,null,NA\n2,NA,null\n3,1.5,x\n")
    assert _scan(path) == [
        {"id": 1, "mag": None, "name": "NA"},
        {"id": 2, "mag": None, "name": "null"},
        {"id": 3, "mag": 1.5, "name": "x"},
    ]


def test_sentinels(tmp_path: Path) -> None:
    path = _write(tmp_path, "id,mag,name\n-99,-99.0,x\n5,missing,-99\n")
    table = read_table(path, null_values={"mag": [-99, "missing"], "name": [-99]})
    assert table.to_pydict() == {"id": [-99, 5], "mag": [None, None], "name": ["x", None]}
    table = read_table(_write(tmp_path, "id\n-9999\n18446744073709551615\n"), null_values=[-9999])
    assert table.schema.types == [pa.uint64()]
    assert table["id"].to_pylist() == [None, 2**64 - 1]


@given(st.lists(st.none() | INT64, min_size=1, max_size=6), st.booleans())
def test_ids_are_exact(ids: list[int | None], compressed: bool) -> None:
    _check_ids(ids, compressed)


@given(st.lists(UINT64, min_size=1, max_size=6), st.booleans())
def test_unsigned_ids_are_exact(ids: list[int], compressed: bool) -> None:
    _check_ids(ids, compressed)


def _check_ids(ids: list[Any], compressed: bool) -> None:
    text = "id,x\n" + "".join(f"{'' if i is None else i},0\n" for i in ids)
    with tempfile.TemporaryDirectory() as folder:
        data = gzip.compress(text.encode()) if compressed else text.encode()
        path = _write(Path(folder), data, "t.csv.gz" if compressed else "t.csv")
        assert read_table(path)["id"].to_pylist() == ids


def test_ids_with_leading_zeros_stay_text(tmp_path: Path) -> None:
    assert _scan(_write(tmp_path, "id\n007\n123\n")) == [{"id": "007"}, {"id": "123"}]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_compressed(tmp_path: Path, compress: Any) -> None:
    path = _write(tmp_path, compress(b"a,b\n" + b"1,2\n" * 1000), "t.csv.gz")
    assert read_table(path).num_rows == 1000


def test_gzip_members_one_after_the_other(tmp_path: Path) -> None:
    data = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    assert read_table(_write(tmp_path, data, "t.csv.gz"))["a"].to_pylist() == [1, 3]


@pytest.mark.parametrize("cut", [1, 9, 200])
def test_gzip_cut_off(tmp_path: Path, cut: int) -> None:
    data = gzip.compress("".join(f"{i},{i * i}\n" for i in range(50_000)).encode())
    path = _write(tmp_path, gzip.compress(b"a,b\n") + data[:-cut], "t.csv.gz")
    with pytest.raises(InputError, match=r"t\.csv\.gz.*truncated"):
        read_table(path)


@pytest.mark.parametrize("rows", [3, 300_000])
@pytest.mark.parametrize("bad", ["7", "7,8,9", '"7\nx",8,9'])
def test_broken_row(tmp_path: Path, rows: int, bad: str) -> None:
    path = _write(tmp_path, "# c\na,b\n" + "1,2\n" * rows + f"\n{bad}\n3,4\n")
    fields = bad.count(",") + 1
    with pytest.raises(InputError) as caught:
        _scan(path)
    message = str(caught.value)
    assert f"t.csv, line {rows + 4} has {fields} fields instead of 2: {bad!r}" in message


def test_broken_rows_skipped_and_counted(tmp_path: Path) -> None:
    path = _write(tmp_path, "a,b\n1,2\n3\n4,5,6\n7,null\n")
    skipped: list[BadRow] = []
    rows = _scan(path, on_bad_rows="skip", on_skip=skipped.append)
    assert rows == [{"a": 1, "b": 2}, {"a": 7, "b": None}]
    assert [(row.text, row.fields, row.expected) for row in skipped] == [
        ("3", 1, 2),
        ("4,5,6", 3, 2),
    ]
    with pytest.warns(UserWarning, match=r"t\.csv: 2 rows .* were skipped, the first: '3'"):
        assert len(_scan(path, on_bad_rows="skip")) == 2


@pytest.mark.parametrize("rows", [0, 250_000])
def test_cell_that_does_not_fit(tmp_path: Path, rows: int) -> None:
    path = _write(tmp_path, "a,b\n" + "1,2\n" * rows + '\n"5",x1\n')
    with pytest.raises(InputError) as caught:
        _scan(path, [("a", pa.int64()), ("b", pa.int64())])
    message = str(caught.value)
    assert f"t.csv, line {rows + 3}, column 'b': " in message
    assert "x1" in message
    assert "int64" in message


@pytest.mark.parametrize(
    ("first", "later", "cells"),
    [
        ("2", "2.5", [2.0, 2.5]),
        ("2", "x", ["2", "x"]),
        ("2", "007", ["2", "007"]),
        ("2", str(2**63), [2, 2**63]),
        ("-2", str(2**63), ["-2", str(2**63)]),
        (str(2**60 + 1), "2.5", [str(2**60 + 1), "2.5"]),
        ("2.5", str(2**53 + 1), [2.5, float(2**53)]),
        ("true", "2", ["true", "2"]),
        ("", "2020-01-01", [None, "2020-01-01"]),
        ("nan", str(2**60 + 1), ["nan", str(2**60 + 1)]),
        ("2", "NULL", [2, None]),
    ],
)
def test_type_that_changes_behind_the_sample(
    tmp_path: Path, first: str, later: str, cells: list[Any]
) -> None:
    path = _write(tmp_path, "a,b\n" + f"1,{first}\n" * (SAMPLE_ROWS + 1) + f"1,{later}\n")
    column = read_table(path)["b"]
    assert [column[0].as_py(), column[-1].as_py()] == cells


def test_type_that_changes_far_behind_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skyseries.formats.delimited._SAMPLE_BYTES_OPEN", 0)
    rows = 1_100_000  # more than the block in which the sample ends
    path = _write(tmp_path, "a,b\n" + "1,2\n" * rows + "1,2.5\n")
    with pytest.raises(InputError, match=rf"line {rows + 2}, column 'b': '2.5' does not fit") as e:
        read_table(path)
    assert "among the null values" in str(e.value)


def test_column_that_is_empty_in_the_sample(tmp_path: Path) -> None:
    path = _write(tmp_path, "a,b\n" + "1,\n" * 400_000 + "1,2.5\n")
    assert read_schema(find_files(path)[0]).field("b").type == pa.float64()


def test_not_utf8(tmp_path: Path) -> None:
    path = _write(tmp_path, b"a,b\n1,x\n2,caf\xe9\n")
    with pytest.raises(InputError, match=r"line 3, column 'b'"):
        _scan(path, [("a", pa.int64()), ("b", pa.string())])
    with pytest.raises(InputError, match=r"t\.csv"):
        read_table(path)


@pytest.mark.parametrize("columns", [["a"], ["a", "b"]])
def test_quote_that_is_not_closed(tmp_path: Path, columns: list[str]) -> None:
    path = _write(tmp_path, 'a,b\n1,x\n2,"y\n' + "3,z\n" * 10)
    with pytest.raises(InputError, match=r"quote behind line \d+ is not closed"):
        read_table(path, columns)


def test_quote_inside_a_cell_is_no_fault(tmp_path: Path) -> None:
    path = _write(tmp_path, 'a,b\n1,5" mirror\n2,y\n')
    assert _scan(path) == [{"a": 1, "b": '5" mirror'}, {"a": 2, "b": "y"}]


def test_newline_in_quotes_across_blocks(tmp_path: Path) -> None:
    row = '1,"' + "x\n" * 100 + '"\n'
    path = _write(tmp_path, "a,b\n" + row * 50_000)
    (file,) = find_files(path)
    assert sum(batch.num_rows for batch in scan(file, read_schema(file))) == 50_000


def test_header_only(tmp_path: Path) -> None:
    for text in ("a,b\n", "a,b", "a,b\n\n\n"):
        table = read_table(_write(tmp_path, text))
        assert table.column_names == ["a", "b"]
        assert table.num_rows == 0


def test_no_header(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1 looks like data"):
        read_table(_write(tmp_path, "1,2.5,3\n4,5.5,6\n"))
    with pytest.raises(InputError, match="line 1 looks like data"):
        read_table(_write(tmp_path, "RR1,2.5\nRR2,5.5\n"))


def test_empty_and_binary(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        read_table(_write(tmp_path, ""))
    with pytest.raises(InputError, match="no line with the names"):
        read_table(_write(tmp_path, "# only\n\n"))
    with pytest.raises(InputError, match="not a text file"):
        read_table(_write(tmp_path, b"ab\0c\n"))


def test_repeated_name_and_wrong_name(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="2 columns named 'a'"):
        read_table(_write(tmp_path, "a,a\n1,2\n"))
    with pytest.raises(SchemaError, match=r"no column 'objectid'; did you mean 'objectId'\?"):
        read_table(_write(tmp_path, "objectId,ra\n1,2\n"), ["objectid"])


def test_one_column_with_missing_values(tmp_path: Path) -> None:
    assert _scan(_write(tmp_path, "a\n1\n\n2\n")) == [{"a": 1}, {"a": None}, {"a": 2}]
    with pytest.raises(InputError, match="line 4 has 2 fields"):
        _scan(_write(tmp_path, "a\n1\n\n2,3\n"))


def test_batches_are_bounded_and_ordered(tmp_path: Path) -> None:
    path = _write(tmp_path, "a,b\n" + "".join(f"{i},x\n" for i in range(25_000)))
    (file,) = find_files(path)
    batches = list(scan(file, read_schema(file), columns=["b", "a"], batch_rows=1000))
    assert max(batch.num_rows for batch in batches) <= 1000
    table = pa.Table.from_batches(batches)
    assert table.column_names == ["b", "a"]
    assert table["a"].to_pylist() == list(range(25_000))


def test_ecsv_against_astropy(tmp_path: Path) -> None:
    import numpy as np
    from astropy.table import MaskedColumn, Table

    source = Table(
        {
            "id": np.array([2**63 - 1, 2**53 + 1]),
            "uid": np.array([2**64 - 1, 0], np.uint64),
            "flux": MaskedColumn([1.5, np.nan], mask=[True, False], unit="nJy"),
            "name": MaskedColumn(['a "b"', "x,y"], mask=[False, True]),
            "good": [True, False],
            "vector": np.array([[1, 2], [3, 4]], np.int16),
        }
    )
    source["flux"].description = "the flux # 1"
    for delimiter in (" ", ","):
        path = tmp_path / "t.ecsv"
        source.write(path, format="ascii.ecsv", delimiter=delimiter, overwrite=True)
        table = read_table(path)
        assert table.schema.types == [
            pa.int64(), pa.uint64(), pa.float64(), pa.string(), pa.bool_(), pa.list_(pa.int16()),
        ]  # fmt: skip
        assert column_meta(table.schema.field("flux")) == ColumnMeta("nJy", "", "the flux # 1")
        columns = table.drop(["flux"]).to_pydict()
        assert columns == {
            "id": [2**63 - 1, 2**53 + 1],
            "uid": [2**64 - 1, 0],
            "name": ['a "b"', None],
            "good": [True, False],
            "vector": [[1, 2], [3, 4]],
        }
        assert table["flux"].null_count == 1
        assert str(table["flux"][1].as_py()) == "nan"


@given(st.lists(INT64, max_size=4), st.lists(UINT64, max_size=4))
def test_ecsv_ids_are_exact(ids: list[int], uids: list[int]) -> None:
    rows = min(len(ids), len(uids))
    header = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: id, datatype: int64}\n"
    header += "# - {name: uid, datatype: uint64, unit: !astropy.units.Unit {unit: s}}\nid uid\n"
    with tempfile.TemporaryDirectory() as folder:
        lines = "".join(f"{a} {b}\n" for a, b in zip(ids, uids, strict=False))
        table = read_table(_write(Path(folder), header + lines, "t.ecsv"))
    assert column_meta(table.schema.field("uid")).unit == "s"
    assert table.to_pydict() == {"id": ids[:rows], "uid": uids[:rows]}


def test_ecsv_faults(tmp_path: Path) -> None:
    head = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: TYPE}\n"
    with pytest.raises(SchemaError, match="has the type complex128"):
        read_table(_write(tmp_path, head.replace("TYPE", "complex128") + "a\n1\n", "t.ecsv"))
    with pytest.raises(InputError, match="lists a, but line 5 names b"):
        read_table(_write(tmp_path, head.replace("TYPE", "int64") + "b\n1\n", "t.ecsv"))
    with pytest.raises(SchemaError, match=r"ECSV header .* cannot be read"):
        read_table(_write(tmp_path, "# %ECSV 1.0\n# ---\n# [\na\n1\n", "t.ecsv"))
    with pytest.raises(InputError, match="line 6, column 'a'"):
        read_table(_write(tmp_path, head.replace("TYPE", "int64") + "a\n1.5\n", "t.ecsv"))


@pytest.mark.parametrize(
    ("subtype", "cell", "value"),
    [
        ("bool[null]", '["False","True"]', [False, True]),
        ("bool[null]", '["false", "T", null]', [False, True, None]),
        ("bool[2]", "[true, false]", [True, False]),
        ("bool[2,2]", '[["True","False"],[true,null]]', [[True, False], [True, None]]),
        ("float64[null]", "[1.5, null, NaN]", [1.5, None, math.nan]),
        ("float32[3]", "[1, 2.5, -Infinity]", [1.0, 2.5, -math.inf]),
        ("int64[2,null]", f"[[{2**53 + 1}], []]", [[2**53 + 1], []]),
        ("string[null]", '["a", null]', ["a", None]),
    ],
)
def test_arrays_in_ecsv(tmp_path: Path, subtype: str, cell: str, value: list[Any]) -> None:
    quoted = cell.replace('"', '""')
    path = _write(
        tmp_path,
        "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n# - {name: id, datatype: int64}\n"
        f"# - {{name: x, unit: mJy, datatype: string, subtype: '{subtype}'}}\n"
        f'id,x\n1,"{quoted}"\n2,\n',
        name="t.ecsv",
    )
    read = read_table(path)
    assert str(read["x"].to_pylist()) == str([value, None])
    assert column_meta(read.schema.field("x")).unit == "mJy"


def test_array_in_ecsv_that_is_not_of_its_type(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n# - {name: id, datatype: int64}\n"
        "# - {name: x, datatype: string, subtype: 'bool[null]'}\n"
        'id,x\n1,"[true]"\n2,"[""maybe""]"\n',
        name="t.ecsv",
    )
    with pytest.raises(InputError, match=r"line 9, column 'x': .*maybe.* does not fit"):
        read_table(path)
