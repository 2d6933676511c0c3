"""Around a periodogram: window, aliases, prewhitening, changing and very short periods."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from skyseries.timeseries import (
    compute_periods,
    periodogram,
    prewhiten,
    search_drift,
    window_function,
)
from skyseries.timeseries.periods import searching, streaming
from skyseries.timeseries.periods.aliases import mark_aliases
from skyseries.timeseries.periods.methods import find_method
from skyseries.timeseries.periods.streaming import stream_peaks
from tests.timeseries.build import MAG, column

Array = np.ndarray


def nights(rng: np.random.Generator, n: int, years: float) -> Array:
    """Return times of a survey: half a year in each, within four hours of midnight."""
    day = rng.choice(int(years * 365.25), n)
    season = day % 365.25 < 183
    day[~season] -= 182
    return 60000.0 + day + rng.uniform(-0.17, 0.17, n)


def test_window_function() -> None:
    rng = np.random.default_rng(1)
    t = 60000 + np.arange(50) + rng.uniform(-0.01, 0.01, 50)
    f = np.array([0.0, 0.013, 0.5, 1.0, 1.3])
    expected = [abs(np.sum(np.exp(2j * np.pi * x * (t - 60000)))) ** 2 / 50**2 for x in f]
    np.testing.assert_allclose(window_function([*t, np.nan], f), expected, atol=1e-9)
    assert window_function(t, [0.0, 1.0]) == pytest.approx([1.0, 1.0], abs=0.01)
    assert np.isnan(window_function([], [1.0])).all()
    with pytest.raises(ValueError, match="rows"):
        window_function([[1.0]], [1.0])


def test_daily_aliases_are_marked() -> None:
    rng = np.random.default_rng(2)
    t = nights(rng, 150, 3)
    y = np.sin(2 * np.pi * 0.2713 * t) + rng.normal(0, 0.1, 150)
    result = periodogram(t, y, np.full(150, 0.1), min_period=0.3, max_period=20)
    found = result.candidates(6)
    assert [c.frequency for c in found] == result.peaks(6).tolist()
    assert found[0].alias_of is None
    assert found[0].relation is None
    assert found[0].period == pytest.approx(1 / 0.2713, rel=1e-3)
    relations = {c.relation for c in found if c.alias_of == 0}
    # three years tell the two kinds of day apart
    assert relations & {"f + 1/day", "|f - 1/day|", "f + 1/sidereal day", "|f - 1/sidereal day|"}
    np.testing.assert_allclose([c.power for c in found], result.power_at(result.peaks(6)))


@pytest.mark.parametrize(
    ("lower", "relation"),
    [
        (1.3, "f + 1/day"),
        (2.3, "f + 2/day"),
        (0.7, "|f - 1/day|"),
        (0.3 + 1.0027379, "f + 1/sidereal day"),
        (0.6, "2 f"),
        (0.15, "f / 2"),
        (0.9, "3 f"),
        (0.1, "f / 3"),
        (0.3 + 1 / 365.25, "f + 1/year"),
        (0.3 - 2 / 365.25, "f - 2/year"),
        (0.3 + 1 / 29.53, "f + 1/month"),
        (1.6, "2 f + 1/day"),
        (0.85, "|f / 2 - 1/day|"),
        (0.4441, None),
    ],
)
def test_relations(lower: float, relation: str | None) -> None:
    f, power = np.array([0.3, lower, lower + 1]), np.array([3.0, 2.0, 1.0])
    found = mark_aliases(f, power, 3000.0, (0.01, 10.0))
    assert (found[1].relation, found[1].alias_of) == (relation, None if relation is None else 0)
    if relation is None:
        assert (found[2].alias_of, found[2].relation) == (1, "f + 1/day")


def test_short_light_curves_have_no_yearly_aliases() -> None:
    f, power = np.array([0.42, 0.42 + 1.1 / 20]), np.array([2.0, 1.0])
    assert mark_aliases(f, power, 20.0, (0.05, 10.0))[1].alias_of is None


def test_peaks_at_the_ends_of_the_search_are_marked() -> None:
    rng = np.random.default_rng(0)
    t = np.sort(rng.uniform(0, 50, 80))
    trend = periodogram(t, 0.02 * t + rng.normal(0, 0.05, 80), 0.05)
    best, second = trend.candidates(2)
    assert best.period == pytest.approx(np.ptp(t), rel=0.01)
    assert (best.at_limit, second.at_limit) == (True, False)
    fast = periodogram(t, np.sin(2 * np.pi * t / 0.6), 0.05, min_period=0.6, max_period=20)
    assert fast.candidates(1)[0].at_limit
    whole = periodogram(t, np.sin(2 * np.pi * t / 0.6), 0.05, min_period=0.5, max_period=20)
    assert not whole.candidates(1)[0].at_limit


def test_prewhitening_recovers_planted_frequencies() -> None:
    rng = np.random.default_rng(3)
    n, true_f = 400, np.array([0.4121, 1.2347, 0.7713])
    amplitude, phase = np.array([0.5, 0.3, 0.2]), np.array([0.3, -1.0, 2.0])
    pulls = []
    for _ in range(20):
        t = 60000 + rng.uniform(0, 100, n)
        code = rng.integers(0, 3, n)
        arguments = 2 * np.pi * np.outer(t - 60050, true_f) + phase
        y = 18 + code + np.cos(arguments) @ amplitude + rng.normal(0, 0.1, n)
        found = prewhiten(t, y, np.full(n, 0.1), code, n=3, min_period=0.5)
        assert abs(found.frequency - true_f).max() < 1e-3
        np.testing.assert_allclose(found.amplitude[:, 0], amplitude, atol=0.05)
        shift = 2 * np.pi * true_f * (found.reference_time - 60050)
        turned = (found.phase[:, 0] - phase - shift + np.pi) % (2 * np.pi) - np.pi
        pulls.append([
            *(found.frequency - true_f) / found.frequency_error,
            *(found.amplitude[:, 0] - amplitude) / found.amplitude_error,
            *turned / found.phase_error,
        ])  # fmt: skip
        assert (found.signal_to_noise > 10).all()
        assert found.scatter == pytest.approx(0.1, rel=0.15)
        assert found.residual.std() == pytest.approx(found.scatter, rel=0.01)
        assert found.period == pytest.approx(1 / found.frequency)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)  # the errors are what they say
    assert abs(np.mean(pulls)) < 0.3


def test_prewhitening_of_noise_and_of_too_few_epochs() -> None:
    rng = np.random.default_rng(4)
    t = rng.uniform(0, 100, 200)
    noise = prewhiten(t, rng.normal(0, 1, 200), n=2, min_period=1)
    assert (noise.signal_to_noise < 4.5).all()
    assert prewhiten(t[:8], rng.normal(0, 1, 8), n=5, min_period=5).frequency.size == 2
    assert prewhiten(t[:3], rng.normal(0, 1, 3), n=5, min_period=5).frequency.size == 0
    pure = prewhiten(t, np.sin(2 * np.pi * 0.3 * t), n=4, min_period=1)
    assert pure.frequency[0] == pytest.approx(0.3, abs=1e-8)
    assert pure.frequency.size < 4
    harmonic = np.sin(2 * np.pi * 0.3 * t) + 0.5 * np.cos(4 * np.pi * 0.3 * t)
    two = prewhiten(t, harmonic + rng.normal(0, 0.01, 200), n=1, nterms=2, min_period=1)
    assert two.amplitude[0] == pytest.approx([1.0, 0.5], abs=0.01)
    with pytest.raises(ValueError, match="n must be a whole number"):
        prewhiten(t, harmonic, n=0)
    with pytest.raises(ValueError, match="no periodogram"):
        prewhiten([1.0, 2.0], [3.0, 3.0])


def test_a_decaying_binary_is_found_by_its_rate_only() -> None:
    rng = np.random.default_rng(5)
    n, span, f, rate = 150, 700.0, 72.013, 6e-7
    t = 60000 + np.sort(rng.uniform(0, span, n))
    t[0], t[-1] = 60000, 60000 + span
    since = t - 60000 - span / 2
    cycles = f * since + 0.5 * f * rate * since**2
    band = rng.integers(0, 3, n)
    y = 18 + band + 0.3 * np.sin(2 * np.pi * cycles) + rng.normal(0, 0.1, n)
    limits: dict[str, Any] = {"min_period": 1 / 90, "max_period": 1 / 60}
    plain = periodogram(t, y, np.full(n, 0.1), band, **limits)
    assert (np.abs(plain.peaks(5) - f) > 5 / span).all()
    found = search_drift(t, y, np.full(n, 0.1), band, max_rate=1e-6, **limits)
    assert found.frequency == pytest.approx(f, abs=0.1 / span)
    assert found.frequency_derivative == pytest.approx(f * rate, rel=0.01)
    assert found.period_derivative == pytest.approx(-rate / f, rel=0.01)
    assert found.period == pytest.approx(1 / f)
    assert found.reference_time == pytest.approx(60000 + span / 2)
    assert found.power > 0.75 > 0.5 > found.power_without
    assert found.power_without == pytest.approx(plain.power.max(), abs=1e-5)


def test_drift_parameters() -> None:
    t = np.linspace(0, 100, 50)
    y = np.sin(t)
    for rate in (0.0, -1e-3, 0.01, np.nan):
        with pytest.raises(ValueError, match="max_rate"):
            search_drift(t, y, max_rate=rate)
    with pytest.raises(ValueError, match="trials are too many"):
        search_drift(t, y, max_rate=9e-3, min_period=1e-4)
    with pytest.raises(ValueError, match="oversampling"):
        search_drift(t, y, max_rate=1e-3, oversampling=0)


@pytest.mark.parametrize("method", ["lombscargle", "pdm"])
@pytest.mark.parametrize("chunk", [4096, 1 << 14])
def test_streamed_peaks_are_those_of_the_whole_grid(method: str, chunk: int) -> None:
    rng = np.random.default_rng(6)
    t = rng.uniform(0, 300, 40)
    result = periodogram(t, rng.normal(0, 1, 40), method=method, min_period=0.05, max_period=100)
    found = find_method(method)
    step = result.frequency[1] - result.frequency[0]
    reach = streaming.reach_of(1 / step / result._curve.span)
    peaks = stream_peaks(
        found, result._curve, result.options, result.frequency[0], step, result.power.size,
        reach, 12, chunk,
    )  # fmt: skip
    order = np.argsort(-result.power, kind="stable")
    expected: list[int] = []
    for k in order:  # a peak is nowhere topped within its reach
        near = slice(max(0, k - reach), k + reach + 1)
        if (
            result.power[k] == result.power[near].max()
            and not (result.power[near.start : k] == result.power[k]).any()
        ):
            expected.append(int(k))
    assert [k for k, _ in peaks] == expected[:12]
    np.testing.assert_allclose([p for _, p in peaks], result.power[expected[:12]], atol=2e-6)


def test_twenty_minutes_over_ten_years(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    counts = {"u": 80, "g": 90, "r": 200, "i": 180}
    band = np.repeat(list(counts), list(counts.values()))
    n = band.size
    t = nights(rng, n, 10)
    y = 20 + 0.05 * np.sin(2 * np.pi * t * 72.00131) + rng.normal(0, 0.05, n)
    row = {"time": t, "band": band.tolist(), "value": y, "error": np.full(n, 0.05)}
    made = column([row], MAG)
    settings: dict[str, Any] = {"min_period": 3 / 1440, "max_period": 1 / 40, "error_floor": 0.0}
    compute_periods(made, MAG, **settings)  # compile
    tracemalloc.start()
    table = compute_periods(made, MAG, **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 8e6 frequencies, of which a million are held at a time
    assert peak < 20 * streaming.CHUNK
    period = table["period"][0].as_py()
    assert abs(1 / period - 72.00131) < 0.1 / np.ptp(t)
    assert table["period_fap"][0].as_py() < 1e-6
    monkeypatch.setattr(searching, "CHUNK", 10**9)  # all at once
    assert compute_periods(made, MAG, **settings).equals(table)
