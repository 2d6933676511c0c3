"""Weighted means of the epochs of each night and band."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.sorting import order_of

__all__ = ["bin_nights"]


@kernel
def bin_nights(
    offsets: NDArray[np.int64],
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    code: NDArray[np.int32],
    n_bands: int,
    noon: NDArray[np.float64],
    new_offsets: NDArray[np.int64],
    source: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill mean times, mean values and their errors, in the order of time.

    Parameters
    ----------
    offsets : (n + 1,) array
    t, y, e : (m,) arrays
        Days, values, errors above zero.
    code : (m,) array
        Band; -1: left out.
    n_bands : int
    noon : (n,) array
        Added to the times to have days that begin at noon.
    new_offsets : (n + 1,) array
        Filled.
    source : (m,) array
        Filled with one epoch of each bin.
    out : (3, m) array
        Its first columns are filled. The error is that of the weighted mean, or larger where the
        epochs scatter more than their errors say.
    """
    n = 0
    new_offsets[0] = 0
    for i in range(offsets.size - 1):
        lo, hi = offsets[i], offsets[i + 1]
        used = lo + np.flatnonzero(code[lo:hi] >= 0)
        night = np.floor(t[used] + noon[i])
        bins = night * n_bands + code[used]
        used = used[order_of(bins, t[used])]
        first, begin = 0, n
        for k in range(1, used.size + 1):
            if (
                k == used.size
                or code[used[k]] != code[used[first]]
                or math.floor(t[used[k]] + noon[i]) != math.floor(t[used[first]] + noon[i])
            ):
                _mean(t, y, e, used[first:k], out, n)
                source[n] = used[first]
                n += 1
                first = k
        order = begin + order_of(out[0, begin:n], code[source[begin:n]].astype(np.float64))
        for row in range(3):
            out[row, begin:n] = out[row, order]
        source[begin:n] = source[order]
        new_offsets[i + 1] = n


@kernel
def _mean(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    rows: NDArray[np.int64],
    out: NDArray[np.float64],
    n: int,
) -> None:
    t0, y0 = t[rows[0]], y[rows[0]]
    weights = time = value = 0.0
    for j in rows:
        w = 1.0 / (e[j] * e[j])
        weights += w
        time += w * (t[j] - t0)
        value += w * (y[j] - y0)
    time, value = t0 + time / weights, y0 + value / weights
    chi2 = 0.0
    for j in rows:
        chi2 += ((y[j] - value) / e[j]) ** 2
    scatter = math.sqrt(chi2 / (rows.size - 1)) if rows.size > 1 else 1.0
    out[0, n], out[1, n] = time, value
    out[2, n] = max(scatter, 1.0) / math.sqrt(weights)
