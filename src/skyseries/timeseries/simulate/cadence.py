"""When, in which band and how deep an LSST-like survey looks at a field.

A model, not a scheduler: seasons from the Sun, pairs of visits half an hour apart, redder bands
under moonlight, weather that comes in spells and is the same for all fields, depth from the sky,
the seeing and the airmass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.photometry import UGRIZY
from skyseries.spatial.sphere import separation_arcsec
from skyseries.timeseries.simulate.ephemeris import OBSERVATORY_LATITUDE, Place, altitude, moon, sun
from skyseries.timeseries.simulate.noise import DEPTH, five_sigma_depth

__all__ = ["Cadence", "lsst_cadence"]


SURVEY_START_MJD = 61_041.0
"""2026 January 1."""

_STEP = 1.0 / 96.0  # a quarter of an hour
_SUN_BELOW = -15.0
_LOWEST_CULMINATION = 25.0
_MOON_AVOIDANCE_ARCSEC = 30.0 * 3600.0
_PAIR_GAP_MINUTES = 33.0
_BRIGHT_MOON = 0.4
_DARK_SHARES = np.array([0.115, 0.160, 0.255, 0.230, 0.140, 0.100])
_BRIGHT_SHARES = np.array([0.000, 0.010, 0.150, 0.190, 0.300, 0.350])
"""Share of the visits in each band, ugrizy; over a lunation 7, 9, 21, 21, 21, 21 per cent."""
_PARTNER = np.array([0.3, 1.0, 0.4, 0.0, 0.0, 0.0])
"""How likely the visits of a pair are 0, 1, 2, ... bands apart."""
_MOONLIGHT_MAG = np.array([3.0, 2.4, 1.4, 0.9, 0.5, 0.2])
"""How much brighter the sky is under a full Moon, mag per square arcsec: round numbers."""


@dataclass(frozen=True)
class Cadence:
    """The visits to one field, in order of time."""

    time: Floats
    """Midpoints, MJD, TAI."""
    band: NDArray[np.int8]
    """Index into ``UGRIZY``."""
    m5: Floats
    """Five-sigma depth for point sources, AB mag."""

    def __len__(self) -> int:
        return len(self.time)

    @property
    def band_name(self) -> NDArray[np.str_]:
        """The band of each visit as text."""
        return np.asarray(UGRIZY)[self.band]


def lsst_cadence(
    ra: float,
    dec: float,
    *,
    years: float = 3.0,
    seed: int,
    visits_per_year: float = 80.0,
    start_mjd: float = SURVEY_START_MJD,
) -> Cadence:
    """Simulate the visits of an LSST-like survey to one field.

    Parameters
    ----------
    ra, dec : float
        Centre of the field, degrees.
    years : float
        Length of the survey.
    seed : int
        The same seed gives the same visits; fields of one seed share their weather.
    visits_per_year : float
        In all six bands together.
    start_mjd : float
        First night.

    Returns
    -------
    Cadence

    Raises
    ------
    InputError
        If the field is never high enough above the observatory, or a number is not positive.
    """
    if not (years > 0.0 and visits_per_year > 0.0):
        raise InputError(
            f"years and visits_per_year must be above zero, not {years!r} and {visits_per_year!r}"
        )
    if not np.isfinite(ra) or not -90.0 <= dec <= _northern_limit():
        raise InputError(
            f"the field at ra {ra!r}, dec {dec!r} never stands {_LOWEST_CULMINATION:.0f} degrees "
            f"above the observatory; choose dec from -90 to {_northern_limit():.0f}"
        )
    n_nights = round(365.25 * years)
    rng = np.random.default_rng([seed, *np.array([ra, dec]).view(np.uint32).tolist()])
    start, weight = _observable(ra, dec, start_mjd, n_nights)
    weight = weight * _clear(seed, n_nights)
    n_pairs = max(round(0.5 * years * visits_per_year), 1)
    night = _choose_nights(weight, n_pairs, rng)
    first = start[night] + rng.uniform(0.0, 1.0, n_pairs) * weight[night]
    gap = np.clip(rng.normal(_PAIR_GAP_MINUTES, 6.0, n_pairs), 15.0, 60.0) / 1440.0
    time = np.concatenate([first, first + gap])
    moonlight = _moonlight(ra, dec, time)
    band = _choose_bands(moonlight[:n_pairs] > _BRIGHT_MOON, rng)
    m5 = _depth(ra, dec, time, band, moonlight, rng)
    order = np.argsort(time, kind="stable")
    return Cadence(time[order], band[order], m5[order])


def _northern_limit() -> float:
    return 90.0 + OBSERVATORY_LATITUDE - _LOWEST_CULMINATION


def _observable(ra: float, dec: float, start_mjd: float, n_nights: int) -> tuple[Floats, Floats]:
    """Return for each night when the field comes into view, and for how long (days; 0: never)."""
    time, dark, moon_place = _nights(start_mjd, n_nights)
    highest = 90.0 - abs(dec - OBSERVATORY_LATITUDE)
    lowest = min(40.0, highest - 12.0)
    usable = dark & (altitude(ra, dec, time) > lowest)
    usable &= (separation_arcsec(ra, dec, *moon_place) > _MOON_AVOIDANCE_ARCSEC)[:, None]
    # room for the second visit of a pair
    length = np.maximum(usable.sum(axis=1) * _STEP - 1.0 / 24.0, 0.0)
    return time[np.arange(n_nights), usable.argmax(axis=1)], length


@lru_cache(maxsize=2)
def _nights(start_mjd: float, n_nights: int) -> tuple[Floats, NDArray[np.bool_], Place]:
    """Return steps through each night, whether it is dark then, and where the Moon is."""
    # UT of the afternoon to the next morning in Chile
    nights = start_mjd + np.arange(n_nights, dtype=np.float64)
    time = nights[:, None] + 0.6 + np.arange(0.0, 0.9, _STEP)
    place = sun(time)
    return time, altitude(place.ra, place.dec, time) < _SUN_BELOW, moon(nights + 1.0)[0]


def _clear(seed: int, n_nights: int) -> NDArray[np.bool_]:
    """Return which nights are clear: good spells of 10 nights, bad ones of 3, on average."""
    rng = np.random.default_rng([seed, 0])
    spells = np.empty(2 * n_nights, np.int64)
    spells[0::2] = rng.geometric(1.0 / 10.0, n_nights)
    spells[1::2] = rng.geometric(1.0 / 3.0, n_nights)
    return np.repeat(np.arange(spells.size) % 2 == 0, spells)[:n_nights]


def _choose_nights(weight: Floats, n_pairs: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw nights, each once as long as there are enough."""
    usable = np.flatnonzero(weight > 0.0)
    if usable.size == 0:
        raise InputError(
            "no clear night in which the field is up; make the survey longer (years=) "
            "or start it in another season (start_mjd=)"
        )
    chance = weight[usable] / weight[usable].sum()
    once = rng.choice(usable, min(n_pairs, usable.size), replace=False, p=chance)
    again = rng.choice(usable, n_pairs - once.size, p=chance)
    return np.concatenate([once, again])


