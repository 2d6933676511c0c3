"""The best frequency of one light curve near a given one, and how well the epochs determine it.

The model is a Fourier series of all bands, of which each band differs (`bandseries`) by a factor,
by a lag and in its first harmonics, with a mean of its own. Its amplitudes follow from linear
equations at each frequency, so the chi square with their priors is a function of the frequency
alone, of which this finds the minimum by Gauss and Newton (variable projection: Golub & Pereyra
1973, SIAM J. Num. Anal. 10, 413). In turns with the frequency the noise of each band is taken from
its residuals, and the width of the prior of the amplitudes from the amplitudes (MacKay 1992, Neural
Comp. 4, 415).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.bandepochs import BandEpochs, band_epochs, likeness, set_weights
from skyseries.timeseries.kernels.bandseries import (
    Arrow,
    factor,
    fill_variances,
    make_arrow,
    solve,
)
from skyseries.timeseries.kernels.fourier import fill_normal, fill_sums
from skyseries.timeseries.kernels.orthogonal import dot, subtract
from skyseries.timeseries.kernels.reductions import highest, lowest, total_of

__all__ = ["BandModel", "PeriodFit", "fill_series", "fit_period"]

_TILE = 128
_LEAST_ROUNDS, _MOST_ROUNDS = 4, 12

_CLOSE = 1e-3
"""A step of so many errors is the last one."""

_STEP = 0.1
"""How far the frequency may go in one step, in units of 1 / time span."""

_REACH = 0.3
"""And in all."""

_SHARE = 0.5
"""First guess of the share of the variance that is noise; so much is signal, too."""

_LEAST_FREE = 1e-3

_AT_ONCE = 0.05
"""Epochs within so many cycles share what the model lacks: a bump, a cycle unlike the others. How
much they do is seen from their residuals, and then they count for less."""

_LEAST_TRUE = 0.4
"""Share of the curvature that is believed, however much of it could be noise."""

_FACTOR_PRIOR = 0.5
"""Standard deviation of the factors of the bands about those of `harmonics.equalize`."""

_LAG_PRIOR = 0.03
"""Standard deviation of the lags of the bands, in cycles: wide, lest what is left of a lag turn the
frequency where one band was observed earlier than another."""

_OWN_TERMS = 6
"""Harmonics in which a band may differ from the others, beside factor and lag."""

_OWN_PRIOR = 0.01
"""Variance of these differences over that of the series."""

_MOST_CHANGE = 0.5
_MOST_LAG = 0.1
"""Changes of a factor (relative) and of a lag (cycles) in one round."""


class BandModel(NamedTuple):
    """A series and its differences in bands, `m` and `d` unknowns, and what a round needs."""

    common: NDArray[np.float64]
    """(m,) amplitudes of cos and sin of the harmonics of the series of all bands."""
    prior: NDArray[np.float64]
    """(m,) their variances."""
    own: NDArray[np.float64]
    """(n_bands, d) by how much each band differs in each direction."""
    directions: NDArray[np.float64]
    """(d, m) the series itself, its derivative by the phase in cycles, single amplitudes."""
    scale: NDArray[np.float64]
    """(n_bands,) factor of each band."""
    lag: NDArray[np.float64]
    """(n_bands,) cycles by which each band is early."""
    sums: NDArray[np.float64]
    """See `fourier.fill_sums`."""
    gram: NDArray[np.float64]
    """(n_bands, m, m)"""
    right: NDArray[np.float64]
    """(n_bands, m)"""
    common_penalty: NDArray[np.float64]
    """(m,) precisions of the priors, in the unit of the weights."""
    own_penalty: NDArray[np.float64]
    """(n_bands, d)"""
    common_variance: NDArray[np.float64]
    """(m,) of the amplitudes, in the unit of the weights, and (n_bands, d) of the differences."""
    own_variance: NDArray[np.float64]
    arrow: Arrow


class PeriodFit(NamedTuple):
    """The fit of one light curve; a frequency of NaN where nothing could be fitted."""

    frequency: float
    """1/d."""
    error: float
    """Standard deviation of the frequency."""
    zero: float
    """The weighted mean time, from which phases are counted."""
    noise: float
    """See `bandepochs.set_weights`."""
    free: float
    """Unknowns that the epochs determine, frequency and means included."""
    epochs: BandEpochs
    model: BandModel


@kernel
def fit_period(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    floor: float,
    fraction: float,
    frequency: float,
    profile: NDArray[np.float64],
) -> PeriodFit:
    """Fit one light curve.

    Parameters
    ----------
    t, y, e : arrays
        Epochs of many light curves.
    bounds : (n_bands + 1,) array
        Where each band of this light curve begins.
    floor, fraction : float
        As in `harmonics.prepare`.
    frequency : float
        1/d, within 0.1 / T of the best one, T being the time span.
    profile : (K,) array
        Prior variances of the harmonics up to a factor. There are fewer harmonics where there are
        not two epochs more than means, harmonics (two each) and a frequency.
    """
    epochs, zero = band_epochs(t, y, e, bounds, floor, fraction)
    n, n_bands = epochs.value.size, epochs.which.size
    n_terms = max(min(profile.size, (n - n_bands - 3) // 2), 0)
    model = _begin(n_bands, profile[:n_terms])
    span = highest(epochs.time) - lowest(epochs.time) if n > 0 else 0.0
    if n_terms == 0 or not span > 0 or epochs.weight[0] == 0.0 or not np.isfinite(frequency):
        return PeriodFit(np.nan, np.nan, zero, np.nan, np.nan, epochs, model)
    best, noise, error, free = frequency, _SHARE, np.nan, 0.0
    for k in range(_MOST_ROUNDS):
        fill_sums(epochs.time, epochs.weight, epochs.value, epochs.start, n_bands, best, model.sums)
        _fit_amplitudes(model, noise / n)
        slope, curvature = _derivatives(epochs, model, best)
        if not curvature > 0.0:
            return PeriodFit(np.nan, np.nan, zero, np.nan, np.nan, epochs, model)
        common, own = _count(model)
        free = common + total_of(own)
        noise = set_weights(epochs, common, own)
        true = curvature - _false_curvature(epochs, model) * noise / n
        error = np.sqrt(noise / n * curvature) / max(true, _LEAST_TRUE * curvature)
        step = min(max(slope / curvature, -_STEP / span), _STEP / span)
        moved = min(max(best + step, frequency - _REACH / span), frequency + _REACH / span)
        step, best = moved - best, moved
        _absorb(epochs, model, best)
        if k + 1 >= _LEAST_ROUNDS and abs(step) <= _CLOSE * error:
            break
    error *= np.sqrt(max(likeness(epochs, _AT_ONCE / best), 1.0))
    return PeriodFit(best, error, zero, noise, free, epochs, model)


@kernel
def _begin(n_bands: int, profile: NDArray[np.float64]) -> BandModel:
    n_terms = profile.size
    m = 2 * n_terms
    d = 2 + 2 * min(n_terms, _OWN_TERMS) if n_bands > 1 else 0
    prior, directions = np.empty(m), np.zeros((d, m))
    whole = total_of(profile)
    for p in range(m):
        prior[p] = _SHARE * profile[p // 2] / whole
    for p in range(2, d):
        directions[p, p - 2] = 1.0
    return BandModel(
        np.zeros(m), prior, np.zeros((n_bands, d)), directions, np.ones(n_bands),
        np.zeros(n_bands), np.empty((n_bands, 4, 1 + m)), np.empty((n_bands, m, m)),
        np.empty((n_bands, m)), np.empty(m), np.empty((n_bands, d)), np.empty(m),
        np.empty((n_bands, d)), make_arrow(n_bands, m, d),
    )  # fmt: skip


@kernel
def _fit_amplitudes(model: BandModel, variance: float) -> None:
    """Fit the amplitudes to the sums; `variance` is that of the mean of all values."""
    n_bands, m = model.right.shape
    d = model.own.shape[1]
    _set_directions(model)
    for p in range(m):
        model.common[p] = 0.0
        model.common_penalty[p] = variance / model.prior[p]
    for b in range(n_bands):
        gram, right, s = model.gram[b], model.right[b], model.scale[b]
        fill_normal(model.sums[b : b + 1], 1, 1, m // 2, gram, right)
        for p in range(m):
            right[p] *= s
            model.common[p] += right[p]
            for q in range(p + 1):
                gram[p, q] *= s * s
                gram[q, p] = gram[p, q]
        for p in range(d):
            model.own[b, p] = dot(model.directions[p], right)
        if d > 0:
            _set_penalty(model, b, variance)
    factor(model.gram, model.directions, model.common_penalty, model.own_penalty, model.arrow)
    solve(model.arrow, model.common, model.own)


@kernel
def _set_directions(model: BandModel) -> None:
    if model.directions.shape[0] == 0:
        return
    along, across = model.directions[0], model.directions[1]
    for k in range(model.common.size // 2):
        a, b = model.common[2 * k], model.common[2 * k + 1]
        turn = 2.0 * np.pi * (k + 1)
        along[2 * k], along[2 * k + 1] = a, b
        across[2 * k], across[2 * k + 1] = turn * b, -turn * a


@kernel
def _set_penalty(model: BandModel, b: int, variance: float) -> None:
    """Set the priors of the differences of a band.

    Those of factor and lag are about 1 and 0: what they are now is part of the difference.
    """
    penalty, own, s = model.own_penalty[b], model.own[b], model.scale[b]
    of_factor = variance / _FACTOR_PRIOR**2
    penalty[0] = of_factor * s * s
    own[0] -= of_factor * s * (s - 1.0)
    penalty[1] = variance / _LAG_PRIOR**2
    own[1] -= penalty[1] * model.lag[b]
    for p in range(2, penalty.size):
        penalty[p] = variance / (_OWN_PRIOR * model.prior[p - 2])


@kernel
def fill_series(model: BandModel, b: int, series: NDArray[np.float64]) -> None:
    """Fill the amplitudes, (m,), of the series of a band in its unit."""
    for p in range(series.size):
        series[p] = model.common[p]
    for p in range(model.own.shape[1]):
        subtract(series, -model.own[b, p], model.directions[p])
    for p in range(series.size):
        series[p] *= model.scale[b]


@kernel
def _absorb(epochs: BandEpochs, model: BandModel, frequency: float) -> None:
    """Take what was found of factors and lags into the design of the next round."""
    if model.own.shape[1] == 0:
        return
    for b in range(model.scale.size):
        model.scale[b] *= 1.0 + min(max(model.own[b, 0], -_MOST_CHANGE), _MOST_CHANGE)
        step = min(max(model.own[b, 1], -_MOST_LAG), _MOST_LAG)
        model.lag[b] += step
        late = step / frequency
        for j in range(epochs.start[b], epochs.start[b + 1]):
            epochs.time[j] += late
        model.own[b, 0] = model.own[b, 1] = 0.0


@kernel
def _count(model: BandModel) -> tuple[float, NDArray[np.float64]]:
    """Return how many unknowns of all bands, and of each, are determined.

    Each counts as one less the share of the prior in its precision. Adapts the width of the prior
    of the series; its profile stays.
    """
    fill_variances(model.arrow, model.common_variance, model.own_variance)
    common, power = 0.0, 0.0
    for p in range(model.common.size):
        common += 1.0 - model.common_penalty[p] * model.common_variance[p]
        power += model.common[p] ** 2 / model.prior[p]
    wider = max(power / max(common, _LEAST_FREE), _LEAST_FREE)
    for p in range(model.prior.size):
        model.prior[p] *= wider
    own = np.ones(model.scale.size)  # means
    for b in range(own.size):
        for p in range(model.own.shape[1]):
            own[b] += 1.0 - model.own_penalty[b, p] * model.own_variance[b, p]
    return common + 1.0, own  # and the frequency


@kernel
def _false_curvature(epochs: BandEpochs, model: BandModel) -> float:
    """Return what noise in the amplitudes adds to the curvature, over the noise of the mean.

    High harmonics of no amplitude seem to be steep: the noise of harmonic k adds k^2 times.
    """
    total = 0.0
    for b in range(model.scale.size):
        spread = amplitudes = 0.0
        for j in range(epochs.start[b], epochs.start[b + 1]):
            spread += epochs.weight[j] * epochs.time[j] ** 2
        for p in range(model.common.size):
            # of the estimates, which the priors steady
            variance = model.common_variance[p]
            variance *= 1.0 - model.common_penalty[p] * variance
            if p + 2 < model.own.shape[1]:
                own = model.own_variance[b, p + 2]
                variance += own * (1.0 - model.own_penalty[b, p + 2] * own)
            amplitudes += variance * (np.pi * (p + 2 - p % 2)) ** 2
        total += 0.5 * spread * model.scale[b] ** 2 * amplitudes
    return total


@kernel
def _derivatives(epochs: BandEpochs, model: BandModel, frequency: float) -> tuple[float, float]:
    """Return minus the slope, and the curvature, of half the chi square in frequency.

    Fills the residuals.
    """
    n_bands, m = model.right.shape
    d = model.own.shape[1]
    series, total, x = np.empty(m), np.empty(m), np.empty((m, _TILE))
    curve, rate, weighted = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    common, own = np.zeros(m), np.zeros((n_bands, d))
    slope = curvature = 0.0
    for b in range(n_bands):
        fill_series(model, b, series)
        weight, mean, rates = model.sums[b, 0, 0], 0.0, 0.0
        for k in range(m // 2):
            mean -= series[2 * k] * model.sums[b, 0, k + 1] / weight
            mean -= series[2 * k + 1] * model.sums[b, 1, k + 1] / weight
        total[:] = 0.0
        for lo in range(epochs.start[b], epochs.start[b + 1], _TILE):
            n = min(_TILE, epochs.start[b + 1] - lo)
            _evaluate(epochs.time[lo : lo + n], frequency, series, x, curve, rate)
            for j in range(n):
                epochs.residual[lo + j] = epochs.value[lo + j] - mean - curve[j]
                weighted[j] = epochs.weight[lo + j] * rate[j]
                rates += weighted[j]
            slope += dot(weighted[:n], epochs.residual[lo : lo + n])
            curvature += dot(weighted[:n], rate)
            for p in range(m):
                total[p] += dot(weighted[:n], x[p])
        # less what the mean of the band takes up, then what the amplitudes do
        curvature -= rates * rates / weight
        for k in range(m // 2):
            total[2 * k] -= rates * model.sums[b, 0, k + 1] / weight
            total[2 * k + 1] -= rates * model.sums[b, 1, k + 1] / weight
        scale = model.scale[b]
        for p in range(m):
            total[p] *= scale
            common[p] += total[p]
        for p in range(d):
            own[b, p] = dot(model.directions[p], total)
    return slope, curvature - solve(model.arrow, common, own)


@kernel
def _evaluate(
    time: NDArray[np.float64],
    frequency: float,
    series: NDArray[np.float64],
    x: NDArray[np.float64],
    curve: NDArray[np.float64],
    rate: NDArray[np.float64],
) -> None:
    """Fill cosines and sines, their sum, and its derivative in frequency."""
    n = time.size
    for j in range(n):
        cycles = frequency * time[j]
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        x[0, j], x[1, j] = np.cos(angle), np.sin(angle)
        curve[j] = rate[j] = 0.0
    for p in range(0, series.size, 2):
        if p > 0:
            _turn(n, x[0], x[1], x[p - 2], x[p - 1], x[p], x[p + 1])
        _add(n, series[p], series[p + 1], 0.5 * p + 1.0, x[p], x[p + 1], curve, rate)
    for j in range(n):
        rate[j] *= 2.0 * np.pi * time[j]


@kernel
def _turn(
    n: int,
    by_c: NDArray[np.float64],
    by_s: NDArray[np.float64],
    c: NDArray[np.float64],
    s: NDArray[np.float64],
    next_c: NDArray[np.float64],
    next_s: NDArray[np.float64],
) -> None:
    for j in range(n):
        next_c[j] = c[j] * by_c[j] - s[j] * by_s[j]
        next_s[j] = s[j] * by_c[j] + c[j] * by_s[j]


@kernel
def _add(
    n: int,
    a: float,
    b: float,
    order: float,
    c: NDArray[np.float64],
    s: NDArray[np.float64],
    curve: NDArray[np.float64],
    rate: NDArray[np.float64],
) -> None:
    for j in range(n):
        curve[j] += a * c[j] + b * s[j]
        rate[j] += order * (b * c[j] - a * s[j])
