"""What is read off a curve against phase: its extremes, range, minima and harmonics.

A curve is a Fourier series without its mean: the sum over k = 1..K of a_k cos(2 pi k x) + b_k sin(2
pi k x), x being the phase in cycles, with a_1, b_1, a_2, ... in one array.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.reductions import negative, place_of_lowest

__all__ = [
    "curve_range", "depth_ratio", "extremes", "fill_curve", "fill_model", "harmonic_shape",
]  # fmt: skip

_NEWTON_STEPS = 4

_APART = 0.25
"""Minima of one eclipse, or beside a bump, are nearer to each other than this in phase."""

_LEAST_RISE = 0.05
"""Of the depth of the deepest minimum: a dip of less is not a minimum of its own."""


@kernel
def fill_curve(series: NDArray[np.float64], curve: NDArray[np.float64]) -> None:
    """Fill the curve at equal steps of phase, from 0 on."""
    n = curve.size
    curve[:] = 0.0
    for g in range(n):
        angle = 2.0 * np.pi * g / n
        c1, s1 = np.cos(angle), np.sin(angle)
        c, s = 1.0, 0.0
        for p in range(0, series.size, 2):
            c, s = c * c1 - s * s1, s * c1 + c * s1
            curve[g] += series[p] * c + series[p + 1] * s


@kernel
def fill_model(
    series: NDArray[np.float64],
    times: NDArray[np.float64],
    frequency: float,
    model: NDArray[np.float64],
) -> None:
    """Fill the curve at times."""
    for j in range(times.size):
        cycles = frequency * times[j]
        angle = 2.0 * np.pi * (cycles - np.floor(cycles))
        c1, s1 = np.cos(angle), np.sin(angle)
        c, s = 1.0, 0.0
        model[j] = 0.0
        for p in range(0, series.size, 2):
            c, s = c * c1 - s * s1, s * c1 + c * s1
            model[j] += series[p] * c + series[p + 1] * s


@kernel
def _at(series: NDArray[np.float64], phase: float) -> tuple[float, float, float]:
    """Return value, slope and second derivative."""
    turn = 2.0 * np.pi
    value = slope = bend = 0.0
    for p in range(0, series.size, 2):
        order = turn * (p // 2 + 1)
        c, s = np.cos(order * phase), np.sin(order * phase)
        a, b = series[p], series[p + 1]
        value += a * c + b * s
        slope += order * (b * c - a * s)
        bend -= order * order * (a * c + b * s)
    return value, slope, bend


@kernel
def _refine(series: NDArray[np.float64], phase: float, reach: float) -> tuple[float, float]:
    """Return phase and value of the extreme within `reach` of a phase."""
    x = phase
    for _ in range(_NEWTON_STEPS):
        _, slope, bend = _at(series, x)
        if bend == 0.0:
            break
        x = min(max(x - slope / bend, phase - reach), phase + reach)
    return x, _at(series, x)[0]


@kernel
def extremes(
    series: NDArray[np.float64], curve: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """Return phase and value of the highest point of a curve, and of the lowest.

    Phases are from -1/2 to 1/2. `curve` is as `fill_curve` fills it.
    """
    step = 1.0 / curve.size
    high, top = _refine(series, step * place_of_lowest(negative(curve)), step)
    low, bottom = _refine(series, step * place_of_lowest(curve), step)
    return high - np.floor(high + 0.5), top, low - np.floor(low + 0.5), bottom


@kernel
def curve_range(series: NDArray[np.float64], curve: NDArray[np.float64]) -> float:
    """Return the highest value less the lowest."""
    _, top, _, bottom = extremes(series, curve)
    return top - bottom


@kernel
def depth_ratio(series: NDArray[np.float64], curve: NDArray[np.float64]) -> float:
    """Return the depth of the second minimum over that of the deepest, below the highest point.

    The second one is the deepest of the minima that are more than a quarter of a cycle away, and
    from which the curve rises on both sides, on the way to the deepest, by 5 % of the depth of
    that one or more. NaN where there is none.
    """
    n = curve.size
    _, top, _, bottom = extremes(series, curve)
    depth, deepest = top - bottom, place_of_lowest(curve)
    rim = np.empty(n)  # the highest point on the way back to the deepest
    rim[0] = bottom
    for g in range(1, n):
        rim[g] = max(rim[g - 1], curve[(deepest + g) % n])
    rise, second = bottom, np.nan
    for g in range(n - 1, 0, -1):
        here = (deepest + g) % n
        value = curve[here]
        rise = max(rise, value)
        is_lowest = value <= curve[here - 1] and value < curve[(here + 1) % n]
        if not is_lowest or min(g, n - g) <= _APART * n:
            continue
        if min(rise, rim[g]) - value >= _LEAST_RISE * depth:
            _, value = _refine(series, here / n, 1.0 / n)
            second = value if np.isnan(second) else min(second, value)
    return (top - second) / depth


@kernel
def harmonic_shape(series: NDArray[np.float64], k: int) -> tuple[float, float]:
    """Return amplitude ratio R_k1 and phase difference phi_k1 of harmonic k (2 or more).

    Of a series of cosines A_k cos(2 pi k x + phi_k) (Simon & Lee 1981, ApJ 248, 291): A_k / A_1
    and phi_k - k phi_1 from 0 to 2 pi. NaN where the series has no such harmonic.
    """
    first = np.hypot(series[0], series[1])
    if series.size < 2 * k or first == 0.0:
        return np.nan, np.nan
    a, b = series[2 * k - 2], series[2 * k - 1]
    difference = np.arctan2(-b, a) - k * np.arctan2(-series[1], series[0])
    turns = difference / (2.0 * np.pi)
    return np.hypot(a, b) / first, 2.0 * np.pi * (turns - np.floor(turns))
