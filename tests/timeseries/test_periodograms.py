"""The periodogram of plain arrays against astropy."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.timeseries import LombScargle, LombScargleMultiband
from hypothesis import given
from hypothesis import strategies as st

from skyseries.timeseries import periodogram
from tests.examples import examples
from tests.timeseries.build import sinusoid


def curve(n: int = 90, seed: int = 1, span: float = 300.0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    row = sinusoid(rng, n, 0.731, span=span, noise=0.2)
    e = rng.uniform(0.05, 0.5, n)
    return np.asarray(row["time"]), np.asarray(row["value"]), e, np.asarray(row["band"])


@pytest.mark.parametrize("normalization", ["standard", "model", "log", "psd"])
def test_single_band_against_astropy(normalization: str) -> None:
    t, y, e, _ = curve()
    ours = periodogram(t, y, e, min_period=0.5, max_period=60, normalization=normalization)
    theirs = LombScargle(t, y, e, normalization=normalization)
    expected = theirs.power(ours.frequency, method="cython")
    np.testing.assert_allclose(ours.power, expected, atol=1e-5 * max(1, expected.max()))
    np.testing.assert_allclose(ours.power_at(ours.frequency), expected, rtol=1e-8, atol=1e-10)


def test_multiband_against_astropy() -> None:
    t, y, e, band = curve()
    ours = periodogram(t, y, e, band, min_period=0.5, max_period=60)
    theirs = LombScargleMultiband(t, y, band, e, nterms_base=1, nterms_band=0, reg_band=None)
    some = slice(None, None, 7)
    expected = theirs.power(ours.frequency[some], method="flexible")
    np.testing.assert_allclose(ours.power[some], expected, atol=1e-5)


@pytest.mark.parametrize("nterms", [2, 3])
def test_harmonics_against_astropy(nterms: int) -> None:
    t, y, e, band = curve()
    f = np.linspace(0.02, 2, 300)
    ours = periodogram(t, y, e, band, frequency=f, nterms=nterms)
    theirs = LombScargleMultiband(t, y, band, e, nterms_base=nterms, nterms_band=0, reg_band=None)
    np.testing.assert_allclose(ours.power, theirs.power(f, method="flexible"), atol=1e-9)
    on_grid = periodogram(t, y, e, band, min_period=1.0, max_period=2.0, nterms=nterms)
    np.testing.assert_allclose(on_grid.power, on_grid.power_at(on_grid.frequency), atol=1e-6)


def test_error_floor_is_added_in_quadrature() -> None:
    t, y, e, band = curve()
    f = np.linspace(0.1, 2, 50)
    ours = periodogram(t, y, e, band, frequency=f, error_floor=0.3)
    same = periodogram(t, y, np.hypot(e, 0.3), band, frequency=f)
    np.testing.assert_allclose(ours.power, same.power, atol=1e-13)
    scaled = e.copy()
    for b in np.unique(band):
        scaled[band == b] = np.hypot(e[band == b], 0.25 * y[band == b].std(ddof=1))
    ours = periodogram(t, y, e, band, frequency=f, error_floor=None)
    same = periodogram(t, y, scaled, band, frequency=f)
    np.testing.assert_allclose(ours.power, same.power, atol=1e-13)
    np.testing.assert_allclose(ours.model(t, 0.7, band), same.model(t, 0.7, band), atol=1e-10)


@examples(0.5)
@given(
    st.integers(3, 150),
    st.integers(1, 6),
    st.sampled_from([0.3, 20.0, 3650.0]),
    st.sampled_from([0.2, 0.9, 10.0]),
    st.integers(0, 10**6),
)
def test_fast_sums_are_within_1e5_of_float64(
    n: int, n_bands: int, span: float, min_period: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    t = 60000 + rng.uniform(0, span, n)
    y, e = rng.normal(0, 1, n) + 1e4, rng.uniform(0.1, 2, n)
    band = rng.integers(0, n_bands, n)
    band[:2] = 0
    result = periodogram(t, y, e, band, min_period=min_period, max_period=min_period * 1.5 + 1)
    every = max(1, result.frequency.size // 2000)
    exact = result.power_at(result.frequency[::every])
    np.testing.assert_allclose(result.power[::every], exact, atol=1e-5)
    assert (result.power >= -1e-6).all()
    assert (result.power <= 1 + 1e-6).all()


def test_ten_years_at_fifty_per_day() -> None:
    rng = np.random.default_rng(5)
    t = np.sort(rng.uniform(0, 3650, 200))
    y = np.sin(2 * np.pi * t * 49.7) + rng.normal(0, 0.3, 200)
    result = periodogram(t, y, np.full(200, 0.3), min_period=0.02, max_period=0.0202)
    np.testing.assert_allclose(result.power, result.power_at(result.frequency), atol=1e-5)
    expected = LombScargle(t, y, 0.3).power(result.frequency[::20], method="slow")
    np.testing.assert_allclose(result.power[::20], expected, atol=1e-5)
    assert result.frequency_at_max_power == pytest.approx(49.7, abs=1e-5)


def test_regular_sampling_where_sines_vanish() -> None:
    t = np.arange(40.0)
    y = np.cos(2 * np.pi * t * 0.25) + 0.1 * np.sin(t)
    f = np.array([0.25, 0.5, 1.0, 0.75, 1.5])
    power = periodogram(t, y, frequency=f).power
    assert power[0] == pytest.approx(power[3], abs=1e-9)
    assert power[2] == 0  # once a day nothing but a constant is seen
    assert (power <= 1).all()
    grid = periodogram(t, y, min_period=0.4, max_period=10)
    np.testing.assert_allclose(grid.power, grid.power_at(grid.frequency), atol=1e-5)


def test_false_alarm_probability_against_astropy() -> None:
    t, y, e, band = curve()
    ours = periodogram(t, y, e, min_period=0.5, max_period=60)
    theirs = LombScargle(t, y, e)
    for power in (0.05, 0.2, 0.5):
        expected = theirs.false_alarm_probability(
            power,
            method="baluev",
            minimum_frequency=ours.frequency.min(),
            maximum_frequency=ours.frequency.max(),
        )
        assert ours.false_alarm_probability(power) == pytest.approx(expected, rel=1e-9)
    psd = periodogram(t, y, e, min_period=0.5, max_period=60, normalization="psd")
    np.testing.assert_allclose(
        psd.false_alarm_probability(), ours.false_alarm_probability(), rtol=1e-6
    )
    assert ours.false_alarm_probability([0.0, 1.0]).tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="nterms=1"):
        periodogram(t, y, e, band, nterms=2).false_alarm_probability()


def test_false_alarm_rate_on_noise_in_three_bands() -> None:
    rng = np.random.default_rng(6)
    band = np.repeat(["g", "r", "i"], 20)
    probabilities = []
    for _ in range(300):
        t = rng.uniform(0, 50, 60)
        result = periodogram(
            t, rng.normal(0, 1, 60), np.ones(60), band, min_period=0.5, max_period=50
        )
        probabilities.append(float(result.false_alarm_probability()))
    # an upper limit, and not a useless one
    assert np.mean(np.array(probabilities) < 0.1) < 0.1 + 3 * np.sqrt(0.09 / 300)
    assert np.mean(np.array(probabilities) < 0.2) > 0.02


def test_model_is_the_best_fit_and_bands_keep_their_means() -> None:
    t, y, e, band = curve(300)
    result = periodogram(t, y, e, band, min_period=0.5, max_period=60)
    f = result.frequency_at_max_power
    assert 1 / f == pytest.approx(0.731, abs=1e-3)
    chi2 = np.sum(((y - result.model(t, band=band)) / e) ** 2)
    means = {b: np.average(y[band == b], weights=e[band == b] ** -2) for b in np.unique(band)}
    chi2_0 = np.sum(((y - np.array([means[b] for b in band])) / e) ** 2)
    assert result.power_at(f)[0] == pytest.approx(1 - chi2 / chi2_0, rel=1e-9)
    assert result.model(60000.5, band="i") - result.model(60000.5, band="g") == pytest.approx(
        1.0, abs=0.1
    )
    with pytest.raises(ValueError, match="give band="):
        result.model(t)
    with pytest.raises(ValueError, match="no band 'w'"):
        result.model(t, band="w")


def test_peaks_are_local_maxima_apart_from_each_other() -> None:
    t, y, e, band = curve(60, span=100)
    result = periodogram(t, y, e, band, min_period=0.4, max_period=60)
    peaks = result.peaks(6)
    power = result.power_at(peaks)
    assert (np.diff(power) <= 0).all()
    span = np.ptp(t)
    assert np.diff(np.sort(peaks)).min() > 0.8 / span
    for f, p in zip(peaks, power, strict=True):
        near = f + np.linspace(-0.15, 0.15, 301) / span
        near = near[(near >= result.frequency[0]) & (near <= result.frequency[-1])]
        assert p >= result.power_at(near).max() - 1e-5
    assert power[0] >= result.power.max() - 1e-6
    shuffled = np.random.default_rng(1).permutation(result.frequency.size)
    again = periodogram(t, y, e, band, frequency=result.frequency[shuffled])
    np.testing.assert_allclose(again.peaks(6), peaks, rtol=1e-9)


def test_unusable_epochs_are_left_out() -> None:
    t, y, e, band = curve()
    bad_t, bad_y = np.append(t, [np.nan, 60001, 60001, 60001]), np.append(y, [1, np.inf, 1, 1])
    bad_e, bad_b = np.append(e, [1, 1, 0, -1]), [*band, *["g"] * 4, None]
    bad_t, bad_y, bad_e = (np.append(a, 1.0) for a in (bad_t, bad_y, bad_e))
    f = np.linspace(0.1, 2, 40)
    result = periodogram(bad_t, bad_y, bad_e, bad_b, frequency=f)
    assert result.n_epochs == t.size
    np.testing.assert_array_equal(result.power, periodogram(t, y, e, band, frequency=f).power)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "fft"}, "unknown method 'fft'; there are 'lombscargle', 'mhaov'"),
        ({"normalization": "x"}, "normalization"),
        ({"nterms": 0}, "nterms"),
        ({"oversampling": 0}, "oversampling"),
        ({"error_floor": -1.0}, "error_floor"),
        ({"min_period": 0.0}, "min_period"),
        ({"min_period": 5.0, "max_period": 1.0}, "min_period=5"),
        ({"min_period": 1e-9}, "too many"),
        ({"frequency": [0.0, 1.0]}, "frequency"),
        ({"frequency": []}, "frequency"),
    ],
    ids=str,
)
def test_wrong_parameters(change: dict[str, object], message: str) -> None:
    t, y, e, _ = curve()
    with pytest.raises(ValueError, match=message):
        periodogram(t, y, e, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("t", "y"),
    [([], []), ([1.0], [2.0]), ([1.0, 2.0], [3.0, 3.0]), ([1.0, 1.0], [3.0, 4.0])],
    ids=["none", "one", "constant", "at one time"],
)
def test_light_curves_without_a_periodogram(t: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="no periodogram"):
        periodogram(t, y)


def test_arrays_of_unequal_length() -> None:
    with pytest.raises(ValueError, match="one length"):
        periodogram([1.0, 2.0], [1.0])
