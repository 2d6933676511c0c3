"""The queries of Rubin's slides that ask several tables, against loops over the simulated rows."""

from __future__ import annotations

import math

import pytest

import skyseries as sky
from skyseries.spatial.sphere import separation_arcsec
from tests.rubin.flat import flat_tables
from tests.rubin.once import N_OBJECTS, SEED

NAME = "dp02_dc2_catalogs"
OBJECT = 1651589610221899038
LIGHT_CURVE = """
SELECT src.ccdVisitId, src.band, visinfo.expMidptMJD,
       scisql_nanojanskyToAbMag(psfFlux) as psfMag
FROM dp02_dc2_catalogs.ForcedSource as src
JOIN dp02_dc2_catalogs.CcdVisit as visinfo ON visinfo.ccdVisitId = src.ccdVisitId
WHERE src.objectId = 1651589610221899038
"""
"""As the slide has it, but for its commas: one is missing, one too many."""
VARIABLE = """
CONTAINS(POINT('ICRS', ra, decl), CIRCLE('ICRS', 62.0, -37.0, 5)) = 1
  AND gTOTFluxSigma / gTOTFluxMean > 0.25 AND gTOTFluxSigma / gTOTFluxMean < 1.25
  AND scisql_nanojanskyToAbMag(gTOTFluxMean) > 18
  AND scisql_nanojanskyToAbMag(gTOTFluxMean) < 23
  AND gPSFluxNdata > 30 AND gPSFluxStetsonJ > 20
"""


@pytest.fixture(scope="module")
def flat():
    """Return the rows of all tables, as dictionaries."""
    from skyseries.timeseries.simulate.rubin import simulate_release

    return flat_tables(simulate_release(NAME, n_objects=N_OBJECTS, seed=SEED))


def asked(rubin, text, **more):
    result = sky.sql(text, {NAME: rubin(NAME).path, **more})
    return [tuple(row.values()) for row in result.to_arrow().to_pylist()]


def mag(flux):
    return 31.4 - 2.5 * math.log10(flux) if flux is not None and flux > 0 else None


def assert_rows(found, wanted):
    """Compare rows whose last column is a magnitude; of fluxes that are not positive it is none."""
    found, wanted = sorted(found), sorted(wanted)
    assert [row[:-1] for row in found] == [row[:-1] for row in wanted]
    for (*_, one), (*_, other) in zip(found, wanted, strict=True):
        known = one is not None and math.isfinite(one)
        assert known == (other is not None)
        assert not known or abs(one - other) < 1e-6


def light_curve(flat):
    visits = {row["ccdVisitId"]: row["expMidptMJD"] for row in flat["CcdVisit"].to_pylist()}
    return [
        (row["ccdVisitId"], row["band"], visits[row["ccdVisitId"]], mag(row["psfFlux"]))
        for row in flat["ForcedSource"].to_pylist()
        if row["objectId"] == OBJECT and row["ccdVisitId"] in visits
    ]


def test_the_light_curve_of_an_object_with_the_times_of_its_visits(rubin, flat):
    wanted = light_curve(flat)
    assert len(wanted) > 50
    assert_rows(asked(rubin, LIGHT_CURVE), wanted)
    ids = "src.objectId IN (SELECT objectId FROM Object WHERE objectId = 1651589610221899038)"
    nested = LIGHT_CURVE.replace("src.objectId = 1651589610221899038", ids)
    assert_rows(asked(rubin, nested), wanted)


@pytest.mark.parametrize("ids", [[OBJECT, 5], [str(OBJECT), "abc", None], [f"+{OBJECT}", "1.5"]])
def test_the_light_curve_of_an_object_whose_id_a_client_sends_back(rubin, flat, ids):
    text = LIGHT_CURVE.replace(
        "WHERE src.objectId = 1651589610221899038",
        "JOIN TAP_UPLOAD.mine ON mine.id = src.objectId",
    )
    assert_rows(asked(rubin, text, **{"TAP_UPLOAD.mine": {"id": ids}}), light_curve(flat))


def test_a_few_epochs_are_read_of_a_light_curve(rubin):
    explanation = sky.sql(LIGHT_CURVE, {NAME: rubin(NAME).path}).explain()
    assert min(scan.partitions for scan in explanation.scans) == 1


JOINED = """
SELECT d.diaObjectId, f.ccdVisitId, f.band, scisql_nanojanskyToAbMag(f.psfFlux) AS mag
FROM dp02_dc2_catalogs.DiaObject AS d
JOIN dp02_dc2_catalogs.ForcedSourceOnDiaObject AS f ON f.diaObjectId = d.diaObjectId
WHERE {}
"""
NESTED = """
SELECT diaObjectId, ccdVisitId, band, scisql_nanojanskyToAbMag(psfFlux) AS mag
FROM dp02_dc2_catalogs.ForcedSourceOnDiaObject
WHERE diaObjectId IN (SELECT diaObjectId FROM dp02_dc2_catalogs.DiaObject WHERE {})
"""


@pytest.mark.parametrize("text", [JOINED.format(VARIABLE.replace("ra, decl", "d.ra, d.decl")),
                                  NESTED.format(VARIABLE)])  # fmt: skip
def test_variable_stars_with_their_forced_photometry(rubin, flat, text):
    stars = {row["diaObjectId"] for row in flat["DiaObject"].to_pylist() if varies(row)}
    wanted = [
        (row["diaObjectId"], row["ccdVisitId"], row["band"], mag(row["psfFlux"]))
        for row in flat["ForcedSourceOnDiaObject"].to_pylist()
        if row["diaObjectId"] in stars
    ]
    assert len(wanted) > len(stars) > 0
    assert_rows(asked(rubin, text), wanted)


def varies(row):
    mean, sigma = row["gTOTFluxMean"], row["gTOTFluxSigma"]
    count, stetson = row["gPSFluxNdata"], row["gPSFluxStetsonJ"]
    if None in (mean, sigma, count, stetson) or not mean > 0:
        return False
    near = separation_arcsec(row["ra"], row["decl"], 62.0, -37.0) <= 5 * 3600
    bright = 18 < 31.4 - 2.5 * math.log10(mean) < 23
    return near and bright and 0.25 < sigma / mean < 1.25 and count > 30 and stetson > 20
