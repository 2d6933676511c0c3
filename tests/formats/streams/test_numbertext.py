"""Numbers as text: Python and NumPy have the same shortest digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skyseries.formats.streams.numbertext import WIDTH, float_text, integer_text

POWERS = [2.0**k for k in range(-1074, 1024)]
EDGES = [
    *POWERS, *np.nextafter(POWERS, 0), *np.nextafter(POWERS[:-1], math.inf),
    *(float(f"1e{k}") for k in range(-323, 309)), 0.0, -0.0, 9007199254740993.0, 1e22, 1e23,
]  # fmt: skip


def texts(kernel: Any, values: np.ndarray[Any, Any], *arguments: Any) -> list[str]:
    """Return what a kernel writes."""
    out = np.zeros(len(values) * WIDTH, np.uint8)
    lengths = np.zeros(len(values), np.int64)
    kernel(values, *arguments, out, lengths)
    slots = out.reshape(-1, WIDTH)
    return [bytes(row[:n]).decode() for row, n in zip(slots, lengths, strict=True)]


def doubles(values: list[float]) -> list[str]:
    array = np.array(values)
    return texts(float_text, array, array.view(np.uint64), 52, 1075)


def singles(values: list[float]) -> list[str]:
    array = np.array(values, np.float32)
    return texts(float_text, array, array.view(np.uint32), 23, 150)


def as_python(value: float) -> str:
    """Return the repr of a float with an exponent as the kernel has it."""
    digits, mark, exponent = repr(value).partition("e")
    return digits if not mark else f"{digits}e{int(exponent)}"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_doubles_are_as_python_has_them(values: list[float]) -> None:
    assert doubles(values) == [as_python(value) for value in values]


def test_doubles_at_the_edges() -> None:
    assert doubles(EDGES) == [as_python(float(value)) for value in EDGES]


def digits_of(text: str) -> str:
    return text.partition("e")[0].replace(".", "").strip("-0")


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_singles_read_back_and_are_short(values: list[float]) -> None:
    for text, value in zip(singles(values), np.array(values, np.float32), strict=True):
        assert np.float32(text) == value
        assert digits_of(text) == digits_of(np.format_float_scientific(value, unique=True))


def test_what_is_no_number_has_no_text() -> None:
    assert doubles([math.nan, math.inf, -math.inf, 1.0]) == ["", "", "", "1.0"]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_signed_integers(values: list[int]) -> None:
    assert texts(integer_text, np.array(values).view(np.uint64), True) == list(map(str, values))


@given(st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([10**k for k in range(20)])))
def test_unsigned_integers(values: list[int]) -> None:
    array = np.array(values, np.uint64)
    assert texts(integer_text, array, False) == list(map(str, values))
