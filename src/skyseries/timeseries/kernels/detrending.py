"""Slow trends of each light curve in each band, fitted together with a sinusoid.

A trend alone would take a part of the variation with it where the epochs are few. Outliers and
eclipses weigh less: weights are those of Huber, then of Tukey's biweight, found by iteration.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.quantiles import quantile
from skyseries.timeseries.kernels.sorting import sort_row

__all__ = ["fit_trends"]

_EPOCHS_PER_UNKNOWN = 2
_PASSES = 20
_HUBER_PASSES = 8
_HUBER, _BIWEIGHT = 1.345, 4.685
"""With normal errors, both keep 95 % of the efficiency of least squares."""
_DEVIATION = 1.482602218505602
_DEPENDENT = 1e-10
_MOST_CELLS = 2000


@kernel
def fit_trends(
    offsets: NDArray[np.int64],
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    code: NDArray[np.int32],
    usable: NDArray[np.bool_],
    n_bands: int,
    order: int,
    knots: float,
    period: NDArray[np.float64],
    trend: NDArray[np.float64],
    fitted: NDArray[np.bool_],
) -> None:
    """Fill the trend of each epoch less its mean over the epochs that were fitted.

    Parameters
    ----------
    offsets : (n + 1,) array
    t, y, e : (m,) arrays
        Days, values, errors.
    code : (m,) array
        Band; -1: none.
    usable : (m,) array
        Whether an epoch is fitted; the others get the trend too.
    n_bands : int
    order : int
        Of the polynomial; -1: a cubic spline.
    knots : float
        Days between knots of the spline, at least; they are evenly spaced and never nearer than
        the period.
    period : (n,) array
        Of the sinusoid, days; NaN: none.
    trend : (m,) array
        Zeros; filled where there is a fit.
    fitted : (m,) array
        All false; becomes true where there is a fit. There is none with fewer than two epochs for
        each unknown, where the epochs cover so few cycles that trend and sinusoid are one, and with
        more than 2000 knots.
    """
    for i in range(offsets.size - 1):
        lo, hi = offsets[i], offsets[i + 1]
        for b in range(n_bands):
            mine = lo + np.flatnonzero(code[lo:hi] == b)
            used = mine[usable[mine]]
            if used.size < _EPOCHS_PER_UNKNOWN:
                continue
            first, last = t[used].min(), t[used].max()
            n_cells = _cells(last - first, order, knots, period[i])
            if n_cells < 0:
                continue
            base, start = _basis(t[used], first, last, order, n_cells)
            wave = _wave(t[used], first, period[i])
            c = _robust_fit(base, start, wave, y[used], e[used], order, n_cells)
            if c.size == 0:
                continue
            middle = _trend_of(base, start, c).mean()
            base, start = _basis(t[mine], first, last, order, n_cells)
            trend[mine] = _trend_of(base, start, c) - middle
            fitted[mine] = True


@kernel
def _cells(span: float, order: int, knots: float, period: float) -> int:
    """Return the cells between knots; 0 for a polynomial, -1 where nothing can be fitted."""
    if not span > 0:
        return -1 if order != 0 else 0
    if order >= 0:
        is_told = np.isnan(period) or span >= period * max(1.0, 0.5 * order)
        return 0 if is_told else -1
    if not np.isnan(period):
        if span < period:
            return -1
        knots = max(knots, period)
    n_cells = span / knots * (1 + 1e-12)
    return max(1, int(n_cells)) if n_cells <= _MOST_CELLS else -1


@kernel
def _basis(
    t: NDArray[np.float64], first: float, last: float, order: int, n_cells: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the columns of the trend that are not zero at each epoch, and which is the first.

    Legendre polynomials, or cubic B-splines. Beyond the ends they are as at the ends.
    """
    width = order + 1 if n_cells == 0 else 4
    base = np.zeros((t.size, width))
    start = np.zeros(t.size, np.int64)
    span = last - first
    for j in range(t.size):
        x = (t[j] - first) / span if span > 0 else 0.0
        x = min(max(x, 0.0), 1.0) if np.isfinite(x) else 0.0
        if n_cells == 0:
            z = 2.0 * x - 1.0
            base[j, 0] = 1.0
            if order > 0:
                base[j, 1] = z
            for k in range(2, width):
                base[j, k] = ((2 * k - 1) * z * base[j, k - 1] - (k - 1) * base[j, k - 2]) / k
        else:
            cell = min(int(x * n_cells), n_cells - 1)
            u = x * n_cells - cell
            start[j] = cell
            base[j, 0] = (1.0 - u) ** 3 / 6.0
            base[j, 1] = (3.0 * u**3 - 6.0 * u**2 + 4.0) / 6.0
            base[j, 2] = (-3.0 * u**3 + 3.0 * u**2 + 3.0 * u + 1.0) / 6.0
            base[j, 3] = u**3 / 6.0
    return base, start


