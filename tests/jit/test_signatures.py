"""Keys of arguments: equal where Numba's types are equal, and as Numba sees them."""

import json
from typing import NamedTuple

import numpy as np
import pytest
from numba import typeof

from skyseries.jit.signatures import NotPortable, key_of, portable, types_of


class Pair(NamedTuple):
    """Two of anything."""

    first: object
    second: object


def _readonly(array):
    array.flags.writeable = False
    return array


ARGUMENTS = [
    1, -(2**63), 2**63 - 1, 2**63, 2**64 - 1, True, 1.5, 1j, None,
    np.int8(1), np.uint64(1), np.float32(1), np.float64(1), np.bool_(True), np.complex64(1),
    np.datetime64(1, "ns"),
    np.zeros(3), np.zeros((2, 3)), np.zeros((2, 3), order="F"), np.zeros((2, 3))[:, ::2],
    np.zeros(6)[::2], np.zeros(0), np.zeros((0, 3)), np.zeros(()), np.zeros(1)[::-1],
    _readonly(np.zeros(3)), np.zeros(3, np.float32), np.zeros(3, bool), np.zeros(3, np.uint8),
    np.zeros(3, "M8[us]"), np.zeros(3, "S5"),
    (1, 2), (1, 2.0), (), Pair(1, 2), Pair(np.zeros(3), (1, Pair(None, 2.5))),
]  # fmt: skip


@pytest.mark.parametrize("argument", ARGUMENTS, ids=lambda a: f"{type(a).__name__}-{a!r:.20}")
def test_types_are_those_that_numba_finds(argument):
    key = portable(key_of([argument]))
    assert portable(json.loads(json.dumps(key))) == key
    assert types_of(key) == (typeof(argument),)


@pytest.mark.parametrize(
    "argument",
    [len, "text", [1.0], {1: 2}, np.ma.zeros(3), np.zeros(2, "f8,i8"), np.zeros(2, object)],
    ids=repr,
)
def test_what_has_no_key_is_left_to_numba(argument):
    with pytest.raises(NotPortable):
        key_of([argument])


def test_numbers_between_bytes_are_not_read_as_aligned():
    shifted = np.zeros(25, np.uint8)[1:].view(np.float64)
    assert not types_of(key_of([shifted]))[0].aligned


def test_a_single_row_or_column_needs_no_machine_code_of_its_own():
    keys = {key_of([np.zeros(shape)]) for shape in ((1, 3), (3, 1), (0, 3), (3, 2))}
    assert len(keys) == 1
