"""Text cells to typed columns: which type a column of text has, and the conversion."""

from __future__ import annotations

import json
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

__all__ = ["NULL_WORDS", "infer_type", "parse_text"]

NULL_WORDS = frozenset(
    {"", "null", "NULL", "Null", "NA", "N/A", "n/a", "<NA>", "#N/A", "None", "--"}
)
"""What stands for a missing value in columns that are not text. ``nan`` is not among them: in a
column of floats it is the number NaN."""

_TRUE = ["true", "t", "1", "yes"]
_FALSE = ["false", "f", "0", "no"]
_INTEGER = r"^[+-]?[0-9]+$"
_LEADING_ZERO = r"^[+-]?0[0-9]+$"
_FLOAT = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:nan|inf|infinity)$"
_BOOLEAN = r"^(?i:true|false)$"
_EXACT_IN_FLOAT = 2**53
"""Up to here every integer is a float64."""


def infer_type(text: pa.Array, words: Collection[str] = ()) -> pa.DataType:
    """Return the type of a column of text cells.

    Whole numbers are int64, uint64 if one is beyond 2^63-1, and text if one is beyond 2^64-1 or
    begins with a zero (``007`` is a name, not a number). Numbers with a point or an exponent
    are float64, unless whole numbers beyond 2^53 are among them: such a column stays text, as
    ids would be rounded. ``true`` and ``false`` are bool. All else is text, dates too. A column
    without a value is of type null.

    Parameters
    ----------
    text : pyarrow.Array of string
    words : collection of str
        What stands for a missing value besides `NULL_WORDS`.
    """
    cells = pc.utf8_trim_whitespace(text)
    missing = pc.is_in(cells, value_set=pa.array(sorted(NULL_WORDS | set(words)), pa.string()))
    cells = cells.filter(pc.and_not(pc.is_valid(cells), missing))
    if len(cells) == 0:
        return pa.null()
    whole = pc.match_substring_regex(cells, _INTEGER)
    if pc.all(whole).as_py():
        return _integer_type(cells)
    if pc.all(pc.match_substring_regex(cells, _BOOLEAN)).as_py():
        return pa.bool_()
    if pc.all(pc.match_substring_regex(cells, _FLOAT)).as_py():
        integers = cells.filter(whole).to_pylist()
        exact = all(abs(int(cell)) <= _EXACT_IN_FLOAT for cell in integers)
        return pa.float64() if exact else pa.string()
    return pa.string()


def _integer_type(cells: pa.Array) -> pa.DataType:
    if pc.any(pc.match_substring_regex(cells, _LEADING_ZERO)).as_py():
        return pa.string()
    plain = pc.replace_substring_regex(cells, pattern=r"^\+", replacement="")
    for kind in (pa.int64(), pa.uint64()):
        try:
            plain.cast(kind)
        except pa.ArrowInvalid:
            continue
        return kind
    return pa.string()


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
        return pa.array(values, type)
    if pt.is_boolean(type):
        return _parse_booleans(cells)
    if pt.is_integer(type):
        if pc.any(pc.match_substring_regex(cells, "^0[xX]")).as_py():
            raise ValueError("hexadecimal numbers are not read")
        cells = pc.replace_substring_regex(cells, pattern=r"^\+", replacement="")
    return cells.cast(type)


def _parse_booleans(cells: pa.Array) -> pa.Array:
    lower = pc.utf8_lower(cells)
    true = pc.is_in(lower, value_set=pa.array(_TRUE))
    false = pc.is_in(lower, value_set=pa.array(_FALSE))
    known = pc.or_(true, false)
    if pc.any(pc.and_not(pc.is_valid(cells), known)).as_py():
        raise ValueError("neither true nor false")
    return pc.if_else(known, true, pa.scalar(None, pa.bool_()))
