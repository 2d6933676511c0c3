"""Sums of harmonics against NumPy, and the evidence of Fourier series against dense matrices."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from skyseries.timeseries.kernels.evidence import (
    ECLIPSE,
    MOST_TERMS,
    N_SHAPES,
    NARROW,
    PROFILES,
    PULSE,
    SINE,
    TERMS,
    best_shape,
    log_evidence,
    make_bench,
    series,
)
from skyseries.timeseries.kernels.fourier import fill_normal, fill_sums

TURN = 2 * np.pi


def epochs(sizes: list[int], seed: int = 1, span: float = 300.0) -> tuple[Any, ...]:
    """Return times, weights that sum to 1, values of mean square 1 about the bands, and starts."""
    rng = np.random.default_rng(seed)
    start = np.cumsum([0, *sizes])
    t, w = rng.uniform(0, span, start[-1]), rng.uniform(0.5, 2, start[-1])
    w /= w.sum()
    y = rng.standard_normal(start[-1]) + np.sin(TURN * t / 3.3)
    for a, b in itertools.pairwise(start):
        y[a:b] -= w[a:b] @ y[a:b] / w[a:b].sum()
    return t, w, y / np.sqrt(w @ y**2), start


def design(t: Any, frequency: float, n_terms: int) -> Any:
    angle = TURN * frequency * np.multiply.outer(t, np.arange(1, n_terms + 1))
    return np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(t.size, -1)


def normal(t: Any, w: Any, y: Any, start: Any, frequency: float, n_terms: int) -> tuple[Any, Any]:
    """Return gram and right side of the columns less their means in each band."""
    x = design(t, frequency, n_terms)
    for a, b in itertools.pairwise(start):
        x[a:b] -= w[a:b] @ x[a:b] / w[a:b].sum()
    return x.T @ (w[:, None] * x), x.T @ (w * y)


@pytest.mark.parametrize("sizes", [[1], [40], [300], [130, 2, 128]])
def test_sums_are_those_of_numpy(sizes: list[int]) -> None:
    t, w, y, start = epochs(sizes) if sizes != [1] else (
        np.zeros(1), np.ones(1), np.ones(1), np.array([0, 1])
    )  # fmt: skip
    sums = np.full((len(sizes) + 1, 4, 25), np.nan)
    fill_sums(t, w, y, start, len(sizes), 1.7321, sums)
    for b, (lo, hi) in enumerate(itertools.pairwise(start)):
        angle = TURN * 1.7321 * np.multiply.outer(np.arange(25), t[lo:hi])
        c, s, v, x = np.cos(angle), np.sin(angle), w[lo:hi], y[lo:hi]
        np.testing.assert_allclose(sums[b], [c @ v, s @ v, c @ (v * x), s @ (v * x)], atol=1e-11)
    assert np.isnan(sums[-1]).all()


@pytest.mark.parametrize("multiple", [1, 2, 3])
def test_normal_equations_of_multiples(multiple: int) -> None:
    t, w, y, start = epochs([80, 3, 60])
    n_terms, f = 4, 0.3033
    sums = np.empty((3, 4, 1 + 2 * multiple * n_terms))
    fill_sums(t, w, y, start, 3, f, sums)
    gram, right = np.zeros((8, 8)), np.empty(8)
    fill_normal(sums, 3, multiple, n_terms, gram, right)
    expected = normal(t, w, y, start, multiple * f, n_terms)
    np.testing.assert_allclose(np.tril(gram), np.tril(expected[0]), atol=1e-12)
    np.testing.assert_allclose(right, expected[1], atol=1e-12)


def dense_evidence(
    data: tuple[Any, ...], frequency: float, profile: Any, n_terms: int, scale: float, n_free: int
) -> float:
    """Return the log of the marginal likelihood over that of constant bands.

    Amplitudes are normal, means flat, and the scale of the noise has the prior 1 / sigma.
    """
    t, w, y, start = data
    noise = np.diag(1 / (n_free * w))
    x = design(t, frequency, n_terms)
    bands = np.repeat(np.eye(start.size - 1), np.diff(start), axis=0)

    def marginal(c: Any) -> float:
        inverse = np.linalg.inv(c)
        means = bands.T @ inverse @ bands
        part = bands.T @ inverse @ y
        square = y @ inverse @ y - part @ np.linalg.solve(means, part)
        logs = np.linalg.slogdet(c)[1] + np.linalg.slogdet(means)[1]
        return float(-0.5 * logs - 0.5 * n_free * np.log(square))

    prior = np.repeat(profile[:n_terms], 2) * scale
    return marginal(noise + (x * prior) @ x.T) - marginal(noise)


@pytest.mark.parametrize("shape", [SINE, PULSE, ECLIPSE])
@pytest.mark.parametrize("sizes", [[60], [40, 25, 2]])
def test_evidence_is_the_marginal_likelihood(shape: int, sizes: list[int]) -> None:
    data = epochs(sizes, seed=4)
    n_free, n_terms, f = data[0].size - len(sizes), int(TERMS[shape]), 1 / 3.3
    gram, right = normal(*data, f, n_terms)
    for scale in (0.01, 1.0, 50.0):
        factor, solved = np.empty((2 * n_terms,) * 2), np.empty(2 * n_terms)
        found, share = log_evidence(
            gram, right, PROFILES[shape], n_terms, scale, n_free, factor, solved
        )
        expected = dense_evidence(data, f, PROFILES[shape], n_terms, scale, n_free)
        assert found == pytest.approx(expected, abs=1e-8)
        ridge = np.diag(1 / (n_free * scale * np.repeat(PROFILES[shape, :n_terms], 2)))
        assert share == pytest.approx(right @ np.linalg.solve(gram + ridge, right), abs=1e-10)


def bench_of(t: Any, y: Any, e: Any, bounds: Any | None = None) -> Any:
    edges = np.array([0, t.size]) if bounds is None else np.asarray(bounds)
    return make_bench(t, y, e, edges, 0.0, 0.0)


def planted() -> dict[int, Any]:
    """Return benches of one light curve of each plain shape but the wide eclipse, at 1.37 d."""
    rng = np.random.default_rng(5)
    t = rng.uniform(0, 200, 90)
    phase = t / 1.37 % 1
    shapes = {
        SINE: np.sin(TURN * phase),
        PULSE: np.minimum(phase / 0.85, (1 - phase) / 0.15),
        NARROW: np.exp(-0.5 * (np.minimum(phase, 1 - phase) / 0.02) ** 2),
    }
    noise = rng.normal(0, 0.02, 90)
    return {k: bench_of(t, curve + noise, np.full(90, 0.02)) for k, curve in shapes.items()}


@pytest.mark.parametrize("shape", [SINE, PULSE, NARROW])
def test_the_scale_of_a_shape_follows_from_what_it_explains(shape: int) -> None:
    bench = planted()[shape]
    data = bench.times, bench.weights, bench.values, bench.start
    n_terms = int(TERMS[shape])
    gram, right = normal(*data, 1 / 1.37, n_terms)
    worth, place, share = best_shape(bench, 1 / 1.37, shape, shape + 1, 0.5)
    assert place == shape
    best, guess = -np.inf, 0.5
    for _ in range(2):
        scale = max(guess / (1 - guess), 1 / bench.n_free)
        args = PROFILES[shape], n_terms, scale, bench.n_free
        best = max(best, dense_evidence(data, 1 / 1.37, *args))
        ridge = np.diag(1 / (bench.n_free * scale * np.repeat(PROFILES[shape, :n_terms], 2)))
        guess = right @ np.linalg.solve(gram + ridge, right)
    assert worth == pytest.approx(best, abs=1e-6)
    assert share == pytest.approx(guess, abs=1e-9)


@pytest.mark.parametrize("shape", [SINE, PULSE, NARROW])
def test_the_likeliest_shape_and_its_series(shape: int) -> None:
    bench = planted()[shape]
    data = bench.times, bench.weights, bench.values, bench.start
    share = 0.5
    for _ in range(3):
        worth, place, share = best_shape(bench, 1 / 1.37, SINE, NARROW + 1, share)
    best = [
        max(
            dense_evidence(data, 1 / 1.37, PROFILES[k], int(TERMS[k]), scale, bench.n_free)
            for scale in np.geomspace(0.1, 1e4, 30)
        )
        for k in range(NARROW + 1)
    ]  # fmt: skip
    assert place == np.argmax(best) == shape
    assert worth < best[place] + 0.05
    amplitude = series(bench, place, share)
    n_terms = int(TERMS[place])
    gram, right = normal(*data, 1 / 1.37, n_terms)
    prior = bench.n_free * share / (1 - share) * np.repeat(PROFILES[place, :n_terms], 2)
    expected = np.linalg.solve(gram + np.diag(1 / prior), right)
    np.testing.assert_allclose(amplitude, expected, atol=1e-9)


def test_profiles() -> None:
    assert PROFILES.shape == (N_SHAPES, MOST_TERMS)
    np.testing.assert_allclose(PROFILES.sum(axis=1), 1)
    for profile, n_terms in zip(PROFILES, TERMS, strict=True):
        assert (profile[:n_terms] > 0).all()
        assert (profile[n_terms:] == 0).all()
    # of an orbit the even harmonics are those of the plain shape, and the odd ones are less
    for k, plain in zip(range(NARROW + 1, N_SHAPES), np.repeat([1, 2, 3], 3), strict=True):
        even = PROFILES[k, 1:MOST_TERMS:2]
        np.testing.assert_allclose(even / even[0], (PROFILES[plain] / PROFILES[plain, 0])[:24])
        assert (PROFILES[k, 2 : TERMS[k] : 2] <= PROFILES[k, 1 : TERMS[k] - 1 : 2]).all()


def test_epochs_of_one_visit_count_once() -> None:
    rng = np.random.default_rng(6)
    night = 5.0 * np.arange(50) + rng.uniform(0, 1, 50)
    for bands, late, expected in [(1, 0.0, 49), (4, 0.002, 50), (4, 0.02, 200), (4, 0.0, 50)]:
        t = np.concatenate([night + late * b for b in range(bands)])
        y = rng.standard_normal(t.size)
        bench = bench_of(t, y, np.ones(t.size), 50 * np.arange(bands + 1))
        assert bench.n_free == expected
        assert bench.weights.sum() == pytest.approx(1)
        assert bench.weights @ bench.values**2 == pytest.approx(1)
    night, bounds = np.repeat([0.0, 1, 2, 3], 4), 4 * np.arange(5)
    few = bench_of(night, rng.standard_normal(16), np.ones(16), bounds)
    assert few.n_free == 12  # of 16 epochs, as they are, less the means
