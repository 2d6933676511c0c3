"""A whole simulated survey: objects, their sources, and the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from skyseries.arraytypes import Floats, Ints
from skyseries.errors import InputError
from skyseries.photometry import UGRIZY, njy_to_mag
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.timeseries.simulate.cadence import SURVEY_START_MJD, Cadence, lsst_cadence
from skyseries.timeseries.simulate.classes import CLASSES, Draw
from skyseries.timeseries.simulate.noise import observe

__all__ = ["SimulatedSurvey", "simulate_survey"]

_FIELD_DEGREES = 3.0
_FIELD_CENTRES = ((53.1, -28.1), (95.0, -25.0), (150.1, 2.2), (186.7, -41.0), (270.9, -29.5))
"""Where objects lie if no positions are given: five fields around the southern sky."""
_LOST_VISITS = 0.08
"""Part of the visits in which an object falls on a gap between the sensors or is masked."""
_ASTROMETRY_ARCSEC = 0.03


class SimulatedSurvey(NamedTuple):
    """What `simulate_survey` returns."""

    objects: pa.Table
    """objectId, ra, dec, {band}_psfMag: one row an object."""
    sources: pa.Table
    """objectId, midpointMjdTai, band, psfFlux, psfFluxErr, ra, dec: one row an epoch."""
    truth: pa.Table
    """objectId, class, period, amplitude, r_mag, event_time, event_duration."""


def simulate_survey(
    *,
    n_constant: int = 2000,
    n_rr_lyrae_ab: int = 120,
    n_rr_lyrae_c: int = 40,
    n_detached_binary: int = 60,
    n_contact_binary: int = 60,
    n_long_period: int = 30,
    n_microlensing: int = 20,
    n_supernova_ia: int = 40,
    years: float = 3.0,
    visits_per_year: float = 80.0,
    seed: int,
    positions: tuple[ArrayLike, ArrayLike] | None = None,
) -> SimulatedSurvey:
    """Simulate the objects of an LSST-like survey and all their measurements.

    Parameters
    ----------
    n_constant, n_rr_lyrae_ab, ... : int
        How many objects of each class (`classes.CLASSES`).
    years, visits_per_year : float
        See `cadence.lsst_cadence`.
    seed : int
        The same seed gives the same survey.
    positions : (array_like, array_like), optional
        ra and dec of all objects, degrees, in any order; the classes are spread over them at
        random. Objects within one tile of about 3 degrees share their visits. Without: five
        fields around the southern sky.

    Returns
    -------
    SimulatedSurvey
        Three Arrow tables, with units and descriptions as metadata of the fields. Sources are
        sorted by object and time; object ids are beyond 2**53, as Rubin's are.

    Raises
    ------
    InputError
        If a number is negative, or the positions are not as many as the objects.
    """
    numbers = {
        "constant": n_constant, "rr_lyrae_ab": n_rr_lyrae_ab, "rr_lyrae_c": n_rr_lyrae_c,
        "detached_binary": n_detached_binary, "contact_binary": n_contact_binary,
        "long_period": n_long_period, "microlensing": n_microlensing,
        "supernova_ia": n_supernova_ia,
    }  # fmt: skip
    rng = np.random.default_rng([seed, 1])
    names = rng.permutation(_class_of_each(numbers))
    ra, dec = _place(names.size, positions, rng)
    end = SURVEY_START_MJD + 365.25 * years
    draws = [CLASSES[name].draw(rng, SURVEY_START_MJD, end) for name in names]
    ids = _object_ids(names.size, rng)
    cadences, field = _cadences(ra, dec, years, visits_per_year, seed)
    epochs = _measure(draws, cadences, field, rng)
    return SimulatedSurvey(
        _objects_table(ids, ra, dec, epochs),
        _sources_table(ids, ra, dec, epochs, rng),
        _truth_table(ids, names, draws),
    )


def _class_of_each(numbers: Mapping[str, int]) -> NDArray[np.str_]:
    if negative := [name for name, number in numbers.items() if number < 0]:
        raise InputError(f"n_{negative[0]} must not be negative, but is {numbers[negative[0]]}")
    return np.repeat(np.array(list(numbers)), list(numbers.values()))


def _place(
    n: int, positions: tuple[ArrayLike, ArrayLike] | None, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the given positions, or ones scattered over the fields."""
    if positions is not None:
        ra, dec = (np.asarray(angle, np.float64) for angle in positions)
        if ra.shape != (n,) or dec.shape != (n,):
            raise InputError(
                f"positions of shapes {ra.shape} and {dec.shape} for {n} objects; "
                "give one ra and one dec for each"
            )
        return ra, dec
    centre = np.array(_FIELD_CENTRES)[rng.integers(0, len(_FIELD_CENTRES), n)]
    radius = 1.4 * np.sqrt(rng.uniform(0.0, 1.0, n))
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    dec = centre[:, 1] + radius * np.sin(angle)
    ra = centre[:, 0] + radius * np.cos(angle) / np.cos(np.radians(dec))
    return np.mod(ra, 360.0), dec


