"""Sums and extremes of arrays as plain loops, to the last bit those of the methods of arrays.

Numba compiles a loop several times faster than a method or an expression of arrays, which it first
makes into an iterator over any number of dimensions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["highest", "lowest", "negative", "place_of_lowest", "total_of", "variance"]


@kernel
def total_of(y: NDArray[np.float64]) -> float:
    """Return the sum."""
    total = 0.0
    for j in range(y.size):
        total += y[j]
    return total


@kernel
def variance(y: NDArray[np.float64]) -> float:
    """Return the mean square about the mean."""
    mean = total_of(y) / y.size
    squares = 0.0
    for j in range(y.size):
        squares += (y[j] - mean) * (y[j] - mean)
    return squares / y.size


@kernel
def highest(y: NDArray[np.float64]) -> float:
    """Return the highest of values, none of which is NaN."""
    top = -np.inf
    for j in range(y.size):
        top = max(top, y[j])
    return top


@kernel
def lowest(y: NDArray[np.float64]) -> float:
    """Return the lowest of values, none of which is NaN."""
    bottom = np.inf
    for j in range(y.size):
        bottom = min(bottom, y[j])
    return bottom


@kernel
def place_of_lowest(y: NDArray[np.float64]) -> int:
    """Return where the lowest of values is, none of which is NaN; the first of several."""
    place = 0
    for j in range(1, y.size):
        if y[j] < y[place]:
            place = j
    return place


@kernel
def negative(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values with the other sign."""
    out = np.empty(y.size)
    for j in range(y.size):
        out[j] = -y[j]
    return out
