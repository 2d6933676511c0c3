"""How rows come in: what becomes of the columns of the input before anything else is done.

Dates become days, labels lose their blanks, decimals become floats, and what is in another unit
than the one that is needed is converted. Which columns, is decided once for a table; a column
that is as it should be costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrays import days
from skyseries.arrow import is_number, to_numpy
from skyseries.errors import InputError, SchemaError
from skyseries.formats import Chunk, scan
from skyseries.formats.cast import cast_cells
from skyseries.formats.text import NULL_WORDS
from skyseries.lazy import pc
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.schema.conversion import Conversion
from skyseries.schema.roles import holds_dates, is_pair

__all__ = ["Intake", "Watcher", "kind_of_label", "kind_of_number", "kind_of_time"]

Place = Callable[[int], str]

_NO_LABEL = frozenset({"", "nan", "NaN", "None", "<NA>"})
"""Text that other libraries write where there is no label."""
_NO_TIME = NULL_WORDS | {"nan", "NaN", "NaT"}


class Watcher(Protocol):
    """Looks at the rows of a table as they come in."""

    def add(self, raw: pa.RecordBatch, settled: pa.RecordBatch) -> None:
        """Take in some rows, as they are in the input and as they are imported."""


@dataclass(frozen=True)
class Intake:
    """What is done to the rows of one table; picklable."""

    before: pa.Schema
    """The columns as the files have them."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """``number``, ``time`` or ``label`` for columns whose cells are brought to one of these."""
    conversion: Conversion = field(default_factory=lambda: Conversion({}))
    """Units, of the columns after that."""

    @property
    def after(self) -> pa.Schema:
        """The columns as they are imported."""
        return self.conversion.schema(self._settled(self.before))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is done, for people."""
        dates = [name for name, kind in self.kinds.items() if kind == "time"]
        return (
            *(f"the dates in {name!r} become days of MJD" for name in dates),
            *self.conversion.said(self.before),
        )

    def scan(
        self,
        chunk: Chunk,
        *,
        null_values: Any,
        columns: list[str] | None = None,
        batch_rows: int = 131_072,
        watcher: Watcher | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a piece of the input as they are imported."""
        row = chunk.first_row
        batches = scan(
            chunk.file, self.before, columns=columns, chunk=chunk, null_values=null_values,
            batch_rows=batch_rows,
        )  # fmt: skip
        for raw in batches:
            settled = self.apply(raw, chunk.file.path, row)
            if watcher is not None:
                watcher.add(raw, settled)
            yield settled
            row += raw.num_rows

    def apply(self, rows: pa.RecordBatch, path: str, first_row: int = 0) -> pa.RecordBatch:
        """Return rows as they are imported.

        Raises
        ------
        InputError
            If a cell is no time or no label: names file, row, column and value.
        """

        def place(index: int) -> str:
            return f"row {first_row + index + 1}"

        kinds = {name: kind for name, kind in self.kinds.items() if name in rows.schema.names}
        if kinds:
            arrays = [
                _SETTLE[kinds[f.name]](array, f, path, place) if f.name in kinds else array
                for f, array in zip(rows.schema, rows.columns, strict=True)
            ]
            rows = pa.RecordBatch.from_arrays(arrays, schema=self._settled(rows.schema))
        return self.conversion.apply(rows)

    def _settled(self, schema: pa.Schema) -> pa.Schema:
        return pa.schema([_settled_field(f, self.kinds.get(f.name)) for f in schema])


def kind_of_number(field: pa.Field, what: str) -> str | None:
    """Return what has to be done to a column of numbers, if anything.

    Raises
    ------
    SchemaError
        If it holds something else.
    """
    if is_number(field.type):
        return None
    if pt.is_decimal(field.type):
        return "number"
    hint = ""
    if pt.is_string(field.type):
        hint = "; if a word in it stands for no value, give null_values= that word"
    raise SchemaError(f"column {field.name!r} ({what}) is {field.type}, not a number{hint}")


def kind_of_time(field: pa.Field) -> str | None:
    """Return what has to be done to a column of times, if anything.

    Raises
    ------
    SchemaError
        If it cannot hold times.
    """
    kind = field.type
    if is_number(kind):
        return None
    if pt.is_decimal(kind):
        return "number"
    if holds_dates(kind):
        return "time"
    raise SchemaError(
        f"column {field.name!r} (time) is {kind}; times are days, dates, or text such as "
        "2026-01-31T04:05:06"
    )


def kind_of_label(field: pa.Field) -> str | None:
    """Return what has to be done to a column of bands, if anything.

    Raises
    ------
    SchemaError
        If it cannot hold labels.
    """
    kind = field.type
    if pt.is_integer(kind):
        return None
    binary = pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind)
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_floating(kind) or binary:
        return "label"
    raise SchemaError(f"column {field.name!r} (band) is {kind}; a band is text or a whole number")


def _settled_field(field: pa.Field, kind: str | None) -> pa.Field:
    if kind is None:
        return field
    if kind == "number":
        return field.with_type(pa.float64())
    if kind == "time":
        return with_column_meta(field.with_type(pa.float64()), ColumnMeta(unit="d"))
    return field.with_type(pa.int64() if pt.is_floating(field.type) else pa.string())


def _number(array: pa.Array, field: pa.Field, path: str, place: Place) -> pa.Array:
    return array.cast(pa.float64())


def _time(array: pa.Array, field: pa.Field, path: str, place: Place) -> pa.Array:
    """Return dates as days of MJD; null where there is none."""
    if is_pair(array.type):
        return _of_pairs(array, field, path)
    if pt.is_string(array.type):
        array = pc.utf8_trim_whitespace(array)
        gone = pc.is_in(array, value_set=pa.array(sorted(_NO_TIME)))
        array = pc.if_else(gone, pa.scalar(None, array.type), array)
        stamp = pa.field(field.name, pa.timestamp("ns"))
        try:
            array = cast_cells(array, _to_dates, stamp, path, place)
        except InputError as error:
            raise InputError(
                f"{error}; times are days, or dates such as 2026-01-31T04:05:06"
            ) from error
    return pa.array(days(to_numpy(array), field.name), from_pandas=True)


def _to_dates(text: pa.Array) -> pa.Array:
    """Return dates, nanoseconds where these reach; with a zone in UTC."""
    plain = pc.utf8_rtrim(text, characters="Zz")
    tries = [(plain, pa.timestamp("ns")), (text, pa.timestamp("ns", "UTC"))]
    for cells, kind in [*tries, (plain, pa.timestamp("us"))]:
        try:
            return cells.cast(kind)
        except pa.ArrowInvalid as error:
            failure = error
    raise failure


def _of_pairs(array: pa.Array, field: pa.Field, path: str) -> pa.Array:
    lengths = pc.unique(pc.list_value_length(array)).to_pylist()
    if set(lengths) - {2, None}:
        raise InputError(
            f"{path}: column {field.name!r} (time) is {array.type}, and not a Julian date in two "
            "parts, as astropy writes times"
        )
    first, second = (to_numpy(pc.list_element(array, i)) for i in range(2))
    return pa.array((first - 2400000.5) + second, from_pandas=True)


def _label(array: pa.Array, field: pa.Field, path: str, place: Place) -> pa.Array:
    if pt.is_floating(array.type):
        finite = pc.if_else(pc.is_finite(array), array, pa.scalar(None, array.type))
        whole = pa.field(field.name, pa.int64())
        try:
            return cast_cells(finite, lambda part: part.cast(pa.int64()), whole, path, place)
        except InputError as error:
            raise InputError(f"{error}; a band is text or a whole number") from error
    if array.type != pa.string():
        text = pa.field(field.name, pa.string())
        if pt.is_fixed_size_binary(array.type):
            array = array.cast(pa.binary())
        array = cast_cells(array, lambda part: part.cast(pa.string()), text, path, place)
    words = pc.unique(array)
    clean = [_word(word) for word in words.to_pylist()]
    if clean == words.to_pylist():
        return array
    codes = pc.index_in(array, value_set=words)
    return pa.array(clean, pa.string()).take(codes)


def _word(text: str | None) -> str | None:
    word = None if text is None else text.strip().strip("\0").strip()
    return None if word is None or word in _NO_LABEL else word


_SETTLE: dict[str, Callable[[pa.Array, pa.Field, str, Place], pa.Array]] = {
    "number": _number,
    "time": _time,
    "label": _label,
}
