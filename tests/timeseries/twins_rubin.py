"""Rubin's columns once more, slow and obvious, from what its plugins say that they compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

A = NDArray[Any]


def intercept(t: A, x: A, e: A) -> float:
    """Return the value at time zero of the weighted straight line."""
    if np.ptp(t) == 0:
        return np.nan
    # in extended precision: zero is far outside of the times
    t, x, w = (np.asarray(a, np.longdouble) for a in (t, x, e**-2.0))
    tw, xw = np.average(t, weights=w), np.average(x, weights=w)
    slope = np.sum(w * (t - tw) * (x - xw)) / np.sum(w * (t - tw) ** 2)
    return float(xw - slope * tw)


def _stetson_j(x: A, e: A) -> float:
    n = len(x)
    mean = np.average(x, weights=e**-2.0)
    for _ in range(20):
        chi = np.abs(np.sqrt(n / (n - 1)) * (x - mean) / e)
        before, mean = mean, np.average(x, weights=e**-2.0 / (1 + (chi / 2) ** 2))
        if abs(mean - before) < 1e-6:
            break
    p = n / (n - 1) * ((x - mean) / e) ** 2 - 1
    return float(np.mean(np.sign(p) * np.sqrt(np.abs(p))))


def _skew(x: A) -> float:
    """Return the adjusted Fisher-Pearson coefficient, as pandas does."""
    n, d = len(x), x - x.mean()
    return float(n * np.sqrt(n - 1) / (n - 2) * np.sum(d**3) / np.sum(d**2) ** 1.5)


def _max_slope(t: A, x: A) -> float:
    order = np.argsort(t)
    return float(np.max(np.diff(x[order]) / np.diff(t[order])))


def _slope(t: A, x: A, e: A) -> float:
    """Return the slope of the line that solves the weighted equations."""
    design = np.stack([(t - t[0]) / e, 1 / e], axis=1)
    return float(np.linalg.lstsq(design, x / e, rcond=None)[0][0])


PUBLISHED: dict[str, tuple[int, Callable[[A, A, A], float]]] = {
    "Chi2": (1, lambda t, x, e: np.sum(((x - np.average(x, weights=e**-2.0)) / e) ** 2)),
    "ErrMean": (1, lambda t, x, e: e.mean()),
    "LinearIntercept": (2, intercept),
    "LinearSlope": (2, _slope),
    "MAD": (1, lambda t, x, e: np.median(np.abs(x - np.median(x)))),
    "Max": (1, lambda t, x, e: x.max()),
    "MaxSlope": (2, lambda t, x, e: _max_slope(t, x)),
    "Mean": (1, lambda t, x, e: np.sum(x * e**-2.0) / np.sum(e**-2.0)),
    "MeanErr": (1, lambda t, x, e: np.sum(e**-2.0) ** -0.5),
    "Min": (1, lambda t, x, e: x.min()),
    "Ndata": (0, lambda t, x, e: len(x)),
    **{
        f"Percentile{q:02d}": (1, lambda t, x, e, q=q: np.percentile(x, q))
        for q in (5, 25, 50, 75, 95)
    },
    "Sigma": (2, lambda t, x, e: x.std(ddof=1)),
    "Skew": (3, lambda t, x, e: _skew(x)),
    "StetsonJ": (2, lambda t, x, e: _stetson_j(x, e)),
}
"""From how many epochs on, and what, by the end of the published name."""

TWINS_RUBIN: dict[str, Callable[[A, A, A], float]] = {"LinearIntercept": intercept}
