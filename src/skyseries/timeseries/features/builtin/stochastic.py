"""Features of stochastic variability: structure function, damped random walk, autocorrelation."""

from __future__ import annotations

import math

import numpy as np

from skyseries.arraytypes import Floats
from skyseries.timeseries.features.builtin.references import AP, DRP, LDM151
from skyseries.timeseries.features.builtin.thinned import MOST_EPOCHS, thinned
from skyseries.timeseries.features.registry import Feature, register_all
from skyseries.timeseries.kernels.autoregressive import segment_autocorrelation, segment_iar
from skyseries.timeseries.kernels.drw import segment_drw
from skyseries.timeseries.kernels.mexicanhat import segment_hat_variance
from skyseries.timeseries.kernels.qso import segment_qso
from skyseries.timeseries.kernels.structure import N_STRUCTURE, segment_structure
from skyseries.timeseries.kernels.structureindex import GRID, segment_structure_indices
from skyseries.timeseries.segments import Filled, Segments

__all__: list[str] = []


SCHMIDT = "Schmidt et al. 2010, ApJ 714, 1194"
BAUER = "Bauer et al. 2009, ApJ 696, 1241"
DRW = "Kelly, Bechtold & Siemiginowska 2009, ApJ 698, 895; MacLeod et al. 2010, ApJ 721, 1014"
IAR = "Eyheramendy, Elorrieta & Palma 2018, MNRAS 481, 4311"
BUTLER = "Butler & Bloom 2011, AJ 141, 93"
AREVALO = "Arevalo et al. 2012, MNRAS 426, 1793"
FATS = "Kim et al. 2011, ApJ 735, 68; Nun et al. 2015, arXiv:1506.00010"

_QUASARS: dict[str, tuple[float, float]] = {
    "u": (-3.90, 2.73),
    "g": (-4.10, 2.92),
    "r": (-4.34, 3.12),
    "i": (-4.23, 2.83),
    "z": (-4.44, 3.06),
    "y": (-4.44, 3.06),
}
"""log10 of sigma^2 (mag^2/d) and of tau (d) of Butler & Bloom at 19 mag, for ugriz; y as z."""

_THIN = f"; of more than {MOST_EPOCHS} epochs every k-th"


def _structure(segments: Segments) -> Floats:
    few = segments.once(thinned)
    return few.filled(N_STRUCTURE, segment_structure, few.time, few.value, few.error, few.offsets)


_indices = Filled(3, segment_structure_indices, ("time", "value", "offsets"))


_drw = Filled(3, segment_drw, ("time", "value", "error", "offsets"))


