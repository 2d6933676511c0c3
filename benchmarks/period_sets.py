"""Sets of light curves with known truth, real and simulated, to tune and to test periods on.

    python benchmarks/period_sets.py list
    python benchmarks/period_sets.py draw eb_lsst --plot binaries.png

A set is drawn from a seed. What is tuned is tuned on the even half (`halves`) and reported on the
odd one.
"""

from __future__ import annotations

import argparse
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from period_aperiodic import (
    RED,
    TRANSIENTS,
    constant,
    lens,
    quasar,
    red_noise,
    supernova,
)
from period_binaries import contact, detached, rotator
from period_cadences import (
    SURVEYS,
    Floats,
    Star,
    Visits,
    brightness,
    error_of,
    measure,
    signal,
    visits,
)
from period_giants import mira, semiregular
from period_pulsators import Rng, Variable, delta_scuti, pulsator, strict
from period_real import stripe82, type_ia
from skyseries.schema import LightCurveFields

__all__ = ["SETS", "Star", "as_column", "draw", "halves", "right"]

FAINT_SIGNAL = 250.0
"""Chi2 of the model against its mean below which a binary would not have been found at all."""
LEAST_ECLIPSED = 8
"""Epochs in the deeper parts of eclipses, of binaries that would have been found."""
UNDECIDED = 10.0
"""Chi2 by which the two halves of an orbit must differ to be told apart."""
LSST_EVENTS = 21.5
"""Faintest peak of LSST's transients."""


def draw(name: str, n: int, seed: int) -> list[Star]:
    """Draw a set; the same for the same name, number and seed."""
    return SETS[name](n, np.random.default_rng([seed, zlib.crc32(name.encode())]))


def as_column(stars: list[Star]) -> tuple[pa.StructArray, LightCurveFields]:
    """Return the light curves as a nested column, with the roles of its fields."""
    magnitude = stars[0].is_magnitude
    value, error = ("mag", "mag_err") if magnitude else ("flux", "flux_err")
    parts = {
        "time": [s.time for s in stars],
        value: [s.value for s in stars],
        error: [s.error for s in stars],
    }
    band = None
    if stars[0].band is not None:
        band = "band"
        parts[band] = [s.band for s in stars]  # type: ignore[misc]
    offsets = pa.array(np.cumsum([0, *(s.time.size for s in stars)]), pa.int32())
    lists = [
        pa.ListArray.from_arrays(offsets, pa.array(np.concatenate(part))) for part in parts.values()
    ]
    fields = LightCurveFields(
        time="time", band=band, time_format="mjd", **{value: value, error: error},
        flux_unit=None if magnitude else "nJy",
    )  # fmt: skip
    return pa.StructArray.from_arrays(lists, list(parts)), fields


def right(found: Floats, truth: Floats, span: Floats) -> NDArray[np.bool_]:
    """Return whether frequencies are within 1 / span of the true ones; False for NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(1 / found - 1 / truth) < 1 / span


def halves(n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of n stars are tuned on (even), and which are reported (odd)."""
    even = np.arange(n) % 2 == 0
    return even, ~even


Make = Callable[[Rng, Visits, int], Variable]


def periodic_stars(n: int, rng: Rng, *, survey: str, make: Make, exact: bool = False) -> list[Star]:
    """Observe n variables, each on a field of its own."""
    stars = []
    for k in range(n):
        field = visits(rng, survey)
        star = make(rng, field, k)
        stars.append(measure(rng, field, star.model, star.period, star.kind, exact=exact))
    return stars


