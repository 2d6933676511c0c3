"""What every encoder keeps: a suite that the tests of each inherit."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyseries.errors import InputError
from skyseries.formats.streams import (
    COMPLETE,
    OVERFLOW,
    Document,
    Encoder,
    Ending,
    Info,
    encoder_of,
)
from skyseries.formats.streams.base import PIECE
from skyseries.schema import ColumnMeta, with_column_meta
from tests.examples import examples
from tests.formats.strategies import CELLS, same

TEXTS = [
    'a "quoted" text', "a\ttab", "lines\nof\r\ntext", "<&>'", "comma, semicolon;", "\\n is no end",
    "naïve Å", "\N{GREEK SMALL LETTER ALPHA} Cen", "\N{MATHEMATICAL BOLD CAPITAL L}ove", "", " ",
    None, "null", "NaN", "]]>", "-", "\ufffd",
]  # fmt: skip
"""Texts that a format must not break. None has characters that XML cannot hold."""

Rows = list[dict[str, Any]]
Cell = Any


def document_of(
    encoder: type[Encoder],
    table: pa.Table,
    sizes: list[int] | None = None,
    document: Document | None = None,
    ending: Ending = COMPLETE,
) -> bytes:
    """Return a document of a table that is given in parts of some sizes."""
    made = encoder(table.schema, document)
    try:
        pieces = [made.head()]
        start = 0
        for size in [*(sizes or []), table.num_rows]:
            pieces += made.rows(table.slice(start, size))
            start += size
        return b"".join([*pieces, *made.tail(ending)])
    finally:
        made.close()


def shortest(single: float) -> float:
    """Return the number of the fewest digits that are those of a float of 32 bits."""
    return float(np.format_float_scientific(np.float32(single), unique=True))


@st.composite
def streams(draw: st.DrawFn) -> pa.Table:
    """Draw a table: plain columns, lists, arrays of one and two dimensions, light curves."""
    fields: dict[str, pa.Array] = {}
    rows = draw(st.integers(0, 8))
    for number, kind in enumerate(draw(st.lists(st.sampled_from(list(CELLS)), max_size=4))):
        cell = CELLS[kind]
        shape = draw(st.sampled_from(["", "list", "fixed", "matrix"]))
        if shape == "list":
            kind, cell = pa.list_(kind), st.lists(st.none() | cell, max_size=3)
        if shape in ("fixed", "matrix"):
            kind, cell = pa.list_(kind, 2), st.lists(st.none() | cell, min_size=2, max_size=2)
        if shape == "matrix":
            kind, cell = pa.list_(kind, 3), st.lists(cell, min_size=3, max_size=3)
        values = draw(st.lists(st.none() | cell, min_size=rows, max_size=rows))
        fields[f"c{number}"] = pa.array(values, kind)
    lengths = draw(st.lists(st.none() | st.integers(0, 3), min_size=rows, max_size=rows))
    fields["lc"] = pa.array(
        [n if n is None else {"mjd": [0.5] * n, "band": ["g"] * n} for n in lengths],
        pa.struct({"mjd": pa.list_(pa.float64()), "band": pa.list_(pa.string())}),
    )
    return pa.table(fields)


class Contract(ABC):
    """Tests of an encoder; how its documents are read is told by those who inherit."""

    encoder: ClassVar[type[Encoder]]
    most_columns = 1_100

    @abstractmethod
    def read(self, document: bytes) -> Rows:
        """Read by another library; raises what that raises for a broken document."""

    @abstractmethod
    def shown(self, cell: Cell, kind: pa.DataType) -> Cell:
        """Return what `read` gives for the cell of a column."""

    def expected(self, table: pa.Table) -> Rows:
        """Return what is read of a table; a light curve is a column for each field."""
        flat: dict[str, list[Cell]] = {}
        for field in table.schema:
            cells = table[field.name].to_pylist()
            for name, kind, values in self.parts(field, cells):
                flat[name] = [self.shown(value, kind) for value in values]
        return [dict(zip(flat, row, strict=True)) for row in zip(*flat.values(), strict=True)]

    def parts(self, field: pa.Field, cells: list[Cell]) -> list[tuple[str, pa.DataType, list[Any]]]:
        """Return the columns that one is written as."""
        if not pa.types.is_struct(field.type):
            return [(field.name, field.type, cells)]
        return [
            (f"{field.name}.{child.name}", child.type, [c and c[child.name] for c in cells])
            for child in field.type
        ]

    def check(self, table: pa.Table, sizes: list[int] | None = None) -> None:
        """Write, read, compare."""
        read = self.read(document_of(self.encoder, table, sizes))
        expected = self.expected(table)
        assert len(read) == len(expected)
        for got, wanted in zip(read, expected, strict=True):
            assert list(got) == list(wanted)
            wrong = {k: (got[k], wanted[k]) for k in got if not same(got[k], wanted[k])}
            assert not wrong

    def test_names(self) -> None:
        encoder = self.encoder
        for text in (encoder.name, encoder.media_type, *encoder.aliases):
            assert encoder_of(text) is encoder
            assert encoder_of(f" {text.upper()} ") is encoder

    def test_ids_are_exact(self) -> None:
        self.check(
            pa.table({
                "i": pa.array([2**53 + 1, None, -(2**63) + 1, 2**63 - 1], pa.int64()),
                "u": pa.array([2**63 + 1, 0, None, 2**64 - 1], pa.uint64()),
                "small": pa.array([255, 0, None, 1], pa.uint8()),
            })
        )  # fmt: skip

    def test_floats(self) -> None:
        values = [0.1, -0.0, 1 / 3, 1e300, 5e-324, float("nan"), float("inf"), -float("inf"), 1e16]
        self.check(
            pa.table({
                "double": pa.array([*values, None]),
                "single": pa.array([0.1, 1e-45, 3e38, *values[5:8], 2.5, None, 1 / 3, -0.0],
                                   pa.float32()),
            })
        )  # fmt: skip

    def test_texts(self) -> None:
        self.check(pa.table({"t": TEXTS, "n": list(range(len(TEXTS)))}))

    def test_other_kinds(self) -> None:
        when = dt.datetime(2026, 1, 2, 3, 4, 5, 678000)
        self.check(
            pa.table({
                "b": pa.array([True, False, None]),
                "when": pa.array([when, None, when], pa.timestamp("ms")),
                "day": pa.array([dt.date(2026, 1, 2), None, dt.date(1969, 7, 20)]),
                "band": pa.array(["g", None, "r"]).dictionary_encode(),
                "nothing": pa.nulls(3),
            })
        )  # fmt: skip

    def test_arrays(self) -> None:
        matrix, pairs = (
            pa.list_(pa.list_(pa.float64(), 3), 2), pa.list_(pa.list_(pa.int16(), 2))
        )  # fmt: skip
        single = pa.list_(pa.float32(), 2)
        self.check(
            pa.table({
                "fixed": pa.array([[1.5, None], [float("nan"), 2.0], None], single),
                "matrix": pa.array([[[1, 2, 3], [4, 5, 6]], None, [None, [7, 8, 9]]], matrix),
                "list": pa.array([[], [1, None, 3], None], pa.list_(pa.int32())),
                "bytes": pa.array([[255], [None, 0], []], pa.list_(pa.uint8())),
                "rows": pa.array([[[1, 2]], [], [[3, 4], [5, 6]]], pairs),
                "texts": pa.array([["a", 'b "c"', None], [], None], pa.list_(pa.string())),
                "lists": pa.array([[[1], []], None, [[2, None]]], pa.list_(pa.list_(pa.int64()))),
            })
        )  # fmt: skip

    def test_light_curves(self) -> None:
        kind = pa.struct({
            "mjd": pa.list_(pa.float64()), "flux": pa.list_(pa.float32()),
            "band": pa.list_(pa.string()), "visit": pa.list_(pa.int64()),
        })  # fmt: skip
        curve = {
            "mjd": [60000.25, 60001.5], "flux": [1.5, float("nan")], "band": ["g", "r"],
            "visit": [2**53 + 1, 2],
        }  # fmt: skip
        none: dict[str, list[Any]] = {name: [] for name in curve}
        self.check(pa.table({"id": [1, 2, 3], "lc": pa.array([curve, None, none], kind)}))

    @pytest.mark.parametrize("rows", [0, 1])
    def test_few_rows(self, rows: int) -> None:
        self.check(pa.table({"a": pa.array([7] * rows, pa.int32()), "t": pa.array(["x"] * rows)}))

    def test_many_columns(self) -> None:
        table = pa.table({f"column_{i}": [i, -i] for i in range(self.most_columns)})
        self.check(table)

    def test_odd_names(self) -> None:
        names = ["a b", "select", "1st", "x,y", 'q"q', "a<b", "É", "lc.x"]
        table = pa.table([[1, 2]] * len(names), names)
        try:
            self.check(table)
        except InputError as error:
            assert "rename" in str(error)  # noqa: PT017 - FITS has fewer names

    @settings(examples(0.4), suppress_health_check=[HealthCheck.differing_executors])  # inherited
    @given(streams(), st.lists(st.integers(0, 3), max_size=4))
    def test_any_table_in_any_parts(self, table: pa.Table, sizes: list[int]) -> None:
        self.check(table, sizes)
        self.check_same(document_of(self.encoder, table, sizes), document_of(self.encoder, table))

    def test_pieces_are_small_and_the_same_however_divided(self) -> None:
        table = pa.table({"n": list(range(400_000)), "t": ["text"] * 400_000})
        encoder = self.encoder(table.schema)
        pieces = [encoder.head()]
        for start in range(0, 400_000, 65_536):
            pieces += encoder.rows(table.slice(start, 65_536))
        pieces += encoder.tail(COMPLETE)
        encoder.close()
        assert max(map(len, pieces)) < 2.5 * PIECE
        self.check_same(b"".join(pieces), document_of(self.encoder, table))

    def check_same(self, one: bytes, other: bytes) -> None:
        """Compare documents of the same rows, in other parts."""
        assert one == other

    def test_error_leaves_no_document_that_is_taken_for_whole(self) -> None:
        table = pa.table({"a": list(range(10)), "t": ["x"] * 10})
        document = document_of(self.encoder, table, ending=Ending.error("the disk is gone"))
        with pytest.raises(Exception):  # noqa: B017, PT011 - as the reader has it
            self.read(document)

    def test_overflow_keeps_all_rows(self) -> None:
        table = pa.table({"a": list(range(10))})
        document = document_of(self.encoder, table, ending=OVERFLOW)
        assert len(self.read(document)) == 10

    def test_what_is_told(self) -> None:
        field = with_column_meta(
            pa.field("ra", pa.float64()), ColumnMeta("deg", "pos.eq.ra", 'where <it> is & "how"')
        )
        told = Document(
            (Info("QUERY_STATUS", "OK"), Info("query", "SELECT '<\"&' FROM t", "as <sent>")),
            "a & b",
        )
        table = pa.table([[1.5]], schema=pa.schema([field]))
        assert len(self.read(document_of(self.encoder, table, document=told))) == 1

    def test_bytes_are_refused_by_what_has_none(self) -> None:
        table = pa.table({"raw": [b"\xff"]})
        try:
            assert self.read(document_of(self.encoder, table)) == [{"raw": b"\xff"}]
        except InputError as error:
            assert "'raw' holds bytes" in str(error)  # noqa: PT017
