"""Several frequencies in one light curve: find, fit all together, subtract, and find the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.timeseries.curve import CurveData, prepare_curve
from skyseries.timeseries.given import whole_number
from skyseries.timeseries.periods.periodogram import oversampling_of, periodogram

__all__ = ["Prewhitening", "prewhiten"]


@dataclass(frozen=True)
class Prewhitening:
    """The frequencies of a light curve in the order in which they were found.

    Model: y = c_band + sum over i and h of A_ih cos(2 pi h f_i (t - t0) + phi_ih), the same in all
    bands but for c. Plain numbers: days, 1/d and the unit of the values that were given.
    """

    frequency: Floats
    """(n,) 1/d, after the last fit of all together."""
    frequency_error: Floats
    """(n,) 1/d."""
    amplitude: Floats
    """(n, nterms)"""
    amplitude_error: Floats
    """(n,)"""
    phase: Floats
    """(n, nterms) radians, from -pi to pi, at the reference time."""
    phase_error: Floats
    """(n,) radians, of the first harmonic."""
    signal_to_noise: Floats
    """(n,) amplitude of the first harmonic over the mean amplitude in the periodogram of the
    residuals within 50 / time span (as Breger et al. 1993, A&A 271, 482: real from 4 on)."""
    power: Floats
    """(n,) Lomb-Scargle power at the frequency when it was found, 0 to 1."""
    residual: Floats
    """(k,) of the epochs that were used."""
    scatter: float
    """Weighted root mean square of the residuals."""
    reference_time: float
    """t0, the middle of the time span."""

    @property
    def period(self) -> Floats:
        """(n,) days."""
        return 1.0 / self.frequency


def prewhiten(
    t: Any,
    y: ArrayLike | None = None,
    dy: ArrayLike | None = None,
    band: Sequence[Any] | ArrayLike | None = None,
    *,
    n: int = 3,
    nterms: int = 1,
    min_period: float | None = None,
    max_period: float | None = None,
    error_floor: float | None = 0.0,
    oversampling: float = 5,
) -> Prewhitening:
    """Find several frequencies, one after the other.

    The highest peak of the Lomb-Scargle periodogram of the residuals is added to the model, all
    frequencies, amplitudes, phases and means are fitted anew (least squares by Gauss and Newton),
    and the residuals are searched again.

    Parameters
    ----------
    t, y, dy, band
        As for `periodogram`.
    n : int
        How many. Fewer are returned if the residuals no longer vary, or if another frequency
        would leave no degree of freedom.
    nterms : int
        Harmonics of each frequency in the search and the fit.
    min_period, max_period, error_floor, oversampling
        As for `periodogram`.

    Returns
    -------
    Prewhitening
        Errors by Montgomery & O'Donoghue (1999, Delta Scuti Star Newsletter 13, 28), for white
        noise of the scatter s of the residuals: s sqrt(2 / N) for the
        amplitude A, that over A for the phase, sqrt(6 / N) s / (pi T A) for the frequency. They
        hold for even sampling and well-separated frequencies.

    Raises
    ------
    InputError
        As for `periodogram`, or for `n` below 1.
    """
    n, nterms = whole_number(n, "n"), whole_number(nterms, "nterms")
    oversampling = oversampling_of(oversampling)
    curve, data = prepare_curve(t, y, dy, band, error_floor)
    reference = data.origin + 0.5 * curve.span
    fit = _Fit(data, data.time - reference, nterms)
    residual, frequency = data.value, np.empty(0)
    powers: list[float] = []
    while len(powers) < n and fit.has_room(len(powers) + 1):
        try:
            found = periodogram(
                data.time, residual, data.weight**-0.5, data.band, min_period=min_period,
                max_period=max_period, oversampling=oversampling, nterms=nterms,
            )  # fmt: skip
        except InputError:
            if not powers:
                raise
            break
        f = found.frequency_at_max_power
        if not residual.std() > 1e-12 * data.value.std():
            break
        powers.append(float(found.power_at(f)[0]))
        frequency = fit.refine(np.append(frequency, f), 1.0 / curve.span)
        residual = data.value - fit.values(frequency)
    return _result(fit, data, frequency, powers, residual, curve.span, reference)


class _Fit:
    """Least squares of harmonics of some frequencies and a mean for each band."""

    def __init__(self, data: CurveData, time: Floats, nterms: int) -> None:
        self.data, self.time, self.nterms = data, time, nterms
        self.n_bands = len(data.names)
        self.means = np.eye(self.n_bands)[data.code]
        self.root = np.sqrt(data.weight)
        self.shift = data.value[0]

    def has_room(self, n: int) -> bool:
        """Return whether n frequencies leave a degree of freedom."""
        return bool(self.time.size > self.n_bands + n * (2 * self.nterms + 1))

    def solve(self, frequency: Floats) -> tuple[Floats, Floats, Floats]:
        """Return cos and sin columns, their coefficients (n, nterms, 2), and all values."""
        order = np.arange(1, self.nterms + 1)
        angle = 2.0 * np.pi * self.time[:, None, None] * frequency[:, None] * order
        waves = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        design = np.hstack([waves.reshape(self.time.size, -1), self.means])
        right = (self.data.value - self.shift) * self.root
        solution = np.linalg.lstsq(design * self.root[:, None], right, rcond=None)[0]
        inner = solution[: -self.n_bands].reshape(frequency.size, self.nterms, 2)
        return waves, inner, self.shift + design @ solution

    def values(self, frequency: Floats) -> Floats:
        """Return the model at the epochs."""
        return self.solve(frequency)[2]

    def chi2(self, frequency: Floats) -> float:
        """Return chi square of the best amplitudes, phases and means."""
        return float(np.sum(self.data.weight * (self.data.value - self.values(frequency)) ** 2))

    def refine(self, frequency: Floats, width: float) -> Floats:
        """Return the frequencies of the least chi square near those given."""
        chi2 = self.chi2(frequency)
        for _ in range(_ROUNDS):
            step = np.clip(self._step(frequency), -0.25 * width, 0.25 * width)
            for _ in range(_HALVINGS):
                trial = frequency + step
                trial_chi2 = self.chi2(trial) if np.all(trial > 0) else np.inf
                if trial_chi2 < chi2:
                    break
                step = 0.5 * step
            else:
                return frequency
            gain, chi2, frequency = chi2 - trial_chi2, trial_chi2, trial
            if gain <= 1e-12 * chi2:
                break
        return frequency

    def _step(self, frequency: Floats) -> Floats:
        waves, inner, values = self.solve(frequency)
        order = np.arange(1, self.nterms + 1)
        # d/df of a cos(2 pi h f t) + b sin(2 pi h f t)
        turned = inner[..., 1] * waves[..., 0] - inner[..., 0] * waves[..., 1]
        slope = 2.0 * np.pi * self.time[:, None] * np.sum(order * turned, axis=2)
        design = np.hstack([waves.reshape(self.time.size, -1), self.means, slope])
        left = (self.data.value - values) * self.root
        solution = np.linalg.lstsq(design * self.root[:, None], left, rcond=None)[0]
        step: Floats = solution[-frequency.size :]
        return step


_ROUNDS = 20
_HALVINGS = 8


def _result(
    fit: _Fit,
    data: CurveData,
    frequency: Floats,
    powers: list[float],
    residual: Floats,
    span: float,
    reference: float,
) -> Prewhitening:
    inner = fit.solve(frequency)[1]
    amplitude = np.hypot(inner[..., 0], inner[..., 1])
    n = data.time.size
    scatter = float(np.sqrt(np.average(residual**2, weights=data.weight)))
    first = amplitude[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return Prewhitening(
            frequency=frequency,
            frequency_error=np.sqrt(6.0 / n) * scatter / (np.pi * span * first),
            amplitude=amplitude,
            amplitude_error=np.full(frequency.size, np.sqrt(2.0 / n) * scatter),
            phase=np.arctan2(-inner[..., 1], inner[..., 0]),
            phase_error=np.sqrt(2.0 / n) * scatter / first,
            signal_to_noise=first / _noise(data, residual, frequency, span, scatter),
            power=np.array(powers),
            residual=residual,
            scatter=scatter,
            reference_time=reference,
        )


def _noise(
    data: CurveData, residual: Floats, frequency: Floats, span: float, scatter: float
) -> Floats:
    """Return the mean amplitude in the periodogram of the residuals, near each frequency."""
    result = np.zeros(frequency.size)
    for k, f in enumerate(frequency):
        near = f + np.linspace(-_BOX, _BOX, 2 * _BOX_POINTS + 1) / span
        try:
            power = periodogram(
                data.time, residual, data.weight**-0.5, data.band, frequency=near[near > 0]
            ).power
        except InputError:  # nothing is left
            continue
        # a sinusoid of amplitude A takes away A^2 / 2 of the mean square
        result[k] = np.mean(np.sqrt(2.0 * power)) * scatter
    return result


_BOX = 50
"""Half width of the box, in 1 / time span."""

_BOX_POINTS = 100
