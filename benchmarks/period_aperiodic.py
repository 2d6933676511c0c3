"""What has no period: supernovae, outbursts, microlensing, quasars, constants and their red noise.

Every function returns a model, as for stars that have one; the truth about its period is NaN.
"""

from __future__ import annotations

import numpy as np

from period_cadences import MAG, Floats, Model, Visits
from period_pulsators import TURN, Rng

__all__ = ["RED", "TRANSIENTS", "lens", "quasar", "red_noise", "supernova", "walk"]

NOTHING = 12.0
"""Magnitudes of fading that are as good as nothing."""


def walk(rng: Rng, time: Floats, tau: float) -> Floats:
    """Return a damped random walk of unit variance at sorted times."""
    keep = np.exp(-np.diff(time, prepend=time[0]) / tau)
    steps = rng.standard_normal(time.size)
    values = np.empty(time.size)
    last = steps[0]
    for k in range(time.size):
        last = keep[k] * last + np.sqrt(1 - keep[k] ** 2) * steps[k] if k else last
        values[k] = last
    return values


def onto(light: Floats, ground: float) -> Floats:
    """Return magnitudes of a source (relative flux) on a ground of constant flux."""
    return -MAG * np.log(np.maximum(light + ground, 10 ** (-0.4 * NOTHING)))


def supernova(rng: Rng, span: float) -> tuple[Model, str]:
    """Draw a supernova, magnitudes about its peak."""
    kind = str(rng.choice(["sn_ia", "sn_ibc", "sn_iip", "sn_iin"], p=[0.5, 0.15, 0.25, 0.1]))
    peak, stretch = rng.uniform(0.05, 0.9) * span, rng.normal(1.0, 0.1) * rng.uniform(1.0, 1.5)
    rise, fall, plateau, bump = {
        "sn_ia": (4.0, 18.0, 0.0, 0.25), "sn_ibc": (5.0, 14.0, 0.0, 0.0),
        "sn_iip": (2.5, 12.0, rng.uniform(70, 110), 0.0),
        "sn_iin": (9.0, rng.uniform(40, 90), 0.0, 0.0),
    }[kind]  # fmt: skip

    def model(time: Floats, micron: Floats) -> Floats:
        t = (time - peak) / stretch
        up = 1 / (1 + np.exp(np.clip(-(t + 2 * rise) / rise * 1.5, -50, 50)))
        after = np.maximum(t - plateau, 0)
        slower = fall * (micron / 0.5) ** 0.9
        light = (
            up
            * (np.exp(-after / slower) + 0.02 * np.exp(-np.maximum(t, 0) / 90))
            * np.exp(-0.0015 * np.clip(t, 0, plateau) / micron)
        )
        light += bump * (micron > 0.7) * np.exp(-0.5 * ((t - 24) / 8) ** 2)
        return onto(light, 0.0)

    return model, kind


def nova(rng: Rng, span: float) -> Model:
    """Draw a classical nova: a day to rise, a power law down, sometimes with oscillations."""
    start, fade, depth = rng.uniform(0.05, 0.9) * span, rng.uniform(5, 60), rng.uniform(4, 10)
    rings, beat = rng.uniform(0, 0.6) * (rng.random() < 0.4), rng.uniform(5, 15)

    def model(time: Floats, micron: Floats) -> Floats:
        t = np.maximum(time - start, 0)
        mag = 3 * np.log10(1 + t / fade * 6) + rings * np.sin(TURN * np.log1p(t) * beat / 5)
        mag = np.where(time < start, NOTHING, np.maximum(mag, -0.5))
        return onto(10 ** (-0.4 * mag), 10 ** (-0.4 * depth))

    return model


def tidal_disruption(rng: Rng, span: float) -> Model:
    """Draw a tidal disruption: t^-5/3 on a galaxy."""
    start, rise, fade = rng.uniform(0.05, 0.8) * span, rng.uniform(10, 30), rng.uniform(30, 100)
    ground = rng.uniform(0.1, 2.0)

    def model(time: Floats, micron: Floats) -> Floats:
        t = time - start
        light = np.where(
            t < 0, np.exp(-0.5 * (t / rise) ** 2), (1 + np.maximum(t, 0) / fade) ** (-5 / 3)
        )
        return onto(light * (0.5 / micron), ground)

    return model


def dwarf_nova(rng: Rng, span: float) -> Model:
    """Draw outbursts that recur without a clock."""
    wait, length, height = rng.uniform(15, 200), rng.uniform(2, 12), rng.uniform(1.5, 5)
    shape = rng.uniform(1.5, 4.0)
    starts = (
        np.cumsum(rng.gamma(shape, wait / shape, int(2 * span / wait) + 10) + 2 * length) - wait
    )
    lasts = length * rng.choice([1.0, 1.0, 1.0, 2.5], starts.size)
    flicker = rng.uniform(0.02, 0.15)

    def model(time: Floats, micron: Floats) -> Floats:
        k = np.clip(np.searchsorted(starts, time, side="right") - 1, 0, None)
        t = time - starts[k]
        bright = np.clip(t / 0.8, 0, 1) * (1 / (1 + np.exp(np.clip((t - lasts[k]) * 2, -50, 50))))
        noise = flicker * rng.standard_normal(time.size)
        return np.where(t < 0, 0.0, -height * bright) + noise

    return model


