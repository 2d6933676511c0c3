"""The columns of a FITS table that is written: types, widths, nulls, and the header cards.

A first pass over the rows finds the widths of text, and a stored integer that is free to stand
for null.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from skyseries.errors import InputError
from skyseries.formats.ascii import ascii_text, ascii_unit
from skyseries.formats.flat import fixed_values, to_text
from skyseries.lazy import pc
from skyseries.schema import column_meta

__all__ = [
    "STORED",
    "ZEROS",
    "Batches",
    "OutColumn",
    "check_names",
    "heap_size",
    "plan_columns",
    "stored_text",
    "table_header",
]

CODES = {
    pa.bool_(): "L", pa.uint8(): "B", pa.int8(): "B", pa.int16(): "I", pa.uint16(): "I",
    pa.int32(): "J", pa.uint32(): "J", pa.int64(): "K", pa.uint64(): "K",
    pa.float16(): "E", pa.float32(): "E", pa.float64(): "D",
}  # fmt: skip
STORED = {
    "L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8",
}  # fmt: skip
ZEROS = {
    pa.int8(): -128, pa.uint16(): 2**15, pa.uint32(): 2**31, pa.uint64(): 2**63,
}  # fmt: skip
_WIDER = {pa.uint8(): pa.int16(), pa.int16(): pa.int32(), pa.int32(): pa.int64()}
_SIGNED = {
    pa.int8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.int64()
}  # fmt: skip
_LARGEST_LONG = 2**63 - 1
_MOST_COLUMNS = 999
"""TFORM999 is the last keyword that there is."""
_LONGEST_NAME = 68
"""Letters that one header card holds."""
_LARGEST_HEAP_32 = 2**31 - 1
"""What descriptors of 32 bits reach; all readers know these."""


@dataclass
class OutColumn:
    """How a column is written; the first pass fills in the rest."""

    field: pa.Field
    type: pa.DataType
    """Of one value, as it is stored."""
    is_variable: bool = False
    """Whether a cell is an array of variable length."""
    dims: tuple[int, ...] = ()
    """The lengths of an array of fixed length, the outermost first."""
    width: int = 1
    low: int | None = None
    high: int | None = None
    has_null: bool = False
    null: int | None = None
    """The value of `type` that stands for null."""
    longest: int = 0
    values: int = 0
    """How many values there are in all arrays of variable length."""
    descriptor: str = "Q"

    @property
    def is_text(self) -> bool:
        """Whether cells are written as text."""
        return bool(pt.is_string(self.type))

    @property
    def code(self) -> str:
        """The letter of TFORM."""
        return CODES[self.type]

    @property
    def form(self) -> str:
        """TFORM."""
        if self.is_text:
            return f"{self.width}A"
        if self.is_variable:
            return f"1{self.descriptor}{self.code}({self.longest})"
        return f"{int(np.prod(self.dims, dtype=np.int64))}{self.code}"

    @property
    def numpy_type(self) -> Any:
        """The type of a cell in a NumPy record."""
        if self.is_text:
            return f"S{self.width}"
        if self.is_variable:
            return np.dtype((">i4" if self.descriptor == "P" else ">i8", (2,)))
        return np.dtype((STORED[self.code], self.dims)) if self.dims else STORED[self.code]


Batches: TypeAlias = Callable[[], Iterable[pa.RecordBatch]]
"""Returns the rows in a flat schema, whenever it is called."""


def plan_columns(batches: Batches, flat: pa.Schema) -> tuple[list[OutColumn], int]:
    """Return how each column is written, and the number of rows."""
    columns = [_plan(field) for field in flat]
    rows = 0
    for batch in batches():
        rows += batch.num_rows
        for column, array in zip(columns, batch.columns, strict=True):
            _survey(column, stored_text(array, column))
    columns = [_choose_null(_without_zero(c), batches, i) for i, c in enumerate(columns)]
    descriptor = "P" if heap_size(columns) <= _LARGEST_HEAP_32 else "Q"
    return [replace(column, descriptor=descriptor) for column in columns], rows


def heap_size(columns: Iterable[OutColumn]) -> int:
    """Return the bytes of all arrays of variable length."""
    return sum(c.values * np.dtype(STORED[c.code]).itemsize for c in columns if c.is_variable)


def check_names(names: Sequence[str]) -> None:
    """Raise InputError if FITS cannot hold so many columns, or one of their names."""
    if len(names) > _MOST_COLUMNS:
        raise InputError(
            f"a FITS table has {_MOST_COLUMNS} columns at most, not {len(names)}: choose fewer, or "
            "write Parquet, CSV or VOTable"
        )
    seen: dict[str, str] = {}
    for name in names:
        if not name.isascii() or not name.isprintable():
            raise InputError(f"FITS has only ASCII names of columns: rename {name!r}")
        if not name.strip() or name != name.strip():
            raise InputError(
                f"FITS has no names that are empty or end with blanks: rename {name!r}"
            )
        if len(name.replace("'", "''")) > _LONGEST_NAME:
            raise InputError(
                f"a name in a FITS table has {_LONGEST_NAME} letters at most: rename {name!r}"
            )
        if other := seen.get(name.lower()):
            raise InputError(
                f"in FITS, names that differ only by case are one: rename {other!r} or {name!r}"
            )
        seen[name.lower()] = name


def _plan(field: pa.Field) -> OutColumn:
    kind, dims = field.type, []
    if pt.is_list(kind) and kind.value_type in CODES:
        return OutColumn(field, kind.value_type, is_variable=True)
    while pt.is_fixed_size_list(kind):
        dims.append(kind.list_size)
        kind = kind.value_type
    if dims and (kind not in CODES or 0 in dims):
        return OutColumn(field, pa.string())
    return OutColumn(field, kind if kind in CODES else pa.string(), dims=tuple(dims))


def stored_text(array: pa.Array, column: OutColumn) -> pa.Array:
    """Return the text of a column that is written as text; other cells as they are."""
    if column.is_text and not pt.is_string(array.type):
        return to_text(array, column.field.name)
    return array


def _survey(column: OutColumn, array: pa.Array) -> None:
    """Take in what the header must say of these cells."""
    values = array
    if column.is_text:
        column.width = max(column.width, pc.max(pc.binary_length(array)).as_py() or 0)
    elif column.is_variable:
        column.longest = max(column.longest, pc.max(pc.list_value_length(array)).as_py() or 0)
        values = array.flatten()
        column.values += len(values)
    elif column.dims:
        values = fixed_values(array)
    if pt.is_integer(column.type) and values.null_count < len(values):
        limits = pc.min_max(values).as_py()
        low, high = limits["min"], limits["max"]
        column.low = low if column.low is None else min(column.low, low)
        column.high = high if column.high is None else max(column.high, high)
    column.has_null = column.has_null or values.null_count > 0


def _without_zero(column: OutColumn) -> OutColumn:
    """Return a column of variable arrays with a sign.

    astropy adds TZERO to the first of such arrays only. Numbers beyond 63 bits have no other way.
    """
    if column.is_variable and column.type in _SIGNED and (column.high or 0) <= _LARGEST_LONG:
        return replace(column, type=_SIGNED[column.type])
    return column


def _choose_null(column: OutColumn, batches: Batches, index: int) -> OutColumn:
    """Find an integer that no cell has; a wider type where all are taken.

    astropy compares TNULL with the number after TZERO is added, unlike the standard, so that
    unsigned columns with nulls become signed ones; all but those with numbers beyond 63 bits.
    """
    if not pt.is_integer(column.type) or not column.has_null:
        return column
    if column.type in ZEROS:
        if (column.high or 0) > _LARGEST_LONG:
            taken = _values(batches, index)
            both = {*taken, *(value + _LARGEST_LONG + 1 for value in taken)}
            return replace(column, null=_free_value(both, 2**64 - 1))
        return _choose_null(replace(column, type=_SIGNED[column.type]), batches, index)
    bits, signed = column.type.bit_width, pt.is_signed_integer(column.type)
    smallest = -(2 ** (bits - 1)) if signed else 0
    largest = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    if column.low is None or column.low > smallest:
        return replace(column, null=smallest)
    if column.high is None or column.high < largest:
        return replace(column, null=largest)
    if wider := _WIDER.get(column.type):
        return replace(column, type=wider, null=-(2 ** (wider.bit_width - 1)))
    return replace(column, null=_free_value(_values(batches, index), largest))


def _values(batches: Batches, index: int) -> set[int]:
    """Return all values of a column; only where its extremes say nothing of what is free."""
    found: set[int] = set()
    for batch in batches():
        column = batch.column(index)
        cells = column.flatten() if pt.is_list(column.type) else fixed_values(column)
        found.update(cells.drop_null().to_pylist())
    return found


def _free_value(taken: set[int], largest: int) -> int:
    return next(value for value in itertools.count(largest, -1) if value not in taken)


def table_header(columns: Sequence[OutColumn], rows: int) -> Any:
    """Return the header of the table, without a heap so far."""
    from astropy.io import fits

    header = fits.Header()
    header["XTENSION"] = ("BINTABLE", "binary table")
    header["BITPIX"] = 8
    header["NAXIS"] = 2
    header["NAXIS1"] = sum(np.dtype(column.numpy_type).itemsize for column in columns)
    header["NAXIS2"] = rows
    header["PCOUNT"] = 0
    header["GCOUNT"] = 1
    header["TFIELDS"] = len(columns)
    for index, column in enumerate(columns, 1):
        _add_column(header, index, column)
    return header


def _add_column(header: Any, index: int, column: OutColumn) -> None:
    meta, name = column_meta(column.field), column.field.name
    header[f"TTYPE{index}"] = name
    header[f"TFORM{index}"] = column.form
    if len(column.dims) > 1:
        header[f"TDIM{index}"] = f"({','.join(map(str, reversed(column.dims)))})"
    zero = None if column.is_text else ZEROS.get(column.type)
    if zero is not None:
        header[f"TSCAL{index}"] = 1
        header[f"TZERO{index}"] = zero
    if column.null is not None:
        header[f"TNULL{index}"] = column.null - (zero or 0)
    unit = ascii_unit(" ".join(meta.unit.split()), "fits", name)
    for key, text in (("TUNIT", unit), ("TUCD", meta.ucd), ("TCOMM", meta.description)):
        if printable := ascii_text(text):
            header[f"{key}{index}"] = printable
