"""The columns of a FITS binary table: from header cards to Arrow types and NumPy records.

FITS Standard 4.0, sections 7.3 (binary tables) and 7.3.5 (variable-length arrays).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.errors import InputError, SchemaError
from skyseries.formats.ecsv import parse_header
from skyseries.formats.fits_times import fits_time
from skyseries.formats.times import MJD_ZERO, TimeMeta, with_time_meta
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.schema.columns import with_frame

__all__ = ["FitsColumn", "FitsLayout", "parse_columns"]

_TFORM = re.compile(r"\s*([0-9]*)([LXBIJKAEDCMPQ])(.*)")
_WIDTHS = {
    "L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16
}  # fmt: skip
NUMPY_TYPES = {
    "L": "u1", "X": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "A": "u1",
    "E": ">f4", "D": ">f8",
}  # fmt: skip
_ARROW_TYPES = {
    "L": pa.bool_(), "X": pa.bool_(), "B": pa.uint8(), "I": pa.int16(), "J": pa.int32(),
    "K": pa.int64(), "A": pa.string(), "E": pa.float32(), "D": pa.float64(),
}  # fmt: skip
_SAID_BY_ASTROPY = re.compile(
    "--BEGIN-ASTROPY-SERIALIZED-COLUMNS--(.*)--END-ASTROPY-SERIALIZED-COLUMNS--", re.DOTALL
)
_UNSIGNED = {"I": pa.uint16(), "J": pa.uint32(), "K": pa.uint64()}


@dataclass(frozen=True)
class FitsColumn:
    """One column, from its header cards."""

    name: str
    code: str
    """The letter of TFORM; of a variable-length array, that of its elements."""
    repeat: int
    offset: int
    """Bytes from the start of a row."""
    descriptor: str = ""
    """``P`` or ``Q`` for a variable-length array."""
    null: int | None = None
    """TNULL: the stored integer that stands for null."""
    scale: float = 1.0
    zero: int | float = 0
    string_width: int = 0
    """Bytes of each text, where a cell is an array of texts (TDIM)."""
    dims: tuple[int, ...] = ()
    """The lengths of an array of several dimensions, the outermost first (TDIM)."""
    meta: ColumnMeta = field(default_factory=ColumnMeta)
    time: TimeMeta = field(default_factory=TimeMeta)
    frame: str = ""
    """Of a part of positions that are not ICRS."""

    @property
    def flips_sign(self) -> bool:
        """Whether TZERO only stands for the other signedness of the integer."""
        sign_bit = {"B": -128, "I": 2**15, "J": 2**31, "K": 2**63}.get(self.code)
        return self.scale == 1 and sign_bit is not None and self.zero == sign_bit

    @property
    def is_shifted(self) -> bool:
        """Whether TZERO is another whole number added to integers."""
        whole = self.zero == int(self.zero)
        return self.code in "BIJK" and self.scale == 1 and self.zero != 0 and whole

    @property
    def is_scaled(self) -> bool:
        """Whether TSCAL and TZERO make floats."""
        return not self.flips_sign and not self.is_shifted and (self.scale, self.zero) != (1, 0)

    @property
    def is_list(self) -> bool:
        """Whether a cell has several values."""
        if self.code == "A" and not self.descriptor:
            return self.string_width > 0
        return bool(self.descriptor and self.code != "A") or self.repeat != 1

    @property
    def is_two_part_date(self) -> bool:
        """Whether a cell is a date as astropy writes it: two doubles to be added."""
        is_pair = self.code == "D" and self.repeat == 2 and not self.descriptor
        return is_pair and bool(self.time.scale) and self.meta.unit in ("", "d")

    @property
    def date_zero(self) -> float:
        """The Julian date from which a time counts."""
        return float(self.time.origin or MJD_ZERO)

    def value_type(self) -> pa.DataType:
        """Return the Arrow type of one element."""
        if self.flips_sign:
            return pa.int8() if self.code == "B" else _UNSIGNED[self.code]
        if self.is_shifted:
            return pa.int64()
        return pa.float64() if self.is_scaled else _ARROW_TYPES[self.code]

    def arrow_field(self) -> pa.Field:
        """Return the Arrow field with unit, UCD and description."""
        value = self.value_type()
        if self.is_two_part_date:
            date = pa.field(self.name, value, metadata={b"unit": b"d"})
            about = TimeMeta("mjd", self.time.scale, self.time.refposition)
            return with_time_meta(with_column_meta(date, self.meta), about)
        whole = pa.list_(value) if self.is_list else value
        for _ in self.dims[1:]:
            whole = pa.list_(whole)
        found = with_column_meta(pa.field(self.name, whole), self.meta)
        if self.frame:
            found = with_frame(found, self.frame)
        return with_time_meta(found, self.time)

    def numpy_type(self) -> Any:
        """Return the type of the column in a NumPy record."""
        if self.descriptor:
            return np.dtype((">i4" if self.descriptor == "P" else ">i8", (2,)))
        if self.code == "A":
            width = self.string_width or self.repeat
            count = self.repeat // width if width else 0
            return np.dtype((f"S{width}", (count,))) if self.string_width else f"S{width}"
        count = (self.repeat + 7) // 8 if self.code == "X" else self.repeat
        kind = NUMPY_TYPES[self.code]
        return np.dtype((kind, (count,))) if self.is_list else kind


@dataclass(frozen=True)
class FitsLayout:
    """Where the table is in the file."""

    columns: tuple[FitsColumn, ...]
    data_start: int
    row_bytes: int
    rows: int
    heap_start: int
    """Bytes from the start of the file."""
    end: int

    def schema(self) -> pa.Schema:
        """Return the Arrow schema of all columns."""
        return pa.schema([column.arrow_field() for column in self.columns])


def parse_columns(header: Any, primary: Any, path: str) -> tuple[FitsColumn, ...]:
    """Read the columns from a table's header, and the frame of its times from both headers.

    Raises
    ------
    SchemaError
        If a column has a type that Arrow lacks (complex numbers).
    InputError
        If the widths of the columns do not add up to NAXIS1.
    """
    columns = []
    offset = 0
    frames = _frames(header, path)
    for index in range(1, header["TFIELDS"] + 1):
        column, width = _parse_column(header, index, offset, path)
        time = fits_time(header, primary, index)
        column = replace(column, time=time, frame=frames.get(column.name, ""))
        columns.append(column)
        offset += width
    if offset != header["NAXIS1"]:
        raise InputError(
            f"the FITS table {path} is broken: its columns are {offset} bytes wide, "
            f"but NAXIS1 is {header['NAXIS1']}"
        )
    return tuple(columns)


def _frames(header: Any, path: str) -> Mapping[str, str]:
    """Return the frames that astropy has written as comments, of columns that are not ICRS."""
    text = "\n".join(map(str, header.get("COMMENT", ()))).replace("\\\n", "")
    found = _SAID_BY_ASTROPY.search(text)
    if found is None:
        return {}
    try:
        return parse_header(found[1], path).mixins.frames
    except SchemaError:  # of types that ECSV has not; the columns themselves are fine
        return {}


def _parse_column(header: Any, index: int, offset: int, path: str) -> tuple[FitsColumn, int]:
    name = str(header.get(f"TTYPE{index}", f"col{index}")).strip()
    form = str(header[f"TFORM{index}"])
    match = _TFORM.match(form)
    if match is None:
        raise InputError(f"{path}: column {name!r} has the unknown TFORM{index} {form!r}")
    repeat, code, descriptor = int(match[1] or 1), match[2], ""
    width = (repeat + 7) // 8 if code == "X" else repeat * _WIDTHS[code]
    if code in "PQ":
        if repeat == 0:
            raise SchemaError(f"{path}: column {name!r} has no cells (TFORM{index} {form!r})")
        descriptor, code = code, match[3].strip()[:1]
    if code not in _ARROW_TYPES or (descriptor and code == "X"):
        raise SchemaError(f"{path}: column {name!r} has the FITS type {form!r}, which is not read")
    dims = [int(size) for size in re.findall(r"[0-9]+", str(header.get(f"TDIM{index}", "")))]
    is_array = len(dims) > 1 and code not in "AX" and not descriptor and math.prod(dims) == repeat
    column = FitsColumn(
        name,
        code,
        repeat,
        offset,
        descriptor,
        null=header.get(f"TNULL{index}") if code in "BIJK" else None,
        scale=header.get(f"TSCAL{index}", 1),
        zero=header.get(f"TZERO{index}", 0),
        string_width=dims[0] if code == "A" and len(dims) > 1 else 0,
        dims=tuple(reversed(dims)) if is_array else (),
        meta=ColumnMeta(
            unit=str(header.get(f"TUNIT{index}", "")).strip(),
            ucd=str(header.get(f"TUCD{index}", "")).strip(),
            description=_description(header, index),
        ),
    )
    return column, width


def _description(header: Any, index: int) -> str:
    """Return TCOMM, or the comment of TTYPE unless it is the one that every writer puts."""
    if text := str(header.get(f"TCOMM{index}", "")).strip():
        return text
    comment = header.comments[f"TTYPE{index}"] if f"TTYPE{index}" in header else ""
    generic = re.fullmatch(r"(?i)(label|name) (for|of)( the)? (field|column) *[0-9]*", comment)
    return "" if generic else comment.strip()
