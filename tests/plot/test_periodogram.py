"""A drawn periodogram shows every peak, and says what the highest may be."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from skyseries.errors import InputError
from skyseries.plot.periodogram import plot_periodogram
from skyseries.timeseries import Periodogram, as_lightcurve

mpl.use("Agg")


@pytest.fixture(scope="module")
def found() -> Periodogram:
    rng = np.random.default_rng(3)
    t = np.round(np.sort(rng.uniform(0, 400, 200))) + rng.normal(0, 0.05, 200)
    y = 15 + 0.3 * np.sin(2 * np.pi * t / 0.6) + rng.normal(0, 0.02, t.size)
    return as_lightcurve(t, y, 0.02, magnitude=True).periodogram(min_period=0.2, max_period=10)


def test_peaks_are_marked(found: Periodogram) -> None:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2)
    for ax, x in zip(axes, ("period", "frequency"), strict=True):
        assert found.plot(ax, x=x, n=3) is ax
        assert ax.get_ylabel() == "lombscargle power"
        _, *marks = ax.get_lines()
        for mark, candidate in zip(marks, found.candidates(3), strict=True):
            place = candidate.period if x == "period" else candidate.frequency
            assert mark.get_xdata() == [place]
            assert mark.get_ydata() == [candidate.power]
            assert mark.get_label().startswith(f"{candidate.period:.6g} d")
        assert "1/day" in marks[1].get_label()
    assert axes[0].get_xscale() == "log"
    assert axes[0].get_xlabel() == "period [d]"
    assert axes[1].get_xlabel() == "frequency [1/d]"
    plt.close(figure)


def test_a_peak_at_the_limit_says_so() -> None:
    from matplotlib import pyplot as plt

    t = np.sort(np.random.default_rng(3).uniform(0, 100, 60))
    trend = as_lightcurve(t, 15 + 0.01 * t, 0.02, magnitude=True).periodogram(min_period=1)
    figure, ax = plt.subplots()
    trend.plot(ax, n=2)
    first, second = (mark.get_label() for mark in ax.get_lines()[1:])
    assert first.endswith("d (at the limit)")
    assert "limit" not in second
    plt.close(figure)


def test_without_marks(found: Periodogram) -> None:
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots()
    found.plot(ax, n=0)
    assert len(ax.get_lines()) == 1
    assert ax.get_legend() is None
    plt.close(figure)


@pytest.mark.parametrize("x", ["period", "frequency"])
def test_no_peak_is_lost_among_many_points(x: str) -> None:
    from matplotlib import pyplot as plt

    frequency = np.linspace(0.01, 10, 300_000)[::-1]
    power = np.random.default_rng(1).uniform(0, 0.1, frequency.size)
    power[[1000, 123_456, 299_000]] = 0.9
    figure, ax = plt.subplots()
    plot_periodogram(frequency, power, x=x, ax=ax)
    (line,) = ax.get_lines()
    along = 1 / np.asarray(line.get_xdata()) if x == "period" else np.asarray(line.get_xdata())
    assert along.size < 10_000
    high = np.asarray(line.get_ydata()) > 0.5
    np.testing.assert_allclose(along[high], np.sort(frequency[power > 0.5]))
    assert np.asarray(line.get_ydata()).min() == power.min()
    plt.close(figure)


def test_what_is_refused(found: Periodogram) -> None:
    for wrong in ({"x": "time"}, {"n": -1}, {"n": "a"}):
        with pytest.raises(InputError):
            found.plot(**wrong)  # type: ignore[arg-type]
