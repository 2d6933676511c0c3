"""Numbers as the shortest text that reads back exactly.

Floats by the Schubfach method (R. Giulietti, "The Schubfach way to render doubles", 2020): of the
decimal numbers that round to a float the shortest, of these the nearest to it. It needs the powers
of ten to 128 bits only, and no division by large numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["WIDTH", "float_text", "integer_text"]

WIDTH = 24
"""Bytes that the longest of all numbers needs: ``-1.2345678901234567e-308``."""

_U = np.uint64
_LEAST_POWER, _GREATEST_POWER = -293, 325


def _powers() -> NDArray[np.uint64]:
    """Return powers of ten as 128 bits, the first of which is 1; rounded up."""
    rows = []
    for power in range(_LEAST_POWER, _GREATEST_POWER + 1):
        shift = 127 - ((power * 1741647) >> 19)
        top, bottom = (10**power, 1) if power >= 0 else (1, 10**-power)
        top, bottom = (top << shift, bottom) if shift >= 0 else (top, bottom << -shift)
        whole = -(-top // bottom)
        rows.append((whole >> 64, whole & (2**64 - 1)))
    return np.array(rows, np.uint64)


_POWERS = _powers()
_LOW = _U(0xFFFFFFFF)
_32 = _U(32)
_0, _1, _2, _4, _10, _40, _48, _100, _103 = map(_U, (0, 1, 2, 4, 10, 40, 48, 100, 103))


@kernel
def _product(a: Any, b: Any) -> Any:
    """Return the high and the low half of a product."""
    a0, a1 = a & _LOW, a >> _32
    b0, b1 = b & _LOW, b >> _32
    middle = a1 * b0 + ((a0 * b0) >> _32)
    other = a0 * b1 + (middle & _LOW)
    return a1 * b1 + (middle >> _32) + (other >> _32), a * b


@kernel
def _round_to_odd(row: Any, c: Any) -> Any:
    """Return the integer part of a product with a power; odd if it is not exact."""
    high, _ = _product(_POWERS[row, 1], c)
    top, bottom = _product(_POWERS[row, 0], c)
    total = bottom + high
    if total < bottom:
        top += _1
    return top | _1 if total > _1 else top


@kernel
def _shortest(c: Any, q: Any, is_narrow: Any) -> Any:
    """Return digits and power of ten of ``c * 2**q``, an integer and a power of two.

    Parameters
    ----------
    c : uint64
    q : int64
    is_narrow : bool
        Whether the next smaller float is nearer than the next larger.
    """
    if q <= 0 and q > -53 and (c & ((_1 << _U(-q)) - _1)) == _0:
        return c >> _U(-q), np.int64(0)
    k = (q * 1262611 - (524031 if is_narrow else 0)) >> 22
    shift = _U(q + ((-k * 1741647) >> 19) + 1)
    row = -k - _LEAST_POWER
    lower = _round_to_odd(row, (_4 * c - (_1 if is_narrow else _2)) << shift)
    value = _round_to_odd(row, (_4 * c) << shift)
    upper = _round_to_odd(row, (_4 * c + _2) << shift)
    if c & _1:  # then neither limit rounds to the float itself
        lower += _1
        upper -= _1
    s = value >> _2
    if s >= _10:
        tens = s // _10
        is_low, is_high = lower <= _40 * tens, _40 * tens + _40 <= upper
        if is_low != is_high:
            return tens + (_1 if is_high else _0), k + 1
    is_low, is_high = lower <= _4 * s, _4 * s + _4 <= upper
    middle = _4 * s + _2
    is_up = value > middle or (value == middle and (s & _1) == _1)
    if is_low != is_high:
        is_up = is_high
    return s + (_1 if is_up else _0), k


@kernel
def _put_digits(digits: Any, count: Any, at: Any, out: Any) -> None:
    last = _U(at + count - 1)
    while count > 1:
        rest = digits // _100
        pair = digits - rest * _100
        tens = (pair * _103) >> _10
        out[last - _1] = np.uint8(tens + _48)
        out[last] = np.uint8(pair - tens * _10 + _48)
        last -= _2
        digits = rest
        count -= 2
    if count:
        out[last] = np.uint8(digits + _48)


@kernel
def _count_digits(number: Any) -> Any:
    count, limit = 1, _10
    while count < 19 and number >= limit:
        limit *= _10
        count += 1
    return count + 1 if count == 19 and number >= limit else count


@kernel
def _put_decimal(digits: Any, power: Any, at: Any, out: Any) -> Any:
    """Write a number as Python does, but without needless signs in exponents; return its end."""
    while digits % _10 == _0:
        digits //= _10
        power += 1
    count = _count_digits(digits)
    point = count + power
    if 0 < point <= 16:
        if power >= 0:
            _put_digits(digits, count, at, out)
            out[at + count : at + point] = 48
            out[at + point] = 46
            out[at + point + 1] = 48
            return at + point + 2
        _put_digits(digits, count, at + 1, out)
        for j in range(at, at + point):
            out[j] = out[j + 1]
        out[at + point] = 46
        return at + count + 1
    if -4 < point <= 0:
        out[at : at + 2 - point] = 48
        out[at + 1] = 46
        _put_digits(digits, count, at + 2 - point, out)
        return at + 2 - point + count
    return _put_scientific(digits, count, point - 1, at, out)


@kernel
def _put_scientific(digits: Any, count: Any, exponent: Any, at: Any, out: Any) -> Any:
    _put_digits(digits, count, at + 1, out)
    out[at] = out[at + 1]
    out[at + 1] = 46
    at += count + 1 if count > 1 else 1
    out[at] = 101
    if exponent < 0:
        at += 1
        out[at] = 45
    size = _U(abs(exponent))
    count = _count_digits(size)
    _put_digits(size, count, at + 1, out)
    return at + 1 + count


@kernel
def float_text(
    values: NDArray[np.floating],
    bits: NDArray[np.unsignedinteger],
    mantissa: int,
    bias: int,
    out: NDArray[np.uint8],
    lengths: NDArray[np.int64],
) -> None:
    """Write floats into slots of `WIDTH` bytes; of what is no number the length is 0.

    Parameters
    ----------
    values, bits : (n,) arrays
        The floats, and the same memory as integers.
    mantissa, bias : int
        Stored bits of the fraction; what makes an integer of it: 52, 1075 or 23, 150.
    out : (n * WIDTH,) array
    lengths : (n,) array
    """
    for i in range(values.size):
        at = i * WIDTH
        whole = _U(bits[i])
        fraction = whole & ((_1 << _U(mantissa)) - _1)
        power = np.int64(np.int64(whole >> _U(mantissa)) & (2 * (bias - mantissa) + 1))
        if not np.isfinite(values[i]):
            lengths[i] = 0
            continue
        if np.signbit(values[i]):
            out[at] = 45
            at += 1
        if values[i] == 0.0:
            out[at], out[at + 1], out[at + 2] = 48, 46, 48
            end = at + 3
        else:
            c = fraction | (_1 << _U(mantissa)) if power else fraction
            q = (power or 1) - bias
            digits, ten = _shortest(c, q, fraction == _0 and power > 1)
            end = _put_decimal(digits, ten, at, out)
        lengths[i] = end - i * WIDTH


@kernel
def integer_text(
    values: NDArray[np.uint64],
    is_signed: bool,
    out: NDArray[np.uint8],
    lengths: NDArray[np.int64],
) -> None:
    """Write integers, signed ones as their two's complement, into slots of `WIDTH` bytes."""
    for i in range(values.size):
        at = i * WIDTH
        size = values[i]
        if is_signed and size >> _U(63):
            size = _U(0) - size
            out[at] = 45
            at += 1
        count = _count_digits(size)
        _put_digits(size, count, at, out)
        lengths[i] = at + count - i * WIDTH
