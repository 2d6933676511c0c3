"""Periodograms of one light curve, given as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyseries.errors import InputError
from skyseries.timeseries.kernels.harmonics import exact_powers, prepare
from skyseries.timeseries.kernels.peaks import (
    false_alarm_probability,
    highest_peaks,
    refine_peak,
)
from skyseries.timeseries.kernels.search import MAX_FREQUENCIES, fill_power
from skyseries.timeseries.nufft import is_faster, nufft_power

__all__ = [
    "DEFAULT_PERIODS",
    "FLOOR_SCATTER_FRACTION",
    "Periodogram",
    "floor_terms",
    "frequency_limits",
    "periodogram",
]

Floats = NDArray[np.float64]

FLOOR_SCATTER_FRACTION = 0.25
"""The default error floor as a fraction of the standard deviation of the values of each band."""

DEFAULT_PERIODS = (0.1, 100.0)
"""Shortest and longest period that are searched for, days."""

_NORMALIZATIONS = ("standard", "model", "log", "psd")


@dataclass(frozen=True)
class _Curve:
    """A weighed and centred light curve, as `kernels.harmonics.prepare` leaves it."""

    times: Floats
    weights: Floats
    values: Floats
    start: NDArray[np.int64]
    n_bands: int
    chi2: float

    @property
    def n_epochs(self) -> int:
        return int(self.start[self.n_bands])

    def powers(self, frequency: Floats, nterms: int) -> Floats:
        return exact_powers(
            self.times, self.weights, self.values, self.start, self.n_bands, nterms, frequency
        )


@dataclass(frozen=True)
class _Data:
    """What was given, as needed for the model: one entry for each epoch that is used."""

    time: Floats
    value: Floats
    weight: Floats
    band: NDArray[Any] | None


@dataclass(frozen=True)
class Periodogram:
    """Power against frequency, and what can be read off it."""

    frequency: Floats
    """(m,) 1/d (or the inverse of the unit of the times)."""
    power: Floats
    """(m,) in the normalisation asked for."""
    normalization: str
    nterms: int
    n_epochs: int
    """Epochs that were used."""
    n_bands: int
    """Bands with two epochs or more."""
    _curve: _Curve = field(repr=False)
    _data: _Data = field(repr=False)

    @property
    def period_at_max_power(self) -> float:
        """Period of the highest peak, refined between the grid points, days."""
        return 1.0 / self.frequency_at_max_power

    @property
    def frequency_at_max_power(self) -> float:
        """Frequency of the highest peak, refined between the grid points, 1/d.

        The highest after the five highest of the grid are refined.
        """
        return float(self.peaks(5)[0])

    def peaks(self, n: int = 5) -> Floats:
        """Return the frequencies of at most `n` highest peaks, refined, the best first.

        A peak is nowhere topped within 1 / time span.
        """
        curve, f = self._curve, self.frequency
        ascending = np.argsort(f, kind="stable")
        f, power = f[ascending], self.power[ascending]
        step = float(np.median(np.diff(f))) if f.size > 1 else 0.0
        span = float(curve.times[: curve.n_epochs].max())
        reach = max(1, math.ceil(1.0 / (span * step) - 1e-6)) if step > 0 and span > 0 else 1
        refined = [
            refine_peak(
                curve.times, curve.weights, curve.values, curve.start, curve.n_bands,
                self.nterms, f[k], 0.5 * step, f[0], f[-1],
            )
            for k in highest_peaks(power, reach, n)
        ]  # fmt: skip
        refined.sort(key=lambda pair: -pair[1])
        return np.array([frequency for frequency, _ in refined])

    def power_at(self, frequency: ArrayLike) -> Floats:
        """Return the power at any frequencies, computed in float64."""
        f = np.atleast_1d(np.asarray(frequency, np.float64))
        return _normalize(self._curve.powers(f, self.nterms), self.normalization, self._curve)

    def false_alarm_probability(self, power: ArrayLike | None = None) -> Floats:
        """Return the chance that noise alone gives a peak as high anywhere on the grid.

        Parameters
        ----------
        power : array_like, optional
            In the periodogram's normalisation. None: the highest.

        Returns
        -------
        ndarray
            Baluev 2008 (MNRAS 385, 1279), an upper limit, as good as the truth where it is small.
            NaN below one degree of freedom.

        Raises
        ------
        InputError
            With more than one harmonic, where the formula does not hold.
        """
        if self.nterms > 1:
            raise InputError("the false-alarm probability is known for nterms=1 only")
        curve = self._curve
        given = np.asarray(self.power.max() if power is None else power, np.float64)
        standard = _standard(given, self.normalization, curve)
        f_max = float(self.frequency.max())
        result = [
            false_alarm_probability(
                p, curve.times, curve.weights, curve.n_epochs, curve.n_bands, f_max
            )
            for p in np.atleast_1d(standard).ravel()
        ]
        return np.array(result).reshape(given.shape)

    def model(self, t: ArrayLike, frequency: float | None = None, band: Any = None) -> Floats:
        """Return the values of the best model of one frequency.

        Parameters
        ----------
        t : (k,) array_like
            Times, in the unit and from the origin of those given.
        frequency : float, optional
            None: that of the highest peak.
        band : (k,) sequence or one band, optional
            The band of each time; needed if the periodogram has bands.
        """
        f = self.frequency_at_max_power if frequency is None else float(frequency)
        data = self._data
        times = np.atleast_1d(np.asarray(t, np.float64))
        origin = data.time.min()
        names, code = _band_codes(data.band, data.time.size)
        design = _design(data.time - origin, code, len(names), f, self.nterms)
        root = np.sqrt(data.weight)
        solution = np.linalg.lstsq(design * root[:, None], data.value * root, rcond=None)[0]
        wanted = _find_bands(names, band, times.size)
        return _design(times - origin, wanted, len(names), f, self.nterms) @ solution


def periodogram(
    t: ArrayLike,
    y: ArrayLike,
    dy: ArrayLike | None = None,
    band: Sequence[Any] | ArrayLike | None = None,
    *,
    method: str = "lombscargle",
    min_period: float | None = None,
    max_period: float | None = None,
    frequency: ArrayLike | None = None,
    nterms: int = 1,
    error_floor: float | None = 0.0,
    oversampling: float = 5,
    normalization: str = "standard",
) -> Periodogram:
    """Compute the periodogram of one light curve.

    With bands, all share amplitude and phase, and each has a mean of its own (VanderPlas & Ivezic
    2015, ApJ 812, 18); with one band this is the generalized Lomb-Scargle periodogram of
    Zechmeister & Kurster (2009, A&A 496, 577).

    Parameters
    ----------
    t, y : (n,) array_like
        Times (days, for the names to be right) and values. Epochs that are not finite, or whose
        error is not above zero or whose band is None, are left out.
    dy : (n,) array_like, optional
        Errors. None: all epochs weigh the same, and there is no error floor.
    band : (n,) sequence, optional
        Text or numbers.
    method : {"lombscargle"}
    min_period, max_period : float, optional
        Limits of the grid, whose step is 1 / (oversampling x time span). By default 0.1 and 100.
    frequency : (m,) array_like, optional
        The frequencies themselves, instead of limits.
    nterms : int
        Harmonics of the model.
    error_floor : float, optional
        Added in quadrature to the errors. None: a quarter of the standard deviation of the
        values of each band.
    oversampling : float
    normalization : {"standard", "model", "log", "psd"}
        As in astropy: P = 1 - chi2 / chi2_0; P / (1 - P); -ln(1 - P); P chi2_0 / 2.

    Returns
    -------
    Periodogram

    Raises
    ------
    InputError
        For arrays of unequal length, limits out of order, an unknown method, or a light curve
        without at least two epochs in a band, without a time span or without any variation.
    """
    if method != "lombscargle":
        raise InputError(f"unknown method {method!r}; there is 'lombscargle'")
    if normalization not in _NORMALIZATIONS:
        raise InputError(f"normalization must be one of {_NORMALIZATIONS}, not {normalization!r}")
    if nterms < 1 or not oversampling >= 1:
        raise InputError(f"nterms and oversampling must be 1 or more: {nterms}, {oversampling}")
    floor = floor_terms(error_floor) if dy is not None else (0.0, 0.0)
    curve, data = _prepare(t, y, dy, band, floor)
    if frequency is not None:
        f = np.atleast_1d(np.asarray(frequency, np.float64))
        if f.ndim != 1 or f.size == 0 or not np.all(np.isfinite(f)) or not np.all(f > 0):
            raise InputError("frequency must be a row of finite numbers above zero")
        power = curve.powers(f, nterms)
    else:
        shortest = DEFAULT_PERIODS[0] if min_period is None else min_period
        longest = DEFAULT_PERIODS[1] if max_period is None else max_period
        f, power = _on_grid(curve, frequency_limits(shortest, longest), oversampling, nterms)
    power = _normalize(power, normalization, curve)
    return Periodogram(f, power, normalization, nterms, data.time.size, curve.n_bands, curve, data)


def floor_terms(error_floor: float | None) -> tuple[float, float]:
    """Return the absolute floor, and that as a fraction of each band's scatter."""
    if error_floor is None:
        return 0.0, FLOOR_SCATTER_FRACTION
    if not (math.isfinite(error_floor) and error_floor >= 0):
        raise InputError(f"error_floor must be a finite number from 0 on, not {error_floor}")
    return float(error_floor), 0.0


