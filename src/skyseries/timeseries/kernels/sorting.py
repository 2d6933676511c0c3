"""Sorting for kernels: NumPy's sorts, compiled by Numba, would take longer to compile than to run.

Short rows, which most light curves are, are sorted by insertion; long ones by merging.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["INSERTION_LIMIT", "order_of", "sort_row"]

INSERTION_LIMIT = 48
"""Up to this length insertion is the faster."""

_RUN = 16


@kernel
def sort_row(y: NDArray[np.float64]) -> None:
    """Sort in place, ascending."""
    if y.size > INSERTION_LIMIT:
        order = order_of(y, y)
        unsorted = y.copy()
        for j in range(y.size):
            y[j] = unsorted[order[j]]
        return
    for j in range(1, y.size):
        v = y[j]
        k = j - 1
        while k >= 0 and y[k] > v:
            y[k + 1] = y[k]
            k -= 1
        y[k + 1] = v


@kernel
def order_of(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the indices that put `a` in ascending order, equal ones by `b`; stable."""
    n = a.size
    order = np.arange(n)
    for lo in range(0, n, _RUN):
        for j in range(lo + 1, min(lo + _RUN, n)):
            v = order[j]
            k = j - 1
            while k >= lo and _is_before(a, b, v, order[k]):
                order[k + 1] = order[k]
                k -= 1
            order[k + 1] = v
    spare = np.empty_like(order)
    width = _RUN
    while width < n:
        for lo in range(0, n, 2 * width):
            _merge(a, b, order, lo, min(lo + width, n), min(lo + 2 * width, n), spare)
        order, spare = spare, order
        width *= 2
    return order


@kernel
def _is_before(a: NDArray[np.float64], b: NDArray[np.float64], i: int, j: int) -> bool:
    return bool(a[i] < a[j] or (a[i] == a[j] and b[i] < b[j]))


@kernel
def _merge(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    order: NDArray[np.int64],
    lo: int,
    middle: int,
    hi: int,
    out: NDArray[np.int64],
) -> None:
    left, right = lo, middle
    for k in range(lo, hi):
        if left < middle and (right >= hi or not _is_before(a, b, order[right], order[left])):
            out[k] = order[left]
            left += 1
        else:
            out[k] = order[right]
            right += 1
