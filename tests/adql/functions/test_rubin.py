"""Rubin's functions against plain Python, in both ways of evaluation."""

import math

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from skyseries.adql import FUNCTIONS, Origin, Scope, compute, resolve_value
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.spatial.regions import Box, Cone, Polygon
from tests.adql.columns import calculated, table_of


@pytest.fixture(params=["arrow", "duckdb"], autouse=True)
def engine(request, monkeypatch):
    if request.param == "duckdb":
        monkeypatch.setattr(compute, "supported", lambda expression: False)


_AB0 = 10 ** (-48.6 / 2.5)


def _mag(flux):
    return -2.5 * math.log10(flux) - 48.6


def _flux(mag):
    return 10 ** (-0.4 * (mag + 48.6))


def _dn_flux(dn, zero):
    return _AB0 * dn / zero


def _relative(*pairs):
    """Return the error of a quotient or product, in parts of it."""
    return math.sqrt(sum((error / value) ** 2 for value, error in pairs))


_K = 2.5 / math.log(10)
TWINS = {
    "nanojanskyToAbMag": lambda f: -2.5 * math.log10(f) + 31.4,
    "nanojanskyToAbMagSigma": lambda f, e: _K * e / f,
    "abMagToNanojansky": lambda m: 10 ** (-0.4 * (m - 31.4)),
    "abMagToNanojanskySigma": lambda m, e: 10 ** (-0.4 * (m - 31.4)) * e / _K,
    "fluxToAbMag": _mag,
    "fluxToAbMagSigma": lambda f, e: _K * e / f,
    "abMagToFlux": _flux,
    "abMagToFluxSigma": lambda m, e: _flux(m) * e / _K,
    "dnToAbMag": lambda d, z: _mag(_dn_flux(d, z)),
    "dnToAbMagSigma": lambda d, e, z, s: _K * _relative((d, e), (z, s)),
    "dnToFlux": _dn_flux,
    "dnToFluxSigma": lambda d, e, z, s: _dn_flux(d, z) * _relative((d, e), (z, s)),
    "fluxToDn": lambda f, z: f * z / _AB0,
    "fluxToDnSigma": lambda f, e, z, s: f * z / _AB0 * _relative((f, e), (z, s)),
    "abMagToDn": lambda m, z: _flux(m) * z / _AB0,
    "abMagToDnSigma": lambda m, e, z, s: _flux(m) * z / _AB0 * _relative((_K, e), (z, s)),
}
_RANGES = {
    "f": (1.0, 1e6), "m": (14.0, 27.0), "e": (0.001, 0.5), "d": (10.0, 1e6), "z": (1e10, 1e12),
    "s": (1e6, 1e9),
}  # fmt: skip


def test_there_is_a_twin_for_each():
    photometry = {n for n, f in FUNCTIONS.items() if f.origin is Origin.RUBIN and "S2PT" not in n}
    assert {f"SCISQL_{n}".upper() for n in TWINS} == photometry - {"SCISQL_ANGSEP"}
    assert len(TWINS) == 16


