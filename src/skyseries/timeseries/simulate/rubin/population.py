"""The objects of a simulated release: where they are, how bright, which vary, what is planted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.photometry import mag_to_njy
from skyseries.spatial.healpix import HPX_ORDER, neighbours, radec_to_hpx
from skyseries.spatial.regions.base import centre_positions
from skyseries.spatial.sphere import separation_arcsec
from skyseries.timeseries.simulate import variables
from skyseries.timeseries.simulate.classes import CLASSES, Light
from skyseries.timeseries.simulate.rubin.settings import Setting

__all__ = [
    "PAIR_ARCSEC",
    "SAID_DIA_OBJECT",
    "SAID_OBJECT",
    "Population",
    "make_population",
    "usual_fluxes",
]

_VARIABLE, _GALAXY = 0.15, 0.4
"""Parts of the ordinary objects."""
_CLASSES = (
    "rr_lyrae_ab", "rr_lyrae_c", "detached_binary", "contact_binary", "microlensing",
    "supernova_ia",
)  # fmt: skip
_PARTS = 23
"""Into which a blend was parted."""
_CORNERS = ((7, 1), (8, 3))
"""Orders of HEALPix, and at how many vertices of each there are objects."""
PAIR_ARCSEC = 3.0
"""Distance of the variables of a pair: a vertex lies between them."""


class _Grid(NamedTuple):
    """Which RR Lyrae stars are planted."""

    amplitudes: tuple[float, ...]
    """From maximum to minimum in g, mag."""
    mags: tuple[float, ...]
    """Mean r magnitudes."""


_GRID = _Grid((1.2, 0.7, 0.3), tuple(np.linspace(15.8, 23.5, 12)))
_FAR = _Grid((1.2,), (18.0, 18.5, 19.0, 19.5))
SAID_OBJECT, SAID_DIA_OBJECT = 4, 3
"""Rows of the variables whose ids the setting says: RR Lyrae stars of magnitude 18.6 and 17.9."""


class Population(NamedTuple):
    """Objects, one after another."""

    ra: Floats
    dec: Floats
    field: Ints
    mag: Floats
    """Mean AB magnitudes, a column for each of ugrizy."""
    light: list[Light | None]
    """How the flux of a variable comes of time and band, nJy; None: it is constant."""
    kind: list[str]
    """Class, or what is special about it."""
    period: Floats
    """Days; NaN: it is not periodic."""
    is_galaxy: Bools
    is_deep: Bools
    """Whether its light curve is long: all visits of its field are kept, not some of them."""


def make_population(setting: Setting, n: int, rng: np.random.Generator) -> Population:
    """Return n objects, those that are planted first: these are there in any case."""
    main, far = 0, len(setting.fields) - 1
    planted = [
        _grid(setting, main, _GRID, rng),
        _grid(setting, far, _FAR, rng),
        _flares(setting, main, rng),
        _supernova(setting, main, rng),
        _corners(setting),
        _group(setting, rng),
        _blend(setting, rng),
    ]
    left = max(n - sum(part.ra.size for part in planted), 0)
    shares = np.cumsum([0.0, *(field.share for field in setting.fields)])
    sizes = np.diff(np.round(left * shares)).astype(np.int64)
    ordinary = [_ordinary(setting, number, size, rng) for number, size in enumerate(sizes)]
    return _joined([*planted, *ordinary])


def usual_fluxes(setting: Setting, population: Population) -> tuple[Floats, Floats]:
    """Return mean fluxes, and those on the templates that are subtracted, nJy.

    Both have a column for each of ugrizy. A template shows the mean of what varies all the time,
    and of what happens once the light before it.
    """
    mean = np.asarray(mag_to_njy(population.mag)[0], np.float64)
    template = mean.copy()
    time = setting.start_mjd + 365.25 * setting.years * (np.arange(60) + 0.31) / 60.0
    for row, light in enumerate(population.light):
        if light is not None:
            flux = light(np.tile(time, 6), np.repeat(np.arange(6), time.size)).reshape(6, -1)
            mean[row] = flux.mean(axis=1)
            kind = CLASSES.get(population.kind[row])
            is_event = kind is not None and kind.is_event
            template[row] = flux.min(axis=1) if is_event else mean[row]
    return mean, template


def _joined(parts: Sequence[Population]) -> Population:
    return Population._make(
        list(itertools.chain(*column)) if isinstance(column[0], list) else np.concatenate(column)
        for column in zip(*parts, strict=True)
    )


def _plain(
    ra: Floats, dec: Floats, field: int, mag: Floats, kind: str, *, deep: bool = False
) -> Population:
    """Return constant point sources."""
    n = ra.size
    return Population(
        np.mod(ra, 360.0), dec, np.full(n, field), mag, [None] * n, [kind] * n,
        np.full(n, np.nan), np.zeros(n, np.bool_), np.full(n, deep),
    )  # fmt: skip


def _ordinary(setting: Setting, number: int, n: int, rng: np.random.Generator) -> Population:
    """Return stars, galaxies and variables of a field."""
    field = setting.fields[number]
    ra, dec = _disc(field.ra, field.dec, field.radius, n, rng)
    mag = _colours(16.5 + 9.5 * np.sqrt(rng.uniform(size=n)), rng.uniform(-0.2, 1.2, n))
    chance = rng.uniform(size=n)
    found = _plain(ra, dec, number, mag, "star")._replace(is_galaxy=chance > 1.0 - _GALAXY)
    end = setting.start_mjd + 365.25 * setting.years
    for row in np.flatnonzero(found.is_galaxy):
        found.kind[row] = "galaxy"
    for row in np.flatnonzero(chance < _VARIABLE):
        name = _CLASSES[row % len(_CLASSES)]
        draw = CLASSES[name].draw(rng, setting.start_mjd, end)
        found.kind[row], found.light[row], found.period[row] = name, draw.flux, draw.period
    return found


def _grid(setting: Setting, number: int, grid: _Grid, rng: np.random.Generator) -> Population:
    """Return RR Lyrae stars of all brightnesses and amplitudes, with long light curves."""
    amplitude, r_mag = map(np.ravel, np.meshgrid(grid.amplitudes, grid.mags, indexing="ij"))
    field = setting.fields[number]
    ra, dec = _disc(field.ra, field.dec, 0.08, r_mag.size, rng)
    return _rr_lyrae(ra, dec, number, r_mag, amplitude, "planted")


def _rr_lyrae(
    ra: Floats, dec: Floats, number: int, r_mag: Floats, amplitude: Floats, kind: str
) -> Population:
    mag = _colours(r_mag, np.full(r_mag.size, 0.22))
    found = _plain(ra, dec, number, mag, kind, deep=True)
    found.period[:] = 0.45 + 0.013 * np.arange(r_mag.size)
    for row in range(r_mag.size):
        found.light[row] = _pulsation(mag[row], float(found.period[row]), float(amplitude[row]))
    return found


def _pulsation(mag: Floats, period: float, amplitude: float) -> Light:
    def flux(time: Floats, band: NDArray[np.integer]) -> Floats:
        change = variables.rr_lyrae(
            time, band, period=period, epoch=0.0, amplitude=amplitude, overtone=False
        )
        return np.asarray(mag_to_njy(mag[band] + change)[0], np.float64)

    return flux


def _flares(setting: Setting, number: int, rng: np.random.Generator) -> Population:
    """Return stars that are far brighter now and then, so that their scatter is above the mean."""
    field = setting.fields[number]
    mag = _colours(np.array([20.0, 20.5, 21.0, 21.5]), np.full(4, 0.8))
    ra, dec = _disc(field.ra, field.dec, 0.08, len(mag), rng)
    found = _plain(ra, dec, number, mag, "flare", deep=True)
    for row in range(len(mag)):
        found.light[row] = _bursts(mag[row], 3.1 + row)
    return found


def _bursts(mag: Floats, period: float) -> Light:
    def flux(time: Floats, band: NDArray[np.integer]) -> Floats:
        burst = np.mod(time / period, 1.0) < 0.08
        return np.asarray(mag_to_njy(mag[band])[0] * (1.0 + 40.0 * burst), np.float64)

    return flux


def _supernova(setting: Setting, number: int, rng: np.random.Generator) -> Population:
    """Return a supernova in the middle of the survey: it is never fainter than its template."""
    field, days = setting.fields[number], 365.25 * setting.years
    ra, dec = _disc(field.ra, field.dec, 0.08, 1, rng)
    found = _plain(ra, dec, number, np.full((1, 6), 30.0), "supernova_ia", deep=True)

    def flux(time: Floats, band: NDArray[np.integer]) -> Floats:
        t0 = setting.start_mjd + 0.4 * days
        return variables.supernova_ia(time, band, t0=t0, peak_mag=19.0, stretch=1.0)

    found.light[0] = flux
    return found


def _corners(setting: Setting) -> Population:
    """Return objects where four HEALPix cells meet, and pairs of variables on both sides."""
    field = setting.fields[0]
    places = [_vertices(field.ra, field.dec, order, n) for order, n in _CORNERS]
    ra, dec = np.concatenate(places).T
    mag = _colours(np.full(ra.size, 19.0), np.full(ra.size, 0.4))
    pairs = [
        _rr_lyrae(
            ra, dec + side * 0.5 * PAIR_ARCSEC / 3600.0, 0, np.full(ra.size, 18.8),
            np.full(ra.size, 1.2), kind,
        )
        for side, kind in ((1.0, "pair north"), (-1.0, "pair south"))
    ]  # fmt: skip
    return _joined([_plain(ra, dec, 0, mag, "corner", deep=True), *pairs])


def _vertices(ra: float, dec: float, order: int, n: int) -> Floats:
    """Return the places nearest to a position where cells meet, (ra, dec) by row."""
    cell = radec_to_hpx(np.array([ra]), np.array([dec])) >> 2 * (HPX_ORDER - order)
    near = np.append(neighbours(order, cell), cell)
    near = near[near >= 0]
    # the first of its finest cells lies in the southern corner of a cell
    first = near << 2 * (HPX_ORDER - order)
    there = np.column_stack(centre_positions(np.full(first.size, HPX_ORDER), first))
    distance = separation_arcsec(there[:, 0], there[:, 1], ra, dec)
    return there[np.argsort(distance)[:n]]


def _group(setting: Setting, rng: np.random.Generator) -> Population:
    """Return point sources close together that are bright in all bands, and one star."""
    ra, dec = _disc(*setting.group, 0.007, 15, rng)
    mag = _colours(np.linspace(17.0, 22.4, 15), np.linspace(-0.3, 0.6, 15))
    star = np.array(setting.star)
    one = _plain(star[:1], star[1:], 0, _colours(np.array([18.5]), np.array([0.5])), "star")
    return _joined([_plain(ra, dec, 0, mag, "group"), one])


def _blend(setting: Setting, rng: np.random.Generator) -> Population:
    """Return a large galaxy, and the parts that it was parted into."""
    place = setting.group[0] + 0.02, setting.group[1] - 0.02
    ra, dec = _disc(*place, 0.002, _PARTS, rng)
    whole = _plain(
        np.array(place[:1]), np.array(place[1:]), 0, _colours(np.array([17.0]), np.array([0.8])),
        "blend",
    )  # fmt: skip
    parts = _plain(
        ra, dec, 0, _colours(rng.uniform(19.0, 23.0, _PARTS), np.full(_PARTS, 0.8)), "part"
    )
    found = _joined([whole, parts])
    return found._replace(is_galaxy=np.ones(found.ra.size, np.bool_))


def _disc(
    ra: float, dec: float, radius: float, n: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    distance, angle = radius * np.sqrt(rng.uniform(size=n)), rng.uniform(0.0, 2.0 * np.pi, n)
    there = dec + distance * np.sin(angle)
    return ra + distance * np.cos(angle) / np.cos(np.radians(there)), there


def _colours(r_mag: Floats, g_r: Floats) -> Floats:
    """Return magnitudes in ugrizy of r and g - r: round numbers for a stellar locus."""
    slope = np.array([2.2, 1.0, 0.0, -0.45, -0.7, -0.8])
    return np.asarray(r_mag[:, None] + slope * g_r[:, None])
