"""When and how deeply surveys look, and what they then measure of a star.

Cadences are those of `../shared/data`: simulated LSST fields, and fields of single sites in the
manner of ASAS, ZTF, LINEAR and OGLE. A model is any function of time (days) and effective
wavelength (micrometres) that gives magnitudes about the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

__all__ = ["DATA", "SURVEYS", "Floats", "Model", "Star", "Visits", "cadences", "measure", "visits"]

Floats = NDArray[np.float64]
Model = Callable[[Floats, Floats], Floats]
"""(days, micrometres) -> magnitudes about the mean, brighter is smaller."""

HERE = Path(__file__).resolve()
DATA = next(
    (p / "shared" / "data" for p in HERE.parents if (p / "shared" / "data").is_dir()),
    HERE.parents[2] / "shared" / "data",
)
"""The real data beside the project."""

MICRONS = {
    "u": 0.36, "g": 0.48, "r": 0.62, "i": 0.75, "z": 0.87, "y": 0.97, "V": 0.55, "C": 0.60,
    "I": 0.80,
}  # fmt: skip
RANDOM_NOISE = 0.039
"""The gamma of Ivezic et al. 2019 (ApJ 873, 111): errors against depth at 5 sigma."""
AB_NANOJANSKY = 31.4
MAG = 2.5 / np.log(10)


class Star(NamedTuple):
    """One light curve, and what is true of it."""

    time: Floats
    """Days (MJD)."""
    value: Floats
    """Magnitudes, or fluxes in nJy."""
    error: Floats
    band: NDArray[np.str_] | None
    is_magnitude: bool
    period: float
    """The true period in days; NaN for what has none."""
    kind: str
    """The finer class."""
    tag: str
    """Survey and field, or the name of a real star."""


class Visits(NamedTuple):
    """The visits of one field, by time."""

    survey: str
    field: str
    time: Floats
    band: NDArray[np.str_]
    micron: Floats
    m5: Floats

    @property
    def span(self) -> float:
        """Days from the first visit to the last."""
        return float(np.ptp(self.time))

    def kept(self, which: NDArray[Any]) -> Visits:
        """Return some of the visits."""
        return self._replace(
            time=self.time[which], band=self.band[which], micron=self.micron[which],
            m5=self.m5[which],
        )  # fmt: skip


class Survey(NamedTuple):
    """How one survey measures."""

    is_magnitude: bool
    brightest: float
    faintest: float
    """Mean magnitudes of the stars that are drawn."""
    floor: tuple[float, float]
    """Errors of bright stars, mag: from, to (a star has one of them)."""
    outliers: float
    """Share of epochs that are wrong by some errors."""
    lost: float
    """Share of the visits that miss a star."""


SURVEYS = {
    "lsst": Survey(False, 17.5, 22.0, (0.005, 0.012), 0.001, 0.08),
    "asas": Survey(True, 8.5, 12.8, (0.015, 0.05), 0.008, 0.04),
    "ztf": Survey(True, 14.0, 18.5, (0.012, 0.025), 0.004, 0.05),
    "linear": Survey(True, 14.0, 16.8, (0.015, 0.03), 0.006, 0.03),
    "ogle": Survey(True, 14.0, 18.5, (0.006, 0.02), 0.003, 0.03),
}


@cache
def cadences(survey: str) -> tuple[Visits, ...]:
    """Return the fields of a survey, by number."""
    name = "lsst_cadence" if survey == "lsst" else "single_site_cadences"
    table = pq.read_table(DATA / f"{name}.parquet").to_pandas()
    if survey != "lsst":
        table = table[table["survey"] == survey]
    found = []
    for (field, _, dec), group in table.groupby(["field", "ra", "dec"]):
        rows = group.sort_values("mjd", kind="stable")
        band = rows["band"].to_numpy().astype("U1")
        place = f"{field}{'n' if dec > -10 else 's'}" if survey == "lsst" else f"{field}"
        found.append(
            Visits(
                survey, place, rows["mjd"].to_numpy(float), band,
                np.array([MICRONS[b] for b in band]), rows["m5"].to_numpy(float),
            )
        )  # fmt: skip
    return tuple(field for field in found if field.time.size >= 150)


def visits(rng: np.random.Generator, survey: str, years: float | None = None) -> Visits:
    """Draw a field and return its visits without those that miss the star.

    `years` keeps the first of them only.
    """
    fields = cadences(survey)
    field = fields[rng.integers(len(fields))]
    field = field.kept(rng.random(field.time.size) >= SURVEYS[survey].lost)
    if years is None:
        return field
    return field.kept(field.time < field.time[0] + 365.25 * years)


def brightness(rng: np.random.Generator, survey: str) -> float:
    """Draw a mean magnitude: more stars are faint than bright."""
    bright, faint = SURVEYS[survey][1:3]
    return float(bright + (faint - bright) * rng.random() ** 0.6)


def error_of(mag: Floats, m5: Floats, floor: float) -> Floats:
    """Return the magnitude errors at these depths."""
    x = 10 ** (0.4 * (mag - m5))
    return np.sqrt(floor**2 + (0.04 - RANDOM_NOISE) * x + RANDOM_NOISE * x**2)


def measure(
    rng: np.random.Generator,
    field: Visits,
    model: Model,
    period: float,
    kind: str,
    *,
    mean: float | None = None,
    exact: bool = False,
    detected: float | None = None,
) -> Star:
    """Observe a model.

    Parameters
    ----------
    mean : float, optional
        Magnitude at 0.6 micrometres; drawn where it is not given.
    exact : bool
        White Gaussian noise of just the errors that are given, in the unit of the values, and no
        outliers. Otherwise errors are off by a factor near 1, and a few epochs are wrong.
    detected : float, optional
        Epochs of less signal to noise are left out. None: 3 for magnitudes, none for fluxes.
    """
    survey = SURVEYS[field.survey]
    mean = brightness(rng, field.survey) if mean is None else mean
    slope = rng.normal(0.9, 0.6)  # of the colours
    time = field.time - field.time[0]
    mag = mean + slope * (0.6 / field.micron - 1.0) + model(time, field.micron)
    floor = rng.uniform(*survey.floor)
    tag = f"{field.survey} {field.field}"
    if exact and survey.is_magnitude:
        error = error_of(mag, field.m5, floor)
        value = mag + error * rng.standard_normal(mag.size)
        return Star(field.time, value, error, field.band, True, period, kind, tag)
    flux = 10 ** (0.4 * (AB_NANOJANSKY - mag))
    depth = 10 ** (0.4 * (AB_NANOJANSKY - field.m5)) / 5
    error = np.hypot(floor / MAG * flux, np.sqrt(depth**2 + 0.005 * depth * flux))
    noise = rng.standard_normal(mag.size)
    if not exact:
        noise *= np.exp(rng.normal(0.0, 0.12))  # errors are rarely known better
        wrong = rng.random(mag.size) < survey.outliers
        noise[wrong] *= rng.uniform(3, 8, int(wrong.sum()))
    value = flux + error * noise
    detected = (3.0 if survey.is_magnitude else -np.inf) if detected is None else detected
    seen = value > detected * error
    field, value, error = field.kept(seen), value[seen], error[seen]
    if survey.is_magnitude:
        value, error = AB_NANOJANSKY - 2.5 * np.log10(value), MAG * error / value
    return Star(field.time, value, error, field.band, survey.is_magnitude, period, kind, tag)


def signal(star_error: Floats, model: Floats) -> float:
    """Return the chi2 of a noiseless model against its mean."""
    weight = star_error**-2.0
    return float(weight @ (model - weight @ model / weight.sum()) ** 2)