@kernel
def _wave(t: NDArray[np.float64], first: float, period: float) -> NDArray[np.float64]:
    """Return cosine and sine; none without a period."""
    if np.isnan(period):
        return np.empty((t.size, 0))
    wave = np.empty((t.size, 2))
    for j in range(t.size):
        phase = 2.0 * math.pi * (((t[j] - first) / period) % 1.0)
        wave[j, 0] = math.cos(phase)
        wave[j, 1] = math.sin(phase)
    return wave


@kernel
def _trend_of(
    base: NDArray[np.float64], start: NDArray[np.int64], c: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = np.zeros(start.size)
    for j in range(start.size):
        for k in range(base.shape[1]):
            found[j] += base[j, k] * c[start[j] + k]
    return found


@kernel
def _robust_fit(
    base: NDArray[np.float64],
    start: NDArray[np.int64],
    wave: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    order: int,
    n_cells: int,
) -> NDArray[np.float64]:
    """Return the unknowns: those of the trend, then those of the sinusoid; none if too many."""
    n_trend = order + 1 if n_cells == 0 else n_cells + 3
    is_seen = np.zeros(n_trend, np.bool_)
    for j in range(start.size):
        is_seen[start[j] : start[j] + base.shape[1]] = True
    if y.size < _EPOCHS_PER_UNKNOWN * (is_seen.sum() + wave.shape[1]):
        return np.empty(0)
    middle = y.mean()
    plain = 1.0 / (e * e)
    w = plain.copy()
    c = np.zeros(n_trend + wave.shape[1])
    size = np.empty(y.size)
    for step in range(_PASSES):
        before = c
        c = _weighted_fit(base, start, wave, y - middle, w, n_trend)
        r = (y - middle - _trend_of(base, start, c) - _sum_of(wave, c[n_trend:])) / e
        size[:] = np.abs(r)
        sort_row(size)
        scale = _DEVIATION * quantile(size, 0.5)
        if not scale > 0:
            break
        for j in range(y.size):
            w[j] = plain[j] * _robust_weight(abs(r[j]) / scale, step < _HUBER_PASSES)
        if step > _HUBER_PASSES and np.abs(c - before).max() <= 1e-9 * np.abs(c).max():
            break
    return c


@kernel
def _robust_weight(x: float, is_first: bool) -> float:
    if is_first:
        return 1.0 if x <= _HUBER else _HUBER / x
    return (1.0 - (x / _BIWEIGHT) ** 2) ** 2 if x < _BIWEIGHT else 0.0


@kernel
def _sum_of(wave: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.zeros(wave.shape[0])
    for k in range(c.size):
        found += c[k] * wave[:, k]
    return found


@kernel
def _weighted_fit(
    base: NDArray[np.float64],
    start: NDArray[np.int64],
    wave: NDArray[np.float64],
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    n_trend: int,
) -> NDArray[np.float64]:
    """Solve the normal equations; of a spline they are a band with a border, the sinusoid."""
    width, n_wave = base.shape[1], wave.shape[1]
    size = n_trend + n_wave
    a, right = np.zeros((size, size)), np.zeros(size)
    for j in range(y.size):
        s = start[j]
        for k in range(width):
            weighted = w[j] * base[j, k]
            right[s + k] += weighted * y[j]
            for m in range(k + 1):
                a[s + k, s + m] += weighted * base[j, m]
        for k in range(n_wave):
            weighted = w[j] * wave[j, k]
            right[n_trend + k] += weighted * y[j]
            for m in range(width):
                a[n_trend + k, s + m] += weighted * base[j, m]
            for m in range(k + 1):
                a[n_trend + k, n_trend + m] += weighted * wave[j, m]
    _solve(a, right, n_trend, width)
    return right


@kernel
def _solve(a: NDArray[np.float64], right: NDArray[np.float64], n_trend: int, width: int) -> None:
    """Solve a symmetric system by Cholesky's method, in place; what is not determined is zero."""
    for i in range(right.size):
        first = max(0, i - width + 1) if i < n_trend else 0
        before = a[i, i]
        for j in range(first, i + 1):
            lowest = max(first, j - width + 1) if j < n_trend else first
            total = a[i, j]
            for k in range(lowest, j):
                total -= a[i, k] * a[j, k]
            if j < i:
                a[i, j] = total / a[j, j] if a[j, j] > 0 else 0.0
            else:
                a[i, i] = math.sqrt(total) if total > _DEPENDENT * before else 0.0
        total = right[i]
        for k in range(first, i):
            total -= a[i, k] * right[k]
        right[i] = total / a[i, i] if a[i, i] > 0 else 0.0
    for i in range(right.size - 1, -1, -1):
        right[i] = right[i] / a[i, i] if a[i, i] > 0 else 0.0
        first = max(0, i - width + 1) if i < n_trend else 0
        for k in range(first, i):
            right[k] -= a[i, k] * right[i]
