"""Loops over cells of text: their lengths, what must be written otherwise, lists, whole rows.

Cell ``i`` is ``data[starts[i] : starts[i] + lengths[i]]``; where ``valid`` has values and the one
of a cell is False, it is null. `cursor` says for each row how far its text is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = [
    "escape",
    "escaped_lengths",
    "joined_lengths",
    "put_cells",
    "put_joined",
]

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_1, _2 = np.uint64(1), np.uint64(2)


@kernel
def _copy(data: Any, start: Any, length: Any, at: Any, out: Any) -> Any:
    """Copy bytes; return where they end."""
    here, begin = np.uint64(at), np.uint64(start)
    for j in range(np.uint64(length)):
        out[here + j] = data[begin + j]
    return at + length


@kernel
def put_cells(
    data: Bytes,
    starts: Numbers,
    lengths: Numbers,
    valid: Flags,
    null: Bytes,
    before: Bytes,
    cursor: Numbers,
    out: Bytes,
) -> None:
    """Write a text and the cell behind it into each row."""
    for i in range(cursor.size):
        at = _copy(before, 0, before.size, cursor[i], out)
        if valid.size and not valid[i]:
            cursor[i] = _copy(null, 0, null.size, at, out)
        else:
            cursor[i] = _copy(data, starts[i], lengths[i], at, out)


@kernel
def escaped_lengths(
    data: Bytes, starts: Numbers, lengths: Numbers, sizes: Bytes, out: Numbers
) -> None:
    """Fill how long cells are when each byte is replaced by `sizes` bytes."""
    for i in range(out.size):
        total = np.int64(0)
        begin = np.uint64(starts[i])
        for j in range(np.uint64(lengths[i])):
            total += sizes[data[begin + j]]
        out[i] = total


@kernel
def escape(
    data: Bytes,
    starts: Numbers,
    lengths: Numbers,
    sizes: Bytes,
    texts: Bytes,
    quote: Bytes,
    is_xml: bool,
    out: Bytes,
) -> None:
    """Write the cells one after the other, each byte replaced.

    Parameters
    ----------
    sizes : (256,) array
    texts : (2048,) array
        Eight bytes for each of them.
    quote : array
        Stands before and behind each cell.
    is_xml : bool
        Whether U+FFFE and U+FFFF are replaced by U+FFFD: bytes of equal number.
    """
    at = np.uint64(0)
    for i in range(starts.size):
        at = np.uint64(_copy(quote, 0, quote.size, at, out))
        first = np.uint64(starts[i])
        for here in range(first, first + np.uint64(lengths[i])):
            byte = data[here]
            if sizes[byte] == 1:
                out[at] = texts[np.uint64(byte) * np.uint64(8)]
                if is_xml and byte >= 0xBE and _is_behind_ef_bf(data, first, here):
                    out[at] = 0xBD
                at += _1
            else:
                for j in range(np.uint64(sizes[byte])):
                    out[at + j] = texts[np.uint64(byte) * np.uint64(8) + j]
                at += np.uint64(sizes[byte])
        at = np.uint64(_copy(quote, 0, quote.size, at, out))


@kernel
def _is_behind_ef_bf(data: Any, first: Any, here: Any) -> bool:
    return bool(here >= first + _2 and data[here - _1] == 0xBF and data[here - _2] == 0xEF)


@kernel
def joined_lengths(
    offsets: Numbers, lengths: Numbers, valid: Flags, fixed: Numbers, out: Numbers
) -> None:
    """Fill how long lists of cells are.

    Parameters
    ----------
    offsets : (n + 1,) array
        Of the cells of each list.
    fixed : (4,) array
        Bytes of the opening, the text between two cells, the closing, and null.
    """
    for i in range(out.size):
        first, stop = offsets[i], offsets[i + 1]
        total = fixed[0] + fixed[2]
        if stop > first:
            total += fixed[1] * (stop - first - 1)
        for j in range(first, stop):
            total += lengths[j] if valid.size == 0 or valid[j] else fixed[3]
        out[i] = total


@kernel
def put_joined(
    offsets: Numbers,
    data: Bytes,
    starts: Numbers,
    lengths: Numbers,
    valid: Flags,
    words: tuple[Bytes, Bytes, Bytes, Bytes],
    out: Bytes,
) -> None:
    """Write lists of cells one after the other; `words` as in `joined_lengths`."""
    opening, between, closing, null = words
    at = np.int64(0)
    for i in range(offsets.size - 1):
        at = _copy(opening, 0, opening.size, at, out)
        for j in range(offsets[i], offsets[i + 1]):
            if j > offsets[i]:
                at = _copy(between, 0, between.size, at, out)
            if valid.size and not valid[j]:
                at = _copy(null, 0, null.size, at, out)
            else:
                at = _copy(data, starts[j], lengths[j], at, out)
        at = _copy(closing, 0, closing.size, at, out)
