"""The visits of a simulated release, its detectors, and the tables Visit and CcdVisit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.photometry import UGRIZY
from skyseries.timeseries.simulate.cadence import lsst_cadence
from skyseries.timeseries.simulate.ephemeris import altitude
from skyseries.timeseries.simulate.noise import DEPTH
from skyseries.timeseries.simulate.rubin.settings import Setting

__all__ = ["Visits", "ccd_visit_ids", "ccd_visit_values", "make_visits", "place", "visit_values"]

_PITCH = 0.235
"""Degrees from detector to detector."""
_PIXELS = 4072
_ARCSEC_PER_PIXEL = 0.2
_DITHER = {3: 0.05, 15: 0.3}
_CORNER = 3
"""Rows of detectors that each corner of the large camera lacks."""
_EXPOSURE = 30.0 / 86_400.0


class Visits(NamedTuple):
    """All visits, field by field, each in order of time."""

    id: Ints
    field: Ints
    time: Floats
    """Middle, MJD, TAI."""
    band: Ints
    m5: Floats
    ra: Floats
    dec: Floats
    number: Ints
    """Number of the visit in its night, or from the first one on."""


def make_visits(setting: Setting, seed: int, rng: np.random.Generator) -> Visits:
    """Simulate when each field is looked at, and where exactly the camera points."""
    parts = []
    for number, field in enumerate(setting.fields):
        cadence = lsst_cadence(
            field.ra, field.dec, years=setting.years, seed=seed, start_mjd=setting.start_mjd,
            visits_per_year=field.visits / setting.years,
        )  # fmt: skip
        extra = np.array([UGRIZY.index(band) for _, band in field.more], np.int64)
        band = np.concatenate([cadence.band, extra])
        middle = np.array([np.median(cadence.m5[cadence.band == b]) for b in extra])
        time = np.concatenate([cadence.time, [mjd for mjd, _ in field.more]])
        order = np.argsort(time, kind="stable")
        m5 = np.concatenate([cadence.m5, middle])
        parts.append((np.full(time.size, number), time[order], band[order], m5[order]))
    field_of, time, band, m5 = map(np.concatenate, zip(*parts, strict=True))
    centre = np.array([(field.ra, field.dec) for field in setting.fields])[field_of]
    shift = rng.uniform(-1.0, 1.0, (2, time.size)) * _DITHER[setting.side]
    dec = centre[:, 1] + shift[1]
    ra = np.mod(centre[:, 0] + shift[0] / np.cos(np.radians(dec)), 360.0)
    ids, numbers = _ids(setting, time, field_of)
    return Visits(ids, field_of, time, band, m5, ra, dec, numbers)


def _ids(setting: Setting, time: Floats, field: Ints) -> tuple[Ints, Ints]:
    """Return the ids of visits, and their numbers."""
    order = np.argsort(time, kind="stable")
    rank = np.empty(time.size, np.int64)
    rank[order] = np.arange(time.size)
    if setting.visit_ids is not None:
        first = rank[np.flatnonzero(field == 0)[0]]
        return setting.visit_ids + 7 * (rank - first), rank
    night = np.floor(time - 0.5).astype(np.int64)
    sorted_nights = night[order]
    number = np.empty(time.size, np.int64)
    number[order] = np.arange(time.size) - np.searchsorted(sorted_nights, sorted_nights) + 1
    date = np.datetime64("1858-11-17") + night
    digits = [int(str(day).replace("-", "")) for day in date]
    return np.array(digits, np.int64) * 100_000 + number, number


def ccd_visit_ids(setting: Setting, visits: Visits, visit: Ints, detector: Ints) -> Ints:
    """Return the ids of the images of single detectors.

    Parameters
    ----------
    visit : ndarray of int64
        Rows of the visits.
    detector : ndarray of int64
    """
    if setting.visit_ids is not None:
        return visits.id[visit] * 1000 + detector
    night = np.floor(visits.time[visit] - 0.5).astype(np.int64)
    return (night * 100_000 + visits.number[visit]) * 256 + detector


def place(
    setting: Setting, ra: Floats, dec: Floats, visit_ra: Floats, visit_dec: Floats
) -> tuple[Ints, Floats, Floats]:
    """Return on which detector of a visit positions fall (-1: none), and on which pixel.

    The sky is taken to be flat across the camera, with its sides along ra and dec.
    """
    half = setting.side / 2.0
    across = (np.mod(ra - visit_ra + 180.0, 360.0) - 180.0) * np.cos(np.radians(visit_dec))
    u, v = across / _PITCH + half, (dec - visit_dec) / _PITCH + half
    column, row = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    there = (column >= 0) & (column < setting.side) & (row >= 0) & (row < setting.side)
    numbers = _detectors(setting)
    detector = np.where(there, numbers[np.clip(row, 0, setting.side - 1),
                                       np.clip(column, 0, setting.side - 1)], -1)  # fmt: skip
    return detector, (u - column) * _PIXELS, (v - row) * _PIXELS


def _detectors(setting: Setting) -> Ints:
    """Return the numbers of the detectors by row and column, -1 where there is none."""
    edge = np.minimum(np.arange(setting.side), np.arange(setting.side)[::-1])
    missing: Bools = (edge[:, None] < _CORNER) & (edge < _CORNER) & (setting.side > _CORNER)
    numbers = np.cumsum(~missing).reshape(missing.shape) - 1
    return np.where(missing, -1, numbers)


def visit_values(visits: Visits) -> dict[str, Any]:
    """Return the columns of Visit."""
    height = altitude(visits.ra, visits.dec, visits.time)
    return {
        **_times(visits.time),
        "visit": visits.id,
        "ra": visits.ra,
        "dec": visits.dec,
        "decl": visits.dec,
        "altitude": height,
        "azimuth": np.mod(visits.time * 360.98 + visits.ra, 360.0),
        "airmass": 1.0 / np.sin(np.radians(np.maximum(height, 15.0))),
        "zenithDistance": 90.0 - height,
        "skyRotation": np.mod(visits.time * 83.0, 360.0),
        "band": np.array(UGRIZY)[visits.band],
        "physical_filter": np.array([f"{band}_sim" for band in UGRIZY])[visits.band],
    }


def ccd_visit_values(
    setting: Setting, visits: Visits, visit: Ints, detector: Ints
) -> dict[str, Any]:
    """Return the columns of CcdVisit or VisitDetector for pairs of a visit and a detector."""
    of_visit = {name: values[visit] for name, values in visit_values(visits).items()}
    numbers = _detectors(setting)
    where = np.empty((numbers.max() + 1, 2))
    row, column = np.nonzero(numbers >= 0)
    where[numbers[row, column]] = np.column_stack([column, row]) + 0.5 - setting.side / 2.0
    ccd_dec = visits.dec[visit] + where[detector, 1] * _PITCH
    shift = where[detector, 0] * _PITCH / np.cos(np.radians(visits.dec[visit]))
    band, m5 = visits.band[visit], visits.m5[visit]
    seeing = DEPTH.seeing[band] * np.clip(1.0 + 0.3 * np.sin(visits.time[visit] * 3.0), 0.7, 2.0)
    sky = 10.0 ** (0.4 * (26.0 - DEPTH.sky[band]))
    return {
        **of_visit,
        "ccdVisitId": ccd_visit_ids(setting, visits, visit, detector),
        "visitId": visits.id[visit],
        "detector": detector,
        "ra": np.mod(visits.ra[visit] + shift, 360.0),
        "dec": ccd_dec,
        "decl": ccd_dec,
        "seeing": seeing,
        "psfSigma": seeing / 2.355 / _ARCSEC_PER_PIXEL,
        "pixelScale": np.full(visit.size, _ARCSEC_PER_PIXEL),
        "magLim": m5,
        "zeroPoint": 27.0 + 0.3 * np.cos(band) + 0.01 * np.sin(detector),
        "skyBg": sky,
        "skyNoise": np.sqrt(sky),
        "darkTime": np.full(visit.size, 30.3),
        "xSize": np.full(visit.size, _PIXELS),
        "ySize": np.full(visit.size, _PIXELS),
    }


def _times(time: Floats) -> dict[str, NDArray[Any]]:
    start = time - 0.5 * _EXPOSURE
    return {
        "expMidptMJD": time,
        "expMidpt": _timestamps(time),
        "obsStartMJD": start,
        "obsStart": _timestamps(start),
        "expTime": np.full(time.size, 30.0),
    }


def _timestamps(mjd: Floats) -> NDArray[np.datetime64]:
    microseconds = np.round(mjd * 86_400e6).astype("timedelta64[us]")
    return np.datetime64("1858-11-17T00:00:00", "us") + microseconds
