"""A table of every type, to each format and back: by our readers, and by astropy's."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import uuid
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import votable
from astropy.table import Table

from skyseries.formats import read_table, write_table

NAN = float("nan")
UUID = uuid.UUID(int=7)

COLUMNS: dict[str, pa.Array] = {
    "bool": pa.array([True, None, False]),
    "int8": pa.array([-128, None, 127], pa.int8()),
    "uint8": pa.array([0, None, 255], pa.uint8()),
    "int16": pa.array([-(2**15), None, 2**15 - 1], pa.int16()),
    "uint16": pa.array([0, None, 2**16 - 1], pa.uint16()),
    "int32": pa.array([-(2**31), None, 2**31 - 1], pa.int32()),
    "uint32": pa.array([0, None, 2**32 - 1], pa.uint32()),
    "int64": pa.array([-(2**63), None, 2**63 - 1], pa.int64()),
    "uint64": pa.array([0, None, 2**64 - 1], pa.uint64()),
    "uint64_small": pa.array([0, None, 2**63 - 1], pa.uint64()),
    "float16": pa.array(np.float16([1.5, -2, 0])),
    "float32": pa.array([1.5, None, -math.inf], pa.float32()),
    "float64": pa.array([0.1, None, NAN], pa.float64()),
    "text": pa.array(["a", None, "b c"]),
    "not_ascii": pa.array(["\u03b1 Cen", None, "\u65e5\U0001f30c"]),
    "view": pa.array(["a", None, "b"], pa.string_view()),
    "band": pa.array(["g", None, "r"]).dictionary_encode(),
    "date": pa.array([dt.date(2020, 1, 2), None, dt.date(1900, 1, 1)]),
    "time": pa.array([6, None, 10**9], pa.time64("ns")),
    "stamp": pa.array([dt.datetime(2020, 1, 2, 3), None, dt.datetime(1960, 1, 1)]),
    "span": pa.array([6, None, -1], pa.duration("ms")),
    "decimal": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-2.25")]),
    "uuid": pa.array([UUID.bytes, None, UUID.bytes], pa.uuid()),
    "json": pa.array(['{"a": 1}', None, "2"], pa.json_()),
    "fixed": pa.array([[1.5, NAN], None, [0.0, 2.0]], pa.list_(pa.float64(), 2)),
    "fixed_ids": pa.array([[2**63 - 1, 0], None, [-(2**63), 5]], pa.list_(pa.int64(), 2)),
    "fixed_bools": pa.array([[True, False], None, [False, True]], pa.list_(pa.bool_(), 2)),
    "matrix": pa.array([[[1, 2], [3, 4], [5, 6]]] * 3, pa.list_(pa.list_(pa.int32(), 2), 3)),
    "lists": pa.array([[1.5, 2.5], [], [3.5]], pa.list_(pa.float32())),
    "large_lists": pa.array([[1], [], [2, 3]], pa.large_list(pa.int64())),
    "texts": pa.array([["a", None], None, []], pa.list_(pa.string())),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "nothing": pa.nulls(3),
}  # fmt: skip

_AS_TEXT = {
    "uint64": ["0", None, str(2**64 - 1)],
    "date": ["2020-01-02", None, "1900-01-01"],
    "time": ["00:00:00.000000006", None, "00:00:01.000000000"],
    "stamp": ["2020-01-02T03:00:00.000000", None, "1960-01-01T00:00:00.000000"],
    "decimal": ["1.50", None, "-2.25"],
    "texts": ['["a", null]', None, "[]"],
    "map": ['[["k", 1]]', None, "[]"],
}


def _cells(name: str, suffix: str) -> list[Any]:
    """Return what a format keeps of a column: text where it has no such type."""
    cells = COLUMNS[name].to_pylist()
    if name == "uuid":
        return [str(UUID), None, str(UUID)]
    if name == "span":
        return [6, None, -1]
    if name in _AS_TEXT and not (name == "uint64" and suffix == ".fits"):
        return _AS_TEXT[name]
    if suffix == ".fits" and "float" in name:
        return [NAN if cell is None else cell for cell in cells]
    if suffix == ".fits" and name.startswith("fixed"):
        missing = NAN if name == "fixed" else None
        return [[missing] * 2 if cell is None else cell for cell in cells]
    return cells


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(other):
        return math.isnan(one)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
def test_our_readers(tmp_path: Path, suffix: str) -> None:
    write_table(pa.table(COLUMNS), tmp_path / f"t{suffix}")
    read = read_table(tmp_path / f"t{suffix}")
    assert read.column_names == list(COLUMNS)
    for name in COLUMNS:
        assert _same(read[name].to_pylist(), _cells(name, suffix)), name


def test_csv(tmp_path: Path) -> None:
    write_table(pa.table(COLUMNS), tmp_path / "t.csv")
    read = read_table(tmp_path / "t.csv")
    for name in COLUMNS:
        got, cells = read[name].to_pylist(), _cells(name, ".csv")
        if name == "uint64":
            assert got == [0, None, 2**64 - 1]
        elif pa.types.is_nested(COLUMNS[name].type):
            cells = [cell and json.loads(cell) if isinstance(cell, str) else cell for cell in cells]
            assert str([cell and json.loads(cell) for cell in got]) == str(cells), name
        elif name == "decimal":
            assert got == [1.5, None, -2.25]
        else:
            assert str(got).replace(".0", "") == str(cells).replace(".0", ""), name


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
def test_astropy(tmp_path: Path, suffix: str) -> None:
    columns = COLUMNS
    if suffix == ".fits":  # astropy knows no null among unsigned numbers, nor in arrays of bools
        columns = {k: v for k, v in COLUMNS.items() if k not in ("uint64", "fixed_bools")}
        columns |= {"uint64_full": pa.array([0, 1, 2**64 - 1], pa.uint64())}
    write_table(pa.table(columns), tmp_path / f"t{suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = Table.read(tmp_path / f"t{suffix}")
    assert read.colnames == list(columns)
    for name in columns:
        cells = _cells(name, suffix) if name in COLUMNS else columns[name].to_pylist()
        for got, cell in zip(read[name], cells, strict=True):
            _check_astropy(name, suffix, got, cell)


def _check_astropy(name: str, suffix: str, got: Any, cell: Any) -> None:
    masked = bool(np.all(np.ma.getmaskarray(np.ma.asarray(got))))
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        is_text = isinstance(got, str) and got == ""
        is_lost = suffix == ".fits" and name == "bool"  # astropy reads null as False
        assert masked or is_text or is_lost or np.isnan(got), name
    elif isinstance(cell, list):
        assert (
            masked
            or np.array_equal(
                np.ma.filled(np.ma.asarray(got), _fill(got)), cell, equal_nan=name == "fixed"
            )
            or None in cell
        ), name
    else:
        assert str(got) == str(cell) or got == cell, name


def _fill(got: Any) -> Any:
    return NAN if np.asarray(got).dtype.kind == "f" else None


@pytest.mark.parametrize("format", ["1.4", "unicodeChar"])
def test_header_of_votables(tmp_path: Path, format: str) -> None:
    write_table(pa.table(COLUMNS), tmp_path / "t.vot")
    text = (tmp_path / "t.vot").read_text()
    if format == "1.4":
        assert '<VOTABLE version="1.4"' in text
        assert votable.parse(str(tmp_path / "t.vot")).version == "1.4"
    assert text.count('datatype="unicodeChar"') == 1
    for name, attributes in {
        "fixed": 'datatype="double" arraysize="2"',
        "matrix": 'datatype="int" arraysize="2x3"',
        "lists": 'datatype="float" arraysize="*"',
        "text": 'datatype="char" arraysize="*"',
        "not_ascii": 'datatype="unicodeChar" arraysize="*"',
        "uint64_small": 'datatype="long"',
    }.items():
        assert f'name="{name}" {attributes}' in text


def test_text_that_turns_out_not_ascii_late_in_a_stream(tmp_path: Path) -> None:
    batches = [pa.table({"n": ["a"] * 5}), pa.table({"n": ["\u03b1"]}), pa.table({"n": ["b"]})]
    stream = (batch for table in batches for batch in table.to_batches())
    write_table(stream, tmp_path / "t.vot", schema=batches[0].schema)
    assert read_table(tmp_path / "t.vot")["n"].to_pylist() == ["a"] * 5 + ["\u03b1", "b"]
    assert Table.read(tmp_path / "t.vot")["n"].tolist() == ["a"] * 5 + ["\u03b1", "b"]


@pytest.mark.parametrize("high", [2**63, 2**64 - 1])
def test_null_beside_the_largest_ids_is_read_by_astropy(tmp_path: Path, high: int) -> None:
    ids = pa.array([0, None, high, high - 2**63], pa.uint64())
    write_table(pa.table({"id": ids}), tmp_path / "t.fits")
    assert read_table(tmp_path / "t.fits")["id"].to_pylist() == ids.to_pylist()
    read = Table.read(tmp_path / "t.fits")["id"]
    assert [int(read[i]) for i in (0, 2, 3)] == [0, high, high - 2**63]
