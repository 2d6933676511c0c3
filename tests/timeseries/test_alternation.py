"""Dips that alternate, against a dense linear model, and what orbits come of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyseries.timeseries.kernels.alternation import alternation, without_outliers
from skyseries.timeseries.kernels.evidence import (
    NARROW,
    SINE,
    Bench,
    best_shape,
    make_bench,
    series,
)
from tests.timeseries.test_period_choice import ANY, NOISE, TURN, eclipses, search

DIPS = 1.7
"""Days between two dips."""


def dips(change: float) -> Any:
    """Return alike dips, those of even cycles deeper and those of odd ones shallower."""
    phase = ANY / DIPS
    cycle = np.floor(phase)  # there is no dip where one ends
    depth = 0.6 * (1 + change * np.where(cycle % 2 == 0, 1, -1))
    return depth * np.exp(-0.5 * ((phase - cycle - 0.5) / 0.05) ** 2)


def bench_of(y: Any) -> Bench:
    """Return two bands of unlike brightness."""
    half = np.array([0, 100, 200])
    order = np.argsort(np.arange(200) % 2, kind="stable")
    return make_bench(ANY[order], (y + NOISE)[order], np.full(200, 0.03), half, 0.0, 0.25)


def fitted(bench: Bench) -> Any:
    _, place, share = best_shape(bench, 1 / DIPS, SINE, NARROW, 0.9)
    return series(bench, place, share)


@pytest.mark.parametrize("change", [0.0, 0.05, -0.2])
def test_alternation_is_the_evidence_of_one_more_column(change: float) -> None:
    bench = bench_of(dips(change))
    amplitude = fitted(bench)
    t, y, w = bench.times, bench.values, bench.weights
    turns = TURN / DIPS * np.outer(t, np.arange(1, amplitude.size // 2 + 1))
    model = np.cos(turns) @ amplitude[::2] + np.sin(turns) @ amplitude[1::2]
    x = np.linspace(0, 1, 193)[:-1]
    at = TURN * np.outer(x, np.arange(1, amplitude.size // 2 + 1))
    curve = np.cos(at) @ amplitude[::2] + np.sin(at) @ amplitude[1::2]
    sign = np.where(np.floor(t / DIPS - x[curve.argmin()]) % 2 == 0, 1, -1)
    column = sign * (model - curve.min())
    band = np.repeat(np.eye(2), 100, axis=0)
    plain = np.hstack([band, band * model[:, None]])
    root = np.sqrt(w)[:, None]
    rest = y - plain @ np.linalg.lstsq(root * plain, np.sqrt(w) * y, rcond=None)[0]
    column -= plain @ np.linalg.lstsq(root * plain, np.sqrt(w) * column, rcond=None)[0]
    noise = w @ rest**2
    slope = w @ (column * rest) / (w @ column**2)
    if abs(slope) < 0.03:
        slope = 0.0
    # one column with a normal prior of 0.3: the matrix determinant lemma
    free = bench.n_free - amplitude.size
    information = free * (w @ column**2) / noise
    gained = slope**2 * (w @ column**2) * information / (information + 1 / 0.3**2)
    expected = -0.5 * np.log(1 + information * 0.3**2)
    expected -= 0.5 * free * np.log(1 - gained / noise)
    assert alternation(bench, 1 / DIPS, amplitude) == pytest.approx(expected, abs=1e-6)
    assert (expected > 5) == (change != 0)


def test_outliers_weigh_less() -> None:
    y = dips(0.0)
    bench = bench_of(y)
    amplitude = fitted(bench)
    clean = without_outliers(bench, 1 / DIPS, amplitude)
    assert np.corrcoef(clean.weights, bench.weights)[0, 1] > 0.9
    y[7] += 3.0
    spoiled = bench_of(y)
    robust = without_outliers(spoiled, 1 / DIPS, amplitude)
    worst = np.abs(spoiled.values).argmax()
    assert robust.weights[worst] < 1e-3 * np.median(robust.weights)
    assert robust.weights.sum() == pytest.approx(1)
    assert robust.weights @ robust.values**2 == pytest.approx(1)


@pytest.mark.parametrize("change", [0.06, 0.15])
def test_nearly_equal_eclipses_come_at_their_orbit(change: float) -> None:
    found = search(ANY, dips(change) + NOISE)
    assert found["period"] == pytest.approx(2 * DIPS, rel=1e-4)
    assert found["period_flag"] == "ok"


def test_equal_eclipses_are_said_to_be_half_or_double() -> None:
    found = search(ANY, dips(0.0) + NOISE)
    assert found["period_flag"] in {"half", "double"}
    assert np.abs(np.array(found["period_peaks"]) / DIPS - 2).min() < 1e-3
    assert np.abs(np.array(found["period_peaks"]) / DIPS - 1).min() < 1e-3


@pytest.mark.parametrize("apart", [0.2, 0.25, 0.33])
def test_eclipses_that_are_not_evenly_spaced(apart: float) -> None:
    """A sinusoid finds a fifth, a quarter or a third of the orbit."""
    rng = np.random.default_rng(2)
    t = np.sort(rng.uniform(0, 900, 500))
    phase = t / 5.3
    y = 0.5 * eclipses(phase, 0.0, 0.015) + 0.4 * eclipses(phase + apart, 0.0, 0.015)
    found = search(t, y + 0.02 * rng.standard_normal(500), error=0.02)
    assert found["period"] == pytest.approx(5.3, rel=1e-4)


def test_a_pulsation_that_is_a_sinusoid_in_flux_is_no_contact_binary() -> None:
    rng = np.random.default_rng(6)
    doubled = 0
    for _ in range(10):
        t = np.sort(rng.uniform(0, 1500, 300))
        y = -2.5 * np.log10(1 + 0.18 * np.sin(TURN * t / 0.15)) + 0.02 * rng.standard_normal(300)
        found = search(t, y, error=0.02)
        doubled += found["period"] > 0.2 and found["period_flag"] == "ok"
    assert doubled == 0
