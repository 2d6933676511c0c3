"""Separations and proper motion against astropy and exact cases."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from skyseries.spatial.sphere import (
    apply_proper_motion,
    haversine,
    separation,
    separation_arcsec,
)
from tests.examples import examples

RA = st.floats(0.0, 360.0)
DEC = st.floats(-90.0, 90.0)


@pytest.mark.parametrize(
    ("one", "other", "arcsec"),
    [
        ((10.0, 20.0), (10.0, 20.0), 0.0),
        ((0.0, 5.0), (360.0, 5.0), 0.0),
        ((359.5, 0.0), (0.5, 0.0), 3600.0),
        ((0.0, 90.0), (123.0, 90.0), 0.0),
        ((0.0, -90.0), (77.0, 90.0), 648_000.0),
        ((10.0, 30.0), (190.0, -30.0), 648_000.0),
        ((40.0, 89.0), (220.0, 89.0), 7200.0),
        ((-170.0, 1.0), (190.0, 1.0), 0.0),
    ],
)
def test_known_separations(one, other, arcsec):
    assert separation_arcsec(*one, *other) == pytest.approx(arcsec, abs=1e-9)


@given(RA, DEC, RA, DEC)
def test_separation_agrees_with_astropy_and_with_the_kernel(ra1, dec1, ra2, dec2):
    expected = SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg")).arcsec
    measured = float(separation_arcsec(ra1, dec1, ra2, dec2))
    assert measured == pytest.approx(expected, abs=1e-8)
    delta = abs(ra1 - ra2)
    delta = min(delta, 360.0 - delta)
    assert separation(delta, dec1, dec2) * 3600.0 == pytest.approx(measured, abs=1e-8)
    assert haversine(delta, dec1, dec2) == pytest.approx(
        np.sin(np.radians(measured / 7200.0)) ** 2, abs=1e-15
    )


def test_a_millionth_of_an_arcsecond_keeps_its_digits():
    step = 2.0**-32  # degrees, exact in binary
    assert separation_arcsec(10.0, 20.0, 10.0, 20.0 + step) == pytest.approx(
        step * 3600.0, rel=1e-12
    )


def test_a_nan_coordinate_gives_nan_and_only_there():
    result = separation_arcsec([1.0, np.nan], [2.0, 2.0], 1.0, [2.0, 2.0])
    assert result[0] == 0.0
    assert np.isnan(result[1])


@given(
    RA,
    st.floats(-89.9, 89.9),
    st.floats(-10_000, 10_000),
    st.floats(-10_000, 10_000),
    st.floats(1900, 2100),
)
@examples(0.5)
def test_proper_motion_agrees_with_astropy(ra, dec, pmra, pmdec, year):
    start = SkyCoord(
        ra * u.deg,
        dec * u.deg,
        distance=10 * u.pc,
        pm_ra_cosdec=pmra * u.mas / u.yr,
        pm_dec=pmdec * u.mas / u.yr,
        radial_velocity=0 * u.km / u.s,
        obstime=Time(2000.0, format="jyear", scale="tdb"),
    )
    end = start.apply_space_motion(Time(year, format="jyear", scale="tdb"))
    moved = apply_proper_motion(ra, dec, pmra, pmdec, 2000.0, year)
    # astropy (ERFA) adds the change of light travel time, some 1e-7 arcsec here
    assert separation_arcsec(*moved, end.ra.deg, end.dec.deg) < 2e-6
    assert 0.0 <= moved[0] < 360.0


def test_a_star_at_the_pole_moves_along_its_meridian():
    ra, dec = apply_proper_motion(30.0, 90.0, 0.0, 1000.0, 2000.0, 2010.0)
    # northwards over the pole at ra 30 is southwards at ra 210
    assert dec == pytest.approx(90.0 - 10.0 / 3600.0, abs=1e-10)
    assert ra == pytest.approx(210.0, abs=1e-6)


def test_no_motion_leaves_positions_and_unknown_motion_is_nan():
    ra, dec = apply_proper_motion([0.0, 359.999], [12.0, -45.0], 0.0, 0.0, 1991.25, 2016.0)
    np.testing.assert_allclose(ra, [0.0, 359.999], atol=1e-12)
    np.testing.assert_allclose(dec, [12.0, -45.0], atol=1e-12)
    assert np.isnan(apply_proper_motion(1.0, 2.0, np.nan, 0.0, 2000, 2016)).all()


def test_back_and_forth_returns_to_the_start():
    ra, dec = apply_proper_motion(100.0, 60.0, 500.0, 300.0, 2000.0, 2016.0)
    # over 16 years the local directions turn by less than the motion squared
    back = apply_proper_motion(ra, dec, 500.0, 300.0, 2016.0, 2000.0)
    assert separation_arcsec(*back, 100.0, 60.0) < 1e-3


def test_full_turns_cost_no_digits():
    turned = [10.0 + 360 * 10**10, 10.0 - 360 * 10**10, 730.0, -350.0]
    assert (separation_arcsec(turned, 20.0, 10.0, 20.0) == 0.0).all()
    # what the difference of two large numbers would lose
    apart = separation_arcsec(360.0 * 2**30 + 0.25, 0.0, 1e-12, 0.0)
    assert apart == pytest.approx(900.0, abs=1e-8)
    assert np.isnan(separation_arcsec([np.nan, 1000.0], 0.0, 0.0, 0.0)).tolist() == [True, False]
