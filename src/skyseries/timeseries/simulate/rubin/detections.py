"""Detections on difference images: DiaSources, and the DiaObjects that they are joined to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from skyseries.arraytypes import Floats, Ints
from skyseries.photometry import UGRIZY
from skyseries.timeseries.simulate.rubin.measured import Measured, epoch_values, flags
from skyseries.timeseries.simulate.rubin.objects import Objects
from skyseries.timeseries.simulate.rubin.population import SAID_DIA_OBJECT
from skyseries.timeseries.simulate.rubin.settings import Setting
from skyseries.timeseries.simulate.rubin.statistics import Fluxes, statistics
from skyseries.timeseries.simulate.rubin.visits import Visits

__all__ = ["Detections", "detect", "dia_object_values", "dia_source_values", "joined"]

SAID_DIA_SOURCES = 74
"""Of the DiaObject whose id is said."""
STRAYED = 5
"""DiaSources of each pair of neighbours that are filed under the wrong one."""
_SIGNIFICANT = 5.0
_ARCSEC = 1.0 / 3600.0


class Detections(NamedTuple):
    """DiaSources sorted by DiaObject and time, and the DiaObjects."""

    dia_object: Ints
    """Row of the DiaObject that each is filed under."""
    epochs: Measured
    ra: Floats
    dec: Floats
    ss_object: Ints
    """Id of the moving object; 0: of none."""
    object_row: Ints
    """Of each DiaObject: row of the Object; -1: none."""
    object_ra: Floats
    object_dec: Floats


def detect(
    objects: Objects, epochs: Measured, visits: Visits, rng: np.random.Generator
) -> Detections:
    """Return what is detected of the variables, at five times its error."""
    sky = objects.population
    is_variable = np.array([light is not None for light in sky.light])
    seen = is_variable[epochs.row] & (np.abs(epochs.diff) > _SIGNIFICANT * epochs.diff_error)
    of_said = np.flatnonzero(seen & (epochs.row == SAID_DIA_OBJECT))
    seen[rng.permutation(of_said)[SAID_DIA_SOURCES:]] = False
    found = epochs.take(seen)
    scatter = rng.normal(0.0, 0.05 * _ARCSEC, (2, found.row.size))
    dec = sky.dec[found.row] + scatter[1]
    ra = np.mod(sky.ra[found.row] + scatter[0] / np.cos(np.radians(dec)), 360.0)
    filed = _strayed(objects, found)
    rows, dia_object = np.unique(filed, return_inverse=True)
    order = np.lexsort((visits.time[found.visit], dia_object))
    place = rng.normal(0.0, 0.02 * _ARCSEC, (2, rows.size))
    return Detections(
        dia_object[order], found.take(order), ra[order], dec[order],
        np.zeros(order.size, np.int64), rows,
        sky.ra[rows] + place[0] / np.cos(np.radians(sky.dec[rows])), sky.dec[rows] + place[1],
    )  # fmt: skip


def _strayed(objects: Objects, found: Measured) -> Ints:
    """Return the object that each is filed under: a few of a pair under the neighbour."""
    filed = found.row.copy()
    kind = np.array(objects.population.kind)
    for north, south in zip(
        np.flatnonzero(kind == "pair north"), np.flatnonzero(kind == "pair south"), strict=True
    ):
        filed[np.flatnonzero(found.row == north)[:STRAYED]] = south
    return filed


def joined(variables: Detections, moving: Detections) -> Detections:
    """Return both, the DiaObjects of moving objects behind the others."""
    n = variables.object_row.size
    behind = moving._replace(dia_object=moving.dia_object + n)
    epochs = Measured._make(map(np.concatenate, zip(variables.epochs, moving.epochs, strict=True)))
    plain = {
        name: np.concatenate([getattr(variables, name), getattr(behind, name)])
        for name in Detections._fields
        if name != "epochs"
    }
    return Detections(epochs=epochs, **plain)


def dia_source_ids(setting: Setting, found: Detections) -> Ints:
    """Return the ids of the DiaSources."""
    return setting.first_id // 9 * 11 + 5 * np.arange(found.dia_object.size, dtype=np.int64)


def dia_object_ids(setting: Setting, detections: Detections) -> Ints:
    """Return the ids of the DiaObjects: of the one that is said, and others."""
    n = detections.object_row.size
    ids = setting.first_id // 5 * 6 + 11 * np.arange(n, dtype=np.int64)
    ids[detections.object_row == SAID_DIA_OBJECT] = setting.dia_object_id
    return ids


def dia_source_values(
    setting: Setting, visits: Visits, found: Detections, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the columns of DiaSource, but the id of the DiaObject."""
    epochs, n = found.epochs, found.dia_object.size
    total, no = epochs.flux, np.zeros(n, np.bool_)
    fluxes = {
        "psfFlux": epochs.diff,
        "psFlux": epochs.diff,
        "apFlux": epochs.diff * 1.02,
        "scienceFlux": total,
        "totFlux": total,
        "templateFlux": total - epochs.diff,
    }
    errors = {
        "psfFluxErr": epochs.diff_error,
        "psFluxErr": epochs.diff_error,
        "apFluxErr": epochs.diff_error * 1.5,
        "scienceFluxErr": epochs.error,
        "totFluxErr": epochs.error,
        "templateFluxErr": epochs.error * 0.5,
    }
    return {
        **epoch_values(setting, visits, epochs),
        **fluxes,
        **errors,
        "diaSourceId": dia_source_ids(setting, found),
        "ssObjectId": found.ss_object,
        "parentDiaSourceId": np.zeros(n, np.int64),
        "ra": found.ra,
        "dec": found.dec,
        "decl": found.dec,
        "coord_ra": found.ra,
        "coord_dec": found.dec,
        "raErr": np.full(n, 0.05 * _ARCSEC),
        "decErr": np.full(n, 0.05 * _ARCSEC),
        "snr": np.abs(epochs.diff) / epochs.diff_error,
        "isDipole": rng.uniform(size=n) < 0.02,
        "isNegative": epochs.diff < 0.0,
        "extendedness": np.clip(rng.normal(0.1, 0.1, n), 0.0, 1.0),
        "reliability": rng.uniform(0.3, 1.0, n),
        "apFlux_flag": no,
        "centroid_flag": no,
        "psfFlux_flag": no,
        "forced_PsfFlux_flag": rng.uniform(size=n) < 0.01,
        "pixelFlags": rng.uniform(size=n) < 0.02,
        **flags(n, rng),
    }


def dia_object_values(setting: Setting, visits: Visits, found: Detections) -> dict[str, Any]:
    """Return the columns of DiaObject: positions, and statistics of the DiaSources."""
    n, epochs = found.object_row.size, found.epochs
    values: dict[str, Any] = {
        "diaObjectId": dia_object_ids(setting, found),
        "ra": found.object_ra,
        "dec": found.object_dec,
        "decl": found.object_dec,
        "nDiaSources": np.bincount(found.dia_object, minlength=n),
    }
    band, time = visits.band[epochs.visit], visits.time[epochs.visit]
    slot = found.dia_object * 6 + band
    order = np.lexsort((time, slot))
    for names, flux, error in (
        (("psfFlux", "PSFlux"), epochs.diff, epochs.diff_error),
        (("scienceFlux", "TOTFlux"), epochs.flux, epochs.error),
    ):
        fluxes = Fluxes(slot[order], time[order], flux[order], error[order])
        for name, each in statistics(fluxes, 6 * n).items():
            for b, column in enumerate(each.reshape(n, 6).T):
                masked = np.ma.masked_invalid(column)
                values[f"{UGRIZY[b]}_{names[0]}{name}"] = masked
                values[f"{UGRIZY[b]}{names[1]}{name}"] = masked
    return values
