"""The columns of Object and Source: what was measured on coadded and on single images."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from skyseries.arraytypes import Floats, Ints
from skyseries.photometry import UGRIZY, njy_to_mag
from skyseries.timeseries.simulate.noise import DEPTH, flux_error
from skyseries.timeseries.simulate.rubin.measured import Measured, epoch_values, flags
from skyseries.timeseries.simulate.rubin.population import Population
from skyseries.timeseries.simulate.rubin.settings import Setting
from skyseries.timeseries.simulate.rubin.visits import Visits

__all__ = ["Objects", "object_values", "source_values"]

_COADD_MAG = 1.6
"""How much deeper coadds are than a typical visit."""
_VISIT_M5 = np.array([23.8, 24.8, 24.4, 23.9, 23.3, 22.4])
_MISSING, _NAN = 0.06, 0.004
"""Parts of the objects that have no data in a band, or no flux that is a number."""
_APERTURES = ("03", "06", "09", "12", "17", "25", "35", "50", "70")
_ARCSEC = 1.0 / 3600.0


class Objects(NamedTuple):
    """All objects with their ids."""

    population: Population
    id: Ints
    parent: Ints
    """Id of the blend that an object is a part of; 0: of none."""
    mean: Floats
    """Mean fluxes, nJy, a column for each of ugrizy."""


def object_values(objects: Objects, rng: np.random.Generator) -> dict[str, Any]:
    """Return the columns of Object."""
    sky, n = objects.population, objects.id.size
    band = np.tile(np.arange(6), (n, 1))
    error = flux_error(objects.mean, _VISIT_M5[band] + _COADD_MAG, band)
    flux = objects.mean + error * rng.standard_normal((n, 6))
    flux[rng.uniform(size=(n, 6)) < _NAN] = np.nan
    missing = rng.uniform(size=(n, 6)) < _MISSING
    missing[[kind in ("group", "star", "blend") for kind in sky.kind]] = False
    values: dict[str, Any] = _singles(objects, rng)
    for b, letter in enumerate(UGRIZY):
        inside = _in_band(sky, flux[:, b], error[:, b], b, rng)
        for name, column in inside.items():
            values[f"{letter}_{name}"] = np.ma.masked_array(column, missing[:, b])
    return values


def _in_band(
    sky: Population, flux: Floats, error: Floats, band: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the columns of one band, without the band before their names."""
    n = flux.size
    size = np.where(sky.is_galaxy, 1.6, 1.0)
    model = flux * np.where(sky.is_galaxy, 1.25, 1.0)
    false = np.zeros(n, np.bool_)
    psf = (DEPTH.seeing[band] / 2.355 / 0.2) ** 2
    used = ~sky.is_galaxy & (flux > 5e3) & (rng.uniform(size=n) < 0.8)
    blended = np.array([kind in ("blend", "part") for kind in sky.kind])
    overlap = np.where(blended, rng.uniform(0.1, 0.9, n), 0.0)
    values = {
        **_flux_and_mag("psf", flux, error),
        **_flux_and_mag("cModel", model, 1.3 * error),
        "psfFlux_flag": np.isnan(flux),
        "cModel_flag": rng.uniform(size=n) < 0.02,
        "kronFlux_flag": rng.uniform(size=n) < 0.03,
        "kronRad": 4.0 * size,
        "extendedness": sky.is_galaxy.astype(np.float64),
        "blendedness": overlap,
        "blendedness_flag": false,
        "deblend_blendedness": overlap,
        "deblend_fluxOverlap": overlap * np.abs(flux),
        "deblend_fluxOverlapFraction": overlap,
        "calib_psf_used": used,
        "calib_psf_reserved": ~used & (rng.uniform(size=n) < 0.05),
        "pixelFlags_inexact_psfCenter": rng.uniform(size=n) < 0.03,
        "raErr": np.full(n, 0.02 * _ARCSEC),
        "decErr": np.full(n, 0.02 * _ARCSEC),
        "ixxPSF": np.full(n, psf),
        "iyyPSF": np.full(n, psf) * 1.02,
        "ixyPSF": np.full(n, psf) * 0.01,
        "gaap1p0Flux": 0.9 * flux,
        "gaap3p0Flux": 1.02 * model,
    }
    for name, of in (("calib", flux), ("kron", model), ("sersic", 1.03 * model)):
        values |= {f"{name}Flux": of, f"{name}FluxErr": 1.2 * error}
    for aperture in _APERTURES:
        inside = 1.0 - np.exp(-((float(aperture) / (4.0 * size)) ** 2))
        values[f"ap{aperture}Flux"] = model * inside
    values["ap09FluxErr"] = 1.5 * error
    return values


