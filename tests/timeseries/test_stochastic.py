"""Fits of stochastic variability against dense matrices, general optimisers and simulations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from skyseries.timeseries import compute_features
from skyseries.timeseries.kernels.drw import drw_likelihoods
from skyseries.timeseries.kernels.structure import segment_structure
from tests.timeseries.build import FLUX, MAG, ONE_BAND, column
from tests.timeseries.twins_stochastic import PARAMETERS, quasar

A = NDArray[Any]
SEEDS = range(4)


def walk(t: A, sigma: float, tau: float, rng: np.random.Generator) -> A:
    """Return a damped random walk, from each epoch to the next."""
    decay = np.exp(-np.diff(t, prepend=-np.inf) / tau)
    steps = sigma * np.sqrt(1 - decay**2) * rng.normal(size=len(t))
    x, last = np.empty(len(t)), 0.0
    for j, step in enumerate(steps):
        x[j] = last = decay[j] * last + step
    return x


def curve(seed: int, n: int = 90, sigma: float = 30.0, tau: float = 60.0) -> tuple[A, A, A]:
    rng = np.random.default_rng(seed)
    t = 60000 + np.sort(rng.uniform(0, 1000, n))
    e = rng.uniform(2, 8, n)
    return t, 500 + walk(t, sigma, tau, rng) + rng.normal(0, e), e


def features(t: A, x: A, e: A, names: list[str]) -> list[float | None]:
    table = compute_features(
        column([{"time": t, "value": x, "error": e}], ONE_BAND), ONE_BAND, names
    )
    return [table[name][0].as_py() for name in table.column_names]


def deviance(t: A, x: A, e: A, sigma: float, tau: float) -> float:
    """Return -2 ln L of a damped random walk by dense matrices, without n ln(2 pi)."""
    c = sigma**2 * np.exp(-np.abs(t[:, None] - t) / tau) + np.diag(e**2)
    ones, inverse = np.ones(len(t)), np.linalg.inv(c)
    d = x - (ones @ inverse @ x) / (ones @ inverse @ ones)
    return float(np.linalg.slogdet(c)[1] + d @ inverse @ d)


@pytest.mark.parametrize("seed", SEEDS)
def test_likelihood_is_that_of_dense_matrices(seed: int) -> None:
    t, x, e = curve(seed, n=25)
    t[5] = t[6]  # two epochs at one time
    tau, sigma = np.array([0.1, 5.0, 80.0, 3000.0]), np.geomspace(3, 300, 16)
    got = np.empty(16)
    drw_likelihoods(t, x - x[0], e**2, tau, sigma**2, np.empty(128), got)
    expected = [deviance(t, x, e, sigma[k], tau[k // 4]) for k in range(16)]
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_walk_of_the_greatest_likelihood(seed: int) -> None:
    t, x, e = curve(seed)
    sigma, tau, ratio = features(t, x, e, ["DRWSigma", "DRWTau", "DRWLogRatio"])
    found = minimize(
        lambda p: deviance(t, x, e, *np.exp(p)), np.log([30.0, 60.0]), method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-9},
    )  # fmt: skip
    assert [sigma, tau] == pytest.approx(np.exp(found.x), rel=2e-3)
    white = minimize_scalar(lambda s: deviance(t, x, e, np.exp(s), 1e-9), bounds=(1, 5))
    assert ratio == pytest.approx(0.5 * (white.fun - found.fun), abs=1e-3)


def test_walks_are_recovered() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(60):
        t = 60000 + np.sort(rng.uniform(0, 3650, 250))
        e = np.full(250, 3.0)
        x = 500 + walk(t, 30.0, 120.0, rng) + rng.normal(0, e)
        rows.append({"time": t, "value": x, "error": e})
    table = compute_features(column(rows, ONE_BAND), ONE_BAND, ["DRWSigma", "DRWTau", "SFGamma"])
    assert np.median(table["fluxDRWSigma"]) == pytest.approx(30.0, rel=0.08)
    assert np.median(table["fluxDRWTau"]) == pytest.approx(120.0, rel=0.15)
    assert np.std(np.log(table["fluxDRWTau"])) < 0.5


def test_white_noise_is_no_walk() -> None:
    rng = np.random.default_rng(6)
    t, e = 60000 + np.sort(rng.uniform(0, 1000, 80)), np.full(80, 5.0)
    names = ["DRWSigma", "DRWTau", "DRWLogRatio", "SFAmplitude", "SFGamma"]
    more = features(t, 500 + rng.normal(0, 20, 80), e, names)
    assert more[2] is not None
    assert more[2] < 3
    assert more[4] == pytest.approx(0, abs=0.1)
    # scatter below the errors: no walk at all
    assert features(t, 500 + rng.normal(0, 1, 80), e, names) == [0.0, None, 0.0, 0.0, None]


def structure(t: A, x: A, e: A, *, robust: bool) -> A:
    """Return (ln lag, variance, error variance, number) in bins of lag."""
    i, j = np.triu_indices(len(t), 1)
    lag, difference = t[j] - t[i], np.abs(x[j] - x[i])
    noise = e[i] ** 2 + e[j] ** 2
    edges = (t[-1] - t[0]) * 0.5 ** (0.5 * np.arange(32))
    place = np.minimum(np.searchsorted(-edges, -lag, side="right") - 1, 31)
    rows = []
    for k in np.unique(place):
        here = place == k
        mean = difference[here].mean()
        variance = np.pi / 2 * mean**2 if robust else (difference[here] ** 2).mean()
        rows.append([np.log(lag[here].mean() / 100), variance, noise[here].mean(), here.sum()])
    return np.array(rows).T


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_structure_function_of_the_greatest_likelihood(seed: int, robust: bool) -> None:
    t, x, e = curve(seed, n=60)
    suffix = "Robust" if robust else ""
    got = features(t, x, e, [f"SFAmplitude{suffix}", f"SFGamma{suffix}"])
    lag, total, noise, number = structure(t, x, e, robust=robust)

    def negative(p: A) -> float:
        v = np.exp(2 * p[0] + 2 * p[1] * lag) + noise
        return float(np.sum(number * (np.log(v) + total / v)))

    found = minimize(
        negative, [np.log(30.0), 0.2], method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-10},
    ).x  # fmt: skip
    assert got == pytest.approx([np.exp(found[0]), found[1]], rel=1e-4)


def test_structure_function_of_a_random_walk() -> None:
    rng = np.random.default_rng(8)
    n = 40
    t = np.concatenate([np.sort(rng.uniform(0, 1000, 300)) for _ in range(n)])
    y = np.concatenate([walk(t[300 * k : 300 * k + 300], 500.0, 1e5, rng) for k in range(n)])
    out = np.empty((4, n))
    segment_structure(t, y, np.full(t.size, 1e-3), 300 * np.arange(n + 1), out)
    assert np.median(out[1]) == pytest.approx(0.5, abs=0.1)
    assert np.median(out[3]) == pytest.approx(0.5, abs=0.1)
    assert np.median(out[0]) == pytest.approx(500 * np.sqrt(2 * 100 / 1e5), rel=0.1)


def iar_deviance(t: A, x: A, tau: float) -> float:
    decay, d = np.exp(-np.diff(t) / tau), x - x.mean()
    free = np.concatenate([[1.0], 1 - decay**2])
    rest = np.concatenate([[d[0]], d[1:] - decay * d[:-1]])
    return float(len(t) * np.log(np.mean(rest**2 / free)) + np.log(free).sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_irregular_autoregression(seed: int) -> None:
    t, x, e = curve(seed)
    (phi,) = features(t, x, e, ["IARPhi"])
    best = minimize_scalar(
        lambda u: iar_deviance(t, x, np.exp(u)), bounds=(-1, 7), options={"xatol": 1e-8}
    )
    assert phi == pytest.approx(np.exp(-np.exp(-best.x)), rel=1e-4)
    doubled = features(np.repeat(t, 2), np.repeat(x, 2) + np.tile([-3, 3], 90), np.repeat(e, 2),
                       ["IARPhi"])  # fmt: skip
    assert doubled == pytest.approx([phi], rel=1e-9)


def quasar_features(band: str, t: A, m: A, e: A) -> list[Any]:
    names = ["Chi2QSO", "Chi2False"]
    row = {"time": t, "band": [band] * len(t), "value": m, "error": e}
    table = compute_features(column([row], MAG), MAG, names)
    return [table[f"{band}_mag{name}"][0].as_py() for name in names]


@pytest.mark.parametrize("band", PARAMETERS)
def test_quasar_statistics(band: str) -> None:
    t, x, e = curve(3)
    t[4] = t[5]
    m, dm = 20 + x / 1000, e / 1000
    got = quasar_features(band, t, m, dm)
    assert got == pytest.approx(quasar(t, m, dm, band), rel=1e-8)
    names, row = ["Chi2QSO", "Chi2False"], {"time": t, "band": [band] * len(t)}
    table = compute_features(column([{**row, "value": x, "error": e}], FLUX), FLUX, names)
    got = [table[f"{band}_psfFlux{name}"][0].as_py() for name in names]
    scale = 2.5 / np.log(10) / np.median(x)
    assert got == pytest.approx(quasar(t, scale * x, scale * e, band), rel=1e-8)
    dark = compute_features(column([{**row, "value": -x, "error": e}], FLUX), FLUX, names)
    assert dark[f"{band}_psfFluxChi2QSO"].to_pylist() == [None]


def test_quasars_are_told_from_noise() -> None:
    rng = np.random.default_rng(9)
    t, e = 60000 + np.sort(rng.uniform(0, 2000, 100)), np.full(100, 0.02)
    variance, tau = 10**-4.34, 10**3.12
    like, unlike = (
        quasar_features("r", t, 19 + m + rng.normal(0, e), e)
        for m in (walk(t, np.sqrt(0.5 * variance * tau), tau, rng), rng.normal(0, 0.2, 100))
    )
    assert like[0] < 2
    assert like[1] > 3 * like[0]
    assert unlike[0] > 0.8 * unlike[1]


def test_mexican_hat_measures_the_variance_on_its_scale() -> None:
    rng = np.random.default_rng(10)
    t = 60000 + np.sort(rng.uniform(0, 2000, 1500))
    e = np.full(1500, 5.0)
    names = ["MHPSLow", "MHPSHigh"]
    slow = features(t, 50 * np.sin(2 * np.pi * t / 100), 1e-6 * e, names)
    assert slow[0] > 1000 > 20 > slow[1]  # type: ignore[operator]
    noise = features(t, 500 + rng.normal(0, e), e, names)
    assert noise == pytest.approx([0, 0], abs=3.0)


def test_long_light_curves_are_thinned() -> None:
    t, x, e = curve(1, n=1500)
    t, x, e = (np.concatenate([a, a + shift]) for a, shift in ((t, 1e3), (x, 0), (e, 0)))
    names = ["SFAmplitude", "SFGamma", "MHPSLow", "AutocorrelationLength"]
    assert features(t, x, e, names) == features(t[::2], x[::2], e[::2], names)
