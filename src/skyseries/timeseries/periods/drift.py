"""Periods that change: a search over frequency and its rate of change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyseries.arrays import number
from skyseries.errors import InputError
from skyseries.timeseries.curve import Curve, prepare_curve
from skyseries.timeseries.kernels.harmonics import exact_power
from skyseries.timeseries.kernels.search import MAX_FREQUENCIES
from skyseries.timeseries.periods.limits import frequency_limits
from skyseries.timeseries.periods.methods.lombscargle import LOMB_SCARGLE
from skyseries.timeseries.periods.periodogram import oversampling_of
from skyseries.timeseries.periods.streaming import reach_of, stream_peaks

__all__ = ["Drift", "search_drift"]


@dataclass(frozen=True)
class Drift:
    """The best frequency and its rate of change.

    The phase is f (t - t0) + (1/2) fdot (t - t0)^2 cycles, t0 the `reference_time`.
    """

    frequency: float
    """At the reference time, 1/d."""
    frequency_derivative: float
    """fdot, 1/d^2."""
    power: float
    """Share of chi2 that the model takes away, 0 to 1."""
    power_without: float
    """The highest without a change of the frequency, on the same grid."""
    reference_time: float
    """Middle of the time span, where frequency and derivative are least correlated."""
    n_trials: int
    """Frequencies times derivatives that were tried."""

    @property
    def period(self) -> float:
        """At the reference time, days."""
        return 1.0 / self.frequency

    @property
    def period_derivative(self) -> float:
        """Pdot = -fdot / f^2, days per day."""
        return -self.frequency_derivative / self.frequency**2


def search_drift(
    t: Any,
    y: ArrayLike | None = None,
    dy: ArrayLike | None = None,
    band: Sequence[Any] | ArrayLike | None = None,
    *,
    max_rate: float,
    min_period: float | None = None,
    max_period: float | None = None,
    error_floor: float | None = 0.0,
    oversampling: float = 5,
    nterms: int = 1,
) -> Drift:
    """Search frequency and frequency derivative together, by the Lomb-Scargle power.

    Times are warped to u + (1/2) (fdot / f) u^2, u counted from the middle of the time span; the
    power of a row of one fdot / f is then a common periodogram.

    Parameters
    ----------
    t, y, dy, band
        As for `periodogram`.
    max_rate : float
        Largest |fdot / f| = |Pdot / P|, 1/d, or with a unit. (1e-10 s/s at 10 minutes: 1.44e-8.)
    min_period, max_period : float, optional
        Of the grid, days, or with a unit. By default 0.1 and 100.
    error_floor : float, optional
        As for `periodogram`.
    oversampling : float
        The step in f is 1 / (oversampling x T); in fdot 8 / (oversampling x T^2) at the highest
        frequency, by which the ends of the time span move by as many cycles against the middle.
    nterms : int

    Returns
    -------
    Drift
        Refined between the points of the grid.

    Raises
    ------
    InputError
        As for `periodogram`; for a `max_rate` that is not above zero or turns times around
        (max_rate x time span of 1 or more); for more than 2e9 trials.
    """
    limits = frequency_limits(min_period, max_period)
    options = LOMB_SCARGLE.settle({"nterms": nterms})
    nterms, oversampling = options["nterms"], oversampling_of(oversampling)
    max_rate = number(max_rate, "1/d", "max_rate")
    curve, data = prepare_curve(t, y, dy, band, error_floor)
    df, size, step, rates = _mesh(curve.span, limits, max_rate, oversampling)
    tops = []
    for rate in rates:
        peaks = stream_peaks(
            LOMB_SCARGLE, _warped(curve, rate), options, limits[0], df, size,
            reach_of(oversampling), 1,
        )  # fmt: skip
        place, power = peaks[0]
        tops.append((power, rate, limits[0] + df * place))
    power, rate, f = _climb(curve, nterms, max(tops), df, step)
    plain = tops[rates.size // 2][0]
    middle = data.origin + 0.5 * curve.span
    return Drift(f, rate * f, power, plain, middle, size * rates.size)


_MAX_TRIALS = 2_000_000_000
_ROUNDS = 12


def _mesh(
    span: float, limits: tuple[float, float], max_rate: float, oversampling: float
) -> tuple[float, int, float, NDArray[np.float64]]:
    """Return step and number of the frequencies, step of fdot / f, and all fdot / f."""
    if not (max_rate > 0 and max_rate * span < 1):
        raise InputError(
            f"max_rate must be above 0 and below 1 / time span = {1 / span:.3g}, not {max_rate}"
        )
    df, step = 1.0 / (oversampling * span), 8.0 / (oversampling * span**2 * limits[1])
    half = math.ceil(max_rate / step - 1e-9)
    size = int((limits[1] - limits[0]) / df) + 1
    if size >= MAX_FREQUENCIES or size * (2 * half + 1) > _MAX_TRIALS:
        raise InputError(
            f"{size * (2.0 * half + 1):.3g} trials are too many: raise min_period or lower max_rate"
        )
    return df, size, step, max_rate * np.linspace(-1, 1, 2 * half + 1)


def _warped(curve: Curve, rate: float) -> Curve:
    since = curve.times - 0.5 * curve.span
    return replace(curve, times=since + 0.5 * rate * since**2)


def _climb(
    curve: Curve, nterms: int, best: tuple[float, float, float], df: float, step: float
) -> tuple[float, float, float]:
    """Return the top of the peak: the best of nine neighbours, on meshes that halve."""
    _, rate, f = best

    def power_of(rate: float, f: float) -> float:
        return exact_power(*_warped(curve, rate).arrays, nterms, f)

    top = power_of(rate, f)
    for _ in range(_ROUNDS):
        df, step = 0.5 * df, 0.5 * step
        for _ in range(8):
            around = [(rate + i * step, f + j * df) for i in (-1, 0, 1) for j in (-1, 0, 1)]
            tried = [(power_of(*point), *point) for point in around if point[1] > 0]
            highest = max(tried)
            if highest[0] <= top:
                break
            top, rate, f = highest
    return top, rate, f
