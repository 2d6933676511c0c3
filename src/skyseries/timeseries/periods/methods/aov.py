"""Multiharmonic analysis of variance as a method of the registry."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.timeseries.curve import Curve, CurveData
from skyseries.timeseries.kernels.aov import aov_power, band_is_long
from skyseries.timeseries.periods.methods.lombscargle import harmonic_design
from skyseries.timeseries.periods.methods.registry import (
    Method,
    Option,
    Options,
    positive_integer,
    register_method,
)

__all__ = ["AOV"]


def _fill(curve: Curve, options: Options, f0: float, df: float, power: Floats) -> None:
    aov_power(*curve.arrays, options["nterms"], f0, df, power)


def _freedom(curve: Curve, nterms: int) -> tuple[int, int]:
    sizes = [int(n) for n in np.diff(curve.start) if band_is_long(int(n), nterms)]
    return 2 * nterms * len(sizes), sum(n - 2 * nterms - 1 for n in sizes)


def _false_alarm(curve: Curve, options: Options, power: float, low: float, high: float) -> float:
    nterms = options["nterms"]
    model, rest = _freedom(curve, nterms)
    if model == 0:
        return math.nan
    if power <= 0:
        return 1.0
    single = _f_tail(power, model, rest)
    trials = max(1.0, 2.0 * nterms * curve.span * (high - low))
    return -math.expm1(trials * math.log1p(-single)) if single < 1 else 1.0


def _f_tail(ratio: float, model: int, rest: int) -> float:
    """Return the chance of a larger F; `model` is even, and the incomplete beta a finite sum."""
    x = rest / (rest + model * ratio)
    term, total = 1.0, 1.0
    for j in range(model // 2 - 1):
        term *= (0.5 * rest + j) / (j + 1) * (1.0 - x)
        total += term
    return min(1.0, math.exp(0.5 * rest * math.log(x) + math.log(total))) if x > 0 else 0.0


def _model(
    curve: Curve,
    data: CurveData,
    options: Options,
    f: float,
    times: Floats,
    wanted: NDArray[np.int64],
) -> Floats:
    nterms, code, root = options["nterms"], data.code, np.sqrt(data.weight)
    since = data.time - data.origin
    result = np.empty(times.size)
    for b in range(len(data.names)):
        own, asked = code == b, wanted == b
        terms = nterms if band_is_long(int(own.sum()), nterms) else 0
        none = np.zeros(since[own].size, np.int64)
        design = harmonic_design(since[own], none, 1, f, terms)
        solution = np.linalg.lstsq(
            design * root[own, None], data.value[own] * root[own], rcond=None
        )[0]
        none = np.zeros(int(asked.sum()), np.int64)
        result[asked] = harmonic_design(times[asked], none, 1, f, terms) @ solution
    return result


AOV = register_method(
    Method(
        name="mhaov",
        title="multiharmonic analysis of variance",
        reference="Schwarzenberg-Czerny 1996, ApJ 460, L107; Mondrik et al. 2015, ApJ 811, L34",
        use="strong harmonics, or amplitudes and phases that differ between well-sampled bands",
        power="F statistic: mean square of the model over that of the residuals (the code P4J "
        "multiplies it by the number of bands)",
        multiband="a Fourier series for each band with 2 nterms + 2 epochs or more; sums of "
        "squares and degrees of freedom are added",
        options=(Option("nterms", 2, "harmonics of each series", positive_integer),),
        fill=_fill,
        oversampling=lambda options: 5.0 * options["nterms"],
        spare=lambda options: 2 * options["nterms"] + 1,
        false_alarm=_false_alarm,
        model=_model,
    )
)
