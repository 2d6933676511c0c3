"""Whether every other dip of a light curve is deeper: then two of them are one orbit.

That two alike eclipses differ a little is lost among all harmonics that the two halves of an orbit
could differ in. Here there is one unknown: how much deeper the dips of even cycles are, and how
much shallower those of odd ones. Each band has a depth of its own, lest a dip be called shallower
where it was seen in the red.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.evidence import Bench
from skyseries.timeseries.kernels.phasecurve import fill_curve, fill_model
from skyseries.timeseries.kernels.reductions import lowest, place_of_lowest
from skyseries.timeseries.kernels.sorting import middle_of

__all__ = ["alternation", "without_outliers"]

_USUAL = 0.3
"""Prior standard deviation of half the difference of the depths, over their mean."""
_POINTS = 192
_OUTLIER = 4.0
"""Robust standard deviations beyond which an epoch weighs less."""
_LEAST, _LEAST_FREE = 1e-12, 0.25
_TOO_LITTLE = 0.03
"""Half the difference of the depths, over their mean, below which it is that of the model."""


@kernel
def alternation(bench: Bench, frequency: float, amplitude: NDArray[np.float64]) -> float:
    """Return the log of the evidence that dips alternate over that of dips that are alike.

    Parameters
    ----------
    bench : Bench
    frequency : float
        Of the dips, 1/d.
    amplitude : array
        The series there, see `phasecurve`; its positive side is faint.
    """
    n = bench.start[bench.n_bands]
    curve, model, change = np.empty(_POINTS), np.empty(n), np.empty(n)
    fill_curve(amplitude, curve)
    brightest, bottom = place_of_lowest(curve) / _POINTS, lowest(curve)
    fill_model(amplitude, bench.times[:n], frequency, model)
    for j in range(n):
        cycle = np.floor(frequency * bench.times[j] - brightest)
        sign = 1.0 if cycle % 2.0 == 0.0 else -1.0
        change[j] = sign * (model[j] - bottom)
    rest = bench.values[:n].copy()
    for b in range(bench.n_bands):
        lo, hi = bench.start[b], bench.start[b + 1]
        weights = bench.weights[lo:hi]
        _leave(model[lo:hi], weights, rest[lo:hi])
        _leave(model[lo:hi], weights, change[lo:hi])
    square = projection = noise = 0.0
    for j in range(n):
        square += bench.weights[j] * change[j] * change[j]
        projection += bench.weights[j] * change[j] * rest[j]
        noise += bench.weights[j] * rest[j] * rest[j]
    noise = max(noise, _LEAST)
    if abs(projection) < _TOO_LITTLE * square:
        projection = 0.0
    # the series has taken up some of the noise
    free = max(bench.n_free - amplitude.size, _LEAST_FREE * bench.n_free)
    known = noise / (free * _USUAL * _USUAL)
    explained = min(projection * projection / ((square + known) * noise), 1.0 - _LEAST)
    gain = -0.5 * np.log1p(square / known) - 0.5 * free * np.log1p(-explained)
    return float(gain)


@kernel
def _leave(
    model: NDArray[np.float64], weights: NDArray[np.float64], values: NDArray[np.float64]
) -> None:
    """Take from values what a constant and a multiple of a model explain of them."""
    total = mean = middle = 0.0
    for j in range(values.size):
        total += weights[j]
        mean += weights[j] * values[j]
        middle += weights[j] * model[j]
    if not total > 0.0:
        return
    mean, middle = mean / total, middle / total
    square = product = 0.0
    for j in range(values.size):
        square += weights[j] * (model[j] - middle) ** 2
        product += weights[j] * (model[j] - middle) * (values[j] - mean)
    factor = product / square if square > 0.0 else 0.0
    for j in range(values.size):
        values[j] -= mean + factor * (model[j] - middle)


@kernel
def without_outliers(bench: Bench, frequency: float, amplitude: NDArray[np.float64]) -> Bench:
    """Return the light curve with less weight for what lies far off a series."""
    n = bench.start[bench.n_bands]
    off = np.empty(n)
    fill_model(amplitude, bench.times[:n], frequency, off)
    for j in range(n):
        off[j] = bench.values[j] - off[j]
    weights, values = bench.weights.copy(), bench.values.copy()
    for b in range(bench.n_bands):
        lo, hi = bench.start[b], bench.start[b + 1]
        middle = middle_of(off[lo:hi])
        for j in range(lo, hi):
            off[j] -= middle
    for j in range(n):
        off[j] = abs(off[j]) * np.sqrt(weights[j])
    limit = _OUTLIER * 1.4826 * middle_of(off)
    for j in range(n):
        if off[j] > limit:
            weights[j] *= (limit / off[j]) ** 4
    total = square = 0.0
    for b in range(bench.n_bands):
        lo, hi = bench.start[b], bench.start[b + 1]
        weight = mean = 0.0
        for j in range(lo, hi):
            weight += weights[j]
            mean += weights[j] * values[j]
        for j in range(lo, hi):
            values[j] -= mean / weight
            square += weights[j] * values[j] ** 2
        total += weight
    for j in range(n):
        values[j] *= np.sqrt(total / square)
        weights[j] /= total
    return Bench(
        bench.times, weights, values, bench.start, bench.n_bands, bench.n_free, bench.span,
        bench.sums, bench.gram, bench.right, bench.factor, bench.solved,
    )  # fmt: skip
