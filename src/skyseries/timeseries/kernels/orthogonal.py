"""Linear least squares by orthogonal columns, for designs of a few dozen columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["dot", "orthogonalize", "solve_triangle", "subtract"]

_DEPENDENT = 1e-7
"""A column of which less than this is new beside those before it is left out."""

_REORDER = {"reassoc", "contract", "nsz", "arcp"}


@kernel(fastmath=_REORDER)
def dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the sum of the products."""
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@kernel(fastmath=_REORDER)
def subtract(a: NDArray[np.float64], factor: float, b: NDArray[np.float64]) -> None:
    """Take away so much of `b` in place."""
    for j in range(a.size):
        a[j] -= factor * b[j]


@kernel
def orthogonalize(
    columns: NDArray[np.float64], n_columns: int, triangle: NDArray[np.float64]
) -> None:
    """Make columns orthonormal, by the modified Gram-Schmidt process done twice.

    Parameters
    ----------
    columns : (p, n) array
        Each row is a column of the design; the first `n_columns` are replaced by orthonormal
        ones, or by zeros where a column depends on those before it.
    triangle : (p, p) array
        Filled with R of design = Q R; a zero on the diagonal stands for a column left out.
    """
    for p in range(n_columns):
        for q in range(n_columns):
            triangle[p, q] = 0.0
        before = np.sqrt(dot(columns[p], columns[p]))
        for _ in range(2):
            for q in range(p):
                part = dot(columns[q], columns[p])
                triangle[q, p] += part
                subtract(columns[p], part, columns[q])
        after = np.sqrt(dot(columns[p], columns[p]))
        is_new = after > _DEPENDENT * before
        triangle[p, p] = after if is_new else 0.0
        factor = 1.0 / after if is_new else 0.0
        for j in range(columns.shape[1]):
            columns[p, j] *= factor


@kernel
def solve_triangle(
    triangle: NDArray[np.float64], right: NDArray[np.float64], n_columns: int
) -> None:
    """Solve R c = right in place; the unknowns of columns left out are zero."""
    for p in range(n_columns - 1, -1, -1):
        if triangle[p, p] > 0:
            for q in range(p + 1, n_columns):
                right[p] -= triangle[p, q] * right[q]
            right[p] /= triangle[p, p]
        else:
            right[p] = 0.0