def binaries(n: int, rng: Rng, *, survey: str, make: Callable[[Rng], Variable]) -> list[Star]:
    """Observe n binaries that can be seen; those with two like halves are called so."""
    stars: list[Star] = []
    while len(stars) < n:
        field = visits(rng, survey)
        star = make(rng)
        seen = measure(rng, field, star.model, star.period, star.kind)
        time = seen.time - field.time[0]
        at = np.isin(field.time, seen.time)
        micron = field.micron[at]
        if micron.size != time.size:
            continue
        sigma = seen.error if seen.is_magnitude else 1.0857 * seen.error / np.abs(seen.value)
        curve = star.model(time, micron)
        eclipsed = curve > np.median(curve) + 0.4 * (curve.max() - np.median(curve))
        if signal(sigma, curve) < FAINT_SIGNAL or eclipsed.sum() < LEAST_ECLIPSED:
            continue
        # what the other half of the orbit would have shown at the same times
        other = star.model(time + star.period / 2, micron)
        alike = float(np.sum(((curve - other) / 2 / sigma) ** 2)) < UNDECIDED
        stars.append(seen._replace(kind=seen.kind + "_equal" if alike else seen.kind))
    return stars


def giants(n: int, rng: Rng, *, survey: str) -> list[Star]:
    """Observe Miras, and two semiregulars for each three of them."""

    def make(rng: Rng, field: Visits, k: int) -> Variable:
        return (semiregular if k % 5 in (1, 4) else mira)(rng, field.span, field.survey)

    return periodic_stars(n, rng, survey=survey, make=make)


def supernovae(n: int, rng: Rng) -> list[Star]:
    """Return simulated supernovae on the LSST cadence."""
    stars = []
    while len(stars) < n:
        field = visits(rng, "lsst", 4.0)
        model, kind = supernova(rng, field.span)
        forced = len(stars) % 2 == 0
        star = event(rng, field, model, kind, rng.uniform(18, LSST_EVENTS), forced)
        if star is not None:
            stars.append(star)
    return stars


def event(
    rng: Rng, field: Visits, model: Callable[[Floats, Floats], Floats], kind: str, mean: float,
    forced: bool,
) -> Star | None:  # fmt: skip
    """Observe an event by forced photometry or where it is detected; None if too rarely."""
    star = measure(
        rng, field, model, np.nan, kind + ("_forced" if forced else ""), mean=mean,
        detected=None if forced else 5.0,
    )  # fmt: skip
    lit = int((star.value > 5 * star.error).sum()) if not star.is_magnitude else star.time.size
    return star if lit >= 8 and star.time.size >= 15 else None


def transients(n: int, rng: Rng, *, survey: str) -> list[Star]:
    """Observe outbursts and flares of all kinds in turn."""
    kinds = list(TRANSIENTS)
    stars: list[Star] = []
    while len(stars) < n:
        field = visits(rng, survey, rng.uniform(2, 10))
        kind = kinds[len(stars) % len(kinds)]
        mean = rng.uniform(14.5, 18.5) if survey == "ztf" else rng.uniform(17, 22)
        star = event(rng, field, TRANSIENTS[kind](rng, field.span), kind, mean, rng.random() < 0.6)
        if star is not None:
            stars.append(star)
    return stars


def aperiodic(
    n: int, rng: Rng, *, survey: str, make: Callable[[Rng, float], object], kind: str
) -> list[Star]:
    """Observe n models that have no period."""
    stars = []
    for _ in range(n):
        field = visits(rng, survey)
        stars.append(measure(rng, field, make(rng, field.span), np.nan, kind))  # type: ignore[arg-type]
    return stars


def white(n: int, rng: Rng, *, survey: str) -> list[Star]:
    """Return constants: noise of the given errors, and of errors that are a little off."""
    stars = []
    for k in range(n):
        kind = "white_scaled" if k % 4 == 3 else "white"
        field = visits(rng, survey)
        stars.append(measure(rng, field, constant, np.nan, kind, exact=kind == "white"))
    return stars


def red(n: int, rng: Rng, *, survey: str) -> list[Star]:
    """Return constants with red noise of all kinds in turn."""
    stars = []
    for k in range(n):
        kind, field = RED[k % len(RED)], visits(rng, survey)
        mean, floor = brightness(rng, survey), float(np.mean(SURVEYS[survey].floor))
        size = float(np.median(error_of(np.full(field.time.size, mean), field.m5, floor)))
        model = red_noise(rng, field, size, kind)
        stars.append(measure(rng, field, model, np.nan, f"red_{kind}", mean=mean))
    return stars


