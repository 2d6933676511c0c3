"""The epochs of one light curve as a fit sees them: units of the bands, weights, noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.harmonics import equalize
from skyseries.timeseries.kernels.reductions import total_of, variance
from skyseries.timeseries.kernels.sorting import middle_of, order_of

__all__ = ["BandEpochs", "band_epochs", "likeness", "set_weights"]

_SHRINK = 10.0
"""Epochs that the mean of all bands weighs when the noise of one band is estimated."""

_LEAST_NOISE = 1e-12
"""Of the mean square of the values: less noise than this is not told from rounding."""

_LEAST_LEFT = 0.25
"""Share of the epochs of a band that count as degrees of freedom, however many are used up."""

_LEAST_ERROR = 1e-3
"""Of the usual variance of a band: an epoch of less would stand for all others."""

_NEWTON_STEPS = 12
_CLOSE = 1e-3


class BandEpochs(NamedTuple):
    """The epochs of the bands that have two or more, band after band."""

    time: NDArray[np.float64]
    """(n,) days from `zero`; a fit moves the bands that are late."""
    value: NDArray[np.float64]
    """(n,) in units of the bands, about their weighted means."""
    given: NDArray[np.float64]
    """(n,) variances that follow from the errors."""
    weight: NDArray[np.float64]
    """(n,) they sum to 1."""
    residual: NDArray[np.float64]
    """(n,) what a fit leaves of the values."""
    start: NDArray[np.int64]
    """(n_kept + 1,) where each band begins."""
    which: NDArray[np.int64]
    """(n_kept,) which of all bands they are."""
    unit: NDArray[np.float64]
    """(n_kept,) the units of the bands: each scatters by about 1."""


@kernel
def band_epochs(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    floor: float,
    fraction: float,
) -> tuple[BandEpochs, float]:
    """Return the epochs of one light curve, weighted by their errors, and their mean time.

    The arguments are those of `harmonics.prepare`. All weights are 0 where nothing varies.
    """
    lo, hi = bounds[0], bounds[bounds.size - 1]
    scaled, errors = np.empty(hi - lo), np.empty(hi - lo)
    equalize(y, e, bounds, floor, scaled, errors)
    n = kept = 0
    least = 0.0
    for b in range(bounds.size - 1):
        size = bounds[b + 1] - bounds[b]
        if size >= 2:
            n, kept = n + size, kept + 1
            least += size * variance(scaled[bounds[b] - lo : bounds[b + 1] - lo])
    least *= _LEAST_NOISE / max(n, 1)
    epochs = BandEpochs(
        np.empty(n), np.empty(n), np.empty(n), np.zeros(n), np.zeros(n),
        np.zeros(kept + 1, np.int64), np.empty(kept, np.int64), np.empty(kept),
    )  # fmt: skip
    n = kept = 0
    for b in range(bounds.size - 1):
        first, size = bounds[b], bounds[b + 1] - bounds[b]
        if size < 2:
            continue
        at = first - lo
        epochs.which[kept] = b
        epochs.unit[kept] = np.sqrt(e[first] ** 2 + floor**2) / errors[at]
        extra = (fraction * variance(scaled[at : at + size]) ** 0.5) ** 2 * size / (size - 1)
        for j in range(size):
            epochs.time[n + j] = t[first + j]
            epochs.value[n + j] = scaled[at + j]
            epochs.given[n + j] = max(errors[at + j] ** 2 + extra, least)
        usual = _LEAST_ERROR * middle_of(epochs.given[n : n + size])
        for j in range(n, n + size):
            epochs.given[j] = max(epochs.given[j], usual)
        n, kept = n + size, kept + 1
        epochs.start[kept] = n
    return epochs, _weigh_as_given(epochs)


@kernel
def _weigh_as_given(epochs: BandEpochs) -> float:
    """Set weights, units and times, and return the mean time."""
    n = epochs.value.size
    if n == 0:
        return np.nan
    first = epochs.time[0]
    total = mean = 0.0
    for j in range(n):
        epochs.weight[j] = 1.0 / epochs.given[j]
        total += epochs.weight[j]
        mean += epochs.weight[j] * (epochs.time[j] - first)
    zero = first + mean / total
    for j in range(n):
        epochs.time[j] -= zero
        epochs.weight[j] /= total
    _centre(epochs)
    squares = 0.0
    for j in range(n):
        squares += epochs.weight[j] * epochs.value[j] ** 2
    if not squares > 0.0:
        epochs.weight[:] = 0.0
        return float(zero)
    scatter = np.sqrt(squares)
    for j in range(n):
        epochs.value[j] /= scatter
        epochs.given[j] /= squares
    for b in range(epochs.unit.size):
        epochs.unit[b] *= scatter
    return float(zero)


@kernel
def _centre(epochs: BandEpochs) -> None:
    """Take the weighted mean from the values of each band."""
    for b in range(epochs.start.size - 1):
        total = mean = 0.0
        for j in range(epochs.start[b], epochs.start[b + 1]):
            total += epochs.weight[j]
            mean += epochs.weight[j] * epochs.value[j]
        mean /= total
        for j in range(epochs.start[b], epochs.start[b + 1]):
            epochs.value[j] -= mean


@kernel
def set_weights(epochs: BandEpochs, common: float, own: NDArray[np.float64]) -> float:
    """Set the weights by the residuals of each band, and return the mean variance.

    The variances of a band are those given times a factor below 1, or plus a constant, such that
    its residuals are just as large as they should be. With few epochs in a band its noise is drawn
    to that of all bands.

    Parameters
    ----------
    common : float
        Unknowns of the fit that all bands determine together.
    own : (n_kept,) array
        Unknowns that each band determines for itself.

    Returns
    -------
    variance : float
        The weighted mean square of the noise by all residuals: that of an epoch is this over n
        times its weight.
    """
    n, n_bands = epochs.value.size, own.size
    factors, extras = np.empty(n_bands), np.empty(n_bands)
    mean_factor = mean_extra = 0.0
    for b in range(n_bands):
        lo, hi = epochs.start[b], epochs.start[b + 1]
        size = hi - lo
        left = max(size * (1.0 - common / n) - own[b], _LEAST_LEFT * size)
        factors[b], extras[b] = _noise_of(epochs.residual[lo:hi], epochs.given[lo:hi], left)
        mean_factor += size * factors[b] / n
        mean_extra += size * extras[b] / n
    total = chi2 = 0.0
    for b in range(n_bands):
        lo, hi = epochs.start[b], epochs.start[b + 1]
        share = (hi - lo) / (hi - lo + _SHRINK)
        factor = share * factors[b] + (1.0 - share) * mean_factor
        extra = share * extras[b] + (1.0 - share) * mean_extra
        for j in range(lo, hi):
            weight = 1.0 / max(factor * epochs.given[j] + extra, _LEAST_NOISE)
            epochs.weight[j] = weight
            total += weight
            chi2 += weight * epochs.residual[j] ** 2
    for j in range(n):
        epochs.weight[j] /= total
    _centre(epochs)
    left = max(n - common - total_of(own), _LEAST_LEFT * n)
    return float(max(chi2 / total * n / left, _LEAST_NOISE))


@kernel
def _noise_of(
    residual: NDArray[np.float64], given: NDArray[np.float64], left: float
) -> tuple[float, float]:
    """Return factor and constant that make the chi square that of `left` degrees of freedom."""
    chi2 = extra = 0.0
    for j in range(residual.size):
        chi2 += residual[j] ** 2 / given[j]
    if chi2 <= left:
        return chi2 / left, extra
    # convex and falling in the constant: steps of Newton from below never pass the root
    for _ in range(_NEWTON_STEPS):
        chi2 = slope = 0.0
        for j in range(residual.size):
            inverse = 1.0 / (given[j] + extra)
            part = residual[j] ** 2 * inverse
            chi2 += part
            slope += part * inverse
        step = (chi2 - left) / slope
        extra += step
        if step <= _CLOSE * extra:
            break
    return 1.0, extra


@kernel
def likeness(epochs: BandEpochs, within: float) -> float:
    """Return how much larger the variance of sums of residuals is than that of independent ones.

    Summed are the residuals, over their errors, of epochs that lie within so many days, in any
    band. About 1, or less by what a fit took up, where the noise is white; as many as there are
    epochs together where their residuals are the same.
    """
    order = order_of(epochs.time, epochs.time)
    begin = -np.inf
    part = alone = together = 0.0
    for j in order:
        if epochs.time[j] - begin > within:
            begin = epochs.time[j]
            together += part * part
            part = 0.0
        residual = np.sqrt(epochs.weight[j]) * epochs.residual[j]
        part += residual
        alone += residual * residual
    return float((together + part * part) / alone) if alone > 0.0 else 1.0
