"""Every feature once more, slow and obvious: one light curve in one band, in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.timeseries.twins_general import TWINS_GENERAL
from tests.timeseries.twins_rubin import TWINS_RUBIN
from tests.timeseries.twins_stochastic import TWINS_STOCHASTIC

A = NDArray[Any]


def _weighted_mean(x: A, e: A) -> float:
    return float(np.average(x, weights=e**-2.0))


def _central(x: A, k: int) -> float:
    return float(np.mean((x - x.mean()) ** k))


def _skew(x: A) -> float:
    n = len(x)
    return float(np.sqrt(n * (n - 1)) / (n - 2) * _central(x, 3) / _central(x, 2) ** 1.5)


def _kurtosis(x: A) -> float:
    n = len(x)
    g2 = _central(x, 4) / _central(x, 2) ** 2 - 3
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6)


def _stetson_j(x: A, e: A) -> float:
    n = len(x)
    m = _weighted_mean(x, e)
    for _ in range(20):
        d = np.sqrt(n / (n - 1)) * (x - m) / e
        w = e**-2.0 / (1 + (np.abs(d) / 2) ** 2)
        old, m = m, float(np.average(x, weights=w))
        if abs(m - old) <= 1e-6 / np.sqrt(w.sum()):
            break
    p = (np.sqrt(n / (n - 1)) * (x - m) / e) ** 2 - 1
    return float(np.mean(np.sign(p) * np.sqrt(np.abs(p))))


def _stetson_k(x: A, e: A) -> float:
    d = (x - _weighted_mean(x, e)) / e
    return float(np.mean(np.abs(d)) / np.sqrt(np.mean(d**2)))


def _slopes(t: A, x: A) -> A:
    order = np.lexsort((x, t))
    dt, dx = np.diff(t[order]), np.diff(x[order])
    slopes: A = dx[dt > 0] / dt[dt > 0]
    return slopes if len(slopes) else np.array([np.nan])


def _eta(t: A, x: A) -> float:
    dx = np.diff(x[np.lexsort((x, t))])
    return float((dx**2).mean() / x.var(ddof=1))


def _line(t: A, x: A, e: A) -> tuple[float, float]:
    if np.ptp(t) == 0:
        return np.nan, np.nan
    origin = t.mean()
    design = np.stack([np.ones(len(t)), t - origin], axis=1) / e[:, None]
    covariance = np.linalg.inv(design.T @ design)
    return float((covariance @ design.T @ (x / e))[1]), float(np.sqrt(covariance[1, 1]))


def _mid(middle: float) -> Callable[[A, A, A], float]:
    def ratio(t: A, x: A, e: A) -> float:
        low, high = np.quantile(x, [0.5 - middle / 200, 0.5 + middle / 200])
        p05, p95 = np.quantile(x, [0.05, 0.95])
        return float((high - low) / (p95 - p05))

    return ratio


def _percentile(q: float) -> Callable[[A, A, A], float]:
    return lambda t, x, e: float(np.percentile(x, q))


TWINS: dict[str, Callable[[A, A, A], float]] = {
    "nObs": lambda t, x, e: len(x),
    "timeSpan": lambda t, x, e: np.ptp(t),
    "firstTime": lambda t, x, e: t.min(),
    "lastTime": lambda t, x, e: t.max(),
    "Ndata": lambda t, x, e: len(x),
    "Mean": lambda t, x, e: _weighted_mean(x, e),
    "MeanErr": lambda t, x, e: 1 / np.sqrt(np.sum(e**-2.0)),
    "ArithmeticMean": lambda t, x, e: x.mean(),
    "ErrMean": lambda t, x, e: e.mean(),
    "Sigma": lambda t, x, e: x.std(ddof=1),
    "Skew": lambda t, x, e: _skew(x),
    "Kurtosis": lambda t, x, e: _kurtosis(x),
    "Chi2": lambda t, x, e: np.sum(((x - _weighted_mean(x, e)) / e) ** 2),
    "ReducedChi2": lambda t, x, e: np.sum(((x - _weighted_mean(x, e)) / e) ** 2) / (len(x) - 1),
    "StetsonJ": lambda t, x, e: _stetson_j(x, e),
    "StetsonK": lambda t, x, e: _stetson_k(x, e),
    "Beyond1Std": lambda t, x, e: np.mean(np.abs(x - _weighted_mean(x, e)) > x.std(ddof=1)),
    "ExcessVariance": lambda t, x, e: (x.var(ddof=1) - np.mean(e**2)) / x.mean() ** 2,
    "MeanVariance": lambda t, x, e: x.std(ddof=1) / x.mean(),
    "Percentile05": _percentile(5),
    "Percentile25": _percentile(25),
    "Percentile50": _percentile(50),
    "Percentile75": _percentile(75),
    "Percentile95": _percentile(95),
    "Median": lambda t, x, e: np.median(x),
    "Min": lambda t, x, e: x.min(),
    "Max": lambda t, x, e: x.max(),
    "Amplitude": lambda t, x, e: np.ptp(x) / 2,
    "MAD": lambda t, x, e: np.median(np.abs(x - np.median(x))),
    "IQR": lambda t, x, e: np.subtract(*np.percentile(x, [75, 25])),
    "PercentAmplitude": lambda t, x, e: np.max(np.abs(x - np.median(x))) / np.median(x),
    "MedianBufferRange": lambda t, x, e: np.mean(np.abs(x - np.median(x)) <= 0.1 * np.ptp(x)),
    "PercentDifference": lambda t, x, e: np.subtract(*np.percentile(x, [95, 5])) / np.median(x),
    "PercentileRatioMid20": _mid(20),
    "PercentileRatioMid35": _mid(35),
    "PercentileRatioMid50": _mid(50),
    "PercentileRatioMid65": _mid(65),
    "PercentileRatioMid80": _mid(80),
    "TimeSpan": lambda t, x, e: np.ptp(t),
    "MaxSlope": lambda t, x, e: _slopes(t, x).max(),
    "MaxAbsSlope": lambda t, x, e: np.abs(_slopes(t, x)).max(),
    "Eta": lambda t, x, e: _eta(t, x),
    "LinearSlope": lambda t, x, e: _line(t, x, e)[0],
    "LinearSlopeErr": lambda t, x, e: _line(t, x, e)[1],
    **TWINS_GENERAL,
    **TWINS_STOCHASTIC,
    **TWINS_RUBIN,
}
"""Of (time, value, error); ``nExcluded`` is tested by itself."""
