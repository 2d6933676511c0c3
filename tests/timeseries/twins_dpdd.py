"""lcPeriodic once more, slow and obvious: astropy's periodogram, numpy's and scipy's fits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from astropy.timeseries import LombScargle
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize_scalar, root

A = NDArray[Any]

DEFAULT_LIMITS = (0.01, 10.0)


def periodic_twin(t: A, x: A, e: A, limits: tuple[float, float] = DEFAULT_LIMITS) -> A:
    """Return the 32 numbers of lcPeriodic."""
    order = np.lexsort((x, t))
    t, x, w = t[order] - t.min(), x[order], e[order] ** -2.0
    if np.ptp(t) == 0 or np.ptp(x) == 0:
        return np.full(32, np.nan)
    found: list[float] = []
    for _ in range(3):
        rest = x - _fitted(t, x, w, found)[1]
        found.append(_peak(t, rest, w, limits))
        found = _refined(t, x, w, found)
    found = _without_aliases(t, x, w, found, limits)
    solution, _ = _fitted(t, x, w, found)
    a, b = solution[2::2].reshape(3, 4), solution[3::2].reshape(3, 4)
    ratio = np.outer(np.array(found) / found[0], np.arange(1, 5))
    phase = np.arctan2(b, a) - ratio * math.atan2(b[0, 0], a[0, 0])
    phase = np.angle(np.exp(1j * phase))
    phase[0, 0] = 0.0
    rests = [x - _fitted(t, x, w, found[:k])[1] for k in range(3)]
    signif = [
        _significance(t, rest, w, f, limits[1], len(t) - 2 - 9 * k)
        for k, (rest, f) in enumerate(zip(rests, found, strict=True))
    ]
    return np.array(
        [
            solution[1], *found, *np.hypot(a, b).ravel(), *phase.ravel(), signif[0],
            *(s / signif[0] if signif[0] else np.nan for s in signif[1:]),
            np.sum(w * rests[0] ** 2) / np.sum(w * rests[1] ** 2),
        ]
    )  # fmt: skip


def _fitted(t: A, x: A, w: A, frequencies: list[float] | A) -> tuple[A, A]:
    """Return mean at the first epoch, trend and harmonics, and the fitted values."""
    angles = [2 * np.pi * j * f * t for f in frequencies for j in range(1, 5)]
    columns = [np.ones_like(t), t, *(part(a) for a in angles for part in (np.sin, np.cos))]
    design = np.stack(columns, axis=1)
    size = np.abs(design).max(axis=0)
    weighted = design / size * np.sqrt(w)[:, None]
    shift = x.mean()
    solution = np.linalg.lstsq(weighted, (x - shift) * np.sqrt(w), rcond=1e-12)[0] / size
    return solution, design @ solution + shift


def _power(t: A, x: A, w: A, f: A) -> A:
    power: A = LombScargle(t, x, w**-0.5).power(f, method="slow")
    return power


def _peak(t: A, x: A, w: A, limits: tuple[float, float]) -> float:
    low, high = limits
    df = 1 / (5 * t.max())
    f = low + df * np.arange(int((high - low) / df) + 1)
    power = LombScargle(t, x, w**-0.5).power(f, method="cython")
    gaps = np.diff(t)
    nyquist = 0.5 * np.mean(1 / gaps[gaps > 0])
    score = 0.5 * (len(t) - 1) * power - np.maximum(0, np.log(f / nyquist))
    best = f[np.argmax(score)]
    bounds = (max(low, best - df), min(high, best + df))
    options = {"xatol": 1e-12}
    found = minimize_scalar(
        lambda g: -_power(t, x, w, np.array([g]))[0], bounds=bounds, method="bounded",
        options=options,
    )  # fmt: skip
    return float(found.x)


def _refined(t: A, x: A, w: A, frequencies: list[float]) -> list[float]:
    span = t.max()
    start = np.array(frequencies)

    def residual(u: A) -> A:
        values: A = np.sqrt(w) * (x - _fitted(t, x, w, start + u / span)[1])
        return values

    near = least_squares(residual, np.zeros_like(start), jac="3-point", xtol=1e-12).x

    def gradient(u: A) -> A:
        """Return r . dm/df, which the numbers at the minimum need to more digits than r . r."""
        f = start + u / span
        solution, fitted = _fitted(t, x, w, f)
        a, b = solution[2::2].reshape(-1, 4), solution[3::2].reshape(-1, 4)
        angles = 2 * np.pi * np.multiply.outer(np.outer(f, np.arange(1, 5)), t)
        wave = a[..., None] * np.cos(angles) - b[..., None] * np.sin(angles)
        slopes = np.sum(wave * np.arange(1, 5)[:, None], axis=1) * t / span
        rates: A = slopes @ (w * (x - fitted))
        return rates

    exact = root(gradient, near, options={"xtol": 1e-15}).x
    return list(start + exact / span)


def _without_aliases(
    t: A, x: A, w: A, frequencies: list[float], limits: tuple[float, float]
) -> list[float]:
    """Return the frequencies, each replaced by its best alias where the model is then better."""
    step = 1 / (5 * t.max())

    def chi2(found: list[float]) -> float:
        return float(np.sum(w * (x - _fitted(t, x, w, found)[1]) ** 2))

    for i in range(3):
        solution, fitted = _fitted(t, x, w, frequencies)
        angles = 2 * np.pi * np.outer(np.arange(1, 5) * frequencies[i], t)
        a, b = solution[2 + 8 * i : 10 + 8 * i : 2], solution[3 + 8 * i : 10 + 8 * i : 2]
        rest = x - fitted + a @ np.sin(angles) + b @ np.cos(angles)
        shifts = np.array([1, 1.0027379, 2, 2.0054758, 0.0027379])
        aliases = np.abs(frequencies[i] + np.outer([1, -1], shifts).ravel())
        near = (aliases[:, None] + step * np.arange(-5, 6)).ravel()
        near = near[(near >= limits[0]) & (near <= limits[1])]
        near = near[np.abs(near - frequencies[i]) > 5 * step]
        near = np.append(frequencies[i], near)
        best = float(near[np.argmax(_power(t, rest, w, near))])
        other = _refined(t, x, w, [*frequencies[:i], best, *frequencies[i + 1 :]])
        if best != frequencies[i] and chi2(other) < chi2(frequencies):
            frequencies = other
    return frequencies


def _significance(t: A, x: A, w: A, f: float, f_max: float, freedom: int) -> float:
    """Return -lg of Baluev's (2008) equation 5."""
    power = _power(t, x, w, np.array([f]))[0]
    mean = np.average(t, weights=w)
    bandwidth = f_max * np.sqrt(4 * np.pi * np.average((t - mean) ** 2, weights=w))
    gamma = math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2))
    tau = gamma * bandwidth * (1 - power) ** ((freedom - 3) / 2) * np.sqrt(power)
    single = (1 - power) ** ((freedom - 2) / 2)
    rest = math.exp(-tau)
    if tau > 0.5:
        return -math.log1p(-(1 - single) * rest) / math.log(10)
    return -math.log10(-math.expm1(-tau) + single * rest)


NAMES = (
    "PeriodicTrend", "Freq1", "Freq2", "Freq3",
    *(f"FreqAmp{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3, 4)),
    *(f"FreqPhase{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3, 4)),
    "FreqSignif", "FreqSignifRatio2", "FreqSignifRatio3", "FreqVarianceRatio",
)  # fmt: skip
"""The 32 numbers in the order of the DPDD."""
