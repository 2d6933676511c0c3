"""Columns by their names: one table, in any case."""

import pytest

from skyseries.schema import LightCurveFields
from skyseries.schema.recognition import (
    find_error,
    find_id,
    find_name,
    find_position,
    unused_errors,
)


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["id", "RA", "Dec"], ("RA", "Dec")),
        (["RAJ2000", "DEJ2000", "_RAJ2000", "_DEJ2000"], ("RAJ2000", "DEJ2000")),
        (["ra", "dec", "RA", "DEC"], ("ra", "dec")),
        (["RA", "Ra", "dec"], None),
        (["raMean", "decMean"], ("raMean", "decMean")),
        (["ALPHA_J2000", "DELTA_J2000"], ("ALPHA_J2000", "DELTA_J2000")),
        (["ra", "glat"], None),
        (["MasterID", "RA", "Decl"], ("RA", "Decl")),  # CRTS
        (["id", "coord.ra", "coord.dec"], ("coord.ra", "coord.dec")),  # a SkyCoord of astropy
        (["a.ra", "a.dec", "b.ra", "b.dec"], None),
    ],
)
def test_positions(names, pair):
    assert find_position(names) == pair


def test_text_gives_way_to_numbers():
    names = ["RAJ2000", "DEJ2000", "_RAJ2000", "_DEJ2000"]
    assert find_position(names, lambda name: name.startswith("_")) == ("_RAJ2000", "_DEJ2000")


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        ("MJD Mag Magerr", ("MJD", None, "Mag", "Magerr", "mjd", None)),  # CRTS
        ("HJD mag mag_err Filter", ("HJD", "Filter", "mag", "mag_err", "jd", "heliocenter")),
        ("JD mag error", ("JD", None, "mag", "error", "jd", None)),
        ("time magnitude error filter", ("time", "filter", "magnitude", "error", None, None)),
        ("hjd mag magerr filtercode", ("hjd", "filtercode", "mag", "magerr", "jd", "heliocenter")),
        ("BJD_TDB mag e_mag", ("BJD_TDB", None, "mag", "e_mag", "jd", "barycenter")),
        ("jd fid magpsf sigmapsf", ("jd", "fid", "magpsf", "sigmapsf", "jd", None)),
        ("obsmjd filterID mag sigma_mag", ("obsmjd", "filterID", "mag", "sigma_mag", "mjd", None)),
    ],
)
def test_magnitudes(names, roles):
    found = LightCurveFields.guess(names.split())
    keys = ("time", "band", "mag", "mag_err", "time_format", "refposition")
    assert tuple(getattr(found, key) for key in keys) == roles


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        ("TIME PDCSAP_FLUX PDCSAP_FLUX_ERR QUALITY", ("PDCSAP_FLUX", "PDCSAP_FLUX_ERR", None)),
        ("MJD uJy duJy F", ("uJy", "duJy", "uJy")),  # ATLAS
        ("midpointMjdTai band psfFlux psfFluxErr", ("psfFlux", "psfFluxErr", "nJy")),
        ("obsTime filterID psfFlux psfFluxErr", ("psfFlux", "psfFluxErr", "Jy")),  # Pan-STARRS
        ("t flux fluxerr", ("flux", "fluxerr", None)),
    ],
)
def test_fluxes(names, roles):
    found = LightCurveFields.guess(names.split())
    assert (found.flux, found.flux_err, found.flux_unit) == roles


def test_a_plain_error_of_two_values_is_nobodys():
    found = LightCurveFields.guess(["JD", "Flux", "Flux Error", "Mag", "Mag Error"])  # ASAS-SN
    assert (found.mag_err, found.flux_err) == ("Mag Error", "Flux Error")
    found = LightCurveFields.guess(["mjd", "mag", "flux", "error"])
    assert (found.mag_err, found.flux_err) == (None, None)


def test_ids_and_errors():
    assert find_id(["sourceId", "ObjectID"]) == "ObjectID"
    assert find_id(["source_id", "ra"]) == "source_id"
    assert find_id(["sourceId"]) is None
    assert find_error("mag", ["magErr", "err"]) == "magErr"
    assert find_error("mag", ["err"], alone=False) is None
    assert find_name("time", ["x"]) is None
    names = ["mag", "mag_unc", "sigma", "terrain", "ra_error", "psfFluxErr", "version"]
    assert unused_errors(names, ["mag_unc"]) == ["sigma", "ra_error", "psfFluxErr"]
