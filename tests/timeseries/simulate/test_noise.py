"""The error model at its definition points, and the scatter that comes out."""

from __future__ import annotations

import numpy as np
import pytest

from skyseries.photometry import mag_to_njy
from skyseries.timeseries.simulate.noise import (
    DEPTH,
    five_sigma_depth,
    flux_error,
    magnitude_error,
    observe,
)

BANDS = np.arange(6)


def test_a_source_at_the_depth_is_measured_to_a_fifth():
    flux = mag_to_njy(np.full(6, 24.0))[0]
    assert magnitude_error(24.0, 24.0, BANDS) == pytest.approx(0.2, abs=1e-3)
    assert flux / flux_error(flux, 24.0, BANDS) == pytest.approx(5.0, rel=1e-3)


def test_bright_sources_have_the_systematic_error():
    assert magnitude_error(14.0, 24.0, BANDS) == pytest.approx(0.005, rel=0.01)


def test_errors_as_written_out_by_hand():
    # x = 10^(0.4 (22 - 24.35)) = 0.1148...
    x = 10 ** (0.4 * (22.0 - 24.35))
    expected = np.sqrt(0.005**2 + (0.04 - 0.039) * x + 0.039 * x**2)
    assert magnitude_error(22.0, 24.35, np.array([2]))[0] == pytest.approx(expected)
    flux = float(mag_to_njy(22.0)[0])
    assert flux_error(flux, 24.35, np.array([2]))[0] / flux == pytest.approx(expected)


def test_the_depth_of_the_papers_own_conditions():
    # table 2 of Ivezić et al. 2019: single visits of 30 s at airmass 1
    measured = five_sigma_depth(BANDS, sky=DEPTH.sky, seeing=DEPTH.seeing, airmass=1.0)
    assert measured == pytest.approx([23.78, 24.81, 24.35, 23.92, 23.34, 22.45], abs=0.05)


def test_noise_is_gaussian_of_the_stated_error_and_may_be_negative():
    rng = np.random.default_rng(3)
    band = np.repeat(BANDS, 4000)
    flux, error = observe(np.zeros(band.size), 24.0, band, rng)
    assert (error > 0).all()
    assert np.isfinite(error).all()
    assert 0.45 < np.mean(flux < 0) < 0.55
    pull = flux / error
    assert np.std(pull) == pytest.approx(1.0, abs=0.02)
    assert np.mean(np.abs(pull) > 3) < 0.006
