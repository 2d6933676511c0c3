"""Shapes of the simulated variables, against what defines each class."""

from __future__ import annotations

import numpy as np
import pytest

from skyseries.timeseries.simulate import variables as v

PHASE = np.linspace(0.0, 1.0, 4001)
G = np.full(PHASE.size, 1)
EPOCH, PERIOD = 61_000.25, 0.57


def folded(function, band=1, **parameters):
    time = EPOCH + PERIOD * PHASE
    return function(time, np.full(time.size, band), period=PERIOD, epoch=EPOCH, **parameters)


@pytest.mark.parametrize("overtone", [False, True])
def test_rr_lyrae_amplitude_maximum_and_period(overtone):
    g = folded(v.rr_lyrae, amplitude=0.9, overtone=overtone)
    assert np.ptp(g) == pytest.approx(0.9, abs=1e-3)
    brightest = PHASE[g.argmin()]
    assert min(brightest, 1 - brightest) < 0.05
    np.testing.assert_allclose(g[0], g[-1], atol=1e-6)
    assert np.ptp(folded(v.rr_lyrae, band=3, amplitude=0.9, overtone=overtone)) < 0.6 * 0.9


def test_type_ab_rises_faster_than_it_falls_and_type_c_hardly():
    def rise(overtone):
        g = folded(v.rr_lyrae, amplitude=1.0, overtone=overtone)
        return 1.0 - PHASE[g.argmax()]

    assert rise(False) < 0.25
    assert 0.35 < rise(True) < 0.5


def test_detached_binary_eclipse_depths_are_those_of_the_geometry():
    binary = {"radii": (0.2, 0.1), "inclination": 90.0}
    mag = folded(v.detached_binary, temperatures=(6000.0, 6000.0), **binary)
    # the small star covers a quarter of the large one; both are equally bright per area
    expected = -2.5 * np.log10(1 - 0.25 / 1.25)
    assert mag[0] == pytest.approx(expected, abs=1e-9)
    assert mag[2000] == pytest.approx(expected, abs=1e-9)
    assert np.median(mag) == 0.0
    # last contact at sin(2 pi phase) = r1 + r2
    contact = np.arcsin(0.3) / (2 * np.pi)
    assert mag[contact + 1e-3 < PHASE][0] == 0.0
    assert mag[contact - 2e-3 > PHASE][-1] > 0.0


def test_detached_binary_is_deeper_in_the_blue_when_the_hot_star_is_hidden():
    binary = {"radii": (0.2, 0.2), "temperatures": (8000.0, 4000.0), "inclination": 89.0}
    u, y = (folded(v.detached_binary, band=b, **binary) for b in (0, 5))
    assert u[0] > y[0] > 0.0
    assert u[2000] < y[2000]


def test_discs_share_no_area_apart_and_all_of_the_small_one_inside():
    assert v._overlap(np.array([0.31]), 0.2, 0.1)[0] == pytest.approx(0.0, abs=1e-12)
    assert v._overlap(np.array([0.0, 0.05]), 0.2, 0.1) == pytest.approx(np.pi * 0.01)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-1, 1, (2, 400_000))
    inside = (np.hypot(x, y) < 0.5) & (np.hypot(x - 0.4, y) < 0.3)
    assert v._overlap(np.array([0.4]), 0.5, 0.3)[0] == pytest.approx(4 * inside.mean(), rel=0.02)


def test_contact_binary_has_two_unequal_minima():
    mag = folded(v.contact_binary, amplitude=0.6, unevenness=0.1)
    assert mag[0] == pytest.approx(0.6 * 0.99)
    assert mag[2000] == pytest.approx(0.6 * 0.99 * 0.9)
    assert mag[1000] == pytest.approx(0.0, abs=1e-9)


def test_long_period_variable_rises_faster_than_it_falls():
    g = folded(v.long_period, amplitude=4.0)
    assert np.ptp(g) == pytest.approx(4.0, abs=0.01)
    assert PHASE[g.argmin()] in (0.0, 1.0)
    assert 0.52 < PHASE[g.argmax()] < 0.65
    assert np.ptp(folded(v.long_period, band=4, amplitude=4.0)) == pytest.approx(2.0, abs=0.01)


def test_microlensing_at_its_defining_points():
    time = np.array([0.0, 1e6])
    mag = v.microlensing(time, np.array([0, 3]), t0=0.0, einstein_time=20.0, u0=1.0)
    assert mag[0] == pytest.approx(-2.5 * np.log10(3 / np.sqrt(5)))
    assert mag[1] == pytest.approx(0.0, abs=1e-9)


def test_supernova_starts_at_zero_peaks_where_said_and_fades():
    time = np.linspace(-200.0, 400.0, 6001)
    for band in range(6):
        b = np.full(time.size, band)
        flux = v.supernova_ia(time, b, t0=0.0, peak_mag=20.0, stretch=1.0)
        assert np.isfinite(flux).all()
        assert (flux >= 0).all()
        assert flux[0] < 1e-3 * flux.max()
        assert flux[-1] < 1e-3 * flux.max()
        assert abs(time[flux.argmax()]) < 6.0
    g = v.supernova_ia(time, np.full(time.size, 1), t0=0.0, peak_mag=20.0, stretch=1.0)
    assert g.max() == pytest.approx(10 ** (0.4 * 11.4), rel=0.01)
    slow = v.supernova_ia(time, np.full(time.size, 1), t0=0.0, peak_mag=20.0, stretch=1.2)
    assert slow.sum() / g.sum() == pytest.approx(1.2, rel=0.01)