def frequency_limits(min_period: float, max_period: float) -> tuple[float, float]:
    """Return lowest and highest frequency; InputError unless 0 < min_period < max_period < inf."""
    if not (0 < min_period < max_period < math.inf):
        raise InputError(
            "periods must satisfy 0 < min_period < max_period, not "
            f"min_period={min_period}, max_period={max_period}"
        )
    return 1.0 / max_period, 1.0 / min_period


def _prepare(
    t: ArrayLike, y: ArrayLike, dy: ArrayLike | None, band: Any, floor: tuple[float, float]
) -> tuple[_Curve, _Data]:
    time, value = np.asarray(t, np.float64), np.asarray(y, np.float64)
    error = np.ones(value.shape) if dy is None else np.asarray(dy, np.float64)
    labels = None if band is None else np.asarray(band)
    shapes = {a.shape for a in (time, value, error, labels) if a is not None}
    if len(shapes) != 1 or time.ndim != 1:
        raise InputError(f"t, y, dy and band must be rows of one length, not of shapes {shapes}")
    usable = np.isfinite(time) & np.isfinite(value) & np.isfinite(error) & (error > 0)
    if labels is not None and labels.dtype == object:
        usable &= np.array([name is not None for name in labels], bool)
    time, value, error = time[usable], value[usable], error[usable]
    labels = None if labels is None else np.array(labels[usable].tolist())
    names, code = _band_codes(labels, time.size)
    order = np.argsort(code, kind="stable")
    offsets = np.searchsorted(code[order], np.arange(len(names) + 1))
    times, weights, values = np.empty(time.size), np.empty(time.size), np.empty(time.size)
    start = np.empty(offsets.size, np.int64)
    arrays = (time[order], value[order], error[order])
    n_bands, chi2 = prepare(*arrays, offsets, *floor, times, weights, values, start)
    curve = _Curve(times, weights, values, start, n_bands, chi2)
    if not (chi2 > 0 and math.isfinite(chi2)) or not curve.times[: curve.n_epochs].max() > 0:
        raise InputError(
            f"no periodogram of {time.size} usable epochs: two or more at different times in one "
            "band, and values that vary, are needed"
        )
    spread = np.empty(time.size)
    spread[order] = _variances(arrays[1], arrays[2], offsets, floor)
    return curve, _Data(time, value, 1.0 / spread, labels)