def _object_ids(n: int, rng: np.random.Generator) -> Ints:
    """Return different ids of 60 bits, in ascending order."""
    steps = rng.integers(1, 2**40, n)
    return 2**59 + int(rng.integers(0, 2**50)) + np.cumsum(steps)


def _cadences(
    ra: Floats, dec: Floats, years: float, visits_per_year: float, seed: int
) -> tuple[list[Cadence], Ints]:
    """Return the cadence of each tile that holds an object, and the tile of each object."""
    zone = np.round(dec / _FIELD_DEGREES)
    tiles_round = np.maximum(np.floor(120.0 * np.cos(np.radians(zone * _FIELD_DEGREES))), 1.0)
    column = np.mod(np.round(ra / 360.0 * tiles_round), tiles_round)
    keys = np.column_stack([column * 360.0 / tiles_round, zone * _FIELD_DEGREES])
    tiles, tile = np.unique(keys.reshape(-1, 2), axis=0, return_inverse=True)
    cadences = [
        lsst_cadence(
            float(tile_ra), float(tile_dec), years=years, seed=seed,
            visits_per_year=visits_per_year,
        )
        for tile_ra, tile_dec in tiles
    ]  # fmt: skip
    return cadences, tile.ravel().astype(np.int64)


class _Epochs(NamedTuple):
    """All measurements, sorted by object and time."""

    row: Ints
    """Row of the object."""
    time: Floats
    band: NDArray[np.int8]
    flux: Floats
    flux_err: Floats


def _measure(
    draws: list[Draw], cadences: list[Cadence], field: Ints, rng: np.random.Generator
) -> _Epochs:
    """Observe every object at the visits to its field, less those that are lost."""
    n_visits = np.array([len(cadence) for cadence in cadences], np.int64)
    row = np.repeat(np.arange(len(draws)), n_visits[field])
    kept = rng.uniform(size=row.size) >= _LOST_VISITS
    if not draws:
        empty = np.empty(0)
        return _Epochs(row, empty, empty.astype(np.int8), empty, empty)
    time = np.concatenate([cadences[f].time for f in field])[kept]
    band = np.concatenate([cadences[f].band for f in field])[kept]
    m5 = np.concatenate([cadences[f].m5 for f in field])[kept]
    row = row[kept]
    bounds = np.searchsorted(row, np.arange(len(draws) + 1))
    truth = np.empty(time.size)
    for draw, first, last in zip(draws, bounds[:-1], bounds[1:], strict=True):
        truth[first:last] = draw.flux(time[first:last], band[first:last])
    flux, flux_err = observe(truth, m5, band, rng)
    return _Epochs(row, time, band, flux, flux_err)


