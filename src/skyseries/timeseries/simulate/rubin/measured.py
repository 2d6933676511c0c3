"""What was measured of the objects at each visit: forced photometry, and its flags."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.photometry import UGRIZY
from skyseries.timeseries.simulate.noise import observe
from skyseries.timeseries.simulate.rubin.population import Population
from skyseries.timeseries.simulate.rubin.settings import Setting
from skyseries.timeseries.simulate.rubin.visits import Visits, ccd_visit_ids, place

__all__ = ["Measured", "epoch_values", "flags", "forced_values", "measure"]

_LOST = 0.08
"""Part of the visits in which an object is masked."""
_TEMPLATE = 1.15
"""Errors on difference images, which have the noise of the template too, by those before."""
_FLAGS = {
    "pixelFlags_bad": 0.01, "pixelFlags_cr": 0.01, "pixelFlags_edge": 0.005,
    "pixelFlags_interpolated": 0.02, "pixelFlags_saturated": 0.005, "pixelFlags_suspect": 0.005,
    "pixelFlags_nodata": 0.001, "pixelFlags_crCenter": 0.004,
    "pixelFlags_interpolatedCenter": 0.004, "pixelFlags_saturatedCenter": 0.002,
    "pixelFlags_suspectCenter": 0.002, "pixelFlags_offimage": 0.0,
}  # fmt: skip
"""How often each flag is set."""


class Measured(NamedTuple):
    """All epochs of all objects, sorted by object and time."""

    row: Ints
    """Of the object."""
    visit: Ints
    """Row of the visit."""
    detector: Ints
    x: Floats
    y: Floats
    flux: Floats
    """nJy, with its noise."""
    error: Floats
    diff: Floats
    """The same less the flux on the template."""
    diff_error: Floats
    bad: Bools
    """Whether the flux is NaN, and flagged."""

    def take(self, index: Ints | Bools) -> Measured:
        """Return some of the epochs."""
        return Measured._make(values[index] for values in self)


def measure(
    setting: Setting,
    population: Population,
    visits: Visits,
    usual: tuple[Floats, Floats],
    epochs: float,
    rng: np.random.Generator,
) -> Measured:
    """Observe every object at visits to its field.

    Parameters
    ----------
    usual : (ndarray, ndarray) of float64, shape (n, 6)
        Mean fluxes, and those of the templates, nJy.
    epochs : float
        About how many epochs an object has whose light curve is not long.
    """
    row, visit, detector, x, y = map(np.concatenate, zip(*(
        _seen(setting, population, visits, field, epochs, rng)
        for field in range(len(setting.fields))
    ), strict=True))  # fmt: skip
    order = np.argsort(row, kind="stable")
    row, visit, detector, x, y = (values[order] for values in (row, visit, detector, x, y))
    band, time = visits.band[visit], visits.time[visit]
    mean, template = usual
    truth = mean[row, band]
    bounds = np.searchsorted(row, np.arange(population.ra.size + 1))
    for which, light in enumerate(population.light):
        if light is not None:
            mine = slice(bounds[which], bounds[which + 1])
            truth[mine] = light(time[mine], band[mine])
    flux, error = observe(truth, visits.m5[visit], band, rng)
    bad = rng.uniform(size=row.size) < 0.004
    return Measured(
        row, visit, detector, x, y, np.where(bad, np.nan, flux), error,
        np.where(bad, np.nan, flux - template[row, band]), error * _TEMPLATE, bad,
    )  # fmt: skip


def _seen(
    setting: Setting,
    population: Population,
    visits: Visits,
    field: int,
    epochs: float,
    rng: np.random.Generator,
) -> tuple[NDArray[Any], ...]:
    """Return pairs of objects and visits of a field, with the place on the camera."""
    rows = np.flatnonzero(population.field == field)
    there = np.flatnonzero(visits.field == field)
    kept = np.where(population.is_deep[rows], 1.0 - _LOST, min(epochs / there.size, 1.0 - _LOST))
    i, j = np.nonzero(rng.uniform(size=(rows.size, there.size)) < kept[:, None])
    row, visit = rows[i], there[j]
    detector, x, y = place(
        setting, population.ra[row], population.dec[row], visits.ra[visit], visits.dec[visit]
    )
    on = detector >= 0
    return row[on], visit[on], detector[on], x[on], y[on]


def epoch_values(setting: Setting, visits: Visits, epochs: Measured) -> dict[str, Any]:
    """Return what all tables of epochs have: visit, detector, band, time, place on the detector."""
    band = np.array(UGRIZY)[visits.band[epochs.visit]]
    time = visits.time[epochs.visit]
    return {
        "visit": visits.id[epochs.visit],
        "detector": epochs.detector,
        "ccdVisitId": ccd_visit_ids(setting, visits, epochs.visit, epochs.detector),
        "band": band,
        "filterName": band,
        "midpointMjdTai": time,
        "midPointTai": time,
        "x": epochs.x,
        "y": epochs.y,
    }


def forced_values(
    setting: Setting, visits: Visits, epochs: Measured, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the columns of ForcedSource and ForcedSourceOnDiaObject, but those of the object."""
    n = epochs.row.size
    return {
        **epoch_values(setting, visits, epochs),
        "psfFlux": epochs.flux,
        "psfFluxErr": epochs.error,
        "psfFlux_flag": epochs.bad,
        "psfDiffFlux": epochs.diff,
        "psfDiffFluxErr": epochs.diff_error,
        "psfDiffFlux_flag": epochs.bad,
        "diff_PixelFlags_nodataCenter": np.zeros(n, np.bool_),
        "invalidPsfFlag": np.zeros(n, np.bool_),
        **flags(n, rng),
    }


def flags(n: int, rng: np.random.Generator) -> dict[str, np.ma.MaskedArray]:
    """Return flags of pixels: some are set, a few are not known."""
    return {
        name: np.ma.masked_array(rng.uniform(size=n) < chance, rng.uniform(size=n) < 0.002)
        for name, chance in _FLAGS.items()
    }
