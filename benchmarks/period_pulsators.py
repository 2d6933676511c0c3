"""Pulsating stars: RR Lyrae, Cepheids, delta Scuti stars, as models with truth.

Shapes are sine series mag = sum A_k sin(2 pi k phase + phi_k), with the ratios and phases of the
literature (Simon & Teays 1982; Jurcsik & Kovacs 1996; the OGLE catalogs), and templates of other
forms, so that no rule can learn one recipe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from period_cadences import Floats, Model

__all__ = ["PULSATORS", "Shape", "Variable", "delta_scuti", "pulsator", "strict", "within"]

TURN = 2 * np.pi
GRID = np.linspace(0.0, 1.0, 400, endpoint=False)
Rng = np.random.Generator
Shape = Callable[[Floats], Floats]
"""Magnitudes against the phase in cycles."""


class Variable(NamedTuple):
    """A model with what is true of it."""

    model: Model
    period: float
    kind: str


def within(draw: Callable[[], float], low: float, high: float) -> float:
    """Draw until a value is inside the limits: no pile at round periods, as clipping makes."""
    while True:
        value = float(draw())
        if low < value < high:
            return value


def series(phase: Floats, amplitudes: Floats, phases: Floats) -> Floats:
    """Return a sine series of phases in cycles."""
    k = np.arange(1, len(amplitudes) + 1)
    return np.sin(TURN * np.multiply.outer(phase, k) + phases) @ amplitudes


def scaled(shape: Shape, amplitude: float) -> Shape:
    """Return a function of phase with this range and a mean of 0."""
    values = shape(GRID)
    mean, scale = values.mean(), amplitude / np.ptp(values)
    return lambda phase: scale * (shape(np.mod(phase, 1.0)) - mean)


def sines(rng: Rng, ratios: list[float], differences: list[float], scatter: float = 0.1) -> Shape:
    """Return a shape of A_k / A_1 (k >= 2) and phi_k - k phi_1, both with some scatter."""
    amplitudes = np.array([1.0, *ratios]) * np.exp(rng.normal(0, scatter, len(ratios) + 1))
    phases = np.array([0.0, *differences])
    phases[1:] += rng.normal(0, scatter, len(ratios)) * np.arange(1, len(ratios) + 1)
    return lambda phase: series(phase, amplitudes, phases)


def periodic(rng: Rng, shape: Shape, period: float, amplitude: float, lag: float = 0.02) -> Model:
    """Return the model of a strictly periodic star: less amplitude and later in the red."""
    shape, start = scaled(shape, amplitude), rng.random()
    steep = rng.uniform(0.5, 1.1)

    def model(time: Floats, micron: Floats) -> Floats:
        factor = (0.55 / np.maximum(micron, 0.46)) ** steep
        return factor * shape(time / period + start - lag * (micron - 0.55))

    return model


def rr_ab(rng: Rng) -> Variable:
    """RRab: a sine series, or a steep rise, a slow fall and bumps."""
    period = within(lambda: rng.normal(0.57, 0.08), 0.37, 0.9)
    amplitude = float(np.clip(1.0 - 1.7 * (period - 0.55) + rng.normal(0, 0.17), 0.25, 1.5))
    if rng.random() < 0.55:
        late = (period - 0.55) * 2.0
        full = np.clip(amplitude, 0.4, 1.2) ** 0.3
        ratios = np.array([0.47, 0.34, 0.23, 0.15, 0.10, 0.06, 0.04]) * full ** np.arange(1, 8)
        shape = sines(
            rng, list(ratios), [2.35 + late, 5.0 + 2 * late, 1.4 + 3 * late, 4.1, 0.6, 3.4, 6.1]
        )
    else:
        shape = bumpy_fall(rng, rng.uniform(0.1, 0.22), rng.uniform(1.2, 3.0))
    return Variable(periodic(rng, shape, period, amplitude), period, "rr_ab")


def bumpy_fall(rng: Rng, rise: float, decay: float) -> Shape:
    """Return a shape that brightens within `rise` of the cycle and decays, with two bumps."""
    bump, shock = rng.uniform(0.0, 0.12), rng.uniform(0.0, 0.1)
    at = rng.uniform(0.55, 0.75)

    def shape(phase: Floats) -> Floats:
        phase = np.mod(phase, 1.0)
        falling = phase < 1 - rise
        fall = (1 - np.exp(-decay * phase / (1 - rise))) / (1 - np.exp(-decay))
        up = np.clip((phase - 1 + rise) / rise, 0, 1)
        mag = np.where(falling, fall, 0.5 * (1 + np.cos(np.pi * up)))
        mag -= bump * np.exp(-0.5 * ((phase - at) / 0.05) ** 2)
        return mag - shock * np.exp(-0.5 * ((phase - 1 + 0.75 * rise) / 0.025) ** 2)

    return smooth(shape, 0.012)


def smooth(shape: Shape, width: float) -> Shape:
    """Return a shape smoothed by a Gaussian in phase, as a table that is interpolated."""
    lags = np.linspace(-3 * width, 3 * width, 13)
    weights = np.exp(-0.5 * (lags / width) ** 2)
    values = sum(w * shape(np.mod(GRID + lag, 1.0)) for w, lag in zip(weights, lags, strict=True))
    table = np.asarray(values) / weights.sum()
    return lambda phase: np.interp(np.mod(phase, 1.0), GRID, table, period=1.0)


def rr_c(rng: Rng) -> Variable:
    """RRc: nearly sinusoidal, with a bump before maximum."""
    period = within(lambda: rng.normal(0.325, 0.04), 0.2, 0.45)
    shape = sines(
        rng, [rng.uniform(0.05, 0.22), rng.uniform(0.02, 0.1), 0.04],
        [rng.normal(3.0, 0.35), rng.normal(4.5, 0.8), rng.uniform(0, TURN)],
    )  # fmt: skip
    return Variable(periodic(rng, shape, period, rng.uniform(0.25, 0.55), 0.01), period, "rr_c")


PROGRESSION = np.array(
    [
        # P, R21, phi21, R31, phi31, R41: of mag in V, sine series
        (2.0, 0.46, 2.55, 0.22, 5.2, 0.12),
        (4.0, 0.45, 2.75, 0.20, 5.7, 0.10),
        (6.0, 0.36, 3.05, 0.12, 6.5, 0.06),
        (8.0, 0.24, 3.45, 0.08, 7.8, 0.05),
        (9.5, 0.14, 4.4, 0.10, 9.2, 0.06),
        (11.0, 0.16, 5.9, 0.11, 9.9, 0.06),
        (14.0, 0.27, 8.0, 0.10, 11.0, 0.05),
        (20.0, 0.38, 8.5, 0.17, 11.4, 0.08),
        (45.0, 0.38, 8.7, 0.19, 11.6, 0.09),
    ]
)
"""The bump that moves through the light curves of Cepheids (Hertzsprung; Simon & Lee 1981)."""


def cepheid(rng: Rng) -> Variable:
    """Draw a classical Cepheid in the fundamental mode, 1.5 to 45 d."""
    period = within(lambda: rng.lognormal(np.log(4.5), 0.65), 1.5, 45.0)
    r21, phi21, r31, phi31, r41 = (
        float(np.interp(np.log(period), np.log(PROGRESSION[:, 0]), PROGRESSION[:, k]))
        for k in range(1, 6)
    )
    phi41 = phi21 + phi31 - 2.4
    shape = sines(rng, [r21, r31, r41, r41 / 2], [phi21, phi31, phi41, phi41 + 2.6])
    amplitude = rng.uniform(0.35, 1.1)
    return Variable(periodic(rng, shape, period, amplitude, 0.06), period, "cepheid")


def cepheid_overtone(rng: Rng) -> Variable:
    """First-overtone Cepheid, 0.5 to 6 d; R21 vanishes near 3 d and its phase jumps there."""
    period = within(lambda: rng.lognormal(np.log(1.8), 0.5), 0.5, 6.0)
    r21 = 0.05 + 0.18 * min(1.0, abs(np.log(period / 3.0)))
    phi21 = 2.8 + 0.35 * (period - 1.5) if period < 3 else 4.6 - 0.15 * (period - 3)
    shape = sines(rng, [r21, 0.06], [phi21, rng.normal(5.5, 0.7)], 0.15)
    return Variable(
        periodic(rng, shape, period, rng.uniform(0.12, 0.45), 0.05), period, "cepheid_1o"
    )


def type_two(rng: Rng) -> Variable:
    """BL Her stars with bumps, and W Vir stars with broad maxima, 1 to 20 d."""
    if rng.random() < 0.5:
        period = float(rng.uniform(1.0, 4.0))
        rise = rng.uniform(0.2, 0.4)
        shape = bumpy_fall(rng, rise, rng.uniform(0.5, 2.0))
        kind = "bl_her"
    else:
        period = float(rng.uniform(8.0, 20.0))
        ratios = [rng.uniform(0.1, 0.25), rng.uniform(0.02, 0.08)]
        shape = sines(rng, ratios, [rng.normal(4.6, 0.5), rng.uniform(0, TURN)])
        kind = "w_vir"
    return Variable(periodic(rng, shape, period, rng.uniform(0.4, 1.0), 0.05), period, kind)


def delta_scuti(rng: Rng) -> Variable:
    """Draw a delta Scuti star of 0.06 to 0.2 d: large and asymmetric, small, or double."""
    period = float(np.exp(rng.uniform(np.log(0.06), np.log(0.2))))
    draw = rng.random()
    if draw < 0.45:
        ratios = [rng.uniform(0.25, 0.45), rng.uniform(0.08, 0.2), rng.uniform(0.02, 0.1)]
        shape = sines(rng, ratios, [rng.normal(2.5, 0.2), rng.normal(5.2, 0.4), 1.6])
        return Variable(periodic(rng, shape, period, rng.uniform(0.25, 0.7), 0.01), period, "hads")
    if draw < 0.8:
        amplitude = float(np.exp(rng.uniform(np.log(0.03), np.log(0.3))))
        shape = sines(rng, [rng.uniform(0.0, 0.12)], [rng.uniform(1.8, 3.6)])
        return Variable(periodic(rng, shape, period, amplitude, 0.01), period, "dsct_small")
    amplitude = rng.uniform(0.08, 0.4)
    shape = sines(rng, [rng.uniform(0.1, 0.35)], [rng.normal(2.5, 0.3)])
    first = periodic(rng, shape, period, amplitude, 0.01)
    ratio = rng.normal(0.772, 0.004) if rng.random() < 0.6 else rng.uniform(0.6, 0.95)
    sine = sines(rng, [0.03], [2.5])
    second = periodic(rng, sine, period * ratio, amplitude * rng.uniform(0.2, 0.6), 0.01)
    return Variable(lambda t, w: first(t, w) + second(t, w), period, "dsct_double")


def blazhko(rng: Rng) -> Variable:
    """RRab whose amplitude and phase are modulated."""
    star = rr_ab(rng)
    cycle, depth, shift = rng.uniform(25, 150), rng.uniform(0.08, 0.3), rng.uniform(0.005, 0.03)
    start = rng.uniform(0, TURN)

    def model(time: Floats, micron: Floats) -> Floats:
        angle = TURN * time / cycle + start
        late = time + shift * star.period * np.sin(angle + 1.0)
        return (1 + depth * np.sin(angle)) * star.model(late, micron)

    return Variable(model, star.period, "rr_ab_blazhko")


def hads(rng: Rng) -> Variable:
    """Draw a large delta Scuti star."""
    while True:
        star = delta_scuti(rng)
        if star.kind == "hads":
            return star


def sinusoid(rng: Rng) -> Variable:
    """Draw a pure sinusoid, 0.1 to 20 d."""
    period = float(np.exp(rng.uniform(np.log(0.12), np.log(20.0))))
    return Variable(
        periodic(rng, lambda phase: np.sin(TURN * phase), period, rng.uniform(0.2, 0.8), 0.0),
        period, "sinusoid",
    )  # fmt: skip


PULSATORS = (rr_ab, rr_c, cepheid, cepheid_overtone, type_two, hads, rr_ab, blazhko)
STRICT = (sinusoid, rr_ab, rr_c, cepheid)


def pulsator(rng: Rng, number: int) -> Variable:
    """Draw one of the classes in turn."""
    return PULSATORS[number % len(PULSATORS)](rng)


def strict(rng: Rng, number: int) -> Variable:
    """Draw a strictly periodic star, one of the classes in turn."""
    return STRICT[number % len(STRICT)](rng)