def _qso(segments: Segments) -> Floats:
    names = [str(band).lower() for band in segments.bands]
    of_band = np.array([_QUASARS.get(name, _QUASARS["g"]) for name in names])
    of_band = np.tile(of_band, (segments.size // len(names), 1))
    tau = 10.0 ** of_band[:, 1]
    variance = 0.5 * tau * 10.0 ** of_band[:, 0]
    return segments.filled(
        2,
        segment_qso,
        segments.time,
        segments.value,
        segments.error,
        segments.offsets,
        _magnitude_scale(segments),
        tau,
        variance,
    )


def _magnitude_scale(segments: Segments) -> Floats:
    """Return the factor that makes magnitudes of small differences from the median."""
    if segments.is_magnitude:
        return np.ones(segments.size)
    scale = np.full(segments.size, np.nan)
    has = segments.count > 0
    first, last = segments.offsets[:-1][has], segments.offsets[1:][has] - 1
    ranked = segments.sorted_value
    # of an even number the middle is that of the two in the middle
    median = 0.5 * ranked[(first + last) // 2] + 0.5 * ranked[(first + last + 1) // 2]
    with np.errstate(divide="ignore", over="ignore"):
        scale[has] = np.where(median > 0, 2.5 / math.log(10.0) / median, np.nan)
    return scale


_iar = Filled(1, segment_iar, ("time", "value", "offsets"))


def _autocorrelation(segments: Segments) -> Floats:
    few = segments.once(thinned)
    return few.filled(2, segment_autocorrelation, few.time, few.value, few.offsets)


def _hat(segments: Segments) -> Floats:
    few = segments.once(thinned)
    out = np.empty((3, few.size))
    for row, period in enumerate((100.0, 10.0)):
        segment_hat_variance(few.time, few.value, few.error, few.offsets, period, out[row])
    with np.errstate(all="ignore"):
        out[2] = np.where((out[0] > 0) & (out[1] > 0), out[0] / out[1], np.nan)
    return out


_STRUCTURE = [
    Feature(
        "SFAmplitude", "Amplitude of the structure function at a lag of 100 d, of the greatest "
        "likelihood, pairs binned by lag in steps of sqrt(2); 0 where the errors explain all "
        f"differences{_THIN}",
        "A in var(x[j] - x[i]) = A^2 (lag / 100 d)^(2 gamma) + e[i]^2 + e[j]^2", _structure,
        output=0, reference=SCHMIDT, inputs=("time", "value", "error"), min_epochs=5,
        shift="invariant", cost="n^2", presets=DRP,
    ),
    Feature(
        "SFGamma", "Index of the structure function; 0 for white noise, 1/2 for a random walk; "
        "NULL where its amplitude is 0",
        "gamma in var(x[j] - x[i]) = A^2 (lag / 100 d)^(2 gamma) + e[i]^2 + e[j]^2", _structure,
        output=1, reference=SCHMIDT, unit="none", inputs=("time", "value", "error"), min_epochs=5,
        shift="invariant", cost="n^2", presets=DRP,
    ),
    Feature(
        "SFAmplitudeRobust", "SFAmplitude with the variance in each bin of lags from the mean "
        "absolute difference, which outliers affect less",
        "A from pi/2 mean(abs(x[j] - x[i]))^2 = A^2 (lag / 100 d)^(2 gamma) + e[i]^2 + e[j]^2",
        _structure, output=2, reference=f"{BAUER}; {SCHMIDT}",
        inputs=("time", "value", "error"), min_epochs=5, shift="invariant", cost="n^2",
        presets=DRP,
    ),
    Feature(
        "SFGammaRobust", "Index that goes with SFAmplitudeRobust",
        "gamma from pi/2 mean(abs(x[j] - x[i]))^2", _structure, output=3,
        reference=f"{BAUER}; {SCHMIDT}", unit="none", inputs=("time", "value", "error"),
        min_epochs=5, shift="invariant", cost="n^2", presets=DRP,
    ),
]  # fmt: skip

_INDICES = [
    Feature(
        f"SFIndex{upper}{lower}", f"Slope of the logarithm of the structure function of order "
        f"{upper} against that of order {lower}, of the light curve interpolated linearly to "
        f"{GRID} equidistant times; NULL for constant values",
        f"dln S{upper} / dln S{lower}, Sp(lag) = mean(abs(x(t + lag) - x(t))^p)", _indices,
        output=row, reference="Simonetti, Cordes & Heeschen 1985, ApJ 296, 46; Nun et al. 2015, "
        "arXiv:1506.00010", unit="none", inputs=("time", "value"), min_epochs=3,
        shift="invariant", presets=DRP,
    )
    for row, (upper, lower) in enumerate(((2, 1), (3, 1), (3, 2)))
]  # fmt: skip

_WALK = [
    Feature(
        "DRWSigma", "Standard deviation of the damped random walk of the greatest likelihood, far "
        "from any epoch (SF at infinity over sqrt(2)); 0 where the errors explain the scatter",
        "s in cov = s^2 exp(-abs(t[i] - t[j]) / tau) + e[i]^2 delta[i,j], weighted mean profiled "
        "out", _drw,
        output=0, reference=DRW, inputs=("time", "value", "error"), min_epochs=5,
        shift="invariant", cost="n x iterations", presets=DRP,
    ),
    Feature(
        "DRWTau", "Damping time of that walk, from the shortest interval (white noise) to 10 time "
        "spans (not damped within the data); NULL where its standard deviation is 0",
        "tau in cov = s^2 exp(-abs(t[i] - t[j]) / tau) + e[i]^2 delta[i,j]", _drw,
        output=1, reference=DRW, unit="time", inputs=("time", "value", "error"), min_epochs=5,
        shift="invariant", cost="n x iterations", presets=DRP,
    ),
    Feature(
        "DRWLogRatio", "Logarithm of the likelihood of the damped random walk over that of white "
        "noise of the best variance",
        "ln L(s, tau) - max over s of ln L(s, tau = 0)", _drw, output=2, reference=DRW,
        unit="none", inputs=("time", "value", "error"), min_epochs=5, shift="invariant",
        cost="n x iterations", presets=DRP,
    ),
]  # fmt: skip

_QSO = [
    Feature(
        "Chi2QSO", "Chi square for the damped random walk of a quasar of 19 mag in this band "
        "(y: as z; any other than ugrizy: as g), for each degree of freedom; fluxes as magnitudes "
        "linearised about the median, NULL where that is not above zero",
        "(x - m)^T C^-1 (x - m) / (n - 1), C = s^2 tau / 2 exp(-abs(t[i] - t[j]) / tau) + e[i]^2 "
        "delta[i,j], x = 2.5 / ln(10) flux / median", _qso,
        output=0, reference=f"{BUTLER}; {LDM151}", unit="none", inputs=("time", "value", "error"),
        min_epochs=2, cost="n", presets=AP,
    ),
    Feature(
        "Chi2False", "What Chi2QSO would be for variability that is not correlated in time",
        "trace(C^-1) var(x) / (n - 1)", _qso, output=1, reference=f"{BUTLER}; {LDM151}",
        unit="none", inputs=("time", "value", "error"), min_epochs=2, cost="n", presets=AP,
    ),
]  # fmt: skip

_CORRELATION = [
    Feature(
        "IARPhi", "Autocorrelation of an irregular AR(1) process at a lag of one day, of the "
        "greatest likelihood, errors not considered, with a time scale -1 d / ln(phi) of at most "
        "ten time spans (a trend has a longer one)",
        "phi in x[j] = phi^dt x[j-1] + sqrt(1 - phi^(2 dt)) s noise, about the mean", _iar,
        reference=IAR, unit="none", inputs=("time", "value"), min_epochs=3, shift="invariant",
        cost="n x iterations", presets=DRP,
    ),
    Feature(
        "AutocorrelationLength", "Smallest number of epochs after which the autocorrelation, the "
        f"intervals not considered, is below 1/e{_THIN}",
        "min(k): sum((x[j] - m) (x[j+k] - m)) < sum((x[j] - m)^2) / e", _autocorrelation,
        output=0, reference=FATS, unit="count", inputs=("time", "value"), min_epochs=2,
        shift="invariant", cost="n x lags", presets=DRP,
    ),
    Feature(
        "SlottedAutocorrelationLength", "Smallest lag, in slots of one day and from one day to "
        "4095, at which the autocorrelation is below 1/e; a slot without pairs is passed over"
        f"{_THIN}",
        "min(lag): mean over pairs ((x[i] - m) (x[j] - m)) < mean((x - m)^2) / e",
        _autocorrelation, output=1, reference=FATS, unit="time", inputs=("time", "value"),
        min_epochs=2, shift="invariant", cost="n^2", presets=DRP,
    ),
]  # fmt: skip

_POWER = "frequency times power density at 1 / {0:g} d by the Mexican hat filter of sigma = {1:g} d"

_HAT = [
    Feature(
        "MHPSLow", f"Variance on a time scale of 100 d, {_POWER.format(100, 22.5)}, that of the "
        f"errors subtracted (so that it may be below zero){_THIN}",
        "16 / (3 sqrt(2 pi)) mean((dF/dln(sigma))^2), F = sum(g x) / sum(g)", _hat, output=0,
        reference=AREVALO, unit="value^2", inputs=("time", "value", "error"), min_epochs=2,
        shift="invariant", cost="n^2", presets=DRP,
    ),
    Feature(
        "MHPSHigh", f"Variance on a time scale of 10 d, {_POWER.format(10, 2.25)}, that of the "
        f"errors subtracted; NULL where no two epochs are within 13.5 d{_THIN}",
        "16 / (3 sqrt(2 pi)) mean((dF/dln(sigma))^2), F = sum(g x) / sum(g)", _hat, output=1,
        reference=AREVALO, unit="value^2", inputs=("time", "value", "error"), min_epochs=2,
        shift="invariant", cost="n^2", presets=DRP,
    ),
    Feature(
        "MHPSRatio", "Ratio of both; NULL where either is not above zero", "MHPSLow / MHPSHigh",
        _hat, output=2, reference=AREVALO, unit="none", inputs=("time", "value", "error"),
        min_epochs=2, shift="invariant", cost="n^2", presets=DRP,
    ),
]  # fmt: skip

register_all((*_STRUCTURE, *_INDICES, *_WALK, *_QSO, *_CORRELATION, *_HAT))
