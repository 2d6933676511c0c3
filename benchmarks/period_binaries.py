"""Eclipsing binaries, contact binaries and spotted rotators, as models with truth.

Three ways to make eclipses: two spheres on a Kepler orbit, profiles of given width and depth, and
(for contact binaries) the cosine series of Rucinski (1993, PASP 105, 1433) and powers of cosines.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow.parquet as pq

from period_cadences import DATA, MAG, Floats, Model
from period_pulsators import TURN, Rng, Variable, within

__all__ = ["contact", "detached", "rotator"]

HOT = 14388.0
"""h c / k in micrometre kelvin."""
SHORTEST_ECCENTRIC = 1.3
"""Days: closer pairs have round orbits."""


def mag(flux: Floats) -> Floats:
    """Return magnitudes of relative fluxes."""
    return -MAG * np.log(np.maximum(flux, 0.01))


def surface_ratio(cool: float, hot: float, micron: Floats) -> Floats:
    """Return the black-body surface brightness of the cooler star over that of the hotter."""
    return np.expm1(HOT / (micron * hot)) / np.expm1(HOT / (micron * cool))


def overlap(z: Floats, big: float, small: float) -> Floats:
    """Return the area that two discs at distance z share, over pi."""
    z = np.maximum(z, 1e-9)
    a = np.clip((z**2 + big**2 - small**2) / (2 * z * big), -1, 1)
    b = np.clip((z**2 + small**2 - big**2) / (2 * z * small), -1, 1)
    root = (small + big - z) * (z + small - big) * (z - small + big) * (z + small + big)
    lens = big**2 * np.arccos(a) + small**2 * np.arccos(b) - 0.5 * np.sqrt(np.maximum(root, 0))
    return np.where(z >= big + small, 0.0, lens) / np.pi


def true_anomaly(mean: Floats, eccentricity: float) -> Floats:
    """Solve Kepler's equation by Newton's rule."""
    e = eccentricity
    angle = mean + e * np.sin(mean)
    for _ in range(6):
        angle = angle - (angle - e * np.sin(angle) - mean) / (1 - e * np.cos(angle))
    return 2 * np.arctan2(np.sqrt(1 + e) * np.sin(angle / 2), np.sqrt(1 - e) * np.cos(angle / 2))


def spheres(
    rng: Rng, radii: tuple[float, float], hot: tuple[float, float], inclination: float,
    eccentricity: float, bulge: float, glow: float,
) -> Model:  # fmt: skip
    """Return mag(phase, micron) of two limb-darkened spheres on a Kepler orbit.

    `radii` are those of the hotter and the cooler star over the semi-major axis, `hot` their
    temperatures, `bulge` the ellipsoidal variation and `glow` the reflection, as shares of the
    light.
    """
    omega = rng.uniform(0, TURN)
    darkening = rng.uniform(0.3, 0.7)
    third = rng.uniform(0.0, 0.25) if rng.random() < 0.25 else 0.0
    start = (np.pi / 2 - omega) / 2
    half = np.arctan2(
        np.sqrt(1 - eccentricity) * np.sin(start), np.sqrt(1 + eccentricity) * np.cos(start)
    )
    first = 2 * half - eccentricity * np.sin(2 * half)  # mean anomaly of the primary eclipse

    def covered(z: Floats, behind: float, front: float) -> Floats:
        share = overlap(z, behind, front) / behind**2
        # the middle of a limb-darkened disc is brighter than its rim
        inner = overlap(z, 0.6 * behind, front) / (0.6 * behind) ** 2
        weight = 0.36 * darkening
        return (1 - weight) * share + weight * inner

    def model(phase: Floats, micron: Floats) -> Floats:
        anomaly = true_anomaly(np.mod(TURN * phase + first, TURN), eccentricity)
        r = (1 - eccentricity**2) / (1 + eccentricity * np.cos(anomaly))
        angle = anomaly + omega
        z = r * np.sqrt(1 - (np.sin(angle) * np.sin(inclination)) ** 2)
        light = np.array(
            [radii[0] ** 2 * np.ones_like(micron), radii[1] ** 2 * np.ones_like(micron)]
        )
        light[1] *= surface_ratio(hot[1], hot[0], micron)
        light /= light.sum(axis=0)
        front = np.sin(angle) > 0  # the cooler star is in front: the deeper eclipse
        loss = np.where(
            front, light[0] * covered(z, radii[0], radii[1]),
            light[1] * covered(z, radii[1], radii[0]),
        )  # fmt: skip
        # angle pi / 2 is the primary eclipse
        shape = -bulge * np.cos(2 * (angle - np.pi / 2)) - glow * np.cos(angle - np.pi / 2)
        return mag(third + (1 - third) * (1 - loss) * (1 + shape * (1 - loss)))

    return model


def profile(phase: Floats, at: float, width: float, flat: float) -> Floats:
    """Return an eclipse of depth 1 and full width `width`, rounded below, flat for large `flat`."""
    x = np.abs(np.mod(phase - at + 0.5, 1.0) - 0.5) / (width / 2)
    return np.clip(1 - np.clip(x, 0, 1) ** flat, 0, 1) ** 1.3


def cosh_profile(phase: Floats, at: float, width: float) -> Floats:
    """Return an eclipse with soft wings (Mikulasek 2015, A&A 584, A8), of depth 1."""
    x = np.mod(phase - at + 0.5, 1.0) - 0.5
    return np.exp(1 - np.cosh(np.clip(x / (width / 5), -8, 8)))


def depth_ratio(rng: Rng) -> float:
    """Draw the depth of the second eclipse over that of the first: most are below 0.8."""
    draw = rng.random()
    if draw < 0.2:
        return rng.uniform(0.03, 0.15)
    return rng.uniform(0.15, 0.8) if draw < 0.85 else rng.uniform(0.8, 0.95)


def profiles(
    rng: Rng, semi: bool, round_orbit: bool
) -> tuple[Callable[[Floats, Floats], Floats], str]:
    """Return mag(phase, micron) of two eclipses of drawn widths and depths, and the finer class."""
    width = rng.uniform(0.12, 0.2) if semi else rng.uniform(0.03, 0.15)
    depth = float(np.exp(rng.uniform(np.log(0.12), np.log(0.75))))
    ratio = depth_ratio(rng)
    second, other = 0.5, width
    if not round_orbit:
        second = 0.5 + rng.uniform(0.02, 0.2) * rng.choice([-1, 1])
        other = width * rng.uniform(0.7, 1.4)
    bulge = rng.uniform(0.015, 0.07) if semi else rng.uniform(0, 0.008)
    glow = rng.uniform(0.0, 0.04) if semi else rng.uniform(0, 0.006)
    flat, soft, redder = rng.uniform(1.2, 4.0), rng.random() < 0.5, rng.normal(0.0, 0.25)

    def model(phase: Floats, micron: Floats) -> Floats:
        one, two = (
            cosh_profile(phase, at, w) if soft else profile(phase, at, w, flat)
            for at, w in ((0.0, width), (second, other))
        )
        tint = (micron / 0.6) ** redder
        loss = np.clip(depth * one / tint**0.3 + depth * ratio * tint * two, 0, 0.97)
        shape = -bulge * np.cos(2 * TURN * phase) - glow * np.cos(TURN * phase)
        return mag((1 - loss) * (1 + shape))

    if semi:
        return model, "eb_semidetached"
    if abs(second - 0.5) > 0.01:
        return model, "ea_eccentric"
    return model, "ea_single" if ratio < 0.15 else "ea"


def orbit(model: Callable[[Floats, Floats], Floats], period: float, start: float) -> Model:
    """Return a model in time of one in phase."""
    return lambda time, micron: model(time / period + start, micron)


def detached(rng: Rng) -> Variable:
    """Draw a detached or semi-detached binary of 0.5 to 30 d."""
    period = within(lambda: rng.lognormal(np.log(2.5), 0.9), 0.5, 30.0)
    semi = rng.random() < 0.35 and period < 12
    round_orbit = semi or period < SHORTEST_ECCENTRIC or rng.random() < 0.6
    if rng.random() < 0.5:
        shape, kind = profiles(rng, semi, round_orbit)
        return Variable(orbit(shape, period, rng.random()), period, kind)
    while True:
        total = rng.uniform(0.42, 0.6) if semi else min(0.45, rng.uniform(0.15, 0.42) / period**0.3)
        share = rng.uniform(0.35, 0.65)
        hot = rng.uniform(5200, 10000)
        cool = hot * (1 - rng.beta(1.2, 2.5) * 0.6)
        eccentricity = 0.0 if round_orbit else rng.uniform(0.03, 0.4)
        inclination = np.arccos(rng.uniform(0, 0.75 * total))
        shape = spheres(
            rng, (total * share, total * (1 - share)), (hot, cool), inclination, eccentricity,
            rng.uniform(0.015, 0.06) if semi else 0.12 * (total / 2) ** 3,
            rng.uniform(0.0, 0.03) if semi else 0.0,
        )  # fmt: skip
        phase = np.linspace(0, 1, 2000, endpoint=False)
        mags = shape(phase, np.full(phase.size, 0.6))
        deep = np.ptp(mags)
        if not 0.12 < deep < 2.0:
            continue
        if semi:
            kind = "eb_semidetached"
        elif eccentricity > 0:
            kind = "ea_eccentric"
        else:
            second = mags[np.abs(phase - 0.5) < 0.02].max() - np.median(mags)
            kind = "ea_single" if second < 0.15 * deep else "ea"
        return Variable(orbit(shape, period, rng.random()), period, kind)


@cache
def contact_catalog() -> Floats:
    """Return periods and amplitudes of LINEAR's contact binaries, as (n, 2)."""
    table = pq.read_table(
        DATA / "linear_variables.parquet", columns=["period", "amplitude"],
        filters=[("lc_type", "=", 5)],
    ).to_pandas()  # fmt: skip
    values = table.to_numpy(float)
    return values[(values[:, 0] > 0.2) & (values[:, 0] < 1.2)]


