"""Sums by transforms against direct sums, and which of them a search takes."""

from __future__ import annotations

import numpy as np
import pytest

from skyseries.timeseries import compute_periods, periodogram
from skyseries.timeseries.periods import nufft, searching
from skyseries.timeseries.periods.methods import lombscargle
from tests.timeseries.build import MAG, column, sinusoid

pytest.importorskip("finufft", reason="needs finufft")


def prepared(n: int, n_bands: int) -> tuple[object, ...]:
    from skyseries.timeseries.kernels.harmonics import prepare

    rng = np.random.default_rng(n)
    offsets = np.linspace(0, n, n_bands + 1).astype(np.int64)
    t = rng.uniform(0, 900, n)
    y = (
        rng.normal(size=n)
        + np.sin(2 * np.pi * 3.3 * t)
        + np.repeat(np.arange(n_bands), np.diff(offsets))
    )
    arrays = [np.empty(n) for _ in range(3)]
    start = np.empty(n_bands + 1, np.int64)
    kept, _ = prepare(t, y, rng.uniform(0.5, 2, n), offsets, 0.0, 0.0, *arrays, start)
    return (*arrays, start, kept)


@pytest.mark.parametrize(("n", "n_bands", "size"), [(300, 1, 5001), (3000, 6, 4096), (9, 2, 64)])
def test_power_is_that_of_direct_sums(n: int, n_bands: int, size: int) -> None:
    from skyseries.timeseries.kernels.lombscargle import grid_power

    curve, direct, fast = (
        prepared(n, n_bands),
        np.empty(size, np.float32),
        np.empty(size, np.float32),
    )
    grid_power(*curve, 0.01, 1 / 4500, direct)
    nufft.nufft_power(*curve, 0.01, 1 / 4500, fast)
    np.testing.assert_allclose(fast, direct, atol=1e-5)


def test_long_light_curves_are_taken_by_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows = [sinusoid(rng, n, 2.7, span=100) for n in (40, 20_000, 0, 30)]
    calls = []

    def spy(*arguments: object) -> None:
        calls.append(arguments)
        nufft.nufft_power(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(lombscargle, "nufft_power", spy)
    found = compute_periods(column(rows, MAG), MAG)
    assert len(calls) == 1
    for module in (searching, lombscargle):
        monkeypatch.setattr(module, "is_faster", lambda *_: False)
    direct = compute_periods(column(rows, MAG), MAG)
    assert len(calls) == 1
    assert found["period"].is_valid().to_pylist() == [True, True, False, True]
    for name in ("period", "period_power"):
        np.testing.assert_allclose(
            found[name].drop_null().to_numpy(), direct[name].drop_null().to_numpy(), rtol=1e-9
        )


def test_without_the_package_sums_are_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nufft, "_is_installed", lambda: False)
    assert not nufft.is_faster(10**6, 1, 10**6)
    row = sinusoid(np.random.default_rng(4), 6000, 2.7, bands="g", span=50)
    result = periodogram(row["time"], row["value"], row["error"], row["band"])
    assert result.period_at_max_power == pytest.approx(2.7, rel=1e-4)
    np.testing.assert_allclose(
        result.power[::100], result.power_at(result.frequency[::100]), atol=1e-5
    )


def test_short_light_curves_are_never_taken_by_transforms() -> None:
    assert not nufft.is_faster(200, 1, 182_500)
    assert not nufft.is_faster(1030, 6, 182_500)
    assert nufft.is_faster(65_000, 1, 182_500)
