"""The best frequency of one light curve near a given one, and how well the epochs determine it.

The model is a Fourier series of all bands with differences of each (`bandseries`), a factor and a
mean for each band. Its amplitudes follow from linear equations at each frequency, so the chi square
with their priors is a function of the frequency alone, of which this finds the minimum by Gauss and
Newton (variable projection: Golub & Pereyra 1973, SIAM J. Num. Anal. 10, 413). What is not given is
taken from the light curve, in turns with the frequency: the variance of each band from its
residuals, the widths of the priors from the amplitudes (MacKay 1992, Neural Computation 4, 415).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.bandseries import Arrow, factor, freedom, make_arrow, solve
from skyseries.timeseries.kernels.fourier import fill_normal, fill_sums
from skyseries.timeseries.kernels.harmonics import equalize
from skyseries.timeseries.kernels.orthogonal import dot, subtract

__all__ = ["PeriodFit", "fit_period"]

_TILE = 128
_ROUNDS = 12
_ADAPTING = 6
"""Rounds in which variances, factors and widths are adapted; then only the frequency moves."""

_MOST_OWN = 6
"""Harmonics in which a band may differ from the others, beside its factor and its lag."""

_REACH = 0.3
"""How far from where it began the frequency may go, in units of 1 / time span."""

_STEP = 0.1
"""The same for each step."""

_CLOSE = 1e-4
"""A step of so many errors is the last one."""

_SHRINK = 10.0
"""Epochs that the mean of all bands weighs when the noise of one band is estimated."""

_FACTOR_PRIOR = 0.5
"""Standard deviation of the factors of the bands about those of `harmonics.equalize`."""

_LAG_PRIOR = 0.03
"""Standard deviation of the lags of the bands, in cycles: wide, lest what is left of a lag turn the
frequency where one band was observed earlier than another."""

_MOST_LAG = 0.1
"""Change of a lag in one round, in cycles."""

_LEAST_FACTOR = 0.02
_LEAST_NOISE = 1e-22
"""Of the mean square of the values: what rounding leaves of a series without noise."""

_OWN_WIDTH = 0.01
"""First guess of the variance of the differences, over that of the series."""

_PRIOR_COUNT = 1.0
"""Amplitudes that the profile weighs when the variance of the differences is estimated."""

_LEAST_CHANGE = 1e-3


class PeriodFit(NamedTuple):
    """The fit of one light curve; bands of less than two epochs are left out."""

    frequency: float
    """1/d; NaN where nothing could be fitted."""
    error: float
    zero: float
    """The weighted mean time, from which phases are counted."""
    time: NDArray[np.float64]
    """(n,) days from there, and from the lag of the band."""
    value: NDArray[np.float64]
    """(n,) values over the units of their bands, less weighted means."""
    residual: NDArray[np.float64]
    """(n,) in the same units."""
    variance: NDArray[np.float64]
    """(n,) of the noise, in the same units."""
    start: NDArray[np.int64]
    """(n_kept + 1,) where each band begins."""
    which: NDArray[np.int64]
    """(n_kept,) which of all bands they are."""
    unit: NDArray[np.float64]
    """(n_kept,) value of 1 in each band."""
    scale: NDArray[np.float64]
    """(n_kept,) factor of the series in each band, about 1."""
    common: NDArray[np.float64]
    """(2 K,) cos and sin amplitudes of the harmonics of the series of all bands."""
    own: NDArray[np.float64]
    """(n_kept, d) by how much those of each band differ in each direction."""
    directions: NDArray[np.float64]
    """(d, 2 K) the series itself, its derivative by the phase in cycles, single amplitudes."""
    freedom: float
    """Unknowns that the epochs determined."""


class _Data(NamedTuple):
    """The epochs, as they are fitted."""

    time: NDArray[np.float64]
    value: NDArray[np.float64]
    given: NDArray[np.float64]
    """Variances that are given."""
    weight: NDArray[np.float64]
    """Sums to 1."""
    residual: NDArray[np.float64]
    start: NDArray[np.int64]


class _State(NamedTuple):
    """What changes from round to round, but for the frequency."""

    common: NDArray[np.float64]
    own: NDArray[np.float64]
    scale: NDArray[np.float64]
    sums: NDArray[np.float64]
    """See `fourier.fill_sums`."""
    gram: NDArray[np.float64]
    """(n_kept, 2 K, 2 K)"""
    right: NDArray[np.float64]
    """(n_kept, 2 K)"""
    free: NDArray[np.float64]
    """(n_kept, d) how far each difference is determined."""
    common_prior: NDArray[np.float64]
    """(2 K,) variances of the amplitudes."""
    own_prior: NDArray[np.float64]
    """(d,) variances of the differences."""
    directions: NDArray[np.float64]
    """(d, 2 K) by which a band can differ: factor, lag, single amplitudes."""
    penalty: NDArray[np.float64]
    """(n_kept, d) precisions of the differences, over that of the values."""
    lag: NDArray[np.float64]
    """(n_kept,) cycles by which each band is late."""
    noise: NDArray[np.float64]
    """(1,) weighted mean variance."""
    arrow: Arrow


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
        Variances of the harmonics up to a factor; they sum to 1.
    """
    data, which, unit, zero = _prepare(t, y, e, bounds, floor, fraction)
    n, kept = data.value.size, which.size
    n_terms = min(profile.size, (n - kept - 3) // 2)
    span = data.time.max() - data.time.min() if n > 0 else 0.0
    state = _begin(kept, profile[: max(n_terms, 0)])
    error = np.nan
    if n_terms < 1 or not span > 0 or not _is_varied(data) or not np.isfinite(frequency):
        return PeriodFit(
            np.nan, np.nan, zero, data.time, data.value, data.residual, data.given,
            data.start, which, unit, state.scale, state.common, state.own, state.directions, np.nan,
        )  # fmt: skip
    best, free = frequency, 0.0
    for k in range(_ROUNDS):
        fill_sums(
            data.time, data.weight, data.value, data.start, kept, best, state.sums
        )
        common_penalty = state.noise[0] / (n * state.common_prior)
        _fit_amplitudes(state, common_penalty, state.noise[0] / n)
        slope, curvature = _derivatives(data, state, best)
        if k < _ADAPTING:
            free = _adapt(data, state, common_penalty)
        error = np.sqrt(state.noise[0] / (n * curvature))
        step = min(max(slope / curvature, -_STEP / span), _STEP / span)
        moved = min(max(best + step, frequency - _REACH / span), frequency + _REACH / span)
        step, best = moved - best, moved
        _absorb(data, state, best)
        if k >= _ADAPTING and abs(step) <= _CLOSE * error:
            break
    for j in range(n):
        data.given[j] = state.noise[0] / (n * data.weight[j])
    return PeriodFit(
        best, error, zero, data.time, data.value, data.residual, data.given,
        data.start, which, unit, state.scale, state.common, state.own, state.directions, free,
    )  # fmt: skip


@kernel
def _prepare(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    floor: float,
    fraction: float,
) -> tuple[_Data, NDArray[np.int64], NDArray[np.float64], float]:
    """Return the epochs of bands with two or more, each band over a unit of its own.

    And which bands, their units, and the weighted mean time.
    """
    lo, hi = bounds[0], bounds[bounds.size - 1]
    scaled, errors = np.empty(hi - lo), np.empty(hi - lo)
    equalize(y, e, bounds, floor, scaled, errors)
    kept = n = 0
    for b in range(bounds.size - 1):
        size = bounds[b + 1] - bounds[b]
        if size >= 2:
            kept, n = kept + 1, n + size
    data = _Data(
        np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.zeros(n), np.zeros(kept + 1, np.int64)
    )
    which, unit = np.empty(kept, np.int64), np.empty(kept)
    kept = n = 0
    for b in range(bounds.size - 1):
        first, size = bounds[b], bounds[b + 1] - bounds[b]
        if size < 2:
            continue
        which[kept] = b
        unit[kept] = np.sqrt(e[first] ** 2 + floor**2) / errors[first - lo]
        values = scaled[first - lo : first - lo + size]
        extra = (fraction * values.std()) ** 2 * size / (size - 1)
        for j in range(size):
            data.time[n + j] = t[first + j]
            data.value[n + j] = values[j]
            data.given[n + j] = errors[first - lo + j] ** 2 + extra
        n, kept = n + size, kept + 1
        data.start[kept] = n
    total = mean = 0.0
    for j in range(n):
        data.weight[j] = 1.0 / data.given[j]
        total += data.weight[j]
        mean += data.weight[j] * (data.time[j] - data.time[0])
    zero = data.time[0] + mean / total if n > 0 else np.nan
    for j in range(n):
        data.time[j] -= zero
        data.weight[j] /= total
    _centre(data)
    squares = 0.0
    for j in range(n):
        squares += data.weight[j] * data.value[j] ** 2
    size = np.sqrt(squares) if squares > 0 else 1.0
    for j in range(n):
        data.value[j] /= size
        data.given[j] /= size * size
    unit *= size
    return data, which, unit, zero


@kernel
def _centre(data: _Data) -> None:
    """Take the weighted mean from the values of each band."""
    for b in range(data.start.size - 1):
        total = mean = 0.0
        for j in range(data.start[b], data.start[b + 1]):
            total += data.weight[j]
            mean += data.weight[j] * data.value[j]
        mean /= total
        for j in range(data.start[b], data.start[b + 1]):
            data.value[j] -= mean


@kernel
def _is_varied(data: _Data) -> bool:
    squares = 0.0
    for j in range(data.value.size):
        squares += data.weight[j] * data.value[j] ** 2
    return squares > 0.0


@kernel
def _begin(n_bands: int, profile: NDArray[np.float64]) -> _State:
    n_terms = profile.size
    m = 2 * n_terms
    d = 2 + 2 * min(n_terms, _MOST_OWN) if n_bands > 1 else 0
    common, own, directions = np.empty(m), np.empty(d), np.zeros((d, m))
    for p in range(m):
        common[p] = 0.5 * profile[p // 2] / profile.sum()
    for p in range(2, d):
        own[p] = _OWN_WIDTH * common[p - 2]
        directions[p, p - 2] = 1.0
    if d > 0:
        own[0], own[1] = _FACTOR_PRIOR**2, _LAG_PRIOR**2
    return _State(
        np.zeros(m), np.zeros((n_bands, d)), np.ones(n_bands),
        np.empty((n_bands, 4, 1 + m)), np.empty((n_bands, m, m)), np.empty((n_bands, m)),
        np.zeros((n_bands, d)), common, own, directions, np.empty((n_bands, d)),
        np.zeros(n_bands), np.array([0.5]), make_arrow(n_bands, m, d),
    )  # fmt: skip


@kernel
def _fit_amplitudes(
    state: _State, common_penalty: NDArray[np.float64], variance: float
) -> None:
    """Fit the amplitudes to the sums at a frequency; `variance` is that of a mean of all values."""
    n_bands, m = state.right.shape
    n_terms, d = m // 2, state.own.shape[1]
    if d > 0:
        _set_directions(state)
    state.common[:] = 0.0
    for b in range(n_bands):
        gram, right, s = state.gram[b], state.right[b], state.scale[b]
        fill_normal(state.sums[b : b + 1], 1, 1, n_terms, gram, right)
        for p in range(m):
            for q in range(p + 1):
                gram[p, q] *= s * s
                gram[q, p] = gram[p, q]
            right[p] *= s
            state.common[p] += right[p]
        for p in range(d):
            state.penalty[b, p] = variance / state.own_prior[p]
            state.own[b, p] = dot(state.directions[p], right)
        if d > 0:
            # the priors of factor and lag are about 1 and 0, not about what they are now
            state.own[b, 0] -= s * (s - 1.0) * state.penalty[b, 0]
            state.penalty[b, 0] *= s * s
            state.own[b, 1] -= state.lag[b] * state.penalty[b, 1]
    factor(state.gram, state.directions, common_penalty, state.penalty, state.arrow)
    solve(state.arrow, state.common, state.own)


@kernel
def _set_directions(state: _State) -> None:
    for k in range(state.common.size // 2):
        a, b = state.common[2 * k], state.common[2 * k + 1]
        turn = 2.0 * np.pi * (k + 1)
        state.directions[0, 2 * k], state.directions[0, 2 * k + 1] = a, b
        state.directions[1, 2 * k], state.directions[1, 2 * k + 1] = turn * b, -turn * a


@kernel
def _fill_series(state: _State, b: int, series: NDArray[np.float64]) -> None:
    """Fill the amplitudes of a band but for its factor."""
    series[:] = state.common
    for p in range(state.own.shape[1]):
        subtract(series, -state.own[b, p], state.directions[p])


@kernel
def _absorb(data: _Data, state: _State, frequency: float) -> None:
    """Take what was found of factors and lags into the design of the next round."""
    if state.own_prior.size == 0:
        return
    for b in range(state.scale.size):
        state.scale[b] *= max(1.0 + state.own[b, 0], _LEAST_FACTOR)
        step = min(max(state.own[b, 1], -_MOST_LAG), _MOST_LAG)
        state.lag[b] += step
        for j in range(data.start[b], data.start[b + 1]):
            data.time[j] += step / frequency
        state.own[b, 0] = state.own[b, 1] = 0.0


@kernel
def _derivatives(data: _Data, state: _State, frequency: float) -> tuple[float, float]:
    """Return minus the slope, and the curvature, of half the chi square in frequency.

    Fills the residuals.
    """
    n_bands, m = state.right.shape
    d = state.own.shape[1]
    series, total = np.empty(m), np.empty(m)
    x = np.empty((m, _TILE))
    model, rate, weighted = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    coupling, own = np.zeros(m), np.zeros((n_bands, d))
    slope = curvature = 0.0
    for b in range(n_bands):
        _fill_series(state, b, series)
        series *= state.scale[b]
        weight, rates = state.sums[b, 0, 0], 0.0
        mean = 0.0
        for k in range(m // 2):
            mean -= series[2 * k] * state.sums[b, 0, k + 1]
            mean -= series[2 * k + 1] * state.sums[b, 1, k + 1]
        mean /= weight
        total[:] = 0.0
        for lo in range(data.start[b], data.start[b + 1], _TILE):
            n = min(_TILE, data.start[b + 1] - lo)
            _evaluate(data.time[lo : lo + n], frequency, series, x, model, rate)
            for j in range(n):
                data.residual[lo + j] = data.value[lo + j] - mean - model[j]
                weighted[j] = data.weight[lo + j] * rate[j]
            rates += weighted[:n].sum()
            curvature += dot(weighted[:n], rate)
            slope += dot(weighted[:n], data.residual[lo : lo + n])
            for p in range(m):
                total[p] += dot(weighted[:n], x[p])
        curvature -= rates * rates / weight
        for k in range(m // 2):
            total[2 * k] -= rates * state.sums[b, 0, k + 1] / weight
            total[2 * k + 1] -= rates * state.sums[b, 1, k + 1] / weight
        total *= state.scale[b]
        coupling += total
        for p in range(d):
            own[b, p] = dot(state.directions[p], total)
    curvature -= solve(state.arrow, coupling, own)
    return slope, curvature


@kernel
def _evaluate(
    time: NDArray[np.float64],
    frequency: float,
    series: NDArray[np.float64],
    x: NDArray[np.float64],
    model: NDArray[np.float64],
    rate: NDArray[np.float64],
) -> None:
    """Fill cosines and sines, their sum, and its derivative in frequency."""
    n = time.size
    model[:n] = 0.0
    rate[:n] = 0.0
    for j in range(n):
        cycles = frequency * time[j]
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        x[0, j], x[1, j] = np.cos(angle), np.sin(angle)
    for k in range(series.size // 2):
        a, b = series[2 * k], series[2 * k + 1]
        if k > 0:
            _turn(x[2 * k - 2], x[2 * k - 1], x[0], x[1], x[2 * k], x[2 * k + 1], n)
        _add(a, b, k + 1.0, x[2 * k], x[2 * k + 1], model, rate, n)
    for j in range(n):
        rate[j] *= 2.0 * np.pi * time[j]


@kernel
def _turn(
    c: NDArray[np.float64],
    s: NDArray[np.float64],
    by_c: NDArray[np.float64],
    by_s: NDArray[np.float64],
    next_c: NDArray[np.float64],
    next_s: NDArray[np.float64],
    n: int,
) -> None:
    for j in range(n):
        next_c[j] = c[j] * by_c[j] - s[j] * by_s[j]
        next_s[j] = s[j] * by_c[j] + c[j] * by_s[j]


@kernel
def _add(
    a: float,
    b: float,
    order: float,
    c: NDArray[np.float64],
    s: NDArray[np.float64],
    model: NDArray[np.float64],
    rate: NDArray[np.float64],
    n: int,
) -> None:
    for j in range(n):
        model[j] += a * c[j] + b * s[j]
        rate[j] += order * (b * c[j] - a * s[j])


@kernel
def _adapt(data: _Data, state: _State, common_penalty: NDArray[np.float64]) -> float:
    """Adapt priors, noise and weights to the last fit.

    Returns how many unknowns are determined, means and the frequency included.
    """
    n = data.value.size
    free = freedom(state.arrow, common_penalty, state.penalty, state.free)
    _set_priors(state, free)
    whole = free + state.free.sum() + state.scale.size + 1.0
    _set_weights(data, state, free)
    chi2 = 0.0
    for j in range(n):
        chi2 += data.weight[j] * data.residual[j] ** 2
    state.noise[0] = max(chi2 * n / max(n - whole, 1.0), _LEAST_NOISE)
    return whole


@kernel
def _set_priors(state: _State, free: float) -> None:
    """Set the variances of the amplitudes by the amplitudes.

    Those of the series keep their profile. Those of the differences are one for each harmonic,
    as there are many bands, drawn to the profile.
    """
    state.common_prior[:] *= max((state.common**2 / state.common_prior).sum() / free, _LEAST_CHANGE)
    prior = state.own_prior
    power = count = 0.0
    for b in range(state.scale.size):
        for p in range(2, prior.size):
            power += state.own[b, p] ** 2 / prior[p]
            count += state.free[b, p]
    change = max(power / max(count, _LEAST_CHANGE), _LEAST_CHANGE)
    for p in range(2, prior.size, 2):
        power, count = _PRIOR_COUNT * change * prior[p], _PRIOR_COUNT
        for b in range(state.scale.size):
            for q in (p, p + 1):
                power += state.own[b, q] ** 2
                count += state.free[b, q]
        prior[p] = prior[p + 1] = power / count


@kernel
def _set_weights(data: _Data, state: _State, free: float) -> None:
    """Set the weights by the residuals of each band.

    The variances of a band are those given times a factor below 1, or plus a constant, so that
    the residuals have just their size; both are drawn to the mean of all bands.
    """
    n, n_bands = data.value.size, state.scale.size
    factors, extras = np.empty(n_bands), np.empty(n_bands)
    mean_factor = mean_extra = 0.0
    for b in range(n_bands):
        lo, hi = data.start[b], data.start[b + 1]
        size = hi - lo
        # a mean, a factor, and a share of what is common
        left = max(size * (1.0 - free / n) - 1.0 - state.free[b].sum(), 0.25 * size)
        factors[b], extras[b] = _noise_of(data.residual[lo:hi], data.given[lo:hi], left)
        mean_factor += size * factors[b] / n
        mean_extra += size * extras[b] / n
    total = 0.0
    for b in range(n_bands):
        lo, hi = data.start[b], data.start[b + 1]
        share = (hi - lo) / (hi - lo + _SHRINK)
        by = share * factors[b] + (1.0 - share) * mean_factor
        extra = share * extras[b] + (1.0 - share) * mean_extra
        for j in range(lo, hi):
            data.weight[j] = 1.0 / max(by * data.given[j] + extra, _LEAST_NOISE)
            total += data.weight[j]
    for j in range(n):
        data.weight[j] /= total
    _centre(data)


@kernel
def _noise_of(
    residual: NDArray[np.float64], given: NDArray[np.float64], left: float
) -> tuple[float, float]:
    """Return factor and constant that make the chi square that of `left` degrees of freedom."""
    chi2 = 0.0
    for j in range(residual.size):
        chi2 += residual[j] ** 2 / given[j]
    if chi2 <= left:
        return chi2 / left, 0.0
    # convex and falling in the constant: Newton's steps from below never pass the root
    extra = 0.0
    for _ in range(12):
        slope = 0.0
        chi2 = 0.0
        for j in range(residual.size):
            inverse = 1.0 / (given[j] + extra)
            part = residual[j] ** 2 * inverse
            chi2 += part
            slope += part * inverse
        step = (chi2 - left) / slope
        extra += step
        if step <= 1e-3 * extra:
            break
    return 1.0, extra