def _flux_and_mag(name: str, flux: Floats, error: Floats) -> dict[str, Any]:
    mag, mag_error = njy_to_mag(flux, error)
    return {
        f"{name}Flux": flux,
        f"{name}FluxErr": error,
        f"{name}Mag": mag,
        f"{name}MagErr": mag_error,
    }


def _singles(objects: Objects, rng: np.random.Generator) -> dict[str, Any]:
    """Return the columns that are not of a band."""
    sky, n = objects.population, objects.id.size
    is_part, is_blend = objects.parent != 0, np.array([kind == "blend" for kind in sky.kind])
    extended = sky.is_galaxy.astype(np.float64)
    return {
        "objectId": objects.id,
        "parentObjectId": objects.parent,
        "coord_ra": sky.ra,
        "coord_dec": sky.dec,
        "coord_raErr": np.full(n, 0.02 * _ARCSEC),
        "coord_decErr": np.full(n, 0.02 * _ARCSEC),
        **tract_and_patch(sky.ra, sky.dec),
        "x": rng.uniform(0.0, 30_000.0, n),
        "y": rng.uniform(0.0, 30_000.0, n),
        "deblend_peak_center_x": rng.integers(0, 30_000, n),
        "deblend_peak_center_y": rng.integers(0, 30_000, n),
        "refBand": np.where(rng.uniform(size=n) < 0.9, "i", "r"),
        "refExtendedness": extended,
        "refSizeExtendedness": np.clip(extended + rng.normal(0.0, 0.05, n), 0.0, 1.0),
        "footprintArea": np.where(is_blend, 25_000, rng.integers(60, 900, n)),
        "ebv": rng.uniform(0.005, 0.03, n),
        "detect_isPrimary": ~is_blend & (rng.uniform(size=n) < 0.97),
        "detect_isIsolated": ~is_part & ~is_blend & (rng.uniform(size=n) < 0.7),
        "detect_fromBlend": is_part,
        "detect_isDeblendedSource": ~is_blend,
        "detect_isDeblendedModelSource": ~is_blend,
        "deblend_nChild": np.where(is_blend, int(is_part.sum()), 0),
        "deblend_skipped": np.zeros(n, np.bool_),
        "deblend_failed": np.zeros(n, np.bool_),
        "sersic_no_data_flag": rng.uniform(size=n) < 0.01,
    }


def tract_and_patch(ra: Floats, dec: Floats) -> dict[str, Ints]:
    """Return tracts of 1.5 degrees, and in each 10 by 10 patches: not those of a real sky map."""
    row, column = np.floor((dec + 90.0) / 1.5), np.floor(ra / 1.5)
    x, y = np.floor(np.mod(ra, 1.5) / 0.15), np.floor(np.mod(dec + 90.0, 1.5) / 0.15)
    return {
        "tract": (row * 240 + column).astype(np.int64),
        "patch": (y * 10 + x).astype(np.int64),
    }


def source_values(
    setting: Setting, visits: Visits, objects: Objects, epochs: Measured, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the columns of Source for epochs at which the object was detected."""
    sky, n = objects.population, epochs.row.size
    shift = rng.normal(0.0, 0.03 * _ARCSEC, (2, n))
    dec = sky.dec[epochs.row] + shift[1]
    ra = np.mod(sky.ra[epochs.row] + shift[0] / np.cos(np.radians(dec)), 360.0)
    is_galaxy = sky.is_galaxy[epochs.row]
    psf = (DEPTH.seeing[visits.band[epochs.visit]] / 2.355 / 0.2) ** 2
    return {
        **epoch_values(setting, visits, epochs),
        "sourceId": setting.first_id // 7 * 5 + 3 * np.arange(n),
        "ra": ra,
        "dec": dec,
        "decl": dec,
        "coord_ra": ra,
        "coord_dec": dec,
        "psfFlux": epochs.flux,
        "psfFluxErr": epochs.error,
        "psfFlux_flag": epochs.bad,
        "calibFlux": 1.01 * epochs.flux,
        "calibFluxErr": 1.2 * epochs.error,
        "extendedness": is_galaxy.astype(np.float64),
        "calib_psf_used": ~is_galaxy & (epochs.flux > 2e3) & (rng.uniform(size=n) < 0.8),
        "detect_isPrimary": rng.uniform(size=n) < 0.97,
        "ixxPSF": psf,
        "iyyPSF": psf * 1.02,
        "ixyPSF": psf * 0.01,
        "ixx": psf * np.where(is_galaxy, 1.7, 1.0),
        "iyy": psf * np.where(is_galaxy, 1.5, 1.02),
        "ixy": psf * 0.02,
        **flags(n, rng),
    }
