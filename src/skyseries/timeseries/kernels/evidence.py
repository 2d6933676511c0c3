"""How well a shape explains a light curve at one frequency: the evidence of a Fourier series.

The amplitudes of the harmonics have normal priors, whose variances fall with the order as a kind of
shape does; the scale of the noise is not known (prior 1 / sigma), the mean of each band neither.
Then the evidence has a closed form (a linear model with conjugate priors: O'Hagan 1994, Kendall's
Advanced Theory of Statistics 2B, chapter 9): what more harmonics explain by chance, or across gaps
in phase, is weighed against what they cost, and no number of harmonics need be chosen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.fourier import fill_normal, fill_sums
from skyseries.timeseries.kernels.harmonics import equalize, prepare
from skyseries.timeseries.kernels.reductions import highest
from skyseries.timeseries.kernels.sorting import sort_row

__all__ = [
    "ECLIPSE", "HALVES", "MOST_TERMS", "NARROW", "NARROW_HALVES", "N_ODD", "N_SHAPES", "PROFILES",
    "PULSE", "SINE", "TERMS", "Bench", "best_shape", "log_evidence", "make_bench", "series",
]  # fmt: skip

SINE, PULSE, ECLIPSE, NARROW, HALVES, NARROW_HALVES, N_SHAPES = 0, 1, 2, 3, 4, 10, 13
"""Places of the profiles: plain ones, from `HALVES` on those of an orbit with two dips."""

MOST_TERMS = 48
"""Harmonics of the longest profile."""

_ODD = (1.0, 0.1, 0.01)
"""Variance of the odd harmonics of an orbit over that of the even ones: how unlike its halves."""
N_ODD = len(_ODD)

_MOST = 1.0 - 1e-9
_ROUNDS = 2

_TOGETHER = 0.01
"""Days within which epochs of several bands are one visit: what a shape misses, all bands miss."""

_FEW = 20
"""A light curve of fewer visits still counts as many epochs as it has, up to this."""


def _profiles() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the prior variances of the harmonics of each shape, and how many there are."""
    plain = [
        np.arange(1.0, 4.0) ** -5,
        np.arange(1.0, 9.0) ** -3,
        np.exp(-((np.arange(1.0, 13.0) / 7.0) ** 2)),
        np.exp(-((np.arange(1.0, 25.0) / 14.0) ** 2)),
    ]
    shapes = list(plain)
    for profile in plain[1:]:
        even = np.arange(2.0, 2 * profile.size + 1, 2)
        for share in _ODD:
            orbit = np.empty(2 * profile.size)
            orbit[1::2] = profile
            orbit[::2] = share * np.interp(even - 1.0, even, profile)
            shapes.append(orbit)
    padded = np.zeros((len(shapes), MOST_TERMS))
    for row, shape in zip(padded, shapes, strict=True):
        row[: shape.size] = shape / shape.sum()
    return padded, np.array([shape.size for shape in shapes])


PROFILES, TERMS = _profiles()
"""(n_shapes, MOST_TERMS) prior variances that sum to 1; and (n_shapes,) harmonics of each."""


class Bench(NamedTuple):
    """One light curve, and the room that its fits need."""

    times: NDArray[np.float64]
    """As `harmonics.prepare` fills them, of bands scaled to one scatter; so the next three."""
    weights: NDArray[np.float64]
    values: NDArray[np.float64]
    start: NDArray[np.int64]
    n_bands: int
    n_free: int
    """Visits: what counts as independent."""
    span: float
    """Days."""
    sums: NDArray[np.float64]
    gram: NDArray[np.float64]
    right: NDArray[np.float64]
    factor: NDArray[np.float64]
    solved: NDArray[np.float64]


@kernel
def make_bench(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    floor: float,
    fraction: float,
) -> Bench:
    """Return one light curve ready for `best_shape`.

    Parameters
    ----------
    t, y, e : arrays
        Epochs of many light curves.
    bounds : (n_bands + 1,) array
        Where each band of this one begins.
    floor, fraction : float
        See `harmonics.prepare`.
    """
    lo, hi = bounds[0], bounds[bounds.size - 1]
    scaled, errors = np.empty(hi - lo), np.empty(hi - lo)
    equalize(y, e, bounds, floor, scaled, errors)
    times, weights, values = np.empty(hi - lo), np.empty(hi - lo), np.empty(hi - lo)
    start, own = np.empty(bounds.size, np.int64), np.empty(bounds.size, np.int64)
    for b in range(own.size):
        own[b] = bounds[b] - lo
    n_bands, _ = prepare(
        t[lo:hi], scaled, errors, own, 0.0, fraction, times, weights, values, start
    )
    n = start[n_bands]
    size = 2 * MOST_TERMS
    span = highest(times[:n]) if n > 0 else 0.0
    return Bench(
        times, weights, values, start, n_bands, _visits(times[:n], n_bands), span,
        np.empty((max(n_bands, 1), 4, 1 + 2 * size)), np.empty((size, size)), np.empty(size),
        np.empty((size, size)), np.empty(size),
    )  # fmt: skip


