"""What a search looks at by default, and the frequencies of the Earth and the Moon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyseries.timeseries.kernels.calendar import (
    DAILY,
    MONTHLY,
    YEARLY,
    calendar_of,
    cycle_of,
    is_at_limit,
)
from skyseries.timeseries.kernels.limits import SHORTEST, limits_of

NAN = np.nan


def limits(*bands: Any, low: float = NAN, high: float = NAN) -> tuple[float, float]:
    """Return the longest and the shortest period of light curves of some bands."""
    start = np.cumsum([0, *(len(b) for b in bands)])
    lowest, highest = limits_of(np.concatenate(bands), start, len(bands), low, high, 5.0)
    return 1 / lowest, 1 / highest


def sparse(seed: int = 1, n: int = 150, span: float = 3000.0) -> Any:
    return np.random.default_rng(seed).uniform(0, span, n)


def test_sparse_data_are_searched_from_an_hour_to_the_time_span() -> None:
    t = sparse()
    assert limits(t) == (pytest.approx(np.ptp(t)), SHORTEST)
    bands = np.array_split(t, 6)
    assert limits(*bands) == (pytest.approx(np.ptp(t)), SHORTEST)


@pytest.mark.parametrize("step", [0.02, 0.5, 30.0])
def test_even_sampling_ends_at_the_frequency_of_nyquist(step: float) -> None:
    grid = step * np.arange(400)
    assert limits(grid) == pytest.approx((399 * step, 2 * step))
    rng = np.random.default_rng(2)
    with_gaps = np.sort(rng.choice(grid, 300, replace=False))
    assert limits(rng.permutation(with_gaps))[1] == pytest.approx(2 * step)
    jitter = grid + rng.uniform(-0.2, 0.2, 400) * step
    assert limits(jitter)[1] == pytest.approx(min(SHORTEST, 2 * np.median(np.diff(jitter))))


def test_dense_data_are_searched_for_what_is_faster() -> None:
    rng = np.random.default_rng(3)
    t = (np.arange(5000) + rng.uniform(0, 0.99, 5000)) / 500
    usual = np.median(np.diff(np.sort(t)))  # none is below 0.1 s, which would not count
    assert limits(t)[1] == pytest.approx(2 * usual)
    # the best observed band says how dense they are, wherever it stands
    for bands in ([t, sparse(n=60, span=10)], [sparse(n=60, span=10), t]):
        assert limits(*bands)[1] == pytest.approx(2 * usual)
    # not beyond a million frequencies, 5 for each 1 / time span
    nights = np.concatenate([t[:2000] / 100 + night for night in range(0, 1000, 50)])
    longest, shortest = limits(nights)
    assert shortest == pytest.approx(5 * np.ptp(nights) / 1e6)
    assert 5 * np.ptp(nights) * (1 / shortest - 1 / longest) <= 1e6


def test_what_is_given_counts() -> None:
    t = sparse()
    span = pytest.approx(np.ptp(t))
    assert limits(t, low=0.1, high=2.0) == (10, 0.5)
    assert limits(t, low=0.1) == (10, SHORTEST)
    assert limits(t, high=2.0) == (span, 0.5)
    # where the other end would be on the wrong side
    assert limits(t, low=50.0) == (0.02, 0.01)
    # nor can a period be longer than the light curve, unless it is asked for
    assert limits(t, high=1 / 5000) == (span, 5000)
    for few in (np.array([3.0]), np.array([3.0, 3.0]), np.array([0.0, 7.0])):
        longest, shortest = limits(few)
        assert longest >= shortest == SHORTEST


DAY, STAR, MOON, YEAR = 1.0, 1.0027379, 1 / 29.530589, 1 / 365.25


@pytest.mark.parametrize(
    ("frequency", "other", "code"),
    [
        (0.003, 0.997, DAILY), (0.003, 1.003, DAILY), (0.003, STAR - 0.003, DAILY),
        (0.003, STAR + 0.003, DAILY), (1.7, 3.7, DAILY), (1.7, 0.3, DAILY), (1.7, 2.3, DAILY),
        (1.7, 1.7 + 25 * STAR, DAILY),
        (1.7, 1.7 + YEAR, YEARLY), (1.7, 1.7 - YEAR, YEARLY), (1.7, 1.7 + 3 * YEAR, YEARLY),
        (1.7, 1.7 + MOON, MONTHLY), (1.7, 1.7 - 2 * MOON, MONTHLY),
        (1.7, 1.7 + 5.5 * YEAR, 0), (1.7, 2.2, 0), (1.7, 0.85, 0), (0.3, 0.6, 0),
    ],
)  # fmt: skip
def test_frequencies_that_the_calendar_joins(frequency: float, other: float, code: int) -> None:
    for a, b in ((frequency, other), (other, frequency), (frequency + 4e-4, other)):
        assert calendar_of(a, b, 3000.0) == code


@pytest.mark.parametrize(
    ("frequency", "strong", "weak"),
    [
        (1.0, DAILY, DAILY), (STAR, DAILY, DAILY), (2.0, DAILY, DAILY), (3 * STAR, DAILY, DAILY),
        (1.0 + 2e-4, DAILY, DAILY), (YEAR, 0, YEARLY), (2 * YEAR, 0, YEARLY), (MOON, 0, MONTHLY),
        (2 * MOON, 0, MONTHLY), (1.003, DAILY, DAILY), (1.01, 0, 0), (0.5, 0, 0), (0.1, 0, 0),
    ],
)  # fmt: skip
def test_frequencies_of_the_calendar_itself(frequency: float, strong: int, weak: int) -> None:
    assert cycle_of(frequency, False, 3000.0) == strong
    assert cycle_of(frequency, True, 3000.0) == weak


def test_a_short_light_curve_knows_no_year() -> None:
    assert calendar_of(1.7, 1.7 + YEAR, 600.0) == 0
    assert calendar_of(1.7, 1.7 + YEAR, 800.0) == YEARLY
    assert calendar_of(1.7, 1.7 + MOON, 50.0) == 0
    assert calendar_of(1.7, 1.7 + MOON, 70.0) == MONTHLY
    assert cycle_of(YEAR, True, 600.0) == 0


def test_ends_of_a_search() -> None:
    low, high, span = 0.01, 5.0, 100.0
    for f, expected in [(0.01, True), (0.0105, True), (0.012, False), (4.9, False), (4.9995, True)]:
        assert is_at_limit(f, low, high, span) == expected