def _table() -> dict[str, Callable[[int, Rng], list[Star]]]:
    found: dict[str, Callable[[int, Rng], list[Star]]] = {
        "s82_all": partial(stripe82, sparse=False),
        "s82_sparse": partial(stripe82, sparse=True),
    }
    everywhere = ("lsst", "asas", "ztf", "ogle", "linear")
    for survey in ("asas", "ztf", "linear", "ogle"):
        found[f"mira_{survey}"] = partial(giants, survey=survey)
    for survey in ("lsst", "asas"):
        found[f"eb_{survey}"] = partial(binaries, survey=survey, make=detached)
    for survey in ("lsst", "linear", "asas"):
        found[f"ew_{survey}"] = partial(binaries, survey=survey, make=contact)
    found["dsct_lsst"] = partial(
        periodic_stars, survey="lsst", make=lambda rng, field, k: delta_scuti(rng)
    )
    for survey in everywhere:
        found[f"pulsators_{survey}"] = partial(
            periodic_stars, survey=survey, make=lambda rng, field, k: pulsator(rng, k)
        )
    for survey in ("lsst", "ztf", "asas"):
        found[f"rotators_{survey}"] = partial(
            periodic_stars, survey=survey, make=lambda rng, field, k: rotator(rng, field.span)
        )
    found["supernovae_ztf"] = type_ia
    found["supernovae_lsst"] = supernovae
    for survey in ("lsst", "ztf"):
        found[f"transients_{survey}"] = partial(transients, survey=survey)
    for survey in ("lsst", "ogle"):
        found[f"microlensing_{survey}"] = partial(
            aperiodic, survey=survey, make=lens, kind="microlensing"
        )
    for survey in ("lsst", "ztf", "ogle", "linear"):
        found[f"quasars_{survey}"] = partial(aperiodic, survey=survey, make=quasar, kind="quasar")
    for survey in everywhere:
        found[f"white_{survey}"] = partial(white, survey=survey)
        found[f"red_{survey}"] = partial(red, survey=survey)
        found[f"pull_{survey}"] = partial(
            periodic_stars, survey=survey, make=lambda rng, field, k: strict(rng, k), exact=True
        )
    return found


SETS = _table()


def plot(stars: list[Star], path: Path) -> None:
    """Draw the first twelve stars, folded where they have a period."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 11), layout="constrained")
    for axes, star in zip(figure.subplots(3, 4).flat, stars, strict=False):
        folded = np.isfinite(star.period)
        x = np.mod(star.time / star.period, 1.0) if folded else star.time
        bands = np.full(x.size, "-") if star.band is None else star.band
        for name in dict.fromkeys(bands.tolist()):
            here = bands == name
            axes.errorbar(
                x[here], star.value[here], star.error[here], fmt=".", ms=3, lw=0.4, label=name
            )
        if star.is_magnitude:
            axes.invert_yaxis()
        axes.set_title(f"{star.kind}, {star.period:.4g} d, {star.tag}, {x.size}", fontsize=9)
    figure.savefig(path, dpi=70)


def main() -> None:
    """List the sets, or draw one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["list", "draw"])
    parser.add_argument("name", nargs="?", choices=list(SETS))
    parser.add_argument("--stars", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path)
    a = parser.parse_args()
    if a.what == "list":
        print("\n".join(SETS))
        return
    stars = draw(a.name, a.stars, a.seed)
    epochs = [s.time.size for s in stars]
    print(f"{len(stars)} stars, {min(epochs)} to {max(epochs)} epochs")
    for kind, count in sorted(Counter(s.kind for s in stars).items()):
        print(f"{count:6d} {kind}")
    if a.plot:
        plot(stars, a.plot)


if __name__ == "__main__":
    main()
