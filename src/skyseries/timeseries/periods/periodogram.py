"""Periodograms of one light curve, given as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arrays import check_choice, number, numbers
from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.timeseries.curve import Curve, CurveData, prepare_curve
from skyseries.timeseries.given import moments, one_frequency, row_of_frequencies, whole_number
from skyseries.timeseries.kernels.limits import limits_of
from skyseries.timeseries.kernels.peaks import highest_peaks
from skyseries.timeseries.kernels.search import MAX_FREQUENCIES
from skyseries.timeseries.periods.aliases import Candidate, mark_aliases
from skyseries.timeseries.periods.bootstrap import bootstrap_maxima
from skyseries.timeseries.periods.limits import given_limits
from skyseries.timeseries.periods.methods import Box, Method, find_method
from skyseries.timeseries.periods.methods.boxes import box_at, settle_dips
from skyseries.timeseries.periods.streaming import reach_of, refined_peaks

__all__ = [
    "Periodogram",
    "oversampling_of",
    "periodogram",
]


_NORMALIZATIONS = ("standard", "model", "log", "psd")


@dataclass(frozen=True)
class Periodogram:
    """Power against frequency, and what can be read off it."""

    frequency: Floats
    """(m,) 1/d (the inverse of the unit of the times, where they were mere numbers)."""
    power: Floats
    """(m,) in the normalisation asked for; the higher, the better, for every method."""
    method: str
    options: dict[str, Any]
    """The options of the method with their values."""
    normalization: str
    n_epochs: int
    """Epochs that were used."""
    n_bands: int
    """Bands with two epochs or more."""
    _method: Method = field(repr=False)
    _curve: Curve = field(repr=False)
    _data: CurveData = field(repr=False)
    _step: float | None = field(repr=False)

    @property
    def nterms(self) -> int:
        """Harmonics of the model; 1 for methods without."""
        return int(self.options.get("nterms", 1))

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
        return np.array([frequency for frequency, _ in self._peaks(n)])

    def candidates(self, n: int = 5) -> list[Candidate]:
        """Return at most `n` highest peaks, the best first, with aliases of better ones marked.

        Looked for are a half, double, third and triple frequency, and sums and differences of the
        frequency, its half or its double with 1 and 2 cycles per day, per sidereal day and per
        year, and 1 per month of 29.53 d. Times must be in days. A peak at an end of the frequencies
        is marked too: a trend, or a period beyond them.
        """
        found = self._peaks(n)
        f = np.array([frequency for frequency, _ in found])
        power = self._normalized(np.array([power for _, power in found]))
        limits = float(self.frequency.min()), float(self.frequency.max())
        return mark_aliases(f, power, self._curve.span, limits)

    def _peaks(self, n: int) -> list[tuple[float, float]]:
        n = whole_number(n, "n")
        ascending = np.argsort(self.frequency, kind="stable")
        f, power = self.frequency[ascending], self.power[ascending]
        step = float(np.median(np.diff(f))) if f.size > 1 else 0.0
        reach = reach_of(1.0 / (self._curve.span * step)) if step > 0 else 1
        places = highest_peaks(power, reach, n)
        limits = float(f[0]), float(f[-1])
        return refined_peaks(self._method, self._curve, self.options, f[places], step, limits)

    def power_at(self, frequency: ArrayLike) -> Floats:
        """Return the power at any frequencies (1/d, or with a unit), computed in float64."""
        f = row_of_frequencies(frequency)
        return self._normalized(self._method.powers(self._curve, self.options, f))

    def _normalized(self, standard: Floats) -> Floats:
        return _normalize(standard, self.normalization, self._curve)

    def false_alarm_probability(
        self,
        power: ArrayLike | None = None,
        *,
        method: str | None = None,
        n_bootstrap: int = 200,
        seed: int = 0,
    ) -> Floats:
        """Return the chance that noise alone gives a peak as high anywhere on the grid.

        Parameters
        ----------
        power : array_like, optional
            In the periodogram's normalisation. None: the highest.
        method : {None, "analytic", "bootstrap"}
            None or "analytic": for "lombscargle" with one harmonic Baluev 2008 (MNRAS 385, 1279),
            an upper limit, as good as the truth where it is small; for "mhaov" the F distribution
            with 2 nterms (f_max - f_min) x time span independent trials, an estimate. "bootstrap":
            for every method; values with their errors are drawn anew within each band.
        n_bootstrap : int
            Draws; no probability below 1 / (n_bootstrap + 1) comes out.
        seed : int
            Of the draws.

        Returns
        -------
        ndarray
            NaN where there are too few degrees of freedom.

        Raises
        ------
        InputError
            If there is no formula for the method.
        """
        given = numbers(np.asarray(self.power.max()) if power is None else power, "", "power")
        standard = np.atleast_1d(_standard(given, self.normalization, self._curve)).ravel()
        if method == "bootstrap":
            n_bootstrap = whole_number(n_bootstrap, "n_bootstrap")
            seed = whole_number(seed, "seed", 0)
            maxima = bootstrap_maxima(
                self._method, self.options, self._data, self.frequency, self._step,
                n_bootstrap, seed,
            )  # fmt: skip
            above = (maxima[:, None] >= standard * (1 - 1e-6)).sum(axis=0)
            return ((1.0 + above) / (1.0 + n_bootstrap)).reshape(given.shape)  # type: ignore[no-any-return]
        if method not in (None, "analytic"):
            raise InputError(f"method must be 'analytic' or 'bootstrap', not {method!r}")
        formula = self._method.false_alarm
        if formula is None or (self.method == "lombscargle" and self.nterms > 1):
            raise InputError(
                "the false-alarm probability is known for 'mhaov' and for 'lombscargle' with "
                "nterms=1 only; take method='bootstrap'"
            )
        low, high = float(self.frequency.min()), float(self.frequency.max())
        result = [formula(self._curve, self.options, float(p), low, high) for p in standard]
        return np.array(result).reshape(given.shape)

    def model(self, t: ArrayLike, frequency: float | None = None, band: Any = None) -> Floats:
        """Return the values of the best model of one frequency.

        Harmonics for "lombscargle" and "mhaov", the box for "bls", the means of the bins for
        "pdm".

        Parameters
        ----------
        t : (k,) array_like
            Times, in the unit and from the origin of those given; dates (and Time) if those were.
        frequency : float, optional
            1/d, or with a unit. None: that of the highest peak.
        band : (k,) sequence or one band, optional
            The band of each time; needed if the periodogram has bands.

        Raises
        ------
        InputError
            For a method without a model, without a band where there are several, or for dates
            where the times were numbers.
        """
        if self._method.model is None:
            raise InputError(
                f"method {self.method!r} has no model of the values; take the one of "
                "method='lombscargle' or 'mhaov' at its frequency"
            )
        f = self._one(frequency)
        times = moments(t, self._data.clock, "t")
        wanted = self._data.find_bands(band, times.size)
        since = times - self._data.origin
        return self._method.model(self._curve, self._data, self.options, f, since, wanted)

    def box(self, frequency: float | None = None) -> Box:
        """Return transit time, duration and depths of the best box, for method "bls".

        Parameters
        ----------
        frequency : float, optional
            1/d, or with a unit. None: that of the highest peak.
        """
        if self.method != "bls":
            raise InputError(f"boxes are for method 'bls', not {self.method!r}")
        return box_at(self._curve, self._data, self.options, self._one(frequency))

    def plot(self, ax: Any = None, *, x: str = "period", n: int = 5) -> Any:
        """Draw the power, the highest peaks marked with their periods and what they may be.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; None: the current axes.
        x : {"period", "frequency"}
            The axis of periods is logarithmic.
        n : int
            How many peaks are marked; 0: none.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        from skyseries.plot.periodogram import plot_periodogram

        found = self.candidates(n) if whole_number(n, "n", 0) else []
        marks = [(c.frequency, c.power, _mark(c, found)) for c in found]
        what = "power" if self.normalization == "standard" else f"power ({self.normalization})"
        labels = ("d", f"{self.method} {what}")
        return plot_periodogram(self.frequency, self.power, marks, x=x, labels=labels, ax=ax)

    def _one(self, frequency: Any) -> float:
        return self.frequency_at_max_power if frequency is None else one_frequency(frequency)


