"""Loops behind operations on nested columns: orders, indices and aggregates of segments.

Segment `s` of a flat array is ``offsets[s]:offsets[s + 1]``. What orders or picks epochs gives
their positions in the flat array; `gather` then copies each field.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = [
    "GREATEST",
    "append_index",
    "encode_floats",
    "gather",
    "group_index",
    "kept_index",
    "least_index",
    "order_segments",
    "segment_deviation",
    "segment_sum",
    "segment_sum_exact",
    "strided_index",
]

GREATEST = np.int64(2**63 - 1)
"""The code of NaN: no other float has it, in either direction."""

_SHORT = 16
"""Up to this length insertion is the fastest."""

_DEEPEST = 3
"""Rounds of buckets before a crowd is sorted by merging."""


@kernel
def encode_floats(values: NDArray[np.float64], ascending: bool, codes: NDArray[np.int64]) -> None:
    """Fill codes that have the order of the floats, or the reverse; NaN is last in both.

    The bits of an IEEE 754 double, read as a signed integer, ascend with the value where it is
    positive, and descend where it is negative. Zeros of both signs are equal.
    """
    bits = values.view(np.int64)
    reverse = np.int64(0) if ascending else np.int64(-1)
    for j in range(values.size):
        code = bits[j] ^ ((bits[j] >> 63) & GREATEST) ^ reverse
        if values[j] == 0.0:
            code = reverse
        if np.isnan(values[j]):
            code = GREATEST
        codes[j] = code


@kernel
def order_segments(
    codes: NDArray[np.int64],
    last: NDArray[np.bool_],
    offsets: NDArray[np.int64],
    order: NDArray[np.int64],
) -> bool:
    """Sort positions within each segment by their codes; stable.

    Parameters
    ----------
    codes : (m,) array
    last : (m,) array, or empty
        Positions that go to the end of their segment whatever their code.
    offsets : (n + 1,) array
    order : (m,) array
        Positions, those of a segment in its place. Changed in place.

    Returns
    -------
    bool
        Whether anything was moved.
    """
    longest = 0
    for s in range(offsets.size - 1):
        longest = max(longest, offsets[s + 1] - offsets[s])
    code, spare = np.empty(longest, np.int64), np.empty(longest, np.int64)
    place, spare_place = np.empty(longest, np.int64), np.empty(longest, np.int64)
    count = np.empty(longest + 1, np.int64)
    waiting = np.empty(3 * (longest // _SHORT + 1), np.int64)
    moved = False
    for s in range(offsets.size - 1):
        lo, hi = offsets[s], offsets[s + 1]
        n = n_last = 0
        changed = descends = False
        for j in range(lo, hi):
            k = order[j]
            if last.size > 0 and last[k]:
                spare_place[n_last] = k
                n_last += 1
                continue
            code[n] = codes[k]
            place[n] = k
            descends |= n > 0 and code[n] < code[n - 1]
            changed |= n_last > 0
            n += 1
        if not (changed or descends):
            continue
        moved = True
        for j in range(n_last):
            order[lo + n + j] = spare_place[j]
        if descends:
            _sort_pairs(code, place, n, spare, spare_place, count, waiting)
        for j in range(n):
            order[lo + j] = place[j]
    return moved


@kernel
def _sort_pairs(
    code: NDArray[np.int64],
    place: NDArray[np.int64],
    n: int,
    spare: NDArray[np.int64],
    spare_place: NDArray[np.int64],
    count: NDArray[np.int64],
    waiting: NDArray[np.int64],
) -> None:
    """Sort the first n places by code: into buckets, full ones again, the rest by insertion.

    Buckets are of equal width: values spread over a range, as the times of a survey are, take
    one round; crowds (nights, both signs of a float, a NaN among numbers) a second.
    """
    top = 0
    if n > _SHORT:
        waiting[0], waiting[1], waiting[2] = 0, n, 0
        top = 1
    while top > 0:
        top -= 1
        lo, hi, depth = waiting[3 * top], waiting[3 * top + 1], waiting[3 * top + 2]
        if depth == _DEEPEST:
            _merge_sort(code[lo:hi], place[lo:hi], hi - lo, spare, spare_place)
        elif _into_buckets(code[lo:hi], place[lo:hi], hi - lo, spare, spare_place, count):
            begin = lo
            for b in range(hi - lo):
                end = lo + count[b]
                if end - begin > _SHORT:
                    waiting[3 * top], waiting[3 * top + 1] = begin, end
                    waiting[3 * top + 2] = depth + 1
                    top += 1
                begin = end
    _insertion_sort(code, place, 0, n)


@kernel
def _into_buckets(
    code: NDArray[np.int64],
    place: NDArray[np.int64],
    n: int,
    spare: NDArray[np.int64],
    spare_place: NDArray[np.int64],
    count: NDArray[np.int64],
) -> bool:
    """Put the pairs in the order of n buckets of equal width; False if all codes are equal.

    `count` is filled with where each bucket ends.
    """
    low = high = code[0]
    for j in range(1, n):
        low = min(low, code[j])
        high = max(high, code[j])
    if low == high:
        return False
    # the difference of two signed integers always fits an unsigned one
    scale = (n - 1) / np.float64(np.uint64(high) - np.uint64(low))
    count[: n + 1] = 0
    for j in range(n):
        b = min(n - 1, int(np.float64(np.uint64(code[j]) - np.uint64(low)) * scale))
        spare[j] = b
        count[b + 1] += 1
    for b in range(n):
        count[b + 1] += count[b]
    for j in range(n):
        b = spare[j]
        spare_place[count[b]] = j
        count[b] += 1
    for k in range(n):
        spare[k] = code[spare_place[k]]
        spare_place[k] = place[spare_place[k]]
    for k in range(n):
        code[k], place[k] = spare[k], spare_place[k]
    return True


@kernel
def _insertion_sort(code: NDArray[np.int64], place: NDArray[np.int64], lo: int, hi: int) -> None:
    for j in range(lo + 1, hi):
        c, p = code[j], place[j]
        k = j - 1
        while k >= lo and code[k] > c:
            code[k + 1], place[k + 1] = code[k], place[k]
            k -= 1
        code[k + 1], place[k + 1] = c, p


@kernel
def _merge_sort(
    code: NDArray[np.int64],
    place: NDArray[np.int64],
    n: int,
    spare: NDArray[np.int64],
    spare_place: NDArray[np.int64],
) -> None:
    for lo in range(0, n, _SHORT):
        _insertion_sort(code, place, lo, min(lo + _SHORT, n))
    width = _SHORT
    while width < n:
        for lo in range(0, n, 2 * width):
            left, middle, hi = lo, min(lo + width, n), min(lo + 2 * width, n)
            right = middle
            k = lo
            while left < middle and right < hi:  # without a jump that depends on the data
                from_left = code[left] <= code[right]
                j = left if from_left else right
                spare[k], spare_place[k] = code[j], place[j]
                left += from_left
                right += 1 - from_left
                k += 1
            j = left if left < middle else right
            while k < hi:
                spare[k], spare_place[k] = code[j], place[j]
                j += 1
                k += 1
        for k in range(n):
            code[k], place[k] = spare[k], spare_place[k]
        width *= 2


@kernel
def gather(values: NDArray[Any], index: NDArray[np.int64], out: NDArray[Any]) -> None:
    """Copy ``values[index]``; every index must be within the values."""
    for j in range(index.size):
        out[j] = values[index[j]]


@kernel
def kept_index(
    mask: NDArray[np.bool_],
    offsets: NDArray[np.int64],
    new_offsets: NDArray[np.int64],
    index: NDArray[np.int64],
) -> None:
    """Fill the positions where the mask is true, and the offsets of what is kept.

    `index` has one place more than there are positions.
    """
    k = 0
    new_offsets[0] = 0
    for s in range(offsets.size - 1):
        for j in range(offsets[s], offsets[s + 1]):
            index[k] = j
            k += mask[j]
        new_offsets[s + 1] = k


@kernel
def strided_index(
    first: NDArray[np.int64],
    step: int,
    new_offsets: NDArray[np.int64],
    index: NDArray[np.int64],
) -> None:
    """Fill positions that start at ``first[s]`` in segment s, each `step` after the one before."""
    for s in range(first.size):
        j = first[s]
        for k in range(new_offsets[s], new_offsets[s + 1]):
            index[k] = j
            j += step


@kernel
def append_index(
    first: NDArray[np.int64], second: NDArray[np.int64], index: NDArray[np.int64]
) -> None:
    """Fill the positions of each segment of the first, then of the second array, put end to end."""
    k = 0
    shift = first[-1]
    for s in range(first.size - 1):
        for j in range(first[s], first[s + 1]):
            index[k] = j
            k += 1
        for j in range(second[s], second[s + 1]):
            index[k] = shift + j
            k += 1


@kernel
def group_index(
    parents: NDArray[np.int64], place: NDArray[np.int64], index: NDArray[np.int64]
) -> None:
    """Fill the positions grouped by parent, in the order in which they stand.

    `place` holds where each group begins; it is moved to where it ends.
    """
    for j in range(parents.size):
        p = parents[j]
        index[place[p]] = j
        place[p] += 1


@kernel(fastmath={"reassoc"})
def segment_sum(
    values: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Sum each segment. NaN and infinities give what IEEE arithmetic gives."""
    for s in range(offsets.size - 1):
        total = 0.0
        for v in values[offsets[s] : offsets[s + 1]]:
            total += v
        out[s] = total