def contact(rng: Rng) -> Variable:
    """Draw a contact binary with LINEAR's period and amplitude, minima of unequal depth."""
    stars = contact_catalog()
    period, amplitude = (float(v) for v in stars[rng.integers(len(stars))])
    amplitude = float(np.clip(amplitude, 0.12, 0.95))
    unequal = min(0.15, rng.exponential(0.05)) * min(1.0, amplitude / 0.4)
    uneven = rng.normal(0, 0.012) if rng.random() < 0.5 else 0.0  # O'Connell
    redder = rng.normal(0.0, 0.15)
    draw = rng.random()
    if draw < 0.4:
        base = rucinski(amplitude)
    elif draw < 0.75:
        power = rng.uniform(2.1, 3.4)

        def base(angle: Floats) -> Floats:
            return np.abs(np.cos(angle)) ** power
    else:
        base = total_contact(rng)
    grid = base(np.linspace(0, TURN, 720))
    low, scale = grid.min(), np.ptp(grid)

    def model(phase: Floats, micron: Floats) -> Floats:
        angle = TURN * phase
        faint = (base(angle) - low) / scale  # 0 at maxima, 1 at minima
        bluer = (0.6 / micron) ** redder
        # the minima differ, the maxima (nearly) do not
        step = 0.5 * unequal * np.cos(angle) * np.abs(np.cos(angle))
        return (
            (amplitude - unequal / 2) * bluer**0.3 * faint + step * bluer + uneven * np.sin(angle)
        )

    return Variable(orbit(model, period, rng.random()), period, "ew")