def _mark(candidate: Candidate, others: Sequence[Candidate]) -> str:
    words = ["at the limit"] if candidate.at_limit else []
    if candidate.alias_of is not None:
        of = others[candidate.alias_of].period
        words.insert(0, f"{candidate.relation}")
        words[1:1] = [f"f of {of:.4g} d"] if candidate.alias_of else []
    told = f" ({', '.join(words)})" if words else ""
    return f"{candidate.period:.6g} d{told}"


def periodogram(
    t: Any,
    y: ArrayLike | None = None,
    dy: ArrayLike | None = None,
    band: Sequence[Any] | ArrayLike | None = None,
    *,
    method: str = "lombscargle",
    min_period: float | None = None,
    max_period: float | None = None,
    frequency: ArrayLike | None = None,
    error_floor: float | None = 0.0,
    oversampling: float | None = None,
    normalization: str = "standard",
    **options: Any,
) -> Periodogram:
    """Compute the periodogram of one light curve.

    With bands, "lombscargle" gives all the same amplitude and phase, and each a mean of its own
    (VanderPlas & Ivezic 2015, ApJ 812, 18); with one band this is the generalized Lomb-Scargle
    periodogram of Zechmeister & Kurster (2009, A&A 496, 577). For the other methods see
    docs/periods.md.

    Parameters
    ----------
    t, y : (n,) arrays of any library, or sequences
        Times, days (for the names to be right), and values. Times with a unit become days;
        astropy's Time, dates and ISO text MJD, TimeDelta and time intervals days. Epochs that are
        masked, null or not finite, or whose error is not above zero or whose band is missing, are
        left out. Or `t` holds all, as for `as_lightcurve`: a LightCurve, a TimeSeries, a table.
    dy : (n,) array or float, optional
        Errors; with a unit they are converted to that of `y`. None: all epochs weigh the same,
        and there is no error floor.
    band : (n,) sequence or one band, optional
        Text or whole numbers.
    method : {"lombscargle", "mhaov", "bls", "pdm", "ce", "stringlength"}
    min_period, max_period : float, optional
        Days, or with a unit. Limits of the grid, whose step is 1 / (oversampling x time span).
        None: what the light curve can tell, as for `compute_periods`. All frequencies are held, 16
        bytes each, 5e7 at most; `compute_periods` keeps only peaks.
    frequency : (m,) array_like, optional
        The frequencies themselves, instead of limits; 1/d, or with a unit.
    error_floor : float, optional
        Added in quadrature to the errors, in the unit of `y` or with a unit of its own. None: a
        quarter of the standard deviation of the values of each band.
    oversampling : float, optional
        None: the method's own, 5 for Lomb-Scargle; the sharper a method's features in phase, the
        more.
    normalization : {"standard", "model", "log", "psd"}
        As in astropy: P = 1 - chi2 / chi2_0; P / (1 - P); -ln(1 - P); P chi2_0 / 2. For
        "lombscargle" and "bls" only.
    **options
        Of the method, such as ``nterms``.

    Returns
    -------
    Periodogram
        Of plain numbers: days, 1/d and the unit of `y`.

    Raises
    ------
    InputError
        For arrays of unequal length, what are no numbers, times or bands, units that cannot be
        converted, limits out of order, an unknown method or option, or a light curve without at
        least two epochs in a band, without a time span or without any variation.

    Warns
    -----
    UserWarning
        If times are of a type that rounds them to more than 9 s, such as a float32 Julian day; for
        "bls" without `dips`, if the values have no unit and may be magnitudes.
    """
    found = find_method(method)
    settled = found.settle(options)
    check_choice(normalization, "normalization", _NORMALIZATIONS)
    if normalization != "standard" and not found.is_share:
        raise InputError(f"normalization={normalization!r} means nothing for method {method!r}")
    steps = oversampling_of(found.oversampling(settled) if oversampling is None else oversampling)
    shortest, longest = given_limits(min_period, max_period)
    curve, data = prepare_curve(t, y, dy, band, error_floor)
    limits = limits_of(
        curve.times, curve.start, curve.n_bands, 1.0 / longest, 1.0 / shortest, steps
    )
    step = None
    if frequency is not None:
        f = row_of_frequencies(frequency)
        limits = float(f.min()), float(f.max())
    if found.check_periods is not None:
        found.check_periods(settled, 1.0 / limits[0])
    settle_dips(settled, data.is_magnitude, data.value)
    if frequency is not None:
        power = found.powers(curve, settled, f)
    else:
        step = 1.0 / (steps * curve.span)
        f = _grid(limits, step)
        power = np.empty(f.size)
        found.fill(curve, settled, float(f[0]), step, power)
    return Periodogram(
        f, _normalize(power, normalization, curve), method, settled, normalization,
        data.time.size, curve.n_bands, found, curve, data, step,
    )  # fmt: skip


