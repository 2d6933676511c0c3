"""Loops that write rows of BINARY2: bits of nulls, counts, numbers with the highest byte first.

`cursor` says for each row how far it is written. Positions are unsigned, as no index is from the
end: the machine code is half as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = [
    "LINE",
    "base64_lines",
    "put_arrays",
    "put_chars",
    "put_nulls",
    "put_utf16",
    "put_values",
    "utf16_units",
]

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Unsigned = NDArray[np.uint64]

LINE = 48
"""Bytes of a line of base64, which has 64 letters."""

_U, _B = np.uint64, np.uint8
_0, _1, _2, _3, _4, _5, _6, _7, _8 = map(_U, range(9))
_12, _16, _18, _24, _32, _40, _48, _56 = map(_U, (12, 16, 18, 24, 32, 40, 48, 56))
_LETTERS = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8
)
_PAIRS = np.column_stack([np.repeat(_LETTERS, 64), np.tile(_LETTERS, 64)]).reshape(-1)
"""The two letters of each number of 12 bits."""


@kernel
def _put4(value: Any, at: Any, out: Any) -> None:
    out[at] = _B(value >> _24)
    out[at + _1] = _B(value >> _16)
    out[at + _2] = _B(value >> _8)
    out[at + _3] = _B(value)


@kernel
def _load4(data: Any, at: Any) -> Any:
    return (
        _U(data[at])
        | (_U(data[at + _1]) << _8)
        | (_U(data[at + _2]) << _16)
        | (_U(data[at + _3]) << _24)
    )


@kernel
def _load(data: Any, width: Any, at: Any) -> Any:
    """Return a number of some bytes, the lowest first."""
    if width == 8:
        return _load4(data, at) | (_load4(data, at + _4) << _32)
    if width == 4:
        return _load4(data, at)
    if width == 2:
        return _U(data[at]) | (_U(data[at + _1]) << _8)
    return _U(data[at])


@kernel
def _put(value: Any, width: Any, at: Any, out: Any) -> None:
    """Write the low bytes of a number of 64 bits, the highest first."""
    if width == 8:
        _put4(value >> _32, at, out)
        _put4(value, at + _4, out)
    elif width == 4:
        _put4(value, at, out)
    elif width == 2:
        out[at] = _B(value >> _8)
        out[at + _1] = _B(value)
    else:
        out[at] = _B(value)


@kernel
def put_nulls(valid: NDArray[np.bool_], byte: int, bit: int, cursor: Unsigned, out: Bytes) -> None:
    """Set a bit where a cell is null."""
    here = _U(byte)
    for i in range(valid.size):
        if not valid[i]:
            out[cursor[i] + here] |= _B(bit)


@kernel
def put_values(values: Bytes, each: int, width: int, cursor: Unsigned, out: Bytes) -> None:
    """Write `each` values of `width` bytes, of which the lowest is first, into each row."""
    here, step = _0, _U(width)
    for i in range(cursor.size):
        at = cursor[i]
        for _ in range(each):
            _put(_load(values, width, here), width, at, out)
            here += step
            at += step
        cursor[i] = at


@kernel
def put_arrays(
    offsets: Numbers,
    values: Bytes,
    valid: NDArray[np.bool_],
    width: int,
    cursor: Unsigned,
    out: Bytes,
) -> None:
    """Write the number of values and the values ``offsets[i]:offsets[i + 1]`` into each row."""
    step = _U(width)
    for i in range(cursor.size):
        first, stop = offsets[i], offsets[i + 1]
        if valid.size and not valid[i]:
            stop = first
        at = cursor[i]
        _put4(_U(stop - first), at, out)
        at += _4
        for j in range(first, stop):
            _put(_load(values, width, _U(j) * step), width, at, out)
            at += step
        cursor[i] = at


@kernel
def put_chars(
    data: Bytes,
    starts: Numbers,
    lengths: Numbers,
    valid: NDArray[np.bool_],
    cursor: Unsigned,
    out: Bytes,
) -> None:
    """Write the number of bytes and the bytes of a text into each row."""
    for i in range(cursor.size):
        length = _U(lengths[i])
        if valid.size and not valid[i]:
            length = _0
        at, begin = cursor[i], _U(starts[i])
        _put4(length, at, out)
        at += _4
        for j in range(length):
            out[at + j] = data[begin + j]
        cursor[i] = at + length


@kernel
def utf16_units(
    data: Bytes, starts: Numbers, lengths: Numbers, valid: NDArray[np.bool_], out: Numbers
) -> None:
    """Fill how many units of 16 bits texts in UTF-8 have."""
    for i in range(out.size):
        count = np.int64(0)
        if valid.size == 0 or valid[i]:
            begin = _U(starts[i])
            for j in range(_U(lengths[i])):
                byte = data[begin + j]
                count += (byte & 0xC0) != 0x80
                count += byte >= 0xF0
        out[i] = count


@kernel
def _letter(data: Any, here: Any) -> Any:
    """Return the number of a letter that is more than one byte of UTF-8."""
    first = _U(data[here])
    second = _U(data[here + _1]) & _U(63)
    if first < _U(0xE0):
        return ((first & _U(31)) << _6) | second
    third = _U(data[here + _2]) & _U(63)
    if first < _U(0xF0):
        return ((first & _U(15)) << _12) | (second << _6) | third
    fourth = _U(data[here + _3]) & _U(63)
    return ((first & _7) << _18) | (second << _12) | (third << _6) | fourth


@kernel
def put_utf16(
    data: Bytes,
    starts: Numbers,
    units: Numbers,
    cursor: Unsigned,
    out: Bytes,
) -> None:
    """Write the number of units and the units of texts, which are UTF-8, into each row."""
    for i in range(cursor.size):
        at, here = cursor[i], _U(starts[i])
        _put4(_U(units[i]), at, out)
        at += _4
        end = at + _2 * _U(units[i])
        while at < end:
            byte = _U(data[here])
            if byte < _U(0x80):
                out[at], out[at + _1] = 0, _B(byte)
                here += _1
            else:
                letter = _letter(data, here)
                here += _2 if byte < _U(0xE0) else _3 if byte < _U(0xF0) else _4
                if letter >= _U(0x10000):
                    letter -= _U(0x10000)
                    _put(_U(0xD800) | (letter >> _U(10)), 2, at, out)
                    at += _2
                    letter = _U(0xDC00) | (letter & _U(0x3FF))
                _put(letter, 2, at, out)
            at += _2
        cursor[i] = at


@kernel
def base64_lines(data: Bytes, out: Bytes) -> None:
    """Write bytes as lines of base64; both arrays are of whole lines."""
    at, here = _0, _0
    for _ in range(data.size // LINE):
        for _ in range(LINE // 3):
            bits = (_U(data[here]) << _16) | (_U(data[here + _1]) << _8) | _U(data[here + _2])
            high, low = _2 * (bits >> _12), _2 * (bits & _U(0xFFF))
            a, b, c, d = _PAIRS[high], _PAIRS[high + _1], _PAIRS[low], _PAIRS[low + _1]
            out[at] = a
            out[at + _1] = b
            out[at + _2] = c
            out[at + _3] = d
            here += _3
            at += _4
        out[at] = 10
        at += _1
