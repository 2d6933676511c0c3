"""Errors of periods: the pull of strictly periodic stars, and the spread of real ones.

Simulated pulsators are solved from a frequency that is off by up to 0.1/T, T being the time span;
(found - true period) / period_err should have mean 0 and standard deviation 1. Stripe 82: found
less published periods, of stars whose epochs do not reject the published one; there the spread
holds the errors of the published periods, barycentric corrections, and periods that change.

    python benchmarks/bench_period_errors.py --stars 800
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from period_rejected import rejected
from period_sets import Star, draw
from results import Row, Target, save
from skyseries.timeseries.kernels.solution import SOLUTION, solve_periods

FULL = 800
SETS = ("pull_lsst", "pull_ztf", "pull_asas", "pull_ogle", "pull_linear")
PROFILES = {"pulse, 8 harmonics": (8, 2.75), "pulse, 12 harmonics": (12, 2.5)}
OFF = 0.1
Floats = NDArray[np.float64]


def solve(stars: list[Star], frequency: Floats, profile: Floats) -> tuple[Floats, float]:
    """Return the solutions, (n_out, n), and the CPU seconds that they took."""
    bands = sorted({str(b) for s in stars if s.band is not None for b in s.band}) or [""]
    parts: list[tuple[Floats, ...]] = []
    for s in stars:
        for band in bands:
            here = np.ones(s.time.size, bool) if s.band is None else s.band == band
            parts.append((s.time[here], s.value[here], s.error[here]))
    t, y, e = (np.concatenate(column) for column in zip(*parts, strict=True))
    offsets = np.cumsum([0, *(part[0].size for part in parts)])
    kind = np.zeros(len(stars), np.int64)
    seconds = []
    for count in (1, len(stars)):  # the first compiles
        out = np.empty((len(SOLUTION) + len(bands), count))
        started = time.process_time()
        solve_periods(
            t, y, e, offsets, len(bands), 0.0, 0.0, frequency[:count], kind, profile[None],
            stars[0].is_magnitude, out,
        )  # fmt: skip
        seconds.append(time.process_time() - started)
    return out, seconds[-1]


def pulls(
    stars: list[Star], profile: Floats, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_], float]:
    """Return pulls, which periods are right, and CPU milliseconds for each star."""
    truth = np.array([s.period for s in stars])
    span = np.array([np.ptp(s.time) for s in stars])
    out, seconds = solve(stars, 1 / truth + rng.uniform(-OFF, OFF, truth.size) / span, profile)
    right = np.abs(out[0] - 1 / truth) < 1 / span
    return (1 / out[0] - truth) / out[1], right, 1e3 * seconds / truth.size


def rows_of(name: str, stars: list[Star], what: str, profile: Floats, seed: int) -> list[Row]:
    """Return a row for all stars of a set, and one for each class."""
    pull, right, ms = pulls(stars, profile, np.random.default_rng(seed))
    kind = np.array([s.kind for s in stars])
    groups = {name: right, **{f"{name}: {k}": right & (kind == k) for k in np.unique(kind)}}
    rows = []
    for group, mask in groups.items():
        mean, std = float(pull[mask].mean()), float(pull[mask].std())
        figures: dict[str, float | int | str] = {
            "pull mean": round(mean, 3), "pull std": round(std, 3),
            "median epochs": int(np.median([s.time.size for s in stars])),
        }  # fmt: skip
        targets: tuple[Target, ...] = ()
        if group == name:
            figures |= {"right %": round(100 * float(right.mean()), 1), "CPU ms/star": round(ms, 2)}
            if name.startswith("pull"):
                targets = (
                    Target("pull mean 0 +- 0.1", figures["pull mean"], abs(mean) <= 0.1),
                    Target("pull std 1 +- 0.1", figures["pull std"], abs(std - 1) <= 0.1),
                )
            else:
                quantiles = np.quantile(np.abs(pull[mask]), [0.5, 0.9])
                figures |= {
                    "median |pull|": round(float(quantiles[0]), 2),
                    "90 % of |pull| below": round(float(quantiles[1]), 2),
                }
        rows.append(
            Row(
                group, f"{int(mask.sum())} stars, {what}", "skyseries", process="warm",
                figures=figures, targets=targets,
            )
        )  # fmt: skip
    return rows


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=FULL)
    parser.add_argument("--seed", type=int, default=20)
    a = parser.parse_args()
    rows: list[Row] = []
    for name in (*SETS, "s82_all"):
        stars = draw(name, a.stars, a.seed)
        if name == "s82_all":
            stars = [s for s in stars if s.tag not in rejected()]
        for what, (n_terms, fall) in PROFILES.items():
            profile = np.arange(1.0, n_terms + 1) ** -fall
            rows += rows_of(name, stars, what, profile / profile.sum(), a.seed)
    notes = (
        "Errors of simulated values are exact and their noise is white. Right: within 1/T of the "
        "true frequency. Stripe 82's spread is not only that of the errors (see the script)."
    )
    save("period_errors", "Errors of periods", rows, notes, full=a.stars >= FULL)


if __name__ == "__main__":
    main()
