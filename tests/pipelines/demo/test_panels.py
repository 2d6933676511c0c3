"""What the demo's figure shows of an object."""

from __future__ import annotations

import numpy as np
import pytest

from skyseries.pipelines.demo.panels import choose_panels
from skyseries.pipelines.demo.recovery import FoundObject


def periodic(name, period, peaks, level=1e5, flux=None):
    rng = np.random.default_rng(4)
    time = np.sort(rng.uniform(61_000, 61_500, 300))
    shape = 1 + 0.4 * np.cos(2 * np.pi * (time - 61_000.2) / period)
    row = {
        "objectId": 1, "class": name, "period": period,
        "event_time": np.nan, "event_duration": np.nan,
    }  # fmt: skip
    flux = level * shape if flux is None else flux
    band = rng.choice(list("gri"), 300)
    error, epochs = np.full(300, level / 100), {"epoch_max": 61_000.2, "epoch_min": 61_000.1}
    return FoundObject(row, time, flux, error, band, np.array(peaks), "ok", **epochs)


def test_pulsating_stars_are_folded_with_their_maximum_at_phase_zero():
    (first, second) = choose_panels([periodic("rr_lyrae_ab", 0.6, [0.6, 0.3])], 2)
    assert first.period == 0.6
    assert first.is_magnitude
    assert first.origin == 61_000.2
    assert "true period 0.60000 d, found 0.60000 d" in first.subtitle
    assert second.title != first.title


@pytest.mark.parametrize("name", ["contact_binary", "detached_binary"])
def test_binaries_are_folded_at_their_orbit_with_their_minimum_at_phase_zero(name):
    panel = choose_panels([periodic(name, 0.4, [0.4, 0.2])], 9)[0]
    assert (panel.period, panel.origin) == (0.4, 61_000.1)
    assert choose_panels([periodic(name, 0.4, [0.2, 0.4])], 9) == []


def test_wrong_periods_and_poorly_covered_cycles_are_not_shown():
    assert choose_panels([periodic("rr_lyrae_c", 0.3, [0.7])], 9) == []
    assert choose_panels([periodic("long_period", 4000.0, [4000.0])], 9) == []
    assert choose_panels([], 9) == []


def test_epochs_in_the_noise_are_left_out_of_magnitudes():
    flux = np.full(300, 1e5)
    flux[:10], flux[10] = -50.0, 2000.0  # the errors are 1000
    (panel, _) = choose_panels([periodic("rr_lyrae_ab", 0.6, [0.6], flux=flux)], 2)
    assert panel.value.size == 289
    assert np.isfinite(panel.value).all()


@pytest.mark.parametrize(
    ("name", "is_magnitude"), [("microlensing", True), ("supernova_ia", False)]
)
def test_events_are_drawn_around_their_maximum(name, is_magnitude):
    time = np.arange(61_000.0, 61_600.0)
    flux = 1000.0 + 1e5 * np.exp(-0.5 * ((time - 61_300) / 10) ** 2)
    row = {
        "objectId": 1, "class": name, "period": np.nan,
        "event_time": 61_301.0, "event_duration": 40.0,
    }  # fmt: skip
    one = FoundObject(row, time, flux, np.full(600, 50.0), np.full(600, "r"), np.empty(0))
    (panel,) = choose_panels([one], 9)
    assert panel.period is None
    assert panel.is_magnitude is is_magnitude
    assert np.ptp(panel.time) < 230
    assert panel.origin == 61_301.0
    assert "brightest epoch -1.0 d" in panel.subtitle
    if not is_magnitude:
        assert panel.value.max() == pytest.approx(101.0)  # µJy
