"""FITS binary tables, read by astropy."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
import pytest
from astropy.io import fits

from skyseries.formats.streams import OVERFLOW, Document, Ending, Info
from skyseries.formats.streams.fits import FITS
from skyseries.store.scratch import scratch_parent
from tests.formats.strategies import same
from tests.formats.streams.contract import Contract, Rows, document_of


@pytest.mark.filterwarnings("ignore:.*NULL .undefined. values which will be converted to False")
class TestFITS(Contract):
    encoder = FITS
    most_columns = 999

    def read(self, document: bytes) -> Rows:
        """Read; an integer that TNULL says is null is None, also in arrays."""
        with fits.open(io.BytesIO(document)) as files:
            files.verify("exception")
            data = files[1].data
            columns = {
                c.name: [_cell(v, c) for v in _shifted(data[c.name], c)] for c in files[1].columns
            }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def shown(self, cell: Any, kind: pa.DataType) -> Any:
        if pt.is_dictionary(kind):
            kind = kind.value_type
        value = kind
        while pt.is_fixed_size_list(value):
            value = value.value_type
        if value is not kind and pt.is_primitive(value):
            cell = [None] * kind.list_size if cell is None else cell
            return [self.shown(value, kind.value_type) for value in cell]
        if pt.is_list(kind) and pt.is_primitive(kind.value_type):
            return [self.shown(value, kind.value_type) for value in cell or []]
        if pt.is_nested(kind):
            return "" if cell is None else json.dumps(cell)
        if pt.is_string(kind) or pt.is_null(kind):
            return (cell or "").rstrip(" ")
        if pt.is_timestamp(kind):
            return cell.isoformat(timespec="milliseconds") if cell else ""
        if pt.is_date(kind):
            return str(cell) if cell else ""
        if pt.is_boolean(kind):
            return bool(cell)  # as astropy reads a null
        if pt.is_floating(kind):
            return math.nan if cell is None else cell
        return cell

    def check_same(self, one: bytes, other: bytes) -> None:
        assert len(one) == len(other)  # arrays lie in the heap in another order
        assert same(self.read(one), self.read(other))

    def test_overflow_and_infos(self) -> None:
        table = pa.table({"a": [1, 2]})
        told = Document((Info("query", "SELECT \N{GREEK SMALL LETTER ALPHA} FROM t"),), "about it")
        with fits.open(io.BytesIO(document_of(FITS, table, document=told))) as files:
            assert "QSTATUS" not in files[1].header
            assert list(files[1].header["HISTORY"]) == ["about it", "query = SELECT alpha FROM t"]
        document = document_of(FITS, table, ending=OVERFLOW)
        with fits.open(io.BytesIO(document)) as files:
            assert files[1].header["QSTATUS"] == "OVERFLOW"

    def test_variable_arrays_of_unsigned_integers(self) -> None:
        lists = [[0, 1], [2], [200, 127]]
        kinds = (pa.uint16(), pa.uint32(), pa.uint64())
        self.check(pa.table({str(k): pa.array(lists, pa.list_(k)) for k in kinds}))
        self.check(pa.table({"large": pa.array([[1], [2**64 - 1, 0]], pa.list_(pa.uint64()))}))

    def test_nothing_is_sent_after_an_error(self) -> None:
        assert document_of(FITS, pa.table({"a": [1]}), ending=Ending.error("no disk")) == b""

    def test_scratch_file_goes(self) -> None:
        def there() -> set[Any]:
            return set(scratch_parent().glob("skyseries-fits-*"))

        before = there()
        encoder = FITS(pa.schema([("a", pa.int64())]))
        list(encoder.rows(pa.table({"a": [1]})))
        assert len(there() - before) == 1
        encoder.close()
        encoder.close()
        assert there() == before


def _shifted(cells: Any, column: fits.Column) -> list[Any]:
    """Return cells with TZERO, which astropy adds to the first of variable arrays only."""
    first, rest = list(cells[:1]), list(cells[1:])
    if column.bzero and "PK" in column.format:
        rest = [cell.view(np.uint64) ^ np.uint64(2**63) for cell in rest]
        first = [cell.view(np.uint64) for cell in first]
    return first + rest


def _cell(value: Any, column: fits.Column) -> Any:
    if isinstance(value, np.ndarray):
        return [_cell(each, column) for each in value]
    if isinstance(value, bytes):  # what is not ASCII
        return value.decode()
    if isinstance(value, str):
        return str(value)
    plain = value.item()
    if set(column.format) & set("BIJK"):
        plain = int(plain)  # astropy adds TZERO -128 as a float
        null = column.null
        return None if null is not None and plain == null + int(column.bzero or 0) else plain
    return plain
