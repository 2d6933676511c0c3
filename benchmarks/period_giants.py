"""Miras and semiregulars with the periods and amplitudes of OGLE-III (Soszynski et al. 2009)."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow.parquet as pq

from period_cadences import DATA, Floats, Model
from period_pulsators import TURN, Rng, Shape, Variable, scaled, sines

__all__ = ["mira", "semiregular"]

BAND_FACTOR = {"asas": 2.4, "ztf": 1.7, "linear": 1.6, "ogle": 1.0, "lsst": 1.6}
"""Amplitudes of the surveys' bands against I."""
LONGEST_SHARE = 0.5
"""Of the time span: the longest period that is drawn."""
SHORTEST, LONGEST = 60.0, 1000.0


@cache
def catalog(subtype: str) -> Floats:
    """Return the periods and I amplitudes of all stars of a subtype, as (n, 2)."""
    table = pq.read_table(
        DATA / "ogle3_variables.parquet", columns=["period", "amplitude"],
        filters=[("type", "=", "LPV"), ("subtype", "=", subtype)],
    ).to_pandas()  # fmt: skip
    values = table.to_numpy(float)
    return values[(values[:, 0] >= SHORTEST) & (values[:, 1] > 0)]


def drawn(rng: Rng, subtype: str, span: float) -> tuple[float, float]:
    """Draw a period that fits into the time span, with its amplitude."""
    stars = catalog(subtype)
    stars = stars[stars[:, 0] <= min(LONGEST, LONGEST_SHARE * span)]
    period, amplitude = stars[rng.integers(len(stars))]
    return float(period), float(amplitude)


def wander(rng: Rng, knots: Floats, correlation: float) -> Floats:
    """Return a random sequence of unit variance, each value tied to the one before."""
    steps = rng.standard_normal(knots.size)
    values = np.empty(knots.size)
    values[0] = steps[0]
    for k in range(1, knots.size):
        values[k] = correlation * values[k - 1] + np.sqrt(1 - correlation**2) * steps[k]
    return values


def mira_shape(rng: Rng, period: float) -> Shape:
    """Return a shape: an asymmetric rise, often with a hump on it, or broad with flat minima."""
    draw = rng.random()
    if draw < 0.45:  # a faster rise; the more, the longer the period
        rise = np.clip(rng.normal(0.47 - 0.05 * (period - 300) / 200, 0.05), 0.28, 0.58)
        turn = 1 - rise

        def shape(phase: Floats) -> Floats:
            fall = 0.5 - 0.5 * np.cos(np.pi * phase / turn)
            climb = 0.5 + 0.5 * np.cos(np.pi * (phase - turn) / rise)
            return np.where(phase < turn, fall, climb)

        return shape
    if draw < 0.75:  # a hump on the rising branch
        hump, at = rng.uniform(0.04, 0.16), rng.uniform(0.68, 0.85)
        base = sines(rng, [rng.uniform(0.08, 0.25), 0.04], [rng.normal(2.3, 0.5), 5.0])

        def shape(phase: Floats) -> Floats:
            # the series is brightest at 3/4 of its cycle
            bump = np.exp(-0.5 * ((phase - at) / 0.06) ** 2)
            return base(phase + 0.75) - 2 * hump * bump

        return shape
    power = rng.uniform(0.7, 1.9)  # broad maxima and narrow minima, or the other way round
    return lambda phase: (0.5 - 0.5 * np.cos(TURN * phase)) ** power


def mira(rng: Rng, span: float, survey: str) -> Variable:
    """Draw a Mira whose cycles differ by 10 to 20 % and whose mean wanders."""
    period, amplitude = drawn(rng, "Mira", span)
    factor = BAND_FACTOR[survey] * np.exp(rng.normal(0, 0.1))
    amplitude = min(amplitude * factor, 7.0)
    shape = scaled(mira_shape(rng, period), 1.0)
    unstable = rng.uniform(0.08, 0.2)
    jitter, trend = rng.uniform(0.008, 0.03), rng.uniform(0.0, 0.12)
    model = cycles(rng, shape, period, span, amplitude, unstable, jitter, trend)
    return Variable(model, period, "mira")


def cycles(
    rng: Rng, shape: Shape, period: float, span: float, amplitude: float, unstable: float,
    jitter: float, trend: float,
) -> Model:  # fmt: skip
    """Return a model whose amplitude, phase and mean change from cycle to cycle."""
    knots = np.arange(-2 * period, span + 3 * period, period)
    height = 1 + unstable * wander(rng, knots, 0.3)
    phase_walk = jitter * np.cumsum(rng.standard_normal(knots.size))
    phase_walk -= np.polyval(np.polyfit(knots, phase_walk, 1), knots)  # `period` stays the mean
    slow = np.arange(-2 * period, span + 6 * period, 3 * period)
    mean = trend * amplitude * wander(rng, slow, 0.6)
    start = rng.random()

    def model(time: Floats, micron: Floats) -> Floats:
        phase = time / period + start + np.interp(time, knots, phase_walk)
        swing = np.maximum(np.interp(time, knots, height), 0.3)
        red = (0.62 / np.maximum(micron, 0.5)) ** 0.9 if np.ptp(micron) > 0 else 1.0
        return red * (amplitude * swing * shape(phase) + np.interp(time, slow, mean))

    return model


def semiregular(rng: Rng, span: float, survey: str) -> Variable:
    """Draw a semiregular: lower amplitude, less stable, with a weak second period."""
    period, amplitude = drawn(rng, "SRV", span)
    amplitude *= BAND_FACTOR[survey] ** 0.8
    shape = scaled(sines(rng, [rng.uniform(0.0, 0.15)], [rng.uniform(0, TURN)]), 1.0)
    unstable, jitter = rng.uniform(0.1, 0.4), rng.uniform(0.015, 0.05)
    first = cycles(rng, shape, period, span, amplitude, unstable, jitter, rng.uniform(0, 0.2))
    if rng.random() < 0.5:
        other = period * rng.uniform(0.5, 0.62)  # the next mode
    else:
        other = period * rng.uniform(1.4, 2.2)
    beat = scaled(lambda phase: np.sin(TURN * phase), 1.0)
    weak = amplitude * rng.uniform(0.1, 0.55)
    second = cycles(rng, beat, other, span, weak, 0.2, 0.02, 0.0)
    return Variable(lambda t, w: first(t, w) + second(t, w), period, "semiregular")
