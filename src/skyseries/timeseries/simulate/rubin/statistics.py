"""Statistics of the fluxes of each DiaObject in each band, as the table DiaObject has them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyseries.arraytypes import Floats, Ints

__all__ = ["Fluxes", "statistics"]

_PERCENTILES = ("05", "25", "50", "75", "95")


class Fluxes(NamedTuple):
    """Fluxes, each in a slot: those of one object in one band share it; sorted by slot and time."""

    slot: Ints
    time: Floats
    value: Floats
    error: Floats


def statistics(fluxes: Fluxes, n: int) -> dict[str, Floats]:
    """Return statistics of the fluxes in each of n slots by name; NaN where there are too few.

    ``Mean`` is weighted with the inverse squares of the errors, ``MeanErr`` its error; ``Chi2`` is
    about it. ``Sigma`` is the standard deviation (n - 1), ``MAD`` the median distance from the
    median. ``StetsonJ`` is that of Stetson 1996, PASP 108, 851, eq. 2, for single observations of
    the same weight.
    """
    slot, _, value, error = fluxes
    with np.errstate(invalid="ignore", divide="ignore"):
        count = np.bincount(slot, minlength=n).astype(np.float64)
        weight = error**-2.0
        total = _sums(slot, n, weight)
        mean = _sums(slot, n, weight * value) / total
        plain = _sums(slot, n, value) / count
        away = value - plain[slot]
        variance = _sums(slot, n, away**2) / (count - 1.0)
        pull = (value - mean[slot]) / error
        change = np.sqrt(count / (count - 1.0))[slot] * pull
        excess = change**2 - 1.0
        found = {
            "Ndata": count,
            "Mean": mean,
            "MeanErr": total**-0.5,
            "ErrMean": _sums(slot, n, error) / count,
            "Sigma": np.sqrt(variance),
            "Chi2": _sums(slot, n, pull**2),
            "Skew": _sums(slot, n, away**3) / count / (variance * (count - 1.0) / count) ** 1.5,
            "StetsonJ": _sums(slot, n, np.sign(excess) * np.sqrt(np.abs(excess))) / count,
            **_line(fluxes, n),
            **_of_sorted(slot, value, n),
        }
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _sums(slot: Ints, n: int, values: Floats) -> Floats:
    return np.asarray(np.bincount(slot, values, n), np.float64)


def _line(fluxes: Fluxes, n: int) -> dict[str, Floats]:
    """Return slope and intercept of the lines through the fluxes, and the steepest change."""
    slot, time, value, error = fluxes
    weight = error**-2.0
    total = _sums(slot, n, weight)
    t, f = (_sums(slot, n, weight * of) / total for of in (time, value))
    across = time - t[slot]
    slope = _sums(slot, n, weight * across * value) / _sums(slot, n, weight * across**2)
    steepest = np.full(n, np.nan)
    same = slot[1:] == slot[:-1]
    change = np.abs(np.diff(value)[same] / np.diff(time)[same])
    np.fmax.at(steepest, slot[1:][same], change)
    return {"LinearSlope": slope, "LinearIntercept": f - slope * t, "MaxSlope": steepest}


def _of_sorted(slot: Ints, value: Floats, n: int) -> dict[str, Floats]:
    """Return least and largest value, percentiles, and the median distance from the median."""
    quantile = _Quantiles(slot, value, n)
    median = quantile(0.5)
    return {
        "Min": quantile(0.0),
        "Max": quantile(1.0),
        "MAD": _Quantiles(slot, np.abs(value - median[slot]), n)(0.5),
        **{f"Percentile{percent}": quantile(float(percent) / 100.0) for percent in _PERCENTILES},
    }


class _Quantiles:
    """Quantiles of the values in each slot, linear between neighbours."""

    def __init__(self, slot: Ints, value: Floats, n: int) -> None:
        self._value = value[np.lexsort((value, slot))]
        self._start = np.searchsorted(slot, np.arange(n))
        self._last = np.bincount(slot, minlength=n) - 1

    def __call__(self, q: float) -> Floats:
        place = q * np.maximum(self._last, 0)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(self._last, 0))
        padded = np.append(self._value, np.nan)
        low, high = padded[self._start + below], padded[self._start + above]
        found = low + (place - below) * (high - low)
        return np.where(self._last >= 0, found, np.nan)
