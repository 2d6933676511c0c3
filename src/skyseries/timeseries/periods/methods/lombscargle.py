"""The Lomb-Scargle periodogram as a method of the registry."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.timeseries.curve import Curve, CurveData
from skyseries.timeseries.kernels.harmonics import exact_powers
from skyseries.timeseries.kernels.peaks import false_alarm_probability, refine_peak
from skyseries.timeseries.kernels.search import fill_power
from skyseries.timeseries.periods.methods.registry import (
    Method,
    Option,
    Options,
    positive_integer,
    register_method,
)
from skyseries.timeseries.periods.nufft import is_faster, nufft_power

__all__ = ["LOMB_SCARGLE", "harmonic_design"]


def _fill(curve: Curve, options: Options, f0: float, df: float, power: Floats) -> None:
    single = np.empty(power.size, np.float32)
    nterms = options["nterms"]
    if nterms == 1 and is_faster(curve.n_epochs, curve.n_bands, power.size):
        nufft_power(*curve.arrays, f0, df, single)
    else:
        fill_power(*curve.arrays, nterms, f0, df, single)
    power[:] = single


def _exact(curve: Curve, options: Options, frequency: Floats) -> Floats:
    return exact_powers(*curve.arrays, options["nterms"], frequency)


def _refine(
    curve: Curve, options: Options, f: float, step: float, low: float, high: float
) -> tuple[float, float]:
    return refine_peak(*curve.arrays, options["nterms"], f, 0.5 * step, low, high)


def _false_alarm(curve: Curve, options: Options, power: float, low: float, high: float) -> float:
    if options["nterms"] > 1:
        return math.nan
    return false_alarm_probability(
        power, curve.times, curve.weights, curve.n_epochs, curve.n_bands, high
    )


def _model(
    curve: Curve,
    data: CurveData,
    options: Options,
    f: float,
    times: Floats,
    wanted: NDArray[np.int64],
) -> Floats:
    n_bands, nterms = len(data.names), options["nterms"]
    design = harmonic_design(data.time - data.origin, data.code, n_bands, f, nterms)
    root = np.sqrt(data.weight)
    solution = np.linalg.lstsq(design * root[:, None], data.value * root, rcond=None)[0]
    return harmonic_design(times, wanted, n_bands, f, nterms) @ solution


def harmonic_design(
    t: Floats, code: NDArray[np.int64], n_bands: int, f: float, nterms: int
) -> Floats:
    """Return the columns cos, sin of each harmonic, and one for the mean of each band."""
    angle = 2.0 * np.pi * np.outer(f * t, np.arange(1, nterms + 1))
    return np.hstack([np.cos(angle), np.sin(angle), np.eye(n_bands)[code]])


LOMB_SCARGLE = register_method(
    Method(
        name="lombscargle",
        title="multiband Lomb-Scargle, shared phase, floating mean per band",
        reference="Zechmeister & Kurster 2009, A&A 496, 577; VanderPlas & Ivezic 2015, ApJ 812, 18",
        use="the first to try: pulsators, rotators, anything smooth; the fastest by far",
        power="share of chi2 that the sinusoid takes away, 0 to 1",
        multiband="one amplitude and phase for all bands, a mean for each",
        options=(Option("nterms", 1, "harmonics of the model", positive_integer),),
        fill=_fill,
        oversampling=lambda options: 5.0,
        spare=lambda options: 2 * options["nterms"] + 2,
        is_share=True,
        exact=_exact,
        refine=_refine,
        false_alarm=_false_alarm,
        model=_model,
    )
)
