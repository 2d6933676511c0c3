"""Stars of Stripe 82 whose epochs reject the published period, whatever the model.

A slow twin of the search, in NumPy: eight harmonics with one shape and an amplitude for each
band, and four harmonics of each band's own. The published frequency, with all within 1/T of it,
is compared with its beats with a day, a sidereal day and a year, and with the highest peaks of
the search. A star is rejected if both models prefer another frequency by 60 or more in chi2, with
0.02 mag added to the errors in quadrature.

    python benchmarks/period_rejected.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from period_cadences import Floats, Star
from period_real import stripe82
from period_sets import as_column
from results import WORK
from skyseries.timeseries import compute_periods

__all__ = ["rejected"]

WORSE = 60.0
SHARED, OWN = 8, 4
"""Harmonics of the two models."""
STEPS = 31
"""Frequencies within 1/T of a candidate."""
ROUNDS = 5
CACHE = WORK / "s82_rejected.json"
SIDEREAL = 1.0027379
YEAR = 365.25


def rejected() -> set[str]:
    """Return the ids of the stars; from the work folder where they are known."""
    if not CACHE.is_file():
        WORK.mkdir(exist_ok=True)
        found = dict(judged())
        CACHE.write_text(json.dumps(found, indent=1) + "\n")
    worse = json.loads(CACHE.read_text())
    return {star for star, models in worse.items() if min(models) >= WORSE}


def judged() -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield for each star by how much the published period is worse, in both models."""
    stars = stripe82(10**6, np.random.default_rng(), sparse=False)
    column, fields = as_column(stars)
    table = compute_periods(column, fields, min_period=0.2, max_period=1.2, n_peaks=8)
    for star, peaks in zip(stars, table["period_peaks"].to_pylist(), strict=True):
        yield star.tag, worse(star, [1 / p for p in peaks or []])


def worse(star: Star, peaks: list[float]) -> tuple[float, ...]:
    """Return chi2 of the published period less that of the best, for both models."""
    published = 1 / star.period
    near = np.linspace(-1, 1, STEPS) / np.ptp(star.time)
    beats = [
        published + sign * (k * day + year / YEAR)
        for k in (0, 1, 2) for day in (1.0, SIDEREAL) for year in (-1, 0, 1) for sign in (-1, 1)
        if k or year
    ]  # fmt: skip
    others = [f for f in {*beats, *peaks} if abs(f - published) > 1.5 * near[-1] and f > 0.5]
    quick = [shared_chi2(star, f + near[::2], 1).min() for f in others]
    best = np.concatenate([others[k] + near for k in np.argsort(quick)[:3]])
    return tuple(
        round(float(model(star, published + near).min() - model(star, best).min()), 1)
        for model in (shared, own)
    )


def shared(star: Star, frequency: Floats) -> Floats:
    """Return chi2 of one shape with an amplitude for each band."""
    return shared_chi2(star, frequency, ROUNDS)


def own(star: Star, frequency: Floats) -> Floats:
    """Return chi2 of a shape of its own for each band."""
    total = np.zeros(frequency.size)
    for name in np.unique(star.band):
        here = star.band == name
        order = min(OWN, (int(here.sum()) - 3) // 2)
        if order < 1:
            continue
        waves = harmonics(star.time[here], frequency, order)
        design = np.concatenate([np.ones_like(waves[..., :1]), waves], axis=-1)
        fit = solve(design, star.value[here], star.error[here])
        total += chi2(star.value[here] - fit, star.error[here])
    return total


def shared_chi2(star: Star, frequency: Floats, rounds: int) -> Floats:
    """Fit shape and amplitudes in turn."""
    names, band = np.unique(star.band, return_inverse=True)
    means = np.eye(names.size)[band]
    waves = harmonics(star.time, frequency, SHARED)
    factor = np.array([np.std(star.value[band == k]) for k in range(names.size)])
    amplitude = np.broadcast_to(factor / factor.max(), (frequency.size, names.size))
    offsets = np.broadcast_to(means, (frequency.size, *means.shape))
    weight = 1 / floored(star.error) ** 2
    fit = np.zeros((frequency.size, star.time.size))
    for turn in range(rounds):
        design = np.concatenate([offsets, waves * amplitude[:, band, None]], axis=-1)
        coefficients = solved(design, star.value, star.error)
        fit = (design @ coefficients[..., None])[..., 0]
        if turn == rounds - 1:
            break
        shape = (waves @ coefficients[:, names.size :, None])[..., 0]
        mean = coefficients[:, : names.size][:, band]
        over = np.stack(
            [(weight * shape * (star.value - mean)) @ means, (weight * shape**2) @ means]
        )
        amplitude = over[0] / over[1]
    return chi2(star.value - fit, star.error)


def harmonics(time: Floats, frequency: Floats, order: int) -> Floats:
    """Return (frequencies, epochs, 2 x order) sines and cosines."""
    turn = 2 * np.pi * np.mod(np.multiply.outer(frequency, time - time.mean()), 1.0)
    angle = turn[..., None] * np.arange(1, order + 1)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=-1)


def floored(error: Floats) -> Floats:
    """Return errors with a floor for what no periodic model follows."""
    return np.hypot(error, 0.02)


def solved(design: Floats, value: Floats, error: Floats) -> Floats:
    """Solve the normal equations for each frequency."""
    weighted = design / floored(error)[:, None]
    square = np.swapaxes(weighted, 1, 2) @ weighted
    square += 1e-6 * np.eye(square.shape[-1])
    side = np.swapaxes(weighted, 1, 2) @ (value / floored(error))
    return np.asarray(np.linalg.solve(square, side[..., None])[..., 0])


def solve(design: Floats, value: Floats, error: Floats) -> Floats:
    """Return the fitted values for each frequency."""
    return np.asarray((design @ solved(design, value, error)[..., None])[..., 0])


def chi2(residual: Floats, error: Floats) -> NDArray[np.float64]:
    """Return chi2 for each frequency; an epoch counts with five errors at most."""
    return np.asarray((np.minimum(np.abs(residual / floored(error)), 5.0) ** 2).sum(axis=1))


def main() -> None:
    """List the stars."""
    print(sorted(rejected()))


if __name__ == "__main__":
    main()
