"""What the experiments with declarations must know of some features, and light curves for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

_RNG = np.random.default_rng(21)

_INTERVALS = [f"IntervalShare{name}" for name in ("1h", "1d", "10d", "100d")]
_CADENCE = ["NumNights", "EpochsPerNight", "NumSeasons", *_INTERVALS]
_DETECTIONS = ["NumPositive", "NumNegative", "PositiveFraction", "NonDetBefore", "NonDetAfter"]
_RED = [
    "DRWTau", "DRWLogRatio", "IARPhi", "MHPSHigh", "MHPSRatio", "RiseSlope", "FadeSlope",
    "AutocorrelationLength",
]  # fmt: skip

ABSOLUTE_TIMES = {
    "firstTime", "lastTime", "FirstDetection", "LastDetection", "TimeOfMax", "TimeMean",
    "LinearIntercept",
}  # fmt: skip
"""Not differences of times, or at time zero."""

OWN_TIME_SCALE = {
    "SFAmplitude", "SFAmplitudeRobust", "Chi2QSO", "Chi2False", "IARPhi", "MHPSLow", "MHPSHigh",
    "MHPSRatio", "SlottedAutocorrelationLength", "Ema2", "Ema8", "Ema28", "RiseSlope", "FadeSlope",
    *_CADENCE, *(name[0].lower() + name[1:] for name in _CADENCE),
}  # fmt: skip
"""A number of days is part of their definition."""

ORDER_ONLY = {
    "Eta", "Abbe", "Cusum", "Con", "PairSlopeTrend", "StetsonKAC",
    "NonDetBefore", "NonDetAfter", "AutocorrelationLength",
}  # fmt: skip
"""Of the times only their order matters."""

SEVERAL_BANDS = {"colorSpread"}
"""Of all bands, and undefined for one."""

TESTED_APART = {
    "SFAmplitude", "SFGamma", "SFAmplitudeRobust", "SFGammaRobust", "DRWSigma", "DRWTau",
    "DRWLogRatio", "IARPhi", "Chi2QSO", "Chi2False", "colorSpread",
}  # fmt: skip
"""Fits, and what depends on the name of the band: compared with twins in files of their own."""


def _red(interval: float = 1.6) -> Curve:
    """Return a light curve that rises and falls, with epochs every few days."""
    t = 60000 + np.cumsum(interval * _RNG.uniform(0.2, 1.8, 40))
    x = 500 + 200 * np.exp(-0.5 * ((np.arange(40) - 18) / 8) ** 2) + _RNG.normal(0, 12, 40)
    return t, x, _RNG.uniform(1, 5, 40)


def _faint() -> Curve:
    """Return fluxes about zero of which the first and last are no detections."""
    t = 60000 + np.sort(_RNG.uniform(0, 500, 40))
    x, e = _RNG.normal(0, 100, 40), _RNG.uniform(3, 30, 40)
    x[:2], x[-3:] = 5.0, -4.0
    e[:2], e[-3:] = 20.0, 15.0
    x[2], x[-4], e[2], e[-4] = 80.0, 80.0, 10.0, 10.0  # barely detected
    return t, x, e


def _nightly() -> Curve:
    """Return several epochs a night, in nights of three seasons."""
    nights = np.cumsum(_RNG.choice([1.0, 4.0, 20.0, 150.0], 10, p=[0.3, 0.3, 0.2, 0.2]))
    t = 60000.2 + np.sort((nights[:, None] + _RNG.uniform(0, 0.2, (10, 4))).ravel())
    return t, _RNG.normal(500, 40, 40), _RNG.uniform(3, 30, 40)


def _flare() -> Curve:
    """Return noise with four bright epochs in a row."""
    t = 60000 + np.sort(_RNG.uniform(0, 500, 40))
    x = _RNG.gamma(2.0, 30.0, 40) + 500
    x[10:14] += 500
    return t, x, _RNG.uniform(3, 30, 40)


def _falling() -> Curve:
    t, x, e = CURVES["RiseSlope"]
    return t, np.sort(x)[::-1], e


CURVES: dict[str, Curve] = {
    **dict.fromkeys(_RED, _red()),
    "Con": _flare(),
    "SlottedAutocorrelationLength": _red(0.8),
    **dict.fromkeys([*_DETECTIONS, "FirstDetection", "LastDetection"], _faint()),
    **dict.fromkeys(["timeSinceFirstDetection", "timeSinceLastDetection"], _faint()),
    **dict.fromkeys([*_CADENCE, *(n[0].lower() + n[1:] for n in _CADENCE)], _nightly()),
}
"""Where white noise of bright values tells little."""

MINIMUM: dict[str, Curve] = {
    **{name: CURVES[name] for name in ("MHPSHigh", "MHPSRatio", "RiseSlope")},
    "FadeSlope": _falling(),
}
"""Whose first epochs show from how many on a feature is defined."""