def _objects_table(ids: Ints, ra: Floats, dec: Floats, epochs: _Epochs) -> pa.Table:
    columns = [
        _column("objectId", ids, "", "meta.id;meta.main", "Identifier of the object"),
        _column("ra", ra, "deg", "pos.eq.ra;meta.main", "Right ascension (ICRS)"),
        _column("dec", dec, "deg", "pos.eq.dec;meta.main", "Declination (ICRS)"),
    ]
    slot = epochs.row * len(UGRIZY) + epochs.band
    weight = epochs.flux_err**-2.0
    shape = (ids.size, len(UGRIZY))
    total = np.bincount(slot, weight * epochs.flux, ids.size * len(UGRIZY)).reshape(shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / np.bincount(slot, weight, ids.size * len(UGRIZY)).reshape(shape)
    mag, _ = njy_to_mag(mean)
    for b, band in enumerate(UGRIZY):
        columns.append(
            _column(
                f"{band}_psfMag",
                mag[:, b].astype(np.float32),
                "mag",
                "phot.mag",
                f"AB magnitude of the weighted mean {band} flux; NaN where that is not positive",
            )
        )
    return _table(columns)


def _sources_table(
    ids: Ints, ra: Floats, dec: Floats, epochs: _Epochs, rng: np.random.Generator
) -> pa.Table:
    scatter = rng.normal(0.0, _ASTROMETRY_ARCSEC / 3600.0, (2, epochs.row.size))
    source_dec = np.clip(dec[epochs.row] + scatter[1], -90.0, 90.0)
    source_ra = np.mod(ra[epochs.row] + scatter[0] / np.cos(np.radians(source_dec)), 360.0)
    band = pa.DictionaryArray.from_arrays(pa.array(epochs.band), pa.array(UGRIZY))
    flux, flux_err = epochs.flux.astype(np.float32), epochs.flux_err.astype(np.float32)
    return _table(
        [
            _column("objectId", ids[epochs.row], "", "meta.id", "Identifier of the object"),
            _column(
                "midpointMjdTai", epochs.time, "d", "time.epoch",
                "Middle of the exposure, MJD, TAI, at the observatory",
            ),
            _column("band", band.cast(pa.string()), "", "meta.id;instr.filter", "Passband"),
            _column("psfFlux", flux, "nJy", "phot.flux", "Flux of the point source"),
            _column("psfFluxErr", flux_err, "nJy", "stat.error;phot.flux", "Error of psfFlux"),
            _column("ra", source_ra, "deg", "pos.eq.ra", "Right ascension at this epoch (ICRS)"),
            _column("dec", source_dec, "deg", "pos.eq.dec", "Declination at this epoch (ICRS)"),
        ]
    )  # fmt: skip


def _truth_table(ids: Ints, names: NDArray[np.str_], draws: list[Draw]) -> pa.Table:
    def of_each(attribute: str) -> Floats:
        return np.array([getattr(draw, attribute) for draw in draws], np.float64)

    return _table(
        [
            _column("objectId", ids, "", "meta.id;meta.main", "Identifier of the object"),
            _column("class", pa.array(names.tolist(), pa.string()), "", "src.class", "True class"),
            _column("period", of_each("period"), "d", "time.period", "True period"),
            _column("amplitude", of_each("amplitude"), "mag", "", "From maximum to minimum in g"),
            _column("r_mag", of_each("r_mag"), "mag", "phot.mag", "True mean r magnitude"),
            _column("event_time", of_each("event_time"), "d", "time.epoch", "Maximum, MJD, TAI"),
            _column("event_duration", of_each("event_duration"), "d", "", "Length of the event"),
        ]
    )


def _column(
    name: str, values: NDArray[np.generic] | pa.Array, unit: str, ucd: str, description: str
) -> tuple[pa.Field, pa.Array]:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    meta = ColumnMeta(unit=unit, ucd=ucd, description=description)
    return with_column_meta(pa.field(name, array.type), meta), array


def _table(columns: list[tuple[pa.Field, pa.Array]]) -> pa.Table:
    return pa.Table.from_arrays(
        [array for _, array in columns], schema=pa.schema([field for field, _ in columns])
    )