def _moonlight(ra: float, dec: float, time: Floats) -> Floats:
    """Return the illuminated fraction where the Moon is up, more when it is near the field."""
    place, illuminated = moon(time)
    up = altitude(place.ra, place.dec, time) > -5.0
    distance = separation_arcsec(ra, dec, *place) / 3600.0
    return np.asarray(np.where(up, illuminated * (1.2 - distance / 300.0), 0.0))


def _choose_bands(bright: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int8]:
    """Draw the bands of pairs of visits: first all first visits, then all second ones."""
    bands = np.empty((2, bright.size), np.int8)
    for moonlit, shares in ((False, _DARK_SHARES), (True, _BRIGHT_SHARES)):
        which = np.flatnonzero(bright == moonlit)
        pair = rng.choice(36, which.size, p=_pair_chances(shares).ravel())
        bands[0, which], bands[1, which] = pair // 6, pair % 6
    return bands.ravel()


def _pair_chances(shares: Floats) -> Floats:
    """Return the chance of each pair of bands, such that every band keeps its share."""
    distance = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    liking = _PARTNER[distance]
    scale = np.sqrt(shares)
    for _ in range(500):  # Sinkhorn's scaling of a symmetric matrix, damped
        scale = np.sqrt(scale * shares / np.maximum(liking @ scale, 1e-12))
    chances = scale[:, None] * liking * scale
    return np.asarray(chances / chances.sum())


def _depth(
    ra: float,
    dec: float,
    time: Floats,
    band: NDArray[np.int8],
    moonlight: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Return the five-sigma depth of each visit."""
    airmass = 1.0 / np.sin(np.radians(np.maximum(altitude(ra, dec, time), 20.0)))
    seeing = DEPTH.seeing[band] * np.exp(rng.normal(0.0, 0.17, time.size)) * airmass**0.6
    sky = DEPTH.sky[band] - _MOONLIGHT_MAG[band] * np.clip(moonlight, 0.0, 1.0) ** 1.5
    sky += rng.normal(0.0, 0.1, time.size)
    return five_sigma_depth(band, sky=sky, seeing=seeing, airmass=airmass)
