"""What is published of periodic stars: exact curves, SciPy's least squares, bootstraps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from skyseries.timeseries.kernels.bandepochs import likeness
from skyseries.timeseries.kernels.periodfit import fit_period
from skyseries.timeseries.kernels.phasecurve import depth_ratio, extremes, fill_curve
from skyseries.timeseries.kernels.solution import SOLUTION, solve_periods

TURN = 2 * np.pi
ORDERS = np.arange(1.0, 9.0)
PULSE = ORDERS**-2.5 / np.sum(ORDERS**-2.5)
SHAPE = np.array([0.3, 0.1, 0.1, -0.05, -0.02, 0.03])
"""cos and sin of three harmonics."""


def curve(phase: Any, shape: Any = SHAPE) -> Any:
    k = np.arange(1, len(shape) // 2 + 1)
    angle = TURN * np.multiply.outer(phase, k)
    return np.cos(angle) @ shape[::2] + np.sin(angle) @ shape[1::2]


def times(rng: Any, n: int, span: float = 700.0) -> Any:
    return 60000 + np.sort(rng.uniform(0, span, n))


def solve(
    bands: list[tuple[Any, Any, Any]],
    frequency: float,
    profile: Any = PULSE,
    *,
    is_magnitude: bool = True,
    floor: tuple[float, float] = (0.0, 0.0),
) -> dict[str, float]:
    """Solve one light curve, given as times, values and errors of each band."""
    t, y, e = (np.concatenate([np.asarray(b[k], float) for b in bands]) for k in range(3))
    offsets = np.cumsum([0, *(len(b[0]) for b in bands)])
    out = np.empty((len(SOLUTION) + len(bands), 1))
    solve_periods(
        t, y, e, offsets, len(bands), *floor, np.array([frequency]), np.zeros(1, int),
        profile[None], is_magnitude, out,
    )  # fmt: skip
    names = [*SOLUTION, *(f"amplitude_{k}" for k in range(len(bands)))]
    return dict(zip(names, out[:, 0].tolist(), strict=True))


def star(
    rng: Any, n: int, period: float, sigma: float, factor: float = 1.0, lag: float = 0.0
) -> Any:
    t = times(rng, n)
    e = sigma * rng.uniform(0.6, 1.5, n)
    return t, 15 + factor * curve((t - 60000) / period - lag) + e * rng.standard_normal(n), e


def cycle_error(got: float, expected: float, period: float) -> float:
    return abs((got - expected) / period - round((got - expected) / period))


@pytest.mark.parametrize("is_magnitude", [True, False])
def test_exact_series_of_one_band(is_magnitude: bool) -> None:
    rng = np.random.default_rng(1)
    period = 0.61
    t = times(rng, 150)
    y = 17 + curve((t - 60000) / period)
    found = solve([(t, y, np.full(150, 0.02))], 1 / period + 0.08 / 700, is_magnitude=is_magnitude)
    assert 1 / found["frequency"] == pytest.approx(period, rel=1e-12)
    fine = np.linspace(0, 1, 2_000_001)
    values = curve(fine)
    highest, lowest = 60000 + period * fine[[values.argmax(), values.argmin()]]
    brightest, faintest = (lowest, highest) if is_magnitude else (highest, lowest)
    assert cycle_error(found["epoch_max"], brightest, period) < 2e-6
    assert cycle_error(found["epoch_min"], faintest, period) < 2e-6
    middle = np.mean(t)
    for name in ("epoch_max", "epoch_min"):
        assert abs(found[name] - middle) <= period * 0.5001
    assert found["amplitude_0"] == pytest.approx(np.ptp(values), rel=1e-8)
    amplitude = np.hypot(SHAPE[::2], SHAPE[1::2])
    phase = np.arctan2(-SHAPE[1::2], SHAPE[::2])
    # phases against another zero of time keep these differences
    for k in (2, 3):
        assert found[f"r{k}1"] == pytest.approx(amplitude[k - 1] / amplitude[0], rel=1e-8)
        difference = (phase[k - 1] - k * phase[0]) % TURN
        assert found[f"phi{k}1"] == pytest.approx(difference, abs=1e-7)
    assert found["psi"] < 1e-6
    assert found["cycles"] == pytest.approx(np.ptp(t) / period)
    assert found["cycles_seen"] == len(set(np.floor((t - t[0]) / period).astype(int)))


def test_two_minima() -> None:
    grid = np.linspace(0, 1, 256, endpoint=False)

    def eclipses(second: float, apart: float) -> Any:
        light = -np.exp(-0.5 * ((grid - 0.3) / 0.04) ** 2)
        return light - second * np.exp(-0.5 * ((grid - 0.3 - apart) / 0.04) ** 2)

    for second, apart, expected in [
        (0.6, 0.5, 0.6), (0.6, 0.4, 0.6), (0.6, 0.2, np.nan), (0.04, 0.5, np.nan),
        (0.0, 0.5, np.nan),
    ]:  # fmt: skip
        wave = np.fft.rfft(eclipses(second, apart)) / 128
        series = np.column_stack([wave.real, -wave.imag])[1:25].ravel()
        light = np.empty(256)
        fill_curve(series, light)
        np.testing.assert_allclose(light, curve(grid, series), atol=1e-12)
        assert depth_ratio(series, light) == pytest.approx(expected, abs=5e-3, nan_ok=True)
        low = extremes(series, light)[2]
        assert low == pytest.approx(0.3, abs=2e-3)


def test_frequency_and_error_are_those_of_least_squares() -> None:
    """Where priors are weak: errors are small, and equal, so that no weight is adapted."""
    rng = np.random.default_rng(2)
    for n, period in [(120, 0.61), (60, 3.3)]:
        t, y, _ = star(rng, n, period, 0.001)
        found = solve([(t, y, np.full(n, 0.01))], 1 / period, PULSE[:3])
        middle = t.mean()
        angle = TURN * np.multiply.outer((t - middle) / period, np.arange(1, 4))
        columns = np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(n, 6)
        first = np.linalg.lstsq(np.column_stack([np.ones(n), columns]), y)[0]
        fit = least_squares(
            lambda x, t=t, y=y, middle=middle: y - x[1] - curve((t - middle) * x[0], x[2:]),
            [1 / period, *first], x_scale="jac", xtol=1e-15, ftol=1e-15, gtol=1e-15,
        )  # fmt: skip
        covariance = np.linalg.inv(fit.jac.T @ fit.jac) * 2 * fit.cost / (n - 8)
        error = np.sqrt(covariance[0, 0])
        assert found["frequency"] == pytest.approx(fit.x[0], abs=2e-3 * error)
        assert found["period_err"] * found["frequency"] ** 2 == pytest.approx(error, rel=5e-3)


def test_variances_are_those_of_the_residuals() -> None:
    rng = np.random.default_rng(10)
    t, y, e = star(rng, 200, 0.61, 0.03)
    for given, extra in [(e, 0.0), (3 * e, 0.0), (e, 0.06)]:
        fit = fit_of([(t, y + extra * rng.standard_normal(200), given)], 1 / 0.61)
        variance = fit.noise / (200 * fit.epochs.weight) * fit.epochs.unit[0] ** 2
        residual = fit.epochs.residual * fit.epochs.unit[0]
        assert np.sum(residual**2 / variance) == pytest.approx(200 - fit.free, rel=1e-3)
        if extra > 0:  # something is missing: a constant is added
            np.testing.assert_allclose(variance - given**2, extra**2, rtol=0.3)
        elif given is not e:  # too large: they are scaled
            assert np.ptp(variance / given**2) == pytest.approx(0, abs=1e-9)
            assert variance[0] / given[0] ** 2 == pytest.approx(1 / 9, rel=0.3)


def test_error_is_the_scatter_of_a_bootstrap() -> None:
    rng = np.random.default_rng(3)
    for factor in (1.0, 0.3, 5.0):  # errors that are right, too small, too large
        bands = [star(rng, 120, 0.61, 0.02), star(rng, 80, 0.61, 0.03, 0.7, 0.01)]
        given = [(t, y, factor * e) for t, y, e in bands]
        found, fit = solve(given, 1 / 0.61, PULSE[:4]), fit_of(given, 1 / 0.61, PULSE[:4])
        frequencies = []
        for _ in range(300):
            again = []
            for (t, y, e), lo, unit in zip(
                given, fit.epochs.start[:-1], fit.epochs.unit, strict=True
            ):
                left = fit.epochs.residual[lo : lo + t.size] * unit
                # residuals are smaller than the noise by what the fit took up
                drawn = rng.choice(left / e, t.size) * e * np.sqrt(200 / (200 - fit.free))
                again.append((t, y - left + drawn, e))
            frequencies.append(solve(again, 1 / 0.61, PULSE[:4])["frequency"])
        error = found["period_err"] * found["frequency"] ** 2
        assert np.std(frequencies) == pytest.approx(error, rel=0.15)


def fit_of(bands: list[tuple[Any, Any, Any]], frequency: float, profile: Any = PULSE) -> Any:
    t, y, e = (np.concatenate([b[k] for b in bands]) for k in range(3))
    bounds = np.cumsum([0, *(len(b[0]) for b in bands)])
    return fit_period(t, y, e, bounds, 0.0, 0.0, frequency, profile)


def test_pull_of_few_and_many_epochs() -> None:
    rng = np.random.default_rng(4)
    pulls = []
    for k in range(300):
        n = (25, 60, 120)[k % 3]
        period = rng.uniform(0.3, 5)
        bands = [star(rng, n, period, 0.03), star(rng, n // 2, period, 0.03, 0.6, 0.02)]
        found = solve(bands, 1 / period + rng.uniform(-0.1, 0.1) / 700)
        pulls.append((1 / found["frequency"] - period) / found["period_err"])
    # standard errors: 0.06 and 0.04
    assert np.mean(pulls) == pytest.approx(0, abs=0.15)
    assert np.std(pulls) == pytest.approx(1, abs=0.13)


def test_epochs_that_err_together_count_for_less() -> None:
    """Four bands a night, with an error that they share."""
    rng = np.random.default_rng(11)
    pulls, shared = [], []
    for _ in range(200):
        night = times(rng, 60)
        wrong = rng.normal(0, 0.04, 60)
        bands = [
            (t, 15 + curve((t - 60000) / 0.61) + wrong + rng.normal(0, 0.01, 60), np.full(60, 0.01))
            for t in (night + 0.003 * k for k in range(4))
        ]
        found = solve(bands, 1 / 0.61)
        pulls.append((1 / found["frequency"] - 0.61) / found["period_err"])
        fit = fit_of(bands, 1 / 0.61)
        shared.append(likeness(fit.epochs, 0.03))
    assert 2.5 < np.median(shared) < 4
    assert np.std(pulls) == pytest.approx(1, abs=0.25)


def test_what_should_not_matter_does_not() -> None:
    rng = np.random.default_rng(5)
    bands = [star(rng, 80, 0.61, 0.03), star(rng, 60, 0.61, 0.05, 0.5, 0.02)]
    f0 = 1 / 0.61
    found = solve(bands, f0)
    error = found["period_err"] * found["frequency"] ** 2
    unordered = [rng.permutation(80), rng.permutation(60)]
    variants = {
        "order": [tuple(x[o] for x in b) for b, o in zip(bands, unordered, strict=True)],
        "zero": [(t - 60000, y, e) for t, y, e in bands],
        "unit": [(t, 3000 + 250 * y, 250 * e) for t, y, e in bands],
        "bands": bands[::-1],
    }
    for what, variant in variants.items():
        again = solve(variant, f0)  # type: ignore[arg-type]
        assert again["frequency"] == pytest.approx(found["frequency"], abs=1e-5 * error)
        swap = {"amplitude_0": "amplitude_1", "amplitude_1": "amplitude_0"}
        for name, value in found.items():
            expected = value
            if what == "zero" and name.startswith("epoch"):
                expected -= 60000
            if what == "unit" and name.startswith("amplitude"):
                expected *= 250
            other = again[swap.get(name, name) if what == "bands" else name]
            assert other == pytest.approx(expected, rel=1e-5, abs=1e-6, nan_ok=True), name
    for offset in (-0.1, 0.06):
        moved = solve(bands, f0 + offset / 700)
        assert moved["frequency"] == pytest.approx(found["frequency"], abs=2e-3 * error)
    # a frequency far from any best one does not run away
    far = solve(bands, f0 + 3.3 / 700)["frequency"]
    assert abs(far - f0 - 3.3 / 700) <= 0.301 / np.ptp(np.concatenate([b[0] for b in bands]))


def test_bands_have_factors_and_lags_of_their_own() -> None:
    rng = np.random.default_rng(6)
    sizes = (1.0, 0.35, 2.5)
    bands = [
        star(rng, 90, 0.61, 0.01, size, lag)
        for size, lag in zip(sizes, (0, 0.03, -0.02), strict=True)
    ]
    found = solve(bands, 1 / 0.61)
    whole = np.ptp(curve(np.linspace(0, 1, 10_000)))
    for k, size in enumerate(sizes):
        assert found[f"amplitude_{k}"] == pytest.approx(size * whole, abs=0.02)
    # lags would otherwise be noise of more than 0.05
    assert found["psi"] < 0.08
    assert abs(1 / found["frequency"] - 0.61) < 4 * found["period_err"]


def test_errors_need_not_be_known() -> None:
    rng = np.random.default_rng(7)
    t, y, _ = star(rng, 100, 0.61, 0.03)
    ones, small = (solve([(t, y, np.full(100, e))], 1 / 0.61) for e in (1.0, 1e-4))
    for name, value in ones.items():
        assert small[name] == pytest.approx(value, rel=1e-6, nan_ok=True)
    assert ones["psi"] == pytest.approx(0.03 / np.std(curve(np.linspace(0, 1, 999))), rel=0.25)
    noise = solve([(t, rng.normal(size=100), np.ones(100))], 1 / 0.61)
    assert noise["psi"] == pytest.approx(1, abs=0.1)


def test_few_epochs_and_none() -> None:
    rng = np.random.default_rng(8)
    t, y, e = star(rng, 40, 0.61, 0.02)
    for n in range(41):
        found = solve([(t[:n], y[:n], e[:n])], 1 / 0.61)
        # a mean, two amplitudes, a frequency, and two more
        assert np.isfinite(found["period_err"]) == (n >= 6)
        assert np.isfinite(found["r21"]) == (n >= 8)
        assert np.isfinite(found["r31"]) == (n >= 10)
    single = solve(
        [(t, y, e), (t[:1], y[:1], e[:1]), (t[:2], y[:2], e[:2]), ([], [], [])], 1 / 0.61
    )
    assert np.isfinite(single["amplitude_0"])
    assert all(np.isnan(single[f"amplitude_{k}"]) for k in (1, 2, 3))
    for bad in (
        solve([(t, np.full(40, 3.0), e)], 1 / 0.61),
        solve([(np.full(40, 5.0), y, e)], 1 / 0.61),
        solve([(t, y, e)], np.nan),
    ):
        assert np.isnan(list(bad.values())).all()


def test_many_light_curves_are_as_each_alone() -> None:
    rng = np.random.default_rng(9)
    stars = [[star(rng, int(n), 0.61, 0.03) for n in rng.integers(0, 60, 2)] for _ in range(8)]
    flat = [band for bands in stars for band in bands]
    t, y, e = (np.concatenate([b[k] for b in flat]) for k in range(3))
    offsets = np.cumsum([0, *(len(b[0]) for b in flat)])
    profiles = np.zeros((2, 8))
    profiles[0], profiles[1, :2] = PULSE, [0.9, 0.1]
    kind = np.arange(8) % 2
    out = np.empty((len(SOLUTION) + 2, 8))
    solve_periods(t, y, e, offsets, 2, 0.01, 0.1, np.full(8, 1 / 0.61), kind, profiles, False, out)
    for k, bands in enumerate(stars):
        profile = PULSE if kind[k] == 0 else np.array([0.9, 0.1])
        alone = solve(bands, 1 / 0.61, profile, is_magnitude=False, floor=(0.01, 0.1))
        np.testing.assert_array_equal(out[:, k], list(alone.values()))