@kernel
def segment_sum_exact(
    values: NDArray[np.int64], offsets: NDArray[np.int64], out: NDArray[np.int64]
) -> int:
    """Sum integers; return the first segment whose sum does not fit 64 bits, or -1."""
    for s in range(offsets.size - 1):
        total = np.int64(0)
        for v in values[offsets[s] : offsets[s + 1]]:
            following = total + v
            if ((total ^ following) & (v ^ following)) < 0:
                return s
            total = following
        out[s] = total
    return -1


@kernel(fastmath={"reassoc"})
def segment_deviation(
    values: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill the standard deviation of a sample, by two passes; NaN for fewer than two values."""
    for s in range(offsets.size - 1):
        segment = values[offsets[s] : offsets[s + 1]]
        n = segment.size
        total = 0.0
        for v in segment:
            total += v
        mean = total / n
        squares = 0.0
        for v in segment:
            squares += (v - mean) ** 2
        out[s] = np.sqrt(squares / (n - 1)) if n > 1 else np.nan


@kernel
def least_index(
    codes: NDArray[np.int64], offsets: NDArray[np.int64], index: NDArray[np.int64]
) -> None:
    """Fill the position of the first smallest code of each segment, -1 if it is empty."""
    for s in range(offsets.size - 1):
        segment = codes[offsets[s] : offsets[s + 1]]
        best = 0
        least = GREATEST
        for j in range(segment.size):
            if segment[j] < least:
                best = j
                least = segment[j]
        index[s] = offsets[s] + best if segment.size > 0 else -1