@kernel
def _visits(times: NDArray[np.float64], n_bands: int) -> int:
    """Return how many epochs count, without the means of bands: those within minutes are one."""
    if n_bands <= 1:
        return max(times.size - n_bands, 1)
    ordered = times.copy()
    sort_row(ordered)
    count, last = 0, -np.inf
    for j in range(times.size):
        if ordered[j] - last > _TOGETHER:
            count += 1
            last = ordered[j]
    return max(count, min(times.size, _FEW) - n_bands, 1)


@kernel(fastmath={"reassoc", "contract"})
def log_evidence(
    gram: NDArray[np.float64],
    right: NDArray[np.float64],
    profile: NDArray[np.float64],
    n_terms: int,
    scale: float,
    n_free: int,
    factor: NDArray[np.float64],
    solved: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the log of the evidence over that of constant bands, and the share explained.

    Parameters
    ----------
    gram, right
        Normal equations of harmonics (`fourier.fill_normal`), weights summing to 1 and values of
        mean square 1.
    profile : (n_terms or more,) array
    n_terms : int
    scale : float
        Prior variance of the amplitudes of a harmonic over that of the noise: this times `profile`.
    n_free : int
        Epochs less the means of the bands.
    factor, solved : (2 n_terms or more,) arrays, square and not
        Filled with the triangle of Cholesky of I + D gram D, D = sqrt(n_free x prior variance), and
        what it makes of D right.
    """
    explained = log_det = 0.0
    for p in range(2 * n_terms):
        dp = np.sqrt(n_free * scale * profile[p // 2])
        for q in range(p):
            entry = dp * np.sqrt(n_free * scale * profile[q // 2]) * gram[p, q]
            for r in range(q):
                entry -= factor[p, r] * factor[q, r]
            factor[p, q] = entry / factor[q, q]
        pivot, z = 1.0 + dp * dp * gram[p, p], dp * right[p]
        for r in range(p):
            pivot -= factor[p, r] * factor[p, r]
            z -= factor[p, r] * solved[r]
        factor[p, p] = np.sqrt(max(pivot, 1.0))
        solved[p] = z / factor[p, p]
        log_det += np.log(factor[p, p])
        explained += solved[p] * solved[p]
    explained = min(explained, _MOST)
    return -log_det - 0.5 * n_free * np.log1p(-explained), explained


@kernel
def best_shape(
    bench: Bench, frequency: float, first: int, last: int, share: float
) -> tuple[float, int, float]:
    """Return the evidence of the likeliest shape at a frequency, its place, and its share.

    Parameters
    ----------
    bench : Bench
        Its room is left filled with the normal equations at this frequency.
    frequency : float
        1/d.
    first, last : int
        Of the profiles those from `first` up to (not with) `last` are tried.
    share : float
        First guess of the share explained, above 0 and below 1.
    """
    n_terms = TERMS[first]
    for k in range(first, last):
        n_terms = max(n_terms, TERMS[k])
    sums = bench.sums[:, :, : 1 + 2 * n_terms]
    fill_sums(bench.times, bench.weights, bench.values, bench.start, bench.n_bands, frequency, sums)
    fill_normal(sums, bench.n_bands, 1, n_terms, bench.gram, bench.right)
    best, place, explained = -np.inf, first, share
    for k in range(first, last):
        found, guess = -np.inf, max(explained, share)
        for _ in range(_ROUNDS):
            scale = max(guess / (1.0 - guess), 1.0 / bench.n_free)
            worth, guess = log_evidence(
                bench.gram, bench.right, PROFILES[k], TERMS[k], scale, bench.n_free, bench.factor,
                bench.solved,
            )  # fmt: skip
            found = max(found, worth)
        if found > best:
            best, place, explained = found, k, guess
    return best, place, explained


@kernel
def series(bench: Bench, place: int, share: float) -> NDArray[np.float64]:
    """Return the likeliest harmonics of a shape at the frequency of the last `best_shape`.

    Parameters
    ----------
    bench, place, share
        As `best_shape` left or returned them.

    Returns
    -------
    (2 TERMS[place],) array
        Amplitudes of cos and sin in turn, as in `phasecurve`; phases are from the first epoch.
    """
    n_terms = TERMS[place]
    scale = max(share / (1.0 - share), 1.0 / bench.n_free)
    profile = PROFILES[place]
    log_evidence(
        bench.gram, bench.right, profile, n_terms, scale, bench.n_free, bench.factor, bench.solved
    )
    x = bench.solved[: 2 * n_terms].copy()
    for p in range(2 * n_terms - 1, -1, -1):
        for r in range(p + 1, 2 * n_terms):
            x[p] -= bench.factor[r, p] * x[r]
        x[p] /= bench.factor[p, p]
    for p in range(2 * n_terms):
        x[p] *= np.sqrt(bench.n_free * scale * profile[p // 2])
    return x
