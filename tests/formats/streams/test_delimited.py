"""CSV read by Arrow and Python, TSV by Python."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.types as pt

from skyseries.formats.streams.delimited import CSV, TSV
from tests.formats.streams.contract import Contract, Rows, document_of, shortest


class _Delimited(Contract):
    def shown(self, cell: Any, kind: pa.DataType) -> Any:
        if cell is None:
            return self.null
        if pt.is_nested(kind):
            text = json.dumps(_short(cell, kind), ensure_ascii=False)
            return _plain_exponents(text) if _is_floating(kind) else text
        if pt.is_timestamp(kind):
            return str(cell.isoformat(timespec="milliseconds"))
        if pt.is_boolean(kind):
            return str(cell).lower()
        if pt.is_floating(kind):
            return _plain_exponents(json.dumps(_short(cell, kind)))
        return str(cell)

    null: Any = None


def _is_floating(kind: pa.DataType) -> bool:
    return _is_floating(kind.value_type) if pt.is_nested(kind) else bool(pt.is_floating(kind))


def _plain_exponents(text: str) -> str:
    return text.replace("e-0", "e-").replace("e+", "e")


def _short(cell: Any, kind: pa.DataType) -> Any:
    """Return floats of 32 bits as those of 64 bits with the same text."""
    if isinstance(cell, list):
        return [_short(value, kind.value_type) for value in cell]
    return shortest(cell) if pt.is_float32(kind) and cell is not None else cell


class TestCSV(_Delimited):
    encoder = CSV

    def read(self, document: bytes) -> Rows:
        """Read all as text, by Arrow."""
        names = next(csv.reader(io.StringIO(document.decode())))
        options = pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=[""],
            strings_can_be_null=True, quoted_strings_can_be_null=False,
        )  # fmt: skip
        parse = pa.csv.ParseOptions(newlines_in_values=True)
        return pa.csv.read_csv(
            io.BytesIO(document), convert_options=options, parse_options=parse
        ).to_pylist()

    def test_lines(self) -> None:
        table = pa.table(
            {"a": [1, None], "t": ['x"y', ""], "l": [[1.5, None], []], "b": [True, None]}
        )
        assert document_of(CSV, table) == (
            b'"a","t","l","b"\n1,"x""y","[1.5, null]",true\n,"","[]",\n'
        )

    def test_types_are_guessed_right(self) -> None:
        table = pa.table({"x": [1.0, 1e16, 1e-7], "n": [2**62, None, -1], "t": ["1", "", None]})
        read = pa.csv.read_csv(io.BytesIO(document_of(CSV, table)))
        assert read.schema.types[:2] == [pa.float64(), pa.int64()]
        assert read.select(["x", "n"]).equals(table.select(["x", "n"]))


class TestTSV(_Delimited):
    encoder = TSV
    null = ""

    def read(self, document: bytes) -> Rows:
        lines = [line.split("\t") for line in document.decode().split("\n")]
        assert lines.pop() == [""]
        names, *rows = [[_unescaped(cell) for cell in line] for line in lines]
        return [dict(zip(names, row, strict=True)) for row in rows]


def _unescaped(cell: str) -> str:
    parts = cell.split("\\\\")
    for mark, text in (("\\t", "\t"), ("\\n", "\n"), ("\\r", "\r")):
        parts = [part.replace(mark, text) for part in parts]
    return "\\".join(parts)
