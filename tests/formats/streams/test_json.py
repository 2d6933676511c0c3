"""JSON, read by Python's own reader."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa

from skyseries.formats.streams.json import JSON
from tests.formats.streams.contract import OVERFLOW, Contract, Rows, document_of, shortest


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class TestJSON(Contract):
    encoder = JSON

    def read(self, document: bytes) -> Rows:
        told = json.loads(document, parse_constant=_no_constant)
        names = [column["name"] for column in told["columns"]]
        return [dict(zip(names, row, strict=True)) for row in told["data"]]

    def shown(self, cell: Any, kind: pa.DataType) -> Any:
        if isinstance(cell, list):
            return [self.shown(value, kind.value_type) for value in cell]
        if cell is None:
            return None
        if isinstance(cell, float) and not math.isfinite(cell):
            return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(cell, "NaN")
        if pa.types.is_float32(kind):
            return shortest(cell)
        if pa.types.is_integer(kind):
            return str(cell) if kind.bit_width == 64 else cell
        if pa.types.is_timestamp(kind):
            return cell.isoformat(timespec="milliseconds")
        return str(cell) if pa.types.is_date(kind) else cell

    def test_status_and_columns(self) -> None:
        table = pa.table({"id": pa.array([1], pa.uint64()), "t": ["x"]})
        told = json.loads(document_of(JSON, table, ending=OVERFLOW))
        assert told["query_status"] == "OVERFLOW"
        assert told["columns"] == [
            {"name": "id", "datatype": "char", "arraysize": "*"},
            {"name": "t", "datatype": "unicodeChar", "arraysize": "*"},
        ]
        assert json.loads(document_of(JSON, table))["query_status"] == "OK"
