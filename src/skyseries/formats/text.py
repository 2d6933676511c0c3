"""Text cells to typed columns: which type a column of text has, and the conversion."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from skyseries.lazy import pc

__all__ = ["NULL_WORDS", "Evidence", "infer_type", "parse_text"]

NULL_WORDS = frozenset(
    {"", "null", "NULL", "Null", "NA", "N/A", "n/a", "<NA>", "#N/A", "None", "--"}
)
"""What stands for a missing value in columns that are not text. ``nan`` is not among them: in a
column of floats it is the number NaN."""

_TRUE = ["true", "t", "1", "yes"]
_FALSE = ["false", "f", "0", "no"]
_LEADING_ZERO = r"^[+-]?0[0-9]+$"
_PATTERNS = {
    "whole": r"^[+-]?[0-9]+$",
    "decimal": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$",
    "nan": r"^[+-]?(?i:nan|inf|infinity)$",
    "boolean": r"^(?i:true|false)$",
}
_EXACT_IN_FLOAT = 2**53
"""Up to here every integer is a float64."""


class Evidence:
    """What the cells of a text column have been so far, and the type that holds them all.

    Whole numbers are int64, uint64 if one is beyond 2^63-1, and text if one is beyond 2^64-1 or
    begins with a zero (``007`` is a name, not a number). Numbers with a point or an exponent
    are float64, unless whole numbers beyond 2^53 are among them: such a column stays text, as
    ids would be rounded. ``true`` and ``false`` are bool. All else is text, dates too. A column
    without a value is of type null.

    Parameters
    ----------
    words : collection of str
        What stands for a missing value besides `NULL_WORDS`.
    """

    def __init__(self, words: Collection[str] = ()) -> None:
        self._words = words
        self._missing = pa.array(sorted(NULL_WORDS | set(words)), pa.string())
        self._low = self._high = 0
        self._has_leading_zero = False
        self._kinds: set[str] = set()

    def add(self, text: pa.Array) -> None:
        """Take in more cells, an array of text."""
        if self.is_open and not self._words and self._add_plain_integers(text):
            return
        cells = pc.utf8_trim_whitespace(text)
        missing = pc.is_in(cells, value_set=self._missing)
        cells = cells.filter(pc.and_not(pc.is_valid(cells), missing))
        for kind, pattern in _PATTERNS.items():
            found = pc.match_substring_regex(cells, pattern)
            if pc.any(found).as_py():
                self._kinds.add(kind)
                if kind == "whole":
                    self._add_whole(cells.filter(found))
                cells = cells.filter(pc.invert(found))
        if len(cells):
            self._kinds.add("text")

    def _add_plain_integers(self, text: pa.Array) -> bool:
        """Take in cells that are all plain whole numbers, fast; return whether they are."""
        zero = pc.and_(pc.starts_with(text, "0"), pc.greater(pc.binary_length(text), 1))
        if pc.any(pc.or_(zero, pc.starts_with(text, "-0"))).as_py():
            return False
        try:
            limits = pc.min_max(text.cast(pa.int64())).as_py()
        except pa.ArrowInvalid:
            return False
        if limits["min"] is not None:
            self._kinds.add("whole")
            self._low, self._high = min(self._low, limits["min"]), max(self._high, limits["max"])
        return True

    def _add_whole(self, cells: pa.Array) -> None:
        zero = pc.any(pc.match_substring_regex(cells, _LEADING_ZERO)).as_py()
        self._has_leading_zero = self._has_leading_zero or zero
        numbers = [int(cell) for cell in cells.to_pylist()]
        self._low, self._high = min(self._low, *numbers), max(self._high, *numbers)

    @property
    def type(self) -> pa.DataType:
        """The type that holds all cells without loss."""
        if not self._kinds:
            return pa.null()
        if self._kinds == {"whole"} and not self._has_leading_zero:
            if self._low >= -(2**63) and self._high < 2**63:
                return pa.int64()
            return pa.uint64() if self._low >= 0 and self._high < 2**64 else pa.string()
        if self._kinds == {"boolean"}:
            return pa.bool_()
        is_exact = max(self._high, -self._low) <= _EXACT_IN_FLOAT
        is_number = self._kinds <= {"decimal", "nan", "whole"} and self._kinds != {"whole"}
        return pa.float64() if is_number and is_exact else pa.string()

    @property
    def is_open(self) -> bool:
        """Whether the type rests on so little that further cells may well change it."""
        return len(self._kinds) < 2 and not self._kinds & {"decimal", "text"}


def infer_type(text: pa.Array, words: Collection[str] = ()) -> pa.DataType:
    """Return the type of a column of text cells: see `Evidence`."""
    evidence = Evidence(words)
    evidence.add(text)
    return evidence.type


def parse_text(text: pa.Array, type: pa.DataType, words: Collection[str] = ()) -> pa.Array:
    """Convert text cells to a type, forgiving what astronomers write.

    Blanks around a number, a leading plus sign and `NULL_WORDS` are understood; lists are JSON.
    In a text column only `words` stand for a missing value.

    Raises
    ------
    pyarrow.ArrowInvalid, ValueError
        If a cell is not a value of this type.
    """
    if pt.is_binary(text.type):
        text = text.cast(pa.string())
    is_text = pt.is_string(type) or pt.is_large_string(type)
    cells = text if is_text else pc.utf8_trim_whitespace(text)
    missing = set(words) if is_text else NULL_WORDS | set(words)
    if missing:
        found = pc.is_in(cells, value_set=pa.array(sorted(missing), pa.string()))
        cells = pc.if_else(found, pa.scalar(None, pa.string()), cells)
    if is_text:
        return cells.cast(type)
    if pt.is_null(type):
        if cells.null_count < len(cells):
            raise ValueError("a value in a column that had none")
        return pa.nulls(len(cells))
    if pt.is_nested(type):
        values = [None if cell is None else json.loads(cell) for cell in cells.to_pylist()]
        if pt.is_list(type) and pt.is_boolean(_leaf_type(type)):
            values = [_booleans(value) for value in values]
        return pa.array(values, type)
    if pt.is_boolean(type):
        return _parse_booleans(cells)
    if pt.is_integer(type):
        if pc.any(pc.match_substring_regex(cells, "^0[xX]")).as_py():
            raise ValueError("hexadecimal numbers are not read")
        cells = pc.replace_substring_regex(cells, pattern=r"^\+", replacement="")
    return cells.cast(type)


def _leaf_type(type: pa.DataType) -> pa.DataType:
    return _leaf_type(type.value_type) if pt.is_list(type) else type


def _booleans(value: Any) -> Any:
    """Return what JSON gives with ``"True"`` and ``"False"`` as booleans (ESA's Gaia archive)."""
    if isinstance(value, list):
        return [_booleans(item) for item in value]
    if isinstance(value, str):
        word = value.strip().lower()
        return word in _TRUE if word in (*_TRUE, *_FALSE) else value
    return value


def _parse_booleans(cells: pa.Array) -> pa.Array:
    lower = pc.utf8_lower(cells)
    true = pc.is_in(lower, value_set=pa.array(_TRUE))
    false = pc.is_in(lower, value_set=pa.array(_FALSE))
    known = pc.or_(true, false)
    if pc.any(pc.and_not(pc.is_valid(cells), known)).as_py():
        raise ValueError("neither true nor false")
    return pc.if_else(known, true, pa.scalar(None, pa.bool_()))