def oversampling_of(value: Any) -> float:
    """Return a finite number, 1 or more.

    Raises
    ------
    InputError
        If it is none.
    """
    found = number(value, "", "oversampling")
    if not 1 <= found < math.inf:
        raise InputError(f"oversampling must be 1 or more, and finite, not {found}")
    return found


def _grid(limits: tuple[float, float], step: float) -> Floats:
    low, high = limits
    if low > high:
        raise InputError(
            f"no periods between min_period = {1 / high:g} d and the time span of {1 / low:g} d: "
            "lower min_period, or give max_period"
        )
    if (high - low) / step >= MAX_FREQUENCIES:
        raise InputError(
            f"{(high - low) / step:.3g} frequencies are too many: look for a wrong time, or raise "
            "min_period"
        )
    grid: Floats = low + step * np.arange(int((high - low) / step) + 1, dtype=np.float64)
    return grid


def _normalize(standard: Floats, normalization: str, curve: Curve) -> Floats:
    with np.errstate(divide="ignore"):
        if normalization == "model":
            return standard / (1.0 - standard)
        if normalization == "log":
            return -np.log1p(-standard)
    return 0.5 * curve.chi2 * standard if normalization == "psd" else standard


def _standard(power: Floats, normalization: str, curve: Curve) -> Floats:
    if normalization == "model":
        return np.where(np.isinf(power), 1.0, power / (1.0 + power))
    if normalization == "log":
        return -np.expm1(-power)
    return power / (0.5 * curve.chi2) if normalization == "psd" else power
