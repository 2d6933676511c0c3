"""Whether a period is believed: likelihoods against dense matrices, false alarms, known kinds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from skyseries.timeseries.kernels.belief import (
    BELIEVED,
    FEW,
    N_NUMBERS,
    NOISE,
    RED,
    TREND,
    UNKNOWN,
    judge_period,
    judge_periods,
)
from skyseries.timeseries.kernels.harmonics import prepare
from skyseries.timeseries.kernels.lombscargle import grid_power
from skyseries.timeseries.kernels.walks import (
    WHITE,
    best_walk,
    fill_equations,
    fill_residuals,
    solve_equations,
)

Floats = NDArray[np.float64]
Rng = np.random.Generator

HIGH = 10.0


def random_walk(rng: Rng, t: Floats, tau: float) -> Floats:
    covariance = np.exp(-np.abs(t[:, None] - t) / tau) + 1e-10 * np.eye(t.size)
    return np.linalg.cholesky(covariance) @ rng.standard_normal(t.size)


def nights(rng: Rng, n: int, span: float) -> Floats:
    """Times of a survey: one site, half of each year."""
    t = np.sort(rng.uniform(0, span, 3 * n))
    t = t[(t % 365) < 210]
    return np.sort(rng.choice(np.floor(t), n, replace=False) + rng.uniform(0.3, 0.6, n))


def best_frequency(t: Floats, y: Floats, e: Floats) -> float:
    """Where the sinusoid fits best."""
    times, weights, values = (np.empty(t.size) for _ in range(3))
    start, bounds = np.zeros(2, np.int64), np.array([0, t.size])
    prepare(t, y, e, bounds, 0.0, 0.25, times, weights, values, start)
    low, step = 0.5 / np.ptp(t), 0.1 / np.ptp(t)
    power = np.empty(int((HIGH - low) / step), np.float32)
    grid_power(times, weights, values, start, 1, low, step, power)
    return float(low + step * np.argmax(power))


def judge(t: Floats, y: Floats, e: Floats, frequency: float | None = None) -> tuple[int, Floats]:
    """Judge a light curve of one band, at its highest peak by default."""
    numbers = np.empty(N_NUMBERS)
    f = best_frequency(t, y, e) if frequency is None else frequency
    code = judge_period(t, y, e, np.array([0, t.size]), f, HIGH, 0.0, False, numbers)
    return code, numbers


def dense(t: Floats, r: Floats, u: float, w: float) -> Floats:
    return np.exp(w - np.abs(t[:, None] - t) / np.exp(u)) + np.diag(r)


def dense_likelihood(t: Floats, x: Floats, r: Floats, u: float, w: float) -> float:
    """-2 ln L with mean and scale at their best."""
    matrix = dense(t, r, u, w)
    weighted = np.linalg.solve(matrix, np.ones(t.size))
    rest = x - weighted @ x / weighted.sum()
    freedom = t.size - 1
    square = rest @ np.linalg.solve(matrix, rest)
    return float(freedom * np.log(square / freedom) + np.linalg.slogdet(matrix)[1])


@pytest.mark.parametrize(("tau", "error"), [(20.0, 0.1), (1.0, 0.5), (300.0, 0.02)])
def test_the_best_walk_is_as_likely_as_that_of_a_dense_search(tau: float, error: float) -> None:
    rng = np.random.default_rng([7, int(tau)])
    t = np.sort(rng.uniform(0, 200, 60))
    r = (error * rng.uniform(0.5, 2, 60)) ** 2
    x = 3.0 * (random_walk(rng, t, tau) + np.sqrt(r) * rng.standard_normal(60))
    u, w, found = best_walk(t, x, r, 59, (0.0, WHITE, 0.0))
    np.testing.assert_allclose(found, dense_likelihood(t, x, r, u, w), rtol=1e-9)
    best = min(
        minimize(
            lambda p: dense_likelihood(t, x, r, *p), start, method="Nelder-Mead",
            bounds=[(-3, np.log(2000)), (-12, 12)],
        ).fun
        for start in [(u, w), (np.log(tau), 0.0), (3.0, 2.0)]
    )  # fmt: skip
    assert best - 1e-6 <= found <= best + 0.5


def test_white_noise_is_no_walk() -> None:
    rng = np.random.default_rng(3)
    t, x = np.arange(50.0), np.where(np.arange(50) % 2, 1.0, -1.0)  # anticorrelated
    r = rng.uniform(0.5, 1.5, 50)
    _, w, found = best_walk(t, x, r, 49, (0.0, WHITE, 0.0))
    assert w == WHITE
    np.testing.assert_allclose(found, dense_likelihood(t, x, r, 0.0, WHITE), rtol=1e-12)


def test_linear_models_are_whitened_as_by_dense_matrices() -> None:
    rng = np.random.default_rng(5)
    n, n_bands, walk = 40, 3, (1.2, 0.4, 0.0)
    t, x = np.sort(rng.uniform(0, 50, n)), rng.standard_normal(n)
    r, band = rng.uniform(0.1, 1.0, n), rng.integers(0, n_bands, n)
    design, prior, noise = rng.standard_normal((n, 4)), np.array([2.0, 2.0, 0.3, 0.3]), 0.7
    gram, right = np.empty((7, 7)), np.empty(7)
    square = fill_equations(t, x, r, band, design, walk, gram, right)
    coefficient, rest = np.empty(7), np.empty(n)
    misfit, penalty = solve_equations(
        gram, right, square, prior, noise, 2, coefficient, np.empty((7, 7))
    )
    fill_residuals(x, band, design, coefficient, rest)

    inverse = np.linalg.inv(dense(t, r, walk[0], walk[1]))
    whole = np.column_stack([np.eye(n_bands)[band], design])
    ridge = np.diag([0.0] * n_bands + list(noise / prior))
    expected = np.linalg.solve(whole.T @ inverse @ whole + ridge, whole.T @ inverse @ x)
    np.testing.assert_allclose(coefficient, expected, rtol=1e-7)
    np.testing.assert_allclose(rest, x - whole @ expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(misfit, rest @ inverse @ rest, rtol=1e-7)
    # the volume of the prior over that of the posterior: of all, less that of the first two
    full = np.linalg.slogdet(whole.T @ inverse @ whole + ridge)[1]
    part = (whole.T @ inverse @ whole + ridge)[:5, :5]
    volume = full - np.linalg.slogdet(part)[1] + np.log(prior[2:] / noise).sum()
    np.testing.assert_allclose(penalty, volume + (expected[3:] ** 2 / prior).sum(), rtol=1e-7)


def test_false_alarms_are_as_rare_as_they_say() -> None:
    rng = np.random.default_rng(11)
    white, red, blind = [], [], []
    for _ in range(60):
        t = nights(rng, 120, 1500.0)
        e = np.full(t.size, 0.05)
        noise = e * rng.standard_normal(t.size)
        white.append(judge(t, noise * rng.choice([0.5, 1.0, 2.0]), e)[1][0])
        tau = np.exp(rng.uniform(np.log(30), np.log(500)))
        numbers = judge(t, 0.2 * random_walk(rng, t, tau) + noise, e)[1]
        red.append(numbers[1])
        blind.append(numbers[0])
    assert np.mean(np.array(white) < 0.1) <= 0.2
    assert np.mean(np.array(red) < 0.1) <= 0.2
    assert min(white) > 1e-3
    assert np.sum(np.array(red) < 1e-3) <= 1
    # what white noise says of the same walks
    assert np.mean(np.array(blind) < 1e-3) > 0.8


def sawtooth(phase: Floats) -> Floats:
    """The shape of an RR Lyrae star in magnitudes."""
    phase = phase % 1
    return np.where(phase < 0.85, phase / 0.85, (1 - phase) / 0.15) - 0.5


def supernova(t: Floats, peak: float) -> Floats:
    after = t - peak
    return np.where(after < 0, np.exp(-((after / 8) ** 2)), np.exp(-after / 25))


def eclipses(phase: Floats) -> Floats:
    narrow = (phase + 0.5) % 1 - 0.5
    wide = phase % 1 - 0.5
    return 0.8 * np.exp(-((narrow / 0.03) ** 2)) + 0.3 * np.exp(-((wide / 0.03) ** 2))


def known_kinds() -> dict[str, tuple[Floats, Floats, Floats, float | None, set[int]]]:
    rng = np.random.default_rng(17)
    t = nights(rng, 200, 1800.0)
    e = np.full(t.size, 0.03)
    noise = e * rng.standard_normal(t.size)
    long = 600.0 * (1 + 0.02 * np.sin(t / 700))
    unsteady = 1 + 0.15 * np.interp(t, np.arange(0, 2400, 600.0), rng.standard_normal(4))
    lens = 1.2 * np.exp(-(((t - 900) / 25) ** 2))
    flare = np.where(np.isin(np.arange(t.size), [20, 90, 91]), 1.5, 0.0)
    weeks = np.sort(rng.uniform(0, 60, 40))
    return {
        "rr lyrae": (t, sawtooth(t / 0.5432) + noise, e, 1 / 0.5432, {BELIEVED}),
        "mira": (t, 3 * unsteady * np.sin(2 * np.pi * t / long) + noise, e, 1 / 600, {BELIEVED}),
        "binary": (t, eclipses(t / 3.217) + noise, e, 1 / 3.217, {BELIEVED}),
        "supernova": (t, 5 * supernova(t, 800.0) + noise, e, None, {FEW, RED, TREND}),
        "bright supernova only": (
            weeks, -2.5 * np.log10(supernova(weeks, 5.0)) + noise[:40], e[:40], None, {TREND, FEW},
        ),
        "microlensing": (t, lens + noise, e, None, {FEW}),
        "two bumps": (t, lens + np.roll(lens, 60) + noise, e, 1 / 600, {FEW}),
        "flares": (t, flare + noise, e, None, {FEW, NOISE}),
        "walk of months": (t, 0.3 * random_walk(rng, t, 90.0) + noise, e, None, {FEW, RED}),
        "walk of days": (t, 0.3 * random_walk(rng, t, 5.0) + noise, e, None, {RED, NOISE}),
        "line": (t, t / 900 + noise, e, None, {TREND}),
        "parabola": (t, (t / 900 - 1) ** 2 + noise, e, None, {TREND}),
        "line at one a day": (t, t / 900 + noise, e, 1.0 + 1 / 3000, {TREND}),
        "one cycle": (t, np.sin(2 * np.pi * t / 1500) + noise, e, 1 / 1500, {FEW, TREND}),
        "constant": (t, noise, e, None, {NOISE}),
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(known_kinds()))
def test_known_kinds(kind: str) -> None:
    t, y, e, frequency, allowed = known_kinds()[kind]
    code, numbers = judge(t, y, e, frequency)
    assert code in allowed, (code, numbers)
    if code == BELIEVED:
        assert numbers[1] < 1e-6


def test_zero_of_time_scale_and_order_are_no_matter() -> None:
    rng = np.random.default_rng(23)
    t = nights(rng, 150, 1200.0)
    e = np.full(t.size, 0.2)
    y = np.sin(2 * np.pi * t / 7.77) + random_walk(rng, t, 30.0) + e * rng.standard_normal(t.size)
    bounds = np.array([0, 50, 90, 150])
    shuffled = np.concatenate(
        [rng.permutation(np.arange(*b)) for b in [(0, 50), (50, 90), (90, 150)]]
    )
    mixed = rng.permutation(t.size)
    t, y = t[mixed], y[mixed]
    last_first = np.r_[90:150, 0:50, 50:90]
    found = []
    for order, edges, zero, scale, shift in [
        (shuffled, bounds, 0.0, 1.0, 0.0),
        (np.arange(150), bounds, 58000.0, 1.0, 0.0),
        (np.arange(150), bounds, 0.0, 7e-5, 0.0),
        (np.arange(150), bounds, 0.0, 3.0, 15.0),
        (last_first, np.array([0, 60, 110, 150]), 0.0, 1.0, 0.0),
    ]:
        numbers = np.empty(N_NUMBERS)
        code = judge_period(
            t[order] + zero, scale * y[order] + shift, scale * e[order], edges, 1 / 7.77, HIGH,
            0.0, False, numbers,
        )  # fmt: skip
        found.append((code, *np.log(numbers[:2]), *numbers[2:]))
    np.testing.assert_allclose(found[1:], [found[0]] * 4, rtol=1e-3)
    assert found[0][0] == BELIEVED


def test_many_light_curves_are_judged_as_each_is() -> None:
    rng = np.random.default_rng(29)
    t = nights(rng, 100, 900.0)
    e = np.full(t.size, 0.1)
    star = np.sin(2 * np.pi * t / 3.3) + e * rng.standard_normal(t.size)
    noise = e * rng.standard_normal(t.size)
    parts = [(t[:60], star[:60]), (t[60:], star[60:] + 1), (t, noise), (t[:0], noise[:0]),
             (t[:3], star[:3]), (t[3:6], star[3:6]), (t, star), (t[:0], star[:0])]  # fmt: skip
    offsets = np.cumsum([0, *(p[0].size for p in parts)])
    flat = [np.concatenate([p[k] for p in parts]) for k in (0, 1)]
    errors = np.full(offsets[-1], 0.1)
    frequency = np.array([1 / 3.3, 1 / 3.3, 1 / 3.3, np.nan])
    code, numbers = np.empty(4, np.int64), np.empty((N_NUMBERS, 4))
    judge_periods(flat[0], flat[1], errors, offsets, 2, frequency, HIGH, 0.0, code, numbers)
    assert code.tolist() == [BELIEVED, NOISE, code[2], UNKNOWN]
    assert code[2] in (NOISE, FEW)  # six epochs
    assert np.isnan(numbers[:, 3]).all()
    alone = np.empty(N_NUMBERS)
    assert (
        judge_period(flat[0], flat[1], errors, offsets[:3], 1 / 3.3, HIGH, 0.0, False, alone)
        == code[0]
    )
    np.testing.assert_array_equal(numbers[:, 0], alone)


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_few_epochs_are_never_believed(n: int) -> None:
    rng = np.random.default_rng(n)
    t = np.sort(rng.uniform(0, 30, n))
    e = np.full(n, 1e-3)
    y = np.sin(2 * np.pi * t / 5)
    assert judge(t, y, e, 1 / 5)[0] in (UNKNOWN, NOISE, FEW)
    assert judge(t, y, e, 1 / 50)[0] in (UNKNOWN, NOISE, FEW)
    assert judge(t, np.ones(n), e, 1 / 5)[0] in (UNKNOWN, NOISE, FEW)


def test_long_light_curves() -> None:
    rng = np.random.default_rng(31)
    t = np.arange(0, 90, 0.02)
    e = np.full(t.size, 0.1)
    noise = e * rng.standard_normal(t.size)
    assert judge(t, 0.1 * np.sin(2 * np.pi * t / 1.7) + noise, e, 1 / 1.7)[0] == BELIEVED
    steps = np.sqrt(0.02 / 5) * rng.standard_normal(t.size)
    code, numbers = judge(t, np.cumsum(steps) * 0.1 + noise, e)
    assert code in (RED, FEW, TREND)
    assert numbers[0] < 1e-6