def rucinski(amplitude: float) -> Callable[[Floats], Floats]:
    """Return the cosine series of a contact binary of this amplitude, in magnitudes."""
    # range of 1 + a2 cos 2x + a4 cos 4x is near 2 |a2|
    a2 = -np.clip(0.5 * (1 - 10 ** (-0.4 * amplitude)) / 0.9, 0.03, 0.34)
    a4 = a2 * (0.125 - a2)

    def shape(angle: Floats) -> Floats:
        return mag(1 + a2 * np.cos(2 * angle) + a4 * np.cos(4 * angle))

    return shape


def total_contact(rng: Rng) -> Callable[[Floats], Floats]:
    """Return two touching spheres of one surface brightness, ellipsoidal, often total."""
    q = rng.uniform(0.1, 1.0)
    big = 0.38 + 0.2 * (1 - q) * 0.9
    small = big * q**0.46
    cosine = rng.uniform(0, 0.5 * small)
    bulge = rng.uniform(0.05, 0.11)

    def shape(angle: Floats) -> Floats:
        z = np.sqrt(1 - (np.cos(angle) ** 2) * (1 - cosine**2))
        lost = overlap(z, big, small) / (big**2 + small**2)
        return mag((1 - 0.9 * lost) * (1 - bulge * np.cos(2 * angle)))

    return shape


def rotator(rng: Rng, span: float) -> Variable:
    """Draw a spotted rotator of 0.3 to 30 d; some spots grow and shrink slowly."""
    period = float(np.exp(rng.uniform(np.log(0.3), np.log(30.0))))
    spots = int(rng.choice([1, 1, 2, 2, 3]))
    tilt = np.arccos(rng.uniform(0.0, 0.8))
    latitude = rng.uniform(-0.6, 1.2, spots)
    longitude = rng.uniform(0, TURN, spots)
    size = np.exp(rng.normal(0, 0.4, spots)) / spots
    amplitude = float(np.exp(rng.uniform(np.log(0.03), np.log(0.2))))
    evolving = rng.random() < 0.4
    life = rng.uniform(100, 800)
    wave, turned = rng.uniform(0, TURN, spots), rng.uniform(0.2, 0.8)
    steep = rng.uniform(0.2, 0.7)

    def dark(phase: Floats, time: Floats) -> Floats:
        total = np.zeros_like(phase)
        for k in range(spots):
            mu = np.sin(latitude[k]) * np.cos(tilt) + np.cos(latitude[k]) * np.sin(tilt) * np.cos(
                TURN * phase + longitude[k]
            )
            mu = np.maximum(mu, 0)
            area = size[k]
            if evolving:
                area = area * (1 + turned * np.sin(TURN * time / life / 2 + wave[k]))
            total += area * mu * (0.4 + 0.6 * mu)
        return total

    grid = dark(np.linspace(0, 1, 300), np.zeros(300))
    if np.ptp(grid) < 1e-3:
        return rotator(rng, span)
    scale, middle = amplitude / np.ptp(grid), grid.mean()

    def model(time: Floats, micron: Floats) -> Floats:
        return (0.6 / micron) ** steep * scale * (dark(time / period, time) - middle)

    kind = f"rotator_{spots}" + ("_evolving" if evolving else "")
    return Variable(model, period, kind)
