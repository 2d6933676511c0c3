"""What is published of a periodic star, from one fit of all its epochs at its frequency.

The fit is that of `periodfit`. Epochs of maximum and minimum, harmonic ratios and depths are those
of the series that all bands share; amplitudes those of the series of each band.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.periodfit import PeriodFit, fill_series, fit_period
from skyseries.timeseries.kernels.phasecurve import (
    curve_range,
    depth_ratio,
    extremes,
    fill_curve,
    harmonic_shape,
)
from skyseries.timeseries.kernels.reductions import negative
from skyseries.timeseries.kernels.sorting import sort_row

__all__ = ["SOLUTION", "solve_period", "solve_periods"]

SOLUTION = (
    "frequency", "period_err", "epoch_max", "epoch_min", "r21", "r31", "phi21", "phi31",
    "depth_ratio", "psi", "cycles", "cycles_seen",
)  # fmt: skip
"""What the first rows of a result hold, in this order; the amplitudes of the bands follow.

- ``frequency``: 1/d, and ``period_err``: standard deviation of the period, d.
- ``epoch_max``, ``epoch_min``: times at which the series of all bands is brightest and faintest, in
  the time of the epochs; of all cycles, those nearest the weighted mean time, where the phase is
  known best.
- ``r21``, ``r31``, ``phi21``, ``phi31``: ratios of amplitudes A_k / A_1 and phases phi_k - k phi_1
  (0 to 2 pi) of a series of cosines A_k cos(2 pi k f t + phi_k) (Simon & Lee 1981), of magnitudes
  where the values are magnitudes, else of fluxes.
- ``depth_ratio``: of two minima of light, see `phasecurve.depth_ratio`.
- ``psi``: the scatter about the fit over that about the means of the bands; both are weighted, over
  degrees of freedom: about 1 where the fit explains nothing.
- ``cycles``: the time span in periods, and ``cycles_seen``: cycles, counted from the first epoch,
  in which there are epochs.
- amplitudes: the range of the series of a band, in the unit of the values; NaN where a band has
  less than three epochs.
"""

_CYCLES = len(SOLUTION) - 2
_GRID = 256
"""Points of a curve among which extremes are looked for before they are refined."""

_AMPLITUDE_EPOCHS = 3


@kernel
def solve_period(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    bounds: NDArray[np.int64],
    floor: float,
    fraction: float,
    frequency: float,
    profile: NDArray[np.float64],
    is_magnitude: bool,
    out: NDArray[np.float64],
) -> PeriodFit:
    """Fit one light curve, and fill what is published of it.

    Parameters
    ----------
    t, y, e, bounds, floor, fraction, frequency, profile
        As for `periodfit.fit_period`.
    is_magnitude : bool
        Whether brighter is smaller.
    out : (len(SOLUTION) + n_bands,) array
        NaN where the light curve cannot be fitted.
    """
    out[:] = np.nan
    fit = fit_period(t, y, e, bounds, floor, fraction, frequency, profile)
    if not np.isfinite(fit.frequency):
        return fit
    out[0], out[1] = fit.frequency, fit.error / fit.frequency**2
    _describe_shape(fit, is_magnitude, out)
    out[_CYCLES - 1] = _scatter_ratio(fit)
    out[_CYCLES], out[_CYCLES + 1] = _count_cycles(t, bounds, fit.frequency)
    return fit


@kernel
def _describe_shape(fit: PeriodFit, is_magnitude: bool, out: NDArray[np.float64]) -> None:
    model, epochs, curve = fit.model, fit.epochs, np.empty(_GRID)
    brightness = negative(model.common) if is_magnitude else model.common.copy()
    fill_curve(brightness, curve)
    brightest, _, faintest, _ = extremes(brightness, curve)
    out[2] = fit.zero + brightest / fit.frequency
    out[3] = fit.zero + faintest / fit.frequency
    for k in (2, 3):
        out[2 + k], out[4 + k] = harmonic_shape(model.common, k)
    out[8] = depth_ratio(brightness, curve)
    series = brightness
    for b in range(epochs.which.size):
        if epochs.start[b + 1] - epochs.start[b] >= _AMPLITUDE_EPOCHS:
            fill_series(model, b, series)
            fill_curve(series, curve)
            out[_CYCLES + 2 + epochs.which[b]] = epochs.unit[b] * curve_range(series, curve)


@kernel
def _scatter_ratio(fit: PeriodFit) -> float:
    epochs = fit.epochs
    n, n_bands = epochs.value.size, epochs.which.size
    after = before = 0.0
    for j in range(n):
        after += epochs.weight[j] * epochs.residual[j] ** 2
        before += epochs.weight[j] * epochs.value[j] ** 2
    return float(np.sqrt(after * (n - n_bands) / (before * max(n - fit.free, 1.0))))


@kernel
def _count_cycles(
    t: NDArray[np.float64], bounds: NDArray[np.int64], frequency: float
) -> tuple[float, float]:
    """Return how often the period fits into the span, and how many cycles have epochs.

    Of bands with two epochs or more, which the fit is of.
    """
    kept = np.empty(bounds[bounds.size - 1] - bounds[0])
    n = 0
    for b in range(bounds.size - 1):
        if bounds[b + 1] - bounds[b] >= 2:
            for j in range(bounds[b], bounds[b + 1]):
                kept[n] = t[j]
                n += 1
    times = kept[:n]
    sort_row(times)
    seen, last = 1, 0.0
    for j in range(1, n):
        cycle = np.floor((times[j] - times[0]) * frequency)
        seen += cycle > last
        last = cycle
    return (times[n - 1] - times[0]) * frequency, float(seen)


@kernel
def solve_periods(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    offsets: NDArray[np.int64],
    n_bands: int,
    floor: float,
    fraction: float,
    frequency: NDArray[np.float64],
    kind: NDArray[np.int64],
    profiles: NDArray[np.float64],
    is_magnitude: bool,
    out: NDArray[np.float64],
) -> None:
    """Fill what is published of each light curve.

    Parameters
    ----------
    t, y, e : (m,) arrays
    offsets : (n x n_bands + 1,) array
        Segments of each light curve and band.
    floor, fraction : float
        As in `harmonics.prepare`. Nothing need be added to the errors here: what they lack is
        found from the residuals.
    frequency : (n,) array
        Near the best one; NaN: left out.
    kind : (n,) array
        Which of the profiles.
    profiles : (n_profiles, K) array
        Prior variances of the harmonics up to a factor, ended by zeros.
    is_magnitude : bool
    out : (len(SOLUTION) + n_bands, n) array
        NaN for light curves that are left out, or have too few epochs or no variation.
    """
    row = np.empty(out.shape[0])
    out[:] = np.nan
    for i in range(frequency.size):
        bounds = offsets[i * n_bands : (i + 1) * n_bands + 1]
        if not np.isfinite(frequency[i]) or bounds[n_bands] == bounds[0]:
            continue
        profile = profiles[kind[i]]
        n_terms = profile.size
        while n_terms > 1 and profile[n_terms - 1] == 0.0:
            n_terms -= 1
        solve_period(
            t, y, e, bounds, floor, fraction, frequency[i], profile[:n_terms], is_magnitude, row
        )
        for k in range(row.size):
            out[k, i] = row[k]
