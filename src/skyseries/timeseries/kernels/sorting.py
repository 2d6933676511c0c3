"""Sorting for kernels: NumPy's sorts, compiled by Numba, would take longer to compile than to run.

Short rows, which most light curves are, are sorted by insertion; long ones by merging. Many
short rows at once are sorted faster by `networks`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["INSERTION_LIMIT", "middle_of", "order_of", "sort_row"]

INSERTION_LIMIT = 48
"""Up to this length insertion is the faster."""

_RUN = 16


@kernel
def sort_row(y: NDArray[np.float64]) -> None:
    """Sort in place, ascending; no NaN."""
    n = y.size
    run = INSERTION_LIMIT if n <= INSERTION_LIMIT else _RUN
    for lo in range(0, n, run):
        for j in range(lo + 1, min(lo + run, n)):
            v = y[j]
            k = j - 1
            while k >= lo and y[k] > v:
                y[k + 1] = y[k]
                k -= 1
            y[k + 1] = v
    if run < n:
        _merge_runs(y, run)


@kernel
def _merge_runs(y: NDArray[np.float64], width: int) -> None:
    """Merge runs of `width` values, which are in order, until all are."""
    n = y.size
    here, spare = y, np.empty_like(y)
    is_moved = False
    while width < n:
        for lo in range(0, n, 2 * width):
            _merge_values(here, lo, min(lo + width, n), min(lo + 2 * width, n), spare)
        here, spare = spare, here
        is_moved = not is_moved
        width *= 2
    if is_moved:
        for j in range(n):
            y[j] = here[j]


@kernel
def _merge_values(
    y: NDArray[np.float64], lo: int, middle: int, hi: int, out: NDArray[np.float64]
) -> None:
    left, right, k = lo, middle, lo
    while left < middle and right < hi:
        # no branch: which of the two is taken cannot be predicted
        a, b = y[left], y[right]
        is_right = int(b < a)
        out[k] = min(a, b)
        right += is_right
        left += 1 - is_right
        k += 1
    while left < middle:
        out[k] = y[left]
        left += 1
        k += 1
    while right < hi:
        out[k] = y[right]
        right += 1
        k += 1


@kernel
def middle_of(y: NDArray[np.float64]) -> float:
    """Return the median of one value or more."""
    ordered = y.copy()
    sort_row(ordered)
    half = ordered.size // 2
    if ordered.size % 2:
        return float(ordered[half])
    return 0.5 * float(ordered[half - 1] + ordered[half])


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
