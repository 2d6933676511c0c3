"""A Fourier series that all bands share, and what each band's own series differs from it by.

Bands have nearly the same shape: in the red the amplitude is smaller, the maximum later, and what
is a sine in magnitudes is none in fluxes. So the series of a band is that of all plus a difference,
which is made of a few directions; both have normal priors, and what the data say decides band by
band. The normal equations are an arrow: the differences of one band touch those of another through
the common series only, and are eliminated band by band.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.orthogonal import dot, subtract

__all__ = ["Arrow", "factor", "fill_variances", "make_arrow", "solve"]

_TINY = 1e-13
"""Share of a diagonal that is left of a direction which depends on those before it."""


class Arrow(NamedTuple):
    """Factors of the normal equations of `m` unknowns of all bands, `d` of each band's own."""

    own: NDArray[np.float64]
    """(n_bands, d, d) Cholesky factors of the blocks of the bands, lower triangles."""
    cross: NDArray[np.float64]
    """(n_bands, d, m) the inverse of these times the coupling to the common series."""
    common: NDArray[np.float64]
    """(m, m) Cholesky factor of what is left for the common series."""


@kernel
def make_arrow(n_bands: int, n_common: int, n_own: int) -> Arrow:
    """Return empty factors."""
    return Arrow(
        np.empty((n_bands, n_own, n_own)), np.empty((n_bands, n_own, n_common)),
        np.empty((n_common, n_common)),
    )  # fmt: skip


@kernel
def factor(
    gram: NDArray[np.float64],
    directions: NDArray[np.float64],
    common_penalty: NDArray[np.float64],
    own_penalty: NDArray[np.float64],
    arrow: Arrow,
) -> None:
    """Fill the factors.

    Parameters
    ----------
    gram : (n_bands, m, m) array
        Symmetric normal equations of the series in each band.
    directions : (d, m) array
        By which a band can differ.
    common_penalty : (m,) array
        Added to the diagonal of the common series: precisions of the prior.
    own_penalty : (n_bands, d) array
        The same for the differences of each band.
    """
    n_bands, d, m = arrow.cross.shape
    common = arrow.common
    for p in range(m):
        for q in range(p + 1):
            common[p, q] = 0.0
        common[p, p] = common_penalty[p]
    for b in range(n_bands):
        own, cross = arrow.own[b], arrow.cross[b]
        for p in range(d):
            cross[p] = 0.0
            for q in range(m):
                if directions[p, q] != 0.0:
                    subtract(cross[p], -directions[p, q], gram[b, q])
            for q in range(p + 1):
                own[p, q] = dot(cross[p], directions[q])
            own[p, p] += own_penalty[b, p]
        _cholesky(own)
        for p in range(d):
            for q in range(p):
                subtract(cross[p], own[p, q], cross[q])
            _divide(cross[p], own[p, p])
        for p in range(m):
            for q in range(p + 1):
                common[p, q] += gram[b, p, q]
        for r in range(d):
            for p in range(m):
                subtract(common[p, : p + 1], cross[r, p], cross[r])
    _cholesky(common)


@kernel
def _divide(row: NDArray[np.float64], by: float) -> None:
    for p in range(row.size):
        row[p] /= by


@kernel
def _cholesky(a: NDArray[np.float64]) -> None:
    """Factor the lower triangle in place."""
    for p in range(a.shape[0]):
        whole = a[p, p]
        for q in range(p):
            a[p, q] = (a[p, q] - dot(a[p, :q], a[q, :q])) / a[q, q]
        left = whole - dot(a[p, :p], a[p, :p])
        a[p, p] = np.sqrt(max(left, _TINY * whole))


@kernel
def solve(arrow: Arrow, common: NDArray[np.float64], own: NDArray[np.float64]) -> float:
    """Solve the normal equations in place for a right side (m,) and (n_bands, d).

    Returns the right side times the solution.
    """
    n_bands, d, m = arrow.cross.shape
    total = 0.0
    for b in range(n_bands):
        lower = arrow.own[b]
        for p in range(d):
            own[b, p] = (own[b, p] - dot(lower[p, :p], own[b, :p])) / lower[p, p]
            total += own[b, p] * own[b, p]
            subtract(common, own[b, p], arrow.cross[b, p])
    lower = arrow.common
    for p in range(m):
        common[p] = (common[p] - dot(lower[p, :p], common[:p])) / lower[p, p]
        total += common[p] * common[p]
    _back(lower, common)
    for b in range(n_bands):
        for p in range(d):
            own[b, p] -= dot(arrow.cross[b, p], common)
        _back(arrow.own[b], own[b])
    return total


@kernel
def _back(lower: NDArray[np.float64], x: NDArray[np.float64]) -> None:
    """Solve L' x = x in place."""
    for p in range(x.size - 1, -1, -1):
        x[p] /= lower[p, p]
        subtract(x[:p], x[p], lower[p])


@kernel
def fill_variances(arrow: Arrow, common: NDArray[np.float64], own: NDArray[np.float64]) -> None:
    """Fill the variances of the unknowns, (m,) of the series and (n_bands, d) of differences."""
    n_bands, d, m = arrow.cross.shape
    inverse, block, row = np.zeros((m, m)), np.zeros((d, d)), np.empty(m)
    _invert(arrow.common, inverse)
    for p in range(m):
        common[p] = 0.0
        for q in range(p, m):
            common[p] += inverse[q, p] * inverse[q, p]
    for b in range(n_bands):
        _invert(arrow.own[b], block)
        for p in range(d):
            variance = 0.0
            row[:] = 0.0
            for r in range(p, d):
                variance += block[r, p] * block[r, p]
                subtract(row, -block[r, p], arrow.cross[b, r])
            for q in range(m):
                part = dot(inverse[q, : q + 1], row)
                variance += part * part
            own[b, p] = variance


@kernel
def _invert(lower: NDArray[np.float64], inverse: NDArray[np.float64]) -> None:
    """Fill the inverse of a lower triangle."""
    for p in range(lower.shape[0]):
        inverse[p, : p + 1] = 0.0
        inverse[p, p] = 1.0
        for q in range(p):
            subtract(inverse[p, : q + 1], lower[p, q], inverse[q])
        _divide(inverse[p, : p + 1], lower[p, p])