def _variances(
    value: Floats, error: Floats, offsets: NDArray[np.int64], floor: tuple[float, float]
) -> Floats:
    result = error**2 + floor[0] ** 2
    for lo, hi in pairwise(offsets):
        if floor[1] > 0 and hi - lo >= 2:
            result[lo:hi] += (floor[1] * value[lo:hi].std(ddof=1)) ** 2
    return result


def _band_codes(band: NDArray[Any] | None, size: int) -> tuple[list[Any], NDArray[np.int64]]:
    if band is None:
        return [None], np.zeros(size, np.int64)
    names, code = np.unique(band, return_inverse=True)
    return list(names), code.reshape(-1)


def _find_bands(names: list[Any], band: Any, size: int) -> NDArray[np.int64]:
    if names == [None]:
        return np.zeros(size, np.int64)
    if band is None:
        raise InputError(f"the model differs between bands: give band=, of {names}")
    places = {name: place for place, name in enumerate(names)}
    wanted = [band] * size if np.ndim(band) == 0 else list(band)
    if unknown := [name for name in wanted if name not in places]:
        raise InputError(f"the light curve has no band {unknown[0]!r}; it has {names}")
    return np.array([places[name] for name in wanted], np.int64)


def _design(t: Floats, code: NDArray[np.int64], n_bands: int, f: float, nterms: int) -> Floats:
    angle = 2.0 * np.pi * np.outer(f * t, np.arange(1, nterms + 1))
    return np.hstack([np.cos(angle), np.sin(angle), np.eye(n_bands)[code]])


def _on_grid(
    curve: _Curve, limits: tuple[float, float], oversampling: float, nterms: int
) -> tuple[Floats, Floats]:
    low, high = limits
    df = 1.0 / (oversampling * float(curve.times[: curve.n_epochs].max()))
    if (high - low) / df >= MAX_FREQUENCIES:
        raise InputError(
            f"{(high - low) / df:.3g} frequencies are too many: look for a wrong time, or raise "
            "min_period"
        )
    power = np.empty(int((high - low) / df) + 1, np.float32)
    arrays = (curve.times, curve.weights, curve.values, curve.start, curve.n_bands)
    if nterms == 1 and is_faster(curve.n_epochs, curve.n_bands, power.size):
        nufft_power(*arrays, low, df, power)
    else:
        fill_power(*arrays, nterms, low, df, power)
    grid: Floats = low + df * np.arange(power.size, dtype=np.float64)
    return grid, power.astype(np.float64)


def _normalize(standard: Floats, normalization: str, curve: _Curve) -> Floats:
    with np.errstate(divide="ignore"):
        if normalization == "model":
            return standard / (1.0 - standard)
        if normalization == "log":
            return -np.log1p(-standard)
    return 0.5 * curve.chi2 * standard if normalization == "psd" else standard


def _standard(power: Floats, normalization: str, curve: _Curve) -> Floats:
    if normalization == "model":
        return np.where(np.isinf(power), 1.0, power / (1.0 + power))
    if normalization == "log":
        return -np.expm1(-power)
    return power / (0.5 * curve.chi2) if normalization == "psd" else power
