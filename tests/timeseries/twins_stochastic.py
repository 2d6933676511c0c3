"""Slow twins of the features of correlation, detections and cadence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

A = NDArray[Any]
Twin = Callable[[A, A, A], float]


def _ordered(t: A, x: A, e: A) -> tuple[A, A, A]:
    order = np.lexsort((x, t))
    return t[order], x[order], e[order]


def _hat(period: float) -> Twin:
    """Return the Mexican hat variance, with the filter of each epoch as a row of a matrix."""

    def variance(t: A, x: A, e: A) -> float:
        lag = t[:, None] - t
        sigma = 0.225 * period
        near = np.abs(lag) <= 6 * sigma
        gauss = np.where(near, np.exp(-0.5 * (lag / sigma) ** 2), 0)
        gauss /= gauss.sum(axis=1, keepdims=True)
        square = (lag / sigma) ** 2
        hat = gauss * (square - (gauss * square).sum(axis=1, keepdims=True))
        seen = (near & (lag != 0)).any(axis=1)
        each = (hat @ (x - x.mean())) ** 2 - hat**2 @ e**2
        return float(16 / (3 * np.sqrt(2 * np.pi)) * each[seen].mean()) if seen.any() else np.nan

    return variance


def _hat_ratio(t: A, x: A, e: A) -> float:
    low, high = _hat(100)(t, x, e), _hat(10)(t, x, e)
    return low / high if low > 0 and high > 0 else np.nan


def _autocorrelation_length(t: A, x: A, e: A) -> float:
    _, x, _ = _ordered(t, x, e)
    d = x - x.mean()
    products = np.array([d[: len(d) - lag] @ d[lag:] for lag in range(len(d))])
    below = np.flatnonzero(products < np.exp(-1) * products[0])
    return float(below[0]) if len(below) else np.nan


def _slotted_length(t: A, x: A, e: A) -> float:
    d = x - x.mean()
    i, j = np.triu_indices(len(t), 1)
    slot = np.floor(np.abs(t[i] - t[j]) + 0.5).astype(int)
    for k in np.unique(slot[(slot >= 1) & (slot < 4096)]):
        if (d[i] * d[j])[slot == k].mean() < np.exp(-1) * np.mean(d**2):
            return float(k)
    return np.nan


def _structure_index(upper: int, lower: int) -> Twin:
    def slope(t: A, x: A, e: A) -> float:
        t, x, _ = _ordered(t, x, e)
        if np.ptp(t) == 0:
            return np.nan
        m = np.interp(np.linspace(t[0], t[-1], 100), t, x)
        steps = [np.abs(m[lag:] - m[:-lag]) for lag in range(1, 100)]
        functions = [np.log([np.mean(a**p) for a in steps]) for p in (lower, upper)]
        return float(np.polyfit(*functions, 1)[0])

    return slope


def _ema(days: float) -> Twin:
    def average(t: A, x: A, e: A) -> float:
        t, x, _ = _ordered(t, x, e)
        value = x[0]
        for dt, new in zip(np.diff(t), x[1:], strict=True):
            value = np.exp(-dt / days) * value + (1 - np.exp(-dt / days)) * new
        return float(value)

    return average


def _detected(t: A, x: A, e: A) -> A:
    t, x, e = _ordered(t, x, e)
    found: A = np.flatnonzero(np.abs(x / e) > 5)
    return found


def _time_of(which: int) -> Twin:
    def time(t: A, x: A, e: A) -> float:
        found = _detected(t, x, e)
        return float(np.sort(t)[found[which]]) if len(found) else np.nan

    return time


def _before(t: A, x: A, e: A) -> float:
    found = _detected(t, x, e)
    return found[0] if len(found) else len(t)


def _after(t: A, x: A, e: A) -> float:
    found = _detected(t, x, e)
    return len(t) - 1 - found[-1] if len(found) else len(t)


def _positive_fraction(t: A, x: A, e: A) -> float:
    found = np.abs(x / e) > 5
    return float(np.mean(x[found] > 0)) if found.any() else np.nan


def _slope(low: float, high: float) -> Twin:
    def slope(t: A, x: A, e: A) -> float:
        since = t - t[np.argmax(x)]
        near = (since >= low) & (since <= high)
        if np.ptp(t[near]) == 0:
            return np.nan
        return float(np.polyfit(since[near], x[near] - x.max(), 1, w=1 / e[near])[0])

    return slope


def _since(which: int) -> Twin:
    return lambda t, x, e: t.max() - _time_of(which)(t, x, e)


def _share(limit: float) -> Twin:
    return lambda t, x, e: float(np.mean(np.diff(np.sort(t)) < limit))


def _seasons(t: A, x: A, e: A) -> float:
    return 1.0 + np.sum(np.diff(np.sort(t)) > 60)


def _nights(t: A, x: A, e: A) -> float:
    return len(np.unique(np.floor(t - 0.5)))


_CADENCE: dict[str, Twin] = {
    "NumNights": _nights,
    "EpochsPerNight": lambda t, x, e: len(t) / _nights(t, x, e),
    "NumSeasons": _seasons,
    "IntervalMean": lambda t, x, e: np.diff(np.sort(t)).mean(),
    "IntervalSigma": lambda t, x, e: np.diff(np.sort(t)).std(ddof=1),
    "IntervalMedian": lambda t, x, e: float(np.median(np.diff(np.sort(t)))),
    "IntervalShare1h": _share(1 / 24),
    "IntervalShare1d": _share(1),
    "IntervalShare10d": _share(10),
    "IntervalShare100d": _share(100),
}

PARAMETERS = {"u": (-3.90, 2.73), "g": (-4.10, 2.92), "r": (-4.34, 3.12), "i": (-4.23, 2.83)}


def quasar(t: A, m: A, e: A, band: str) -> tuple[float, float]:
    variance, tau = (10**p for p in PARAMETERS[band])
    c = 0.5 * variance * tau * np.exp(-np.abs(t[:, None] - t) / tau) + np.diag(e**2)
    inverse, ones = np.linalg.inv(c), np.ones(len(t))
    d = m - (ones @ inverse @ m) / (ones @ inverse @ ones)
    nu = len(t) - 1
    return d @ inverse @ d / nu, np.trace(inverse) * np.var(m) / nu


TWINS_STOCHASTIC: dict[str, Twin] = {
    "MHPSLow": _hat(100),
    "MHPSHigh": _hat(10),
    "MHPSRatio": _hat_ratio,
    "AutocorrelationLength": _autocorrelation_length,
    "SlottedAutocorrelationLength": _slotted_length,
    "SFIndex21": _structure_index(2, 1),
    "SFIndex31": _structure_index(3, 1),
    "SFIndex32": _structure_index(3, 2),
    "Ema2": _ema(2),
    "Ema8": _ema(8),
    "Ema28": _ema(28),
    "NumPositive": lambda t, x, e: np.sum(x / e > 5),
    "NumNegative": lambda t, x, e: np.sum(x / e < -5),
    "PositiveFraction": _positive_fraction,
    "FirstDetection": _time_of(0),
    "LastDetection": _time_of(-1),
    "NonDetBefore": _before,
    "NonDetAfter": _after,
    "TimeOfMax": lambda t, x, e: t[np.argmax(x)],
    "RiseSlope": _slope(-28, 0),
    "FadeSlope": _slope(0, 28),
    "timeSinceFirstDetection": _since(0),
    "timeSinceLastDetection": _since(-1),
    "intervalMax": lambda t, x, e: np.diff(np.sort(t)).max(),
    **_CADENCE,
    **{name[0].lower() + name[1:]: twin for name, twin in _CADENCE.items()},
}