@pytest.mark.parametrize("name", TWINS)
def test_photometry(name):
    rng = np.random.default_rng(4)
    twin = TWINS[name]
    letters = twin.__code__.co_varnames if name not in ("fluxToAbMag", "abMagToFlux", "dnToFlux") \
        else {"fluxToAbMag": "f", "abMagToFlux": "m", "dnToFlux": "dz"}[name]  # fmt: skip
    columns = {x: rng.uniform(*_RANGES[x], 40) for x in letters}
    if name.startswith("flux"):
        columns["f"] = columns["f"] * 1e-30
        if "e" in columns:
            columns["e"] = columns["e"] * 1e-30
    text = f"scisql_{name}({', '.join(columns)})"
    found = calculated(text, table_of(**columns))
    wanted = [twin(*row) for row in zip(*columns.values(), strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    missing = {x: [None, *values[1:2]] for x, values in columns.items()}
    assert calculated(text, table_of(**missing))[0] is None


@pytest.mark.parametrize(
    "text",
    [
        "nanojanskyToAbMag(0)", "nanojanskyToAbMag(-1)", "nanojanskyToAbMag(x)",
        "nanojanskyToAbMagSigma(-1, 1)", "fluxToAbMag(0)", "fluxToAbMagSigma(1, -1)",
        "abMagToNanojanskySigma(20, -0.1)", "abMagToFluxSigma(20, -0.1)", "dnToAbMag(-1, 1)",
        "dnToAbMag(1, 0)", "dnToFlux(1, -1)", "dnToFluxSigma(1, -1, 1, 1)", "fluxToDn(1, 0)",
        "dnToAbMagSigma(1, 1, 1, -1)", "fluxToDnSigma(1, 1, 0, 1)", "abMagToDn(20, 0)",
        "abMagToDnSigma(20, 0.1, 1, -1)",
    ],
)  # fmt: skip
def test_what_has_no_magnitude_or_flux_is_missing(text):
    table = table_of(x=[float("nan"), float("inf"), -1.0])
    for value in calculated(f"scisql_{text}", table):
        assert math.isnan(value)
    assert calculated(f"scisql_{text} IS NULL", table) == [True] * 3


def test_dn_to_flux_may_be_negative_or_zero():
    assert calculated("scisql_dnToFlux(-5, 1e11)") < 0
    assert calculated("scisql_dnToFluxSigma(0, 1, 1e11, 1e9)") == pytest.approx(_AB0 / 1e11)
    assert calculated("scisql_abMagToDn(0, 1e11)") == pytest.approx(1e11)


def test_fluxes_are_brought_to_the_unit_that_is_needed():
    schema = [with_column_meta(field, ColumnMeta(unit="uJy"))
              for field in table_of(f=[1.0]).schema]  # fmt: skip
    import pyarrow as pa

    table = pa.table([[3.631e9]], schema=pa.schema(schema))
    assert calculated("scisql_nanojanskyToAbMag(f)", table) == pytest.approx(0, abs=1e-3)
    assert calculated("scisql_fluxToAbMag(f)", table) == pytest.approx(0, abs=1e-3)
    expression = resolve_value("scisql_fluxToAbMag(f)", Scope.from_schema(table.schema))
    assert (expression.unit, expression.ucd) == ("mag", "phot.mag")


def sky(n=400, spread=None, seed=0):
    rng = np.random.default_rng(seed)
    if spread is None:
        return rng.uniform(-20, 380, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    return rng.uniform(-spread, spread, n), rng.uniform(-spread, spread, n)


def as_numbers(mask):
    return mask.astype(int).tolist()


@pytest.mark.parametrize("limits", [(350, -30, 20, 60), (-10, 0, 200, 90), (0, -90, 360, 0),
                                    (10, 5, 40, 6)])  # fmt: skip
def test_boxes_are_those_of_the_regions(limits):
    ra, dec = sky()
    west, south, east, north = limits
    wanted = Box(west, east, south, north).contains(ra, dec)
    table = table_of(ra=ra, dec=dec, west=np.full(len(ra), float(west)))
    for side in (f"{west}", "west"):
        text = f"scisql_s2PtInBox(ra, dec, {side}, {south}, {east}, {north})"
        assert calculated(text, table) == as_numbers(wanted)


def test_circles_and_polygons_are_those_of_the_regions():
    ra, dec = sky()
    table = table_of(ra=ra, dec=dec)
    wanted = Cone(10, 20, 70 * 3600).contains(ra, dec)
    assert calculated("scisql_s2PtInCircle(ra, dec, 10, 20, 70)", table) == as_numbers(wanted)
    wanted = Polygon([(0, 0), (60, 0), (30, 80)]).contains(ra, dec)
    found = calculated("scisql_s2PtInCPoly(ra, dec, 0, 0, 60, 0, 30, 80)", table)
    assert found == as_numbers(wanted)
    found = calculated("scisql_s2PtInCPoly(10, 20, ra, -5, 60, -5, 30, 80)", table_of(ra=[0.0, 55]))
    assert found == [1, 0]


def test_ellipses():
    """Seen from astropy's offsets; small, so that the plane does not matter."""
    lon, lat = sky(2000, 0.02)
    centre = SkyCoord(123.0, 67.0, unit="deg")
    points = SkyCoord(lon, lat, unit="deg", frame=centre.skyoffset_frame()).icrs
    a, b, turn = 60.0, 25.0, np.radians(30.0)
    along = (np.sin(turn) * lon + np.cos(turn) * lat) * 3600
    across = (np.cos(turn) * lon - np.sin(turn) * lat) * 3600
    size = np.hypot(along / a, across / b)
    table = table_of(ra=points.ra.deg, dec=points.dec.deg)
    found = np.array(calculated("scisql_s2PtInEllipse(ra, dec, 123, 67, 60, 25, 30)", table))
    clear = np.abs(size - 1) > 1e-5
    assert (found == (size < 1))[clear].all()
    assert 100 < found.sum() < 1900
    assert calculated("scisql_s2PtInEllipse(303, -67, 123, 67, 60, 25, 30)") == 0
    assert calculated("scisql_s2PtInEllipse(123, 67, 123, 67, 0, 0, 0)") == 1
    assert calculated("scisql_s2PtInEllipse(123, 67, 123, 67, 25, 60, 0)") == 0
    assert calculated("scisql_s2PtInEllipse(123, 67, 123, 67, 36001, 60, 0)") == 0


def test_what_is_missing_is_not_inside():
    table = table_of(ra=[None, float("nan"), 1.0], dec=[2.0, 2.0, None])
    for call in (
        "Circle(ra, dec, 1, 2, 3)",
        "Box(ra, dec, 0, 0, 10, 10)",
        "CPoly(ra, dec, 0, 0, 3, 0, 1, 4)",
        "Ellipse(ra, dec, 1, 2, 60, 30, 0)",
    ):
        assert calculated(f"scisql_s2PtIn{call}", table) == [0, 0, 0]


def test_angles_of_vectors():
    assert calculated("scisql_angSep(1, 0, 0, 0, 0, 1)") == 90
    assert calculated("scisql_angSep(2, 0, 0, 3, 3, 0)") == pytest.approx(45)
    assert calculated("scisql_angSep(0, 0, 0, 90)") == 90
    assert calculated("scisql_angSep(x, 0, 0, 0, 0, 1)", table_of(x=[1.0, None])) == [90, None]
