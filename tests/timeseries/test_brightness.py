"""Fluxes on the scale of magnitudes, and what that decides."""

from __future__ import annotations

import numpy as np
import pytest

from skyseries.photometry import njy_to_mag
from skyseries.timeseries import as_lightcurve
from skyseries.timeseries.kernels.brightness import to_magnitudes


def magnitudes(flux, error, *, floor=0.0, has_errors=True, n_bands=1):
    offsets = np.linspace(0, flux.size, n_bands + 1).astype(np.int64)
    mag, mag_err = np.full(flux.size, np.nan), np.full(flux.size, np.nan)
    to_magnitudes(flux, error, offsets, n_bands, floor, has_errors, mag, mag_err)
    return mag, mag_err


def test_far_above_the_errors_they_are_magnitudes():
    flux = np.random.default_rng(1).uniform(1e3, 1e5, 60)
    error = np.full(60, 5.0)
    mag, mag_err = magnitudes(flux, error)
    true, true_err = njy_to_mag(flux, np.hypot(error, 0.0))
    assert np.ptp(mag - true) < 1e-4
    np.testing.assert_allclose(mag_err, true_err, rtol=1e-4)
    _, wider = magnitudes(flux, error, floor=12.0)
    np.testing.assert_allclose(wider, true_err * 13 / 5, rtol=1e-4)


def test_faint_and_negative_fluxes_have_a_value_and_any_unit_will_do():
    rng = np.random.default_rng(2)
    flux, error = rng.normal(1.0, 2.0, 400), np.full(400, 2.0)
    mag, mag_err = magnitudes(flux, error, n_bands=2)
    assert np.isfinite(mag).all()
    assert (np.diff(mag[np.argsort(flux)]) <= 0).all()
    scaled, scaled_err = magnitudes(flux * 1e6, error * 1e6, n_bands=2)
    np.testing.assert_allclose(scaled, mag)
    np.testing.assert_allclose(scaled_err, mag_err)


def test_difference_fluxes_keep_their_shape():
    flux = 100 * np.sin(np.linspace(0, 20, 200)) + 3.0
    for has_errors in (True, False):
        mag, _ = magnitudes(flux, np.ones(200), has_errors=has_errors)
        assert np.corrcoef(mag, flux)[0, 1] == pytest.approx(-1.0, abs=1e-12)


def test_without_errors_all_epochs_weigh_the_same():
    mag, error = magnitudes(np.array([1e3, 2e3, 4e3]), np.ones(3), has_errors=False)
    assert (np.diff(mag) < 0).all()
    assert (error == 1.0).all()


def test_fluxes_of_a_mira_and_of_a_contact_binary_have_their_period():
    rng = np.random.default_rng(3)
    time = np.sort(rng.integers(0, 1100, 220)) + rng.normal(0.3, 0.08, 220)
    for period, change in (
        (230.0, lambda phase: 2.0 * np.cos(phase)),
        (0.36, lambda phase: 0.6 * (1 - np.abs(np.sin(phase)) ** 1.4)),
    ):
        mag = change(2 * np.pi * time / period)
        flux = 1e5 * 10 ** (-0.4 * mag) + rng.normal(0, 500, 220)
        found = as_lightcurve(time, flux, 500.0, "r", magnitude=False).periods()
        assert abs(1 / found["period"] - 1 / period) < 1 / 1100
