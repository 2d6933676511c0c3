"""Moving objects of the solar system: their detections, orbits, and distances."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from skyseries.arraytypes import Floats, Ints
from skyseries.photometry import mag_to_njy
from skyseries.timeseries.simulate.noise import observe
from skyseries.timeseries.simulate.rubin.detections import Detections
from skyseries.timeseries.simulate.rubin.measured import Measured
from skyseries.timeseries.simulate.rubin.settings import Setting
from skyseries.timeseries.simulate.rubin.visits import Visits, place

__all__ = ["Moving", "make_moving", "orbit_values", "ss_object_values", "ss_source_values"]

_N = 30
_VISITS = 12
"""At most, of each."""
_MOTION = 0.02
"""Degrees in a day, at most."""


class Moving(NamedTuple):
    """Moving objects, and where and when they were detected."""

    id: Ints
    designation: list[str]
    which: Ints
    """Of each detection: row of the moving object."""
    found: Detections
    """Each detection is filed under a DiaObject of its own."""


def make_moving(setting: Setting, visits: Visits, rng: np.random.Generator) -> Moving:
    """Let objects drift over the first field, and detect them at visits to it."""
    n = _N if setting.ss_object_ids else 0
    ids = 21_163_611_375_481_943 + 4_294_967_296 * np.arange(n, dtype=np.int64)
    ids[: len(setting.ss_object_ids)] = setting.ss_object_ids
    there = np.flatnonzero(visits.field == 0)
    which, visit = (a.ravel() for a in np.mgrid[:n, : min(_VISITS, there.size)])
    visit = np.sort(rng.permuted(np.tile(there, (n, 1)), axis=1)[:, :_VISITS], axis=1).ravel()
    ra, dec = _drift(setting, visits, which, visit, n, rng)
    detector, x, y = place(setting, ra, dec, visits.ra[visit], visits.dec[visit])
    band = visits.band[visit]
    bright = mag_to_njy(19.0 + 2.5 * np.mod(which * 0.37, 1.0))[0]
    flux, error = observe(bright, visits.m5[visit], band, rng)
    on = (detector >= 0) & (flux > 5.0 * error)
    epochs = Measured(
        which, visit, detector, x, y, flux, error, flux, error, np.zeros(on.size, np.bool_)
    ).take(on)
    size = epochs.row.size
    found = Detections(
        np.arange(size), epochs, ra[on], dec[on], ids[which[on]], np.full(size, -1), ra[on], dec[on]
    )
    return Moving(ids, [f"2024 S{chr(65 + i % 26)}{i}" for i in range(n)], which[on], found)


def _drift(
    setting: Setting, visits: Visits, which: Ints, visit: Ints, n: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return straight ways through the field in small steps: months of motion leave it."""
    field = setting.fields[0]
    start = rng.uniform(-0.2, 0.2, (2, n))
    speed = rng.uniform(-_MOTION, _MOTION, (2, n))
    days = np.mod(visits.time[visit] - setting.start_mjd, 10.0)
    dec = field.dec + start[1][which] + speed[1][which] * days
    across = start[0][which] + speed[0][which] * days
    return field.ra + across / np.cos(np.radians(dec)), dec


def ss_source_values(
    moving: Moving, dia_source_ids: Ints, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the columns of SSSource.

    The distances close the triangle of Sun, Earth and object for an elongation e: topocentric
    cos e + sqrt(r² - sin² e) for the heliocentric r, with the Earth at 1 AU.
    """
    n = moving.which.size
    helio = 2.0 + np.mod(0.13 * moving.which, 1.3)
    elongation = np.radians(rng.uniform(130.0, 179.0, n))
    topo = np.cos(elongation) + np.sqrt(helio**2 - np.sin(elongation) ** 2)
    cosine = (helio**2 + topo**2 - 1.0) / (2.0 * helio * topo)
    phase = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    angle = np.radians(moving.found.ra)
    values = {
        "diaSourceId": dia_source_ids,
        "ssObjectId": moving.found.ss_object,
        "designation": np.array(moving.designation)[moving.which] if n else np.array([], "U1"),
        "phaseAngle": phase,
        "elongation": np.degrees(elongation),
        "heliocentricDist": helio,
        "helioRange": helio,
        "topocentricDist": topo,
        "topoRange": topo,
        "eclipticLambda": moving.found.ra,
        "eclipticBeta": moving.found.dec - 20.0,
        "eclLambda": moving.found.ra,
        "eclBeta": moving.found.dec - 20.0,
        "ephRa": moving.found.ra + 1e-5,
        "ephDec": moving.found.dec - 1e-5,
    }
    for axis, part in zip("XYZ", (np.cos(angle), np.sin(angle), 0.0 * angle), strict=True):
        values[f"heliocentric{axis}"] = values[f"helio_{axis.lower()}"] = helio * part
    return values


def ss_object_values(setting: Setting, visits: Visits, moving: Moving) -> dict[str, Any]:
    """Return the columns of SSObject."""
    n = moving.id.size
    count = np.bincount(moving.which, minlength=n)
    time = visits.time[moving.found.epochs.visit]
    first = np.full(n, np.inf)
    np.minimum.at(first, moving.which, time)
    last = np.full(n, -np.inf)
    np.maximum.at(last, moving.which, time)
    return {
        "ssObjectId": moving.id,
        "designation": moving.designation,
        "numObs": count,
        "nObs": count,
        "discoverySubmissionDate": setting.start_mjd - 1000.0 - 37.0 * np.arange(n),
        "firstObservationMjdTai": np.ma.masked_invalid(first),
        "arc": np.ma.masked_invalid(last - first),
    }


def orbit_values(setting: Setting, moving: Moving, rng: np.random.Generator) -> dict[str, Any]:
    """Return the columns of MPCORB, or of mpc_orbits."""
    n = moving.id.size
    eccentricity, axis = rng.uniform(0.01, 0.35, n), rng.uniform(2.0, 3.3, n)
    inclination = rng.uniform(0.5, 25.0, n)
    return {
        "id": np.arange(1, n + 1),
        "ssObjectId": moving.id,
        "mpcDesignation": [name.replace(" ", "") for name in moving.designation],
        "designation": moving.designation,
        "unpacked_primary_provisional_designation": moving.designation,
        "q": axis * (1.0 - eccentricity),
        "e": eccentricity,
        "a": axis,
        "i": inclination,
        "incl": inclination,
        "node": rng.uniform(0.0, 360.0, n),
        "peri": rng.uniform(0.0, 360.0, n),
        "argperi": rng.uniform(0.0, 360.0, n),
        "epoch": np.full(n, setting.start_mjd),
        "mpcH": rng.uniform(14.0, 20.0, n),
        "h": rng.uniform(14.0, 20.0, n),
        "orbit_type_int": rng.integers(10, 12, n),
    }
