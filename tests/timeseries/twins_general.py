"""Slow twins of the general features: normality, robust scales, sequence, fits, times."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

A = NDArray[Any]
Twin = Callable[[A, A, A], float]


def _in_time(t: A, x: A) -> A:
    return x[np.lexsort((x, t))]


def _weighted_mean(x: A, e: A) -> float:
    return float(np.average(x, weights=e**-2.0))


def _anderson(x: A) -> float:
    n = len(x)
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    i = np.arange(n)
    total = np.sum((2 * i + 1) * (special.log_ndtr(z) + special.log_ndtr(-z[::-1])))
    return float((1 + 4 / n - 25 / n**2) * (-n - total / n))


def _biweight(x: A) -> float:
    d = x - np.median(x)
    u = d / (9 * np.median(np.abs(d)))
    d, u = d[np.abs(u) < 1], u[np.abs(u) < 1]
    above = np.sqrt(len(x) * np.sum(d**2 * (1 - u**2) ** 4))
    return float(above / np.abs(np.sum((1 - u**2) * (1 - 5 * u**2))))


def _qn(x: A) -> float:
    n = len(x)
    h = n // 2 + 1
    if n > 300:
        differences = np.sort(np.abs(x[:, None] - x)[np.triu_indices(n, 1)])
    else:
        differences = np.sort([abs(a - b) for a, b in combinations(x.tolist(), 2)])
    factor = 1 / (np.sqrt(2) * special.ndtri(5 / 8))
    return float(factor * differences[h * (h - 1) // 2 - 1])


def _tails(x: A) -> float:
    s, k = np.sort(x), int(np.ceil(len(x) / 20))
    return float(np.median(s[-k:]) - np.median(s[:k])) / 2


def _gskew(x: A) -> float:
    low, high = np.quantile(x, [0.03, 0.97])
    ends = np.median(x[x <= low]) + np.median(x[x >= high])
    return float(ends - 2 * np.median(x))


def _otsu(x: A) -> tuple[float, float, float, float]:
    s = np.sort(x)
    n = len(s)
    cuts = [k for k in range(1, n) if s[k] > s[k - 1]]
    if not cuts:
        return (np.nan,) * 4
    k = max(cuts, key=lambda k: k * (n - k) * (s[k:].mean() - s[:k].mean()) ** 2)
    low, high = s[:k], s[k:]
    scales = [part.std(ddof=1) if len(part) > 1 else 0.0 for part in (low, high)]
    return float(high.mean() - low.mean()), float(scales[0]), float(scales[1]), k / n


def _cusum(t: A, x: A) -> float:
    sums = np.cumsum(_in_time(t, x) - x.mean())
    return float(np.ptp(sums) / (len(x) * x.std(ddof=1)))


def _eta_e(t: A, x: A) -> float:
    dt, dx = np.diff(np.sort(t)), np.diff(_in_time(t, x))
    if np.ptp(t) == 0:
        return np.nan
    slopes = dx[dt > 0] / dt[dt > 0]
    return float(np.ptp(t) ** 2 / (len(x) - 1) ** 3 * np.sum(slopes**2) / x.var(ddof=1))


def _abbe(t: A, x: A) -> float:
    n = len(x)
    return float(
        n / (2 * (n - 1)) * np.sum(np.diff(_in_time(t, x)) ** 2) / np.sum((x - x.mean()) ** 2)
    )


def _con(t: A, x: A) -> float:
    y = (_in_time(t, x) - x.mean()) / (2 * x.std(ddof=1))
    triples = np.lib.stride_tricks.sliding_window_view(y, 3)
    found = (triples > 1).all(axis=1) | (triples < -1).all(axis=1)
    return float(np.sum(found) / (len(x) - 2))


def _pair_slope_trend(t: A, x: A) -> float:
    return float(np.sum(np.sign(np.diff(_in_time(t, x)[-30:]))) / 30)


def _autocorrelation_k(t: A, x: A) -> float:
    y = _in_time(t, x) - x.mean()
    n = len(y)
    r = np.array([np.sum(y[: n - k] * y[k:]) for k in range(min(n, 101))]) / np.sum(y**2)
    d = r - r.mean()
    return float(np.mean(np.abs(d)) / np.sqrt(np.mean(d**2)))


def _polynomial(t: A, x: A, e: A, degree: int) -> tuple[A, A, float]:
    """Return coefficients in time from the first epoch, their covariance and chi2."""
    if len(np.unique(t)) <= degree:
        return np.full(degree + 1, np.nan), np.full((degree + 1,) * 2, np.nan), np.nan
    unit = np.ptp(t)
    design = np.vander((t - t.min()) / unit, degree + 1, increasing=True)
    q, r = np.linalg.qr(design / e[:, None])
    origin = x.mean()
    c = np.linalg.solve(r, q.T @ ((x - origin) / e))
    chi2 = float(np.sum(((x - origin - design @ c) / e) ** 2))
    c[0] += origin
    scale = unit ** -np.arange(degree + 1.0)
    inverse = np.linalg.inv(r) * scale[:, None]
    return c * scale, inverse @ inverse.T, chi2


def _trend(t: A, x: A) -> tuple[float, float, float]:
    c, covariance, chi2 = _polynomial(t, x, np.ones(len(t)), 1)
    n = len(t)
    noise = np.sqrt(chi2 / (n - 2)) if n > 2 else np.nan
    return float(c[1]), float(np.sqrt(covariance[1, 1]) * noise), float(noise)


def _parabola(t: A, x: A, e: A) -> tuple[float, float, float, float]:
    c, covariance, chi2 = _polynomial(t, x, e, 2)
    n = len(t)
    reduced = chi2 / (n - 3) if n > 3 else np.nan
    return (
        float(c[2]),
        float(np.sqrt(covariance[2, 2])),
        float(c[0] - c[1] ** 2 / (4 * c[2])),
        reduced,
    )


def _chi2(x: A, e: A) -> float:
    return float(np.sum(((x - _weighted_mean(x, e)) / e) ** 2))


def _stetson_l(t: A, x: A, e: A) -> float:
    from tests.timeseries.twins import TWINS

    return TWINS["StetsonJ"](t, x, e) * TWINS["StetsonK"](t, x, e) / 0.798


def _peak_to_peak(x: A, e: A) -> float:
    a, b = np.max(x - e), np.min(x + e)
    return float((a - b) / (a + b)) if x.min() >= 0 else np.nan


def _steps(t: A) -> A:
    return np.diff(np.sort(t))


TWINS_GENERAL: dict[str, Twin] = {
    "Range": lambda t, x, e: np.ptp(x),
    "MedianAmplitude": lambda t, x, e: np.max(np.abs(x - np.median(x))),
    "MedianBufferHalfRange": lambda t, x, e: np.mean(np.abs(x - np.median(x)) < 0.05 * np.ptp(x)),
    "InterDecileRange": lambda t, x, e: np.subtract(*np.percentile(x, [90, 10])),
    "Gskew": lambda t, x, e: _gskew(x),
    "Beyond2Std": lambda t, x, e: np.mean(np.abs(x - _weighted_mean(x, e)) > 2 * x.std(ddof=1)),
    "BeyondMean1Std": lambda t, x, e: np.mean(np.abs(x - x.mean()) > x.std(ddof=1)),
    "AndersonDarling": lambda t, x, e: _anderson(x),
    "BiweightScale": lambda t, x, e: _biweight(x),
    "QnScale": lambda t, x, e: _qn(x),
    "AmplitudePercentile": lambda t, x, e: _tails(x),
    "OtsuMeanDiff": lambda t, x, e: _otsu(x)[0],
    "OtsuStdLower": lambda t, x, e: _otsu(x)[1],
    "OtsuStdUpper": lambda t, x, e: _otsu(x)[2],
    "OtsuLowerFraction": lambda t, x, e: _otsu(x)[3],
    "Chi2Pvar": lambda t, x, e: stats.chi2.sf(_chi2(x, e), len(x) - 1),
    "RoMS": lambda t, x, e: np.sum(np.abs(x - np.median(x)) / e) / (len(x) - 1),
    "PeakToPeakVar": lambda t, x, e: _peak_to_peak(x, e),
    "Cusum": lambda t, x, e: _cusum(t, x),
    "EtaE": lambda t, x, e: _eta_e(t, x),
    "Abbe": lambda t, x, e: _abbe(t, x),
    "Con": lambda t, x, e: _con(t, x),
    "PairSlopeTrend": lambda t, x, e: _pair_slope_trend(t, x),
    "StetsonL": _stetson_l,
    "StetsonKAC": lambda t, x, e: _autocorrelation_k(t, x),
    "LinearAtFirst": lambda t, x, e: _polynomial(t, x, e, 1)[0][0],
    "LinearReducedChi2": lambda t, x, e: _polynomial(t, x, e, 1)[2] / (len(x) - 2),
    "LinearTrend": lambda t, x, e: _trend(t, x)[0],
    "LinearTrendErr": lambda t, x, e: _trend(t, x)[1],
    "LinearTrendNoise": lambda t, x, e: _trend(t, x)[2],
    "ParabolaCurvature": lambda t, x, e: _parabola(t, x, e)[0],
    "ParabolaCurvatureErr": lambda t, x, e: _parabola(t, x, e)[1],
    "ParabolaExtremum": lambda t, x, e: _parabola(t, x, e)[2],
    "ParabolaReducedChi2": lambda t, x, e: _parabola(t, x, e)[3],
    "TimeMean": lambda t, x, e: t.mean(),
    "TimeStandardDeviation": lambda t, x, e: t.std(ddof=1),
    "MaxTimeInterval": lambda t, x, e: _steps(t).max(),
    "MinTimeInterval": lambda t, x, e: _steps(t).min(),
}
"""Of (time, value, error)."""
