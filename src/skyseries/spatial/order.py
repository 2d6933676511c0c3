"""Orders of rows: stable sorts of 64-bit keys, and of times within groups.

NumPy sorts plain integers with vector instructions about eight times faster than it finds the
order of anything. So the leading bits of what is sorted by and the row numbers are packed into
one integer each; where the bits that were left out decide, a second pass puts the rows right.
"""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats, Ints
from skyseries.jit import kernel

__all__ = ["argsort", "count_between", "group_order", "run_lengths"]


def argsort(keys: Ints) -> Ints:
    """Return the order that sorts 64-bit keys; equal keys keep their order."""
    keys = np.ascontiguousarray(keys, dtype=np.int64)
    if len(keys) < 2:
        return np.arange(len(keys))
    lowest, highest = int(keys.min()), int(keys.max())
    row_bits = (len(keys) - 1).bit_length()
    dropped = max((highest - lowest).bit_length() + row_bits - 63, 0)
    packed = np.empty(len(keys), np.int64)
    _pack_keys(keys, lowest, dropped, row_bits, packed)
    packed.sort()
    order = packed & ((1 << row_bits) - 1)
    if dropped:
        _settle(order, packed, row_bits, keys)
    return order


def group_order(group: Ints, n_groups: int, within: Floats) -> tuple[Ints, Ints]:
    """Bring the rows of each group together, sorted within the group.

    Parameters
    ----------
    group : ndarray of int64, shape (n,)
        From 0 to n_groups - 1.
    n_groups : int
    within : ndarray of float64, shape (n,)
        What the rows of a group are sorted by; NaN last. Equal values keep their order.

    Returns
    -------
    order : ndarray of int64, shape (n,)
    offsets : ndarray of int64, shape (n_groups + 1,)
        Where each group starts in `order`.
    """
    group = np.ascontiguousarray(group, np.int64)
    within = np.ascontiguousarray(within, np.float64)
    n = len(group)
    row_bits = max(n - 1, 1).bit_length()
    value_bits = min(63 - row_bits - n_groups.bit_length(), 40)
    if value_bits < 1:
        raise ValueError(f"{n} rows in {n_groups} groups are too many for one call")
    packed = np.empty(n, np.int64)
    offsets = np.zeros(n_groups + 1, np.int64)
    _pack_groups(group, within, _finite_range(within), value_bits, row_bits, packed, offsets)
    packed.sort()
    order = packed & ((1 << row_bits) - 1)
    _settle(order, packed, row_bits, within)
    return order, offsets


def run_lengths(values: Ints) -> tuple[Ints, Ints]:
    """Return the different values of a sorted array, and how often each occurs."""
    if not len(values):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return values[first], np.diff(first, append=len(values))


def count_between(keys: Ints, bounds: Ints) -> Ints:
    """Return how many sorted keys have bounds[i] <= key < bounds[i + 1].

    Few bounds are found by bisection, many by walking along both arrays.
    """
    if len(bounds) < 2:
        return np.empty(0, np.int64)
    if len(bounds) * 20 < len(keys):
        return np.diff(np.searchsorted(keys, bounds))
    return np.diff(_walk(keys, bounds))


@kernel
def _walk(keys: Ints, bounds: Ints) -> Ints:
    """Return what searchsorted returns, for sorted bounds."""
    place = np.empty(bounds.size, np.int64)
    k = 0
    for i in range(bounds.size):
        while k < keys.size and keys[k] < bounds[i]:
            k += 1
        place[i] = k
    return place


@kernel
def _pack_keys(keys: Ints, lowest: int, dropped: int, row_bits: int, packed: Ints) -> None:
    base = np.uint64(lowest)
    for i in range(keys.size):
        above = np.uint64(keys[i]) - base
        packed[i] = np.int64((above >> np.uint64(dropped)) << np.uint64(row_bits)) | i


@kernel
def _finite_range(values: Floats) -> tuple[float, float]:
    lowest = np.inf
    highest = -np.inf
    for value in values:
        if abs(value) < np.inf:
            lowest = min(lowest, value)
            highest = max(highest, value)
    return lowest, highest


@kernel
def _pack_groups(
    group: Ints,
    within: Floats,
    finite_range: tuple[float, float],
    value_bits: int,
    row_bits: int,
    packed: Ints,
    offsets: Ints,
) -> None:
    """Pack (group, coarse value, row); the coarse value never decreases with the value."""
    lowest, highest = finite_range
    top = (1 << value_bits) - 1
    scale = (top - 2) / (highest - lowest) if highest > lowest else 0.0
    for i in range(group.size):
        value = within[i]
        if value >= lowest:
            coarse = 1 + int((min(value, highest) - lowest) * scale)
        elif value < lowest:
            coarse = 0
        else:
            coarse = top
        packed[i] = (((group[i] << value_bits) | coarse) << row_bits) | i
        offsets[group[i] + 1] += 1
    for g in range(offsets.size - 1):
        offsets[g + 1] += offsets[g]


@kernel
def _settle(order: Ints, packed: Ints, row_bits: int, keys: Ints | Floats) -> None:
    """Sort by the whole key, NaN last, where the packed part of it was the same."""
    n = order.size
    other = np.empty_like(order)
    a = 0
    while a < n:
        b = a + 1
        while b < n and packed[b] >> row_bits == packed[a] >> row_bits:
            b += 1
        if b - a > 1:
            _merge_sort(order, a, b, keys, other)
        a = b


@kernel
def _merge_sort(rows: Ints, begin: int, end: int, keys: Ints | Floats, other: Ints) -> None:
    """Sort rows[begin:end] by their keys, NaN last; equal keys keep their order.

    By merging upwards. NumPy's argsort inside a kernel takes ten times longer to compile.
    """
    width = 1
    while width < end - begin:
        for start in range(begin, end, 2 * width):
            middle, stop = min(start + width, end), min(start + 2 * width, end)
            i, j = start, middle
            for k in range(start, stop):
                take_right = i >= middle
                if i < middle and j < stop:
                    left, right = keys[rows[i]], keys[rows[j]]
                    take_right = right < left or (np.isnan(left) and not np.isnan(right))
                if take_right:
                    other[k] = rows[j]
                    j += 1
                else:
                    other[k] = rows[i]
                    i += 1
        for k in range(begin, end):
            rows[k] = other[k]
        width *= 2
