from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from skyseries.photometry import UGRIZY, band_order, mag_to_njy, njy_to_mag


@given(st.floats(1e-6, 1e12))
def test_magnitude_agrees_with_astropy(flux: float) -> None:
    mag, _ = njy_to_mag([flux])
    assert mag[0] == pytest.approx((flux * u.nJy).to_value(u.ABmag), abs=2e-5)


@given(st.floats(-10, 40), st.floats(1e-4, 1))
def test_there_and_back(mag: float, error: float) -> None:
    flux, flux_err = mag_to_njy([mag], [error])
    back, back_err = njy_to_mag(flux, flux_err)
    assert back[0] == pytest.approx(mag, abs=1e-9)
    assert back_err is not None
    assert back_err[0] == pytest.approx(error, rel=1e-9)


def test_error_is_the_slope() -> None:
    low, high = mag_to_njy([20 - 1e-5])[0][0], mag_to_njy([20 + 1e-5])[0][0]
    _, err = mag_to_njy([20.0], [1e-5])
    assert err is not None
    assert err[0] == pytest.approx((low - high) / 2, rel=1e-6)


def test_fluxes_without_a_magnitude_give_nan_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mag, err = njy_to_mag([0.0, -5.0, np.nan, 1.0], [1.0, 1.0, 1.0, 0.1])
        assert np.isinf(mag_to_njy([-1e6])[0]).all()
    assert np.isnan(mag[:3]).all()
    assert err is not None
    assert np.isnan(err[:3]).all()
    assert mag[3] == 31.4
    assert err[3] == pytest.approx(0.108574, abs=1e-6)


def test_float32_stays_float32_and_integers_become_float64() -> None:
    flux, err = mag_to_njy(np.array([20], np.float32), np.array([0.1], np.float32))
    assert flux.dtype == np.float32
    assert err is not None
    assert err.dtype == np.float32
    assert njy_to_mag([100])[0].dtype == np.float64


def test_bands_are_in_the_order_of_wavelength() -> None:
    assert UGRIZY == ("u", "g", "r", "i", "z", "y")
    assert band_order(["zg", "y", "g", "g", 2, 1, "u"]) == ["u", "g", "y", "zg", 1, 2]