def flares(rng: Rng, span: float) -> Model:
    """Draw a red dwarf that flares a few times among its visits."""
    peak, share = rng.uniform(0.3, 3.0), rng.uniform(0.005, 0.03)

    def model(time: Floats, micron: Floats) -> Floats:
        lit = rng.random(time.size) < share
        lit[rng.integers(time.size)] = True
        height = rng.exponential(peak, time.size) * (0.45 / micron) ** 2
        return -np.where(lit, height, 0.0)

    return model


def kilonova(rng: Rng, span: float) -> Model:
    """Draw something that lasts a few days, on a galaxy."""
    start, fade, ground = rng.uniform(0.1, 0.9) * span, rng.uniform(1, 6), rng.uniform(0.05, 1.0)

    def model(time: Floats, micron: Floats) -> Floats:
        t = time - start
        light = np.where(t < 0, 0, np.exp(-np.maximum(t, 0) / (fade * (micron / 0.5) ** 1.5)))
        return onto(light, ground)

    return model


def high_and_low(rng: Rng, span: float) -> Model:
    """Draw a cataclysmic star that flickers and drops into low states."""
    edges = np.cumsum(rng.exponential(rng.uniform(60, 400), 200))
    depth, flicker = rng.uniform(1.0, 3.5), rng.uniform(0.05, 0.2)

    def model(time: Floats, micron: Floats) -> Floats:
        low = np.searchsorted(edges, time) % 2
        return depth * low + flicker * walk(rng, time, 0.2)

    return model


TRANSIENTS = {
    "nova": nova, "tde": tidal_disruption, "dwarf_nova": dwarf_nova, "flare": flares,
    "kilonova": kilonova, "cv_states": high_and_low,
}  # fmt: skip


def lens(rng: Rng, span: float) -> Model:
    """Draw a microlensing event of Paczynski's form, often blended, sometimes with parallax."""
    crossing, nearest = float(np.exp(rng.normal(np.log(35), 0.8))), rng.uniform(0.02, 0.7)
    peak, blend = rng.uniform(0.05, 0.95) * span, rng.uniform(0, 0.7) * (rng.random() < 0.5)
    parallax, angle = abs(rng.normal(0, 0.1)), rng.uniform(0, TURN)

    def model(time: Floats, micron: Floats) -> Floats:
        shift = parallax * np.sin(TURN * time / 365.25 + angle)
        u = np.sqrt(nearest**2 + ((time - peak) / crossing + shift) ** 2)
        larger = (u**2 + 2) / (u * np.sqrt(u**2 + 4))
        return onto((1 - blend) * larger, blend)

    return model


def quasar(rng: Rng, span: float) -> Model:
    """Draw a damped random walk of 50 to 2000 d and 0.05 to 0.4 mag, larger in the blue."""
    tau = float(np.exp(rng.uniform(np.log(50), np.log(2000))))
    sigma = float(np.exp(rng.uniform(np.log(0.05), np.log(0.4))))
    steep = rng.uniform(0.2, 0.9)

    def model(time: Floats, micron: Floats) -> Floats:
        return sigma * walk(rng, time, tau) * (0.5 / micron) ** steep

    return model


def constant(time: Floats, micron: Floats) -> Floats:
    """Return nothing."""
    return np.zeros_like(time)


RED = ("walk", "nights", "trend", "seasons", "airmass")


def red_noise(rng: Rng, field: Visits, size: float, kind: str) -> Model:
    """Return systematic errors of a size given in magnitudes (that of the white noise)."""
    strength = size * rng.uniform(1.0, 3.0)
    tau = float(np.exp(rng.uniform(np.log(0.5), np.log(100.0))))
    angle, other = rng.uniform(0, TURN, 2)

    def model(time: Floats, micron: Floats) -> Floats:
        if kind == "walk":
            return strength * walk(rng, time, tau)
        if kind == "nights":
            night = np.unique(np.floor(time + 0.3), return_inverse=True)[1]
            return strength * rng.standard_normal(night.max() + 1)[night]
        x = 2 * time / max(field.span, 1.0) - 1
        if kind == "trend":
            return 2 * strength * (np.cos(angle) * x + np.sin(angle) * (x**2 - 0.33))
        if kind == "seasons":
            year = np.floor((time + 183) / 365.25).astype(int)
            steps = rng.standard_normal(year.max() + 1)[year]
            return strength * (0.7 * steps + np.sin(TURN * time / 365.25 + angle))
        hour = TURN * time / 0.99727 + other  # sidereal: what airmass does
        return strength * (1 - np.cos(hour)) + 0.5 * strength * walk(rng, time, 3.0)

    return model
